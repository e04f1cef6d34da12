/* SPDX-License-Identifier: GPL-2.0-only */
/* io_uring: requests by one ring, their results, and the worker threads that they take. */
#ifndef MBOX_LIB_URING_H
#define MBOX_LIB_URING_H

#include "mbox_test.h"

#include <dirent.h>
#include <liburing.h>

/* Not in the headers of liburing 2.3. */
#define OP_READ_MULTISHOT	49

/* A completion. */
struct done {
	uint64_t id;
	int res;
	uint32_t flags;
};

static inline struct io_uring_sqe *uring_get(struct io_uring *ring, uint64_t id)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	if (!sqe)
		abort();
	/* one that is reused may have it, and the functions of liburing do not clear it */
	memset(sqe, 0, sizeof(*sqe));
	sqe->user_data = id;
	return sqe;
}

/* Prepare a request with an address and a size; without a place in the file. */
static inline struct io_uring_sqe *uring_rw(struct io_uring *ring, uint64_t id, int op, int fd,
					    const void *data, unsigned int size)
{
	struct io_uring_sqe *sqe = uring_get(ring, id);

	io_uring_prep_rw(op, sqe, fd, data, size, -1);
	sqe->user_data = id;
	return sqe;
}

static inline void uring_read(struct io_uring *ring, uint64_t id, int fd, void *data,
			      unsigned int size)
{
	uring_rw(ring, id, IORING_OP_READ, fd, data, size);
	io_uring_submit(ring);
}

static inline void uring_write(struct io_uring *ring, uint64_t id, int fd, const void *data,
			       unsigned int size)
{
	uring_rw(ring, id, IORING_OP_WRITE, fd, data, size);
	io_uring_submit(ring);
}

/* Take the next completion. res is -ETIME if there is none in @ms milliseconds. */
static inline struct done uring_wait(struct io_uring *ring, int64_t ms)
{
	struct __kernel_timespec ts = { ms / 1000, ms % 1000 * NSEC_PER_MSEC };
	struct io_uring_cqe *cqe;
	struct done done;
	int ret;

	do {
		ret = io_uring_wait_cqe_timeout(ring, &cqe, &ts);
	} while (ret == -EINTR);
	if (ret < 0)
		return (struct done) { .res = -ETIME };
	done = (struct done) { cqe->user_data, cqe->res, cqe->flags };
	io_uring_cqe_seen(ring, cqe);
	return done;
}

static inline struct done uring_next(struct io_uring *ring)
{
	return uring_wait(ring, 1000 * PATIENCE);
}

/* Expect a completion of request @_id with a result; evaluates to it. */
#define EXPECT_DONE(ring, _id, _res) ({ \
	struct done done_ = uring_next(ring); \
	EXPECT_EQ(_id, done_.id); \
	EXPECT_EQ(_res, done_.res); \
	done_; \
})

/*
 * Nothing is completed yet: the requests pend. A request that was submitted has been tried when the
 * next one, which does nothing, is completed.
 */
#define EXPECT_PENDING(ring) do { \
	io_uring_prep_nop(uring_get(ring, 0)); \
	io_uring_submit(ring); \
	EXPECT_DONE(ring, 0, 0); \
	EXPECT_EQ(-ETIME, uring_wait(ring, 1).res); \
} while (0)

/* Return the number of threads of this process whose name begins so. */
static inline int uring_threads(const char *prefix)
{
	char path[300], name[32];
	struct dirent *entry;
	DIR *dir = opendir("/proc/self/task");
	int n = 0;

	while (dir && (entry = readdir(dir))) {
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
		f = fopen(path, "re");
		if (f && fgets(name, sizeof(name), f) && !strncmp(name, prefix, strlen(prefix)))
			n++;
		if (f)
			fclose(f);
	}
	if (dir)
		closedir(dir);
	return n;
}

/* Workers linger after their work: none has been needed until now. */
#define EXPECT_NO_WORKER()	EXPECT_EQ(0, uring_threads("iou-wrk-"))

/* Set up a ring, or skip the test where the kernel has no io_uring, or not with these flags. */
#define URING_NEW(ring, entries, _flags) do { \
	struct io_uring_params params_ = { .flags = (_flags), .sq_thread_idle = 100 }; \
	int ret_ = io_uring_queue_init_params(entries, ring, &params_); \
	if (ret_ == -ENOSYS || ret_ == -EPERM) \
		SKIP(return, "there is no io_uring here"); \
	if (ret_ == -EINVAL) \
		SKIP(return, "io_uring has no setup flags %#x here", params_.flags); \
	ASSERT_EQ(0, ret_); \
} while (0)

#endif
