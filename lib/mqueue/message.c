// SPDX-License-Identifier: LGPL-2.1-or-later
/* mq_send(), mq_receive() and their relatives */
#include "mqueue.h"

#include <time.h>

#define NSEC	1000000000

/* A time that never comes. */
#define NEVER	INT64_MAX

/* When a call gives up. */
struct deadline {
	uint32_t clock;			/* MBOX_CLOCK_NONE: never */
	int64_t ns;
};

static const struct deadline none = { .clock = MBOX_CLOCK_NONE };

/* Set errno to an error of mq_overview(7). Returns -1. */
static __attribute__((noinline, cold)) int message_failed(void)
{
	switch (errno) {
	case ENOTTY:		/* another file */
	case EOPNOTSUPP:	/* a ring */
	case ESHUTDOWN:
		errno = EBADF;
		break;
	case EDQUOT:		/* of bytes */
	case ENFILE:
	case EUSERS:		/* more blocked receives than each message can check */
		errno = ENOMEM;
		break;
	}
	return -1;
}

/* Set a deadline. Returns whether the time is valid; else errno is EINVAL. */
static bool message_deadline(struct deadline *deadline, int64_t sec, long nsec)
{
	if (sec < 0 || nsec < 0 || nsec >= NSEC) {
		errno = EINVAL;
		return false;
	}
	deadline->clock = MBOX_CLOCK_REALTIME;
	deadline->ns = sec >= NEVER / NSEC ? NEVER : sec * NSEC + nsec;
	return true;
}

/* Set the deadline of a call, which may have none. As message_deadline(), or EFAULT. */
static bool message_time(struct deadline *deadline, const struct timespec *time)
{
	return !time || (mqueue_readable(time, sizeof(*time)) &&
			 message_deadline(deadline, time->tv_sec, time->tv_nsec));
}

/*
 * Have the signals of notices that came so far sent. Before a call, so that they do not
 * interrupt it later, when it has come to sleep; after a send, for its own.
 */
static inline void message_settle(void)
{
	if (atomic_load_explicit(&mqueue_signals, memory_order_relaxed))
		mqueue_notify_settle();
}

static inline int message_send(mqd_t mqdes, const char *data, size_t size, unsigned int prio,
			       struct deadline deadline)
{
	struct mbox_ioc_send arg = {
		.prio = prio,
		.clock = deadline.clock,
		.deadline = deadline.ns,
		.data = mqueue_address(data),
		.size = size,
	};

	/* Not only the kernel's business: it has to be wrong for any descriptor. */
	if (prio > MBOX_PRIO_MAX)
		return mqueue_fail(EINVAL);
	message_settle();
	if (frontend_ioctl(mqdes, MBOX_IOC_SEND, &arg) < 0)
		return message_failed();
	message_settle();
	return 0;
}

static inline ssize_t message_receive(mqd_t mqdes, char *data, size_t size,
				      unsigned int *prio, struct deadline deadline)
{
	struct mbox_ioc_recv arg = {
		.flags = MBOX_RECV_LONGEST,
		.clock = deadline.clock,
		.deadline = deadline.ns,
		.data = mqueue_address(data),
		.size = size,
	};

	message_settle();
	if (frontend_ioctl(mqdes, MBOX_IOC_RECV, &arg) < 0)
		return message_failed();
	if (prio)
		*prio = arg.header.prio;
	return (ssize_t)arg.header.length;
}

EXPORT int mq_send(mqd_t mqdes, const char *data, size_t size, unsigned int prio)
{
	return message_send(mqdes, data, size, prio, none);
}

EXPORT ssize_t mq_receive(mqd_t mqdes, char *data, size_t size, unsigned int *prio)
{
	return message_receive(mqdes, data, size, prio, none);
}

EXPORT int mq_timedsend(mqd_t mqdes, const char *data, size_t size, unsigned int prio,
			const struct timespec *time)
{
	struct deadline deadline = none;

	if (!message_time(&deadline, time))
		return -1;
	return message_send(mqdes, data, size, prio, deadline);
}

EXPORT ssize_t mq_timedreceive(mqd_t mqdes, char *restrict data, size_t size,
			       unsigned int *restrict prio,
			       const struct timespec *restrict time)
{
	struct deadline deadline = none;

	if (!message_time(&deadline, time))
		return -1;
	return message_receive(mqdes, data, size, prio, deadline);
}

#if __TIMESIZE == 32
/* The same for programs of 32 bits whose times have 64. */
struct time64 {
	int64_t sec;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	int32_t pad;
	int32_t nsec;
#else
	int32_t nsec;
	int32_t pad;
#endif
};

static bool message_time64(struct deadline *deadline, const struct time64 *time)
{
	return !time || (mqueue_readable(time, sizeof(*time)) &&
			 message_deadline(deadline, time->sec, time->nsec));
}

EXPORT int __mq_timedsend_time64(mqd_t mqdes, const char *data, size_t size, unsigned int prio,
				 const struct time64 *time);
EXPORT ssize_t __mq_timedreceive_time64(mqd_t mqdes, char *restrict data, size_t size,
					unsigned int *restrict prio,
					const struct time64 *restrict time);

EXPORT int __mq_timedsend_time64(mqd_t mqdes, const char *data, size_t size, unsigned int prio,
				 const struct time64 *time)
{
	struct deadline deadline = none;

	if (!message_time64(&deadline, time))
		return -1;
	return message_send(mqdes, data, size, prio, deadline);
}

EXPORT ssize_t __mq_timedreceive_time64(mqd_t mqdes, char *restrict data, size_t size,
					unsigned int *restrict prio,
					const struct time64 *restrict time)
{
	struct deadline deadline = none;

	if (!message_time64(&deadline, time))
		return -1;
	return message_receive(mqdes, data, size, prio, deadline);
}
#endif
