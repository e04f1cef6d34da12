/* SPDX-License-Identifier: GPL-2.0-only */
/* Links: processes that communicate directly, their lanes and inboxes. */
#ifndef MBOX_LINK_H
#define MBOX_LINK_H

#include <linux/atomic.h>
#include <linux/pid.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "mbox.h"
#include "message.h"
#include "queue.h"

struct file;
struct mbox_deadline;
struct mbox_registry;
struct mbox_watch;
struct mbox_waiter;
struct poll_table_struct;

/*
 * One direction of a link: the messages of one process to another. They are in the
 * inbox of the other, with those of other lanes. A lane has a capacity as a mailbox
 * has.
 */
struct mbox_lane {
	struct mbox_link *link;		/* constant: it is part of this link */
	struct mbox_endpoint *from;	/* constant; exists as long as there is a
					 * handle
					 */
	struct mbox_endpoint *to;	/* likewise; its inbox->lock is "lock" */
	struct mbox_room room;		/* lock; capacity and msg_size: constant */
	struct rb_node node;		/* mbox_links_lock: to->lanes, by from */
	u64 queued;			/* lock: of room.held, not in flight */
	struct mbox *inbox;		/* constant; there while it has messages */
	struct mbox_queue queue;	/* lock */
	struct mbox_message *first;	/* lock: not being taken; or NULL */
	struct rb_node ranked;		/* lock: inbox->inbox->lanes, if there is a first */
	struct rb_node numbered;	/* lock: inbox->inbox->numbered, likewise */
	bool ended;			/* lock: nothing will come any more */
	bool opened;			/* mbox_links_lock: by @to, a handle to receive */
};

/* The part that only an inbox has: its lanes with messages. Guarded by its lock. */
struct mbox_inbox {
	struct rb_root_cached lanes;	/* by their first message: inbox.c */
	struct rb_root numbered;	/* by number */
};

/* An entry of a list of all links, or all endpoints, which dumps visit by number. */
struct mbox_listed {
	struct rb_node node;		/* mbox_links_lock */
	u64 number;			/* constant once listed; grows */
};

struct mbox_list {
	struct rb_root tree;		/* mbox_links_lock: struct mbox_listed */
	u32 changes;			/* mbox_links_lock: entries that came or went; never 0 */
	/* Under the lock: get references to an entry that belongs to @registry. */
	bool (*get)(struct mbox_listed *entry,
		    const struct mbox_registry *registry);
	/* Put them. May sleep. */
	void (*put)(struct mbox_listed *entry);
};

/* The objects that a section under mbox_links_lock leaves to be released after it. */
struct mbox_leaving {
	struct mbox_link *links;	/* unlisted, linked through leaving */
	struct mbox_endpoint *endpoints; /* forgotten, likewise */
};

/*
 * A link: two lanes, one to each process. Listed, and found by its two endpoints,
 * until one of them ends, or until nobody has a handle on it and no message is in
 * it. Its memory stays as long as a handle or a message refers to it.
 *
 * References: one while it is listed, one of each handle, one of each message.
 * While it is listed it holds both endpoints.
 */
struct mbox_link {
	struct mbox_listed listing;	/* of mbox_link_list, while listed */
	bool listed;			/* mbox_links_lock */
	refcount_t refs;
	atomic_t handles;		/* open, on either side; to and from 0
					 * under mbox_links_lock
					 */
	struct mbox_link *leaving;	/* of the section that unlisted it */
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
struct mbox_endpoint {
	struct rb_node by_pid;		/* mbox_links_lock: while known */
	struct mbox_listed listing;	/* of mbox_endpoint_list, likewise */
	bool known;			/* mbox_links_lock */
	bool ended;			/* mbox_links_lock: the process did */
	bool has_mode;			/* mbox_links_lock: inbox->mode applies to
					 * senders
					 */
	unsigned int openers;		/* mbox_links_lock: calls that need it known */
	struct rb_root lanes;		/* mbox_links_lock: that lead here */
	refcount_t refs;
	struct pid *pid;		/* constant, counted: thread group */
	struct mbox *inbox;		/* constant, counted */
	struct mbox_watch *watch;	/* constant; cancelled when it is forgotten */
	struct work_struct end;
	struct mbox_endpoint *leaving;	/* of the section that forgot it */
	struct mbox_endpoint *waits_for;	/* without lock, see deadlock.c */
	u32 wait_nr;			/* likewise: of the last of these edges */
	struct rcu_head rcu;
};

/* links.c */
extern spinlock_t mbox_links_lock;
void mbox_links_begin(struct mbox_leaving *leaving)
	__acquires(&mbox_links_lock);
void mbox_links_end(struct mbox_leaving *leaving)
	__releases(&mbox_links_lock);
void mbox_links_add(struct mbox_list *list, struct mbox_listed *entry, u64 number);
void mbox_links_remove(struct mbox_list *list, struct mbox_listed *entry);
u32 mbox_links_changes(const struct mbox_list *list);
struct mbox_listed *mbox_links_find(const struct mbox_list *list,
				    struct mbox_registry *registry, u64 number);
int mbox_links_visit(const struct mbox_list *list,
		     struct mbox_registry *registry, u64 *next,
		     unsigned int *seq,
		     int (*visit)(struct mbox_listed *entry, void *data),
		     void *data);

/* endpoint.c */
extern struct mbox_list mbox_endpoint_list;
int mbox_endpoint_init(void);
void mbox_endpoint_exit(void);
struct mbox_endpoint *mbox_endpoint_find(struct pid *pid);
struct mbox_endpoint *mbox_endpoint_get(struct pid *pid, struct file *factory);
void mbox_endpoint_put(struct mbox_endpoint *endpoint);
void mbox_endpoint_unhold(struct mbox_endpoint *endpoint);
void mbox_endpoint_tidy(struct mbox_endpoint *endpoint,
			struct mbox_leaving *leaving);
void mbox_endpoint_drop(struct mbox_endpoint *endpoint);
void mbox_endpoint_leave(struct mbox_endpoint *endpoint);
void mbox_endpoint_set_mode(struct mbox_endpoint *endpoint, umode_t mode);
void mbox_endpoint_set_capacity(struct mbox_endpoint *endpoint, u32 capacity);
int mbox_endpoint_purge(struct mbox_registry *registry, u64 id, struct file *file,
			u64 *purged);
bool mbox_endpoint_mode(struct pid *pid, umode_t *mode);

/* link.c */
extern struct mbox_list mbox_link_list;
void mbox_link_get(struct mbox_link *link);
void mbox_link_put(struct mbox_link *link);
struct mbox_lane *mbox_lane_back(struct mbox_lane *lane);
struct mbox_lane *mbox_lane_after(const struct mbox_endpoint *to,
				  const struct mbox_endpoint *from);
bool mbox_link_invited(struct pid *self, struct pid *peer);
struct mbox_lane *mbox_link_join(struct mbox_endpoint *self,
				 struct mbox_endpoint *peer, u32 capacity,
				 u32 msg_size);
void mbox_link_invite(struct mbox_lane *in);
void mbox_link_leave(struct mbox_lane *in);
void mbox_link_tidy(struct mbox_link *link, struct mbox_leaving *leaving);
bool mbox_link_end_one(struct mbox_endpoint *endpoint);

/* inbox.c */
void mbox_inbox_add(struct mbox_lane *lane, struct mbox_message *message);
void mbox_inbox_remove(struct mbox_lane *lane, struct mbox_message *message);
void mbox_inbox_skip(struct mbox_lane *lane, struct mbox_message *message,
		     struct mbox_message *next);
struct mbox_message *mbox_inbox_first(const struct mbox *inbox);
struct mbox_lane *mbox_inbox_lane_after(const struct mbox *inbox, u64 number);
struct mbox_message *mbox_inbox_find(struct mbox *inbox,
				     struct mbox_cursor *cursor, bool *more);

/* deadlock.c */
int mbox_deadlock_enter(struct mbox_waiter *waiter, struct mbox_endpoint *self,
			struct mbox_endpoint *other,
			const struct mbox_deadline *deadline);
void mbox_deadlock_leave(struct mbox_waiter *waiter);

/* direct.c */
struct file *mbox_direct_open_link(struct file *factory,
				   const struct mbox_ioc_link *arg, u32 msg_size);
struct file *mbox_direct_open_inbox(struct file *factory, bool nonblock);
int mbox_direct_set(struct mbox_handle *handle, const struct mbox_ioc_set *arg);
void mbox_direct_release(struct mbox_handle *handle);
__poll_t mbox_direct_poll(struct mbox_handle *handle, struct file *file,
			  struct poll_table_struct *wait);
void mbox_direct_info_process(const struct mbox_endpoint *endpoint,
			      struct mbox_info *info);
void mbox_direct_info(const struct mbox_handle *handle, struct mbox_info *info);

/* Whether a handle on a link or an inbox is used by another process than its own. */
static inline bool mbox_handle_foreign(const struct mbox_handle *handle)
{
	return handle->endpoint && handle->endpoint->pid != task_tgid(current);
}

#endif /* MBOX_LINK_H */
