/* SPDX-License-Identifier: GPL-2.0-only */
/* What differs between the kernels that mbox builds for: 6.1 and later. */
#ifndef MBOX_COMPAT_H
#define MBOX_COMPAT_H

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/shmem_fs.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "mbox needs Linux 6.1 or later"
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}

static inline void vm_flags_clear(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags &= ~flags;
}
#endif

/* Map a file in another's mmap(). */
static inline int mbox_compat_mmap(struct file *file,
				   struct vm_area_struct *vma)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
	return call_mmap(file, vma);
#else
	return vfs_mmap(file, vma);
#endif
}

/* A file in memory; @sparse: memory is accounted for as it comes, not now. */
static inline struct file *mbox_compat_shmem_file(const char *name, loff_t size,
						  bool sparse)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
	return shmem_file_setup(name, size, sparse ? VM_NORESERVE : 0);
#else
	return shmem_file_setup(name, size,
				sparse ? mk_vma_flags(VMA_NORESERVE_BIT) :
					 EMPTY_VMA_FLAGS);
#endif
}

#endif /* MBOX_COMPAT_H */
