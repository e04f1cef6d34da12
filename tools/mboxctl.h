/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mboxctl: what its files share
 *
 *   mboxctl.c   the table of verbs, options, help
 *   args.c      words of the command line into values
 *   output.c    one set of print calls for text and JSON
 *   error.c     what the kernel said, in words, with what to do
 *   VERB.c      one file per verb: a table of its words and a function
 *   tour.h      has the map of the files of mboxctl tour
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
};

/*
 * A word that may follow NAME: key=VALUE if @parse is set, else a flag.
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
	FIRST_PID,	/* of a process, which is linked to */
	FIRST_NONE,	/* nothing: it is about no mailbox that is there already */
};

struct verb {
	const char *name;
	const char *synopsis;		/* what follows the verb */
	const char *summary;
	const char *notes;		/* for --help, below the words; or NULL */
	const struct word *words;	/* ends with a word without name */
	enum first first;
	const struct verb *const *subs;	/* one of these comes next, with its words; or NULL */
	const char *operand;		/* one more operand after NAME, or NULL */
	bool text;			/* any words may follow as TEXT */
	int (*run)(struct command *cmd);
};

extern const struct verb create_verb, delete_verb, send_verb, recv_verb,
			 show_verb, chmod_verb, chown_verb, handover_verb,
			 link_verb, inbox_verb, tour_verb, help_verb;

/* One call of the tool. */
struct command {
	const struct verb *verb;
	const struct verb *sub;		/* of the verb's, or NULL */
	const struct word *words;	/* of @sub, or of @verb */
	const char *name;		/* NAME, or PID as it was given; or NULL */
	pid_t pid;			/* with FIRST_PID */
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
void out_payload(const void *data, size_t size);
void out_close(void);
void out_raw(const void *data, size_t size);
int out_flush(void);
void print_info(const struct mbox_info *info);

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

#endif /* MBOXCTL_H */
