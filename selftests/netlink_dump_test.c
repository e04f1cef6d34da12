// SPDX-License-Identifier: GPL-2.0-only
/* Dumps: of mailboxes while they come and go, of handles, of waiters, of links. */
#include "lib/child_call.h"
#include "lib/netlink.h"
#include "lib/peer.h"
#include "lib/user.h"

#define MANY	300

/* The rows of the mailboxes of a test. */
struct listing {
	uint64_t last;			/* id */
	bool disordered;
	uint64_t want[MANY];		/* ids */
	int nr_want;
	int seen[MANY];			/* how often */
	void (*once)(void *data);	/* done when the first of all comes */
	void *data;
};

static void list(const struct nl_reply *reply, void *data)
{
	struct listing *listing = data;
	uint64_t id = nl_u64(reply, MBOX_A_MAILBOX_ID);

	listing->disordered |= id <= listing->last;
	listing->last = id;
	for (int i = 0; i < listing->nr_want; i++)
		listing->seen[i] += listing->want[i] == id;
	if (listing->once)
		listing->once(listing->data);
	listing->once = NULL;
}

FIXTURE(dump)
{
	struct nl nl;
	struct nl_request request;
	int fd[MANY];
	struct listing listing;
};

FIXTURE_SETUP(dump)
{
	ASSERT_EQ(0, nl_open(&self->nl));
	for (int i = 0; i < MANY; i++) {
		self->fd[i] = box_new(_metadata, 1);
		self->listing.want[i] = info_of(self->fd[i]).id;
	}
	self->listing.nr_want = MANY;
}

FIXTURE_TEARDOWN(dump)
{
	close(self->nl.fd);
}

static int dump(struct _test_data_dump *self)
{
	nl_begin(&self->request, self->nl.family, MBOX_CMD_MAILBOX_GET, NLM_F_DUMP);
	return nl_talk(&self->nl, &self->request, list, &self->listing);
}

/* Of those whose number is a multiple of @step from @first, count the ones that were not seen @times. */
static int missed(const struct listing *listing, int first, int step, int times)
{
	int n = 0;

	for (int i = first; i < MANY; i += step)
		n += listing->seen[i] != times;
	return n;
}

TEST_F(dump, each_once_in_order)
{
	ASSERT_EQ(0, dump(self));
	EXPECT_LT(2, self->nl.parts);
	EXPECT_FALSE(self->listing.disordered);
	EXPECT_EQ(0, missed(&self->listing, 0, 1, 1));
}

static void close_odd(void *data)
{
	int *fd = data;

	for (int i = 1; i < MANY; i += 2)
		close(fd[i]);
}

TEST_F(dump, complete_while_others_go)
{
	self->listing.once = close_odd;
	self->listing.data = self->fd;
	ASSERT_EQ(0, dump(self));
	EXPECT_FALSE(self->listing.disordered);
	EXPECT_EQ(0, missed(&self->listing, 0, 2, 1));
	EXPECT_TRUE(self->nl.interrupted);
}

static void create_one(void *data)
{
	struct mbox_ioc_open arg = open_arg(NULL, 1);

	*(int *)data = open_call(MBOX_IOC_CREATE, &arg);
}

TEST_F(dump, inconsistent_after_creation)
{
	int fd = -1;

	self->listing.once = create_one;
	self->listing.data = &fd;
	ASSERT_EQ(0, dump(self));
	EXPECT_LE(0, fd);
	EXPECT_TRUE(self->nl.interrupted);
	EXPECT_EQ(0, missed(&self->listing, 0, 1, 1));
}

TEST_F(dump, of_one_by_its_id)
{
	nl_begin(&self->request, self->nl.family, MBOX_CMD_MAILBOX_GET, NLM_F_DUMP);
	nl_put_u64(&self->request, MBOX_A_MAILBOX_ID, self->listing.want[7]);
	ASSERT_EQ(0, nl_talk(&self->nl, &self->request, list, &self->listing));
	EXPECT_EQ(1, self->nl.messages);
	EXPECT_EQ(1, self->listing.seen[7]);
}

TEST_F(dump, of_one_that_is_not_there_fails)
{
	nl_begin(&self->request, self->nl.family, MBOX_CMD_MAILBOX_GET, NLM_F_DUMP);
	nl_put_string(&self->request, MBOX_A_MAILBOX_NAME, "no-such-mailbox");
	EXPECT_EQ(-ENOENT, nl_talk(&self->nl, &self->request, list, &self->listing));
	EXPECT_EQ(0, self->nl.messages);
}

TEST_F(dump, with_an_attribute_of_another_call_fails)
{
	nl_begin(&self->request, self->nl.family, MBOX_CMD_LINK_GET, NLM_F_DUMP);
	nl_put_u32(&self->request, MBOX_A_LINK_HANDLES, 1);
	EXPECT_EQ(-EINVAL, nl_talk(&self->nl, &self->request, NULL, NULL));
	EXPECT_EQ(MBOX_A_LINK_HANDLES, self->nl.blamed);
}

static int dump_as_other(void *arg)
{
	struct _test_data_dump *self = arg;

	if (become(12345, 12345) || nl_open(&self->nl))
		return -EIO;
	return dump(self) ?: missed(&self->listing, 0, 1, 0);
}

TEST_F(dump, hidden_by_mode)
{
	if (geteuid())
		SKIP(return, "only root can become somebody else");
	EXPECT_EQ(0, in_child(dump_as_other, self));
}

/* Handles and waiters of one mailbox. */
struct row {
	uint64_t id, mailbox, received, waited, size, type, not_type, max_type;
	uint32_t pid, tid, rights, call, prio, sender, peer, inbox;
	bool has_type, has_not_type, has_max_type, has_sender, has_peer, has_inbox;
	char name[MBOX_NAME_SIZE];
};

struct rows {
	int n;
	struct row row[1000];
};

static void add_handle(const struct nl_reply *reply, void *data)
{
	struct rows *rows = data;
	struct row *row = &rows->row[rows->n < 999 ? rows->n : 999];

	rows->n++;
	row->id = nl_u64(reply, MBOX_A_HANDLE_ID);
	row->mailbox = nl_u64(reply, MBOX_A_HANDLE_MAILBOX);
	row->pid = nl_u32(reply, MBOX_A_HANDLE_PID);
	row->rights = nl_u32(reply, MBOX_A_HANDLE_RIGHTS);
	row->received = nl_u64(reply, MBOX_A_HANDLE_RECEIVED);
	snprintf(row->name, sizeof(row->name), "%s", nl_string(reply, MBOX_A_HANDLE_NAME));
}

static void add_waiter(const struct nl_reply *reply, void *data)
{
	struct rows *rows = data;
	struct row *row = &rows->row[rows->n < 999 ? rows->n : 999];

	rows->n++;
	row->id = nl_u64(reply, MBOX_A_WAITER_ID);
	row->mailbox = nl_u64(reply, MBOX_A_WAITER_MAILBOX);
	row->pid = nl_u32(reply, MBOX_A_WAITER_PID);
	row->tid = nl_u32(reply, MBOX_A_WAITER_TID);
	row->call = nl_u32(reply, MBOX_A_WAITER_CALL);
	row->waited = nl_u64(reply, MBOX_A_WAITER_WAITED);
	row->size = nl_u64(reply, MBOX_A_WAITER_SIZE);
	row->prio = nl_u32(reply, MBOX_A_WAITER_PRIO);
	row->has_type = nl_has(reply, MBOX_A_WAITER_TYPE);
	row->type = nl_u64(reply, MBOX_A_WAITER_TYPE);
	row->has_not_type = nl_has(reply, MBOX_A_WAITER_NOT_TYPE);
	row->not_type = nl_u64(reply, MBOX_A_WAITER_NOT_TYPE);
	row->has_max_type = nl_has(reply, MBOX_A_WAITER_MAX_TYPE);
	row->max_type = nl_u64(reply, MBOX_A_WAITER_MAX_TYPE);
	row->has_sender = nl_has(reply, MBOX_A_WAITER_SENDER);
	row->sender = nl_u32(reply, MBOX_A_WAITER_SENDER);
	row->has_peer = nl_has(reply, MBOX_A_WAITER_PEER);
	row->peer = nl_u32(reply, MBOX_A_WAITER_PEER);
	row->has_inbox = nl_has(reply, MBOX_A_WAITER_INBOX);
	row->inbox = nl_u32(reply, MBOX_A_WAITER_INBOX);
	snprintf(row->name, sizeof(row->name), "%s", nl_string(reply, MBOX_A_WAITER_NAME));
}

FIXTURE(rows)
{
	struct nl nl;
	struct nl_request request;
	char name[MBOX_NAME_SIZE];
	int fd;
	struct rows rows;
};

FIXTURE_SETUP(rows)
{
	ASSERT_EQ(0, nl_open(&self->nl));
	self->fd = box_new_named(_metadata, 1, self->name);
}

FIXTURE_TEARDOWN(rows)
{
	close(self->nl.fd);
	close(self->fd);
}

static int handles(struct _test_data_rows *self)
{
	self->rows.n = 0;
	nl_begin(&self->request, self->nl.family, MBOX_CMD_HANDLE_GET, NLM_F_DUMP);
	nl_put_string(&self->request, MBOX_A_HANDLE_NAME, self->name);
	return nl_talk(&self->nl, &self->request, add_handle, &self->rows);
}

static int waiters(struct _test_data_rows *self)
{
	self->rows.n = 0;
	nl_begin(&self->request, self->nl.family, MBOX_CMD_WAITER_GET, NLM_F_DUMP);
	nl_put_string(&self->request, MBOX_A_WAITER_NAME, self->name);
	return nl_talk(&self->nl, &self->request, add_waiter, &self->rows);
}

static int open_and_wait(void *arg)
{
	return open_name(arg, MBOX_RIGHT_SEND) < 0 ? -EIO : 0;
}

TEST_F(rows, handle)
{
	int reader = open_name(self->name, MBOX_RIGHT_RECV);
	int looker = open_name(self->name, 0);

	ASSERT_LE(0, reader);
	ASSERT_LE(0, looker);
	ASSERT_EQ(0, put(self->fd, 0, "text"));
	EXPECT_STREQ("text", take(reader));
	ASSERT_EQ(0, handles(self));
	ASSERT_EQ(3, self->rows.n);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(getpid(), self->rows.row[i].pid);
		EXPECT_EQ(info_of(self->fd).id, self->rows.row[i].mailbox);
		EXPECT_STREQ(self->name, self->rows.row[i].name);
	}
	EXPECT_EQ(RIGHTS_BOTH, self->rows.row[0].rights);
	EXPECT_EQ(MBOX_RIGHT_RECV, self->rows.row[1].rights);
	EXPECT_EQ(1, self->rows.row[1].received);
	EXPECT_EQ(0, self->rows.row[2].rights);
	EXPECT_LT(self->rows.row[0].id, self->rows.row[1].id);
	close(reader);
	/* That of a process that ended is closed with it. */
	ASSERT_EQ(0, in_child(open_and_wait, self->name));
	ASSERT_EQ(0, handles(self));
	EXPECT_EQ(2, self->rows.n);
	close(looker);
}

TEST_F(rows, handles_in_parts)
{
	int fd[700];

	for (int i = 0; i < 700; i++) {
		fd[i] = open_name(self->name, 0);
		ASSERT_LE(0, fd[i]);
	}
	ASSERT_EQ(0, handles(self));
	EXPECT_LT(2, self->nl.parts);
	ASSERT_EQ(701, self->rows.n);
	for (int i = 1; i < 701; i++)
		EXPECT_LT(self->rows.row[i - 1].id, self->rows.row[i].id);
	for (int i = 0; i < 700; i++)
		close(fd[i]);
}

/* A mailbox goes while its handles are told; those of the next are told from the first one on. */
struct going {
	int fd;
	uint64_t id, next;
	int seen;
};

static void go_at_first(const struct nl_reply *reply, void *data)
{
	struct going *going = data;
	uint64_t mailbox = nl_u64(reply, MBOX_A_HANDLE_MAILBOX);

	if (mailbox == going->id && going->fd >= 0) {
		delete_fd(going->fd, MBOX_DELETE_FORCE);
		going->fd = -1;
	}
	going->seen += mailbox == going->next;
}

TEST_F(rows, next_where_one_goes)
{
	struct going going = { .fd = self->fd, .id = info_of(self->fd).id };
	int fd[700], next;

	for (int i = 0; i < 700; i++) {
		fd[i] = open_name(self->name, 0);
		ASSERT_LE(0, fd[i]);
	}
	next = box_new(_metadata, 1);
	going.next = info_of(next).id;
	nl_begin(&self->request, self->nl.family, MBOX_CMD_HANDLE_GET, NLM_F_DUMP);
	ASSERT_EQ(0, nl_talk(&self->nl, &self->request, go_at_first, &going));
	EXPECT_EQ(-1, going.fd);
	EXPECT_EQ(1, going.seen);
	EXPECT_TRUE(self->nl.interrupted);
	for (int i = 0; i < 700; i++)
		close(fd[i]);
	close(next);
}

/* Return whether a dump of @n is consistent, once earlier ends have no effect any more. */
static bool settles(struct _test_data_rows *self, int (*dump)(struct _test_data_rows *self), int n)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;

	while (!dump(self) && self->rows.n == n) {
		if (!self->nl.interrupted)
			return true;
		if (now() > end)
			return false;
		nap();
	}
	return false;
}

TEST_F(rows, unchanged_by_dump)
{
	struct call *calls[100];

	for (int i = 0; i < 100; i++)
		calls[i] = recv_start(self->fd);
	ASSERT_TRUE(await_blocked(self->fd, 0, 100));
	EXPECT_TRUE(settles(self, waiters, 100));
	EXPECT_LT(1, self->nl.parts);
	EXPECT_TRUE(settles(self, handles, 1));
	ASSERT_EQ(0, delete_fd(self->fd, MBOX_DELETE_FORCE));
	for (int i = 0; i < 100; i++)
		EXPECT_STREQ("EIDRM", recv_end(calls[i]));
}

TEST_F(rows, blocked_receive)
{
	struct call *any = recv_start(self->fd), *some;

	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	some = call_new(self->fd, CALL_RECV);
	some->recv.flags = MBOX_RECV_BY_TYPE | MBOX_RECV_BY_SENDER;
	some->recv.type = 77;
	some->recv.pid = 1;
	some->recv.min_prio = 5;
	call_start(some);
	ASSERT_TRUE(await_blocked(self->fd, 0, 2));
	ASSERT_EQ(0, waiters(self));
	ASSERT_EQ(2, self->rows.n);
	EXPECT_EQ(any->pid, self->rows.row[0].pid);
	EXPECT_EQ(any->pid, self->rows.row[0].tid);
	EXPECT_EQ(MBOX_CALL_RECEIVE, self->rows.row[0].call);
	EXPECT_EQ(sizeof(any->data), self->rows.row[0].size);
	EXPECT_EQ(0, self->rows.row[0].prio);
	EXPECT_FALSE(self->rows.row[0].has_type);
	EXPECT_FALSE(self->rows.row[0].has_not_type);
	EXPECT_FALSE(self->rows.row[0].has_max_type);
	EXPECT_FALSE(self->rows.row[0].has_sender);
	EXPECT_EQ(some->pid, self->rows.row[1].pid);
	EXPECT_EQ(5, self->rows.row[1].prio);
	EXPECT_EQ(77, self->rows.row[1].type);
	EXPECT_EQ(1, self->rows.row[1].sender);
	ASSERT_EQ(0, delete_fd(self->fd, MBOX_DELETE_FORCE));
	EXPECT_STREQ("EIDRM", recv_end(any));
	EXPECT_STREQ("EIDRM", recv_end(some));
}

/* Each filter by type has an attribute of its own, of 64 bits. */
TEST_F(rows, blocked_by_type)
{
	static const uint32_t flags[] = { MBOX_RECV_BY_TYPE, MBOX_RECV_NOT_TYPE, MBOX_RECV_MAX_TYPE };
	const struct row *row = self->rows.row;
	struct call *calls[ARRAY_SIZE(flags)];

	for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++) {
		calls[i] = call_new(self->fd, CALL_RECV);
		calls[i]->recv.flags = flags[i];
		calls[i]->recv.type = i + 1;
		calls[i]->recv.type_hi = i + 5;
		call_start(calls[i]);
		ASSERT_TRUE(await_blocked(self->fd, 0, i + 1));
	}
	ASSERT_EQ(0, waiters(self));
	ASSERT_EQ(3, self->rows.n);
	for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++) {
		EXPECT_EQ(i == 0, row[i].has_type);
		EXPECT_EQ(i == 1, row[i].has_not_type);
		EXPECT_EQ(i == 2, row[i].has_max_type);
	}
	EXPECT_EQ(5ULL << 32 | 1, row[0].type);
	EXPECT_EQ(6ULL << 32 | 2, row[1].not_type);
	EXPECT_EQ(7ULL << 32 | 3, row[2].max_type);
	ASSERT_EQ(0, delete_fd(self->fd, MBOX_DELETE_FORCE));
	for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++)
		EXPECT_STREQ("EIDRM", recv_end(calls[i]));
}

TEST_F(rows, blocked_send)
{
	struct call *sync = send_start_flags(self->fd, MBOX_SEND_SYNC, 3, "receipt"), *full;
	uint64_t before;

	ASSERT_TRUE(await_blocked(self->fd, 1, 0));
	full = send_start(self->fd, 2, "room");
	ASSERT_TRUE(await_blocked(self->fd, 2, 0));
	ASSERT_EQ(0, waiters(self));
	ASSERT_EQ(2, self->rows.n);
	EXPECT_EQ(sync->pid, self->rows.row[0].pid);
	EXPECT_EQ(MBOX_CALL_RECEIPT, self->rows.row[0].call);
	EXPECT_EQ(7, self->rows.row[0].size);
	EXPECT_EQ(3, self->rows.row[0].prio);
	EXPECT_EQ(full->pid, self->rows.row[1].pid);
	EXPECT_EQ(MBOX_CALL_SEND, self->rows.row[1].call);
	EXPECT_EQ(4, self->rows.row[1].size);
	EXPECT_EQ(2, self->rows.row[1].prio);

	before = self->rows.row[1].waited;
	usleep(50000);
	ASSERT_EQ(0, waiters(self));
	/* Times are of a clock that ticks. */
	EXPECT_LE(before + 30 * NSEC_PER_MSEC, self->rows.row[1].waited);
	EXPECT_STREQ("receipt", take(self->fd));
	EXPECT_STREQ("room", take(self->fd));
	EXPECT_EQ(0, call_end(full));
	call_end(sync);
	ASSERT_EQ(0, waiters(self));
	EXPECT_EQ(0, self->rows.n);
}

static int wait_on_ring(void *arg)
{
	struct mbox_ioc_wait wait = { .flags = MBOX_WAIT_MOVE };
	int fd = open_name(arg, MBOX_RIGHT_RECV);

	if (fd < 0)
		return fd;
	return xioctl(fd, MBOX_IOC_WAIT, &wait);
}

TEST_F(rows, blocked_on_ring)
{
	struct mbox_ioc_open arg = open_arg(NULL, 0);
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;
	pid_t pid;
	int fd;

	name_make(self->name);
	name_copy(arg.name, self->name);
	arg.ring = 65536;
	arg.rights = MBOX_RIGHT_SEND;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	pid = fork_child();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(wait_on_ring(self->name) ? 1 : 0);
	do {
		ASSERT_EQ(0, waiters(self));
		nap();
	} while (!self->rows.n && now() < end);
	ASSERT_EQ(1, self->rows.n);
	EXPECT_EQ(pid, self->rows.row[0].pid);
	EXPECT_EQ(MBOX_CALL_CONSUME, self->rows.row[0].call);
	kill(pid, SIGKILL);
	reap(pid);
	close(fd);
}

/* All waiters there are; the test looks for its own. */
static int all_waiters(struct _test_data_rows *self)
{
	self->rows.n = 0;
	nl_begin(&self->request, self->nl.family, MBOX_CMD_WAITER_GET, NLM_F_DUMP);
	return nl_talk(&self->nl, &self->request, add_waiter, &self->rows);
}

static struct row *row_of(struct _test_data_rows *self, pid_t pid)
{
	for (int i = 0; i < self->rows.n && i < 999; i++)
		if (self->rows.row[i].pid == pid)
			return &self->rows.row[i];
	return NULL;
}

TEST_F(rows, blocked_on_link_and_inbox)
{
	struct peer *one = peer_new(_metadata), *other = peer_new(_metadata);
	struct row *row;

	ASSERT_EQ(0, peer_link(one, 0, other->pid, 1));
	peer_start_send(one, 0, MBOX_SEND_SYNC, "hello");
	ASSERT_TRUE(peer_blocked(one));
	ASSERT_EQ(0, all_waiters(self));
	row = row_of(self, one->pid);
	ASSERT_NE(NULL, row);
	EXPECT_EQ(MBOX_CALL_RECEIPT, row->call);
	EXPECT_EQ(other->pid, row->peer);
	EXPECT_EQ(other->pid, row->inbox);
	EXPECT_EQ(NULL, row_of(self, other->pid));
	peer_kill(one);

	other->slot = 1;
	ASSERT_EQ(0, peer_do(other, do_inbox));
	EXPECT_STREQ("EAGAIN", (other->flags = MBOX_RECV_NONBLOCK, peer_do(other, do_recv),
				other->text));
	other->flags = 0;
	peer_start(other, do_recv);
	ASSERT_TRUE(peer_blocked(other));
	ASSERT_EQ(0, all_waiters(self));
	row = row_of(self, other->pid);
	ASSERT_NE(NULL, row);
	EXPECT_EQ(MBOX_CALL_RECEIVE, row->call);
	EXPECT_FALSE(row->has_peer);
	EXPECT_EQ(other->pid, row->inbox);
	peer_kill(other);
}

/* Links. */
struct link_seen {
	pid_t one, other;
	int times;
	uint32_t first, capacity, msg_size, handles;
	uint64_t queued, queued_back;
};

static void see_link(const struct nl_reply *reply, void *data)
{
	struct link_seen *seen = data;
	uint32_t one = nl_u32(reply, MBOX_A_LINK_ONE), other = nl_u32(reply, MBOX_A_LINK_OTHER);

	if ((one != seen->one || other != seen->other) && (one != seen->other || other != seen->one))
		return;
	seen->times++;
	seen->first = one;
	seen->capacity = nl_u32(reply, MBOX_A_LINK_CAPACITY);
	seen->msg_size = nl_u32(reply, MBOX_A_LINK_MSG_SIZE);
	seen->handles = nl_u32(reply, MBOX_A_LINK_HANDLES);
	seen->queued = nl_u64(reply, MBOX_A_LINK_QUEUED);
	seen->queued_back = nl_u64(reply, MBOX_A_LINK_QUEUED_BACK);
}

static int links(struct nl *nl, pid_t of, struct link_seen *seen)
{
	struct nl_request request;

	seen->times = 0;
	nl_begin(&request, nl->family, MBOX_CMD_LINK_GET, NLM_F_DUMP);
	if (of)
		nl_put_u32(&request, MBOX_A_LINK_ONE, of);
	return nl_talk(nl, &request, see_link, seen);
}

TEST_F(rows, link)
{
	struct peer *one = peer_new(_metadata), *other = peer_new(_metadata);
	struct link_seen seen = { .one = one->pid, .other = other->pid };

	ASSERT_EQ(0, peer_link(one, 0, other->pid, 5));
	ASSERT_EQ(0, peer_link(other, 0, one->pid, 5));
	peer_start_send(one, 0, 0, "to the other");
	ASSERT_EQ(0, peer_end(one));
	peer_start_send(one, 0, 0, "again");
	ASSERT_EQ(0, peer_end(one));
	peer_start_send(other, 0, 0, "to the one");
	ASSERT_EQ(0, peer_end(other));

	ASSERT_EQ(0, links(&self->nl, 0, &seen));
	ASSERT_EQ(1, seen.times);
	EXPECT_EQ(one->pid, seen.first);
	EXPECT_EQ(5, seen.capacity);
	EXPECT_EQ(MBOX_MSG_SIZE_DEFAULT, seen.msg_size);
	EXPECT_EQ(2, seen.handles);
	EXPECT_EQ(2, seen.queued);
	EXPECT_EQ(1, seen.queued_back);
	ASSERT_EQ(0, links(&self->nl, other->pid, &seen));
	EXPECT_EQ(1, seen.times);
	ASSERT_EQ(0, links(&self->nl, getpid(), &seen));
	EXPECT_EQ(0, seen.times);
	peer_kill(one);
	peer_kill(other);
}

static int links_as_other(void *arg)
{
	struct link_seen *seen = arg;
	struct nl nl;

	if (become(12345, 12345) || nl_open(&nl))
		return -EIO;
	return links(&nl, 0, seen) ?: seen->times;
}

TEST_F(rows, link_hidden_from_others)
{
	struct peer *one = peer_new(_metadata), *other = peer_new(_metadata);
	struct link_seen seen = { .one = one->pid, .other = other->pid };

	if (geteuid())
		SKIP(return, "only root can become somebody else");
	ASSERT_EQ(0, peer_link(one, 0, other->pid, 5));
	EXPECT_EQ(0, in_child(links_as_other, &seen));
	EXPECT_EQ(0, links(&self->nl, 0, &seen));
	EXPECT_EQ(1, seen.times);
	peer_kill(one);
	peer_kill(other);
}

MBOX_TEST_MAIN
