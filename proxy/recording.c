#include "recording.h"

#include <string.h>

#define CHECK_BYTES 4
/* Shorter runs of zeros cost more than they save. */
#define ZEROS_WORTH 16
#define RUN_FRONT   8

static void add_number(struct text *to, uint64_t number, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        text_add_char(to, (char)(uint8_t)(number >> (8 * i)));
}

static bool take(struct span *from, unsigned bytes, uint64_t *ret_number)
{
    uint64_t number = 0;

    if (from->length < bytes)
        return false;
    for (unsigned i = 0; i < bytes; i++)
        number |= (uint64_t)(uint8_t)from->data[i] << (8 * i);
    *from = span_skip(*from, bytes);
    *ret_number = number;
    return true;
}

/*
 * The numbers of kinds in a recording. They never change, and a number once used means that for
 * ever: a new kind gets the next one, wherever it stands in its enum.
 */
static unsigned code_of_input(enum proxy_input_kind kind)
{
    switch (kind) {
    case PROXY_OPENED: return 0;
    case PROXY_CLOSED: return 1;
    case PROXY_SPEED: return 2;
    case PROXY_BYTES: return 3;
    case PROXY_SENT: return 4;
    case PROXY_ASKED: return 5;
    case PROXY_TICK: return 6;
    case PROXY_ENDED: return 7;
    }
    return 255;
}

static unsigned code_of_port(enum proxy_port port)
{
    switch (port) {
    case PROXY_HOST: return 0;
    case PROXY_PRINTER: return 1;
    case PROXY_BOARD: return 2;
    case PROXY_SHARE: return 3;
    }
    return 255;
}

static unsigned code_of_request(enum request_kind kind)
{
    switch (kind) {
    case REQUEST_SET: return 0;
    case REQUEST_PULSE: return 1;
    case REQUEST_SEND: return 2;
    case REQUEST_CONTINUE: return 3;
    case REQUEST_EXIT: return 4;
    case REQUEST_TRIP: return 5;
    case REQUEST_RESET: return 6;
    case REQUEST_POWER: return 7;
    case REQUEST_POWER_FORCED: return 8;
    }
    return 255;
}

#define CODES 64 /* more than any of the enums has */

/* The kind with that number. False if this version has none. */
static bool input_of_code(uint64_t code, enum proxy_input_kind *ret_kind)
{
    for (unsigned kind = 0; kind < CODES; kind++) {
        if (code < 255 && code_of_input((enum proxy_input_kind)kind) == code) {
            *ret_kind = (enum proxy_input_kind)kind;
            return true;
        }
    }
    return false;
}

static bool port_of_code(uint64_t code, enum proxy_port *ret_port)
{
    for (unsigned port = 0; port < CODES; port++) {
        if (code < 255 && code_of_port((enum proxy_port)port) == code) {
            *ret_port = (enum proxy_port)port;
            return true;
        }
    }
    return false;
}

static bool request_of_code(uint64_t code, enum request_kind *ret_kind)
{
    for (unsigned kind = 0; kind < CODES; kind++) {
        if (code < 255 && code_of_request((enum request_kind)kind) == code) {
            *ret_kind = (enum request_kind)kind;
            return true;
        }
    }
    return false;
}

/*
 * The check of a chunk as its bytes come. Each step is one to one, both in the sum and in the word:
 * a change within one word of four bytes is never lost, and the next words cannot take it back.
 */
struct check {
    uint32_t sum, word;
    uint32_t count; /* bytes so far; those of the last word are in `word` */
};

static void check_word(struct check *check, uint32_t word)
{
    check->sum = (check->sum ^ word) * UINT32_C(2654435761);
    check->sum ^= check->sum >> 15;
}

static void check_byte(struct check *check, char byte)
{
    check->word |= (uint32_t)(uint8_t)byte << (8 * (check->count % 4));
    if (++check->count % 4 == 0) {
        check_word(check, check->word);
        check->word = 0;
    }
}

static void check_add(struct check *check, struct span bytes)
{
    const uint8_t *at;

    while (bytes.length > 0 && check->count % 4 != 0) {
        check_byte(check, bytes.data[0]);
        bytes = span_skip(bytes, 1);
    }
    at = (const uint8_t *)bytes.data;
    for (size_t i = 0; i + 4 <= bytes.length; i += 4, at += 4)
        check_word(check, (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
                              (uint32_t)at[3] << 24);
    check->count += (uint32_t)(bytes.length - bytes.length % 4);
    for (bytes = span_skip(bytes, bytes.length - bytes.length % 4); bytes.length > 0;
         bytes = span_skip(bytes, 1))
        check_byte(check, bytes.data[0]);
}

/* Of a chunk of that kind whose payload stands in two parts. */
static uint32_t check_of(unsigned kind, struct span first, struct span rest)
{
    struct check check = {.sum = kind};

    check_word(&check, (uint32_t)(first.length + rest.length));
    check_add(&check, first);
    check_add(&check, rest);
    check_word(&check, check.word);
    return check.sum;
}

/* Begins a front; the first part of the payload may be added behind it. */
static size_t begin(struct text *to, enum recording_kind kind)
{
    text_add_char(to, (char)kind);
    add_number(to, 0, 4 + CHECK_BYTES);
    return to->length;
}

/* The payload is what was added since `begin`, and `rest`. */
static void end(struct text *to, size_t at, struct span rest)
{
    struct span first = {to->data + at, to->length - at};
    struct text front = {to->data + at - CHECK_BYTES - 4, 4 + CHECK_BYTES, 0, false};

    if (to->cut)
        return;
    add_number(&front, first.length + rest.length, 4);
    add_number(&front, check_of((uint8_t)front.data[-1], first, rest), CHECK_BYTES);
}

void recording_chunk(struct text *to, enum recording_kind kind, struct span payload)
{
    end(to, begin(to, kind), payload);
}

void recording_number(struct text *to, enum recording_kind kind, int64_t number, struct span rest)
{
    size_t at = begin(to, kind);

    add_number(to, (uint64_t)number, 8);
    end(to, at, rest);
}

void recording_named(struct text *to, enum recording_kind kind, struct span name, struct span rest)
{
    size_t at = begin(to, kind);

    text_add(to, name);
    text_add_char(to, '\0');
    end(to, at, rest);
}

static void add_request(struct text *to, const struct request *request)
{
    struct span point = span_of(request->point), line = span_of(request->line);

    add_number(to, code_of_request(request->kind), 1);
    add_number(to, request->value, 1);
    add_number(to, (uint64_t)request->ms, 8);
    add_number(to, point.length, 1);
    text_add(to, point);
    add_number(to, line.length, 2);
    text_add(to, line);
}

void recording_input(struct text *to, const struct proxy_input *input, struct instant now)
{
    size_t at = begin(to, RECORDING_INPUT);

    add_number(to, (uint64_t)now.us, 8);
    add_number(to, code_of_input(input->kind), 1);
    add_number(to, code_of_port(input->port), 1);
    add_number(to, (uint64_t)input->number, 8);
    if (input->kind == PROXY_ASKED && input->request != NULL)
        add_request(to, input->request);
    end(to, at, input->bytes);
}

enum recording_result recording_next(struct span *rest, struct recording_piece *ret_piece)
{
    struct span left = *rest, payload;
    uint64_t kind, length, check;

    if (!take(&left, 1, &kind) || !take(&left, 4, &length) || !take(&left, CHECK_BYTES, &check) ||
        left.length < length)
        return RECORDING_SHORT;
    payload = (struct span){left.data, (size_t)length};
    if (check != check_of((unsigned)kind, payload, SPAN_NONE))
        return RECORDING_DAMAGED;
    *ret_piece = (struct recording_piece){(enum recording_kind)kind, payload};
    *rest = span_skip(left, (size_t)length);
    return RECORDING_WHOLE;
}

bool recording_take_number(struct span *payload, int64_t *ret_number)
{
    uint64_t number;

    if (!take(payload, 8, &number))
        return false;
    *ret_number = (int64_t)number;
    return true;
}

/* A text of `length` bytes into a field of `capacity`, with its NUL. */
static bool take_text(struct span *from, size_t length, char *ret_text, size_t capacity)
{
    if (from->length < length || length >= capacity)
        return false;
    memcpy(ret_text, from->data, length);
    ret_text[length] = '\0';
    *from = span_skip(*from, length);
    return true;
}

static bool take_request(struct span *payload, struct request *ret_request)
{
    struct request request;
    uint64_t kind, value, point, line;

    memset(&request, 0, sizeof request);
    if (!take(payload, 1, &kind) || !request_of_code(kind, &request.kind) ||
        !take(payload, 1, &value) || !recording_take_number(payload, &request.ms) ||
        !take(payload, 1, &point) ||
        !take_text(payload, (size_t)point, request.point, sizeof request.point) ||
        !take(payload, 2, &line) ||
        !take_text(payload, (size_t)line, request.line, sizeof request.line))
        return false;
    request.value = (uint8_t)value;
    *ret_request = request;
    return true;
}

bool recording_read_input(struct span payload, struct proxy_input *ret_input,
                          struct request *ret_request, struct instant *ret_now)
{
    struct proxy_input input;
    struct request request;
    struct instant now;
    uint64_t kind, port;

    memset(&input, 0, sizeof input);
    if (!recording_take_number(&payload, &now.us) || !take(&payload, 1, &kind) ||
        !input_of_code(kind, &input.kind) || !take(&payload, 1, &port) ||
        !port_of_code(port, &input.port) || !recording_take_number(&payload, &input.number))
        return false;
    if (input.kind == PROXY_ASKED) {
        if (!take_request(&payload, &request))
            return false;
        *ret_request = request;
        input.request = ret_request;
    }
    input.bytes = payload;
    *ret_input = input;
    *ret_now = now;
    return true;
}

static size_t count_zeros(struct span bytes)
{
    size_t count = 0;

    while (count < bytes.length && bytes.data[count] == 0)
        count++;
    return count;
}

/* Bytes up to the next run of zeros that is worth it, at most `most`. */
static size_t count_bytes(struct span bytes, size_t most)
{
    size_t count = 0, zeros = 0;

    while (count < bytes.length && count < most && zeros < ZEROS_WORTH) {
        zeros = bytes.data[count] == 0 ? zeros + 1 : 0;
        count++;
    }
    return zeros == ZEROS_WORTH ? count - ZEROS_WORTH : count;
}

void recording_squeeze(struct text *to, struct span state, size_t *offset)
{
    while (*offset < state.length && to->length + RUN_FRONT < to->capacity) {
        struct span left = span_skip(state, *offset);
        size_t zeros = count_zeros(left);
        size_t bytes = count_bytes(span_skip(left, zeros), to->capacity - to->length - RUN_FRONT);

        add_number(to, zeros, 4);
        add_number(to, bytes, 4);
        text_add(to, (struct span){left.data + zeros, bytes});
        *offset += zeros + bytes;
    }
}

bool recording_unsqueeze(struct span payload, char *state, size_t size, size_t *offset)
{
    uint64_t zeros, bytes;

    while (take(&payload, 4, &zeros) && take(&payload, 4, &bytes)) {
        if (zeros > size - *offset || bytes > size - *offset - zeros || bytes > payload.length)
            return false;
        memset(state + *offset, 0, (size_t)zeros);
        *offset += (size_t)zeros;
        memcpy(state + *offset, payload.data, (size_t)bytes);
        *offset += (size_t)bytes;
        payload = span_skip(payload, (size_t)bytes);
    }
    return payload.length == 0;
}

uint64_t recording_sum(struct span state)
{
    uint64_t sum = UINT64_C(14695981039346656037); /* FNV-1a */

    for (size_t i = 0; i < state.length; i++)
        sum = (sum ^ (uint8_t)state.data[i]) * UINT64_C(1099511628211);
    return sum;
}
