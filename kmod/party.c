// SPDX-License-Identifier: GPL-2.0-only
/* Processes that take part in direct communication, and the links between them. */
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "mbox.h"

/* Who takes part, and what links them: see LOCKS. */
DEFINE_MUTEX(mbox_links_lock);
static DEFINE_HASHTABLE(parties, 10);	/* mbox_links_lock: known ones, by pid */
static DEFINE_HASHTABLE(links, 10);	/* mbox_links_lock: listed ones */
static u32 link_changes = 1;		/* mbox_links_lock: links that came or went */
static u32 party_changes = 1;		/* mbox_links_lock: parties likewise */

/* Whoever goes through links or parties may have missed some. Never 0. */
static void count_change(u32 *changes)
{
	WRITE_ONCE(*changes, *changes + 1 ?: 1);
}

void mbox_link_get(struct mbox_link *link)
{
	refcount_inc(&link->refs);
}

/* Also under a lock. */
void mbox_link_put(struct mbox_link *link)
{
	if (refcount_dec_and_test(&link->refs))
		kfree(link);
}

/* The other direction. */
struct mbox_lane *mbox_lane_back(struct mbox_lane *lane)
{
	struct mbox_link *link = lane->link;

	return lane == &link->lanes[0] ? &link->lanes[1] : &link->lanes[0];
}

/* May sleep. */
void mbox_party_put(struct mbox_party *party)
{
	if (!refcount_dec_and_test(&party->refs))
		return;
	put_pid(party->pid);
	mbox_mailbox_unref(party->inbox);
	kfree(party);
}

/* A known party is known no more: its process ended, or nobody needs it. */
static void party_forget(struct mbox_party *party)
{
	hash_del(&party->node);
	count_change(&party_changes);
	mbox_user_remove_mailbox(party->inbox->creator);
	if (mbox_watch_cancel(party->watch))
		mbox_party_put(party);
	mbox_party_put(party);
	/* Our caller holds the module too, or is waited for when it goes. */
	module_put(THIS_MODULE);
}

/* Forget a party that nobody needs any more. The caller has a reference. */
void mbox_party_tidy(struct mbox_party *party)
{
	struct mbox *inbox = party->inbox;
	bool needed;

	lockdep_assert_held(&mbox_links_lock);
	if (!hash_hashed(&party->node) || !list_empty(&party->lanes))
		return;
	spin_lock(&inbox->lock);
	needed = inbox->handles || inbox->held;
	spin_unlock(&inbox->lock);
	if (!needed)
		party_forget(party);
}

static void link_unlist(struct mbox_link *link)
{
	struct mbox_party *one = link->lanes[0].to, *other = link->lanes[1].to;

	hash_del(&link->node);
	count_change(&link_changes);
	list_del(&link->lanes[0].node);
	list_del(&link->lanes[1].node);
	mbox_party_tidy(one);
	mbox_party_tidy(other);
	mbox_party_put(one);
	mbox_party_put(other);
	mbox_link_put(link);
}

static bool lane_empty(struct mbox_lane *lane)
{
	bool empty;

	spin_lock(&lane->to->inbox->lock);
	empty = !lane->held;
	spin_unlock(&lane->to->inbox->lock);
	return empty;
}

/* End a link that nobody has a handle on, and that has no messages. */
void mbox_link_tidy(struct mbox_link *link)
{
	lockdep_assert_held(&mbox_links_lock);
	if (hash_hashed(&link->node) && !link->handles &&
	    lane_empty(&link->lanes[0]) && lane_empty(&link->lanes[1]))
		link_unlist(link);
}

/* Nothing will come by @lane any more: whoever waits for it has waited in vain. */
static void lane_end(struct mbox_lane *lane)
{
	struct mbox *inbox = lane->to->inbox;
	struct mbox_deferred deferred;
	struct mbox_waiter *waiter;
	unsigned int n;

	do {
		mbox_mailbox_lock(inbox, &deferred);
		/* From here on no receive begins to wait for it. */
		lane->ended = true;
		for (n = 0; n < MBOX_END_BATCH; n++) {
			waiter = mbox_receivers_of_lane(&inbox->receivers, lane);
			if (!waiter)
				break;
			mbox_waiter_complete(inbox, waiter, -EOWNERDEAD,
					     &deferred);
		}
		deferred.events |= EPOLLHUP | EPOLLERR;
		mbox_mailbox_unlock(inbox, &deferred);
	} while (n == MBOX_END_BATCH);
}

/* From the watch: the process is gone. */
static void party_ended(void *data)
{
	struct mbox_party *party = data;
	struct mbox_deferred deferred;
	struct mbox_lane *lane;

	/* First: where a receive gets EOWNERDEAD, so does a send. */
	mbox_mailbox_lock(party->inbox, &deferred);
	mbox_mailbox_die(party->inbox, -EOWNERDEAD, &deferred);
	mbox_mailbox_unlock(party->inbox, &deferred);

	mutex_lock(&mbox_links_lock);
	if (hash_hashed(&party->node))
		party_forget(party);
	while ((lane = list_first_entry_or_null(&party->lanes,
						struct mbox_lane, node))) {
		lane_end(mbox_lane_back(lane));
		link_unlist(lane->link);
		cond_resched();
	}
	mutex_unlock(&mbox_links_lock);
	mbox_party_put(party);
}

struct mbox_party *mbox_party_find(struct pid *pid)
{
	struct mbox_party *party;

	lockdep_assert_held(&mbox_links_lock);
	hash_for_each_possible(parties, party, node, (unsigned long)pid) {
		if (party->pid == pid)
			return party;
	}
	return NULL;
}

/* An inbox that is charged to the factory's opener. */
static struct mbox *inbox_new(struct file *factory)
{
	static const char no_name[MBOX_NAME_SIZE];
	static const struct mbox_attr attr = {
		.lifetime = MBOX_LIFETIME_PROCESS,
		.capacity = MBOX_CAPACITY_UNBOUNDED,
	};
	struct mbox *inbox;
	int error;

	inbox = mbox_mailbox_new(factory->private_data, no_name, &attr,
				 factory->f_cred, 0);
	if (IS_ERR(inbox))
		return inbox;
	inbox->inbox = true;
	inbox->common = false;
	inbox->handles = 0;
	error = mbox_user_add_mailbox(inbox->creator, factory);
	if (error) {
		mbox_mailbox_unref(inbox);
		return ERR_PTR(error);
	}
	return inbox;
}

/* A party that becomes known. References: of the table, and of the watch. */
static struct mbox_party *party_new(struct pid *pid, struct file *factory)
{
	struct mbox_party *party;
	struct mbox_watch *watch;
	struct mbox *inbox;

	party = kzalloc(sizeof(*party), GFP_KERNEL_ACCOUNT);
	if (!party)
		return ERR_PTR(-ENOMEM);
	inbox = inbox_new(factory);
	if (IS_ERR(inbox)) {
		kfree(party);
		return ERR_CAST(inbox);
	}
	refcount_set(&party->refs, 2);
	party->pid = get_pid(pid);
	party->inbox = inbox;
	INIT_LIST_HEAD(&party->lanes);
	watch = mbox_watch_new(pid, party_ended, party);
	if (IS_ERR(watch)) {
		mbox_user_remove_mailbox(inbox->creator);
		mbox_party_put(party);
		mbox_party_put(party);
		return ERR_CAST(watch);
	}
	/* If it ends just now, that waits for the lock. */
	party->watch = watch;
	hash_add(parties, &party->node, (unsigned long)pid);
	count_change(&party_changes);
	__module_get(THIS_MODULE);
	return party;
}

/* The party of a process, made if need be, with a reference of the caller's. */
struct mbox_party *mbox_party_get(struct pid *pid, struct file *factory)
{
	struct mbox_party *party;

	party = mbox_party_find(pid);
	if (!party)
		party = party_new(pid, factory);
	if (!IS_ERR(party))
		refcount_inc(&party->refs);
	return party;
}

/* Of the link between two parties; the same for either. */
static unsigned long link_key(const struct mbox_party *one,
			      const struct mbox_party *other)
{
	return (unsigned long)one ^ (unsigned long)other;
}

/* The lane from one party to another, or NULL. */
struct mbox_lane *mbox_lane_find(struct mbox_party *from,
				 struct mbox_party *to)
{
	struct mbox_link *link;

	hash_for_each_possible(links, link, node, link_key(from, to)) {
		struct mbox_lane *lane = link->lanes;

		if (lane->from == from && lane->to == to)
			return lane;
		if (lane->from == to && lane->to == from)
			return mbox_lane_back(lane);
	}
	return NULL;
}

static void lane_init(struct mbox_lane *lane, struct mbox_link *link,
		      struct mbox_party *from, struct mbox_party *to,
		      u32 capacity, u32 msg_size)
{
	struct mbox *inbox = to->inbox;

	lane->link = link;
	lane->from = from;
	lane->to = to;
	lane->capacity = capacity;
	lane->msg_size = msg_size;
	lane->senders = RB_ROOT_CACHED;
	list_add_tail(&lane->node, &to->lanes);
	spin_lock(&inbox->lock);
	inbox->msg_size = max(inbox->msg_size, msg_size);
	spin_unlock(&inbox->lock);
}

/* A new link; returns the lane from @self. */
struct mbox_lane *mbox_link_new(struct mbox_party *self,
				struct mbox_party *peer, u32 capacity,
				u32 msg_size)
{
	struct mbox_link *link;

	link = kzalloc(sizeof(*link), GFP_KERNEL_ACCOUNT);
	if (!link)
		return ERR_PTR(-ENOMEM);
	refcount_set(&link->refs, 1);
	refcount_inc(&self->refs);
	refcount_inc(&peer->refs);
	lane_init(&link->lanes[0], link, self, peer, capacity, msg_size);
	lane_init(&link->lanes[1], link, peer, self, capacity, msg_size);
	hash_add(links, &link->node, link_key(self, peer));
	count_change(&link_changes);
	return &link->lanes[0];
}

/* Another number whenever a party came or went meanwhile. */
u32 mbox_parties_changes(void)
{
	return READ_ONCE(party_changes);
}

/* Whether @file's opener may know of a process' direct communication. */
bool mbox_party_seen(const struct mbox_party *party, const struct file *file)
{
	const struct cred *cred = mbox_process_cred(party->pid);
	bool seen = false;

	if (cred) {
		seen = uid_eq(cred->euid, file->f_cred->euid) ||
		       uid_eq(cred->uid, file->f_cred->euid);
		put_cred(cred);
	}
	/* The caller counts if he is of the same user: the opener reads it too. */
	return seen ||
	       (party->pid == task_tgid(current) &&
		uid_eq(current_euid(), file->f_cred->euid)) ||
	       file_ns_capable(file, party->inbox->registry->user_ns,
			       CAP_IPC_OWNER);
}

/* A visit of all links or of all parties. */
struct walk {
	struct mbox_registry *registry;
	struct mbox_place *place;
	int (*visit_link)(struct mbox_link *link, void *data);
	int (*visit_party)(struct mbox_party *party, void *data);
	void *data;
};

/* The links of one bucket of the table, from place->skip on. */
static int walk_links(const struct walk *walk)
{
	struct mbox_place *place = walk->place;
	struct mbox_link *link;
	unsigned int n = 0;
	int error;

	hlist_for_each_entry(link, &links[place->bucket], node) {
		if (n++ < place->skip)
			continue;
		if (link->lanes[0].to->inbox->registry == walk->registry ||
		    link->lanes[1].to->inbox->registry == walk->registry) {
			error = walk->visit_link(link, walk->data);
			if (error)
				return error;
		}
		place->skip = n;
	}
	return 0;
}

static int walk_parties(const struct walk *walk)
{
	struct mbox_place *place = walk->place;
	struct mbox_party *party;
	unsigned int n = 0;
	int error;

	hlist_for_each_entry(party, &parties[place->bucket], node) {
		if (n++ < place->skip)
			continue;
		if (party->inbox->registry == walk->registry) {
			error = walk->visit_party(party, walk->data);
			if (error)
				return error;
		}
		place->skip = n;
	}
	return 0;
}

/*
 * Go through a table of @size buckets, the lock being held for one at a time: only in
 * the one with which a visit goes on can anything be missed. So it is then that
 * @seq, to which @changes are added, has to be right.
 */
static int walk_buckets(const struct walk *walk, unsigned int size,
			int (*bucket)(const struct walk *walk),
			const u32 *changes, unsigned int *seq)
{
	struct mbox_place *place = walk->place;
	unsigned int first = place->bucket;
	unsigned int others = *seq;
	int error = 0;

	*seq = others + READ_ONCE(*changes) ?: 1;
	while (!error && place->bucket < size) {
		mutex_lock(&mbox_links_lock);
		if (place->bucket == first)
			*seq = others + *changes ?: 1;
		error = bucket(walk);
		mutex_unlock(&mbox_links_lock);
		cond_resched();
		if (!error) {
			place->bucket++;
			place->skip = 0;
		}
	}
	return error;
}

/**
 * mbox_links_visit - go through the links of a network namespace
 * @registry:	whose: one of the two processes first used it there
 * @place:	where to begin; set to the link for which @visit failed
 * @seq:	added to it is a number that changes when links come or go; never 0
 *		then
 * @visit:	called under mbox_links_lock; an error ends the visit
 * @data:	for @visit
 *
 * Return: 0, or what @visit failed with.
 */
int mbox_links_visit(struct mbox_registry *registry, struct mbox_place *place,
		     unsigned int *seq,
		     int (*visit)(struct mbox_link *link, void *data),
		     void *data)
{
	const struct walk walk = {
		.registry = registry, .place = place, .visit_link = visit,
		.data = data,
	};

	return walk_buckets(&walk, HASH_SIZE(links), walk_links, &link_changes,
			    seq);
}

/* The same of the processes that take part. */
int mbox_parties_visit(struct mbox_registry *registry, struct mbox_place *place,
		       unsigned int *seq,
		       int (*visit)(struct mbox_party *party, void *data),
		       void *data)
{
	const struct walk walk = {
		.registry = registry, .place = place, .visit_party = visit,
		.data = data,
	};

	return walk_buckets(&walk, HASH_SIZE(parties), walk_parties,
			    &party_changes, seq);
}
