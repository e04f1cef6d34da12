// SPDX-License-Identifier: GPL-2.0-only
/* The ioctls on leases, posts and calls, and the copying of their arguments. */
#include <linux/file.h>
#include <linux/kernel.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "copy.h"
#include "ioctl.h"
#include "job.h"
#include "link.h"
#include "mbox.h"
#include "message.h"
#include "wait.h"

/* Check that @handle is on a mailbox with jobs, and has the right. 0 or an error. */
static int job_check(const struct mbox_handle *handle, u32 right)
{
	if (!(handle->rights & right))
		return -EBADF;
	if (handle->mbox->ring || handle->mbox->cast)
		return -EOPNOTSUPP;
	/* A link or an inbox serves its process only. */
	return unlikely(handle->endpoint) && mbox_handle_foreign(handle) ? -EUSERS : 0;
}

/* Check the clock and the time of a lease. */
static bool job_time_valid(u32 clock, u64 time)
{
	if (clock == MBOX_CLOCK_NONE)
		return !time;
	return (clock == MBOX_CLOCK_MONOTONIC || clock == MBOX_CLOCK_BOOTTIME) && time;
}

/* The size of struct mbox_ioc_lease in the first version of the ABI. */
#define LEASE_SIZE	offsetofend(struct mbox_ioc_lease, delivery)

/* The part of struct mbox_ioc_lease between recv and delivery. */
struct lease_front {
	u32 flags;
	u32 clock;
	u64 time;
	u64 ack;
};

static_assert(sizeof(struct lease_front) == offsetof(struct mbox_ioc_lease, delivery) -
					    offsetof(struct mbox_ioc_lease, flags));

/* The part that is written beside recv: of struct mbox_lease likewise. */
#define LEASE_BACK	(sizeof_field(struct mbox_ioc_lease, ack) + \
			 sizeof(struct mbox_delivery))
static_assert(offsetof(struct mbox_lease, delivery) - offsetof(struct mbox_lease, ack) ==
	      offsetof(struct mbox_ioc_lease, delivery) -
	      offsetof(struct mbox_ioc_lease, ack));

/* Copy in the parts of @ulease that are read. 0, EFAULT or E2BIG. */
static int lease_copy(struct mbox_ioc_recv *recv, struct lease_front *front,
		      struct mbox_ioc_lease __user *ulease, size_t usize)
{
	const size_t size = sizeof(struct mbox_ioc_lease);
	int known;

	if (!mbox_copy_in_ends(recv, &ulease->recv, offsetof(struct mbox_ioc_recv, header),
			       sizeof(*recv)) ||
	    !mbox_copy_in(front, &ulease->flags, sizeof(*front)))
		return -EFAULT;
	if (likely(usize == size))
		return 0;
	known = check_zeroed_user((void __user *)ulease + size, usize - size);
	return known < 0 ? known : known ? 0 : -E2BIG;
}

/* The caller cannot be told of its lease: end it, as if nobody had received. */
static void lease_undo(struct mbox_handle *handle, u64 token)
{
	const struct mbox_ioc_nack nack = {
		.how = MBOX_NACK_RELEASE, .token = token,
	};

	mbox_lease_nack(handle, &nack);
}

long mbox_ioctl_lease(struct file *file, void __user *uarg, size_t usize)
{
	struct mbox_ioc_lease __user *ulease = uarg;
	struct mbox_handle *handle = file->private_data;
	struct lease_front front __uninitialized;
	struct mbox_ioc_recv recv __uninitialized;
	struct mbox_lease lease __uninitialized;
	struct mbox_recv_args args __uninitialized;
	int error;

	error = lease_copy(&recv, &front, ulease, usize);
	if (error)
		return error;
	error = job_check(handle, MBOX_RIGHT_RECV);
	if (error)
		return error;
	if ((front.flags & ~MBOX_LEASE_HANDLE) || !job_time_valid(front.clock, front.time) ||
	    (recv.flags & MBOX_RECV_PEEK))
		return -EINVAL;
	mbox_recv_args_setup(&args);
	error = mbox_ioctl_set_recv(file, &recv, &ulease->recv, &args);
	if (error)
		return error;
	lease.clock = front.clock;
	lease.time = front.time;
	lease.file = front.flags & MBOX_LEASE_HANDLE;
	lease.ack = front.ack;
	error = mbox_lease_receive(handle, &args, &lease);
	if (unlikely(args.sender))
		mbox_sender_forget(args.sender);
	if (unlikely(error)) {
		/* It is not acknowledged twice if the call is made again. */
		if (lease.ack != front.ack && put_user(lease.ack, &ulease->ack))
			return -EFAULT;
		return error;
	}
	if (likely(mbox_copy_out(&ulease->ack, &lease.ack, LEASE_BACK)))
		return 0;
	lease_undo(handle, lease.delivery.token);
	return -EFAULT;
}

/* Entries that are acknowledged in one section. */
#define ACK_SECTION	16

long mbox_ioctl_ack(struct file *file, void __user *uarg, size_t usize)
{
	struct mbox_handle *handle = file->private_data;
	struct mbox_ack_entry entries[ACK_SECTION];
	struct mbox_ack_entry __user *uentries;
	struct mbox_ioc_ack ack;
	int error, acked = 0;
	u32 n;

	error = mbox_ioctl_copy(&ack, sizeof(ack), uarg, usize);
	if (error)
		return error;
	error = job_check(handle, MBOX_RIGHT_RECV);
	if (error)
		return error;
	if (ack.flags || !ack.count || ack.count > MBOX_BATCH_MAX)
		return -EINVAL;
	if (READ_ONCE(handle->mbox->state) == MBOX_STATE_DEAD)
		return mbox_mailbox_gone(handle->mbox);
	uentries = u64_to_user_ptr(ack.entries);
	for (; ack.count; ack.count -= n, uentries += n) {
		n = min_t(u32, ack.count, ACK_SECTION);
		if (copy_from_user(entries, uentries, n * sizeof(*entries)))
			return -EFAULT;
		/* Before anything is done: the results can be written. */
		if (copy_to_user(uentries, entries, n * sizeof(*entries)))
			return -EFAULT;
		acked += mbox_lease_ack(handle, entries, n);
		if (copy_to_user(uentries, entries, n * sizeof(*entries)))
			return -EFAULT;
		cond_resched();
	}
	return acked;
}

long mbox_ioctl_nack(struct file *file, void __user *uarg, size_t usize)
{
	struct mbox_handle *handle = file->private_data;
	struct mbox_ioc_nack nack;
	int error;

	error = mbox_ioctl_copy(&nack, sizeof(nack), uarg, usize);
	if (error)
		return error;
	error = job_check(handle, MBOX_RIGHT_RECV);
	if (error)
		return error;
	if (nack.flags || nack.pad || nack.how > MBOX_NACK_REJECT ||
	    (nack.delay && nack.how != MBOX_NACK_RETRY) ||
	    (nack.code && nack.how != MBOX_NACK_REJECT))
		return -EINVAL;
	return mbox_lease_nack(handle, &nack);
}

long mbox_ioctl_extend(struct file *file, void __user *uarg, size_t usize)
{
	struct mbox_handle *handle = file->private_data;
	struct mbox_ioc_extend extend;
	int error;

	error = mbox_ioctl_copy(&extend, sizeof(extend), uarg, usize);
	if (error)
		return error;
	error = job_check(handle, MBOX_RIGHT_RECV);
	if (error)
		return error;
	if ((extend.flags & ~MBOX_LEASE_HANDLE) ||
	    !job_time_valid(extend.clock, extend.time))
		return -EINVAL;
	return mbox_lease_extend(handle, &extend);
}

long mbox_ioctl_kick(struct file *file, void __user *uarg, size_t usize)
{
	struct mbox_ioc_kick __user *ukick = uarg;
	struct mbox_handle *handle = file->private_data;
	struct mbox_ioc_kick kick;
	int error;

	error = mbox_ioctl_copy(&kick, sizeof(kick), uarg, usize);
	if (error)
		return error;
	if (!kick.most)
		return -EINVAL;
	/* Before anything is done: the result can be written. */
	if (put_user(0, &ukick->kicked))
		return -EFAULT;
	if (handle->endpoint && mbox_handle_foreign(handle))
		return -EUSERS;
	error = mbox_lease_kick(handle, file, kick.most, &kick.kicked);
	if (!error && put_user(kick.kicked, &ukick->kicked))
		return -EFAULT;
	return error;
}

#define POST_FLAGS (MBOX_POST_MARK | MBOX_POST_NOT_BEFORE | MBOX_POST_EXPIRES | \
		    MBOX_POST_ACKED)
#define POST_TIMES (MBOX_POST_NOT_BEFORE | MBOX_POST_EXPIRES)

/* Take over and check what a post asks for. 0 or EINVAL. */
static int post_set(struct mbox_post *post, const struct mbox_ioc_post *arg)
{
	bool timed = arg->flags & POST_TIMES;
	bool clocked = arg->clock != MBOX_CLOCK_NONE;

	memset(post, 0, sizeof(*post));
	if ((arg->flags & ~POST_FLAGS) || arg->pad || timed != clocked ||
	    arg->clock == MBOX_CLOCK_REALTIME ||
	    (arg->mark && !(arg->flags & MBOX_POST_MARK)) ||
	    (arg->not_before && !(arg->flags & MBOX_POST_NOT_BEFORE)) ||
	    (arg->expires && !(arg->flags & MBOX_POST_EXPIRES)) ||
	    (timed && ((arg->flags & MBOX_POST_ACKED) ||
		       (arg->send.flags & MBOX_SEND_SYNC))))
		return -EINVAL;
	post->marked = arg->flags & MBOX_POST_MARK;
	post->acked = arg->flags & MBOX_POST_ACKED;
	post->mark = arg->mark;
	if ((arg->flags & MBOX_POST_NOT_BEFORE) &&
	    mbox_deadline_set(&post->not_before, arg->clock, arg->not_before))
		return -EINVAL;
	if ((arg->flags & MBOX_POST_EXPIRES) &&
	    mbox_deadline_set(&post->expires, arg->clock, arg->expires))
		return -EINVAL;
	return 0;
}

long mbox_ioctl_post(struct file *file, void __user *uarg, size_t usize)
{
	struct mbox_handle *handle = file->private_data;
	struct mbox_send_args args;
	struct mbox_ioc_post arg;
	struct mbox_post post;
	long result;

	result = mbox_ioctl_copy(&arg, sizeof(arg), uarg, usize);
	if (result)
		return result;
	result = job_check(handle, MBOX_RIGHT_SEND);
	if (result)
		return result;
	if (post_set(&post, &arg))
		return -EINVAL;
	result = mbox_ioctl_set_send(file, &arg.send, &args);
	if (result)
		return result;
	args.type = mbox_ioctl_type(arg.send.type, arg.type_hi);
	if (post.acked && args.nonblock)
		return -EINVAL;
	/* Other senders would overwrite it. */
	if (post.marked && handle->endpoint)
		return -EOPNOTSUPP;
	if (post.not_before.set || post.expires.set) {
		if (handle->endpoint)
			return -EOPNOTSUPP;
		if (mbox_job_attach(handle->mbox))
			return -ENOMEM;
		post.job = mbox_job_new();
		if (!post.job)
			return -ENOMEM;
	}
	if (arg.flags) {
		post.sync = args.how & MBOX_SEND_SYNC;
		args.how |= MBOX_SEND_SYNC;
		args.post = &post;
	}
	result = mbox_send(handle, &args);
	kfree(post.job);
	return result;
}

/* The results of struct mbox_ioc_call. */
static int call_put_results(struct mbox_ioc_call __user *ucall, const struct mbox_request *call)
{
	if (put_user(call->length, &ucall->length) ||
	    put_user(call->code, &ucall->code) ||
	    put_user(pid_vnr(call->server), &ucall->pid) ||
	    put_user(call->server_start, &ucall->start))
		return -EFAULT;
	return 0;
}

long mbox_ioctl_call(struct file *file, void __user *uarg, size_t usize)
{
	struct mbox_ioc_call __user *ucall = uarg;
	struct mbox_handle *handle = file->private_data;
	struct mbox_request call __uninitialized;
	struct mbox_send_args args;
	struct mbox_ioc_call arg;
	int error;

	error = mbox_ioctl_copy(&arg, sizeof(arg), uarg, usize);
	if (error)
		return error;
	error = job_check(handle, MBOX_RIGHT_SEND);
	if (error)
		return error;
	if ((arg.flags & ~MBOX_CALL_RETRY) || (arg.send.flags & MBOX_SEND_SYNC))
		return -EINVAL;
	if (arg.room > READ_ONCE(mbox_max_msg_size))
		return -EMSGSIZE;
	error = mbox_ioctl_set_send(file, &arg.send, &args);
	if (error)
		return error;
	args.type = mbox_ioctl_type(arg.send.type, arg.type_hi);
	/* Before anything is done: the results can be written. */
	if (!access_ok(u64_to_user_ptr(arg.reply), arg.room) || put_user(0, &ucall->length))
		return -EFAULT;
	call.retry = arg.flags & MBOX_CALL_RETRY;
	call.room = arg.room;
	call.length = 0;
	call.code = 0;
	call.written = false;
	call.mm = current->mm;
	call.buffer = (unsigned long)u64_to_user_ptr(arg.reply);
	call.memory = NULL;
	call.server = NULL;
	call.server_start = 0;
	error = mbox_call(handle, &args, &call);
	if ((!error || error == -EREMOTEIO) && call_put_results(ucall, &call))
		error = -EFAULT;
	put_pid(call.server);
	return error;
}

long mbox_ioctl_reply(struct file *file, void __user *uarg, size_t usize)
{
	struct mbox_ioc_reply __user *ureply = uarg;
	struct mbox_handle *handle = file->private_data;
	struct mbox_ioc_reply reply;
	size_t size;
	int error;

	error = mbox_ioctl_copy(&reply, sizeof(reply), uarg, usize);
	if (error)
		return error;
	error = job_check(handle, MBOX_RIGHT_RECV);
	if (error)
		return error;
	if (reply.flags || (!reply.token && !reply.lease) ||
	    (reply.lease_size && !reply.lease))
		return -EINVAL;
	size = reply.lease_size ?: LEASE_SIZE;
	if (size < LEASE_SIZE || size > PAGE_SIZE)
		return -EINVAL;
	if (reply.token) {
		/* Before anything is done: the result can be written. */
		if (put_user(reply.token, &ureply->token))
			return -EFAULT;
		error = mbox_call_reply(handle, reply.token,
					u64_to_user_ptr(reply.data), reply.size);
		if (error)
			return error;
		/* It is not replied to twice if the call is made again. */
		if (put_user(0, &ureply->token))
			return -EFAULT;
	}
	return reply.lease ? mbox_ioctl_lease(file, u64_to_user_ptr(reply.lease),
					      size) : 0;
}
