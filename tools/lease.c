// SPDX-License-Identifier: GPL-2.0-only
/*
 * mboxctl recv NAME lease: print a message, and hold its lease
 *
 * A lease ends with its holder, so a process has to stay. It is this command itself, until
 * the message is settled; or, with holder=PID, a process in the background: then the lease
 * is that of the open file, which it inherits.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "leasing.h"

/* Milliseconds between two looks at the lease. */
#define LOOK_EVERY	200

static void print_delivery(const struct job *job)
{
	const struct mbox_delivery *delivery = &job->delivery;
	bool call = delivery->flags & MBOX_DELIVERY_CALL;

	out_number("token", delivery->token);
	out_number("deliveries", delivery->deliveries);
	if (call) {
		out_number("room", delivery->room);
		out_detail("left_ms", (uint64_t)delivery->left / 1000000, delivery->left >= 0);
	}
	if (delivery->reason) {
		out_string("reason", reason_name(delivery->reason));
		out_number("code", delivery->code);
		out_number("origin", delivery->origin);
		out_number("origin_seq", delivery->origin_seq);
	}
}

static void print_job(const struct command *cmd, const struct job *job)
{
	const struct mbox_header *header = &job->header;
	size_t size = (size_t)header->length;

	out_begin(OUT_LINE);
	print_delivery(job);
	out_header(header);
	if (cmd->json)
		out_payload(job->data, size);
	out_close();
	if (cmd->json)
		return;
	out_payload(job->data, size);
	if (!size || job->data[size - 1] != '\n')
		out_raw("\n", 1);
}

/*
 * Hold the lease until the message is settled, or @pidfd, if it is not -1, reports the end
 * of its process. Return false if the lease has ended without that: its time was over, or
 * the mailbox is gone.
 */
static bool hold(struct mbox *mb, const struct job *job, int pidfd)
{
	struct pollfd fd = { .fd = pidfd, .events = POLLIN };
	struct mbox_info info;

	while (leasing_valid(mb, job->delivery.token)) {
		/* The token of a message that returned is valid until somebody receives it. */
		if (!mbox_get(mb, &info) && !info.leased)
			return false;
		if (poll(&fd, 1, LOOK_EVERY) > 0)
			return true;
	}
	return !mbox_get(mb, &info) && info.state != MBOX_STATE_DEAD;
}

/* Go on in the background, away from the terminal and from the reader of the output. */
static void detach(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	if (chdir("/") || null < 0)
		return;
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	close(null);
}

static int lease_hold(struct command *cmd, struct mbox *mb, const struct leasing *how,
		      const struct job *job, int pidfd)
{
	pid_t pid = how->holder ? fork() : 0;

	if (pid < 0) {
		int error = -errno;

		mbox_nack(mb, job->delivery.token, MBOX_NACK_RELEASE, 0, 0);
		return refuse(cmd, error, NULL, "no process holds the lease: %s", strerror(-error));
	}
	if (pid)
		return STATUS_DONE;
	if (how->holder) {
		detach();
		hold(mb, job, pidfd);
		_exit(STATUS_DONE);
	}
	if (hold(mb, job, -1))
		return STATUS_DONE;
	return refuse(cmd, -ESTALE, NULL, "the lease has ended, and the message was not acknowledged");
}

/* Print it, or give the message back. */
static int lease_print(struct command *cmd, struct mbox *mb, const struct job *job)
{
	int error;

	print_job(cmd, job);
	error = out_flush();
	if (!error)
		return STATUS_DONE;
	mbox_nack(mb, job->delivery.token, MBOX_NACK_RELEASE, 0, 0);
	return refuse_output(cmd, error);
}

int lease_run(struct command *cmd, struct mbox *mb, const struct leasing *how)
{
	struct job job = JOB_INIT;
	int error, status, pidfd = -1;

	error = out_ready();
	if (error)
		return refuse_output(cmd, error);
	if (how->holder) {
		pidfd = (int)syscall(SYS_pidfd_open, how->holder, 0);
		if (pidfd < 0)
			return refuse_errno(cmd, -errno);
	}
	error = leasing_lease(mb, how, how->holder ? MBOX_LEASE_HANDLE : 0, &job);
	if (error)
		status = error == -EOPNOTSUPP ? refuse_leasing(cmd, error) :
			 refuse_recv(cmd, mb, false, error, 0);
	else
		status = lease_print(cmd, mb, &job);
	if (!error && !status)
		status = lease_hold(cmd, mb, how, &job, pidfd);
	if (pidfd >= 0)
		close(pidfd);
	leasing_exit(&job);
	return status;
}
