/*
 * Any bytes as a config file: mistakes are told, nothing is read out of bounds, and what is taken is
 * something that the core can run with.
 */
#include "core_of.h"
#include "wire/board_message.h"

static const char rules[] = "rules: [{name: a, when: {gcode: M750}, do: [{say: hello}]}]\n";
static const struct span lines[] = {SPAN_INIT("N0 M110 N0*125\n"), SPAN_INIT("M750\nM43\n"),
                                    SPAN_INIT("M42 Plight S1\nG28\n")};

static void check_points(const struct settings *settings)
{
    fuzz_promise(settings->points <= SETTINGS_POINTS, "points are bounded");
    for (unsigned i = 0; i < settings->points; i++) {
        const struct point_settings *point = &settings->point[i];

        fuzz_promise(memchr(point->name, '\0', SETTINGS_NAME) != NULL && point->name[0] != '\0',
                     "a point has a name");
        fuzz_promise(settings_point(settings, span_of(point->name)) == i,
                     "a point is found by its name");
        fuzz_promise(point->io < BOARD_IO_MAX && point->debounce_ms >= 0, "a point can be there");
    }
}

static void check_settings(const struct settings *settings)
{
    fuzz_promise(settings->name[0] != '\0' && settings->host_port[0] != '\0' &&
                     settings->control_socket[0] != '\0' && settings->state_file[0] != '\0',
                 "what has a default is filled in");
    fuzz_promise(settings->printer.kind != PORT_NONE, "a printer is required");
    fuzz_promise(settings->in_flight > 0 && settings->report_interval_ms >= 500,
                 "numbers are in their ranges");
    check_points(settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *nowhere;
    static struct sources sources;
    static struct loaded loaded;
    struct load_environment environment = {0};
    struct mistakes mistakes = {0};
    bool good;

    if (nowhere == NULL)
        nowhere = fopen("/dev/null", "w");
    sources_init(&sources, "/etc/sioproxy");
    sources_add(&sources, "/etc/sioproxy/fuzz.yaml", (struct span){(const char *)data, size});
    for (unsigned i = 0; i < 3; i++)
        sources_add(&sources, "/etc/sioproxy/rules.yaml", span_of(rules));
    good = load_all(&sources, &environment, &mistakes, &loaded);
    fuzz_promise(good == (mistakes.errors == 0), "without a mistake it is loaded");
    mistakes_print(&mistakes, nowhere);
    mistakes_free(&mistakes);
    sources_free(&sources);
    if (good) {
        check_settings(&loaded.settings);
        core_runs(&loaded, lines, sizeof lines / sizeof lines[0]);
        loaded_free(&loaded);
    }
    return 0;
}
