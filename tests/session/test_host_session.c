#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "session/host_session.h"

static struct host_session *session;
static struct gcode_line line;

static int begin(void **unused)
{
    (void)unused;
    session = malloc(sizeof *session);
    if (session != NULL)
        host_session_init(session);
    return session == NULL;
}

static int end(void **unused)
{
    (void)unused;
    assert_null(host_session_check(session));
    free(session);
    return 0;
}

/* What becomes of bytes that hold one line at most. */
static enum host_verdict received(const char *text)
{
    struct span bytes = span_of(text);
    enum host_verdict verdict = host_session_receive(session, &bytes, &line);

    assert_int_equal(bytes.length, 0);
    return verdict;
}

/* The front line is this, and is dropped. */
static void front_is(const char *text)
{
    uint64_t overlong;

    assert_true(host_session_front(session, &line, &overlong));
    assert_int_equal(overlong, 0);
    assert_true(span_equal(line.raw, span_of(text)));
    host_session_drop(session);
}

static bool empty(void)
{
    uint64_t overlong;

    return !host_session_front(session, &line, &overlong);
}

static void lines_are_queued_with_their_bytes(void **unused)
{
    (void)unused;
    assert_int_equal(received("G1"), HOST_NOTHING);
    assert_int_equal(received(" X1 ; home\r\n"), HOST_QUEUED);
    assert_int_equal(received("\n"), HOST_QUEUED);
    assert_int_equal(received("N0 M110 N0*125\n"), HOST_QUEUED);
    front_is("G1 X1 ; home\r\n");
    front_is("\n");
    front_is("N0 M110 N0*125\n");
    assert_true(empty());
    assert_int_equal(session->lines, 3);
}

static void the_first_number_is_taken_as_it_comes(void **unused)
{
    (void)unused;
    assert_int_equal(received("N41 G1*29\n"), HOST_QUEUED);
    assert_int_equal(received("N43 G1*31\n"), HOST_REFUSED);
    assert_int_equal(host_session_expected(session), 42);
    assert_int_equal(received("N42 G1*30\n"), HOST_QUEUED);
}

static void a_hello_may_be_repeated(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(received("N0 M110 N0*125\n"), HOST_QUEUED);
    assert_int_equal(received("N1 M115*39\n"), HOST_QUEUED);
}

static void a_wrong_checksum_is_refused_and_what_follows_is_dropped_until_its_line_comes(void **unused)
{
    (void)unused;
    assert_int_equal(received("N0 M110 N0*125\n"), HOST_QUEUED);
    assert_int_equal(received("N1 M115*38\n"), HOST_REFUSED);
    assert_int_equal(host_session_expected(session), 1);
    assert_int_equal(received("N2 M105*37\n"), HOST_DROPPED);
    assert_int_equal(received("N1 M115*39\n"), HOST_QUEUED);
    assert_int_equal(received("N2 M105*37\n"), HOST_QUEUED);
    assert_int_equal(session->refused, 1);
    assert_int_equal(session->queue.count, 3);
}

static void a_numbered_line_without_checksum_is_refused(void **unused)
{
    (void)unused;
    assert_int_equal(received("N0 M110 N0*125\n"), HOST_QUEUED);
    assert_int_equal(received("N1 M115\n"), HOST_REFUSED);
    assert_int_equal(received("N0 M110 N0*124\n"), HOST_REFUSED);
    assert_int_equal(host_session_expected(session), 1);
}

static void a_doublet_is_dropped_without_a_word(void **unused)
{
    (void)unused;
    assert_int_equal(received("N0 M110 N0*125\n"), HOST_QUEUED);
    assert_int_equal(received("N1 M115*39\n"), HOST_QUEUED);
    assert_int_equal(received("N2 M105*37\n"), HOST_QUEUED);
    assert_int_equal(received("N2 M105*37\n"), HOST_DROPPED);
    assert_int_equal(received("N1 M115*39\n"), HOST_DROPPED);
    assert_int_equal(received("N3 M105*36\n"), HOST_QUEUED);
    assert_int_equal(received("N1 M115*39\n"), HOST_REFUSED);
    assert_int_equal(host_session_expected(session), 4);
}

static void m110_sets_the_number_wherever_it_stands(void **unused)
{
    (void)unused;
    assert_int_equal(received("N7 M110 N40*78\n"), HOST_QUEUED);
    assert_int_equal(host_session_expected(session), 41);
    assert_int_equal(received("M110 N5\n"), HOST_QUEUED);
    assert_int_equal(host_session_expected(session), 6);
    assert_int_equal(received("N-1 M110*15\n"), HOST_QUEUED);
    assert_int_equal(host_session_expected(session), 0);
}

/* It has nothing to send again; asked for what comes next it goes on. */
static void a_host_whose_first_m110_was_hurt_is_asked_for_what_it_says_next(void **unused)
{
    (void)unused;
    assert_int_equal(received("N0 M110 N0*125\n"), HOST_QUEUED);
    assert_int_equal(received("N1 G1*41\n"), HOST_QUEUED);
    host_session_opened(session);
    assert_int_equal(received("N0  M110 N0*125\n"), HOST_REFUSED);
    assert_int_equal(host_session_expected(session), 1);
    assert_int_equal(received("N5 G1*45\n"), HOST_QUEUED);
}

static void the_emergency_lane_is_not_queued(void **unused)
{
    (void)unused;
    assert_int_equal(received("N0 M110 N0*125\n"), HOST_QUEUED);
    assert_int_equal(received("M108\n"), HOST_EMERGENCY);
    assert_int_equal(received("N1 M108*43\n"), HOST_EMERGENCY);
    assert_int_equal(received("N2 M410*36\n"), HOST_EMERGENCY);
    assert_int_equal(received("m112\n"), HOST_EMERGENCY);
    assert_int_equal(received("M876 S1\n"), HOST_EMERGENCY);
    assert_int_equal(session->queue.count, 1);
    /* Their numbers are used up. */
    assert_int_equal(host_session_expected(session), 3);
}

static void m112_is_one_whatever_else_is_wrong_with_it(void **unused)
{
    (void)unused;
    assert_int_equal(received("N0 M110 N0*125\n"), HOST_QUEUED);
    assert_int_equal(received("N1 M112*1\n"), HOST_EMERGENCY);
    assert_int_equal(received("N77 M112*17\n"), HOST_EMERGENCY);
    assert_int_equal(received("N0 M112*33\n"), HOST_EMERGENCY);
    assert_int_equal(received("N1 M108*1\n"), HOST_REFUSED);
    assert_int_equal(received("N2 M112*35\n"), HOST_EMERGENCY);
}

static void in_an_upload_only_a_bare_m112_is_an_emergency(void **unused)
{
    (void)unused;
    assert_int_equal(received("M28 a.gco\n"), HOST_QUEUED);
    assert_int_equal(received("M108\n"), HOST_QUEUED);
    assert_int_equal(received("N1 M112*32\n"), HOST_QUEUED);
    assert_int_equal(received("M112\n"), HOST_EMERGENCY);
    assert_int_equal(received("M29\n"), HOST_QUEUED);
    assert_int_equal(received("M108\n"), HOST_EMERGENCY);
    assert_int_equal(received("M928 log.gco\n"), HOST_QUEUED);
    host_session_upload_over(session);
    assert_int_equal(received("M108\n"), HOST_EMERGENCY);
}

static void a_line_too_long_stands_in_its_place(void **unused)
{
    static char text[5000];
    uint64_t overlong;

    (void)unused;
    for (size_t length = LINE_CAPACITY; length < 3000; length += 487) {
        memset(text, 'x', length);
        memcpy(text, "N1 M117 ", 8);
        text[length] = '\n';
        text[length + 1] = '\0';
        assert_int_equal(received("N0 M110 N0*125\n"), HOST_QUEUED);
        assert_int_equal(received(text), HOST_QUEUED);
        assert_int_equal(received("N2 M105*37\n"), HOST_QUEUED);
        front_is("N0 M110 N0*125\n");
        assert_true(host_session_front(session, &line, &overlong));
        assert_int_equal(overlong, length + 1);
        assert_true(line.is_command);
        assert_int_equal(line.code, 117);
        host_session_drop(session);
        front_is("N2 M105*37\n");
    }
}

static void the_longest_line_that_is_not_too_long_is_kept_whole(void **unused)
{
    static char text[LINE_CAPACITY + 1];

    (void)unused;
    memset(text, 'x', LINE_CAPACITY);
    text[LINE_CAPACITY - 1] = '\n';
    assert_int_equal(received(text), HOST_QUEUED);
    front_is(text);
}

static void what_was_half_said_is_forgotten_with_its_host(void **unused)
{
    (void)unused;
    assert_int_equal(received("N5 G1*45\n"), HOST_QUEUED);
    assert_int_equal(received("M28 a.gco\n"), HOST_QUEUED);
    assert_int_equal(received("N6 G"), HOST_NOTHING);
    host_session_opened(session);
    assert_int_equal(received("N41 G1*29\n"), HOST_QUEUED);
    assert_int_equal(received("M108\n"), HOST_EMERGENCY);
    assert_int_equal(session->queue.count, 3);
    assert_int_equal(host_session_clear(session), 3);
    assert_true(empty());
}

/* Whatever the lines, all bytes that were let in are kept. */
static void what_there_is_room_for_is_never_lost(void **unused)
{
    static const char *const kinds[] = {"\n", "G1\n", "G1 X100 Y100\n", ";\n"};

    (void)unused;
    for (unsigned kind = 0; kind < 4; kind++) {
        size_t length = strlen(kinds[kind]), room;
        uint64_t lines = 0;

        while ((room = host_session_room(session)) >= length) {
            for (size_t i = 0; i + length <= room; i += length, lines++)
                assert_int_equal(received(kinds[kind]), HOST_QUEUED);
        }
        assert_int_equal(session->queue.count, lines);
        assert_true(lines * length > 64 * 1024 || length < 4);
        host_session_clear(session);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(lines_are_queued_with_their_bytes),
        TEST(the_first_number_is_taken_as_it_comes),
        TEST(a_hello_may_be_repeated),
        TEST(a_wrong_checksum_is_refused_and_what_follows_is_dropped_until_its_line_comes),
        TEST(a_numbered_line_without_checksum_is_refused),
        TEST(a_doublet_is_dropped_without_a_word),
        TEST(m110_sets_the_number_wherever_it_stands),
        TEST(a_host_whose_first_m110_was_hurt_is_asked_for_what_it_says_next),
        TEST(the_emergency_lane_is_not_queued),
        TEST(m112_is_one_whatever_else_is_wrong_with_it),
        TEST(in_an_upload_only_a_bare_m112_is_an_emergency),
        TEST(a_line_too_long_stands_in_its_place),
        TEST(the_longest_line_that_is_not_too_long_is_kept_whole),
        TEST(what_was_half_said_is_forgotten_with_its_host),
        TEST(what_there_is_room_for_is_never_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
