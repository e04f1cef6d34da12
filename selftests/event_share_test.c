// SPDX-License-Identifier: GPL-2.0-only
/* Events of several users, and for many listeners: none takes the events or the share of another. */
#include "lib/netlink.h"
#include "lib/user.h"

#include <sched.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#define BOXES		20
#define ROOM		(8 << 20)

struct shared {
	int listening, end, ret;
	uid_t busy, quiet;
	char names[BOXES][MBOX_NAME_SIZE];
};

/* The kind of the next event, and the name in it; NOTHING: none came within @patience ms. */
#define NOTHING	UINT32_MAX

static uint32_t hear(struct nl *nl, char name[MBOX_NAME_SIZE], int patience)
{
	struct nl_reply reply;

	if (!nl_hear(nl, &reply, patience))
		return NOTHING;
	snprintf(name, MBOX_NAME_SIZE, "%s", nl_string(&reply, MBOX_A_NOTICE_NAME));
	return nl_u32(&reply, MBOX_A_NOTICE_EVENT);
}

static int listen_new(struct nl *nl)
{
	int size = ROOM;
	int ret = nl_open(nl) ?: nl_listen(nl);

	setsockopt(nl->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return ret;
}

static int create(const char *name, uint32_t mode)
{
	struct mbox_ioc_open arg = open_arg(name, 1);

	arg.mode = mode;
	return open_call(MBOX_IOC_CREATE, &arg);
}

/* Create and delete as fast as it goes. */
static int be_busy(void *arg)
{
	struct shared *shared = arg;

	if (become(shared->busy, shared->busy))
		return -EPROTO;
	while (!__atomic_load_n(&shared->end, __ATOMIC_RELAXED)) {
		int fd = create(NULL, 0600);

		if (fd < 0)
			return fd;
		close(fd);
	}
	return 0;
}

static int be_quiet(void *arg)
{
	struct shared *shared = arg;

	if (become(shared->quiet, shared->quiet))
		return -EPROTO;
	for (int i = 0; i < BOXES; i++) {
		name_make(shared->names[i]);
		if (create(shared->names[i], 0600) < 0)
			return -EPROTO;
		usleep(50000);
	}
	return 0;
}

/* In a namespace of its own: how many of the quiet user's mailboxes are heard of as they come. */
static int listen_to_both(void *arg)
{
	struct shared *shared = arg;
	char name[MBOX_NAME_SIZE];
	uint32_t kind;
	int heard = 0, overruns = 0, ret;
	struct nl nl;
	pid_t pid;

	if (unshare(CLONE_NEWNET) || listen_new(&nl))
		return -EIO;
	pid = fork_child();
	if (!pid)
		_exit(-be_busy(shared));
	/* by now the share of all is used up, in this second and in each */
	sleep(1);
	ret = in_child(be_quiet, shared);
	set_flag(&shared->end);
	if (reap(pid) || ret)
		return ret ?: -ECHILD;
	while ((kind = hear(&nl, name, 2500)) != NOTHING) {
		overruns += kind == MBOX_EVENT_OVERRUN;
		for (int i = 0; kind == MBOX_EVENT_CREATED && i < BOXES; i++)
			heard += !strcmp(name, shared->names[i]);
	}
	close(nl.fd);
	return overruns ? heard : -ENOMSG;
}

TEST(a_busy_user_does_not_hide_another)
{
	struct shared *shared = shared_alloc(sizeof(*shared));
	int ret;

	if (geteuid())
		SKIP(return, "only root can make network namespaces");
	shared->busy = spare_uid(0);
	shared->quiet = spare_uid(1);
	ret = in_child(listen_to_both, shared);
	if (ret == -ENOMSG)
		SKIP(return, "the machine is too slow for more events than are told");
	EXPECT_EQ(BOXES, ret);
}

/*
 * Sockets of several users and of one, opened in turns: each gets the events that its opener may
 * see, whatever was found out about the socket before it.
 */
#define SOCKETS	40

struct many {
	uid_t uid;
	gid_t gid;
	struct nl nls[SOCKETS][3];
};

static int open_as(struct nl *nl, uid_t uid, gid_t gid)
{
	int ret;

	if (setresgid(-1, gid, -1) || setresuid(-1, uid, -1))
		return -EPERM;
	ret = nl_open(nl) ?: nl_listen(nl);
	if (setresuid(-1, 0, -1) || setresgid(-1, 0, -1))
		return -EPERM;
	return ret;
}

static int heard_of(struct nl *nl, const char *wanted)
{
	char name[MBOX_NAME_SIZE];
	uint32_t kind;

	while ((kind = hear(nl, name, 0)) != NOTHING)
		if (kind == MBOX_EVENT_CREATED && !strcmp(name, wanted))
			return 1;
	return 0;
}

static int listen_as_many(void *arg)
{
	/* of the owner, of the group, and of neither */
	static const struct { uint32_t mode; int heard[3]; } cases[] = {
		{ 0600, { 1, 0, 0 } }, { 0660, { 1, 1, 0 } }, { 0602, { 1, 0, 1 } },
		{ 0666, { 1, 1, 1 } },
	};
	struct many *many = arg;
	char name[MBOX_NAME_SIZE], heard[MBOX_NAME_SIZE];
	struct nl root;
	uint32_t kind;

	if (unshare(CLONE_NEWNET) || listen_new(&root))
		return -EIO;
	for (int i = 0; i < SOCKETS; i++) {
		if (open_as(&many->nls[i][0], many->uid, many->gid) ||
		    open_as(&many->nls[i][1], many->uid + 1, many->gid) ||
		    open_as(&many->nls[i][2], many->uid + 2, many->gid + 1))
			return -EPERM;
	}
	for (int c = 0; c < 4; c++) {
		int fd;

		name_make(name);
		if (setresgid(-1, many->gid, -1) || setresuid(-1, many->uid, -1))
			return -EPERM;
		fd = create(name, cases[c].mode);
		if (setresuid(-1, 0, -1) || setresgid(-1, 0, -1) || fd < 0)
			return -EPERM;
		/* all listeners are told of it before any is of its end */
		close(fd);
		do {
			kind = hear(&root, heard, PATIENCE * 1000);
			if (kind == NOTHING)
				return -ETIME;
		} while (kind != MBOX_EVENT_DELETED);
		for (int i = 0; i < SOCKETS; i++)
			for (int who = 0; who < 3; who++)
				if (heard_of(&many->nls[i][who], name) != cases[c].heard[who])
					return 1000 + 100 * c + 10 * who;
	}
	return 0;
}

TEST(each_listener_by_its_opener)
{
	struct many *many = shared_alloc(sizeof(*many));
	unsigned int major = 0, minor = 0;
	struct utsname uts;

	if (geteuid())
		SKIP(return, "only root can become somebody else");
	uname(&uts);
	sscanf(uts.release, "%u.%u", &major, &minor);
	if (major < 6 || (major == 6 && minor < 6))
		SKIP(return, "before Linux 6.6 listeners are not told apart");
	umask(0);
	many->uid = spare_uid(0);
	many->gid = many->uid;
	EXPECT_EQ(0, in_child(listen_as_many, many));
}

MBOX_TEST_MAIN
