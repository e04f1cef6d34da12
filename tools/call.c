// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl call */
#include <errno.h>
#include <stdlib.h>
#include "leasing.h"

enum { PRIO, TYPE, RETRY, NONBLOCK, TIMEOUT, ROOM };

static const struct word words[] = {
	[PRIO] = { .name = "prio", .arg = "N", .parse = parse_number, .max = MBOX_PRIO_MAX,
		   .form = "0 to 32767",
		   .help = "priority, 0 to 32767 (default 0); higher is received first" },
	[TYPE] = { .name = "type", .arg = "N", .parse = parse_number, .max = UINT64_MAX,
		   .form = TYPE_FORM,
		   .help = "type, a number that servers may select by (default 0)" },
	[RETRY] = { .name = "retry", .help = "if the server ends, have another one answer" },
	[NONBLOCK] = { .name = "nonblock", .help = "fail instead of waiting for room" },
	[TIMEOUT] = { .name = "timeout", .arg = "TIME", .parse = parse_seconds,
		      .max = INT64_MAX, .form = TIMEOUT_FORM, .hints = "100ms 1s 5s 10s 1m",
		      .help = "longest wait for the reply: 5, 0.5, 500ms, 2m" },
	[ROOM] = { .name = "room", .arg = "N", .parse = parse_size, .max = UINT32_MAX,
		   .form = SIZE_FORM,
		   .hints = "4K 8K 64K 256K 1M",
		   .help = "longest reply in bytes (default msgsize)" },
	{ 0 },
};

_Static_assert(ARRAY_SIZE(words) <= WORDS_MAX, "room for the values");

static int refuse_ended(const struct command *cmd, struct mbox *mb)
{
	struct mbox_info info;

	if (!mbox_get(mb, &info) && info.state != MBOX_STATE_DEAD && info.kind != MBOX_KIND_LINK)
		return refuse(cmd, -EOWNERDEAD, "with retry another server answers",
			      "the server has ended without a reply");
	return refuse_errno(cmd, -EOWNERDEAD);
}

/* A call that is under way. */
struct calling {
	struct mbox *mb;
	struct mbox_info info;
	struct text text;
	size_t room;
	struct mbox_called called;
};

static int refuse_call(const struct command *cmd, const struct calling *call, int error)
{
	switch (-error) {
	case EREMOTEIO:
		return refuse(cmd, error, NULL, "the server rejected the call, with code %u",
			      call->called.code);
	case EPROTO:
		return refuse(cmd, error, "servers use leases, as mboxctl serve NAME does",
			      "a process received the request without a lease, and cannot reply");
	case EOWNERDEAD:
		return refuse_ended(cmd, call->mb);
	case ETIMEDOUT:
		return refuse(cmd, error, NULL, "no reply within %s; the call is withdrawn",
			      in_words(cmd->v[TIMEOUT].num));
	case EAGAIN:
		return refuse(cmd, error, "leave out nonblock to wait for room, or say timeout=TIME",
			      "the mailbox is full, or has capacity zero and nobody receives");
	case EMSGSIZE:
		if (call->text.size > call->info.msg_size)
			return refuse(cmd, error, NULL, "the request has %zu bytes, the mailbox takes %u",
				      call->text.size, call->info.msg_size);
		return refuse(cmd, error, "see max_msg_size in /sys/module/mbox/parameters",
			      "room=%zu is more than the module allows", call->room);
	}
	return refuse_leasing(cmd, error);
}

static int print_reply(const struct command *cmd, const struct calling *call, const char *reply,
		       size_t size)
{
	int error;

	if (cmd->json) {
		out_begin(OUT_LINE);
		out_number("length", size);
		out_number("pid", call->called.pid);
		out_number("start", call->called.start);
		out_payload(reply, size);
		out_close();
	} else {
		out_payload(reply, size);
	}
	error = out_flush();
	return error ? refuse_output(cmd, error) : STATUS_DONE;
}

static int call_make(const struct command *cmd, struct calling *call, char *reply)
{
	const struct value *v = cmd->v;
	struct mbox_send_opts send = {
		.flags = v[NONBLOCK].given ? MBOX_SEND_NONBLOCK : 0,
		.prio = (uint32_t)v[PRIO].num,
		.type = (uint32_t)v[TYPE].num,
		.type_hi = (uint32_t)(v[TYPE].num >> 32),
	};
	const struct mbox_call_opts opts = {
		.send = &send,
		.flags = v[RETRY].given ? MBOX_CALL_RETRY : 0,
	};
	ssize_t ret;

	if (v[TIMEOUT].given) {
		send.clock = MBOX_CLOCK_MONOTONIC;
		send.deadline = leasing_time(v[TIMEOUT].num, MBOX_CLOCK_MONOTONIC);
	}
	ret = mbox_call(call->mb, call->text.data, call->text.size, reply, call->room, &opts,
			&call->called);
	if (ret < 0)
		return refuse_call(cmd, call, (int)ret);
	return print_reply(cmd, call, reply, (size_t)ret);
}

/* Get the request, and room for the reply. Return an exit status. */
static int call_prepare(const struct command *cmd, struct calling *call, char **reply)
{
	int error = mbox_get(call->mb, &call->info);

	if (error)
		return refuse_errno(cmd, error);
	call->room = cmd->v[ROOM].given ? (size_t)cmd->v[ROOM].num : call->info.msg_size;
	*reply = malloc(call->room + 1);
	if (!*reply)
		return refuse_errno(cmd, -ENOMEM);
	return text_get(cmd, call->info.msg_size, &call->text);
}

static int run(struct command *cmd)
{
	struct calling call = { .room = 0 };
	char *reply = NULL;
	int status;

	status = open_box(cmd, &call.mb, MBOX_RIGHT_SEND);
	if (status)
		return status;
	status = call_prepare(cmd, &call, &reply);
	if (!status) {
		status = call_make(cmd, &call, reply);
		free(call.text.data);
	}
	free(reply);
	mbox_close(call.mb);
	return status;
}

const struct verb call_verb = {
	.name = "call",
	.operands = "NAME",
	.summary = "send a request, wait for its reply, and print it",
	.notes = "TEXT is the request, its words joined by one space; without TEXT it is standard\n"
		 "input. The reply is printed byte for byte. A server answers: mboxctl serve NAME.",
	.words = words,
	.text = true,
	.run = run,
};
