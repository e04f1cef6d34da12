// SPDX-License-Identifier: GPL-2.0-only
/*
 * mboxctl: run COMMAND for a message
 *
 * The payload is its standard input, a file in memory. The header and the delivery are
 * variables of its environment. A signal that is to end mboxctl goes to the process
 * first: the message is settled when the process has ended, and then mboxctl ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "leasing.h"

static const int ending[] = { SIGHUP, SIGINT, SIGTERM };

/* Shared with the handler. */
static volatile pid_t running;
static volatile sig_atomic_t ended_by;

static void handle_ending(int number, siginfo_t *info, void *context)
{
	(void)context;
	ended_by = number;
	/* A terminal tells the process itself. */
	if (running > 0 && info->si_code <= 0)
		kill(running, number);
}

struct handlers {
	struct sigaction old[ARRAY_SIZE(ending)];
	sigset_t mask;			/* before these signals were blocked */
};

/* Block the signals, and have them handled from then on, but for those that are ignored. */
static void handlers_init(struct handlers *handlers)
{
	struct sigaction action = { .sa_sigaction = handle_ending, .sa_flags = SA_SIGINFO };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		sigaddset(&set, ending[i]);
	sigprocmask(SIG_BLOCK, &set, &handlers->mask);
	running = 0;
	ended_by = 0;
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++) {
		sigaction(ending[i], NULL, &handlers->old[i]);
		if (handlers->old[i].sa_handler != SIG_IGN)
			sigaction(ending[i], &action, NULL);
	}
}

static void handlers_exit(const struct handlers *handlers)
{
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		sigaction(ending[i], &handlers->old[i], NULL);
	sigprocmask(SIG_SETMASK, &handlers->mask, NULL);
}

/* Set a variable of the process, or remove it: it may be there from another message. */
__attribute__((format(printf, 3, 4)))
static void set_variable(const char *name, bool known, const char *format, ...)
{
	char value[TIME_SIZE];
	va_list args;

	if (!known) {
		unsetenv(name);
		return;
	}
	va_start(args, format);
	vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	setenv(name, value, 1);
}

static void set_number(const char *name, uint64_t number, bool known)
{
	set_variable(name, known, "%llu", (unsigned long long)number);
}

static void set_environment(const struct command *cmd, const struct job *job)
{
	const struct mbox_delivery *delivery = &job->delivery;
	bool call = delivery->flags & MBOX_DELIVERY_CALL;
	bool dead = delivery->reason != MBOX_REASON_NONE;
	char time[TIME_SIZE];

	format_time(time, job->header.time);
	set_variable("MBOX_NAME", cmd->verb->first == FIRST_NAME, "%s", cmd->name);
	set_number("MBOX_TOKEN", delivery->token, true);
	set_number("MBOX_DELIVERIES", delivery->deliveries, true);
	set_number("MBOX_SEQ", job->header.seq, true);
	set_variable("MBOX_TIME", true, "%s", time);
	set_number("MBOX_LENGTH", job->header.length, true);
	set_number("MBOX_PRIO", job->header.prio, true);
	set_number("MBOX_TYPE", mbox_header_type(&job->header), true);
	set_number("MBOX_PID", job->header.pid, true);
	set_number("MBOX_START", job->header.start, true);
	set_number("MBOX_UID", job->header.uid, true);
	set_number("MBOX_GID", job->header.gid, true);
	set_number("MBOX_ROOM", delivery->room, call);
	set_variable("MBOX_LEFT", call && delivery->left >= 0, "%lld.%09lld",
		     (long long)delivery->left / 1000000000,
		     (long long)delivery->left % 1000000000);
	set_variable("MBOX_REASON", dead, "%s", reason_name(delivery->reason));
	set_number("MBOX_CODE", delivery->code, delivery->reason == MBOX_REASON_REJECTED);
	set_number("MBOX_ORIGIN", delivery->origin, delivery->origin);
	set_number("MBOX_ORIGIN_SEQ", delivery->origin_seq, delivery->origin);
}

/* Return a file with the payload, to be read from its beginning; or -errno. */
static int payload_file(const struct job *job)
{
	const char *data = job->data;
	size_t size = (size_t)job->header.length;
	int fd = memfd_create("message", MFD_CLOEXEC), error = 0;

	if (fd < 0)
		return -errno;
	while (size && !error) {
		ssize_t n = write(fd, data, size);

		if (n < 0) {
			error = errno == EINTR ? 0 : -errno;
			continue;
		}
		data += n;
		size -= (size_t)n;
	}
	if (!error && lseek(fd, 0, SEEK_SET) < 0)
		error = -errno;
	if (!error)
		return fd;
	close(fd);
	return error;
}

/* Become COMMAND; if that fails, write the error to @failure. */
__attribute__((noreturn))
static void become(const struct command *cmd, const struct job *job, int input, int output,
		   int inherit, int failure, const struct handlers *handlers)
{
	int error;

	set_environment(cmd, job);
	signal(SIGPIPE, SIG_DFL);
	/* Nobody would read its output. */
	if (output >= 0)
		prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (inherit >= 0)
		fcntl(inherit, F_SETFD, 0);
	if (dup2(input, STDIN_FILENO) >= 0 && (output < 0 || dup2(output, STDOUT_FILENO) >= 0)) {
		handlers_exit(handlers);
		execvp(cmd->text[0], cmd->text);
	}
	error = -errno;
	if (write(failure, &error, sizeof(error)) != sizeof(error))
		_exit(STATUS_NOT_RUN);
	_exit(STATUS_NOT_FOUND);
}

/* Return the error that become() has met, or 0. */
static int read_failure(int fd)
{
	int error = 0;
	ssize_t n;

	do {
		n = read(fd, &error, sizeof(error));
	} while (n < 0 && errno == EINTR);
	return n == sizeof(error) ? error : 0;
}

/* Read up to the end, or until there is more than the room. */
static void read_output(int fd, struct output *output)
{
	char more;

	output->size = 0;
	output->cut = false;
	while (!output->cut) {
		bool full = output->size == output->room;
		ssize_t n = read(fd, full ? &more : output->data + output->size,
				 full ? 1 : output->room - output->size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		if (full)
			output->cut = true;
		else
			output->size += (size_t)n;
	}
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return STATUS_NOT_RUN;
	return WIFSIGNALED(status) ? STATUS_KILLED + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Run it, with pipes for its @failure and its output, which is read if @output is not NULL. */
static int run_with(const struct command *cmd, const struct job *job, int input, int inherit,
		    const int failure[2], const int pipe[2], struct output *output,
		    struct ran *ran)
{
	struct handlers handlers;
	pid_t pid;
	int error;

	handlers_init(&handlers);
	pid = fork();
	if (!pid)
		become(cmd, job, input, pipe[1], inherit, failure[1], &handlers);
	error = pid < 0 ? -errno : 0;
	close(failure[1]);
	if (output)
		close(pipe[1]);
	if (!error) {
		running = pid;
		sigprocmask(SIG_SETMASK, &handlers.mask, NULL);
		error = read_failure(failure[0]);
		if (!error && output)
			read_output(pipe[0], output);
	}
	if (output)
		close(pipe[0]);
	close(failure[0]);
	if (pid > 0)
		ran->status = wait_for(pid);
	handlers_exit(&handlers);
	ran->signal = ended_by;
	return error;
}

/**
 * command_run() - run COMMAND for a message, and wait for its end
 * @inherit:	a descriptor for it, or -1
 * @output:	its standard output is read into this; NULL: it is that of mboxctl
 */
struct ran command_run(const struct command *cmd, const struct job *job, int inherit,
		       struct output *output)
{
	int failure[2], pipes[2] = { -1, -1 };
	struct ran ran = { 0 };
	int input;

	input = payload_file(job);
	if (input < 0) {
		ran.error = input;
		return ran;
	}
	if (pipe2(failure, O_CLOEXEC)) {
		ran.error = -errno;
	} else if (output && pipe2(pipes, O_CLOEXEC)) {
		ran.error = -errno;
		close(failure[0]);
		close(failure[1]);
	} else {
		ran.error = run_with(cmd, job, input, inherit, failure, pipes, output, &ran);
	}
	close(input);
	if (ran.error)
		ran.status = ran.error == -ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_RUN;
	return ran;
}

/* End as by the @signal, if there was one. */
void command_end(int signal)
{
	if (!signal)
		return;
	out_flush();
	raise(signal);
}
