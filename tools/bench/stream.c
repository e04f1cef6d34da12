// SPDX-License-Identifier: GPL-2.0-only
/*
 * mboxbench: senders that send all the time, and receivers that receive all the time.
 * "oneway", "fan", "crowd" and "batch" differ in their numbers.
 *
 * The sender that is done last sends a stop to each receiver. A peer that assigns
 * messages to receivers when they are sent has no order between senders, so there the
 * receivers go on until all messages have come.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "workload.h"

/* A sender looks at the clock, and stamps a message with it, once in this many messages. */
#define STEP	16

/* A receiver that is about to block has done so after this time. */
#define BLOCKED_NS	100000000

struct stream {
	const struct row *row;
	unsigned int receivers;
	/* The end is the last message: no stop comes, or there are too many of them. */
	bool each;
};

/* Send @count messages of @size bytes. */
static int stream_send(struct channel *ch, const void *data, size_t size, unsigned int count,
		       bool batch)
{
	return batch ? ch->peer->send_batch(ch, data, size, count) : ch->peer->send(ch, data, size);
}

static int stream_stop(struct team *team, struct worker *me, struct channel *ch, char *data,
		       const struct stream *stream)
{
	const struct payload head = { .kind = PAYLOAD_STOP };
	const size_t size = ch->setup.size;

	atomic_fetch_add(&team->sent, me->count);
	if (atomic_fetch_sub(&team->senders, 1) > 1 || ch->peer->spreads)
		return 0;
	payload_stamp(data, size, &head, team->full);
	for (unsigned int i = 0; i < stream->receivers; i++) {
		int ret = ch->peer->send(ch, data, size);

		if (ret)
			return team_fail(me, "send", ret);
	}
	return 0;
}

/* Wait until all receivers are blocked, as far as time can tell. */
static void sender_await(struct team *team, unsigned int receivers)
{
	uint32_t seen;

	while ((seen = atomic_load(&team->arrived)) < receivers)
		futex_wait(&team->arrived, seen);
	nanosleep(&(struct timespec) { .tv_nsec = BLOCKED_NS }, NULL);
}

static int sender_work(struct team *team, struct worker *me, const struct job *job, void *buffer)
{
	const struct stream *stream = job->context;
	const struct row *row = stream->row;
	struct channel *ch = job->channel;
	const size_t size = ch->setup.size;
	const unsigned int batch = row->batch ? row->batch : 1;
	const unsigned int step = size > 4096 || batch > 1 ? 1 : STEP;
	struct payload head = { .kind = PAYLOAD_DATA, .sender = job->number };
	char *data = buffer;
	uint64_t deadline;
	int ret;

	if (row->lockstep)
		sender_await(team, stream->receivers);
	team_clock_start(me);
	deadline = me->began + team->duration;
	head.time = me->began;
	do {
		for (unsigned int i = 0; i < step; i++) {
			uint32_t seen = atomic_load(&team->taken);

			for (unsigned int b = 0; b < batch; b++) {
				payload_stamp(data + b * size, size, &head, team->full);
				me->sum += payload_sum(&head);
				head.number++;
				head.time = 0;
			}
			ret = stream_send(ch, data, size, batch, row->batch);
			if (ret)
				return team_fail(me, "send", ret);
			while (row->lockstep && atomic_load(&team->taken) == seen)
				futex_wait(&team->taken, seen);
		}
		head.time = now_ns();
	} while (head.time < deadline);
	team_clock_stop(me);
	me->count = head.number;
	return stream_stop(team, me, ch, data, stream);
}

/* A receiver's place in the messages of each sender. */
struct places {
	uint64_t next[16];
	bool alone;			/* it gets all of them */
};

/* Account for a message. Return whether it was a stop, or -errno. */
static int receiver_take(struct team *team, struct worker *me, const char *data, size_t size,
			 struct places *places, const struct row *row)
{
	struct payload got;
	int ret = payload_check(data, size, &got, team->full);

	if (ret)
		return ret;
	if (got.kind == PAYLOAD_STOP)
		return 1;
	if (got.sender >= ARRAY_SIZE(places->next) || got.number < places->next[got.sender] ||
	    (places->alone && got.number != places->next[got.sender]))
		return -EBADMSG;
	places->next[got.sender] = got.number + 1;
	if (got.time)
		hist_add(&me->hist, now_ns() - got.time);
	me->sum += payload_sum(&got);
	/* No other process writes it. */
	atomic_store_explicit(&me->count,
			      atomic_load_explicit(&me->count, memory_order_relaxed) + 1,
			      memory_order_relaxed);
	if (row->lockstep) {
		atomic_fetch_add(&team->taken, 1);
		futex_wake_all(&team->taken);
	}
	return 0;
}

/* Have all messages come, those of the other receivers too? */
static bool all_taken(struct team *team, const struct stream *stream)
{
	uint64_t taken = 0;

	if (atomic_load(&team->senders))
		return false;
	for (unsigned int i = 0; i < stream->receivers; i++)
		taken += atomic_load_explicit(&team->workers[i].count, memory_order_relaxed);
	return taken == atomic_load(&team->sent);
}

static int receiver_loop(struct team *team, struct worker *me, const struct job *job, char *data)
{
	const struct stream *stream = job->context;
	const struct row *row = stream->row;
	struct channel *ch = job->channel;
	const size_t size = ch->setup.size;
	struct places places = { .alone = stream->receivers == 1 };
	bool spreads = ch->peer->spreads;

	for (;;) {
		ssize_t n = row->batch ? ch->peer->recv_batch(ch, data, size, row->batch) :
					 ch->peer->recv(ch, data, size);
		int ret;

		if (n == -EAGAIN && spreads) {
			if (all_taken(team, stream))
				return 0;
			continue;
		}
		if (n < 0)
			return team_fail(me, "receive", (int)n);
		if (!row->batch) {
			if ((size_t)n != size)
				return team_fail(me, "verify", -EBADMSG);
			n = 1;
		}
		for (ssize_t i = 0; i < n; i++) {
			ret = receiver_take(team, me, data + (size_t)i * size, size, &places, row);
			if (ret < 0)
				return team_fail(me, "verify", ret);
			if (ret) {
				if (!stream->each)
					me->ended = now_ns();
				return 0;
			}
		}
		if (stream->each)
			me->ended = now_ns();
	}
}

static int receiver_work(struct team *team, struct worker *me, const struct job *job, void *buffer)
{
	const struct stream *stream = job->context;
	int ret;

	team_clock_start(me);
	if (atomic_fetch_add(&team->arrived, 1) + 1 == stream->receivers)
		futex_wake_all(&team->arrived);
	ret = receiver_loop(team, me, job, buffer);
	team_clock_stop(me);
	return ret;
}

/* Compare the messages sent with those received, and compute the figures. */
static int stream_count(const struct team *team, const struct stream *stream,
			struct sample *sample)
{
	uint64_t began = UINT64_MAX, ended = 0, sent = 0, received = 0, sum = 0, cpu = 0;
	uint64_t switches = 0, taken;

	for (unsigned int i = 0; i < team->count; i++) {
		const struct worker *worker = &team->workers[i];

		cpu += worker->cpu;
		switches += worker->switches;
		if (i < stream->receivers) {
			received += worker->count;
			sum += worker->sum;
			hist_merge(sample->hist, &worker->hist);
			if (worker->ended > ended)
				ended = worker->ended;
		} else {
			sent += worker->count;
			sum -= worker->sum;
			if (worker->began < began)
				began = worker->began;
		}
	}
	if (!received || received != sent || sum) {
		snprintf(sample->why, sizeof(sample->why), "%s",
			 "the messages received are not those sent");
		return -EBADMSG;
	}
	taken = received;
	/* Stops are messages, too. */
	if (!stream->each)
		taken += stream->receivers;
	sample->value[0] = (double)(ended - began) / (double)taken;
	sample->cpu = (double)cpu / (double)received;
	sample->switches = (double)switches / (double)received;
	return 0;
}

static int stream_run(const struct trial *trial, struct sample *sample)
{
	const struct row *row = trial->row;
	const struct stream stream = {
		.row = row,
		.receivers = row->setup.receivers,
		.each = trial->peer->spreads || row->lockstep,
	};
	unsigned int count = stream.receivers + row->setup.senders;
	struct job *jobs = calloc(count, sizeof(*jobs));
	struct team *team = team_new(count, trial->duration, trial->full);
	struct channel ch = { .peer = NULL };
	int ret = -ENOMEM;

	if (!team || !jobs)
		goto out;
	for (unsigned int i = 0; i < count; i++) {
		bool receiver = i < stream.receivers;
		unsigned int number = receiver ? i : i - stream.receivers;

		jobs[i] = (struct job) {
			.work = receiver ? receiver_work : sender_work,
			/* Sender and receiver of the same number on different CPUs, if there are two. */
			.cpu = row->cpus == 1 ? 0 : number + receiver,
			.number = number,
			.sides = receiver ? SIDE_RECV : SIDE_SEND,
			.channel = &ch,
			.buffer = row->setup.size * (row->batch ? row->batch : 1),
			.context = &stream,
		};
	}
	ret = peer_open(&ch, trial->peer, &row->setup);
	if (!ret) {
		atomic_store(&team->senders, row->setup.senders);
		ret = sample_team(sample, team, team_run(team, jobs, row->setup.threads));
		if (!ret)
			ret = stream_count(team, &stream, sample);
	}
	peer_close(&ch);
out:
	team_free(team);
	free(jobs);
	return ret;
}

/* So much memory a queue may take. */
#define QUEUE_MAX	(128 << 20)

static void oneway_plan(struct plan *plan)
{
	static const unsigned int depths[] = { 10, 1000 };
	const size_t *sizes;
	size_t count = plan_sizes(plan, &sizes);
	struct row *row;
	char text[16];

	for (unsigned int cpus = 1; cpus <= 2; cpus++) {
		for (size_t d = 0; d < ARRAY_SIZE(depths); d++) {
			for (size_t i = 0; i < count; i++) {
				if (sizes[i] * depths[d] > QUEUE_MAX)
					continue;
				size_text(text, sizes[i]);
				row = plan_add(plan, &workload_oneway, "oneway/%ucpu/q%u/%s", cpus,
					       depths[d], text);
				row->setup.size = sizes[i];
				row->setup.depth = depths[d];
				row->cpus = cpus;
			}
		}
	}
}

static void fan_plan(struct plan *plan)
{
	static const unsigned int numbers[][2] = { { 4, 1 }, { 1, 4 }, { 4, 4 }, { 16, 16 } };

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		struct row *row = plan_add(plan, &workload_fan, "fan/%ux%u", numbers[i][0],
					   numbers[i][1]);

		row->setup.senders = numbers[i][0];
		row->setup.receivers = numbers[i][1];
		row->cpus = 2;
	}
}

static void crowd_plan(struct plan *plan)
{
	static const unsigned int numbers[] = { 1, 1000 };

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		struct row *row = plan_add(plan, &workload_crowd, "crowd/%u", numbers[i]);

		row->setup.receivers = numbers[i];
		row->setup.threads = true;
		row->lockstep = true;
		row->rounds_max = 3;
	}
}

static void batch_plan(struct plan *plan)
{
	static const unsigned int numbers[] = { 1, 8, 32, 256 };

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		struct row *row = plan_add(plan, &workload_batch, "batch/%u", numbers[i]);

		row->setup.depth = 1000;
		row->batch = numbers[i];
	}
}

static const char *batch_refuse(const struct row *row, const struct peer *peer)
{
	(void)row;
	return peer->send_batch ? NULL : "no call for a batch";
}

const struct workload workload_oneway = {
	.name = "oneway",
	.about = "one process sends, one receives; CPUS, QUEUE, SIZE",
	.metrics = { { "", "ns" } },
	.latency = true,
	.plan = oneway_plan,
	.run = stream_run,
};

const struct workload workload_fan = {
	.name = "fan",
	.about = "N processes send, M receive, on all CPUs; NxM",
	.metrics = { { "", "ns" } },
	.latency = true,
	.plan = fan_plan,
	.run = stream_run,
};

const struct workload workload_crowd = {
	.name = "crowd",
	.about = "one of N blocked receivers gets each message; N",
	.metrics = { { "", "ns" } },
	.latency = true,
	.plan = crowd_plan,
	.run = stream_run,
};

const struct workload workload_batch = {
	.name = "batch",
	.about = "N messages per call, one way on one CPU; N",
	.metrics = { { "", "ns" } },
	.latency = true,
	.plan = batch_plan,
	.refuse = batch_refuse,
	.run = stream_run,
};
