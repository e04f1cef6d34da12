/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside libmbox-monitor
 *
 * monitor.c		one request for each function of the library
 * monitor_event.c	subscribing to events, and the next event
 * monitor_netlink.c	the monitor; requests, and answers made records
 * monitor_record.c	tables: the field of a record for each attribute
 * monitor_channel.c	sockets: sending, receiving; the only file that sees libnl
 *
 * A monitor has one channel for requests and, once it subscribed, another one for
 * events. So no event comes between the answers to a request or is lost over them.
 *
 * The library owns the records and passes them out as constant: they may grow at
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
	MONITOR_LABEL,	/* bytes, into MBOX_LABEL_SIZE, of which the last is 0 */
	MONITOR_NEST,	/* attributes of their own */
};

struct monitor_field {
	enum monitor_kind kind;
	size_t offset;			/* in the record */
	const struct monitor_field *nest;
	unsigned int nest_count;
};

/* How a message becomes a record: @fields is indexed by attribute. */
struct monitor_shape {
	unsigned int command;		/* of the messages */
	size_t size;
	const struct monitor_field *fields;
	unsigned int count;
};

/* An attribute of a request. */
struct monitor_arg {
	unsigned int attr;
	enum monitor_kind kind;
	const char *key;		/* its name in messages to the user */
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

/* Called for each record; a result other than 0 ends the dump. */
typedef int monitor_fn(void *record, void *arg);

#define MONITOR_RECORD_SIZE	1024

_Static_assert(sizeof(struct mbox_monitor_mailbox) <= MONITOR_RECORD_SIZE, "");
_Static_assert(sizeof(struct mbox_monitor_event) <= MONITOR_RECORD_SIZE, "");
_Static_assert(sizeof(struct mbox_monitor_job) <= MONITOR_RECORD_SIZE, "");

/* The most that the kernel puts into one datagram of a dump. */
#define MONITOR_BUFFER_SIZE	32768

struct nl_sock;
struct nlmsghdr;

struct monitor_channel {
	struct nl_sock *sock;
	unsigned char buffer[MONITOR_BUFFER_SIZE] __attribute__((aligned(8)));
	const struct nlmsghdr *next;	/* in the buffer */
	size_t left;			/* bytes from there on */
};

struct mbox_monitor {
	int family;
	uint32_t seq;
	bool busy;			/* in a callback */
	bool private;			/* subscribed to this group too */
	char message[256];
	struct monitor_channel requests;
	struct monitor_channel *events;	/* or NULL */
	/* valid until the next call: the result of get, or an event */
	uint64_t record[MONITOR_RECORD_SIZE / sizeof(uint64_t)];
};

#pragma GCC visibility push(hidden)

extern const struct monitor_shape monitor_mailbox_shape;
extern const struct monitor_shape monitor_handle_shape;
extern const struct monitor_shape monitor_waiter_shape;
extern const struct monitor_shape monitor_job_shape;
extern const struct monitor_shape monitor_link_shape;
extern const struct monitor_shape monitor_user_shape;
extern const struct monitor_shape monitor_event_shape;
extern const struct monitor_shape monitor_deleted_shape;
extern const struct monitor_shape monitor_purged_shape;

/*
 * Send a request and receive its whole answer. @shape is NULL for an answer
 * without records. Returns 0, -errno, the result of @fn that ended the dump, or 1
 * if the dump may be inconsistent.
 */
int monitor_ask(struct mbox_monitor *mon, const struct monitor_request *request,
		const struct monitor_shape *shape, monitor_fn *fn, void *arg);

/* Store @text, or the text of @error, as the monitor's last failure. Returns @error. */
int monitor_fail(struct mbox_monitor *mon, int error, const char *text);

/* Make a record of a message, if it is of this shape. Returns 1, 0 or -EPROTO. */
int monitor_take_record(const struct mbox_monitor *mon, const struct nlmsghdr *msg,
			const struct monitor_shape *shape, void *record);

/* Connect: 0 or -errno. The caller closes the channel, also after a failure. */
int monitor_channel_connect(struct monitor_channel *channel);
void monitor_channel_close(struct monitor_channel *channel);
int monitor_channel_fd(const struct monitor_channel *channel);

/* Look up the number of the family or of one of its groups: it, or -errno. */
int monitor_channel_family(struct monitor_channel *channel);
int monitor_channel_group(struct monitor_channel *channel, const char *name);
int monitor_channel_join(struct monitor_channel *channel, int group);

int monitor_channel_send(struct monitor_channel *channel, int family, uint32_t seq,
			 const struct monitor_request *request);

/* Fill the buffer with the next datagram from the kernel. Returns 0 or -errno. */
int monitor_channel_receive(struct monitor_channel *channel, int flags);

/* Return the next message in the buffer, or NULL. */
const struct nlmsghdr *monitor_channel_next(struct monitor_channel *channel);

/* Wait for a datagram; a @deadline of INT64_MAX never passes. Returns 0 or -errno. */
int monitor_channel_wait(struct monitor_channel *channel, int64_t deadline);

#pragma GCC visibility pop

#endif /* LIBMBOX_MONITOR_INTERNAL_H */
