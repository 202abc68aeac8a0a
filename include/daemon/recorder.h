/*
 * Streams everything that happens to the core to one client, as recording.h writes it.
 *
 * A client that reads too slowly ends its recording with an error; it never holds anything back.
 */
#pragma once

#include "daemon/config.h"
#include "proxy.h"

struct control_client;
struct service;
struct recorder;

/* Begins with a picture of the core as it is; service->recorder is set from now on. */
void recorder_begin(struct service *service, struct control_client *client);
/* Everything below: NULL is fine. */
void recorder_input(struct recorder *recorder, const struct proxy_input *input, struct instant now);
void recorder_reload(struct recorder *recorder, const struct config *config, struct instant now);
/* Ends it, with an error in words or in order (NULL); service->recorder is NULL afterwards. */
void recorder_end(struct recorder *recorder, const char *error);
/* The same when the client has gone. */
void recorder_forget(struct recorder *recorder);
