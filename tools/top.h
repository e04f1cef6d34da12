/* SPDX-License-Identifier: GPL-2.0-only */
/* mboxctl top: shared by top.c (samples, rows) and top_screen.c (drawing, keys) */
#ifndef MBOXCTL_TOP_H
#define MBOXCTL_TOP_H

#include <termios.h>
#include "mboxctl.h"

enum sort { SORT_RATE, SORT_DEPTH, SORT_BLOCKED, SORT_NAME };

extern const struct choice top_sorts[];

struct row {
	const struct mbox_monitor_mailbox *box;
	uint64_t sent, received, bytes;	/* per second, in tenths */
};

struct top {
	const struct command *cmd;
	struct boxes now, before;
	uint64_t then;			/* when before was taken; 0 if never */
	uint64_t then_real;		/* the same, on the clock of creations */
	uint64_t elapsed;		/* between the two */
	struct row *rows;
	size_t count;			/* of @rows: mailboxes that pass the filters */
	uint64_t most;			/* rows to show */
	enum sort sort;
	/* of a terminal: */
	bool terminal;
	bool keys;			/* standard input has keys */
	bool paused;
	bool help;
	bool typing;			/* a pattern */
	char pattern[MBOX_NAME_SIZE];	/* names that fit are shown; empty: all */
	char typed[MBOX_NAME_SIZE];
	struct termios saved;
};

/* top.c */
void top_rows(struct top *top);

/* top_screen.c */
enum key_effect {
	KEY_NOTHING,
	KEY_DRAW,
	KEY_END,
};

bool top_fits(const struct top *top, const struct mbox_monitor_mailbox *box);
void top_table(const struct command *cmd);
int top_draw(const struct top *top);
void top_screen_begin(struct top *top);
void top_screen_end(struct top *top);
enum key_effect top_key(struct top *top, char key);

#endif /* MBOXCTL_TOP_H */
