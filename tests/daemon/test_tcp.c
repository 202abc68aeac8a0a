#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/tcp.h"

static void expect(const char *url, const char *host, const char *service)
{
    char got_host[SETTINGS_PATH], got_service[SETTINGS_PATH];

    assert_true(tcp_parse(url, got_host, got_service));
    assert_string_equal(got_host, host);
    assert_string_equal(got_service, service);
}

static void an_address_is_host_and_port(void **unused)
{
    (void)unused;
    expect("tcp://127.0.0.1:5000", "127.0.0.1", "5000");
    expect("tcp://printer.local:8080", "printer.local", "8080");
    expect("tcp://[::1]:23", "::1", "23");
}

static void anything_else_is_none(void **unused)
{
    static const char *const wrong[] = {"",         "tcp:",        "tcp://",   "tcp://host",
                                        "tcp://:1", "tcp://host:", "udp://a:1"};
    char host[SETTINGS_PATH], service[SETTINGS_PATH];

    (void)unused;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(tcp_parse(wrong[i], host, service));
}

static void an_address_that_is_too_long_is_none(void **unused)
{
    char url[2 * SETTINGS_PATH] = "tcp://", host[SETTINGS_PATH], service[SETTINGS_PATH];

    (void)unused;
    memset(url + 6, 'a', SETTINGS_PATH);
    strcat(url, ":1");
    assert_false(tcp_parse(url, host, service));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_host_and_port),
        cmocka_unit_test(anything_else_is_none),
        cmocka_unit_test(an_address_that_is_too_long_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
