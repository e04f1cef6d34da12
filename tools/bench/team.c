// SPDX-License-Identifier: GPL-2.0-only
/* mboxbench: teams of workers. */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "team.h"

/* A team that is not done after its time and this is taken for hung. */
#define GRACE_SECONDS	30

#define STACK_SIZE	(256 << 10)

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Return the processor time of the calling thread. */
static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static uint64_t switches_count(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (uint64_t)(usage.ru_nvcsw + usage.ru_nivcsw);
}

void futex_wait(_Atomic uint32_t *word, uint32_t seen)
{
	syscall(SYS_futex, word, FUTEX_WAIT, seen, NULL, NULL, 0);
}

void futex_wake_all(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* The CPUs that the program was started on; a worker has fewer. */
static const cpu_set_t *cpus_all(void)
{
	static cpu_set_t set;
	static bool known;

	if (!known)
		known = !sched_getaffinity(0, sizeof(set), &set);
	return &set;
}

unsigned int cpus_count(void)
{
	return (unsigned int)CPU_COUNT(cpus_all());
}

/* Keep the calling thread on one CPU. They are numbered from 0, those that we may use. */
int cpus_pin(unsigned int number)
{
	const cpu_set_t *all = cpus_all();
	cpu_set_t one;

	number %= cpus_count();
	for (unsigned int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, all) || number--)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		return sched_setaffinity(0, sizeof(one), &one) ? -errno : 0;
	}
	return -EINVAL;
}

struct team *team_new(unsigned int count, uint64_t duration, bool full)
{
	struct team *team;
	size_t size = sizeof(*team) + count * sizeof(team->workers[0]);

	team = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (team == MAP_FAILED)
		return NULL;
	team->mapped = size;
	team->count = count;
	team->duration = duration;
	team->full = full;
	return team;
}

void team_free(struct team *team)
{
	if (team)
		munmap(team, team->mapped);
}

/* Record the step that failed. Return @error. */
int team_fail(struct worker *me, const char *where, int error)
{
	if (!me->error) {
		me->error = error;
		me->where = where;
	}
	return error;
}

/* Begin to count this worker's time. */
void team_clock_start(struct worker *me)
{
	me->cpu = cpu_ns();
	me->switches = switches_count();
	me->began = now_ns();
	me->ended = me->began;
}

void team_clock_stop(struct worker *me)
{
	me->cpu = cpu_ns() - me->cpu;
	me->switches = switches_count() - me->switches;
}

/* Return the first worker that failed, or NULL. */
const struct worker *team_failed(const struct team *team)
{
	for (unsigned int i = 0; i < team->count; i++)
		if (team->workers[i].error)
			return &team->workers[i];
	return NULL;
}

/* Say that this worker is ready, and wait until all are. */
static void team_gather(struct team *team)
{
	atomic_fetch_add(&team->ready, 1);
	futex_wake_all(&team->ready);
	while (!atomic_load(&team->go))
		futex_wait(&team->go, 0);
}

/*
 * Wait until all are done. ZeroMQ loses messages that a receiver has not read yet when
 * their sender closes its socket, although that waits until they have left.
 */
static void team_disperse(struct team *team)
{
	uint32_t done;

	atomic_fetch_add(&team->done, 1);
	futex_wake_all(&team->done);
	while ((done = atomic_load(&team->done)) < team->count)
		futex_wait(&team->done, done);
}

static int worker_run(struct team *team, struct worker *me, const struct job *job)
{
	struct channel channel = *job->channel, back;
	struct job mine = *job;
	void *data;
	int ret;

	mine.channel = &channel;
	ret = cpus_pin(job->cpu);
	if (ret)
		return team_fail(me, "choosing a CPU", ret);
	data = payload_new(job->buffer);
	if (!data)
		return team_fail(me, "memory", -ENOMEM);
	ret = peer_join(&channel, job->sides, job->number);
	if (ret)
		return team_fail(me, "joining", ret);
	if (job->back) {
		back = *job->back;
		mine.back = &back;
		ret = peer_join(&back, job->sides ^ (SIDE_RECV | SIDE_SEND), job->number);
		if (ret)
			return team_fail(me, "joining", ret);
	}
	team_gather(team);
	ret = job->work(team, me, &mine, data);
	/* A process that failed may never get rid of its messages: it ends as it is. */
	if (ret)
		return team_fail(me, "working", ret);
	if (channel.peer->spreads)
		team_disperse(team);
	peer_leave(&channel);
	if (job->back)
		peer_leave(&back);
	payload_free(data);
	return 0;
}

struct start {
	struct team *team;
	struct worker *me;
	const struct job *job;
};

static void *thread_main(void *arg)
{
	const struct start *start = arg;

	/* The others would wait for this one. */
	if (worker_run(start->team, start->me, start->job))
		_exit(1);
	return NULL;
}

/* Be the process whose threads are the team. */
static int threads_run(struct team *team, const struct job *jobs)
{
	pthread_t *threads = calloc(team->count, sizeof(*threads));
	struct start *starts = calloc(team->count, sizeof(*starts));
	pthread_attr_t attr;
	int error = threads && starts ? 0 : ENOMEM;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	for (unsigned int i = 0; i < team->count && !error; i++) {
		starts[i] = (struct start) { team, &team->workers[i], &jobs[i] };
		error = pthread_create(&threads[i], &attr, thread_main, &starts[i]);
	}
	if (error) {
		team_fail(&team->workers[0], "starting threads", -error);
		_exit(1);
	}
	for (unsigned int i = 0; i < team->count; i++)
		pthread_join(threads[i], NULL);
	pthread_attr_destroy(&attr);
	free(threads);
	free(starts);
	return 0;
}

static volatile sig_atomic_t alarmed;

static void on_alarm(int number)
{
	(void)number;
	alarmed = 1;
}

/* Let a second signal follow the first: it may come just before a call that waits. */
static void alarm_set(unsigned int seconds)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval timer = {
		.it_value = { .tv_sec = seconds },
		.it_interval = { .tv_sec = seconds ? 1 : 0 },
	};

	alarmed = 0;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static void team_kill(const pid_t *pids, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		if (pids[i] > 0)
			kill(pids[i], SIGKILL);
}

/* Wait until all workers are ready, and start them. Return 0 or -errno. */
static int team_start(struct team *team, const pid_t *pids, unsigned int count,
		      unsigned int settle_ms)
{
	uint32_t ready;

	while ((ready = atomic_load(&team->ready)) < team->count && !alarmed) {
		const struct timespec poll = { .tv_nsec = 50000000 };

		syscall(SYS_futex, &team->ready, FUTEX_WAIT, ready, &poll, NULL, 0);
		/* One that ended before it was ready has failed. */
		for (unsigned int i = 0; i < count; i++) {
			siginfo_t info = { .si_pid = 0 };

			if (!waitid(P_PID, (id_t)pids[i], &info, WEXITED | WNOHANG | WNOWAIT) &&
			    info.si_pid)
				return -ECHILD;
		}
	}
	if (alarmed)
		return -ETIMEDOUT;
	if (settle_ms)
		nanosleep(&(struct timespec) { .tv_nsec = settle_ms * 1000000L }, NULL);
	atomic_store(&team->go, 1);
	futex_wake_all(&team->go);
	return 0;
}

/* Wait for all processes. Return 0, or -errno if one of them did not end well. */
static int team_reap(pid_t *pids, unsigned int count, int error)
{
	unsigned int left = count;

	if (error)
		team_kill(pids, count);
	while (left) {
		int status;
		pid_t pid = waitpid(-1, &status, 0);

		if (pid < 0) {
			if (errno != EINTR)
				return -errno;
			if (alarmed && !error) {
				error = -ETIMEDOUT;
				team_kill(pids, count);
			}
			continue;
		}
		for (unsigned int i = 0; i < count; i++) {
			if (pids[i] != pid)
				continue;
			pids[i] = 0;
			left--;
			if (status && !error) {
				error = -ECHILD;
				/* The others may wait for it for ever. */
				team_kill(pids, count);
			}
		}
	}
	return error;
}

/*
 * Run the workers, one for each job. Return 0, or the error of the worker that failed
 * first; team_failed() knows more.
 */
int team_run(struct team *team, const struct job *jobs, bool threads)
{
	unsigned int count = threads ? 1 : team->count, started = 0;
	pid_t *pids = calloc(count, sizeof(*pids));
	pid_t parent = getpid();
	int error = 0;

	if (!pids)
		return -ENOMEM;
	cpus_all();
	alarm_set(GRACE_SECONDS + (unsigned int)(team->duration / 1000000000));
	for (; started < count; started++) {
		pid_t pid = fork();

		if (pid < 0) {
			error = -errno;
			break;
		}
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() != parent)
				_exit(1);
			signal(SIGALRM, SIG_DFL);
			if (threads)
				_exit(threads_run(team, jobs) ? 1 : 0);
			_exit(worker_run(team, &team->workers[started], &jobs[started]) ? 1 : 0);
		}
		pids[started] = pid;
	}
	if (!error)
		error = team_start(team, pids, count, jobs[0].channel->peer->settle_ms);
	error = team_reap(pids, started, error);
	alarm_set(0);
	free(pids);
	if (error == -ECHILD && team_failed(team))
		error = team_failed(team)->error;
	return error;
}
