#include "load/mistakes.h"

#include <stdlib.h>
#include <string.h>

#define SENTENCE_MAX 400

struct mistake {
    struct mistake *next;
    struct place place;
    unsigned file, index; /* in the order of telling */
    bool warning;
    const char *text;
};

/* Names of files live with the mistakes; each has its number. */
static const char *keep_file(struct mistakes *mistakes, const char *file, unsigned *ret_number)
{
    unsigned files = 0;

    for (const struct mistake *other = mistakes->first; other != NULL; other = other->next) {
        if (strcmp(other->place.file, file) == 0) {
            *ret_number = other->file;
            return other->place.file;
        }
        files = other->file + 1 > files ? other->file + 1 : files;
    }
    *ret_number = files;
    return arena_copy(&mistakes->arena, span_of(file)).data;
}

static bool is_told(const struct mistakes *mistakes, struct place place, const char *text)
{
    for (const struct mistake *other = mistakes->first; other != NULL; other = other->next) {
        if (other->place.line == place.line && other->place.column == place.column &&
            strcmp(other->text, text) == 0 && strcmp(other->place.file, place.file) == 0) {
            return true;
        }
    }
    return false;
}

static void add(struct mistakes *mistakes, struct place place, bool warning, const char *format,
                va_list arguments)
{
    char text[SENTENCE_MAX];
    struct mistake *mistake;

    if (mistakes->errors + mistakes->warnings >= MISTAKES_MAX) {
        mistakes->untold++;
        mistakes->errors += warning ? 0 : 1;
        return;
    }
    vsnprintf(text, sizeof(text), format, arguments);
    if (is_told(mistakes, place, text)) {
        return;
    }
    mistake = arena_take(&mistakes->arena, sizeof(*mistake));
    mistake->place = place;
    mistake->place.file = keep_file(mistakes, place.file, &mistake->file);
    mistake->index = mistakes->errors + mistakes->warnings;
    mistake->warning = warning;
    mistake->text = arena_copy(&mistakes->arena, span_of(text)).data;
    if (mistakes->last == NULL) {
        mistakes->first = mistake;
    } else {
        mistakes->last->next = mistake;
    }
    mistakes->last = mistake;
    mistakes->errors += warning ? 0 : 1;
    mistakes->warnings += warning ? 1 : 0;
}

void mistakes_error(struct mistakes *mistakes, struct place place, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add(mistakes, place, false, format, arguments);
    va_end(arguments);
}

void mistakes_warning(struct mistakes *mistakes, struct place place, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add(mistakes, place, true, format, arguments);
    va_end(arguments);
}

static int by_place(const void *one, const void *two)
{
    const struct mistake *a = *(const struct mistake *const *)one;
    const struct mistake *b = *(const struct mistake *const *)two;

    if (a->file != b->file) {
        return a->file < b->file ? -1 : 1;
    }
    if (a->place.line != b->place.line) {
        return a->place.line < b->place.line ? -1 : 1;
    }
    if (a->place.column != b->place.column) {
        return a->place.column < b->place.column ? -1 : 1;
    }
    return a->index < b->index ? -1 : 1;
}

void mistakes_print(const struct mistakes *mistakes, FILE *to)
{
    const struct mistake *sorted[MISTAKES_MAX];
    size_t count = 0;

    for (const struct mistake *mistake = mistakes->first; mistake != NULL;
         mistake = mistake->next) {
        sorted[count++] = mistake;
    }
    if (count > 0) {
        qsort(sorted, count, sizeof(sorted[0]), by_place);
    }
    for (size_t i = 0; i < count; i++) {
        const char *kind = sorted[i]->warning ? "warning" : "error";

        if (sorted[i]->place.line == 0) {
            fprintf(to, "%s: %s: %s\n", sorted[i]->place.file, kind, sorted[i]->text);
        } else {
            fprintf(to, "%s:%u:%u: %s: %s\n", sorted[i]->place.file, sorted[i]->place.line,
                    sorted[i]->place.column, kind, sorted[i]->text);
        }
    }
    if (mistakes->untold > 0) {
        fprintf(to, "and %u more\n", mistakes->untold);
    }
}

void mistakes_free(struct mistakes *mistakes)
{
    arena_free(&mistakes->arena);
    *mistakes = (struct mistakes){0};
}
