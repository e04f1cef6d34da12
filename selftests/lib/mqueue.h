/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Queues of mq_overview(7), for programs that know no mailboxes: the same tests run on the queues of
 * the kernel and, with libmbox-mqueue.so, on mailboxes.
 *
 * Results are 0 or more, or a negated errno.
 */
#ifndef LIB_MQUEUE_H
#define LIB_MQUEUE_H

#include "child.h"

/* NULL where the manual allows it */
#undef __nonnull
#define __nonnull(params)
#include <mqueue.h>

#define MQUEUE_NAME	64

/* A name that no other test has. */
static inline void mqueue_name(char name[MQUEUE_NAME])
{
	static int number;

	snprintf(name, MQUEUE_NAME, "/mqueue-test.%d.%d", getpid(), number++);
}

static inline int mqueue_open(const char *name, int flags, mode_t mode, long maxmsg, long msgsize)
{
	struct mq_attr attr = { .mq_maxmsg = maxmsg, .mq_msgsize = msgsize };
	mqd_t mqdes = mq_open(name, flags, mode, maxmsg || msgsize ? &attr : NULL);

	return mqdes < 0 ? -errno : mqdes;
}

/* Make a queue, with a name of its own that is taken away again. */
static inline int mqueue_new(int flags, long maxmsg, long msgsize)
{
	char name[MQUEUE_NAME];
	int mqdes;

	mqueue_name(name);
	mqdes = mqueue_open(name, O_CREAT | O_EXCL | flags, 0600, maxmsg, msgsize);
	mq_unlink(name);
	return mqdes;
}

static inline int mqueue_unlink(const char *name)
{
	return mq_unlink(name) ? -errno : 0;
}

static inline int mqueue_send(mqd_t mqdes, const char *text, unsigned int prio)
{
	return mq_send(mqdes, text, strlen(text), prio) ? -errno : 0;
}

/* Receive a text. Return its priority or an error; it stays valid until the next call. */
static inline int mqueue_receive(mqd_t mqdes, const char **text)
{
	static char data[8193];
	unsigned int prio = ~0U;
	ssize_t length = mq_receive(mqdes, data, sizeof(data) - 1, &prio);

	*text = "";
	if (length < 0)
		return -errno;
	data[length] = '\0';
	*text = data;
	return (int)prio;
}

/* The same for tests of texts alone: the text, or the name of the error. */
static inline const char *mqueue_take(mqd_t mqdes)
{
	const char *text;
	int ret = mqueue_receive(mqdes, &text);

	return ret < 0 ? strerrorname_np(-ret) : text;
}

static inline struct timespec mqueue_after(int64_t ns)
{
	int64_t at = now_on(CLOCK_REALTIME) + ns;

	return (struct timespec) { .tv_sec = at / NSEC_PER_SEC, .tv_nsec = at % NSEC_PER_SEC };
}

static inline int mqueue_timedsend(mqd_t mqdes, const char *text, struct timespec at)
{
	return mq_timedsend(mqdes, text, strlen(text), 0, &at) ? -errno : 0;
}

static inline int mqueue_timedreceive(mqd_t mqdes, struct timespec at)
{
	char data[8192];
	ssize_t length = mq_timedreceive(mqdes, data, sizeof(data), NULL, &at);

	return length < 0 ? -errno : (int)length;
}

static inline struct mq_attr mqueue_attr(mqd_t mqdes)
{
	struct mq_attr attr = { .mq_maxmsg = -1 };

	mq_getattr(mqdes, &attr);
	return attr;
}

static inline int mqueue_setflags(mqd_t mqdes, long flags)
{
	struct mq_attr attr = { .mq_flags = flags };

	return mq_setattr(mqdes, &attr, NULL) ? -errno : 0;
}

#define MQUEUE_TEST_MAIN \
	int main(int argc, char **argv) \
	{ \
		int mqdes_ = mqueue_new(O_RDWR, 0, 0); \
		if (mqdes_ == -ENOSYS) { \
			ksft_print_header(); \
			ksft_exit_skip("there are no queues of mq_overview(7)\n"); \
		} \
		if (mqdes_ >= 0) \
			close(mqdes_); \
		return test_harness_run(argc, argv); \
	}

#endif
