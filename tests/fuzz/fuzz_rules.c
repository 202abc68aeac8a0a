/*
 * Any bytes as a rule file: mistakes are told, nothing is read out of bounds, and rules that are
 * taken can be run by the core on lines that they may fit.
 */
#include "core_of.h"
#include "wire/gcode_line.h"

static const char config[] =
    "name: fuzz\n"
    "host: {port: /tmp/ttySIO0}\n"
    "printer: {port: /tmp/printer}\n"
    "board: {port: /tmp/board}\n"
    "mcodes: none\n"
    "points:\n"
    "  light: {io: 2, type: output}\n"
    "  pump: {io: 3, type: output, number: 200}\n"
    "  fan: {io: 4, type: pwm}\n"
    "  door: {io: 0, type: input}\n"
    "rules: [rules.yaml]\n";

static const struct span lines[] = {
    SPAN_INIT("N0 M110 N0*125\n"),         SPAN_INIT("M750\nM750 S10 T2 E1\nM750 Plight\n"),
    SPAN_INIT("M751 Plight S1\nM42 P200 S1\n"), SPAN_INIT("ENC L\"on\"\nSET_PIN PIN=light\n"),
    SPAN_INIT("M752 A\"${A}\" L3 Q5\nM43\n"), SPAN_INIT("m106s255 p\n"),
};

static void check_rule(const struct rule *rule)
{
    fuzz_promise(rule->steps <= 16, "steps are bounded");
    for (unsigned i = 0; i < rule->steps; i++)
        fuzz_promise(rule->step[i].otherwise + i < rule->steps, "a branch lies inside its rule");
    fuzz_promise(rule->when.kind != WHEN_NEVER, "a rule waits for something");
    if (rule->when.kind == WHEN_GCODE)
        fuzz_promise(rule->pattern != NULL || rule->word.length > 0, "a rule fits something");
    if (rule->when.kind == WHEN_REPLY)
        fuzz_promise(rule->pattern != NULL, "a reply has a pattern");
}

/* Also what is yet to come, with the tests of the file; whoever loads it could prepare its steps. */
static void load_alone(const uint8_t *data, size_t size)
{
    const struct load_environment environment = {0};
    static const struct step_values values;
    static struct sources sources;
    static struct loaded loaded;
    struct mistakes mistakes = {0};
    struct rule_tests tests;
    bool good;

    sources_init(&sources, "/");
    sources_add(&sources, "rules.yaml", (struct span){(const char *)data, size});
    good = load_rule_file(&sources, &environment, &mistakes, &loaded, &tests);
    fuzz_promise(good == (mistakes.errors == 0), "without a mistake it is loaded");
    mistakes_free(&mistakes);
    sources_free(&sources);
    if (!good)
        return;
    for (unsigned i = 0; i < ruleset_count(&loaded.ruleset); i++) {
        const struct rule *rule = ruleset_rule(&loaded.ruleset, i);

        check_rule(rule);
        for (unsigned step = 0; step < rule->steps; step++) {
            char why_bytes[100], plan_bytes[200];
            struct text why = TEXT_IN(why_bytes), plan = TEXT_IN(plan_bytes);
            struct step_ready ready;

            step_prepare(&rule->step[step], &values, &loaded.settings, &plan, &why, &ready);
        }
    }
    for (unsigned i = 0; i < tests.tests; i++)
        fuzz_promise(tests.test[i].steps <= RULE_TEST_STEPS_MAX, "tests are bounded");
    loaded_free(&loaded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *nowhere;
    static struct sources sources;
    static struct loaded loaded;
    struct load_environment environment = {0};
    struct mistakes mistakes = {0};
    bool good;

    load_alone(data, size);
    if (nowhere == NULL)
        nowhere = fopen("/dev/null", "w");
    sources_init(&sources, "/");
    sources_add(&sources, "fuzz.yaml", span_of(config));
    sources_add(&sources, "rules.yaml", (struct span){(const char *)data, size});
    good = load_all(&sources, &environment, &mistakes, &loaded);
    fuzz_promise(good == (mistakes.errors == 0), "without a mistake it is loaded");
    mistakes_print(&mistakes, nowhere);
    mistakes_free(&mistakes);
    sources_free(&sources);
    if (good) {
        for (unsigned i = 0; i < ruleset_count(&loaded.ruleset); i++)
            check_rule(ruleset_rule(&loaded.ruleset, i));
        core_runs(&loaded, lines, sizeof lines / sizeof lines[0]);
        loaded_free(&loaded);
    }
    return 0;
}
