/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside libmbox-monitor
 *
 * monitor.c		what each function asks for, and what it makes of the answer
 * monitor_record.c	which attribute goes into which field of a record
 * monitor_netlink.c	requests and answers; the only file that sees libnl
 *
 * A monitor has one socket for requests, and, once events are subscribed to,
 * another for these: so events neither come between the answers to a request nor
 * get lost over them.
 *
 * Records are the library's own memory, handed out as constant: they may grow at
 * the end without a new version of any function.
 */
#ifndef LIBMBOX_MONITOR_INTERNAL_H
#define LIBMBOX_MONITOR_INTERNAL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "mbox_monitor.h"

/* How an attribute is stored. */
enum monitor_kind {
	MONITOR_NONE,	/* not at all */
	MONITOR_U32,
	MONITOR_U64,
	MONITOR_NAME,	/* a string, into MBOX_NAME_SIZE bytes */
	MONITOR_NEST,	/* attributes of their own */
};

struct monitor_field {
	enum monitor_kind kind;
	size_t offset;			/* in the record */
	const struct monitor_field *nest;
	unsigned int nest_count;
};

/* What is made of the attributes of a message: fields are indexed by attribute. */
struct monitor_shape {
	unsigned int command;		/* of messages that have it */
	size_t size;
	const struct monitor_field *fields;
	unsigned int count;
};

/* An attribute of a request. */
struct monitor_arg {
	unsigned int attr;
	enum monitor_kind kind;
	const char *key;		/* what messages call it */
	uint64_t num;
	const char *string;
};

#define MONITOR_ARGS_MAX	8

struct monitor_request {
	unsigned int command;
	bool dump;
	unsigned int count;
	struct monitor_arg args[MONITOR_ARGS_MAX];
};

/* Called for each record; what is not 0 ends the dump. */
typedef int monitor_fn(void *record, void *arg);

#pragma GCC visibility push(hidden)

extern const struct monitor_shape monitor_mailbox_shape;
extern const struct monitor_shape monitor_handle_shape;
extern const struct monitor_shape monitor_waiter_shape;
extern const struct monitor_shape monitor_link_shape;
extern const struct monitor_shape monitor_event_shape;
extern const struct monitor_shape monitor_deleted_shape;
extern const struct monitor_shape monitor_purged_shape;

/*
 * Send a request and see its answer through. @shape is NULL where no record is
 * to come. Returns 0, -errno, what @fn returned, or 1 for a dump that changed.
 */
int monitor_ask(struct mbox_monitor *mon, const struct monitor_request *request,
		const struct monitor_shape *shape, monitor_fn *fn, void *arg);

/* Leaves @error, and its words, as the monitor's last failure; returns it. */
int monitor_fail(struct mbox_monitor *mon, int error, const char *text);

/* Where what is not a callback's may be kept until the next call. */
void *monitor_record(struct mbox_monitor *mon);
#define MONITOR_RECORD_SIZE	512

_Static_assert(sizeof(struct mbox_monitor_mailbox) <= MONITOR_RECORD_SIZE, "");
_Static_assert(sizeof(struct mbox_monitor_event) <= MONITOR_RECORD_SIZE, "");

#pragma GCC visibility pop

#endif /* LIBMBOX_MONITOR_INTERNAL_H */
