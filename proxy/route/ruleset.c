#include "route/ruleset.h"

#include <assert.h>

#include "wire/gcode_line.h"

static bool is_word_byte(char byte)
{
    return text_is_letter(byte) || text_is_digit(byte) || byte == '_';
}

/* The letter and number of a command, or the letters, digits and underscores it begins with. */
static struct rule_word word_of(const struct gcode_line *line)
{
    struct rule_word word = {.code = -1, .subcode = -1};

    if (line->is_command) {
        word.letter = line->letter;
        word.code = line->code;
        word.subcode = line->subcode;
        return word;
    }
    word.word = line->command;
    for (size_t i = 0; i < word.word.length; i++) {
        if (!is_word_byte(word.word.data[i])) {
            word.word.length = i;
        }
    }
    return word;
}

/* The same for all spellings of a word. A subcode is no part of it: patterns may leave it open. */
static uint32_t hash(const struct rule_word *word)
{
    uint32_t sum = 2166136261u;

    if (word->letter != 0) {
        sum = (sum ^ (uint8_t)word->letter) * 16777619u;
        sum = (sum ^ (uint32_t)word->code) * 2654435761u;
    }
    for (size_t i = 0; i < word->word.length; i++) {
        sum = (sum ^ (uint8_t)text_upper(word->word.data[i])) * 16777619u;
    }
    return sum ^ sum >> 15;
}

/* The word that every line begins with which the rule can take. False if there is no such word. */
static bool key_of(const struct ruleset *ruleset, const struct rule *rule,
                   struct rule_word *ret_word)
{
    struct gcode_line line;
    struct span literal = rule->word;

    if (rule->pattern != NULL && !pattern_literal_word(rule->source, &ruleset->memory, &literal)) {
        return false;
    }
    gcode_line_parse(literal, &line);
    *ret_word = word_of(&line);
    return true;
}

unsigned ruleset_index(struct ruleset *ruleset)
{
    unsigned tried = 0;

    assert(ruleset->count < RULE_NONE && ruleset->buckets >= ruleset->count);
    assert(ruleset->buckets > 0 && (ruleset->buckets & (ruleset->buckets - 1)) == 0);
    for (unsigned i = 0; i < ruleset->buckets; i++) {
        ruleset->bucket[i] = RULE_NONE;
    }
    ruleset->each = RULE_NONE;
    for (unsigned kind = 0; kind < WHEN_KINDS; kind++) {
        ruleset->first[kind] = RULE_NONE;
    }
    /* From the last to the first, so that every chain is in file order. */
    for (unsigned i = ruleset->count; i-- > 0;) {
        struct rule *rule = &ruleset->rule[i];
        uint16_t *first = &ruleset->each;

        rule->key = (struct rule_word){.code = -1, .subcode = -1};
        if (rule->when.kind != WHEN_GCODE) {
            first = &ruleset->first[rule->when.kind];
            tried += rule->when.kind == WHEN_REPLY;
        } else if (key_of(ruleset, rule, &rule->key)) {
            first = &ruleset->bucket[hash(&rule->key) & (ruleset->buckets - 1)];
        } else {
            tried++;
        }
        rule->next = *first;
        *first = (uint16_t)i;
    }
    return tried;
}

unsigned ruleset_count(const struct ruleset *ruleset)
{
    return ruleset == NULL ? 0 : ruleset->count;
}

const struct rule *ruleset_rule(const struct ruleset *ruleset, unsigned index)
{
    assert(index < ruleset_count(ruleset));
    return &ruleset->rule[index];
}

/* Runs of blanks become one, except in quotes. */
static void squeeze(struct span command, struct text *text)
{
    bool blank = false, quoted = false;

    for (size_t i = 0; i < command.length; i++) {
        char byte = command.data[i];
        bool is_blank = !quoted && text_is_blank(byte);

        if (byte == '"') {
            quoted = !quoted;
        }
        if (!is_blank || !blank) {
            text_add_char(text, is_blank ? ' ' : byte);
        }
        blank = is_blank;
    }
}

static bool same_word(const struct rule *rule, const struct rule_word *word,
                      const struct gcode_line *line)
{
    if (rule->key.letter != word->letter || rule->key.code != word->code ||
        !span_equal_nocase(rule->key.word, word->word)) {
        return false;
    }
    if (rule->pattern != NULL) {
        return true;
    }
    /* A bare word is the whole word: neither `M42.1` nor `ENC:1`. */
    return rule->key.subcode == word->subcode &&
           (word->letter != 0 || word->word.length == line->command.length ||
            text_is_blank(line->command.data[word->word.length]));
}

static bool takes(const struct ruleset *ruleset, const struct rule *rule,
                  const struct settings *settings, const struct rule_world *world,
                  const struct gcode_line *line, struct text *squeezed,
                  struct step_values *ret_values)
{
    ret_values->captures = 0;
    if (rule->pattern != NULL) {
        if (squeezed->length == 0) {
            squeeze(line->command, squeezed);
        }
        if (!pattern_match(rule->pattern, &ruleset->memory, text_span(squeezed), ret_values)) {
            return false;
        }
    }
    return ruleset_holds(rule, settings, world, ret_values);
}

bool ruleset_asks(const struct ruleset *ruleset, const struct gcode_line *line)
{
    struct rule_word word;

    if (ruleset_count(ruleset) == 0 || line->command.length == 0) {
        return false;
    }
    word = word_of(line);
    return ruleset->each != RULE_NONE ||
           ruleset->bucket[hash(&word) & (ruleset->buckets - 1)] != RULE_NONE;
}

const struct rule *ruleset_match(const struct ruleset *ruleset, const struct settings *settings,
                                 const struct rule_world *world, const struct gcode_line *line,
                                 struct text *squeezed, struct step_values *ret_values)
{
    struct rule_word word;
    uint16_t here, each;

    if (ruleset_count(ruleset) == 0 || line->command.length == 0 ||
        gcode_line_emergency(line) != GCODE_ORDINARY) {
        return NULL;
    }
    word = word_of(line);
    here = ruleset->bucket[hash(&word) & (ruleset->buckets - 1)];
    each = ruleset->each;
    squeezed->length = 0;
    squeezed->cut = false;
    ret_values->line = line;
    while (here != RULE_NONE || each != RULE_NONE) {
        /* RULE_NONE is above every index: the two chains are walked as one, in file order. */
        bool indexed = here < each;
        const struct rule *rule = &ruleset->rule[indexed ? here : each];

        if (indexed) {
            here = rule->next;
        } else {
            each = rule->next;
        }
        if ((!indexed || same_word(rule, &word, line)) &&
            takes(ruleset, rule, settings, world, line, squeezed, ret_values)) {
            return rule;
        }
    }
    return NULL;
}

const struct rule *ruleset_next_for(const struct ruleset *ruleset, enum when_kind kind,
                                    const struct rule *after)
{
    uint16_t next;

    assert(kind != WHEN_GCODE);
    if (ruleset_count(ruleset) == 0) {
        return NULL;
    }
    next = after == NULL ? ruleset->first[kind] : after->next;
    return next == RULE_NONE ? NULL : &ruleset->rule[next];
}

bool ruleset_replies(const struct ruleset *ruleset, const struct rule *rule, struct span reply,
                     struct step_values *ret_values)
{
    assert(rule->when.kind == WHEN_REPLY);
    ret_values->line = NULL;
    ret_values->captures = 0;
    return pattern_match(rule->pattern, &ruleset->memory, reply, ret_values);
}

bool ruleset_holds(const struct rule *rule, const struct settings *settings,
                   const struct rule_world *world, const struct step_values *values)
{
    return conditions_hold(rule->condition, rule->conditions, settings, world, values);
}

uint16_t ruleset_number(const struct ruleset *ruleset, const struct rule *rule)
{
    return (uint16_t)(rule - ruleset->rule + 1);
}
