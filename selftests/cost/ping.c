// SPDX-License-Identifier: GPL-2.0-only
/* Workloads: a message to another process, and its answer. */
#include "cost/cost.h"

#include <sys/epoll.h>

static int ping_answer(struct bench *bench)
{
	int ret;

	do {
		ret = bench->way->recv(&bench->channel);
		if (!ret)
			ret = bench->way->send(&bench->back);
	} while (!ret);
	return ret;
}

static int ping_open(struct bench *bench)
{
	int ret = channel_open(&bench->channel, bench, bench->row->depth);

	return ret ? ret : channel_open(&bench->back, bench, bench->row->depth);
}

static int ping_begin(struct bench *bench)
{
	int ret = ping_open(bench);

	return ret ? ret : partner_start(bench, ping_answer);
}

static int ping_run(struct bench *bench, unsigned int times)
{
	int ret = 0;

	while (times-- && !ret) {
		ret = bench->way->send(&bench->channel);
		if (!ret)
			ret = bench->way->recv(&bench->back);
		unit_done();
	}
	return ret;
}

const struct workload ping = {
	"ping-pong of two processes", "round trip", ping_begin, ping_run,
};

static int epoll_open(struct bench *bench, const struct channel *ch)
{
	struct epoll_event event = { .events = EPOLLIN };

	bench->epoll = epoll_create1(0);
	if (bench->epoll < 0 || epoll_ctl(bench->epoll, EPOLL_CTL_ADD, ch->fds[0], &event))
		return -errno;
	return 0;
}

static int epoll_recv(struct bench *bench, struct channel *ch)
{
	struct epoll_event event;
	int ret;

	do
		ret = epoll_wait(bench->epoll, &event, 1, -1);
	while (ret < 0 && errno == EINTR);
	return ret == 1 ? bench->way->recv(ch) : ret < 0 ? -errno : -EPROTO;
}

static int epoll_answer(struct bench *bench)
{
	int ret = epoll_open(bench, &bench->channel);

	while (!ret) {
		ret = epoll_recv(bench, &bench->channel);
		if (!ret)
			ret = bench->way->send(&bench->back);
	}
	return ret;
}

static int epoll_begin(struct bench *bench)
{
	int ret = ping_open(bench);

	if (!ret)
		ret = epoll_open(bench, &bench->back);
	return ret ? ret : partner_start(bench, epoll_answer);
}

static int epoll_run(struct bench *bench, unsigned int times)
{
	int ret = 0;

	while (times-- && !ret) {
		ret = bench->way->send(&bench->channel);
		if (!ret)
			ret = epoll_recv(bench, &bench->back);
		unit_done();
	}
	return ret;
}

const struct workload epoll_ping = {
	"ping-pong of two processes, each of which calls epoll_wait() before it receives", "round trip",
	epoll_begin, epoll_run,
};
