// SPDX-License-Identifier: GPL-2.0-only
/* Workloads of one process: a message sent and received; a receive that finds nothing. */
#include "cost/cost.h"

#include <sys/ipc.h>

/* Room that a program leaves where it has no reason for another number. */
#define DEPTH_USUAL	10

static int pair_begin(struct bench *bench)
{
	/* a pipe takes no more than one long message */
	return channel_open(&bench->channel, bench, bench->row->size < 65536 ? DEPTH_USUAL : 1);
}

static int pair_run(struct bench *bench, unsigned int times)
{
	struct channel *ch = &bench->channel;
	int ret = 0;

	while (times-- && !ret) {
		ret = bench->way->send(ch);
		if (!ret)
			ret = bench->way->recv(ch);
		unit_done();
	}
	return ret;
}

const struct workload pair = {
	"a message sent and received by one process", "message", pair_begin, pair_run,
};

static int empty_begin(struct bench *bench)
{
	struct channel *ch = &bench->channel;
	int ret = channel_open(ch, bench, DEPTH_USUAL);

	ch->flags = IPC_NOWAIT;
	if (!ret && ch->fds[0] >= 0 && fcntl(ch->fds[0], F_SETFL, O_NONBLOCK))
		ret = -errno;
	return ret;
}

static int empty_run(struct bench *bench, unsigned int times)
{
	struct channel *ch = &bench->channel;

	while (times--) {
		int ret = bench->way->recv(ch);

		if (ret != -EAGAIN && ret != -ENOMSG)
			return ret ? ret : -EPROTO;
		unit_done();
	}
	return 0;
}

const struct workload empty = {
	"a receive that may not block and finds no message", "call", empty_begin, empty_run,
};
