/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmbox-monitor: see and steer the mailboxes of a machine, from C
 *
 * A cover over the generic netlink family "mbox": what mailboxes there are, who
 * has them open, who is blocked on them, which links there are, and what
 * happens to them. Programs that send and receive do not need it; it is a
 * library of its own, since it alone uses libnl.
 *
 * WHAT IS SEEN
 *
 * The mailboxes of the network namespace that the monitor was opened in, which
 * who opened it may open without rights: his own, those whose mode gives him a
 * right, and with CAP_IPC_OWNER all. What is not seen is taken for not there.
 *
 * RECORDS
 *
 * What the kernel tells comes as records. They belong to the monitor: one that
 * a callback gets is there until the callback returns, any other until the next
 * call on the monitor. Later versions of the library append fields; nobody but
 * the library makes records. Each begins with @known, which has the bit
 * MBOX_KNOWN(MBOX_A_...) for each attribute of <linux/mbox_netlink.h> that the
 * kernel told: fields of the others are 0, or empty. Times are in nanoseconds,
 * sizes in bytes, process ids those of the caller's pid namespace, 0 for a
 * process that is not there.
 *
 * RESULTS
 *
 * A function that can fail returns a negated errno value when it does, as it
 * came from the kernel, and has changed nothing then; errno itself is left as it
 * was. mbox_monitor_message() says more. The entries list what is particular to
 * them; beyond that
 *
 * -EINVAL	a monitor that is NULL, a name that names do not look like, or both
 *		a name and an id
 * -EFAULT	any other pointer that is NULL and may not be
 * -ENOMEM	no memory
 * -ENOENT	no such mailbox, or none that is seen
 * -EBUSY	a call from a callback, on the monitor that called it back
 * -EPROTO	what the kernel answered makes no sense
 * -ERANGE	a value that is none of those that the kernel takes
 *
 * Where a function takes @name and @id, a mailbox is named by the name, or if
 * that is NULL by the id, which is never 0; ids reach also what has no name.
 *
 * THREADS
 *
 * A monitor serves one thread at a time; any number of monitors may be used
 * beside each other. The library has no global state, starts no threads and
 * changes no signal handling. No function may be called from signal handlers.
 */
#ifndef _MBOX_MONITOR_H
#define _MBOX_MONITOR_H

#include <stdint.h>
#include <sys/types.h>

#include <linux/mbox_netlink.h>

#include "mbox.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct mbox_monitor - a connection to the kernel
 *
 * From mbox_monitor_open() to mbox_monitor_close(). Closed on exec.
 */
struct mbox_monitor;

/* The bit of attribute @attr, MBOX_A_..., in the field known of a record. */
#define MBOX_KNOWN(attr)	(UINT64_C(1) << (attr))

/**
 * struct mbox_monitor_mailbox - a mailbox, at one instant
 * @known:	MBOX_KNOWN(MBOX_A_MAILBOX_*)
 * @id:		number that no other mailbox has until the module is unloaded
 * @state:	MBOX_STATE_*
 * @kind:	MBOX_KIND_MAILBOX or MBOX_KIND_RING
 * @uid:	owner in the caller's user namespace, or the overflow uid
 * @gid:	group, likewise
 * @mode:	permission bits
 * @lifetime:	MBOX_LIFETIME_*
 * @owner:	the process that owns it; known if one does
 * @heir:	the process that will when that one ends; known if there is one
 * @policy:	MBOX_POLICY_*
 * @options:	MBOX_OPTION_*
 * @max_procs:	processes that may take part, 0 for any number
 * @procs:	processes that take part, where that is limited, else 0
 * @created:	when it was created, nanoseconds of CLOCK_REALTIME
 * @bytes:	most bytes of payload queued, 0 for no such limit
 * @capacity:	messages, or MBOX_CAPACITY_UNBOUNDED
 * @msg_size:	longest message in bytes
 * @handles:	open handles
 * @senders:	sends blocked now
 * @receivers:	receives blocked now
 * @reserved:	0
 * @queued:	messages accepted and neither received nor dropped
 * @queued_bytes: bytes of payload in these
 * @peak:	the most that @queued has ever been
 * @peak_bytes:	the most that @queued_bytes has ever been
 * @sent:	messages accepted since creation
 * @sent_bytes:	bytes of payload in these
 * @received:	messages received since creation
 * @withdrawn:	accepted messages that their synchronous sender took back
 * @dropped:	accepted messages that are gone and were neither
 * @purged:	of these, those that a purge dropped
 * @lost:	deliveries of a broadcast that were lost
 * @refused:	messages that the quota of their sender refused
 * @blocked:	calls that had to wait
 * @woken:	of these, those that got what they waited for, or were told that the
 *		mailbox ended
 * @ring_known:	of a ring, MBOX_KNOWN(MBOX_A_RING_*)
 * @ring:	bytes of a ring, else 0
 * @ring_producer: of a ring, the process that has this side; known, in
 *		@ring_known, if one has
 * @ring_consumer: likewise
 * @name:	the name with NULs to the end; empty if it is anonymous
 * @creator:	real user id of its creator, whose quota it is charged to, as @uid;
 *		unlike that it never changes
 * @reserved2:	0
 */
struct mbox_monitor_mailbox {
	uint64_t known;
	uint64_t id;
	uint32_t state;
	uint32_t kind;
	uint32_t uid;
	uint32_t gid;
	uint32_t mode;
	uint32_t lifetime;
	uint32_t owner;
	uint32_t heir;
	uint32_t policy;
	uint32_t options;
	uint32_t max_procs;
	uint32_t procs;
	uint64_t created;
	uint64_t bytes;
	uint32_t capacity;
	uint32_t msg_size;
	uint32_t handles;
	uint32_t senders;
	uint32_t receivers;
	uint32_t reserved;
	uint64_t queued;
	uint64_t queued_bytes;
	uint64_t peak;
	uint64_t peak_bytes;
	uint64_t sent;
	uint64_t sent_bytes;
	uint64_t received;
	uint64_t withdrawn;
	uint64_t dropped;
	uint64_t purged;
	uint64_t lost;
	uint64_t refused;
	uint64_t blocked;
	uint64_t woken;
	uint64_t ring_known;
	uint64_t ring;
	uint32_t ring_producer;
	uint32_t ring_consumer;
	char name[MBOX_NAME_SIZE];
	uint32_t creator;
	uint32_t reserved2;
};

/**
 * struct mbox_monitor_handle - an open handle
 * @known:	MBOX_KNOWN(MBOX_A_HANDLE_*)
 * @id:		number of the handle in its mailbox
 * @mailbox:	id of the mailbox
 * @pid:	the process that opened it; others may have got it since
 * @rights:	MBOX_RIGHT_*
 * @received:	messages received through it
 * @queued:	of a broadcast, deliveries that it has not received yet
 * @lost:	of a broadcast, deliveries that it lost to an overflow
 * @name:	name of the mailbox; empty if it is anonymous
 */
struct mbox_monitor_handle {
	uint64_t known;
	uint64_t id;
	uint64_t mailbox;
	uint32_t pid;
	uint32_t rights;
	uint64_t received;
	uint64_t queued;
	uint64_t lost;
	char name[MBOX_NAME_SIZE];
};

/**
 * struct mbox_monitor_waiter - a call that is blocked
 * @known:	MBOX_KNOWN(MBOX_A_WAITER_*)
 * @id:		number of the wait in its mailbox, in the order in which they began
 * @mailbox:	id of the mailbox, or inbox
 * @pid:	the process that is blocked
 * @tid:	the thread that is
 * @call:	MBOX_CALL_*
 * @peer:	the process at the other end; known on a link
 * @waited:	nanoseconds since it began
 * @inbox:	the process whose inbox it is; known on a link or inbox
 * @prio:	priority of the message that is sent, or least one received
 * @size:	bytes of the message that is sent, or of room for the one received
 * @type:	type of the message that is sent, or the only one that is received;
 *		known unless any is received
 * @sender:	the only process that is received from, as the call named it; known
 *		if there is one
 * @name:	name of the mailbox; empty if it is anonymous
 */
struct mbox_monitor_waiter {
	uint64_t known;
	uint64_t id;
	uint64_t mailbox;
	uint32_t pid;
	uint32_t tid;
	uint32_t call;
	uint32_t peer;
	uint64_t waited;
	uint32_t inbox;
	uint32_t prio;
	uint64_t size;
	uint32_t type;
	uint32_t sender;
	char name[MBOX_NAME_SIZE];
};

/**
 * struct mbox_monitor_link - a link between two processes
 * @known:	MBOX_KNOWN(MBOX_A_LINK_*)
 * @one:	the process that asked for it first
 * @other:	the other
 * @capacity:	messages in each direction, or MBOX_CAPACITY_UNBOUNDED
 * @msg_size:	longest message in bytes
 * @handles:	open handles of both
 * @reserved:	0
 * @queued:	messages on the way from @one to @other
 * @queued_back: messages on the way back
 */
struct mbox_monitor_link {
	uint64_t known;
	uint32_t one;
	uint32_t other;
	uint32_t capacity;
	uint32_t msg_size;
	uint32_t handles;
	uint32_t reserved;
	uint64_t queued;
	uint64_t queued_back;
};

/**
 * struct mbox_monitor_event - something that happened
 * @known:	MBOX_KNOWN(MBOX_A_NOTICE_*)
 * @time:	when, nanoseconds of CLOCK_REALTIME
 * @id:		id of the mailbox; known where the event is about one
 * @event:	MBOX_EVENT_*
 * @state:	MBOX_STATE_* of the mailbox now
 * @uid:	its owner, or whose quota refused it, in the user namespace of the
 *		network namespace
 * @reserved:	0
 * @queued:	messages queued now
 * @dropped:	messages or deliveries that were dropped
 * @count:	how often it happened since the last event of this kind and mailbox;
 *		of MBOX_EVENT_OVERRUN, how many events were left out; 1 if the kernel
 *		says nothing
 * @name:	name of the mailbox; empty if it is anonymous
 */
struct mbox_monitor_event {
	uint64_t known;
	uint64_t time;
	uint64_t id;
	uint32_t event;
	uint32_t state;
	uint32_t uid;
	uint32_t reserved;
	uint64_t queued;
	uint64_t dropped;
	uint64_t count;
	char name[MBOX_NAME_SIZE];
};

/**
 * mbox_monitor_open() - connect to the kernel
 * @monp:	out, the monitor, to be closed by the caller
 *
 * Return: 0, -ENODEV if there is no family "mbox": the kernel module is not
 * loaded, or older than this. -EMFILE, -ENFILE, -EPROTONOSUPPORT if the kernel
 * has no generic netlink.
 */
int mbox_monitor_open(struct mbox_monitor **monp);

/**
 * mbox_monitor_close() - close a monitor
 * @mon:	the monitor, invalid from here on; NULL does nothing
 */
void mbox_monitor_close(struct mbox_monitor *mon);

/**
 * mbox_monitor_message() - the last failure in words
 * @mon:	the monitor
 *
 * What the kernel said about it, with the attribute that it did not take; or else
 * the words of mbox_strerror(), or what the library knows better.
 *
 * Return: text without a full stop, until the next call on @mon that fails. Empty
 * if none has failed, or @mon is NULL.
 */
const char *mbox_monitor_message(const struct mbox_monitor *mon);

/**
 * mbox_monitor_get() - one mailbox
 * @mon:	the monitor
 * @name:	its name, or NULL
 * @id:		its id, if @name is NULL, else 0
 * @boxp:	out, the record
 *
 * Return: 0, -ENOENT.
 */
int mbox_monitor_get(struct mbox_monitor *mon, const char *name, uint64_t id,
		     const struct mbox_monitor_mailbox **boxp);

/*
 * DUMPS
 *
 * The functions below call @fn with @arg for each record, while they come: the
 * memory they take does not depend on how many there are. @fn returns 0 to go
 * on; anything else ends the dump and is its result. @fn must not use the monitor.
 *
 * Return: 0, 1 if something changed during the dump so that it may lack what was
 * there all the time, or have a record twice (callers that need better do it
 * again), or what @fn returned, which should be negative to be told from that.
 */

/**
 * mbox_monitor_each_mailbox() - all mailboxes, in the order of their ids
 */
int mbox_monitor_each_mailbox(struct mbox_monitor *mon,
			      int (*fn)(const struct mbox_monitor_mailbox *box,
					void *arg), void *arg);

/**
 * mbox_monitor_each_handle() - handles of one mailbox, or of all
 * @name:	its name, or NULL
 * @id:		its id, or 0 for all if @name is NULL
 */
int mbox_monitor_each_handle(struct mbox_monitor *mon, const char *name,
			     uint64_t id,
			     int (*fn)(const struct mbox_monitor_handle *handle,
				       void *arg), void *arg);

/**
 * mbox_monitor_each_waiter() - calls that are blocked on one mailbox, or on any
 * @name:	its name, or NULL
 * @id:		its id, or 0 for all, and for links and inboxes, if @name is NULL
 */
int mbox_monitor_each_waiter(struct mbox_monitor *mon, const char *name,
			     uint64_t id,
			     int (*fn)(const struct mbox_monitor_waiter *waiter,
				       void *arg), void *arg);

/**
 * mbox_monitor_each_link() - links of one process, or all
 * @pid:	the process, or 0
 *
 * Seen are those of the caller's processes; with CAP_IPC_OWNER all.
 */
int mbox_monitor_each_link(struct mbox_monitor *mon, pid_t pid,
			   int (*fn)(const struct mbox_monitor_link *link,
				     void *arg), void *arg);

/**
 * mbox_monitor_set() - change attributes of a mailbox
 * @mon:	the monitor
 * @name:	its name, or NULL
 * @id:		its id, if @name is NULL, else 0
 * @set:	what to change, named by its mask; the rest of it zero
 *
 * All of @set takes effect at once, or none of it.
 *
 * Return: 0, -EPERM if the mailbox is not the caller's, -EOPNOTSUPP for limits of
 * a ring.
 */
int mbox_monitor_set(struct mbox_monitor *mon, const char *name, uint64_t id,
		     const struct mbox_ioc_set *set);

/**
 * mbox_monitor_delete() - delete a mailbox
 * @mon:	the monitor
 * @name:	its name, or NULL
 * @id:		its id, if @name is NULL, else 0
 * @how:	MBOX_DELETE_*, as for mbox_delete()
 * @res:	out, left as it was if the call fails; may be NULL
 *
 * Return: 0, -EPERM if the mailbox is not the caller's, -ENOTEMPTY if messages
 * would be lost, -EOPNOTSUPP for MBOX_DELETE_DRAIN of a ring that is not empty.
 */
int mbox_monitor_delete(struct mbox_monitor *mon, const char *name, uint64_t id,
			unsigned int how, struct mbox_deleted *res);

/**
 * mbox_monitor_purge() - drop what is queued in a mailbox
 * @mon:	the monitor
 * @name:	its name, or NULL
 * @id:		its id, if @name is NULL, else 0
 * @purged:	out, how many messages (of a broadcast, deliveries) were dropped;
 *		may be NULL
 *
 * The mailbox stays. A synchronous send whose message is dropped fails with
 * ECANCELED.
 *
 * Return: 0, -EPERM if the mailbox is not the caller's, -EOPNOTSUPP for a ring.
 */
int mbox_monitor_purge(struct mbox_monitor *mon, const char *name, uint64_t id,
		       uint64_t *purged);

/* mbox_monitor_subscribe(), flags */
#define MBOX_MONITOR_PRIVATE	(1U << 0) /* what not everybody sees, on old kernels */

/**
 * mbox_monitor_subscribe() - be told of events from now on
 * @mon:	the monitor
 * @flags:	0 or MBOX_MONITOR_PRIVATE: before Linux 6.6 the kernel cannot tell
 *		listeners apart, and tells of what not everybody sees only to who
 *		asks for this, which takes CAP_NET_ADMIN then; later it makes no
 *		difference
 *
 * A second call changes nothing, but that it adds what its flags ask for.
 *
 * Return: 0, -EPERM for the flag without the capability, -EMFILE, -ENFILE.
 */
int mbox_monitor_subscribe(struct mbox_monitor *mon, unsigned int flags);

/**
 * mbox_monitor_fd() - a file descriptor to wait for events with
 * @mon:	the monitor, which keeps owning the descriptor
 *
 * EPOLLIN: there is an event, or some were lost. It may be waited for, and
 * nothing else.
 *
 * Return: the descriptor, -EINVAL if nothing is subscribed to.
 */
int mbox_monitor_fd(const struct mbox_monitor *mon);

/**
 * mbox_monitor_next() - the next event
 * @mon:	the monitor
 * @timeout_ns:	nanoseconds to wait for it, 0, or MBOX_NO_TIMEOUT
 * @eventp:	out, the record
 *
 * Return: 0, -EAGAIN if there is none and @timeout_ns is 0, -ETIMEDOUT, -EINTR;
 * -ENOBUFS if events came faster than they were taken, and some are lost: those
 * that follow are whole again. -EINVAL if nothing is subscribed to.
 */
int mbox_monitor_next(struct mbox_monitor *mon, int64_t timeout_ns,
		      const struct mbox_monitor_event **eventp);

#ifdef __cplusplus
}
#endif

#endif /* _MBOX_MONITOR_H */
