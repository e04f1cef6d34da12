// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls of programs that take more than one system call or an argument in memory. Each is given the
 * arguments as they stand in the program, but for places of payloads, which are addresses. Returns
 * 0 or more, or a negated errno.
 */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "runtime.h"

/* how, slot: another factory, opened directly or through the file of a descriptor */
long do_open(int lane, const uint64_t *v)
{
	static const int flags[] = { O_RDWR, O_RDONLY, O_WRONLY, O_RDWR | O_NONBLOCK, O_PATH, O_RDWR | O_TRUNC };
	char path[32] = "/dev/mbox";
	int fd = slot_fd(v[2]);

	(void)lane;
	if (v[0] >= 6 && fd >= 0) {
		memcpy(path, "/proc/self/fd/0", 16);
		if (fd >= 100)
			path[14] = '0' + fd / 100;
		path[14 + (fd >= 100)] = '0' + fd / 10 % 10;
		path[15 + (fd >= 100)] = '0' + fd % 10;
	}
	return slot_keep(v[1], sys(SYS_openat, AT_FDCWD, path, flags[v[0] % 6] | O_CLOEXEC, 0));
}

/* slot */
long do_close(int lane, const uint64_t *v)
{
	int fd = slot_fd(v[0]);

	(void)lane;
	if (v[0] < OWN_SLOTS)
		return 0;
	slots[v[0] % SLOTS] = -1;
	return sys(SYS_close, fd);
}

/* slot, place, size, number of segments: size bytes each, then one of none */
static struct iovec *segments(struct iovec *iov, const uint64_t *v)
{
	unsigned int i;

	for (i = 0; i < v[3] % 8; i++) {
		iov[i].iov_base = (void *)v[1];
		iov[i].iov_len = i == 6 ? 0 : v[2];
	}
	return iov;
}

long do_readv(int lane, const uint64_t *v)
{
	struct iovec iov[8];

	(void)lane;
	return sys(SYS_readv, slot_fd(v[0]), segments(iov, v), v[3] % 8);
}

long do_writev(int lane, const uint64_t *v)
{
	struct iovec iov[8];

	(void)lane;
	return sys(SYS_writev, slot_fd(v[0]), segments(iov, v), v[3] % 8);
}

#define BATCH	40

/* Entries that are as wide as those of a later version of the interface, or less. */
#define WIDE	24

/* slot, flags, clock, deadline, count, data, size, prio, type, which entry is wrong, and how wide */
long do_send_batch(int lane, const uint64_t *v)
{
	unsigned int i, wide = v[10] % 4 * 8, size = sizeof(struct mbox_send_entry) + wide;
	uint8_t entries[BATCH * (sizeof(struct mbox_send_entry) + WIDE)] __attribute__((aligned(8)));
	struct mbox_ioc_sendv arg = {
		.flags = v[1], .clock = v[2], .deadline = deadline(v[3], v[2]),
		.entries = (uintptr_t)entries, .count = v[4] % (BATCH + 1), .entry_size = size,
	};

	(void)lane;
	memset(entries, 0, sizeof(entries));
	for (i = 0; i < arg.count; i++) {
		struct mbox_send_entry *entry = (void *)(entries + i * size);

		entry->prio = v[7] + i % 3;
		entry->type = v[8];
		entry->data = v[5];
		entry->size = i % 4 == 3 ? v[6] / 2 : v[6];
		if (i == (v[9] & 63))
			entry->data = v[9] & 64 ? 8 : entry->data;
		if (i == (v[9] & 63) && !(v[9] & 64))
			memset(entry, 0xff, size);
	}
	return sys(SYS_ioctl, slot_fd(v[0]), MBOX_IOC_SENDV, &arg);
}

/*
 * slot, flags, clock, deadline, count, data, size, type, pid, priority, start, the low-water mark, which
 * entry is wrong, and how wide
 */
long do_recv_batch(int lane, const uint64_t *v)
{
	unsigned int i, wide = v[13] % 4 * 8, size = sizeof(struct mbox_recv_entry) + wide;
	uint8_t entries[BATCH * (sizeof(struct mbox_recv_entry) + WIDE)] __attribute__((aligned(8)));
	struct mbox_ioc_recvv arg = {
		.flags = v[1], .clock = v[2], .deadline = deadline(v[3], v[2]),
		.entries = (uintptr_t)entries, .count = v[4] % (BATCH + 1), .entry_size = size,
		.min = v[11], .type = v[7], .pid = pid_of(v[8]), .min_prio = v[9],
		.start = start_of(v[10]),
	};

	(void)lane;
	memset(entries, 0, sizeof(entries));
	for (i = 0; i < arg.count; i++) {
		struct mbox_recv_entry *entry = (void *)(entries + i * size);

		entry->data = v[5];
		entry->size = v[6];
		if (i == (v[12] & 63))
			entry->data = v[12] & 64 ? 8 : entry->data;
		if (i == (v[12] & 63) && !(v[12] & 64))
			memset(entry, 0xff, size);
	}
	return sys(SYS_ioctl, slot_fd(v[0]), MBOX_IOC_RECVV, &arg);
}

/* slot, events, milliseconds */
long do_poll(int lane, const uint64_t *v)
{
	struct pollfd p = { .fd = slot_fd(v[0]), .events = v[1] };
	long ret = sys(SYS_poll, &p, 1, v[2] % 3);

	(void)lane;
	return ret > 0 ? p.revents : ret;
}

/* slot of the epoll descriptor, operation, slot, events */
long do_epoll_ctl(int lane, const uint64_t *v)
{
	struct epoll_event event = { .events = v[3], .data.u64 = v[2] };

	(void)lane;
	return sys(SYS_epoll_ctl, slot_fd(v[0]), v[1], slot_fd(v[2]), &event);
}

long do_epoll_wait(int lane, const uint64_t *v)
{
	struct epoll_event events[4];

	(void)lane;
	return sys(SYS_epoll_wait, slot_fd(v[0]), events, 4, v[1] % 3);
}

/* Two slots for the two ends. */
long do_socketpair(int lane, const uint64_t *v)
{
	int fds[2] = { -1, -1 };
	long ret;

	(void)lane;
	ret = sys(SYS_socketpair, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds);
	if (!ret) {
		slot_keep(v[0], fds[0]);
		slot_keep(v[1], fds[1]);
	}
	return ret;
}

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

/* slot of a socket, slot to send */
long do_send_fd(int lane, const uint64_t *v)
{
	char byte = PAYLOAD_BYTE;
	struct iovec iov = { &byte, 1 };
	union control control;
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	int fd = slot_fd(v[1]);

	(void)lane;
	memset(&control, 0, sizeof(control));
	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	control.align.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
	return sys(SYS_sendmsg, slot_fd(v[0]), &msg, MSG_DONTWAIT);
}

/* slot of a socket, slot for the received descriptor */
long do_recv_fd(int lane, const uint64_t *v)
{
	char byte;
	struct iovec iov = { &byte, 1 };
	union control control;
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	long ret = sys(SYS_recvmsg, slot_fd(v[0]), &msg, MSG_DONTWAIT);
	int fd;

	(void)lane;
	if (ret < 0 || msg.msg_controllen < CMSG_LEN(sizeof(int)))
		return ret;
	memcpy(&fd, CMSG_DATA(&control.align), sizeof(fd));
	return slot_keep(v[1], fd);
}

/* slot */
long do_fdinfo(int lane, const uint64_t *v)
{
	char path[] = "/proc/self/fdinfo/000", *digit = path + sizeof(path) - 4, text[256];
	int fd = slot_fd(v[0]);
	long info, ret;

	(void)lane;
	if (fd < 0)
		return -EBADF;
	if (fd >= 100)
		*digit++ = '0' + fd / 100 % 10;
	if (fd >= 10)
		*digit++ = '0' + fd / 10 % 10;
	*digit++ = '0' + fd % 10;
	*digit = 0;
	info = sys(SYS_openat, AT_FDCWD, path, O_RDONLY, 0);
	if (info < 0)
		return info;
	ret = sys(SYS_read, info, text, sizeof(text));
	sys(SYS_close, info);
	return ret;
}

/* slot, operation */
long do_fcntl(int lane, const uint64_t *v)
{
	int fd = slot_fd(v[0]);

	(void)lane;
	if (v[0] < OWN_SLOTS)
		return 0;
	switch (v[1]) {
	case 0:
		return sys(SYS_fcntl, fd, F_SETFL, O_NONBLOCK);
	case 1:
		return sys(SYS_fcntl, fd, F_SETFL, 0);
	case 2:
		return sys(SYS_fcntl, fd, F_SETFL, O_NONBLOCK | O_APPEND | O_NOATIME);
	case 3:
		return sys(SYS_fcntl, fd, F_SETFL, O_DIRECT);
	case 4:
		return sys(SYS_fcntl, fd, F_GETFL, 0);
	case 5:
		return sys(SYS_fcntl, fd, F_SETFD, 0);
	case 6:
		return sys(SYS_fcntl, fd, F_SETLEASE, F_WRLCK);
	default:
		return sys(SYS_fcntl, fd, v[1], 0);
	}
}

/* Calls that have nothing to do with mailboxes, and are to fail: slot, which. */
long do_misc(int lane, const uint64_t *v)
{
	struct iovec iov = { area_view(lane % LANES, AREA_DATA, VIEW_RW), 64 };
	int fd = slot_fd(v[0]);
	char stat[256];
	int pipes[2] = { -1, -1 };
	long ret;

	switch (v[1]) {
	case 0:
		return sys(SYS_fsync, fd);
	case 1:
		return sys(SYS_ftruncate, fd, 0);
	case 2:
		return sys(SYS_fallocate, fd, 0, 0, PAGE);
	case 3:
		return sys(SYS_flock, fd, 2 | 4 /* exclusive, without waiting */);
	case 4:
		return sys(SYS_fadvise64, fd, 0, 0, 4);
	case 5:
		return sys(SYS_fstat, fd, stat);
	case 6:
		return sys(SYS_fchmod, fd, 0600);
	case 7:
		return sys(SYS_sendfile, slots[(v[0] + 1) % SLOTS], fd, NULL, PAGE);
	case 8:
		return sys(SYS_copy_file_range, fd, NULL, slots[(v[0] + 1) % SLOTS], NULL, PAGE, 0);
	case 9:
	case 10:
		if (sys(SYS_pipe2, pipes, O_NONBLOCK | O_CLOEXEC))
			return -EMFILE;
		sys(SYS_write, pipes[1], "Z", 1);
		ret = v[1] == 9 ? sys(SYS_splice, pipes[0], NULL, fd, NULL, 1, 2) :
				  sys(SYS_splice, fd, NULL, pipes[1], NULL, 1, 2);
		sys(SYS_close, pipes[0]);
		sys(SYS_close, pipes[1]);
		return ret;
	case 11:
		return sys(SYS_preadv2, fd, &iov, 1, -1, 0, 8 /* without waiting */);
	default:
		return sys(SYS_pwritev2, fd, &iov, 1, -1, 0, 0);
	}
}

/* slot, size, protection, shared: all that can be mapped is touched. */
/* Of a ring: move an index, or scribble. */
long do_mmap(int lane, const uint64_t *v)
{
	long address = sys(SYS_mmap, NULL, v[1], v[2], v[3] ? MAP_SHARED : MAP_PRIVATE, slot_fd(v[0]), v[4]);

	(void)lane;
	if (address < 0 && address > -4096)
		return address;
	if (v[2] & PROT_WRITE)
		*(volatile uint64_t *)address = v[5];
	return sys(SYS_munmap, address, v[1]);
}

/* Change the memory of lazy payloads: operation, lane */
long do_memory(int lane, const uint64_t *v)
{
	int whose = (lane + v[1]) % LANES;
	void *view = area_view(whose, AREA_DATA, VIEW_LAZY);

	memory_changed = true;
	switch (v[0]) {
	case 0:
		return sys(SYS_mprotect, view, DATA_SIZE, PROT_NONE);
	case 1:
		return sys(SYS_mprotect, view, DATA_SIZE, PROT_READ);
	case 2:
		return sys(SYS_mprotect, view, DATA_SIZE, PROT_READ | PROT_WRITE);
	case 3:
		return sys(SYS_munmap, view, DATA_SIZE);
	case 4:
		return sys(SYS_madvise, view, DATA_SIZE, MADV_DONTNEED);
	default:
		memory_map_view(whose, AREA_DATA, VIEW_LAZY, v[0] == 5 ? MAP_PRIVATE : MAP_SHARED);
		return 0;
	}
}

/* Become root again (0), or an ordinary user: altogether (1), effectively (2), for quotas (3). */
long do_ids(int lane, const uint64_t *v)
{
	long ret;

	/* Root's are needed to change the others. */
	ret = sys(SYS_setresuid, 0, 0, 0);
	ret = ret ? ret : sys(SYS_setresgid, 0, 0, 0);
	if (v[0] == 1) {
		sys(SYS_setresgid, 1000, 1000, 0);
		ret = sys(SYS_setresuid, 1000, 1000, 0);
	} else if (v[0] == 2) {
		ret = sys(SYS_setresuid, 0, 1000, 0);
	} else if (v[0] == 3) {
		ret = sys(SYS_setresuid, 1000, 0, 0);
	}
	if (lane < LANES)
		lanes[lane].changed_ids = v[0];
	sys(SYS_prctl, PR_SET_PDEATHSIG, lane ? SIGKILL : 0, 0, 0, 0);
	return ret;
}

static void ids_restore_lane(int lane, const void *unused)
{
	(void)unused;
	do_ids(lane, (uint64_t[]) { 0 });
}

/* Let all lanes be root's again; they are idle. */
void ids_restore(void)
{
	int lane;

	for (lane = 1; lane < LANES; lane++) {
		if (lanes[lane].changed_ids)
			post(lane, ids_restore_lane, NULL);
	}
	drain();
	if (lanes[0].changed_ids)
		ids_restore_lane(0, NULL);
}

static void inbox_empty_lane(int lane, const void *unused)
{
	struct mbox_ioc_inbox arg = { .flags = MBOX_OPEN_NONBLOCK };
	long fd = sys(SYS_ioctl, slots[0], MBOX_IOC_INBOX, &arg);

	(void)unused;
	if (fd < 0)
		return;
	inbox_empty(lane, fd);
	sys(SYS_close, fd);
}

/*
 * Receive messages of others to the lanes, which are idle, and to root's. They would stay, and the
 * module with them, as long as these processes live.
 */
void inboxes_empty(void)
{
	int lane;

	for (lane = 1; lane < LANES; lane++)
		post(lane, inbox_empty_lane, NULL);
	drain();
	inbox_empty_lane(0, NULL);
}

/* Delete the mailbox of that name, if there is one. */
void name_delete(const char *name)
{
	struct mbox_ioc_delete arg = { .how = MBOX_DELETE_FORCE };

	memcpy(arg.name, name, strnlen(name, MBOX_NAME_SIZE));
	sys(SYS_ioctl, slots[0], MBOX_IOC_DELETE, &arg);
}

/* Send a signal to a lane: lane, signal. */
long do_signal(int lane, const uint64_t *v)
{
	unsigned int whom = v[0] % LANES;

	(void)lane;
	if (v[1] != 2)
		lane_signal(whom, v[1] ? SIGUSR2 : SIGUSR1);
	else if (whom)
		lane_signal(whom, SIGKILL);
	return 0;
}

/* A factory in a network namespace that goes when the caller has left it: slot. */
long do_netns(int lane, const uint64_t *v)
{
	long ret = sys(SYS_unshare, 0x40000000 /* CLONE_NEWNET */);

	(void)lane;
	if (ret)
		return ret;
	ret = sys(SYS_openat, AT_FDCWD, "/dev/mbox", O_RDWR | O_CLOEXEC, 0);
	sys(SYS_setns, own_netns, 0x40000000);
	return slot_keep(v[0], ret);
}

/* Microseconds; 0 lets others run. */
long do_nap(int lane, const uint64_t *v)
{
	struct timespec ts = { .tv_nsec = v[0] % 1000 * 1000 };

	(void)lane;
	return v[0] ? sys(SYS_nanosleep, &ts, NULL) : sys(SYS_sched_yield);
}
