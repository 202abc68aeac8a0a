#include "session/board_signs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct board_message parse(const char *line)
{
    struct board_message message;

    board_message_parse(span_of(line), &message);
    return message;
}

static void a_banner_is_the_name_of_the_firmware(void **unused)
{
    static const char *const banners[] = {"DG:SIO_Arduino_General 1.0.11",
                                          "DG:SIO_ESP32WRM_Relay_X2 1.1.4",
                                          "DG: SIO_ESP12F_Relay_X2 1.0.10",
                                          "DG:NanoSerialIO 1.0.5",
                                          "DG:CanaduinoPLCSerialIO 1.0.6"};
    static const char *const others[] = {"DG:ART now:500", "DG:ERR: bad cmnd[SIO_]",
                                         "DG:", "VI:SIO_Arduino_General 1.0.11", "SIO_Arduino"};

    (void)unused;
    for (size_t i = 0; i < sizeof(banners) / sizeof(banners[0]); i++) {
        struct board_message message = parse(banners[i]);

        assert_true(board_sign_banner(&message));
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct board_message message = parse(others[i]);

        assert_false(board_sign_banner(&message));
    }
}

static void a_printer_is_known_by_its_talk(void **unused)
{
    static const char *const printers[] = {
        "ok",
        "ok T:21.0 /0.0",
        "start",
        "wait",
        "echo:Unknown command: \"VC\"",
        "Error:checksum mismatch",
        "busy: processing",
        "Resend: 3",
        " T:20.97 /0.00 B:20.97 /0.00",
        "T:20.97 /0.00",
        "// Klipper state: Ready",
        "!! Must home axis first",
        "FIRMWARE_NAME:Marlin 2.1.2",
    };
    static const char *const boards[] = {
        "",        "OK",       "T:2,2,1,",
        "O:0101",  "okay",     "//action:disconnect",
        "startup", "\xff\xfe", "Looks like OctoPrint thinks I am a printer.",
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(printers) / sizeof(printers[0]); i++) {
        assert_true(board_sign_printer(span_of(printers[i])));
    }
    for (size_t i = 0; i < sizeof(boards) / sizeof(boards[0]); i++) {
        assert_false(board_sign_printer(span_of(boards[i])));
    }
}

static void a_board_in_a_printers_place_gives_itself_away(void **unused)
{
    static const char *const boards[] = {
        "CP:SIOPlugin 0.1.1",
        "DG:SIO_Arduino_General 1.0.11\r",
        "DG:ERR: bad cmnd[M105]",
        "DG:ERR: Unrecognized command[M105]",
        "DG:ERROR: Unrecognized command[M105]",
        "DG:NanoSerialIO 1.0.5",
        "Recieved a command that looks like OctoPrint thinks I am a printer.",
        "Looks like OctoPrint thinks I am a printer.",
    };
    static const char *const printers[] = {
        "ok", "start", "echo:Unknown command: \"DG:ERR: bad cmnd[\"", "DG", "", "IO:",
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(boards) / sizeof(boards[0]); i++) {
        assert_true(board_sign_board(span_of(boards[i])));
    }
    for (size_t i = 0; i < sizeof(printers) / sizeof(printers[0]); i++) {
        assert_false(board_sign_board(span_of(printers[i])));
    }
}

static void a_refusal_names_what_was_not_understood(void **unused)
{
    struct span word = SPAN("untouched");

    (void)unused;
    assert_false(board_sign_refusal(SPAN("ERR: # out of range."), &word));
    assert_false(board_sign_refusal(SPAN("ERR: [x]"), &word));
    assert_true(span_equal(word, SPAN("untouched")));
    assert_true(board_sign_refusal(SPAN("ERR: bad cmnd[XYZ]"), &word));
    assert_true(span_equal(word, SPAN("XYZ")));
    assert_true(board_sign_refusal(SPAN("ERROR: Unrecognized command[TC]"), &word));
    assert_true(span_equal(word, SPAN("TC")));
    assert_true(board_sign_refusal(SPAN("ERR: bad cmnd[]"), &word));
    assert_int_equal(word.length, 0);
    assert_true(board_sign_refusal(SPAN("ERR: bad cmnd[GS"), &word)); /* cut off */
    assert_true(span_equal(word, SPAN("GS")));
}

static void outputs_are_what_the_family_calls_so(void **unused)
{
    struct board_constants arduino = board_sign_constants(SPAN("INPUT:0,OUTPUT:1,INPUT_PULLUP:2"));
    struct board_constants esp32 = board_sign_constants(
        SPAN("INPUT:1,OUTPUT:2,INPUT_PULLUP:5,INPUT_PULLDOWN:9,OUTPUT_OPEN_DRAIN:18,"
             "INPUT_DHT:-3,OUTPUT_PWM:-2"));
    struct board_constants none = board_sign_constants(SPAN("x"));
    struct board_message types = parse("IT:2,1,0,1,"), others = parse("IT:1,2,18,-2,-3,9,");

    (void)unused;
    assert_int_equal(board_sign_outputs(&arduino, &types), 0x0a);
    assert_int_equal(board_sign_outputs(&esp32, &others), 0x0e);
    assert_int_equal(board_sign_outputs(&none, &types), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_banner_is_the_name_of_the_firmware),
        cmocka_unit_test(a_printer_is_known_by_its_talk),
        cmocka_unit_test(a_board_in_a_printers_place_gives_itself_away),
        cmocka_unit_test(a_refusal_names_what_was_not_understood),
        cmocka_unit_test(outputs_are_what_the_family_calls_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
