// SPDX-License-Identifier: GPL-2.0-only
/* Operations: network namespaces, and the tables that each has. */
#include "fail_nth/fail_nth.h"

#include <sched.h>

/*
 * The module's part of a network namespace is made among those of all other modules, which have
 * errors of their own.
 */
static long call_netns(struct scene *s)
{
	return unshare(CLONE_NEWNET) < 0 ? -errno : 0;
}

/*
 * More names than their table has room for. A worker of the kernel would enlarge the table in time;
 * if it gets no processor, as under a real-time process, the creation does. Each time in a new
 * namespace, because that has a new table.
 */
#define TABLE_ROOM	64	/* at first, see rhashtable_init() */

static void name_number(char name[MBOX_NAME_SIZE], unsigned int n)
{
	memset(name, 0, MBOX_NAME_SIZE);
	snprintf(name, MBOX_NAME_SIZE, "crowd-%u", n);
}

static void enter_crowd(struct scene *s)
{
	struct sched_param param = { .sched_priority = 1 };
	cpu_set_t set;
	int fd;
	SCENE(s);

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	s->factory = factory_open();
	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(set), &set));
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_FIFO, &param));
	s->args.open = open_arg(NULL, 1);
	for (unsigned int n = 0; n <= TABLE_ROOM; n++) {
		name_number(s->args.open.name, n);
		fd = xioctl(s->factory, MBOX_IOC_CREATE, &s->args.open);
		ASSERT_LE(0, fd);
	}
	name_number(s->args.open.name, TABLE_ROOM + 1);
}

static void leave_crowd(struct scene *s, long ret)
{
	struct sched_param param = {};
	char name[MBOX_NAME_SIZE];
	int fd;
	SCENE(s);

	if (ret < 0) {
		name_number(name, TABLE_ROOM + 1);
		EXPECT_EQ(-ENOENT, open_name(name, 0));
		EXPECT_LE(0, call_open(s));
	}
	sched_setscheduler(0, SCHED_OTHER, &param);
	for (unsigned int n = 0; n <= TABLE_ROOM + 1; n++) {
		name_number(name, n);
		fd = open_name(name, RIGHTS_BOTH);
		EXPECT_LE(0, fd);
		close(fd);
	}
}

/* The first mailbox of a namespace needs memory for the list, which later ones find. */
static void enter_empty(struct scene *s)
{
	SCENE(s);

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	s->factory = factory_open();
	s->args.open = open_arg(NULL, 1);
	name_number(s->args.open.name, 0);
}

static void leave_empty(struct scene *s, long ret)
{
	SCENE(s);

	if (ret < 0) {
		EXPECT_EQ(-ENOENT, open_name(s->args.open.name, 0));
		ret = call_open(s);
	}
	EXPECT_LE(0, ret);
	close(ret);
	EXPECT_EQ(-ENOENT, open_name(s->args.open.name, 0));
}

const struct op netns_ops[] = {
	{
		.name = "netns",
		.capacity = 4, .as_root = true, .in_child = true, .any_error = true,
		.call = call_netns,
	},

	/* With pages, there are so many chances to fail that the module's would seldom have its turn. */
	{
		.name = "netns_objects",
		.capacity = 4, .as_root = true, .in_child = true, .any_error = true, .no_pages = true,
		.call = call_netns,
	},

	{
		.name = "create_rehash",
		.capacity = 4, .as_root = true, .in_child = true, .errors = OPEN_ERRORS,
		.enter = enter_crowd, .call = call_open, .cmd = MBOX_IOC_CREATE, .leave = leave_crowd,
	},

	{
		.name = "create_first",
		.capacity = 4, .as_root = true, .in_child = true, .errors = OPEN_ERRORS,
		.enter = enter_empty, .call = call_open, .cmd = MBOX_IOC_CREATE, .leave = leave_empty,
	},

	{}
};
