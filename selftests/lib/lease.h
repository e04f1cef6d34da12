/* SPDX-License-Identifier: GPL-2.0-only */
/* Leases and calls, by ioctl. */
#ifndef LIB_LEASE_H
#define LIB_LEASE_H

#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "child_call.h"
#include "info.h"

/* A message that was leased. */
struct leased {
	int error;		/* 0 or -errno */
	uint64_t ack;		/* in: to be acknowledged; out: as the kernel left it */
	char text[256];
	struct mbox_header header;
	struct mbox_delivery delivery;
};

/* Lease a message as @arg says; its buffer is filled in here. */
static inline struct leased lease_arg(int fd, struct mbox_ioc_lease arg)
{
	struct leased leased = {};

	arg.recv.data = address_of(leased.text);
	arg.recv.size = sizeof(leased.text) - 1;
	leased.error = xioctl(fd, MBOX_IOC_LEASE, &arg);
	leased.ack = arg.ack;
	leased.header = arg.recv.header;
	leased.delivery = arg.delivery;
	return leased;
}

/* Lease a message, if there is one. */
static inline struct leased lease(int fd)
{
	return lease_arg(fd, (struct mbox_ioc_lease) { .recv.flags = MBOX_RECV_NONBLOCK });
}

/* Lease a message for @ns. */
static inline struct leased lease_for(int fd, uint64_t ns)
{
	return lease_arg(fd, (struct mbox_ioc_lease) { .recv.flags = MBOX_RECV_NONBLOCK,
						       .clock = MBOX_CLOCK_MONOTONIC,
						       .time = ns });
}

/* Acknowledge one token: 0 or -errno. */
static inline int ack(int fd, uint64_t token)
{
	struct mbox_ack_entry entry = { .token = token, .result = 1 };
	struct mbox_ioc_ack arg = { .count = 1, .entries = address_of(&entry) };
	int ret = xioctl(fd, MBOX_IOC_ACK, &arg);

	if (ret < 0)
		return ret;
	return ret == !entry.result ? entry.result : -EPROTO;
}

static inline int nack(int fd, uint64_t token, uint32_t how, uint64_t delay, uint32_t code)
{
	struct mbox_ioc_nack arg = { .how = how, .token = token, .delay = delay, .code = code };

	return xioctl(fd, MBOX_IOC_NACK, &arg);
}

static inline int extend(int fd, uint64_t token, uint64_t ns)
{
	struct mbox_ioc_extend arg = {
		.token = token, .time = ns,
		.clock = ns ? MBOX_CLOCK_MONOTONIC : MBOX_CLOCK_NONE,
	};

	return xioctl(fd, MBOX_IOC_EXTEND, &arg);
}

/* Send a text with the options of @arg. */
static inline int post(int fd, struct mbox_ioc_post arg, const char *text)
{
	arg.send.data = address_of(text);
	arg.send.size = strlen(text);
	return xioctl(fd, MBOX_IOC_POST, &arg);
}

static inline int kick(int fd, uint64_t most)
{
	struct mbox_ioc_kick arg = { .most = most };
	int ret = xioctl(fd, MBOX_IOC_KICK, &arg);

	return ret < 0 ? ret : (int)arg.kicked;
}

static inline int reply(int fd, uint64_t token, const char *text)
{
	struct mbox_ioc_reply arg = {
		.token = token, .data = address_of(text), .size = strlen(text),
	};

	return xioctl(fd, MBOX_IOC_REPLY, &arg);
}

/* Whether the counters agree, and so many are leased, delayed and parked. */
static inline bool counts(int fd, unsigned int leased, unsigned int delayed, unsigned int parked)
{
	struct mbox_info info = info_of(fd);

	return info.sent == info.received + info.withdrawn + info.dropped + info.queued &&
	       info.leased == leased && info.delayed == delayed && info.parked == parked;
}

/* Wait for any of @events: return those that came in ten seconds. */
static inline short poll_wait(int fd, short events)
{
	struct pollfd pollfd = { .fd = fd, .events = events };

	return poll(&pollfd, 1, 10000) < 0 ? -errno : pollfd.revents & events;
}

#endif /* LIB_LEASE_H */
