// SPDX-License-Identifier: GPL-2.0-only
/* The memory of rings that grow: granted, charged, mapped, and given back. */
#include <linux/err.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>

#include <linux/mbox_ring.h>

#include "mbox.h"
#include "ring.h"
#include "user.h"

/*
 * MBOX_RING_WINDOW: no page of a ring that grows has memory without being charged.
 *
 * The pages from floor to granted, in indices, are the window: only they may have
 * memory. GROW moves granted after it has charged the pages. TRIM moves floor, then
 * removes the pages below, then moves freed, to where they are charged no more. So
 * freed <= floor <= granted <= freed + size. A fault looks at the window before it
 * has the file allocate, so that other pages get none, and once more after that:
 *
 *	fault					TRIM
 *	put the page into the file		move floor
 *	smp_mb()				smp_mb()
 *	look at the window; if the page		look for pages in the file, lock
 *	  left it: remove the page		  and remove them
 *	unlock the page
 *
 * One of them sees the other's write, and nobody waits for a fault but where it
 * keeps the lock of a page that goes. The page is removed under that lock, and
 * nobody maps it before: so it has no contents, even if it is in the window again.
 *
 * The file that is mapped is not that of <linux/shmem_fs.h>, but another of the same
 * inode, without mmap(): remap_file_pages() would call that, and get past the window.
 * The file holds the module as long as it is mapped.
 *
 * VM_DONTEXPAND keeps khugepaged and MADV_COLLAPSE off, which would fill the pages
 * around those in the window. Two ways past the quota are left, each with a limit of
 * its own: CAP_CHECKPOINT_RESTORE opens the inode by /proc/PID/map_files, and a pinned
 * page outlives its removal.
 */
static const struct file_operations ring_memory_file = {
	.owner = THIS_MODULE,
	.fsync = noop_fsync,
};

/* Open the memory of @ring once more, to be mapped. */
static struct file *ring_memory_open(const struct mbox_ring *ring, int flags)
{
	const struct file_operations *operations = &ring_memory_file;
	struct file *file = dentry_open(&ring->data->f_path, flags | O_LARGEFILE,
					current_cred());

	if (!IS_ERR(file) && ring->grow) {
		/* Our caller holds it too: a file. */
		__module_get(THIS_MODULE);
		replace_fops(file, operations);
	}
	return file;
}

/* Make the files of a new ring. 0, or ENFILE, ENOMEM. */
int mbox_ring_memory_new(struct mbox_ring *ring)
{
	int error;

	ring->data = mbox_compat_shmem_file("mbox-ring", ring->size, ring->grow);
	if (IS_ERR(ring->data)) {
		/* It says ENOSPC where there is no memory for an inode. */
		error = PTR_ERR(ring->data);
		return error == -ENOSPC ? -ENOMEM : error;
	}
	ring->data_rw = ring_memory_open(ring, O_RDWR);
	if (IS_ERR(ring->data_rw)) {
		error = PTR_ERR(ring->data_rw);
		goto err_data;
	}
	/* No call can make a mapping of a read-only file writable. */
	ring->data_ro = ring_memory_open(ring, O_RDONLY);
	if (IS_ERR(ring->data_ro)) {
		error = PTR_ERR(ring->data_ro);
		goto err_data_rw;
	}
	return 0;

err_data_rw:
	fput(ring->data_rw);
err_data:
	fput(ring->data);
	return error;
}

void mbox_ring_memory_free(struct mbox_ring *ring)
{
	fput(ring->data_ro);
	fput(ring->data_rw);
	fput(ring->data);
}

static bool ring_memory_granted(const struct mbox_ring *ring, pgoff_t page)
{
	/* In this order: granted is never below a floor that was seen before. */
	u64 floor = smp_load_acquire(&ring->floor);
	u64 granted = READ_ONCE(ring->granted);

	return ((((u64)page << PAGE_SHIFT) - floor) & (ring->size - 1)) < granted - floor;
}

/* The mapping holds its file, and so the ring: see ring_is_mapped(). */
static vm_fault_t ring_memory_fault(struct vm_fault *vmf)
{
	const struct mbox_ring *ring = vmf->vma->vm_private_data;
	vm_fault_t ret;

	/* A huge page would reach beyond the window; madvise() can ask for them. */
	if (!(vmf->vma->vm_flags & VM_NOHUGEPAGE) ||
	    !ring_memory_granted(ring, vmf->pgoff))
		return VM_FAULT_SIGBUS;
	ret = ring->memory_ops->fault(vmf);
	if (!(ret & VM_FAULT_LOCKED))
		return ret;
	smp_mb();	/* see MBOX_RING_WINDOW */
	if (likely(ring_memory_granted(ring, vmf->pgoff)))
		return ret;
	mbox_compat_remove_page(ring->data->f_mapping, vmf->page);
	unlock_page(vmf->page);
	put_page(vmf->page);
	vmf->page = NULL;
	return VM_FAULT_SIGBUS;
}

static const struct vm_operations_struct ring_memory_ops = {
	.fault = ring_memory_fault,
	/* maps pages that are in the file already */
	.map_pages = filemap_map_pages,
};

/* Map the memory of @ring from its beginning, as @file of it allows. */
int mbox_ring_memory_map(struct mbox_ring *ring, struct vm_area_struct *vma,
			 struct file *file)
{
	int error;

	vma_set_file(vma, ring->data);
	vma->vm_pgoff = 0;
	error = mbox_compat_mmap(ring->data, vma);
	vma_set_file(vma, file);
	if (error || !ring->grow)
		return error;
	/* The same each time. */
	WRITE_ONCE(ring->memory_ops, vma->vm_ops);
	vma->vm_ops = &ring_memory_ops;
	vma->vm_private_data = ring;
	vm_flags_set(vma, VM_NOHUGEPAGE);
	return 0;
}

/* Grant the producer all up to @end, which lies behind granted. */
static int ring_memory_grant(struct mbox_ring *ring, u64 end)
{
	int error = mbox_user_charge_ring(ring->user, end - ring->granted,
					  ring->unlimited);

	if (!error)
		WRITE_ONCE(ring->granted, end);
	return error;
}

/**
 * mbox_ring_memory_grow - do MBOX_WAIT_GROW
 * @handle:	of a ring that grows
 * @nr:		the side
 * @index:	what the producer will write, or the consumer read, ends there
 *
 * Return: 0; EINVAL if it is beyond the limit of the side; EDQUOT and nothing is
 * granted.
 */
int mbox_ring_memory_grow(struct mbox_handle *handle, int nr, u64 index)
{
	struct mbox *mbox = handle->mbox;
	struct mbox_ring *ring = mbox->ring;
	u64 end = round_up(index, PAGE_SIZE);
	struct mbox_deferred deferred;
	int error = 0;

	mbox_mailbox_lock(mbox, &deferred);
	/* freed and the size are of whole pages. */
	if (index - ring->freed > ring->size)
		error = -EINVAL;
	else if (end - ring->freed > ring->granted - ring->freed)
		error = nr == MBOX_RING_PRODUCER ? ring_memory_grant(ring, end) : -EINVAL;
	mbox_mailbox_unlock(mbox, &deferred);
	if (error == -EDQUOT) {
		mbox_event_quota(mbox);
		mbox_ring_wait_short(handle);
	}
	return error;
}

/* Punch the data from one index to another out of the file, in whole pages. */
static int ring_memory_punch(struct mbox_ring *ring, u64 from, u64 to)
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

/* Move floor to the page that @tail is in. EINVAL if the indices cannot be. */
static int ring_memory_move_floor(struct mbox *mbox, u64 head, u64 tail)
{
	struct mbox_ring *ring = mbox->ring;
	struct mbox_deferred deferred;
	int error = 0;

	mbox_mailbox_lock(mbox, &deferred);
	if (head - tail > ring->size || tail - ring->freed > ring->size ||
	    tail - ring->freed > ring->granted - ring->freed)
		error = -EINVAL;
	else if (round_down(tail, PAGE_SIZE) - ring->freed > ring->floor - ring->freed)
		/* Pairs with ring_memory_granted(). */
		smp_store_release(&ring->floor, round_down(tail, PAGE_SIZE));
	mbox_mailbox_unlock(mbox, &deferred);
	return error;
}

/**
 * mbox_ring_memory_trim - do MBOX_WAIT_TRIM
 * @mbox:	the mailbox of a ring that grows
 *
 * Give consumed pages back. The producer writes to them only after freed allows it,
 * so no data is lost.
 *
 * Return: 0, or EINVAL, ERESTARTSYS.
 */
int mbox_ring_memory_trim(struct mbox *mbox)
{
	struct mbox_ring *ring = mbox->ring;
	struct mbox_deferred deferred;
	u64 tail, end, before;
	int error;

	if (mutex_lock_interruptible(&ring->trim_lock))
		return -ERESTARTSYS;
	tail = mbox_ring_index(ring, MBOX_RING_CONSUMER);
	error = ring_memory_move_floor(mbox, mbox_ring_index(ring, MBOX_RING_PRODUCER),
				       tail);
	/* An earlier TRIM may have failed after it moved floor. */
	end = ring->floor;
	before = ring->freed;
	/* Both begin pages: so end lies before tail and freed, or neither. */
	if (error || end == before)
		goto out;
	smp_mb();	/* see MBOX_RING_WINDOW */
	error = ring_memory_punch(ring, before, end);
	if (error)
		goto out;
	mbox_mailbox_lock(mbox, &deferred);
	ring->freed = end;
	/* Pairs with the producer's acquire: the pages are gone, then are his. */
	smp_store_release(&ring->sides[MBOX_RING_CONSUMER].control->freed, end);
	mbox_ring_wait_wake(mbox, MBOX_RING_PRODUCER, &deferred);
	mbox_mailbox_unlock(mbox, &deferred);
	mbox_user_unpin(ring->user, end - before);
out:
	mutex_unlock(&ring->trim_lock);
	return error;
}

/*
 * The bytes that the creator is charged for. Of a ring that grows the control pages
 * count, too: else the number of those that linger had no limit.
 */
u64 mbox_ring_memory_charged(const struct mbox_ring *ring)
{
	return ring->granted - ring->freed +
	       (ring->grow ? MBOX_RING_SIDES * PAGE_SIZE : 0);
}

/*
 * Return the bytes to charge before the producer can write the longest record at its
 * index.
 */
u64 mbox_ring_memory_need(const struct mbox_ring *ring)
{
	u64 end = mbox_ring_index(ring, MBOX_RING_PRODUCER) + ring->longest;
	u64 granted = ring->granted - ring->freed;

	end = round_up(end, PAGE_SIZE) - ring->freed;
	/* A producer that claims to be elsewhere needs nothing. */
	return end > ring->size || end <= granted ? 0 : end - granted;
}
