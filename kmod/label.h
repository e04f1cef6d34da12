/* SPDX-License-Identifier: GPL-2.0-only */
/* Labels: the opaque names of front ends. */
#ifndef MBOX_LABEL_H
#define MBOX_LABEL_H

#include <linux/rhashtable-types.h>
#include <linux/types.h>
#include <linux/mbox.h>

struct mbox;
struct mbox_registry;
struct seq_file;

/* A label to be looked up, or none, and its space. */
struct mbox_label_key {
	u32 space;			/* MBOX_SPACE_* */
	u32 size;			/* 0: no label */
	const char *text;
};

/*
 * The label of a mailbox; it is constant, and stays as long as the memory of the mailbox,
 * for lookups that are under way.
 */
struct mbox_label {
	struct rhash_head hash;		/* registry->lock */
	struct mbox *mbox;		/* that has it */
	u8 space;			/* MBOX_SPACE_* */
	u8 size;
	char text[];
};

/* label.c */
int mbox_label_init(struct mbox_registry *registry);
int mbox_label_copy(struct mbox_label_key *key, char *text,
		    const struct mbox_ioc_open *arg);
int mbox_label_attach(struct mbox *mbox, const struct mbox_label_key *key);
struct mbox *mbox_label_find(struct mbox_registry *registry,
			     const struct mbox_label_key *key);
struct mbox *mbox_label_holder(struct mbox_registry *registry,
			       const struct mbox_label *label);
int mbox_label_enter(struct mbox_registry *registry, struct mbox_label *label);
void mbox_label_remove(struct mbox_registry *registry, struct mbox_label *label);
void mbox_label_info(const struct mbox *mbox, struct mbox_info *info);
void mbox_label_show(struct seq_file *seq, const struct mbox *mbox);

#endif /* MBOX_LABEL_H */
