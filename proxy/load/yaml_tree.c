#include "load/yaml_tree.h"

#include <string.h>
#include <yaml.h>

/* A reading in progress. */
struct reading {
    yaml_parser_t parser;
    const char *file;
    struct arena *arena;
    struct mistakes *mistakes;
    struct node *root;
    struct node *open[YAML_DEPTH]; /* lists and mappings not yet closed, outermost first */
    unsigned depth;
    const struct node *key[YAML_DEPTH]; /* of each open mapping: the key that waits for its value */
    bool skipped[YAML_DEPTH];           /* … whose value is not kept */
};

static struct place place_of(const struct reading *reading, yaml_mark_t mark)
{
    return (struct place){reading->file, (unsigned)mark.line + 1, (unsigned)mark.column + 1};
}

static const struct node *find(const struct node *map, struct span key)
{
    for (const struct node *child = map->first; child != NULL; child = child->next) {
        if (span_equal(child->key->text, key)) {
            return child;
        }
    }
    return NULL;
}

static void append(struct node *parent, struct node *child)
{
    child->parent = parent;
    parent->count++;
    if (parent->last == NULL) {
        parent->first = child;
    } else {
        parent->last->next = child;
    }
    parent->last = child;
}

/* A scalar where a key is due. */
static bool take_key(struct reading *reading, const struct node *node)
{
    const struct node *map = reading->open[reading->depth - 1], *before;

    if (node->kind != NODE_SCALAR) {
        mistakes_error(reading->mistakes, node->place, "a key must be a word");
        return false;
    }
    before = find(map, node->text);
    reading->key[reading->depth - 1] = node;
    reading->skipped[reading->depth - 1] = before != NULL || map->count >= YAML_ENTRIES;
    if (before != NULL) {
        mistakes_error(reading->mistakes, node->place, "%s: duplicate key (first in line %u)",
                       node->text.data, before->key->place.line);
    } else if (map->count >= YAML_ENTRIES) {
        mistakes_error(reading->mistakes, map->place, "more than %d entries", YAML_ENTRIES);
    }
    return true;
}

/* Puts a node where it belongs. False if that cannot be. */
static bool place_node(struct reading *reading, struct node *node)
{
    struct node *parent = reading->depth == 0 ? NULL : reading->open[reading->depth - 1];

    if (parent == NULL) {
        reading->root = node;
    } else if (parent->kind == NODE_LIST) {
        append(parent, node);
    } else if (reading->key[reading->depth - 1] == NULL) {
        return take_key(reading, node);
    } else {
        node->key = reading->key[reading->depth - 1];
        reading->key[reading->depth - 1] = NULL;
        node->parent = parent;
        if (!reading->skipped[reading->depth - 1]) {
            append(parent, node);
        }
    }
    return true;
}

static struct node *new_node(struct reading *reading, enum node_kind kind, yaml_mark_t mark)
{
    struct node *node = arena_take(reading->arena, sizeof(*node));

    node->kind = kind;
    node->place = place_of(reading, mark);
    node->index = mark.index;
    return node;
}

static bool open_node(struct reading *reading, enum node_kind kind, yaml_mark_t mark)
{
    struct node *node = new_node(reading, kind, mark);

    if (reading->depth == YAML_DEPTH) {
        mistakes_error(reading->mistakes, node->place, "nested more than %d deep", YAML_DEPTH);
        return false;
    }
    if (!place_node(reading, node)) {
        return false;
    }
    reading->open[reading->depth] = node;
    reading->key[reading->depth] = NULL;
    reading->depth++;
    return true;
}

/* Anchors make graphs of trees. */
static bool refuse_anchor(struct reading *reading, const yaml_char_t *anchor, yaml_mark_t mark)
{
    if (anchor == NULL) {
        return true;
    }
    mistakes_error(reading->mistakes, place_of(reading, mark),
                   "anchors and aliases are not understood here");
    return false;
}

/* A tag may stand for anything: `!include x` is not the name x. */
static bool refuse_tag(struct reading *reading, const yaml_char_t *tag, yaml_mark_t mark)
{
    if (tag == NULL) {
        return true;
    }
    mistakes_error(reading->mistakes, place_of(reading, mark),
                   "tags (a word that begins with !) are not understood here");
    return false;
}

static bool take_scalar(struct reading *reading, const yaml_event_t *event)
{
    struct node *node = new_node(reading, NODE_SCALAR, event->start_mark);

    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->text = arena_copy(reading->arena, (struct span){(const char *)event->data.scalar.value,
                                                          event->data.scalar.length});
    if (memchr(node->text.data, '\0', node->text.length) != NULL) {
        mistakes_error(reading->mistakes, node->place, "a NUL byte in a text");
        return false;
    }
    return refuse_anchor(reading, event->data.scalar.anchor, event->start_mark) &&
           refuse_tag(reading, event->data.scalar.tag, event->start_mark) &&
           place_node(reading, node);
}

/* False if reading cannot go on. */
static bool take_event(struct reading *reading, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT: return take_scalar(reading, event);
    case YAML_ALIAS_EVENT:
        return refuse_anchor(reading, event->data.alias.anchor, event->start_mark);
    case YAML_SEQUENCE_START_EVENT:
        return refuse_anchor(reading, event->data.sequence_start.anchor, event->start_mark) &&
               refuse_tag(reading, event->data.sequence_start.tag, event->start_mark) &&
               open_node(reading, NODE_LIST, event->start_mark);
    case YAML_MAPPING_START_EVENT:
        return refuse_anchor(reading, event->data.mapping_start.anchor, event->start_mark) &&
               refuse_tag(reading, event->data.mapping_start.tag, event->start_mark) &&
               open_node(reading, NODE_MAP, event->start_mark);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: reading->depth--; return true;
    case YAML_DOCUMENT_START_EVENT:
        if (reading->root != NULL) {
            mistakes_error(reading->mistakes, place_of(reading, event->start_mark),
                           "a second document");
            return false;
        }
        return true;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT: return true;
    }
    return true;
}

/* Lines and columns of a byte: libyaml tells no more than its offset. */
static struct place place_of_byte(const struct reading *reading, struct span bytes, size_t offset)
{
    struct place place = {reading->file, 1, 1};

    for (size_t i = 0; i < offset && i < bytes.length; i++) {
        if (bytes.data[i] == '\n') {
            place.line++;
            place.column = 1;
        } else if (((unsigned char)bytes.data[i] & 0xc0) != 0x80) {
            place.column++;
        }
    }
    return place;
}

static size_t bytes_of_characters(struct span bytes, size_t characters)
{
    size_t used = 0;

    while (used < bytes.length && characters > 0) {
        used++;
        while (used < bytes.length && ((unsigned char)bytes.data[used] & 0xc0) == 0x80) {
            used++;
        }
        characters--;
    }
    return used;
}

/* What people meant by a byte that YAML's scanner stumbles over. */
static const char *advice_for(const struct reading *reading, struct span bytes)
{
    const yaml_parser_t *parser = &reading->parser;
    size_t at = bytes_of_characters(bytes, parser->problem_mark.index);

    if (at < bytes.length && bytes.data[at] == '\t') {
        return ": a tab; blanks are wanted there";
    }
    if (at < bytes.length && memchr("%@`", bytes.data[at], 3) != NULL) {
        return ": a text that begins so has to be in quotes";
    }
    if (parser->context != NULL && strstr(parser->context, "alias") != NULL) {
        return ": a text that begins with * has to be in quotes";
    }
    return "";
}

static void tell_parser(struct reading *reading, struct span bytes)
{
    const yaml_parser_t *parser = &reading->parser;
    const char *problem = parser->problem == NULL ? "no memory" : parser->problem;
    const char *advice = "";

    if (parser->error == YAML_SCANNER_ERROR) {
        advice = advice_for(reading, bytes);
    }
    if (parser->error == YAML_READER_ERROR) {
        mistakes_error(reading->mistakes, place_of_byte(reading, bytes, parser->problem_offset),
                       "%s", problem);
    } else if (parser->context == NULL) {
        mistakes_error(reading->mistakes, place_of(reading, parser->problem_mark), "%s%s", problem,
                       advice);
    } else {
        mistakes_error(reading->mistakes, place_of(reading, parser->problem_mark), "%s, %s%s",
                       problem, parser->context, advice);
    }
}

static bool read_events(struct reading *reading, struct span bytes)
{
    bool going_on = true, ended = false;

    while (going_on && !ended) {
        yaml_event_t event;

        if (!yaml_parser_parse(&reading->parser, &event)) {
            tell_parser(reading, bytes);
            return false;
        }
        ended = event.type == YAML_STREAM_END_EVENT;
        going_on = take_event(reading, &event);
        yaml_event_delete(&event);
    }
    return going_on;
}

bool yaml_tree_read(struct span bytes, const char *file, struct arena *arena,
                    struct mistakes *mistakes, const struct node **ret_root)
{
    struct reading reading = {.file = file, .arena = arena, .mistakes = mistakes};
    bool read;

    if (!yaml_parser_initialize(&reading.parser)) {
        mistakes_error(mistakes, (struct place){file, 0, 0}, "no memory");
        return false;
    }
    yaml_parser_set_encoding(&reading.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reading.parser,
                                 (const unsigned char *)(bytes.length == 0 ? "" : bytes.data),
                                 bytes.length);
    read = read_events(&reading, bytes);
    yaml_parser_delete(&reading.parser);
    if (read) {
        *ret_root = node_is_nothing(reading.root) ? NULL : reading.root;
    }
    return read;
}

const struct node *node_get(const struct node *map, const char *key)
{
    return map == NULL || map->kind != NODE_MAP ? NULL : find(map, span_of(key));
}

bool node_is_nothing(const struct node *node)
{
    static const struct span words[] = {SPAN_INIT(""), SPAN_INIT("~"), SPAN_INIT("null"),
                                        SPAN_INIT("Null"), SPAN_INIT("NULL")};

    for (size_t i = 0; node != NULL && i < sizeof(words) / sizeof(words[0]); i++) {
        if (node->kind == NODE_SCALAR && !node->quoted && span_equal(node->text, words[i])) {
            return true;
        }
    }
    return node == NULL;
}

bool node_is(const struct node *node, const char *word)
{
    return node != NULL && node->kind == NODE_SCALAR &&
           span_equal_nocase(node->text, span_of(word));
}

struct place node_place_of(const struct node *node, struct span bytes, size_t offset)
{
    struct span raw = span_skip(bytes, bytes_of_characters(bytes, node->index));
    struct place place = node->place;
    char quote = 0;
    size_t at = 0;

    if (node->quoted) {
        if (raw.length == 0 || (raw.data[0] != '\'' && raw.data[0] != '"')) {
            return node->place;
        }
        quote = raw.data[at++];
        place.column++;
    }
    for (; offset > 0 && at < raw.length; offset--) {
        if (raw.data[at] == '\n' || raw.data[at] == '\r') {
            return node->place;
        }
        if ((quote == '\'' && raw.data[at] == '\'') || (quote == '"' && raw.data[at] == '\\')) {
            at++;
            place.column++;
        }
        if (at < raw.length && ((unsigned char)raw.data[at] & 0xc0) != 0x80) {
            place.column++;
        }
        at++;
    }
    return place;
}
