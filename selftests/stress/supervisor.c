// SPDX-License-Identifier: GPL-2.0-only
/* The supervisor of the workers: starts, disturbs, reaps and stops them. */
#include "lib/lease.h"
#include "stress/stress.h"

#include <sched.h>
#include <sys/syscall.h>

void worker_start(unsigned int i)
{
	static unsigned int incarnation;
	uint64_t seed = common.seed + ++incarnation * 1000003ULL;
	uid_t uid = common.root && i % 3 == 2 ? supervisor.uids[i / 3 % 2] : 0;
	uint32_t inbox_box = box_make_inbox();
	pid_t pid = fork_child();

	/* some are of one thread: only these can be found to be in a deadlock */
	if (pid == 0)
		work(i * supervisor.threads, i % 2 ? 1 : supervisor.threads, inbox_box, uid, seed);
	if (pid < 0)
		fault(FAULT_CALL, "fork: %s", strerrorname_np(errno));
	supervisor.pids[i] = pid;
}

/* Reap workers that have ended, and settle their calls. Return whether a worker is left. */
bool workers_reap(bool restart)
{
	bool left = false;

	for (unsigned int i = 0; i < supervisor.processes; i++) {
		int status;

		if (supervisor.pids[i] <= 0)
			continue;
		if (waitpid(supervisor.pids[i], &status, WNOHANG) != supervisor.pids[i]) {
			left = true;
			supervisor.busy |= !inbox_quiet(supervisor.pids[i]);
			continue;
		}
		owner_ended(supervisor.pids[i]);
		supervisor.pids[i] = 0;
		for (unsigned int t = 0; t < supervisor.threads; t++)
			ledger_reap(i * supervisor.threads + t);
		if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
			fault(FAULT_CALL, "a worker died of signal %d", WTERMSIG(status));
		if (WIFEXITED(status) && WEXITSTATUS(status) != EXIT_DONE &&
		    WEXITSTATUS(status) != EXIT_RENEW)
			fault(FAULT_CALL, "a worker exited with %d", WEXITSTATUS(status));
		if (restart)
			worker_start(i);
	}
	return left;
}

static void thread_signal(unsigned int thread, int signal)
{
	pid_t pid = supervisor.pids[thread / supervisor.threads], tid = slots[thread].tid;

	/* not yet reaped, so the number is still that of our child, or of nobody */
	if (pid > 0 && tid)
		syscall(SYS_tgkill, pid, tid, signal);
	count(&ledger->signals);
}

/* Do one random thing to workers or mailboxes. */
void disturb(void)
{
	struct thread *rng = &supervisor.rng;
	unsigned int thread = below(rng, supervisor.processes * supervisor.threads);

	switch (below(rng, 64)) {
	case 0 ... 15:
		thread_signal(thread, ledger->restarts && one_in(rng, 2) ? SIGUSR2 : SIGUSR1);
		break;
	case 16:
		if (one_in(rng, 4) && supervisor.pids[thread / supervisor.threads] > 0) {
			kill(supervisor.pids[thread / supervisor.threads], SIGKILL);
			count(&ledger->kills);
		}
		break;
	case 17 ... 20:
		box_renew(rng, below(rng, NAMES));
		break;
	case 21:
		owner_appoint(rng, common.kept[current.newest[NAME_OWNED]]);
		break;
	case 24:
		kick(common.kept[current.newest[below(rng, NAMES)]], 1 + below(rng, 16));
		break;
	case 22 ... 23:
		if (slots[thread].tid) {
			cpu_set_t set;

			CPU_ZERO(&set);
			CPU_SET(below(rng, common.cpus), &set);
			sched_setaffinity(slots[thread].tid, sizeof(set), &set);
		}
		break;
	default:
		break;
	}
}

/*
 * The workers did not stop, though they were told to, and woken: report the functions in which they
 * wait.
 */
static void workers_lost(void)
{
	char path[128], text[WORDS_SIZE];

	for (unsigned int t = 0; t < supervisor.processes * supervisor.threads; t++) {
		pid_t pid = supervisor.pids[t / supervisor.threads];
		size_t n = 0;
		FILE *f;

		if (pid <= 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%d/stack", pid, slots[t].tid);
		f = fopen(path, "re");
		if (f) {
			n = fread(text, 1, 200, f);
			fclose(f);
		}
		text[n] = '\0';
		fault(FAULT_LEFT, "thread %u does not stop: %s", t, text);
		kill(pid, SIGKILL);
	}
}

void workers_stop(void)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;

	__atomic_store_n(&ledger->stop, 1, __ATOMIC_RELEASE);
	for (;;) {
		supervisor.busy = false;
		if (!workers_reap(false))
			break;
		if (!supervisor.busy)
			__atomic_store_n(&ledger->stop, STOP_QUIET, __ATOMIC_RELEASE);
		if (end && now() > end) {
			workers_lost();
			end = 0;
		}
		/* again and again, because a signal before a call has no effect on it */
		for (unsigned int t = 0; t < supervisor.processes * supervisor.threads; t++)
			thread_signal(t, SIGUSR1);
		stream_drain();
		nap();
	}
}
