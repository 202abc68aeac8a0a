/*
 * The ring of recordings in front of a disk that can be held up: nothing waits for it, and what it
 * has got can be replayed.
 */
#include "daemon/record_ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/record_disk.h"
#include "daemon/record_writer.h"
#include "daemon/replay.h"
#include "daemon/service.h"

#define FILES    8
#define CAPACITY (4 * 1024 * 1024)

static const char config_text[] = "name: test\n"
                                  "host: {port: /tmp/host}\n"
                                  "printer: {port: simulated}\n"
                                  "control: {socket: /tmp/control}\n"
                                  "record: {dir: /nowhere, size: 10MB}\n";

/* The disk: files in memory. */
static struct {
    char *bytes[FILES];
    size_t length[FILES];
    int files;
    int error;       /* what the next job finds */
    uv_sem_t let_go; /* a held disk waits for it */
    bool held;
} disk;

static struct service *service;

static bool keep(void *context, struct span front, struct span bytes)
{
    size_t *length = &disk.length[disk.files - 1];
    char *to = disk.bytes[disk.files - 1];

    (void)context;
    assert_true(*length + front.length + bytes.length <= CAPACITY);
    if (front.length > 0)
        memcpy(to + *length, front.data, front.length);
    *length += front.length;
    if (bytes.length > 0)
        memcpy(to + *length, bytes.data, bytes.length);
    *length += bytes.length;
    return true;
}

/* In place of the real one: this is the thread's. */
void record_disk_do(struct record_job *job)
{
    const struct record_writer writer = {NULL, keep};

    if (disk.held)
        uv_sem_wait(&disk.let_go);
    job->error = disk.error;
    if (disk.error != 0) {
        job->fd = -1;
        return;
    }
    if (job->fd >= 0)
        keep(NULL, SPAN_NONE, job->bytes);
    if (job->head.length == 0)
        return;
    assert_true(disk.files < FILES);
    disk.bytes[disk.files] = malloc(CAPACITY);
    assert_non_null(disk.bytes[disk.files]);
    disk.length[disk.files++] = 0;
    job->fd = 0;
    keep(NULL, SPAN_NONE, job->head);
    if (job->state.length > 0)
        record_picture(&writer, job->state);
}

static int begin(void **unused)
{
    struct sources sources;
    struct span saved = SPAN("speed 250000\n");

    (void)unused;
    memset(&disk, 0, sizeof disk);
    uv_sem_init(&disk.let_go, 0);
    service = calloc(1, sizeof *service);
    sources_init(&sources, "/");
    sources_add(&sources, "/test.yaml", span_of(config_text));
    service->config = config_of_sources(&sources, "");
    assert_true(service->config->valid);
    uv_loop_init(&service->loop);
    service->proxy = calloc(1, proxy_size());
    service->started = clock_now();
    proxy_init(service->proxy, &service->config->loaded.settings,
               &service->config->loaded.ruleset, saved, service->started);
    service->ring = record_ring_new(service, &saved);
    assert_non_null(service->ring);
    return 0;
}

static void finish(void)
{
    record_ring_end(service->ring);
    uv_run(&service->loop, UV_RUN_DEFAULT);
    assert_null(service->ring);
}

static int end(void **unused)
{
    (void)unused;
    uv_loop_close(&service->loop);
    uv_sem_destroy(&disk.let_go);
    for (int i = 0; i < disk.files; i++)
        free(disk.bytes[i]);
    config_free(service->config);
    free(service->proxy);
    free(service);
    return 0;
}

/* As the service does it. */
static void feed(const struct proxy_input *input)
{
    struct instant now = clock_now();
    struct order order;
    struct event event;

    record_ring_input(service->ring, input, now);
    proxy_input(service->proxy, input, now);
    while (proxy_next_order(service->proxy, &order))
        continue;
    while (proxy_next_event(service->proxy, &event))
        continue;
    record_ring_settled(service->ring);
}

static void write_out(enum proxy_port port)
{
    struct span output = proxy_output(service->proxy, port);

    if (output.length > 0)
        feed(&(struct proxy_input){.kind = PROXY_SENT,
                                   .port = port,
                                   .number = (int64_t)output.length,
                                   .bytes = output});
}

static void open_ports(void)
{
    feed(&(struct proxy_input){.kind = PROXY_OPENED, .port = PROXY_PRINTER});
    feed(&(struct proxy_input){.kind = PROXY_OPENED, .port = PROXY_HOST});
}

/* A line there, its ok back. */
static void converse(unsigned lines)
{
    char line[900];

    memset(line, 'x', sizeof line);
    memcpy(line, "M117 ", 5);
    line[sizeof line - 1] = '\n';
    for (unsigned i = 0; i < lines; i++) {
        feed(&(struct proxy_input){
            .kind = PROXY_BYTES, .port = PROXY_HOST, .bytes = {line, sizeof line}});
        write_out(PROXY_PRINTER);
        feed(&(struct proxy_input){
            .kind = PROXY_BYTES, .port = PROXY_PRINTER, .bytes = SPAN("ok\n")});
        write_out(PROXY_HOST);
    }
}

/* The loop turns until the thread is idle. */
static void turn(void)
{
    while (!record_ring_idle(service->ring))
        uv_run(&service->loop, UV_RUN_ONCE);
}

static enum replay_result replay_file(int index, struct replay *replay)
{
    return replay_run(replay, (struct span){disk.bytes[index], disk.length[index]}, NULL);
}

static unsigned told(const char *text)
{
    unsigned count = 0;

    for (unsigned i = 0; i < log_count(); i++)
        count += strstr(log_kept(i), text) != NULL;
    return count;
}

static void a_session_from_its_start_is_one_file_without_a_picture(void **unused)
{
    struct replay replay;

    (void)unused;
    open_ports();
    converse(20);
    finish();
    assert_int_equal(disk.files, 1);
    assert_int_equal(replay_file(0, &replay), REPLAY_IDENTICAL);
    assert_true(replay.bytes[PROXY_PRINTER] >= 20 * 900);
    assert_int_equal(replay.offset, 0);
    replay_free(&replay);
}

static void a_full_file_is_followed_by_one_that_begins_with_a_picture(void **unused)
{
    struct replay replay;
    uint64_t bytes = 0;

    (void)unused;
    open_ports();
    for (unsigned i = 0; i < 40; i++) {
        converse(40);
        turn();
    }
    finish();
    assert_true(disk.files >= 2);
    for (int i = 0; i < disk.files; i++) {
        assert_int_equal(replay_file(i, &replay), REPLAY_IDENTICAL);
        assert_int_equal(replay.offset, i == 0 ? 0 : proxy_size());
        bytes += replay.bytes[PROXY_PRINTER];
        replay_free(&replay);
    }
    assert_true(bytes >= 1600 * 899); /* nothing is lost between them */
}

static void a_slow_disk_holds_nothing_up_and_a_new_file_begins_when_it_is_back(void **unused)
{
    unsigned before = told("the disk is too slow");
    struct replay replay;

    (void)unused;
    disk.held = true;
    open_ports();
    assert_false(record_ring_idle(service->ring));
    converse(3000); /* more than all buffers hold; it returns */
    assert_int_equal(told("the disk is too slow"), before + 1);
    disk.held = false;
    for (int i = 0; i < 10; i++)
        uv_sem_post(&disk.let_go);
    while (disk.files < 2)
        uv_run(&service->loop, UV_RUN_ONCE);
    turn();
    converse(10);
    finish();
    assert_int_equal(told("the disk is too slow"), before + 1);
    assert_int_equal(disk.files, 2);
    assert_int_equal(replay_file(0, &replay), REPLAY_TORN);
    assert_non_null(strstr(replay.what, "the disk was too slow"));
    assert_true(replay.inputs > 100);
    replay_free(&replay);
    assert_int_equal(replay_file(1, &replay), REPLAY_IDENTICAL);
    assert_true(replay.bytes[PROXY_PRINTER] > 9 * 900);
    replay_free(&replay);
}

static void a_full_disk_is_told_once_and_the_rest_dropped(void **unused)
{
    unsigned before = told("No space left on device");

    (void)unused;
    open_ports();
    turn();
    disk.error = ENOSPC;
    for (unsigned i = 0; i < 10; i++) {
        converse(200);
        turn();
    }
    converse(200);
    finish();
    assert_int_equal(told("No space left on device"), before + 1);
}

static void a_reload_is_replayed(void **unused)
{
    struct replay replay;

    (void)unused;
    open_ports();
    converse(2);
    record_ring_reload(service->ring, service->config, clock_now());
    proxy_reload(service->proxy, &service->config->loaded.settings,
                 &service->config->loaded.ruleset, clock_now());
    converse(2);
    finish();
    assert_int_equal(replay_file(0, &replay), REPLAY_IDENTICAL);
    replay_free(&replay);
}

int main(void)
{
#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        test(a_session_from_its_start_is_one_file_without_a_picture),
        test(a_full_file_is_followed_by_one_that_begins_with_a_picture),
        test(a_slow_disk_holds_nothing_up_and_a_new_file_begins_when_it_is_back),
        test(a_full_disk_is_told_once_and_the_rest_dropped),
        test(a_reload_is_replayed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
