// SPDX-License-Identifier: LGPL-2.1-or-later
/* msgsnd(), msgrcv() */
#include <limits.h>

#include "sysv.h"

/*
 * A call on a handle failed with errno, and has given the handle back. Returns true if it has
 * to be made again with another handle.
 */
static bool message_again(const struct sysv_held *held, int id)
{
	const int error = errno;
	bool again = false;

	switch (error) {
	case EAGAIN:
	case EINTR:
	case EMSGSIZE:
	case EFAULT:
	case ENOMEM:
	case EDQUOT:
		break;
	case EIDRM:
		sysv_handle_drop(held);
		break;
	case ESHUTDOWN:
		/* The mode or the owner has changed. */
		sysv_handle_drop(held);
		again = true;
		break;
	default:
		/* The program may have closed the descriptor, or have put a file there. */
		again = !held->slot ? false : !sysv_handle_valid(held, id);
		sysv_handle_drop(held);
		break;
	}
	errno = error;
	return again;
}

static __attribute__((noinline)) int message_sent(struct sysv_held *held, int id)
{
	bool again = message_again(held, id);

	sysv_handle_put(held);
	if (again)
		return 1;
	switch (errno) {
	case EMSGSIZE:
		errno = EINVAL;
		break;
	case EDQUOT:
	case ENFILE:
		errno = ENOMEM;
		break;
	}
	return -1;
}

/* Send with a type that a plain send does not take. */
static __attribute__((noinline)) int message_post(int fd, const struct mbox_ioc_send *send,
						  unsigned long type)
{
	struct mbox_ioc_post arg = { .send = *send, .type_hi = (uint32_t)(type >> 32) };

	return frontend_ioctl(fd, MBOX_IOC_POST, &arg);
}

EXPORT int msgsnd(int id, const void *message, size_t size, int flags)
{
	const struct msgbuf {
		long type;
		char text[];
	} *from = message;
	struct mbox_ioc_send arg;
	struct sysv_held held;
	int ret;

	if (unlikely(!sysv_memory_good(message, false)))
		return sysv_fail(-EFAULT);
	if (unlikely(from->type < 1 || id < 0))
		return sysv_fail(-EINVAL);
	if (unlikely(size > atomic_load_explicit(&sysv_limit_size, memory_order_relaxed)) &&
	    size > sysv_limit_msgmax())
		return sysv_fail(-EINVAL);
	arg = (struct mbox_ioc_send) {
		.flags = MBOX_SEND_NORESTART | (flags & IPC_NOWAIT ? MBOX_SEND_NONBLOCK : 0),
		.type = (uint32_t)from->type,
		.data = (uintptr_t)from->text,
		.size = size,
	};
	do {
		ret = sysv_handle_take(&held, id, MBOX_RIGHT_SEND);
		if (unlikely(ret))
			return sysv_fail(ret);
		if (likely((unsigned long)from->type <= UINT32_MAX))
			ret = frontend_ioctl(held.fd, MBOX_IOC_SEND, &arg);
		else
			ret = message_post(held.fd, &arg, (unsigned long)from->type);
		if (likely(ret >= 0)) {
			sysv_handle_put(&held);
			return 0;
		}
		ret = message_sent(&held, id);
	} while (ret > 0);
	return ret;
}

static __attribute__((noinline)) int message_received(struct sysv_held *held, int id, int flags)
{
	bool again = message_again(held, id);

	sysv_handle_put(held);
	if (again)
		return 1;
	switch (errno) {
	case EAGAIN:
		errno = ENOMSG;
		break;
	case EMSGSIZE:
		/* A copy is never cut. */
		errno = flags & MSG_COPY && flags & MSG_NOERROR ? EINVAL : E2BIG;
		break;
	case EUSERS:
		errno = ENOMEM;
		break;
	}
	return -1;
}

/* Fill in the filter of a receive. */
static inline void message_filter(struct mbox_ioc_recv *arg, long type, int flags)
{
	if (type > 0) {
		arg->flags |= unlikely(flags & MSG_EXCEPT) ? MBOX_RECV_NOT_TYPE :
							     MBOX_RECV_BY_TYPE;
	} else if (type < 0) {
		arg->flags |= MBOX_RECV_MAX_TYPE;
		type = type == LONG_MIN ? LONG_MAX : -type;
	}
	if (!type)
		return;
	arg->type = (uint32_t)type;
	arg->type_hi = (uint32_t)((unsigned long)type >> 16 >> 16);
}

/* Have a receive copy the message of an index. */
static __attribute__((noinline)) int
message_copy(struct mbox_ioc_recv *arg, long index, int flags, bool good)
{
	if (flags & MSG_EXCEPT || !(flags & IPC_NOWAIT))
		return -EINVAL;
	if (!good)
		return -EFAULT;
	if (index < 0)
		return -ENOMSG;
	arg->flags &= ~MBOX_RECV_TRUNC;
	arg->flags |= MBOX_RECV_PEEK | MBOX_RECV_AT;
	arg->header.seq = (unsigned long)index;
	return 0;
}

/* There is a message for an address that is not writable: it stays. */
static __attribute__((noinline)) ssize_t
message_unwritable(const struct mbox_ioc_recv *arg, size_t size, int flags)
{
	return sysv_fail(arg->header.length > size && !(flags & MSG_NOERROR) ? -E2BIG : -EFAULT);
}

EXPORT ssize_t msgrcv(int id, void *message, size_t size, long type, int flags)
{
	struct msgbuf {
		long type;
		char text[];
	} *to = message;
	struct mbox_ioc_recv arg;
	struct sysv_held held;
	bool good;
	int ret;

	if (unlikely(id < 0 || (ssize_t)size < 0))
		return sysv_fail(-EINVAL);
	/* All but the header, which is a result. */
	arg.flags = MBOX_RECV_NORESTART | (flags & IPC_NOWAIT ? MBOX_RECV_NONBLOCK : 0) |
		    (flags & MSG_NOERROR ? MBOX_RECV_TRUNC : 0);
	arg.clock = 0;
	arg.deadline = 0;
	arg.data = (uintptr_t)to->text;
	arg.size = size;
	arg.type = 0;
	arg.pid = 0;
	arg.min_prio = 0;
	arg.type_hi = 0;
	good = sysv_memory_good(message, true);
	if (unlikely(flags & MSG_COPY)) {
		ret = message_copy(&arg, type, flags, good);
		if (ret)
			return sysv_fail(ret);
	} else {
		message_filter(&arg, type, flags);
	}
	if (unlikely(!good)) {
		/* That matters only once there is a message. */
		arg.flags |= MBOX_RECV_PEEK | MBOX_RECV_TRUNC;
		arg.size = 0;
	}
	do {
		ret = sysv_handle_take(&held, id, MBOX_RIGHT_RECV);
		if (unlikely(ret))
			return sysv_fail(ret);
		ret = frontend_ioctl(held.fd, MBOX_IOC_RECV, &arg);
		if (likely(ret >= 0)) {
			sysv_handle_put(&held);
			if (unlikely(!good))
				return message_unwritable(&arg, size, flags);
			to->type = (long)((unsigned long)arg.header.type_hi << 16 << 16 |
					  arg.header.type);
			return arg.header.length < size ? (ssize_t)arg.header.length :
							  (ssize_t)size;
		}
		ret = message_received(&held, id, flags);
	} while (ret > 0);
	return ret;
}
