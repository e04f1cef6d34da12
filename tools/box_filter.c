// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl: mailboxes that pass the filters of a command */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include "mboxctl.h"

bool parse_text(const struct word *word, const char *text, uint64_t *num)
{
	(void)word;
	*num = 0;
	return *text;
}

bool parse_columns(const struct word *word, const char *text, uint64_t *num)
{
	const struct column *columns[BOX_COLUMNS_MAX];

	(void)word;
	*num = box_columns_of(text, columns);
	return *num;
}

bool parse_sort(const struct word *word, const char *text, uint64_t *num)
{
	(void)word;
	*num = 0;
	if (*text == '-')
		text++;
	return box_column_named(text, strlen(text));
}

/* Return whether a message as long as may be finds no room. */
bool box_full(const struct mbox_monitor_mailbox *box)
{
	if (box->kind == MBOX_KIND_RING)
		return box->ring - box->queued_bytes < box->msg_size + sizeof(uint64_t);
	return (box->capacity && box->queued >= box->capacity) ||
	       (box->bytes && box->queued_bytes >= box->bytes);
}

/* Does the mailbox pass the filters of the command? */
bool box_wanted(const struct command *cmd, const struct mbox_monitor_mailbox *box)
{
	const struct value *v = cmd->v;
	char name[LABEL_TEXT_SIZE];

	box_name(name, box);
	return (!v[BOX_NAME].given || !fnmatch(v[BOX_NAME].text, name, 0)) &&
	       (!v[BOX_USER].given || v[BOX_USER].num == box->uid) &&
	       (!v[BOX_OWNER].given || (box_owned(box) && v[BOX_OWNER].num == box->owner)) &&
	       (!v[BOX_STATE].given || v[BOX_STATE].num == box->state) &&
	       (!v[BOX_KIND].given || v[BOX_KIND].num == box->kind) &&
	       (!v[BOX_FULL].given || box_full(box)) &&
	       (!v[BOX_MESSAGES].given || box->queued) &&
	       (!v[BOX_WAITERS].given || box->senders || box->receivers);
}

bool box_filtered(const struct command *cmd)
{
	for (size_t i = 0; i < BOX_FILTERS; i++)
		if (cmd->v[i].given)
			return true;
	return false;
}

static int collect(const struct mbox_monitor_mailbox *box, void *arg)
{
	struct boxes *boxes = arg;

	if (boxes->cmd && !box_wanted(boxes->cmd, box))
		return 0;
	if (boxes->count == boxes->room) {
		size_t room = boxes->room ? 2 * boxes->room : 64;
		void *all = realloc(boxes->all, room * sizeof(*boxes->all));

		if (!all)
			return -ENOMEM;
		boxes->all = all;
		boxes->room = room;
	}
	boxes->all[boxes->count++] = *box;
	return 0;
}

/* Call @fn for each mailbox; for each inbox instead, if the command asks for this kind. */
int each_box(const struct command *cmd, struct mbox_monitor *mon,
	     int (*fn)(const struct mbox_monitor_mailbox *box, void *arg), void *arg)
{
	if (cmd && cmd->v[BOX_KIND].given && cmd->v[BOX_KIND].num == MBOX_KIND_INBOX)
		return mbox_monitor_each_inbox(mon, fn, arg);
	return mbox_monitor_each_mailbox(mon, fn, arg);
}

/*
 * Get the mailboxes that pass the filters, in the order of ids. If mailboxes come and
 * go meanwhile, try again a few times. Return 0 or -errno.
 */
int boxes_get(struct boxes *boxes, struct mbox_monitor *mon)
{
	int ret, tries = 5;

	do {
		boxes->count = 0;
		ret = each_box(boxes->cmd, mon, collect, boxes);
	} while (ret > 0 && --tries);
	return ret < 0 ? ret : 0;
}
