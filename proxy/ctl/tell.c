#include "ctl/tell.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static bool as_json;

void tell_as_json(bool json)
{
    as_json = json;
}

void tell(const char *code, const char *format, ...)
{
    char sentence[1024], *text;
    va_list arguments;
    json_t *object;

    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    if (!as_json) {
        fprintf(stderr, "sioctl: %s\n", sentence);
        return;
    }
    object = json_pack("{s:b, s:s, s:s}", "ok", 0, "code", code, "error", sentence);
    if (object == NULL) /* no text in UTF-8 */
        object = json_pack("{s:b, s:s, s:s}", "ok", 0, "code", code, "error", "?");
    text = json_dumps(object, 0);
    puts(text != NULL ? text : "{\"ok\": false}");
    fflush(stdout);
    free(text);
    json_decref(object);
}
