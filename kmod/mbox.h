/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The map of the module: layers, locks, references, words.
 *
 * A layer, between blank lines, calls itself and the layers below it; calls that run
 * back are named. Each noun has a header. tools/build/map.sh compares with the sources.
 *
 *	main.c		init chain and its reverse
 *
 *	ioctl.h		cdev.c		the device /dev/mbox, its ioctls
 *			ioctl.c		ioctls on handles, copies of their arguments
 *			ioctl_job.c	the same of leases, posts and calls
 *			ioctl_mode.c	the ioctls for the mode of a handle, and for notices
 *			create.c	opening and creating by name
 *	netlink.h	netlink.c	the generic netlink family: requests
 *			dump.c		dumps: mailboxes, handles, waiters, links
 *			dump_job.c	dumps of leased, delayed and parked messages
 *			dump_mailbox.c	attributes of a mailbox
 *			dump_user.c	quotas of a user
 *	mbox.h		handle.c	an open file on a mailbox: file operations
 *			iter.c		a message in several pieces, or by io_uring
 *	link.h		direct.c	handles on links and inboxes
 *	kind.h		kind.c		mailbox, broadcast, ring, inbox: their operations
 *
 *	batch.h		batch_send.c	several messages in, with few sections
 *			batch_receive.c	several messages out, likewise
 *	job.h		lease.c		receiving for a time: acknowledge, give back, extend
 *			call.c		requests and replies
 *	message.h	send.c		one message in: fill it, place it; admit others
 *			send_wait.c	wait for room and receipt; take messages back
 *			receive.c	one message out: choose it, copy it, commit
 *			receive_slow.c	search for one, wait for one, copy a large one
 *			transfer.c	a large payload, copied straight to its receiver
 *	span.h		span.c		copying to memory of a process that is blocked
 *			sender.c	the end of the process that a receive names
 *	job.h		post.c		sends with a mark or a time, and more to wait for
 *			dead.c		messages that move to the dead-letter mailbox
 *	mode.h		mode.c		how a handle receives: its filter, headers
 *	broadcast.h	broadcast.c	one message to all: send it, take it back
 *			cast.c		delivers a message to all, a few at a time
 *			subscription.c	a handle in a broadcast: its room and losses
 *			delivery.c	the delivery of a message to one subscription
 *	ring.h		ring.c		shared memory: its sides, mapping
 *			ring_memory.c	memory of a ring that grows, and its charge
 *			ring_wait.c	sleeping on the other side of a ring
 *	poll.h		poll.c		polling of mailboxes, broadcasts, inboxes
 *
 *	mbox.h		mailbox.c	a mailbox: attributes, references, handles
 *			delete.c	how a mailbox ends; draining, purging
 *	job.h		worker.c	holders of leases, and their ends
 *			job.c		messages that are hidden, and return
 *			due.c		the timer of a mailbox
 *	access.h	access.c	rights: modes, owners, capabilities
 *	registry.h	registry.c	names and mailboxes of one network namespace
 *	label.h		label.c		labels: the opaque names of front ends
 *	event.h		event.c		events that are pending, and limits of sending them
 *			budget.c	how many events a namespace is sent
 *			notice.c	one event, to the listeners allowed to see it
 *	process.h	owner.c		the process that owns a mailbox, and its heir
 *			member.c	the processes that take part in a mailbox
 *			exclusive.c	one process receives at a time
 *			tie.c		a process that has a part in a mailbox
 *	link.h		endpoint.c	processes that have links, and their inboxes
 *			link.c		links and their lanes, from first use to end
 *			links.c		the lists of both, which dumps visit
 *
 *	wait.h		wait.c		waiters: sleeping, completing
 *			deferred.c	work that a section leaves to be done after it
 *			spin.c		polling for a short time before the sleep
 *			yield.c		letting the other side run before the sleep
 *			deadline.c	deadlines, from the ABI to a clock of the host
 *			receivers.c	waiting receivers, found by their filters
 *	notify.h	notify.c	a notice that a message came to an empty mailbox
 *	track.h		track.c		the last sender and receiver, and when
 *	key.h		key.c		their filters as keys of a tree
 *	wait.h		policy.c	which waiting receiver is given a message
 *	link.h		deadlock.c	cycles of calls that wait for each other
 *			inbox.c		the lanes that lead to an inbox, in order
 *	queue.h		queue.c		order and filters; no user memory, no sleep
 *			room.c		limits and counts, and the senders that wait
 *			cursor.c	searches that pause
 *	message.h	message.c	a message: its sender, its references
 *			path.h		the hot path: inlined parts of these
 *	pool.h		pool.c		memory of messages, recycled by mailboxes
 *
 *	process.h	process.c	processes: found by number, their credentials
 *			watch.c		callbacks when a process ends
 *	user.h		user.c		quotas
 *			share.c		the part of a quota that one mailbox may take
 *			shortage.c	handles that a quota refuses, woken for room
 *			param.c		module parameters
 *
 * Calls that run back:
 *
 *	mailbox.c -> handle.c		a new mode takes the rights of handles
 *	mailbox.c -> kind.c		a new mailbox gets the table of its kind,
 *	endpoint.c -> kind.c		and so does an inbox
 *	delete.c -> subscription.c	a death clears subscriptions
 *	delete.c -> send_wait.c		and ends senders
 *	wait.c -> send_wait.c		a waiter that is ended may be a sender
 *	room.c -> cast.c		a sender that leaves may be broadcasting
 *	wait.c -> cast.c		and one that stops waiting likewise
 *	deferred.c -> cast.c		deferred work goes on with a broadcast
 *	deferred.c -> delete.c		and buries a mailbox that died
 *	deferred.c -> mailbox.c		or ends calls that nobody is left to serve
 *	wait.c -> event.c		a mailbox has room
 *	wait.c -> member.c		a member is served
 *	policy.c -> member.c		the member that was served least recently is next
 *	message.c -> link.c		a message holds its link,
 *	message.c -> job.c		and its job
 *	job.c -> send.c			a call that fails lets senders in,
 *	job.c -> post.c			and its sender go on
 *	deferred.c -> dead.c		dead letters move after the section
 *	shortage.c -> mailbox.c		the worker holds mailboxes whose pollers it wakes
 *
 * LOCKS
 *
 *	mbox_links_lock (links.c)	spinlock: endpoints, links
 *	ring->trim_lock (ring_memory.c)	mutex: giving memory back
 *	registry->lock			spinlock: names, list of mailboxes
 *	  mbox->lock			spinlock: queue, waiters, counters, state; then that
 *					of its dead-letter mailbox, which has none itself
 *	    waits_lock (deadlock.c)	spinlock: which call of a cycle fails
 *	    paused_lock (exclusive.c)	spinlock: mailboxes that a pause keeps
 *	    pending_lock (event.c)	spinlock: registries with pending events
 *	shortage_lock (shortage.c)	spinlock: handles and users short of quota
 *	ring_lingering_lock (ring.c)	spinlock: rings without a mailbox, still mapped
 *	notice_lock (notice.c)		mutex: one event that is sent
 *	process->lock (watch.c)		spinlock: the watches of a process; innermost
 *	tasklist_lock, pid->wait_pidfd.lock  of the kernel, which calls us with both:
 *	  watch_queue->lock (watch.c)	spinlock: processes that were woken
 *
 * mbox->lock is taken in each of the three above it, which are not taken in one
 * another. Locks that every user may have to wait for are spinlocks, and nobody
 * sleeps for memory under them: a task that is out of CPU time, or reclaims memory, may keep a
 * mutex, but no spinlock.
 *
 * User memory is touched with mbox->lock held and page faults disabled, or with no
 * lock held. Work that has to follow after mbox->lock is dropped (waking, freeing large
 * payloads) is collected in a struct mbox_deferred while it is held.
 *
 * REFERENCES
 *
 * A handle holds a reference to its mailbox, and so does the registry as long as the
 * mailbox is listed. A mailbox holds its registry and its creator's struct mbox_user, a
 * handle that of its opener, and a message that of its sender, by its charges. Owner,
 * heir and members hold a mailbox until they end or it dies. A mailbox that is listed
 * pins the module; so does an open file, and an endpoint that is known, which holds its
 * inbox. A link that is listed holds its two endpoints; a message, and a handle, hold
 * the link.
 *
 * WORDS
 *
 *	claim		the one right to report an end, or to suppress it (watch.c)
 *	cursor		how far a search for a message has come
 *	deferred	work that a section under mbox->lock leaves to be done after it
 *	dead letter	a message that moves, for nobody is to receive it here again
 *	deliver		give a message to a waiting receiver, or to a subscription
 *	endpoint	a process that takes part in direct communication
 *	factory		an open /dev/mbox
 *	hand over	make another process the owner of a mailbox
 *	holder		a handle's hold on sides of a ring
 *	in flight	accepted, and being copied by a receiver
 *	inbox		the mailbox of an endpoint, which all its links lead to
 *	job		a message with more state than its place in the queue
 *	kind		mailbox, broadcast, ring or inbox
 *	label		an opaque name, of a mailbox of a front end
 *	lane		one direction of a link
 *	lease		a receive that hides a message until it is acknowledged
 *	link		two lanes between two endpoints
 *	member		a process that takes part in a mailbox, where these are counted
 *	notice		of notify.c: a message came to an empty mailbox; of notice.c: an event
 *	pool		memory of messages that a mailbox keeps for those to come
 *	pending		of a message: its sender waits for room; of an event: not sent yet
 *	peer		the endpoint at the other end of a link
 *	post		a send with more than a message: a mark, a time, a request
 *	registry	the names and mailboxes of one network namespace
 *	request		a message whose sender waits for a reply
 *	room		the part of a capacity that is free; of a quota likewise
 *	share		the part of a user's quota that one mailbox may take
 *	shortage	a quota refuses a handle, whose pollers are woken for room
 *	slot		memory for a small message
 *	span		memory of a blocked process, to which another copies
 *	step		a message by which a place in a queue is found
 *	subscription	the place of a handle in a broadcast: its deliveries
 *	tie		a process that has a part in a mailbox until it ends
 *	transfer	a large payload goes straight to a waiting receiver
 *	turn		a receiver's number in the order of arrival
 *	waiter		a call that is blocked
 *	watch		a callback when a process ends
 *	worker		a process, or a file, that holds leases
 */
#ifndef MBOX_H
#define MBOX_H

#include <linux/cache.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/wait.h>

#include <linux/mbox.h>

#include "compat.h"
#include "event.h"
#include "message.h"
#include "queue.h"
#include "wait.h"

struct file;
struct iov_iter;
struct kiocb;
struct mbox_cast;
struct mbox_endpoint;
struct mbox_inbox;
struct mbox_kind;
struct mbox_label;
struct mbox_label_key;
struct mbox_lane;
struct mbox_member;
struct mbox_mode;
struct mbox_notify;
struct mbox_owner;
struct mbox_pending;
struct mbox_pool;
struct mbox_procs;
struct mbox_registry;
struct mbox_relay;
struct mbox_ring;
struct mbox_ring_holder;
struct mbox_subscription;
struct mbox_track;
struct mbox_user;
struct mbox_waits;

/* In mbox->nr_receivers: a notice is armed, see notify.h; senders are noted, see track.h. */
#define MBOX_NOTIFIES	BIT(31)
#define MBOX_TRACKS	BIT(30)

/* Both rights of a handle. */
#define MBOX_RIGHTS	(MBOX_RIGHT_RECV | MBOX_RIGHT_SEND)

/* param.c */
extern unsigned int mbox_max_msg_size;
extern unsigned int mbox_user_mailboxes;
extern unsigned long mbox_user_bytes;
#define MBOX_SPIN_DEFAULT	UINT_MAX
extern unsigned int mbox_spin_us;
void mbox_param_exit(void);

/*
 * A mailbox.
 *
 * Messages accepted and neither received nor gone are in queue.messages, those
 * that a receiver is copying (IN_FLIGHT) among them, and room.held counts them. With
 * BROADCAST their deliveries are in the queues of the subscriptions. Blocked calls
 * are in waits->waiters, and those whose message is not accepted in room.senders, by
 * priority, then arrival. Of waits->receivers mbox->policy says which is next.
 *
 * Whenever the lock is free and the mailbox is not dead:
 *	- no waiting receiver's filter passes a message queued or pending;
 *	- there is no room for the message of the first of the senders;
 * unless a caller is about to take the lock again to see to it: it does long
 * work in pieces, see mbox_deferred_run().
 *
 * Fields are in the order of their use: a message that goes in and out while no call
 * is blocked touches three cache lines. The first has the lock and the limits, the
 * second the messages, the third the pool and counters, and the list of pollers last.
 * Most mailboxes of a program with thousands are empty, so the others have only what
 * each needs; the rest is allocated:
 *
 *	waits		before a call blocks for the first time
 *	pending		with the first event for which somebody listens
 *	pool		with the first message
 *	procs, cast, ring, inbox	with a mailbox that needs it
 *
 * Once set, these stay as long as the memory of the mailbox, but pool, which goes when
 * it dies. With its place in the registry an empty mailbox takes about 500 bytes, as
 * mailbox_memory_test checks.
 */
struct mbox {
	spinlock_t lock;		/* see LOCKS */
	u32 state;			/* MBOX_STATE_*; only grows */
	u32 peak;			/* the most held, ever */
	bool deaf;			/* sends fail: draining, dead, no receivers */
	bool full;			/* a send found no room, and none was made since */
	bool turned_away;		/* a process, with EBUSY or EUSERS */
	bool reachable;			/* by name, label or id, or as an inbox */
	struct mbox_room room;
	u64 peak_bytes;			/* the most held_bytes, ever */
	struct mbox_queue queue;
	u32 nr_receivers;		/* that are blocked; and MBOX_NOTIFIES, _TRACKS */
	u8 policy;			/* constant: MBOX_POLICY_* */
	u8 options;			/* constant: MBOX_OPTION_* */
	u8 space;			/* constant: MBOX_SPACE_* */
	bool by_id;			/* constant: opened by its id, though it has no name */
	struct mbox_pool *pool;		/* free memory; or NULL */
	u64 sent;			/* also the last sequence number */
	u64 received;
	u64 sent_bytes;
	wait_queue_head_t poll;

	struct mbox_waits *waits;	/* NULL: no call ever blocked */
	struct mbox_pending *pending;	/* events; NULL: none ever was */
	struct mbox_cast *cast;		/* constant: BROADCAST, else NULL */
	struct mbox_procs *procs;	/* constant: by policy, EXCLUSIVE, max_procs */
	struct mbox_ring *ring;		/* constant; NULL: not a ring */
	struct mbox_inbox *inbox;	/* constant; NULL: not an inbox */
	struct mbox_owner *owner;	/* if a process owns it; until it dies */
	const struct mbox_kind *kind;	/* constant */
	struct mbox_registry *registry;	/* constant, counted by kept */
	struct mbox_user *creator;	/* constant, counted */
	u64 dropped;
	u64 purged;			/* of dropped */
	u64 refused;			/* by a quota */
	union {
		struct {
			struct rb_root open;	/* struct mbox_handle, by number */
			struct rb_root shares;	/* see share.c */
		};
		struct rcu_head rcu;	/* once both are empty for good */
	};
	int death;			/* error of calls once it is dead */
	u32 handles;
	u32 recv_handles;		/* of these, with the right to receive, */
	u32 send_handles;		/* to send, that are not shut down */
	kuid_t uid;
	kgid_t gid;
	umode_t mode;
	u16 max_procs;			/* constant; 0: any number */
	u8 lifetime;			/* MBOX_LIFETIME_* */
	bool plain;			/* constant: policy FIFO or PRIO, no options or
					 * max_procs, no ring and no inbox: takes the
					 * fast path
					 */
	bool listed;			/* registry->lock: in registry->mailboxes */
	bool named;			/* registry->lock: in registry->names, or ->labels */

	refcount_t refs;
	refcount_t mem_refs;		/* its memory: one for all refs, and event.c's */
	union {
		struct rhash_head hash;	/* registry->lock */
		struct mbox_label *its_label; /* constant, of a front end; or NULL */
	};
	u64 id;				/* constant */
	u64 created;			/* constant: ns, CLOCK_REALTIME */
	char name[MBOX_NAME_SIZE];	/* constant */
};

/* An open file on a mailbox. Fields are constant unless they name a lock. */
struct mbox_handle {
	struct mbox *mbox;		/* counted; of a link the caller's inbox */
	struct pid *pid;		/* of its opener, counted: thread group */
	struct mbox_user *user;		/* of its opener, counted */
	struct mbox_member *member;	/* its opener, counted; or NULL */
	struct mbox_ring_holder *holder; /* of a ring's sides, or NULL */
	u32 rights;			/* MBOX_RIGHT_* */
	u32 shut;			/* mbox->lock: of these, given up; only grows */
	bool plain;			/* takes the fast path: as mbox->plain, and
					 * nothing is shut, nor is there a mode
					 */
	bool unlimited;			/* opened with CAP_SYS_RESOURCE */
	struct mbox_subscription *sub;	/* to receive from a BROADCAST; or NULL */
	struct mbox_queue *queue;	/* from which it receives */
	struct mbox_endpoint *endpoint;	/* of a link or an inbox, counted; else NULL */
	struct mbox_lane *in;		/* of a link, counted with the peer; else NULL */
	struct mbox_lane *out;		/* of a link; else NULL */
	struct mbox_relay *relay;	/* of a link; else NULL */
	struct mbox_mode *mode;		/* mbox->lock: counted; or NULL */
	/*
	 * Written by each receive: far from the fields above, which each send reads,
	 * where one handle serves both.
	 */
	u64 received ____cacheline_aligned_in_smp; /* mbox->lock: messages, through it */
	u64 number;			/* in mbox->open; grows over all mailboxes */
	struct rb_node node;		/* mbox->lock: mbox->open */
	struct task_struct *paused;	/* mbox->lock: thread of a paused receive, not
					 * counted
					 */
	u64 turn;			/* mbox->lock: which that had */
	struct mbox_spin spin;		/* read and written whole, without a lock */
	u16 yield_rest;			/* likewise: waits without a yield, after one in */
	u16 yield_left;			/* vain; of these, still to come: see yield.c */
	struct list_head receives;	/* mbox->lock: calls blocked through it */
	struct list_head sends;		/* likewise; of a link, its peer's inbox->lock */
	struct rb_root workers;		/* mbox->lock: see worker.c */
	u32 nr_urgent;			/* mbox->lock: leases of theirs that end soon, and a
					 * notice that was not taken
					 */
	struct mbox_notify *notify;	/* mbox->lock: or NULL */
	struct list_head short_node;	/* shortage_lock: see shortage.c; or empty */
	struct mbox_user *short_of;	/* shortage_lock: user of that quota; or NULL */
};

struct mbox_attr {
	u32 mode;
	u32 lifetime;
	u32 capacity;
	u32 msg_size;
	u64 bytes;
	u32 policy;
	u32 max_procs;
	u32 options;
	u64 ring;
	u64 dead_letter;
	u32 max_deliveries;
	bool by_id;
	u32 space;
	u64 low_id;			/* wanted of its id, or 0: any */
	const struct mbox_label_key *label; /* or NULL */
};

/* Counters reported over netlink only, not by MBOX_IOC_GET. */
struct mbox_stats {
	u64 sent_bytes;
	u64 purged;
	u64 refused;
	u64 peak;
	u64 peak_bytes;
	u64 blocked;
	u64 woken;
	u64 charged;			/* of a ring */
	u32 producer;			/* of a ring: process ids */
	u32 consumer;
};

/* cdev.c */
int mbox_cdev_init(void);
void mbox_cdev_exit(void);

/* create.c */
bool mbox_name_valid(const char *name);
bool mbox_name_empty(const char *name);
int mbox_create_check(const struct mbox_ioc_open *arg, bool create,
		      struct mbox_attr *attr);
struct file *mbox_create_file(struct file *factory,
			      const struct mbox_ioc_open *arg,
			      const struct mbox_attr *attr, bool open,
			      bool create);

/* handle.c */
struct file *mbox_handle_open(struct mbox *mbox, u32 rights, bool nonblock);
int mbox_handle_shutdown(struct mbox_handle *handle, u32 rights);
void mbox_handle_end_calls(struct mbox_handle *handle, u32 rights);
void mbox_handle_revoke(struct mbox *mbox);
struct mbox_handle *mbox_handle_after(struct mbox *mbox, u64 number);

/* iter.c */
ssize_t mbox_iter_read(struct kiocb *iocb, struct iov_iter *to);
ssize_t mbox_iter_write(struct kiocb *iocb, struct iov_iter *from);

/* mailbox.c */
int mbox_mailbox_init(void);
void mbox_mailbox_exit(void);
int mbox_capacity_check(u32 capacity, bool rendezvous);
int mbox_attr_check(struct mbox_attr *attr);
int mbox_attr_check_queue(struct mbox_attr *attr, u32 options, bool rendezvous);
struct mbox *mbox_mailbox_new(struct mbox_registry *registry, const char *name,
			      const struct mbox_attr *attr,
			      struct file *factory, u32 rights);
u64 mbox_mailbox_last_id(void);
void mbox_mailbox_get(struct mbox *mbox);
void mbox_mailbox_put(struct mbox *mbox);
void mbox_mailbox_mem_get(struct mbox *mbox);
void mbox_mailbox_mem_put(struct mbox *mbox);
int mbox_mailbox_attach(struct mbox *mbox, u32 rights);
void mbox_mailbox_renounce(struct mbox *mbox, u32 rights);
void mbox_mailbox_detach(struct mbox *mbox, u32 rights);
bool mbox_mailbox_nobody(const struct mbox *mbox, u32 right);
void mbox_mailbox_hang_up(struct mbox *mbox);
void mbox_mailbox_recheck(struct mbox *mbox, struct mbox_deferred *deferred);
void mbox_mailbox_info(struct mbox *mbox, const struct mbox_handle *handle,
		       struct mbox_info *info, struct mbox_stats *stats);
int mbox_mailbox_set(struct mbox *mbox, struct file *file,
		     const struct mbox_ioc_set *arg);

/* delete.c */
void mbox_mailbox_die(struct mbox *mbox, int death,
		      struct mbox_deferred *deferred);
void mbox_mailbox_bury(struct mbox *mbox);
int mbox_mailbox_delete(struct mbox *mbox, struct file *file,
			struct mbox_ioc_delete *arg);
int mbox_mailbox_purge_room(struct mbox *mbox, struct mbox_room *room, u64 *purged);
void mbox_mailbox_purge_jobs(struct mbox *mbox, u64 *purged);
int mbox_mailbox_purge_queue(struct mbox *mbox, u64 *purged);
int mbox_mailbox_purge(struct mbox *mbox, struct file *file, u64 *purged);

/* Return the receiver that is given @message, or NULL. */
static inline struct mbox_waiter *
mbox_waiter_receiver_for(struct mbox *mbox, const struct mbox_message *message)
{
	lockdep_assert_held(&mbox->lock);
	if (likely(!mbox->nr_receivers) || mbox->nr_receivers == MBOX_TRACKS)
		return NULL;
	return mbox_receivers_choose(mbox, mbox_receivers_of(mbox, message),
				     message);
}

/* Return the number of receives that are blocked. */
static inline u32 mbox_waiter_nr_receivers(const struct mbox *mbox)
{
	return READ_ONCE(mbox->nr_receivers) & ~(MBOX_NOTIFIES | MBOX_TRACKS);
}

/* Return whether no send waits for room, in any lane. */
static inline bool mbox_waiter_no_senders(const struct mbox *mbox)
{
	return likely(RB_EMPTY_ROOT(&mbox->room.senders.rb_root));
}

/* Return the label of @mbox, which it may have lost; or NULL. */
static inline struct mbox_label *mbox_mailbox_label(const struct mbox *mbox)
{
	return mbox->space != MBOX_SPACE_NONE ? mbox->its_label : NULL;
}

/* Return whether @mbox was created with a name or a label; it may have lost it. */
static inline bool mbox_mailbox_has_name(const struct mbox *mbox)
{
	return mbox->name[0] || mbox_mailbox_label(mbox);
}

/* Return the error of a call that the state of @mbox forbids. */
static inline int mbox_mailbox_gone(const struct mbox *mbox)
{
	/* death is written before the state is, and once. */
	return smp_load_acquire(&mbox->state) == MBOX_STATE_DEAD ?
	       READ_ONCE(mbox->death) : -EIDRM;
}

/* Return whether the rules of msgget(2), not those of names, hold for @mbox. */
static inline bool mbox_mailbox_sysv(const struct mbox *mbox)
{
	return mbox->space == MBOX_SPACE_SYSV;
}

/* Return the error of a call that begins once @mbox is dead. */
static inline int mbox_mailbox_late(const struct mbox *mbox)
{
	int death = mbox_mailbox_gone(mbox);

	/* msgop(2): an id that was removed is EINVAL, but EIDRM to calls that wait. */
	return mbox_mailbox_sysv(mbox) && death == -EIDRM ? -EINVAL : death;
}

/* Begin a section under the lock. */
static inline void mbox_mailbox_lock(struct mbox *mbox,
				     struct mbox_deferred *deferred)
	__acquires(&mbox->lock)
{
	mbox_deferred_setup(deferred);
	spin_lock(&mbox->lock);
}

/**
 * mbox_mailbox_unlock - end a section under the lock, and do its deferred work
 * @mbox:	locked
 * @deferred:	filled in during the section
 *
 * May sleep where a message was freed or the mailbox died. A poller enters the
 * wait queue first and then looks at the mailbox under the lock: either it saw
 * the changes of this section, or it is seen here.
 */
static inline void mbox_mailbox_unlock(struct mbox *mbox,
				       struct mbox_deferred *deferred)
	__releases(&mbox->lock)
{
	bool polled;

	spin_unlock(&mbox->lock);
	/* No barrier: pollers take the lock, see above. */
	polled = deferred->events && waitqueue_active(&mbox->poll);
	if (unlikely(polled || deferred->nr_tasks || deferred->trash ||
		     deferred->more))
		mbox_deferred_run(mbox, deferred);
}

#endif /* MBOX_H */
