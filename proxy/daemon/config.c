#include "daemon/config.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *why_no_program(const char *path)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return errno == ENOENT || errno == ENOTDIR ? "is not there" : strerror(errno);
    if (!S_ISREG(status.st_mode))
        return "is no program";
    return access(path, X_OK) == 0 ? NULL : "may not be run by us";
}

/* `here`: the config is of this machine and of now. */
static void load(struct config *config, struct mistakes *mistakes, bool readable, bool here)
{
    struct load_environment environment = {
        .state_directory = config->state_directory[0] != '\0' ? config->state_directory : NULL,
        .why_no_program = here ? why_no_program : NULL,
    };
    size_t length;
    FILE *stream;

    /* What could be read is checked all the same: every mistake in one run. */
    config->valid = config->sources.count > 0 &&
                    load_all(&config->sources, &environment, mistakes, &config->loaded);
    if (config->valid && !readable) {
        loaded_free(&config->loaded);
        config->valid = false;
    }
    stream = open_memstream(&config->mistakes, &length);
    if (stream == NULL)
        abort();
    mistakes_print(mistakes, stream);
    fclose(stream);
    mistakes_free(mistakes);
    malloc_trim(0); /* what reading took is a multiple of what is kept, and never needed again */
}

struct config *config_read(const char *path)
{
    struct config *config = calloc(1, sizeof *config);
    const char *state_directory = getenv("STATE_DIRECTORY");
    struct mistakes mistakes = {0};
    bool readable;

    if (config == NULL)
        abort();
    snprintf(config->path, sizeof config->path, "%s", path);
    if (state_directory != NULL)
        snprintf(config->state_directory, sizeof config->state_directory, "%s", state_directory);
    readable = sources_read(path, &mistakes, &config->sources);
    load(config, &mistakes, readable, true);
    return config;
}

struct config *config_of_sources(const struct sources *sources, const char *state_directory)
{
    struct config *config = calloc(1, sizeof *config);
    struct mistakes mistakes = {0};

    if (config == NULL)
        abort();
    config->sources = *sources;
    if (sources->count > 0)
        snprintf(config->path, sizeof config->path, "%s", sources->source[0].path);
    snprintf(config->state_directory, sizeof config->state_directory, "%s", state_directory);
    load(config, &mistakes, true, false);
    return config;
}

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    if (config->valid)
        loaded_free(&config->loaded);
    sources_free(&config->sources);
    free(config->mistakes);
    free(config);
}
