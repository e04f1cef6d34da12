// SPDX-License-Identifier: GPL-2.0-only
/* Workload: one process sends without end, another one receives. */
#include "cost/cost.h"

static int stream_send(struct bench *bench)
{
	int ret;

	for (;;) {
		ret = bench->way->send(&bench->channel);
		if (ret)
			return ret;
		__atomic_store_n(bench->sent, *bench->sent + 1, __ATOMIC_RELAXED);
	}
}

static int stream_begin(struct bench *bench)
{
	int ret = channel_open(&bench->channel, bench, bench->row->depth);

	bench->sent = shared_alloc(sizeof(*bench->sent));
	return ret ? ret : partner_start(bench, stream_send);
}

static int stream_run(struct bench *bench, unsigned int times)
{
	int ret = 0;

	while (times-- && !ret) {
		ret = bench->way->recv(&bench->channel);
		unit_done();
	}
	return ret;
}

const struct workload stream = {
	"one way from process to process, through a queue of so many messages", "message",
	stream_begin, stream_run,
};
