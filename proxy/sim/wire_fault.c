#include "sim/wire_fault.h"

#include <string.h>

#define NOISE_ODDS 40

const char *fault_word(enum fault_kind kind)
{
    static const char *const words[FAULT_KINDS] = {
        [FAULT_FLIP] = "flip",
        [FAULT_LOSE] = "lose",
        [FAULT_DOUBLE] = "double",
        [FAULT_NOISE] = "noise",
        [FAULT_DELAY] = "delay",
        [FAULT_STALL] = "stall",
        [FAULT_GARBAGE] = "garbage",
        [FAULT_LOSE_LINE] = "lose line",
        [FAULT_DOUBLE_LINE] = "double line",
        [FAULT_LOSE_OK] = "lose ok",
        [FAULT_RESET] = "printer reset",
        [FAULT_RESET_UNHEARD] = "printer reset, start lost",
        [FAULT_BOARD_RESET] = "board reset",
        [FAULT_UNPLUG] = "unplug",
        [FAULT_UNPLUG_RESET] = "unplug, printer off",
        [FAULT_REOPEN] = "host reopens",
        [FAULT_CANCEL] = "cancel",
        [FAULT_PAUSE] = "pause",
        [FAULT_HALT] = "halt",
    };

    return words[kind];
}

void wire_fault_init(struct wire_fault *fault, uint8_t wire)
{
    memset(fault, 0, sizeof *fault);
    fault->wire = wire;
}

void wire_fault_plan(struct wire_fault *fault, const struct fault *faults, uint32_t count,
                     uint64_t seed)
{
    fault->fault = faults;
    fault->faults = count;
    fault->next = fault->told = 0;
    fault->passed = 0;
    fault->dice = seed;
    fault->flips = fault->losses = fault->doubles = fault->noise = 0;
    fault->lines_lost = fault->lines_doubled = fault->oks_lost = 0;
    fault->lose_start = false;
    fault->boot_lines_lost = 0;
}

void wire_fault_cut(struct wire_fault *fault)
{
    fault->within = fault->dropping = fault->doubling = fault->holding = fault->hurt = false;
    fault->held_length = fault->line_length = fault->original_length = 0;
    fault->flips = fault->losses = fault->doubles = fault->noise = 0;
}

bool wire_fault_quiet(const struct wire_fault *fault)
{
    return fault->next == fault->faults && fault->due == NULL && fault->delay_ms == 0 &&
           fault->flips + fault->losses + fault->doubles + fault->noise == 0 && !fault->dropping &&
           fault->lines_lost + fault->lines_doubled + fault->oks_lost == 0 && !fault->lose_start;
}

static uint32_t roll(struct wire_fault *fault, uint32_t sides)
{
    fault->dice = fault->dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(fault->dice >> 33) % sides;
}

/* A planned fault's byte has come. Bytes that it puts on the wire go to ret_bytes. */
static size_t begin(struct wire_fault *fault, const struct fault *planned, char *ret_bytes)
{
    size_t length = 0;

    fault->fired[planned->kind]++;
    switch ((enum fault_kind)planned->kind) {
    case FAULT_FLIP: fault->flips += planned->count; break;
    case FAULT_LOSE: fault->losses += planned->count; break;
    case FAULT_DOUBLE: fault->doubles += planned->count; break;
    case FAULT_NOISE: fault->noise += planned->count; break;
    case FAULT_DELAY: fault->delay_ms += planned->count; break;
    case FAULT_STALL: fault->delay_ms += INT64_C(1000) * planned->count; break;
    case FAULT_GARBAGE:
        while (length < planned->count && length < WIRE_FAULT_GARBAGE)
            ret_bytes[length++] = (char)roll(fault, 256);
        fault->hurt = true;
        break;
    case FAULT_LOSE_LINE: fault->lines_lost += planned->count; break;
    case FAULT_DOUBLE_LINE: fault->lines_doubled += planned->count; break;
    case FAULT_LOSE_OK: fault->oks_lost += planned->count; break;
    case FAULT_RESET:
    case FAULT_RESET_UNHEARD:
    case FAULT_BOARD_RESET:
    case FAULT_UNPLUG:
    case FAULT_UNPLUG_RESET:
    case FAULT_REOPEN:
    case FAULT_CANCEL:
    case FAULT_PAUSE:
    case FAULT_HALT: fault->due = planned; break;
    case FAULT_KINDS: break;
    }
    return length;
}

/* A bit of the byte is flipped, or it is lost or doubled, if that is its fate. */
static size_t hit(struct wire_fault *fault, char byte, char ret_bytes[2])
{
    bool flipped = false;

    if (fault->losses > 0) {
        fault->losses--;
        fault->hurt = true;
        return 0;
    }
    if (fault->flips > 0) {
        fault->flips--;
        flipped = true;
    }
    if (fault->noise > 0) {
        fault->noise--;
        flipped |= roll(fault, NOISE_ODDS) == 0;
    }
    if (flipped) {
        byte = (char)(byte ^ (1 << roll(fault, 8)));
        fault->hurt = true;
    }
    ret_bytes[0] = ret_bytes[1] = byte;
    if (fault->doubles == 0)
        return 1;
    fault->doubles--;
    fault->hurt = true;
    return 2;
}

/* How what is held of a line compares with a word: 1 it is it, 0 it may become it, -1 it is not. */
static int compare(const struct wire_fault *fault, const char *word, size_t length)
{
    if (fault->held_length >= length)
        return memcmp(fault->held, word, length) == 0 ? 1 : -1;
    return memcmp(fault->held, word, fault->held_length) == 0 ? 0 : -1;
}

/* A byte of a line whose beginning is held: goes on holding it, drops the line, or lets it go. */
static size_t hold(struct wire_fault *fault, char byte, char *ret_bytes)
{
    int ok = -1, start = -1;

    fault->held[fault->held_length++] = byte;
    if (fault->oks_lost > 0)
        ok = compare(fault, "ok", 2);
    if (fault->lose_start)
        start = compare(fault, "start\n", 6);
    if (ok > 0 || start > 0) {
        fault->oks_lost -= ok > 0;
        fault->lose_start &= start <= 0;
        fault->lines_lost += start > 0 ? fault->boot_lines_lost : 0;
        fault->hurt = true;
        fault->holding = false;
        fault->dropping = fault->within;
        return 0;
    }
    if (fault->within && (ok == 0 || start == 0) && fault->held_length < sizeof fault->held)
        return 0;
    fault->holding = false;
    memcpy(ret_bytes, fault->held, fault->held_length);
    return fault->held_length;
}

/* A byte as far as lines are concerned. */
static size_t pass_line(struct wire_fault *fault, char byte, char *ret_bytes)
{
    size_t length = 0;

    if (!fault->within) {
        fault->within = true;
        fault->line_length = fault->held_length = 0;
        fault->dropping = fault->lines_lost > 0;
        fault->lines_lost -= fault->dropping;
        fault->doubling = !fault->dropping && fault->lines_doubled > 0;
        fault->lines_doubled -= fault->doubling;
        fault->holding = fault->oks_lost > 0 || fault->lose_start;
    }
    if (byte == '\n')
        fault->within = false;
    if (fault->dropping) {
        fault->hurt = true;
        fault->dropping = fault->within;
        return 0;
    }
    if (fault->doubling && fault->line_length < WIRE_FAULT_LINE)
        fault->line[fault->line_length++] = byte;
    if (fault->holding)
        length = hold(fault, byte, ret_bytes);
    else
        ret_bytes[length++] = byte;
    if (!fault->within && fault->doubling && fault->line_length < WIRE_FAULT_LINE) {
        memcpy(ret_bytes + length, fault->line, fault->line_length);
        length += fault->line_length;
        fault->hurt = true;
    }
    return length;
}

/* A line as it set out has ended: what was it, if it does not arrive as that? */
static void end_original(struct wire_fault *fault)
{
    bool ok = fault->original_length >= 2 && memcmp(fault->original, "ok", 2) == 0;
    bool resend = fault->original_length >= 6 && memcmp(fault->original, "Resend", 6) == 0;

    if (fault->hurt) {
        fault->hurt_oks += ok;
        fault->hurt_refusals += ok && fault->refusing;
        fault->hurt_resends += resend;
        fault->hurt_others += !ok && !resend;
    }
    fault->refusing = resend;
    fault->hurt = false;
    fault->original_length = 0;
}

size_t wire_fault_byte(struct wire_fault *fault, char byte, char *ret_bytes)
{
    char bytes[2];
    size_t length = 0, hits;

    while (fault->next < fault->faults && fault->due == NULL &&
           (fault->fault[fault->next].wire != fault->wire ||
            fault->fault[fault->next].at <= fault->passed)) {
        if (fault->fault[fault->next].wire == fault->wire)
            length += begin(fault, &fault->fault[fault->next], ret_bytes + length);
        fault->next++;
        if (length > 0)
            break; /* one burst at a time */
    }
    fault->passed++;
    if (byte != '\n' && fault->original_length < sizeof fault->original)
        fault->original[fault->original_length++] = byte;
    hits = hit(fault, byte, bytes);
    for (size_t i = 0; i < hits; i++)
        length += pass_line(fault, bytes[i], ret_bytes + length);
    if (byte == '\n')
        end_original(fault);
    return length;
}
