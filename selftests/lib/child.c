// SPDX-License-Identifier: GPL-2.0-only
/* Child processes, and waiting for them. */
#include "child.h"

#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* Allocate memory that is shared with children, and never freed. */
void *shared_alloc(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		abort();
	}
	return p;
}

/* Let this process die with its parent. A change of credentials undoes that. */
void die_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* the parent may have died before; 0 is a parent outside the pid namespace */
	if (getppid() != parent && getppid() != 0)
		_exit(127);
}

pid_t fork_child(void)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid == 0)
		die_with(parent);
	return pid;
}

/* As fork_child(), with the pid @number if that is not 0. Return a negated errno on failure. */
pid_t fork_child_as(pid_t number)
{
	pid_t parent = getpid(), pid;
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = number ? address_of(&number) : 0,
		.set_tid_size = number ? 1 : 0,
	};

	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		die_with(parent);
	return pid < 0 ? -errno : pid;
}

/* Wait for a child. Return its wait status, or -ETIME after killing it. */
int reap(pid_t pid)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;
	int status;

	for (;;) {
		pid_t ret = waitpid(pid, &status, WNOHANG);

		if (ret == pid)
			return status;
		if (ret < 0)
			return -errno;
		if (now() > end) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return -ETIME;
		}
		nap();
	}
}

/* Wait until a child sets the flag. */
bool await_flag(const int *flag)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;

	while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE)) {
		if (now() > end)
			return false;
		nap();
	}
	return true;
}

/* Wait until exactly so many calls are blocked on the mailbox. */
bool await_blocked(int fd, uint32_t senders, uint32_t receivers)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;
	struct mbox_info info;

	while (info_get(fd, &info) == 0) {
		if (info.senders == senders && info.receivers == receivers)
			return true;
		if (now() > end) {
			fprintf(stderr, "# blocked: %u senders, %u receivers\n",
				info.senders, info.receivers);
			break;
		}
		nap();
	}
	return false;
}

/*
 * Read /proc/PID/stat into @line. Return the first field after the command's name, the state; NULL if
 * the process is not there.
 */
const char *process_stat(pid_t pid, char line[PROCESS_STAT])
{
	char path[64];
	char *end;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return NULL;
	if (!fgets(line, PROCESS_STAT, f))
		line[0] = '\0';
	fclose(f);
	end = strrchr(line, ')');
	return end && end[1] == ' ' ? end + 2 : NULL;
}

/* Return the letter that /proc has for the state of a process; 0 if it is not there. */
char process_state(pid_t pid)
{
	char line[PROCESS_STAT];
	const char *state = process_stat(pid, line);

	return state ? *state : 0;
}

/* Wait until a child sleeps: for calls that the mailbox does not count, such as poll(). */
bool await_sleeping(pid_t pid)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;

	while (process_state(pid) != 'S') {
		if (now() > end)
			return false;
		nap();
	}
	return true;
}

/*
 * Run a function in a child, which may change itself at will, and return its result; an error of
 * the machinery is -ENOEXEC, which mbox never returns.
 */
int in_child(int (*fn)(void *), void *arg)
{
	int *result = shared_alloc(sizeof(*result));
	int status, ret;
	pid_t pid;

	*result = -ENOEXEC;
	pid = fork_child();
	if (pid < 0)
		return -ENOEXEC;
	if (pid == 0) {
		*result = fn(arg);
		_exit(0);
	}
	status = reap(pid);
	ret = status < 0 ? status : *result;
	munmap(result, sizeof(*result));
	return ret;
}

/* Run on this CPU alone from now on. */
bool run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0;
}
