/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The workers of stress_test: processes of some threads each, which make all calls there are in no
 * order, and say of each whether it may have ended as it did.
 *
 * The threads of a process share a few handles without any agreement: one closes what another is
 * blocked on. So that a call never meets another mailbox than the one that the ledger has for it, no
 * descriptor is used twice: a handle moves to a number of its own, and who comes too late gets EBADF.
 */
#ifndef STRESS_CALLS_H
#define STRESS_CALLS_H

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
	uint32_t word;
	struct {
		uint32_t fd : 16;	/* 0: none */
		uint32_t box : 12;
		uint32_t rights : 2;
		uint32_t nonblock : 1;
	};
};

static struct {
	uint32_t handles[HANDLES];
	uint32_t next_fd, last_fd;
	int factory, netns;
	bool privileged;
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
	uint32_t *place = &process.handles[below(t, HANDLES)];

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

/* Move @fd, a new handle, to a number of its own and put it among the handles. */
static void handle_adopt(struct thread *t, int fd)
{
	uint32_t number = __atomic_fetch_add(&process.next_fd, 1, __ATOMIC_RELAXED);
	union handle handle = { .fd = number };
	struct mbox_info info;
	int ret, moved;

	if (number > process.last_fd)
		_exit(EXIT_RENEW);
	ret = info_get(fd, &info);
	expect_errors("GET", ret, 0);
	handle.rights = info.rights;
	handle.box = box_find(&info);
	handle.nonblock = !!(fcntl(fd, F_GETFL) & O_NONBLOCK);
	moved = fcntl(fd, F_DUPFD_CLOEXEC, number);
	close(fd);
	if (moved == (int)number && ret == 0 && handle.box < BOXES_MAX)
		handle_put(t, handle);
	else if (moved >= 0)
		close(moved);
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

/* Sending. */

/* One message; in a flood they are small, and do not wait. */
static void send_one(struct thread *t, union handle handle, uint32_t size, bool flood)
{
	struct slot *slot = t->slot;
	struct mbox_ioc_send arg = {};
	uint32_t index = slot->next, number, flags, name;
	struct entry *entry = &t->entries[index];
	bool book, use_write, waits;
	long ret;

	if (index == ENTRIES)
		return;
	book = handle.box != NO_BOX;
	name = book ? ledger->boxes[handle.box].name : NAME_WILD;
	if (book && name_has_read(name) && size < sizeof(struct stamp))
		size = sizeof(struct stamp);
	use_write = name_has_read(name) && !flood && one_in(t, 3);

	number = number_of(t->index, index);
	if (flood) {
		arg.flags = MBOX_SEND_NONBLOCK;
		arg.prio = one_in(t, 4) ? below(t, 4) : 0;
		arg.type = one_in(t, 32) ? STREAM_TYPE : 0;
	} else if (!use_write) {
		set_deadline(t, &arg.clock, (int64_t *)&arg.deadline);
		arg.flags = one_in(t, 2) ? MBOX_SEND_NONBLOCK : one_in(t, 4) ? MBOX_SEND_SYNC : 0;
		arg.prio = one_in(t, 3) ? below(t, 4) : one_in(t, 50) ? MBOX_PRIO_MAX : 0;
		arg.type = size < sizeof(struct stamp) ? TYPE_IS_NUMBER | number : below(t, 4);
	}
	payload_make(slot->out, size, arg.prio, number);
	arg.data = one_in(t, 200) ? 8 : kernel_view(t, slot->out);
	arg.size = size;
	waits = !(arg.flags & MBOX_SEND_NONBLOCK) && !handle.nonblock;

	if (book) {
		*entry = (struct entry) {
			.box = handle.box, .size = size, .prio = arg.prio, .type = arg.type,
			.sender = getpid(),
		};
		mark(entry, OPEN);
		__atomic_store_n(&slot->sending, index + 1, __ATOMIC_RELEASE);
	}
	if (use_write) {
		ret = xwrite(handle.fd, (void *)(uintptr_t)arg.data, size);
		if (ret >= 0 && ret != size)
			fault(FAULT_CALL, "write of %u bytes returned %ld", size, ret);
		ret = ret < 0 ? ret : 0;
	} else {
		ret = xioctl(handle.fd, MBOX_IOC_SEND, &arg);
	}
	if (book) {
		flags = ret < 0 ? FAILED : SENT;
		if (ret > 0) {
			entry->told = ret;
			flags |= WAITED;
		}
		if (waits && (ret == -ETIMEDOUT || ret == -EINTR))
			flags |= WITHDRAWN;
		if (waits && ret == -EIDRM)
			flags |= DIED;
		if ((mark(entry, flags) & RECEIVED) && ret < 0)
			fault(FAULT_LEDGER, "%08x: send failed with %s, but was received", number,
			      strerrorname_np(-ret));
		slot->next = index + 1;
		__atomic_store_n(&slot->sending, 0, __ATOMIC_RELEASE);
	}
	if (ret >= 0)
		count(&ledger->sends);
	if (ret > 0 && !waits)
		fault(FAULT_CALL, "a send that does not wait returned %ld", ret);
	if ((arg.flags & MBOX_SEND_SYNC) && ret == 0 && book)
		fault(FAULT_CALL, "a synchronous send returned no process");
	expect_errors("SEND", ret, EBADF, EDQUOT, EIDRM, EMSGSIZE, EFAULT,
		      waits ? EINTR : EAGAIN,
		      arg.clock ? ETIMEDOUT : EBADF,
		      handle.nonblock && (arg.flags & MBOX_SEND_SYNC) ? EINVAL : EBADF, 0);
}

static void do_send(struct thread *t)
{
	union handle handle = handle_with(t, MBOX_RIGHT_SEND);

	if (handle.fd)
		send_one(t, handle, random_size(t), false);
}

/* So many that who looks for one of a type has to search far. */
static void do_flood(struct thread *t)
{
	union handle handle;

	for (int i = 0; i < HANDLES; i++) {
		handle.word = __atomic_load_n(&process.handles[i], __ATOMIC_ACQUIRE);
		if (!handle.fd || !(handle.rights & MBOX_RIGHT_SEND) || handle.box == NO_BOX ||
		    ledger->boxes[handle.box].name != NAME_STREAM)
			continue;
		for (int n = 0; n < FLOOD; n++)
			send_one(t, handle, sizeof(struct stamp) + below(t, 32), true);
		return;
	}
}

/* Receiving. */

static void received(struct thread *t, union handle handle, const struct mbox_header *header,
		     uint64_t length, bool took)
{
	if (handle.box != NO_BOX)
		ledger_got(handle.box, header, t->slot->in, length, took);
}

static void do_read(struct thread *t, union handle handle)
{
	struct slot *slot = t->slot;
	size_t size = one_in(t, 8) ? below(t, 1000) : ROOM;
	long ret;

	memset(slot->in, 0, sizeof(struct stamp));
	__atomic_store_n(&slot->receiving, RECEIVING_READ, __ATOMIC_RELEASE);
	ret = xread(handle.fd, (void *)(uintptr_t)kernel_view(t, slot->in), size);
	if (ret >= 0)
		received(t, handle, NULL, ret, true);
	__atomic_store_n(&slot->receiving, 0, __ATOMIC_RELEASE);
	expect_errors("read", ret, EBADF, EIDRM, EMSGSIZE, EFAULT,
		      handle.nonblock ? EAGAIN : EINTR, 0);
}

static void do_recv(struct thread *t)
{
	union handle handle = handle_with(t, MBOX_RIGHT_RECV);
	struct slot *slot = t->slot;
	struct mbox_ioc_recv *arg = &slot->recv;
	bool took, waits;
	long ret;

	if (!handle.fd || (handle.box != NO_BOX && ledger->boxes[handle.box].name == NAME_STREAM))
		return;
	if ((handle.box == NO_BOX || name_has_read(ledger->boxes[handle.box].name)) && one_in(t, 3)) {
		do_read(t, handle);
		return;
	}
	memset(arg, 0, sizeof(*arg));
	set_deadline(t, &arg->clock, (int64_t *)&arg->deadline);
	if (one_in(t, 2))
		arg->flags |= MBOX_RECV_NONBLOCK;
	if (one_in(t, 8))
		arg->flags |= MBOX_RECV_PEEK;
	if (one_in(t, 8)) {
		arg->flags |= MBOX_RECV_BY_TYPE;
		arg->type = below(t, 4);
	}
	if (one_in(t, 16)) {
		arg->flags |= MBOX_RECV_BY_SENDER;
		arg->pid = slots[below(t, THREADS_MAX)].pid;
	}
	if (one_in(t, 16))
		arg->min_prio = below(t, 4);
	arg->size = one_in(t, 8) ? below(t, 1000) : ROOM;
	arg->data = one_in(t, 100) ? 8 : kernel_view(t, slot->in);
	arg->header.length = ROOM + 1;
	took = !(arg->flags & MBOX_RECV_PEEK);
	waits = !(arg->flags & MBOX_RECV_NONBLOCK) && !handle.nonblock;

	if (took)
		__atomic_store_n(&slot->receiving, RECEIVING_RECV, __ATOMIC_RELEASE);
	ret = xioctl(handle.fd, MBOX_IOC_RECV,
		     (void *)(uintptr_t)(arg->data == 8 ? address_of(arg) : kernel_view(t, arg)));
	if (ret == 0) {
		if (arg->data == 8 && arg->header.length)
			fault(FAULT_CALL, "RECV into no memory succeeded");
		received(t, handle, &arg->header, arg->header.length, took);
		if ((arg->flags & MBOX_RECV_BY_TYPE) && arg->header.type != arg->type)
			fault(FAULT_CALL, "RECV by type %u got %u", arg->type, arg->header.type);
		if ((arg->flags & MBOX_RECV_BY_SENDER) && arg->header.pid != arg->pid)
			fault(FAULT_CALL, "RECV by pid %u got %u", arg->pid, arg->header.pid);
		if (arg->header.prio < arg->min_prio)
			fault(FAULT_CALL, "RECV of priority %u and more got %u", arg->min_prio,
			      arg->header.prio);
	}
	__atomic_store_n(&slot->receiving, 0, __ATOMIC_RELEASE);
	expect_errors("RECV", ret, EBADF, EIDRM, EMSGSIZE, EFAULT, waits ? EINTR : EAGAIN,
		      arg->clock ? ETIMEDOUT : EBADF, 0);
}

#endif
