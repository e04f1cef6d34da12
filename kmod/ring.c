// SPDX-License-Identifier: GPL-2.0-only
/* Rings: shared memory of one producer and one consumer; its sides and mappings. */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include <linux/mbox_ring.h>

#include "mbox.h"
#include "process.h"
#include "ring.h"
#include "user.h"
#include "wait.h"

/*
 * <linux/mbox_ring.h> has the protocol. The sides move the data themselves: the
 * kernel puts them to sleep, wakes them, and gives memory back. It maps the control
 * pages of both, which it owns, and a file in memory with the data, which it never
 * reads. It reads an index once, and compares it, or, to give memory back, checks
 * that it is possible. So a side that writes nonsense can make the kernel wake the
 * other in vain, or lose the contents of the ring, but no more.
 */
/*
 * A handle's hold on sides of a ring: of those whose holder it is. Closing the
 * handle ends it, or the end of the process that opened the handle.
 */
struct mbox_ring_holder {
	struct mbox_tie tie;
};

static_assert(!offsetof(struct mbox_ring_holder, tie));

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
 * @factory:	its opener's credentials may allow passing the quota
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
	ring->granted = ring->grow ? 0 : size;
	ring->unlimited = ring->grow && mbox_user_passes_quotas(factory);
	ring->longest = ALIGN(mbox->room.msg_size + sizeof(struct mbox_ring_record),
			      MBOX_RING_ALIGN);
	mutex_init(&ring->trim_lock);
	for (nr = 0; nr < MBOX_RING_SIDES; nr++) {
		struct mbox_ring_side *side = &ring->sides[nr];

		INIT_LIST_HEAD(&side->waiters);
		side->page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		if (!side->page)
			goto err_pages;
		side->control = page_address(side->page);
	}
	error = mbox_ring_memory_new(ring);
	if (error)
		goto err_pages;
	size = mbox_ring_memory_charged(ring);
	error = mbox_user_charge_ring(mbox->creator, size, false);
	if (error && mbox_user_passes_quotas(factory))
		error = mbox_user_charge_ring(mbox->creator, size, true);
	if (error)
		goto err_memory;
	mbox_user_ref(mbox->creator);
	ring->user = mbox->creator;
	mbox->ring = ring;
	return 0;

err_memory:
	mbox_ring_memory_free(ring);
err_pages:
	for (nr = 0; nr < MBOX_RING_SIDES; nr++) {
		if (ring->sides[nr].page)
			put_page(ring->sides[nr].page);
	}
	kfree(ring);
	return error;
}

/*
 * Rings without a mailbox whose data is still mapped. The charge lasts as long as the
 * memory, but nobody tells when the last mapping goes: RING_LINGER passes between two
 * looks. Their number is limited by the charge.
 */
#define RING_LINGER		HZ

static DEFINE_SPINLOCK(ring_lingering_lock);
static LIST_HEAD(ring_lingering);	/* ring_lingering_lock: struct mbox_ring */

/* Each mapping of the data holds one of the files. */
static bool ring_is_mapped(const struct mbox_ring *ring)
{
	return file_count(ring->data_rw) > 1 || file_count(ring->data_ro) > 1;
}

static void ring_free(struct mbox_ring *ring)
{
	mbox_user_unpin(ring->user, mbox_ring_memory_charged(ring) + MBOX_USER_REF);
	mbox_ring_memory_free(ring);
	kfree(ring);
}

static void ring_reap(struct work_struct *work);
static DECLARE_DELAYED_WORK(ring_reaper, ring_reap);

static void ring_linger(struct mbox_ring *ring)
{
	spin_lock(&ring_lingering_lock);
	list_add_tail(&ring->lingering, &ring_lingering);
	spin_unlock(&ring_lingering_lock);
	schedule_delayed_work(&ring_reaper, RING_LINGER);
}

/* Take the first ring off @rings, or return NULL. */
static struct mbox_ring *ring_pop(struct list_head *rings)
{
	struct mbox_ring *ring;

	ring = list_first_entry_or_null(rings, struct mbox_ring, lingering);
	if (ring)
		list_del(&ring->lingering);
	return ring;
}

static void ring_reap(struct work_struct *work)
{
	struct mbox_ring *ring;
	LIST_HEAD(rings);

	spin_lock(&ring_lingering_lock);
	list_splice_init(&ring_lingering, &rings);
	spin_unlock(&ring_lingering_lock);
	while ((ring = ring_pop(&rings))) {
		if (ring_is_mapped(ring))
			ring_linger(ring);
		else
			ring_free(ring);
		cond_resched();
	}
}

/*
 * No mailbox is left: mappings keep their pages, for which nobody is charged then. Of
 * a ring that grows none is left: they hold the module.
 */
void mbox_ring_exit(void)
{
	struct mbox_ring *ring;

	cancel_delayed_work_sync(&ring_reaper);
	while ((ring = ring_pop(&ring_lingering)))
		ring_free(ring);
}

/* Take the ring off its mailbox; mappings keep the pages, and the charge. May sleep. */
void mbox_ring_detach(struct mbox *mbox)
{
	struct mbox_ring *ring = mbox->ring;
	int nr;

	if (!ring)
		return;
	for (nr = 0; nr < MBOX_RING_SIDES; nr++)
		put_page(ring->sides[nr].page);
	if (ring_is_mapped(ring))
		ring_linger(ring);
	else
		ring_free(ring);
}

/* Mark both sides gone: the mailbox dies. */
void mbox_ring_die(struct mbox *mbox, struct mbox_deferred *deferred)
{
	int nr;

	lockdep_assert_held(&mbox->lock);
	for (nr = 0; nr < MBOX_RING_SIDES; nr++)
		WRITE_ONCE(mbox->ring->sides[nr].control->gone, 1);
}

/* Take the sides of @rights away from @holder, and wake both sides. */
static void ring_free_sides(struct mbox *mbox, struct mbox_ring_holder *holder,
			    u32 rights, struct mbox_deferred *deferred)
{
	int nr;

	lockdep_assert_held(&mbox->lock);
	for (nr = 0; nr < MBOX_RING_SIDES; nr++) {
		struct mbox_ring_side *side = &mbox->ring->sides[nr];

		if (side->holder != holder || !(rights & mbox_ring_right(nr)))
			continue;
		side->holder = NULL;
		side->left = true;
		mbox_ring_wait_place(mbox->ring, nr, 0);
		WRITE_ONCE(side->control->gone, 1);
		mbox_ring_wait_end(mbox, side, -EOWNERDEAD, deferred);
		mbox_ring_wait_end(mbox, &mbox->ring->sides[!nr], -EOWNERDEAD, deferred);
		deferred->events |= EPOLLHUP;
	}
}

/* Called by the watch: the process that opened the handle is gone. */
static void ring_holder_ended(void *data)
{
	struct mbox_ring_holder *holder = data;
	struct mbox *mbox = holder->tie.mbox;
	struct mbox_deferred deferred;

	mbox_mailbox_lock(mbox, &deferred);
	ring_free_sides(mbox, holder, MBOX_RIGHTS, &deferred);
	mbox_mailbox_unlock(mbox, &deferred);
	mbox_tie_put(&holder->tie);
}

/* End the hold of a handle. May sleep. */
void mbox_ring_leave(struct mbox_ring_holder *holder)
{
	struct mbox *mbox = holder->tie.mbox;
	struct mbox_deferred deferred;

	mbox_mailbox_lock(mbox, &deferred);
	ring_free_sides(mbox, holder, MBOX_RIGHTS, &deferred);
	mbox_mailbox_unlock(mbox, &deferred);
	mbox_tie_drop(&holder->tie);
}

/* No process is left for some side: waiters wake up, and see that. */
void mbox_ring_hang_up(struct mbox *mbox, struct mbox_deferred *deferred)
{
	int nr;

	for (nr = 0; nr < MBOX_RING_SIDES; nr++)
		mbox_ring_wait_end(mbox, &mbox->ring->sides[nr], 0, deferred);
}

/*
 * Free the sides of @rights of a handle, as if it was closed. Blocked calls check
 * again.
 */
void mbox_ring_shut(struct mbox_handle *handle, u32 rights)
{
	struct mbox *mbox = handle->mbox;
	struct mbox_deferred deferred;

	mbox_mailbox_lock(mbox, &deferred);
	ring_free_sides(mbox, handle->holder, rights, &deferred);
	mbox_mailbox_unlock(mbox, &deferred);
}

/*
 * Under the lock: take the sides of @rights for @holder, or none of them. The
 * caller may know that the previous holder exited before its watch has fired.
 */
static int ring_take_sides(struct mbox *mbox, struct mbox_ring_holder *holder,
			   u32 rights, struct mbox_deferred *deferred)
{
	struct mbox_ring_holder *before;
	int nr;

	lockdep_assert_held(&mbox->lock);
	for (nr = 0; nr < MBOX_RING_SIDES; nr++) {
		before = mbox->ring->sides[nr].holder;
		if (!(rights & mbox_ring_right(nr)) || !before)
			continue;
		if (!mbox_process_ended(before->tie.pid))
			return -EBUSY;
		ring_free_sides(mbox, before, MBOX_RIGHTS, deferred);
	}
	for (nr = 0; nr < MBOX_RING_SIDES; nr++) {
		struct mbox_ring_side *side = &mbox->ring->sides[nr];

		if (!(rights & mbox_ring_right(nr)))
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
	int error;

	holder = kzalloc(sizeof(*holder), GFP_KERNEL_ACCOUNT);
	if (!holder)
		return ERR_PTR(-ENOMEM);
	/* The caller is alive: it does not end before the hold exists. */
	error = mbox_tie_bind(&holder->tie, mbox, task_tgid(current),
			      ring_holder_ended);
	if (error)
		return ERR_PTR(error);
	mbox_mailbox_lock(mbox, &deferred);
	error = ring_take_sides(mbox, holder, rights, &deferred);
	mbox_mailbox_unlock(mbox, &deferred);
	if (error) {
		mbox_ring_leave(holder);
		return ERR_PTR(error);
	}
	return holder;
}

/*
 * Check whether a handle may act for its sides. Return 0, or the error for its
 * calls.
 */
int mbox_ring_check_hold(const struct mbox_handle *handle)
{
	struct mbox *mbox = handle->mbox;
	int nr;

	lockdep_assert_held(&mbox->lock);
	if (mbox->state == MBOX_STATE_DEAD)
		return mbox->death;
	for (nr = 0; nr < MBOX_RING_SIDES; nr++) {
		if ((handle->rights & ~handle->shut & mbox_ring_right(nr)) &&
		    mbox->ring->sides[nr].holder != handle->holder)
			return -EOWNERDEAD;
	}
	return 0;
}

/*
 * Return the bytes that are published and not received, at most the size of the
 * ring.
 */
static u64 ring_published(const struct mbox_ring *ring)
{
	/* In this order, so that a tail that overtakes does not look huge. */
	u64 tail = mbox_ring_index(ring, MBOX_RING_CONSUMER);
	u64 head;

	smp_rmb();	/* pairs with the consumer, who reads head, then moves tail */
	head = mbox_ring_index(ring, MBOX_RING_PRODUCER);
	return min(head - tail, ring->size);
}

/* Return how many messages a ring counts as: one, or none. */
u64 mbox_ring_queued(const struct mbox *mbox)
{
	return ring_published(mbox->ring) ? 1 : 0;
}

/* Return the number of the process that has a side, for the caller; 0 if none has. */
static u32 ring_side_process(const struct mbox_ring_side *side)
{
	return side->holder ? mbox_process_nr(side->holder->tie.pid) : 0;
}

/* Fill in the part of @info and @stats that is about a ring. */
void mbox_ring_info(const struct mbox *mbox, struct mbox_info *info,
		    struct mbox_stats *stats)
{
	info->ring = mbox->ring->size;
	/* A dead ring has nothing queued, by definition. */
	if (mbox->state != MBOX_STATE_DEAD)
		info->queued_bytes = ring_published(mbox->ring);
	info->queued = info->queued_bytes ? 1 : 0;
	if (!stats)
		return;
	/* As its sides count: with the headers of records. */
	stats->sent_bytes = mbox_ring_index(mbox->ring, MBOX_RING_PRODUCER);
	stats->charged = mbox_ring_memory_charged(mbox->ring);
	stats->producer = ring_side_process(&mbox->ring->sides[MBOX_RING_PRODUCER]);
	stats->consumer = ring_side_process(&mbox->ring->sides[MBOX_RING_CONSUMER]);
}

static vm_fault_t ring_control_fault(struct vm_fault *vmf)
{
	/* The mapping has the file, and so the ring with its pages. */
	vmf->page = vmf->vma->vm_private_data;
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct ring_control_ops = {
	.fault = ring_control_fault,
};

static int ring_map_control(struct vm_area_struct *vma, struct mbox_ring_side *side)
{
	vma->vm_private_data = side->page;
	vma->vm_ops = &ring_control_ops;
	return 0;
}

/**
 * mbox_ring_mmap - map a control page or the data
 * @handle:	its rights decide which pages may be written
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
	int nr = offset == MBOX_RING_CONSUMER_OFFSET ? MBOX_RING_CONSUMER : MBOX_RING_PRODUCER;
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
	if (!(handle->rights & mbox_ring_right(nr))) {
		if (vma->vm_flags & VM_WRITE)
			return -EPERM;
		vm_flags_clear(vma, VM_MAYWRITE);
	}
	spin_lock(&mbox->lock);
	error = mbox_ring_check_hold(handle);
	spin_unlock(&mbox->lock);
	if (error)
		return error;
	vm_flags_clear(vma, VM_MAYEXEC);
	vm_flags_set(vma, VM_DONTEXPAND);
	return data ? mbox_ring_memory_map(ring, vma, handle->rights & MBOX_RIGHT_SEND ?
					   ring->data_rw : ring->data_ro) :
		      ring_map_control(vma, &ring->sides[nr]);
}
