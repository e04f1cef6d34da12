// SPDX-License-Identifier: LGPL-2.1-or-later
/* struct mbox: made from a name or a descriptor, closed */
#include <stdlib.h>
#include <unistd.h>

#include "internal.h"

static struct mbox *handle_new(void)
{
	int saved = errno;
	struct mbox *mb = calloc(1, sizeof(*mb));

	errno = saved;
	return mb;
}

/* Learn the kind of the mailbox, and map its ring if it is one. */
static int handle_setup(struct mbox *mb, const struct mbox_info *info)
{
	mb->queue = info->space == MBOX_SPACE_MQ;
	mb->counts = mb->queue || info->policy == MBOX_POLICY_BROADCAST ||
		     info->kind == MBOX_KIND_LINK ||
		     info->capacity == MBOX_CAPACITY_ZERO;
	mbox_handle_framed(mb, info->handle_mode & MBOX_MODE_HEADER);
	return mbox_ring_map(&mb->ring, mb->fd, info);
}

/*
 * Allocate first: nothing may fail once the mailbox exists, except mapping a ring.
 * If that fails, a new mailbox is deleted again.
 */
int mbox_handle_open(struct mbox **mbp, unsigned long request, void *arg)
{
	struct mbox_info info = { .flags = 0 };
	struct mbox *mb;
	int ret;

	mb = handle_new();
	if (!mb)
		return -ENOMEM;
	ret = mbox_factory_ioctl(request, arg);
	if (ret < 0) {
		free(mb);
		return ret;
	}
	mb->fd = ret;
	ret = mbox_ioctl(mb->fd, MBOX_IOC_GET, &info);
	if (ret >= 0)
		ret = handle_setup(mb, &info);
	if (ret < 0) {
		if (request == MBOX_IOC_CREATE)
			mbox_delete_handle(mb, MBOX_DELETE_FORCE, NULL);
		mbox_close(mb);
		return ret;
	}
	*mbp = mb;
	return 0;
}

static void attr_copy(struct mbox_ioc_open *arg, const struct mbox_attr *attr)
{
	static const struct mbox_attr defaults = MBOX_ATTR_INIT;

	if (!attr)
		attr = &defaults;
	arg->mode = attr->mode;
	arg->lifetime = attr->lifetime;
	/* A ring has none; one that was left at the default was not asked for. */
	arg->capacity = attr->ring && attr->capacity == defaults.capacity ? 0 : attr->capacity;
	arg->msg_size = attr->msg_size;
	arg->bytes = attr->bytes;
	arg->policy = attr->policy;
	arg->max_procs = attr->max_procs;
	arg->options = attr->options;
	arg->ring = attr->ring;
	arg->dead_letter = attr->dead_letter;
	arg->max_deliveries = attr->max_deliveries;
}

int mbox_create(struct mbox **mbp, const char *name, unsigned int rights,
		const struct mbox_attr *attr)
{
	struct mbox_ioc_open arg = { .rights = rights };
	int ret;

	if (!mbp)
		return -EFAULT;
	attr_copy(&arg, attr);
	if (name) {
		ret = mbox_name_copy(arg.name, name);
		if (ret)
			return ret;
	} else if (!attr) {
		/* The kernel refuses the default lifetime without a name. */
		arg.lifetime = MBOX_LIFETIME_FD;
	}
	return mbox_handle_open(mbp, MBOX_IOC_CREATE, &arg);
}

int mbox_open(struct mbox **mbp, const char *name, unsigned int rights)
{
	struct mbox_ioc_open arg = { .rights = rights };
	int ret;

	if (!mbp)
		return -EFAULT;
	ret = mbox_name_copy(arg.name, name);
	if (ret)
		return ret;
	return mbox_handle_open(mbp, MBOX_IOC_OPEN, &arg);
}

int mbox_open_or_create(struct mbox **mbp, const char *name,
			unsigned int rights, const struct mbox_attr *attr)
{
	struct mbox_ioc_open arg = {
		.flags = MBOX_OPEN_CREATE,
		.rights = rights,
	};
	int ret;

	if (!mbp)
		return -EFAULT;
	attr_copy(&arg, attr);
	ret = mbox_name_copy(arg.name, name);
	if (ret)
		return ret;
	return mbox_handle_open(mbp, MBOX_IOC_OPEN, &arg);
}

int mbox_open_label(struct mbox **mbp, unsigned int space, const void *label, size_t size,
		    unsigned int rights, unsigned int flags, const struct mbox_attr *attr)
{
	const unsigned int made = MBOX_OPEN_CREATE | MBOX_OPEN_EXCL;
	struct mbox_ioc_open arg = {
		.flags = flags,
		.rights = rights,
		.space = space,
		.label = size ? mbox_address(label) : 0,
		.label_size = size > MBOX_LABEL_MAX ? MBOX_LABEL_MAX + 1 : (uint32_t)size,
	};
	unsigned long request = MBOX_IOC_OPEN;

	if (!mbp || (size && !label))
		return -EFAULT;
	if (space == MBOX_SPACE_NONE)
		return -EINVAL;
	if (flags & MBOX_OPEN_CREATE)
		attr_copy(&arg, attr);
	if ((flags & made) == made) {
		request = MBOX_IOC_CREATE;
		arg.flags &= ~made;
		/* The kernel refuses the default lifetime without a name. */
		if (!attr && !size)
			arg.lifetime = MBOX_LIFETIME_FD;
	}
	return mbox_handle_open(mbp, request, &arg);
}

int mbox_open_id(struct mbox **mbp, unsigned int space, uint64_t id, unsigned int rights,
		 unsigned int flags)
{
	struct mbox_ioc_open arg = {
		.flags = flags | MBOX_OPEN_BY_ID,
		.rights = rights,
		.space = space,
		.id = id,
	};

	if (!mbp)
		return -EFAULT;
	return mbox_handle_open(mbp, MBOX_IOC_OPEN, &arg);
}

int mbox_next_id(unsigned int space, uint64_t *id)
{
	struct mbox_ioc_next arg = { .space = space };
	int ret;

	if (!id)
		return -EFAULT;
	arg.id = *id;
	ret = mbox_factory_ioctl(MBOX_IOC_NEXT, &arg);
	if (!ret)
		*id = arg.id;
	return ret;
}

int mbox_from_fd(struct mbox **mbp, int fd)
{
	struct mbox_info info = { .flags = 0 };
	struct mbox *mb;
	int ret;

	if (!mbp)
		return -EFAULT;
	/* Only a mailbox answers this call; some drivers return EINVAL for
	 * unknown calls. */
	ret = mbox_ioctl(fd, MBOX_IOC_GET, &info);
	if (ret < 0)
		return ret == -EINVAL ? -ENOTTY : ret;
	mb = handle_new();
	if (!mb)
		return -ENOMEM;
	mb->fd = fd;
	ret = handle_setup(mb, &info);
	if (ret < 0) {
		free(mb);
		return ret;
	}
	*mbp = mb;
	return 0;
}

int mbox_fd(const struct mbox *mb)
{
	return mb ? mb->fd : -EINVAL;
}

int mbox_shutdown(struct mbox *mb, unsigned int rights)
{
	struct mbox_ioc_shutdown arg = {
		.how = rights,
	};

	if (!mb)
		return -EINVAL;
	return mbox_ioctl(mb->fd, MBOX_IOC_SHUTDOWN, &arg);
}

void mbox_close(struct mbox *mb)
{
	int saved = errno;
	int cancel;

	if (!mb)
		return;
	cancel = mbox_cancel_disable();
	/* A mapping keeps the file open too: unmap first. */
	mbox_ring_unmap(mb->ring);
	close(mb->fd);
	free(mb);
	errno = saved;
	mbox_cancel_restore(cancel);
}
