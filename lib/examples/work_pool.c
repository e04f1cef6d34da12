// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Computation speed-up: worker processes count the primes below a limit, with two
 * mailboxes: one of jobs, from which each worker takes the next when it is free, so
 * that none idles while jobs are queued, and one of results.
 */
#include <errno.h>
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

static void work(struct mbox *jobs, struct mbox *results)
{
	uint32_t from, count;

	while (check("a job", mbox_recv(jobs, &from, sizeof(from), NULL, NULL)) && from != NO_MORE) {
		count = count_primes(from, from + CHUNK);
		check("a result", mbox_send(results, &count, sizeof(count), NULL));
	}
	_exit(0);
}

/* Count with that many workers. Return the time in seconds. */
static double count_with(long workers)
{
	const struct mbox_attr attr = { .lifetime = MBOX_LIFETIME_FD, .capacity = JOBS };
	const uint32_t no_more = NO_MORE;
	uint32_t count, sum = 0;
	struct mbox *jobs, *results;
	struct timespec start, end;
	int status;

	check("jobs", mbox_create(&jobs, NULL, MBOX_RIGHT_SEND | MBOX_RIGHT_RECV, &attr));
	check("results", mbox_create(&results, NULL, MBOX_RIGHT_SEND | MBOX_RIGHT_RECV, &attr));
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (long i = 0; i < workers; i++) {
		pid_t pid = fork();

		check("fork", pid < 0 ? -errno : 0);
		if (pid == 0)
			work(jobs, results);
	}
	for (uint32_t from = 0; from < JOBS * CHUNK; from += CHUNK)
		check("a job", mbox_send(jobs, &from, sizeof(from), NULL));
	for (uint32_t i = 0; i < JOBS; i++, sum += count)
		check("a result", mbox_recv(results, &count, sizeof(count), NULL, NULL));
	clock_gettime(CLOCK_MONOTONIC, &end);

	for (long i = 0; i < workers; i++)
		check("the end", mbox_send(jobs, &no_more, sizeof(no_more), NULL));
	for (long i = 0; i < workers; i++)
		check("a worker", wait(&status) < 0 || status ? -ECHILD : 0);
	mbox_close(jobs);
	mbox_close(results);
	printf("%ld worker%s: %u primes\n", workers, workers == 1 ? "" : "s", sum);
	if (sum != PRIMES)
		exit(1);
	return (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
}

int main(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	double alone = count_with(1), together = count_with(cpus > 1 ? cpus : 2);

	printf("%.3f s, then %.3f s, on %ld CPUs: speed-up %.2f\n", alone, together, cpus,
	       alone / together);
	return 0;
}
