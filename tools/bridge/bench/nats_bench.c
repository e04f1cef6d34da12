// SPDX-License-Identifier: GPL-2.0-only
/*
 * NATS JetStream alone, to compare mboxbridge with: nats_bench URL MESSAGES SIZE PINGS
 *
 * Publishes messages with as many under way as mboxbridge has, and receives them on a connection of its
 * own; then one message after the other, for the time from publication to delivery.
 */
#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>
#include "bench.h"

/* On a busy machine the server is late by more than the default of 200 ms. */
#define STALL_MS	10000

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
	bench_got();
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
	const char *subjects[] = { "bench" };
	natsSubscription *sub;
	jsStreamConfig config;
	jsSubOptions options;
	struct bench bench;
	int64_t began, took;
	jsCtx *in, *out;
	char *data;

	if (!bench_init(&bench, argc, argv))
		return 2;
	data = calloc(1, (size_t)bench.size);
	if (!data)
		return 1;
	out = bench_connect(bench.server);
	in = bench_connect(bench.server);
	jsStreamConfig_Init(&config);
	config.Name = "BENCH";
	config.Subjects = subjects;
	config.SubjectsLen = 1;
	must(js_AddStream(NULL, out, &config, NULL, NULL), "stream");
	jsSubOptions_Init(&options);
	options.Ordered = true;
	must(js_Subscribe(&sub, in, "bench", bench_receive, NULL, NULL, &options, NULL), "subscription");

	began = nats_NowInNanoSeconds();
	for (uint64_t i = 0; i < bench.count; i++)
		must(js_PublishAsync(out, "bench", data, bench.size, NULL), "publication");
	must(js_PublishAsyncComplete(out, NULL), "publication");
	bench_wait(bench.count);
	took = nats_NowInNanoSeconds() - began;
	for (int i = 0; i < bench.pings; i++) {
		began = nats_NowInNanoSeconds();
		must(js_Publish(NULL, out, "bench", data, bench.size, NULL, NULL), "publication");
		bench_wait(bench.count + (uint64_t)i + 1);
		bench.times[i] = nats_NowInNanoSeconds() - began;
	}
	bench_report(&bench, took);
	return 0;
}
