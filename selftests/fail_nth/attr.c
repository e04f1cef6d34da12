// SPDX-License-Identifier: GPL-2.0-only
/* Operations: getting and setting attributes. */
#include "fail_nth/fail_nth.h"

static long call_get(struct scene *s)
{
	return make_ioctl(s, s->fd, MBOX_IOC_GET, &s->args.info);
}

static void got(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_EQ(0, memcmp(&s->info, &s->args.info, sizeof(s->info)));
	expect_queued(s, 1, op->queued);
}

static void prepare_set(struct scene *s)
{
	s->args.set.mask = MBOX_SET_MODE | MBOX_SET_CAPACITY | MBOX_SET_BYTES;
	s->args.set.mode = 0606;
	s->args.set.capacity = 3;
	s->args.set.bytes = 2 * HUGE;
}

static long call_set(struct scene *s)
{
	return make_ioctl(s, s->fd, MBOX_IOC_SET, &s->args.set);
}

/* The message of the partner was accepted. */
static void was_set(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_EQ(0606, info_of(s->observer).mode);
	EXPECT_EQ(3, info_of(s->observer).capacity);
	EXPECT_EQ(2 * HUGE, info_of(s->observer).bytes);
	EXPECT_EQ(0, call_end(s->partner));
	EXPECT_EQ(2, info_of(s->observer).queued);
	EXPECT_STREQ("EMSGSIZE", take(s->observer));
}

const struct op attr_ops[] = {
	{
		.name = "get",
		.capacity = 4, .queued = 2, .length = SMALL, .errors = { EFAULT },
		.call = call_get, .done = got,
	},

	{
		.name = "set",
		.capacity = 1, .queued = 1, .length = LARGE, .errors = { EFAULT }, .partner = SENDS,
		.prepare = prepare_set, .call = call_set, .done = was_set,
	},

	LAZY(get, .capacity = 4, .queued = 2, .length = SMALL, .errors = { EFAULT }, .call = call_get, .done = got),

	LAZY(set, .capacity = 1, .queued = 1, .length = LARGE, .errors = { EFAULT }, .partner = SENDS,
	     .prepare = prepare_set, .call = call_set, .done = was_set),

	{}
};
