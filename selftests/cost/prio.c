// SPDX-License-Identifier: GPL-2.0-only
/* Workload: a queue is filled with messages of 32 priorities, then emptied. */
#include "cost/cost.h"

static int prio_begin(struct bench *bench)
{
	return channel_open(&bench->channel, bench, bench->row->depth);
}

static int prio_run(struct bench *bench, unsigned int times)
{
	struct channel *ch = &bench->channel;
	const unsigned int depth = bench->row->depth;
	unsigned int prio = 0;
	int ret = 0;

	for (; times >= depth && !ret; times -= depth) {
		for (unsigned int i = 0; i < depth && !ret; i++) {
			/* neither rising nor falling */
			prio = (prio + 11) % PRIORITIES;
			ret = bench->way->send_prio(ch, prio);
		}
		for (unsigned int i = 0; i < depth && !ret; i++) {
			ret = bench->way->recv_prio(ch);
			unit_done();
		}
	}
	return ret;
}

const struct workload prio = {
	"a queue of so many messages of 32 priorities is filled, then emptied", "message",
	prio_begin, prio_run, .whole = true,
};
