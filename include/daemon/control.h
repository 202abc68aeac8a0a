/*
 * The control socket: clients that send one JSON object a line and get one back.
 *
 * Bounded in every direction: CONTROL_CLIENTS clients, CONTROL_LINE bytes a line, one request at a
 * time each, CONTROL_OUTPUT bytes that a client has not read. A watcher that is slower than that
 * loses its oldest events, counted in its next one; anybody else is let go. What the commands mean
 * stands in commands.h.
 */
#pragma once

#include <jansson.h>

#include "daemon/service.h"

#define CONTROL_CLIENTS 64
#define CONTROL_LINE    4096
#define CONTROL_OUTPUT  65536
/* A recording begins with a picture of the core, most of a megabyte before it is squeezed. */
#define CONTROL_RECORDING (4u << 20)

struct control_client;

/* As unix_socket_listen; also if it fails, control_free is to be called. */
bool control_listen(struct service *service, const char *path, const char *group, char *ret_why,
                    char *ret_warning, size_t capacity);
void control_free(struct control *control); /* NULL is fine */
/* The core has answered a client; harmless if that has gone. */
void control_answer(struct control *control, const struct order *order);
/* Shows an event to everybody who watches. */
void control_event(struct control *control, const struct event *event);

/* For commands: */
struct service *control_service(struct control_client *client);
/* One line to the client; the object is given away. */
void control_reply(struct control_client *client, json_t *object);
void control_refuse(struct control_client *client, const char *code, const char *error);
/* For several reasons, texts in an array, which is given away; the first one is the error. */
void control_refuse_all(struct control_client *client, const char *code, json_t *mistakes);
/* Puts the request to the core; the client waits for its answer. */
void control_ask(struct control_client *client, const struct request *request);
void control_watch(struct control_client *client);
/* Bytes follow instead of lines from now on. */
void control_stream(struct control_client *client);
/* How many bytes it has room for. */
size_t control_stream_room(const struct control_client *client);
/* What does not fit as a whole is not sent. */
void control_stream_bytes(struct control_client *client, struct span bytes);
/* Lets the client go once it has taken what there is. */
void control_finish(struct control_client *client);
