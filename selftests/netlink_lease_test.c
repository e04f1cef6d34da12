// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leases over netlink: the dump of messages that are leased, delayed or parked, the calls in progress,
 * the counters, and the event of a lease that ends soon.
 */
#include "lib/lease.h"
#include "lib/netlink.h"
#include "lib/peer.h"
#include "lib/user.h"

#include <sched.h>

#define MS	1000000ULL
#define MANY	600

struct row {
	uint64_t id, mailbox, token, size, type, handle, held, left;
	uint32_t inbox, hidden, deliveries, prio, holder, caller, reason, code;
	bool has_inbox, has_token, has_holder, has_handle, has_held, has_left, has_caller, has_reason, has_code;
	char name[MBOX_NAME_SIZE];
};

struct rows {
	int n;
	void (*once)(void *data);	/* done when the first row comes */
	void *data;
	struct row row[MANY + 1];
};

FIXTURE(lease)
{
	struct nl nl;
	char name[MBOX_NAME_SIZE];
	int fd;
	struct rows rows;
};

FIXTURE_SETUP(lease)
{
	ASSERT_EQ(0, nl_open(&self->nl));
	self->fd = box_new_named(_metadata, 2 * MANY, self->name);
}

FIXTURE_TEARDOWN(lease)
{
	close(self->nl.fd);
	close(self->fd);
}

#define TAKE(field, attr, how) do { \
	row->has_ ## field = nl_has(reply, attr); \
	row->field = row->has_ ## field ? how(reply, attr) : 0; \
} while (0)

static void add(const struct nl_reply *reply, void *data)
{
	struct rows *rows = data;
	struct row *row = &rows->row[rows->n < MANY ? rows->n : MANY];

	rows->n++;
	row->id = nl_u64(reply, MBOX_A_JOB_ID);
	row->mailbox = nl_u64(reply, MBOX_A_JOB_MAILBOX);
	row->hidden = nl_u32(reply, MBOX_A_JOB_HIDDEN);
	row->deliveries = nl_u32(reply, MBOX_A_JOB_DELIVERIES);
	row->size = nl_u64(reply, MBOX_A_JOB_SIZE);
	row->prio = nl_u32(reply, MBOX_A_JOB_PRIO);
	row->type = nl_u64(reply, MBOX_A_JOB_TYPE);
	TAKE(inbox, MBOX_A_JOB_INBOX, nl_u32);
	TAKE(token, MBOX_A_JOB_TOKEN, nl_u64);
	TAKE(holder, MBOX_A_JOB_HOLDER, nl_u32);
	TAKE(handle, MBOX_A_JOB_HANDLE, nl_u64);
	TAKE(held, MBOX_A_JOB_HELD, nl_u64);
	TAKE(left, MBOX_A_JOB_LEFT, nl_u64);
	TAKE(caller, MBOX_A_JOB_CALLER, nl_u32);
	TAKE(reason, MBOX_A_JOB_REASON, nl_u32);
	TAKE(code, MBOX_A_JOB_CODE, nl_u32);
	snprintf(row->name, sizeof(row->name), "%s", nl_string(reply, MBOX_A_JOB_NAME));
	if (rows->once)
		rows->once(rows->data);
	rows->once = NULL;
}

/* Dump the jobs of the mailbox. */
static int jobs(struct _test_data_lease *self)
{
	struct nl_request request;

	self->rows.n = 0;
	nl_begin(&request, self->nl.family, MBOX_CMD_JOB_GET, NLM_F_DUMP);
	nl_put_string(&request, MBOX_A_JOB_NAME, self->name);
	return nl_talk(&self->nl, &request, add, &self->rows);
}

static void take_number(const struct nl_reply *reply, void *data)
{
	*(uint64_t *)data = nl_u64(reply, MBOX_A_HANDLE_ID);
}

/* Return the number of the only handle. */
static uint64_t handle_number(struct _test_data_lease *self)
{
	struct nl_request request;
	uint64_t number = 0;

	nl_begin(&request, self->nl.family, MBOX_CMD_HANDLE_GET, NLM_F_DUMP);
	nl_put_string(&request, MBOX_A_HANDLE_NAME, self->name);
	return nl_talk(&self->nl, &request, take_number, &number) ? 0 : number;
}

TEST_F(lease, leased)
{
	struct mbox_ioc_post arg = { .send.prio = 3, .send.type = 7, .type_hi = 9 };
	const struct row *row = self->rows.row;
	struct leased one;

	ASSERT_EQ(0, jobs(self));
	EXPECT_EQ(0, self->rows.n);
	ASSERT_EQ(0, post(self->fd, arg, "seven"));
	ASSERT_EQ(0, put(self->fd, 0, "rest"));
	one = lease_for(self->fd, 60000 * MS);
	ASSERT_EQ(0, one.error);
	/* the kernel's clock for it ticks, a hundred times a second at least */
	usleep(20000);
	ASSERT_EQ(0, jobs(self));
	ASSERT_EQ(1, self->rows.n);
	EXPECT_EQ(1, row->id);
	EXPECT_EQ(info_of(self->fd).id, row->mailbox);
	EXPECT_STREQ(self->name, row->name);
	EXPECT_FALSE(row->has_inbox);
	EXPECT_EQ(MBOX_HIDDEN_LEASED, row->hidden);
	EXPECT_EQ(one.delivery.token, row->token);
	EXPECT_EQ(1, row->deliveries);
	EXPECT_EQ(5, row->size);
	EXPECT_EQ(3, row->prio);
	EXPECT_EQ(9ULL << 32 | 7, row->type);
	EXPECT_EQ(getpid(), row->holder);
	EXPECT_EQ(handle_number(self), row->handle);
	EXPECT_LT(0, row->held);
	EXPECT_GT(60000 * MS, row->held);
	EXPECT_LT(0, row->left);
	EXPECT_GT(60000 * MS, row->left);
	EXPECT_FALSE(row->has_caller);
	EXPECT_FALSE(row->has_reason);
	EXPECT_FALSE(row->has_code);

	/* It returns, and is given out again. */
	EXPECT_EQ(0, nack(self->fd, one.delivery.token, MBOX_NACK_RETRY, 0, 0));
	ASSERT_EQ(0, jobs(self));
	EXPECT_EQ(0, self->rows.n);
	one = lease(self->fd);
	ASSERT_EQ(0, jobs(self));
	ASSERT_EQ(1, self->rows.n);
	EXPECT_EQ(one.delivery.token, row->token);
	EXPECT_EQ(2, row->deliveries);
	EXPECT_FALSE(row->has_left);
	EXPECT_EQ(0, ack(self->fd, one.delivery.token));
	ASSERT_EQ(0, jobs(self));
	EXPECT_EQ(0, self->rows.n);
}

TEST_F(lease, of_the_open_file)
{
	struct mbox_ioc_lease arg = { .flags = MBOX_LEASE_HANDLE };

	ASSERT_EQ(0, put(self->fd, 0, "one"));
	ASSERT_EQ(0, lease_arg(self->fd, arg).error);
	ASSERT_EQ(0, jobs(self));
	ASSERT_EQ(1, self->rows.n);
	EXPECT_EQ(MBOX_HIDDEN_LEASED, self->rows.row[0].hidden);
	EXPECT_FALSE(self->rows.row[0].has_holder);
	EXPECT_EQ(handle_number(self), self->rows.row[0].handle);
	EXPECT_TRUE(self->rows.row[0].has_held);
	EXPECT_FALSE(self->rows.row[0].has_left);
}

/* A process that extends a lease holds it from then on. */
TEST_F(lease, passes_to_another_process)
{
	struct leased one;
	int status;
	pid_t pid;

	ASSERT_EQ(0, put(self->fd, 0, "one"));
	one = lease(self->fd);
	ASSERT_EQ(0, one.error);
	pid = fork_child();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (extend(self->fd, one.delivery.token, 3600 * 1000 * MS))
			_exit(1);
		raise(SIGSTOP);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, WUNTRACED));
	ASSERT_TRUE(WIFSTOPPED(status));
	ASSERT_EQ(0, jobs(self));
	ASSERT_EQ(1, self->rows.n);
	EXPECT_EQ(pid, self->rows.row[0].holder);
	EXPECT_EQ(one.delivery.token, self->rows.row[0].token);
	EXPECT_EQ(1, self->rows.row[0].deliveries);
	EXPECT_LT(3500 * 1000 * MS, self->rows.row[0].left);
	kill(pid, SIGKILL);
	reap(pid);
	EXPECT_EQ(POLLIN, poll_wait(self->fd, POLLIN));
	ASSERT_EQ(0, jobs(self));
	EXPECT_EQ(0, self->rows.n);
}

TEST_F(lease, delayed_and_parked)
{
	struct mbox_ioc_post later = {
		.flags = MBOX_POST_NOT_BEFORE, .clock = MBOX_CLOCK_MONOTONIC,
		.not_before = now() + 3600 * NSEC_PER_SEC,
	};
	struct row *row = self->rows.row;
	struct leased one, two;

	ASSERT_EQ(0, put(self->fd, 0, "one"));
	ASSERT_EQ(0, put(self->fd, 0, "two"));
	ASSERT_EQ(0, post(self->fd, later, "later"));
	one = lease(self->fd);
	two = lease(self->fd);
	ASSERT_EQ(0, nack(self->fd, one.delivery.token, MBOX_NACK_REJECT, 0, 42));
	ASSERT_EQ(0, nack(self->fd, two.delivery.token, MBOX_NACK_RETRY, 60000 * MS, 0));
	ASSERT_EQ(0, jobs(self));
	ASSERT_EQ(3, self->rows.n);
	EXPECT_EQ(1, row[0].id);
	EXPECT_EQ(MBOX_HIDDEN_PARKED, row[0].hidden);
	EXPECT_EQ(MBOX_REASON_REJECTED, row[0].reason);
	EXPECT_EQ(42, row[0].code);
	EXPECT_EQ(one.delivery.token, row[0].token);
	EXPECT_FALSE(row[0].has_holder);
	EXPECT_FALSE(row[0].has_handle);
	EXPECT_FALSE(row[0].has_held);
	EXPECT_FALSE(row[0].has_left);
	EXPECT_EQ(2, row[1].id);
	EXPECT_EQ(MBOX_HIDDEN_DELAYED, row[1].hidden);
	EXPECT_EQ(1, row[1].deliveries);
	EXPECT_EQ(two.delivery.token, row[1].token);
	EXPECT_LT(0, row[1].left);
	EXPECT_GT(60000 * MS, row[1].left);
	EXPECT_FALSE(row[1].has_held);
	EXPECT_FALSE(row[1].has_reason);
	EXPECT_EQ(3, row[2].id);
	EXPECT_EQ(MBOX_HIDDEN_DELAYED, row[2].hidden);
	EXPECT_FALSE(row[2].has_token);
	EXPECT_EQ(0, row[2].deliveries);
	EXPECT_LT(3500 * NSEC_PER_SEC, row[2].left);
	EXPECT_EQ(1, kick(self->fd, 10));
	ASSERT_EQ(0, jobs(self));
	EXPECT_EQ(2, self->rows.n);
}

static void take_waiter(const struct nl_reply *reply, void *data)
{
	*(uint32_t *)data = nl_u32(reply, MBOX_A_WAITER_CALL);
}

/* Return the kind of the only call that is blocked. */
static uint32_t blocked_call(struct _test_data_lease *self)
{
	struct nl_request request;
	uint32_t call = UINT32_MAX;

	nl_begin(&request, self->nl.family, MBOX_CMD_WAITER_GET, NLM_F_DUMP);
	nl_put_string(&request, MBOX_A_WAITER_NAME, self->name);
	return nl_talk(&self->nl, &request, take_waiter, &call) ? UINT32_MAX : call;
}

/* A child that blocks in a call, or in a send until the acknowledgement. */
static pid_t start_blocked(int fd, bool call)
{
	pid_t pid = fork_child();
	struct mbox_ioc_call arg = {
		.send.data = address_of("request"), .send.size = 7,
	};

	if (pid)
		return pid;
	if (call)
		_exit(!!xioctl(fd, MBOX_IOC_CALL, &arg));
	_exit(post(fd, (struct mbox_ioc_post) { .flags = MBOX_POST_ACKED }, "request") != getppid());
}

TEST_F(lease, calls_in_progress)
{
	struct leased one;
	pid_t pid;

	for (int call = 0; call < 2; call++) {
		pid = start_blocked(self->fd, call);
		ASSERT_LT(0, pid);
		ASSERT_TRUE(await_blocked(self->fd, 1, 0));
		EXPECT_EQ(call ? MBOX_CALL_REPLY : MBOX_CALL_ACK, blocked_call(self));
		ASSERT_EQ(0, jobs(self));
		EXPECT_EQ(0, self->rows.n);
		one = lease(self->fd);
		ASSERT_EQ(0, one.error);
		EXPECT_EQ(call ? MBOX_CALL_REPLY : MBOX_CALL_ACK, blocked_call(self));
		ASSERT_EQ(0, jobs(self));
		ASSERT_EQ(1, self->rows.n);
		EXPECT_EQ(one.delivery.token, self->rows.row[0].token);
		EXPECT_EQ(getpid(), self->rows.row[0].holder);
		EXPECT_EQ(call, self->rows.row[0].has_caller);
		EXPECT_EQ(call ? pid : 0, self->rows.row[0].caller);
		EXPECT_EQ(0, ack(self->fd, one.delivery.token));
		EXPECT_EQ(0, reap(pid));
		ASSERT_EQ(0, jobs(self));
		EXPECT_EQ(0, self->rows.n);
	}
}

static int link_and_call(void *arg)
{
	struct mbox_ioc_call call = {
		.send.data = address_of("request"), .send.size = 7,
	};
	int fd = link_to(getppid(), 1);

	return fd < 0 ? fd : xioctl(fd, MBOX_IOC_CALL, &call);
}

static void add_inbox(const struct nl_reply *reply, void *data)
{
	struct rows *rows = data;

	if (nl_has(reply, MBOX_A_JOB_INBOX) && nl_u32(reply, MBOX_A_JOB_INBOX) == getpid())
		add(reply, rows);
}

/* A dump of all has the leases on links and inboxes, too. */
TEST_F(lease, on_an_inbox)
{
	struct nl_request request;
	struct leased one;
	pid_t pid;
	int inbox;

	inbox = inbox_open();
	ASSERT_LE(0, inbox);
	pid = fork_child();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(!!link_and_call(NULL));
	ASSERT_EQ(POLLIN, poll_wait(inbox, POLLIN));
	one = lease(inbox);
	ASSERT_EQ(0, one.error);
	nl_begin(&request, self->nl.family, MBOX_CMD_JOB_GET, NLM_F_DUMP);
	ASSERT_EQ(0, nl_talk(&self->nl, &request, add_inbox, &self->rows));
	ASSERT_EQ(1, self->rows.n);
	EXPECT_EQ(one.delivery.token, self->rows.row[0].token);
	EXPECT_EQ(pid, self->rows.row[0].caller);
	EXPECT_EQ(getpid(), self->rows.row[0].holder);
	EXPECT_EQ(0, ack(inbox, one.delivery.token));
	EXPECT_EQ(0, reap(pid));
	close(inbox);
}

/* Every second message is leased; the others have a job too, but a receive finds them. */
static void lease_many(struct __test_metadata *_metadata, struct _test_data_lease *self, uint64_t *tokens)
{
	struct mbox_ioc_post arg = {
		.flags = MBOX_POST_EXPIRES, .clock = MBOX_CLOCK_MONOTONIC,
		.expires = now() + 3600 * NSEC_PER_SEC,
	};

	for (int i = 0; i < MANY; i++) {
		struct leased one;

		arg.send.prio = 1;
		ASSERT_EQ(0, post(self->fd, arg, "leased"));
		arg.send.prio = 0;
		ASSERT_EQ(0, post(self->fd, arg, "queued"));
		one = lease(self->fd);
		ASSERT_EQ(0, one.error);
		ASSERT_STREQ("leased", one.text);
		tokens[i] = one.delivery.token;
	}
}

TEST_F(lease, in_parts)
{
	uint64_t tokens[MANY];

	lease_many(_metadata, self, tokens);
	ASSERT_EQ(0, jobs(self));
	EXPECT_LT(2, self->nl.parts);
	ASSERT_EQ(MANY, self->rows.n);
	for (int i = 0; i < MANY; i++) {
		ASSERT_EQ(2 * i + 1, self->rows.row[i].id);
		ASSERT_EQ(tokens[i], self->rows.row[i].token);
	}
}

struct ending {
	int fd;
	uint64_t tokens[MANY];
};

static void ack_odd(void *data)
{
	struct ending *ending = data;

	for (int i = 1; i < MANY; i += 2)
		ack(ending->fd, ending->tokens[i]);
}

TEST_F(lease, complete_while_others_end)
{
	struct ending ending = { .fd = self->fd };
	uint64_t last = 0;
	int even = 0;

	lease_many(_metadata, self, ending.tokens);
	self->rows.once = ack_odd;
	self->rows.data = &ending;
	ASSERT_EQ(0, jobs(self));
	EXPECT_GT(MANY, self->rows.n);
	for (int i = 0; i < self->rows.n; i++) {
		ASSERT_LT(last, self->rows.row[i].id);
		last = self->rows.row[i].id;
		even += last % 4 == 1;
	}
	EXPECT_EQ(MANY / 2, even);
}

/* The dump of a process that does not see the mailbox, or its holder. */
static int dump_as_other(void *arg)
{
	struct _test_data_lease *self = arg;

	if (become(12345, 12345) || nl_open(&self->nl))
		return -EIO;
	return jobs(self) == -ENOENT ? 0 : -EPROTO;
}

static int dump_in_namespace(void *arg)
{
	struct _test_data_lease *self = arg;
	pid_t pid;

	if (unshare(CLONE_NEWPID))
		return -errno;
	pid = fork_child();
	if (!pid)
		_exit(nl_open(&self->nl) || jobs(self) || self->rows.n != 1 ||
		      !self->rows.row[0].has_holder || self->rows.row[0].holder);
	return reap(pid);
}

TEST_F(lease, seen_by_others)
{
	if (geteuid())
		SKIP(return, "only root can become somebody else");
	ASSERT_EQ(0, put(self->fd, 0, "one"));
	ASSERT_EQ(0, lease(self->fd).error);
	EXPECT_EQ(0, in_child(dump_as_other, self));
	EXPECT_EQ(0, in_child(dump_in_namespace, self));
}

struct counters {
	uint32_t leased, delayed, parked, max_deliveries;
	uint64_t redelivered, dead, dead_letter, mark;
};

static void take_counters(const struct nl_reply *reply, void *data)
{
	struct counters *counters = data;

	counters->leased = nl_u32(reply, MBOX_A_MAILBOX_LEASED);
	counters->delayed = nl_u32(reply, MBOX_A_MAILBOX_DELAYED);
	counters->parked = nl_u32(reply, MBOX_A_MAILBOX_PARKED);
	counters->max_deliveries = nl_u32(reply, MBOX_A_MAILBOX_MAX_DELIVERIES);
	counters->redelivered = nl_u64(reply, MBOX_A_MAILBOX_REDELIVERED);
	counters->dead = nl_u64(reply, MBOX_A_MAILBOX_DEAD);
	counters->dead_letter = nl_has(reply, MBOX_A_MAILBOX_DEAD_LETTER) ?
				nl_u64(reply, MBOX_A_MAILBOX_DEAD_LETTER) : 0;
	counters->mark = nl_u64(reply, MBOX_A_MAILBOX_MARK);
}

static int counters_of(struct _test_data_lease *self, int fd, struct counters *counters)
{
	struct nl_request request;

	nl_begin(&request, self->nl.family, MBOX_CMD_MAILBOX_GET, 0);
	nl_put_u64(&request, MBOX_A_MAILBOX_ID, info_of(fd).id);
	return nl_talk(&self->nl, &request, take_counters, counters);
}

TEST_F(lease, counters)
{
	struct mbox_ioc_open arg = open_arg(NULL, 8);
	struct mbox_ioc_post later = {
		.flags = MBOX_POST_NOT_BEFORE | MBOX_POST_MARK, .clock = MBOX_CLOCK_MONOTONIC,
		.not_before = now() + 3600 * NSEC_PER_SEC, .mark = 99,
	};
	struct counters counters;
	struct leased one;
	int fd;

	ASSERT_EQ(0, counters_of(self, self->fd, &counters));
	EXPECT_EQ(0, memcmp(&counters, &(struct counters) {}, sizeof(counters)));
	arg.max_deliveries = 2;
	arg.dead_letter = info_of(self->fd).id;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, put(fd, 0, "leased"));
	ASSERT_EQ(0, lease(fd).error);
	ASSERT_EQ(0, put(fd, 1, "dies"));
	for (int i = 0; i < 2; i++) {
		one = lease(fd);
		ASSERT_STREQ("dies", one.text);
		ASSERT_EQ(0, nack(fd, one.delivery.token, MBOX_NACK_RETRY, 0, 0));
	}
	ASSERT_EQ(0, post(fd, later, "later"));
	ASSERT_EQ(0, counters_of(self, fd, &counters));
	EXPECT_EQ(1, counters.leased);
	EXPECT_EQ(1, counters.delayed);
	EXPECT_EQ(0, counters.parked);
	EXPECT_EQ(2, counters.max_deliveries);
	EXPECT_EQ(info_of(self->fd).id, counters.dead_letter);
	EXPECT_EQ(info_of(fd).redelivered, counters.redelivered);
	EXPECT_LT(0, counters.redelivered);
	EXPECT_EQ(1, counters.dead);
	EXPECT_EQ(99, counters.mark);
	one = lease(self->fd);
	ASSERT_EQ(0, one.error);
	ASSERT_EQ(0, nack(self->fd, one.delivery.token, MBOX_NACK_REJECT, 0, 1));
	ASSERT_EQ(0, counters_of(self, self->fd, &counters));
	EXPECT_EQ(1, counters.parked);
	close(fd);
}

/* Wait for events of leases of the mailbox: return how many leases, and the token of the first. */
static int endings(struct _test_data_lease *self, int wanted, int patience, uint64_t *token)
{
	struct nl_reply reply;
	int n = 0;

	*token = 0;
	while (n < wanted && nl_hear(&self->nl, &reply, patience)) {
		if (strcmp(nl_string(&reply, MBOX_A_NOTICE_NAME), self->name))
			continue;
		if (nl_u32(&reply, MBOX_A_NOTICE_EVENT) != MBOX_EVENT_LEASE_ENDING)
			return -EPROTO;
		if (!n)
			*token = nl_u64(&reply, MBOX_A_NOTICE_TOKEN);
		n += nl_has(&reply, MBOX_A_NOTICE_COUNT) ? nl_u64(&reply, MBOX_A_NOTICE_COUNT) : 1;
	}
	return n;
}

TEST_F(lease, ends_soon)
{
	struct leased one, two;
	uint64_t token;

	ASSERT_EQ(0, nl_listen(&self->nl));
	ASSERT_EQ(0, put(self->fd, 0, "one"));
	ASSERT_EQ(0, put(self->fd, 0, "two"));
	one = lease_for(self->fd, 400 * MS);
	two = lease_for(self->fd, 400 * MS);
	ASSERT_EQ(0, one.error);
	ASSERT_EQ(0, two.error);
	EXPECT_EQ(2, endings(self, 2, PATIENCE * 1000, &token));
	EXPECT_EQ(one.delivery.token, token);
	EXPECT_EQ(0, extend(self->fd, one.delivery.token, 0));
	EXPECT_EQ(0, extend(self->fd, two.delivery.token, 200 * MS));
	EXPECT_EQ(1, endings(self, 1, PATIENCE * 1000, &token));
	EXPECT_EQ(two.delivery.token, token);
	/* It says so once, and not of a lease without an end, nor of one that was acknowledged. */
	EXPECT_EQ(0, extend(self->fd, one.delivery.token, 400 * MS));
	EXPECT_EQ(0, ack(self->fd, one.delivery.token));
	EXPECT_EQ(0, endings(self, 1, 600, &token));
	EXPECT_EQ(1, info_of(self->fd).queued);
}

MBOX_TEST_MAIN
