// SPDX-License-Identifier: GPL-2.0-only
/* Handles on links and inboxes: opening, polling, attributes. */
#include <linux/err.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "access.h"
#include "link.h"
#include "mbox.h"
#include "message.h"
#include "mode.h"
#include "poll.h"
#include "process.h"
#include "queue.h"
#include "user.h"

/* Open a handle on the inbox of @endpoint, whose reference goes over to it. */
static struct file *direct_open(struct mbox_endpoint *endpoint, u32 rights,
				bool nonblock)
{
	struct mbox_handle *handle;
	struct file *file;
	int error;

	error = mbox_mailbox_attach(endpoint->inbox, rights);
	if (error)
		return ERR_PTR(error);
	mbox_mailbox_get(endpoint->inbox);
	file = mbox_handle_open(endpoint->inbox, rights, nonblock);
	if (IS_ERR(file))
		return file;
	handle = file->private_data;
	handle->endpoint = endpoint;
	return file;
}

/*
 * The queue in which pollers of a handle on a link wait. They need the events of
 * two inboxes, but some kinds of pollers wait in one queue only. From the first
 * poll on both inboxes wake this one.
 */
struct mbox_relay {
	spinlock_t lock;		/* guards hooking it up */
	bool hooked;			/* lock; set with release, and once */
	const struct mbox_handle *handle; /* constant once hooked */
	struct mbox_lane *lane_in;	/* likewise */
	struct mbox_lane *lane_out;	/* likewise */
	wait_queue_head_t queue;
	wait_queue_entry_t in, out;	/* of the inboxes' queues, once hooked */
};

/*
 * Return the events of an inbox that concern a link: some pollers rely on them. The
 * events happened under a lock that is not held any more: we see that state, or a
 * later one, which has its own event.
 */
static __poll_t relay_events(const struct mbox_relay *relay, bool in)
{
	const struct mbox_lane *lane = in ? relay->lane_in : relay->lane_out;
	const struct mbox *inbox = lane->to->inbox;
	__poll_t events = 0;

	if (!in)
		return mbox_room_has(&lane->room, 0) ||
		       READ_ONCE(inbox->nr_receivers) ?
		       EPOLLOUT | EPOLLWRNORM : 0;
	if (READ_ONCE(lane->queued) || !RB_EMPTY_ROOT(&lane->room.senders.rb_root))
		events |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(lane->ended) || READ_ONCE(inbox->state) == MBOX_STATE_DEAD)
		events |= EPOLLERR | EPOLLHUP;
	if (READ_ONCE(relay->handle->nr_urgent))
		events |= EPOLLPRI;
	return events;
}

static int relay_wake(wait_queue_entry_t *entry, unsigned int mode, int flags,
		      void *key)
{
	struct mbox_relay *relay = entry->private;
	__poll_t events;

	events = key_to_poll(key) & relay_events(relay, entry == &relay->in);
	if (events)
		wake_up_poll(&relay->queue, events);
	return 0;
}

static struct mbox_relay *relay_new(void)
{
	struct mbox_relay *relay;

	relay = kzalloc(sizeof(*relay), GFP_KERNEL_ACCOUNT);
	if (!relay)
		return NULL;
	spin_lock_init(&relay->lock);
	init_waitqueue_head(&relay->queue);
	init_waitqueue_func_entry(&relay->in, relay_wake);
	init_waitqueue_func_entry(&relay->out, relay_wake);
	relay->in.private = relay;
	relay->out.private = relay;
	return relay;
}

static void relay_hook(struct mbox_handle *handle)
{
	struct mbox_relay *relay = handle->relay;

	spin_lock(&relay->lock);
	if (!relay->hooked) {
		relay->handle = handle;
		relay->lane_in = handle->in;
		relay->lane_out = handle->out;
		add_wait_queue(&handle->mbox->poll, &relay->in);
		add_wait_queue(&handle->out->to->inbox->poll, &relay->out);
		/* pairs with mbox_direct_poll(), which does not take the lock */
		smp_store_release(&relay->hooked, true);
	}
	spin_unlock(&relay->lock);
}

/* The handle is being closed: nobody polls it. */
static void relay_free(struct mbox_handle *handle)
{
	struct mbox_relay *relay = handle->relay;

	if (relay->hooked) {
		remove_wait_queue(&handle->mbox->poll, &relay->in);
		remove_wait_queue(&handle->out->to->inbox->poll, &relay->out);
	}
	kfree(relay);
}

/* Open a handle on the link between two endpoints, whose references go over to it. */
static struct file *direct_open_between(struct mbox_endpoint *self,
					struct mbox_endpoint *peer,
					const struct mbox_ioc_link *arg, u32 msg_size)
{
	struct mbox_handle *handle;
	struct mbox_lane *out, *in;
	struct mbox_relay *relay;
	struct file *file;

	relay = relay_new();
	if (!relay)
		return ERR_PTR(-ENOMEM);
	out = mbox_link_join(self, peer, arg->capacity, msg_size);
	if (IS_ERR(out)) {
		file = ERR_CAST(out);
		goto err_relay;
	}
	in = mbox_lane_back(out);
	file = direct_open(self, MBOX_RIGHT_RECV | MBOX_RIGHT_SEND,
			   arg->flags & MBOX_OPEN_NONBLOCK);
	if (IS_ERR(file)) {
		mbox_link_leave(in);
		mbox_link_put(out->link);
		goto err_relay;
	}
	handle = file->private_data;
	handle->out = out;
	handle->in = in;
	handle->queue = &in->queue;
	handle->relay = relay;
	mbox_link_invite(in);
	return file;

err_relay:
	kfree(relay);
	return file;
}

static struct file *direct_open_link(struct file *factory,
				     const struct mbox_ioc_link *arg, u32 msg_size,
				     struct pid *pid)
{
	struct mbox_endpoint *self, *peer;
	struct file *file;
	int error;

	/* A process may answer another that has addressed it. */
	if (!mbox_link_invited(task_tgid(current), pid)) {
		error = mbox_access_link(factory, pid);
		if (error)
			return ERR_PTR(error);
	}
	self = mbox_endpoint_get(task_tgid(current), factory);
	if (IS_ERR(self))
		return ERR_CAST(self);
	peer = mbox_endpoint_get(pid, factory);
	if (IS_ERR(peer)) {
		file = ERR_CAST(peer);
		peer = NULL;
		goto out;
	}
	file = direct_open_between(self, peer, arg, msg_size);
	mbox_endpoint_unhold(peer);
out:
	mbox_endpoint_unhold(self);
	if (IS_ERR(file)) {
		if (peer)
			mbox_endpoint_put(peer);
		mbox_endpoint_put(self);
	}
	return file;
}

/**
 * mbox_direct_open_link - open a handle on the link between the caller and a process
 * @factory:	its opener's credentials decide whether the link may be opened
 * @arg:	checked
 * @msg_size:	of a new link, with the default put in
 *
 * Return: the file, or an error as MBOX_IOC_LINK.
 */
struct file *mbox_direct_open_link(struct file *factory,
				   const struct mbox_ioc_link *arg, u32 msg_size)
{
	struct file *file;
	struct pid *pid;

	pid = arg->start ? mbox_process_find(arg->pid, arg->start) :
			   mbox_process_get(arg->pid);
	if (IS_ERR(pid))
		return ERR_CAST(pid);
	if (pid == task_tgid(current))
		file = ERR_PTR(-EINVAL);
	else if (mbox_process_ended(pid))
		file = ERR_PTR(-ESRCH);
	else
		file = direct_open_link(factory, arg, msg_size, pid);
	put_pid(pid);
	return file;
}

/* Open a handle on the caller's inbox; errors as MBOX_IOC_INBOX. */
struct file *mbox_direct_open_inbox(struct file *factory, bool nonblock)
{
	struct mbox_endpoint *endpoint;
	struct file *file;

	endpoint = mbox_endpoint_get(task_tgid(current), factory);
	if (IS_ERR(endpoint))
		return ERR_CAST(endpoint);
	file = direct_open(endpoint, MBOX_RIGHT_RECV, nonblock);
	mbox_endpoint_unhold(endpoint);
	if (IS_ERR(file))
		mbox_endpoint_put(endpoint);
	return file;
}

/* MBOX_IOC_SET: set the mode of the inbox, and the capacity of its lanes. */
int mbox_direct_set(struct mbox_handle *handle, const struct mbox_ioc_set *arg)
{
	if (handle->in || (arg->mask & ~(MBOX_SET_MODE | MBOX_SET_CAPACITY)))
		return -EOPNOTSUPP;
	if ((arg->mode & ~0666) ||
	    mbox_capacity_check(arg->capacity, true))
		return -EINVAL;
	if (mbox_handle_foreign(handle))
		return -EUSERS;
	if (arg->mask & MBOX_SET_MODE)
		mbox_endpoint_set_mode(handle->endpoint, arg->mode);
	if (arg->mask & MBOX_SET_CAPACITY)
		mbox_endpoint_set_capacity(handle->endpoint, arg->capacity);
	return 0;
}

/* Release a handle that is being closed, and does not count any more. */
void mbox_direct_release(struct mbox_handle *handle)
{
	if (!handle->endpoint)
		return;
	if (handle->in) {
		relay_free(handle);
		mbox_link_leave(handle->in);
		mbox_endpoint_put(handle->in->from);
		mbox_link_put(handle->in->link);
	} else {
		mbox_endpoint_leave(handle->endpoint);
	}
	mbox_endpoint_put(handle->endpoint);
}

/* poll() of a handle on a link. */
static __poll_t direct_poll_link(struct mbox_handle *handle, struct file *file,
				 struct poll_table_struct *wait)
{
	struct mbox_relay *relay = handle->relay;
	struct mbox_lane *in = handle->in, *out = handle->out;
	/* A message with the least priority that the caller would send. */
	struct mbox_message probe = {
		.pid = task_tgid(current), .length = out->room.msg_size, .room = &out->room,
		.start = mbox_process_start(current->group_leader),
	};
	struct mbox *inbox = handle->mbox;
	__poll_t events, found;
	u32 shut;

	/* Once it is hooked up, see relay_hook(), events come here. */
	if (mbox_compat_poll_waits(wait) && !smp_load_acquire(&relay->hooked))
		relay_hook(handle);
	poll_wait(file, &relay->queue, wait);
	found = mbox_mode_poll(handle, poll_requested_events(wait));
	spin_lock(&inbox->lock);
	events = mbox_poll_shut(handle);
	shut = handle->shut;
	if (handle->nr_urgent)
		events |= EPOLLPRI;
	if (in->ended || inbox->state == MBOX_STATE_DEAD)
		events |= EPOLLERR;
	if (inbox->state == MBOX_STATE_DEAD)
		events |= EPOLLHUP;
	else if (shut & MBOX_RIGHT_RECV)
		; /* said */
	else if (likely(found == MBOX_POLL_ANY) ?
		 in->queued || !RB_EMPTY_ROOT(&in->room.senders.rb_root) :
		 !!(found & EPOLLIN))
		events |= EPOLLIN | EPOLLRDNORM;
	else if (in->ended)
		events |= EPOLLHUP;
	spin_unlock(&inbox->lock);

	if (shut & MBOX_RIGHT_SEND)
		return events;
	/* It dies before the lane that was looked at ends: endpoint_end(). */
	inbox = out->to->inbox;
	spin_lock(&inbox->lock);
	if (inbox->state == MBOX_STATE_DEAD) {
		/* The other lane ends soon. */
	} else if ((RB_EMPTY_ROOT(&out->room.senders.rb_root) &&
		    mbox_room_has(&out->room, probe.length)) ||
		   mbox_waiter_receiver_for(inbox, &probe)) {
		events |= EPOLLOUT | EPOLLWRNORM;
	} else {
		mbox_room_refuse(&out->room);
	}
	spin_unlock(&inbox->lock);
	if ((events & EPOLLOUT) &&
	    !mbox_shortage_none(handle, out->room.msg_size, 0))
		events &= ~(EPOLLOUT | EPOLLWRNORM);
	return events;
}

/* poll() of a handle on a link or an inbox. */
__poll_t mbox_direct_poll(struct mbox_handle *handle, struct file *file,
			  struct poll_table_struct *wait)
{
	return handle->relay ? direct_poll_link(handle, file, wait) :
			       mbox_poll_inbox(handle, file, wait);
}

/* Fill in the process of an inbox, and its user. */
void mbox_direct_info_process(const struct mbox_endpoint *endpoint, struct mbox_info *info)
{
	const struct cred *cred = mbox_process_cred(endpoint->pid);
	struct user_namespace *user_ns = current_user_ns();

	if (cred) {
		info->uid = from_kuid_munged(user_ns, cred->euid);
		info->gid = from_kgid_munged(user_ns, cred->egid);
		put_cred(cred);
	}
	info->owner = mbox_process_nr(endpoint->pid);
}

/* Fill in the part of @info that differs on a link or an inbox. */
void mbox_direct_info(const struct mbox_handle *handle, struct mbox_info *info)
{
	const struct mbox_lane *in = handle->in;

	lockdep_assert_held(&handle->mbox->lock);
	mbox_direct_info_process(handle->endpoint, info);
	info->handle_queued = info->queued - info->leased - info->delayed -
			      info->parked;
	if (!in)
		return;
	info->kind = MBOX_KIND_LINK;
	info->capacity = in->room.capacity;
	info->msg_size = in->room.msg_size;
	info->handle_queued = in->queued;
	/* One that ended has no number any more; another may have it. */
	info->peer = in->ended ? 0 : mbox_process_nr(in->from->pid);
}
