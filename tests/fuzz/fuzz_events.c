/*
 * A file of events: any bytes are events that lie inside them, or mistakes that are told.
 */
#include "fuzz.h"
#include "load/events_file.h"

static const struct settings settings = {
    .points = 3,
    .point = {{.name = "door", .type = POINT_INPUT},
              {.name = "air", .type = POINT_DHT},
              {.name = "light", .type = POINT_OUTPUT}},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = {(const char *)data, size};
    struct mistakes mistakes = {0};
    struct events_file events = {0};
    struct arena arena = {0};
    bool good = events_file_read(text, "e", &settings, &arena, &mistakes, &events);

    fuzz_promise(good == (mistakes.errors == 0), "what is no event is a mistake");
    for (unsigned i = 0; good && i < events.entries; i++) {
        const struct events_entry *entry = &events.entry[i];

        fuzz_promise(entry->at >= 0, "nothing happens before the print");
        fuzz_promise(fuzz_inside(entry->text, text) && fuzz_inside(entry->what, entry->text),
                     "an event lies inside its file");
        fuzz_promise(entry->step.line >= 1 && entry->step.column >= 1, "an event has a place");
    }
    mistakes_free(&mistakes);
    arena_free(&arena);
    return 0;
}
