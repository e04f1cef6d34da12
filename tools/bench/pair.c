// SPDX-License-Identifier: GPL-2.0-only
/* mboxbench: "pair", one process sends a message and receives it. */
#include <errno.h>
#include "workload.h"

/* Look at the clock once in this many messages. */
#define STEP	16

static void pair_plan(struct plan *plan)
{
	const size_t *sizes;
	size_t count = plan_sizes(plan, &sizes);
	char text[16];

	for (size_t i = 0; i < count; i++) {
		size_text(text, sizes[i]);
		plan_add(plan, &workload_pair, "pair/%s", text)->setup.size = sizes[i];
	}
}

static int pair_work(struct team *team, struct worker *me, const struct job *job, void *data)
{
	struct channel *ch = job->channel;
	const size_t size = ch->setup.size;
	const unsigned int step = size > 4096 ? 1 : STEP;
	struct payload head = { .kind = PAYLOAD_DATA }, got;
	uint64_t deadline, number = 0;

	team_clock_start(me);
	deadline = me->began + team->duration;
	do {
		for (unsigned int i = 0; i < step; i++) {
			ssize_t n;
			int ret;

			head.number = number++;
			payload_stamp(data, size, &head, team->full);
			ret = ch->peer->send(ch, data, size);
			if (ret)
				return team_fail(me, "send", ret);
			/* Until all senders are done a receive may give up, if the peer spreads. */
			do {
				n = ch->peer->recv(ch, data, size);
			} while (n == -EAGAIN);
			if (n < 0)
				return team_fail(me, "receive", (int)n);
			if ((size_t)n != size || payload_check(data, size, &got, team->full) ||
			    got.number != head.number)
				return team_fail(me, "verify", -EBADMSG);
		}
		me->ended = now_ns();
	} while (me->ended < deadline);
	team_clock_stop(me);
	me->count = number;
	return 0;
}

static int pair_run(const struct trial *trial, struct sample *sample)
{
	struct team *team = team_new(1, trial->duration, trial->full);
	struct job job = {
		.work = pair_work, .sides = SIDE_RECV | SIDE_SEND,
		.buffer = trial->row->setup.size,
	};
	const struct worker *worker;
	double count;
	int ret;

	if (!team)
		return -ENOMEM;
	ret = sample_channel(sample, trial, team, &job);
	worker = &team->workers[0];
	if (!ret) {
		count = (double)worker->count;
		sample->value[0] = (double)(worker->ended - worker->began) / count;
		sample->cpu = (double)worker->cpu / count;
		sample->switches = (double)worker->switches / count;
	}
	team_free(team);
	return ret;
}

const struct workload workload_pair = {
	.name = "pair",
	.about = "one process sends a message and receives it; SIZE",
	.metrics = { { "", "ns" } },
	.plan = pair_plan,
	.run = pair_run,
};
