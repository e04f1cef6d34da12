/* SPDX-License-Identifier: GPL-2.0-only */
/* Calls in children. */
#ifndef LIB_CHILD_CALL_H
#define LIB_CHILD_CALL_H

#include "child.h"

/*
 * A call in a child. Arguments and results are shared: set the fields, start it, wait until it is
 * blocked, run the test, end it.
 */
enum call_kind { CALL_SEND, CALL_RECV, CALL_WRITE, CALL_READ, CALL_POLL };

#define CALL_ROOM	16384

struct call {
	int fd;
	enum call_kind kind;
	struct mbox_ioc_send send;
	struct mbox_ioc_recv recv;
	size_t size;			/* for read() and write() */
	short events;			/* for poll(); then its result */
	void (*prepare)(struct call *call); /* in the child, before */
	int64_t began, ended;		/* CLOCK_MONOTONIC */
	long ret;			/* result, or a negated errno */
	int ready, done;
	int signals;			/* for handlers to count in */
	pid_t pid;
	uint8_t data[CALL_ROOM];
};

struct call *call_new(int fd, enum call_kind kind);
long call_make(struct call *call);
void call_start(struct call *call);
long call_end(struct call *call);
struct call *send_start_flags(int fd, uint32_t flags, uint32_t prio, const char *text);

static inline struct call *send_start(int fd, uint32_t prio, const char *text)
{
	return send_start_flags(fd, 0, prio, text);
}

struct call *recv_start(int fd);
const char *recv_end(struct call *call);

#endif
