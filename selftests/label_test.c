// SPDX-License-Identifier: GPL-2.0-only
/* Labels: the opaque names of front ends, each in the space of one interface. */
#include "lib/child.h"
#include "lib/netlink.h"

/* A label that no other test has: of @size bytes, among them all that are allowed. */
static void label_make(char label[MBOX_LABEL_SIZE], size_t size)
{
	char unique[MBOX_NAME_SIZE];
	size_t length;

	name_make(unique);
	length = strlen(unique);
	memset(label, 0, MBOX_LABEL_SIZE);
	for (size_t i = 0; i < size; i++) {
		label[i] = i < length ? unique[i] : (char)(i - length + 1);
		if (label[i] == '/' || !label[i])
			label[i] = (char)0xff;
	}
}

static struct mbox_ioc_open label_arg(uint32_t space, const char *label)
{
	struct mbox_ioc_open arg = open_arg(NULL, 4);

	arg.space = space;
	arg.label = address_of(label);
	arg.label_size = strlen(label);
	if (!arg.label_size)
		arg.label = 0;
	return arg;
}

static int label_create(uint32_t space, const char *label)
{
	struct mbox_ioc_open arg = label_arg(space, label);

	return open_call(MBOX_IOC_CREATE, &arg);
}

static int label_open(uint32_t space, const char *label)
{
	struct mbox_ioc_open arg = {
		.rights = RIGHTS_BOTH, .space = space, .label = address_of(label),
		.label_size = strlen(label),
	};

	return open_call(MBOX_IOC_OPEN, &arg);
}

FIXTURE(label)
{
	char label[MBOX_LABEL_SIZE];
	int fd;
};

FIXTURE_SETUP(label)
{
	label_make(self->label, MBOX_LABEL_MAX);
	self->fd = label_create(MBOX_SPACE_MQ, self->label);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(label)
{
	close(self->fd);
}

TEST_F(label, is_reported)
{
	struct mbox_info info = info_of(self->fd);

	EXPECT_EQ(MBOX_SPACE_MQ, info.space);
	EXPECT_EQ(0, info.pad);
	EXPECT_EQ(0, memcmp(self->label, info.label, MBOX_LABEL_SIZE));
	EXPECT_STREQ("", info.name);
}

TEST_F(label, opens_the_mailbox)
{
	int fd = label_open(MBOX_SPACE_MQ, self->label);

	ASSERT_LE(0, fd);
	EXPECT_EQ(info_of(self->fd).id, info_of(fd).id);
	EXPECT_EQ(0, put(self->fd, 0, "text"));
	EXPECT_STREQ("text", take(fd));
	close(fd);
}

TEST_F(label, is_taken)
{
	struct mbox_ioc_open arg = label_arg(MBOX_SPACE_MQ, self->label);
	int fd;

	EXPECT_EQ(-EEXIST, label_create(MBOX_SPACE_MQ, self->label));
	arg.flags = MBOX_OPEN_CREATE | MBOX_OPEN_EXCL;
	EXPECT_EQ(-EEXIST, open_call(MBOX_IOC_OPEN, &arg));
	arg.flags = MBOX_OPEN_CREATE;
	fd = open_call(MBOX_IOC_OPEN, &arg);
	EXPECT_EQ(info_of(self->fd).id, info_of(fd).id);
	close(fd);
}

TEST_F(label, of_each_length)
{
	char label[MBOX_LABEL_SIZE];

	for (size_t size = MBOX_LABEL_MAX; size > 16; size -= 7) {
		label_make(label, size);
		EXPECT_EQ(-ENOENT, label_open(MBOX_SPACE_MQ, label));
		close(self->fd);
		self->fd = label_create(MBOX_SPACE_MQ, label);
		ASSERT_LE(0, self->fd);
		EXPECT_STREQ(label, info_of(self->fd).label);
	}
	/* one byte less, or another one, is another label */
	label[16] = '\0';
	EXPECT_EQ(-ENOENT, label_open(MBOX_SPACE_MQ, label));
}

TEST_F(label, of_another_space)
{
	int fd;

	EXPECT_EQ(-ENOENT, label_open(MBOX_SPACE_SYSV, self->label));
	fd = label_create(MBOX_SPACE_SYSV, self->label);
	ASSERT_LE(0, fd);
	EXPECT_NE(info_of(self->fd).id, info_of(fd).id);
	close(fd);
	EXPECT_EQ(-ENOENT, label_open(MBOX_SPACE_SYSV, self->label));
}

/* The same text as a name and as a label. */
TEST_F(label, is_no_name)
{
	char name[MBOX_NAME_SIZE];
	int named, labelled;

	name_make(name);
	labelled = label_create(MBOX_SPACE_MQ, name);
	ASSERT_LE(0, labelled);
	EXPECT_EQ(-ENOENT, open_name(name, MBOX_RIGHT_RECV));
	EXPECT_EQ(-ENOENT, delete_name(name, MBOX_DELETE_FORCE));
	named = box_new_named(_metadata, 4, name);
	EXPECT_EQ(-ENOENT, label_open(MBOX_SPACE_SYSV, name));
	EXPECT_NE(info_of(named).id, info_of(labelled).id);
	close(named);
	close(labelled);
}

TEST_F(label, goes_with_unlink)
{
	int fd;

	EXPECT_EQ(0, delete_fd(self->fd, MBOX_DELETE_UNLINK));
	EXPECT_EQ(-ENOENT, label_open(MBOX_SPACE_MQ, self->label));
	EXPECT_EQ(0, memcmp(self->label, info_of(self->fd).label, MBOX_LABEL_SIZE));
	EXPECT_EQ(0, put(self->fd, 0, "still"));
	fd = label_create(MBOX_SPACE_MQ, self->label);
	ASSERT_LE(0, fd);
	EXPECT_STREQ("EAGAIN", take(fd));
	EXPECT_STREQ("still", take(self->fd));
	close(fd);
}

/* A mailbox of lifetime OS lasts, and is deleted by a handle without rights. */
TEST_F(label, lasts)
{
	struct mbox_ioc_open arg;
	uint64_t id;
	int fd;

	label_make(self->label, 100);
	arg = label_arg(MBOX_SPACE_SYSV, self->label);
	arg.lifetime = MBOX_LIFETIME_OS;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	id = info_of(fd).id;
	close(fd);
	fd = label_open(MBOX_SPACE_SYSV, self->label);
	ASSERT_LE(0, fd);
	EXPECT_EQ(id, info_of(fd).id);
	close(fd);
	arg = (struct mbox_ioc_open) {
		.space = MBOX_SPACE_SYSV, .label = address_of(self->label),
		.label_size = strlen(self->label),
	};
	fd = open_call(MBOX_IOC_OPEN, &arg);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, delete_fd(fd, MBOX_DELETE_FORCE));
	close(fd);
	EXPECT_EQ(-ENOENT, label_open(MBOX_SPACE_SYSV, self->label));
}

TEST_F(label, of_an_anonymous_one)
{
	struct mbox_info info;

	close(self->fd);
	self->fd = label_create(MBOX_SPACE_SYSV, "");
	ASSERT_LE(0, self->fd);
	info = info_of(self->fd);
	EXPECT_EQ(MBOX_SPACE_SYSV, info.space);
	EXPECT_STREQ("", info.label);
	EXPECT_EQ(-EINVAL, label_open(MBOX_SPACE_SYSV, ""));
}

/* Without a name, and with one right only: the calls find no end, as in the interface served. */
TEST_F(label, waits_though_nobody_is_left)
{
	struct mbox_ioc_shutdown shut = { .how = MBOX_RIGHT_RECV };
	char data[8];

	ASSERT_EQ(0, delete_fd(self->fd, MBOX_DELETE_UNLINK));
	ASSERT_EQ(0, xioctl(self->fd, MBOX_IOC_SHUTDOWN, &shut));
	EXPECT_EQ(0, put(self->fd, 0, "for nobody"));
	EXPECT_EQ(1, info_of(self->fd).queued);
	close(self->fd);

	self->fd = label_create(MBOX_SPACE_MQ, self->label);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, delete_fd(self->fd, MBOX_DELETE_UNLINK));
	shut.how = MBOX_RIGHT_SEND;
	ASSERT_EQ(0, xioctl(self->fd, MBOX_IOC_SHUTDOWN, &shut));
	EXPECT_STREQ("EAGAIN", take(self->fd));
	EXPECT_EQ(-EAGAIN, recv_bytes(self->fd, MBOX_RECV_NONBLOCK, data, sizeof(data), NULL));
	EXPECT_EQ(POLLERR, poll_for(self->fd, POLLIN)); /* it gave up a right, and no POLLHUP */
}

TEST_F(label, with_an_invalid_field)
{
	struct mbox_ioc_open good = label_arg(MBOX_SPACE_SYSV, "valid"), bad[7];
	char text[MBOX_LABEL_SIZE + 1];

	memset(text, 'x', sizeof(text));
	for (int i = 0; i < 7; i++)
		bad[i] = good;
	bad[0].space = MBOX_SPACE_NONE;
	bad[1].space = MBOX_SPACE_MAX + 1;
	strcpy(bad[2].name, "name");
	bad[3].label = address_of(text);
	bad[3].label_size = MBOX_LABEL_SIZE;
	bad[4].label = address_of("a/b");
	bad[4].label_size = 3;
	bad[5].label_size = 6; /* its NUL, too */
	bad[6].label_size = UINT32_MAX;
	for (int i = 0; i < 7; i++) {
		EXPECT_EQ(-EINVAL, open_call(MBOX_IOC_CREATE, &bad[i])) TH_LOG("field %d", i);
		bad[i].flags = MBOX_OPEN_CREATE;
		EXPECT_EQ(-EINVAL, open_call(MBOX_IOC_OPEN, &bad[i])) TH_LOG("field %d", i);
	}
	good.label = 8;
	EXPECT_EQ(-EFAULT, open_call(MBOX_IOC_CREATE, &good));
	EXPECT_EQ(-ENOENT, label_open(MBOX_SPACE_SYSV, "valid"));
}

static int create_and_end(void *arg)
{
	CHECK(1, open_call(MBOX_IOC_CREATE, arg) >= 0);
	return 0;
}

/* The owner, a process, has ended: the label is free at once. */
TEST_F(label, of_a_dead_owner)
{
	struct mbox_ioc_open arg = label_arg(MBOX_SPACE_SYSV, self->label);
	int fd;

	arg.lifetime = MBOX_LIFETIME_PROCESS;
	EXPECT_EQ(0, in_child(create_and_end, &arg));
	EXPECT_EQ(-ENOENT, label_open(MBOX_SPACE_SYSV, self->label));
	fd = label_create(MBOX_SPACE_SYSV, self->label);
	ASSERT_LE(0, fd);
	close(fd);
}

/* Of a reply over netlink. Without the attributes: UINT32_MAX, -1. */
struct seen {
	uint32_t space;
	int size;
	char label[MBOX_LABEL_SIZE];
};

static void see(const struct nl_reply *reply, void *data)
{
	const struct nlattr *label = reply->attrs[MBOX_A_MAILBOX_LABEL];
	struct seen *seen = data;

	seen->space = nl_u32(reply, MBOX_A_MAILBOX_SPACE);
	seen->size = label ? label->nla_len - NLA_HDRLEN : -1;
	if (label)
		memcpy(seen->label, label + 1, seen->size);
}

static int nl_get(struct nl *nl, uint64_t id, struct seen *seen)
{
	struct nl_request request;

	nl_begin(&request, nl->family, MBOX_CMD_MAILBOX_GET, 0);
	nl_put_u64(&request, MBOX_A_MAILBOX_ID, id);
	memset(seen, 0, sizeof(*seen));
	return nl_talk(nl, &request, see, seen);
}

TEST_F(label, over_netlink)
{
	int fd = box_new(_metadata, 4);
	struct seen seen;
	struct nl nl;

	ASSERT_EQ(0, nl_open(&nl));
	ASSERT_EQ(0, nl_get(&nl, info_of(self->fd).id, &seen));
	EXPECT_EQ(MBOX_SPACE_MQ, seen.space);
	EXPECT_EQ(MBOX_LABEL_MAX, seen.size);
	EXPECT_STREQ(self->label, seen.label);
	ASSERT_EQ(0, nl_get(&nl, info_of(fd).id, &seen));
	EXPECT_EQ(UINT32_MAX, seen.space);
	EXPECT_EQ(-1, seen.size);
	close(nl.fd);
	close(fd);
}

/* Print what mboxctl lists under @pattern. */
static const char *listed(const char *pattern)
{
	static char line[2048];
	char command[256];
	FILE *out;

	snprintf(command, sizeof(command),
		 "PATH=$PATH:/usr/sbin:/sbin mboxctl list noheader columns=name 'name=%s'", pattern);
	out = popen(command, "r");
	if (!out || !fgets(line, sizeof(line), out))
		strcpy(line, "none\n");
	if (out)
		pclose(out);
	line[strcspn(line, "\n")] = '\0';
	return line;
}

TEST_F(label, in_a_list)
{
	char name[MBOX_NAME_SIZE], pattern[128], label[MBOX_LABEL_SIZE], expected[128];
	int fd;

	if (system("PATH=$PATH:/usr/sbin:/sbin mboxctl --version >/dev/null 2>&1"))
		SKIP(return, "mboxctl is not there");
	name_make(name);
	snprintf(label, sizeof(label), "%s a\033[1m\\", name);
	fd = label_create(MBOX_SPACE_MQ, label);
	ASSERT_LE(0, fd);
	snprintf(pattern, sizeof(pattern), "mq:/%s*", name);
	snprintf(expected, sizeof(expected), "mq:/%s\\x20a\\x1b\\x5b1m\\x5c", name);
	EXPECT_STREQ(expected, listed(pattern));
	close(fd);
	fd = label_create(MBOX_SPACE_SYSV, name);
	snprintf(pattern, sizeof(pattern), "sysv:%s", name);
	EXPECT_STREQ(pattern, listed(pattern));
	close(fd);
}

MBOX_TEST_MAIN
