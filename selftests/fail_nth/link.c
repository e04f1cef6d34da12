// SPDX-License-Identifier: GPL-2.0-only
/* Operations: links to the process that runs the tests. Neither it nor this one has an inbox before. */
#include "fail_nth/fail_nth.h"
#include "lib/module.h"

static void prepare_link(struct scene *s)
{
	s->args.link.pid = getppid();
	s->args.link.capacity = 4;
}

static long call_link(struct scene *s)
{
	return make_ioctl(s, s->factory, MBOX_IOC_LINK, &s->args.link);
}

static void nothing_known(struct scene *s)
{
}

static void linked(struct scene *s, long ret)
{
	SCENE(s);

	ASSERT_LE(0, ret);
	EXPECT_EQ(getppid(), info_of(ret).peer);
	EXPECT_EQ(MBOX_KIND_LINK, info_of(ret).kind);
	close(ret);
	/* no handle and no message needs the inboxes any more */
	EXPECT_EQ(s->pins, module_pins());
}

static void prepare_link_again(struct scene *s)
{
	SCENE(s);

	prepare_link(s);
	s->extra = open_call(MBOX_IOC_LINK, (void *)&s->args.link);
	ASSERT_LE(0, s->extra);
}

static long call_inbox(struct scene *s)
{
	return make_ioctl(s, s->factory, MBOX_IOC_INBOX, &s->args.inbox);
}

static void inbox_opened(struct scene *s, long ret)
{
	SCENE(s);

	ASSERT_LE(0, ret);
	EXPECT_EQ(MBOX_KIND_INBOX, info_of(ret).kind);
	close(ret);
	EXPECT_EQ(s->pins, module_pins());
}

const struct op link_ops[] = {
	{
		.name = "link",
		.bare = true, .as_root = true, .errors = OPEN_ERRORS, .prepare = prepare_link, .call = call_link,
		.failed = nothing_known, .done = linked,
	},

	{
		.name = "link_again",
		.bare = true, .as_root = true, .errors = OPEN_ERRORS, .prepare = prepare_link_again, .call = call_link,
		.failed = nothing_known, .done = linked,
	},

	{
		.name = "inbox",
		.bare = true, .errors = OPEN_ERRORS, .call = call_inbox,
		.failed = nothing_known, .done = inbox_opened,
	},

	/* The table of descriptors has to grow. */
	{
		.name = "link_crowded",
		.bare = true, .as_root = true, .in_child = true, .errors = OPEN_ERRORS, .prepare = prepare_link,
		.enter = fill_fd_table, .call = call_link, .failed = nothing_known,
	},

	{
		.name = "inbox_crowded",
		.bare = true, .in_child = true, .errors = OPEN_ERRORS,
		.enter = fill_fd_table, .call = call_inbox, .failed = nothing_known,
	},

	LAZY(link, .bare = true, .as_root = true, .errors = OPEN_ERRORS, .prepare = prepare_link,
	     .call = call_link, .failed = nothing_known, .done = linked),

	LAZY(inbox, .bare = true, .errors = OPEN_ERRORS,
	     .call = call_inbox, .failed = nothing_known, .done = inbox_opened),

	{}
};
