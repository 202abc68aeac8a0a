#include "daemon/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/commands.h"
#include "daemon/log.h"
#include "daemon/recorder.h"
#include "daemon/status_json.h"
#include "daemon/unix_socket.h"

/* The core's numbers of clients have 31 bits. */
#define CONTROL_SERIALS (1u << 24)
/*
 * Events are gathered for so long, and then written to one watcher after the other with so much
 * between them: all watchers at once would keep the ports waiting, and once awake they contend with
 * the ports' owners for the CPUs.
 */
#define CONTROL_GATHER_MS 10
#define CONTROL_TURN_MS   1

struct control_client {
    struct control *control;
    uint32_t slot;
    uint32_t serial; /* tells it from whoever had the slot before */
    int fd;
    uv_poll_t *poll;
    char in[CONTROL_LINE];
    size_t in_length;
    char *out;
    size_t out_length, out_capacity;
    bool out_mid; /* the first byte of out is in the middle of a line */
    bool asked;   /* the core has its request */
    bool watching;
    bool due;       /* its events wait for its turn to be written to */
    bool streaming; /* a recording */
    bool ended;     /* it sends no more; what it asked is answered yet */
    bool finishing; /* gone when out is empty */
    uint64_t lost;  /* events */
};

struct control {
    struct service *service;
    struct unix_socket socket;
    uv_poll_t *poll;
    uv_timer_t *turns; /* runs from the first event that nobody was written while one is due */
    unsigned turn;     /* whose it is */
    uint32_t serial;
    struct control_client *client[CONTROL_CLIENTS];
};

static void on_client(uv_poll_t *handle, int status, int events);

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

static void close_poll(uv_poll_t **poll)
{
    if (*poll == NULL)
        return;
    uv_poll_stop(*poll);
    uv_close((uv_handle_t *)*poll, free_handle);
    *poll = NULL;
}

static uv_poll_t *new_poll(struct service *service, int fd, void *data)
{
    uv_poll_t *poll = calloc(1, sizeof *poll);

    if (poll == NULL || uv_poll_init(&service->loop, poll, fd) != 0)
        abort();
    poll->data = data;
    return poll;
}

/* --- one client ------------------------------------------------------------------------------- */

static void drop_client(struct control_client *client)
{
    struct service *service = client->control->service;

    if (client->streaming) {
        recorder_forget(service->recorder);
        log_write(LOG_INFO, "the recording has ended: nobody takes it any more");
    }
    close_poll(&client->poll);
    close(client->fd);
    client->control->client[client->slot] = NULL;
    free(client->out);
    free(client);
}

/*
 * Reads on only when the last request is answered and the answers are read; writes while there is
 * anything. A finished client's last event is that it can be written.
 */
static void watch_client(struct control_client *client)
{
    int events = 0;

    if (client->ended && !client->asked)
        client->finishing = true;
    if (!client->asked && !client->ended && client->out_length < CONTROL_OUTPUT / 2)
        events |= UV_READABLE;
    if (client->out_length > 0 || client->finishing)
        events = client->finishing ? UV_WRITABLE : events | UV_WRITABLE;
    uv_poll_start(client->poll, events, on_client);
}

/* False if the client has gone. */
static bool flush_client(struct control_client *client)
{
    while (client->out_length > 0) {
        ssize_t count = send(client->fd, client->out, client->out_length, MSG_NOSIGNAL);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno == EAGAIN)
            return true;
        if (count <= 0)
            return false;
        client->out_mid = client->out[count - 1] != '\n';
        client->out_length -= (size_t)count;
        memmove(client->out, client->out + count, client->out_length);
    }
    return !client->finishing;
}

static bool add_output(struct control_client *client, struct span bytes)
{
    if (client->out_length + bytes.length > client->out_capacity)
        return false;
    if (bytes.length > 0) /* an empty span may have no address */
        memcpy(client->out + client->out_length, bytes.data, bytes.length);
    client->out_length += bytes.length;
    return true;
}

/* Drops the oldest line that the client has not begun to read. */
static bool drop_oldest(struct control_client *client)
{
    char *from = client->out, *end, *all = client->out + client->out_length;

    if (client->out_mid) {
        from = memchr(from, '\n', client->out_length);
        if (from == NULL)
            return false;
        from++;
    }
    end = from < all ? memchr(from, '\n', (size_t)(all - from)) : NULL;
    if (end == NULL)
        return false;
    end++;
    memmove(from, end, (size_t)(all - end));
    client->out_length -= (size_t)(end - from);
    client->lost++;
    return true;
}

/* A watcher loses its oldest events to make room; anybody else is let go. */
static void send_line(struct control_client *client, struct span line)
{
    while (client->out_length + line.length + 1 > client->out_capacity)
        if (!client->watching || !drop_oldest(client)) {
            client->finishing = true;
            return;
        }
    add_output(client, line);
    add_output(client, SPAN("\n"));
}

static void send_object(struct control_client *client, json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);

    json_decref(object);
    if (text != NULL)
        send_line(client, span_of(text));
    free(text);
}

void control_reply(struct control_client *client, json_t *object)
{
    send_object(client, object);
}

void control_refuse(struct control_client *client, const char *code, const char *error)
{
    send_object(client, json_pack("{s:b, s:s, s:s}", "ok", 0, "code", code, "error", error));
}

void control_refuse_all(struct control_client *client, const char *code, json_t *mistakes)
{
    send_object(client, json_pack("{s:b, s:s, s:O, s:o}", "ok", 0, "code", code, "error",
                                  json_array_get(mistakes, 0), "mistakes", mistakes));
}

void control_ask(struct control_client *client, const struct request *request)
{
    client->asked = true;
    service_feed(
        client->control->service,
        &(struct proxy_input){.kind = PROXY_ASKED,
                              .number = (int64_t)client->serial * CONTROL_CLIENTS + client->slot,
                              .request = request});
}

void control_watch(struct control_client *client)
{
    client->watching = true;
}

void control_stream(struct control_client *client)
{
    char *larger = realloc(client->out, CONTROL_RECORDING);

    if (larger == NULL)
        abort();
    client->out = larger;
    client->out_capacity = CONTROL_RECORDING;
    client->streaming = true;
}

size_t control_stream_room(const struct control_client *client)
{
    return client->out_capacity - client->out_length;
}

void control_stream_bytes(struct control_client *client, struct span bytes)
{
    add_output(client, bytes);
    watch_client(client);
}

void control_finish(struct control_client *client)
{
    client->streaming = false;
    client->finishing = true;
    watch_client(client);
}

struct service *control_service(struct control_client *client)
{
    return client->control->service;
}

static void take_line(struct control_client *client, struct span line)
{
    json_error_t error;
    json_t *object;

    if (span_trim(line).length == 0)
        return;
    object = json_loadb(line.data, line.length, 0, &error);
    if (json_is_object(object))
        command_run(client, object);
    else
        control_refuse(client, "usage", object == NULL ? error.text : "one JSON object a line");
    json_decref(object);
}

/* Takes whole lines as long as nothing is asked; the rest waits for the answer. */
static void take_lines(struct control_client *client)
{
    while (!client->asked && !client->finishing && !client->streaming) {
        char *end = memchr(client->in, '\n', client->in_length);
        char line[CONTROL_LINE];
        size_t length;

        if (end == NULL) {
            if (client->in_length == sizeof client->in) {
                control_refuse(client, "usage", "a line of more than 4096 bytes");
                client->finishing = true;
            }
            return;
        }
        length = (size_t)(end - client->in);
        memcpy(line, client->in, length);
        client->in_length -= length + 1;
        memmove(client->in, end + 1, client->in_length);
        take_line(client, (struct span){line, length});
    }
}

/* A client that records says nothing, but by its end that it wants no more. False if it is gone. */
static bool read_streaming(struct control_client *client)
{
    char ignored[512];
    ssize_t count = recv(client->fd, ignored, sizeof ignored, 0);

    if (count == 0) {
        client->ended = true;
        recorder_end(client->control->service->recorder, NULL);
    }
    return count >= 0 || errno == EAGAIN || errno == EINTR;
}

/* False if the client has gone. */
static bool read_client(struct control_client *client)
{
    size_t room = sizeof client->in - client->in_length;
    ssize_t count;

    if (client->streaming)
        return read_streaming(client);
    if (room == 0)
        return true;
    count = recv(client->fd, client->in + client->in_length, room, 0);
    if (count < 0)
        return errno == EAGAIN || errno == EINTR;
    client->ended = count == 0;
    client->in_length += (size_t)count;
    take_lines(client);
    return true;
}

static void on_client(uv_poll_t *handle, int status, int events)
{
    struct control_client *client = handle->data;
    struct service *service = client->control->service;
    bool stays = status >= 0;

    if (stays && (events & UV_READABLE))
        stays = read_client(client);
    if (stays)
        stays = flush_client(client);
    if (stays)
        watch_client(client);
    else
        drop_client(client);
    service_settle(service);
}

void control_answer(struct control *control, const struct order *order)
{
    struct control_client *client = control->client[order->number % CONTROL_CLIENTS];
    json_t *object;

    if (client == NULL || client->serial != order->number / CONTROL_CLIENTS || !client->asked)
        return;
    client->asked = false;
    if (order->ok) {
        object = json_pack("{s:b}", "ok", 1);
        if (order->text[0] != '\0')
            json_object_set_new(object, "state", json_string(order->text));
        send_object(client, object);
    } else {
        control_refuse(client, order->code != NULL ? order->code : "refused", order->text);
    }
    take_lines(client);
    watch_client(client);
}

/* Writes to the next watcher that is due. */
static void on_turn(uv_timer_t *timer)
{
    struct control *control = timer->data;

    for (unsigned looked = 0; looked < CONTROL_CLIENTS; looked++) {
        struct control_client *client = control->client[control->turn];

        control->turn = (control->turn + 1) % CONTROL_CLIENTS;
        if (client == NULL || !client->due)
            continue;
        client->due = false;
        if (flush_client(client))
            watch_client(client);
        else
            drop_client(client);
        return;
    }
    uv_timer_stop(timer);
}

/* To be freed; `lost` events were dropped before it. */
static char *event_text(const struct event *event, uint64_t lost)
{
    json_t *object = status_json_event(event);
    char *text;

    if (lost > 0)
        json_object_set_new(object, "lost", json_integer((json_int_t)lost));
    text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

void control_event(struct control *control, const struct event *event)
{
    char *text = NULL;

    for (unsigned i = 0; control != NULL && i < CONTROL_CLIENTS; i++) {
        struct control_client *client = control->client[i];

        if (client == NULL || !client->watching)
            continue;
        if (client->lost > 0) {
            char *own = event_text(event, client->lost);

            client->lost = 0;
            send_line(client, span_of(own));
            free(own);
        } else {
            if (text == NULL)
                text = event_text(event, 0);
            send_line(client, span_of(text));
        }
        client->due = true;
        if (!uv_is_active((uv_handle_t *)control->turns))
            uv_timer_start(control->turns, on_turn, CONTROL_GATHER_MS, CONTROL_TURN_MS);
    }
    free(text);
}

/* --- the socket ------------------------------------------------------------------------------- */

/* No place for it: it is told, and let go. */
static void turn_away(int fd)
{
    static const char full[] = "{\"ok\":false,\"code\":\"refused\",\"error\":\"too many clients\"}\n";

    if (send(fd, full, sizeof full - 1, MSG_NOSIGNAL) < 0)
        log_write(LOG_DEBUG, "control socket: %s", strerror(errno));
    close(fd);
}

static void on_connection(uv_poll_t *handle, int status, int events)
{
    struct control *control = handle->data;
    struct control_client *client;
    unsigned slot = 0;
    int fd = accept4(control->socket.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)status;
    (void)events;
    if (fd < 0)
        return;
    while (slot < CONTROL_CLIENTS && control->client[slot] != NULL)
        slot++;
    if (slot == CONTROL_CLIENTS) {
        turn_away(fd);
        return;
    }
    client = calloc(1, sizeof *client);
    if (client == NULL || (client->out = malloc(CONTROL_OUTPUT)) == NULL)
        abort();
    client->out_capacity = CONTROL_OUTPUT;
    client->control = control;
    client->slot = slot;
    client->serial = control->serial = (control->serial + 1) % CONTROL_SERIALS;
    client->fd = fd;
    client->poll = new_poll(control->service, fd, client);
    control->client[slot] = client;
    watch_client(client);
}

bool control_listen(struct service *service, const char *path, const char *group, char *ret_why,
                    char *ret_warning, size_t capacity)
{
    struct control *control = calloc(1, sizeof *control);

    if (control == NULL)
        abort();
    control->service = service;
    service->control = control;
    if (!unix_socket_listen(&control->socket, path, group, CONTROL_CLIENTS, ret_why, ret_warning,
                            capacity))
        return false;
    control->poll = new_poll(service, control->socket.fd, control);
    control->turns = calloc(1, sizeof *control->turns);
    if (control->turns == NULL)
        abort();
    uv_timer_init(&service->loop, control->turns);
    control->turns->data = control;
    uv_poll_start(control->poll, UV_READABLE, on_connection);
    return true;
}

void control_free(struct control *control)
{
    if (control == NULL)
        return;
    for (unsigned i = 0; i < CONTROL_CLIENTS; i++)
        if (control->client[i] != NULL) {
            flush_client(control->client[i]);
            drop_client(control->client[i]);
        }
    close_poll(&control->poll);
    if (control->turns != NULL)
        uv_close((uv_handle_t *)control->turns, free_handle);
    unix_socket_close(&control->socket);
    free(control);
}
