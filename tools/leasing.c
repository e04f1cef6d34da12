// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl: the calls of the device for leases and calls, and their errors in words */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "leasing.h"

static uint64_t address_of(const void *data)
{
	return (uintptr_t)data;
}

static int leasing_ioctl(struct mbox *mb, unsigned long request, void *arg)
{
	int ret = ioctl(mbox_fd(mb), request, arg);

	return ret < 0 ? -errno : ret;
}

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

/* Make a mailbox that has a limit of deliveries, or a dead-letter mailbox with this id. */
int leasing_create(struct mbox **mbp, const char *name, const struct mbox_attr *attr,
		   uint32_t max_deliveries, uint64_t dead_letter)
{
	struct mbox_ioc_open arg = {
		.mode = attr->mode,
		.lifetime = attr->lifetime,
		.capacity = attr->capacity,
		.msg_size = attr->msg_size,
		.bytes = attr->bytes,
		.policy = attr->policy,
		.max_procs = attr->max_procs,
		.options = attr->options,
		.ring = attr->ring,
		.dead_letter = dead_letter,
		.max_deliveries = max_deliveries,
	};
	int device, fd, error;

	memcpy(arg.name, name, strnlen(name, MBOX_NAME_SIZE - 1));
	device = open("/dev/mbox", O_RDWR | O_CLOEXEC);
	if (device < 0)
		return errno == ENOENT || errno == ENXIO ? -ENODEV : -errno;
	fd = ioctl(device, MBOX_IOC_CREATE, &arg);
	error = -errno;
	close(device);
	if (fd < 0)
		return error;
	error = mbox_from_fd(mbp, fd);
	if (error)
		close(fd);
	return error;
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
	struct mbox_ioc_lease arg = {
		.recv = {
			.flags = how->opts.flags,
			.type = how->opts.type,
			.pid = how->opts.pid,
			.min_prio = how->opts.min_prio,
			.header.start = how->opts.start,
		},
		.flags = flags,
		.clock = how->time ? MBOX_CLOCK_BOOTTIME : MBOX_CLOCK_NONE,
		.time = how->time,
	};
	struct mbox_info info;
	int error = 0;

	if (!job->data) {
		error = mbox_get(mb, &info);
		if (!error)
			error = leasing_grow(job, info.msg_size);
	}
	if (how->timed) {
		arg.recv.clock = MBOX_CLOCK_MONOTONIC;
		arg.recv.deadline = leasing_time(how->timeout, MBOX_CLOCK_MONOTONIC);
	}
	while (!error) {
		arg.recv.data = address_of(job->data);
		arg.recv.size = job->room;
		error = leasing_ioctl(mb, MBOX_IOC_LEASE, &arg);
		if (error != -EMSGSIZE)
			break;
		/* It is longer than messages were when the buffer was made. */
		error = leasing_grow(job, (size_t)arg.recv.header.length);
		arg.recv.header.start = how->opts.start;
	}
	job->header = arg.recv.header;
	job->delivery = arg.delivery;
	return error;
}

/* Acknowledge up to MBOX_BATCH_MAX tokens. Return how many were acknowledged, or -errno. */
int leasing_ack(struct mbox *mb, struct mbox_ack_entry *entries, size_t count)
{
	struct mbox_ioc_ack arg = { .count = (uint32_t)count, .entries = address_of(entries) };

	return leasing_ioctl(mb, MBOX_IOC_ACK, &arg);
}

/* Acknowledge one. */
int leasing_settle(struct mbox *mb, uint64_t token)
{
	struct mbox_ack_entry entry = { .token = token };
	int ret = leasing_ack(mb, &entry, 1);

	return ret < 0 ? ret : entry.result;
}

int leasing_nack(struct mbox *mb, uint64_t token, unsigned int how, uint64_t delay, uint32_t code)
{
	struct mbox_ioc_nack arg = {
		.token = token,
		.how = how,
		.delay = delay,
		.code = code,
	};

	return leasing_ioctl(mb, MBOX_IOC_NACK, &arg);
}

/*
 * Return whether a token is valid. A reply that is longer than any may be does nothing
 * but to find that out.
 */
bool leasing_valid(struct mbox *mb, uint64_t token)
{
	struct mbox_ioc_reply arg = { .token = token, .size = UINT32_MAX };
	int error = leasing_ioctl(mb, MBOX_IOC_REPLY, &arg);

	return error == -EINVAL || error == -EMSGSIZE;
}

/* Send as mbox_send() does, with the fields of @post that are beyond its send. */
int leasing_post(struct mbox *mb, const void *data, size_t size, const struct mbox_send_opts *opts,
		 const struct mbox_ioc_post *post)
{
	struct mbox_ioc_post arg = *post;

	arg.send = (struct mbox_ioc_send) {
		.flags = opts->flags,
		.prio = opts->prio,
		.type = opts->type,
		.clock = opts->clock,
		.deadline = opts->deadline,
		.data = address_of(data),
		.size = size,
	};
	return leasing_ioctl(mb, MBOX_IOC_POST, &arg);
}

int leasing_call(struct mbox *mb, struct mbox_ioc_call *call)
{
	return leasing_ioctl(mb, MBOX_IOC_CALL, call);
}

int leasing_reply(struct mbox *mb, uint64_t token, const void *data, size_t size)
{
	struct mbox_ioc_reply arg = { .token = token, .data = address_of(data), .size = size };

	return leasing_ioctl(mb, MBOX_IOC_REPLY, &arg);
}

int leasing_kick(struct mbox *mb, uint64_t most, uint64_t *kicked)
{
	struct mbox_ioc_kick arg = { .most = most };
	int error = leasing_ioctl(mb, MBOX_IOC_KICK, &arg);

	*kicked = arg.kicked;
	return error;
}

/* Parse a token as recv prints it. */
bool parse_token(const char *text, uint64_t *token)
{
	static const struct word word = { .min = 1, .max = UINT64_MAX };

	return parse_number(&word, text, token);
}

/* Report an error of these calls. @error is negative. */
int refuse_leasing(const struct command *cmd, int error)
{
	if (error == -EOPNOTSUPP)
		return refuse(cmd, "see kind and policy: mboxctl show NAME",
			      "a ring or a broadcast has no leases and no calls");
	return refuse_errno(cmd, error);
}

/* Report an error of a call with a token. */
int refuse_token(const struct command *cmd, int error, uint64_t token)
{
	switch (-error) {
	case ESTALE:
		return refuse(cmd, "the message was settled, or given to another receiver",
			      "token %llu is not valid, or not any more",
			      (unsigned long long)token);
	case ECANCELED:
		return refuse(cmd, NULL, "the sender has withdrawn the message of token %llu",
			      (unsigned long long)token);
	}
	return refuse_leasing(cmd, error);
}
