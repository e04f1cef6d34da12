// SPDX-License-Identifier: GPL-2.0-only
/* libmbox: handing over, links, inboxes; by number and by pidfd. */
#include "lib/library.h"
#include "lib/user.h"

#include <limits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>

/* A process that waits to be ended, and its actions before. */
struct peer {
	int ready, go;
	long result;
	pid_t pid;
	int pidfd;
};

static int pidfd_of(pid_t pid)
{
	int fd = syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}

/* Runs @fn, if there is one, then waits to be killed. */
static struct peer *peer_start(struct __test_metadata *_metadata, long (*fn)(struct peer *peer))
{
	struct peer *peer = shared_alloc(sizeof(*peer));

	peer->pid = fork_child();
	ASSERT_LE(0, peer->pid);
	if (peer->pid == 0) {
		peer->pid = getpid();
		peer->result = fn ? fn(peer) : 0;
		set_flag(&peer->ready);
		for (;;)
			pause();
	}
	peer->pidfd = pidfd_of(peer->pid);
	ASSERT_LE(0, peer->pidfd);
	if (!fn)
		ASSERT_TRUE(await_flag(&peer->ready));
	return peer;
}

/* A zombie first, whose number is still its own. */
static void peer_end(struct __test_metadata *_metadata, struct peer *peer)
{
	struct pollfd pollfd = { .fd = peer->pidfd, .events = POLLIN };

	ASSERT_EQ(0, kill(peer->pid, SIGKILL));
	ASSERT_EQ(1, poll(&pollfd, 1, PATIENCE * 1000));
}

static void peer_reap(struct __test_metadata *_metadata, struct peer *peer)
{
	ASSERT_LE(0, reap(peer->pid));
}

static bool await_state(int fd, uint32_t state)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;

	while (info_of(fd).state != state) {
		if (now() > end)
			return false;
		nap();
	}
	return true;
}

/* Descriptors that are no pidfd, and the errors for them. */
struct not_pidfd {
	int fd, expected;
};

static void not_pidfds(struct not_pidfd bad[5])
{
	bad[0] = (struct not_pidfd) { -1, -EBADF };
	bad[1] = (struct not_pidfd) { open("/dev/null", O_RDWR | O_CLOEXEC), -EINVAL };
	bad[2] = (struct not_pidfd) { open("/proc/self", O_RDONLY | O_CLOEXEC), -EINVAL };
	bad[3] = (struct not_pidfd) { memfd_create("file", MFD_CLOEXEC), -EINVAL };
	bad[4] = (struct not_pidfd) { 1000000, -EBADF };
}

TEST_F(lib, handover_refused)
{
	struct not_pidfd bad[5];
	int self_fd = pidfd_of(getpid());

	ASSERT_LE(0, self_fd);
	EXPECT_RET(-EINVAL, mbox_handover(NULL, getpid(), 0));
	EXPECT_RET(-EINVAL, mbox_handover_pidfd(NULL, self_fd, 0));
	EXPECT_RET(-EINVAL, mbox_handover(self->mb, getpid(), 4));
	EXPECT_RET(-EINVAL, mbox_handover_pidfd(self->mb, self_fd, 4));
	EXPECT_RET(-ESRCH, mbox_handover(self->mb, -1, 0));
	EXPECT_RET(-ESRCH, mbox_handover(self->mb, INT_MAX, 0));
	/* nobody owns it, so nobody inherits it */
	EXPECT_RET(-EINVAL, mbox_handover(self->mb, getpid(), MBOX_HANDOVER_HEIR));
	EXPECT_RET(-EINVAL, mbox_handover_pidfd(self->mb, self_fd, MBOX_HANDOVER_HEIR));
	not_pidfds(bad);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_RET(bad[i].expected, mbox_handover_pidfd(self->mb, bad[i].fd, 0));
		close(bad[i].fd);
	}
	EXPECT_RET(-EBADF, mbox_handover_pidfd(self->mb, bad[1].fd, 0));
	EXPECT_NOTHING_CHANGED();
	close(self_fd);
}

TEST_F(lib, handover_to_the_system)
{
	struct mbox_attr attr = test_attr();
	int fd = mbox_fd(self->mb);

	EXPECT_RET(0, mbox_handover(self->mb, getpid(), 0));
	EXPECT_EQ(MBOX_LIFETIME_PROCESS, info_of(fd).lifetime);
	EXPECT_EQ((uint32_t)getpid(), info_of(fd).owner);
	EXPECT_RET(0, mbox_handover(self->mb, 0, 0));
	EXPECT_EQ(MBOX_LIFETIME_OS, info_of(fd).lifetime);
	EXPECT_EQ(0, info_of(fd).owner);
	EXPECT_RET(0, mbox_delete(self->name, MBOX_DELETE_EMPTY, NULL));
	EXPECT_RET(-EIDRM, mbox_handover(self->mb, getpid(), 0));
	/* without a name nobody could delete it */
	ASSERT_EQ(0, mbox_create(&self->other, NULL, RIGHTS_BOTH, &attr));
	EXPECT_RET(-EINVAL, mbox_handover(self->other, 0, 0));
	EXPECT_EQ(MBOX_LIFETIME_FD, info_of(mbox_fd(self->other)).lifetime);
	mbox_close(self->other);
}

TEST_F(lib, handover_and_heir)
{
	struct peer *owner = peer_start(_metadata, NULL), *heir = peer_start(_metadata, NULL);
	int fd = mbox_fd(self->mb), self_fd = pidfd_of(getpid());

	EXPECT_RET(0, mbox_handover_pidfd(self->mb, self_fd, 0));
	EXPECT_RET(0, mbox_handover(self->mb, heir->pid, MBOX_HANDOVER_HEIR));
	EXPECT_EQ(heir->pid, info_of(fd).heir);
	EXPECT_RET(0, mbox_handover(self->mb, 0, MBOX_HANDOVER_HEIR));
	EXPECT_EQ(0, info_of(fd).heir);
	EXPECT_RET(0, mbox_handover_pidfd(self->mb, heir->pidfd,
					  MBOX_HANDOVER_HEIR | MBOX_HANDOVER_RECV));
	EXPECT_EQ(heir->pid, info_of(fd).heir);
	EXPECT_EQ((uint32_t)getpid(), info_of(fd).owner);
	/* the heir of another owner is not that of the next */
	EXPECT_RET(0, mbox_handover_pidfd(self->mb, owner->pidfd, MBOX_HANDOVER_RECV));
	EXPECT_EQ(owner->pid, info_of(fd).owner);
	EXPECT_EQ(0, info_of(fd).heir);
	EXPECT_EQ(MBOX_LIFETIME_PROCESS, info_of(fd).lifetime);
	EXPECT_RET(0, mbox_send_string(self->mb, "text"));
	peer_end(_metadata, owner);
	EXPECT_TRUE(await_state(fd, MBOX_STATE_DEAD));
	EXPECT_RET(-EOWNERDEAD, mbox_send_string(self->mb, "text"));
	EXPECT_RET(-EOWNERDEAD, mbox_handover(self->mb, getpid(), 0));
	peer_reap(_metadata, owner);
	peer_end(_metadata, heir);
	peer_reap(_metadata, heir);
	close(self_fd);
}

/* A process that has ended owns nothing, reaped or not. */
TEST_F(lib, handover_to_the_dead)
{
	struct peer *peer = peer_start(_metadata, NULL);

	peer_end(_metadata, peer);
	EXPECT_RET(-ESRCH, mbox_handover_pidfd(self->mb, peer->pidfd, 0));
	EXPECT_RET(-ESRCH, mbox_link_pidfd(&self->other, peer->pidfd, 1, 0));
	peer_reap(_metadata, peer);
	EXPECT_RET(-ESRCH, mbox_handover_pidfd(self->mb, peer->pidfd, 0));
	EXPECT_RET(-ESRCH, mbox_link_pidfd(&self->other, peer->pidfd, 1, 0));
	EXPECT_RET(-ESRCH, mbox_handover(self->mb, peer->pid, 0));
	EXPECT_NOTHING_CHANGED();
	close(peer->pidfd);
}

/* Neither root nor the owner. */
static int as_stranger(void *arg)
{
	struct mbox *mb;
	uid_t uid = spare_uid(0);
	int fd;

	CHECK_RET(0, become(uid, uid));
	fd = pidfd_of(getpid());
	CHECK_RET(0, mbox_open(&mb, arg, 0));
	CHECK_RET(-EPERM, mbox_handover(mb, getpid(), 0));
	CHECK_RET(-EPERM, mbox_handover_pidfd(mb, fd, 0));
	CHECK_RET(-EPERM, mbox_handover(mb, 0, 0));
	mbox_close(mb);
	mb = NOT_WRITTEN;
	CHECK_RET(-EPERM, mbox_link(&mb, getppid(), 1, 0));
	CHECK_RET(NOT_WRITTEN, mb);
	return 0;
}

TEST_F(lib, stranger)
{
	if (geteuid())
		SKIP(return, "only root can become another user");
	EXPECT_EQ(0, in_child(as_stranger, self->name));
	EXPECT_NOTHING_CHANGED();
}

TEST_F(lib, link_refused)
{
	struct peer *peer = peer_start(_metadata, NULL);
	struct not_pidfd bad[5];
	int self_fd = pidfd_of(getpid());

	EXPECT_RET(-EFAULT, mbox_link(NULL, peer->pid, 1, 0));
	EXPECT_RET(-EFAULT, mbox_link_pidfd(NULL, peer->pidfd, 1, 0));
	EXPECT_RET(-EFAULT, mbox_inbox(NULL));
	EXPECT_RET(-EINVAL, mbox_link(&self->other, getpid(), 1, 0));
	EXPECT_RET(-EINVAL, mbox_link_pidfd(&self->other, self_fd, 1, 0));
	EXPECT_RET(-ESRCH, mbox_link(&self->other, -1, 1, 0));
	EXPECT_RET(-ESRCH, mbox_link(&self->other, INT_MAX, 1, 0));
	EXPECT_RET(-EINVAL, mbox_link(&self->other, peer->pid, MBOX_CAPACITY_MAX + 1, 0));
	EXPECT_RET(-EINVAL, mbox_link(&self->other, peer->pid, 1, UINT32_MAX));
	not_pidfds(bad);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_RET(bad[i].expected, mbox_link_pidfd(&self->other, bad[i].fd, 1, 0));
		close(bad[i].fd);
	}
	EXPECT_NOTHING_CHANGED();
	peer_end(_metadata, peer);
	peer_reap(_metadata, peer);
	close(self_fd);
}

/* Answers each message in its inbox, from any sender. */
static long answer(struct peer *peer)
{
	struct mbox *inbox, *link = NULL;
	struct mbox_header header;
	char text[16];
	long ret;

	ret = mbox_inbox(&inbox);
	if (ret)
		return ret;
	set_flag(&peer->go);
	ret = mbox_recv(inbox, text, sizeof(text), NULL, &header);
	mbox_close(inbox);
	if (ret < 0)
		return ret;
	ret = mbox_link(&link, header.pid, 1, 0);
	if (ret)
		return ret;
	ret = mbox_send(link, text, header.length, NULL);
	mbox_close(link);
	return ret;
}

TEST_F(lib, links)
{
	struct peer *peer = peer_start(_metadata, answer);
	struct mbox *inbox = NOT_WRITTEN, *again = NOT_WRITTEN;
	struct mbox_info info;
	char text[16];

	EXPECT_RET(0, mbox_link_pidfd(&self->other, peer->pidfd, 3, 100));
	ASSERT_EQ(0, mbox_get(self->other, &info));
	EXPECT_EQ(MBOX_KIND_LINK, info.kind);
	EXPECT_EQ(peer->pid, info.peer);
	EXPECT_EQ(RIGHTS_BOTH, info.rights);
	EXPECT_EQ(3, info.capacity);
	EXPECT_EQ(100, info.msg_size);
	EXPECT_EQ(FD_CLOEXEC, fcntl(mbox_fd(self->other), F_GETFD));
	EXPECT_EQ(0, fcntl(mbox_fd(self->other), F_GETFL) & O_NONBLOCK);
	EXPECT_RET(-EOPNOTSUPP, mbox_handover(self->other, peer->pid, 0));
	EXPECT_RET(0, mbox_send_string(self->other, "question"));
	EXPECT_RET(8, mbox_recv_string(self->other, text, sizeof(text)));
	EXPECT_STREQ("question", text);
	ASSERT_TRUE(await_flag(&peer->ready));
	EXPECT_EQ(0, peer->result);
	/* there is one link, by number too, for as long as anybody has it open */
	EXPECT_RET(0, mbox_link(&again, peer->pid, 5, 200));
	EXPECT_EQ(3, info_of(mbox_fd(again)).capacity);
	mbox_close(self->other);
	mbox_close(again);
	EXPECT_RET(0, mbox_link(&self->other, peer->pid, 5, 200));
	EXPECT_EQ(5, info_of(mbox_fd(self->other)).capacity);
	EXPECT_RET(0, mbox_inbox(&inbox));
	EXPECT_EQ(MBOX_KIND_INBOX, info_of(mbox_fd(inbox)).kind);
	EXPECT_EQ(MBOX_RIGHT_RECV, info_of(mbox_fd(inbox)).rights);
	EXPECT_RET(-EAGAIN, mbox_recv_timeout(inbox, text, sizeof(text), 0));
	EXPECT_RET(-EBADF, mbox_send_string(inbox, "text"));
	EXPECT_RET(-EOPNOTSUPP, mbox_handover(inbox, peer->pid, 0));
	peer_end(_metadata, peer);
	EXPECT_RET(-EOWNERDEAD, mbox_recv(self->other, text, sizeof(text), NULL, NULL));
	EXPECT_RET(-EOWNERDEAD, mbox_send_string(self->other, "text"));
	peer_reap(_metadata, peer);
	mbox_close(inbox);
	mbox_close(self->other);
}

/*
 * Without /proc, or with that of another pid namespace, a pidfd does not tell the pid that the
 * kernel needs.
 */
static int without_proc(void *arg)
{
	struct mbox *mb = arg, *link = NOT_WRITTEN;
	int fd = pidfd_of(getpid());

	CHECK_RET(0, unshare(CLONE_NEWNS));
	CHECK_RET(0, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	CHECK_RET(0, mount("none", "/proc", "tmpfs", 0, NULL));
	CHECK_RET(-ENOSYS, mbox_handover_pidfd(mb, fd, 0));
	CHECK_RET(-ENOSYS, mbox_link_pidfd(&link, fd, 1, 0));
	CHECK_RET(NOT_WRITTEN, link);
	return 0;
}

static int in_namespace(void *arg)
{
	struct mbox *mb = arg;
	int fd = pidfd_of(getpid());

	CHECK_RET(1, getpid());
	CHECK_RET(-ENOSYS, mbox_handover_pidfd(mb, fd, 0));
	CHECK_RET(0, unshare(CLONE_NEWNS));
	CHECK_RET(0, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	CHECK_RET(0, mount("proc", "/proc", "proc", 0, NULL));
	CHECK_RET(0, mbox_handover_pidfd(mb, fd, 0));
	CHECK_RET(1, info_of(mbox_fd(mb)).owner);
	CHECK_RET(0, mbox_handover(mb, 0, 0));
	return 0;
}

static int make_namespace(void *arg)
{
	CHECK_RET(0, unshare(CLONE_NEWPID));
	return in_child(in_namespace, arg);
}

TEST_F(lib, other_proc)
{
	if (geteuid())
		SKIP(return, "only root can mount");
	EXPECT_EQ(0, in_child(without_proc, self->mb));
	EXPECT_NOTHING_CHANGED();
	EXPECT_EQ(0, in_child(make_namespace, self->mb));
	EXPECT_RET(0, mbox_delete(self->name, MBOX_DELETE_EMPTY, NULL));
}

MBOX_TEST_MAIN
