#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "session/binary_transfer.h"

static struct binary_transfer transfer;

/* A packet with that sync, protocol and type, and payload. */
static struct span packet(char *memory, uint8_t sync, uint8_t meta, struct span payload)
{
    struct text text = {memory, 256, 0, false};

    text_add(&text, SPAN("\xAD\xB5"));
    text_add_char(&text, (char)sync);
    text_add_char(&text, (char)meta);
    text_add_char(&text, (char)payload.length);
    text_add_char(&text, 0);
    text_add(&text, SPAN("cc"));
    text_add(&text, payload);
    if (payload.length > 0)
        text_add(&text, SPAN("ff"));
    return text_span(&text);
}

static void a_transfer_ends_when_its_close_is_acknowledged(void **unused)
{
    char memory[256];

    (void)unused;
    binary_transfer_begin(&transfer);
    binary_transfer_host(&transfer, packet(memory, 7, 0x12, SPAN("hello")));
    assert_false(binary_transfer_printer(&transfer, SPAN("ok7")));
    binary_transfer_host(&transfer, packet(memory, 8, 0x02, SPAN_NONE));
    assert_false(binary_transfer_printer(&transfer, SPAN("ok7")));
    assert_true(binary_transfer_printer(&transfer, SPAN("ok8")));
    assert_false(binary_transfer_runs(&transfer));
}

static void a_close_inside_a_payload_is_content(void **unused)
{
    char memory[256], inner[64];
    struct span close = packet(inner, 9, 0x02, SPAN_NONE);

    (void)unused;
    binary_transfer_begin(&transfer);
    binary_transfer_host(&transfer, packet(memory, 9, 0x12, close));
    assert_false(binary_transfer_printer(&transfer, SPAN("ok9")));
}

static void packets_may_come_byte_by_byte_and_behind_noise(void **unused)
{
    char memory[256];
    struct span close = packet(memory, 200, 0x02, SPAN_NONE);

    (void)unused;
    binary_transfer_begin(&transfer);
    binary_transfer_host(&transfer, SPAN("noise\xAD\xAD"));
    for (size_t i = 0; i < close.length; i++)
        binary_transfer_host(&transfer, (struct span){close.data + i, 1});
    assert_true(binary_transfer_printer(&transfer, SPAN("ok200")));
}

static void a_reset_ends_a_transfer(void **unused)
{
    (void)unused;
    binary_transfer_begin(&transfer);
    assert_true(binary_transfer_printer(&transfer, SPAN("start")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transfer_ends_when_its_close_is_acknowledged),
        cmocka_unit_test(a_close_inside_a_payload_is_content),
        cmocka_unit_test(packets_may_come_byte_by_byte_and_behind_noise),
        cmocka_unit_test(a_reset_ends_a_transfer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
