// SPDX-License-Identifier: GPL-2.0-only
/* Pages that come late. */
#include "userfault.h"
#include "passing.h"

#include <linux/userfaultfd.h>
#include <sys/syscall.h>

struct missing missing;

static int register_missing(void)
{
	/* of faults in the kernel, too: that takes privileges */
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

/* In the child: a userfaultfd is about the memory of its creator. */
static void prepare_missing(struct call *call)
{
	int uffd;

	uffd = register_missing();
	if (uffd < 0 || fd_pass(missing.socks[1], uffd))
		_exit(1);
	close(uffd);
}

void missing_setup(struct __test_metadata *_metadata)
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

void start_stalling(struct __test_metadata *_metadata, struct call *call)
{
	call->prepare = prepare_missing;
	call->send.data = call->recv.data = address_of(missing.page);
	call_start(call);
	missing.uffd = fd_take(missing.socks[0]);
	ASSERT_LE(0, missing.uffd);
}

/* Until the call is in the middle of its copying. */
void await_stall(struct __test_metadata *_metadata)
{
	struct pollfd pollfd = { .fd = missing.uffd, .events = POLLIN };
	struct uffd_msg msg;

	ASSERT_EQ(1, poll(&pollfd, 1, PATIENCE * 1000));
	ASSERT_EQ((ssize_t)sizeof(msg), read(missing.uffd, &msg, sizeof(msg)));
	ASSERT_EQ(UFFD_EVENT_PAGEFAULT, msg.event);
}

/* Let it go on, with a page full of this pattern. */
void give_page(struct __test_metadata *_metadata, uint32_t seed)
{
	uint8_t data[65536];
	struct uffdio_copy copy = {
		.dst = address_of(missing.page), .src = address_of(data), .len = missing.size,
	};

	pattern_fill(data, missing.size, seed);
	ASSERT_EQ(0, ioctl(missing.uffd, UFFDIO_COPY, &copy));
}

/* Truncate the file: touching the page then is a bad address. */
void break_page(struct __test_metadata *_metadata)
{
	struct uffdio_range range = { address_of(missing.page), missing.size };

	ASSERT_EQ(0, ftruncate(missing.memfd, 0));
	ASSERT_EQ(0, ioctl(missing.uffd, UFFDIO_WAKE, &range));
}
