// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl send */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "leasing.h"

/* Lines that are sent in one call, and bytes of the input that are read in one. */
#define LINES_BATCH	64
#define INPUT_ROOM	65536

enum { PRIO, TYPE, SYNC, NONBLOCK, TIMEOUT, LINES, NUL, ACKED, DELAY, EXPIRES, MARK };

static const struct word words[] = {
	[PRIO] = { .name = "prio", .arg = "N", .parse = parse_number, .max = MBOX_PRIO_MAX,
		   .form = "0 to 32767",
		   .help = "priority, 0 to 32767 (default 0); higher is received first" },
	[TYPE] = { .name = "type", .arg = "N", .parse = parse_number, .max = UINT64_MAX,
		   .form = TYPE_FORM,
		   .help = "type, a number that receivers may select by (default 0)" },
	[SYNC] = { .name = "sync", .help = "wait until the message is received" },
	[NONBLOCK] = { .name = "nonblock", .help = "fail instead of waiting for room" },
	[TIMEOUT] = { .name = "timeout", .arg = "TIME", .parse = parse_seconds,
		      .max = INT64_MAX, .form = TIMEOUT_FORM, .hints = "100ms 1s 5s 10s 1m",
		      .help = "longest wait for each message: 5, 0.5, 500ms, 2m" },
	[LINES] = { .name = "lines", .help = "each line of standard input is a message" },
	[NUL] = { .name = "nul", .help = "the same, with a NUL byte at the end of each message" },
	[ACKED] = { .name = "acked", .help = "wait until the message is acknowledged" },
	[DELAY] = { .name = "delay", .arg = "TIME", .parse = parse_seconds, .max = INT64_MAX,
		    .form = TIMEOUT_FORM, .hints = "1s 10s 1m 1h",
		    .help = "nobody receives it before" },
	[EXPIRES] = { .name = "expires", .arg = "TIME", .parse = parse_seconds, .min = 1,
		      .max = INT64_MAX, .form = TIMEOUT_FORM, .hints = "1s 10s 1m 1h",
		      .help = "nobody receives it after" },
	[MARK] = { .name = "mark", .arg = "N", .parse = parse_number, .max = UINT64_MAX,
		   .form = "a number", .help = "the mailbox keeps the last mark, for show" },
	{ 0 },
};

/* A send that is under way. */
struct sending {
	struct command *cmd;
	struct mbox *mb;
	struct mbox_info info;
	struct mbox_send_opts opts;
	struct mbox_post_opts post;	/* with @opts */
};

/* @more: it has more bytes than @size; the rest was not read. */
static int refuse_too_long(const struct sending *s, unsigned long long size, bool more)
{
	return refuse(s->cmd, -EMSGSIZE, "msgsize= of create and set makes mailboxes take longer messages",
		      "the message has %s%llu bytes, the mailbox takes %u",
		      more ? "more than " : "", size, s->info.msg_size);
}

static int refuse_send(struct sending *s, int error, size_t size)
{
	struct command *cmd = s->cmd;

	/* Limits may have changed since the mailbox was opened, and counters have. */
	mbox_get(s->mb, &s->info);
	switch (-error) {
	case EMSGSIZE:
		return refuse_too_long(s, size, false);
	case EAGAIN:
		if (s->post.clock)
			return refuse(cmd, error, "a message with delay or expires does not wait for room",
				      "the mailbox is full, or its capacity is zero");
		/* The counters of a link are about the other direction. */
		if (s->info.kind != MBOX_KIND_MAILBOX)
			return refuse(cmd, error, "leave out nonblock to wait for room, or say timeout=TIME",
				      s->info.kind == MBOX_KIND_RING ? "the ring is full" :
				      "the link is full, or its capacity is zero");
		if (s->info.capacity == MBOX_CAPACITY_ZERO)
			return refuse(cmd, error, "leave out nonblock to wait for one, or say timeout=TIME",
				      "no receiver is waiting, and capacity is zero");
		return refuse(cmd, error, "leave out nonblock to wait for room, or say timeout=TIME",
			      "the mailbox is full: %llu message%s, %llu bytes",
			      (unsigned long long)s->info.queued,
			      s->info.queued == 1 ? "" : "s",
			      (unsigned long long)s->info.queued_bytes);
	case EOWNERDEAD:
		if (s->info.kind == MBOX_KIND_RING && s->info.state != MBOX_STATE_DEAD)
			return refuse(cmd, error, "start a receiver: mboxctl recv NAME",
				      "the ring is full, and the receiving process has ended");
		break;
	case EOPNOTSUPP:
		if (s->post.flags)
			return refuse_leasing(cmd, error);
		if (s->opts.type_hi && !s->opts.prio && !cmd->v[SYNC].given)
			return refuse(cmd, error, "see kind and policy: mboxctl show NAME",
				      "a ring or a broadcast takes types up to 4294967295");
		break;
	case ETIMEDOUT:
		if (cmd->v[ACKED].given)
			return refuse(cmd, error, NULL, "nobody acknowledged it within %s; it is withdrawn",
				      in_words(cmd->v[TIMEOUT].num));
		return refuse(cmd, error, NULL, "%s within %s; nothing was sent",
			      s->info.capacity == MBOX_CAPACITY_ZERO || cmd->v[SYNC].given ?
			      "nobody received it" : "no room",
			      in_words(cmd->v[TIMEOUT].num));
	}
	return refuse_errno(cmd, error);
}

static int send_one(struct sending *s, const void *data, size_t size)
{
	bool broadcast = s->info.policy == MBOX_POLICY_BROADCAST;
	struct command *cmd = s->cmd;
	int ret;

	if (cmd->v[TIMEOUT].given)
		mbox_deadline_after((int64_t)cmd->v[TIMEOUT].num, MBOX_CLOCK_MONOTONIC,
				    &s->opts.deadline);
	if (cmd->v[DELAY].given)
		s->post.not_before = leasing_time(cmd->v[DELAY].num, s->post.clock);
	if (cmd->v[EXPIRES].given)
		s->post.expires = leasing_time(cmd->v[EXPIRES].num, s->post.clock);
	s->post.send = &s->opts;
	ret = s->post.flags ? mbox_post(s->mb, data, size, &s->post) :
			      mbox_send(s->mb, data, size, &s->opts);
	if (ret < 0)
		return refuse_send(s, ret, size);
	if (cmd->verbose && (ret || broadcast)) {
		out_begin(OUT_FIELDS);
		out_number(broadcast ? "receivers" : "receiver", (unsigned int)ret);
		out_close();
		ret = out_flush();
		if (ret)
			return refuse_output(cmd, ret);
	}
	return STATUS_DONE;
}

/* Send TEXT. */
static int send_text(struct sending *s)
{
	size_t size;
	char *text = text_join(s->cmd, &size);
	int status;

	if (!text)
		return refuse_errno(s->cmd, -ENOMEM);
	status = send_one(s, text, size);
	free(text);
	return status;
}

static int refuse_input(const struct sending *s)
{
	return refuse(s->cmd, -errno, NULL, "standard input: %s", strerror(errno));
}

/* Tell a person who is at the terminal that the text is still to come. */
static void announce_input(const struct sending *s)
{
	char text[200];

	if (!isatty(STDIN_FILENO))
		return;
	snprintf(text, sizeof(text), "mboxctl: send %s: type %s, and end with Ctrl-D\n", s->cmd->name ?
		 s->cmd->name : "", s->cmd->v[LINES].given ? "a message in each line" : "the message");
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		return;
}

/*
 * Read up to the end of the input, or one byte beyond the mailbox's limit of a message.
 * Return the number of bytes, or -1.
 */
static ssize_t read_message(const struct sending *s, char *buf)
{
	size_t size = 0, room = (size_t)s->info.msg_size + 1;

	while (size < room) {
		ssize_t got = read(STDIN_FILENO, buf + size, room - size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		size += (size_t)got;
	}
	return (ssize_t)size;
}

/* Send the whole input as one message. */
static int send_input(struct sending *s)
{
	char *buf = malloc((size_t)s->info.msg_size + 1);
	ssize_t size;
	int status;

	if (!buf)
		return refuse_errno(s->cmd, -ENOMEM);
	announce_input(s);
	size = read_message(s, buf);
	if (size < 0)
		status = refuse_input(s);
	else if ((size_t)size > s->info.msg_size)
		status = refuse_too_long(s, s->info.msg_size, true);
	else
		status = send_one(s, buf, (size_t)size);
	free(buf);
	return status;
}

/* The input that is at hand, and the lines in it that are not sent yet. */
struct lines {
	char *buf;
	size_t room, used;
	unsigned long long first;	/* number of the first of them */
	unsigned int count;
	struct mbox_send_entry entries[LINES_BATCH];
};

/* Send the lines one by one, where each has a result of its own. */
static int send_each(struct sending *s, struct lines *lines)
{
	for (unsigned int i = 0; i < lines->count; i++) {
		int status;

		s->cmd->line = lines->first + i;
		status = send_one(s, (const char *)(uintptr_t)lines->entries[i].data,
				  (size_t)lines->entries[i].size);
		if (status)
			return status;
	}
	return STATUS_DONE;
}

/* Send the lines in as few calls as possible. */
static int send_batch(struct sending *s, struct lines *lines)
{
	struct mbox_send_opts opts = s->opts;

	opts.prio = 0;
	opts.type = 0;
	opts.type_hi = 0;
	for (unsigned int i = 0; i < lines->count;) {
		int ret;

		/* Each call that sends some of them begins to wait anew. */
		if (s->cmd->v[TIMEOUT].given)
			mbox_deadline_after((int64_t)s->cmd->v[TIMEOUT].num, MBOX_CLOCK_MONOTONIC,
					    &opts.deadline);
		ret = mbox_sendv(s->mb, lines->entries + i, lines->count - i, &opts);
		if (ret < 0) {
			s->cmd->line = lines->first + i;
			return refuse_send(s, ret, (size_t)lines->entries[i].size);
		}
		i += (unsigned int)ret;
	}
	return STATUS_DONE;
}

static int flush_lines(struct sending *s, struct lines *lines)
{
	bool each = s->cmd->v[SYNC].given || s->post.flags || s->cmd->verbose;
	int status = STATUS_DONE;

	if (lines->count)
		status = each ? send_each(s, lines) : send_batch(s, lines);
	lines->first += lines->count;
	lines->count = 0;
	s->cmd->line = lines->first;
	return status;
}

static int add_line(struct sending *s, struct lines *lines, const char *data, size_t size)
{
	struct mbox_send_entry *entry = &lines->entries[lines->count++];

	mbox_send_entry_set(entry, data, size);
	entry->prio = s->opts.prio;
	entry->type = s->opts.type;
	entry->type_hi = s->opts.type_hi;
	return lines->count == LINES_BATCH ? flush_lines(s, lines) : STATUS_DONE;
}

/* Read more of the input. Return the number of bytes, 0 at its end, or -1. */
static ssize_t read_more(struct lines *lines)
{
	ssize_t ret;

	do {
		ret = read(STDIN_FILENO, lines->buf + lines->used, lines->room - lines->used);
	} while (ret < 0 && errno == EINTR);
	return ret;
}

/* Send the lines that are complete, or, at the @end of the input, all. */
static int take_lines(struct sending *s, struct lines *lines, bool end)
{
	char *line = lines->buf, *stop = lines->buf + lines->used;
	char end_of_line = s->cmd->v[NUL].given ? '\0' : '\n';
	int status = STATUS_DONE;

	while (!status && line < stop) {
		char *newline = memchr(line, end_of_line, (size_t)(stop - line));
		size_t size = (size_t)((newline ? newline : stop) - line);

		if (!newline && !end && size <= s->info.msg_size)
			break;
		if (size > s->info.msg_size) {
			status = flush_lines(s, lines);
			if (status)
				break;
			return refuse_too_long(s, newline || end ? size : s->info.msg_size,
					       !newline && !end);
		}
		status = add_line(s, lines, line, size);
		line += size + !!newline;
	}
	/* The lines lie in the buffer. */
	if (!status)
		status = flush_lines(s, lines);
	lines->used = (size_t)(stop - line);
	memmove(lines->buf, line, lines->used);
	return status;
}

/*
 * Send each line of the input as a message: those that a read brings in one batch, so
 * that no line waits for others.
 */
static int send_lines(struct sending *s)
{
	struct lines lines = { .first = 1 };
	int status = STATUS_DONE;
	ssize_t got;

	lines.room = (size_t)s->info.msg_size + 2;
	if (lines.room < INPUT_ROOM)
		lines.room = INPUT_ROOM;
	lines.buf = malloc(lines.room);
	if (!lines.buf)
		return refuse_errno(s->cmd, -ENOMEM);
	s->cmd->line = 1;
	announce_input(s);
	do {
		got = read_more(&lines);
		if (got < 0) {
			status = refuse_input(s);
			break;
		}
		lines.used += (size_t)got;
		status = take_lines(s, &lines, got == 0);
	} while (!status && got);
	free(lines.buf);
	return status;
}

/* Check the words that a post has beyond a send, and take them over. */
static bool set_post(struct sending *s)
{
	static const int waits[] = { SYNC, ACKED, TIMEOUT };
	const struct command *cmd = s->cmd;
	const struct value *v = cmd->v;

	for (size_t i = 0; i < ARRAY_SIZE(waits); i++)
		if (!exclusive(cmd, DELAY, (size_t)waits[i]) ||
		    !exclusive(cmd, EXPIRES, (size_t)waits[i]))
			return false;
	if (!exclusive(cmd, ACKED, SYNC) || !exclusive(cmd, ACKED, NONBLOCK))
		return false;
	s->post.flags = (v[MARK].given ? MBOX_POST_MARK : 0) |
			(v[ACKED].given ? MBOX_POST_ACKED : 0) |
			(v[DELAY].given ? MBOX_POST_NOT_BEFORE : 0) |
			(v[EXPIRES].given ? MBOX_POST_EXPIRES : 0);
	s->post.mark = v[MARK].num;
	if (v[DELAY].given || v[EXPIRES].given)
		s->post.clock = MBOX_CLOCK_BOOTTIME;
	return true;
}

static int run(struct command *cmd)
{
	struct sending s = {
		.cmd = cmd,
		.opts = {
			.prio = (uint32_t)cmd->v[PRIO].num,
			.type = (uint32_t)cmd->v[TYPE].num,
			.type_hi = (uint32_t)(cmd->v[TYPE].num >> 32),
		},
	};
	int status;

	if (!exclusive(cmd, SYNC, NONBLOCK) || !exclusive(cmd, TIMEOUT, NONBLOCK) || !set_post(&s))
		return STATUS_USAGE;
	if (!exclusive(cmd, LINES, NUL))
		return STATUS_USAGE;
	if ((cmd->v[LINES].given || cmd->v[NUL].given) && cmd->text)
		return usage(cmd, "%s reads the messages from standard input, so TEXT has no use",
			     cmd->v[NUL].given ? "nul" : "lines");
	if (cmd->v[SYNC].given)
		s.opts.flags |= MBOX_SEND_SYNC;
	if (cmd->v[NONBLOCK].given)
		s.opts.flags |= MBOX_SEND_NONBLOCK;
	if (cmd->v[TIMEOUT].given)
		s.opts.clock = MBOX_CLOCK_MONOTONIC;

	status = open_box(cmd, &s.mb, MBOX_RIGHT_SEND);
	if (status)
		return status;
	status = mbox_get(s.mb, &s.info);
	if (status) {
		status = refuse_errno(cmd, status);
	} else if (cmd->text) {
		status = send_text(&s);
	} else {
		status = cmd->v[LINES].given || cmd->v[NUL].given ? send_lines(&s) : send_input(&s);
	}
	mbox_close(s.mb);
	return status;
}

const struct verb send_verb = {
	.name = "send",
	.operands = "NAME",
	.synopsis = "[prio=N] [type=N] [sync] [nonblock] [timeout=TIME] [lines|nul] [acked] [delay=TIME] "
		    "[expires=TIME] [mark=N] [--] [TEXT...]",
	.summary = "send a message, or each line of standard input as one",
	.notes = "TEXT is one message, its words joined by one space. It begins after --, or with the\n"
		 "first word that is none of the above and does not look like key=: put -- before data.\n"
		 "Without TEXT the whole of standard input, byte for byte, is the message.",
	.words = words,
	.text = true,
	.run = run,
};
