/*
 * The programs that rules start: orders of the core become processes, their output lines of the
 * log, and their end an input.
 *
 * No shell. Each is a process group of its own; what is left of it when the program has ended is
 * killed. Its input is empty, its output is read slowly, so that a flood costs nobody anything. When
 * its time is over the core says so.
 *
 * The one thing that the loop waits for: uv_spawn returns when the kernel has loaded the program, so
 * one that lies on a disk that hangs holds everything up.
 */
#pragma once

#include "proxy.h"

struct service;
struct programs;

struct programs *programs_new(struct service *service);
/* ORDER_RUN: the program starts, or its PROXY_ENDED says why not. */
void programs_run(struct programs *programs, const struct order *order);
/* ORDER_END: it is asked to end (SIGTERM), or killed. */
void programs_end(struct programs *programs, const struct order *order);
/* The daemon is about to end: all of them are asked to. */
void programs_ask_to_end(struct programs *programs);
/* The daemon ends now: nothing is left of any of them. No input comes of it any more. */
void programs_kill(struct programs *programs);
/* When the loop is closed. */
void programs_free(struct programs *programs);
