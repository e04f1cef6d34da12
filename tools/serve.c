// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl serve: a process for each call, whose output is the reply */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "leasing.h"

enum { COUNT, NONBLOCK, TIMEOUT };

static const struct word words[] = {
	[COUNT] = { .name = "count", .arg = "N", .parse = parse_number, .min = 1,
		    .max = UINT64_MAX - 1, .form = "a number from 1 on", .hints = "1 10 100",
		    .help = "end after N calls (default: go on)" },
	[NONBLOCK] = { .name = "nonblock", .help = "fail instead of waiting for a call" },
	[TIMEOUT] = { .name = "timeout", .arg = "TIME", .parse = parse_seconds,
		      .max = INT64_MAX, .form = TIMEOUT_FORM, .hints = "0.1 1 5 10 60",
		      .help = "longest wait for each call" },
	{ 0 },
};

_Static_assert(ARRAY_SIZE(words) <= WORDS_MAX, "room for the values");

/* Have room for a reply, if the message is a call. */
static int output_grow(struct output *output, const struct job *job)
{
	size_t room = (size_t)job->delivery.room;
	char *data;

	if (output->data && room <= output->room) {
		output->room = room;
		return 0;
	}
	data = realloc(output->data, room + 1);
	if (!data)
		return -ENOMEM;
	output->data = data;
	output->room = room;
	return 0;
}

/* Answer the call whose process has @ran. Return 0 or -errno. */
static int serve_answer(struct mbox *mb, const struct job *job, const struct ran *ran,
			const struct output *output)
{
	bool call = job->delivery.flags & MBOX_DELIVERY_CALL;
	uint64_t token = job->delivery.token;
	int error;

	if (ran->error || (ran->signal && ran->status))
		error = mbox_nack(mb, token, MBOX_NACK_RELEASE, 0, 0);
	else if (ran->status || (call && output->cut))
		error = mbox_nack(mb, token, MBOX_NACK_REJECT, 0,
				  ran->status ? (uint32_t)ran->status : EMSGSIZE);
	else
		error = mbox_reply(mb, token, output->data, call ? output->size : 0);
	/* The caller has given up, or the process has replied. */
	return error == -ESTALE || error == -ECANCELED ? 0 : error;
}

/* Return an exit status. */
static int serve_one(struct command *cmd, struct mbox *mb, const struct job *job,
		     struct output *output)
{
	bool call = job->delivery.flags & MBOX_DELIVERY_CALL;
	struct ran ran = { .error = output_grow(output, job) };
	int error;

	if (!ran.error)
		ran = command_run(cmd, job, -1, output);
	error = serve_answer(mb, job, &ran, output);
	if (ran.error)
		refuse(cmd, ran.error, NULL, "%s: %s; the call is back in the mailbox", cmd->text[0],
		       strerror(-ran.error));
	else if (call && output->cut && !ran.status)
		refuse(cmd, -EMSGSIZE, "room= of mboxctl call makes room for more",
		       "the output is longer than the caller takes, %llu bytes; the call is rejected",
		       (unsigned long long)output->room);
	else if (error)
		refuse_leasing(cmd, error);
	command_end(ran.signal);
	if (ran.error)
		return ran.status ? ran.status : STATUS_ERROR;
	return error ? STATUS_ERROR : STATUS_DONE;
}

static int refuse_serve(const struct command *cmd, int error)
{
	switch (-error) {
	case EAGAIN:
		return refuse(cmd, error, "leave out nonblock to wait for one, or say timeout=TIME",
			      "no call is there");
	case ETIMEDOUT:
		return refuse(cmd, error, NULL, "no call came within %s",
			      in_words(cmd->v[TIMEOUT].num));
	}
	return refuse_leasing(cmd, error);
}

static int run(struct command *cmd)
{
	const struct value *v = cmd->v;
	struct leasing how = {
		.timed = v[TIMEOUT].given,
		.timeout = v[TIMEOUT].num,
	};
	struct output output = { .data = NULL };
	struct job job = JOB_INIT;
	uint64_t done = 0;
	struct mbox *mb;
	int status, error;

	if (!exclusive(cmd, TIMEOUT, NONBLOCK))
		return STATUS_USAGE;
	if (!cmd->text)
		return usage(cmd, "COMMAND is missing; it comes after --");
	if (v[NONBLOCK].given)
		how.opts.flags |= MBOX_RECV_NONBLOCK;
	error = open_box(cmd, &mb, MBOX_RIGHT_RECV);
	if (error)
		return error;
	status = STATUS_DONE;
	for (; !status && (!v[COUNT].given || done < v[COUNT].num); done++) {
		error = leasing_lease(mb, &how, 0, &job);
		status = error ? refuse_serve(cmd, error) : serve_one(cmd, mb, &job, &output);
	}
	mbox_close(mb);
	free(output.data);
	leasing_exit(&job);
	return status;
}

const struct verb serve_verb = {
	.name = "serve",
	.operands = "NAME",
	.synopsis = "[count=N] [nonblock] [timeout=TIME] -- COMMAND...",
	.summary = "answer calls: run a command for each, whose output is the reply",
	.notes = "The request is the standard input of COMMAND. If it ends with another status than 0,\n"
		 "the call is rejected, with that status as its code. Variables of its environment tell\n"
		 "about the call: MBOX_PID, MBOX_UID, MBOX_ROOM, MBOX_LEFT and more, see the manual page.",
	.words = words,
	.command = true,
	.run = run,
};
