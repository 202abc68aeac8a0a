#include "load/rules_file.h"

#include <string.h>

#include "load/conditions_file.h"
#include "load/steps_file.h"
#include "load/when_file.h"

#define NAME_MAX_BYTES 80

/* One rule as it is read. */
struct reading {
    const struct fields *fields;
    struct ruleset *ruleset;
    struct rule rule;
    struct steps_file steps;
    const struct node *subject; /* what it waits for */
};

/* The list of rules: the file itself, or what stands under `rules:`. */
static const struct node *rule_list(const struct node *root)
{
    return root != NULL && root->kind == NODE_MAP ? node_get(root, "rules") : root;
}

unsigned rules_file_count(const struct node *root)
{
    const struct node *list = rule_list(root);

    return list == NULL || list->kind != NODE_LIST ? 0 : list->count;
}

/* `M42`, `M889.1`, `ENC`: letters, digits and underscores, perhaps a point and digits. */
static bool is_bare_word(struct span text)
{
    size_t used = 0;

    if (text.length == 0 || !text_is_letter(text.data[0])) {
        return false;
    }
    while (used < text.length && (text_is_letter(text.data[used]) ||
                                  text_is_digit(text.data[used]) || text.data[used] == '_')) {
        used++;
    }
    if (used + 1 < text.length && text.data[used] == '.') {
        for (used++; used < text.length && text_is_digit(text.data[used]); used++) {
        }
    }
    return used == text.length;
}

/* What firmware with an emergency parser acts on as soon as it has read it, whatever follows. */
static const char *const emergencies[] = {"M112", "M108", "M410", "M876"};

static void warn_of_emergencies(const struct reading *reading, const struct node *gcode)
{
    const struct fields *fields = reading->fields;
    struct span text = gcode->text;

    if (span_starts(text, SPAN("^"))) {
        text = span_skip(text, 1);
    }
    for (size_t i = 0; i < sizeof(emergencies) / sizeof(emergencies[0]); i++) {
        char longer[6] = {0};
        bool digits = false;

        if (!span_starts_nocase(text, span_of(emergencies[i]))) {
            continue;
        }
        memcpy(longer, emergencies[i], 4);
        for (char digit = '0'; digit <= '9'; digit++) {
            longer[4] = digit;
            digits = digits || (reading->rule.pattern == NULL
                                    ? span_starts_nocase(text, span_of(longer))
                                    : pattern_could_match(gcode->text, &reading->ruleset->memory,
                                                          span_of(longer)));
        }
        if (digits) {
            node_warning(fields, gcode,
                         "firmware with an emergency parser takes it for %s if it is ever "
                         "forwarded",
                         emergencies[i]);
        } else {
            node_warning(fields, gcode, "never matches: %s is acted on before any rule sees it",
                         emergencies[i]);
        }
    }
}

static bool compile(struct reading *reading, const struct node *node, enum pattern_kind kind)
{
    struct rule *rule = &reading->rule;
    struct span names[STEP_CAPTURES];
    char message[128];
    struct text why = TEXT_IN(message);
    size_t offset;

    rule->pattern = pattern_new(node->text, kind, &reading->ruleset->memory, &why, &offset);
    if (rule->pattern == NULL) {
        mistakes_error(reading->fields->mistakes,
                       node_place_of(node, reading->fields->bytes, offset),
                       "when.%s: %.*s (at offset %zu)", node->key->text.data, (int)why.length,
                       why.data, offset);
        return false;
    }
    rule->source = arena_copy(reading->fields->arena, node->text);
    reading->steps.captures = pattern_captures(rule->pattern, names);
    memcpy(reading->steps.capture, names, sizeof(names[0]) * reading->steps.captures);
    return true;
}

static bool read_gcode(struct reading *reading, const struct node *gcode)
{
    if (is_bare_word(gcode->text)) {
        reading->rule.word = arena_copy(reading->fields->arena, gcode->text);
    } else if (!compile(reading, gcode, PATTERN_WHOLE)) {
        return false;
    }
    warn_of_emergencies(reading, gcode);
    return true;
}

/* True if the rule is complete so far. */
static bool read_when(struct reading *reading, const struct node *node)
{
    struct when when;

    /* Also if there are mistakes: those of its steps are told all the same. */
    reading->steps.gcode = node_get(node, "gcode") != NULL;
    if (!when_file_read(reading->fields, node, false, &when, &reading->subject)) {
        return false;
    }
    reading->rule.when = when;
    if (when.kind == WHEN_REPLY) {
        return compile(reading, reading->subject, PATTERN_PART);
    }
    return when.kind != WHEN_GCODE || read_gcode(reading, reading->subject);
}

static void read_then(struct reading *reading, const struct node *then)
{
    static const char *const words[] = {"swallow", "forward", NULL};
    const struct fields *fields = reading->fields;
    const struct node *replacement = node_get(then, "replace");
    struct span text;
    unsigned index;

    if (!reading->steps.gcode) {
        key_error(fields, then, "only a gcode rule has a line");
    }
    if (then->kind != NODE_MAP) {
        if (node_is(then, "replace")) {
            node_error(fields, then, "replace needs the line: {replace: '…'}");
        } else if (field_word(fields, then, words, &index)) {
            reading->rule.then = index == 0 ? RULE_SWALLOW : RULE_FORWARD;
        }
        return;
    }
    for (const struct node *child = then->first; child != NULL; child = child->next) {
        if (child != replacement) {
            key_error(fields, child, "unknown key (did you mean replace?)");
        }
    }
    if (replacement == NULL) {
        node_error(fields, then, "expected swallow, forward or {replace: '…'}");
    } else if (field_text(fields, replacement, &text)) {
        steps_file_check_template(&reading->steps, replacement);
        reading->rule.then = RULE_REPLACE;
        reading->rule.replacement = arena_copy(fields->arena, text);
        reading->steps.text += text.length;
    }
}

static void read_until(struct reading *reading, const struct node *until)
{
    const struct node *subject;

    when_file_read(reading->fields, until, true, &reading->rule.until, &subject);
}

static void read_again(struct reading *reading, const struct node *again)
{
    static const char *const words[] = {"restart", "ignore", "queue", NULL};
    static const enum rule_again kinds[] = {AGAIN_RESTART, AGAIN_IGNORE, AGAIN_QUEUE};
    unsigned index;

    if (reading->steps.gcode) {
        key_error(reading->fields, again,
                  "a gcode rule is never due while it runs: the stream "
                  "waits for it");
    }
    if (field_word(reading->fields, again, words, &index)) {
        reading->rule.again = kinds[index];
    }
}

/* A step that can never be done, unless a condition sees to it. */
static void check_needs(const struct reading *reading)
{
    static const struct {
        enum condition_kind kind;
        const char *name;
    } needs[STEPS_NEEDS] = {[STEPS_NEED_PSU] = {CONDITION_PSU, "psu"},
                            [STEPS_NEED_FILAMENT] = {CONDITION_FILAMENT, "filament"},
                            [STEPS_NEED_ESTOP] = {CONDITION_ESTOP, "estop"}};
    const struct settings *settings = reading->fields->settings;
    const bool has[STEPS_NEEDS] = {[STEPS_NEED_PSU] = settings->psu.point != POINT_NONE,
                                   [STEPS_NEED_FILAMENT] = settings->filaments > 0,
                                   [STEPS_NEED_ESTOP] = settings->estop.point != POINT_NONE};

    for (unsigned need = 0; need < STEPS_NEEDS; need++) {
        bool right = has[need] || reading->steps.need[need] == NULL;

        for (unsigned i = 0; i < reading->rule.conditions; i++) {
            right = right || reading->rule.condition[i].kind == needs[need].kind;
        }
        if (!right) {
            key_error(reading->fields, reading->steps.need[need], "the config has no %s",
                      needs[need].name);
        }
    }
}

static void check_steps(const struct reading *reading, const struct node *node)
{
    const struct steps_file *steps = &reading->steps;

    if (steps->count > STEPS_MAX) {
        key_error(reading->fields, node,
                  "%u steps, at most %d (each point of a set counts, and the steps of else)",
                  steps->count, STEPS_MAX);
    }
    if (steps->text > STEPS_TEXT_MAX) {
        key_error(reading->fields, node, "%zu bytes of text to say and send, at most %d",
                  steps->text, STEPS_TEXT_MAX);
    }
    if (steps->forwards + (reading->rule.then == RULE_SWALLOW ? 0 : 1) > 1) {
        key_error(reading->fields, node, "the line would go to the printer twice");
    }
}

static void keep_steps(struct reading *reading)
{
    unsigned count = reading->steps.count;
    struct step *kept;

    if (count == 0 || count > STEPS_MAX) {
        return;
    }
    kept = arena_take(reading->fields->arena, count * sizeof(*kept));
    memcpy(kept, reading->steps.step, count * sizeof(*kept));
    reading->rule.step = kept;
    reading->rule.steps = count;
}

/* What a rule without a name is called: `M750`, `print started`, `point door`. */
static void name_after_subject(const struct reading *reading, struct text *text)
{
    const struct node *subject = reading->subject;
    const struct node *value = subject;

    if (subject == NULL) {
        return;
    }
    if (reading->rule.when.kind == WHEN_START) {
        text_add_string(text, "start");
        return;
    }
    if (reading->rule.when.kind != WHEN_GCODE) {
        text_add(text, subject->key->text);
        text_add_char(text, ' ');
    }
    if (value->first != NULL) {
        value = value->kind == NODE_MAP ? value->first->key : value->first;
    }
    text_add(text, value->text);
}

static void read_name(struct reading *reading, const struct node *node)
{
    char memory[NAME_MAX_BYTES];
    struct text made = TEXT_IN(memory);
    struct span text = SPAN_NONE;
    const struct node *name = node_get(node, "name");

    if (name == NULL) {
        name_after_subject(reading, &made);
        text = text_span(&made);
    } else if (field_text(reading->fields, name, &text) && text.length > NAME_MAX_BYTES) {
        node_error(reading->fields, name, "longer than %d bytes", NAME_MAX_BYTES);
    }
    reading->rule.name = arena_copy(reading->fields->arena, text);
}

/* For keys that only have to be known: they are read elsewhere, in an order of their own. */
static void pass(const struct fields *fields, const struct node *value, void *target)
{
    (void)fields;
    (void)value;
    (void)target;
}

static const struct field rule_keys[] = {
    {"name", pass}, {"when", pass},  {"if", pass},    {"do", pass},
    {"then", pass}, {"until", pass}, {"again", pass}, {NULL, NULL},
};

/* True if the rule can go into the ruleset; it may have mistakes that were told. */
static bool read_rule(struct reading *reading, const struct node *node)
{
    const struct fields *fields = reading->fields;
    const struct node *when, *part, *steps;
    bool complete = false;

    if (!fields_read(fields, node, rule_keys, NULL)) {
        return false;
    }
    when = node_get(node, "when");
    steps = node_get(node, "do");
    if (when == NULL) {
        node_error(fields, node, "when is missing");
    } else {
        complete = read_when(reading, when);
    }
    read_name(reading, node);
    part = node_get(node, "if");
    if (part != NULL) {
        conditions_file_if(fields, part, reading->steps.gcode, reading->steps.capture,
                           reading->steps.captures, &reading->rule);
    }
    if (steps != NULL) {
        steps_file_read(&reading->steps, steps);
    }
    part = node_get(node, "then");
    if (part != NULL) {
        read_then(reading, part);
    } else if (steps == NULL) {
        node_error(fields, node, "do is missing");
    }
    part = node_get(node, "until");
    if (part != NULL) {
        read_until(reading, part);
    }
    part = node_get(node, "again");
    if (part != NULL) {
        read_again(reading, part);
    }
    if (steps != NULL) {
        check_steps(reading, steps);
        check_needs(reading);
        keep_steps(reading);
    }
    return complete;
}

void rules_file_read(const struct fields *fields, const struct node *root, const char *file,
                     struct ruleset *ruleset, struct place *place)
{
    static const struct field keys[] = {
        {"rules", pass}, {"tests", pass}, {"example", pass}, {NULL, NULL}};
    const struct node *list = rule_list(root);

    if (root == NULL) {
        return;
    }
    if (root->kind == NODE_MAP) {
        fields_read(fields, root, keys, NULL);
    }
    if (list == NULL || node_is_nothing(list) || !field_is_list(fields, list)) {
        return;
    }
    for (const struct node *node = list->first; node != NULL; node = node->next) {
        struct reading reading = {.fields = fields,
                                  .ruleset = ruleset,
                                  .steps = {.fields = fields},
                                  .rule = {.file = span_of(file), .line = node->place.line}};

        if (!read_rule(&reading, node)) {
            continue;
        }
        place[ruleset->count] = reading.subject->place;
        ruleset->rule[ruleset->count++] = reading.rule;
    }
}

/* Does the first of two rules, which has no conditions, take every line that the second could? */
static bool hides(const struct rule *first, const struct rule *second)
{
    if (first->pattern != NULL || second->pattern != NULL) {
        return first->pattern != NULL && second->pattern != NULL &&
               span_equal_nocase(first->source, second->source);
    }
    return first->key.letter == second->key.letter && first->key.code == second->key.code &&
           first->key.subcode == second->key.subcode &&
           span_equal_nocase(first->key.word, second->key.word);
}

/* Tells of rules in a chain that never get a line because of one before them. */
static void warn_of_hidden(const struct ruleset *ruleset, uint16_t first, const struct place *place,
                           struct mistakes *mistakes)
{
    for (uint16_t one = first; one != RULE_NONE; one = ruleset->rule[one].next) {
        const struct rule *rule = &ruleset->rule[one];

        for (uint16_t other = rule->conditions > 0 ? RULE_NONE : rule->next; other != RULE_NONE;
             other = ruleset->rule[other].next) {
            if (hides(rule, &ruleset->rule[other])) {
                mistakes_warning(mistakes, place[other],
                                 "when.gcode: never matches: %.*s:%u takes the same lines before",
                                 (int)rule->file.length, rule->file.data, rule->line);
            }
        }
    }
}

static bool is_tried_on_each_line(const struct rule *rule)
{
    return rule->when.kind == WHEN_REPLY ||
           (rule->when.kind == WHEN_GCODE && rule->key.letter == 0 && rule->key.word.length == 0);
}

void rules_file_finish(struct ruleset *ruleset, const struct place *place, struct arena *arena,
                       struct mistakes *mistakes)
{
    unsigned tried = 0;

    /* An eighth full at most: a line seldom meets the rules of another word. */
    ruleset->buckets = 16;
    while (ruleset->buckets < ruleset->count * 8) {
        ruleset->buckets *= 2;
    }
    ruleset->bucket = arena_take(arena, ruleset->buckets * sizeof(*ruleset->bucket));
    if (ruleset_index(ruleset) > RULES_WITHOUT_WORD_MAX) {
        unsigned one = 0;

        for (; tried < RULES_WITHOUT_WORD_MAX + 1; one++) {
            tried += is_tried_on_each_line(&ruleset->rule[one]);
        }
        mistakes_error(mistakes, place[one - 1],
                       "more than %d patterns that are tried on each line: those of reply rules, "
                       "and of gcode rules without a literal word (one that begins like M750\\b "
                       "has a word)",
                       RULES_WITHOUT_WORD_MAX);
    }
    for (unsigned i = 0; i < ruleset->buckets; i++) {
        warn_of_hidden(ruleset, ruleset->bucket[i], place, mistakes);
    }
    warn_of_hidden(ruleset, ruleset->each, place, mistakes);
}
