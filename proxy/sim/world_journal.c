#include "sim/world_journal.h"

#include <string.h>

static void add(struct world *world, enum world_kind kind, enum proxy_port port,
                struct span text, bool numbered)
{
    struct world_entry *entry = &world->journal[world->entries % WORLD_JOURNAL];
    size_t length = text.length < WORLD_TEXT ? text.length : WORLD_TEXT;

    entry->at = world->now;
    entry->kind = kind;
    entry->port = port;
    entry->numbered = numbered;
    entry->length = (uint16_t)length;
    if (length > 0)
        memcpy(entry->text, text.data, length);
    world->entries++;
    if (world->options.watch != NULL)
        world->options.watch(world->options.watcher, entry);
}

void world_note(struct world *world, enum world_kind kind, enum proxy_port port,
                struct span text)
{
    add(world, kind, port, text, false);
}

void world_note_executed(struct world *world, struct span command, bool numbered)
{
    add(world, WORLD_EXECUTED, PROXY_PRINTER, command, numbered);
}

void world_note_lines(struct world *world, enum world_kind kind, enum proxy_port port,
                      struct span bytes)
{
    struct world_port *end = &world->port[port];
    char *line = kind == WORLD_TO ? end->to_line : end->from_line;
    uint32_t *length = kind == WORLD_TO ? &end->to_length : &end->from_length;

    for (size_t i = 0; i < bytes.length; i++) {
        if (bytes.data[i] == '\n') {
            world_note(world, kind, port, (struct span){line, *length});
            *length = 0;
        } else if (*length < WORLD_TEXT) {
            line[(*length)++] = bytes.data[i];
        }
    }
}

bool world_journal(const struct world *world, uint64_t index, struct world_entry *ret_entry)
{
    if (index >= world->entries || index + WORLD_JOURNAL < world->entries)
        return false;
    *ret_entry = world->journal[index % WORLD_JOURNAL];
    return true;
}

void world_entry_text(const struct world_entry *entry, struct text *text)
{
    static const char *const ports[] = {"host   ", "printer", "board  ", "guest  "};
    static const char *const kinds[] = {" > ", " < ", " ! ", " * ", " = ", " - "};

    text_add_thousandths(text, entry->at.us / 1000);
    text_add_string(text, "\t");
    text_add_string(text, ports[entry->port]);
    text_add_string(text, kinds[entry->kind]);
    text_add(text, (struct span){entry->text, entry->length});
    text_add_char(text, '\n');
}

void world_tell(const struct world *world, unsigned count, FILE *to)
{
    uint64_t first = world->entries > count ? world->entries - count : 0;
    struct world_entry entry;

    for (uint64_t i = first; i < world->entries; i++) {
        char bytes[WORLD_TEXT + 64];
        struct text text = TEXT_IN(bytes);

        if (!world_journal(world, i, &entry))
            continue;
        world_entry_text(&entry, &text);
        fwrite(text.data, 1, text.length, to);
    }
    if (world->broken != NULL)
        fprintf(to, "broken: %s\n", world->broken);
}
