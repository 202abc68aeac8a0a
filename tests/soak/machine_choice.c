#include "machine_choice.h"

#include <stdio.h>
#include <string.h>

/* M-codes of the machine's own: %s is what it is called. */
static const char *const codes[] = {
    "  - {name: own-%s, when: {gcode: %s}, do: [{set: {lamp: on}}, {report: lamp}]}\n",
    "  - {name: own-%s, when: {gcode: %s}, do: [{send: M106 S12}, {send: M105}]}\n",
    "  - {name: own-%s, when: {gcode: %s}, do: [{wait: motion}, {pulse: {point: horn, for: "
    "'${P:-200}ms', times: 2, every: 500ms}}, {say: shot}]}\n",
    "  - {name: own-%s, when: {gcode: %s}, do: [{wait: {point: door, for: high, timeout: 1s, "
    "else: [{say: still shut}]}}, {toggle: lamp}]}\n",
    "  - {name: own-%s, when: {gcode: %s}, do: [{set: {lamp: off}}], then: {replace: 'M220 "
    "K${K}'}}\n",
    "  - {name: own-%s, when: {gcode: %s}, do: [forward, {wait: 100ms}, {toggle: lamp}]}\n",
    "  - {name: own-%s, when: {gcode: %s}, do: [{wait: 300ms}], then: forward}\n",
    "  - {name: own-%s, when: {gcode: '%s( [A-Z](?<n>\\d+))*'}, do: [{say: 'n ${n}'}, {run: "
    "{program: "
    "photo, args: ['${n}']}}]}\n",
    "  - {name: own-%s, when: {gcode: %s}, do: [{wait: {temperature: {tool0: '< 40C'}, timeout: "
    "2s}}, {notify: cool}]}\n",
    "  - {name: own-%s, when: {gcode: %s}, do: [{mark: started}, {report: print}, {report: "
    "estop}]}\n",
};

/* What happens by itself. */
static const char *const events[] = {
    "  - {when: {point: door, becomes: change}, again: queue, do: [{pulse: {point: horn, for: "
    "300ms}}]}\n",
    "  - {when: {point: door, becomes: change}, again: ignore, do: [{pulse: {point: horn, for: "
    "700ms, times: 3, every: 1s}}], until: {print: cancelled}}\n",
    "  - {when: {point: door, becomes: on, for: 300ms}, if: {print: printing}, do: [pause, "
    "{notify: the door is open}]}\n",
    "  - {when: {point: door, becomes: off}, if: {print: paused}, do: [{wait: 2s}, resume]}\n",
    "  - {when: {point: door, becomes: on, for: 1s}, if: {print: [printing, paused]}, do: "
    "[cancel]}\n",
    "  - {when: {every: 1700ms}, do: [{send: M117 ours}]}\n",
    "  - {when: {every: 3s}, if: {printer: online}, do: [{send: M105}]}\n",
    "  - {when: {every: 2s}, do: [{set: {light: off}}, {set: {fan: on}}]}\n",
    "  - {when: {every: 4s}, again: queue, do: [{pulse: {point: fan, for: 1s}}]}\n",
    "  - {when: {print: started}, do: [{set: {fan: on}}, {wait: 5s}, {set: {fan: off}}], until: "
    "{print: [finished, cancelled, failed]}}\n",
    "  - {when: {print: [finished, failed, cancelled]}, do: [{say: over}, {send: M114}, {pulse: "
    "{point: horn, for: 1s}}]}\n",
    "  - {when: {print: [paused, resumed]}, do: [{toggle: lamp}, {send: M105}]}\n",
    "  - {when: {temperature: {tool0: '>= 30C'}}, do: [{set: {lamp: on}}]}\n",
    "  - {when: {temperature: {tool0: '< 30C'}}, do: [{set: {lamp: off}}, {send: M114}]}\n",
    "  - {when: {printer: [online, offline, reset, halted]}, do: [{say: printer}, {send: M105}]}\n",
    "  - {when: {board: [online, lost]}, do: [{toggle: lamp}, {say: board}]}\n",
    "  - {when: {host: [connected, disconnected]}, do: [{send: M115}, {set: {lamp: off}}]}\n",
    "  - {when: {host: silent, for: 10s}, do: [{pulse: {point: horn, for: 200ms}}]}\n",
    "  - {when: {reply: 'echo:busy: (?<what>\\w+)'}, again: ignore, do: [{say: 'it is "
    "${what}'}]}\n",
    "  - {when: start, do: [{set: {fan: on}}, {wait: 10s}, {set: {fan: off}}]}\n",
    "  - {when: {point: light, becomes: change}, do: [{send: M114}]}\n",
    "  - {when: {point: fan, becomes: on}, do: [{set: {lamp: on}}]}\n",
    "  - {when: {point: lamp, becomes: off}, do: [{set: {fan: off}}]}\n",
    "  - {when: {point: runout, becomes: on}, do: [{say: no filament}, {pulse: {point: horn, for: "
    "100ms, times: 5, every: 200ms}}]}\n",
    "  - {when: {point: button, becomes: change}, do: [{set: {light: off}}, {pulse: {point: light, "
    "for: 100ms}}]}\n",
    "  - {when: {point: light, becomes: unknown}, do: [{say: unknown}, {set: {light: off}}]}\n",
};

/* The same of those with power: what else would switch it. */
static const char *const power_events[] = {
    "  - {when: {print: [finished, failed]}, do: [{power: {off: true, after: 5s, when: cool}}]}\n",
    "  - {when: {print: cancelled}, do: [{power: {off: true}}]}\n",
    "  - {when: {point: door, becomes: off, for: 500ms}, do: [{power: off}]}\n",
    "  - {when: {point: door, becomes: on}, do: [{power: on}]}\n",
    "  - {when: {every: 5s}, if: {print: [printing, paused]}, do: [{set: {psu: off}}]}\n",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint32_t roll(struct machine_choice *choice, uint32_t sides)
{
    choice->dice = choice->dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(choice->dice >> 33) % sides;
}

static const char *one_of(struct machine_choice *choice, const char *const *words, uint32_t count)
{
    return words[roll(choice, count)];
}
#define ONE_OF(choice, ...)                                                                        \
    one_of(choice, (const char *const[]){__VA_ARGS__},                                             \
           (uint32_t)COUNT(((const char *const[]){__VA_ARGS__})))

static void write_points(struct machine_choice *choice, struct text *text)
{
    choice->fan_low = roll(choice, 3) == 0;
    text_add_string(text, "name: soak\nhost: {port: /run/soak}\n"
                          "printer: {port: simulated, baud: 115200, in_flight: ");
    text_add_string(text, ONE_OF(choice, "120", "60", "40"));
    text_add_string(text, "}\nboard: {port: simulated, report_interval: ");
    text_add_string(text, ONE_OF(choice, "3s", "1s", "500ms"));
    text_add_string(text, "}\npoints:\n"
                          "  psu: {io: 13, type: output, halt: off}\n"
                          "  light: {io: 12, type: output, halt: on}\n"
                          "  horn: {io: 15, type: output}\n"
                          "  lamp: {io: 16, type: output, start: on, host_lost: off, board_back: ");
    text_add_string(text, ONE_OF(choice, "restore", "off", "on"));
    text_add_string(text, "}\n  fan: {io: 14, type: output, halt: off, active: ");
    text_add_string(text, choice->fan_low ? "low}\n" : "high}\n");
    text_add_string(text, "  button: {io: 2, type: input, debounce: ");
    text_add_string(text, ONE_OF(choice, "20ms", "20ms", "0", "200ms"));
    text_add_string(text, "}\n"
                          "  runout: {io: 3, type: input, debounce: 100ms}\n"
                          "  runout2: {io: 4, type: input, debounce: 100ms}\n"
                          "  door: {io: 5, type: input, debounce: 20ms}\n"
                          "  opens: {io: 6, type: input, debounce: 20ms}\n"
                          "  sense: {io: 7, type: input, debounce: 20ms}\n");
}

static void write_power(struct machine_choice *choice, struct text *text)
{
    choice->power = roll(choice, 3) > 0;
    choice->sense = choice->power && roll(choice, 3) == 0;
    if (!choice->power)
        return;
    text_add_string(text, "psu: {point: psu, boot: ");
    text_add_string(text, ONE_OF(choice, "2s", "5s", "8s"));
    text_add_string(text, ", auto_on: ");
    text_add_string(text, ONE_OF(choice, "never", "print", "command"));
    text_add_string(text, ", cool_below: ");
    text_add_string(text, ONE_OF(choice, "50C", "30C"));
    text_add_string(text, ", off_when_idle: ");
    text_add_string(text, ONE_OF(choice, "never", "30s", "10min"));
    text_add_string(text, choice->sense ? ", sense: sense}\n" : "}\n");
}

static void write_filament(struct machine_choice *choice, struct text *text)
{
    static const char *const commands[] = {"M600", "M117 change", "M9602", "pause"};

    choice->change = (enum machine_change)(roll(choice, 2) == 0 ? 0 : roll(choice, 4));
    choice->sensors = 1 + roll(choice, 2);
    text_add_string(text, "filament: [{point: runout, distance: ");
    text_add_string(text, ONE_OF(choice, "0mm", "0mm", "1mm", "3mm"));
    text_add_string(text, ", command: ");
    text_add_string(text, commands[choice->change]);
    if (choice->sensors == 2)
        text_add_string(text, "}, {point: runout2, tool: 1");
    text_add_string(text, "}]\n");
}

static void write_config(struct machine_choice *choice)
{
    struct text text = {choice->config, sizeof choice->config - 1, 0, false};

    memset(choice->config, 0, sizeof choice->config);
    write_points(choice, &text);
    write_power(choice, &text);
    text_add_string(&text, "estop: {point: button, reset_point: ");
    text_add_string(&text, ONE_OF(choice, "none", "opens"));
    text_add_string(&text, ", reset_dtr: ");
    text_add_string(&text, ONE_OF(choice, "true", "false"));
    text_add_string(&text, ", on_board_lost: ");
    text_add_string(&text, ONE_OF(choice, "warn", "pause", "stop"));
    text_add_string(&text, ", on_m112: ");
    text_add_string(&text, ONE_OF(choice, "halt", "halt", "forward"));
    text_add_string(&text, "}\n");
    write_filament(choice, &text);
    text_add_string(&text, "programs: {photo: {path: /bin/photo, timeout: 5s}}\n"
                           "rules: [rules.yaml]\n");
}

static void write_rules(struct machine_choice *choice)
{
    static const char *const names[] = {"M750", "M42", "M355", "M889.1", "G99", "M1234567"};
    struct text text = {choice->rules, sizeof choice->rules - 1, 0, false};
    uint32_t first = roll(choice, COUNT(names)), kind = roll(choice, COUNT(codes)), count;

    memset(choice->rules, 0, sizeof choice->rules);
    text_add_string(&text, "rules:\n");
    choice->codes = 1 + roll(choice, MACHINE_CODES);
    for (unsigned i = 0; i < choice->codes; i++) {
        const char *name = names[(first + i) % COUNT(names)];
        char rule[400];

        snprintf(choice->code[i], sizeof choice->code[i], "%s", name);
        snprintf(rule, sizeof rule, codes[(kind + i) % COUNT(codes)], name, name);
        choice->forwards[i] = strstr(rule, "then: ") != NULL;
        text_add_string(&text, rule);
    }
    count = roll(choice, 3) == 0 ? 0 : 1 + roll(choice, 5);
    for (uint32_t i = 0; i < count; i++)
        text_add_string(&text, events[roll(choice, COUNT(events))]);
    if (choice->power && roll(choice, 2) == 0)
        text_add_string(&text, power_events[roll(choice, COUNT(power_events))]);
}

bool machine_choose(struct machine_choice *choice, uint64_t seed)
{
    static const struct load_environment environment = {0};
    struct mistakes mistakes = {0};
    struct sources sources;
    bool good;

    machine_choice_free(choice);
    choice->dice = seed * 77 + 9;
    (void)roll(choice, 2);
    write_config(choice);
    write_rules(choice);
    sources_init(&sources, "/etc/sioproxy");
    sources_add(&sources, "soak.yaml", span_of(choice->config));
    sources_add(&sources, "rules.yaml", span_of(choice->rules));
    good = load_all(&sources, &environment, &mistakes, &choice->loaded);
    if (!good)
        mistakes_print(&mistakes, stderr);
    mistakes_free(&mistakes);
    sources_free(&sources);
    return good;
}

void machine_choice_free(struct machine_choice *choice)
{
    loaded_free(&choice->loaded);
    memset(choice, 0, sizeof *choice);
}
