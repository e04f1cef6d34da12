// SPDX-License-Identifier: GPL-2.0-only
/*
 * mboxbench: "many", N mailboxes at once: the memory of an empty one, opening one of them
 * by name, and sending to and receiving from one that is open.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "workload.h"

/* Channels that are open for the third figure, spread over all of them. */
#define OPEN_MAX	1000

/* Fewer than this are not seen in the memory of the machine. */
#define MEMORY_MIN	1000

#define STEP	16

static void many_plan(struct plan *plan)
{
	static const unsigned int numbers[] = { 10, 1000, 100000 };

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		struct row *row;

		if (plan->quick && numbers[i] > 1000)
			continue;
		row = plan_add(plan, &workload_many, "many/%u", numbers[i]);
		row->boxes = numbers[i];
		/* Making 100 000 takes seconds. */
		row->rounds_max = numbers[i] > 1000 ? 1 : 3;
		row->cold = numbers[i] > 1000;
	}
}

/*
 * The kernel frees some memory only later: wait that long, so that the rest of an earlier
 * trial is not taken for a part of this one.
 */
#define SETTLE_NS	100000000

/* Return the bytes of kernel memory that objects take, or a negative number. */
static double memory_used(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	static const char *const parts[] = { "Slab:", "Percpu:", "VmallocUsed:", "KernelStack:" };
	double used = 0;
	char line[128];

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file)) {
		for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
			if (!strncmp(line, parts[i], strlen(parts[i])))
				used += strtod(line + strlen(parts[i]), NULL);
	}
	(void)fclose(file);
	return used * 1024;
}

struct many {
	const struct row *row;
	const struct peer *peer;
	double memory;			/* bytes each; or negative */
	double open;			/* nanoseconds */
};

static unsigned int random_next(uint32_t *random)
{
	*random = *random * 1664525 + 1013904223;
	return *random >> 8;
}

static void channel_init(struct channel *ch, const struct peer *peer, const struct setup *setup)
{
	memset(ch, 0, sizeof(*ch));
	ch->peer = peer;
	ch->setup = *setup;
}

/* Open and close channels by name for the duration. */
static int open_measure(struct many *many, uint64_t duration)
{
	const unsigned int boxes = many->row->boxes ? many->row->boxes : 1;
	uint64_t began = now_ns(), time;
	uint32_t random = 1;
	unsigned int count = 0;
	struct channel ch;

	do {
		for (unsigned int i = 0; i < STEP; i++) {
			int ret;

			channel_init(&ch, many->peer, &many->row->setup);
			ret = many->peer->named->open(&ch, random_next(&random) % boxes);
			if (ret)
				return ret;
			many->peer->named->shut(&ch);
		}
		count += STEP;
		time = now_ns();
	} while (time - began < duration);
	many->open = (double)(time - began) / count;
	return 0;
}

static int send_measure(struct team *team, struct worker *me, struct channel *channels,
			unsigned int open, char *data)
{
	const size_t size = channels[0].setup.size;
	struct payload head = { .kind = PAYLOAD_DATA }, got;
	uint32_t random = 1;
	uint64_t deadline;

	me->began = now_ns();
	deadline = me->began + team->duration;
	do {
		for (unsigned int i = 0; i < STEP; i++) {
			struct channel *ch = &channels[random_next(&random) % open];
			ssize_t n;
			int ret;

			payload_stamp(data, size, &head, team->full);
			ret = ch->peer->send(ch, data, size);
			if (ret)
				return team_fail(me, "send", ret);
			n = ch->peer->recv(ch, data, size);
			if (n < 0)
				return team_fail(me, "receive", (int)n);
			if ((size_t)n != size || payload_check(data, size, &got, team->full) ||
			    got.number != head.number)
				return team_fail(me, "verify", -EBADMSG);
			head.number++;
		}
		me->ended = now_ns();
	} while (me->ended < deadline);
	me->count = head.number;
	return 0;
}

/* Open some of the channels, spread over all of them, and send through these. */
static int send_work(struct team *team, struct worker *me, const struct many *many, char *data)
{
	const unsigned int boxes = many->row->boxes, open = boxes < OPEN_MAX ? boxes : OPEN_MAX;
	const unsigned int step = boxes > OPEN_MAX ? boxes / OPEN_MAX : 1;
	struct channel *channels = calloc(open, sizeof(*channels));
	unsigned int opened = 0;
	int ret = channels ? 0 : -ENOMEM;

	for (; opened < open && !ret; opened++) {
		channel_init(&channels[opened], many->peer, &many->row->setup);
		ret = many->peer->named->open(&channels[opened], opened * step);
		if (ret)
			break;
	}
	if (ret)
		team_fail(me, "open", ret);
	else
		ret = send_measure(team, me, channels, open, data);
	while (opened--)
		many->peer->named->shut(&channels[opened]);
	free(channels);
	return ret;
}

/* Make all of them, measure, remove them. */
static int many_measure(struct team *team, struct worker *me, struct many *many, char *data)
{
	const struct peer_named *named = many->peer->named;
	double before, after;
	unsigned int made = 0;
	int ret = 0;

	nanosleep(&(struct timespec) { .tv_nsec = SETTLE_NS }, NULL);
	before = memory_used();
	for (; made < many->row->boxes; made++) {
		ret = named->make(made);
		if (ret) {
			team_fail(me, "create", ret);
			break;
		}
	}
	after = memory_used();
	if (before >= 0 && after > before && many->row->boxes >= MEMORY_MIN)
		many->memory = (after - before) / many->row->boxes;
	if (!ret) {
		ret = open_measure(many, team->duration);
		if (ret)
			team_fail(me, "open", ret);
	}
	if (!ret)
		ret = send_work(team, me, many, data);
	while (made--)
		named->remove(made);
	return ret;
}

static int many_run(const struct trial *trial, struct sample *sample)
{
	struct many many = { .row = trial->row, .peer = trial->peer, .memory = -1 };
	struct team *team = team_new(1, trial->duration, trial->full);
	char *data = payload_new(trial->row->setup.size);
	struct worker *worker;
	int ret = -ENOMEM;

	if (team && data) {
		worker = &team->workers[0];
		ret = sample_team(sample, team, many_measure(team, worker, &many, data));
		if (!ret) {
			sample->value[0] = many.memory;
			sample->value[1] = many.open;
			sample->value[2] = (double)(worker->ended - worker->began) /
					   (double)worker->count;
		}
	}
	payload_free(data);
	team_free(team);
	return ret;
}

static const char *many_refuse(const struct row *row, const struct peer *peer)
{
	if (!peer->named)
		return "no names";
	return peer->named->max && row->boxes > peer->named->max ? "not so many at once" : NULL;
}

const struct workload workload_many = {
	.name = "many",
	.about = "N mailboxes: memory of each, opening by name, sending and receiving; N",
	.metrics = { { "/memory", "B" }, { "/open", "ns" }, { "/send", "ns" } },
	.plan = many_plan,
	.refuse = many_refuse,
	.run = many_run,
};
