// SPDX-License-Identifier: GPL-2.0-only
/* The ioctls on handles: their table, and the copying of their arguments. */
#include <linux/bitops.h>
#include <linux/file.h>
#include <linux/kernel.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "batch.h"
#include "copy.h"
#include "ioctl.h"
#include "kind.h"
#include "link.h"
#include "mbox.h"
#include "message.h"
#include "process.h"
#include "ring.h"
#include "wait.h"

/* Copy a result. The caller may know more of the structure than we do, or less. */
static int ioctl_copy_result(void __user *uarg, size_t usize,
			     const void *arg, size_t size)
{
	if (copy_to_user(uarg, arg, min(usize, size)))
		return -EFAULT;
	if (usize > size && clear_user(uarg + size, usize - size))
		return -EFAULT;
	return 0;
}

/* Copy and check the argument of MBOX_IOC_DELETE. */
int mbox_ioctl_get_delete(struct mbox_ioc_delete *arg, void __user *uarg,
			  size_t usize)
{
	int error;

	error = mbox_ioctl_copy(arg, sizeof(*arg), uarg, usize);
	if (error)
		return error;
	return arg->flags || arg->how > MBOX_DELETE_UNLINK ? -EINVAL : 0;
}

/*
 * Delete a mailbox, and return the results.
 *
 * Write the argument back first, to see that its results can be written before
 * anything is done. A caller that unmaps the memory after that does not get them.
 */
long mbox_ioctl_delete(struct mbox *mbox, struct file *file,
		       struct mbox_ioc_delete *arg, void __user *uarg,
		       size_t usize)
{
	long error;

	if (ioctl_copy_result(uarg, usize, arg, sizeof(*arg)))
		return -EFAULT;
	arg->queued = 0;
	arg->dropped = 0;
	error = mbox_mailbox_delete(mbox, file, arg);
	if (!error || error == -ENOTEMPTY)
		ioctl_copy_result(uarg, usize, arg, sizeof(*arg));
	return error;
}

static long ioctl_delete(struct file *file, void __user *uarg, size_t usize)
{
	struct mbox_handle *handle = file->private_data;
	struct mbox_ioc_delete arg;
	int error;

	error = mbox_ioctl_get_delete(&arg, uarg, usize);
	if (error)
		return error;
	if (!mbox_name_empty(arg.name))
		return -EINVAL;
	if (handle->mbox->kind->fixed)
		return -EOPNOTSUPP;
	return mbox_ioctl_delete(handle->mbox, file, &arg, uarg, usize);
}

/* Check that messages may go through @handle in a direction. 0 or an error. */
static __always_inline int ioctl_check_right(const struct mbox_handle *handle,
					     u32 right)
{
	if (!(handle->rights & right))
		return -EBADF;
	return unlikely(handle->mbox->ring) ? -EOPNOTSUPP : 0;
}

#define SEND_FLAGS (MBOX_SEND_NONBLOCK | MBOX_SEND_SYNC | MBOX_SEND_NORESTART)

/* Take over and check the arguments of a send. 0 or an error. */
static __always_inline int ioctl_set_send(struct file *file,
					  const struct mbox_ioc_send *send,
					  struct mbox_send_args *args)
{
	if ((send->flags & ~SEND_FLAGS) ||
	    send->prio > MBOX_PRIO_MAX)
		return -EINVAL;
	if (mbox_deadline_set(&args->deadline, send->clock, send->deadline))
		return -EINVAL;
	args->nonblock = (send->flags & MBOX_SEND_NONBLOCK) ||
			 (file->f_flags & O_NONBLOCK);
	args->how = send->flags;
	if ((args->how & MBOX_SEND_SYNC) && args->nonblock)
		return -EINVAL;
	if (send->size > U32_MAX)
		return -EMSGSIZE;
	args->data = u64_to_user_ptr(send->data);
	args->length = send->size;
	args->prio = send->prio;
	args->type = send->type;
	args->scattered = false;
	args->share = NULL;
	args->post = NULL;
	return 0;
}

int mbox_ioctl_set_send(struct file *file, const struct mbox_ioc_send *send,
			struct mbox_send_args *args)
{
	return ioctl_set_send(file, send, args);
}

static long ioctl_send(struct file *file, void __user *uarg, size_t usize)
{
	struct mbox_handle *handle = file->private_data;
	struct mbox_send_args args __uninitialized;
	struct mbox_ioc_send send __uninitialized;
	int error;

	error = mbox_ioctl_copy(&send, sizeof(send), uarg, usize);
	if (error)
		return error;
	error = ioctl_check_right(handle, MBOX_RIGHT_SEND);
	if (error)
		return error;
	error = ioctl_set_send(file, &send, &args);
	return error ?: mbox_send(handle, &args);
}

/* Sizes of entries in the first version of the ABI. */
#define SEND_ENTRY_SIZE	offsetofend(struct mbox_send_entry, size)
#define RECV_ENTRY_SIZE	offsetofend(struct mbox_recv_entry, header)

#define RECV_FLAGS (MBOX_RECV_NONBLOCK | MBOX_RECV_PEEK | MBOX_RECV_TRUNC | \
		    MBOX_RECV_NORESTART | RECV_FILTERS)
#define RECV_FILTERS (RECV_TYPES | MBOX_RECV_BY_SENDER | MBOX_RECV_BY_START)
#define RECV_TYPES (MBOX_RECV_BY_TYPE | MBOX_RECV_NOT_TYPE | MBOX_RECV_MAX_TYPE)

/*
 * As mbox_ioctl_copy(). Of the header start alone is read; as it is the last field, an
 * argument of which a part is not there is refused before anything is written.
 */
static __always_inline int ioctl_copy_recv(struct mbox_ioc_recv *recv,
					   const struct mbox_ioc_recv __user *urecv,
					   size_t usize)
{
	const size_t front = offsetof(struct mbox_ioc_recv, header);

	static_assert(offsetofend(struct mbox_ioc_recv, header.start) ==
		      sizeof(struct mbox_ioc_recv));
	if (likely(usize == sizeof(*recv)))
		return mbox_copy_in_ends(recv, urecv, front, sizeof(*recv)) ?
		       0 : -EFAULT;
	return copy_struct_from_user(recv, sizeof(*recv), urecv, usize);
}

/*
 * Take over and check the filter of a receive. Its flags name the fields that are set. 0 or
 * EINVAL.
 */
static __always_inline int ioctl_filter(struct mbox_filter *filter, u32 flags,
					u64 type, u32 pid, u64 start, u32 min_prio)
{
	if (min_prio > MBOX_PRIO_MAX)
		return -EINVAL;
	filter->flags = flags & RECV_FILTERS;
	filter->min_prio = min_prio;
	/* Mostly there is none, and nobody looks at the rest. */
	if (likely(!filter->flags))
		return type | pid ? -EINVAL : 0;
	if ((type && !(flags & RECV_TYPES)) || (pid && !(flags & MBOX_RECV_BY_SENDER)))
		return -EINVAL;
	/* One process is named by its number and its start. */
	if (unlikely(flags & MBOX_RECV_BY_START) &&
	    (!(flags & MBOX_RECV_BY_SENDER) || !pid))
		return -EINVAL;
	/* At most one of them. */
	if (unlikely(flags & (MBOX_RECV_NOT_TYPE | MBOX_RECV_MAX_TYPE)) &&
	    hweight32(flags & RECV_TYPES) > 1)
		return -EINVAL;
	filter->type = type;
	filter->pid = pid;
	filter->start = start;
	filter->pid_ns = task_active_pid_ns(current);
	return 0;
}

/* LONGEST: check the size of the buffer. 0 or an error, also for unknown flags. */
static noinline int ioctl_recv_longest(const struct mbox_handle *handle,
				       const struct mbox_ioc_recv *recv)
{
	const struct mbox_room *room = handle->in ? &handle->in->room :
						    &handle->mbox->room;

	if (recv->flags & ~(RECV_FLAGS | MBOX_RECV_LONGEST))
		return -EINVAL;
	return recv->size < READ_ONCE(room->msg_size) ? -EMSGSIZE : 0;
}

/* Take over and check the arguments of a receive; @args is zero. 0 or an error. */
static __always_inline int ioctl_set_recv(struct file *file,
					  const struct mbox_ioc_recv *recv,
					  struct mbox_ioc_recv __user *urecv,
					  struct mbox_recv_args *args)
{
	if (unlikely(recv->flags & ~RECV_FLAGS)) {
		int error = ioctl_recv_longest(file->private_data, recv);

		if (error)
			return error;
	}
	if (ioctl_filter(&args->filter, recv->flags,
			 mbox_ioctl_type(recv->type, recv->type_hi), recv->pid,
			 recv->header.start, recv->min_prio) ||
	    mbox_deadline_set(&args->deadline, recv->clock, recv->deadline))
		return -EINVAL;
	args->nonblock = (recv->flags & MBOX_RECV_NONBLOCK) ||
			 (file->f_flags & O_NONBLOCK);
	args->how = recv->flags;
	args->data = u64_to_user_ptr(recv->data);
	args->size = min_t(u64, recv->size, SIZE_MAX);
	args->header = &urecv->header;
	return 0;
}

int mbox_ioctl_set_recv(struct file *file, const struct mbox_ioc_recv *recv,
			struct mbox_ioc_recv __user *urecv,
			struct mbox_recv_args *args)
{
	return ioctl_set_recv(file, recv, urecv, args);
}

/* Make a receive with AT, which the checks of others refuse. */
static noinline long ioctl_peek_at(struct file *file, struct mbox_ioc_recv *recv,
				   struct mbox_ioc_recv __user *urecv,
				   struct mbox_recv_args *args)
{
	u64 index;
	int error;

	if (!(recv->flags & MBOX_RECV_PEEK) || (recv->flags & MBOX_RECV_MAX_TYPE))
		return -EINVAL;
	recv->flags &= ~MBOX_RECV_AT;
	error = ioctl_set_recv(file, recv, urecv, args);
	if (error)
		return error;
	if (get_user(index, &urecv->header.seq))
		return -EFAULT;
	args->filter.flags |= MBOX_RECV_AT;
	/* No queue has as many messages. */
	args->filter.index = min_t(u64, index, U32_MAX);
	args->nonblock = true;
	error = mbox_receive(file->private_data, args);
	if (args->sender)
		mbox_sender_forget(args->sender);
	return error;
}

static long ioctl_recv(struct file *file, void __user *uarg, size_t usize)
{
	struct mbox_handle *handle = file->private_data;
	struct mbox_ioc_recv __user *urecv = uarg;
	struct mbox_recv_args args __uninitialized;
	struct mbox_ioc_recv recv __uninitialized;
	int error;

	error = ioctl_copy_recv(&recv, urecv, usize);
	if (error)
		return error;
	error = ioctl_check_right(handle, MBOX_RIGHT_RECV);
	if (error)
		return error;
	mbox_recv_args_setup(&args);
	error = ioctl_set_recv(file, &recv, urecv, &args);
	if (error)
		return recv.flags & MBOX_RECV_AT ?
		       ioctl_peek_at(file, &recv, urecv, &args) : error;
	error = mbox_receive(handle, &args);
	if (unlikely(args.sender))
		mbox_sender_forget(args.sender);
	return error;
}

/* The same for other files. */
int mbox_ioctl_set_filter(struct mbox_filter *filter, u32 flags, u64 type, u32 pid,
			  u64 start, u32 min_prio)
{
	return ioctl_filter(filter, flags, type, pid, start, min_prio);
}

/* Take over and check the array of a batch. */
static int ioctl_batch(struct mbox_batch *batch, u64 entries, u32 count,
		       u32 entry_size, size_t size)
{
	if (!count || count > MBOX_BATCH_MAX)
		return -EINVAL;
	/* Its first version, or a later one. */
	if (entry_size < size || entry_size > PAGE_SIZE ||
	    entry_size % sizeof(u64))
		return -EINVAL;
	batch->entries = u64_to_user_ptr(entries);
	batch->count = count;
	batch->entry_size = entry_size;
	batch->done = 0;
	return 0;
}

static long ioctl_sendv(struct file *file, void __user *uarg, size_t usize)
{
	struct mbox_handle *handle = file->private_data;
	struct mbox_ioc_sendv sendv;
	struct mbox_batch batch;
	int error;

	error = mbox_ioctl_copy(&sendv, sizeof(sendv), uarg, usize);
	if (error)
		return error;
	error = ioctl_check_right(handle, MBOX_RIGHT_SEND);
	if (error)
		return error;
	if (sendv.flags & ~(MBOX_SEND_NONBLOCK | MBOX_SEND_NORESTART))
		return -EINVAL;
	error = ioctl_batch(&batch, sendv.entries, sendv.count,
			    sendv.entry_size, SEND_ENTRY_SIZE);
	if (error)
		return error;
	if (mbox_deadline_set(&batch.deadline, sendv.clock, sendv.deadline))
		return -EINVAL;
	batch.nonblock = (sendv.flags & MBOX_SEND_NONBLOCK) ||
			 (file->f_flags & O_NONBLOCK);
	batch.how = sendv.flags;
	return mbox_batch_send(handle, &batch);
}

static long ioctl_recvv(struct file *file, void __user *uarg, size_t usize)
{
	struct mbox_handle *handle = file->private_data;
	struct mbox_recv_args args = {};
	struct mbox_ioc_recvv recvv;
	struct mbox_batch batch;
	int error;

	error = mbox_ioctl_copy(&recvv, sizeof(recvv), uarg, usize);
	if (error)
		return error;
	error = ioctl_check_right(handle, MBOX_RIGHT_RECV);
	if (error)
		return error;
	if ((recvv.flags & ~(MBOX_RECV_NONBLOCK | MBOX_RECV_NORESTART | RECV_FILTERS)) ||
	    recvv.min > recvv.count || recvv.pad ||
	    (recvv.start && !(recvv.flags & MBOX_RECV_BY_START)) ||
	    ioctl_filter(&args.filter, recvv.flags,
			 mbox_ioctl_type(recvv.type, recvv.type_hi), recvv.pid,
			 recvv.start, recvv.min_prio))
		return -EINVAL;
	error = ioctl_batch(&batch, recvv.entries, recvv.count,
			    recvv.entry_size, RECV_ENTRY_SIZE);
	if (error)
		return error;
	if (mbox_deadline_set(&args.deadline, recvv.clock, recvv.deadline))
		return -EINVAL;
	batch.min = recvv.min ?: 1;
	batch.nonblock = (recvv.flags & MBOX_RECV_NONBLOCK) ||
			 (file->f_flags & O_NONBLOCK);
	args.how = recvv.flags;
	return mbox_batch_receive(handle, &batch, &args);
}

static long ioctl_get(struct file *file, void __user *uarg, size_t usize)
{
	struct mbox_handle *handle = file->private_data;
	struct mbox_info info __uninitialized;
	int error;

	error = mbox_ioctl_copy(&info, sizeof(info), uarg, usize);
	if (error)
		return error;
	if (info.flags)
		return -EINVAL;
	memset(&info, 0, sizeof(info));
	mbox_mailbox_info(handle->mbox, handle, &info, NULL);
	return ioctl_copy_result(uarg, usize, &info, sizeof(info));
}

#define SET_MASK (MBOX_SET_MODE | MBOX_SET_UID | MBOX_SET_GID |		\
		  MBOX_SET_CAPACITY | MBOX_SET_MSG_SIZE | MBOX_SET_BYTES)

static long ioctl_set(struct file *file, void __user *uarg, size_t usize)
{
	struct mbox_handle *handle = file->private_data;
	struct mbox_ioc_set set;
	int error;

	error = mbox_ioctl_copy(&set, sizeof(set), uarg, usize);
	if (error)
		return error;
	if (set.flags || set.pad || !set.mask || (set.mask & ~SET_MASK) ||
	    (set.mode && !(set.mask & MBOX_SET_MODE)) ||
	    (set.uid && !(set.mask & MBOX_SET_UID)) ||
	    (set.gid && !(set.mask & MBOX_SET_GID)) ||
	    (set.capacity && !(set.mask & MBOX_SET_CAPACITY)) ||
	    (set.msg_size && !(set.mask & MBOX_SET_MSG_SIZE)) ||
	    (set.bytes && !(set.mask & MBOX_SET_BYTES)))
		return -EINVAL;
	return handle->mbox->kind->set(handle, file, &set);
}

static long ioctl_handover(struct file *file, void __user *uarg, size_t usize)
{
	struct mbox_handle *handle = file->private_data;
	struct mbox_ioc_handover arg;
	int error;

	error = mbox_ioctl_copy(&arg, sizeof(arg), uarg, usize);
	if (error)
		return error;
	if (arg.flags & ~(MBOX_HANDOVER_RECV | MBOX_HANDOVER_HEIR))
		return -EINVAL;
	if (!arg.pid && ((arg.flags & MBOX_HANDOVER_RECV) || arg.start))
		return -EINVAL;
	if (handle->mbox->kind->fixed)
		return -EOPNOTSUPP;
	return mbox_owner_hand_over(handle->mbox, file, &arg);
}

static long ioctl_shutdown(struct file *file, void __user *uarg, size_t usize)
{
	struct mbox_handle *handle = file->private_data;
	struct mbox_ioc_shutdown arg;
	int error;

	error = mbox_ioctl_copy(&arg, sizeof(arg), uarg, usize);
	if (error)
		return error;
	if (arg.flags || !arg.how || (arg.how & ~MBOX_RIGHTS))
		return -EINVAL;
	if (arg.how & ~handle->rights)
		return -EBADF;
	if (mbox_handle_foreign(handle))
		return -EUSERS;
	return mbox_handle_shutdown(handle, arg.how);
}

#define WAIT_FLAGS (MBOX_WAIT_WAKE | MBOX_WAIT_TRIM | MBOX_WAIT_MOVE | MBOX_WAIT_GROW)

static long ioctl_wait(struct file *file, void __user *uarg, size_t usize)
{
	struct mbox_handle *handle = file->private_data;
	struct mbox_ring_wait args;
	struct mbox_ioc_wait wait;
	u32 side;
	int error;

	error = mbox_ioctl_copy(&wait, sizeof(wait), uarg, usize);
	if (error)
		return error;
	if (!handle->mbox->ring)
		return -EOPNOTSUPP;
	if (!handle->rights)
		return -EBADF;
	if (!wait.flags || (wait.flags & ~WAIT_FLAGS) || wait.pad)
		return -EINVAL;
	if (!(wait.flags & MBOX_WAIT_MOVE) &&
	    ((wait.seen && !(wait.flags & MBOX_WAIT_GROW)) || wait.clock || wait.deadline))
		return -EINVAL;
	if ((wait.flags & MBOX_WAIT_MOVE) && (wait.flags & MBOX_WAIT_GROW))
		return -EINVAL;
	if (mbox_deadline_set(&args.deadline, wait.clock, wait.deadline))
		return -EINVAL;
	side = wait.side;
	if (!side && handle->rights != MBOX_RIGHTS)
		side = handle->rights;
	if ((side != MBOX_RIGHT_RECV && side != MBOX_RIGHT_SEND) ||
	    !(side & handle->rights))
		return -EINVAL;
	args.flags = wait.flags;
	args.side = side;
	args.seen = wait.seen;
	args.nonblock = file->f_flags & O_NONBLOCK;
	return mbox_ring_wait(handle, &args);
}

static const struct mbox_ioctl ioctl_table[] = {
	MBOX_IOCTL(DELETE, mbox_ioc_delete, dropped, ioctl_delete),
	MBOX_IOCTL(SEND, mbox_ioc_send, size, ioctl_send),
	MBOX_IOCTL(RECV, mbox_ioc_recv, header, ioctl_recv),
	MBOX_IOCTL(GET, mbox_info, spin_misses, ioctl_get),
	MBOX_IOCTL(SET, mbox_ioc_set, bytes, ioctl_set),
	MBOX_IOCTL(HANDOVER, mbox_ioc_handover, start, ioctl_handover),
	MBOX_IOCTL(WAIT, mbox_ioc_wait, pad, ioctl_wait),
	MBOX_IOCTL(SHUTDOWN, mbox_ioc_shutdown, how, ioctl_shutdown),
	MBOX_IOCTL(SENDV, mbox_ioc_sendv, entry_size, ioctl_sendv),
	MBOX_IOCTL(RECVV, mbox_ioc_recvv, start, ioctl_recvv),
	MBOX_IOCTL(LEASE, mbox_ioc_lease, delivery, mbox_ioctl_lease),
	MBOX_IOCTL(ACK, mbox_ioc_ack, entries, mbox_ioctl_ack),
	MBOX_IOCTL(NACK, mbox_ioc_nack, pad, mbox_ioctl_nack),
	MBOX_IOCTL(EXTEND, mbox_ioc_extend, time, mbox_ioctl_extend),
	MBOX_IOCTL(POST, mbox_ioc_post, expires, mbox_ioctl_post),
	MBOX_IOCTL(CALL, mbox_ioc_call, start, mbox_ioctl_call),
	MBOX_IOCTL(REPLY, mbox_ioc_reply, lease, mbox_ioctl_reply),
	MBOX_IOCTL(KICK, mbox_ioc_kick, kicked, mbox_ioctl_kick),
	MBOX_IOCTL(MODE, mbox_ioc_mode, start, mbox_ioctl_mode),
	MBOX_IOCTL(NOTIFY, mbox_ioc_notify, uid, mbox_ioctl_notify),
};

long mbox_ioctl_handle(struct file *file, unsigned int cmd, unsigned long arg)
{
	return mbox_ioctl_dispatch(ioctl_table, ARRAY_SIZE(ioctl_table), file, cmd, arg);
}
