// SPDX-License-Identifier: GPL-2.0-only
/*
 * mboxbench: "prio", a queue of N messages of 32 priorities. One process keeps it full:
 * it takes the first message and puts another one in, of a random priority.
 */
#include <errno.h>
#include "workload.h"

#define STEP	16

/* The messages that are queued: how many of each priority. The order among equals is by number. */
struct levels {
	unsigned int queued[PEER_PRIOS];
	uint64_t last[PEER_PRIOS];
};

static void prio_plan(struct plan *plan)
{
	static const unsigned int depths[] = { 10, 1000, 10000 };

	for (size_t i = 0; i < ARRAY_SIZE(depths); i++)
		plan_add(plan, &workload_prio, "prio/%u", depths[i])->setup.depth = depths[i];
}

/* The priority is the message's sender, so that it is verified. */
static int prio_put(struct channel *ch, char *data, struct levels *levels, uint64_t number,
		    uint32_t *random, bool full)
{
	struct payload head = { .kind = PAYLOAD_DATA, .number = number };

	*random = *random * 1664525 + 1013904223;
	head.sender = *random >> 27;
	levels->queued[head.sender]++;
	payload_stamp(data, ch->setup.size, &head, full);
	return ch->peer->send_prio(ch, data, ch->setup.size, head.sender);
}

static int prio_take(struct channel *ch, char *data, struct levels *levels, bool full)
{
	ssize_t n = ch->peer->recv_prio(ch, data, ch->setup.size);
	unsigned int best = PEER_PRIOS - 1;
	struct payload got;

	if (n < 0)
		return (int)n;
	if ((size_t)n != ch->setup.size || payload_check(data, (size_t)n, &got, full))
		return -EBADMSG;
	while (best && !levels->queued[best])
		best--;
	if (got.sender != best || got.number < levels->last[best])
		return -EBADMSG;
	levels->queued[best]--;
	levels->last[best] = got.number + 1;
	return 0;
}

static int prio_work(struct team *team, struct worker *me, const struct job *job, void *data)
{
	struct channel *ch = job->channel;
	struct levels levels = { .queued = { 0 } };
	uint64_t number = 0, deadline;
	uint32_t random = 1;
	int ret;

	for (; number < ch->setup.depth; number++) {
		ret = prio_put(ch, data, &levels, number, &random, team->full);
		if (ret)
			return team_fail(me, "fill", ret);
	}
	team_clock_start(me);
	deadline = me->began + team->duration;
	do {
		for (unsigned int i = 0; i < STEP; i++) {
			ret = prio_take(ch, data, &levels, team->full);
			if (ret)
				return team_fail(me, "receive", ret);
			ret = prio_put(ch, data, &levels, number++, &random, team->full);
			if (ret)
				return team_fail(me, "send", ret);
		}
		me->ended = now_ns();
	} while (me->ended < deadline);
	team_clock_stop(me);
	me->count = number - ch->setup.depth;
	for (unsigned int i = 0; i < ch->setup.depth; i++) {
		ret = prio_take(ch, data, &levels, team->full);
		if (ret)
			return team_fail(me, "empty", ret);
	}
	return 0;
}

static int prio_run(const struct trial *trial, struct sample *sample)
{
	struct team *team = team_new(1, trial->duration, trial->full);
	struct job job = {
		.work = prio_work, .sides = SIDE_RECV | SIDE_SEND,
		.buffer = trial->row->setup.size,
	};
	const struct worker *worker;
	int ret;

	if (!team)
		return -ENOMEM;
	ret = sample_channel(sample, trial, team, &job);
	worker = &team->workers[0];
	if (!ret)
		sample->value[0] = (double)(worker->ended - worker->began) / (double)worker->count;
	team_free(team);
	return ret;
}

static const char *prio_refuse(const struct row *row, const struct peer *peer)
{
	(void)row;
	return peer->send_prio ? NULL : "no priorities";
}

const struct workload workload_prio = {
	.name = "prio",
	.about = "receive and send in a queue of N messages, 32 priorities; N",
	.metrics = { { "", "ns" } },
	.plan = prio_plan,
	.refuse = prio_refuse,
	.run = prio_run,
};
