// SPDX-License-Identifier: GPL-2.0-only
/* Operations: opening and creating. */
#include "fail_nth/fail_nth.h"

static long call_factory(struct scene *s)
{
	return factory_open();
}

void opened(struct scene *s, long ret)
{
	SCENE(s);

	ASSERT_LE(0, ret);
	close(ret);
}

void prepare_create(struct scene *s)
{
	s->args.open = open_arg(NULL, 4);
	s->args.open.flags = s->op->flags;
	if (!s->name[0])
		return;
	/* a name that nobody has yet */
	name_make(s->name);
	name_copy(s->args.open.name, s->name);
}

static void prepare_create_anonymous(struct scene *s)
{
	s->name[0] = '\0';
	prepare_create(s);
}

/* One without a name, that its id opens. */
static void prepare_create_by_id(struct scene *s)
{
	prepare_create_anonymous(s);
	s->args.open.flags |= MBOX_OPEN_BY_ID;
}

long call_open(struct scene *s)
{
	return make_ioctl(s, s->factory, s->op->cmd, &s->args.open);
}

void not_created(struct scene *s)
{
	SCENE(s);

	if (s->name[0])
		EXPECT_EQ(-ENOENT, open_name(s->name, 0));
}

static void created(struct scene *s, long ret)
{
	char text[] = "text";
	SCENE(s);

	ASSERT_LE(0, ret);
	EXPECT_EQ(0, put(ret, 0, text));
	EXPECT_STREQ(text, take(ret));
	EXPECT_EQ(1, info_of(ret).handles);
	close(ret);
	not_created(s);
}

static char label[] = "fail nth\xff";

static void prepare_create_label(struct scene *s)
{
	s->name[0] = '\0';
	prepare_create(s);
	s->args.open.space = MBOX_SPACE_SYSV;
	s->args.open.label = address_of(label);
	s->args.open.label_size = strlen(label);
}

static void prepare_create_track(struct scene *s)
{
	prepare_create(s);
	s->args.open.options = MBOX_OPTION_TRACK;
}

static void not_labelled(struct scene *s)
{
	struct mbox_ioc_open arg = {
		.space = MBOX_SPACE_SYSV, .label = address_of(label), .label_size = strlen(label),
	};
	SCENE(s);

	EXPECT_EQ(-ENOENT, open_call(MBOX_IOC_OPEN, &arg));
}

static void created_label(struct scene *s, long ret)
{
	SCENE(s);

	ASSERT_LE(0, ret);
	EXPECT_STREQ(label, info_of(ret).label);
	close(ret);
	not_labelled(s);
}

/* The table of descriptors has to grow, and a process cannot make it smaller again. */
void fill_fd_table(struct scene *s)
{
	int fd;

	do
		fd = fcntl(0, F_DUPFD, 0);
	while (fd >= 0 && fd < 63);
}

void prepare_open(struct scene *s)
{
	s->args.open.rights = RIGHTS_BOTH;
	if (s->op->flags & MBOX_OPEN_CREATE)
		s->args.open = open_arg(NULL, 1);
	s->args.open.flags = s->op->flags;
	name_copy(s->args.open.name, s->name);
}

static void prepare_open_id(struct scene *s)
{
	s->args.open.rights = RIGHTS_BOTH;
	s->args.open.flags = MBOX_OPEN_BY_ID;
	s->args.open.id = info_of(s->observer).id;
}

void opened_same(struct scene *s, long ret)
{
	SCENE(s);

	ASSERT_LE(0, ret);
	EXPECT_EQ(s->info.id, info_of(ret).id);
	EXPECT_EQ(s->info.handles + 1, info_of(ret).handles);
	close(ret);
	EXPECT_UNCHANGED(s->observer, &s->info);
}

const struct op open_ops[] = {
	{
		.name = "factory",
		.bare = true, .errors = OPEN_ERRORS, .call = call_factory, .done = opened,
	},

	{
		.name = "create_named",
		.bare = true, .errors = OPEN_ERRORS, .prepare = prepare_create,
		.call = call_open, .cmd = MBOX_IOC_CREATE, .failed = not_created, .done = created,
	},

	{
		.name = "create_anonymous",
		.bare = true, .errors = OPEN_ERRORS, .prepare = prepare_create_anonymous,
		.call = call_open, .cmd = MBOX_IOC_CREATE, .failed = not_created, .done = created,
	},

	{
		.name = "create_by_id",
		.bare = true, .errors = OPEN_ERRORS, .prepare = prepare_create_by_id,
		.call = call_open, .cmd = MBOX_IOC_CREATE, .failed = not_created, .done = created,
	},

	{
		.name = "create_label",
		.bare = true, .errors = OPEN_ERRORS, .prepare = prepare_create_label,
		.call = call_open, .cmd = MBOX_IOC_CREATE, .failed = not_labelled,
		.done = created_label,
	},

	{
		.name = "create_track",
		.bare = true, .errors = OPEN_ERRORS, .prepare = prepare_create_track,
		.call = call_open, .cmd = MBOX_IOC_CREATE, .failed = not_created, .done = created,
	},

	{
		.name = "open_or_create",
		.bare = true, .errors = OPEN_ERRORS, .prepare = prepare_create,
		.call = call_open, .cmd = MBOX_IOC_OPEN, .flags = MBOX_OPEN_CREATE,
		.failed = not_created, .done = created,
	},

	{
		.name = "create_crowded",
		.bare = true, .in_child = true, .errors = OPEN_ERRORS, .prepare = prepare_create,
		.enter = fill_fd_table, .call = call_open, .cmd = MBOX_IOC_CREATE,
		.failed = not_created,
	},

	{
		.name = "open",
		.errors = OPEN_ERRORS, .prepare = prepare_open,
		.call = call_open, .cmd = MBOX_IOC_OPEN, .done = opened_same,
	},

	{
		.name = "open_by_id",
		.errors = OPEN_ERRORS, .prepare = prepare_open_id,
		.call = call_open, .cmd = MBOX_IOC_OPEN, .done = opened_same,
	},

	/* By a user that is new to the module. */
	{
		.name = "open_others",
		.bare = true, .errors = OPEN_ERRORS, .prepare = prepare_open,
		.call = call_open, .cmd = MBOX_IOC_OPEN, .done = opened_same,
	},

	{
		.name = "open_not_create",
		.errors = OPEN_ERRORS, .prepare = prepare_open,
		.call = call_open, .cmd = MBOX_IOC_OPEN, .flags = MBOX_OPEN_CREATE, .done = opened_same,
	},

	{
		.name = "create_taken",
		.errors = { ENOMEM, EFAULT, ENFILE, EMFILE }, .prepare = prepare_open, .result = -EEXIST,
		.call = call_open, .cmd = MBOX_IOC_OPEN, .flags = MBOX_OPEN_CREATE | MBOX_OPEN_EXCL,
	},

	LAZY(create, .bare = true, .errors = OPEN_ERRORS, .prepare = prepare_create,
	     .call = call_open, .cmd = MBOX_IOC_CREATE, .failed = not_created, .done = created),

	LAZY(open, .capacity = 4, .errors = OPEN_ERRORS, .prepare = prepare_open,
	     .call = call_open, .cmd = MBOX_IOC_OPEN, .done = opened_same),

	{}
};
