/*
 * sioproxy: the daemon's command line.
 */
#include <getopt.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "daemon/batch.h"
#include "daemon/check_rules.h"
#include "daemon/config.h"
#include "daemon/service.h"
#include "daemon/simulate.h"

#define STATUS_USAGE 2
#define FOLDER       "/etc/sioproxy/"

static const char usage[] =
    "usage: sioproxy [-n NAME | -c FILE]  run in the foreground, log to stderr\n"
    "       sioproxy check [FILE]         tell every mistake in a config\n"
    "       sioproxy simulate FILE        tell what switches when in a print file\n"
    "       sioproxy check-rules FILE     run the tests that a rule file carries\n"
    "       sioproxy replay RECORDING     run a recorded session again, byte for byte\n"
    "\n"
    "  -n, --name NAME     the config is " FOLDER "NAME.yaml\n"
    "  -c, --config FILE   the config\n"
    "      --check         the same as check\n"
    "      --events FILE   simulate: what happens meanwhile ('at line 1200: door on')\n"
    "      --json          simulate: print one JSON object\n"
    "      --timeline      replay: print what happened, line by line\n"
    "      --until TIME    replay: stop so long after its begin: 90s, 10min\n"
    "  -h, --help          this text\n"
    "  -V, --version       the version\n"
    "\n"
    "Without -n and -c: the only config in " FOLDER ".\n"
    "SIGHUP reads the config again; SIGTERM and SIGINT end it in order.\n"
    "Exit status: 0 done, 1 the host port, socket or state file could not be had,\n"
    "or a test of check-rules failed, 2 usage or config.\n";

struct options {
    const char *name, *config;
    bool check;
    bool timeline;
    const char *until;
    struct simulate_options simulate;
};

static int wrong_usage(const char *why)
{
    fprintf(stderr, "sioproxy: %s\n", why);
    return STATUS_USAGE;
}

/* "there is no WHAT WORD", and which of `words` is meant, perhaps. */
static int no_such(const char *what, const char *word, struct span mistyped,
                   const char *const *words)
{
    const char *nearest = text_nearest(mistyped, words);
    char why[200];

    snprintf(why, sizeof why, "there is no %s %.60s: %s%s%s", what, word,
             nearest != NULL ? "did you mean " : "sioproxy --help lists them",
             nearest != NULL ? nearest : "", nearest != NULL ? "?" : "");
    return wrong_usage(why);
}

/* Which config is meant. False if that cannot be told. */
static bool find_config(const struct options *options, char *ret_path, size_t capacity)
{
    glob_t found;
    bool one;

    if (options->config != NULL) {
        snprintf(ret_path, capacity, "%s", options->config);
        return strlen(options->config) < capacity;
    }
    if (options->name != NULL) {
        snprintf(ret_path, capacity, FOLDER "%s.yaml", options->name);
        return strchr(options->name, '/') == NULL && strlen(options->name) < SETTINGS_NAME;
    }
    one = glob(FOLDER "*.yaml", 0, NULL, &found) == 0 && found.gl_pathc == 1;
    if (one)
        snprintf(ret_path, capacity, "%s", found.gl_pathv[0]);
    globfree(&found);
    return one;
}

static int no_config(const struct options *options)
{
    return wrong_usage(options->config != NULL ? "the name of the config is too long"
                       : options->name != NULL
                           ? "-n wants a name: letters, digits, -, _ and ., at most 32"
                           : "which config? Use -n NAME or -c FILE");
}

static int check(const struct config *config)
{
    char line[512];
    struct text text = TEXT_IN(line);

    if (!config->valid)
        return STATUS_USAGE;
    load_summary(&config->loaded, config->path, &text);
    printf("%.*s\n", (int)text.length, text.data);
    return 0;
}

static int start(const struct options *options)
{
    char path[SETTINGS_PATH];
    struct config *config;
    int status = STATUS_USAGE;

    if (!find_config(options, path, sizeof path))
        return no_config(options);
    config = config_read(path);
    fputs(config->mistakes, stderr);
    if (!options->check && config->valid)
        return service_run(config);
    if (options->check)
        status = check(config);
    config_free(config);
    return status;
}

/* A print file, by the named config or the demo's. */
static int simulate(const struct options *options, const char *file)
{
    char path[SETTINGS_PATH];
    struct config *config;
    int status = STATUS_USAGE;

    if (options->name == NULL && options->config == NULL)
        config = simulate_demo();
    else if (find_config(options, path, sizeof path))
        config = config_read(path);
    else
        return no_config(options);
    fputs(config->mistakes, stderr);
    if (config->valid)
        status = simulate_file(file, config, &options->simulate);
    config_free(config);
    return status;
}

static int replay(const struct options *options, const char *file)
{
    int64_t until_ms = -1;

    if (options->until != NULL && !text_duration(span_of(options->until), &until_ms))
        return wrong_usage("--until wants a time with its unit: 90s, 10min");
    return batch_replay(file, options->timeline, until_ms);
}

/* The words behind the options: check [FILE], replay RECORDING. */
static int run(struct options *options, char **words, int count)
{
    static const char *const commands[] = {"check", "check-rules", "replay", "simulate", NULL};

    bool simulated = options->simulate.json || options->simulate.events != NULL;

    if (simulated && (count == 0 || strcmp(words[0], "simulate") != 0))
        return wrong_usage("--events and --json are for simulate");
    if (count == 0)
        return options->timeline || options->until != NULL
                   ? wrong_usage("--timeline and --until are for replay")
                   : start(options);
    if (strcmp(words[0], "simulate") == 0)
        return count == 2 ? simulate(options, words[1]) : wrong_usage("simulate wants one file");
    if (strcmp(words[0], "replay") != 0 && (options->timeline || options->until != NULL))
        return wrong_usage("--timeline and --until are for replay");
    if (strcmp(words[0], "check-rules") == 0)
        return count == 2 ? check_rules(words[1]) : wrong_usage("check-rules wants one rule file");
    if (strcmp(words[0], "replay") == 0)
        return count == 2 ? replay(options, words[1]) : wrong_usage("replay wants one recording");
    if (options->check && count == 1 && options->config == NULL && strchr(words[0], '.') != NULL) {
        options->config = words[0]; /* --check FILE */
        return start(options);
    }
    if (strcmp(words[0], "check") != 0)
        return no_such("command", words[0], span_of(words[0]), commands);
    if (count > 2 || (count == 2 && options->config != NULL))
        return wrong_usage("check wants one config");
    if (count == 2)
        options->config = words[1];
    options->check = true;
    return start(options);
}

/* An option that is none, or lacks its argument. */
static int wrong_option(int option, const char *word)
{
    static const char *const words[] = {"--name", "--config",   "--check", "--help",    "--events",
                                        "--json", "--timeline", "--until", "--version", NULL};
    char why[100];

    if (option != ':')
        return no_such("option", word, (struct span){word, strcspn(word, "=")}, words);
    snprintf(why, sizeof why, "%.60s wants an argument", word);
    return wrong_usage(why);
}

int main(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"name", required_argument, NULL, 'n'},   {"config", required_argument, NULL, 'c'},
        {"check", no_argument, NULL, 'k'},        {"help", no_argument, NULL, 'h'},
        {"events", required_argument, NULL, 'e'}, {"json", no_argument, NULL, 'j'},
        {"timeline", no_argument, NULL, 't'},     {"until", required_argument, NULL, 'u'},
        {"version", no_argument, NULL, 'V'},      {NULL, 0, NULL, 0},
    };
    struct options options = {0};
    char letter[] = "-?";
    int option;

    setvbuf(stderr, NULL, _IOLBF, 0);
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":n:c:hV", long_options, NULL)) != -1) {
        switch (option) {
        case 'n': options.name = optarg; break;
        case 'c': options.config = optarg; break;
        case 'e': options.simulate.events = optarg; break;
        case 'j': options.simulate.json = true; break;
        case 'k': options.check = true; break;
        case 't': options.timeline = true; break;
        case 'u': options.until = optarg; break;
        case 'h': fputs(usage, stdout); return 0;
        case 'V': puts("sioproxy " SIOPROXY_VERSION); return 0;
        default:
            letter[1] = (char)optopt; /* of `-1s` getopt is still at the word before it */
            if (option == '?' && optopt != 0 && strchr("ncejktuhV", optopt) == NULL)
                return wrong_option(option, letter);
            return wrong_option(option, argv[optind - 1]);
        }
    }
    if (options.name != NULL && options.config != NULL)
        return wrong_usage("-n and -c exclude each other");
    return run(&options, argv + optind, argc - optind);
}
