// SPDX-License-Identifier: GPL-2.0-only
/* /dev/mbox, the table of ioctls, and the copying of their arguments. */
#include <linux/file.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/nsproxy.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "copy.h"
#include "event.h"
#include "kind.h"
#include "link.h"
#include "mbox.h"
#include "message.h"
#include "process.h"
#include "registry.h"
#include "ring.h"
#include "wait.h"

/*
 * A call. @min_size is the size of its structure in version 1 of the ABI: _last
 * stays the last field of version 1 when the structure grows. Each call copies
 * its argument itself, with copy_arg(): a size that the compiler knows makes
 * copying much cheaper.
 */
struct ioc {
	unsigned int cmd;
	size_t min_size;
	long (*call)(struct file *file, void __user *uarg, size_t usize);
};

#define IOC(_name, _type, _last, _call)				\
	[_IOC_NR(MBOX_IOC_##_name)] = {				\
		.cmd = MBOX_IOC_##_name,			\
		.min_size = offsetofend(struct _type, _last),	\
		.call = _call,					\
	}

/* The caller may know more of the structure than we do, or less. */
static __always_inline int copy_arg(void *arg, size_t size,
				    const void __user *uarg, size_t usize)
{
	if (likely(usize == size))
		return mbox_copy_in(arg, uarg, size) ? 0 : -EFAULT;
	return copy_struct_from_user(arg, size, uarg, usize);
}

static int copy_result(void __user *uarg, size_t usize, const void *arg,
		       size_t size)
{
	if (copy_to_user(uarg, arg, min(usize, size)))
		return -EFAULT;
	if (usize > size && clear_user(uarg + size, usize - size))
		return -EFAULT;
	return 0;
}

/* Give @file the descriptor @fd; if @file is an error, give the descriptor back. */
static long cdev_install(int fd, struct file *file)
{
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	fd_install(fd, file);
	return fd;
}

/* Take the descriptor first: once the mailbox exists, nothing may fail. */
static long cdev_open_fd(struct file *factory, const struct mbox_ioc_open *arg,
			 bool open, bool create)
{
	struct mbox_attr attr = {};
	int fd;

	fd = mbox_create_check(arg, create, &attr);
	if (fd)
		return fd;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	return cdev_install(fd, mbox_create_file(factory, arg, &attr, open,
						 create));
}

#define OPEN_FLAGS (MBOX_OPEN_CREATE | MBOX_OPEN_EXCL | MBOX_OPEN_NONBLOCK)

static long ioc_create(struct file *factory, void __user *uarg, size_t usize)
{
	struct mbox_ioc_open arg;
	int error;

	error = copy_arg(&arg, sizeof(arg), uarg, usize);
	if (error)
		return error;
	if (arg.flags & ~MBOX_OPEN_NONBLOCK)
		return -EINVAL;
	if (mbox_name_empty(arg.name)) {
		/* No process could ever reach it again. */
		if (arg.lifetime == MBOX_LIFETIME_OS)
			return -EINVAL;
	} else if (!mbox_name_valid(arg.name)) {
		return -EINVAL;
	}
	return cdev_open_fd(factory, &arg, false, true);
}

static long ioc_open(struct file *factory, void __user *uarg, size_t usize)
{
	struct mbox_ioc_open arg;
	bool create, exclusive;
	int error;

	error = copy_arg(&arg, sizeof(arg), uarg, usize);
	if (error)
		return error;
	create = arg.flags & MBOX_OPEN_CREATE;
	exclusive = arg.flags & MBOX_OPEN_EXCL;
	if ((arg.flags & ~OPEN_FLAGS) || (exclusive && !create) ||
	    !mbox_name_valid(arg.name))
		return -EINVAL;
	return cdev_open_fd(factory, &arg, !exclusive, create);
}

static long ioc_link(struct file *factory, void __user *uarg, size_t usize)
{
	struct mbox_attr attr = { .lifetime = MBOX_LIFETIME_PROCESS };
	struct mbox_ioc_link arg;
	int fd;

	fd = copy_arg(&arg, sizeof(arg), uarg, usize);
	if (fd)
		return fd;
	attr.capacity = arg.capacity;
	attr.msg_size = arg.msg_size;
	if ((arg.flags & ~MBOX_OPEN_NONBLOCK) || mbox_attr_check(&attr))
		return -EINVAL;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	return cdev_install(fd, mbox_direct_open_link(factory, &arg, attr.msg_size));
}

static long ioc_inbox(struct file *factory, void __user *uarg, size_t usize)
{
	struct mbox_ioc_inbox arg;
	int fd;

	fd = copy_arg(&arg, sizeof(arg), uarg, usize);
	if (fd)
		return fd;
	if ((arg.flags & ~MBOX_OPEN_NONBLOCK) || arg.pad)
		return -EINVAL;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	return cdev_install(fd, mbox_direct_open_inbox(factory,
						arg.flags & MBOX_OPEN_NONBLOCK));
}

static int get_delete(struct mbox_ioc_delete *arg, void __user *uarg,
		      size_t usize)
{
	int error;

	error = copy_arg(arg, sizeof(*arg), uarg, usize);
	if (error)
		return error;
	return arg->flags || arg->how > MBOX_DELETE_UNLINK ? -EINVAL : 0;
}

/*
 * Write what was read, to see that the results can be written, before anything
 * is done. Who takes the memory away after that goes without them.
 */
static long delete_mailbox(struct mbox *mbox, struct file *file,
			   struct mbox_ioc_delete *arg, void __user *uarg,
			   size_t usize)
{
	long error;

	if (copy_result(uarg, usize, arg, sizeof(*arg)))
		return -EFAULT;
	arg->queued = 0;
	arg->dropped = 0;
	error = mbox_mailbox_delete(mbox, file, arg);
	if (!error || error == -ENOTEMPTY)
		copy_result(uarg, usize, arg, sizeof(*arg));
	return error;
}

static long ioc_delete_named(struct file *factory, void __user *uarg,
			     size_t usize)
{
	struct mbox_ioc_delete arg;
	struct mbox *mbox;
	long error;

	error = get_delete(&arg, uarg, usize);
	if (error)
		return error;
	if (!mbox_name_valid(arg.name))
		return -EINVAL;
	mbox = mbox_registry_find(factory->private_data, arg.name);
	if (!mbox)
		return -ENOENT;
	mbox_owner_check(mbox);
	error = delete_mailbox(mbox, factory, &arg, uarg, usize);
	mbox_mailbox_put(mbox);
	/* Somebody else deleted it first, or its owner has ended. */
	return error == -EIDRM || error == -EOWNERDEAD ? -ENOENT : error;
}

static long ioc_delete(struct file *file, void __user *uarg, size_t usize)
{
	struct mbox_handle *handle = file->private_data;
	struct mbox_ioc_delete arg;
	int error;

	error = get_delete(&arg, uarg, usize);
	if (error)
		return error;
	if (!mbox_name_empty(arg.name))
		return -EINVAL;
	if (handle->mbox->kind->fixed)
		return -EOPNOTSUPP;
	return delete_mailbox(handle->mbox, file, &arg, uarg, usize);
}

static long ioc_send(struct file *file, void __user *uarg, size_t usize)
{
	struct mbox_handle *handle = file->private_data;
	struct mbox_send_args args;
	struct mbox_ioc_send send;
	int error;

	error = copy_arg(&send, sizeof(send), uarg, usize);
	if (error)
		return error;
	if (!(handle->rights & MBOX_RIGHT_SEND))
		return -EBADF;
	if (unlikely(handle->mbox->ring))
		return -EOPNOTSUPP;
	if ((send.flags & ~(MBOX_SEND_NONBLOCK | MBOX_SEND_SYNC)) ||
	    send.prio > MBOX_PRIO_MAX)
		return -EINVAL;
	if (mbox_deadline_set(&args.deadline, send.clock, send.deadline))
		return -EINVAL;
	args.nonblock = (send.flags & MBOX_SEND_NONBLOCK) ||
			(file->f_flags & O_NONBLOCK);
	args.sync = send.flags & MBOX_SEND_SYNC;
	if (args.sync && args.nonblock)
		return -EINVAL;
	if (send.size > U32_MAX)
		return -EMSGSIZE;
	args.data = u64_to_user_ptr(send.data);
	args.length = send.size;
	args.prio = send.prio;
	args.type = send.type;
	args.share = NULL;
	return mbox_send(handle, &args);
}

#define RECV_FLAGS (MBOX_RECV_NONBLOCK | MBOX_RECV_PEEK | RECV_FILTERS)
#define RECV_FILTERS (MBOX_RECV_BY_TYPE | MBOX_RECV_BY_SENDER | MBOX_RECV_BY_START)

/*
 * As copy_arg(). Of the header start alone is read; as it is the last field, an
 * argument of which a part is not there is refused before anything is written.
 */
static __always_inline int copy_recv(struct mbox_ioc_recv *recv,
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

/* Receive from one process, named by its number and its start. */
static noinline int receive_from(struct mbox_handle *handle,
				 const struct mbox_ioc_recv *recv, size_t usize,
				 struct mbox_recv_args *args)
{
	int error;

	/* A caller that does not know of start cannot mean it. */
	if (!(recv->flags & MBOX_RECV_BY_SENDER) || !recv->pid ||
	    usize < sizeof(*recv))
		return -EINVAL;
	args->filter.start = recv->header.start;
	error = mbox_receive(handle, args);
	if (args->sender)
		mbox_sender_forget(args->sender);
	return error;
}

static long ioc_recv(struct file *file, void __user *uarg, size_t usize)
{
	struct mbox_handle *handle = file->private_data;
	struct mbox_ioc_recv __user *urecv = uarg;
	struct mbox_recv_args args = {};
	struct mbox_ioc_recv recv;
	int error;

	error = copy_recv(&recv, urecv, usize);
	if (error)
		return error;
	if (!(handle->rights & MBOX_RIGHT_RECV))
		return -EBADF;
	if (unlikely(handle->mbox->ring))
		return -EOPNOTSUPP;
	if ((recv.flags & ~RECV_FLAGS) || recv.pad ||
	    recv.min_prio > MBOX_PRIO_MAX ||
	    (recv.type && !(recv.flags & MBOX_RECV_BY_TYPE)) ||
	    (recv.pid && !(recv.flags & MBOX_RECV_BY_SENDER)))
		return -EINVAL;
	if (mbox_deadline_set(&args.deadline, recv.clock, recv.deadline))
		return -EINVAL;
	args.nonblock = (recv.flags & MBOX_RECV_NONBLOCK) ||
			(file->f_flags & O_NONBLOCK);
	args.peek = recv.flags & MBOX_RECV_PEEK;
	args.data = u64_to_user_ptr(recv.data);
	args.size = min_t(u64, recv.size, SIZE_MAX);
	args.header = &urecv->header;
	args.header_size = min(usize, sizeof(recv)) - offsetof(typeof(recv), header);
	args.filter.flags = recv.flags & RECV_FILTERS;
	args.filter.type = recv.type;
	args.filter.pid = recv.pid;
	args.filter.min_prio = recv.min_prio;
	args.filter.pid_ns = task_active_pid_ns(current);
	if (unlikely(recv.flags & MBOX_RECV_BY_START))
		return receive_from(handle, &recv, usize, &args);
	return mbox_receive(handle, &args);
}

static long ioc_get(struct file *file, void __user *uarg, size_t usize)
{
	struct mbox_handle *handle = file->private_data;
	struct mbox_info info;
	int error;

	error = copy_arg(&info, sizeof(info), uarg, usize);
	if (error)
		return error;
	if (info.flags)
		return -EINVAL;
	memset(&info, 0, sizeof(info));
	mbox_mailbox_info(handle->mbox, handle, &info, NULL);
	return copy_result(uarg, usize, &info, sizeof(info));
}

#define SET_MASK (MBOX_SET_MODE | MBOX_SET_UID | MBOX_SET_GID |		\
		  MBOX_SET_CAPACITY | MBOX_SET_MSG_SIZE | MBOX_SET_BYTES)

static long ioc_set(struct file *file, void __user *uarg, size_t usize)
{
	struct mbox_handle *handle = file->private_data;
	struct mbox_ioc_set set;
	int error;

	error = copy_arg(&set, sizeof(set), uarg, usize);
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

static long ioc_handover(struct file *file, void __user *uarg, size_t usize)
{
	struct mbox_handle *handle = file->private_data;
	struct mbox_ioc_handover arg;
	int error;

	error = copy_arg(&arg, sizeof(arg), uarg, usize);
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

static long ioc_shutdown(struct file *file, void __user *uarg, size_t usize)
{
	struct mbox_handle *handle = file->private_data;
	struct mbox_ioc_shutdown arg;
	int error;

	error = copy_arg(&arg, sizeof(arg), uarg, usize);
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

#define WAIT_FLAGS (MBOX_WAIT_WAKE | MBOX_WAIT_TRIM | MBOX_WAIT_MOVE)

static long ioc_wait(struct file *file, void __user *uarg, size_t usize)
{
	struct mbox_handle *handle = file->private_data;
	struct mbox_ring_wait args;
	struct mbox_ioc_wait wait;
	u32 side;
	int error;

	error = copy_arg(&wait, sizeof(wait), uarg, usize);
	if (error)
		return error;
	if (!handle->mbox->ring)
		return -EOPNOTSUPP;
	if (!handle->rights)
		return -EBADF;
	if (!wait.flags || (wait.flags & ~WAIT_FLAGS) || wait.pad)
		return -EINVAL;
	if (!(wait.flags & MBOX_WAIT_MOVE) &&
	    (wait.seen || wait.clock || wait.deadline))
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

static const struct ioc factory_iocs[] = {
	IOC(CREATE, mbox_ioc_open, ring, ioc_create),
	IOC(OPEN, mbox_ioc_open, ring, ioc_open),
	IOC(DELETE, mbox_ioc_delete, dropped, ioc_delete_named),
	IOC(LINK, mbox_ioc_link, start, ioc_link),
	IOC(INBOX, mbox_ioc_inbox, pad, ioc_inbox),
};

static const struct ioc handle_iocs[] = {
	IOC(DELETE, mbox_ioc_delete, dropped, ioc_delete),
	IOC(SEND, mbox_ioc_send, size, ioc_send),
	IOC(RECV, mbox_ioc_recv, header, ioc_recv),
	IOC(GET, mbox_info, pad, ioc_get),
	IOC(SET, mbox_ioc_set, bytes, ioc_set),
	IOC(HANDOVER, mbox_ioc_handover, start, ioc_handover),
	IOC(WAIT, mbox_ioc_wait, pad, ioc_wait),
	IOC(SHUTDOWN, mbox_ioc_shutdown, how, ioc_shutdown),
};

/* Find the call in a table by its number, and make it. */
static long dispatch(const struct ioc *iocs, size_t nr_iocs, struct file *file,
		     unsigned int cmd, unsigned long uarg)
{
	unsigned int nr = _IOC_NR(cmd);
	size_t usize = _IOC_SIZE(cmd);
	const struct ioc *ioc;

	if (nr >= nr_iocs)
		return -ENOTTY;
	ioc = &iocs[array_index_nospec(nr, nr_iocs)];
	if (!ioc->call || ((cmd ^ ioc->cmd) & ~IOCSIZE_MASK))
		return -ENOTTY;
	if (usize < ioc->min_size)
		return -EINVAL;
	return ioc->call(file, (void __user *)uarg, usize);
}

long mbox_handle_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return dispatch(handle_iocs, ARRAY_SIZE(handle_iocs), file, cmd, arg);
}

static long factory_ioctl(struct file *file, unsigned int cmd,
			  unsigned long arg)
{
	return dispatch(factory_iocs, ARRAY_SIZE(factory_iocs), file, cmd, arg);
}

static int factory_open(struct inode *inode, struct file *file)
{
	file->private_data = mbox_registry_get(current->nsproxy->net_ns);
	return nonseekable_open(inode, file);
}

static int factory_release(struct inode *inode, struct file *file)
{
	mbox_registry_put(file->private_data);
	return 0;
}

static const struct file_operations factory_fops = {
	.owner = THIS_MODULE,
	.open = factory_open,
	.release = factory_release,
	.unlocked_ioctl = factory_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice factory = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "mbox",
	.fops = &factory_fops,
	.mode = 0666,
};

int __init mbox_cdev_init(void)
{
	return misc_register(&factory);
}

void mbox_cdev_exit(void)
{
	misc_deregister(&factory);
}
