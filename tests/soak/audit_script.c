#include "audit_script.h"

const char *audit_word(enum audit_class class)
{
    static const char *const words[AUDIT_CLASSES] = {
        [AUDIT_TORN] = "number torn off whole",
        [AUDIT_COLLISION] = "hurt, and its checksum right",
        [AUDIT_LOST] = "without a number, and lost",
        [AUDIT_HURT] = "without a number, and hurt",
        [AUDIT_TWICE] = "without a number, and doubled by the wire",
        [AUDIT_EARLY] = "answered before it was carried out, by an ok that was none of its own",
        [AUDIT_UNREVEALED] = "refused, all of that hurt, and nothing behind it to reveal it",
        [AUDIT_UNHEARD] = "reset that nothing told",
        [AUDIT_ON_THE_WAY] = "under way when the printer was reset",
        [AUDIT_GIVEN_UP] = "print given up, and told",
        [AUDIT_MADE_UP] = "lost ok made up, and told",
        [AUDIT_LET_GO] = "refused for ever, let go, and told",
        [AUDIT_ERROR_SHOWN] = "numbering error shown",
    };

    return words[class];
}

char audit_letter(uint32_t serial)
{
    return (char)('a' + serial * 7 % 26);
}

uint32_t audit_give(struct audit *audit, const char *command)
{
    struct text text;

    if (audit->serials + 1 == AUDIT_SERIALS)
        return 0;
    text = (struct text){audit->given[++audit->serials], AUDIT_COMMAND - 1, 0, false};
    audit->content[audit->serials] = audit->is_content;
    text_add_string(&text, command);
    text.data[text.length] = '\0';
    return audit->serials;
}

void audit_content(struct audit *audit, bool content)
{
    audit->is_content = content;
    audit->uploads |= content;
}

uint32_t audit_serial(const struct audit *audit, struct span command)
{
    size_t at = span_find_last(command, 'K');
    struct span number = span_skip(command, at + 1);
    int64_t serial;
    size_t digits = text_integer(number, &serial);

    /* Without its point it is half a line, with another letter behind it another's. */
    if (at >= command.length || digits == 0 || number.length < digits + 2 ||
        number.data[digits] != '.' || serial < audit->first || serial > audit->serials ||
        number.data[digits + 1] != audit_letter((uint32_t)serial))
        return 0;
    return (uint32_t)serial;
}

bool audit_is_motion(struct span command)
{
    return command.length > 2 && command.data[0] == 'G' && command.data[1] >= '0' &&
           command.data[1] <= '3';
}

bool audit_is_given(const struct audit *audit, struct span command, uint32_t serial)
{
    struct span given = span_of(audit->given[serial]);

    return span_equal(command, given) ||
           (span_starts(given, SPAN("M802 S")) && span_starts(command, SPAN("M117 replaced by ")) &&
            span_equal(span_skip(command, 17), span_skip(given, 6)));
}

/* Whole, and not what the wire has made of another. */
static bool is_m110(struct span command)
{
    int64_t number;

    if (span_equal(command, SPAN("M110")))
        return true;
    command = span_skip(command, 6);
    return command.length > 0 && text_integer(command, &number) == command.length;
}

bool audit_is_ours(struct span command)
{
    return span_equal(command, SPAN("M105")) || span_equal(command, SPAN("M400")) ||
           span_equal(command, SPAN("M114")) || span_equal(command, SPAN("M108")) ||
           span_equal(command, SPAN("M115")) || span_equal(command, SPAN("M117 ours")) ||
           (span_starts(command, SPAN("M110")) && is_m110(command));
}

bool audit_is_of_host(struct span command)
{
    return span_equal(command, SPAN("M21")) || span_equal(command, SPAN("M84")) ||
           span_equal(command, SPAN("M104 T0 S0")) || span_equal(command, SPAN("M140 S0")) ||
           span_equal(command, SPAN("M106 S0")) || span_equal(command, SPAN("M28 UP.GCO")) ||
           span_equal(command, SPAN("M928 UP.GCO")) || span_equal(command, SPAN("M29"));
}

struct span audit_told_command(struct span text)
{
    for (unsigned word = 0; word < 3; word++)
        text = span_skip(text, span_find(text, ' ') + 1);
    return text;
}

bool audit_is_left_open(const struct audit *audit)
{
    return audit->excused[AUDIT_COLLISION] > 0 && audit->world->printer.sd_writing >= 0;
}
