/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters, as records for mboxctl and as a text file for Prometheus */
#ifndef BRIDGE_METRICS_H
#define BRIDGE_METRICS_H

#include <stdio.h>
#include "bridge.h"

void metrics_print_bridge(FILE *file, const struct bridge *bridge);
void metrics_print_route(FILE *file, const struct route *route);

/* Write the text file, if it is time to. */
void metrics_tick(struct bridge *bridge, uint64_t now);

#endif /* BRIDGE_METRICS_H */
