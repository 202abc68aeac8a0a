#include "ctl/serial_list.h"

#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TTYS  "/sys/class/tty/"
#define BY_ID "/dev/serial/by-id/"

/* The one line of a sysfs file, NULL as JSON if there is none. */
static json_t *read_line(const char *path)
{
    char line[256];
    FILE *file = fopen(path, "re");
    json_t *value = NULL;

    if (file == NULL)
        return NULL;
    if (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        value = json_string(line);
    }
    fclose(file);
    return value;
}

/* What the USB device above the port says of itself, e.g. its `product`. */
static json_t *ask_device(const char *name, const char *attribute)
{
    char link[300], device[PATH_MAX], path[PATH_MAX + 32];

    snprintf(link, sizeof link, TTYS "%s/device", name);
    if (realpath(link, device) == NULL)
        return json_null();
    while (strncmp(device, "/sys/devices/", 13) == 0 && strlen(device) > 13) {
        json_t *value;

        snprintf(path, sizeof path, "%s/%s", device, attribute);
        value = read_line(path);
        if (value != NULL)
            return value;
        *strrchr(device, '/') = '\0';
    }
    return json_null();
}

static json_t *find_by_id(const char *port)
{
    glob_t found;
    json_t *name = NULL;
    char target[PATH_MAX];

    if (glob(BY_ID "*", 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc && name == NULL; i++)
            if (realpath(found.gl_pathv[i], target) != NULL && strcmp(target, port) == 0)
                name = json_string(found.gl_pathv[i]);
    globfree(&found);
    return name != NULL ? name : json_null();
}

/* A port that the kernel keeps ready but that has no chip says type 0. */
static bool is_there(const char *name)
{
    char path[300];
    json_t *type;
    bool there;

    snprintf(path, sizeof path, TTYS "%s/device", name);
    if (access(path, F_OK) != 0)
        return false; /* a console or a pty */
    snprintf(path, sizeof path, TTYS "%s/type", name);
    type = read_line(path);
    there = type == NULL || strcmp(json_string_value(type), "0") != 0;
    json_decref(type);
    return there;
}

json_t *serial_list(void)
{
    json_t *ports = json_array();
    glob_t found;

    if (glob(TTYS "*", 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++) {
            const char *name = found.gl_pathv[i] + strlen(TTYS);
            char port[300];

            if (!is_there(name))
                continue;
            snprintf(port, sizeof port, "/dev/%s", name);
            json_array_append_new(ports, json_pack("{s:s, s:o, s:o, s:o}", "port", port, "by_id",
                                                   find_by_id(port), "product",
                                                   ask_device(name, "product"), "serial",
                                                   ask_device(name, "serial")));
        }
    globfree(&found);
    return ports;
}
