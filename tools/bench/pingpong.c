// SPDX-License-Identifier: GPL-2.0-only
/* mboxbench: "pingpong" and "epoll", a message goes to another process and back. */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "workload.h"

static void pingpong_plan(struct plan *plan)
{
	const size_t *sizes;
	size_t count = plan_sizes(plan, &sizes);
	struct row *row;
	char text[16];

	for (unsigned int cpus = 1; cpus <= 2; cpus++) {
		for (size_t i = 0; i < count; i++) {
			size_text(text, sizes[i]);
			row = plan_add(plan, &workload_pingpong, "pingpong/%ucpu/%s", cpus, text);
			row->setup.size = sizes[i];
			row->cpus = cpus;
		}
	}
}

static void epoll_plan(struct plan *plan)
{
	for (unsigned int cpus = 1; cpus <= 2; cpus++) {
		struct row *row = plan_add(plan, &workload_epoll, "epoll/%ucpu", cpus);

		row->cpus = cpus;
		row->poll = true;
	}
}

/* Return an epoll on the descriptor of @ch, or -errno. */
static int poll_new(const struct channel *ch)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (epoll_ctl(fd, EPOLL_CTL_ADD, ch->peer->poll_fd(ch), &event)) {
		int error = -errno;

		close(fd);
		return error;
	}
	return fd;
}

/* Receive a message, after epoll_wait() if @epoll is one. */
static ssize_t pong_recv(struct channel *ch, void *data, size_t size, int epoll)
{
	struct epoll_event event;
	ssize_t n;

	for (;;) {
		while (epoll >= 0 && !(ch->peer->ready && ch->peer->ready(ch)) &&
		       epoll_wait(epoll, &event, 1, -1) < 0)
			if (errno != EINTR)
				return -errno;
		n = ch->peer->recv(ch, data, size);
		if (n != -EAGAIN)
			return n;
	}
}

static int client_loop(struct team *team, struct worker *me, const struct job *job, void *data,
		       int epoll)
{
	struct channel *ch = job->channel, *back = job->back;
	const size_t size = ch->setup.size;
	struct payload head = { .kind = PAYLOAD_DATA }, got;
	uint64_t deadline, time;
	ssize_t n;
	int ret;

	team_clock_start(me);
	deadline = me->began + team->duration;
	time = me->began;
	while (head.kind == PAYLOAD_DATA) {
		if (time >= deadline)
			head.kind = PAYLOAD_STOP;
		payload_stamp(data, size, &head, team->full);
		ret = ch->peer->send(ch, data, size);
		if (ret)
			return team_fail(me, "send", ret);
		if (head.kind == PAYLOAD_STOP)
			break;
		n = pong_recv(back, data, size, epoll);
		if (n < 0)
			return team_fail(me, "receive", (int)n);
		if ((size_t)n != size || payload_check(data, size, &got, team->full) ||
		    got.number != head.number)
			return team_fail(me, "verify", -EBADMSG);
		me->ended = now_ns();
		hist_add(&me->hist, me->ended - time);
		time = me->ended;
		head.number++;
	}
	team_clock_stop(me);
	me->count = head.number;
	return 0;
}

static int server_loop(struct team *team, struct worker *me, const struct job *job, void *data,
		       int epoll)
{
	struct channel *ch = job->channel, *back = job->back;
	const size_t size = ch->setup.size;
	struct payload got;

	team_clock_start(me);
	for (uint64_t number = 0; ; number++) {
		ssize_t n = pong_recv(ch, data, size, epoll);
		int ret;

		if (n < 0)
			return team_fail(me, "receive", (int)n);
		if ((size_t)n != size || payload_check(data, size, &got, team->full) ||
		    got.number != number)
			return team_fail(me, "verify", -EBADMSG);
		if (got.kind == PAYLOAD_STOP)
			break;
		ret = back->peer->send(back, data, size);
		if (ret)
			return team_fail(me, "send", ret);
	}
	team_clock_stop(me);
	return 0;
}

static int pong_work(struct team *team, struct worker *me, const struct job *job, void *data)
{
	bool client = job->sides == SIDE_SEND;
	const struct row *row = job->context;
	int epoll = -1, ret;

	if (row->poll) {
		epoll = poll_new(client ? job->back : job->channel);
		if (epoll < 0)
			return team_fail(me, "epoll", epoll);
	}
	ret = client ? client_loop(team, me, job, data, epoll) :
		       server_loop(team, me, job, data, epoll);
	if (epoll >= 0)
		close(epoll);
	return ret;
}

static int pong_run(const struct trial *trial, struct sample *sample)
{
	const struct row *row = trial->row;
	struct team *team = team_new(2, trial->duration, trial->full);
	struct channel ch = { .peer = NULL }, back = { .peer = NULL };
	const struct job jobs[2] = {
		{ .work = pong_work, .sides = SIDE_SEND, .channel = &ch, .back = &back,
		  .buffer = row->setup.size, .context = row },
		{ .work = pong_work, .sides = SIDE_RECV, .channel = &ch, .back = &back,
		  .buffer = row->setup.size, .context = row, .cpu = row->cpus - 1 },
	};
	const struct worker *client, *server;
	double count;
	int ret;

	if (!team)
		return -ENOMEM;
	ret = peer_open(&ch, trial->peer, &row->setup);
	if (!ret)
		ret = peer_open(&back, trial->peer, &row->setup);
	if (!ret)
		ret = sample_team(sample, team, team_run(team, jobs, false));
	if (!ret) {
		client = &team->workers[0];
		server = &team->workers[1];
		count = (double)client->count;
		hist_merge(sample->hist, &client->hist);
		sample->value[0] = (double)(client->ended - client->began) / count;
		sample->cpu = (double)(client->cpu + server->cpu) / count;
		sample->switches = (double)(client->switches + server->switches) / count;
	}
	peer_close(&back);
	peer_close(&ch);
	team_free(team);
	return ret;
}

static const char *epoll_refuse(const struct row *row, const struct peer *peer)
{
	(void)row;
	return peer->poll_fd ? NULL : "no descriptor to poll";
}

const struct workload workload_pingpong = {
	.name = "pingpong",
	.about = "a message to another process and back; CPUS, SIZE",
	.metrics = { { "", "ns" } },
	.latency = true,
	.plan = pingpong_plan,
	.run = pong_run,
};

const struct workload workload_epoll = {
	.name = "epoll",
	.about = "the same, both sides wait in epoll_wait(); CPUS",
	.metrics = { { "", "ns" } },
	.latency = true,
	.plan = epoll_plan,
	.refuse = epoll_refuse,
	.run = pong_run,
};
