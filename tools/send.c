// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl send */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mboxctl.h"

/* Read up to here to report the length of a message that is too long. */
#define COUNT_LIMIT	(256ULL << 20)

enum { PRIO, TYPE, SYNC, NONBLOCK, TIMEOUT, LINES };

static const struct word words[] = {
	[PRIO] = { .name = "prio", .arg = "N", .parse = parse_number, .max = MBOX_PRIO_MAX,
		   .form = "0 to 32767",
		   .help = "priority, 0 to 32767 (default 0); higher is received first" },
	[TYPE] = { .name = "type", .arg = "N", .parse = parse_number, .max = UINT32_MAX,
		   .form = "0 to 4294967295",
		   .help = "type, a number that receivers may select by (default 0)" },
	[SYNC] = { .name = "sync", .help = "wait until the message is received" },
	[NONBLOCK] = { .name = "nonblock", .help = "fail instead of waiting for room" },
	[TIMEOUT] = { .name = "timeout", .arg = "SECONDS", .parse = parse_seconds,
		      .max = INT64_MAX, .form = TIMEOUT_FORM, .hints = "0.1 1 5 10 60",
		      .help = "longest wait for each message; may have a fraction" },
	[LINES] = { .name = "lines", .help = "each line of standard input is a message" },
	{ 0 },
};

/* A send that is under way. */
struct sending {
	struct command *cmd;
	struct mbox *mb;
	struct mbox_info info;
	struct mbox_send_opts opts;
};

static int refuse_too_long(const struct sending *s, unsigned long long size, bool more)
{
	return refuse(s->cmd, "msgsize= of mboxctl create makes mailboxes for longer messages",
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
		/* The counters of a link are about the other direction. */
		if (s->info.kind != MBOX_KIND_MAILBOX)
			return refuse(cmd, "leave out nonblock to wait for room, or say timeout=SECONDS",
				      s->info.kind == MBOX_KIND_RING ? "the ring is full" :
				      "the link is full, or its capacity is zero");
		if (s->info.capacity == MBOX_CAPACITY_ZERO)
			return refuse(cmd, "leave out nonblock to wait for one, or say timeout=SECONDS",
				      "no receiver is waiting, and capacity is zero");
		return refuse(cmd, "leave out nonblock to wait for room, or say timeout=SECONDS",
			      "the mailbox is full: %llu message%s, %llu bytes",
			      (unsigned long long)s->info.queued,
			      s->info.queued == 1 ? "" : "s",
			      (unsigned long long)s->info.queued_bytes);
	case EOWNERDEAD:
		if (s->info.kind == MBOX_KIND_RING && s->info.state != MBOX_STATE_DEAD)
			return refuse(cmd, "start a receiver: mboxctl recv NAME",
				      "the ring is full, and the receiving process has ended");
		break;
	case ETIMEDOUT:
		return refuse(cmd, NULL, "%s within %g seconds; nothing was sent",
			      s->info.capacity == MBOX_CAPACITY_ZERO || cmd->v[SYNC].given ?
			      "nobody received it" : "no room",
			      (double)cmd->v[TIMEOUT].num / 1e9);
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
	ret = mbox_send(s->mb, data, size, &s->opts);
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

/* Send the words of TEXT, with one space between two of them. */
static int send_text(struct sending *s)
{
	struct command *cmd = s->cmd;
	size_t size = 0;
	char *text, *end;
	int status;

	for (int i = 0; i < cmd->ntext; i++)
		size += strlen(cmd->text[i]) + 1;
	text = malloc(size);
	if (!text)
		return refuse_errno(cmd, -ENOMEM);
	end = text;
	for (int i = 0; i < cmd->ntext; i++) {
		if (i)
			*end++ = ' ';
		end = stpcpy(end, cmd->text[i]);
	}
	status = send_one(s, text, (size_t)(end - text));
	free(text);
	return status;
}

static int refuse_input(const struct sending *s)
{
	return refuse(s->cmd, NULL, "standard input: %s", strerror(errno));
}

/*
 * Read up to the end of a line, or of the input, into @buf, whose size is the mailbox's
 * limit of a message. Count the bytes beyond, up to COUNT_LIMIT. Return the last byte
 * read, or EOF.
 */
static int read_message(const struct sending *s, char *buf, unsigned long long *size)
{
	int c;

	*size = 0;
	while ((c = getc_unlocked(stdin)) != EOF) {
		if (s->cmd->line && c == '\n')
			break;
		if (*size < s->info.msg_size)
			buf[*size] = (char)c;
		if (++*size >= COUNT_LIMIT && *size > s->info.msg_size)
			break;
	}
	return c;
}

static int send_input(struct sending *s, char *buf)
{
	bool lines = s->cmd->v[LINES].given;
	unsigned long long size;
	int status, end;

	do {
		s->cmd->line += lines;
		end = read_message(s, buf, &size);
		if (ferror(stdin))
			return refuse_input(s);
		/* No line follows the last newline. */
		if (lines && end == EOF && !size)
			break;
		if (size > s->info.msg_size)
			return refuse_too_long(s, size, end != EOF && end != '\n');
		status = send_one(s, buf, (size_t)size);
		if (status)
			return status;
	} while (lines && end != EOF);
	return STATUS_DONE;
}

static int run(struct command *cmd)
{
	struct sending s = {
		.cmd = cmd,
		.opts = {
			.prio = (uint32_t)cmd->v[PRIO].num,
			.type = (uint32_t)cmd->v[TYPE].num,
		},
	};
	char *buf;
	int status;

	if (!exclusive(cmd, SYNC, NONBLOCK) || !exclusive(cmd, TIMEOUT, NONBLOCK))
		return STATUS_USAGE;
	if (cmd->v[LINES].given && cmd->text)
		return usage(cmd, "lines reads the messages from standard input, so TEXT has no use");
	if (cmd->v[SYNC].given)
		s.opts.flags |= MBOX_SEND_SYNC;
	if (cmd->v[NONBLOCK].given)
		s.opts.flags |= MBOX_SEND_NONBLOCK;
	if (cmd->v[TIMEOUT].given)
		s.opts.clock = MBOX_CLOCK_MONOTONIC;

	status = open_box(cmd, &s.mb, MBOX_RIGHT_SEND);
	if (status)
		return refuse_errno(cmd, status);
	status = mbox_get(s.mb, &s.info);
	if (status) {
		status = refuse_errno(cmd, status);
	} else if (cmd->text) {
		status = send_text(&s);
	} else {
		buf = malloc((size_t)s.info.msg_size + 1);
		status = buf ? send_input(&s, buf) : refuse_errno(cmd, -ENOMEM);
		free(buf);
	}
	mbox_close(s.mb);
	return status;
}

const struct verb send_verb = {
	.name = "send",
	.operands = "NAME",
	.summary = "send a message, or each line of standard input as one",
	.notes = "TEXT is one message, its words joined by one space; it begins with the first\n"
		 "word that is none of the above, or after --. Without TEXT the whole of\n"
		 "standard input, byte for byte, is the message.",
	.words = words,
	.text = true,
	.run = run,
};
