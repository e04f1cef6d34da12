/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mboxctl: leases and calls
 *
 *   leasing.c  leases with a buffer for any message, tokens, and their errors in words
 *   lease.c    recv NAME lease: print a message, and hold its lease
 *   exec.c     recv NAME exec: a process for each message
 *   serve.c    serve: a process for each call
 *   command.c  runs these processes
 *   text.c     the message of send, call and reply: TEXT, or standard input
 */
#ifndef MBOXCTL_LEASING_H
#define MBOXCTL_LEASING_H

#include "mboxctl.h"

/* A message that was leased. */
struct job {
	struct mbox_header header;
	struct mbox_delivery delivery;
	char *data;
	size_t room;			/* of @data */
};

/* How recv leases messages. */
struct leasing {
	struct mbox_recv_opts opts;
	bool timed;			/* each wait lasts @timeout at most */
	uint64_t timeout;
	uint64_t time;			/* of a lease; 0: it has no end */
	uint64_t count;			/* of messages, UINT64_MAX for any number */
	bool all;			/* end when no message is there */
	bool follow;			/* go on when a process fails */
	uint64_t delay;			/* before a message that returned is received again */
	pid_t holder;			/* the lease ends with this process; 0: with the command */
};

/* leasing.c: 0 or -errno, if nothing else is said. */
#define JOB_INIT	{ .data = NULL }
int64_t leasing_time(uint64_t nanoseconds, uint32_t clock);
void leasing_exit(struct job *job);
int leasing_lease(struct mbox *mb, const struct leasing *how, unsigned int flags,
		  struct job *job);
bool leasing_valid(struct mbox *mb, uint64_t token);
int take_token(const struct command *cmd, const char *text, uint64_t *token);
int refuse_leasing(const struct command *cmd, int error);
int refuse_token(const struct command *cmd, int error, uint64_t token);

/* lease.c, exec.c: return an exit status. */
int lease_run(struct command *cmd, struct mbox *mb, const struct leasing *how);
int exec_run(struct command *cmd, struct mbox *mb, const struct leasing *how);

/* recv.c */
int refuse_recv(const struct command *cmd, struct mbox *mb, bool all, int error, uint64_t done);

/* command.c */
#define STATUS_NOT_RUN		126	/* as of a shell */
#define STATUS_NOT_FOUND	127
#define STATUS_KILLED		128	/* and the number of the signal */

/* The output of a process. */
struct output {
	char *data;
	size_t room, size;
	bool cut;			/* it was longer */
};

struct ran {
	int error;			/* -errno: it did not run */
	int status;			/* as of a shell */
	int signal;			/* that should end this command now; or 0 */
};

struct ran command_run(const struct command *cmd, const struct job *job, int inherit,
		       struct output *output);
void command_end(int signal);

/* text.c */
struct text {
	char *data;
	size_t size;
};

char *text_join(const struct command *cmd, size_t *size);
int text_get(const struct command *cmd, uint64_t limit, struct text *text);

#endif /* MBOXCTL_LEASING_H */
