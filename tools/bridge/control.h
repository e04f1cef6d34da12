/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The socket of mboxctl bridge
 *
 * A client sends a line and gets lines until the end of file:
 *
 *   stat            the bridge, and each route
 *   pause ROUTE     stop a route; resume ROUTE lets it go on
 *   reload          read the configuration again
 *
 * An answer is records of lines KEY=NUMBER or KEY:TEXT, with an empty line after each. The first key
 * is bridge, route, done or error.
 */
#ifndef BRIDGE_CONTROL_H
#define BRIDGE_CONTROL_H

#include "bridge.h"

void control_open(struct bridge *bridge);
void control_close(struct bridge *bridge);

#endif /* BRIDGE_CONTROL_H */
