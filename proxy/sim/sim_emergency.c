#include "sim/sim_emergency.h"

enum state {
    START,
    NUMBER,
    M,
    M1,
    M10,
    M11,
    M4,
    M41,
    M8,
    M87,
    M876,
    M876_S,
    K,
    KI,
    KIL,
    CARET,
    IGNORE, /* to the line end, as all from here on */
    M108,   /* the rest: recognised, to be told at the line end */
    M112,
    M410,
    M876_SN,
    KILL,
};

static uint8_t expect(char byte, char wanted, enum state next)
{
    return byte == wanted ? (uint8_t)next : (uint8_t)IGNORE;
}

static uint8_t first(char byte)
{
    switch (byte) {
    case ' ': return START;
    case 'N': return NUMBER;
    case 'M': return M;
    case 'K': return K;
    case '^': return CARET;
    default: return IGNORE;
    }
}

/* Of a line number. */
static bool is_number_byte(char byte)
{
    return text_is_digit(byte) || byte == '-' || byte == ' ';
}

static enum sim_emergency_code end_of_line(struct sim_emergency *parser)
{
    enum state state = (enum state)parser->state;

    parser->state = START;
    switch (state) {
    case M108: return SIM_EMERGENCY_M108;
    case M112: return SIM_EMERGENCY_M112;
    case M410: return SIM_EMERGENCY_M410;
    case M876_SN: return SIM_EMERGENCY_M876;
    case KILL: return SIM_EMERGENCY_KILL;
    default: return SIM_EMERGENCY_NONE;
    }
}

enum sim_emergency_code sim_emergency_take(struct sim_emergency *parser, char byte)
{
    if (byte == '\n' || byte == '\r')
        return end_of_line(parser);
    switch ((enum state)parser->state) {
    case IGNORE:
    case M108:
    case M112:
    case M410:
    case M876_SN:
    case KILL: break;
    case START: parser->state = first(byte); break;
    case NUMBER:
        if (!is_number_byte(byte))
            parser->state = expect(byte, 'M', M);
        break;
    case M:
        if (byte == '1')
            parser->state = M1;
        else if (byte == '4')
            parser->state = M4;
        else if (byte == '8')
            parser->state = M8;
        else if (byte != ' ')
            parser->state = IGNORE;
        break;
    case M1: parser->state = byte == '0' ? M10 : expect(byte, '1', M11); break;
    case M10: parser->state = expect(byte, '8', M108); break;
    case M11: parser->state = expect(byte, '2', M112); break;
    case M4: parser->state = expect(byte, '1', M41); break;
    case M41: parser->state = expect(byte, '0', M410); break;
    case M8: parser->state = expect(byte, '7', M87); break;
    case M87: parser->state = expect(byte, '6', M876); break;
    case M876:
        if (byte != ' ')
            parser->state = expect(byte, 'S', M876_S);
        break;
    case M876_S:
        if (byte >= '0' && byte <= '9') {
            parser->digit = (uint8_t)(byte - '0');
            parser->state = M876_SN;
        } else if (byte != ' ') {
            parser->state = IGNORE;
        }
        break;
    case K: parser->state = expect(byte, 'I', KI); break;
    case KI: parser->state = expect(byte, 'L', KIL); break;
    case KIL: parser->state = expect(byte, 'L', KILL); break;
    case CARET: parser->state = expect(byte, 'X', KILL); break;
    }
    return SIM_EMERGENCY_NONE;
}

size_t sim_emergency_ignores(const struct sim_emergency *parser, struct span bytes)
{
    size_t count = 0;

    while (parser->state == NUMBER && count < bytes.length && is_number_byte(bytes.data[count]))
        count++;
    if (parser->state < IGNORE)
        return count;
    bytes.length = span_find(bytes, '\n');
    return span_find(bytes, '\r');
}
