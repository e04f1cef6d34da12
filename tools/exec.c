// SPDX-License-Identifier: GPL-2.0-only
/*
 * mboxctl recv NAME exec -- COMMAND: a process for each message, under a lease
 *
 * The process inherits the handle, and the lease is that of the open file: if this command
 * is killed, the message stays leased while the process works, and returns when it ends.
 * So two processes never work on one message.
 */
#include <errno.h>
#include <string.h>
#include "leasing.h"

/* Settle the message of a process that has @ran. Return 0 or -errno. */
static int exec_settle(struct mbox *mb, const struct leasing *how, const struct job *job,
		       const struct ran *ran)
{
	uint64_t token = job->delivery.token;
	int error;

	/* A process that was told to end may have done its work. */
	if (ran->error || (ran->signal && ran->status))
		error = mbox_nack(mb, token, MBOX_NACK_RELEASE, 0, 0);
	else if (ran->status)
		error = mbox_nack(mb, token, MBOX_NACK_RETRY, how->delay, 0);
	else
		error = mbox_ack(mb, token);
	/* The process may have settled it. */
	return error == -ESTALE ? 0 : error;
}

/* Run COMMAND for one message, and settle it. Return an exit status. */
static int exec_one(struct command *cmd, struct mbox *mb, const struct leasing *how,
		    const struct job *job)
{
	struct ran ran = command_run(cmd, job, mbox_fd(mb), NULL);
	int error = exec_settle(mb, how, job, &ran);

	if (ran.error)
		refuse(cmd, ran.error, NULL, "%s: %s; the message is back in the mailbox", cmd->text[0],
		       strerror(-ran.error));
	else if (error)
		refuse_leasing(cmd, error);
	command_end(ran.signal);
	if (ran.error || ran.status)
		return ran.status;
	return error ? STATUS_ERROR : STATUS_DONE;
}

int exec_run(struct command *cmd, struct mbox *mb, const struct leasing *how)
{
	struct job job = JOB_INIT;
	int status = STATUS_DONE;
	uint64_t done = 0;

	for (; done < how->count; done++) {
		int error = leasing_lease(mb, how, MBOX_LEASE_HANDLE, &job);

		if (error) {
			status = error == -EOPNOTSUPP ? refuse_leasing(cmd, error) :
				 refuse_recv(cmd, mb, how->all, error, done);
			break;
		}
		status = exec_one(cmd, mb, how, &job);
		/* Do not try in vain again and again. */
		if (status && (!how->follow || status == STATUS_NOT_FOUND ||
			       status == STATUS_NOT_RUN))
			break;
	}
	leasing_exit(&job);
	return status;
}
