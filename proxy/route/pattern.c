#include "route/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define OPTIONS        (PCRE2_CASELESS | PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C)
#define MATCH_LIMIT    10000
#define HEAP_LIMIT_KIB 20
/* All groups of a pattern, named or not: enough for the whole match and STEP_CAPTURES of the named.
 */
#define GROUPS_MAX 64
/* Longer than any word that begins a command. */
#define WORD_MAX 40

bool pattern_memory_init(struct pattern_memory *memory)
{
    pcre2_match_context *context = pcre2_match_context_create(NULL);
    pcre2_match_data *data = pcre2_match_data_create(GROUPS_MAX + 1, NULL);

    *memory = (struct pattern_memory){data, context};
    if (data == NULL || context == NULL) {
        pattern_memory_free(memory);
        return false;
    }
    pcre2_set_match_limit(context, MATCH_LIMIT);
    pcre2_set_heap_limit(context, HEAP_LIMIT_KIB);
    return true;
}

void pattern_memory_free(struct pattern_memory *memory)
{
    pcre2_match_data_free(memory->data);
    pcre2_match_context_free(memory->context);
    *memory = (struct pattern_memory){0};
}

/* A struct pattern is PCRE2's code under a name of ours. */
static const pcre2_code *code_of(const struct pattern *pattern)
{
    return (const pcre2_code *)pattern;
}

static uint32_t info(const struct pattern *pattern, uint32_t what)
{
    uint32_t value = 0;

    pcre2_pattern_info(code_of(pattern), what, &value);
    return value;
}

static int match(const struct pattern *pattern, const struct pattern_memory *memory,
                 struct span subject, uint32_t options)
{
    const char *data = subject.length == 0 ? "" : subject.data;

    return pcre2_match(code_of(pattern), (PCRE2_SPTR)data, subject.length, 0, options, memory->data,
                       memory->context);
}

static void tell(int error, struct text *why)
{
    PCRE2_UCHAR message[128];
    int length = pcre2_get_error_message(error, message, sizeof(message));

    text_add(why, (struct span){(const char *)message, length < 0 ? 0 : (size_t)length});
}

struct pattern *pattern_new(struct span source, enum pattern_kind kind,
                            struct pattern_memory *memory, struct text *why, size_t *ret_offset)
{
    uint32_t options = OPTIONS;
    const char *data = source.length == 0 ? "" : source.data;
    PCRE2_SIZE offset = 0;
    pcre2_code *code;
    struct pattern *pattern;
    int error;

    if (kind == PATTERN_WHOLE) {
        options |= PCRE2_ANCHORED | PCRE2_ENDANCHORED;
    }
    if (source.length > PATTERN_SOURCE) {
        text_add_string(why, "more than 1000 bytes");
        *ret_offset = 0;
        return NULL;
    }
    code = pcre2_compile((PCRE2_SPTR)data, source.length, options, &error, &offset, NULL);
    if (code == NULL) {
        tell(error, why);
        *ret_offset = offset < source.length ? offset : source.length;
        return NULL;
    }
    pattern = (struct pattern *)code;
    if (info(pattern, PCRE2_INFO_CAPTURECOUNT) > GROUPS_MAX) {
        text_add_string(why, "more than 64 groups");
    } else if (info(pattern, PCRE2_INFO_NAMECOUNT) > STEP_CAPTURES) {
        text_add_string(why, "more than 16 named groups");
    } else {
        error = match(pattern, memory, SPAN_NONE, 0);
        if (error >= 0 || error == PCRE2_ERROR_NOMATCH) {
            return pattern;
        }
        tell(error, why);
    }
    *ret_offset = 0;
    pattern_free(pattern);
    return NULL;
}

void pattern_free(struct pattern *pattern)
{
    pcre2_code_free((pcre2_code *)pattern);
}

/* Row `index` of PCRE2's table of names: two bytes of the group's number, the name, a NUL. */
static unsigned named_group(const struct pattern *pattern, uint32_t index, struct span *ret_name)
{
    PCRE2_SPTR table = NULL, row;
    uint32_t size = info(pattern, PCRE2_INFO_NAMEENTRYSIZE);

    pcre2_pattern_info(code_of(pattern), PCRE2_INFO_NAMETABLE, &table);
    row = table + (size_t)index * size;
    *ret_name = span_of((const char *)row + 2);
    return ((unsigned)row[0] << 8) | row[1];
}

unsigned pattern_captures(const struct pattern *pattern, struct span *ret_names)
{
    uint32_t count = info(pattern, PCRE2_INFO_NAMECOUNT);

    for (uint32_t i = 0; i < count; i++) {
        named_group(pattern, i, &ret_names[i]);
    }
    return count;
}

bool pattern_match(const struct pattern *pattern, const struct pattern_memory *memory,
                   struct span subject, struct step_values *ret_values)
{
    uint32_t names;
    const PCRE2_SIZE *at;

    if (match(pattern, memory, subject, 0) < 0) {
        return false;
    }
    names = info(pattern, PCRE2_INFO_NAMECOUNT);
    at = pcre2_get_ovector_pointer(memory->data);
    ret_values->captures = 0;
    for (uint32_t i = 0; i < names; i++) {
        struct span name;
        unsigned group = named_group(pattern, i, &name);
        PCRE2_SIZE from = at[2 * group], to = at[2 * group + 1];

        /* \K in a lookahead can make a group end before it begins. */
        if (from != PCRE2_UNSET && from <= to && to <= subject.length) {
            ret_values->capture[ret_values->captures].name = name;
            ret_values->capture[ret_values->captures].value =
                (struct span){subject.data + from, to - from};
            ret_values->captures++;
        }
    }
    return true;
}

/*
 * The same pattern, made for asking whether something could match that is not all there yet: PCRE2
 * does that for no pattern that is anchored at its end by option. NULL if it cannot be made.
 */
static struct pattern *probe_new(struct span source)
{
    char memory[PATTERN_SOURCE + 8];
    struct text text = TEXT_IN(memory);
    PCRE2_SIZE offset;
    int error;

    text_add(&text, SPAN("(?:"));
    text_add(&text, source);
    text_add(&text, SPAN(")\\z"));
    if (text.cut) {
        return NULL;
    }
    return (struct pattern *)pcre2_compile((PCRE2_SPTR)memory, text.length,
                                           OPTIONS | PCRE2_ANCHORED, &error, &offset, NULL);
}

static bool probe(const struct pattern *pattern, const struct pattern_memory *memory,
                  struct span start)
{
    /* NOMATCH alone is a no: a limit that was reached proves nothing. */
    return pattern == NULL ||
           match(pattern, memory, start, PCRE2_PARTIAL_HARD) != PCRE2_ERROR_NOMATCH;
}

bool pattern_could_match(struct span source, const struct pattern_memory *memory, struct span start)
{
    struct pattern *pattern = probe_new(source);
    bool could = probe(pattern, memory, start);

    pattern_free(pattern);
    return could;
}

static bool is_word_byte(char byte)
{
    return text_is_letter(byte) || text_is_digit(byte) || byte == '_';
}

/* Behind `(?`: an inline option (`i`, `^x`, `-i`), a comment, or another letter's business. */
static bool is_option(struct span text)
{
    char byte = text.length == 0 ? '#' : text.data[0];

    return byte == '#' || byte == '^' || byte == '-' || (text_is_letter(byte) && byte != 'P');
}

/*
 * Might a branch of the pattern begin elsewhere? A `|` outside all groups says so; quoting,
 * comments and inline options could hide one, so they count as one.
 */
static bool may_branch(struct span source)
{
    int depth = 0;

    for (size_t i = 0; i < source.length; i++) {
        struct span rest = span_skip(source, i);

        if (span_starts(rest, SPAN("\\Q")) || span_starts(rest, SPAN("(*")) ||
            (span_starts(rest, SPAN("(?")) && is_option(span_skip(rest, 2)))) {
            return true;
        }
        switch (source.data[i]) {
        case '\\': i++; break;
        case '(': depth++; break;
        case ')': depth--; break;
        case '|':
            if (depth <= 0) {
                return true;
            }
            break;
        case '[': /* to the bracket that closes it; one right behind the opening is content */
            i++;
            if (i < source.length && source.data[i] == '^') {
                i++;
            }
            for (i++; i < source.length && source.data[i] != ']'; i++) {
                if (source.data[i] == '\\') {
                    i++;
                } else if (source.data[i] == '[') {
                    return true; /* [[:alpha:]] and its like */
                }
            }
            break;
        default: break;
        }
    }
    return false;
}

/* Could what matches go on with one of `next` after `word`? */
static bool can_go_on(struct span source, const struct pattern_memory *memory, struct span word,
                      struct span next)
{
    struct pattern *pattern = probe_new(source);
    char longer[WORD_MAX + 1];
    struct text text = TEXT_IN(longer);
    bool could = false;

    text_add(&text, word);
    for (size_t i = 0; i < next.length && !could; i++) {
        longer[word.length] = next.data[i];
        could = probe(pattern, memory, (struct span){longer, word.length + 1});
    }
    pattern_free(pattern);
    return could;
}

/* Bytes of letter and number at the start of `text`, 0 if it begins with no G, M, T or F code. */
static size_t code_length(struct span text)
{
    size_t used = 1;

    if (text.length == 0 || span_find(SPAN("GMTF"), text_upper(text.data[0])) == 4) {
        return 0;
    }
    while (used < text.length && text_is_digit(text.data[used])) {
        used++;
    }
    return used > 1 ? used : 0;
}

bool pattern_literal_word(struct span source, const struct pattern_memory *memory,
                          struct span *ret_word)
{
    struct span word = source, next = SPAN("0123456789abcdefghijklmnopqrstuvwxyz_");
    size_t length = 0, code;

    if (word.length > 0 && word.data[0] == '^') {
        word = span_skip(word, 1);
    }
    while (length < word.length && is_word_byte(word.data[length])) {
        length++;
    }
    /* A quantifier belongs to the last byte alone. */
    if (length > 0 && length < word.length && span_find(SPAN("?*+{"), word.data[length]) < 4) {
        length--;
    }
    word.length = length;
    if (length == 0 || length > WORD_MAX || !text_is_letter(word.data[0]) || may_branch(source)) {
        return false;
    }
    code = code_length(word);
    if (code > 0) {
        /* `M750X1` is the command M750: only a digit goes on after the number. */
        next = code < word.length ? SPAN_NONE : SPAN("0123456789");
        word.length = code;
    }
    if (can_go_on(source, memory, word, next)) {
        return false;
    }
    *ret_word = word;
    return true;
}
