// SPDX-License-Identifier: GPL-2.0-only
/* /dev/mbox: the device, and its ioctls. */
#include <linux/file.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/nsproxy.h>
#include <linux/sched.h>
#include <net/net_namespace.h>

#include "access.h"
#include "ioctl.h"
#include "label.h"
#include "link.h"
#include "mbox.h"
#include "process.h"
#include "registry.h"

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
			 const struct mbox_label_key *label, bool open, bool create)
{
	struct mbox_attr attr = {};
	int fd;

	fd = mbox_create_check(arg, create, &attr);
	if (fd)
		return fd;
	attr.label = label;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	return cdev_install(fd, mbox_create_file(factory, arg, &attr, open,
						 create));
}

/* Check the name or the label of an argument, and copy the label. @text is for that. */
static int cdev_check_name(const struct mbox_ioc_open *arg, struct mbox_label_key *label,
			   char *text)
{
	bool by_id = arg->flags & MBOX_OPEN_BY_ID;
	int error = mbox_label_copy(label, text, arg);
	bool valid;

	if (error)
		return error;
	if (arg->name[0])
		valid = label->space == MBOX_SPACE_NONE && !by_id &&
			mbox_name_valid(arg->name);
	else
		valid = mbox_name_empty(arg->name) && !(by_id && label->size);
	return valid ? 0 : -EINVAL;
}

#define OPEN_FLAGS (MBOX_OPEN_CREATE | MBOX_OPEN_EXCL | MBOX_OPEN_NONBLOCK | \
		    MBOX_OPEN_BY_ID)

static long cdev_create(struct file *factory, void __user *uarg, size_t usize)
{
	struct mbox_label_key label;
	char text[MBOX_LABEL_MAX] __uninitialized;
	struct mbox_ioc_open arg;
	int error;

	error = mbox_ioctl_copy(&arg, sizeof(arg), uarg, usize) ?:
		cdev_check_name(&arg, &label, text);
	if (error)
		return error;
	if ((arg.flags & ~(MBOX_OPEN_NONBLOCK | MBOX_OPEN_BY_ID)) ||
	    (arg.id && label.space != MBOX_SPACE_SYSV))
		return -EINVAL;
	if (arg.id && !mbox_access_chooses_id(factory))
		return -EPERM;
	/* No process could ever reach it again. */
	if (!arg.name[0] && !label.size && !(arg.flags & MBOX_OPEN_BY_ID) &&
	    arg.lifetime == MBOX_LIFETIME_OS)
		return -EINVAL;
	return cdev_open_fd(factory, &arg, &label, false, true);
}

static long cdev_open(struct file *factory, void __user *uarg, size_t usize)
{
	struct mbox_label_key label;
	char text[MBOX_LABEL_MAX] __uninitialized;
	struct mbox_ioc_open arg;
	bool create, exclusive, by_id;
	int error;

	error = mbox_ioctl_copy(&arg, sizeof(arg), uarg, usize) ?:
		cdev_check_name(&arg, &label, text);
	if (error)
		return error;
	create = arg.flags & MBOX_OPEN_CREATE;
	exclusive = arg.flags & MBOX_OPEN_EXCL;
	by_id = arg.flags & MBOX_OPEN_BY_ID;
	if ((arg.flags & ~OPEN_FLAGS) || (exclusive && !create) ||
	    (by_id ? create : arg.id || (!arg.name[0] && !label.size)))
		return -EINVAL;
	return cdev_open_fd(factory, &arg, &label, !exclusive, create);
}

static long cdev_link(struct file *factory, void __user *uarg, size_t usize)
{
	struct mbox_attr attr = { .lifetime = MBOX_LIFETIME_PROCESS };
	struct mbox_ioc_link arg;
	int fd;

	fd = mbox_ioctl_copy(&arg, sizeof(arg), uarg, usize);
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

static long cdev_inbox(struct file *factory, void __user *uarg, size_t usize)
{
	struct mbox_ioc_inbox arg;
	int fd;

	fd = mbox_ioctl_copy(&arg, sizeof(arg), uarg, usize);
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

static long cdev_delete_named(struct file *factory, void __user *uarg,
			      size_t usize)
{
	struct mbox_ioc_delete arg;
	struct mbox *mbox;
	long error;

	error = mbox_ioctl_get_delete(&arg, uarg, usize);
	if (error)
		return error;
	if (!mbox_name_valid(arg.name))
		return -EINVAL;
	mbox = mbox_registry_find(factory->private_data, arg.name);
	if (!mbox)
		return -ENOENT;
	mbox_owner_check(mbox);
	error = mbox_ioctl_delete(mbox, factory, &arg, uarg, usize);
	mbox_mailbox_put(mbox);
	/* Another process deleted it first, or its owner has ended. */
	return error == -EIDRM || error == -EOWNERDEAD ? -ENOENT : error;
}

static long cdev_next(struct file *factory, void __user *uarg, size_t usize)
{
	struct mbox_ioc_next arg;
	int error;

	error = mbox_ioctl_copy(&arg, sizeof(arg), uarg, usize);
	if (error)
		return error;
	if (arg.flags || arg.space > MBOX_SPACE_MAX)
		return -EINVAL;
	error = mbox_registry_next_open(factory, arg.space, &arg.id);
	if (error)
		return error;
	return copy_to_user(uarg, &arg, sizeof(arg)) ? -EFAULT : 0;
}

static const struct mbox_ioctl cdev_ioctls[] = {
	MBOX_IOCTL(CREATE, mbox_ioc_open, ring, cdev_create),
	MBOX_IOCTL(OPEN, mbox_ioc_open, ring, cdev_open),
	MBOX_IOCTL(DELETE, mbox_ioc_delete, dropped, cdev_delete_named),
	MBOX_IOCTL(LINK, mbox_ioc_link, start, cdev_link),
	MBOX_IOCTL(INBOX, mbox_ioc_inbox, pad, cdev_inbox),
	MBOX_IOCTL(NEXT, mbox_ioc_next, id, cdev_next),
};

static long cdev_ioctl(struct file *file, unsigned int cmd,
		       unsigned long arg)
{
	return mbox_ioctl_dispatch(cdev_ioctls, ARRAY_SIZE(cdev_ioctls), file, cmd, arg);
}

static int cdev_file_open(struct inode *inode, struct file *file)
{
	file->private_data = mbox_registry_get(current->nsproxy->net_ns);
	return nonseekable_open(inode, file);
}

static int cdev_file_release(struct inode *inode, struct file *file)
{
	mbox_registry_put(file->private_data);
	return 0;
}

static const struct file_operations cdev_fops = {
	.owner = THIS_MODULE,
	.open = cdev_file_open,
	.release = cdev_file_release,
	.unlocked_ioctl = cdev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice cdev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "mbox",
	.fops = &cdev_fops,
	.mode = 0666,
};

int __init mbox_cdev_init(void)
{
	return misc_register(&cdev);
}

void mbox_cdev_exit(void)
{
	misc_deregister(&cdev);
}
