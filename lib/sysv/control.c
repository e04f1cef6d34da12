// SPDX-License-Identifier: LGPL-2.1-or-later
/* msgctl() */
#include <stdlib.h>
#include <string.h>

#include "sysv.h"

#define NSEC_PER_SEC	1000000000U

/* What a queue takes, and what there is of all: as the kernel says, which does not use these. */
#define CONTROL_POOL	(32000 * 16384 / 1024)
#define CONTROL_SEGMENT	16
#define CONTROL_SEGMENTS 0xffff

static int control_copy_out(void *to, const void *from, size_t size)
{
	if (!sysv_memory_probe((uintptr_t)to, size, true))
		return -EFAULT;
	memcpy(to, from, size);
	return 0;
}

/* Open a queue to look at it, or to change it. */
static int control_open(int id, unsigned int rights, struct mbox_info *info)
{
	int fd = sysv_open_id(id, rights), ret;

	if (fd < 0)
		return fd;
	ret = sysv_open_info(fd, info);
	/* Removed meanwhile. */
	if (!ret && info->state == MBOX_STATE_DEAD)
		ret = -EIDRM;
	if (!ret)
		return fd;
	sysv_close(fd);
	return ret;
}

static void control_fill(struct msqid_ds *ds, const struct mbox_info *info)
{
	int id = sysv_open_number(info);

	memset(ds, 0, sizeof(*ds));
	/* Without a key it is IPC_PRIVATE, 0. */
	ds->msg_perm.__key = (key_t)strtoul(info->label, NULL, 16);
	ds->msg_perm.uid = info->uid;
	ds->msg_perm.gid = info->gid;
	ds->msg_perm.cuid = info->cuid;
	ds->msg_perm.cgid = info->cgid;
	ds->msg_perm.mode = info->mode;
	ds->msg_perm.__seq = (unsigned short)(id >> 15);
	ds->msg_stime = (time_t)(info->last_sent / NSEC_PER_SEC);
	ds->msg_rtime = (time_t)(info->last_received / NSEC_PER_SEC);
	ds->msg_ctime = (time_t)(info->changed / NSEC_PER_SEC);
	ds->__msg_cbytes = info->queued_bytes;
	ds->msg_qnum = info->queued;
	ds->msg_qbytes = sysv_open_qbytes(info);
	ds->msg_lspid = (pid_t)info->last_sender;
	ds->msg_lrpid = (pid_t)info->last_receiver;
}

/* Returns the id of the queue. */
static int control_stat(int id, unsigned int rights, void *to)
{
	struct mbox_info info;
	struct msqid_ds ds;
	int fd, ret;

	fd = control_open(id, rights, &info);
	if (fd < 0)
		return fd;
	sysv_close(fd);
	control_fill(&ds, &info);
	ret = control_copy_out(to, &ds, sizeof(ds));
	return ret ? ret : sysv_open_number(&info);
}

static int control_stat_index(int index, unsigned int rights, void *to)
{
	int id = sysv_index_id(index);

	return id < 0 ? id : control_stat(id, rights, to);
}

static int control_set(int id, const void *from)
{
	struct mbox_ioc_set arg = {
		.mask = MBOX_SET_MODE | MBOX_SET_UID | MBOX_SET_GID | MBOX_SET_CAPACITY |
			MBOX_SET_BYTES,
	};
	struct mbox_info info;
	struct msqid_ds ds;
	unsigned int qbytes;
	int fd, ret;

	if (!sysv_memory_probe((uintptr_t)from, sizeof(ds), false))
		return -EFAULT;
	memcpy(&ds, from, sizeof(ds));
	qbytes = (unsigned int)ds.msg_qbytes;
	arg.mode = ds.msg_perm.mode & 0777;
	arg.uid = ds.msg_perm.uid;
	arg.gid = ds.msg_perm.gid;
	arg.capacity = sysv_open_capacity(qbytes);
	arg.bytes = sysv_open_bytes(qbytes);

	fd = control_open(id, 0, &info);
	if (fd < 0)
		return fd;
	if (qbytes > sysv_limit_msgmnb() && !frontend_capable(CAP_SYS_RESOURCE))
		ret = -EPERM;
	else
		ret = sysv_ioctl(fd, MBOX_IOC_SET, &arg);
	sysv_close(fd);
	return ret;
}

static int control_remove(int id)
{
	struct mbox_ioc_delete arg = { .how = MBOX_DELETE_FORCE };
	struct mbox_info info;
	int fd, ret;

	fd = control_open(id, 0, &info);
	if (fd < 0)
		return fd;
	ret = sysv_ioctl(fd, MBOX_IOC_DELETE, &arg);
	sysv_close(fd);
	if (!ret)
		sysv_handle_forget(id);
	return ret;
}

/* Add up all queues. Returns the highest index. */
static int control_sum(struct msginfo *sum)
{
	int factory = sysv_open_factory();
	struct mbox_info info;
	uint64_t id = 0;
	int fd;

	if (factory < 0)
		return factory;
	while (!sysv_index_next(factory, &id)) {
		sum->msgpool++;
		fd = control_open((int)(id & SYSV_ID_MASK), 0, &info);
		if (fd < 0)
			continue;
		sysv_close(fd);
		sum->msgmap += (int)info.queued;
		sum->msgtql += (int)info.queued_bytes;
	}
	sysv_close(factory);
	return sum->msgpool ? sum->msgpool - 1 : 0;
}

static int control_info(int command, void *to)
{
	struct msginfo all = { .msgpool = 0 };
	int last = control_sum(&all), ret;

	if (last < 0)
		return last;
	all.msgmax = (int)sysv_limit_msgmax();
	all.msgmnb = (int)sysv_limit_msgmnb();
	all.msgmni = (int)sysv_limit_msgmni();
	all.msgssz = CONTROL_SEGMENT;
	all.msgseg = CONTROL_SEGMENTS;
	if (command == IPC_INFO) {
		all.msgpool = CONTROL_POOL;
		all.msgmap = 16384;
		all.msgtql = 16384;
	}
	ret = control_copy_out(to, &all, sizeof(all));
	return ret ? ret : last;
}

EXPORT int msgctl(int id, int command, struct msqid_ds *ds)
{
	int saved = errno, ret;

	if (id < 0 || command < 0)
		return sysv_fail(-EINVAL);
	switch (command) {
	case IPC_RMID:
		ret = control_remove(id);
		break;
	case IPC_SET:
		ret = control_set(id, ds);
		break;
	case IPC_STAT:
		ret = control_stat(id, MBOX_RIGHT_RECV, ds);
		if (ret > 0)
			ret = 0;
		break;
	case MSG_STAT:
		ret = control_stat_index(id, MBOX_RIGHT_RECV, ds);
		break;
	case MSG_STAT_ANY:
		ret = control_stat_index(id, 0, ds);
		break;
	case IPC_INFO:
	case MSG_INFO:
		ret = control_info(command, ds);
		break;
	default:
		ret = -EINVAL;
		break;
	}
	return sysv_return(ret, saved);
}
