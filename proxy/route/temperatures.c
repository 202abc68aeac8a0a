#include "route/temperatures.h"

#include <string.h>

void temperatures_init(struct temperatures *temperatures)
{
    memset(temperatures, 0, sizeof *temperatures);
}

static bool same_heater(const struct printer_reply_heater *heater, char name, unsigned index)
{
    return heater->name == name && heater->index == index;
}

struct temperature_play temperature_play_at(int32_t value)
{
    return (struct temperature_play){value, value};
}

struct temperature_play temperature_play_follow(struct temperature_play play, int32_t value)
{
    if (play.high < value)
        play.high = value;
    else if (play.high > value + TEMPERATURE_PLAY)
        play.high = value + TEMPERATURE_PLAY;
    if (play.low > value)
        play.low = value;
    else if (play.low < value - TEMPERATURE_PLAY)
        play.low = value - TEMPERATURE_PLAY;
    return play;
}

/* One heater of a report. */
static void see_heater(struct temperatures *temperatures, const struct printer_reply_heater *seen,
                       struct instant now)
{
    unsigned slot = 0;

    while (slot < temperatures->heaters &&
           !same_heater(&temperatures->heater[slot], seen->name, seen->index))
        slot++;
    if (slot == TEMPERATURES_HEATERS)
        return;
    if (slot == temperatures->heaters) {
        temperatures->heaters++;
        temperatures->play[slot] = temperature_play_at(seen->actual);
        temperatures->taken[slot] = temperatures->play[slot];
        temperatures->told[slot] = (struct printer_reply_heater){0};
    } else {
        temperatures->play[slot] = temperature_play_follow(temperatures->play[slot], seen->actual);
    }
    temperatures->heater[slot] = *seen;
    temperatures->seen[slot] = now;
}

void temperatures_see(struct temperatures *temperatures, const struct printer_reply *reply,
                      struct instant now)
{
    for (unsigned i = 0; i < reply->heaters; i++)
        see_heater(temperatures, &reply->heater[i], now);
    if (reply->heaters > 0) {
        temperatures->at = now;
        temperatures->fresh = true;
    }
}

static bool is_news(const struct printer_reply_heater *told,
                    const struct printer_reply_heater *heater)
{
    int32_t moved = heater->actual - told->actual;

    return told->name == 0 || moved >= TEMPERATURE_PLAY || moved <= -TEMPERATURE_PLAY ||
           told->has_target != heater->has_target || told->target != heater->target;
}

bool temperatures_next_change(struct temperatures *temperatures,
                              struct temperature_change *ret_change)
{
    for (unsigned i = 0; temperatures->fresh && i < temperatures->heaters; i++) {
        struct temperature_play old = temperatures->taken[i], play = temperatures->play[i];
        bool news = is_news(&temperatures->told[i], &temperatures->heater[i]);

        if (!news && old.high == play.high && old.low == play.low)
            continue;
        *ret_change = (struct temperature_change){temperatures->heater[i], old, play, news};
        temperatures->taken[i] = play;
        if (news)
            temperatures->told[i] = temperatures->heater[i];
        return true;
    }
    temperatures->fresh = false;
    return false;
}

bool temperature_holds(int32_t value, enum temperature_compare compare, int32_t limit)
{
    switch (compare) {
    case TEMPERATURE_BELOW: return value < limit;
    case TEMPERATURE_AT_MOST: return value <= limit;
    case TEMPERATURE_ABOVE: return value > limit;
    case TEMPERATURE_AT_LEAST: return value >= limit;
    }
    return false;
}

bool temperature_crosses(const struct temperature_change *change, enum temperature_compare compare,
                         int32_t limit)
{
    bool upwards = compare == TEMPERATURE_ABOVE || compare == TEMPERATURE_AT_LEAST;
    int32_t old = upwards ? change->old.high : change->old.low;
    int32_t new = upwards ? change->now.high : change->now.low;

    return !temperature_holds(old, compare, limit) && temperature_holds(new, compare, limit);
}

const struct printer_reply_heater *temperatures_find(const struct temperatures *temperatures,
                                                     char name, unsigned index)
{
    for (unsigned i = 0; i < temperatures->heaters; i++) {
        if (same_heater(&temperatures->heater[i], name, index))
            return &temperatures->heater[i];
    }
    return NULL;
}

bool temperatures_read(struct span word, char *ret_name, unsigned *ret_index)
{
    if (span_equal_nocase(word, SPAN("bed")) || span_equal_nocase(word, SPAN("chamber"))) {
        *ret_name = text_upper(word.data[0]);
        *ret_index = 0;
        return true;
    }
    if (word.length != 5 || !span_starts_nocase(word, SPAN("tool")) || !text_is_digit(word.data[4]))
        return false;
    *ret_name = 'T';
    *ret_index = (unsigned)(word.data[4] - '0');
    return true;
}

void temperatures_word(const struct printer_reply_heater *heater, struct text *ret_word)
{
    switch (heater->name) {
    case 'B': text_add_string(ret_word, "bed"); return;
    case 'C': text_add_string(ret_word, "chamber"); return;
    default:
        text_add_string(ret_word, "tool");
        text_add_integer(ret_word, heater->index);
        return;
    }
}

bool temperatures_cold(const struct temperatures *temperatures, int32_t below)
{
    bool cold = temperatures->heaters > 0;

    for (unsigned i = 0; i < temperatures->heaters; i++) {
        const struct printer_reply_heater *heater = &temperatures->heater[i];

        if (temperatures->seen[i].us == temperatures->at.us)
            cold = cold && heater->has_target && heater->target == 0 && heater->actual < below;
    }
    return cold;
}

/* As firmware writes it: two decimals, always. */
static void add_hundredths(struct text *text, int32_t thousandths)
{
    int32_t size = thousandths < 0 ? -thousandths : thousandths;

    size = (size + 5) / 10;
    if (thousandths < 0 && size > 0)
        text_add_char(text, '-');
    text_add_integer(text, size / 100);
    text_add_char(text, '.');
    text_add_integer(text, size / 10 % 10);
    text_add_integer(text, size % 10);
}

/* ` T0:20.00 /0.00` */
static void add_heater(struct text *text, const char *name,
                       const struct printer_reply_heater *heater)
{
    text_add_char(text, ' ');
    text_add_string(text, name);
    text_add_char(text, ':');
    add_hundredths(text, heater->actual);
    text_add_string(text, " /");
    add_hundredths(text, heater->has_target ? heater->target : 0);
}

void temperatures_answer(const struct temperatures *temperatures, struct text *ret_answer)
{
    static const struct printer_reply_heater zero;
    const struct printer_reply_heater *tool = temperatures_find(temperatures, 'T', 0);
    const struct printer_reply_heater *bed = temperatures_find(temperatures, 'B', 0);
    const struct printer_reply_heater *chamber = temperatures_find(temperatures, 'C', 0);
    unsigned tools = 0;

    for (unsigned i = 0; i < temperatures->heaters; i++)
        tools += temperatures->heater[i].name == 'T';
    text_add_string(ret_answer, "ok");
    add_heater(ret_answer, "T", tool != NULL ? tool : &zero);
    if (bed != NULL || temperatures->heaters == 0)
        add_heater(ret_answer, "B", bed != NULL ? bed : &zero);
    if (chamber != NULL)
        add_heater(ret_answer, "C", chamber);
    for (unsigned index = 0; tools > 1 && index < 10; index++) {
        char name[] = {'T', (char)('0' + index), '\0'};

        tool = temperatures_find(temperatures, 'T', index);
        if (tool != NULL)
            add_heater(ret_answer, name, tool);
    }
    text_add_string(ret_answer, " @:0 B@:0\n");
}

const char *temperatures_check(const struct temperatures *temperatures)
{
    if (temperatures->heaters > TEMPERATURES_HEATERS)
        return "temperatures: more heaters than there is room for";
    for (unsigned i = 0; i < temperatures->heaters; i++) {
        const struct temperature_play *play = &temperatures->play[i];
        int32_t actual = temperatures->heater[i].actual;

        if (play->high < actual || play->high - actual > TEMPERATURE_PLAY || play->low > actual ||
            actual - play->low > TEMPERATURE_PLAY)
            return "temperatures: a value has more play than a degree";
        for (unsigned j = 0; j < i; j++) {
            if (same_heater(&temperatures->heater[i], temperatures->heater[j].name,
                            temperatures->heater[j].index))
                return "temperatures: a heater stands there twice";
        }
    }
    return NULL;
}
