// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Computation speed-up: worker processes count the primes below a limit, with two
 * mailboxes: one of jobs, from which each worker takes the next when it is free, so
 * that none idles while jobs are queued, and one of results.
 *
 * A worker leases its job, and acknowledges it once the result is sent. A worker that is
 * killed loses nothing: its job returns, and another worker does it.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <mbox.h>

#define CHUNK	10000U			/* numbers in a job */
#define JOBS	50U
#define PRIMES	41538U			/* below CHUNK * JOBS */
#define NO_MORE	UINT32_MAX

struct result {
	uint32_t job;
	uint32_t count;
};

static long check(const char *what, long result)
{
	if (result < 0) {
		fprintf(stderr, "%s: %s\n", what, mbox_strerror((int)result));
		exit(1);
	}
	return result;
}

static uint32_t count_primes(uint32_t from, uint32_t to)
{
	uint32_t count = 0, d;

	for (uint32_t n = from < 2 ? 2 : from; n < to; n++) {
		for (d = 2; d * d <= n && n % d; d++)
			;
		count += d * d > n;
	}
	return count;
}

/* Do jobs until there are no more. Die in the middle of number @last, if that is not 0. */
static void work(struct mbox *jobs, struct mbox *results, unsigned int last)
{
	struct mbox_lease_opts opts = { .ack = 0 };
	struct mbox_delivery delivery;
	struct result result;

	for (unsigned int n = 1; ; n++) {
		/* In the same call, acknowledge the job before: its result is sent. */
		check("a job", mbox_lease(jobs, &result.job, sizeof(result.job), &opts, NULL,
					  &delivery));
		opts.ack = delivery.token;
		if (result.job == NO_MORE)
			break;
		result.count = count_primes(result.job * CHUNK, (result.job + 1) * CHUNK);
		if (n == last)
			raise(SIGKILL);
		check("a result", mbox_send(results, &result, sizeof(result), NULL));
	}
	check("the end", mbox_ack(jobs, delivery.token));
	_exit(0);
}

static pid_t start(struct mbox *jobs, struct mbox *results, unsigned int last)
{
	pid_t pid = fork();

	check("fork", pid < 0 ? -errno : 0);
	if (pid == 0)
		work(jobs, results, last);
	return pid;
}

/* Add up the results. A worker may die after it has sent one: then the job comes twice. */
static uint32_t collect(struct mbox *results)
{
	bool done[JOBS] = { false };
	struct result result;
	uint32_t sum = 0;

	for (unsigned int left = JOBS; left; ) {
		check("a result", mbox_recv(results, &result, sizeof(result), NULL, NULL));
		if (done[result.job])
			continue;
		done[result.job] = true;
		sum += result.count;
		left--;
	}
	return sum;
}

/* Count with that many workers, maybe after one that is killed. Return the time in seconds. */
static double count_with(long workers, bool one_dies)
{
	const struct mbox_attr attr = { .lifetime = MBOX_LIFETIME_FD, .capacity = JOBS };
	const uint32_t no_more = NO_MORE;
	struct mbox *jobs, *results;
	struct timespec begin, end;
	struct mbox_info info;
	uint32_t sum;
	int status;

	check("jobs", mbox_create(&jobs, NULL, MBOX_RIGHT_SEND | MBOX_RIGHT_RECV, &attr));
	check("results", mbox_create(&results, NULL, MBOX_RIGHT_SEND | MBOX_RIGHT_RECV, &attr));
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (uint32_t job = 0; job < JOBS; job++)
		check("a job", mbox_send(jobs, &job, sizeof(job), NULL));
	if (one_dies) {
		pid_t pid = start(jobs, results, 3);

		check("a death", waitpid(pid, &status, 0) < 0 || !WIFSIGNALED(status) ? -ECHILD : 0);
		printf("a worker was killed in the middle of its third job\n");
	}
	fflush(stdout);
	for (long i = 0; i < workers; i++)
		start(jobs, results, 0);
	sum = collect(results);
	clock_gettime(CLOCK_MONOTONIC, &end);

	for (long i = 0; i < workers; i++)
		check("the end", mbox_send(jobs, &no_more, sizeof(no_more), NULL));
	for (long i = 0; i < workers; i++)
		check("a worker", wait(&status) < 0 || status ? -ECHILD : 0);
	check("the counters", mbox_get(jobs, &info));
	mbox_close(jobs);
	mbox_close(results);
	printf("%ld worker%s: %u primes", workers, workers == 1 ? "" : "s", sum);
	if (info.redelivered)
		printf(", %llu job came back and was done by another", info.redelivered);
	putchar('\n');
	if (sum != PRIMES || info.queued || info.redelivered != one_dies)
		exit(1);
	return (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
}

int main(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN), workers = cpus > 1 ? cpus : 2;
	double alone = count_with(1, false), together = count_with(workers, false);

	printf("%.3f s, then %.3f s, on %ld CPUs: speed-up %.2f\n", alone, together, cpus,
	       alone / together);
	count_with(workers, true);
	return 0;
}
