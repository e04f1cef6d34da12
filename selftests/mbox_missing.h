/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A page that comes late: a call in a child that needs it stalls, for as long as the test likes.
 *
 *	missing_setup()		once, skips the test where this cannot be done
 *	start_stalling()	start a call whose payload is that page
 *	await_stall()		the call has come to it, and stands
 *	give_page()		it goes on
 *	break_page()		it fails: the page will never come
 */
#ifndef MBOX_MISSING_H
#define MBOX_MISSING_H

#include "mbox_child.h"

#include <linux/userfaultfd.h>
#include <sys/syscall.h>

/* A page that is missing in a child until the test gives it. */
struct missing {
	uint8_t *page;
	int memfd;			/* of which it is the only page */
	size_t size;
	int socks[2];
	int uffd;
};

/* One for the process: prepare() has no other way to it. */
static struct missing missing;

static inline int register_missing(void)
{
	/* of faults in the kernel, too: that is what takes privileges */
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { address_of(missing.page), missing.size },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	if (uffd < 0)
		return -errno;
	if (ioctl(uffd, UFFDIO_API, &api) || ioctl(uffd, UFFDIO_REGISTER, &reg)) {
		int error = -errno;

		close(uffd);
		return error;
	}
	return uffd;
}

/* In the child: a userfaultfd is about the memory of who made it. */
static inline void prepare_missing(struct call *call)
{
	int uffd;

	uffd = register_missing();
	if (uffd < 0 || fd_pass(missing.socks[1], uffd))
		_exit(1);
	close(uffd);
}

static inline void missing_setup(struct __test_metadata *_metadata)
{
	int uffd;

	missing.size = sysconf(_SC_PAGESIZE);
	missing.memfd = memfd_create("missing", MFD_CLOEXEC);
	ASSERT_LE(0, missing.memfd);
	ASSERT_EQ(0, ftruncate(missing.memfd, missing.size));
	missing.page = mmap(NULL, missing.size, PROT_READ | PROT_WRITE, MAP_SHARED,
			    missing.memfd, 0);
	ASSERT_NE(MAP_FAILED, (void *)missing.page);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, missing.socks));
	missing.uffd = -1;
	uffd = register_missing();
	if (uffd < 0)
		SKIP(return, "no userfaultfd of faults in the kernel: %s", strerror(-uffd));
	close(uffd);
}

static inline void start_stalling(struct __test_metadata *_metadata, struct call *call)
{
	call->prepare = prepare_missing;
	call->send.data = call->recv.data = address_of(missing.page);
	call_start(call);
	missing.uffd = fd_take(missing.socks[0]);
	ASSERT_LE(0, missing.uffd);
}

/* Until the call is in the middle of its copying. */
static inline void await_stall(struct __test_metadata *_metadata)
{
	struct pollfd pollfd = { .fd = missing.uffd, .events = POLLIN };
	struct uffd_msg msg;

	ASSERT_EQ(1, poll(&pollfd, 1, PATIENCE * 1000));
	ASSERT_EQ((ssize_t)sizeof(msg), read(missing.uffd, &msg, sizeof(msg)));
	ASSERT_EQ(UFFD_EVENT_PAGEFAULT, msg.event);
}

/* Let it go on, with a page full of this pattern. */
static inline void give_page(struct __test_metadata *_metadata, uint32_t seed)
{
	uint8_t data[65536];
	struct uffdio_copy copy = {
		.dst = address_of(missing.page), .src = address_of(data), .len = missing.size,
	};

	pattern_fill(data, missing.size, seed);
	ASSERT_EQ(0, ioctl(missing.uffd, UFFDIO_COPY, &copy));
}

/* The file is cut off before it: whoever touches the page then has a bad address. */
static inline void break_page(struct __test_metadata *_metadata)
{
	struct uffdio_range range = { address_of(missing.page), missing.size };

	ASSERT_EQ(0, ftruncate(missing.memfd, 0));
	ASSERT_EQ(0, ioctl(missing.uffd, UFFDIO_WAKE, &range));
}

#endif
