/* The configuration that the world fuzzer's core runs with, and another one to reload. */
#pragma once

#include "load/load.h"

#define WORLD_FILE "world.yaml"
#define RULES_FILE "rules.yaml"
#define EVENTS_FILE "events.yaml"

static const char world_yaml[] =
    "name: fuzz\n"
    "host: {port: /tmp/ttySIO0}\n"
    "printer: {port: /tmp/printer, baud: follow, reset_on_connect: halted}\n"
    "board: {port: /tmp/board, report_interval: 3s, share: /tmp/share, share_writes: all}\n"
    "points:\n"
    "  light: {io: 2, type: output, start: off, halt: on, host_lost: off, exit: off}\n"
    "  pump: {io: 3, type: output, active: low, start: on, number: 200, halt: off, board_back: restore}\n"
    "  fan: {io: 4, type: pwm, start: 100%}\n"
    "  door: {io: 0, type: input, active: low, debounce: 20ms}\n"
    "  runout: {io: 1, type: input, debounce: 0}\n"
    "  far: {io: 60, type: output}\n"
    "  stop: {io: 5, type: input, debounce: 20ms}\n"
    "estop: {point: stop, reset_point: door, on_board_lost: pause}\n"
    "psu: {point: pump, auto_on: command, off_when_idle: 10min, boot: 5s}\n"
    "filament: [{point: runout, distance: 1mm}, {point: door, tool: 1, command: M600 T1}]\n"
    "programs: {photo: {path: /bin/photo}, notify: {path: /bin/notify, timeout: 1min}}\n"
    "rules: [rules.yaml, events.yaml]\n";

/* Ports stay, points come, go, move and change their kind. */
static const char other_yaml[] =
    "name: fuzz\n"
    "host: {port: /tmp/ttySIO0}\n"
    "printer: {port: /tmp/printer, baud: 250000, in_flight: 4000, reset_on_connect: always}\n"
    "board: {port: /tmp/board, report_interval: 500ms, share: /tmp/share}\n"
    "points:\n"
    "  runout: {io: 1, type: input, debounce: 5s}\n"
    "  pump: {io: 3, type: output, number: 201}\n"
    "  light: {io: 4, type: output, start: on}\n"
    "  stop: {io: 5, type: input, debounce: 0}\n"
    "estop: {point: stop, reset_dtr: false, on_m112: forward, on_board_lost: stop}\n"
    "psu: {point: light, sense: runout, auto_on: print}\n"
    "filament: {point: runout, command: pause}\n"
    "programs: {notify: {path: /bin/notify}, photo: {path: /bin/photo}}\n"
    "rules: [events.yaml, rules.yaml]\n";

/* Both configurations know pump, light and runout: other points are named by parameters. */
static const char rules_yaml[] =
    "rules:\n"
    "  - {name: shutter, when: {gcode: M750}, do: [{wait: motion}, {pulse: {point: pump, "
    "for: '${S:-200}ms', times: '${T:-1}', every: '${E:-1}s'}}, {say: shutter fired}]}\n"
    "  - {name: pattern, when: {gcode: 'M751 P(?<which>\\w+)( S\\d+)?'}, do: [{toggle: '${which}'}, "
    "{send: 'M106 S${S}'}, {report: points}]}\n"
    "  - {name: replaced, when: {gcode: M752}, do: [{wait: 1s}], then: {replace: 'M117 ${A}'}}\n"
    "  - {name: forwarded, when: {gcode: M753}, do: [{say: '${A}'}], then: forward}\n"
    "  - {name: early, when: {gcode: M754}, do: [forward, {wait: 100ms}]}\n"
    "  - {name: wait, when: {gcode: M755}, do: [{wait: {point: runout, for: high, timeout: 30s, "
    "else: [{say: still closed}, {send: M105}, forward]}}, {set: {light: on}}]}\n"
    "  - {name: queries, when: {gcode: M756}, do: [{send: M105}, {send: M114}, {send: M115}, "
    "{send: M27}, {send: 'M110 N${A}'}]}\n"
    "  - {name: sixteen, when: {gcode: M757}, do: [{wait: 1ms}, {wait: 1ms}, {wait: 1ms}, "
    "{wait: 1ms}, {wait: 1ms}, {wait: 1ms}, {wait: 1ms}, {wait: 1ms}, {wait: 1ms}, {wait: 1ms}, "
    "{wait: 1ms}, {wait: 1ms}, {wait: 1ms}, {wait: 1ms}, {send: M105}, {send: M105}]}\n"
    "  - {name: long, when: {gcode: M758}, do: [{say: '${A}${A}${A}${A}'}], then: {replace: "
    "'M117 ${A}${A}${A}'}}\n"
    "  - {name: urgent, when: {gcode: M759}, do: [{send: M108}, {send: M410}, {send: M112}]}\n"
    "  - {name: word, when: {gcode: ENC}, do: [{set: {light: '${L}'}}]}\n"
    "  - {name: any, when: {gcode: '[a-f]+ (?<x>.*)'}, do: [{say: 'any ${x}'}]}\n";

/* What starts by what happens; some of it starts each other. */
static const char events_yaml[] =
    "rules:\n"
    "  - {name: over, when: {print: [finished, failed]}, if: {psu: [on, unknown]}, do: [{power: "
    "{off: true, after: 5s, when: cool}}, {report: psu}]}\n"
    "  - {name: begun, when: {print: started}, do: [{set: {light: on}}, {wait: 5s}, "
    "{set: {light: off}}], until: {print: [finished, cancelled, failed]}}\n"
    "  - {name: paused, when: {print: paused}, do: [{pulse: {point: pump, for: 1s, times: 2}}], "
    "again: ignore}\n"
    "  - {name: runout, when: {point: runout, becomes: on, for: 300ms}, if: {print: printing}, "
    "do: [pause, {notify: 'no filament'}]}\n"
    "  - {name: change, when: {point: runout, becomes: change}, do: [{toggle: light}], "
    "again: queue}\n"
    "  - {name: lights, when: {point: light, becomes: on}, do: [{set: {pump: on}}, {wait: 1s}]}\n"
    "  - {name: pumps, when: {point: pump, becomes: on}, do: [{set: {light: off}}, {say: pump}]}\n"
    "  - {name: unknown, when: {point: light, becomes: unknown}, do: [{say: lost}]}\n"
    "  - {name: hot, when: {temperature: {bed: '>= 50C'}}, do: [{set: {pump: off}}, "
    "{wait: {temperature: {tool0: '< 50C'}, timeout: 5s, else: [{say: hot}]}}]}\n"
    "  - {name: every, when: {every: 30s}, if: {printer: online}, do: [{say: tick}]}\n"
    "  - {name: reply, when: {reply: 'busy: paused for (?<who>\\w+)'}, do: [{say: 'for ${who}'}]}\n"
    "  - {name: done, when: {reply: 'Done printing file'}, do: [{mark: finished}]}\n"
    "  - {name: silent, when: {host: silent, for: 1min}, do: [{say: silent}, {send: M105}]}\n"
    "  - {name: host, when: {host: [connected, disconnected]}, do: [{send: M105}]}\n"
    "  - {name: printer, when: {printer: [online, offline, reset, halted]}, do: [{say: printer}, "
    "{send: M105}]}\n"
    "  - {name: board, when: {board: [online, lost]}, do: [{toggle: pump}]}\n"
    "  - {name: start, when: start, do: [{set: {pump: on}}]}\n"
    "  - {name: pause, when: {gcode: M760}, do: [pause, resume, cancel, start]}\n"
    "  - {name: run, when: {gcode: M764}, do: [{run: {program: photo, args: ['${S}', '${A}']}}, "
    "{run: {program: notify}}]}\n"
    "  - {name: tell, when: {print: [started, failed]}, do: [{run: {program: notify}}], again: restart}\n"
    "  - {name: warm, when: {temperature: {bed: '>= 40C'}}, do: [{run: {program: photo}}]}\n"
    "  - {name: stop, when: {gcode: M761}, do: [estop]}\n"
    "  - {name: reset, when: {gcode: M762}, do: [{reset: estop}]}\n"
    "  - {name: filament, when: {gcode: M765}, if: {filament: [missing, off]}, "
    "do: [{filament: on}, {filament: rearm}, {report: filament}]}\n"
    "  - {name: mark, when: {gcode: M763}, do: [{mark: started}, {mark: paused}, {mark: resumed}, "
    "{report: print}, {report: estop}]}\n";

/* Reads one of the two as the daemon would; it must be without mistakes. */
static inline void world_load(const char *config, struct loaded *ret_loaded)
{
    static struct sources sources;
    struct mistakes mistakes = {0};
    struct load_environment environment = {0};

    sources_init(&sources, "/");
    sources_add(&sources, WORLD_FILE, span_of(config));
    /* In the order in which the config names them. */
    for (unsigned i = 0; i < 2; i++) {
        bool rules = (i == 0) == (config == world_yaml);

        sources_add(&sources, rules ? RULES_FILE : EVENTS_FILE,
                    span_of(rules ? rules_yaml : events_yaml));
    }
    if (!load_all(&sources, &environment, &mistakes, ret_loaded)) {
        mistakes_print(&mistakes, stderr);
        abort();
    }
    mistakes_free(&mistakes);
    sources_free(&sources);
}
