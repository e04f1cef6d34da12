// SPDX-License-Identifier: LGPL-2.1-or-later
/* The handles of this process, by the ids of their queues */
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>

#include "sysv.h"

/*
 * A handle is opened when a queue is first used, or created, and kept. Descriptors are
 * numbers that a program may close, or use for another file: each is compared with its queue
 * before it is closed, and when a call fails with an error that queues do not have.
 *
 * A call counts itself in the slot, then looks at the key once more. A handle that goes
 * takes its key away, then puts itself into closing, then looks at the users: so it is
 * closed once, and not before the last call that found it has ended. A slot is used again
 * meanwhile: a late call finds another key.
 */
struct sysv_slot sysv_slots[SYSV_SETS][SYSV_WAYS];

static atomic_uint handles_kept;
static atomic_uint next_way;

static int key_id(uint64_t key)
{
	return (int)(key & SYSV_ID_MASK);
}

static int key_fd(uint64_t key)
{
	return (int)(key >> SYSV_FD_SHIFT) - 1;
}

/* Check that a descriptor is a handle on the queue still. */
static bool handle_is(int fd, int id)
{
	struct mbox_info info;

	return !sysv_open_info(fd, &info) && info.space == MBOX_SPACE_SYSV &&
	       sysv_open_number(&info) == id;
}

/* Leave errno alone: this follows a call. */
static void handle_close(uint64_t key)
{
	int saved = errno;

	if (handle_is(key_fd(key), key_id(key)))
		sysv_close(key_fd(key));
	atomic_fetch_sub(&handles_kept, 1);
	errno = saved;
}

static void slot_close(struct sysv_slot *slot)
{
	uint64_t key = atomic_exchange(&slot->closing, 0);

	if (key)
		handle_close(key);
}

/* Take a handle out of its slot; it is closed now, or by the last call that uses it. */
static void slot_drop(struct sysv_slot *slot, uint64_t key)
{
	uint64_t none = 0;

	if (!atomic_compare_exchange_strong(&slot->key, &key, 0))
		return;
	/* If another one waits there, this one stays open: the end of the process closes it. */
	if (!atomic_compare_exchange_strong(&slot->closing, &none, key))
		return;
	if (!atomic_load(&slot->users))
		slot_close(slot);
}

/* Close a handle without a slot, or one that went while this was its last call. */
void sysv_handle_close(const struct sysv_held *held)
{
	int saved = errno;

	if (held->slot)
		slot_close(held->slot);
	else
		sysv_close(held->fd);
	errno = saved;
}

/* Check that the descriptor is a handle on the queue still. */
bool sysv_handle_valid(const struct sysv_held *held, int id)
{
	return handle_is(held->fd, id);
}

/* Forget a handle, but not the call's hold on it. */
void sysv_handle_drop(const struct sysv_held *held)
{
	if (held->slot)
		slot_drop(held->slot, held->key);
}

/* Forget all handles on a queue. */
void sysv_handle_forget(int id)
{
	struct sysv_slot *slot = sysv_slots[(unsigned int)id % SYSV_SETS];
	unsigned int way;

	for (way = 0; way < SYSV_WAYS; way++, slot++) {
		uint64_t key = atomic_load(&slot->key);

		if (key && key_id(key) == id)
			slot_drop(slot, key);
	}
}

/* Forget all handles. */
void sysv_handle_flush(void)
{
	struct sysv_slot *slot = sysv_slots[0];
	unsigned int n;

	for (n = 0; n < SYSV_SETS * SYSV_WAYS; n++, slot++) {
		uint64_t key = atomic_load(&slot->key);

		if (key)
			slot_drop(slot, key);
	}
}

/* Most handles that are kept: a quarter of the descriptors that the process may have. */
static rlim_t handle_most(rlim_t *base)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur > 1024)
		limit.rlim_cur = 1024;
	/* Higher numbers would make the kernel's table of descriptors large. */
	*base = limit.rlim_cur / 4 * 3;
	return limit.rlim_cur / 4;
}

/* Make room for a handle in the set of its queue. Returns a slot that was free, or NULL. */
static struct sysv_slot *slot_find(int id)
{
	struct sysv_slot *set = sysv_slots[(unsigned int)id % SYSV_SETS];
	unsigned int way, first = atomic_fetch_add(&next_way, 1);

	sysv_handle_forget(id);
	for (way = 0; way < SYSV_WAYS; way++) {
		if (!atomic_load(&set[way].key))
			return &set[way];
	}
	for (way = 0; way < SYSV_WAYS; way++) {
		struct sysv_slot *slot = &set[(first + way) % SYSV_WAYS];

		if (atomic_load(&slot->users))
			continue;
		slot_drop(slot, atomic_load(&slot->key));
		return slot;
	}
	return NULL;
}

/*
 * Keep a handle, which is not the caller's any more, for later calls. With @held, the caller's
 * call holds it, kept or not.
 */
static void handle_keep(struct sysv_held *held, int fd, int id, unsigned int rights)
{
	struct sysv_slot *slot = NULL;
	rlim_t base, most = handle_most(&base);
	uint64_t key, none = 0;
	int high;

	held->slot = NULL;
	held->fd = fd;
	if (atomic_fetch_add(&handles_kept, 1) < most)
		slot = slot_find(id);
	if (!slot)
		goto out;
	/* Out of the way of the program's own descriptors. */
	high = fcntl(fd, F_DUPFD_CLOEXEC, (int)base);
	if (high >= 0) {
		sysv_close(fd);
		held->fd = high;
	}
	key = (uint32_t)id | (uint64_t)rights << SYSV_RIGHTS_SHIFT |
	      (uint64_t)(held->fd + 1) << SYSV_FD_SHIFT;
	atomic_fetch_add(&slot->users, 1);
	if (atomic_compare_exchange_strong(&slot->key, &none, key)) {
		held->slot = slot;
		held->key = key;
		return;
	}
	if (atomic_fetch_sub(&slot->users, 1) == 1)
		slot_close(slot);
out:
	atomic_fetch_sub(&handles_kept, 1);
}

/* Keep a handle that was opened or created by msgget(). */
void sysv_handle_keep(int fd, int id, unsigned int rights)
{
	struct sysv_held held;

	handle_keep(&held, fd, id, rights);
	sysv_handle_put(&held);
}

/*
 * Open a queue for a call that needs a right, with both rights if possible, and keep the
 * handle. Returns 0 or -EINVAL, -EACCES, …
 */
int sysv_handle_open(struct sysv_held *held, int id, unsigned int right)
{
	unsigned int rights = SYSV_RIGHTS;
	int saved = errno, fd = sysv_open_id(id, rights);

	if (fd == -EACCES) {
		rights = right;
		fd = sysv_open_id(id, rights);
	}
	if (fd < 0)
		return fd;
	handle_keep(held, fd, id, rights);
	errno = saved;
	return 0;
}

/* In the child of fork() no other thread is in a call. */
static void handle_child(void)
{
	struct sysv_slot *slot = sysv_slots[0];
	unsigned int n;

	for (n = 0; n < SYSV_SETS * SYSV_WAYS; n++, slot++) {
		atomic_store(&slot->users, 0);
		slot_close(slot);
	}
}

static __attribute__((constructor)) void handle_init(void)
{
	pthread_atfork(NULL, NULL, handle_child);
}
