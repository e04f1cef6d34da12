// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl: leases with a buffer for any message, tokens, and their errors in words */
#include <errno.h>
#include <stdlib.h>
#include "leasing.h"

/* Return the time on @clock in so many nanoseconds. */
int64_t leasing_time(uint64_t nanoseconds, uint32_t clock)
{
	int64_t time = INT64_MAX;

	mbox_deadline_after((int64_t)nanoseconds, clock, &time);
	return time;
}

void leasing_exit(struct job *job)
{
	free(job->data);
	job->data = NULL;
	job->room = 0;
}

static int leasing_grow(struct job *job, size_t room)
{
	char *data = realloc(job->data, room ? room : 1);

	if (!data)
		return -ENOMEM;
	job->data = data;
	job->room = room;
	return 0;
}

/* Lease a message; wait for it as @how says. The buffer grows as messages need it. */
int leasing_lease(struct mbox *mb, const struct leasing *how, unsigned int flags, struct job *job)
{
	struct mbox_recv_opts recv = how->opts;
	struct mbox_lease_opts opts = {
		.recv = &recv,
		.flags = flags,
		.clock = how->time ? MBOX_CLOCK_BOOTTIME : MBOX_CLOCK_NONE,
		.time = how->time,
	};
	struct mbox_info info;
	ssize_t ret = 0;

	if (!job->data) {
		ret = mbox_get(mb, &info);
		if (!ret)
			ret = leasing_grow(job, info.msg_size);
	}
	if (how->timed) {
		recv.clock = MBOX_CLOCK_MONOTONIC;
		recv.deadline = leasing_time(how->timeout, MBOX_CLOCK_MONOTONIC);
	}
	while (!ret) {
		ret = mbox_lease(mb, job->data, job->room, &opts, &job->header, &job->delivery);
		if (ret != -EMSGSIZE)
			break;
		/* It is longer than messages were when the buffer was made. */
		ret = leasing_grow(job, (size_t)job->header.length);
	}
	return ret < 0 ? (int)ret : 0;
}

/*
 * Return whether a token is valid. A reply that is longer than any may be does nothing
 * but to find that out.
 */
bool leasing_valid(struct mbox *mb, uint64_t token)
{
	int error = mbox_reply(mb, token, "", UINT32_MAX);

	return error == -EINVAL || error == -EMSGSIZE;
}

/* Take over a token as recv prints it. Return an exit status. */
int take_token(const struct command *cmd, const char *text, uint64_t *token)
{
	static const struct word word = { .min = 1, .max = UINT64_MAX };

	if (parse_number(&word, text, token))
		return STATUS_DONE;
	return usage(cmd, "%s: is no token; recv NAME lease prints one", text);
}

/* Report an error of these calls. @error is negative. */
int refuse_leasing(const struct command *cmd, int error)
{
	if (error == -EOPNOTSUPP)
		return refuse(cmd, error, "see kind and policy: mboxctl show NAME",
			      "a ring or a broadcast has no leases and no calls");
	return refuse_errno(cmd, error);
}

/* Report an error of a call with a token. */
int refuse_token(const struct command *cmd, int error, uint64_t token)
{
	switch (-error) {
	case ESTALE:
		return refuse(cmd, error, "the message was settled, or given to another receiver",
			      "token %llu is not valid, or not any more",
			      (unsigned long long)token);
	case ECANCELED:
		return refuse(cmd, error, NULL, "the sender has withdrawn the message of token %llu",
			      (unsigned long long)token);
	}
	return refuse_leasing(cmd, error);
}
