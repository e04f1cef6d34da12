/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The handles of a process of stress_test.
 *
 * Its threads share a few without any agreement: one closes what another is blocked on. So that a call
 * never meets another mailbox than the one that the ledger has for it, no descriptor is used twice: a
 * handle moves to a number of its own, and who comes too late gets EBADF.
 */
#ifndef STRESS_HANDLE_H
#define STRESS_HANDLE_H

#include "stress_ledger.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/uio.h>

#define HANDLES		12	/* of a process */
#define FIRST_FD	400	/* the numbers that are used once */
#define SCRATCH_NAMES	4
#define FLOOD		600	/* messages */
#define SCRATCH_PREFIX	"scratch-"

/* How a worker ends. */
#define EXIT_DONE	0
#define EXIT_RENEW	17	/* its descriptors are used up */

/* What all processes are told before they start. */
static struct {
	bool root;
	uint64_t seed;
	pid_t tag;			/* in the names */
	int slots_file;
	int pass[2];			/* sockets for handles */
	int kept[BOXES_MAX];		/* the supervisor's handles */
	unsigned int cpus;
} common;

/* A handle in a word, so that it is read and replaced at once. */
union handle {
	uint64_t word;
	struct {
		uint64_t fd : 16;	/* 0: none */
		uint64_t box : 10;	/* where it receives from, and sends to */
		uint64_t peer : 10;	/* of a link: the inbox that it sends to */
		uint64_t listener : 11;	/* of what is broadcast */
		uint64_t rights : 2;
		uint64_t nonblock : 1;
		uint64_t link : 1;
		uint64_t inbox : 1;
		uint64_t foreign : 1;	/* it is on another's link or inbox */
	};
};

static struct {
	uint64_t handles[HANDLES];
	uint32_t next_fd, last_fd;
	int factory, netns;
	uint32_t party;			/* the box of its inbox, or NO_BOX */
	int inbox;			/* a handle on it, as long as the process lives */
	uint64_t inbox_id;
	bool privileged, single;	/* one thread only */
	struct slot *windows;		/* the slots once more, whose pages come and go */
} process;

struct thread {
	struct slot *slot, *window;
	struct entry *entries;
	uint32_t index;			/* of its slot */
	uint64_t random;
	pthread_t pthread;
};

static uint64_t roll(struct thread *t)
{
	t->random ^= t->random << 13;
	t->random ^= t->random >> 7;
	t->random ^= t->random << 17;
	return t->random;
}

static uint32_t below(struct thread *t, uint32_t n)
{
	return (roll(t) >> 20) % n;
}

static bool one_in(struct thread *t, uint32_t n)
{
	return below(t, n) == 0;
}

/* Complain of a call that ended with what is not among the errors that it may have; ends with 0. */
static void expect_errors(const char *call, long ret, ...)
{
	va_list args;
	int error;

	count(&ledger->calls);
	if (ret >= 0)
		return;
	va_start(args, ret);
	while ((error = va_arg(args, int)))
		if (ret == -error)
			break;
	va_end(args);
	if (!error)
		fault(FAULT_CALL, "%s: %s", call, strerrorname_np(-ret));
}

/* Handles. */

static union handle handle_pick(struct thread *t)
{
	return (union handle) {
		__atomic_load_n(&process.handles[below(t, HANDLES)], __ATOMIC_ACQUIRE)
	};
}

/* One that grants @rights, if there is such among a few. */
static union handle handle_with(struct thread *t, uint32_t rights)
{
	union handle handle = {};

	for (int i = 0; i < 4; i++) {
		handle = handle_pick(t);
		if (handle.fd && (handle.rights & rights) == rights)
			break;
	}
	return handle;
}

static void handle_put(struct thread *t, union handle handle)
{
	uint64_t *place = &process.handles[below(t, HANDLES)];

	handle.word = __atomic_exchange_n(place, handle.word, __ATOMIC_ACQ_REL);
	if (handle.fd)
		close(handle.fd);
}

/* The mailbox of @info in the books; NO_BOX if it is not to be there, BOXES_MAX if not yet. */
static uint32_t box_find(const struct mbox_info *info)
{
	uint32_t n = __atomic_load_n(&ledger->nr_boxes, __ATOMIC_ACQUIRE);

	if (!info->name[0] || !strncmp(info->name, SCRATCH_PREFIX, strlen(SCRATCH_PREFIX)))
		return NO_BOX;
	for (uint32_t i = 0; i < n; i++)
		if (ledger->boxes[i].id == info->id)
			return i;
	return BOXES_MAX;
}

/* Its own number for @fd, that of a new handle; negative where that fails. */
static int handle_number(int fd)
{
	uint32_t number = __atomic_fetch_add(&process.next_fd, 1, __ATOMIC_RELAXED);
	int moved;

	if (number > process.last_fd)
		_exit(EXIT_RENEW);
	moved = fcntl(fd, F_DUPFD_CLOEXEC, number);
	close(fd);
	if (moved >= 0 && moved != (int)number) {
		close(moved);
		moved = -1;
	}
	return moved;
}

/* A number for who receives what is broadcast through a handle; 0 if there are no more. */
static uint32_t listener_new(void)
{
	uint32_t number = __atomic_add_fetch(&ledger->nr_listeners, 1, __ATOMIC_RELAXED);

	return number < LISTENERS_MAX ? number : 0;
}

/*
 * Move @fd, a new handle, to a number of its own and put it among the handles. If it was not opened by
 * us but passed or inherited, it receives nothing that is broadcast: whose it is, is not known.
 */
static void handle_adopt(struct thread *t, int fd, bool opened)
{
	union handle handle = {};
	struct mbox_info info;
	int ret;

	ret = info_get(fd, &info);
	expect_errors("GET", ret, 0);
	handle.rights = info.rights;
	handle.box = box_find(&info);
	handle.nonblock = !!(fcntl(fd, F_GETFL) & O_NONBLOCK);
	if (info.kind == MBOX_KIND_LINK || info.kind == MBOX_KIND_INBOX) {
		/* one of ours that comes back */
		if (info.id == process.inbox_id) {
			close(fd);
			return;
		}
		handle.link = info.kind == MBOX_KIND_LINK;
		handle.inbox = !handle.link;
		handle.foreign = true;
		handle.box = NO_BOX;
	}
	if (handle.box < NO_BOX && name_is_broadcast(ledger->boxes[handle.box].name) &&
	    (handle.rights & MBOX_RIGHT_RECV)) {
		handle.listener = opened ? listener_new() : 0;
		if (!handle.listener)
			handle.rights &= ~MBOX_RIGHT_RECV;
	}
	if (ret < 0 || handle.box >= BOXES_MAX) {
		close(fd);
		return;
	}
	fd = handle_number(fd);
	if (fd < 0)
		return;
	handle.fd = fd;
	handle_put(t, handle);
}

/* The name of a mailbox in the books, or of one that nobody keeps book of. */
static void name_of(char name[MBOX_NAME_SIZE], bool scratch, uint32_t n)
{
	memset(name, 0, MBOX_NAME_SIZE);
	snprintf(name, MBOX_NAME_SIZE, "%s%d-%u", scratch ? SCRATCH_PREFIX : "stress-", common.tag, n);
}

static void set_deadline(struct thread *t, uint32_t *clock, int64_t *deadline)
{
	static const clockid_t clocks[] = {
		[MBOX_CLOCK_MONOTONIC] = CLOCK_MONOTONIC,
		[MBOX_CLOCK_BOOTTIME] = CLOCK_BOOTTIME,
		[MBOX_CLOCK_REALTIME] = CLOCK_REALTIME,
	};

	*clock = MBOX_CLOCK_NONE;
	*deadline = 0;
	if (one_in(t, 3))
		return;
	*clock = 1 + below(t, 3);
	if (!one_in(t, 8))
		*deadline = now_on(clocks[*clock]) + below(t, one_in(t, 4) ? 50000000 : 2000000);
}

static uint32_t random_size(struct thread *t)
{
	switch (below(t, 50)) {
	case 0:
		return 65536 + below(t, ROOM - 65536);
	case 1 ... 3:
		return 8192 + below(t, 65536 - 8192);
	case 4 ... 12:
		return MBOX_SMALL_SIZE + below(t, 8192 - MBOX_SMALL_SIZE);
	case 13 ... 16:
		return MBOX_SMALL_SIZE - 1 + below(t, 3);
	case 17 ... 28:
		return below(t, sizeof(struct stamp));
	default:
		return sizeof(struct stamp) + below(t, MBOX_SMALL_SIZE - sizeof(struct stamp));
	}
}

/* Memory of the slot as the kernel is given it: always there, or sometimes not. */
static uint64_t kernel_view(struct thread *t, void *memory)
{
	if (one_in(t, 2))
		return address_of(memory);
	return address_of((uint8_t *)t->window + ((uint8_t *)memory - (uint8_t *)t->slot));
}

#endif
