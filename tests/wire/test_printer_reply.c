#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire/line_framer.h"
#include "wire/printer_reply.h"

static struct printer_reply reply;
static char *copy;

/* Parses a copy that ends with its allocation, so that reading on is seen by the sanitizer. */
static void parse_span(struct span content)
{
    free(copy);
    copy = malloc(content.length + 1);
    assert_non_null(copy);
    if (content.length > 0) {
        memcpy(copy + 1, content.data, content.length);
    }
    printer_reply_parse((struct span){copy + 1, content.length}, &reply);
    assert_ptr_equal(reply.text.data + reply.text.length, copy + 1 + content.length);
    assert_true(reply.text.data == copy + 1 ||
                (reply.text.data > copy + 1 && reply.kind != REPLY_OK));
}

static void parse(const char *content)
{
    parse_span(span_of(content));
}

static int release(void **unused)
{
    (void)unused;
    free(copy);
    copy = NULL;
    return 0;
}

static void expect_kind(const char *content, enum printer_reply_kind kind)
{
    parse(content);
    assert_int_equal(reply.kind, kind);
}

static void expect_argument(const char *expected)
{
    assert_true(span_equal(reply.argument, span_of(expected)));
}

static void expect_heater(unsigned i, char name, unsigned index, int32_t actual, bool has_target,
                          int32_t target)
{
    assert_true(i < reply.heaters);
    assert_int_equal(reply.heater[i].name, name);
    assert_int_equal(reply.heater[i].index, index);
    assert_int_equal(reply.heater[i].actual, actual);
    assert_int_equal(reply.heater[i].has_target, has_target);
    assert_int_equal(reply.heater[i].target, target);
}

static void an_ok_is_what_octoprint_takes_for_one(void **unused)
{
    static const char *const oks[] = {"ok", "ok ", "okay", " ok", "ok N5 P15 B3", "ok T:20.0 /0.0"};
    static const char *const others[] = {"OK", "Ok", "echo:ok", "o", "k", "not ok"};

    (void)unused;
    for (size_t i = 0; i < sizeof(oks) / sizeof(oks[0]); i++) {
        expect_kind(oks[i], REPLY_OK);
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        expect_kind(others[i], REPLY_TEXT);
    }
}

static void an_advanced_ok_tells_the_line_it_answers(void **unused)
{
    (void)unused;
    expect_kind("ok N5 P15 B3", REPLY_OK);
    assert_int_equal(reply.number, 5);
    expect_kind("ok P15 B3", REPLY_OK);
    assert_int_equal(reply.number, -1);
    expect_kind("ok", REPLY_OK);
    assert_int_equal(reply.number, -1);
    expect_kind("ok N", REPLY_OK);
    assert_int_equal(reply.number, -1);
}

static void an_ok_brings_temperatures_and_klippers_name(void **unused)
{
    (void)unused;
    expect_kind("ok T:205.04 /210.00 B:-14.99 /0.00 @:127 B@:0", REPLY_OK);
    assert_int_equal(reply.heaters, 2);
    expect_heater(0, 'T', 0, 205040, true, 210000);
    expect_heater(1, 'B', 0, -14990, true, 0);
    expect_kind("ok T:0", REPLY_OK);
    assert_int_equal(reply.heaters, 1);
    expect_heater(0, 'T', 0, 0, false, 0);
    expect_kind("ok FIRMWARE_VERSION:v0.12.0-1 FIRMWARE_NAME:Klipper", REPLY_OK);
    expect_argument("Klipper");
}

static void a_position_in_an_ok_is_no_temperature(void **unused)
{
    (void)unused;
    expect_kind("ok X:0.0 Y:0.0 Z:0.0 E:0.0 Count: A:0 B:0 C:0", REPLY_OK);
    assert_int_equal(reply.heaters, 0);
    expect_kind("ok C: X:0.0000 Y:0.0000 Z:0.0000 E:0.0000", REPLY_OK);
    assert_int_equal(reply.heaters, 0);
}

static void a_resend_has_many_spellings_and_one_number(void **unused)
{
    static const char *const three[] = {"Resend:3", "Resend: 3", "Resend: N3", "Resend: N:3",
                                        "resend 3", "rs 3",      "rs N3",      "RS3",
                                        "rsN3",     "Resend:3 ", " Resend: 3"};

    (void)unused;
    for (size_t i = 0; i < sizeof(three) / sizeof(three[0]); i++) {
        expect_kind(three[i], REPLY_RESEND);
        assert_int_equal(reply.number, 3);
    }
    expect_kind("Resend:", REPLY_RESEND);
    assert_int_equal(reply.number, -1);
    expect_kind("Resend: 99999999999999999999", REPLY_RESEND);
    assert_int_equal(reply.number, -1);
    expect_kind("rssi: -60", REPLY_TEXT);
    /* A host obeys what begins like that: so it is never shown. */
    expect_kind("Resendz 35ok", REPLY_RESEND);
    expect_kind("Resending", REPLY_RESEND);
    expect_kind("Rsend: 31", REPLY_RESEND);
    assert_int_equal(reply.number, 31);
    expect_kind("r", REPLY_TEXT);
}

/* Its beginning was lost with the end of the Error before it: the ok behind it paid a line. */
static void what_is_left_of_a_resend_may_be_a_refusal(void **unused)
{
    (void)unused;
    expect_kind("ErroResend: 57", REPLY_TEXT);
    assert_true(reply.numbering);
    expect_kind("ok T:2Resend: 57", REPLY_ERROR);
    assert_true(reply.numbering);
    expect_kind("echo:Resend: 57", REPLY_TEXT);
    assert_false(reply.numbering);
}

/* Its end was lost, and the printer stayed halted for us. */
static void a_klipper_that_is_ready_is_so_whatever_ran_into_that(void **unused)
{
    (void)unused;
    expect_kind("!! Shutdown due to M112 comma// Klipper state: Ready", REPLY_TEXT);
    assert_false(reply.halted);
    assert_true(span_equal(reply.text, SPAN("// Klipper state: Ready")));
    expect_kind("!! Shutdown due to M112 command", REPLY_ERROR);
    assert_true(reply.halted);
}

/* The line end between was hurt; for the ok a host would send the next line. */
static void an_ok_that_ran_into_a_refusal_is_the_refusal(void **unused)
{
    (void)unused;
    expect_kind("okError:checksum mismatch, Last Line: 14", REPLY_ERROR);
    assert_true(reply.numbering);
    expect_kind("ok\x0b"
                "Error:checksum mismatch, Last Line: 14",
                REPLY_ERROR);
    expect_kind("okErr\x0fr:checksum mismatch, Last Line: 14", REPLY_ERROR);
    assert_true(reply.numbering);
    assert_true(span_equal(reply.text, SPAN("Err\x0fr:checksum mismatch, Last Line: 14")));
    expect_kind("okResend: 15", REPLY_RESEND);
    assert_int_equal(reply.number, 15);
    expect_kind("ok*Resend: 15", REPLY_RESEND);
    expect_kind("ok N3 P15 B3", REPLY_OK);
    expect_kind("ok Error in the weather", REPLY_OK);
}

static void what_follows_a_start_is_known_without_it(void **unused)
{
    (void)unused;
    expect_kind("PowerUp", REPLY_TEXT);
    assert_true(reply.boot);
    expect_kind("External Reset", REPLY_TEXT);
    assert_true(reply.boot);
    expect_kind("echo: Free Memory: 8192  PlannerBufferBytes: 1536", REPLY_TEXT);
    assert_true(reply.boot);
    expect_kind("echo:PowerUp loss recovery", REPLY_TEXT);
    assert_false(reply.boot);
    expect_kind("start", REPLY_START);
    assert_false(reply.boot);
}

static void busy_is_told_apart_from_a_wait_for_the_user(void **unused)
{
    (void)unused;
    expect_kind("echo:busy: processing", REPLY_BUSY);
    assert_false(reply.paused);
    expect_kind("busy: processing", REPLY_BUSY);
    expect_kind("echo:busy: paused for user", REPLY_BUSY);
    assert_true(reply.paused);
    expect_kind("busy:processing", REPLY_BUSY);
    assert_false(reply.paused);
    expect_kind("echo:busy paused for user", REPLY_BUSY);
    assert_true(reply.paused);
    expect_kind(" echo:busy: processing", REPLY_TEXT);
    expect_kind("echo: busy", REPLY_TEXT);
    expect_kind("echo:busybox", REPLY_TEXT);
}

static void errors_about_numbers_are_followed_by_a_resend(void **unused)
{
    static const char *const numberings[] = {
        "Error:checksum mismatch, Last Line: 2",
        "Error:Line Number is not Last Line Number+1, Last Line: 3",
        "Error:No Checksum with line number, Last Line: 4",
        "Error:No Line Number with checksum, Last Line: 4",
        "error:Format error",
        "Error:expected line 5 got 7",
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(numberings) / sizeof(numberings[0]); i++) {
        expect_kind(numberings[i], REPLY_ERROR);
        assert_true(reply.numbering);
        assert_false(reply.halted);
    }
    expect_kind("Error:Thermal Runaway, system stopped! Heater_ID: 0", REPLY_ERROR);
    assert_false(reply.numbering);
    expect_kind("echo:checksum", REPLY_TEXT);
    assert_false(reply.numbering);
}

static void a_halted_printer_says_so_in_its_firmwares_words(void **unused)
{
    (void)unused;
    expect_kind("Error:Printer halted. kill() called!", REPLY_ERROR);
    assert_true(reply.halted);
    expect_kind("!! Shutdown due to M112 command", REPLY_ERROR);
    assert_true(reply.halted);
    expect_kind("!! MCU 'mcu' shutdown: Timer too close", REPLY_ERROR);
    assert_true(reply.halted);
    expect_kind("fatal:Printer stopped, kill() called", REPLY_ERROR);
    assert_true(reply.halted);
    expect_kind("// Klipper state: Shutdown", REPLY_TEXT);
    assert_true(reply.halted);
    expect_kind("echo:EMERGENCY SHUTDOWN DETECTED. KILLED.", REPLY_TEXT); /* OctoPrint's own */
    assert_true(reply.halted);
    expect_kind("// Klipper state: Ready", REPLY_TEXT);
    assert_false(reply.halted);
    expect_kind("!! Must home axis first", REPLY_ERROR);
    assert_false(reply.halted);
}

static void unknown_commands_are_told_in_every_manner(void **unused)
{
    static const char *const texts[] = {"echo:Unknown command: \"M889\"",
                                        "// Unknown command:\"XYZ\"", "Unknown command: \"M889\"",
                                        "echo: Unknown command: \"M889\""};

    (void)unused;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        expect_kind(texts[i], REPLY_TEXT);
        assert_true(reply.unknown_command);
    }
    expect_kind("Error:Unknown command: \"M889\"", REPLY_ERROR);
    assert_true(reply.unknown_command);
    expect_kind("echo:all is well", REPLY_TEXT);
    assert_false(reply.unknown_command);
}

static void start_and_wait_stand_alone(void **unused)
{
    (void)unused;
    expect_kind("start", REPLY_START);
    expect_kind(" start ", REPLY_START);
    expect_kind("wait", REPLY_WAIT);
    expect_kind("started", REPLY_TEXT);
    expect_kind("start up", REPLY_TEXT);
    expect_kind("Start", REPLY_TEXT);
    expect_kind("waiting", REPLY_TEXT);
    parse_span(SPAN("\0\0start\0"));
    assert_int_equal(reply.kind, REPLY_START);
}

/* The ok paid a line that the reset had taken, and the start was not heard. */
static void an_ok_that_a_reset_cuts_short_is_a_start(void **unused)
{
    (void)unused;
    expect_kind("okstart", REPLY_START);
    assert_true(span_equal(reply.text, SPAN("start")));
    expect_kind("ok T:21.0start", REPLY_START);
    expect_kind("ok N5 Pstart", REPLY_START);
    expect_kind("ok T:21.0 /0.0 start", REPLY_START);
    expect_kind("ok restart", REPLY_OK);
    expect_kind("okstarted", REPLY_OK);
    expect_kind("okay", REPLY_OK);
}

static void actions_are_taken_with_and_without_a_blank(void **unused)
{
    (void)unused;
    expect_kind("//action:paused", REPLY_ACTION);
    expect_argument("paused");
    expect_kind("// action:paused", REPLY_ACTION);
    expect_argument("paused");
    expect_kind("//action: prompt_begin Nozzle Parked ", REPLY_ACTION);
    expect_argument("prompt_begin Nozzle Parked");
    expect_kind("//action:", REPLY_ACTION);
    expect_argument("");
    expect_kind("//Action:paused", REPLY_TEXT);
    expect_kind(" //action:paused", REPLY_TEXT);
    expect_kind("/action:paused", REPLY_TEXT);
    expect_kind("echo://action:paused", REPLY_TEXT);
    expect_kind("//", REPLY_TEXT);
}

static void a_capability_is_a_name_and_a_digit(void **unused)
{
    (void)unused;
    expect_kind("Cap:EMERGENCY_PARSER:1", REPLY_CAPABILITY);
    expect_argument("EMERGENCY_PARSER");
    assert_int_equal(reply.number, 1);
    expect_kind("cap:AUTOREPORT_TEMP:0", REPLY_CAPABILITY);
    assert_int_equal(reply.number, 0);
    expect_kind("Cap:X:2", REPLY_TEXT);
    expect_kind("Cap:X:", REPLY_TEXT);
    expect_kind("Cap:X", REPLY_TEXT);
    expect_kind("Cap:X:1:1", REPLY_TEXT);
    expect_kind("C", REPLY_TEXT);
}

static void a_firmware_name_ends_where_the_next_key_begins(void **unused)
{
    (void)unused;
    expect_kind("FIRMWARE_NAME:Marlin bugfix-2.1.x (Jan  1 2023) SOURCE_CODE_URL:github.com/x "
                "PROTOCOL_VERSION:1.0",
                REPLY_FIRMWARE);
    expect_argument("Marlin bugfix-2.1.x (Jan  1 2023)");
    expect_kind("PROTOCOL_VERSION:0.1 FIRMWARE_NAME:Prusa-Firmware 3.9.0 based on Marlin",
                REPLY_FIRMWARE);
    expect_argument("Prusa-Firmware 3.9.0 based on Marlin");
    expect_kind("FIRMWARE_NAME: RepRapFirmware for Duet ELECTRONICS: Duet", REPLY_FIRMWARE);
    expect_argument("RepRapFirmware for Duet");
    expect_kind("NAME. Malyan\tVER: 3.8\tMODEL: M100", REPLY_FIRMWARE);
    expect_argument("Malyan");
    expect_kind("FIRMWARE_NAME", REPLY_TEXT);
}

static void temperatures_are_read_from_any_report(void **unused)
{
    (void)unused;
    expect_kind(" T:205.00 /0.00 B:60.00 /0.00 @:0 B@:0", REPLY_TEMPERATURE);
    assert_int_equal(reply.heaters, 2);
    expect_kind("T:20.5 E:0 W:?", REPLY_TEMPERATURE);
    expect_heater(0, 'T', 0, 20500, false, 0);
    expect_kind("B:60 /60 T0:200/210 T1: 25.5 / 0", REPLY_TEMPERATURE);
    assert_int_equal(reply.heaters, 3);
    expect_heater(0, 'B', 0, 60000, true, 60000);
    expect_heater(1, 'T', 0, 200000, true, 210000);
    expect_heater(2, 'T', 1, 25500, true, 0);
    expect_kind("C:31.2 /0 T:20", REPLY_TEMPERATURE);
    assert_int_equal(reply.heaters, 2);
    expect_kind("T:25.5 /0 B:60 /60 T0:200 /210 T1:25.5 /0 C:31.2 /0", REPLY_TEMPERATURE);
    assert_int_equal(reply.heaters, 4);
    expect_heater(0, 'T', 0, 200000, true, 210000);
    expect_heater(1, 'B', 0, 60000, true, 60000);
    expect_heater(2, 'T', 1, 25500, true, 0);
    expect_heater(3, 'C', 0, 31200, true, 0);
}

static void what_only_looks_like_a_temperature_is_text(void **unused)
{
    static const char *const texts[] = {
        "T:",      "T:x",           "T",     "MT:20",     "T300:20", "T99999999999999999999:2",
        "C:20 /0", "T:99999999999", "TT:20", "echo: T:20"};

    (void)unused;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        expect_kind(texts[i], REPLY_TEXT);
        assert_int_equal(reply.heaters, 0);
    }
}

static void more_heaters_than_there_is_room_for_are_left_out(void **unused)
{
    (void)unused;
    expect_kind("T0:1 T1:1 T2:1 T3:1 T4:1 T5:1 T6:1 T7:1 T8:1 T9:1 T10:1 T11:1 B:1",
                REPLY_TEMPERATURE);
    assert_int_equal(reply.heaters, PRINTER_REPLY_HEATERS);
    expect_kind("T0:1 T0:2 B:1 B:2", REPLY_TEMPERATURE);
    assert_int_equal(reply.heaters, 2);
    expect_heater(0, 'T', 0, 1000, false, 0);
}

static void positions_and_cards_are_known_by_their_form(void **unused)
{
    (void)unused;
    expect_kind("X:0.00 Y:0.00 Z:0.00 E:0.00 Count X:0 Y:0 Z:0", REPLY_POSITION);
    expect_kind(" X:0.00 Y:0.00 Z:0.00 E:0.00", REPLY_POSITION);
    expect_kind("X:0.00", REPLY_TEXT);
    expect_kind("SD printing byte 12/345", REPLY_SD);
    expect_kind("Not SD printing", REPLY_SD);
    expect_kind("Done printing file", REPLY_SD);
    expect_kind("File opened: cube.gco Size: 1000", REPLY_SD);
    expect_kind("Begin file list", REPLY_SD);
    expect_kind("End file list", REPLY_SD);
}

static void an_upload_is_seen_to_begin_and_to_fail(void **unused)
{
    (void)unused;
    expect_kind("Writing to file: t3.gco", REPLY_TEXT);
    assert_true(reply.upload_open);
    expect_kind("echo:Writing to file: t3.gco", REPLY_TEXT);
    assert_true(reply.upload_open);
    expect_kind("echo:open failed, File: t3.gco.", REPLY_TEXT);
    assert_true(reply.upload_failed);
    expect_kind("open failed, File: t3.gco.", REPLY_TEXT);
    assert_true(reply.upload_failed);
    expect_kind("Error:open failed", REPLY_ERROR);
    assert_true(reply.upload_failed);
    expect_kind("Done saving file.", REPLY_TEXT);
    assert_false(reply.upload_open || reply.upload_failed);
}

static void no_bytes_at_all_can_hurt(void **unused)
{
    static const char *const pieces[] = {
        "ok",  " ",  "T:",      "T1:",   "B:",  "20.5",  "/",  "\xff", "rs", "Resend",         ":",
        "N",   "//", "action:", "Error", "Cap", "echo:", "!!", "-",    "9",  "FIRMWARE_NAME:", "X:",
        "busy"};
    uint32_t random = 11;

    (void)unused;
    for (unsigned round = 0; round < 20000; round++) {
        char memory[64];
        struct text text = TEXT_IN(memory);

        for (unsigned i = 0; i < round % 9; i++) {
            random = random * 1664525u + 1013904223u;
            text_add_string(&text, pieces[(random >> 8) % (sizeof(pieces) / sizeof(pieces[0]))]);
        }
        text.length -= text.length > 0 && random % 3 == 0 ? 1 : 0;
        parse_span(text_span(&text));
        assert_true(reply.heaters <= PRINTER_REPLY_HEATERS);
        assert_true(reply.number >= -1);
        assert_true(reply.argument.length <= text.length);
    }
    parse_span(SPAN_NONE);
    assert_int_equal(reply.kind, REPLY_TEXT);
    parse_span(SPAN("\0"));
    assert_int_equal(reply.kind, REPLY_TEXT);
}

/* A printer's session, whole and byte by byte: the kinds must be the same. */
static void a_session_says_the_same_byte_by_byte(void **unused)
{
    static const char session[] = "start\nPowerUp\necho: Last Updated: 2023\nok\n"
                                  "Error:checksum mismatch, Last Line: 2\nResend: 3\nok\n"
                                  "//action:notification 0s\r\n T:20.00 /0.00 B:20.00 /0.00 @:0\n";
    static const enum printer_reply_kind kinds[] = {
        REPLY_START,  REPLY_TEXT, REPLY_TEXT,   REPLY_OK,          REPLY_ERROR,
        REPLY_RESEND, REPLY_OK,   REPLY_ACTION, REPLY_TEMPERATURE,
    };
    static struct line_framer framer;

    (void)unused;
    for (size_t piece = 1; piece < sizeof(session); piece += sizeof(session) - 2) {
        struct span stream = {session, sizeof(session) - 1}, line;
        size_t count = 0;

        line_framer_init(&framer);
        while (stream.length > 0) {
            struct span bytes = {stream.data, piece < stream.length ? piece : stream.length};

            stream = span_skip(stream, bytes.length);
            while (line_framer_next(&framer, &bytes, &line) == LINE_COMPLETE) {
                parse_span(line_content(line));
                assert_int_equal(reply.kind, kinds[count++]);
            }
        }
        assert_int_equal(count, sizeof(kinds) / sizeof(kinds[0]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ok_is_what_octoprint_takes_for_one),
        cmocka_unit_test(an_advanced_ok_tells_the_line_it_answers),
        cmocka_unit_test(an_ok_brings_temperatures_and_klippers_name),
        cmocka_unit_test(a_position_in_an_ok_is_no_temperature),
        cmocka_unit_test(a_resend_has_many_spellings_and_one_number),
        cmocka_unit_test(an_ok_that_ran_into_a_refusal_is_the_refusal),
        cmocka_unit_test(what_follows_a_start_is_known_without_it),
        cmocka_unit_test(busy_is_told_apart_from_a_wait_for_the_user),
        cmocka_unit_test(errors_about_numbers_are_followed_by_a_resend),
        cmocka_unit_test(a_halted_printer_says_so_in_its_firmwares_words),
        cmocka_unit_test(unknown_commands_are_told_in_every_manner),
        cmocka_unit_test(start_and_wait_stand_alone),
        cmocka_unit_test(an_ok_that_a_reset_cuts_short_is_a_start),
        cmocka_unit_test(what_is_left_of_a_resend_may_be_a_refusal),
        cmocka_unit_test(a_klipper_that_is_ready_is_so_whatever_ran_into_that),
        cmocka_unit_test(actions_are_taken_with_and_without_a_blank),
        cmocka_unit_test(a_capability_is_a_name_and_a_digit),
        cmocka_unit_test(a_firmware_name_ends_where_the_next_key_begins),
        cmocka_unit_test(temperatures_are_read_from_any_report),
        cmocka_unit_test(what_only_looks_like_a_temperature_is_text),
        cmocka_unit_test(more_heaters_than_there_is_room_for_are_left_out),
        cmocka_unit_test(positions_and_cards_are_known_by_their_form),
        cmocka_unit_test(an_upload_is_seen_to_begin_and_to_fail),
        cmocka_unit_test(no_bytes_at_all_can_hurt),
        cmocka_unit_test(a_session_says_the_same_byte_by_byte),
    };

    return cmocka_run_group_tests(tests, NULL, release);
}
