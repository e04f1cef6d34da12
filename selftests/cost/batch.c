// SPDX-License-Identifier: GPL-2.0-only
/* Workload of one process: it sends messages in one call, and receives them in another. */
#include "cost/cost.h"

static int batch_begin(struct bench *bench)
{
	return channel_open(&bench->channel, bench, bench->row->depth);
}

static int batch_run(struct bench *bench, unsigned int times)
{
	unsigned int depth = bench->row->depth;
	struct channel *ch = &bench->channel;
	int ret;

	for (; times >= depth; times -= depth) {
		ret = bench->way->send_batch(ch, depth);
		if (!ret)
			ret = bench->way->recv_batch(ch, depth);
		if (ret)
			return ret;
		for (unsigned int i = 0; i < depth; i++)
			unit_done();
	}
	return 0;
}

const struct workload batch = {
	"so many messages sent in one call and received in one, by one process", "message",
	batch_begin, batch_run, .whole = true,
};
