// SPDX-License-Identifier: GPL-2.0-only
/* Opening and creating mailboxes by name. */
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "access.h"
#include "event.h"
#include "label.h"
#include "mbox.h"
#include "process.h"
#include "registry.h"

static bool name_has(unsigned char c)
{
	return isascii(c) && (isalnum(c) || c == '.' || c == '_' || c == '-');
}

/* Check a name: its characters, and that NULs pad it. */
bool mbox_name_valid(const char *name)
{
	size_t i = 0;

	if (name[0] == '.')
		return false;
	while (i < MBOX_NAME_SIZE && name_has(name[i]))
		i++;
	return i && i < MBOX_NAME_SIZE && !memchr_inv(name + i, 0, MBOX_NAME_SIZE - i);
}

/* Return true for a mailbox without a name. */
bool mbox_name_empty(const char *name)
{
	return !memchr_inv(name, 0, MBOX_NAME_SIZE);
}

/**
 * mbox_create_check - check the arguments of MBOX_IOC_OPEN and MBOX_IOC_CREATE
 * @arg:	copied; the caller has checked its flags and its name
 * @create:	whether a mailbox may be created: else attributes have to be 0
 * @attr:	filled in, with defaults
 *
 * Return: 0 or EINVAL.
 */
int mbox_create_check(const struct mbox_ioc_open *arg, bool create,
		      struct mbox_attr *attr)
{
	attr->mode = arg->mode;
	attr->lifetime = arg->lifetime;
	attr->capacity = arg->capacity;
	attr->msg_size = arg->msg_size;
	attr->bytes = arg->bytes;
	attr->policy = arg->policy;
	attr->max_procs = arg->max_procs;
	attr->options = arg->options;
	attr->ring = arg->ring;
	attr->dead_letter = arg->dead_letter;
	attr->max_deliveries = arg->max_deliveries;
	attr->by_id = create && (arg->flags & MBOX_OPEN_BY_ID);
	if ((arg->rights & ~MBOX_RIGHTS) || arg->pad || arg->pad2)
		return -EINVAL;
	if (!create)
		return memchr_inv(attr, 0, sizeof(*attr)) ? -EINVAL : 0;
	attr->space = arg->space;
	attr->low_id = arg->id;
	return mbox_attr_check(attr);
}

/* Find the mailbox that has the name or the label. Return it with a reference, or NULL. */
static struct mbox *create_find(struct mbox_registry *registry, const char *name,
				const struct mbox_label_key *label)
{
	if (name[0])
		return mbox_registry_find(registry, name);
	return label->size ? mbox_label_find(registry, label) : NULL;
}

/* The same by the id, or in a space by its low bits. */
static struct mbox *create_find_id(struct mbox_registry *registry, u64 id, u32 space)
{
	return space == MBOX_SPACE_NONE ? mbox_registry_find_id(registry, id) :
					  mbox_registry_find_low(registry, id, space);
}

/* Open the mailbox of that name. ENOENT also while it is being deleted. */
static struct file *create_open_existing(struct file *factory,
					 const struct mbox_ioc_open *arg,
					 const struct mbox_label_key *label)
{
	struct mbox *mbox;
	int error;

	mbox = arg->flags & MBOX_OPEN_BY_ID ?
	       create_find_id(factory->private_data, arg->id, label->space) :
	       create_find(factory->private_data, arg->name, label);
	if (!mbox)
		return ERR_PTR(-ENOENT);
	mbox_owner_check(mbox);
	error = mbox_access_open(mbox, factory, arg->rights);
	if (!error)
		error = mbox_mailbox_attach(mbox, arg->rights);
	if (error) {
		mbox_mailbox_put(mbox);
		return ERR_PTR(error);
	}
	return mbox_handle_open(mbox, arg->rights,
				arg->flags & MBOX_OPEN_NONBLOCK);
}

/* Free the name of a mailbox whose owner has exited. */
static void create_check_name(struct mbox_registry *registry, const char *name,
			      const struct mbox_label_key *label)
{
	struct mbox *mbox = create_find(registry, name, label);

	if (!mbox)
		return;
	mbox_owner_check(mbox);
	mbox_mailbox_put(mbox);
}

/* Make a mailbox and a handle on it; list the mailbox last. */
static struct file *create_open_new(struct file *factory,
				    const struct mbox_ioc_open *arg,
				    const struct mbox_attr *attr)
{
	struct file *file;
	struct mbox *mbox;
	int error;

	mbox = mbox_mailbox_new(factory->private_data, arg->name, attr, factory,
				arg->rights);
	if (IS_ERR(mbox))
		return ERR_CAST(mbox);
	file = mbox_handle_open(mbox, arg->rights,
				arg->flags & MBOX_OPEN_NONBLOCK);
	if (IS_ERR(file))
		return file;
	create_check_name(factory->private_data, arg->name, attr->label);
	error = 0;
	if (attr->lifetime == MBOX_LIFETIME_PROCESS)
		error = mbox_owner_attach(mbox);
	if (!error)
		error = mbox_registry_add(mbox, factory);
	if (error) {
		mbox_owner_detach(mbox);
		fput(file);
		return ERR_PTR(error);
	}
	return file;
}

/*
 * Retry while the mailbox comes and goes between opening and creating. One that
 * drains (EIDRM) may have to give its name to a new mailbox: then it is opened
 * once more only if it keeps the name.
 */
static struct file *create_retry(struct file *factory,
				 const struct mbox_ioc_open *arg,
				 const struct mbox_attr *attr, bool open,
				 bool create)
{
	bool kept = false;
	struct file *file;

	for (;;) {
		if (open) {
			file = create_open_existing(factory, arg, attr->label);
			if (!create || (file != ERR_PTR(-ENOENT) &&
					(kept || file != ERR_PTR(-EIDRM))))
				return file;
			kept = file == ERR_PTR(-EIDRM);
		}
		file = create_open_new(factory, arg, attr);
		if (!open || file != ERR_PTR(-EEXIST))
			return file;
		if (fatal_signal_pending(current))
			return ERR_PTR(-EINTR);
		cond_resched();
	}
}

/**
 * mbox_create_file - open or create a mailbox
 * @factory:	an open /dev/mbox, whose opener's credentials count
 * @arg:	checked by mbox_create_check()
 * @attr:	of a new mailbox
 * @open:	whether an existing one may be opened
 * @create:	whether a new one may be created
 *
 * Return: a handle, or an error as MBOX_IOC_OPEN.
 */
struct file *mbox_create_file(struct file *factory,
			      const struct mbox_ioc_open *arg,
			      const struct mbox_attr *attr, bool open,
			      bool create)
{
	struct file *file;

	file = create_retry(factory, arg, attr, open, create);
	if (file == ERR_PTR(-EDQUOT))
		mbox_event_refused(factory->private_data,
				   factory->f_cred->uid);
	return file;
}
