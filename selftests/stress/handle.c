// SPDX-License-Identifier: GPL-2.0-only
/* The handles of a process. */
#include "stress/handle.h"

struct common common;
struct process process;

union handle handle_pick(struct thread *t)
{
	return (union handle) {
		__atomic_load_n(&process.handles[below(t, HANDLES)], __ATOMIC_ACQUIRE)
	};
}

/* Pick a handle that grants @rights, if there is one among a few. */
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

void handle_put(struct thread *t, union handle handle)
{
	uint64_t *place = &process.handles[below(t, HANDLES)];

	handle.word = __atomic_exchange_n(place, handle.word, __ATOMIC_ACQ_REL);
	if (handle.fd)
		close(handle.fd);
}

/* Return the box of the mailbox of @info; NO_BOX if it has none, BOXES_MAX if it has none yet. */
uint32_t box_find(const struct mbox_info *info)
{
	uint32_t n = __atomic_load_n(&ledger->nr_boxes, __ATOMIC_ACQUIRE);

	if (!info->name[0] || !strncmp(info->name, SCRATCH_PREFIX, strlen(SCRATCH_PREFIX)))
		return NO_BOX;
	for (uint32_t i = 0; i < n; i++)
		if (ledger->boxes[i].id == info->id)
			return i;
	return BOXES_MAX;
}

/*
 * Move @fd, that of a new handle, to a number of its own. Return that, or a negative number on
 * failure.
 */
int handle_number(int fd)
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

/* Return a number for a handle that receives broadcasts; 0 if there are no more. */
uint32_t listener_new(void)
{
	uint32_t number = __atomic_add_fetch(&ledger->nr_listeners, 1, __ATOMIC_RELAXED);

	return number < LISTENERS_MAX ? number : 0;
}

/*
 * Move @fd, a new handle, to a number of its own and put it among the handles. A handle that was
 * passed or inherited receives no broadcasts: its listener is not known.
 */
void handle_adopt(struct thread *t, int fd, bool opened)
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

/* Make the name of a mailbox, with or without (@scratch) a box in the ledger. */
void name_of(char name[MBOX_NAME_SIZE], bool scratch, uint32_t n)
{
	memset(name, 0, MBOX_NAME_SIZE);
	snprintf(name, MBOX_NAME_SIZE, "%s%d-%u", scratch ? SCRATCH_PREFIX : "stress-", common.tag, n);
}

void set_deadline(struct thread *t, uint32_t *clock, int64_t *deadline)
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

uint32_t random_size(struct thread *t)
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

/* Return memory of the slot for the kernel: always present, or sometimes not. */
uint64_t kernel_view(struct thread *t, void *memory)
{
	if (one_in(t, 2))
		return address_of(memory);
	return address_of((uint8_t *)t->window + ((uint8_t *)memory - (uint8_t *)t->slot));
}

/*
 * Pick a handle to send or receive with. A process of one thread prefers links: the peers wait for
 * it there, and it for them.
 */
union handle handle_for(struct thread *t, uint32_t right)
{
	union handle handle;

	for (int i = 0; process.single && i < HANDLES && one_in(t, 2); i++) {
		handle.word = __atomic_load_n(&process.handles[i], __ATOMIC_ACQUIRE);
		if (handle.link && !handle.foreign)
			return handle;
	}
	return handle_with(t, right);
}
