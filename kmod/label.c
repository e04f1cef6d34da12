// SPDX-License-Identifier: GPL-2.0-only
/* Labels: the opaque names of front ends, in a table of their own. */
#include <linux/jhash.h>
#include <linux/rhashtable.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "label.h"
#include "mbox.h"
#include "registry.h"

static_assert(MBOX_LABEL_MAX <= U8_MAX && MBOX_SPACE_MAX <= U8_MAX);

static u32 label_hash(u32 space, const char *text, u32 size, u32 seed)
{
	return jhash(text, size, seed + space);
}

static u32 label_hash_key(const void *data, u32 len, u32 seed)
{
	const struct mbox_label_key *key = data;

	return label_hash(key->space, key->text, key->size, seed);
}

static u32 label_hash_object(const void *data, u32 len, u32 seed)
{
	const struct mbox_label *label = data;

	return label_hash(label->space, label->text, label->size, seed);
}

/* 0 where they are the same. */
static int label_compare(struct rhashtable_compare_arg *arg, const void *object)
{
	const struct mbox_label_key *key = arg->key;
	const struct mbox_label *label = object;

	return key->space != label->space || key->size != label->size ||
	       memcmp(key->text, label->text, key->size);
}

static const struct rhashtable_params label_params = {
	.head_offset = offsetof(struct mbox_label, hash),
	.hashfn = label_hash_key,
	.obj_hashfn = label_hash_object,
	.obj_cmpfn = label_compare,
	.automatic_shrinking = true,
};

/* Make the table of labels of a namespace. 0 or an error. */
int mbox_label_init(struct mbox_registry *registry)
{
	return rhashtable_init(&registry->labels, &label_params);
}

/**
 * mbox_label_copy - copy and check the label of an argument
 * @key:	filled in
 * @text:	MBOX_LABEL_MAX bytes, to which it will refer
 * @arg:	copied
 *
 * Return: 0, EFAULT or EINVAL.
 */
int mbox_label_copy(struct mbox_label_key *key, char *text,
		    const struct mbox_ioc_open *arg)
{
	u32 size = arg->label_size;

	if (arg->space > MBOX_SPACE_MAX || size > MBOX_LABEL_MAX ||
	    (size && arg->space == MBOX_SPACE_NONE))
		return -EINVAL;
	key->space = arg->space;
	key->size = size;
	key->text = text;
	if (size && copy_from_user(text, u64_to_user_ptr(arg->label), size))
		return -EFAULT;
	return memchr(text, 0, size) || memchr(text, '/', size) ? -EINVAL : 0;
}

/* Give a new mailbox its space, and its label if @key has one. 0 or ENOMEM. */
int mbox_label_attach(struct mbox *mbox, const struct mbox_label_key *key)
{
	struct mbox_label *label;

	mbox->space = key->space;
	if (!key->size)
		return 0;
	label = kmalloc(struct_size(label, text, key->size), GFP_KERNEL_ACCOUNT);
	if (!label)
		return -ENOMEM;
	label->mbox = mbox;
	label->space = key->space;
	label->size = key->size;
	memcpy(label->text, key->text, key->size);
	mbox->its_label = label;
	return 0;
}

/*
 * Return the mailbox of a label, with a reference of the caller's, or NULL. It may be
 * about to lose the label.
 */
struct mbox *mbox_label_find(struct mbox_registry *registry,
			     const struct mbox_label_key *key)
{
	struct mbox_label *label;
	struct mbox *mbox;

	rcu_read_lock();
	label = rhashtable_lookup(&registry->labels, key, label_params);
	mbox = mbox_registry_found(label ? label->mbox : NULL);
	rcu_read_unlock();
	return mbox;
}

/* Return the mailbox that has the same label as a new one, whose @label this is; or NULL. */
struct mbox *mbox_label_holder(struct mbox_registry *registry,
			       const struct mbox_label *label)
{
	const struct mbox_label_key key = {
		.space = label->space, .size = label->size, .text = label->text,
	};
	struct mbox_label *other;

	lockdep_assert_held(&registry->lock);
	other = rhashtable_lookup_fast(&registry->labels, &key, label_params);
	return other ? other->mbox : NULL;
}

/* Enter a label that no mailbox has. As rhashtable_insert_fast(). */
int mbox_label_enter(struct mbox_registry *registry, struct mbox_label *label)
{
	lockdep_assert_held(&registry->lock);
	return rhashtable_insert_fast(&registry->labels, &label->hash, label_params);
}

void mbox_label_remove(struct mbox_registry *registry, struct mbox_label *label)
{
	lockdep_assert_held(&registry->lock);
	rhashtable_remove_fast(&registry->labels, &label->hash, label_params);
}

/* Fill in the label and the space of a mailbox. */
void mbox_label_info(const struct mbox *mbox, struct mbox_info *info)
{
	const struct mbox_label *label = mbox_mailbox_label(mbox);

	info->space = mbox->space;
	if (label)
		memcpy(info->label, label->text, label->size);
}

/* Show them in /proc/PID/fdinfo: a label may have any byte. */
void mbox_label_show(struct seq_file *seq, const struct mbox *mbox)
{
	const struct mbox_label *label = mbox_mailbox_label(mbox);

	if (mbox->space != MBOX_SPACE_NONE)
		seq_printf(seq, "mbox-space:\t%u\n", mbox->space);
	if (label)
		seq_printf(seq, "mbox-label:\t%*pE\n", label->size, label->text);
}
