// SPDX-License-Identifier: GPL-2.0-only
/* What the benchmarks of other engines share. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include "bench.h"

static struct {
	pthread_mutex_t lock;
	pthread_cond_t more;
	uint64_t got;		/* under @lock */
} received = { .lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER };

/* Read the arguments SERVER MESSAGES SIZE PINGS. False if they are wrong, or memory is short. */
bool bench_init(struct bench *bench, int argc, char **argv)
{
	if (argc <= 4)
		return false;
	bench->server = argv[1];
	bench->count = strtoull(argv[2], NULL, 10);
	bench->size = atoi(argv[3]);
	bench->pings = atoi(argv[4]);
	if (!bench->count || bench->size < 1 || bench->pings < 1)
		return false;
	bench->times = calloc((size_t)bench->pings, sizeof(*bench->times));
	return bench->times;
}

/* Count a message that was received. */
void bench_got(void)
{
	pthread_mutex_lock(&received.lock);
	received.got++;
	pthread_cond_signal(&received.more);
	pthread_mutex_unlock(&received.lock);
}

/* Wait until @count messages were received. */
void bench_wait(uint64_t count)
{
	pthread_mutex_lock(&received.lock);
	while (received.got < count)
		pthread_cond_wait(&received.more, &received.lock);
	pthread_mutex_unlock(&received.lock);
}

static int time_compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Print messages in a second, and microseconds of a ping: the median and 99 %. */
void bench_report(const struct bench *bench, int64_t took)
{
	qsort(bench->times, (size_t)bench->pings, sizeof(*bench->times), time_compare);
	printf("%" PRIu64 " %" PRId64 " %" PRId64 "\n", bench->count * 1000000000 / (uint64_t)took,
	       bench->times[bench->pings / 2] / 1000, bench->times[bench->pings * 99 / 100] / 1000);
}
