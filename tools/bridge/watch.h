/* SPDX-License-Identifier: GPL-2.0-only */
/* A function for the loop to call when a descriptor is ready: data.ptr of struct epoll_event */
#ifndef BRIDGE_WATCH_H
#define BRIDGE_WATCH_H

#include <stdint.h>

struct watch {
	void (*ready)(struct watch *watch, uint32_t events);
};

#define watch_owner(watch, type, member) \
	((type *)((char *)(watch) - offsetof(type, member)))

#endif /* BRIDGE_WATCH_H */
