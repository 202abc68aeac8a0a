/*
 * How faults befall the ends of the world's wires; who plans them includes world.h.
 */
#pragma once

#include "sim/world.h"

/* Bytes have set out on a wire with faults: what has begun with them is noted, what is due begun. */
void world_faults_passed(struct world *world, enum proxy_port port, struct world_wire *wire);
/* What has come by now happens. True if anything did. */
bool world_faults_happen(struct world *world);
struct instant world_faults_deadline(const struct world *world);
/* The printer has power, or none, as an output of the board says. True if that has changed. */
bool world_power_moves(struct world *world);

/* In world.c, without settling. */
void world_pull(struct world *world, enum proxy_port port);
void world_host_comes(struct world *world, uint32_t baud);
void world_host_leaves(struct world *world);
/* What the host has to say sets out, all of it that fits. */
void world_host_says(struct world *world);
