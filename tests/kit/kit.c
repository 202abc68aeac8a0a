#include "kit.h"

#include <assert.h>
#include <string.h>

void kit_init(struct kit *kit)
{
    memset(kit, 0, sizeof *kit);
    settings_init(&kit->settings);
    memcpy(kit->settings.name, "test", 5);
    kit->settings.printer.kind = PORT_SIMULATED;
    kit->settings.printer.baud = 115200;
    kit->settings.in_flight = 120;
    kit->settings.reset_on_connect = RESET_HALTED;
    kit->settings.board.kind = PORT_SIMULATED;
    kit->settings.board.baud = 115200;
    kit->settings.report_interval_ms = 3000;
    kit->ruleset =
        (struct ruleset){.rule = kit->rule, .bucket = kit->bucket, .buckets = KIT_RULES};
    ruleset_index(&kit->ruleset);
}

void kit_free(struct kit *kit)
{
    pattern_memory_free(&kit->ruleset.memory);
}

struct point_settings *kit_point(struct kit *kit, const char *name, enum point_type type,
                                 unsigned io)
{
    struct point_settings *point = &kit->settings.point[kit->settings.points++];

    assert(kit->settings.points <= SETTINGS_POINTS && strlen(name) < sizeof point->name);
    *point = (struct point_settings){
        .type = type, .io = (uint8_t)io, .active_high = true, .number = -1};
    memcpy(point->name, name, strlen(name) + 1);
    return point;
}

static struct rule *add(struct kit *kit, const char *word, const struct condition *conditions,
                        unsigned condition_count, const struct step *steps, unsigned step_count)
{
    struct rule *rule = &kit->rule[kit->ruleset.count++];

    assert(kit->ruleset.count <= KIT_RULES);
    rule->when.kind = WHEN_GCODE;
    rule->name = rule->word = span_of(word);
    rule->condition = conditions;
    rule->conditions = condition_count;
    rule->step = steps;
    rule->steps = step_count;
    return rule;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ADD(kit, word, conditions, steps) \
    add(kit, word, conditions, COUNT(conditions), steps, COUNT(steps))

#define P SPAN_INIT("${P}")

static const struct condition names_a_point[] = {{.kind = CONDITION_POINT, .name = SPAN_INIT("P")}};
static const struct condition has_points[] = {{.kind = CONDITION_POINTS}};

static const struct span l0[] = {SPAN_INIT("0"), SPAN_INIT("")}, l1[] = {SPAN_INIT("1")},
                         l2[] = {SPAN_INIT("2")}, l3[] = {SPAN_INIT("3")}, l4[] = {SPAN_INIT("4")};
#define L_IS(list)                                                            \
    {                                                                           \
        {.kind = CONDITION_POINT, .name = SPAN_INIT("P")},                      \
            {.kind = CONDITION_ONE_OF, .name = SPAN_INIT("L"), .values = list, \
             .count = COUNT(list)},                                           \
    }
static const struct condition l_is[][2] = {L_IS(l0), L_IS(l1), L_IS(l2), L_IS(l3), L_IS(l4)};

static const struct step set_s[] = {{.kind = STEP_SET, .argument = {P, SPAN_INIT("${S:-255}")}}};
static const struct step report_p[] = {{.kind = STEP_REPORT, .argument = {P}}};
static const struct step report_all[] = {{.kind = STEP_REPORT, .argument = {SPAN_INIT("points")}}};
static const struct step on_later[] = {{.kind = STEP_WAIT_MOTION},
                                       {.kind = STEP_SET, .argument = {P, SPAN_INIT("on")}}};
static const struct step off_later[] = {{.kind = STEP_WAIT_MOTION},
                                        {.kind = STEP_SET, .argument = {P, SPAN_INIT("off")}}};
static const struct step on_now[] = {{.kind = STEP_SET, .argument = {P, SPAN_INIT("on")}}};
static const struct step off_now[] = {{.kind = STEP_SET, .argument = {P, SPAN_INIT("off")}}};

#define WAIT_STEPS(edge)                                                             \
    {                                                                                \
        {.kind = STEP_WAIT_POINT,                                                    \
         .argument = {P, SPAN_INIT(edge), SPAN_INIT("${Q:+${Q}s}")}},                \
            {.kind = STEP_REPORT, .argument = {P}},                                  \
    }
static const struct step wait_rise[] = WAIT_STEPS("rise"), wait_fall[] = WAIT_STEPS("fall"),
                         wait_high[] = WAIT_STEPS("high"), wait_low[] = WAIT_STEPS("low"),
                         wait_on[] = WAIT_STEPS("on"), wait_off[] = WAIT_STEPS("off"),
                         wait_change[] = WAIT_STEPS("change");

static const struct span any_state[] = {SPAN_INIT("-1"), SPAN_INIT("")}, state_off[] = {SPAN_INIT("0")},
                         state_on[] = {SPAN_INIT("1")};
#define S_IS(list)                                                            \
    {                                                                           \
        {.kind = CONDITION_POINT, .name = SPAN_INIT("P")},                      \
            {.kind = CONDITION_ONE_OF, .name = SPAN_INIT("S"), .values = list, \
             .count = COUNT(list)},                                           \
    }
static const struct condition s_is[][2] = {S_IS(any_state), S_IS(state_off), S_IS(state_on)};

static const struct step say_enc[] = {{.kind = STEP_SAY, .argument = {SPAN_INIT("enc")}}};
static const struct step forward_then_on[] = {
    {.kind = STEP_FORWARD},
    {.kind = STEP_SET, .argument = {SPAN_INIT("light"), SPAN_INIT("on")}}};
static const struct step light_on[] = {
    {.kind = STEP_SET, .argument = {SPAN_INIT("light"), SPAN_INIT("on")}}};
static const struct step pulse[] = {
    {.kind = STEP_PULSE, .argument = {SPAN_INIT("light"), SPAN_INIT("100ms")}}};
static const struct step query[] = {{.kind = STEP_SEND, .argument = {SPAN_INIT("M105")}}};

#define ANY_PSU \
    .kind = CONDITION_PSU, \
    .states = 1u << WORLD_PSU_ON | 1u << WORLD_PSU_OFF | 1u << WORLD_PSU_UNKNOWN
static const struct span none_or_0[] = {SPAN_INIT(""), SPAN_INIT("0")};
static const struct condition has_psu[] = {{ANY_PSU}};
static const struct condition psu_s[] = {
    {ANY_PSU}, {.kind = CONDITION_NONE, .name = SPAN_INIT("S"), .group = 1}};
static const struct condition psu_no_s[] = {{ANY_PSU},
                                            {.kind = CONDITION_ONE_OF,
                                             .name = SPAN_INIT("S"),
                                             .values = none_or_0,
                                             .count = COUNT(none_or_0)}};
static const struct step report_ps[] = {
    {.kind = STEP_REPORT, .argument = {SPAN_INIT(""), SPAN_INIT("PS:")}}};
static const struct step power_on_steps[] = {{.kind = STEP_POWER, .argument = {SPAN_INIT("on")}}};
static const struct step power_off_steps[] = {
    {.kind = STEP_WAIT_MOTION},
    {.kind = STEP_POWER, .argument = {SPAN_INIT("off"), SPAN_INIT("${D:-0}s")}}};
static const struct step power_off_cool[] = {
    {.kind = STEP_WAIT_MOTION},
    {.kind = STEP_POWER,
     .argument = {SPAN_INIT("off"), SPAN_INIT("${D:-0}s"), SPAN_INIT("cool")}}};

void kit_mcodes(struct kit *kit)
{
    struct rule *rule;

    ADD(kit, "M42", names_a_point, set_s);
    ADD(kit, "M43", names_a_point, report_p);
    ADD(kit, "M43", has_points, report_all);
    ADD(kit, "M62", names_a_point, on_later);
    ADD(kit, "M63", names_a_point, off_later);
    ADD(kit, "M64", names_a_point, on_now);
    ADD(kit, "M65", names_a_point, off_now);
    ADD(kit, "M66", l_is[0], report_p);
    ADD(kit, "M66", l_is[1], wait_rise);
    ADD(kit, "M66", l_is[2], wait_fall);
    ADD(kit, "M66", l_is[3], wait_high);
    ADD(kit, "M66", l_is[4], wait_low);
    ADD(kit, "M226", s_is[0], wait_change);
    ADD(kit, "M226", s_is[1], wait_off);
    ADD(kit, "M226", s_is[2], wait_on);
    ADD(kit, "M80", psu_s, report_ps);
    ADD(kit, "M80", has_psu, power_on_steps);
    ADD(kit, "M81", psu_no_s, power_off_steps);
    ADD(kit, "M81", has_psu, power_off_cool);
    add(kit, "ENC", NULL, 0, say_enc, COUNT(say_enc));
    add(kit, "M800", NULL, 0, forward_then_on, COUNT(forward_then_on));
    add(kit, "M801", NULL, 0, light_on, COUNT(light_on))->then = RULE_FORWARD;
    rule = add(kit, "M802", NULL, 0, light_on, COUNT(light_on));
    rule->then = RULE_REPLACE;
    rule->replacement = SPAN("M117 replaced by ${S:-nothing}");
    add(kit, "M803", NULL, 0, pulse, COUNT(pulse));
    add(kit, "M804", NULL, 0, query, COUNT(query));
    ruleset_index(&kit->ruleset);
}
