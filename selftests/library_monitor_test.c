// SPDX-License-Identifier: GPL-2.0-only
/* libmbox-monitor: its records of mailboxes, handles, waiters, leases, links and events, and its errors. */
#include "lib/lease.h"
#include "lib/library.h"

#include <mbox_monitor.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <sys/wait.h>

FIXTURE(monitor)
{
	char name[MBOX_NAME_SIZE];
	struct mbox *mb;
	struct mbox_info info;
	struct mbox_monitor *mon;
	const struct mbox_monitor_mailbox *box;
};

FIXTURE_SETUP(monitor)
{
	struct mbox_attr attr = test_attr();

	name_make(self->name);
	attr.capacity = 4;
	attr.mode = 0640;
	umask(0);
	ASSERT_EQ(0, mbox_create(&self->mb, self->name, RIGHTS_BOTH, &attr));
	ASSERT_EQ(0, mbox_get(self->mb, &self->info));
	EXPECT_RET(0, mbox_monitor_open(&self->mon));
	ASSERT_NE(NULL, self->mon);
	EXPECT_STREQ("", mbox_monitor_message(self->mon));
}

FIXTURE_TEARDOWN(monitor)
{
	mbox_monitor_close(self->mon);
	mbox_close(self->mb);
}

/* Of the mailbox, by its id. */
static const struct mbox_monitor_mailbox *look(FIXTURE_DATA(monitor) *self)
{
	const struct mbox_monitor_mailbox *box;

	return mbox_monitor_get(self->mon, NULL, self->info.id, &box) ? NULL : box;
}

TEST_F(monitor, get_agrees_with_handle)
{
	const struct mbox_monitor_mailbox *box;

	ASSERT_EQ(0, mbox_send_string(self->mb, "four"));
	ASSERT_EQ(0, mbox_send_string(self->mb, "seconds"));
	EXPECT_EQ(4, mbox_recv_timeout(self->mb, (char[8]) { 0 }, 8, 0));
	ASSERT_EQ(0, mbox_get(self->mb, &self->info));
	EXPECT_RET(0, mbox_monitor_get(self->mon, self->name, 0, &box));
	EXPECT_EQ(self->info.id, box->id);
	EXPECT_STREQ(self->name, box->name);
	EXPECT_EQ(MBOX_STATE_LIVE, box->state);
	EXPECT_EQ(MBOX_KIND_MAILBOX, box->kind);
	EXPECT_EQ(geteuid(), box->uid);
	EXPECT_EQ(getegid(), box->gid);
	EXPECT_EQ(getuid(), box->creator);
	EXPECT_NE(0, box->known & MBOX_KNOWN(MBOX_A_MAILBOX_CREATOR));
	EXPECT_EQ(0, box->reserved2);
	EXPECT_EQ(0640, box->mode);
	EXPECT_EQ(MBOX_LIFETIME_FD, box->lifetime);
	EXPECT_EQ(0, box->known & MBOX_KNOWN(MBOX_A_MAILBOX_OWNER));
	EXPECT_EQ(0, box->known & MBOX_KNOWN(MBOX_A_MAILBOX_HEIR));
	EXPECT_EQ(0, box->known & MBOX_KNOWN(MBOX_A_MAILBOX_RING));
	EXPECT_EQ(self->info.created, box->created);
	EXPECT_EQ(4, box->capacity);
	EXPECT_EQ(self->info.msg_size, box->msg_size);
	EXPECT_EQ(0, box->bytes);
	EXPECT_EQ(1, box->handles);
	EXPECT_EQ(1, box->queued);
	EXPECT_EQ(7, box->queued_bytes);
	EXPECT_EQ(2, box->peak);
	EXPECT_EQ(11, box->peak_bytes);
	EXPECT_EQ(2, box->sent);
	EXPECT_EQ(11, box->sent_bytes);
	EXPECT_EQ(1, box->received);
	EXPECT_EQ(0, box->dropped);
	EXPECT_RET(0, mbox_monitor_get(self->mon, NULL, self->info.id, &box));
	EXPECT_STREQ(self->name, box->name);
}

TEST_F(monitor, rings_and_owners)
{
	struct mbox_attr attr = MBOX_ATTR_INIT;
	const struct mbox_monitor_mailbox *box;
	char name[MBOX_NAME_SIZE];
	struct mbox *ring;

	name_make(name);
	attr.lifetime = MBOX_LIFETIME_PROCESS;
	attr.capacity = 0;
	attr.ring = 4096;
	ASSERT_EQ(0, mbox_create(&ring, name, MBOX_RIGHT_SEND, &attr));
	EXPECT_RET(0, mbox_monitor_get(self->mon, name, 0, &box));
	EXPECT_EQ(MBOX_KIND_RING, box->kind);
	EXPECT_EQ(4096, box->ring);
	EXPECT_EQ(4096, box->ring_charged);
	EXPECT_NE(0, box->ring_known & MBOX_KNOWN(MBOX_A_RING_PRODUCER));
	EXPECT_EQ(getpid(), box->ring_producer);
	EXPECT_EQ(0, box->ring_known & MBOX_KNOWN(MBOX_A_RING_CONSUMER));
	EXPECT_NE(0, box->known & MBOX_KNOWN(MBOX_A_MAILBOX_OWNER));
	EXPECT_EQ(getpid(), box->owner);
	EXPECT_RET(-EOPNOTSUPP, mbox_monitor_purge(self->mon, name, 0, NULL));
	EXPECT_STREQ("a ring cannot be purged", mbox_monitor_message(self->mon));
	EXPECT_RET(0, mbox_monitor_delete(self->mon, name, 0, MBOX_DELETE_FORCE, NULL));
	mbox_close(ring);
}

struct seen {
	uint64_t id, last;
	int found, calls, result;
	bool ordered;
	struct mbox_monitor *mon;
};

static int see(const struct mbox_monitor_mailbox *box, void *arg)
{
	struct seen *seen = arg;

	seen->calls++;
	seen->ordered = seen->ordered && box->id > seen->last;
	seen->last = box->id;
	seen->found += box->id == seen->id;
	return seen->result;
}

static int see_and_ask(const struct mbox_monitor_mailbox *box, void *arg)
{
	const struct mbox_monitor_mailbox *other;
	struct seen *seen = arg;

	seen->calls++;
	return mbox_monitor_get(seen->mon, NULL, box->id, &other);
}

/* More of them than one datagram holds. */
TEST_F(monitor, each_mailbox)
{
	struct mbox *many[200];
	struct seen seen = { .id = self->info.id, .ordered = true };
	int ret, tries = 20;

	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		ASSERT_EQ(0, mbox_create(&many[i], NULL, 0, NULL));
	/* other tests may make and delete mailboxes meanwhile, which the result tells */
	do {
		seen.found = seen.calls = 0;
		seen.last = 0;
		ret = mbox_monitor_each_mailbox(self->mon, see, &seen);
	} while (ret == 1 && --tries);
	EXPECT_EQ(0, ret);
	EXPECT_EQ(1, seen.found);
	EXPECT_TRUE(seen.ordered);
	EXPECT_LE(201, seen.calls);

	/* stopped; the rest does not come out of the next call */
	seen = (struct seen) { .result = -ECANCELED };
	EXPECT_RET(-ECANCELED, mbox_monitor_each_mailbox(self->mon, see, &seen));
	EXPECT_EQ(1, seen.calls);
	EXPECT_NE(NULL, look(self));

	seen = (struct seen) { .mon = self->mon };
	EXPECT_RET(-EBUSY, mbox_monitor_each_mailbox(self->mon, see_and_ask, &seen));
	EXPECT_EQ(1, seen.calls);
	EXPECT_NE(NULL, look(self));
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		mbox_close(many[i]);
}

struct parties {
	struct mbox_monitor_handle handle;
	struct mbox_monitor_waiter waiter;
	struct mbox_monitor_job job;
	struct mbox_monitor_link link;
	int handles, waiters, jobs, links;
};

static int take_handle(const struct mbox_monitor_handle *handle, void *arg)
{
	struct parties *parties = arg;

	parties->handle = *handle;
	parties->handles++;
	return 0;
}

static int take_waiter(const struct mbox_monitor_waiter *waiter, void *arg)
{
	struct parties *parties = arg;

	parties->waiter = *waiter;
	parties->waiters++;
	return 0;
}

static int take_job(const struct mbox_monitor_job *job, void *arg)
{
	struct parties *parties = arg;

	parties->job = *job;
	parties->jobs++;
	return 0;
}

static int take_link(const struct mbox_monitor_link *link, void *arg)
{
	struct parties *parties = arg;

	parties->link = *link;
	parties->links++;
	return 0;
}

TEST_F(monitor, handles_and_waiters)
{
	struct parties parties = { .handles = 0 };
	const struct mbox_monitor_mailbox *box;
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;
	pid_t pid;

	EXPECT_RET(0, mbox_monitor_each_handle(self->mon, self->name, 0, take_handle, &parties));
	EXPECT_EQ(1, parties.handles);
	EXPECT_EQ(self->info.id, parties.handle.mailbox);
	EXPECT_EQ(getpid(), parties.handle.pid);
	EXPECT_EQ(RIGHTS_BOTH, parties.handle.rights);
	EXPECT_STREQ(self->name, parties.handle.name);
	EXPECT_RET(0, mbox_monitor_each_waiter(self->mon, NULL, self->info.id, take_waiter, &parties));
	EXPECT_EQ(0, parties.waiters);

	pid = fork_child();
	if (pid == 0) {
		struct mbox_recv_opts opts = {
			.flags = MBOX_RECV_NOT_TYPE, .type = 7, .type_hi = 1, .min_prio = 3,
		};
		char data[100];

		mbox_recv(self->mb, data, sizeof(data), &opts, NULL);
		_exit(1);
	}
	ASSERT_LT(0, pid);
	do {
		nap();
		box = look(self);
	} while (box && !box->receivers && now() < end);
	ASSERT_NE(NULL, box);
	EXPECT_EQ(1, box->receivers);
	/* the kernel's clock for it ticks, a hundred times a second at least */
	usleep(20000);
	EXPECT_EQ(1, box->blocked);
	EXPECT_EQ(0, box->woken);
	EXPECT_RET(0, mbox_monitor_each_waiter(self->mon, self->name, 0, take_waiter, &parties));
	ASSERT_EQ(1, parties.waiters);
	EXPECT_EQ(pid, parties.waiter.pid);
	EXPECT_EQ(pid, parties.waiter.tid);
	EXPECT_EQ(MBOX_CALL_RECEIVE, parties.waiter.call);
	EXPECT_EQ(100, parties.waiter.size);
	EXPECT_EQ(3, parties.waiter.prio);
	EXPECT_NE(0, parties.waiter.known & MBOX_KNOWN(MBOX_A_WAITER_NOT_TYPE));
	EXPECT_EQ(1ULL << 32 | 7, parties.waiter.not_type);
	EXPECT_EQ(0, parties.waiter.known & MBOX_KNOWN(MBOX_A_WAITER_TYPE));
	EXPECT_EQ(0, parties.waiter.known & MBOX_KNOWN(MBOX_A_WAITER_MAX_TYPE));
	EXPECT_EQ(0, parties.waiter.known & MBOX_KNOWN(MBOX_A_WAITER_SENDER));
	EXPECT_EQ(0, parties.waiter.known & MBOX_KNOWN(MBOX_A_WAITER_PEER));
	EXPECT_EQ(0, parties.waiter.reserved);
	EXPECT_LT(0, parties.waiter.waited);
	EXPECT_GT(PATIENCE * NSEC_PER_SEC, parties.waiter.waited);
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_LE(0, reap(pid));
}

TEST_F(monitor, leases)
{
	struct mbox_ioc_post marked = { .flags = MBOX_POST_MARK, .mark = 99, .send.prio = 2, .send.type = 5,
					.type_hi = 6 };
	const struct mbox_monitor_mailbox *box;
	struct parties parties = { .jobs = 0 };
	int fd = mbox_fd(self->mb);
	struct leased one;

	EXPECT_RET(0, mbox_monitor_each_job(self->mon, self->name, 0, take_job, &parties));
	EXPECT_EQ(0, parties.jobs);
	ASSERT_EQ(0, post(fd, marked, "four"));
	one = lease_for(fd, 60 * NSEC_PER_SEC);
	ASSERT_EQ(0, one.error);
	/* the kernel's clock for it ticks, a hundred times a second at least */
	usleep(20000);
	EXPECT_RET(0, mbox_monitor_each_job(self->mon, NULL, self->info.id, take_job, &parties));
	ASSERT_EQ(1, parties.jobs);
	EXPECT_EQ(1, parties.job.id);
	EXPECT_EQ(self->info.id, parties.job.mailbox);
	EXPECT_STREQ(self->name, parties.job.name);
	EXPECT_EQ(MBOX_HIDDEN_LEASED, parties.job.hidden);
	EXPECT_EQ(1, parties.job.deliveries);
	EXPECT_EQ(one.delivery.token, parties.job.token);
	EXPECT_EQ(4, parties.job.size);
	EXPECT_EQ(2, parties.job.prio);
	EXPECT_EQ(6ULL << 32 | 5, parties.job.type);
	EXPECT_EQ(getpid(), parties.job.holder);
	EXPECT_LT(0, parties.job.handle);
	EXPECT_LT(0, parties.job.held);
	EXPECT_GT(60 * NSEC_PER_SEC, parties.job.held);
	EXPECT_LT(0, parties.job.left);
	EXPECT_GT(60 * NSEC_PER_SEC, parties.job.left);
	EXPECT_EQ(0, parties.job.known & MBOX_KNOWN(MBOX_A_JOB_CALLER));
	EXPECT_EQ(0, parties.job.known & MBOX_KNOWN(MBOX_A_JOB_INBOX));
	EXPECT_EQ(0, parties.job.known & MBOX_KNOWN(MBOX_A_JOB_REASON));

	box = look(self);
	ASSERT_NE(NULL, box);
	EXPECT_EQ(1, box->leased);
	EXPECT_EQ(0, box->parked);
	EXPECT_EQ(99, box->mark);
	EXPECT_EQ(0, box->max_deliveries);
	EXPECT_EQ(0, box->known & MBOX_KNOWN(MBOX_A_MAILBOX_DEAD_LETTER));

	ASSERT_EQ(0, nack(fd, one.delivery.token, MBOX_NACK_REJECT, 0, 7));
	EXPECT_RET(0, mbox_monitor_each_job(self->mon, self->name, 0, take_job, &parties));
	ASSERT_EQ(2, parties.jobs);
	EXPECT_EQ(MBOX_HIDDEN_PARKED, parties.job.hidden);
	EXPECT_EQ(MBOX_REASON_REJECTED, parties.job.reason);
	EXPECT_EQ(7, parties.job.code);
	EXPECT_EQ(0, parties.job.known & MBOX_KNOWN(MBOX_A_JOB_HOLDER));
	box = look(self);
	ASSERT_NE(NULL, box);
	EXPECT_EQ(0, box->leased);
	EXPECT_EQ(1, box->parked);
}

TEST_F(monitor, links)
{
	struct parties parties = { .links = 0 };
	struct mbox *link;
	pid_t pid;

	pid = fork_child();
	if (pid == 0)
		for (;;)
			pause();
	ASSERT_LT(0, pid);
	EXPECT_RET(0, mbox_monitor_each_link(self->mon, pid, take_link, &parties));
	EXPECT_EQ(0, parties.links);
	ASSERT_EQ(0, mbox_link(&link, pid, 8, 100));
	EXPECT_EQ(0, mbox_send_string(link, "one"));
	EXPECT_RET(0, mbox_monitor_each_link(self->mon, pid, take_link, &parties));
	ASSERT_EQ(1, parties.links);
	EXPECT_EQ(getpid(), parties.link.one);
	EXPECT_EQ(pid, parties.link.other);
	EXPECT_EQ(8, parties.link.capacity);
	EXPECT_EQ(100, parties.link.msg_size);
	EXPECT_EQ(1, parties.link.handles);
	EXPECT_EQ(1, parties.link.queued);
	EXPECT_EQ(0, parties.link.queued_back);
	mbox_close(link);
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_LE(0, reap(pid));
}

static int take_inbox(const struct mbox_monitor_mailbox *box, void *arg)
{
	struct mbox_monitor_mailbox *found = arg;

	if (box->owner == found->owner)
		*found = *box;
	return 0;
}

/* Messages of a sender that closed its link are in the inbox, and no link has them. */
TEST_F(monitor, inboxes)
{
	struct mbox_monitor_mailbox inbox = { .known = 0 };
	struct mbox *link;
	pid_t pid, sender;

	pid = fork_child();
	if (pid == 0)
		for (;;)
			pause();
	ASSERT_LT(0, pid);
	inbox.owner = pid;
	EXPECT_RET(0, mbox_monitor_each_inbox(self->mon, take_inbox, &inbox));
	EXPECT_EQ(0, inbox.known);
	sender = fork_child();
	if (sender == 0)
		_exit(mbox_link(&link, pid, 8, 100) || mbox_send_string(link, "left"));
	EXPECT_EQ(0, reap(sender));
	EXPECT_LE(0, mbox_monitor_each_inbox(self->mon, take_inbox, &inbox));
	EXPECT_EQ(MBOX_KIND_INBOX, inbox.kind);
	EXPECT_EQ(1, inbox.queued);
	EXPECT_EQ(4, inbox.queued_bytes);
	EXPECT_EQ(geteuid(), inbox.uid);
	EXPECT_STREQ("", inbox.name);
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_LE(0, reap(pid));
}

TEST_F(monitor, quotas)
{
	const struct mbox_monitor_user *user;
	struct mbox_monitor_user before;
	struct mbox_attr attr = test_attr();
	struct mbox *ring;

	EXPECT_RET(0, mbox_monitor_user(self->mon, -1, &user));
	before = *user;
	EXPECT_EQ(getuid(), before.uid);
	EXPECT_LE(1, before.mailboxes);
	EXPECT_LE(before.mailboxes, before.max_mailboxes);
	EXPECT_LE(before.bytes, before.max_bytes);
	attr.capacity = 0;
	attr.ring = 65536;
	ASSERT_EQ(0, mbox_create(&ring, NULL, MBOX_RIGHT_SEND, &attr));
	EXPECT_RET(0, mbox_monitor_user(self->mon, getuid(), &user));
	EXPECT_EQ(before.mailboxes + 1, user->mailboxes);
	EXPECT_EQ(before.bytes + 65536, user->bytes);
	mbox_close(ring);
	EXPECT_RET(-EFAULT, mbox_monitor_user(self->mon, -1, NULL));
	EXPECT_RET(-EINVAL, mbox_monitor_user(NULL, -1, &user));
}

TEST_F(monitor, quotas_of_others)
{
	const struct mbox_monitor_user *user;
	struct mbox_monitor *mon;
	pid_t pid;

	if (geteuid())
		SKIP(return, "takes root");
	EXPECT_RET(0, mbox_monitor_user(self->mon, 12345, &user));
	EXPECT_EQ(12345, user->uid);
	EXPECT_EQ(0, user->mailboxes);
	EXPECT_EQ(0, user->bytes);
	pid = fork_child();
	if (pid == 0) {
		if (setresuid(12345, 12345, 12345) || mbox_monitor_open(&mon))
			_exit(1);
		if (mbox_monitor_user(mon, 0, &user) != -EPERM)
			_exit(2);
		/* The socket of root does not help. */
		if (mbox_monitor_user(self->mon, 0, &user) != -EPERM)
			_exit(3);
		_exit(mbox_monitor_user(mon, -1, &user) || user->uid != 12345 ? 4 : 0);
	}
	EXPECT_EQ(0, reap(pid));
}

TEST_F(monitor, set_purge_delete)
{
	struct mbox_ioc_set set = { .mask = MBOX_SET_MODE | MBOX_SET_CAPACITY, .mode = 0604, .capacity = 9 };
	struct mbox_deleted deleted;
	uint64_t purged;

	EXPECT_RET(0, mbox_monitor_set(self->mon, self->name, 0, &set));
	ASSERT_EQ(0, mbox_get(self->mb, &self->info));
	EXPECT_EQ(0604, self->info.mode);
	EXPECT_EQ(9, self->info.capacity);
	set = (struct mbox_ioc_set) { .mask = MBOX_SET_MODE | MBOX_SET_CAPACITY, .mode = 0600,
				      .capacity = MBOX_CAPACITY_MAX + 1 };
	EXPECT_RET(-EINVAL, mbox_monitor_set(self->mon, self->name, 0, &set));
	set = (struct mbox_ioc_set) { .mask = 1 << 30 };
	EXPECT_RET(-EINVAL, mbox_monitor_set(self->mon, self->name, 0, &set));
	EXPECT_UNCHANGED(mbox_fd(self->mb), &self->info);

	for (int i = 0; i < 3; i++)
		EXPECT_EQ(0, mbox_send_string(self->mb, "text"));
	EXPECT_RET(0, mbox_monitor_purge(self->mon, NULL, self->info.id, &purged));
	EXPECT_EQ(3, purged);
	EXPECT_EQ(0, mbox_send_string(self->mb, "text"));
	memset(&deleted, POISON, sizeof(deleted));
	EXPECT_RET(-ENOTEMPTY, mbox_monitor_delete(self->mon, self->name, 0, MBOX_DELETE_EMPTY, &deleted));
	EXPECT_STREQ("messages are queued", mbox_monitor_message(self->mon));
	EXPECT_TRUE(untouched(&deleted, sizeof(deleted)));
	EXPECT_RET(-ERANGE, mbox_monitor_delete(self->mon, self->name, 0, 99, NULL));
	/* the attribute that the kernel did not take */
	EXPECT_EQ(0, strncmp("how: ", mbox_monitor_message(self->mon), 5))
		TH_LOG("said '%s'", mbox_monitor_message(self->mon));
	EXPECT_RET(0, mbox_monitor_delete(self->mon, self->name, 0, MBOX_DELETE_FORCE, &deleted));
	EXPECT_EQ(1, deleted.queued);
	EXPECT_EQ(1, deleted.dropped);
	EXPECT_RET(-ENOENT, mbox_monitor_delete(self->mon, self->name, 0, MBOX_DELETE_FORCE, NULL));
	EXPECT_STREQ("name: there is no mailbox of that name", mbox_monitor_message(self->mon));
}

TEST_F(monitor, fails_as_it_says)
{
	static const char long_name[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
	const struct mbox_monitor_mailbox *box = NULL;
	const struct mbox_monitor_event *event = NULL;

	EXPECT_RET(-EFAULT, mbox_monitor_open(NULL));
	EXPECT_RET(-EINVAL, mbox_monitor_get(NULL, self->name, 0, &box));
	EXPECT_RET(-EINVAL, mbox_monitor_get(self->mon, NULL, 0, &box));
	EXPECT_RET(-EINVAL, mbox_monitor_get(self->mon, self->name, self->info.id, &box));
	EXPECT_RET(-EINVAL, mbox_monitor_get(self->mon, "", 0, &box));
	EXPECT_RET(-EINVAL, mbox_monitor_get(self->mon, long_name, 0, &box));
	EXPECT_RET(-ENOENT, mbox_monitor_get(self->mon, "no-such-mailbox", 0, &box));
	EXPECT_RET(-ENOENT, mbox_monitor_get(self->mon, NULL, UINT64_MAX, &box));
	EXPECT_RET(-EFAULT, mbox_monitor_get(self->mon, self->name, 0, NULL));
	EXPECT_RET(-EFAULT, mbox_monitor_set(self->mon, self->name, 0, NULL));
	EXPECT_RET(-EINVAL, mbox_monitor_each_mailbox(NULL, see, NULL));
	EXPECT_RET(-EFAULT, mbox_monitor_each_mailbox(self->mon, NULL, NULL));
	EXPECT_RET(-EINVAL, mbox_monitor_each_link(self->mon, -1, take_link, NULL));
	EXPECT_RET(-EINVAL, mbox_monitor_each_inbox(NULL, see, NULL));
	EXPECT_RET(-EFAULT, mbox_monitor_each_inbox(self->mon, NULL, NULL));
	EXPECT_RET(-ENOENT, mbox_monitor_each_handle(self->mon, "no-such-mailbox", 0, take_handle, NULL));
	EXPECT_RET(-ENOENT, mbox_monitor_each_job(self->mon, "no-such-mailbox", 0, take_job, NULL));
	EXPECT_RET(-EFAULT, mbox_monitor_each_job(self->mon, self->name, 0, NULL, NULL));
	EXPECT_RET(-EINVAL, mbox_monitor_each_job(NULL, self->name, 0, take_job, NULL));
	EXPECT_RET(-EINVAL, mbox_monitor_subscribe(self->mon, ~0U));
	EXPECT_RET(-EINVAL, mbox_monitor_fd(self->mon));
	EXPECT_RET(-EINVAL, mbox_monitor_next(self->mon, 0, &event));
	EXPECT_EQ(NULL, box);
	EXPECT_EQ(NULL, event);
	EXPECT_STRNE("", mbox_monitor_message(self->mon));
	EXPECT_STREQ("", mbox_monitor_message(NULL));
	mbox_monitor_close(NULL);
	EXPECT_NE(NULL, look(self));
}

TEST_F(monitor, no_descriptor_is_left)
{
	struct rlimit limit, none;
	struct mbox_monitor *mon = (void *)NOT_WRITTEN;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	none = limit;
	none.rlim_cur = 0;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_RET(-EMFILE, mbox_monitor_open(&mon));
	EXPECT_RET(-EMFILE, mbox_monitor_subscribe(self->mon, 0));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ((void *)NOT_WRITTEN, mon);
	EXPECT_RET(0, mbox_monitor_subscribe(self->mon, 0));
}

/* The next event about the mailbox of the test; others happen on the machine, too. */
static int next_of(FIXTURE_DATA(monitor) *self, const struct mbox_monitor_event **event)
{
	int ret;

	do
		ret = mbox_monitor_next(self->mon, PATIENCE * NSEC_PER_SEC, event);
	while (ret == 0 && (*event)->id != self->info.id);
	return ret;
}

TEST_F(monitor, leases_that_end_soon)
{
	const struct mbox_monitor_event *event;
	struct leased one;

	EXPECT_EQ(0, mbox_chmod(self->mb, 0666));
	EXPECT_RET(0, mbox_monitor_subscribe(self->mon, 0));
	ASSERT_EQ(0, mbox_send_string(self->mb, "text"));
	one = lease_for(mbox_fd(self->mb), NSEC_PER_SEC / 5);
	ASSERT_EQ(0, one.error);
	ASSERT_EQ(0, next_of(self, &event));
	EXPECT_EQ(MBOX_EVENT_LEASE_ENDING, event->event);
	EXPECT_EQ(one.delivery.token, event->token);
	EXPECT_EQ(1, event->count);
	EXPECT_EQ(1, event->queued);
}

TEST_F(monitor, events)
{
	const struct mbox_monitor_event *event;
	struct pollfd fd = { .events = POLLIN };
	int64_t start;

	/* on old kernels, all users that may receive or send see it */
	EXPECT_EQ(0, mbox_chmod(self->mb, 0666));
	EXPECT_RET(0, mbox_monitor_subscribe(self->mon, 0));
	EXPECT_RET(0, mbox_monitor_subscribe(self->mon, 0));
	fd.fd = mbox_monitor_fd(self->mon);
	ASSERT_LE(0, fd.fd);
	start = now();
	while (mbox_monitor_next(self->mon, 0, &event) == 0)
		;
	EXPECT_RET(-EAGAIN, mbox_monitor_next(self->mon, 0, &event));
	EXPECT_GT(10 * NSEC_PER_SEC, now() - start);

	for (int i = 0; i < 4; i++)
		ASSERT_EQ(0, mbox_send_string(self->mb, "text"));
	EXPECT_EQ(-EAGAIN, mbox_send_timeout(self->mb, "x", 1, 0));
	EXPECT_EQ(1, poll(&fd, 1, PATIENCE * 1000));
	EXPECT_EQ(0, next_of(self, &event));
	EXPECT_EQ(MBOX_EVENT_FULL, event->event);
	EXPECT_STREQ(self->name, event->name);
	EXPECT_EQ(4, event->queued);
	EXPECT_EQ(1, event->count);
	EXPECT_EQ(MBOX_STATE_LIVE, event->state);
	EXPECT_LT(self->info.created, event->time);
	EXPECT_EQ(0, event->known & MBOX_KNOWN(MBOX_A_NOTICE_TOKEN));
	/* requests and events do not get into each other's way */
	EXPECT_NE(NULL, look(self));
	ASSERT_EQ(0, mbox_delete(self->name, MBOX_DELETE_FORCE, NULL));
	EXPECT_EQ(0, next_of(self, &event));
	EXPECT_EQ(MBOX_EVENT_DELETED, event->event);
	EXPECT_EQ(4, event->dropped);
	EXPECT_RET(-EINVAL, mbox_monitor_next(self->mon, -2, &event));
}

static void nothing(int signal)
{
}

TEST_F(monitor, events_wait)
{
	struct sigaction action = { .sa_handler = nothing };
	struct itimerval timer = { .it_value.tv_usec = 100000, .it_interval.tv_usec = 100000 };
	const struct mbox_monitor_event *event;
	int64_t start;
	int ret;

	/* where nothing else happens */
	if (unshare(CLONE_NEWNET))
		SKIP(return, "cannot make a network namespace");
	mbox_monitor_close(self->mon);
	ASSERT_EQ(0, mbox_monitor_open(&self->mon));
	ASSERT_EQ(0, mbox_monitor_subscribe(self->mon, 0));
	start = now();
	EXPECT_RET(-ETIMEDOUT, mbox_monitor_next(self->mon, 50 * NSEC_PER_MSEC, &event));
	EXPECT_LE(50 * NSEC_PER_MSEC, now() - start);
	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &timer, NULL));
	ret = mbox_monitor_next(self->mon, MBOX_NO_TIMEOUT, &event);
	EXPECT_EQ(-EINTR, ret);
}

/* Events that the kernel could not keep are reported once, and later ones are whole. */
TEST_F(monitor, events_lost)
{
	const struct mbox_monitor_event *event;
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;
	struct mbox *mb;
	int ret, lost = 0;

	if (unshare(CLONE_NEWNET))
		SKIP(return, "cannot make a network namespace");
	mbox_monitor_close(self->mon);
	ASSERT_EQ(0, mbox_monitor_open(&self->mon));
	ASSERT_EQ(0, mbox_monitor_subscribe(self->mon, MBOX_MONITOR_PRIVATE));
	/* the smallest that there is */
	ASSERT_EQ(0, setsockopt(mbox_monitor_fd(self->mon), SOL_SOCKET, SO_RCVBUF, (int[]) { 1 }, sizeof(int)));
	/* A worker of the kernel sends them, after the calls. */
	while (!lost) {
		ASSERT_GT(end, now());
		for (int i = 0; i < 50; i++) {
			ASSERT_EQ(0, mbox_create(&mb, NULL, 0, NULL));
			mbox_close(mb);
		}
		while ((ret = mbox_monitor_next(self->mon, 0, &event)) != -EAGAIN) {
			lost += ret == -ENOBUFS;
			ASSERT_TRUE(ret == 0 || ret == -ENOBUFS);
		}
	}
	/* events that were pending before may still come, or be lost */
	ASSERT_EQ(0, setsockopt(mbox_monitor_fd(self->mon), SOL_SOCKET, SO_RCVBUF, (int[]) { 65536 }, sizeof(int)));
	ASSERT_EQ(0, mbox_create(&mb, NULL, 0, NULL));
	ASSERT_EQ(0, mbox_get(mb, &self->info));
	while ((ret = next_of(self, &event)) == -ENOBUFS)
		;
	ASSERT_EQ(0, ret);
	EXPECT_EQ(MBOX_EVENT_CREATED, event->event);
	mbox_close(mb);
}

/* Whether the kernel can tell listeners apart: the private group is silent then, and free. */
static bool one_group_is_enough(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname name;

	if (uname(&name) || sscanf(name.release, "%u.%u", &major, &minor) != 2)
		return false;
	return major > 6 || (major == 6 && minor >= 6);
}

/* The private events take a capability, without which nothing is subscribed to. */
TEST_F(monitor, private_events)
{
	int expected = one_group_is_enough() ? 0 : -EPERM;
	pid_t pid;

	if (geteuid())
		SKIP(return, "only root can give up his capabilities");
	EXPECT_RET(0, mbox_monitor_subscribe(self->mon, MBOX_MONITOR_PRIVATE));
	pid = fork_child();
	if (pid == 0) {
		struct mbox_monitor *mon;

		if (setresuid(12345, 12345, 12345) || mbox_monitor_open(&mon))
			_exit(1);
		if (mbox_monitor_subscribe(mon, MBOX_MONITOR_PRIVATE) != expected)
			_exit(2);
		if (expected && (mbox_monitor_fd(mon) != -EINVAL ||
				 !strstr(mbox_monitor_message(mon), "CAP_NET_ADMIN")))
			_exit(3);
		if (mbox_monitor_subscribe(mon, 0) || mbox_monitor_fd(mon) < 0)
			_exit(4);
		mbox_monitor_close(mon);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
}

TEST_HARNESS_MAIN
