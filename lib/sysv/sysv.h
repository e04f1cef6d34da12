/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmbox-sysv.so: msgget(), msgsnd(), msgrcv() and msgctl() on mailboxes.
 *
 * get.c	msgget(): keys, the limit of queues
 * message.c	msgsnd(), msgrcv()
 * control.c	msgctl()
 * index.c	the queues by index, for msgctl()
 * handle.c	the handles of this process, by the ids of their queues
 * open.c	mailboxes as queues: opened, looked at
 * identity.c	calls that change the user or the group, which handles depend on
 * memory.c	addresses that are checked before they are used
 * limit.c	the limits of /proc/sys/kernel
 * proc.c	/proc/sysvipc/msg
 * syscall.c	the same calls of a program that makes them by syscall()
 *
 * A queue is a mailbox of MBOX_SPACE_SYSV. Its key is the label, its id is the low 31 bits of
 * the mailbox's; so each process can open a queue whose number it was told. msg_qbytes is
 * both bytes and capacity of the mailbox.
 *
 * Nothing here takes a lock: calls may be made in signal handlers, after fork() of a program
 * with threads, and block. Functions return 0 or a negated errno, but for the four above.
 */
#ifndef LIBMBOX_SYSV_H
#define LIBMBOX_SYSV_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/mbox.h>

#include "../frontend.h"

/* The bits of a mailbox' id that are the id of a queue. */
#define SYSV_ID_MASK	0x7fffffffU

/* The options of a mailbox that is a queue. */
#define SYSV_OPTIONS	MBOX_OPTION_TRACK

#define SYSV_RIGHTS	(MBOX_RIGHT_RECV | MBOX_RIGHT_SEND)

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

/* A handle of this process, or none. A slot without a key is free. */
struct sysv_slot {
	_Atomic uint64_t key;		/* id, then rights, then the descriptor + 1 */
	_Atomic uint64_t closing;	/* the key of a handle to close once nobody uses it */
	_Atomic uint32_t users;		/* calls that use the handle, or look at the slot */
};

#define SYSV_RIGHTS_SHIFT	31
#define SYSV_FD_SHIFT		33
#define SYSV_SETS		64U
#define SYSV_WAYS		4U

/* A handle for one call; without a slot it is this call's alone. */
struct sysv_held {
	struct sysv_slot *slot;
	uint64_t key;
	int fd;
};

/* Call ioctl(). */
static inline int sysv_ioctl(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg) < 0 ? -errno : 0;
}

/* Close a descriptor, but not by close(), which is a cancellation point. */
static inline void sysv_close(int fd)
{
	syscall(SYS_close, fd);
}

/* Return from msgget() or msgctl(). A call that succeeds leaves errno as it was: @saved. */
static inline int sysv_return(int ret, int saved)
{
	if (ret >= 0) {
		errno = saved;
		return ret;
	}
	errno = -ret;
	return -1;
}

/* Fail with a negated errno. */
static inline int sysv_fail(int error)
{
	errno = -error;
	return -1;
}

#pragma GCC visibility push(hidden)

extern struct sysv_slot sysv_slots[SYSV_SETS][SYSV_WAYS];

/* handle.c */
int sysv_handle_open(struct sysv_held *held, int id, unsigned int right);
void sysv_handle_keep(int fd, int id, unsigned int rights);
void sysv_handle_close(const struct sysv_held *held);
bool sysv_handle_valid(const struct sysv_held *held, int id);
void sysv_handle_drop(const struct sysv_held *held);
void sysv_handle_forget(int id);
void sysv_handle_flush(void);

/* open.c */
int sysv_open_factory(void);
int sysv_open_on(int factory, struct mbox_ioc_open *arg, unsigned long request);
int sysv_open_id(int id, unsigned int rights);
int sysv_open_info(int fd, struct mbox_info *info);
int sysv_open_number(const struct mbox_info *info);
unsigned int sysv_open_capacity(unsigned int qbytes);
unsigned int sysv_open_bytes(unsigned int qbytes);
unsigned int sysv_open_qbytes(const struct mbox_info *info);

/* index.c */
int sysv_index_next(int factory, uint64_t *id);
int sysv_index_id(int index);
bool sysv_index_room(int factory);

/* memory.c */
extern __thread uintptr_t sysv_memory_known[2][8]
	__attribute__((tls_model("initial-exec")));
bool sysv_memory_probe(uintptr_t first, size_t size, bool write);

/* limit.c */
unsigned int sysv_limit_msgmax(void);
unsigned int sysv_limit_msgmnb(void);
unsigned int sysv_limit_msgmni(void);
long sysv_limit_next_id(void);
extern _Atomic unsigned int sysv_limit_size;

#pragma GCC visibility pop

static inline void sysv_handle_put(const struct sysv_held *held);

/*
 * Take the handle on a queue that has a right. Returns 0 with @held, to be given back by
 * sysv_handle_put(), or -EINVAL, -EACCES, …
 */
static inline int sysv_handle_take(struct sysv_held *held, int id, unsigned int right)
{
	uint64_t mask = SYSV_ID_MASK | (uint64_t)right << SYSV_RIGHTS_SHIFT;
	uint64_t want = (uint32_t)id | (uint64_t)right << SYSV_RIGHTS_SHIFT;
	struct sysv_slot *slot = sysv_slots[id % SYSV_SETS];
	unsigned int way;

	for (way = 0; way < SYSV_WAYS; way++, slot++) {
		uint64_t key = atomic_load_explicit(&slot->key, memory_order_relaxed);

		if ((key & mask) != want)
			continue;
		/* Either this count is seen when the handle goes, or its going here. */
		atomic_fetch_add(&slot->users, 1);
		held->slot = slot;
		held->key = key;
		held->fd = (int)(key >> SYSV_FD_SHIFT) - 1;
		if (likely(atomic_load(&slot->key) == key))
			return 0;
		sysv_handle_put(held);
		break;
	}
	return sysv_handle_open(held, id, right);
}

/* Give a handle back. Its last user closes one that has gone. */
static inline void sysv_handle_put(const struct sysv_held *held)
{
	struct sysv_slot *slot = held->slot;

	if (unlikely(!slot) ||
	    unlikely(atomic_fetch_sub(&slot->users, 1) == 1 && atomic_load(&slot->closing)))
		sysv_handle_close(held);
}

/*
 * Check that the type of a message can be read or written where the program says: a bad
 * address is EFAULT, not a signal. Pages that were found good are remembered.
 */
static inline bool sysv_memory_good(const void *message, bool write)
{
	uintptr_t first = (uintptr_t)message, page = first / 4096 + 1;

	if (likely(sysv_memory_known[write][page % 8] == page && first % 4096 <= 4096 - sizeof(long)))
		return true;
	return sysv_memory_probe(first, sizeof(long), write);
}

#endif /* LIBMBOX_SYSV_H */
