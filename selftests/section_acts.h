/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Of section_test: what a case makes before its act (begin_*), and the act (act_*). Each returns 0 or a
 * negated errno. What is left behind, section_test clears away.
 */
#ifndef SECTION_ACTS_H
#define SECTION_ACTS_H

#include "section_crowd.h"

static int none(void)
{
	return 0;
}

/* for comparison: nothing of the module's */
static int act_nothing(void)
{
	int64_t end = now() + 20 * NSEC_PER_MSEC;

	while (now() < end)
		;
	return 0;
}

static int act_delete(void)
{
	int ret = delete_fd(crowd_fd, MBOX_DELETE_FORCE);

	return ret ? ret : pool_await();
}

/* Deliveries. */

static int begin_overflow(void)
{
	int ret = box_with(MBOX_POLICY_BROADCAST, MBOX_OPTION_OVERFLOW, MBOX_CAPACITY_UNBOUNDED,
			   many[DELIVERIES]);

	return ret ? ret : fill(many[DELIVERIES], 0, 1);
}

static int act_long_message(void)
{
	static char data[1000000];
	int ret = send_bytes(crowd_fd, MBOX_SEND_NONBLOCK, 0, 1, data, many[DELIVERIES]);

	return ret == 1 ? 0 : ret < 0 ? ret : -EPROTO;
}

static int begin_subscribers(void)
{
	int ret = box_with(MBOX_POLICY_BROADCAST, 0, 8, 0);

	return ret ? ret : box_handles(many[SUBSCRIBERS], MBOX_RIGHT_RECV);
}

static int begin_broadcast_blocked(void)
{
	int ret = begin_subscribers();

	want_anything();
	return ret ? ret : crowd_block(many[SUBSCRIBERS], job_recv_own);
}

static int act_broadcast(void)
{
	int ret = send_bytes(crowd_fd, MBOX_SEND_NONBLOCK, 0, 1, "x", 1);

	if (ret >= 0 && ret != nr_handles)
		ret = -EPROTO;
	return ret < 0 ? ret : pool_await();
}

static int act_broadcast_withdrawn(void)
{
	struct mbox_ioc_send send = {
		.flags = MBOX_SEND_SYNC, .data = address_of("x"), .size = 1,
		.clock = MBOX_CLOCK_MONOTONIC, .deadline = now() + 20 * NSEC_PER_MSEC,
	};
	int ret = xioctl(crowd_fd, MBOX_IOC_SEND, &send);

	return ret == -ETIMEDOUT ? 0 : ret < 0 ? ret : -EPROTO;
}

static int begin_broadcast_queued(void)
{
	int ret = begin_subscribers();

	return ret ? ret : fill(8, 0, 1);
}

/* one more waits for room with all of them */
static int begin_broadcast_full(void)
{
	int ret = begin_broadcast_queued();

	give_type(1, 0);
	return ret ? ret : crowd_block(1, job_send);
}

static int act_broadcast_received(void)
{
	char c;
	int ret = 0;

	for (int i = nr_handles - 1; i >= 0 && !ret; i--)
		ret = recv_bytes(handles[i], MBOX_RECV_NONBLOCK, &c, 1, NULL);
	return ret ? ret : pool_await();
}

/* Two mailboxes' worth: the handle that has the backlog is the one that is closed. */
static int begin_backlog_of_handle(void)
{
	int ret = box_with(MBOX_POLICY_BROADCAST, 0, MBOX_CAPACITY_UNBOUNDED, 0);

	return ret ? ret : fill(many[DELIVERIES], 0, 1);
}

static int act_close(void)
{
	close(crowd_fd);
	crowd_fd = -1;
	return 0;
}

/* What comes back to where it was, behind many: the receiver's buffer is none. */
static int job_recv_nowhere(int nr)
{
	struct mbox_ioc_recv recv = crowd_recv;
	struct sched_param param = {};
	int ret;

	/* who wakes it goes on, and sends one more */
	sched_setscheduler(0, SCHED_IDLE, &param);
	ret = xioctl(crowd_fd, MBOX_IOC_RECV, &recv);
	sched_setscheduler(0, SCHED_OTHER, &param);
	return ret;
}

static int begin_nowhere(void)
{
	int ret;

	want_type(7);
	crowd_recv.data = 4096;
	ret = crowd_block(1, job_recv_nowhere);
	return ret ? ret : fill(many[BACKLOG], 0, 1);
}

static int begin_put_back(void)
{
	int ret = box_plain(MBOX_CAPACITY_UNBOUNDED);

	return ret ? ret : begin_nowhere();
}

static int begin_put_back_broadcast(void)
{
	int ret = box_with(MBOX_POLICY_BROADCAST, 0, MBOX_CAPACITY_UNBOUNDED, 0);

	return ret ? ret : begin_nowhere();
}

static int act_put_back(void)
{
	int ret = fill(1, 0, 7);

	if (!ret)
		ret = fill(1, 0, 1);
	if (!ret)
		ret = pool_await();
	return ret ? ret : pool.results[0] == -EFAULT ? 0 : -EPROTO;
}

/* Ends. */

static int begin_receivers(void)
{
	int ret = box_plain(8);

	want_anything();
	return ret ? ret : crowd_block(many[CROWD], job_recv);
}

static int begin_senders(void)
{
	int ret = box_plain(1);

	if (!ret)
		ret = fill(1, 0, 1);
	give_type(1, 0);
	return ret ? ret : crowd_block(many[CROWD], job_send);
}

static int begin_syncs(void)
{
	int ret = box_plain(MBOX_CAPACITY_UNBOUNDED);

	give_type(1, MBOX_SEND_SYNC);
	return ret ? ret : crowd_block(many[CROWD], job_send);
}

static int begin_backlog(void)
{
	int ret = box_plain(MBOX_CAPACITY_UNBOUNDED);

	return ret ? ret : fill(many[BACKLOG], 0, 1);
}

static int act_drain(void)
{
	char c;
	int ret = delete_fd(crowd_fd, MBOX_DELETE_DRAIN);

	if (!ret)
		ret = pool_await();
	return ret ? ret : recv_bytes(crowd_fd, MBOX_RECV_NONBLOCK, &c, 1, NULL);
}

static int act_capacity(void)
{
	struct mbox_ioc_set arg = { .mask = MBOX_SET_CAPACITY,
				    .capacity = MBOX_CAPACITY_UNBOUNDED };
	int ret = xioctl(crowd_fd, MBOX_IOC_SET, &arg);

	return ret ? ret : pool_await();
}

static struct nl nl;

static int act_purge(void)
{
	struct nl_request request;
	int ret;

	nl_begin(&request, nl.family, MBOX_CMD_MAILBOX_PURGE, 0);
	nl_put_u64(&request, MBOX_A_MAILBOX_ID, info_of(crowd_fd).id);
	ret = nl_talk(&nl, &request, NULL, NULL);
	return ret ? ret : pool_await();
}

/* Waiters that others walk past. */

static int begin_by_type(uint32_t policy)
{
	bool limited = policy == MBOX_POLICY_RR || policy == MBOX_POLICY_PRIO;
	int ret = box_with(policy, 0, 64, 0);

	want_type(9);
	return ret ? ret : crowd_block(limited ? limited_crowd() : many[CROWD], job_recv);
}

static int begin_by_type_fifo(void) { return begin_by_type(MBOX_POLICY_FIFO); }
static int begin_by_type_lifo(void) { return begin_by_type(MBOX_POLICY_LIFO); }
static int begin_by_type_rr(void) { return begin_by_type(MBOX_POLICY_RR); }
static int begin_by_type_prio(void) { return begin_by_type(MBOX_POLICY_PRIO); }

static int begin_by_sender(void)
{
	int ret = box_plain(64);

	want_anything();
	crowd_recv.flags = MBOX_RECV_BY_SENDER;
	crowd_recv.pid = 1;
	return ret ? ret : crowd_block(many[CROWD], job_recv);
}

static int begin_by_prio(void)
{
	int ret = box_plain(64);

	want_anything();
	crowd_recv.min_prio = 5;
	return ret ? ret : crowd_block(limited_crowd(), job_recv);
}

static int begin_peek_by_type(void)
{
	int ret = box_plain(64);

	want_type(9);
	crowd_recv.flags |= MBOX_RECV_PEEK;
	return ret ? ret : crowd_block(many[CROWD], job_recv);
}

/* these look at it, all of them, and end */
static int begin_peek(void)
{
	int ret = box_plain(64);

	want_anything();
	crowd_recv.flags = MBOX_RECV_PEEK;
	return ret ? ret : crowd_block(many[CROWD], job_recv);
}

/* these fail, all of them */
static int begin_too_small(void)
{
	int ret = box_plain(64);

	want_anything();
	crowd_recv.size = 0;
	return ret ? ret : crowd_block(many[CROWD], job_recv);
}

static int act_send(void)
{
	return fill(8, 0, 1);
}

static int act_send_to_all(void)
{
	int ret = fill(1, 0, 1);

	return ret ? ret : pool_await();
}

static int begin_by_type_full(void)
{
	int ret = begin_by_type_fifo();

	return ret ? ret : fill(64, 0, 1);
}

static int act_poll(void)
{
	struct pollfd pollfd = { .fd = crowd_fd, .events = POLLIN | POLLOUT };

	for (int i = 0; i < 8; i++)
		if (poll(&pollfd, 1, 0) < 0)
			return -errno;
	return 0;
}

/* beside messages that nobody wants, so that they are not handed over */
static int act_recv_other(void)
{
	char c;

	for (int i = 0; i < 8; i++) {
		struct mbox_ioc_recv recv = { .flags = MBOX_RECV_BY_TYPE | MBOX_RECV_NONBLOCK,
					      .type = 9, .data = address_of(&c), .size = 1 };
		int ret = xioctl(crowd_fd, MBOX_IOC_RECV, &recv);

		if (ret != -EAGAIN)
			return ret < 0 ? ret : -EPROTO;
	}
	return 0;
}

static int act_urgent_send(void)
{
	for (int i = 0; i < 8; i++) {
		struct mbox_ioc_send send = {
			.prio = i, .data = address_of("x"), .size = 1,
			.clock = MBOX_CLOCK_MONOTONIC, .deadline = now() + NSEC_PER_MSEC,
		};
		int ret = xioctl(crowd_fd, MBOX_IOC_SEND, &send);

		if (ret != -ETIMEDOUT)
			return ret < 0 ? ret : -EPROTO;
	}
	return 0;
}

/* Searches, each of which pauses now and then; and so often that all of them have begun. */

struct slice {				/* struct sched_attr, its first version */
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static void slice_set(uint64_t nanoseconds)
{
	struct slice slice = { .size = sizeof(slice), .runtime = nanoseconds };

	/* before 6.12 it is ignored, and fewer have begun */
	syscall(SYS_sched_setattr, 0, &slice, 0);
}

static int job_search(int nr)
{
	struct mbox_ioc_recv recv = crowd_recv;
	int ret;

	slice_set(100000);
	ret = xioctl(crowd_fd, MBOX_IOC_RECV, &recv);
	slice_set(0);
	return ret;
}

#define SEARCHES	128	/* MBOX_SEARCHES_MAX */

static int begin_searches(void)
{
	int64_t end;
	int ret = box_plain(MBOX_CAPACITY_UNBOUNDED);

	/* many turns each */
	if (!ret)
		ret = fill(many[BACKLOG], 0, 1);
	if (ret)
		return ret;
	want_type(9);
	crowd_recv.flags |= MBOX_RECV_NONBLOCK;
	/* not in turn with all of them */
	main_schedule(SCHED_FIFO, 1);
	/* more than this do not pause at a time */
	pool_order(SEARCHES, job_search);
	for (end = now() + 60 * NSEC_PER_MSEC; now() < end; )
		nap();
	return pool.left ? 0 : -EPROTO;
}

static int act_send_searched(void)
{
	int ret = fill(8, 0, 1);

	main_schedule(SCHED_OTHER, 0);
	return ret ? ret : pool_await();
}

static int act_delete_searched(void)
{
	int ret = delete_fd(crowd_fd, MBOX_DELETE_FORCE);

	main_schedule(SCHED_OTHER, 0);
	return ret ? ret : pool_await();
}

/* The last of them looks again, each time in vain, and waits where it was. */
static int job_recv_last(int nr)
{
	struct mbox_ioc_recv recv = crowd_recv;
	struct sched_param param = {};
	int ret;

	if (nr == pool.wanted - 1) {
		while (blocked(crowd_fd) != pool.wanted - 1)
			nap();
		sched_setscheduler(0, SCHED_IDLE, &param);
		recv.flags |= MBOX_RECV_PEEK;
		recv.type = 7;
	}
	ret = xioctl(crowd_fd, MBOX_IOC_RECV, &recv);
	if (nr == pool.wanted - 1)
		sched_setscheduler(0, SCHED_OTHER, &param);
	return ret;
}

static int begin_turns(void)
{
	int ret = box_plain(64);

	want_type(9);
	return ret ? ret : crowd_block(many[CROWD], job_recv_last);
}

static int act_look_again(void)
{
	for (int i = 0; i < 8; i++) {
		struct mbox_header header;
		char c;
		int ret = fill(1, 0, 7);

		if (!ret)
			ret = recv_bytes(crowd_fd, MBOX_RECV_NONBLOCK, &c, 1, &header);
		if (ret)
			return ret;
		while (blocked(crowd_fd) != pool.wanted)
			nap();
	}
	return 0;
}

/* Processes. They share memory and descriptors with this one, which makes them cheap. */

static pid_t *children;
static int nr_children;

#define CHILD_STACK	16384

static int children_start(int n, int (*body)(void *))
{
	char *stacks = mmap(NULL, (size_t)n * CHILD_STACK, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (stacks == MAP_FAILED)
		return -errno;
	while (nr_children < n) {
		pid_t pid = clone(body, stacks + (size_t)(nr_children + 1) * CHILD_STACK,
				  CLONE_VM | CLONE_FILES | SIGCHLD, NULL);

		if (pid < 0)
			return -errno;
		children[nr_children++] = pid;
	}
	return 0;
}

/* Their memory is lost: it is little. */
static void children_end(void)
{
	for (int i = 0; i < nr_children; i++)
		kill(children[i], SIGKILL);
	for (int i = 0; i < nr_children; i++)
		waitpid(children[i], NULL, 0);
	nr_children = 0;
}

static int left_to_begin;

/* errno is its parent's: no result is looked at */
static int child_takes_part(void *unused)
{
	struct mbox_ioc_recv recv = { .flags = MBOX_RECV_NONBLOCK };

	ioctl(crowd_fd, MBOX_IOC_RECV, &recv);
	__atomic_sub_fetch(&left_to_begin, 1, __ATOMIC_RELEASE);
	while (pause() < 0)
		;
	return 0;
}

static int link_factory;

static int child_links(void *unused)
{
	struct mbox_ioc_link link = { .pid = getpid(), .capacity = 1 };

	link.pid = getppid();
	ioctl(link_factory, MBOX_IOC_LINK, &link);
	__atomic_sub_fetch(&left_to_begin, 1, __ATOMIC_RELEASE);
	while (pause() < 0)
		;
	return 0;
}

static int child_waits(void *unused)
{
	while (pause() < 0)
		;
	return 0;
}

static int children_begin(int n, int (*body)(void *))
{
	int64_t end = now() + LONG;
	int ret;

	left_to_begin = n;
	ret = children_start(n, body);
	while (!ret && __atomic_load_n(&left_to_begin, __ATOMIC_ACQUIRE)) {
		if (now() > end)
			ret = -ETIME;
		nap();
	}
	return ret;
}

static int begin_members(void)
{
	struct mbox_ioc_open arg;
	char name[MBOX_NAME_SIZE];

	name_make(name);
	arg = open_arg(name, 8);
	arg.max_procs = MBOX_PROCS_MAX;
	crowd_fd = open_call(MBOX_IOC_CREATE, &arg);
	return crowd_fd < 0 ? crowd_fd : children_begin(many[MEMBERS], child_takes_part);
}

static int act_get(void)
{
	for (int i = 0; i < 16; i++)
		if (info_of(crowd_fd).procs != many[MEMBERS] + 1)
			return -EPROTO;
	return 0;
}

/*
 * A child that opens the mailbox when it is told to: fork() and exit() would have sections
 * of their own, and a program that forks with so much mapped has them as well.
 */
static int opener_result;
static char opener_name[MBOX_NAME_SIZE];

static int child_opens(void *unused)
{
	for (;;) {
		while (__atomic_load_n(&opener_result, __ATOMIC_ACQUIRE) != 2)
			nap();
		__atomic_store_n(&opener_result, open_name(opener_name, RIGHTS_BOTH),
				 __ATOMIC_RELEASE);
	}
	return 0;
}

/* All places are taken: each is looked at, for who took it may have ended. */
static int begin_members_full(void)
{
	struct mbox_ioc_open arg;
	char name[MBOX_NAME_SIZE];
	int ret;

	name_make(name);
	arg = open_arg(name, 8);
	arg.max_procs = many[MEMBERS];
	crowd_fd = open_call(MBOX_IOC_CREATE, &arg);
	if (crowd_fd < 0)
		return crowd_fd;
	ret = children_begin(many[MEMBERS] + 1, child_takes_part);
	name_copy(opener_name, arg.name);
	return ret ? ret : children_start(many[MEMBERS] + 2, child_opens);
}

static int act_open(void)
{
	int64_t end = now() + LONG;
	int result;

	__atomic_store_n(&opener_result, 2, __ATOMIC_RELEASE);
	while ((result = __atomic_load_n(&opener_result, __ATOMIC_ACQUIRE)) == 2) {
		if (now() > end)
			return -ETIME;
		nap();
	}
	return result == -EUSERS ? 0 : -EPROTO;
}

/* Dumps. */

static int dump(uint8_t cmd, int rows)
{
	struct nl_request request;
	int ret;

	nl_begin(&request, nl.family, cmd, NLM_F_DUMP);
	ret = nl_talk(&nl, &request, NULL, NULL);
	return ret ? ret : nl.messages == rows ? 0 : -EPROTO;
}

static int begin_handles(void)
{
	int ret = box_plain(8);

	return ret ? ret : box_handles(many[HANDLES], MBOX_RIGHT_SEND);
}

static int act_dump_handles(void) { return dump(MBOX_CMD_HANDLE_GET, many[HANDLES]); }
static int act_dump_waiters(void) { return dump(MBOX_CMD_WAITER_GET, many[CROWD]); }
static int act_dump_links(void) { return dump(MBOX_CMD_LINK_GET, many[LINKS]); }

static int begin_links(void)
{
	link_factory = factory_open();
	crowd_fd = link_factory;
	return link_factory < 0 ? link_factory : children_begin(many[LINKS], child_links);
}

/* Rings. */

static int begin_ring(void)
{
	struct mbox_ioc_open arg = ring_arg(NULL, RIGHTS_BOTH, RING_SIZE);

	crowd_fd = open_call(MBOX_IOC_CREATE, &arg);
	return crowd_fd < 0 ? crowd_fd : crowd_block(limited_crowd(), job_ring);
}

/* they find that nothing moved, and wait again */
static int act_ring_wake(void)
{
	int64_t end = now() + LONG;
	int ret = ring_call(crowd_fd, MBOX_WAIT_WAKE, MBOX_RIGHT_SEND);

	while (!ret && blocked(crowd_fd) != pool.wanted) {
		if (now() > end)
			ret = -ETIME;
		nap();
	}
	return ret;
}

/* Links. */

static int link_begin(uint32_t capacity)
{
	struct mbox_ioc_link link = { .capacity = capacity };
	int ret = children_start(1, child_waits);

	if (ret)
		return ret;
	link.pid = children[0];
	link_factory = factory_open();
	crowd_fd = xioctl(link_factory, MBOX_IOC_LINK, &link);
	close(link_factory);
	return crowd_fd < 0 ? crowd_fd : 0;
}

/* A handle on a link tells of its own process' inbox: how many wait there for a message. */
static int begin_link_receivers(void)
{
	int ret = link_begin(8);

	want_anything();
	return ret ? ret : crowd_block(many[CROWD], job_recv);
}

static int begin_link_senders(void)
{
	int64_t end;
	int ret = link_begin(1);

	if (!ret)
		ret = fill(1, 0, 1);
	if (ret)
		return ret;
	give_type(1, 0);
	pool_order(many[CROWD], job_send);
	/* they wait in the inbox of the peer, which does not tell us */
	end = now() + NSEC_PER_SEC;
	while (now() < end)
		nap();
	return 0;
}

static int act_peer_ends(void)
{
	children_end();
	return pool_await();
}

/* Pollers. */

static int begin_pollers(void)
{
	int ret = box_plain(8);

	if (ret)
		return ret;
	pool_order(many[CROWD], job_poll);
	for (int i = 0; i < 500; i++)
		nap();
	return 0;
}

#endif
