/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mboxctl: what its files share
 *
 *   mboxctl.c   the table of verbs, options, help
 *   args.c      words of the command line into values
 *   output.c    one set of print calls for text and JSON
 *   error.c     what the kernel said, in words, with what to do
 *   names.c     numbers of the kernel into words
 *   table.c     rows and columns, in text and JSON
 *   box.c       mailboxes in tables: columns, filters, order
 *   loop.c      verbs that go on until they are told to end
 *   VERB.c      one file per verb: a table of its words and a function
 *   tour/       mboxctl tour; tour/tour.h has the map of its files
 *
 * send and recv do their work on what open_box() opens: the mailbox that NAME
 * says, or, as verbs below link and inbox, a link or the inbox.
 *
 * A command runs in three steps that do not mix: the words are parsed and
 * checked against each other (exit status 1), then the library is called, then
 * what came is printed (exit status 2 if either fails).
 */
#ifndef MBOXCTL_H
#define MBOXCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <mbox.h>
#include <mbox_monitor.h>

enum status {
	STATUS_DONE = 0,
	STATUS_USAGE = 1,
	STATUS_REFUSED = 2,
};

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define WORDS_MAX	32

/* The value of a word; verbs index an array of these by the word's place. */
struct value {
	bool given;
	uint64_t num;
	const char *text;		/* as it was given */
};

/*
 * A word that may follow NAME: key=VALUE if @parse is set, else a flag. One that
 * begins with -- may stand in the place of NAME, too, which is no name of any.
 * @form completes "has to be …" when a value is refused.
 */
struct word {
	const char *name;
	const char *arg;
	bool (*parse)(const struct word *word, const char *text, uint64_t *num);
	uint64_t min, max;
	const char *form;
	const char *help;
};

struct command;

/* What follows a verb. */
enum first {
	FIRST_NAME,	/* of a mailbox */
	FIRST_MAYBE,	/* the same, or nothing */
	FIRST_PID,	/* of a process, which is linked to */
	FIRST_NONE,	/* nothing: it is about no mailbox that is there already */
};

struct verb {
	const char *name;
	const char *synopsis;		/* what follows the verb */
	const char *summary;
	const char *notes;		/* for --help, below the words; or NULL */
	void (*more)(void);		/* prints what comes after these; or NULL */
	const struct word *words;	/* ends with a word without name */
	enum first first;
	const struct verb *const *subs;	/* one of these comes next, with its words; or NULL */
	const char *operand;		/* one more operand after NAME, or NULL */
	bool text;			/* any words may follow as TEXT */
	int (*run)(struct command *cmd);
};

extern const struct verb create_verb, delete_verb, send_verb, recv_verb,
			 show_verb, chmod_verb, chown_verb, handover_verb,
			 link_verb, inbox_verb, tour_verb, help_verb,
			 list_verb, watch_verb, top_verb, stat_verb, purge_verb,
			 links_verb;

/* One call of the tool. */
struct command {
	const struct verb *verb;
	const struct verb *sub;		/* of the verb's, or NULL */
	const struct word *words;	/* of @sub, or of @verb */
	const char *name;		/* NAME, or PID as it was given; or NULL */
	pid_t pid;			/* with FIRST_PID, or as the operand */
	uint64_t start;			/* of that process, or 0 */
	char *operand;
	struct value v[WORDS_MAX];
	char **text;
	int ntext;
	unsigned long long line;	/* of the input, for errors; or 0 */
	bool json;
	bool verbose;
	bool help;
	bool version;
};

/* mboxctl.c */
int print_help(const char *verb_name);

/* args.c */
bool parse_options(struct command *cmd, int argc, char **argv, int *pos);
bool parse_words(struct command *cmd, int argc, char **argv);
bool exclusive(const struct command *cmd, size_t a, size_t b);
bool parse_number(const struct word *word, const char *text, uint64_t *num);
bool parse_size(const struct word *word, const char *text, uint64_t *num);
bool parse_octal(const struct word *word, const char *text, uint64_t *num);
bool parse_seconds(const struct word *word, const char *text, uint64_t *num);
bool parse_pid(const char *text, pid_t *pid);
bool parse_identity(const char *text, pid_t *pid, uint64_t *start);
bool parse_process(const struct word *word, const char *text, uint64_t *num);
bool parse_sender(const struct word *word, const char *text, uint64_t *num);
uint64_t start_of(const struct value *value);

/* names.c */
const char *state_name(unsigned int state);
const char *lifetime_name(unsigned int lifetime);
const char *kind_name(unsigned int kind);
const char *policy_name(unsigned int policy);
const char *call_name(unsigned int call);
const char *event_name(unsigned int event);
const char *user_name(uint32_t uid);
const char *group_name(uint32_t gid);
const char *process_name(uint32_t pid);
bool parse_state(const struct word *word, const char *text, uint64_t *num);
bool parse_kind(const struct word *word, const char *text, uint64_t *num);
bool parse_user(const struct word *word, const char *text, uint64_t *num);

/* output.c */
enum out_form {
	OUT_FIELDS,	/* text: one field per line */
	OUT_LINE,	/* text: key=value, all in one line */
};
void out_init(bool json);
int out_ready(void);
void out_begin(enum out_form form);
void out_string(const char *key, const char *value);
void out_number(const char *key, uint64_t num);
void out_detail(const char *key, uint64_t num, bool known);
void out_flag(const char *key, bool set);
void out_limit(const char *key, uint64_t num, bool limited, const char *word);
void out_time(const char *key, uint64_t nanoseconds);
void out_list(const char *key);
void out_item(const char *key);
void out_item_end(void);
void out_list_end(void);
#define TIME_SIZE	64
void format_time(char text[static TIME_SIZE], uint64_t nanoseconds);
void out_payload(const void *data, size_t size);
void out_close(void);
void out_raw(const void *data, size_t size);
int out_write(const char *data, size_t size);
int out_flush(void);

/* show.c */
void print_info(const struct mbox_info *info);

/* table.c */
struct column {
	const char *name;
	size_t width;
	bool left;			/* where the text of a cell is */
	const char *head;		/* what the text has above it, if not the name */
};

void table_init(bool json, const struct column *const *columns, size_t count);
int table_head(void);
void cell_text(const char *text);
void cell_number(uint64_t num);
void cell_tenths(uint64_t num);
void cell_none(const char *word);
void cell_flag(bool set);
int table_row(void);
int table_flush(void);

/* box.c: the words that say which mailboxes are meant come first in a verb's table */
enum { BOX_NAME, BOX_USER, BOX_OWNER, BOX_STATE, BOX_KIND, BOX_FULL, BOX_MESSAGES, BOX_WAITERS,
       BOX_FILTERS };

#define BOX_FILTER_WORDS \
	[BOX_NAME] = { .name = "name", .arg = "PATTERN", .parse = parse_text, \
		       .form = "a pattern of names, as of files", \
		       .help = "those of such a name, as patterns of file names" }, \
	[BOX_USER] = { .name = "user", .arg = "USER", .parse = parse_user, .max = UINT32_MAX - 1, \
		       .form = "the name or number of a user", \
		       .help = "those of this user, a name or number" }, \
	[BOX_OWNER] = { .name = "owner", .arg = "PID", .parse = parse_process, \
			.form = "the id of a process", \
			.help = "those that this process owns" }, \
	[BOX_STATE] = { .name = "state", .arg = "live|unlinked|draining", .parse = parse_state, \
			.form = "live, unlinked or draining", \
			.help = "those in this state" }, \
	[BOX_KIND] = { .name = "kind", .arg = "mailbox|ring", .parse = parse_kind, \
		       .form = "mailbox or ring", \
		       .help = "those of this kind" }, \
	[BOX_FULL] = { .name = "full", .help = "those that have no room" }, \
	[BOX_MESSAGES] = { .name = "messages", .help = "those with messages in them" }, \
	[BOX_WAITERS] = { .name = "waiters", .help = "those that calls are blocked on now" }

#define BOX_COLUMNS_MAX	64

struct boxes {
	const struct command *cmd;	/* whose filters count; or NULL for all */
	struct mbox_monitor_mailbox *all;
	size_t count, room;
};

bool box_owned(const struct mbox_monitor_mailbox *box);
bool box_has_heir(const struct mbox_monitor_mailbox *box);
bool box_has_side(const struct mbox_monitor_mailbox *box, unsigned int attr);
size_t box_columns_of(const char *list, const struct column **columns);
const struct column *box_column_named(const char *name, size_t length);
int box_row(const struct mbox_monitor_mailbox *box, const struct column *const *columns,
	    size_t count);
int box_compare(const struct mbox_monitor_mailbox *a, const struct mbox_monitor_mailbox *b,
		const struct column *by);
bool box_wanted(const struct command *cmd, const struct mbox_monitor_mailbox *box);
bool box_filtered(const struct command *cmd);
void box_print_columns(void);
int boxes_get(struct boxes *boxes, struct mbox_monitor *mon);
bool parse_text(const struct word *word, const char *text, uint64_t *num);
bool parse_columns(const struct word *word, const char *text, uint64_t *num);
bool parse_sort(const struct word *word, const char *text, uint64_t *num);

/* stat.c */
uint64_t rate_of(uint64_t now, uint64_t before, uint64_t nanoseconds);

/* loop.c */
enum wake {
	WAKE_TIME,	/* the deadline */
	WAKE_READY,	/* the file */
	WAKE_AGAIN,	/* nothing: what is shown may have to be drawn anew */
	WAKE_END,	/* a signal, or nobody reads any more */
};

uint64_t monotonic(void);
uint64_t realtime(void);
int loop_run(struct command *cmd, int (*body)(struct command *cmd, struct mbox_monitor *mon));
enum wake loop_wait(int fd, uint64_t deadline);

/* link.c */
int open_box(const struct command *cmd, struct mbox **mbp, unsigned int rights);

/* error.c */
int usage(const struct command *cmd, const char *why, ...)
	__attribute__((format(printf, 2, 3)));
int refuse(const struct command *cmd, const char *hint, const char *why, ...)
	__attribute__((format(printf, 3, 4)));
int refuse_errno(const struct command *cmd, int error);
int refuse_limits(const struct command *cmd, uint64_t msg_size, uint64_t bytes);
int refuse_output(const struct command *cmd, int error);
int refuse_monitor(const struct command *cmd, const struct mbox_monitor *mon, int error);
int done_writing(const struct command *cmd, int error);

#endif /* MBOXCTL_H */
