/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmbox-monitor: watch and manage the mailboxes of a machine, from C
 *
 * A cover over the generic netlink family "mbox": mailboxes, their handles, blocked
 * calls, leases, links and events. Programs that send and receive do not need it; it is a
 * separate library, since it alone uses libnl.
 *
 * VISIBILITY
 *
 * A monitor sees the mailboxes of its network namespace that its opener may open
 * without rights: its own, those whose mode gives it a right, and with CAP_IPC_OWNER
 * all. For the functions, an invisible mailbox does not exist.
 *
 * RECORDS
 *
 * The library returns records, which belong to the monitor: a record in a callback is
 * valid until the callback returns, any other until the next call on the monitor.
 * Later versions of the library append fields; only the library makes records. Each
 * begins with @known, which has the bit MBOX_KNOWN(MBOX_A_...) for each attribute of
 * <linux/mbox_netlink.h> that the kernel sent: other fields are 0, or empty. Times are
 * in nanoseconds, sizes in bytes, process ids those of the caller's pid namespace, 0
 * for a process that is not there.
 *
 * RESULTS
 *
 * A function that fails returns a negated errno value, as it came from the kernel,
 * and changes nothing; errno itself does not change. mbox_monitor_message() says more.
 * Each entry lists its particular errors; in addition
 *
 * -EINVAL	the monitor is NULL, the name is invalid, or both a name and an id are
 *		given
 * -EFAULT	any other pointer is NULL and may not be
 * -ENOMEM	no memory
 * -ENOENT	no such mailbox, or an invisible one
 * -EBUSY	a call from a callback, on the same monitor
 * -EPROTO	the kernel's answer is invalid
 * -ERANGE	the kernel does not take that value
 *
 * If a function takes @name and @id, the name names the mailbox or, if it is NULL, the
 * id, which is never 0; an id also names an anonymous mailbox.
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
 * @id:		unique number, never reused until the module is unloaded
 * @state:	MBOX_STATE_*
 * @kind:	MBOX_KIND_MAILBOX, MBOX_KIND_RING or MBOX_KIND_INBOX
 * @uid:	owner in the caller's user namespace, or the overflow uid
 * @gid:	group, likewise
 * @mode:	permission bits
 * @lifetime:	MBOX_LIFETIME_*
 * @owner:	the process that owns it; known if there is one
 * @heir:	the process that will own it next; known if there is one
 * @policy:	MBOX_POLICY_*
 * @options:	MBOX_OPTION_*
 * @max_procs:	processes that may take part, 0 for any number
 * @procs:	processes that take part, if @max_procs limits them, else 0
 * @created:	time of creation, nanoseconds of CLOCK_REALTIME
 * @bytes:	most bytes of payload queued, 0 for no such limit
 * @capacity:	messages, or MBOX_CAPACITY_UNBOUNDED
 * @msg_size:	longest message in bytes
 * @handles:	open handles
 * @senders:	sends blocked now
 * @receivers:	receives blocked now
 * @reserved:	0
 * @queued:	messages accepted and neither received nor dropped
 * @queued_bytes: bytes of payload in the queued messages
 * @peak:	highest value of @queued so far
 * @peak_bytes:	highest value of @queued_bytes so far
 * @sent:	messages accepted since creation
 * @sent_bytes:	bytes of payload in the accepted messages; of a ring, bytes that its
 *		sender wrote, with the headers of records
 * @received:	messages received since creation
 * @withdrawn:	accepted messages that their synchronous sender took back
 * @dropped:	accepted messages that are gone, neither received nor withdrawn
 * @purged:	dropped messages that a purge dropped
 * @lost:	deliveries of a broadcast that were lost
 * @refused:	messages that the quota of their sender refused
 * @blocked:	calls that had to wait
 * @woken:	blocked calls that ended with success or with the end of the mailbox
 * @ring_known:	of a ring, MBOX_KNOWN(MBOX_A_RING_*)
 * @ring:	bytes of a ring, else 0
 * @ring_producer: of a ring, the process that holds this side; known, in
 *		@ring_known, if there is one
 * @ring_consumer: likewise
 * @ring_charged: bytes of a ring that its creator is charged for
 * @name:	the name with NULs to the end; empty if it is anonymous
 * @creator:	real user id of its creator, as @uid; its quota is charged. It never
 *		changes.
 * @reserved2:	0
 * @spin_hits:	receives that polled before they would have slept, and whose wait ended
 *		meanwhile
 * @spin_misses: receives that polled in vain, then slept, and whose wait has ended
 * @leased:	of the queued messages those that are leased,
 * @delayed:	those that nobody receives before a time to come,
 * @parked:	and those that are parked
 * @max_deliveries: times that a message is given out under a lease before it is parked,
 *		0 for any number
 * @redelivered: leases that ended and were not acknowledged
 * @dead:	dropped messages that went to the dead-letter mailbox
 * @dead_letter: id of the dead-letter mailbox; known if there is one
 * @mark:	mark of the last message that was accepted with one, or 0
 * @space:	MBOX_SPACE_*
 * @reserved3:	0
 * @label:	the label in that space, with NULs to the end; empty if it has none
 * @last_sender: process that sent the last message that was accepted, also if it has
 *		ended; known, as all that follow, with MBOX_OPTION_TRACK
 * @last_receiver: process that was the last to receive a message, or to acknowledge one
 * @last_sent:	when the last message was accepted; 0: never
 * @last_received: when the last message was received; 0: never
 * @changed:	when an attribute or the owner was last changed, or it was created
 * @cuid:	effective user and group id of its creator, in the caller's user namespace
 * @cgid:	likewise
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
	uint64_t ring_charged;
	char name[MBOX_NAME_SIZE];
	uint32_t creator;
	uint32_t reserved2;
	uint64_t spin_hits;
	uint64_t spin_misses;
	uint32_t leased;
	uint32_t delayed;
	uint32_t parked;
	uint32_t max_deliveries;
	uint64_t redelivered;
	uint64_t dead;
	uint64_t dead_letter;
	uint64_t mark;
	uint32_t space;
	uint32_t reserved3;
	char label[MBOX_LABEL_SIZE];
	uint32_t last_sender;
	uint32_t last_receiver;
	uint64_t last_sent;
	uint64_t last_received;
	uint64_t changed;
	uint32_t cuid;
	uint32_t cgid;
};

/**
 * struct mbox_monitor_handle - an open handle
 * @known:	MBOX_KNOWN(MBOX_A_HANDLE_*)
 * @id:		number of the handle in its mailbox
 * @mailbox:	id of the mailbox
 * @pid:	the process that opened it; it may have passed the handle on since
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
 * struct mbox_monitor_waiter - a blocked call
 * @known:	MBOX_KNOWN(MBOX_A_WAITER_*)
 * @id:		number of the wait in its mailbox, in the order of their beginning
 * @mailbox:	id of the mailbox, or inbox
 * @pid:	the process that is blocked
 * @tid:	the thread that is blocked
 * @call:	MBOX_CALL_*
 * @peer:	the process at the other end; known on a link
 * @waited:	nanoseconds since the wait began
 * @inbox:	the process whose inbox it is; known on a link or inbox
 * @prio:	priority of the message, or the least priority that is received
 * @size:	size of the message, or of the buffer of a receive, in bytes
 * @type:	type of the message, or the only type that is received; known if there is one
 * @not_type:	the only type that is not received; known if there is one
 * @max_type:	the highest type that is received, of which the lowest comes first; known if
 *		there is one
 * @sender:	the only process that is received from, as the caller named it; known
 *		if there is one
 * @reserved:	0
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
	uint64_t type;
	uint64_t not_type;
	uint64_t max_type;
	uint32_t sender;
	uint32_t reserved;
	char name[MBOX_NAME_SIZE];
};

/**
 * struct mbox_monitor_job - a message that is leased, delayed or parked
 * @known:	MBOX_KNOWN(MBOX_A_JOB_*)
 * @id:		number of the message in its mailbox, as seq of its header
 * @mailbox:	id of the mailbox, or inbox
 * @hidden:	MBOX_HIDDEN_*
 * @deliveries:	times that it was given out under a lease
 * @token:	token of its last lease; known unless it had none. It is valid as long as
 *		the message is leased.
 * @size:	size of the message in bytes
 * @prio:	its priority
 * @type:	its type
 * @holder:	the process that holds the lease; known unless the open file does
 * @caller:	the process that waits for a reply; known of the request of a call
 * @handle:	number of the handle through which the lease is held, as
 *		struct mbox_monitor_handle has it; known if there is one
 * @held:	nanoseconds since the lease began; known of a leased message
 * @left:	nanoseconds until the lease or the delay ends; known if it has an end
 * @reason:	MBOX_REASON_* of a parked message; known of one
 * @code:	code of its rejection; known if it was rejected
 * @inbox:	the process whose inbox it is; known on a link or inbox
 * @name:	name of the mailbox; empty if it is anonymous
 */
struct mbox_monitor_job {
	uint64_t known;
	uint64_t id;
	uint64_t mailbox;
	uint32_t hidden;
	uint32_t deliveries;
	uint64_t token;
	uint64_t size;
	uint64_t type;
	uint32_t prio;
	uint32_t holder;
	uint32_t caller;
	uint32_t inbox;
	uint64_t handle;
	uint64_t held;
	uint64_t left;
	uint32_t reason;
	uint32_t code;
	char name[MBOX_NAME_SIZE];
};

/**
 * struct mbox_monitor_link - a link between two processes
 * @known:	MBOX_KNOWN(MBOX_A_LINK_*)
 * @one:	the process that asked for the link first
 * @other:	the other process
 * @capacity:	messages in each direction, or MBOX_CAPACITY_UNBOUNDED
 * @msg_size:	longest message in bytes
 * @handles:	open handles of both processes
 * @reserved:	0
 * @queued:	messages queued from @one to @other
 * @queued_back: messages queued in the other direction
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
 * struct mbox_monitor_user - the quotas of a user
 * @known:	MBOX_KNOWN(MBOX_A_USER_*)
 * @uid:	the user in the caller's user namespace
 * @mailboxes:	mailboxes that the user created and that exist
 * @max_mailboxes: the most that the user may have
 * @reserved:	0
 * @bytes:	bytes charged to the user: queued messages of the user, and rings that
 *		the user created
 * @max_bytes:	the most that the user may be charged
 */
struct mbox_monitor_user {
	uint64_t known;
	uint32_t uid;
	uint32_t mailboxes;
	uint32_t max_mailboxes;
	uint32_t reserved;
	uint64_t bytes;
	uint64_t max_bytes;
};

/**
 * struct mbox_monitor_event - an event
 * @known:	MBOX_KNOWN(MBOX_A_NOTICE_*)
 * @time:	time of the event, nanoseconds of CLOCK_REALTIME
 * @id:		id of the mailbox; known if the event is about one
 * @event:	MBOX_EVENT_*
 * @state:	MBOX_STATE_* of the mailbox now
 * @uid:	its owner, or the user whose quota refused it, in the user namespace
 *		of the network namespace
 * @reserved:	0
 * @queued:	messages queued now
 * @dropped:	messages or deliveries that were dropped
 * @count:	number of such events since the last report of this kind and mailbox;
 *		of MBOX_EVENT_OVERRUN, number of suppressed events; 1 if the kernel
 *		sent none
 * @name:	name of the mailbox; empty if it is anonymous
 * @token:	of MBOX_EVENT_LEASE_ENDING, token of the first of @count leases
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
	uint64_t token;
};

/**
 * mbox_monitor_open() - connect to the kernel
 * @monp:	out, the monitor; the caller closes it
 *
 * Return: 0, -ENODEV if there is no family "mbox": the kernel module is not
 * loaded. -EMFILE, -ENFILE, -EPROTONOSUPPORT if the kernel
 * has no generic netlink.
 */
int mbox_monitor_open(struct mbox_monitor **monp);

/**
 * mbox_monitor_close() - close a monitor
 * @mon:	the monitor, invalid from here on; NULL does nothing
 */
void mbox_monitor_close(struct mbox_monitor *mon);

/**
 * mbox_monitor_message() - the text of the last failure
 * @mon:	the monitor
 *
 * The kernel's text, with the attribute that it refused; else the text of the library
 * or of mbox_strerror().
 *
 * Return: text without a full stop, valid until the next call on @mon that fails.
 * Empty if no call has failed, or @mon is NULL.
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

/**
 * mbox_monitor_user() - the quotas of a user
 * @mon:	the monitor
 * @uid:	the user in the caller's user namespace, or (uid_t)-1 for the real user of
 *		the caller
 * @userp:	out, the record
 *
 * Return: 0, -EPERM for another user without CAP_IPC_OWNER, -EOPNOTSUPP if the kernel
 * module is too old to tell.
 */
int mbox_monitor_user(struct mbox_monitor *mon, uid_t uid,
		      const struct mbox_monitor_user **userp);

/*
 * DUMPS
 *
 * The functions below call @fn with @arg for each record as it comes: they need the
 * same memory for any number of records. @fn returns 0 to go on; any other result ends
 * the dump, and the function returns it. @fn must not use the monitor.
 *
 * Return: 0; 1 if an object came or went during the dump, so that a record may be
 * missing or come twice (callers that need a consistent dump repeat it); or the
 * result of @fn: take a negative one, which cannot be mistaken for this 1.
 */

/**
 * mbox_monitor_each_mailbox() - all mailboxes, in the order of their ids
 */
int mbox_monitor_each_mailbox(struct mbox_monitor *mon,
			      int (*fn)(const struct mbox_monitor_mailbox *box,
					void *arg), void *arg);

/**
 * mbox_monitor_each_inbox() - all inboxes, in the order of their ids
 *
 * A record has the process as @owner and its user as @uid, and in @queued also the
 * messages of links that have ended. Only inboxes of the caller's user are visible;
 * with CAP_IPC_OWNER all.
 */
int mbox_monitor_each_inbox(struct mbox_monitor *mon,
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
 * mbox_monitor_each_waiter() - blocked calls on one mailbox, or on all
 * @name:	its name, or NULL
 * @id:		its id, or 0 for all, and for links and inboxes, if @name is NULL
 */
int mbox_monitor_each_waiter(struct mbox_monitor *mon, const char *name,
			     uint64_t id,
			     int (*fn)(const struct mbox_monitor_waiter *waiter,
				       void *arg), void *arg);

/**
 * mbox_monitor_each_job() - leased, delayed and parked messages of one mailbox, or of all
 * @name:	its name, or NULL
 * @id:		its id, or 0 for all, and for links and inboxes, if @name is NULL
 *
 * Calls in progress are the blocked calls of MBOX_CALL_REPLY; the request of one is
 * reported here once a server has leased it.
 */
int mbox_monitor_each_job(struct mbox_monitor *mon, const char *name, uint64_t id,
			  int (*fn)(const struct mbox_monitor_job *job, void *arg),
			  void *arg);

/**
 * mbox_monitor_each_link() - links of one process, or all
 * @pid:	the process, or 0
 *
 * Only links of the caller's user are visible; with CAP_IPC_OWNER all.
 */
int mbox_monitor_each_link(struct mbox_monitor *mon, pid_t pid,
			   int (*fn)(const struct mbox_monitor_link *link,
				     void *arg), void *arg);

/**
 * mbox_monitor_set() - change attributes of a mailbox
 * @mon:	the monitor
 * @name:	its name, or NULL
 * @id:		its id, if @name is NULL, else 0
 * @set:	the changes, named by its mask; all other fields 0
 *
 * All of @set takes effect at once, or none of it.
 *
 * Return: 0, -EPERM if the caller may not change the mailbox, -EOPNOTSUPP for limits of
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
 * @res:	out, unchanged if the call fails; may be NULL
 *
 * Return: 0, -EPERM if the caller may not delete the mailbox, -ENOTEMPTY if messages
 * would be lost, -EOPNOTSUPP for MBOX_DELETE_DRAIN of a ring that is not empty.
 */
int mbox_monitor_delete(struct mbox_monitor *mon, const char *name, uint64_t id,
			unsigned int how, struct mbox_deleted *res);

/**
 * mbox_monitor_purge() - drop all messages of a mailbox
 * @mon:	the monitor
 * @name:	its name, or NULL
 * @id:		its id, if @name is NULL, else 0
 * @purged:	out, number of dropped messages (of a broadcast, deliveries); may be
 *		NULL
 *
 * The mailbox stays. A synchronous send whose message is dropped fails with
 * ECANCELED. The id may be that of an inbox; links that only its messages kept end.
 *
 * Return: 0, -EPERM if the caller may not delete the mailbox, or is not the user of the
 * process of an inbox; -EOPNOTSUPP for a ring.
 */
int mbox_monitor_purge(struct mbox_monitor *mon, const char *name, uint64_t id,
		       uint64_t *purged);

/* mbox_monitor_subscribe(), flags */
#define MBOX_MONITOR_PRIVATE	(1U << 0) /* also events hidden from others, before 6.6 */

/**
 * mbox_monitor_subscribe() - receive events from now on
 * @mon:	the monitor
 * @flags:	0 or MBOX_MONITOR_PRIVATE. Before Linux 6.6 the kernel cannot filter
 *		events by listener, and sends events that are not visible to
 *		everybody only to monitors with this flag, which takes CAP_NET_ADMIN
 *		there; since 6.6 it makes no difference.
 *
 * A second call can only add the flag.
 *
 * Return: 0, -EPERM for the flag without the capability, -EMFILE, -ENFILE.
 */
int mbox_monitor_subscribe(struct mbox_monitor *mon, unsigned int flags);

/**
 * mbox_monitor_fd() - a file descriptor to wait for events with
 * @mon:	the monitor, which keeps owning the descriptor
 *
 * EPOLLIN: there is an event, or events were lost. Use it for poll() only.
 *
 * Return: the descriptor, -EINVAL without a subscription.
 */
int mbox_monitor_fd(const struct mbox_monitor *mon);

/**
 * mbox_monitor_next() - the next event
 * @mon:	the monitor
 * @timeout_ns:	nanoseconds to wait for it, 0, or MBOX_NO_TIMEOUT
 * @eventp:	out, the record
 *
 * Return: 0, -EAGAIN if there is none and @timeout_ns is 0, -ETIMEDOUT, -EINTR;
 * -ENOBUFS if events came faster than the caller took them, and some are lost: the
 * following calls return complete events. -EINVAL without a subscription.
 */
int mbox_monitor_next(struct mbox_monitor *mon, int64_t timeout_ns,
		      const struct mbox_monitor_event **eventp);

#ifdef __cplusplus
}
#endif

#endif /* _MBOX_MONITOR_H */
