/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The map of the module: its objects, what guards them, and who calls whom.
 *
 *	cdev.c		/dev/mbox and the ioctl table; every copy of an argument
 *	  handle.c	an open file on a mailbox: file operations, rights
 *	    link.c	handles on links and inboxes
 *	      inbox.c	the lanes that lead to one, in order
 *	      party.c	who communicates directly: links, from first use to end
 *	    send.c	one message in: accept it, hand it over, or wait for room
 *	    receive.c	one message out: choose it, copy it, commit
 *	      sender.c	the end of the process that a receive waits for
 *	    broadcast.c	one message to all: send it, settle its deliveries
 *	      cast.c	delivers a message to all, a few at a time
 *	      subscription.c the place of a handle in what is broadcast
 *	      wait.c	waiters: sleeping, completing, waking, deadlines
 *	      receivers.c waiting receivers, found by what they want
 *	      policy.c	which of several waiting receivers is given a message
 *	      deadlock.c who waits for whom over links
 *	      queue.c	order, capacity and filters; no user memory, no sleeping
 *	      message.c	slots and large payloads
 *	    mailbox.c	a mailbox: attributes, rights, what is told of it
 *	      delete.c	how mailboxes end, and messages that nobody received
 *	      member.c	the processes that take part in it
 *	      owner.c	the process that owns it, and its heir
 *	      ring.c	shared memory: its two sides, mapping, sleeping and waking
 *	      registry.c names and mailboxes of one network namespace
 *	      user.c	quotas
 *	        share.c	how much of them one mailbox may take
 *	      shortage.c handles that a quota refuses, told when it has room
 *	      watch.c	processes: found by number, watched until they end
 *	netlink.c	the generic netlink family: what it can be asked to do
 *	  dump.c	what it says of mailboxes, handles, waiters and links
 *	event.c		what happens to mailboxes, told to who listens
 *	main.c		init chain and its reverse, module parameters
 *
 * LOCKS
 *
 *	links_lock (party.c)		spinlock: parties, links
 *	ring->trim_lock (ring.c)	mutex: giving memory back
 *	registry->lock			spinlock: names, list of mailboxes
 *	  mbox->lock			spinlock: queue, waiters, counters, state
 *	    waits_lock (deadlock.c)	spinlock: which call of a cycle fails
 *	    paused_lock (member.c)	spinlock: mailboxes that a pause keeps
 *	shortage_lock (shortage.c)	spinlock: handles and users short of quota
 *	telling (event.c)		mutex: one event that is told
 *	registry->lock
 *	  owing_lock (event.c)		spinlock: registries to be told of
 *	process->lock (watch.c)		spinlock: the watches of a process; innermost
 *	tasklist_lock, pid->wait_pidfd.lock  of the kernel, which calls us with both:
 *	  end_queue->lock (watch.c)	spinlock: processes that were woken
 *
 * mbox->lock is taken in each of the three above it, which are not taken in one
 * another. What every user may have to wait for is a spinlock, and nobody allocates
 * under it: a task that is out of CPU time, or reclaims memory, may keep a mutex,
 * but no spinlock.
 *
 * User memory is touched with mbox->lock held and page faults disabled, or with
 * no lock held. What has to happen after mbox->lock is dropped (waking, freeing
 * large payloads) is collected in a struct mbox_deferred while it is held.
 *
 * REFERENCES
 *
 * A handle holds a reference to its mailbox, and so does the registry as long
 * as the mailbox is listed. A mailbox holds its registry and its creator's
 * struct mbox_user, a handle its opener's, and a message its sender's, by what
 * it charges. Its owner, its heir and its members hold a mailbox until they end
 * or it dies. A mailbox that is listed pins the module; so does an open file, and
 * a party that is known, which holds its inbox. A link that is listed holds its
 * two parties; a message, and a handle, hold the link.
 */
#ifndef MBOX_H
#define MBOX_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/cache.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include <linux/mbox.h>
#include <linux/mbox_netlink.h>

#include "compat.h"

struct mbox;
struct mbox_cast;
struct mbox_handle;
struct mbox_lane;
struct mbox_link;
struct mbox_member;
struct mbox_message;
struct mbox_owner;
struct mbox_party;
struct mbox_relay;
struct mbox_ring;
struct mbox_ring_holder;
struct mbox_sender;
struct mbox_share;
struct mbox_subscription;
struct mbox_watch;
struct mbox_waiter;
struct poll_table_struct;
struct vm_area_struct;

/* Messages that are looked at for a filter before the lock is given up. */
#define MBOX_FIND_BATCH		512

/* Searches of one queue, purges among them, that may pause at a time. */
#define MBOX_SEARCHES_MAX	128

/*
 * Free slots that a mailbox keeps for the messages to come: so many, and more in steps
 * as long as its creator's mailboxes together do not keep too many (user.c).
 */
#define MBOX_SLOTS_STEP		4
#define MBOX_SLOTS_KEPT		32

/* Module parameters, main.c */
extern unsigned int mbox_max_msg_size;
extern unsigned int mbox_user_mailboxes;
extern unsigned long mbox_user_bytes;

/*
 * A user (real uid) and what is charged to him. Found by uid; lives as long as
 * anything is charged.
 */
struct mbox_user {
	struct rhash_head node;		/* of the table in user.c */
	kuid_t uid;			/* constant */
	atomic64_t pins;		/* references and bytes, see user.c */
	atomic_t mailboxes;
	atomic_t slots;			/* free, that his mailboxes may keep */
	struct rcu_head rcu;
	struct list_head short_node;	/* shortage_lock: users that are short */
	struct list_head short_handles;	/* shortage_lock: to be told of room */
	u64 short_need;			/* shortage_lock: the least they need */
};

/* A charge succeeded, in the upper half of the quota: see share.c. */
#define MBOX_USER_TIGHT		1

/* Users of whose mailboxes a namespace is told so much, whatever others do. */
#define MBOX_EVENT_SHARES	32

/*
 * The mailboxes of a network namespace. It outlives the namespace as long as a
 * factory or a mailbox refers to it, but is dead (and empty) by then.
 */
struct mbox_registry {
	refcount_t refs;
	spinlock_t lock;		/* names and the list, see LOCKS */
	bool dead;			/* lock: the namespace is gone */
	struct net *net;		/* while it is there, see event.c */
	u32 changes;			/* lock: mailboxes that came or went */
	struct xarray mailboxes;	/* all listed, by id; as names is */
	struct rhashtable names;	/* changed under lock, read under RCU */
	struct user_namespace *user_ns;	/* constant: owner of the namespace */
	/* of event.c: */
	struct list_head owing;		/* owing_lock: or empty */
	u32 refused;			/* owing_lock: by a quota, not told yet */
	kuid_t refused_uid;		/* owing_lock */
	u32 refused_others;		/* owing_lock: before, of other users */
	/* of its worker; times in 64-bit jiffies: */
	u64 window_end;
	u32 told;			/* in this window, of what is for all users */
	u64 spent;			/* nanoseconds, likewise */
	unsigned int nr_shares;		/* users told of, likewise */
	struct {
		kuid_t uid;
		u32 told;		/* of his share */
	} shares[MBOX_EVENT_SHARES];
	u64 refused_due;		/* when more may be told of refusals */
	u64 left_out;			/* events not told */
	u64 overrun_due;		/* when that is told */
};

/* What is to be told of a mailbox; guarded by its lock. See event.c. */
struct mbox_notices {
	struct llist_node node;
	bool noted;			/* in a list of the worker */
	u64 due;			/* when more may be told, in 64-bit jiffies */
	u32 counts[MBOX_EVENT_OVERRUN];	/* since; by enum mbox_event */
	u64 dropped;
	u64 dropped_at_end;
	kuid_t user;			/* who created it */
};

enum mbox_message_state {
	MBOX_MESSAGE_NEW,	/* its sender's alone */
	MBOX_MESSAGE_PENDING,	/* of a blocked sender, not accepted yet */
	MBOX_MESSAGE_QUEUED,	/* accepted */
	MBOX_MESSAGE_TAKEN,	/* accepted, a receiver is copying it */
	MBOX_MESSAGE_GONE,	/* withdrawn or dropped while a receiver copied */
};

/*
 * A message. Payloads of up to MBOX_SMALL_SIZE live in slots of one size that
 * the mailbox recycles, larger ones in an allocation of their own.
 *
 * From the time it is visible to others (PENDING, or accepted) all of it but
 * the payload is guarded by mbox->lock. The payload is constant from then on;
 * it may be read without the lock by a receiver that took the message, or by
 * one that peeks and counted itself in refs.
 */
struct mbox_message {
	struct list_head node;		/* queue, taken, or a list of trash */
	union {
		struct rb_node level;	/* in queue->levels if first of its prio */
		struct {		/* of one that is broadcast: */
			struct list_head deliveries; /* not settled */
			u32 left;	/* of these, and one while they are made */
			u32 receipts;
		};
	};
	u64 seq;			/* 0 until accepted */
	u64 time;			/* nanoseconds, CLOCK_REALTIME_COARSE */
	struct pid *pid;		/* thread group of the sender, counted */
	u64 start;			/* of that process: mbox_process_start() */
	struct mbox_user *user;		/* charged for it; NULL: it is trash */
	struct mbox_waiter *sender;	/* who waits for its receipt, or NULL */
	struct mbox_lane *lane;		/* it came by; its link counted; or NULL */
	u32 length;
	u32 prio;
	u32 type;
	kuid_t uid;
	kgid_t gid;
	u32 refs;			/* owner and peekers; freed with the last */
	u8 state;			/* enum mbox_message_state */
	bool shared;			/* counted in a share, see share.c */
	u8 data[] __aligned(8);
};

/*
 * Accepted messages in the order in which they are received. The list is
 * sorted; the first message of each priority is also a node of the tree of
 * levels, so that an insertion takes time by the number of priorities in use,
 * not of messages.
 */
struct mbox_queue {
	struct list_head messages;
	struct rb_root levels;
	struct list_head cursors;	/* searches that pause */
	u32 nr_cursors;			/* of searches: up to MBOX_SEARCHES_MAX */
	u64 nr_taken;			/* of the messages, those TAKEN */
};

/*
 * A search for what a filter passes, in a queue and then among the blocked
 * senders. A long search pauses now and then, so that nobody keeps the lock for
 * as long as he has filled a queue. Meanwhile others move its cursor, so that no
 * message before it passes: on if the message there goes, back to a message that
 * passes and comes before it.
 */
struct mbox_cursor {
	struct list_head node;		/* lock: queue->cursors */
	const struct mbox_filter *filter;
	struct mbox_message *next;	/* lock: where to go on, or NULL */
	bool senders;			/* lock: goes on among the senders */
	u32 prio;			/* lock: of the last sender looked at, */
	u64 number;			/* and its number; 0: none yet */
	/* of a search of all lanes, inbox.c: */
	u64 lane;			/* lock: number of that which it is in */
	struct mbox_message *best;	/* lock: of what it found; or NULL */
	bool lost;			/* lock: the best went since it began */
	u32 retries;			/* the times that it began anew */
};

/* What a receiver wants; constant while it waits. */
struct mbox_filter {
	u32 flags;			/* MBOX_RECV_BY_*, FILTER_LANE */
	u32 type;
	u32 pid;
	u32 min_prio;
	struct pid_namespace *pid_ns;	/* in which pid is meant */
	u64 start;			/* with BY_START: of process pid */
	struct mbox_lane *lane;		/* what came by it only; or NULL */
};

/* Beside MBOX_RECV_BY_*: there is a lane. */
#define MBOX_FILTER_LANE	BIT(31)

struct mbox_deadline {
	bool set;
	clockid_t clock;
	ktime_t expires;
};

/* Something came that concerns a receiver, which has to look for itself. */
#define MBOX_LOOK_AGAIN		1

/*
 * A call that is blocked; lives on its stack. See MBOX_WAKE in wait.c for how it
 * is completed.
 */
struct mbox_waiter {
	struct list_head node;		/* lock: syncs, side of a ring, rest */
	struct rb_node ranked;		/* lock: senders, receivers->keyed; or clear */
	struct list_head all;		/* lock: mbox->waiters */
	struct hlist_node late;		/* lock: in the deferred of its waker */
	u64 number;			/* of the wait: constant; 0: a dump's marker */
	u64 since;			/* constant: ns, CLOCK_MONOTONIC_COARSE */
	struct task_struct *task;	/* constant */
	struct mbox_handle *handle;	/* constant: the call is made through it */
	struct list_head call;		/* lock: handle->receives or ->sends */
	bool completed;			/* lock: has its result */
	bool done;			/* published with release: last write */
	int error;			/* result, valid when completed; may be
					 * MBOX_LOOK_AGAIN for a receiver
					 */
	struct mbox_message *message;	/* sender: its message until accepted;
					 * receiver: what was handed over
					 */
	/* of a receiver */
	const struct mbox_filter *filter;
	size_t room;
	bool peek;
	bool limited;			/* lock: counts as one of the rest */
	u64 turn;			/* receivers are in order of it */
	u64 fit;			/* messages shorter than this fit; peeks: 0 */
	u64 most_fit;			/* lock: the most below it in the tree */
	struct mbox_receivers *receivers; /* lock: among which it waits; or NULL */
	struct mbox_member *member;	/* whose call it is, or NULL; held by it */
	const bool *ended;		/* BY_START: set when the sender ended; or NULL */
	/* of a sender */
	bool sync;			/* waits until it is received */
	struct pid *receiver;		/* who received, counted */
	/* of a sender that broadcasts: guarded by the lock */
	u8 stage;			/* enum mbox_cast_stage */
	bool nonblock;			/* constant */
	bool withdrawn;			/* it has to take back its deliveries */
	u64 until;			/* the last subscription that is meant */
	struct mbox_message *spares;	/* slots for deliveries */
	u32 nr_spares;
	u32 nr_charged;			/* to its user: spares, or for some */
	u32 delivered;			/* result: handles */
	/* of a call on a link */
	struct mbox_lane *lane;		/* constant; else NULL */
	struct rb_node lane_ranked;	/* lock: lane->senders; or clear */
	struct mbox_party *waits;	/* lock: whose edge it has, deadlock.c */
};

/*
 * Receives that wait for messages of one queue. A message finds those that it
 * suits by what they ask for, so that its way to them does not become longer by
 * those who ask for something else: see receivers.c.
 */
struct mbox_receivers {
	struct rb_root keyed;		/* by key, then turn */
	struct list_head rest;		/* by turn: they have to be looked at */
	u32 nr_rest;			/* of these; up to MBOX_WAITERS_MAX */
};

/*
 * A mailbox.
 *
 * Messages accepted and neither received nor gone are in queue.messages, those
 * that a receiver is copying (TAKEN) among them, and held counts them. With
 * BROADCAST their deliveries are in the queues of the subscriptions. Blocked calls
 * are among
 *
 *	receivers	mbox->policy says which of them is next
 *	senders		whose message is not accepted; by priority, then arrival
 *	syncs		whose message is accepted, not received
 *
 * Whenever the lock is free and the mailbox is not dead:
 *	- no waiting receiver's filter passes a message queued or pending;
 *	- there is no room for the message of the first of the senders;
 * unless a caller is about to take the lock again to see to it: it does long
 * work in pieces, see mbox_mailbox_run().
 */
struct mbox {
	char name[MBOX_NAME_SIZE];	/* constant */
	u64 id;				/* constant */
	u64 created;			/* constant: ns, CLOCK_REALTIME */
	u32 policy;			/* constant: MBOX_POLICY_* */
	u32 options;			/* constant: MBOX_OPTION_* */
	u32 max_procs;			/* constant; 0: any number */
	bool common;			/* constant: without any of these, no inbox */
	bool inbox;			/* constant: party.c has it */
	refcount_t refs;
	refcount_t kept;		/* its memory: one for all refs, and event.c's */
	struct mbox_registry *registry;	/* constant, counted by kept */
	struct mbox_user *creator;	/* constant, counted */
	struct mbox_ring *ring;		/* constant; NULL: not a ring */
	struct rhash_head hash;		/* registry->lock */
	bool listed;			/* registry->lock: in registry->mailboxes */
	bool named;			/* registry->lock: in registry->names */

	spinlock_t lock ____cacheline_aligned_in_smp;
	u32 state;			/* MBOX_STATE_*; only grows */
	int death;			/* what calls get once it is dead */
	u32 capacity;
	u32 msg_size;
	bool deaf;			/* sends fail: draining, dead, no receivers */
	bool nospace;			/* a sender was refused for want of room: tell
					 * pollers when there is some; of an inbox:
					 * by any lane. Set where full is.
					 */
	bool turned_away;		/* so was a process, with EBUSY or EUSERS */
	bool reachable;			/* by its name, or as an inbox */
	u64 max_bytes;			/* 0: no limit */
	u64 held;
	u64 held_bytes;
	struct mbox_queue queue;
	struct mbox_message *slots;	/* free slots, linked through node.next */
	unsigned int nr_slots;
	unsigned int max_slots;		/* that may be kept */
	struct mbox_receivers receivers;
	struct rb_root_cached senders;
	struct rb_root_cached lanes;	/* of an inbox, with messages: inbox.c */
	struct rb_root numbered;	/* the same, by number */
	struct list_head syncs;
	u64 sent;			/* also the last sequence number */
	u64 received;
	u64 withdrawn;
	u64 dropped;

	u64 sent_bytes;
	u64 purged;			/* of dropped */
	u64 refused;			/* by a quota */
	u64 peak;			/* the most held, */
	u64 peak_bytes;			/* and held_bytes, ever */
	bool full;			/* a send found no room, and none was made since */
	struct mbox_notices notices;

	u32 nr_senders;			/* on senders and syncs */
	u32 nr_receivers;
	struct list_head waiters;	/* all, by number, and markers of dumps */
	u64 nr_blocked;			/* waits ever, also the last's number */
	u64 nr_woken;			/* of these, completed */
	u64 turns;			/* the last one given to a receiver */
	/* BROADCAST, see broadcast.c */
	struct mbox_cast *cast;		/* constant; else NULL */
	u64 partly;			/* of held: somebody received it */
	u64 lost;			/* deliveries */
	u32 handles;
	u32 recv_handles;		/* of these, with the right to receive, */
	u32 send_handles;		/* to send, that are not shut down */
	struct rb_root open;		/* struct mbox_handle, by number */
	u64 last_handle;
	kuid_t uid;
	kgid_t gid;
	umode_t mode;
	u32 lifetime;			/* MBOX_LIFETIME_* */
	struct mbox_owner *owner;	/* if a process owns it; until it dies */
	struct mbox_owner *heir;
	struct rb_root members;		/* see member.c */
	u32 nr_members;
	u64 members_swept;		/* mbox_watch_ends() of the last whole sweep */
	u32 nr_receiving;		/* EXCLUSIVE: calls, of this process */
	struct pid *receiving;		/* it is in a call: not counted */
	struct pid *restarting;		/* thread whose call is restarted, counted */
	u64 restart_until;		/* of its run time, ns */
	struct list_head paused;	/* paused_lock: see member.c; or empty */
	u64 served;			/* RR: the last that a member was given */
	struct rb_root shares;		/* see share.c */

	wait_queue_head_t poll;
	struct rcu_head rcu;
};

/* How far a sender that broadcasts has come. */
enum mbox_cast_stage {
	MBOX_CAST_NEW,		/* its message is looked at, or delivered */
	MBOX_CAST_BLOCKED,	/* it waits, and is completed as any waiter is */
	MBOX_CAST_REFUSED,	/* with sender->error; the message is still its own */
	MBOX_CAST_ENDED,	/* with sender->error and sender->delivered */
};

/* A look for room that is not for a sender's message. */
enum mbox_cast_probe {
	MBOX_PROBE_NONE,
	MBOX_PROBE_LONGEST,	/* may pollers be told that there is room? */
	MBOX_PROBE_SHORTEST,	/* has a mailbox that was full any? */
};

/*
 * What a mailbox that broadcasts has beside the others: its subscriptions, and the
 * message that is being delivered to them; see cast.c. Guarded by mbox->lock.
 */
struct mbox_cast {
	struct rb_root subscriptions;	/* by number */
	u32 nr_subscriptions;
	u64 last_subscription;
	struct mbox_subscription *narrow; /* had no room when looked at last */
	struct mbox_waiter *sender;	/* whose message it is; or NULL */
	struct mbox_message *message;	/* accepted; NULL: is there room for it? */
	u64 next;			/* the number at which to go on */
	u64 until;			/* the last number that is meant */
	u32 found;			/* those that have room */
	u32 turn;			/* of the message, or the look, under way */
	u32 runners;			/* tasks that go on with it until it is over */
	bool look;			/* room may have been made */
	u8 probe;			/* enum mbox_cast_probe, without a sender */
};

/*
 * What is there for a handle to receive from a mailbox that broadcasts: deliveries,
 * and who waits for one. All guarded by mbox->lock.
 */
struct mbox_subscription {
	struct rb_node node;		/* cast->subscriptions; clear: not listed */
	u64 number;			/* constant */
	u64 seen;			/* the last message that was delivered to it */
	bool over;			/* OVERFLOW: its oldest have to go for that */
	struct mbox_queue queue;
	struct rb_root_cached ages;	/* OVERFLOW: not TAKEN, the oldest first */
	struct mbox_receivers receivers;
	u64 held;			/* queued, or taken by a receiver */
	u64 held_bytes;
	u64 lost;
};

/*
 * One direction of a link: what one process sent another, which is in the inbox
 * of that one, with what came by other lanes. It has the capacity that elsewhere
 * a mailbox has.
 */
struct mbox_lane {
	struct mbox_link *link;		/* constant: whose part it is */
	struct mbox_party *from;	/* constant; there for who has a handle */
	struct mbox_party *to;		/* likewise; its inbox->lock is "lock" */
	u32 capacity;			/* constant: that of the link, see inbox.c */
	u32 msg_size;			/* constant */
	struct rb_node node;		/* links_lock: to->lanes, by from */
	u64 held;			/* lock: as that of a mailbox */
	u64 queued;			/* lock: of these, not being taken */
	struct mbox *inbox;		/* constant; there while it has messages */
	struct mbox_queue queue;	/* lock */
	struct mbox_message *first;	/* lock: not being taken; or NULL */
	struct rb_node ranked;		/* lock: inbox->lanes, if there is a first */
	struct rb_node numbered;	/* lock: inbox->numbered, likewise */
	struct rb_root_cached senders;	/* lock: those of the inbox' that are its */
	bool ended;			/* lock: nothing will come any more */
	bool nospace;			/* lock: as that of a mailbox */
	bool opened;			/* links_lock: by @to, a handle to receive */
};

/*
 * A link: two lanes, one to each process. Listed, and found by its two parties,
 * until one of them ends, or until nobody has a handle on it and no message is in
 * it. Its memory stays as long as a handle or a message refers to it.
 *
 * References: one while it is listed, one of each handle, one of each message.
 * While it is listed it holds both parties.
 */
struct mbox_link {
	struct rb_node node;		/* links_lock: while listed, by number */
	u64 number;			/* constant once listed; grows */
	bool listed;			/* links_lock */
	refcount_t refs;
	atomic_t handles;		/* open, on either side; to and from 0
					 * under links_lock
					 */
	struct mbox_link *leaving;	/* of who unlisted it */
	struct mbox_lane lanes[2];
};

/*
 * A process that takes part in direct communication. Known, in the trees, from
 * when it is first needed until the process ends, or until there is neither lane
 * nor handle that leads to its inbox, nor message in it.
 *
 * References: one while it is known, one of its watch, and then of the work that
 * tells its end, one of each link that is listed, and of each handle, two of one on
 * a link. It is freed by RCU.
 */
struct mbox_party {
	struct rb_node by_pid;		/* links_lock: while known */
	struct rb_node by_number;	/* links_lock: likewise, of its inbox */
	bool known;			/* links_lock */
	bool ended;			/* links_lock: the process did */
	bool has_mode;			/* links_lock: inbox->mode says who may send */
	unsigned int openers;		/* links_lock: calls that need it known */
	struct rb_root lanes;		/* links_lock: that lead here */
	refcount_t refs;
	struct pid *pid;		/* constant, counted: thread group */
	struct mbox *inbox;		/* constant, counted */
	struct mbox_watch *watch;	/* constant; cancelled by who forgets it */
	struct work_struct end;
	struct mbox_party *leaving;	/* of who forgot it */
	struct mbox_party *waits_for;	/* without lock, see deadlock.c */
	u32 wait_nr;			/* likewise: of the last of these edges */
	struct rcu_head rcu;
};

/* An open file on a mailbox; constant but for what names a lock. */
struct mbox_handle {
	struct mbox *mbox;		/* counted; of a link the caller's inbox */
	struct rb_node node;		/* mbox->lock: mbox->open */
	u64 number;			/* in mbox->open */
	struct pid *pid;		/* who opened it, counted: thread group */
	struct mbox_user *user;		/* of its opener, counted */
	struct mbox_member *member;	/* its opener, counted; or NULL */
	struct mbox_ring_holder *holder; /* of a ring's sides, or NULL */
	u32 rights;			/* MBOX_RIGHT_* */
	u32 shut;			/* mbox->lock: of these, given up; only grows */
	bool common;			/* takes the fast path: as mbox->common, and
					 * nothing is shut
					 */
	bool unlimited;			/* opened with CAP_SYS_RESOURCE */
	struct mbox_subscription *sub;	/* to receive from a BROADCAST; or NULL */
	struct mbox_queue *queue;	/* from which it receives */
	u64 received;			/* mbox->lock: messages, through it */
	struct task_struct *paused;	/* mbox->lock: whose receive was, not counted */
	u64 turn;			/* mbox->lock: which that had */
	struct mbox_party *party;	/* whose link or inbox it is, counted; else NULL */
	struct mbox_lane *in;		/* of a link, counted with the peer; else NULL */
	struct mbox_lane *out;		/* of a link; else NULL */
	struct mbox_relay *relay;	/* of a link; else NULL */
	struct list_head receives;	/* mbox->lock: calls blocked through it */
	struct list_head sends;		/* likewise; of a link, its peer's inbox->lock */
	struct list_head short_node;	/* shortage_lock: see shortage.c; or empty */
	struct mbox_user *short_of;	/* shortage_lock: whose quota; or NULL */
};

/*
 * A message that was queued, or is pending, of which receivers are to be told:
 * the part of them that did not fit into one section.
 */
struct mbox_tell {
	u32 type;
	struct pid *pid;		/* counted */
	u64 start;			/* of that process */
	struct mbox_lane *lane;		/* only compared */
	u64 limit;			/* the last wait that is to be told */
	u32 flags;			/* where to go on: the key, */
	unsigned int level;		/* level of pid, */
	u64 turn;			/* and after this turn */
};

/*
 * What a section under mbox->lock leaves to be done after it. Waiters whose tasks
 * do not fit are completed, but woken later, in sections of their own.
 */
#define MBOX_DEFERRED_WAKES	4

struct mbox_deferred {
	u32 nr_tasks;
	__poll_t events;		/* to be told to pollers */
	bool died;			/* the mailbox did: unlist it */
	bool admit;			/* there may be room for more senders; with
					 * BROADCAST: there is more to deliver
					 */
	bool telling;			/* more are to be told: see tell */
	struct hlist_head late;		/* lock: waiters that are not done */
	struct mbox_message *trash;	/* linked through node.next */
	struct task_struct *tasks[MBOX_DEFERRED_WAKES]; /* counted */
	struct mbox_tell tell;
};

/* Blocked calls that end in one section under the lock, where many may. */
#define MBOX_END_BATCH		64

/* Arguments of a call, copied and checked. */
struct mbox_send_args {
	const void __user *data;
	u32 length;
	u32 prio;
	u32 type;
	bool nonblock;
	bool sync;
	struct mbox_deadline deadline;
	struct mbox_lane *lane;		/* that of the handle */
	struct mbox_share *share;	/* for the message, if it needs one; or NULL */
};

struct mbox_recv_args {
	void __user *data;
	size_t room;
	struct mbox_header __user *header;	/* or NULL */
	u32 header_size;		/* bytes of it that the caller knows */
	bool nonblock;
	bool peek;
	bool ended;			/* BY_START: the sender has, see sender.c */
	struct mbox_filter filter;
	struct mbox_deadline deadline;
	u64 turn;			/* looks again: keeps it; 0: has none yet */
	struct mbox_member *member;	/* whose call it is; NULL: not kept */
	struct mbox_sender *sender;	/* BY_START: watched; or NULL */
	u32 length;			/* out: of the message received */
};

struct mbox_ring_wait {
	u32 flags;			/* MBOX_WAIT_* */
	u32 side;			/* MBOX_RIGHT_RECV or MBOX_RIGHT_SEND */
	u64 seen;
	bool nonblock;
	struct mbox_deadline deadline;
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
};

/* What struct mbox_info does not have, for it is not told to who has a handle. */
struct mbox_stats {
	u64 sent_bytes;
	u64 purged;
	u64 refused;
	u64 peak;
	u64 peak_bytes;
	u64 blocked;
	u64 woken;
	u32 producer;			/* of a ring: process ids */
	u32 consumer;
};

/* cdev.c */
int mbox_cdev_init(void);
void mbox_cdev_exit(void);
long mbox_handle_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* handle.c */
struct file *mbox_handle_open(struct mbox *mbox, u32 rights, bool nonblock);
int mbox_handle_shutdown(struct mbox_handle *handle, u32 rights);
__poll_t mbox_handle_shut_events(const struct mbox_handle *handle);
struct mbox_handle *mbox_handle_after(struct mbox *mbox, u64 number);

/* mailbox.c */
int mbox_capacity_check(u32 capacity, u32 policy);
int mbox_attr_check(struct mbox_attr *attr);
struct mbox *mbox_mailbox_new(struct mbox_registry *registry, const char *name,
			      const struct mbox_attr *attr,
			      const struct cred *cred, u32 rights);
void mbox_mailbox_ref(struct mbox *mbox);
void mbox_mailbox_unref(struct mbox *mbox);
void mbox_mailbox_keep(struct mbox *mbox);
void mbox_mailbox_release(struct mbox *mbox);
int mbox_mailbox_attach(struct mbox *mbox, u32 rights);
void mbox_mailbox_renounce(struct mbox *mbox, u32 rights);
void mbox_mailbox_detach(struct mbox *mbox, u32 rights);
void mbox_mailbox_hang_up(struct mbox *mbox);
void mbox_mailbox_look(struct mbox *mbox, struct mbox_deferred *deferred);
umode_t mbox_mode_of(const struct file *file, kuid_t uid, kgid_t gid,
		     umode_t mode);
int mbox_mailbox_permit(struct mbox *mbox, struct file *file, u32 rights);
bool mbox_mailbox_owned(struct mbox *mbox, struct file *file);
bool mbox_mailbox_opener_privileged(struct mbox *mbox, struct file *file);
bool mbox_mailbox_caller_privileged(struct mbox *mbox);
__poll_t mbox_mailbox_poll(struct mbox_handle *handle);
void mbox_mailbox_info(struct mbox *mbox, const struct mbox_handle *handle,
		       struct mbox_info *info, struct mbox_stats *stats);
bool mbox_mode_sees(const struct file *file, struct mbox_registry *registry,
		    kuid_t uid, kgid_t gid, umode_t mode);
int mbox_mailbox_set(struct mbox *mbox, struct file *file,
		     const struct mbox_ioc_set *arg);

/* delete.c */
void mbox_mailbox_run(struct mbox *mbox, struct mbox_deferred *deferred);
void mbox_mailbox_die(struct mbox *mbox, int death,
		      struct mbox_deferred *deferred);
void mbox_mailbox_end_wait(struct mbox *mbox, struct mbox_waiter *waiter,
			   struct mbox_deferred *deferred);
int mbox_mailbox_delete(struct mbox *mbox, struct file *file,
			struct mbox_ioc_delete *arg);
int mbox_mailbox_purge(struct mbox *mbox, struct file *file, u64 *purged);

/* netlink.c */
int mbox_netlink_init(void);
void mbox_netlink_exit(void);

/* event.c */
int mbox_event_init(void);
void mbox_event_stop(void);
void mbox_event_exit(void);
void mbox_event_end(struct mbox_registry *registry);
void mbox_event_created(struct mbox *mbox);
void mbox_event_deleted(struct mbox *mbox);
void mbox_event_died(struct mbox *mbox, int death, u64 dropped);
void mbox_event_full(struct mbox *mbox);
void mbox_event_room(struct mbox *mbox);
void mbox_event_dropped(struct mbox *mbox, u64 n);
void mbox_event_quota(struct mbox *mbox);
void mbox_event_refused(struct mbox_registry *registry, kuid_t uid);

/* owner.c */
int mbox_owner_init(struct mbox *mbox);
void mbox_owner_exit(struct mbox *mbox);
void mbox_owner_look(struct mbox *mbox);
u32 mbox_owner_nr(const struct mbox_owner *owner);
bool mbox_owner_may_receive(const struct mbox *mbox);
int mbox_owner_hand_over(struct mbox *mbox, struct file *file,
			 const struct mbox_ioc_handover *arg);

/* member.c */
struct mbox_member *mbox_member_open(struct mbox *mbox);
void mbox_member_close(struct mbox_member *member);
void mbox_member_stop(void);
int mbox_member_enter(struct mbox *mbox, u32 right,
		      struct mbox_member **member);
void mbox_member_leave(struct mbox *mbox, u32 right,
		       struct mbox_member *member, int result);
void mbox_member_exit(struct mbox *mbox);
void mbox_member_sweep(struct mbox *mbox);
bool mbox_member_admits(struct mbox *mbox, u32 right);
void mbox_member_serve(struct mbox *mbox, struct mbox_member *member);
bool mbox_member_served_before(const struct mbox_member *a,
			       const struct mbox_member *b);

/* ring.c */
int mbox_ring_check(struct mbox_attr *attr);
int mbox_ring_init(struct mbox *mbox, struct file *factory, u64 size);
void mbox_ring_free(struct mbox *mbox);
void mbox_ring_die(struct mbox *mbox);
struct mbox_ring_holder *mbox_ring_hold(struct mbox *mbox, u32 rights);
void mbox_ring_leave(struct mbox_ring_holder *holder);
void mbox_ring_shut(struct mbox_handle *handle, u32 rights);
void mbox_ring_hang_up(struct mbox *mbox, struct mbox_deferred *deferred);
int mbox_ring_wait(struct mbox_handle *handle,
		   const struct mbox_ring_wait *args);
__poll_t mbox_ring_poll(struct mbox_handle *handle);
u64 mbox_ring_queued(const struct mbox *mbox);
void mbox_ring_info(const struct mbox *mbox, struct mbox_info *info);
u32 mbox_ring_side_nr(const struct mbox *mbox, u32 right);
int mbox_ring_mmap(struct mbox_handle *handle, struct vm_area_struct *vma);

/* link.c */
struct file *mbox_link_open(struct file *factory,
			    const struct mbox_ioc_link *arg, u32 msg_size);
struct file *mbox_inbox_open(struct file *factory, bool nonblock);
int mbox_inbox_set(struct mbox_handle *handle, const struct mbox_ioc_set *arg);
void mbox_link_release(struct mbox_handle *handle);
__poll_t mbox_link_poll(struct mbox_handle *handle, struct file *file,
			struct poll_table_struct *wait);
void mbox_link_info(struct mbox_handle *handle, struct mbox_info *info);

/* inbox.c */
void mbox_inbox_add(struct mbox_lane *lane, struct mbox_message *message);
void mbox_inbox_remove(struct mbox_lane *lane, struct mbox_message *message);
void mbox_inbox_skip(struct mbox_lane *lane, struct mbox_message *message,
		     struct mbox_message *next);
struct mbox_message *mbox_inbox_first(const struct mbox *inbox);
struct mbox_message *mbox_inbox_find(struct mbox *inbox,
				     struct mbox_cursor *cursor, bool *more);
u32 mbox_lane_capacity(const struct mbox_lane *lane);
bool mbox_lane_has_room(const struct mbox_lane *lane);

/* party.c */
int mbox_party_init(void);
void mbox_party_exit(void);
void mbox_link_get(struct mbox_link *link);
void mbox_link_put(struct mbox_link *link);
struct mbox_party *mbox_party_get(struct pid *pid, struct file *factory);
void mbox_party_put(struct mbox_party *party);
void mbox_party_unhold(struct mbox_party *party);
void mbox_party_leave(struct mbox_party *party);
void mbox_party_set_mode(struct mbox_party *party, umode_t mode);
void mbox_party_set_capacity(struct mbox_party *party, u32 capacity);
bool mbox_party_mode(struct pid *pid, umode_t *mode);
struct mbox_lane *mbox_lane_back(struct mbox_lane *lane);
bool mbox_link_invited(struct pid *self, struct pid *peer);
struct mbox_lane *mbox_link_join(struct mbox_party *self,
				 struct mbox_party *peer, u32 capacity,
				 u32 msg_size);
void mbox_link_invite(struct mbox_lane *in);
void mbox_link_leave(struct mbox_lane *in);
bool mbox_party_seen(const struct mbox_party *party, const struct file *file);
u32 mbox_parties_changes(void);
int mbox_links_visit(struct mbox_registry *registry, u64 *next,
		     unsigned int *seq,
		     int (*visit)(struct mbox_link *link, void *data),
		     void *data);
int mbox_parties_visit(struct mbox_registry *registry, u64 *next,
		       unsigned int *seq,
		       int (*visit)(struct mbox_party *party, void *data),
		       void *data);

/* deadlock.c */
int mbox_deadlock_enter(struct mbox_waiter *waiter, struct mbox_party *self,
			struct mbox_party *other,
			const struct mbox_deadline *deadline);
void mbox_deadlock_leave(struct mbox_waiter *waiter);

/* registry.c */
int mbox_registry_init(void);
void mbox_registry_exit(void);
struct mbox_registry *mbox_registry_get(struct net *net);
void mbox_registry_put(struct mbox_registry *registry);
struct mbox *mbox_registry_find(struct mbox_registry *registry,
				const char *name);
struct mbox *mbox_registry_next(struct mbox_registry *registry,
				unsigned long *id);
int mbox_registry_add(struct mbox *mbox, struct file *factory);
void mbox_registry_unname(struct mbox *mbox);
void mbox_registry_remove(struct mbox *mbox);

/* send.c */
int mbox_send(struct mbox_handle *handle, struct mbox_send_args *args);
struct mbox_user *mbox_send_charge(struct mbox_handle *handle,
				   struct mbox_send_args *args);
void mbox_send_short(struct mbox_handle *handle);
void mbox_send_deliver(struct mbox *mbox, struct mbox_message *message,
		       struct mbox_waiter *receiver,
		       struct mbox_deferred *deferred);
void mbox_send_put_back(struct mbox *mbox, struct mbox_message *message,
			struct mbox_deferred *deferred);
void mbox_send_admit(struct mbox *mbox, struct mbox_lane *lane,
		     struct mbox_deferred *deferred);
int mbox_send_refusal(const struct mbox *mbox);
void mbox_send_end(struct mbox *mbox, struct mbox_waiter *waiter, int error,
		   struct mbox_deferred *deferred);

/* receive.c */
int mbox_receive(struct mbox_handle *handle, struct mbox_recv_args *args);

/* sender.c */
int mbox_sender_look(struct mbox_recv_args *args);
const bool *mbox_sender_ended(struct mbox_sender *sender);
void mbox_sender_forget(struct mbox_sender *sender);

/* broadcast.c */
int mbox_broadcast_send(struct mbox_handle *handle,
			struct mbox_send_args *args);
const struct mbox_message *
mbox_broadcast_proper(const struct mbox_message *message);
void mbox_broadcast_put(struct mbox *mbox, struct mbox_message *message,
			struct mbox_deferred *deferred);
void mbox_broadcast_remove(struct mbox_subscription *sub,
			   struct mbox_message *message);
void mbox_broadcast_take(struct mbox_subscription *sub,
			 struct mbox_message *message);
void mbox_broadcast_give_up(struct mbox *mbox, struct mbox_message *message,
			    struct mbox_deferred *deferred);
void mbox_broadcast_put_back(struct mbox *mbox, struct mbox_message *message,
			     struct mbox_deferred *deferred);
struct mbox_message *mbox_broadcast_oldest(struct mbox_subscription *sub);
struct mbox_message *mbox_broadcast_new(struct mbox *mbox,
					struct mbox_message *message,
					struct mbox_message *proper,
					struct mbox_subscription *sub);
void mbox_broadcast_deliver(struct mbox *mbox, struct mbox_message *message,
			    struct mbox_deferred *deferred);
void mbox_broadcast_delivered(struct mbox *mbox, struct mbox_message *proper,
			      struct mbox_deferred *deferred);
void mbox_broadcast_lose(struct mbox *mbox, struct mbox_message *message,
			 int error, struct mbox_deferred *deferred);
bool mbox_broadcast_received(struct mbox *mbox, struct mbox_message *message,
			     struct mbox_deferred *deferred);
void mbox_broadcast_end(struct mbox *mbox, struct mbox_waiter *waiter,
			int error, struct mbox_deferred *deferred);
int mbox_broadcast_purge(struct mbox *mbox, u64 *purged);

/* cast.c */
struct mbox_cast *mbox_cast_new(void);
bool mbox_cast_is_due(const struct mbox *mbox,
		      const struct mbox_subscription *sub);
void mbox_cast_deliver_due(struct mbox *mbox, struct mbox_subscription *sub,
			   struct mbox_deferred *deferred);
void mbox_cast_catch_up(struct mbox *mbox, struct mbox_subscription *sub);
bool mbox_cast_has_room(struct mbox *mbox, const struct mbox_message *message);
bool mbox_cast_is_busy(const struct mbox *mbox);
void mbox_cast_refuse(struct mbox *mbox, struct mbox_waiter *sender);
void mbox_cast_begin(struct mbox *mbox, struct mbox_waiter *sender,
		     struct mbox_deferred *deferred);
bool mbox_cast_step(struct mbox *mbox, struct mbox_deferred *deferred);
void mbox_cast_run(struct mbox *mbox);
void mbox_cast_finish(struct mbox *mbox, struct mbox_deferred *deferred);
void mbox_cast_admit(struct mbox *mbox, struct mbox_deferred *deferred);
void mbox_cast_leave(struct mbox *mbox, struct mbox_subscription *sub,
		     struct mbox_deferred *deferred);
void mbox_cast_left(struct mbox *mbox, struct mbox_subscription *sub);
void mbox_cast_unlist(struct mbox *mbox, struct mbox_subscription *sub,
		      struct mbox_deferred *deferred);
void mbox_cast_forget(struct mbox *mbox, const struct mbox_waiter *sender);
void mbox_cast_die(struct mbox *mbox, struct mbox_deferred *deferred);

/* subscription.c */
struct mbox_subscription *mbox_subscription_new(void);
void mbox_subscription_begin(struct mbox *mbox, struct mbox_subscription *sub);
void mbox_subscription_end(struct mbox *mbox, struct mbox_subscription *sub);
void mbox_subscription_free(struct mbox *mbox, struct mbox_subscription *sub);
struct mbox_subscription *mbox_subscription_from(const struct mbox *mbox,
						 u64 number);
struct mbox_subscription *
mbox_subscription_next(const struct mbox_subscription *sub);
u64 mbox_subscription_held(const struct mbox *mbox,
			   const struct mbox_subscription *sub);
unsigned int mbox_subscription_lose(struct mbox *mbox,
				    struct mbox_subscription *sub,
				    unsigned int n, int error,
				    struct mbox_deferred *deferred);
unsigned int mbox_subscription_clear(struct mbox *mbox, unsigned int n,
				     struct mbox_deferred *deferred);

/* wait.c */
void mbox_waiter_init(struct mbox_waiter *waiter);
int mbox_waiter_block_receiver(struct mbox *mbox,
			       struct mbox_receivers *receivers,
			       struct mbox_waiter *waiter, u64 *turn,
			       struct mbox_deferred *deferred);
void mbox_waiter_block_sender(struct mbox *mbox, struct mbox_waiter *waiter);
void mbox_waiter_block_sync(struct mbox *mbox, struct mbox_waiter *waiter);
void mbox_waiter_await_receipt(struct mbox *mbox, struct mbox_waiter *waiter);
void mbox_waiter_block_side(struct mbox *mbox, struct list_head *waiters,
			    struct mbox_waiter *waiter);
int mbox_waiter_sleep(struct mbox_waiter *waiter,
		      const struct mbox_deadline *deadline);
bool mbox_waiter_ended(struct mbox *mbox, struct mbox_waiter *waiter,
		       struct mbox_deferred *deferred);
struct mbox_waiter *mbox_waiter_first(const struct mbox *mbox);
void mbox_waiter_wake_late(struct mbox *mbox, struct mbox_deferred *deferred);
void mbox_waiter_cancel(struct mbox *mbox, struct mbox_waiter *waiter);
void mbox_waiter_complete(struct mbox *mbox, struct mbox_waiter *waiter,
			  int error, struct mbox_deferred *deferred);
bool mbox_waiter_suits(const struct mbox_waiter *receiver,
		       const struct mbox_message *message);
struct mbox_waiter *mbox_waiter_first_sender(struct mbox *mbox,
					     struct mbox_lane *lane);
void mbox_waiter_hand_over(struct mbox *mbox, struct mbox_waiter *receiver,
			   struct mbox_message *message,
			   struct mbox_deferred *deferred);
void mbox_waiter_tell(struct mbox *mbox, struct mbox_receivers *receivers,
		      const struct mbox_message *message,
		      struct mbox_deferred *deferred);
struct mbox_message *mbox_waiter_find_pending(struct mbox *mbox,
					      struct mbox_cursor *cursor);
void mbox_waiter_accepted(struct mbox *mbox, struct mbox_message *message,
			  struct mbox_deferred *deferred);
int __mbox_deadline_set(struct mbox_deadline *deadline, u32 clock, s64 ns);

/* Set a deadline from its form in the ABI. 0 or EINVAL. */
static inline int mbox_deadline_set(struct mbox_deadline *deadline, u32 clock,
				    s64 ns)
{
	deadline->set = false;
	if (clock == MBOX_CLOCK_NONE && !ns)
		return 0;
	return __mbox_deadline_set(deadline, clock, ns);
}

/* receivers.c */
void mbox_receivers_init(struct mbox_receivers *receivers);
int mbox_receivers_add(const struct mbox *mbox,
		       struct mbox_receivers *receivers,
		       struct mbox_waiter *waiter);
void mbox_receivers_remove(struct mbox_waiter *waiter);
struct mbox_waiter *mbox_receivers_choose(const struct mbox *mbox,
					  struct mbox_receivers *receivers,
					  const struct mbox_message *message);
struct mbox_waiter *mbox_receivers_of_lane(struct mbox_receivers *receivers,
					   struct mbox_lane *lane);
bool mbox_receivers_any(struct mbox_receivers *receivers,
			const struct mbox_message *message);
void mbox_receivers_tell(struct mbox *mbox, struct mbox_receivers *receivers,
			 const struct mbox_message *message,
			 struct mbox_deferred *deferred);
void mbox_receivers_tell_on(struct mbox *mbox, struct mbox_deferred *deferred);

/* policy.c */
struct mbox_waiter *mbox_policy_choose(const struct mbox *mbox,
				       const struct list_head *receivers,
				       const struct mbox_message *message);

/* queue.c */
bool mbox_message_before(const struct mbox_message *a,
			 const struct mbox_message *b);
struct mbox_message *mbox_queue_next(struct mbox_queue *queue,
				     struct mbox_message *message);
void mbox_queue_init(struct mbox_queue *queue);
void mbox_queue_insert(struct mbox_queue *queue, struct mbox_message *message);
void mbox_queue_remove(struct mbox_queue *queue, struct mbox_message *message);
void mbox_queue_take(struct mbox_queue *queue, struct mbox_message *message);
void mbox_queue_put_back(struct mbox_queue *queue,
			 struct mbox_message *message);
void mbox_queue_remove_taken(struct mbox_queue *queue,
			     struct mbox_message *message);
void mbox_cursor_init(struct mbox_cursor *cursor, struct mbox_queue *queue,
		      const struct mbox_filter *filter);
struct mbox_message *mbox_queue_find(struct mbox_queue *queue,
				     struct mbox_cursor *cursor);
bool mbox_queue_has_room(const struct mbox *mbox, const struct mbox_lane *lane,
			 u32 length);
void mbox_queue_accept(struct mbox *mbox, struct mbox_message *message);
void mbox_queue_release(struct mbox *mbox, const struct mbox_message *message);
bool mbox_filter_pass(const struct mbox_filter *filter,
		      const struct mbox_message *message);

/* message.c */
int mbox_message_init(void);
void mbox_message_exit(void);
struct mbox_message *mbox_message_new(u32 length);
struct mbox_message *mbox_slot_take(struct mbox *mbox);
void mbox_message_set(struct mbox_message *message, struct mbox_user *user,
		      const struct mbox_send_args *args);
int mbox_message_fill(struct mbox_message *message, const void __user *data);
bool mbox_message_fill_atomic(struct mbox_message *message,
			      const void __user *data);
void mbox_message_put(struct mbox *mbox, struct mbox_message *message,
		      struct mbox_deferred *deferred);
void mbox_message_free(struct mbox_message *message);
void mbox_message_free_all(struct mbox_message *trash);
void mbox_slot_push(struct mbox_message **stack, struct mbox_message *slot);
struct mbox_message *mbox_slot_pop(struct mbox_message **stack);
struct mbox_message *mbox_slot_end(struct mbox *mbox);
void mbox_slot_free_all(struct mbox_message *slots);
void mbox_message_header(const struct mbox_message *message,
			 struct mbox_header *header);

/* share.c */
struct mbox_share *mbox_share_new(void);
void mbox_share_free(struct mbox_share *share);
int mbox_share_take(struct mbox *mbox, struct mbox_message *message, s64 more,
		    struct mbox_share **fresh);
bool mbox_share_has_room(struct mbox *mbox, const struct mbox_user *user,
			 s64 need);
void mbox_share_add(struct mbox *mbox, struct mbox_message *message);
void mbox_share_drop(struct mbox *mbox, struct mbox_message *message);

/* user.c */
int mbox_user_init(void);
void mbox_user_exit(void);
s64 mbox_user_cost(u32 length);
s64 mbox_user_left(const struct mbox_user *user);
bool mbox_user_add_slots(struct mbox_user *user, int n);
void mbox_user_remove_slots(struct mbox_user *user, int n);
struct mbox_user *mbox_user_get(kuid_t uid);
void mbox_user_put(struct mbox_user *user);
void mbox_user_ref(struct mbox_user *user);
int mbox_user_charge(struct mbox_user *user, u32 length, bool unlimited);
void mbox_user_uncharge(struct mbox_user *user, u32 length);
int mbox_user_charge_slots(struct mbox_user *user, u32 n, bool unlimited);
void mbox_user_uncharge_slots(struct mbox_user *user, u32 n);
int mbox_user_charge_ring(struct mbox_user *user, struct file *factory,
			  u64 size);
void mbox_user_uncharge_ring(struct mbox_user *user, u64 size);
int mbox_user_add_mailbox(struct mbox_user *user, struct file *factory);
void mbox_user_remove_mailbox(struct mbox_user *user);
u64 mbox_user_need(u32 length, u32 slots);
bool mbox_user_has_room(const struct mbox_user *user, u64 need, bool unlimited);
bool mbox_user_tight(const struct mbox_user *user, u64 need, bool unlimited);
bool mbox_user_idle(const struct mbox_user *user);
void mbox_user_begin_short(struct mbox_user *user);
void mbox_user_end_short(struct mbox_user *user);

/* shortage.c */
void mbox_shortage_exit(void);
void mbox_shortage_eased(void);
bool mbox_shortage_none(struct mbox_handle *handle, u32 length, u32 slots);
void mbox_shortage_forget(struct mbox_handle *handle);

/* watch.c */
int mbox_watch_init(void);
u64 mbox_watch_ends(void);
void mbox_watch_exit(void);
struct pid *mbox_process_get(u32 nr);
struct pid *mbox_process_find(u32 nr, u64 start);
bool mbox_process_ended(struct pid *pid);
u32 mbox_process_nr(struct pid *pid);
const struct cred *mbox_process_cred(struct pid *pid);
int mbox_process_signal(struct pid *pid);
struct mbox_watch *mbox_watch_new(struct pid *pid, void (*ended)(void *data),
				  void *data);
bool mbox_watch_cancel(struct mbox_watch *watch);

/*
 * The start time of a process, by its leader: no other process that ever had the
 * same number has the same. Nanoseconds of CLOCK_BOOTTIME, without the offset of
 * a time namespace, so that it is one number for all. exec() keeps it.
 */
static inline u64 mbox_process_start(const struct task_struct *leader)
{
	return leader->start_boottime;
}

/* Whether a handle on a link or an inbox is used by another process than its own. */
static inline bool mbox_handle_foreign(const struct mbox_handle *handle)
{
	return handle->party && handle->party->pid != task_tgid(current);
}

/* How many handles a message that is sent to @mbox is delivered to; else 0. */
static inline u32 mbox_mailbox_subscriptions(const struct mbox *mbox)
{
	return mbox->cast ? READ_ONCE(mbox->cast->nr_subscriptions) : 0;
}

/* The queue in which @message is, or will be. */
static inline struct mbox_queue *
mbox_queue_of(struct mbox *mbox, const struct mbox_message *message)
{
	return unlikely(message->lane) ? &message->lane->queue : &mbox->queue;
}

/*
 * Under the lock: whether no process has the right to send, or to receive, and
 * none can get it, for good.
 */
static inline bool mbox_mailbox_nobody(const struct mbox *mbox, u32 right)
{
	if (right == MBOX_RIGHT_RECV)
		return !mbox->recv_handles && !mbox->reachable;
	return !mbox->send_handles &&
	       !(mbox->reachable && mbox->state == MBOX_STATE_LIVE);
}

/* The receiver that is given @message, or NULL if there is none. */
static inline struct mbox_waiter *
mbox_waiter_receiver_for(struct mbox *mbox, const struct mbox_message *message)
{
	lockdep_assert_held(&mbox->lock);
	if (likely(!mbox->nr_receivers))
		return NULL;
	return mbox_receivers_choose(mbox, &mbox->receivers, message);
}

/* Whether no send waits for room, in any lane. */
static inline bool mbox_waiter_no_senders(const struct mbox *mbox)
{
	return likely(RB_EMPTY_ROOT(&mbox->senders.rb_root));
}

/* What a call gets that cannot be made for the state of @mbox. */
static inline int mbox_mailbox_gone(const struct mbox *mbox)
{
	/* death is written before the state is, and once. */
	return smp_load_acquire(&mbox->state) == MBOX_STATE_DEAD ?
	       READ_ONCE(mbox->death) : -EIDRM;
}

/*
 * Begin a section under the lock. Sections may end in another function than the
 * one that began them, which sparse cannot follow: for it they are balanced.
 */
static inline void mbox_mailbox_lock(struct mbox *mbox,
				     struct mbox_deferred *deferred)
{
	deferred->nr_tasks = 0;
	deferred->events = 0;
	deferred->died = false;
	deferred->admit = false;
	deferred->telling = false;
	INIT_HLIST_HEAD(&deferred->late);
	deferred->trash = NULL;
	spin_lock(&mbox->lock);
	__release(&mbox->lock);
}

/**
 * mbox_mailbox_unlock - end a section under the lock, and do what it deferred
 * @mbox:	locked
 * @deferred:	filled in during the section
 *
 * May sleep where a message was freed or the mailbox died. A poller puts itself
 * into the queue and then looks at the mailbox under the lock: either it saw
 * what this section did, or is seen here.
 */
static inline void mbox_mailbox_unlock(struct mbox *mbox,
				       struct mbox_deferred *deferred)
{
	bool polled;

	__acquire(&mbox->lock);
	spin_unlock(&mbox->lock);
	/* No barrier: pollers take the lock, see above. */
	polled = deferred->events && waitqueue_active(&mbox->poll);
	if (unlikely(polled || deferred->nr_tasks || deferred->trash ||
		     deferred->died || deferred->admit))
		mbox_mailbox_run(mbox, deferred);
}

#endif /* MBOX_H */
