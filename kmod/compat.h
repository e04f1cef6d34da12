/* SPDX-License-Identifier: GPL-2.0-only */
/* Differences between the kernels that mbox builds for: 6.1 and later. */
#ifndef MBOX_COMPAT_H
#define MBOX_COMPAT_H

#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/shmem_fs.h>
#include <linux/uio.h>
#include <linux/version.h>
#include <net/genetlink.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "mbox needs Linux 6.1 or later"
#endif

/*
 * As in Kconfig, which a module that is built alone does not read. An XArray has
 * indices of unsigned long, so ids would repeat, and the sides of a ring load and
 * store positions of 64 bits at once.
 */
#ifndef CONFIG_64BIT
#error "mbox needs a 64-bit kernel; it serves 32-bit programs there"
#endif
#if !defined(CONFIG_MMU) || !defined(CONFIG_SHMEM)
#error "mbox needs a kernel with CONFIG_MMU and CONFIG_SHMEM"
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

/*
 * Have the VFS skip the notification of each read() and write(): nobody watches a file
 * without a name. Since 6.14 that is so of all such files.
 */
static inline void mbox_compat_no_notify(struct file *file)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
	file->f_mode |= FMODE_NONOTIFY;
#endif
}

/* Prepare a timer. */
static inline void mbox_compat_hrtimer(struct hrtimer *timer,
				       enum hrtimer_restart (*fire)(struct hrtimer *),
				       clockid_t clock, enum hrtimer_mode mode)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
	hrtimer_init(timer, clock, mode);
	timer->function = fire;
#else
	hrtimer_setup(timer, fire, clock, mode);
#endif
}

/* Return where the next byte of an iterator over one piece of user memory lies. */
static inline void __user *mbox_compat_iter_address(const struct iov_iter *iter)
{
	if (iter_is_ubuf(iter))
		return iter->ubuf + iter->iov_offset;
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
	return iter->iov->iov_base + iter->iov_offset;
#else
	return iter_iov_addr(iter);
#endif
}

/* Pin pages of another process that are there and writable. mm->mmap_lock is held. */
static inline long mbox_compat_pin(struct mm_struct *mm, unsigned long start,
				   unsigned long n, struct page **pages)
{
	unsigned int flags = FOLL_WRITE | FOLL_NOFAULT;

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
	return pin_user_pages_remote(mm, start, n, flags, pages, NULL, NULL);
#else
	return pin_user_pages_remote(mm, start, n, flags, pages, NULL);
#endif
}

/* Whether a poll waits where nothing is ready. Newer kernels do not say so themselves. */
static inline bool mbox_compat_poll_waits(const poll_table *wait)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
	return !poll_does_not_wait(wait);
#else
	return wait && wait->_qproc;
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

/* Remove a page, locked, from the file in memory that it is in. */
static inline void mbox_compat_remove_page(struct address_space *mapping,
					   struct page *page)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
	generic_error_remove_page(mapping, page);
#else
	generic_error_remove_folio(mapping, page_folio(page));
#endif
}

/*
 * The generator writes separate operations for do and dump. Before 6.2 do and dump
 * share one genl_ops: merge each pair, in which the dump follows the do. Both have the
 * policy of the dump then, which knows more attributes.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define genl_split_ops	genl_ops
#define split_ops	ops
#define n_split_ops	n_ops

/*
 * Refuse to a do the attributes that only the dump of the pair knows: those after the
 * last of the do, which internal_flags holds.
 */
static inline int mbox_compat_pre_doit(const struct genl_ops *op, struct sk_buff *skb,
				       struct genl_info *info)
{
	unsigned int i;

	if (!op->internal_flags)
		return 0;
	for (i = op->internal_flags + 1; i <= op->maxattr; i++) {
		if (info->attrs[i]) {
			NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[i],
					    "Unknown attribute type");
			return -EINVAL;
		}
	}
	return 0;
}
#endif

/* Prepare a family; the generator does not know of the rights that a group takes. */
static inline void mbox_compat_family(struct genl_family *family,
				      unsigned int private_group)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
	static struct genl_multicast_group groups[4];
#endif
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
	static struct genl_ops ops[16];
	unsigned int i, n = 0;

	for (i = 0; i < family->n_ops; i++) {
		if (n && ops[n - 1].cmd == family->ops[i].cmd) {
			ops[n - 1].dumpit = family->ops[i].dumpit;
			ops[n - 1].flags |= family->ops[i].flags;
			ops[n - 1].internal_flags = ops[n - 1].maxattr;
			ops[n - 1].maxattr = family->ops[i].maxattr;
			ops[n - 1].policy = family->ops[i].policy;
		} else {
			ops[n++] = family->ops[i];
		}
	}
	family->ops = ops;
	family->n_ops = n;
	family->pre_doit = mbox_compat_pre_doit;
#endif
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
	memcpy(groups, family->mcgrps, family->n_mcgrps * sizeof(*groups));
#ifdef GENL_MCAST_CAP_NET_ADMIN
	groups[private_group].flags = GENL_MCAST_CAP_NET_ADMIN;
#else
	groups[private_group].flags = GENL_UNS_ADMIN_PERM;
#endif
	family->mcgrps = groups;
#endif
}

/* The attributes of the request of a dump. */
static inline struct nlattr **mbox_compat_dump_attrs(struct netlink_callback *cb)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
	return genl_dumpit_info(cb)->attrs;
#else
	return genl_info_dump(cb)->attrs;
#endif
}

/*
 * Send to all listeners of a group, but those for which @hide returns true. Older
 * kernels have no such filter: there a message that is not for @everybody goes to
 * another group only.
 */
static inline void
mbox_compat_multicast(const struct genl_family *family, struct net *net,
		      struct sk_buff *skb, unsigned int group,
		      unsigned int private_group, bool everybody,
		      int (*hide)(struct sock *sk, struct sk_buff *skb,
				  void *data), void *data)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
	genlmsg_multicast_netns(family, net, skb, 0,
				everybody ? group : private_group, GFP_KERNEL);
#else
	netlink_broadcast_filtered(net->genl_sock, skb, 0,
				   family->mcgrp_offset + group, GFP_KERNEL,
				   hide, data);
#endif
}

#endif /* MBOX_COMPAT_H */
