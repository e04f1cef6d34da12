/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mboxctl: declarations that its files share
 *
 *   mboxctl.c   the table of verbs, and main
 *   args.c      parses the command line: options, words, names, text
 *   value.c     parses the values of words: numbers, sizes, times, processes
 *   guess.c     finds verbs by name, alias and prefix, and near words for typos
 *   output.c    one set of print calls for text and JSON
 *   human.c     sizes and times for people, colours, the size of the window
 *   error.c     reports errors, in text and JSON, each in one write
 *   advice.c    errors of the kernel in words, with advice
 *   missing.c   explains why there is no /dev/mbox
 *   names.c     names for numbers of the kernel
 *   table.c     rows and columns, in text and JSON
 *   box.c       mailboxes in tables: columns, their cells, order
 *   box_filter.c  mailboxes that pass the filters of a command
 *   open.c      opens and changes the mailbox of a command, by name or by id
 *   job.c       messages that are leased, delayed or parked
 *   loop.c      verbs that go on until they are told to end
 *   leasing.h   leases and calls: the map of their files
 *   VERB.c      one file per verb: a table of its words and a function
 *   bridge/     no part of mboxctl: the daemon that mboxctl bridge talks to
 *   tour/       mboxctl tour; tour/tour.h has the map of its files
 *
 * send and recv work on a mailbox, or, as verbs below link and inbox, on a link or on
 * the inbox: open_box() opens it.
 *
 * To add a verb: a line in VERBS, and a struct verb with its words. Help, completion,
 * abbreviations and "did you mean" follow from these; check-help.sh compares the page.
 *
 * A command runs in three steps that do not mix: it parses the words and checks them
 * against each other (exit status 1), calls the library, and prints the result (exit
 * status 2 to 5 if either fails).
 */
#ifndef MBOXCTL_H
#define MBOXCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <mbox.h>
#include <mbox_monitor.h>

/* Documented in mboxctl(8), EXIT STATUS; status_of() derives the last four from an error. */
enum status {
	STATUS_DONE = 0,
	STATUS_USAGE = 1,
	STATUS_ERROR = 2,
	STATUS_AGAIN = 3,	/* it would block, or the time was up */
	STATUS_GONE = 4,	/* no such mailbox or process, or it is gone */
	STATUS_DENIED = 5,	/* not permitted */
};

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define WORDS_MAX	32

/* The value of a word; verbs index an array of these by the word's place. */
struct value {
	bool given;
	uint64_t num;
	const char *text;		/* as it was given */
};

/* One of the values that a word may have, which is a number of the kernel. */
struct choice {
	const char *name;
	const char *help;		/* or NULL */
};

/*
 * A word that may follow NAME: key=VALUE if @parse is set, else a flag. A word that
 * begins with -- may replace NAME. With @choices, the first @max + 1 of them are the
 * values, and @arg and @form follow from their names.
 */
struct word {
	const char *name;
	const char *arg;
	bool (*parse)(const struct word *word, const char *text, uint64_t *num);
	uint64_t min, max;
	const char *form;		/* completes "has to be ..." */
	const char *help;
	const struct choice *choices;	/* with parse_choice; else NULL */
	const char *hints;		/* values for completion; NAME, PID, USER: all there are */
	void (*print_hints)(void);	/* prints more of them; or NULL */
};

struct command;

/* The first operand of a verb. */
enum first {
	FIRST_NAME,	/* name of a mailbox */
	FIRST_NEW,	/* name of a mailbox that is to be made */
	FIRST_MAYBE,	/* name of a mailbox, or nothing */
	FIRST_PID,	/* id of a process, which is linked to */
	FIRST_VERB,	/* name of a verb, or nothing */
	FIRST_USER,	/* name or number of a user, or nothing */
	FIRST_FILES,	/* names of files, or nothing */
	FIRST_NONE,	/* nothing: the verb is about no mailbox that is there already */
};

#define TIMEOUT_FORM	"a time such as 5, 0.5, 500ms or 2m, below 292 years"
#define SIZE_FORM	"a number of bytes, such as 4096, 64k, 64KiB or 1G"

/* Types of messages. */
#define TYPE_FORM	"0 to 18446744073709551615"

/* Modes that are worth completing. */
#define MODE_HINTS	"0600 0620 0622 0640 0644 0660 0666"

struct verb {
	const char *name;
	const char *aliases;		/* other names, with a space between two; or NULL */
	const char *operands;		/* as in the synopsis */
	const char *synopsis;		/* of the words; or NULL: each of them in brackets */
	const char *summary;
	const char *notes;		/* for --help, below the words; or NULL */
	void (*more)(void);		/* prints the rest of --help; or NULL */
	const struct word *words;	/* ends with a word without name */
	enum first first;
	const struct verb *const *subs;	/* one of these comes next, with its words; or NULL */
	const char *operand;		/* one more operand after NAME, or NULL */
	const char *operand_hints;	/* its values for completion, as of a word */
	bool text;			/* any words may follow as TEXT */
	bool command;			/* after --, any words may follow as COMMAND */
	bool more_names;		/* more operands like the first may follow */
	bool owner;			/* only the owner of the mailbox may do this */
	int (*run)(struct command *cmd);
};

/* All verbs, in the order of "mboxctl help". Each is a struct verb, NAME_verb. */
#define VERBS(X) \
	X(create) X(delete) X(send) X(recv) \
	X(ack) X(nack) X(kick) X(call) X(reply) X(serve) X(exec) X(run) \
	X(list) X(show) X(watch) X(top) X(stat) X(links) \
	X(set) X(purge) X(chmod) X(chown) X(handover) \
	X(save) X(restore) X(quota) \
	X(link) X(inbox) X(bridge) X(tour) X(help)

#define VERB_DECLARE(name)	extern const struct verb name##_verb;
VERBS(VERB_DECLARE)
#undef VERB_DECLARE

extern const struct verb *const verbs[];	/* ends with NULL */

/* One call of the tool. */
struct command {
	const struct verb *verb;
	const struct verb *sub;		/* of the verb's, or NULL */
	const struct word *words;	/* of @sub, or of @verb */
	const char *name;		/* NAME, id=N or PID as it was given; or NULL */
	uint64_t id;			/* with id=N, else 0 */
	char **more;			/* further names */
	int nmore;
	pid_t pid;			/* with FIRST_PID, or as the operand */
	uint64_t start;			/* of that process, or 0 */
	char *operand;
	struct value v[WORDS_MAX];
	char **text;
	int ntext;
	const char *file;		/* of the input, for errors; or NULL */
	unsigned long long line;	/* of the input, for errors; or 0 */
	bool json;
	bool verbose;
	bool wide;
	bool help;
	bool version;
};

/* help.c */
void list_verbs(FILE *to);
int print_help(const char *verb_name);

/* guess.c */
struct guess {
	const char *text;
	size_t length;			/* of @text that is compared */
	const char *word;		/* the nearest, or NULL */
	unsigned int nearest;		/* its distance; at first, the least that is too far */
};

void guess_begin(struct guess *guess, const char *text, size_t length);
void guess_try(struct guess *guess, const char *word);
const struct verb *find_verb(const struct command *cmd, const struct verb *const *table,
			     const char *name);

/* args.c */
bool parse_options(struct command *cmd, int argc, char **argv, int *pos);
bool parse_words(struct command *cmd, int argc, char **argv);
bool take_name(struct command *cmd, const char *name);
bool exclusive(const struct command *cmd, size_t a, size_t b);

/* value.c */
bool parse_number(const struct word *word, const char *text, uint64_t *num);
bool parse_size(const struct word *word, const char *text, uint64_t *num);
bool parse_choice(const struct word *word, const char *text, uint64_t *num);
bool parse_bytes(const struct word *word, const char *text, uint64_t *num);
bool parse_capacity(const struct word *word, const char *text, uint64_t *num);
bool parse_octal(const struct word *word, const char *text, uint64_t *num);
bool parse_seconds(const struct word *word, const char *text, uint64_t *num);
bool parse_pid(const char *text, pid_t *pid);
bool parse_identity(const char *text, pid_t *pid, uint64_t *start);
bool parse_process(const struct word *word, const char *text, uint64_t *num);
bool parse_sender(const struct word *word, const char *text, uint64_t *num);
uint64_t start_of(const struct value *value);

/* names.c */
extern const struct choice states[], lifetimes[], kinds[], policies[];
const char *state_name(unsigned int state);
const char *lifetime_name(unsigned int lifetime);

/* Room for a space, a label of which each byte takes four characters, and a NUL. */
#define LABEL_TEXT_SIZE	(16 + 4 * MBOX_LABEL_MAX)

const char *kind_name(unsigned int kind);
const char *policy_name(unsigned int policy);
const char *call_name(unsigned int call);
const char *event_name(unsigned int event);
const char *hidden_name(unsigned int hidden);
const char *reason_name(unsigned int reason);
bool name_format(char to[LABEL_TEXT_SIZE], const char *name, uint32_t space, const char *label);
const char *user_name(uint32_t uid);
const char *group_name(uint32_t gid);
const char *process_name(uint32_t pid);
bool parse_user(const struct word *word, const char *text, uint64_t *num);
bool parse_group(const struct word *word, const char *text, uint64_t *num);

/* output.c */
enum out_form {
	OUT_FIELDS,	/* text: one field per line */
	OUT_LINE,	/* text: key=value, all in one line */
};
void out_init(bool json);
bool out_human(void);
bool out_json(void);
int out_ready(void);
void out_begin(enum out_form form);
void out_string(const char *key, const char *value);
void out_number(const char *key, uint64_t num);
void out_size(const char *key, uint64_t bytes);
void out_detail(const char *key, uint64_t num, bool known);
void out_flag(const char *key, bool set);
void out_limit(const char *key, uint64_t num, bool limited, const char *word);
void out_time(const char *key, uint64_t nanoseconds);
void out_header(const struct mbox_header *header);
void out_list(const char *key);
void out_item(const char *key);
void out_item_end(void);
void out_list_end(void);
#define TIME_SIZE	64
void format_time(char text[static TIME_SIZE], uint64_t nanoseconds);
void json_string(FILE *f, const char *text, size_t size);
void out_payload(const void *data, size_t size);
void out_close(void);
void out_raw(const void *data, size_t size);
int out_write(const char *data, size_t size);
int out_flush(void);

/* human.c */
#define HUMAN_SIZE	32
bool human_reads(void);
bool human_colours(void);
void human_window(unsigned int *columns, unsigned int *rows);
void format_size(char text[static HUMAN_SIZE], uint64_t bytes);
void format_rate(char text[static HUMAN_SIZE], uint64_t tenths);
void format_age(char text[static HUMAN_SIZE], uint64_t nanoseconds);
const char *in_words(uint64_t nanoseconds);
void format_local(char text[static TIME_SIZE], uint64_t nanoseconds);

/* show.c */
void print_info(const struct mbox_info *info);
void print_process(const char *key, uint32_t pid);

/* job.c */
void print_job_info(const struct mbox_info *info);
int print_jobs(struct mbox_monitor *mon, uint64_t id);

/* table.c */
struct column {
	const char *name;
	size_t width;			/* the least one, in a table whose rows come one by one */
	bool left;			/* the text of a cell is at the left */
	const char *head;		/* text above the column, if not the name */
};

enum style {
	STYLE_NONE,
	STYLE_HEAD,
	STYLE_WARN,
	STYLE_BAD,
};

void table_init(const struct command *cmd, const struct column *const *columns, size_t count,
		bool fixed);
void table_again(void);
int table_head(void);
void cell_style(enum style style);
void cell_text(const char *text);
void cell_number(uint64_t num);
void cell_size(uint64_t bytes);
void cell_rate(uint64_t num);
void cell_none(const char *word);
void cell_flag(bool set);
int table_row(void);
int table_flush(void);

/* box.c, box_filter.c: the words that filter mailboxes come first in a verb's table */
enum { BOX_NAME, BOX_USER, BOX_OWNER, BOX_STATE, BOX_KIND, BOX_FULL, BOX_MESSAGES, BOX_WAITERS,
       BOX_FILTERS };

#define BOX_FILTER_WORDS \
	[BOX_NAME] = { .name = "name", .arg = "PATTERN", .parse = parse_text, \
		       .form = "a pattern of names, as of files", .hints = "NAME", \
		       .help = "those with a name that fits, as patterns of file names" }, \
	[BOX_USER] = { .name = "user", .arg = "USER", .parse = parse_user, .max = UINT32_MAX - 1, \
		       .form = "the name or number of a user", .hints = "USER", \
		       .help = "those of this user, a name or number" }, \
	[BOX_OWNER] = { .name = "owner", .arg = "PID", .parse = parse_process, \
			.form = "the id of a process", .hints = "PID", \
			.help = "those that this process owns" }, \
	[BOX_STATE] = { .name = "state", .parse = parse_choice, \
			.choices = states, .max = MBOX_STATE_DRAINING, \
			.help = "those in this state" }, \
	[BOX_KIND] = { .name = "kind", .parse = parse_choice, \
		       .choices = kinds, .max = MBOX_KIND_INBOX, \
		       .help = "those of this kind" }, \
	[BOX_FULL] = { .name = "full", .help = "those without room" }, \
	[BOX_MESSAGES] = { .name = "messages", .help = "those with messages in them" }, \
	[BOX_WAITERS] = { .name = "waiters", .help = "those with calls that are blocked now" }

#define BOX_FILTER_SYNOPSIS \
	"[name=PATTERN] [user=USER] [owner=PID] [state=live|unlinked|draining] " \
	"[kind=mailbox|ring|inbox] [full] [messages] [waiters]"

#define BOX_COLUMNS_MAX	64

struct boxes {
	const struct command *cmd;	/* has the filters; NULL for all mailboxes */
	struct mbox_monitor_mailbox *all;
	size_t count, room;
};

bool box_name(char to[LABEL_TEXT_SIZE], const struct mbox_monitor_mailbox *box);
bool box_owned(const struct mbox_monitor_mailbox *box);
bool box_has_heir(const struct mbox_monitor_mailbox *box);
bool box_has_side(const struct mbox_monitor_mailbox *box, unsigned int attr);
size_t box_columns_of(const char *list, const struct column **columns);
const struct column *box_column_named(const char *name, size_t length);
int box_row(const struct mbox_monitor_mailbox *box, const struct column *const *columns,
	    size_t count);
void box_print_counters(const struct mbox_monitor_mailbox *box);
int box_compare(const struct mbox_monitor_mailbox *a, const struct mbox_monitor_mailbox *b,
		const struct column *by);
bool box_full(const struct mbox_monitor_mailbox *box);
bool box_wanted(const struct command *cmd, const struct mbox_monitor_mailbox *box);
bool box_filtered(const struct command *cmd);
void box_print_columns(void);
void box_print_column_names(void);
int each_box(const struct command *cmd, struct mbox_monitor *mon,
	     int (*fn)(const struct mbox_monitor_mailbox *box, void *arg), void *arg);
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
	WAKE_AGAIN,	/* nothing; the screen may have to be drawn anew */
	WAKE_END,	/* a signal, or nobody reads any more */
};

uint64_t monotonic(void);
uint64_t realtime(void);
int loop_run(struct command *cmd, int (*body)(struct command *cmd, struct mbox_monitor *mon));
enum wake loop_wait(int fd, uint64_t deadline);

/* open.c */
int open_box(const struct command *cmd, struct mbox **mbp, unsigned int rights);
int set_box(const struct command *cmd, const struct mbox_ioc_set *set);

/* error.c */
enum status status_of(int error);
int usage(const struct command *cmd, const char *why, ...)
	__attribute__((format(printf, 2, 3)));
int refuse(const struct command *cmd, int error, const char *hint, const char *why, ...)
	__attribute__((format(printf, 4, 5)));
int refuse_output(const struct command *cmd, int error);
int done_writing(const struct command *cmd, int error);

/* advice.c */
int refuse_errno(const struct command *cmd, int error);
int refuse_limits(const struct command *cmd, uint64_t msg_size, uint64_t bytes);
int refuse_monitor(const struct command *cmd, const struct mbox_monitor *mon, int error);

/* missing.c */
int refuse_missing(const struct command *cmd);

#endif /* MBOXCTL_H */
