// SPDX-License-Identifier: LGPL-2.1-or-later
/* msgget(): keys, the limit of queues */
#include <limits.h>
#include <stdio.h>

#include "sysv.h"

#define LABEL_SIZE	8

/* The largest messages that a queue may have: msgmax is checked by each send. */
static const unsigned int get_sizes[] = { 16 << 20, 1 << 20, 64 << 10, 0 };

/* The bits of a mode or of msgflg that count for anybody. */
static unsigned int get_bits(int flags)
{
	return (unsigned int)(flags >> 6 | flags >> 3 | flags) & 7;
}

static unsigned int get_rights(unsigned int bits)
{
	return (bits & 4 ? MBOX_RIGHT_RECV : 0) | (bits & 2 ? MBOX_RIGHT_SEND : 0);
}

static bool get_in_group(gid_t gid)
{
	gid_t groups[NGROUPS_MAX];
	int n = getgroups(NGROUPS_MAX, groups);

	if (gid == getegid())
		return true;
	while (n-- > 0) {
		if (groups[n] == gid)
			return true;
	}
	return false;
}

/*
 * Check the right to execute. It means nothing, so a mailbox has none, but it counts if
 * msgflg asks for it.
 */
static bool get_executes(const struct mbox_info *info)
{
	unsigned int mode = info->mode;
	uid_t uid = geteuid();

	if (uid == info->uid || uid == info->cuid)
		mode >>= 6;
	else if (get_in_group(info->gid) || get_in_group(info->cgid))
		mode >>= 3;
	return (mode & 1) || frontend_capable(CAP_IPC_OWNER);
}

/*
 * Return the id that msg_next_id of /proc/sys/kernel asks for, in the form of MBOX_IOC_CREATE,
 * or 0.
 */
static uint64_t get_next_id(void)
{
	long id = sysv_limit_next_id();

	/* The next bit tells 0 from any. */
	return id < 0 ? 0 : (uint64_t)id | 1ULL << 31;
}

/* Create a queue. Returns a handle or -EEXIST, -ENOSPC, … */
static int get_create(int factory, int flags, const char *label)
{
	unsigned int bytes = sysv_limit_msgmnb(), n;
	struct mbox_ioc_open arg = {
		.flags = label ? 0 : MBOX_OPEN_BY_ID,
		.rights = SYSV_RIGHTS,
		.mode = (unsigned int)flags & 0777,
		.lifetime = MBOX_LIFETIME_OS,
		.capacity = sysv_open_capacity(bytes),
		.bytes = sysv_open_bytes(bytes),
		.options = SYSV_OPTIONS,
		.space = MBOX_SPACE_SYSV,
		.label = (uintptr_t)label,
		.label_size = label ? LABEL_SIZE : 0,
		.id = get_next_id(),
	};
	int fd = -EINVAL;

	for (n = 0; n < sizeof(get_sizes) / sizeof(get_sizes[0]) && fd == -EINVAL; n++) {
		arg.msg_size = get_sizes[n];
		fd = sysv_open_on(factory, &arg, MBOX_IOC_CREATE);
		if (fd == -EPERM && arg.id) {
			arg.id = 0;
			fd = sysv_open_on(factory, &arg, MBOX_IOC_CREATE);
		}
	}
	return fd == -EDQUOT ? -ENOSPC : fd;
}

/*
 * Find a queue by its key: then rights are checked, and EXCL is an error. Else create it, if
 * that is asked for. Returns a handle with @rights, or -ENOENT, -EEXIST, -EACCES, …
 */
static int get_find(int factory, key_t key, int flags, unsigned int *rights)
{
	const unsigned int want = get_rights(get_bits(flags));
	const bool create = flags & IPC_CREAT;
	char label[LABEL_SIZE + 1];
	struct mbox_ioc_open arg = {
		.rights = want,
		.space = MBOX_SPACE_SYSV,
		.label = (uintptr_t)label,
		.label_size = LABEL_SIZE,
	};
	int fd;

	snprintf(label, sizeof(label), "%08x", (unsigned int)key);
	if (create && (flags & IPC_EXCL))
		arg.rights = 0;
	for (;;) {
		*rights = arg.rights;
		fd = sysv_open_on(factory, &arg, MBOX_IOC_OPEN);
		if (fd >= 0 && create && (flags & IPC_EXCL)) {
			sysv_close(fd);
			return -EEXIST;
		}
		if ((fd != -ENOENT && fd != -EIDRM) || !create)
			return fd == -EIDRM ? -ENOENT : fd;
		if (!sysv_index_room(factory))
			return -ENOSPC;
		*rights = SYSV_RIGHTS;
		fd = get_create(factory, flags, label);
		/* Another process was faster; the queue may be gone again. */
		if (fd != -EEXIST || (flags & IPC_EXCL))
			return fd;
	}
}

/* Returns the id of the queue, or -ENOENT, -EEXIST, … */
static int get_queue(key_t key, int flags)
{
	unsigned int rights = SYSV_RIGHTS;
	struct mbox_info info;
	int factory, fd, ret;

	factory = sysv_open_factory();
	if (factory < 0)
		return factory;
	if (key != IPC_PRIVATE)
		fd = get_find(factory, key, flags, &rights);
	else if (sysv_index_room(factory))
		fd = get_create(factory, flags, NULL);
	else
		fd = -ENOSPC;
	sysv_close(factory);
	if (fd < 0)
		return fd;
	ret = sysv_open_info(fd, &info);
	if (ret) {
		sysv_close(fd);
		return ret;
	}
	ret = sysv_open_number(&info);
	if ((flags & 0111) && !get_executes(&info))
		ret = -EACCES;
	if (rights == SYSV_RIGHTS && ret >= 0)
		sysv_handle_keep(fd, ret, rights);
	else
		sysv_close(fd);
	return ret;
}

EXPORT int msgget(key_t key, int flags)
{
	int saved = errno;

	return sysv_return(get_queue(key, flags), saved);
}
