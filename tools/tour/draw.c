// SPDX-License-Identifier: GPL-2.0-only
/*
 * mboxctl tour: the time line, in plain text of 80 columns.
 *
 * There is one column per process, and after the first of them one for the mailbox.
 * Each moment has up to three lines: the calls, their results, and the number of calls
 * that are blocked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tour.h"

#define WIDTH		79U
#define MARGIN		3U	/* for the number of the moment */
#define CELL_SIZE	128

struct signs {
	const char *lives, *blocked, *acts, *box, *rule;
};

static const struct signs ascii = { "|", "#", "+", ":", "-" };
static const struct signs unicode = { "│", "█", "├", "║", "─" };
static const struct signs *signs = &ascii;

void draw_init(void)
{
	static const char *const variables[] = { "LC_ALL", "LC_CTYPE", "LANG" };
	const char *locale = NULL;

	/* Read the variables: the locale itself need not be installed. */
	for (size_t i = 0; i < ARRAY_SIZE(variables) && (!locale || !*locale); i++)
		locale = getenv(variables[i]);
	if (locale && (strcasestr(locale, "UTF-8") || strcasestr(locale, "UTF8")))
		signs = &unicode;
}

static void print(const char *text)
{
	out_raw(text, strlen(text));
}

/* Return the width of UTF-8 text: each of our signs takes one column. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		if (((unsigned char)*text & 0xc0) != 0x80)
			width++;
	return width;
}

/*
 * Print cells of a line side by side. Blanks are printed only before text; a text that
 * is wider than its cell pushes the others on.
 */
struct line {
	size_t column;		/* the text so far ends there */
	size_t next;		/* the next cell begins there */
};

static void print_cell(struct line *line, const char *text, size_t width)
{
	if (*text) {
		for (; line->column < line->next; line->column++)
			print(" ");
		print(text);
		line->column += width_of(text);
	}
	line->next += width;
	if (line->next <= line->column)
		line->next = line->column + 1;
}

static void print_wrapped(const char *text, const char *indent)
{
	size_t column = 0;

	while (*text) {
		size_t length = strcspn(text, " ");

		if (column && column + 1 + length > WIDTH) {
			print("\n");
			column = 0;
		}
		print(column ? " " : indent);
		column += column ? 1 : strlen(indent);
		out_raw(text, length);
		column += length;
		text += length;
		text += strspn(text, " ");
	}
	print("\n");
}

void draw_title(const struct tour *tour)
{
	print(signs->rule);
	print(signs->rule);
	print(" ");
	print(tour->word);
	print(" ");
	for (size_t i = strlen(tour->word) + 4; i < WIDTH; i++)
		print(signs->rule);
	print("\n");
	print_wrapped(tour->concept->says, "");
	print("\n");
}

void draw_lesson(const struct tour *tour)
{
	print("\n");
	print_wrapped(tour->concept->lesson, "");
	print("\n");
}

/* The column of the mailbox gets the rest of the width. */
static size_t process_width(const struct tour *tour)
{
	return tour->actors > 2 ? 18 : 24;
}

static size_t box_width(const struct tour *tour)
{
	return WIDTH - MARGIN - (size_t)tour->actors * process_width(tour);
}

void draw_head(const struct tour *tour)
{
	struct line line = { 0 };
	char text[CELL_SIZE];

	print_cell(&line, "", MARGIN);
	for (int i = 0; i < tour->actors; i++) {
		snprintf(text, sizeof(text), "%s, pid %d", tour->actor[i].name,
			 (int)tour->actor[i].pid);
		print_cell(&line, text, process_width(tour));
		if (i == 0)
			print_cell(&line, tour->title, box_width(tour));
	}
	print("\n");
}

/* Format the cell of a process in one line of a moment. */
static void process_cell(const struct actor *a, int line, char *cell, size_t size)
{
	bool blocked = a->pending, woken = a->was_blocked && a->answered;

	cell[0] = '\0';
	if (line == 0 && (a->called || woken)) {
		snprintf(cell, size, "%s %s", signs->acts, woken ? "WAKES" : a->call);
		return;
	}
	if (!a->alive)
		return;
	if (line == 1 && a->answered)
		snprintf(cell, size, "%s %s", signs->lives, a->outcome);
	else if (line == 1 && blocked && !a->was_blocked)
		snprintf(cell, size, "%s BLOCKED", signs->blocked);
	else
		snprintf(cell, size, "%s", blocked ? signs->blocked : signs->lives);
}

/* List the queued messages in order, by peeking at them. */
static void texts(struct tour *tour, char *text, size_t size)
{
	uint64_t last = 0, seq;
	size_t length = 0;

	for (unsigned int n = 0; n < tour->messages; n++) {
		const char *next = NULL;

		seq = UINT64_MAX;
		for (unsigned int i = 0; i < tour->messages; i++) {
			struct mbox_recv_opts opts = {
				.flags = MBOX_RECV_PEEK | MBOX_RECV_NONBLOCK | MBOX_RECV_BY_TYPE,
				.type = i + 1,
			};
			struct mbox_header header;
			char data[TEXT_SIZE];

			if (mbox_recv(tour->eye, data, sizeof(data), &opts, &header) < 0)
				continue;
			/* seq 0: the sender is blocked, and the message not queued yet */
			if (header.seq <= last || header.seq >= seq)
				continue;
			seq = header.seq;
			next = tour->sent[i];
		}
		if (!next)
			break;
		last = seq;
		length += (size_t)snprintf(text + length, length < size ? size - length : 0,
					   "[%s]", next);
	}
	if (!length)
		snprintf(text, size, "(empty)");
}

static const char *name_of(const struct tour *tour, uint32_t pid)
{
	for (int i = 0; i < tour->actors; i++)
		if ((uint32_t)tour->actor[i].pid == pid)
			return tour->actor[i].name;
	return "?";
}

/*
 * Count the messages that a process can receive, by its own handles; "?" if it has no
 * handle yet.
 */
static void queued_for(const struct actor *a, char *text, size_t size)
{
	unsigned long long queued = 0;
	struct mbox_info info;
	bool any = false, receives = false;

	for (int i = 0; i < HANDLES_MAX; i++) {
		if (!a->box[i] || mbox_get(a->box[i], &info))
			continue;
		any = true;
		if (!(info.rights & MBOX_RIGHT_RECV))
			continue;
		receives = true;
		/* An inbox, which is the last handle, holds the messages of all links. */
		if (info.kind == MBOX_KIND_INBOX)
			queued = 0;
		queued += info.handle_queued;
	}
	text[0] = '\0';
	if (receives)
		snprintf(text, size, "%s: %llu", a->name, queued);
	else if (!any && a->alive)
		snprintf(text, size, "%s: ?", a->name);
}

static void each(const struct tour *tour, char *text, size_t size)
{
	size_t length = 0;
	char one[32];

	text[0] = '\0';
	for (int i = 0; i < tour->actors && length < size; i++) {
		queued_for(&tour->actor[i], one, sizeof(one));
		if (one[0])
			length += (size_t)snprintf(text + length, size - length, "%s%s",
						   length ? ", " : "", one);
	}
}

/* Format the contents of the mailbox. */
static void contents(struct tour *tour, const struct mbox_info *info, char *text, size_t size)
{
	size_t length;

	if (info->state == MBOX_STATE_DEAD) {
		snprintf(text, size, "gone");
		return;
	}
	switch (tour->show) {
	case SHOW_TEXTS:
		texts(tour, text, size);
		break;
	case SHOW_COUNT:
		snprintf(text, size, "%llu queued", (unsigned long long)info->queued);
		break;
	case SHOW_LEASED:
		length = (size_t)snprintf(text, size, "%llu queued", (unsigned long long)info->queued);
		if (info->leased)
			snprintf(text + length, size - length, ", %u leased", info->leased);
		break;
	case SHOW_EACH:
		each(tour, text, size);
		break;
	case SHOW_OWNER:
		snprintf(text, size, "owner: %s", info->lifetime == MBOX_LIFETIME_OS ? "the OS" :
			 name_of(tour, info->owner));
		length = strlen(text);
		if (info->heir)
			snprintf(text + length, size - length, ", heir: %s",
				 name_of(tour, info->heir));
		break;
	case SHOW_PROCS:
		snprintf(text, size, "%u of %u processes", info->procs, info->max_procs);
		break;
	case SHOW_BYTES:
		snprintf(text, size, "%llu of %llu bytes", (unsigned long long)info->queued_bytes,
			 (unsigned long long)info->ring);
		break;
	}
}

static void waiting(const struct look *look, char *text, size_t size)
{
	size_t length = 0;

	text[0] = '\0';
	if (look->senders)
		length = (size_t)snprintf(text, size, "%u sender%s", look->senders,
					  look->senders > 1 ? "s" : "");
	if (look->receivers && length < size)
		length += (size_t)snprintf(text + length, size - length, "%s%u receiver%s",
					   length ? ", " : "", look->receivers,
					   look->receivers > 1 ? "s" : "");
	if (length && length < size)
		snprintf(text + length, size - length, " blocked");
}

void draw_moment(struct tour *tour)
{
	char holds[CELL_SIZE] = "", blocked[CELL_SIZE] = "", cell[CELL_SIZE + 8];
	const char *const box[] = { tour->note, holds, blocked };
	struct look look;

	tour_look(tour, &look);
	if (look.any) {
		contents(tour, &look.info, holds, sizeof(holds));
		waiting(&look, blocked, sizeof(blocked));
	}
	for (int nr = 0; nr < (blocked[0] ? 3 : 2); nr++) {
		struct line line = { 0 };

		cell[0] = '\0';
		if (nr == 0)
			snprintf(cell, sizeof(cell), "%2u", tour->moment);
		print_cell(&line, cell, MARGIN);
		for (int i = 0; i < tour->actors; i++) {
			process_cell(&tour->actor[i], nr, cell, sizeof(cell));
			print_cell(&line, cell, process_width(tour));
			if (i)
				continue;
			cell[0] = '\0';
			if (look.any)
				snprintf(cell, sizeof(cell), "%s%s%s", signs->box,
					 box[nr][0] ? " " : "", box[nr]);
			print_cell(&line, cell, box_width(tour));
		}
		print("\n");
	}
}
