// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl save: print mailboxes as lines that restore reads */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "mboxctl.h"

static const struct word words[] = {
	BOX_FILTER_WORDS,
	{ 0 },
};

/* A word of create. */
static void print_word(const char *key, const char *value)
{
	out_raw(" ", 1);
	out_raw(key, strlen(key));
	if (value) {
		out_raw("=", 1);
		out_raw(value, strlen(value));
	}
}

static void print_number(const char *key, uint64_t num)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)num);
	print_word(key, text);
}

/* Print all that create takes, so that a line does not depend on the defaults. */
static void print_line(const struct mbox_monitor_mailbox *box, const struct boxes *boxes)
{
	char mode[8];

	out_raw(box->name, strlen(box->name));
	if (box->kind == MBOX_KIND_RING) {
		print_number("ring", box->ring);
	} else {
		if (box->capacity == MBOX_CAPACITY_UNBOUNDED)
			print_word("capacity", "unbounded");
		else if (box->capacity == MBOX_CAPACITY_ZERO)
			print_word("capacity", "zero");
		else
			print_number("capacity", box->capacity);
		if (box->bytes)
			print_number("bytes", box->bytes);
	}
	print_number("msgsize", box->msg_size);
	snprintf(mode, sizeof(mode), "%04o", box->mode);
	print_word("mode", mode);
	print_word("user", user_name(box->uid));
	print_word("group", group_name(box->gid));
	if (box->policy != MBOX_POLICY_FIFO)
		print_word("policy", policy_name(box->policy));
	if (box->max_procs)
		print_number("maxprocs", box->max_procs);
	if (box->options & MBOX_OPTION_EXCLUSIVE)
		print_word("exclusive", NULL);
	if (box->options & MBOX_OPTION_OVERFLOW)
		print_word("overflow", NULL);
	if (box->options & MBOX_OPTION_TRACK)
		print_word("track", NULL);
	if (box->options & MBOX_OPTION_GROW)
		print_word("grow", NULL);
	if (box->max_deliveries)
		print_number("deliveries", box->max_deliveries);
	for (size_t i = 0; i < boxes->count && box->dead_letter; i++)
		if (boxes->all[i].id == box->dead_letter)
			print_word("dead", boxes->all[i].name);
	out_raw("\n", 1);
}

/* Only mailboxes that last until they are deleted: others end with their process. */
static bool lasts(const struct mbox_monitor_mailbox *box)
{
	return *box->name && box->state == MBOX_STATE_LIVE && box->lifetime == MBOX_LIFETIME_OS;
}

/* Print mailboxes of dead letters first: restore makes one line after the other. */
static void save(const struct command *cmd, const struct boxes *boxes)
{
	for (int dead = 0; dead < 2; dead++)
		for (size_t i = 0; i < boxes->count; i++)
			if (box_wanted(cmd, &boxes->all[i]) && lasts(&boxes->all[i]) &&
			    !boxes->all[i].dead_letter == !dead)
				print_line(&boxes->all[i], boxes);
}

static int run(struct command *cmd)
{
	struct boxes boxes = { .cmd = NULL };
	struct mbox_monitor *mon;
	int ret;

	if (cmd->json)
		return usage(cmd, "save prints lines for restore; for JSON: mboxctl -j list");
	ret = mbox_monitor_open(&mon);
	if (ret < 0)
		return refuse_monitor(cmd, NULL, ret);
	ret = boxes_get(&boxes, mon);
	if (ret < 0)
		ret = refuse_monitor(cmd, mon, ret);
	else
		save(cmd, &boxes);
	free(boxes.all);
	mbox_monitor_close(mon);
	return ret;
}

const struct verb save_verb = {
	.name = "save",
	.operands = "",
	.synopsis = BOX_FILTER_SYNOPSIS,
	.summary = "print mailboxes as lines that restore reads, without their messages",
	.notes = "Only mailboxes with a name that last until they are deleted. The words are filters,\n"
		 "as for list. To have them at boot: mboxctl save >/etc/mbox.d/NAME.conf",
	.words = words,
	.first = FIRST_NONE,
	.run = run,
};
