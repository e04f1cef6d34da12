// SPDX-License-Identifier: GPL-2.0-only
/*
 * NATS JetStream alone, to compare mboxbridge with: nats_bench URL MESSAGES SIZE PINGS
 *
 * Publishes messages with as many under way as mboxbridge has, and receives them on a connection of its
 * own; then one message after the other, for the time from publication to delivery.
 */
#include <inttypes.h>
#include <nats/nats.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW	256
/* On a busy machine the server is late by more than the default of 200 ms. */
#define STALL_MS	10000

static struct {
	pthread_mutex_t lock;
	pthread_cond_t more;
	uint64_t got;		/* under @lock */
} bench = { .lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER };

static void must(natsStatus status, const char *what)
{
	if (status == NATS_OK)
		return;
	fprintf(stderr, "nats_bench: %s: %s\n", what, natsStatus_GetText(status));
	exit(1);
}

static void bench_receive(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure)
{
	(void)nc;
	(void)sub;
	(void)closure;
	natsMsg_Destroy(msg);
	pthread_mutex_lock(&bench.lock);
	bench.got++;
	pthread_cond_signal(&bench.more);
	pthread_mutex_unlock(&bench.lock);
}

static void bench_wait(uint64_t count)
{
	pthread_mutex_lock(&bench.lock);
	while (bench.got < count)
		pthread_cond_wait(&bench.more, &bench.lock);
	pthread_mutex_unlock(&bench.lock);
}

static int bench_compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static jsCtx *bench_connect(const char *url)
{
	natsConnection *nc;
	jsOptions options;
	jsCtx *js;

	must(natsConnection_ConnectTo(&nc, url), url);
	jsOptions_Init(&options);
	options.PublishAsync.MaxPending = WINDOW;
	options.PublishAsync.StallWait = STALL_MS;
	must(natsConnection_JetStream(&js, nc, &options), "JetStream");
	return js;
}

int main(int argc, char **argv)
{
	uint64_t count = argc > 4 ? strtoull(argv[2], NULL, 10) : 0;
	int size = argc > 4 ? atoi(argv[3]) : 0, pings = argc > 4 ? atoi(argv[4]) : 0;
	const char *subjects[] = { "bench" };
	natsSubscription *sub;
	jsStreamConfig config;
	jsSubOptions options;
	int64_t began, took, *times;
	jsCtx *in, *out;
	char *data;

	if (!count || size < 1 || pings < 1)
		return 2;
	data = calloc(1, (size_t)size);
	times = calloc((size_t)pings, sizeof(*times));
	if (!data || !times)
		return 1;
	out = bench_connect(argv[1]);
	in = bench_connect(argv[1]);
	jsStreamConfig_Init(&config);
	config.Name = "BENCH";
	config.Subjects = subjects;
	config.SubjectsLen = 1;
	must(js_AddStream(NULL, out, &config, NULL, NULL), "stream");
	jsSubOptions_Init(&options);
	options.Ordered = true;
	must(js_Subscribe(&sub, in, "bench", bench_receive, NULL, NULL, &options, NULL), "subscription");

	began = nats_NowInNanoSeconds();
	for (uint64_t i = 0; i < count; i++)
		must(js_PublishAsync(out, "bench", data, size, NULL), "publication");
	must(js_PublishAsyncComplete(out, NULL), "publication");
	bench_wait(count);
	took = nats_NowInNanoSeconds() - began;
	for (int i = 0; i < pings; i++) {
		began = nats_NowInNanoSeconds();
		must(js_Publish(NULL, out, "bench", data, size, NULL, NULL), "publication");
		bench_wait(count + (uint64_t)i + 1);
		times[i] = nats_NowInNanoSeconds() - began;
	}
	qsort(times, (size_t)pings, sizeof(*times), bench_compare);
	printf("%" PRIu64 " %" PRId64 " %" PRId64 "\n", count * 1000000000 / (uint64_t)took, times[pings / 2] / 1000,
	       times[pings * 99 / 100] / 1000);
	return 0;
}
