// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl recv */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "leasing.h"

/* Messages that are received in one call, and bytes of their buffers. */
#define BATCH_MAX	32
#define BATCH_ROOM	(512U << 10)

/* No message is longer. */
#define TRUNC_MAX	(1U << 30)

static bool parse_count(const struct word *word, const char *text, uint64_t *num)
{
	if (!strcmp(text, "all")) {
		*num = UINT64_MAX;
		return true;
	}
	return parse_number(word, text, num);
}

enum { COUNT, ALL, NONBLOCK, TIMEOUT, PEEK, AT, TYPE, NOTTYPE, MAXTYPE, FROM, MINPRIO, TRUNC, HEADER,
       LINES, NUL, FOLLOW, LEASE, FOR, HOLDER, EXEC, DELAY };

static const struct word words[] = {
	[COUNT] = { .name = "count", .arg = "N|all", .parse = parse_count, .min = 1,
		    .max = UINT64_MAX - 1, .form = "a number from 1 on, or all",
		    .hints = "1 10 100 all",
		    .help = "receive N messages (default 1); all: those queued, then end" },
	[ALL] = { .name = "all", .help = "the same as count=all" },
	[NONBLOCK] = { .name = "nonblock", .help = "fail instead of waiting for a message" },
	[TIMEOUT] = { .name = "timeout", .arg = "TIME", .parse = parse_seconds,
		      .max = INT64_MAX, .form = TIMEOUT_FORM, .hints = "100ms 1s 5s 10s 1m",
		      .help = "longest wait for each message: 5, 0.5, 500ms, 2m" },
	[PEEK] = { .name = "peek", .help = "leave the message in the mailbox" },
	[AT] = { .name = "at", .arg = "N", .parse = parse_number, .max = UINT64_MAX,
		 .form = "a number", .hints = "0 1 2",
		 .help = "with peek: the message after N others; do not wait for it" },
	[TYPE] = { .name = "type", .arg = "N", .parse = parse_number, .max = UINT64_MAX,
		   .form = TYPE_FORM, .help = "only messages of this type" },
	[NOTTYPE] = { .name = "nottype", .arg = "N", .parse = parse_number, .max = UINT64_MAX,
		      .form = TYPE_FORM, .help = "only messages of other types" },
	[MAXTYPE] = { .name = "maxtype", .arg = "N", .parse = parse_number, .max = UINT64_MAX,
		      .form = TYPE_FORM,
		      .help = "of the types up to this, the lowest that is queued" },
	[FROM] = { .name = "from", .arg = "PID[:START]", .parse = parse_sender, .max = INT32_MAX,
		   .form = "a process id, or that and a start time", .hints = "PID",
		   .help = "only messages that this process sent" },
	[MINPRIO] = { .name = "minprio", .arg = "N", .parse = parse_number, .max = MBOX_PRIO_MAX,
		      .form = "0 to 32767", .help = "only messages of at least this priority" },
	[TRUNC] = { .name = "trunc", .arg = "BYTES", .parse = parse_size, .max = TRUNC_MAX,
		    .form = SIZE_FORM ", up to 1G", .hints = "0 64 1K 4K 64K",
		    .help = "cut a message to its first bytes, and lose the rest" },
	[HEADER] = { .name = "header", .help = "print one line about each message before it" },
	[LINES] = { .name = "lines", .help = "print a newline after each message" },
	[NUL] = { .name = "nul", .help = "print a NUL byte after each message" },
	[FOLLOW] = { .name = "follow", .help = "go on until the mailbox ends, or for ever" },
	[LEASE] = { .name = "lease",
		    .help = "print it and its token, and hold it until it is acknowledged" },
	[FOR] = { .name = "for", .arg = "TIME", .parse = parse_seconds, .min = 1,
		  .max = INT64_MAX, .form = TIMEOUT_FORM, .hints = "1 10 60",
		  .help = "with lease: then it returns, if it is not acknowledged" },
	[HOLDER] = { .name = "holder", .arg = "PID", .parse = parse_process,
		     .form = "the id of a process", .hints = "PID",
		     .help = "with lease: end at once, and hold it until this process ends" },
	[EXEC] = { .name = "exec",
		   .help = "run COMMAND for each message, and acknowledge on success" },
	[DELAY] = { .name = "delay", .arg = "TIME", .parse = parse_seconds, .max = INT64_MAX,
		    .form = TIMEOUT_FORM, .hints = "0 0.1 1 10 60",
		    .help = "with exec: a failed message returns after this (with follow 1)" },
	{ 0 },
};

static void print_message(const struct command *cmd, const struct mbox_header *header,
			  const void *data, size_t size)
{
	if (cmd->json || cmd->v[HEADER].given) {
		out_begin(OUT_LINE);
		out_header(header);
		if (cmd->json)
			out_payload(data, size);
		out_close();
	}
	if (cmd->json)
		return;
	out_payload(data, size);
	/* The prompt of a shell is to begin a line. */
	if (cmd->v[LINES].given ||
	    (out_human() && !cmd->v[NUL].given && size && ((const char *)data)[size - 1] != '\n'))
		out_raw("\n", 1);
	if (cmd->v[NUL].given)
		out_raw("", 1);
}

/* Is EOWNERDEAD about the sending process, and not about a mailbox that is gone? */
static bool sender_ended(const struct command *cmd, const struct mbox_info *info)
{
	return info->state != MBOX_STATE_DEAD &&
	       (info->kind == MBOX_KIND_LINK || info->kind == MBOX_KIND_RING ||
		start_of(&cmd->v[FROM]));
}

int refuse_recv(const struct command *cmd, struct mbox *mb, bool all, int error, uint64_t done)
{
	bool filter = cmd->v[TYPE].given || cmd->v[NOTTYPE].given || cmd->v[MAXTYPE].given ||
		      cmd->v[FROM].given || cmd->v[MINPRIO].given;
	struct mbox_info info = { .flags = 0 };
	char after[60] = "";

	if (all && (error == -EAGAIN || error == -EPIPE))
		return STATUS_DONE;
	all |= cmd->v[FOLLOW].given;
	/* A draining mailbox ends with its last message. */
	if (all && error == -EIDRM && !mbox_get(mb, &info) && !info.dropped)
		return STATUS_DONE;
	/* A link, a ring or a sender has ended when its last message is received. */
	if (error == -EOWNERDEAD && !mbox_get(mb, &info) && all && sender_ended(cmd, &info))
		return STATUS_DONE;
	if ((cmd->v[COUNT].given || cmd->v[FOLLOW].given) && done)
		snprintf(after, sizeof(after), " after %llu message%s",
			 (unsigned long long)done, done == 1 ? "" : "s");
	switch (-error) {
	case EAGAIN:
		return refuse(cmd, error, "leave out nonblock to wait for one, or say timeout=TIME",
			      "no message%s is there%s", filter ? " that fits" : "", after);
	case ETIMEDOUT:
		return refuse(cmd, error, NULL, "no message%s came within %s%s",
			      filter ? " that fits" : "",
			      in_words(cmd->v[TIMEOUT].num), after);
	case EIDRM:
		return refuse(cmd, error, NULL, "the mailbox was deleted%s", after);
	case EOWNERDEAD:
		return refuse(cmd, error, NULL, "%s has ended%s",
			      sender_ended(cmd, &info) ? "the sending process" :
			      "the process that owned it", after);
	case EBUSY:
		return refuse(cmd, error, "wait until that receive is done; see exclusive: mboxctl show NAME",
			      "another process is receiving, and the mailbox allows only one%s", after);
	}
	if (error == -EOPNOTSUPP && cmd->v[MAXTYPE].given && !mbox_get(mb, &info) &&
	    info.kind != MBOX_KIND_RING)
		return refuse(cmd, error, "type= and nottype= work there too",
			      "a link or an inbox has no maxtype");
	return refuse_errno(cmd, error);
}

/* A message was received that could not be written. */
static int refuse_lost(const struct command *cmd, int error, const struct mbox_header *header)
{
	return refuse(cmd, error == -EPIPE ? -EIO : error, NULL,
		      "standard output: %s; message %llu, of %llu bytes, was taken and is lost",
		      strerror(-error), (unsigned long long)header->seq,
		      (unsigned long long)header->length);
}

/*
 * Receive a message, or its first bytes. Return how many there are, in a buffer for the
 * caller to free, or -errno.
 */
static ssize_t receive_payload(const struct command *cmd, struct mbox *mb, void **datap,
			       const struct mbox_recv_opts *opts, struct mbox_header *header)
{
	size_t most = (size_t)cmd->v[TRUNC].num;
	ssize_t size;
	void *data;

	if (!cmd->v[TRUNC].given)
		return mbox_recv_alloc(mb, datap, opts, header);
	data = malloc(most ? most : 1);
	if (!data)
		return -ENOMEM;
	size = mbox_recv(mb, data, most, opts, header);
	if (size < 0) {
		free(data);
		return size;
	}
	*datap = data;
	return (size_t)size < most ? size : (ssize_t)most;
}

/*
 * Receive one message and print it. Return 1, or -errno, which is about the output if
 * @status is set, and else about the mailbox.
 */
static int receive(struct command *cmd, struct mbox *mb, struct mbox_recv_opts *opts,
		   int *status)
{
	struct mbox_header header;
	ssize_t size;
	void *data;
	int error;

	error = out_ready();
	if (error) {
		*status = refuse_output(cmd, error);
		return error;
	}
	if (cmd->v[TIMEOUT].given)
		mbox_deadline_after((int64_t)cmd->v[TIMEOUT].num, MBOX_CLOCK_MONOTONIC,
				    &opts->deadline);
	size = receive_payload(cmd, mb, &data, opts, &header);
	if (size < 0)
		return (int)size;
	print_message(cmd, &header, data, (size_t)size);
	free(data);
	/* Write it at once, so that no more than this message can be lost. */
	error = out_flush();
	if (error)
		*status = cmd->v[PEEK].given ? refuse_output(cmd, error) :
			  refuse_lost(cmd, error, &header);
	return error ? error : 1;
}

/* Buffers for several messages. */
struct batch {
	unsigned int count;		/* of entries; 0: receive one by one */
	size_t size;			/* of the buffer of each */
	char *data;
	struct mbox_recv_entry *entries;
};

/* Make buffers, if the messages of the mailbox are not too long for several of them. */
static void batch_init(struct batch *batch, struct mbox *mb)
{
	struct mbox_info info;
	size_t count;

	*batch = (struct batch) { .count = 0 };
	if (mbox_get(mb, &info) || !info.msg_size)
		return;
	count = BATCH_ROOM / info.msg_size;
	if (count > BATCH_MAX)
		count = BATCH_MAX;
	if (count < 2)
		return;
	batch->size = info.msg_size;
	batch->data = malloc(count * batch->size);
	batch->entries = calloc(count, sizeof(*batch->entries));
	if (!batch->data || !batch->entries)
		return;
	batch->count = (unsigned int)count;
	for (unsigned int i = 0; i < batch->count; i++)
		mbox_recv_entry_set(&batch->entries[i], batch->data + i * batch->size, batch->size);
}

static void batch_exit(struct batch *batch)
{
	free(batch->data);
	free(batch->entries);
}

/*
 * Receive messages that are there, up to @most, or wait for one, and print them. Return
 * their number, or -errno as receive().
 */
static int receive_batch(struct command *cmd, struct mbox *mb, struct batch *batch, uint64_t most,
			 struct mbox_recv_opts *opts, int *status)
{
	unsigned int count = most < batch->count ? (unsigned int)most : batch->count;
	int error, got;

	error = out_ready();
	if (error) {
		*status = refuse_output(cmd, error);
		return error;
	}
	if (cmd->v[TIMEOUT].given)
		mbox_deadline_after((int64_t)cmd->v[TIMEOUT].num, MBOX_CLOCK_MONOTONIC,
				    &opts->deadline);
	got = mbox_recvv(mb, batch->entries, count, 1, opts);
	for (int i = 0; i < got; i++)
		print_message(cmd, &batch->entries[i].header, batch->data + (size_t)i * batch->size,
			      (size_t)batch->entries[i].header.length);
	if (got < 0)
		return got;
	error = out_flush();
	if (!error)
		return got;
	if (got == 1)
		*status = refuse_lost(cmd, error, &batch->entries[0].header);
	else
		*status = refuse(cmd, error == -EPIPE ? -EIO : error, NULL,
				 "standard output: %s; %d messages, from %llu on, were taken and are lost",
				 strerror(-error), got,
				 (unsigned long long)batch->entries[0].header.seq);
	return error;
}

/*
 * Print the process id of this command, for others to send to. Do so before the receive:
 * that may wait long, and if this output fails, so would that of the message.
 */
static int print_pid(const struct command *cmd)
{
	int error;

	out_begin(OUT_FIELDS);
	out_number("pid", (uint64_t)getpid());
	out_close();
	error = out_flush();
	return error ? refuse_output(cmd, error) : STATUS_DONE;
}

_Static_assert(ARRAY_SIZE(words) <= WORDS_MAX, "room for the values");

/* Check the words of lease and exec. */
static bool check_lease(const struct command *cmd)
{
	static const int plain[] = { PEEK, TRUNC, HEADER, LINES };
	static const int many[] = { COUNT, ALL, FOLLOW };
	const struct value *v = cmd->v;
	const char *wrong = NULL;

	if (!exclusive(cmd, LEASE, EXEC))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (!exclusive(cmd, LEASE, (size_t)plain[i]) ||
		    !exclusive(cmd, EXEC, (size_t)plain[i]))
			return false;
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		if (!exclusive(cmd, LEASE, (size_t)many[i]))
			return false;
	if ((v[FOR].given || v[HOLDER].given) && !v[LEASE].given)
		wrong = "for and holder go with lease";
	else if (v[DELAY].given && !v[EXEC].given)
		wrong = "delay goes with exec";
	else if (v[EXEC].given && !cmd->text)
		wrong = "COMMAND is missing; it comes after --";
	else if (!v[EXEC].given && cmd->text)
		wrong = "COMMAND goes with exec";
	if (wrong)
		usage(cmd, "%s", wrong);
	return !wrong;
}

/* Receive with a lease, or by a process for each message. */
static int receive_lease(struct command *cmd, struct mbox *mb,
			 const struct mbox_recv_opts *opts, uint64_t count)
{
	const struct value *v = cmd->v;
	const struct leasing how = {
		.opts = *opts,
		.timed = v[TIMEOUT].given,
		.timeout = v[TIMEOUT].num,
		.time = v[FOR].num,
		.count = v[ALL].given ? UINT64_MAX : count,
		.all = v[ALL].given || count == UINT64_MAX,
		.follow = v[FOLLOW].given,
		.delay = v[FOLLOW].given && !v[DELAY].given ? 1000000000 : v[DELAY].num,
		.holder = (pid_t)v[HOLDER].num,
	};

	return v[LEASE].given ? lease_run(cmd, mb, &how) : exec_run(cmd, mb, &how);
}

/* Set the filter by the type: one word at most. */
static bool set_type(const struct command *cmd, struct mbox_recv_opts *opts)
{
	static const struct {
		size_t word;
		uint32_t flag;
	} ways[] = {
		{ TYPE, MBOX_RECV_BY_TYPE },
		{ NOTTYPE, MBOX_RECV_NOT_TYPE },
		{ MAXTYPE, MBOX_RECV_MAX_TYPE },
	};

	if (!exclusive(cmd, TYPE, NOTTYPE) || !exclusive(cmd, TYPE, MAXTYPE) ||
	    !exclusive(cmd, NOTTYPE, MAXTYPE) || !exclusive(cmd, AT, MAXTYPE))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		const struct value *value = &cmd->v[ways[i].word];

		if (!value->given)
			continue;
		opts->flags |= ways[i].flag;
		opts->type = (uint32_t)value->num;
		opts->type_hi = (uint32_t)(value->num >> 32);
	}
	return true;
}

static int run(struct command *cmd)
{
	const struct value *v = cmd->v;
	uint64_t count = v[COUNT].given ? v[COUNT].num : v[FOLLOW].given ? UINT64_MAX - 1 : 1;
	bool all = v[ALL].given || count == UINT64_MAX;
	struct mbox_recv_opts opts = {
		.pid = (uint32_t)v[FROM].num,
		.min_prio = (uint32_t)v[MINPRIO].num,
		.start = start_of(&v[FROM]),
		.index = v[AT].num,
	};
	struct batch batch = { .count = 0 };
	int status = STATUS_DONE, ret;
	uint64_t done = 0;
	struct mbox *mb;

	if (!exclusive(cmd, COUNT, ALL) || !exclusive(cmd, TIMEOUT, NONBLOCK) ||
	    !exclusive(cmd, FOLLOW, COUNT) || !exclusive(cmd, FOLLOW, ALL) ||
	    !exclusive(cmd, FOLLOW, NONBLOCK) || !exclusive(cmd, FOLLOW, PEEK) ||
	    !exclusive(cmd, LINES, NUL) || !check_lease(cmd) || !set_type(cmd, &opts))
		return STATUS_USAGE;
	if (v[PEEK].given && (all || count > 1))
		return usage(cmd, "peek leaves the message queued, so every receive would return the same one");
	if (v[AT].given && !v[PEEK].given)
		return usage(cmd, "at goes with peek: only the next message can be received");
	if (v[TIMEOUT].given && all)
		return usage(cmd, "all does not wait, so timeout has no use");
	if (v[NONBLOCK].given || all)
		opts.flags |= MBOX_RECV_NONBLOCK;
	if (v[PEEK].given)
		opts.flags |= MBOX_RECV_PEEK;
	if (v[AT].given)
		opts.flags |= MBOX_RECV_AT;
	if (v[TRUNC].given)
		opts.flags |= MBOX_RECV_TRUNC;
	if (v[FROM].given)
		opts.flags |= MBOX_RECV_BY_SENDER;
	if (opts.start)
		opts.flags |= MBOX_RECV_BY_START;
	if (v[TIMEOUT].given)
		opts.clock = MBOX_CLOCK_MONOTONIC;

	status = open_box(cmd, &mb, MBOX_RIGHT_RECV);
	if (status)
		return status;
	if (cmd->verbose && cmd->verb->first != FIRST_NAME)
		status = print_pid(cmd);
	if (!status && (v[LEASE].given || v[EXEC].given)) {
		status = receive_lease(cmd, mb, &opts, count);
		mbox_close(mb);
		return status;
	}
	if ((all || count > 1) && !v[TRUNC].given)
		batch_init(&batch, mb);
	while (!status && (all || done < count)) {
		ret = batch.count ? receive_batch(cmd, mb, &batch, all ? UINT64_MAX : count - done,
						  &opts, &status) : -EMSGSIZE;
		/* A message may be longer than those were when the mailbox was opened. */
		if (ret == -EMSGSIZE)
			ret = receive(cmd, mb, &opts, &status);
		if (ret > 0)
			done += (uint64_t)ret;
		else if (!status)
			status = refuse_recv(cmd, mb, all, ret, done);
		if (ret < 0)
			break;
	}
	batch_exit(&batch);
	mbox_close(mb);
	return status;
}

const struct verb recv_verb = {
	.name = "recv",
	.aliases = "receive",
	.operands = "NAME",
	.synopsis = "[count=N|all] [follow] [nonblock] [timeout=TIME] [peek [at=N]] "
		    "[type=N|nottype=N|maxtype=N] [from=PID[:START]] [minprio=N] [trunc=BYTES] "
		    "[header] [lines|nul] [lease] [for=TIME] [holder=PID] [exec] [delay=TIME] [-- COMMAND...]",
	.summary = "receive messages and print them",
	.notes = "Payloads are printed byte for byte. With -j each message is one line of JSON:\n"
		 "its header, the payload as \"text\" if it is valid UTF-8, and as \"base64\".\n"
		 "With exec, the payload is the standard input of COMMAND; if COMMAND fails, the message\n"
		 "returns to its place, and its status is that of recv, unless recv follows.",
	.words = words,
	.command = true,
	.run = run,
};
