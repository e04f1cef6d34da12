// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl: mailboxes in tables: columns, their cells, and order */
#include <stdio.h>
#include <string.h>
#include "mboxctl.h"

/*
 * FORM_COUNTER is a FORM_U64 that the monitor has and MBOX_IOC_GET has not; FORM_SIZE and
 * FORM_COUNTER_SIZE are bytes.
 */
enum form {
	FORM_U32, FORM_U64, FORM_COUNTER, FORM_NAME, FORM_USER, FORM_GROUP, FORM_MODE,
	FORM_KIND, FORM_STATE, FORM_LIFETIME, FORM_POLICY, FORM_OWNER, FORM_COMMAND, FORM_HEIR,
	FORM_EXCLUSIVE, FORM_OVERFLOW, FORM_TRACK, FORM_GROW, FORM_MAXPROCS, FORM_PROCS,
	FORM_CAPACITY, FORM_BYTES, FORM_SIZE, FORM_RING, FORM_PRODUCER, FORM_CONSUMER,
	FORM_TIME, FORM_WAITERS, FORM_FILL, FORM_COUNTER_SIZE, FORM_SIZE_U32,
	FORM_DETAIL_U32, FORM_DETAIL,
};

/* The column comes first: a pointer to it points to the whole, too. */
struct box_column {
	struct column column;
	enum form form;
	size_t offset;
	const char *help;
	bool not_ring;			/* a ring does not know it: its sides do without the kernel */
};

#define BOX(member)	offsetof(struct mbox_monitor_mailbox, member)

static const struct box_column box_columns[] = {
	{ { "name", 16, true, NULL }, FORM_NAME, BOX(name),
	  "its name, or its label after mq: or sysv:", false },
	{ { "id", 6, false, NULL }, FORM_U64, BOX(id),
	  "number that no other mailbox has", false },
	{ { "user", 8, true, NULL }, FORM_USER, BOX(uid),
	  "user that owns it", false },
	{ { "uid", 6, false, NULL }, FORM_U32, BOX(uid),
	  "number of that user", false },
	{ { "group", 8, true, NULL }, FORM_GROUP, BOX(gid),
	  "group that owns it", false },
	{ { "gid", 6, false, NULL }, FORM_U32, BOX(gid),
	  "number of that group", false },
	{ { "mode", 4, true, NULL }, FORM_MODE, BOX(mode),
	  "permission bits", false },
	{ { "kind", 7, true, NULL }, FORM_KIND, BOX(kind),
	  "mailbox, ring or inbox", false },
	{ { "state", 8, true, NULL }, FORM_STATE, BOX(state),
	  "live, unlinked or draining", false },
	{ { "lifetime", 8, true, NULL }, FORM_LIFETIME, BOX(lifetime),
	  "os, process or fd", false },
	{ { "owner", 7, false, NULL }, FORM_OWNER, BOX(owner),
	  "process that it ends with", false },
	{ { "command", 15, true, NULL }, FORM_COMMAND, BOX(owner),
	  "name of that process", false },
	{ { "heir", 7, false, NULL }, FORM_HEIR, BOX(heir),
	  "process that is the next owner", false },
	{ { "policy", 9, true, NULL }, FORM_POLICY, BOX(policy),
	  "which of several receivers gets a message", true },
	{ { "exclusive", 9, true, NULL }, FORM_EXCLUSIVE, BOX(options),
	  "one process in receive at a time", true },
	{ { "overflow", 8, true, NULL }, FORM_OVERFLOW, BOX(options),
	  "slow receivers lose their oldest message", true },
	{ { "track", 5, true, NULL }, FORM_TRACK, BOX(options),
	  "the columns from last_sender on are known", true },
	{ { "grow", 4, true, NULL }, FORM_GROW, BOX(options),
	  "a ring that takes memory as it is used", false },
	{ { "maxprocs", 8, false, NULL }, FORM_MAXPROCS, BOX(max_procs),
	  "processes that may take part", true },
	{ { "procs", 5, false, NULL }, FORM_PROCS, BOX(procs),
	  "processes that do, if limited", true },
	{ { "ring", 10, false, NULL }, FORM_RING, BOX(ring),
	  "bytes of a ring", false },
	{ { "charged", 10, false, NULL }, FORM_RING, BOX(ring_charged),
	  "bytes of it that its creator's quota counts", false },
	{ { "producer", 8, false, NULL }, FORM_PRODUCER, BOX(ring_producer),
	  "process that sends to a ring", false },
	{ { "consumer", 8, false, NULL }, FORM_CONSUMER, BOX(ring_consumer),
	  "process that receives from it", false },
	{ { "created", 30, true, NULL }, FORM_TIME, BOX(created),
	  "when it was created", false },
	{ { "capacity", 9, false, NULL }, FORM_CAPACITY, BOX(capacity),
	  "messages it keeps", true },
	{ { "bytes", 10, false, NULL }, FORM_BYTES, BOX(bytes),
	  "bytes of payload it keeps", true },
	{ { "msgsize", 8, false, NULL }, FORM_SIZE_U32, BOX(msg_size),
	  "longest message, in bytes", false },
	{ { "queued", 8, false, NULL }, FORM_U64, BOX(queued),
	  "messages in it now", true },
	{ { "fill", 4, false, NULL }, FORM_FILL, 0,
	  "per cent of its limits, or of its ring, that are in use", false },
	{ { "queued_bytes", 12, false, NULL }, FORM_SIZE, BOX(queued_bytes),
	  "bytes of payload in these", false },
	{ { "peak", 8, false, NULL }, FORM_COUNTER, BOX(peak),
	  "the most that queued has been", true },
	{ { "peak_bytes", 12, false, NULL }, FORM_COUNTER_SIZE, BOX(peak_bytes),
	  "the most that queued_bytes has been", true },
	{ { "handles", 7, false, NULL }, FORM_U32, BOX(handles),
	  "open handles", false },
	{ { "senders", 7, false, NULL }, FORM_U32, BOX(senders),
	  "sends blocked now", false },
	{ { "receivers", 9, false, NULL }, FORM_U32, BOX(receivers),
	  "receives blocked now", false },
	{ { "waiters", 7, false, NULL }, FORM_WAITERS, 0,
	  "senders and receivers together", false },
	{ { "sent", 10, false, NULL }, FORM_U64, BOX(sent),
	  "messages accepted since creation", true },
	{ { "sent_bytes", 12, false, NULL }, FORM_COUNTER_SIZE, BOX(sent_bytes),
	  "bytes of payload in these", false },
	{ { "received", 10, false, NULL }, FORM_U64, BOX(received),
	  "messages received", true },
	{ { "withdrawn", 9, false, NULL }, FORM_U64, BOX(withdrawn),
	  "messages their senders took back", true },
	{ { "dropped", 8, false, NULL }, FORM_U64, BOX(dropped),
	  "messages gone otherwise", true },
	{ { "purged", 8, false, NULL }, FORM_COUNTER, BOX(purged),
	  "of these, dropped by a purge", true },
	{ { "lost", 8, false, NULL }, FORM_U64, BOX(lost),
	  "deliveries of a broadcast that were lost", true },
	{ { "refused", 8, false, NULL }, FORM_COUNTER, BOX(refused),
	  "messages refused by a quota", true },
	{ { "blocked", 8, false, NULL }, FORM_COUNTER, BOX(blocked),
	  "calls that had to wait", false },
	{ { "woken", 8, false, NULL }, FORM_COUNTER, BOX(woken),
	  "of these, calls that were woken", false },
	{ { "spin_hits", 9, false, NULL }, FORM_U64, BOX(spin_hits),
	  "receives that polled, and need not sleep", true },
	{ { "spin_misses", 11, false, NULL }, FORM_U64, BOX(spin_misses),
	  "receives that polled in vain", true },
	{ { "leased", 8, false, NULL }, FORM_U32, BOX(leased), "messages that are leased", false },
	{ { "delayed", 8, false, NULL }, FORM_U32, BOX(delayed),
	  "messages whose time has not come", false },
	{ { "parked", 8, false, NULL }, FORM_U32, BOX(parked),
	  "messages that cannot be delivered", false },
	{ { "redelivered", 11, false, NULL }, FORM_U64, BOX(redelivered),
	  "leases that ended and were not acknowledged", false },
	{ { "dead", 8, false, NULL }, FORM_U64, BOX(dead),
	  "messages that went to the dead-letter mailbox", false },
	{ { "maxdeliveries", 13, false, NULL }, FORM_DETAIL_U32, BOX(max_deliveries),
	  "times that a message is given out under a lease", false },
	{ { "deadletter", 10, false, NULL }, FORM_DETAIL, BOX(dead_letter),
	  "id of its dead-letter mailbox", false },
	{ { "mark", 8, false, NULL }, FORM_DETAIL, BOX(mark),
	  "mark of the last message sent with one", false },
	{ { "last_sender", 11, false, NULL }, FORM_DETAIL_U32, BOX(last_sender),
	  "process that sent the last message", false },
	{ { "last_receiver", 13, false, NULL }, FORM_DETAIL_U32, BOX(last_receiver),
	  "process that received last", false },
	{ { "last_sent", 30, true, NULL }, FORM_TIME, BOX(last_sent),
	  "when it did", false },
	{ { "last_received", 30, true, NULL }, FORM_TIME, BOX(last_received),
	  "when it did", false },
	{ { "changed", 30, true, NULL }, FORM_TIME, BOX(changed),
	  "when an attribute or the owner was changed", false },
};

static uint32_t u32_of(const struct mbox_monitor_mailbox *box, const struct box_column *column)
{
	uint32_t num;

	memcpy(&num, (const char *)box + column->offset, sizeof(num));
	return num;
}

static uint64_t u64_of(const struct mbox_monitor_mailbox *box, const struct box_column *column)
{
	uint64_t num;

	memcpy(&num, (const char *)box + column->offset, sizeof(num));
	return num;
}

/* Write the name, or the label, of a mailbox. Return whether it has one. */
bool box_name(char to[LABEL_TEXT_SIZE], const struct mbox_monitor_mailbox *box)
{
	return name_format(to, box->name, box->space, box->label);
}

bool box_owned(const struct mbox_monitor_mailbox *box)
{
	return box->known & MBOX_KNOWN(MBOX_A_MAILBOX_OWNER);
}

bool box_has_heir(const struct mbox_monitor_mailbox *box)
{
	return box->known & MBOX_KNOWN(MBOX_A_MAILBOX_HEIR);
}

bool box_has_side(const struct mbox_monitor_mailbox *box, unsigned int attr)
{
	return box->ring_known & MBOX_KNOWN(attr);
}

static void cell_detail(uint64_t num, bool known)
{
	if (known)
		cell_number(num);
	else
		cell_none("-");
}

/* A bounded mailbox, or a ring, is so full; 0 to 100, or -1 if it has no bounds. */
static int fill_of(const struct mbox_monitor_mailbox *box)
{
	double fill = -1;

	if (box->kind == MBOX_KIND_RING)
		fill = box->ring ? (double)box->queued_bytes / (double)box->ring : -1;
	else if (box->capacity && box->capacity != MBOX_CAPACITY_UNBOUNDED)
		fill = (double)box->queued / box->capacity;
	if (box->bytes && (double)box->queued_bytes / (double)box->bytes > fill)
		fill = (double)box->queued_bytes / (double)box->bytes;
	return fill > 1 ? 100 : fill < 0 ? -1 : (int)(fill * 100);
}

/* Print per cent; text has the sign. */
static void cell_fill(int fill)
{
	char text[16];

	if (fill < 0) {
		cell_none("-");
	} else if (out_json()) {
		cell_number((uint64_t)fill);
	} else {
		snprintf(text, sizeof(text), "%d%%", fill);
		cell_text(text);
	}
}

/* For people: red if senders are blocked, yellow if it is full. */
static enum style style_of(const struct mbox_monitor_mailbox *box)
{
	return box->senders ? STYLE_BAD : box_full(box) ? STYLE_WARN : STYLE_NONE;
}

static void cell_limit(uint64_t num, bool limited)
{
	if (limited)
		cell_number(num);
	else
		cell_none("unbounded");
}

static void box_cell(const struct mbox_monitor_mailbox *box, const struct box_column *column)
{
	char text[TIME_SIZE];

	if (column->not_ring && box->kind == MBOX_KIND_RING) {
		cell_none("-");
		return;
	}
	switch (column->form) {
	case FORM_U32:
		cell_number(u32_of(box, column));
		break;
	case FORM_U64:
	case FORM_COUNTER:
		if (column->offset == BOX(queued))
			cell_style(style_of(box));
		cell_number(u64_of(box, column));
		break;
	case FORM_DETAIL_U32:
		cell_detail(u32_of(box, column), u32_of(box, column));
		break;
	case FORM_DETAIL:
		cell_detail(u64_of(box, column), u64_of(box, column));
		break;
	case FORM_SIZE:
	case FORM_COUNTER_SIZE:
		cell_size(u64_of(box, column));
		break;
	case FORM_SIZE_U32:
		cell_size(u32_of(box, column));
		break;
	case FORM_FILL:
		cell_style(style_of(box));
		cell_fill(fill_of(box));
		break;
	case FORM_NAME: {
		char name[LABEL_TEXT_SIZE];

		cell_style(style_of(box));
		if (box_name(name, box))
			cell_text(name);
		else
			cell_none("-");
		break;
	}
	case FORM_USER:
		cell_text(user_name(box->uid));
		break;
	case FORM_GROUP:
		cell_text(group_name(box->gid));
		break;
	case FORM_MODE:
		text[0] = (char)('0' + (box->mode >> 9 & 7));
		text[1] = (char)('0' + (box->mode >> 6 & 7));
		text[2] = (char)('0' + (box->mode >> 3 & 7));
		text[3] = (char)('0' + (box->mode & 7));
		text[4] = '\0';
		cell_text(text);
		break;
	case FORM_KIND:
		cell_text(kind_name(box->kind));
		break;
	case FORM_STATE:
		cell_text(state_name(box->state));
		break;
	case FORM_LIFETIME:
		cell_text(lifetime_name(box->lifetime));
		break;
	case FORM_POLICY:
		cell_text(policy_name(box->policy));
		break;
	case FORM_OWNER:
		cell_detail(box->owner, box_owned(box));
		break;
	case FORM_COMMAND: {
		const char *command = box_owned(box) ? process_name(box->owner) : NULL;

		if (command)
			cell_text(command);
		else
			cell_none("-");
		break;
	}
	case FORM_HEIR:
		cell_detail(box->heir, box_has_heir(box));
		break;
	case FORM_EXCLUSIVE:
		cell_flag(box->options & MBOX_OPTION_EXCLUSIVE);
		break;
	case FORM_OVERFLOW:
		cell_flag(box->options & MBOX_OPTION_OVERFLOW);
		break;
	case FORM_TRACK:
		cell_flag(box->options & MBOX_OPTION_TRACK);
		break;
	case FORM_GROW:
		cell_flag(box->options & MBOX_OPTION_GROW);
		break;
	case FORM_MAXPROCS:
		cell_detail(box->max_procs, box->max_procs);
		break;
	case FORM_PROCS:
		cell_detail(box->procs, box->max_procs);
		break;
	case FORM_CAPACITY:
		cell_limit(box->capacity, box->capacity != MBOX_CAPACITY_UNBOUNDED);
		break;
	case FORM_BYTES:
		if (box->bytes)
			cell_size(box->bytes);
		else
			cell_none("unbounded");
		break;
	case FORM_RING:
		if (u64_of(box, column))
			cell_size(u64_of(box, column));
		else
			cell_none("-");
		break;
	case FORM_PRODUCER:
		cell_detail(box->ring_producer, box_has_side(box, MBOX_A_RING_PRODUCER));
		break;
	case FORM_CONSUMER:
		cell_detail(box->ring_consumer, box_has_side(box, MBOX_A_RING_CONSUMER));
		break;
	case FORM_TIME: {
		uint64_t now = realtime(), time = u64_of(box, column);

		if (!time) {
			cell_none("-");
			break;
		}
		if (out_human()) {
			format_age(text, now > time ? now - time : 0);
			strcat(text, " ago");
		} else {
			format_time(text, time);
		}
		cell_text(text);
		break;
	}
	case FORM_WAITERS:
		cell_number((uint64_t)box->senders + box->receivers);
		break;
	}
}

int box_row(const struct mbox_monitor_mailbox *box, const struct column *const *columns,
	    size_t count)
{
	for (size_t i = 0; i < count; i++)
		box_cell(box, (const struct box_column *)columns[i]);
	return table_row();
}

/* Print the counters that MBOX_IOC_GET does not have as fields of a record. */
void box_print_counters(const struct mbox_monitor_mailbox *box)
{
	for (size_t i = 0; i < ARRAY_SIZE(box_columns); i++) {
		const struct box_column *column = &box_columns[i];
		bool known = !column->not_ring || box->kind != MBOX_KIND_RING;

		if (column->form == FORM_COUNTER)
			out_detail(column->column.name, u64_of(box, column), known);
		else if (column->form == FORM_COUNTER_SIZE && known)
			out_size(column->column.name, u64_of(box, column));
		else if (column->form == FORM_COUNTER_SIZE)
			out_detail(column->column.name, 0, false);
	}
	out_detail("fill", (uint64_t)fill_of(box), fill_of(box) >= 0);
}

/* Find the columns that @list names, separated by commas. Return their number, or 0. */
size_t box_columns_of(const char *list, const struct column **columns)
{
	size_t count = 0;

	if (!strcmp(list, "all")) {
		for (; count < ARRAY_SIZE(box_columns); count++)
			columns[count] = &box_columns[count].column;
		return count;
	}
	while (count < BOX_COLUMNS_MAX) {
		size_t length = strcspn(list, ",");

		columns[count] = box_column_named(list, length);
		if (!columns[count])
			return 0;
		count++;
		if (!list[length])
			return count;
		list += length + 1;
	}
	return 0;
}

const struct column *box_column_named(const char *name, size_t length)
{
	for (size_t i = 0; i < ARRAY_SIZE(box_columns); i++)
		if (strlen(box_columns[i].column.name) == length &&
		    !memcmp(box_columns[i].column.name, name, length))
			return &box_columns[i].column;
	return NULL;
}

_Static_assert(ARRAY_SIZE(box_columns) <= BOX_COLUMNS_MAX, "BOX_COLUMNS_MAX");

/* Return the number by which a column is sorted; columns of strings have none. */
static uint64_t sort_number(const struct mbox_monitor_mailbox *box, const struct box_column *column)
{
	switch (column->form) {
	case FORM_U64:
	case FORM_COUNTER:
	case FORM_SIZE:
	case FORM_COUNTER_SIZE:
	case FORM_RING:
	case FORM_TIME:
	case FORM_DETAIL:
		return u64_of(box, column);
	case FORM_FILL:
		return (uint64_t)fill_of(box) + 1;
	case FORM_BYTES:
		/* Unlimited sorts highest. */
		return box->bytes ? box->bytes : UINT64_MAX;
	case FORM_EXCLUSIVE:
		return box->options & MBOX_OPTION_EXCLUSIVE;
	case FORM_OVERFLOW:
		return box->options & MBOX_OPTION_OVERFLOW;
	case FORM_TRACK:
		return box->options & MBOX_OPTION_TRACK;
	case FORM_GROW:
		return box->options & MBOX_OPTION_GROW;
	case FORM_WAITERS:
		return (uint64_t)box->senders + box->receivers;
	default:
		return u32_of(box, column);
	}
}

/* The next call of user_name() may overwrite the name, so copy it. */
static int compare_names(const char *(*name_of)(uint32_t id), uint32_t a, uint32_t b)
{
	char first[32];

	if (a == b)
		return 0;
	snprintf(first, sizeof(first), "%s", name_of(a));
	return strcmp(first, name_of(b));
}

int box_compare(const struct mbox_monitor_mailbox *a, const struct mbox_monitor_mailbox *b,
		const struct column *by)
{
	const struct box_column *column = (const struct box_column *)by;
	uint64_t x, y;

	switch (column->form) {
	case FORM_NAME: {
		char first[LABEL_TEXT_SIZE] = "", second[LABEL_TEXT_SIZE] = "";

		box_name(first, a);
		box_name(second, b);
		return strcmp(first, second);
	}
	case FORM_USER:
		return compare_names(user_name, a->uid, b->uid);
	case FORM_GROUP:
		return compare_names(group_name, a->gid, b->gid);
	default:
		break;
	}
	x = sort_number(a, column);
	y = sort_number(b, column);
	return x < y ? -1 : x > y;
}

/* Describe the columns, for help. */
void box_print_columns(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(box_columns); i++)
		printf("    %-14s %s\n", box_columns[i].column.name, box_columns[i].help);
}

void box_print_column_names(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(box_columns); i++)
		printf(" %s", box_columns[i].column.name);
}
