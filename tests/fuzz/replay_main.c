/* Runs a fuzz target over the files and folders named: the committed corpus, with any compiler. */
#include <dirent.h>
#include <sys/stat.h>

#include "fuzz.h"

static unsigned inputs;

/* The memory is as long as the file, so that a byte read beyond its end is seen. */
static void replay_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(size > 0 ? size : 1);

    fuzz_promise(file != NULL && data != NULL && fread(data, 1, size, file) == size, path);
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    inputs++;
}

static void replay(const char *path)
{
    struct stat status;
    struct dirent **entry;
    char inside[4096];

    fuzz_promise(stat(path, &status) == 0, path);
    if (!S_ISDIR(status.st_mode)) {
        fprintf(stderr, "%s\n", path); /* the last one named is the one that broke */
        replay_file(path, (size_t)status.st_size);
        return;
    }
    for (int i = 0, count = scandir(path, &entry, NULL, alphasort); i < count; free(entry[i++])) {
        snprintf(inside, sizeof inside, "%s/%s", path, entry[i]->d_name);
        if (entry[i]->d_name[0] != '.')
            replay(inside);
    }
    free(entry);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        replay(argv[i]);
    printf("%u inputs\n", inputs);
    return inputs > 0 ? 0 : 1;
}
