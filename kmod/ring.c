// SPDX-License-Identifier: GPL-2.0-only
/* Rings: shared memory of one producer and one consumer, who sleep in the kernel. */
#include <linux/err.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>

#include <linux/mbox_ring.h>

#include "mbox.h"
#include "process.h"
#include "queue.h"
#include "ring.h"
#include "user.h"
#include "wait.h"

/*
 * <linux/mbox_ring.h> has the protocol. What the sides do is theirs: the kernel
 * puts them to sleep, wakes them, and gives memory back. It maps the control
 * pages of both, which it owns, and a file in memory with the data, which it never
 * looks at. An index it reads once; then it compares it, or, to give memory back,
 * checks that it lies where it can, so that nothing that a side writes makes it
 * do more than wake somebody in vain, or lose what is in the ring.
 *
 * MBOX_RING_SLEEP: a sleeper does not miss what was published meanwhile.
 *
 *	sleeper, under mbox->lock		waker, without
 *	write waiting = 1			write index
 *	smp_mb()				full barrier
 *	read index; if it moved: leave		read waiting; if set: WAKE,
 *	go into the list of waiters		  which takes mbox->lock
 *
 * One of them sees what the other wrote. If it is the waker, it finds the sleeper
 * in the list, since setting waiting and going there is one section of the
 * lock; from there on MBOX_WAKE (wait.c) takes over. Pollers are in mbox->poll
 * before they look, so they are found likewise. The model
 * selftests/model/ring.pml covers all interleavings.
 */
enum { PRODUCER, CONSUMER, SIDES };

/* One side of a ring. Its page is shared with both of them. */
struct ring_side {
	struct page *page;			/* constant */
	struct mbox_ring_control *control;	/* constant: at page */
	struct mbox_ring_holder *holder;	/* mbox->lock; NULL: free */
	bool left;			/* mbox->lock: was held, and is free */
	bool polled;			/* mbox->lock: waiting is for pollers too */
	struct list_head waiters;	/* mbox->lock */
	u32 nr_waiters;			/* mbox->lock; up to MBOX_WAITERS_MAX */
};

struct mbox_ring {
	u64 size;			/* constant */
	bool grow;			/* constant */
	u32 longest;			/* constant: bytes of the longest record */
	struct file *data;		/* constant, counted */
	struct file *data_ro;		/* constant, counted: the same to read */
	struct mutex trim_lock;
	u64 freed;			/* changed under trim_lock and mbox->lock */
	struct ring_side sides[SIDES];
};

/*
 * A handle's hold on its sides: it has those whose holder it is. The handle
 * closes it, or the end of the process that opened it does.
 *
 * References: one of the handle, one of the watch.
 */
struct mbox_ring_holder {
	refcount_t refs;
	struct mbox *mbox;		/* constant, counted */
	struct pid *pid;		/* constant, counted */
	struct mbox_watch *watch;	/* constant */
};

#define BOTH	(MBOX_RIGHT_RECV | MBOX_RIGHT_SEND)

/* What a consumer waits with, to be counted as a receiver. */
static const struct mbox_filter any;

static u32 right_of(int nr)
{
	return nr == CONSUMER ? MBOX_RIGHT_RECV : MBOX_RIGHT_SEND;
}

static __poll_t ready_of(int nr)
{
	return nr == CONSUMER ? EPOLLIN | EPOLLRDNORM : EPOLLOUT | EPOLLWRNORM;
}

static u64 index_of(const struct mbox_ring *ring, int nr)
{
	return READ_ONCE(ring->sides[nr].control->index);
}

/* Check attributes of a new ring, and put in the default. */
int mbox_ring_check(struct mbox_attr *attr)
{
	bool grow = attr->options & MBOX_OPTION_GROW;
	u32 limit = READ_ONCE(mbox_max_msg_size);

	if (attr->ring > MBOX_RING_MAX || !is_power_of_2(attr->ring) ||
	    attr->ring < max_t(u64, MBOX_RING_MIN, grow ? 2 * PAGE_SIZE : PAGE_SIZE))
		return -EINVAL;
	if (attr->policy || attr->max_procs || attr->capacity || attr->bytes ||
	    (attr->options & ~MBOX_OPTION_GROW))
		return -EINVAL;
	limit = min_t(u32, limit,
		      attr->ring / 2 - sizeof(struct mbox_ring_record));
	if (!attr->msg_size)
		attr->msg_size = min(MBOX_MSG_SIZE_DEFAULT, limit);
	return attr->msg_size > limit ? -EINVAL : 0;
}

/**
 * mbox_ring_attach - make the ring of a new mailbox
 * @mbox:	that nobody can reach yet, with checked attributes
 * @factory:	by whose opener's credentials the quota may be passed
 * @size:	bytes, checked
 *
 * Return: 0, or EDQUOT, ENFILE, ENOMEM.
 */
int mbox_ring_attach(struct mbox *mbox, struct file *factory, u64 size)
{
	struct mbox_ring *ring;
	int error = -ENOMEM;
	int nr;

	ring = kzalloc(sizeof(*ring), GFP_KERNEL_ACCOUNT);
	if (!ring)
		return -ENOMEM;
	ring->size = size;
	ring->grow = mbox->options & MBOX_OPTION_GROW;
	ring->longest = ALIGN(mbox->room.msg_size + sizeof(struct mbox_ring_record),
			      MBOX_RING_ALIGN);
	mutex_init(&ring->trim_lock);
	for (nr = 0; nr < SIDES; nr++) {
		struct ring_side *side = &ring->sides[nr];

		INIT_LIST_HEAD(&side->waiters);
		side->page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		if (!side->page)
			goto err_pages;
		side->control = page_address(side->page);
	}
	ring->data = mbox_compat_shmem_file("mbox-ring", size, ring->grow);
	if (IS_ERR(ring->data)) {
		/* It says ENOSPC where there is no memory for an inode. */
		error = PTR_ERR(ring->data);
		if (error == -ENOSPC)
			error = -ENOMEM;
		goto err_pages;
	}
	/* A mapping of a file that cannot be written stays so, whatever is done to it. */
	ring->data_ro = dentry_open(&ring->data->f_path, O_RDONLY | O_LARGEFILE,
				    current_cred());
	if (IS_ERR(ring->data_ro)) {
		error = PTR_ERR(ring->data_ro);
		goto err_data;
	}
	error = mbox_user_charge_ring(mbox->creator, factory, size);
	if (error)
		goto err_data_ro;
	mbox->ring = ring;
	return 0;

err_data_ro:
	fput(ring->data_ro);
err_data:
	fput(ring->data);
err_pages:
	for (nr = 0; nr < SIDES; nr++) {
		if (ring->sides[nr].page)
			put_page(ring->sides[nr].page);
	}
	kfree(ring);
	return error;
}

/* Nobody can reach the mailbox any more, but what is mapped stays. May sleep. */
void mbox_ring_free(struct mbox *mbox)
{
	struct mbox_ring *ring = mbox->ring;
	int nr;

	if (!ring)
		return;
	mbox_user_uncharge_ring(mbox->creator, ring->size);
	fput(ring->data_ro);
	fput(ring->data);
	for (nr = 0; nr < SIDES; nr++)
		put_page(ring->sides[nr].page);
	kfree(ring);
}

/*
 * Have all that wait on a side look again, or end with @error. Bound:
 * MBOX_WAITERS_MAX.
 */
static void end_waits(struct mbox *mbox, struct ring_side *side, int error,
		      struct mbox_deferred *deferred)
{
	struct mbox_waiter *waiter, *next;

	lockdep_assert_held(&mbox->lock);
	list_for_each_entry_safe(waiter, next, &side->waiters, node)
		mbox_waiter_complete(mbox, waiter, error, deferred);
	side->nr_waiters = 0;
}

/* Wake a side, whatever its waiting says: it can be written by that side too. */
static void wake(struct mbox *mbox, int nr, struct mbox_deferred *deferred)
{
	struct ring_side *side = &mbox->ring->sides[nr];

	lockdep_assert_held(&mbox->lock);
	WRITE_ONCE(side->control->waiting, 0);
	side->polled = false;
	end_waits(mbox, side, 0, deferred);
	deferred->events |= ready_of(nr);
}

/* From mbox_mailbox_die(). */
void mbox_ring_die(struct mbox *mbox)
{
	int nr;

	lockdep_assert_held(&mbox->lock);
	for (nr = 0; nr < SIDES; nr++)
		WRITE_ONCE(mbox->ring->sides[nr].control->gone, 1);
}

/* Take from @holder the sides of @rights that it has, and tell the others. */
static void leave(struct mbox *mbox, struct mbox_ring_holder *holder,
		  u32 rights, struct mbox_deferred *deferred)
{
	int nr;

	lockdep_assert_held(&mbox->lock);
	for (nr = 0; nr < SIDES; nr++) {
		struct ring_side *side = &mbox->ring->sides[nr];

		if (side->holder != holder || !(rights & right_of(nr)))
			continue;
		side->holder = NULL;
		side->left = true;
		WRITE_ONCE(side->control->gone, 1);
		end_waits(mbox, side, -EOWNERDEAD, deferred);
		end_waits(mbox, &mbox->ring->sides[!nr], -EOWNERDEAD, deferred);
		deferred->events |= EPOLLHUP;
	}
}

static void holder_put(struct mbox_ring_holder *holder)
{
	if (!refcount_dec_and_test(&holder->refs))
		return;
	put_pid(holder->pid);
	mbox_mailbox_put(holder->mbox);
	kfree(holder);
}

/* From the watch: the process that opened the handle is gone. */
static void holder_ended(void *data)
{
	struct mbox_ring_holder *holder = data;
	struct mbox *mbox = holder->mbox;
	struct mbox_deferred deferred;

	mbox_mailbox_lock(mbox, &deferred);
	leave(mbox, holder, BOTH, &deferred);
	mbox_mailbox_unlock(mbox, &deferred);
	holder_put(holder);
}

/* A handle's hold ends. May sleep. */
void mbox_ring_leave(struct mbox_ring_holder *holder)
{
	struct mbox *mbox = holder->mbox;
	struct mbox_deferred deferred;

	mbox_mailbox_lock(mbox, &deferred);
	leave(mbox, holder, BOTH, &deferred);
	mbox_mailbox_unlock(mbox, &deferred);
	if (mbox_watch_cancel(holder->watch))
		holder_put(holder);
	holder_put(holder);
}

/* Nobody is left for some side: those who wait find out, when they look again. */
void mbox_ring_hang_up(struct mbox *mbox, struct mbox_deferred *deferred)
{
	int nr;

	for (nr = 0; nr < SIDES; nr++)
		end_waits(mbox, &mbox->ring->sides[nr], 0, deferred);
}

/*
 * A handle gives up sides of a ring: they are free, as if it was closed. Calls that
 * are blocked look again.
 */
void mbox_ring_shut(struct mbox_handle *handle, u32 rights)
{
	struct mbox *mbox = handle->mbox;
	struct mbox_deferred deferred;

	mbox_mailbox_lock(mbox, &deferred);
	leave(mbox, handle->holder, rights, &deferred);
	mbox_mailbox_unlock(mbox, &deferred);
}

/*
 * Under the lock: take the sides of @rights for @holder, or none of them. That the
 * one before has ended who asks may know before the watch tells.
 */
static int take(struct mbox *mbox, struct mbox_ring_holder *holder, u32 rights,
		struct mbox_deferred *deferred)
{
	struct mbox_ring_holder *before;
	int nr;

	lockdep_assert_held(&mbox->lock);
	for (nr = 0; nr < SIDES; nr++) {
		before = mbox->ring->sides[nr].holder;
		if (!(rights & right_of(nr)) || !before)
			continue;
		if (!mbox_process_ended(before->pid))
			return -EBUSY;
		leave(mbox, before, BOTH, deferred);
	}
	for (nr = 0; nr < SIDES; nr++) {
		struct ring_side *side = &mbox->ring->sides[nr];

		if (!(rights & right_of(nr)))
			continue;
		side->holder = holder;
		side->left = false;
		if (mbox->state != MBOX_STATE_DEAD)
			WRITE_ONCE(side->control->gone, 0);
	}
	return 0;
}

/**
 * mbox_ring_hold - take the sides of a ring for a handle of the caller's process
 * @mbox:	the ring
 * @rights:	MBOX_RIGHT_* of the handle, at least one
 *
 * Return: for mbox_ring_leave(); or EBUSY, ENOMEM.
 */
struct mbox_ring_holder *mbox_ring_hold(struct mbox *mbox, u32 rights)
{
	struct mbox_ring_holder *holder;
	struct mbox_deferred deferred;
	struct mbox_watch *watch;
	int error;

	holder = kzalloc(sizeof(*holder), GFP_KERNEL_ACCOUNT);
	if (!holder)
		return ERR_PTR(-ENOMEM);
	refcount_set(&holder->refs, 2);
	mbox_mailbox_get(mbox);
	holder->mbox = mbox;
	holder->pid = get_pid(task_tgid(current));
	/* The caller is alive: it does not end before the hold is there. */
	watch = mbox_watch_new(task_tgid(current), holder_ended, holder);
	if (IS_ERR(watch)) {
		holder_put(holder);
		holder_put(holder);
		return ERR_CAST(watch);
	}
	holder->watch = watch;
	mbox_mailbox_lock(mbox, &deferred);
	error = take(mbox, holder, rights, &deferred);
	mbox_mailbox_unlock(mbox, &deferred);
	if (error) {
		mbox_ring_leave(holder);
		return ERR_PTR(error);
	}
	return holder;
}

/* Whether a handle may act for its sides: 0, or what its calls get. */
static int check_hold(const struct mbox_handle *handle)
{
	struct mbox *mbox = handle->mbox;
	int nr;

	lockdep_assert_held(&mbox->lock);
	if (mbox->state == MBOX_STATE_DEAD)
		return mbox->death;
	for (nr = 0; nr < SIDES; nr++) {
		if ((handle->rights & ~handle->shut & right_of(nr)) &&
		    mbox->ring->sides[nr].holder != handle->holder)
			return -EOWNERDEAD;
	}
	return 0;
}

/* What side @nr waits for: the index that the other side moves. */
static u64 awaited(const struct mbox_ring *ring, int nr)
{
	if (nr == PRODUCER && ring->grow)
		return ring->freed;
	return index_of(ring, !nr);
}

/* Ask the other side to wake this one, from now on: see MBOX_RING_SLEEP. */
static void arm(struct ring_side *side)
{
	WRITE_ONCE(side->control->waiting, 1);
	smp_mb();	/* see MBOX_RING_SLEEP */
}

static void disarm(struct ring_side *side)
{
	if (list_empty(&side->waiters) && !side->polled)
		WRITE_ONCE(side->control->waiting, 0);
}

/*
 * One look at what side @nr waits for, which armed it: 0 if it moved, EAGAIN if
 * it may yet.
 */
static int look(const struct mbox_handle *handle, int nr, u64 seen)
{
	const struct mbox_ring *ring = handle->mbox->ring;
	int error = check_hold(handle);

	if (handle->shut & right_of(nr))
		return -ESHUTDOWN;
	if (error)
		return error;
	if (awaited(ring, nr) != seen)
		return 0;
	if (ring->sides[!nr].left)
		return -EOWNERDEAD;
	return mbox_mailbox_nobody(handle->mbox, right_of(!nr)) ? -EPIPE :
								  -EAGAIN;
}

/* MBOX_WAIT_MOVE: sleep until the other side's index is no longer @seen. */
static int wait_move(struct mbox_handle *handle, int nr,
		     const struct mbox_ring_wait *args)
{
	struct mbox *mbox = handle->mbox;
	struct ring_side *side = &mbox->ring->sides[nr];
	struct mbox_deferred deferred;
	struct mbox_waiter waiter;
	int error = args->nonblock ? -EAGAIN : 0;
	int found;

	mbox_mailbox_lock(mbox, &deferred);
	for (;;) {
		arm(side);
		found = look(handle, nr, args->seen);
		if (found != -EAGAIN || error)
			break;
		if (side->nr_waiters >= MBOX_WAITERS_MAX) {
			error = -EUSERS;
			break;
		}
		mbox_waiter_init(&waiter);
		waiter.handle = handle;
		waiter.filter = nr == CONSUMER ? &any : NULL;
		mbox_waiter_block_side(mbox, &side->waiters, &waiter);
		side->nr_waiters++;
		mbox_mailbox_unlock(mbox, &deferred);

		error = mbox_waiter_sleep(&waiter, &args->deadline);
		mbox_mailbox_lock(mbox, &deferred);
		if (mbox_waiter_ended(mbox, &waiter, &deferred)) {
			error = waiter.error;
		} else {
			mbox_waiter_cancel(mbox, &waiter);
			side->nr_waiters--;
		}
	}
	/* Who polls with edges, and saw none, does not poll again. */
	if (found == -EAGAIN && waitqueue_active(&mbox->poll))
		side->polled = true;
	disarm(side);
	mbox_mailbox_unlock(mbox, &deferred);
	return found == -EAGAIN ? error : found;
}

/* Punch out of the data what lies from one index to another, in whole pages. */
static int punch(struct mbox_ring *ring, u64 from, u64 to)
{
	u64 start = from & (ring->size - 1);
	u64 length = min(to - from, ring->size - start);
	int error;

	error = vfs_fallocate(ring->data,
			      FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			      start, length);
	if (!error && from + length != to)
		error = vfs_fallocate(ring->data,
				      FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				      0, to - from - length);
	return error;
}

/*
 * MBOX_WAIT_TRIM: give back the pages that were consumed. They are not the
 * producer's to write before freed says so; so nothing of his is lost.
 */
static int trim(struct mbox *mbox)
{
	struct mbox_ring *ring = mbox->ring;
	struct mbox_deferred deferred;
	u64 head, tail, end;
	int error = 0;

	if (mutex_lock_interruptible(&ring->trim_lock))
		return -ERESTARTSYS;
	tail = index_of(ring, CONSUMER);
	head = index_of(ring, PRODUCER);
	if (head - tail > ring->size || tail - ring->freed > ring->size) {
		error = -EINVAL;
		goto out;
	}
	end = round_down(tail, PAGE_SIZE);
	/* Both begin pages: so end lies before tail and freed, or neither. */
	if (end == ring->freed)
		goto out;
	error = punch(ring, ring->freed, end);
	if (error)
		goto out;
	mbox_mailbox_lock(mbox, &deferred);
	ring->freed = end;
	/* Pairs with the producer's acquire: the pages are gone, then are his. */
	smp_store_release(&ring->sides[CONSUMER].control->freed, end);
	wake(mbox, PRODUCER, &deferred);
	mbox_mailbox_unlock(mbox, &deferred);
out:
	mutex_unlock(&ring->trim_lock);
	return error;
}

/**
 * mbox_ring_wait - wake the other side, give memory back, wait for it
 * @handle:	of a ring
 * @args:	with checked flags and a side out of its rights
 *
 * Return: as MBOX_IOC_WAIT.
 */
int mbox_ring_wait(struct mbox_handle *handle, const struct mbox_ring_wait *args)
{
	int nr = args->side == MBOX_RIGHT_RECV ? CONSUMER : PRODUCER;
	struct mbox *mbox = handle->mbox;
	struct mbox_deferred deferred;
	int error;

	if ((args->flags & MBOX_WAIT_TRIM) &&
	    (nr != CONSUMER || !mbox->ring->grow))
		return -EINVAL;
	mbox_mailbox_lock(mbox, &deferred);
	error = handle->shut & args->side ? -ESHUTDOWN : check_hold(handle);
	if (!error && (args->flags & MBOX_WAIT_WAKE))
		wake(mbox, !nr, &deferred);
	mbox_mailbox_unlock(mbox, &deferred);
	if (!error && (args->flags & MBOX_WAIT_TRIM))
		error = trim(mbox);
	if (!error && (args->flags & MBOX_WAIT_MOVE))
		error = wait_move(handle, nr, args);
	return error;
}

/* Whether a side finds what it needs: a record, or room for the longest. */
static bool ready(const struct mbox_ring *ring, int nr)
{
	u64 head = index_of(ring, PRODUCER);
	u64 used;

	if (nr == CONSUMER)
		return head != index_of(ring, CONSUMER);
	/* Where that makes no sense, a send will say so. */
	used = head - awaited(ring, PRODUCER);
	return used > ring->size || ring->size - used >= ring->longest;
}

static __poll_t poll_side(struct mbox *mbox, int nr)
{
	struct mbox_ring *ring = mbox->ring;
	struct ring_side *side = &ring->sides[nr];
	__poll_t events = ring->sides[!nr].left ? EPOLLHUP : 0;

	if (mbox_mailbox_nobody(mbox, right_of(!nr)))
		events |= nr == CONSUMER ? EPOLLHUP : EPOLLERR;
	if (!ready(ring, nr)) {
		side->polled = true;
		arm(side);
		if (!ready(ring, nr))
			return events;
	}
	return events | ready_of(nr);
}

/* What poll() says to a handle of a ring, which is in mbox->poll by now. */
__poll_t mbox_ring_poll(struct mbox_handle *handle)
{
	struct mbox *mbox = handle->mbox;
	__poll_t events;
	u32 rights;
	int nr;

	spin_lock(&mbox->lock);
	events = mbox_handle_shut_events(handle);
	rights = handle->rights & ~handle->shut;
	if (check_hold(handle)) {
		events |= EPOLLHUP;
		if (rights & MBOX_RIGHT_SEND)
			events |= EPOLLERR;
	} else {
		for (nr = 0; nr < SIDES; nr++) {
			if (rights & right_of(nr))
				events |= poll_side(mbox, nr);
		}
	}
	spin_unlock(&mbox->lock);
	return events;
}

/* Bytes that are published and not received; no more than there can be. */
static u64 published(const struct mbox_ring *ring)
{
	/* In this order, so that a tail that overtakes does not look huge. */
	u64 tail = index_of(ring, CONSUMER);
	u64 head;

	smp_rmb();	/* pairs with the consumer, who reads head, then moves tail */
	head = index_of(ring, PRODUCER);
	return min(head - tail, ring->size);
}

/* What a ring holds, in the terms of a mailbox: one message, or none. */
u64 mbox_ring_queued(const struct mbox *mbox)
{
	return published(mbox->ring) ? 1 : 0;
}

/* Fill in what @info says about a ring. */
void mbox_ring_info(const struct mbox *mbox, struct mbox_info *info)
{
	info->kind = MBOX_KIND_RING;
	info->ring = mbox->ring->size;
	/* What was in it when it died is dropped, whatever its indices say. */
	if (mbox->state != MBOX_STATE_DEAD)
		info->queued_bytes = published(mbox->ring);
	info->queued = info->queued_bytes ? 1 : 0;
}

/* The process that has the side of @right, for the caller; 0 if none has. */
u32 mbox_ring_side_nr(const struct mbox *mbox, u32 right)
{
	int nr = right == MBOX_RIGHT_RECV ? CONSUMER : PRODUCER;
	const struct mbox_ring_holder *holder = mbox->ring->sides[nr].holder;

	lockdep_assert_held(&mbox->lock);
	return holder ? mbox_process_nr(holder->pid) : 0;
}

static vm_fault_t control_fault(struct vm_fault *vmf)
{
	/* The mapping has the file, and so the ring with its pages. */
	vmf->page = vmf->vma->vm_private_data;
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct control_vm_ops = {
	.fault = control_fault,
};

static int map_control(struct vm_area_struct *vma, struct ring_side *side)
{
	vma->vm_private_data = side->page;
	vma->vm_ops = &control_vm_ops;
	return 0;
}

/* The mapping becomes one of the file in memory, from its beginning. */
static int map_data(struct vm_area_struct *vma, struct file *data)
{
	vma_set_file(vma, data);
	vma->vm_pgoff = 0;
	return mbox_compat_mmap(data, vma);
}

/**
 * mbox_ring_mmap - map a control page or the data
 * @handle:	whose rights say what may be written
 * @vma:	the mapping
 *
 * Return: as <linux/mbox_ring.h> says about mmap().
 */
int mbox_ring_mmap(struct mbox_handle *handle, struct vm_area_struct *vma)
{
	struct mbox *mbox = handle->mbox;
	struct mbox_ring *ring = mbox->ring;
	u64 length = vma->vm_end - vma->vm_start;
	u64 offset = (u64)vma->vm_pgoff << PAGE_SHIFT;
	int nr = offset == MBOX_RING_CONSUMER_OFFSET ? CONSUMER : PRODUCER;
	bool data = offset == MBOX_RING_DATA_OFFSET;
	int error;

	if (!ring)
		return -ENODEV;
	if (!(vma->vm_flags & VM_SHARED) ||
	    (!data && offset != MBOX_RING_CONSUMER_OFFSET &&
	     offset != MBOX_RING_PRODUCER_OFFSET) ||
	    length != (data ? ring->size : PAGE_SIZE))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	if (!(handle->rights & right_of(nr))) {
		if (vma->vm_flags & VM_WRITE)
			return -EPERM;
		vm_flags_clear(vma, VM_MAYWRITE);
	}
	spin_lock(&mbox->lock);
	error = check_hold(handle);
	spin_unlock(&mbox->lock);
	if (error)
		return error;
	vm_flags_clear(vma, VM_MAYEXEC);
	vm_flags_set(vma, VM_DONTEXPAND);
	return data ? map_data(vma, handle->rights & MBOX_RIGHT_SEND ?
				    ring->data : ring->data_ro) :
		      map_control(vma, &ring->sides[nr]);
}
