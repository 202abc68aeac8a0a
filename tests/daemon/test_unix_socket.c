#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/unix_socket.h"
#include "scratch.h"

static char folder[SCRATCH], path[128], why[300], warning[300];
static struct unix_socket listening;

static int setup(void **unused)
{
    (void)unused;
    if (scratch_make(folder) != 0)
        return -1;
    snprintf(path, sizeof path, "%s/deep/er/control", folder);
    why[0] = '\0';
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    return scratch_remove(folder);
}

static bool listens(const char *at)
{
    return unix_socket_listen(&listening, at, "", 4, why, warning, sizeof why);
}

/* A client's socket, connected to ours; -1 if nobody listens. */
static int connected(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    memcpy(address.sun_path, path, strlen(path) + 1);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static void who_connects_is_accepted_until_it_is_closed(void **unused)
{
    struct stat status;
    int client, accepted;

    (void)unused;
    assert_true(listens(path));
    assert_string_equal(warning, "");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600); /* no group: our own user alone */
    client = connected();
    assert_true(client >= 0);
    accepted = accept(listening.fd, NULL, NULL);
    assert_true(accepted >= 0);
    close(accepted);
    close(client);
    unix_socket_close(&listening);
    assert_int_equal(access(path, F_OK), -1);
    unix_socket_close(&listening);
}

static void a_group_that_is_none_is_told_and_does_no_harm(void **unused)
{
    struct stat status;

    (void)unused;
    assert_true(unix_socket_listen(&listening, path, "dailout", 4, why, warning, sizeof why));
    assert_non_null(strstr(warning, "there is no group dailout"));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0077, 0);
    unix_socket_close(&listening);
}

static void a_socket_that_nobody_answers_is_replaced(void **unused)
{
    int client;

    (void)unused;
    assert_true(listens(path));
    close(listening.fd); /* as if we had died: the name stays */
    claim_leave(&listening.claim);
    assert_int_equal(access(path, F_OK), 0);
    assert_true(listens(path));
    client = connected();
    assert_true(client >= 0);
    close(client);
    unix_socket_close(&listening);
}

static void what_is_not_ours_is_left_alone(void **unused)
{
    struct unix_socket theirs;
    FILE *file;
    int client;

    (void)unused;
    assert_true(listens(path));
    theirs = listening;
    assert_false(listens(path));
    assert_non_null(strstr(why, "is used by another sioproxy"));
    claim_leave(&theirs.claim); /* another program's: it knows nothing of claims */
    assert_false(listens(path));
    assert_non_null(strstr(why, "is used by another program"));
    unix_socket_close(&listening);
    client = connected();
    assert_true(client >= 0);
    close(client);
    unix_socket_close(&theirs);

    file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    assert_false(listens(path));
    assert_non_null(strstr(why, "is there already and no socket: it is left alone"));
    unix_socket_close(&listening);
    assert_int_equal(access(path, F_OK), 0);
}

static void a_path_too_long_for_a_socket_is_told(void **unused)
{
    char long_path[200];

    (void)unused;
    memset(long_path, 'x', sizeof long_path - 1);
    long_path[0] = '/';
    long_path[sizeof long_path - 1] = '\0';
    assert_false(listens(long_path));
    assert_non_null(strstr(why, "is too long for a socket, at most 107 bytes"));
    unix_socket_close(&listening);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_connects_is_accepted_until_it_is_closed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_group_that_is_none_is_told_and_does_no_harm, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_socket_that_nobody_answers_is_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_ours_is_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_path_too_long_for_a_socket_is_told, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
