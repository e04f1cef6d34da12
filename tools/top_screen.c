// SPDX-License-Identifier: GPL-2.0-only
/*
 * mboxctl top: the table, and on a terminal the screen and the keys
 *
 * On a terminal the screen is drawn anew each time; else one table comes after the other.
 * The screen is the terminal's second one, if it has one, so that the first comes back
 * in the end.
 */
#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "top.h"

static const struct column timestamp = { .name = "time", .width = 30, .left = true };
static const struct column id = { .name = "id", .width = 6 };
static const struct column user = { .name = "user", .width = 8, .left = true };
static const struct column sent = { .name = "sent_rate", .width = 10, .head = "sent/s" };
static const struct column received = { .name = "received_rate", .width = 10, .head = "received/s" };
static const struct column bytes = { .name = "bytes_rate", .width = 12, .head = "bytes/s" };
static const struct column queued = { .name = "queued", .width = 8 };
static const struct column capacity = { .name = "capacity", .width = 9 };
static const struct column senders = { .name = "senders", .width = 7 };
static const struct column receivers = { .name = "receivers", .width = 9 };
static const struct column name = { .name = "name", .width = 16, .left = true };

/* JSON has the time in each object, text above each table. */
static const struct column *const columns[] = {
	&timestamp, &name, &sent, &received, &bytes, &queued, &capacity, &senders, &receivers,
	&user, &id,
};

void top_table(const struct command *cmd)
{
	size_t first = cmd->json ? 0 : 1;

	table_init(cmd, columns + first, ARRAY_SIZE(columns) - first, false);
}

/* Does the name fit the pattern that was typed? Text without wildcards may stand anywhere in it. */
bool top_fits(const struct top *top, const struct mbox_monitor_mailbox *box)
{
	char text[LABEL_TEXT_SIZE];

	if (!*top->pattern)
		return true;
	box_name(text, box);
	if (!strpbrk(top->pattern, "*?["))
		return strstr(text, top->pattern);
	return !fnmatch(top->pattern, text, 0);
}


static int print_row(const struct row *row, const char *time)
{
	const struct mbox_monitor_mailbox *box = row->box;
	enum style style = box->senders ? STYLE_BAD : box_full(box) ? STYLE_WARN : STYLE_NONE;
	bool ring = box->kind == MBOX_KIND_RING;
	char text[LABEL_TEXT_SIZE];

	if (time)
		cell_text(time);
	cell_style(style);
	if (box_name(text, box))
		cell_text(text);
	else
		cell_none("-");
	if (ring) {
		cell_none("-");
		cell_none("-");
	} else {
		cell_rate(row->sent);
		cell_rate(row->received);
	}
	cell_rate(row->bytes);
	cell_style(style);
	if (ring)
		cell_none("-");
	else
		cell_number(box->queued);
	if (ring)
		cell_none("-");
	else if (box->capacity == MBOX_CAPACITY_UNBOUNDED)
		cell_none("unbounded");
	else
		cell_number(box->capacity);
	cell_number(box->senders);
	cell_number(box->receivers);
	cell_text(user_name(box->uid));
	cell_number(box->id);
	return table_row();
}

static void print_line(const char *text)
{
	out_raw(text, strlen(text));
}

/* Return the number of rows that fit the terminal. Lines are cut, so each takes one. */
static size_t window_rows(const struct top *top)
{
	unsigned int width, rows, above = 3;

	if (!top->terminal)
		return SIZE_MAX;
	human_window(&width, &rows);
	if (!rows)
		return SIZE_MAX;
	return rows > above ? rows - above : 0;
}

static int draw_help(void)
{
	print_line("\033[H\033[J"
		   "mboxctl top: keys\n\n"
		   "  q        end\n"
		   "  r d b n  sort by rate, depth (queued messages), blocked calls, name\n"
		   "  s        the next of these\n"
		   "  f        filter: type a part of a name, or a pattern, and Enter\n"
		   "  p space  pause, and go on\n"
		   "  h ?      this help\n\n"
		   "Yellow is a mailbox without room, red one with senders that are blocked.\n\n"
		   "Any key returns.\n");
	return out_flush();
}

/* Print the line above the table. */
static void print_title(const struct top *top, const char *time_text)
{
	char local[TIME_SIZE], line[320];
	uint64_t messages = 0;
	size_t blocked = 0;

	for (size_t i = 0; i < top->count; i++) {
		messages += top->rows[i].box->kind == MBOX_KIND_RING ? 0 : top->rows[i].box->queued;
		blocked += top->rows[i].box->senders + top->rows[i].box->receivers;
	}
	if (!top->terminal) {
		snprintf(line, sizeof(line), "%s  mailboxes=%zu messages=%llu blocked=%zu sort=%s\n",
			 time_text, top->count, (unsigned long long)messages, blocked,
			 top_sorts[top->sort].name);
		print_line(line);
		return;
	}
	/* Do not wrap lines; begin at the top left. */
	print_line("\033[?7l\033[H\033[J");
	if (top->typing) {
		snprintf(line, sizeof(line), "names with: %s_\n", top->typed);
		print_line(line);
		return;
	}
	format_local(local, realtime());
	snprintf(line, sizeof(line), "%.8s  %zu mailbox%s, %llu messages, %zu blocked; by %s%s%s%s  (h: help)\n",
		 local + strlen("2000-01-01T"), top->count, top->count == 1 ? "" : "es", (unsigned long long)messages, blocked,
		 top_sorts[top->sort].name, *top->pattern ? ", names with " : "", top->pattern,
		 top->paused ? "; PAUSED" : "");
	print_line(line);
}

int top_draw(const struct top *top)
{
	size_t rows = window_rows(top);
	char time_text[TIME_SIZE];
	int error = 0;

	if (top->help)
		return draw_help();
	format_time(time_text, realtime());
	if (top->most < rows)
		rows = (size_t)top->most;
	if (!top->cmd->json) {
		print_title(top, time_text);
		error = out_flush();
		table_again();
		if (!error)
			error = table_head();
	}
	for (size_t i = 0; i < top->count && i < rows && !error; i++)
		error = print_row(&top->rows[i], top->cmd->json ? time_text : NULL);
	if (!error)
		error = table_flush();
	if (!top->cmd->json && !top->terminal)
		print_line("\n");
	return error ? error : out_flush();
}

/* Set the terminal up: keys come at once and unseen, and the cursor is hidden. */
void top_screen_begin(struct top *top)
{
	struct termios keys;

	top->terminal = !top->cmd->json && isatty(STDOUT_FILENO);
	if (!top->terminal)
		return;
	if (isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &top->saved)) {
		keys = top->saved;
		keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		top->keys = !tcsetattr(STDIN_FILENO, TCSANOW, &keys);
	}
	print_line("\033[?1049h\033[?25l");
}

void top_screen_end(struct top *top)
{
	if (!top->terminal)
		return;
	print_line("\033[?7h\033[?25h\033[?1049l");
	out_flush();
	if (top->keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &top->saved);
}

/* Edit the pattern that is being typed. */
static void type(struct top *top, char key)
{
	size_t length = strlen(top->typed);

	switch (key) {
	case '\n':
	case '\r':
		memcpy(top->pattern, top->typed, sizeof(top->pattern));
		top->typing = false;
		break;
	case '\033':
		top->typing = false;
		break;
	case '\b':
	case '\177':
		if (length)
			top->typed[length - 1] = '\0';
		break;
	default:
		if (isgraph((unsigned char)key) && length + 1 < sizeof(top->typed)) {
			top->typed[length] = key;
			top->typed[length + 1] = '\0';
		}
	}
}

/* Do as the key says. */
enum key_effect top_key(struct top *top, char key)
{
	if (top->help) {
		top->help = false;
		return key == 'q' || key == 'Q' ? KEY_END : KEY_DRAW;
	}
	if (top->typing) {
		type(top, key);
		return KEY_DRAW;
	}
	switch (key) {
	case 'q':
	case 'Q':
		return KEY_END;
	case 'r':
		top->sort = SORT_RATE;
		break;
	case 'd':
		top->sort = SORT_DEPTH;
		break;
	case 'b':
		top->sort = SORT_BLOCKED;
		break;
	case 'n':
		top->sort = SORT_NAME;
		break;
	case 's':
		top->sort = top->sort == SORT_NAME ? SORT_RATE : top->sort + 1;
		break;
	case 'f':
	case '/':
		top->typing = true;
		*top->typed = '\0';
		break;
	case 'p':
	case ' ':
		top->paused = !top->paused;
		break;
	case 'h':
	case '?':
		top->help = true;
		break;
	default:
		return KEY_NOTHING;
	}
	return KEY_DRAW;
}
