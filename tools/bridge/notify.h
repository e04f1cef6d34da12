/* SPDX-License-Identifier: GPL-2.0-only */
/* Tell systemd how we are, see sd_notify(3) */
#ifndef BRIDGE_NOTIFY_H
#define BRIDGE_NOTIFY_H

/* Send @text, one assignment per line. Does nothing if systemd did not start us. */
void notify_send(const char *text);
/* Milliseconds between the signs of life that systemd wants, or 0. */
unsigned int notify_watchdog(void);

#endif /* BRIDGE_NOTIFY_H */
