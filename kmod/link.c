// SPDX-License-Identifier: GPL-2.0-only
/* Direct communication: processes, the links between them, and their inboxes. */
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "mbox.h"

/*
 * A link: two lanes, one to each process. Listed, and found by its two parties,
 * until one of them ends, or until nobody has a handle on it and no message is in
 * it. Its memory stays as long as a handle or a message refers to it.
 *
 * References: one while it is listed, one of each handle, one of each message.
 * While it is listed it holds both parties.
 */
struct mbox_link {
	struct hlist_node node;		/* links_lock: listed, or unhashed */
	refcount_t refs;
	unsigned int handles;		/* links_lock: open, on either side */
	struct mbox_lane lanes[2];
};

static DEFINE_MUTEX(links_lock);
static DEFINE_HASHTABLE(parties, 10);	/* links_lock: known ones, by pid */
static DEFINE_HASHTABLE(links, 10);	/* links_lock: listed ones */

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
static struct mbox_lane *back(struct mbox_lane *lane)
{
	struct mbox_link *link = lane->link;

	return lane == &link->lanes[0] ? &link->lanes[1] : &link->lanes[0];
}

/* May sleep. */
static void party_put(struct mbox_party *party)
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
	mbox_user_remove_mailbox(party->inbox->creator);
	if (mbox_watch_cancel(party->watch))
		party_put(party);
	party_put(party);
	/* Our caller holds the module too, or is waited for when it goes. */
	module_put(THIS_MODULE);
}

/* Forget a party that nobody needs any more. The caller has a reference. */
static void party_tidy(struct mbox_party *party)
{
	struct mbox *inbox = party->inbox;
	bool needed;

	lockdep_assert_held(&links_lock);
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
	list_del(&link->lanes[0].node);
	list_del(&link->lanes[1].node);
	party_tidy(one);
	party_tidy(other);
	party_put(one);
	party_put(other);
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
static void link_tidy(struct mbox_link *link)
{
	lockdep_assert_held(&links_lock);
	if (hash_hashed(&link->node) && !link->handles &&
	    lane_empty(&link->lanes[0]) && lane_empty(&link->lanes[1]))
		link_unlist(link);
}

/* Nothing will come by @lane any more: whoever waits for it has waited in vain. */
static void lane_end(struct mbox_lane *lane)
{
	struct mbox *inbox = lane->to->inbox;
	struct mbox_waiter *waiter, *next;
	struct mbox_deferred deferred;

	mbox_mailbox_lock(inbox, &deferred);
	lane->ended = true;
	list_for_each_entry_safe(waiter, next, &inbox->receivers, node) {
		if (waiter->lane == lane)
			mbox_waiter_complete(inbox, waiter, -EOWNERDEAD,
					     &deferred);
	}
	deferred.events |= EPOLLHUP | EPOLLERR;
	mbox_mailbox_unlock(inbox, &deferred);
}

/* From the watch: the process is gone. */
static void party_ended(void *data)
{
	struct mbox_party *party = data;
	struct mbox_deferred deferred;
	struct mbox_lane *lane;

	mutex_lock(&links_lock);
	if (hash_hashed(&party->node))
		party_forget(party);
	while ((lane = list_first_entry_or_null(&party->lanes,
						struct mbox_lane, node))) {
		lane_end(back(lane));
		link_unlist(lane->link);
		cond_resched();
	}
	mutex_unlock(&links_lock);

	mbox_mailbox_lock(party->inbox, &deferred);
	mbox_mailbox_die(party->inbox, -EOWNERDEAD, &deferred);
	mbox_mailbox_unlock(party->inbox, &deferred);
	party_put(party);
}

static struct mbox_party *party_find(struct pid *pid)
{
	struct mbox_party *party;

	lockdep_assert_held(&links_lock);
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
		party_put(party);
		party_put(party);
		return ERR_CAST(watch);
	}
	/* If it ends just now, that waits for the lock. */
	party->watch = watch;
	hash_add(parties, &party->node, (unsigned long)pid);
	__module_get(THIS_MODULE);
	return party;
}

/* The party of a process, made if need be, with a reference of the caller's. */
static struct mbox_party *party_get(struct pid *pid, struct file *factory)
{
	struct mbox_party *party;

	party = party_find(pid);
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
static struct mbox_lane *lane_find(struct mbox_party *from,
				   struct mbox_party *to)
{
	struct mbox_link *link;

	hash_for_each_possible(links, link, node, link_key(from, to)) {
		struct mbox_lane *lane = link->lanes;

		if (lane->from == from && lane->to == to)
			return lane;
		if (lane->from == to && lane->to == from)
			return back(lane);
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
	INIT_LIST_HEAD(&lane->senders);
	list_add_tail(&lane->node, &to->lanes);
	spin_lock(&inbox->lock);
	inbox->msg_size = max(inbox->msg_size, msg_size);
	spin_unlock(&inbox->lock);
}

/* A new link; returns the lane from @self. */
static struct mbox_lane *link_new(struct mbox_party *self,
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
	return &link->lanes[0];
}

/* A handle on the inbox of @party, whose reference goes over to it. */
static struct file *open_handle(struct mbox_party *party, u32 rights,
				bool nonblock)
{
	struct mbox_handle *handle;
	struct file *file;
	int error;

	error = mbox_mailbox_attach(party->inbox, rights);
	if (error)
		return ERR_PTR(error);
	mbox_mailbox_ref(party->inbox);
	file = mbox_handle_open(party->inbox, rights, nonblock);
	if (IS_ERR(file))
		return file;
	handle = file->private_data;
	handle->party = party;
	return file;
}

/* A handle on the link between two parties, whose references go over to it. */
static struct file *open_between(struct mbox_party *self,
				 struct mbox_party *peer,
				 const struct mbox_ioc_link *arg, u32 msg_size)
{
	struct mbox_handle *handle;
	struct mbox_lane *out;
	struct file *file;

	out = lane_find(self, peer);
	if (!out)
		out = link_new(self, peer, arg->capacity, msg_size);
	if (IS_ERR(out))
		return ERR_CAST(out);
	file = open_handle(self, MBOX_RIGHT_RECV | MBOX_RIGHT_SEND,
			   arg->flags & MBOX_OPEN_NONBLOCK);
	if (IS_ERR(file)) {
		link_tidy(out->link);
		return file;
	}
	handle = file->private_data;
	handle->out = out;
	handle->in = back(out);
	handle->in->opened = true;
	out->link->handles++;
	mbox_link_get(out->link);
	return file;
}

/* The credentials of a process, counted; NULL if it is none, or a kernel thread. */
static const struct cred *process_cred(struct pid *pid)
{
	const struct cred *cred = NULL;
	struct task_struct *task;

	rcu_read_lock();
	task = pid_task(pid, PIDTYPE_TGID);
	if (task && !(task->flags & PF_KTHREAD))
		cred = get_task_cred(task);
	rcu_read_unlock();
	return cred;
}

/*
 * Whether the factory's opener may address a process: by the mode that it gave
 * its inbox, or as one may send it a signal, see kill(2).
 */
static int permit(struct file *factory, struct pid *pid,
		  struct mbox_party *party)
{
	const struct cred *own = factory->f_cred;
	const struct cred *target = process_cred(pid);
	umode_t mode;
	bool may;

	if (!target)
		return -ESRCH;
	if (party && party->has_mode) {
		spin_lock(&party->inbox->lock);
		mode = party->inbox->mode;
		spin_unlock(&party->inbox->lock);
		mode = mbox_mode_of(factory, target->euid, target->egid, mode);
		may = (mode & 02) || file_ns_capable(factory, target->user_ns,
						     CAP_IPC_OWNER);
	} else {
		may = uid_eq(own->euid, target->suid) ||
		      uid_eq(own->euid, target->uid) ||
		      uid_eq(own->uid, target->suid) ||
		      uid_eq(own->uid, target->uid) ||
		      file_ns_capable(factory, target->user_ns, CAP_KILL);
	}
	put_cred(target);
	return may ? 0 : -EPERM;
}

/* Whether the peer of a process has a handle on their link, or had one. */
static bool invited(struct mbox_party *self, struct mbox_party *peer)
{
	struct mbox_lane *out = self && peer ? lane_find(self, peer) : NULL;

	return out && out->opened;
}

static struct file *open_link(struct file *factory,
			      const struct mbox_ioc_link *arg, u32 msg_size,
			      struct pid *pid)
{
	struct mbox_party *self = party_find(task_tgid(current));
	struct mbox_party *peer = party_find(pid);
	struct file *file;
	int error;

	lockdep_assert_held(&links_lock);
	/* Whom a process has addressed may answer it. */
	if (!invited(self, peer)) {
		error = permit(factory, pid, peer);
		if (error)
			return ERR_PTR(error);
	}
	self = party_get(task_tgid(current), factory);
	if (IS_ERR(self))
		return ERR_CAST(self);
	peer = party_get(pid, factory);
	if (IS_ERR(peer)) {
		file = ERR_CAST(peer);
		goto err_self;
	}
	file = open_between(self, peer, arg, msg_size);
	if (!IS_ERR(file))
		return file;
	party_tidy(peer);
	party_put(peer);
err_self:
	party_tidy(self);
	party_put(self);
	return file;
}

/**
 * mbox_link_open - open a handle on the link between the caller and a process
 * @factory:	by whose opener's credentials it is decided whether that may be
 * @arg:	checked
 * @msg_size:	of a new link, with the default put in
 *
 * Return: the file, or an error as MBOX_IOC_LINK.
 */
struct file *mbox_link_open(struct file *factory,
			    const struct mbox_ioc_link *arg, u32 msg_size)
{
	struct file *file;
	struct pid *pid;

	pid = mbox_process_get(arg->pid);
	if (IS_ERR(pid))
		return ERR_CAST(pid);
	if (pid == task_tgid(current)) {
		file = ERR_PTR(-EINVAL);
	} else if (mbox_process_ended(pid)) {
		file = ERR_PTR(-ESRCH);
	} else {
		mutex_lock(&links_lock);
		file = open_link(factory, arg, msg_size, pid);
		mutex_unlock(&links_lock);
	}
	put_pid(pid);
	return file;
}

/* A handle on the caller's inbox, or an error as MBOX_IOC_INBOX. */
struct file *mbox_inbox_open(struct file *factory, bool nonblock)
{
	struct mbox_party *party;
	struct file *file;

	mutex_lock(&links_lock);
	party = party_get(task_tgid(current), factory);
	if (IS_ERR(party)) {
		file = ERR_CAST(party);
		goto out;
	}
	file = open_handle(party, MBOX_RIGHT_RECV, nonblock);
	if (IS_ERR(file)) {
		party_tidy(party);
		party_put(party);
	}
out:
	mutex_unlock(&links_lock);
	return file;
}

/* MBOX_IOC_SET: who may send to the inbox from now on. */
int mbox_inbox_set(struct mbox_handle *handle, const struct mbox_ioc_set *arg)
{
	if (handle->in || arg->mask != MBOX_SET_MODE)
		return -EOPNOTSUPP;
	if (arg->mode & ~0666)
		return -EINVAL;
	if (mbox_handle_foreign(handle))
		return -EUSERS;
	mutex_lock(&links_lock);
	handle->party->has_mode = true;
	spin_lock(&handle->mbox->lock);
	handle->mbox->mode = arg->mode;
	spin_unlock(&handle->mbox->lock);
	mutex_unlock(&links_lock);
	return 0;
}

/* A handle on a link or an inbox was closed. */
static void release(struct mbox_party *party, struct mbox_lane *in)
{
	struct mbox_lane *lane, *next;

	lockdep_assert_held(&links_lock);
	if (in) {
		in->link->handles--;
		link_tidy(in->link);
	} else {
		list_for_each_entry_safe(lane, next, &party->lanes, node)
			link_tidy(lane->link);
	}
	party_tidy(party);
}

/* A handle is being closed, and does not count any more. */
void mbox_link_release(struct mbox_handle *handle)
{
	if (!handle->party)
		return;
	mutex_lock(&links_lock);
	release(handle->party, handle->in);
	mutex_unlock(&links_lock);
	if (handle->in) {
		party_put(handle->in->from);
		mbox_link_put(handle->in->link);
	}
	party_put(handle->party);
}

/* What poll() says to a handle on a link. */
__poll_t mbox_link_poll(struct mbox_handle *handle)
{
	struct mbox_lane *in = handle->in, *out = handle->out;
	/* An ordinary message that the caller would send. */
	struct mbox_message probe = {
		.pid = task_tgid(current), .length = 1, .lane = out,
	};
	struct mbox *inbox = out->to->inbox;
	__poll_t events = 0;

	spin_lock(&inbox->lock);
	if (inbox->state == MBOX_STATE_DEAD)
		events |= EPOLLERR;
	else if ((list_empty(&out->senders) &&
		  mbox_queue_has_room(inbox, out, probe.length)) ||
		 mbox_waiter_receiver_for(inbox, &probe))
		events |= EPOLLOUT | EPOLLWRNORM;
	spin_unlock(&inbox->lock);

	inbox = handle->mbox;
	spin_lock(&inbox->lock);
	if (in->ended || inbox->state == MBOX_STATE_DEAD)
		events |= EPOLLERR;
	if (inbox->state == MBOX_STATE_DEAD)
		events |= EPOLLHUP;
	else if (in->queued || !list_empty(&in->senders))
		events |= EPOLLIN | EPOLLRDNORM;
	else if (in->ended)
		events |= EPOLLHUP;
	spin_unlock(&inbox->lock);
	return events;
}

/* What is different in @info where the handle is on a link or an inbox. */
void mbox_link_info(struct mbox_handle *handle, struct mbox_info *info)
{
	const struct cred *cred = process_cred(handle->party->pid);
	struct user_namespace *user_ns = current_user_ns();
	struct mbox_lane *in = handle->in;

	if (cred) {
		info->uid = from_kuid_munged(user_ns, cred->euid);
		info->gid = from_kgid_munged(user_ns, cred->egid);
		put_cred(cred);
	}
	info->owner = pid_vnr(handle->party->pid);
	info->kind = MBOX_KIND_INBOX;
	if (!in)
		return;
	info->kind = MBOX_KIND_LINK;
	info->capacity = in->capacity;
	info->msg_size = in->msg_size;
	spin_lock(&handle->mbox->lock);
	info->handle_queued = in->queued;
	/* One that ended has no number any more; another may have it. */
	info->peer = in->ended ? 0 : pid_vnr(in->from->pid);
	spin_unlock(&handle->mbox->lock);
}
