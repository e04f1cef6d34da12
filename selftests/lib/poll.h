/* SPDX-License-Identifier: GPL-2.0-only */
/* poll() and epoll: their answers, compared with the calls. */
#ifndef LIB_POLL_H
#define LIB_POLL_H

#include <stdbool.h>
#include <stdint.h>

#define POLL_SIZE	100	/* the largest message of the mailboxes that are compared */

int send_largest(int fd);
int recv_any(int fd);
int poll_compare(int fd, bool sends, int *result);
int watch(int fd, uint32_t events);
int next_event(int epoll, int timeout);

#endif
