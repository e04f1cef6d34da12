// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl quota */
#include <errno.h>
#include <string.h>
#include "mboxctl.h"

#define HOLDERS		5		/* mailboxes that are named */

/* The mailboxes that a user created, with the most in them. */
struct holders {
	uint32_t uid;
	size_t count;
	struct mbox_monitor_mailbox box[HOLDERS];
};

/* Return the bytes that the ring is charged, or of the queued messages. */
static uint64_t held(const struct mbox_monitor_mailbox *box)
{
	return box->kind == MBOX_KIND_RING ? box->ring_charged : box->queued_bytes;
}

/* Enter it among the others, the largest first. */
static int enter(const struct mbox_monitor_mailbox *box, void *arg)
{
	struct holders *holders = arg;
	size_t place;

	if (box->creator != holders->uid || !held(box))
		return 0;
	for (place = holders->count; place && held(&holders->box[place - 1]) < held(box); place--)
		if (place < HOLDERS)
			holders->box[place] = holders->box[place - 1];
	if (place < HOLDERS)
		holders->box[place] = *box;
	if (holders->count < HOLDERS)
		holders->count++;
	return 0;
}

static void print_holders(const struct holders *holders)
{
	out_list("holder");
	for (size_t i = 0; i < holders->count; i++) {
		const struct mbox_monitor_mailbox *box = &holders->box[i];

		out_item("holder");
		out_string("name", box->name);
		out_number("id", box->id);
		out_string("kind", kind_name(box->kind));
		out_number("bytes", held(box));
		out_item_end();
	}
	out_list_end();
}

static unsigned int per_cent(uint64_t used, uint64_t limit)
{
	return limit ? (unsigned int)((double)used * 100 / (double)limit) : 0;
}

static void print_quota(const struct mbox_monitor_user *user, const struct holders *holders)
{
	out_begin(OUT_FIELDS);
	out_string("user", user_name(user->uid));
	out_number("uid", user->uid);
	out_number("mailboxes", user->mailboxes);
	out_number("max_mailboxes", user->max_mailboxes);
	out_number("mailboxes_fill", per_cent(user->mailboxes, user->max_mailboxes));
	out_size("bytes", user->bytes);
	out_size("max_bytes", user->max_bytes);
	out_number("bytes_fill", per_cent(user->bytes, user->max_bytes));
	print_holders(holders);
	out_close();
}

static int run(struct command *cmd)
{
	static const struct word word = { .max = UINT32_MAX - 1 };
	const struct mbox_monitor_user *seen;
	struct holders holders = { .count = 0 };
	struct mbox_monitor_user user = { .known = 0 };
	struct mbox_monitor *mon;
	uint64_t uid = UINT32_MAX;
	int ret;

	if (cmd->name && !parse_user(&word, cmd->name, &uid))
		return usage(cmd, "neither a user nor a user id");
	ret = mbox_monitor_open(&mon);
	if (ret < 0)
		return refuse_monitor(cmd, NULL, ret);
	ret = mbox_monitor_user(mon, (uid_t)uid, &seen);
	if (!ret) {
		user = *seen;
		holders.uid = user.uid;
		ret = mbox_monitor_each_mailbox(mon, enter, &holders);
	}
	if (ret == -EPERM)
		ret = refuse(cmd, ret, "root sees those of all users",
			     "permission denied: you may see your own quotas only");
	else if (ret == -EOPNOTSUPP)
		ret = refuse(cmd, ret, NULL, "the mbox module that is loaded is too old to tell");
	else if (ret < 0)
		ret = refuse_monitor(cmd, mon, ret);
	else
		ret = STATUS_DONE;
	if (!ret)
		print_quota(&user, &holders);
	mbox_monitor_close(mon);
	return ret;
}

const struct verb quota_verb = {
	.name = "quota",
	.operands = "[USER]",
	.summary = "print the quotas of a user, their use, and what holds them",
	.notes = "A user is charged for mailboxes and rings that it created, and for messages that it\n"
		 "sent, until they are received. holder names the mailboxes that the user created with\n"
		 "the largest rings and queues; a ring that grows counts the memory that it holds.\n"
		 "Without USER, your own.",
	.first = FIRST_USER,
	.run = run,
};
