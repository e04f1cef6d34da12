// SPDX-License-Identifier: GPL-2.0-only
/* Handles: open files on mailboxes, and their file operations but ioctls. */
#include <linux/anon_inodes.h>
#include <linux/capability.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "ioctl.h"
#include "job.h"
#include "kind.h"
#include "label.h"
#include "link.h"
#include "mbox.h"
#include "message.h"
#include "mode.h"
#include "notify.h"
#include "process.h"
#include "ring.h"
#include "user.h"
#include "wait.h"

static atomic64_t last_handle;

static bool handle_less(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct mbox_handle, node)->number <
	       rb_entry(b, struct mbox_handle, node)->number;
}

/* Add a handle to those that are open; it gets a number that none had before. */
static void handle_list(struct mbox *mbox, struct mbox_handle *handle)
{
	spin_lock(&mbox->lock);
	handle->number = atomic64_inc_return(&last_handle);
	rb_add(&handle->node, &mbox->open, handle_less);
	spin_unlock(&mbox->lock);
}

/* Return the open handle with the smallest number above @number, or NULL. */
struct mbox_handle *mbox_handle_after(struct mbox *mbox, u64 number)
{
	struct rb_node *node = mbox->open.rb_node;
	struct mbox_handle *found = NULL;

	lockdep_assert_held(&mbox->lock);
	while (node) {
		struct mbox_handle *handle;

		handle = rb_entry(node, struct mbox_handle, node);
		if (handle->number > number) {
			found = handle;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return found;
}

/* A process closes a descriptor; others may have the file still. */
static int handle_flush(struct file *file, fl_owner_t id)
{
	struct mbox_handle *handle = file->private_data;

	if (unlikely(mbox_notify_armed(handle->mbox)))
		mbox_notify_flush(handle);
	return 0;
}

static int handle_release(struct inode *inode, struct file *file)
{
	struct mbox_handle *handle = file->private_data;
	const struct mbox_kind *kind = handle->mbox->kind;

	mbox_shortage_forget(handle);
	mbox_notify_release(handle);
	spin_lock(&handle->mbox->lock);
	rb_erase(&handle->node, &handle->mbox->open);
	spin_unlock(&handle->mbox->lock);
	kind->leave(handle);
	/* While its mailbox can still give the messages to others. */
	mbox_worker_leave(handle);
	/* Before a subscription ends, so that a send that it held up fails. */
	mbox_mailbox_renounce(handle->mbox, handle->rights & ~handle->shut);
	kind->renounced(handle, MBOX_RIGHTS);
	mbox_mailbox_detach(handle->mbox, 0);
	mbox_member_close(handle->member);
	kind->release(handle);
	if (handle->mode)
		mbox_mode_put(handle->mode);
	mbox_mailbox_put(handle->mbox);
	mbox_user_put(handle->user);
	put_pid(handle->pid);
	kfree(handle);
	return 0;
}

/* The VFS has checked FMODE_READ, which is MBOX_RIGHT_RECV but for rings. */
static ssize_t handle_read(struct file *file, char __user *data, size_t size,
			   loff_t *pos)
{
	struct mbox_handle *handle = file->private_data;
	struct mbox_recv_args args __uninitialized;
	int error;

	mbox_recv_args_setup(&args);
	args.data = data;
	args.size = size;
	args.nonblock = file->f_flags & O_NONBLOCK;
	error = mbox_receive(handle, &args);
	return error ? error : (ssize_t)args.length;
}

static ssize_t handle_write(struct file *file, const char __user *data,
			    size_t size, loff_t *pos)
{
	struct mbox_handle *handle = file->private_data;
	struct mbox_send_args args __uninitialized;
	int result;

	mbox_send_args_setup(&args);
	args.data = data;
	args.length = size;
	args.nonblock = file->f_flags & O_NONBLOCK;
	if (size > U32_MAX)
		return -EMSGSIZE;
	result = mbox_send(handle, &args);
	return result < 0 ? result : size;
}

static __poll_t handle_poll(struct file *file, poll_table *wait)
{
	struct mbox_handle *handle = file->private_data;

	return handle->mbox->kind->poll(handle, file, wait);
}

/* End some of the calls of a list. True if there may be more. */
static bool handle_end_some(struct mbox *mbox, struct list_head *calls,
			    struct mbox_deferred *deferred)
{
	struct mbox_waiter *waiter;
	unsigned int n;

	for (n = 0; n < MBOX_END_BATCH; n++) {
		waiter = list_first_entry_or_null(calls, struct mbox_waiter, call);
		if (!waiter)
			return false;
		mbox_waiter_end(mbox, waiter, -ESHUTDOWN, deferred);
	}
	return true;
}

/* End the calls that are blocked through @handle in one direction. */
static void handle_end_calls(struct mbox_handle *handle, u32 right)
{
	bool receives = right == MBOX_RIGHT_RECV;
	struct mbox_deferred deferred;
	struct mbox *mbox = handle->mbox;
	struct list_head *calls;
	bool more;

	if (!receives && handle->out)
		mbox = handle->out->to->inbox;
	calls = receives ? &handle->receives : &handle->sends;
	do {
		mbox_mailbox_lock(mbox, &deferred);
		more = handle_end_some(mbox, calls, &deferred);
		/* Not before all are ended, so that none of them is admitted. */
		if (!more && !receives)
			mbox->kind->admit(mbox, handle->out ?
					  &handle->out->room : &mbox->room,
					  &deferred);
		mbox_mailbox_unlock(mbox, &deferred);
		cond_resched();
	} while (more);
}

/* End the calls that are blocked through @handle in the directions of @rights. */
void mbox_handle_end_calls(struct mbox_handle *handle, u32 rights)
{
	if (rights & MBOX_RIGHT_RECV)
		handle_end_calls(handle, MBOX_RIGHT_RECV);
	if (rights & MBOX_RIGHT_SEND)
		handle_end_calls(handle, MBOX_RIGHT_SEND);
}

/* Take those of @rights that @handle still has. Return these. */
static u32 handle_shut(struct mbox_handle *handle, u32 rights)
{
	lockdep_assert_held(&handle->mbox->lock);
	rights &= ~handle->shut;
	WRITE_ONCE(handle->shut, handle->shut | rights);
	WRITE_ONCE(handle->plain, false);
	return rights;
}

/**
 * mbox_handle_shutdown - give up rights of a handle
 * @handle:	the handle
 * @rights:	MBOX_RIGHT_* out of those that it was opened with
 *
 * Calls that are blocked look under the lock that this takes after @shut is set:
 * so those that do not see it are found here.
 *
 * Return: 0.
 */
int mbox_handle_shutdown(struct mbox_handle *handle, u32 rights)
{
	struct mbox *mbox = handle->mbox;
	struct mbox_deferred deferred;

	mbox_mailbox_lock(mbox, &deferred);
	rights = handle_shut(handle, rights);
	mbox_mailbox_unlock(mbox, &deferred);

	mbox->kind->shut(handle, rights);
	mbox_mailbox_renounce(mbox, rights);
	mbox->kind->renounced(handle, rights);
	wake_up_interruptible_poll(&mbox->poll, EPOLLIN | EPOLLRDNORM |
						EPOLLERR | EPOLLHUP);
	return 0;
}

/**
 * mbox_handle_revoke - take the rights of all handles on a mailbox with one queue
 * @mbox:	it can be opened
 *
 * As if each handle gave up its rights: MBOX_IOC_SHUTDOWN. Handles that are opened
 * after the call began may keep theirs. May sleep.
 */
void mbox_handle_revoke(struct mbox *mbox)
{
	u64 last = atomic64_read(&last_handle), number = 0;
	struct mbox_deferred deferred;
	struct mbox_handle *handle;
	u32 rights;

	if (mbox->cast || mbox->ring)
		return;
	for (;;) {
		mbox_mailbox_lock(mbox, &deferred);
		handle = mbox_handle_after(mbox, number);
		if (!handle || handle->number > last)
			break;
		number = handle->number;
		rights = handle_shut(handle, handle->rights);
		if (rights & MBOX_RIGHT_RECV)
			mbox->recv_handles--;
		if (rights & MBOX_RIGHT_SEND)
			mbox->send_handles--;
		if (handle_end_some(mbox, &handle->receives, &deferred) ||
		    handle_end_some(mbox, &handle->sends, &deferred))
			number--;
		else
			mbox->kind->admit(mbox, &mbox->room, &deferred);
		mbox_mailbox_unlock(mbox, &deferred);
		cond_resched();
	}
	deferred.events |= EPOLLIN | EPOLLRDNORM | EPOLLERR | EPOLLHUP;
	mbox_mailbox_unlock(mbox, &deferred);
}

static int handle_mmap(struct file *file, struct vm_area_struct *vma)
{
	return mbox_ring_mmap(file->private_data, vma);
}

#ifdef CONFIG_PROC_FS
static void handle_show_fdinfo(struct seq_file *seq, struct file *file)
{
	static const char *const states[] = {
		[MBOX_STATE_LIVE] = "live",
		[MBOX_STATE_UNLINKED] = "unlinked",
		[MBOX_STATE_DRAINING] = "draining",
		[MBOX_STATE_DEAD] = "dead",
	};
	struct mbox_handle *handle = file->private_data;
	struct mbox_info info;

	mbox_mailbox_info(handle->mbox, handle, &info, NULL);
	seq_printf(seq, "mbox-id:\t%llu\n", info.id);
	seq_printf(seq, "mbox-name:\t%s\n", info.name);
	mbox_label_show(seq, handle->mbox);
	seq_printf(seq, "mbox-state:\t%s\n", states[info.state]);
	seq_printf(seq, "mbox-rights:\t%s%s\n",
		   info.rights & MBOX_RIGHT_RECV ? "r" : "-",
		   info.rights & MBOX_RIGHT_SEND ? "w" : "-");
	seq_printf(seq, "mbox-queued:\t%llu\n", info.queued);
	seq_printf(seq, "mbox-mode:\t%x\n", info.handle_mode);
	seq_printf(seq, "mbox-received:\t%llu\n", info.handle_received);
}
#endif

static const struct file_operations handle_fops = {
	.owner = THIS_MODULE,
	.flush = handle_flush,
	.release = handle_release,
	.read = handle_read,
	.write = handle_write,
	.read_iter = mbox_iter_read,
	.write_iter = mbox_iter_write,
	.poll = handle_poll,
	.mmap = handle_mmap,
	.unlocked_ioctl = mbox_ioctl_handle,
	.compat_ioctl = compat_ptr_ioctl,
#ifdef CONFIG_PROC_FS
	.show_fdinfo = handle_show_fdinfo,
#endif
};

/* read() of a queue of mq_overview(7): a line about it. The kind of a notice is not known. */
static ssize_t queue_read(struct file *file, char __user *data, size_t size,
			  loff_t *pos)
{
	struct mbox_handle *handle = file->private_data;
	struct mbox_info info;
	char line[80];
	int length;

	mbox_mailbox_info(handle->mbox, handle, &info, NULL);
	length = scnprintf(line, sizeof(line),
			   "QSIZE:%-10llu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n",
			   info.queued_bytes, 0, 0,
			   mbox_notify_pid(handle->mbox));
	return simple_read_from_buffer(data, size, pos, line, length);
}

/* A queue of mq_overview(7) has messages by ioctls alone. */
static const struct file_operations queue_fops = {
	.owner = THIS_MODULE,
	.llseek = default_llseek,
	.flush = handle_flush,
	.release = handle_release,
	.read = queue_read,
	.poll = handle_poll,
	.unlocked_ioctl = mbox_ioctl_handle,
	.compat_ioctl = compat_ptr_ioctl,
#ifdef CONFIG_PROC_FS
	.show_fdinfo = handle_show_fdinfo,
#endif
};

/**
 * mbox_handle_open - make an open file on a mailbox
 * @mbox:	to whose handles it was added by mbox_mailbox_attach(); that and a
 *		reference go over to the file, or are dropped on error
 * @rights:	MBOX_RIGHT_*
 * @nonblock:	whether O_NONBLOCK is set
 *
 * Return: the file, or EBUSY (of a ring), ENFILE, ENOMEM, EUSERS.
 */
struct file *mbox_handle_open(struct mbox *mbox, u32 rights, bool nonblock)
{
	/* Both bits set: opened for neither reading nor writing. */
	static const int modes[] = {
		[0] = O_ACCMODE,
		[MBOX_RIGHT_RECV] = O_RDONLY,
		[MBOX_RIGHT_SEND] = O_WRONLY,
		[MBOX_RIGHT_RECV | MBOX_RIGHT_SEND] = O_RDWR,
	};
	bool queue = mbox->space == MBOX_SPACE_MQ;
	struct mbox_handle *handle;
	int mode = modes[rights];
	struct file *file;
	int error = -ENOMEM;

	handle = kzalloc(sizeof(*handle), GFP_KERNEL_ACCOUNT);
	if (!handle)
		goto err_detach;
	handle->mbox = mbox;
	handle->rights = rights;
	handle->plain = mbox->plain;
	INIT_LIST_HEAD(&handle->receives);
	INIT_LIST_HEAD(&handle->sends);
	INIT_LIST_HEAD(&handle->short_node);
	handle->workers = RB_ROOT;
	/*
	 * The sender has to have it too: neither may lend it to the other, as
	 * a program with raised privileges would that writes to a handle which
	 * it was given as its output.
	 */
	handle->unlimited = capable(CAP_SYS_RESOURCE);
	handle->user = mbox_user_get(current_uid());
	if (IS_ERR(handle->user)) {
		error = PTR_ERR(handle->user);
		goto err_free;
	}
	handle->queue = &mbox->queue;
	error = mbox->kind->open(handle);
	if (error)
		goto err_user;
	/* A process that opens a handle without rights takes no part. */
	handle->member = rights ? mbox_member_open(mbox) : NULL;
	if (IS_ERR(handle->member)) {
		error = PTR_ERR(handle->member);
		goto err_kind;
	}
	/* mmap() goes by it: a side that reads writes its index too. */
	if (mbox->kind->mapped && rights)
		mode = O_RDWR;
	file = anon_inode_getfile("[mbox]", queue ? &queue_fops : &handle_fops,
				  handle, mode | (nonblock ? O_NONBLOCK : 0));
	if (IS_ERR(file)) {
		error = PTR_ERR(file);
		goto err_member;
	}
	if (!queue) {
		stream_open(file_inode(file), file);
		file->f_mode |= FMODE_NOWAIT;
	}
	mbox_compat_no_notify(file);
	handle->pid = get_pid(task_tgid(current));
	handle_list(mbox, handle);
	mbox->kind->begin(handle);
	return file;

err_member:
	mbox_member_close(handle->member);
err_kind:
	mbox->kind->leave(handle);
	mbox->kind->release(handle);
err_user:
	mbox_user_put(handle->user);
err_free:
	kfree(handle);
err_detach:
	mbox_mailbox_detach(mbox, rights);
	mbox_mailbox_put(mbox);
	return ERR_PTR(error);
}
