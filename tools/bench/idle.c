// SPDX-License-Identifier: GPL-2.0-only
/*
 * mboxbench: the processor time of a receiver that has little to do. "idle": nothing
 * comes; "trickle": a message each millisecond; "spin": the same, and the receiver
 * does not wait but polls all the time.
 */
#include <errno.h>
#include <time.h>
#include "workload.h"

#define PERIOD_NS	1000000

static void idle_plan(struct plan *plan)
{
	plan_add(plan, &workload_idle, "idle")->cpus = 2;
}

static void trickle_plan(struct plan *plan)
{
	plan_add(plan, &workload_trickle, "trickle")->cpus = 2;
}

static void spin_plan(struct plan *plan)
{
	struct row *row = plan_add(plan, &workload_spin, "spin");

	row->cpus = 2;
	row->spin = true;
}

/* Longer than other workloads: a short time holds too few periods. */
static uint64_t idle_duration(uint64_t duration)
{
	return 4 * duration > 20 * PERIOD_NS ? 4 * duration : 20 * PERIOD_NS;
}

static void sleep_until(uint64_t time)
{
	const struct timespec ts = {
		.tv_sec = (time_t)(time / 1000000000),
		.tv_nsec = (long)(time % 1000000000),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

static int drip_loop(struct team *team, struct worker *me, const struct job *job, void *data)
{
	const struct row *row = job->context;
	struct channel *ch = job->channel;
	struct payload head = { .kind = PAYLOAD_DATA };
	uint64_t next, deadline;
	int ret;

	team_clock_start(me);
	next = me->began;
	deadline = next + team->duration;
	while (row->workload != &workload_idle && next < deadline) {
		next += PERIOD_NS;
		sleep_until(next);
		head.time = now_ns();
		payload_stamp(data, ch->setup.size, &head, team->full);
		ret = ch->peer->send(ch, data, ch->setup.size);
		if (ret)
			return team_fail(me, "send", ret);
		head.number++;
	}
	sleep_until(deadline);
	team_clock_stop(me);
	me->count = head.number;
	head.kind = PAYLOAD_STOP;
	payload_stamp(data, ch->setup.size, &head, team->full);
	ret = ch->peer->send(ch, data, ch->setup.size);
	return ret ? team_fail(me, "send", ret) : 0;
}

static int sink_loop(struct team *team, struct worker *me, const struct job *job, void *data)
{
	struct channel *ch = job->channel;
	const size_t size = ch->setup.size;
	struct payload got;
	ssize_t n;

	team_clock_start(me);
	for (uint64_t number = 0; ; number++) {
		do {
			n = ch->peer->recv(ch, data, size);
		} while (n == -EAGAIN);
		if (n < 0)
			return team_fail(me, "receive", (int)n);
		me->ended = now_ns();
		if ((size_t)n != size || payload_check(data, size, &got, team->full) ||
		    got.number != number)
			return team_fail(me, "verify", -EBADMSG);
		if (got.kind == PAYLOAD_STOP)
			break;
		hist_add(&me->hist, me->ended - got.time);
		me->sum += me->ended - got.time;
		me->count = number + 1;
	}
	team_clock_stop(me);
	return 0;
}

static int idle_work(struct team *team, struct worker *me, const struct job *job, void *data)
{
	const struct row *row = job->context;
	int ret = 0;

	if (job->sides == SIDE_SEND)
		return drip_loop(team, me, job, data);
	if (row->spin)
		ret = peer_nonblock(job->channel);
	return ret ? ret : sink_loop(team, me, job, data);
}

static int idle_run(const struct trial *trial, struct sample *sample)
{
	const struct row *row = trial->row;
	struct team *team = team_new(2, idle_duration(trial->duration), trial->full);
	struct job jobs[2] = {
		{ .work = idle_work, .sides = SIDE_SEND,
		  .buffer = row->setup.size, .context = row },
		{ .work = idle_work, .sides = SIDE_RECV,
		  .buffer = row->setup.size, .context = row, .cpu = 1 },
	};
	const struct worker *sender, *receiver;
	double count;
	int ret;

	if (!team)
		return -ENOMEM;
	ret = sample_channel(sample, trial, team, jobs);
	sender = &team->workers[0];
	receiver = &team->workers[1];
	if (!ret && receiver->count != sender->count)
		ret = -EBADMSG;
	if (!ret && row->workload == &workload_idle) {
		sample->value[0] = (double)receiver->cpu /
				   (double)(receiver->ended - receiver->began) * 1e6;
	} else if (!ret) {
		count = (double)receiver->count;
		hist_merge(sample->hist, &receiver->hist);
		sample->value[0] = (double)receiver->cpu / count;
		sample->value[1] = (double)receiver->sum / count;
		sample->cpu = (double)(receiver->cpu + sender->cpu) / count;
		sample->switches = (double)(receiver->switches + sender->switches) / count;
	}
	team_free(team);
	return ret;
}

const struct workload workload_idle = {
	.name = "idle",
	.about = "a receiver waits and nothing comes: its processor time per second",
	.metrics = { { "", "us/s" } },
	.plan = idle_plan,
	.run = idle_run,
};

const struct workload workload_trickle = {
	.name = "trickle",
	.about = "a message each millisecond: the receiver's processor time, latency",
	.metrics = { { "/cpu", "ns" }, { "/latency", "ns" } },
	.latency = true,
	.plan = trickle_plan,
	.run = idle_run,
};

const struct workload workload_spin = {
	.name = "spin",
	.about = "the same, with a receiver that polls without waiting",
	.metrics = { { "/cpu", "ns" }, { "/latency", "ns" } },
	.latency = true,
	.plan = spin_plan,
	.run = idle_run,
};
