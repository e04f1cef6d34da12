// SPDX-License-Identifier: GPL-2.0-only
/* Operations: deleting, by name or on a handle. */
#include "fail_nth/fail_nth.h"

static void prepare_delete(struct scene *s)
{
	memset(&s->args.delete, POISON, sizeof(s->args.delete));
	s->args.delete.flags = 0;
	s->args.delete.how = s->op->how;
	memset(s->args.delete.name, 0, MBOX_NAME_SIZE);
}

static void prepare_delete_named(struct scene *s)
{
	prepare_delete(s);
	name_copy(s->args.delete.name, s->name);
}

static long call_delete(struct scene *s)
{
	int fd = s->args.delete.name[0] ? s->factory : s->fd;

	return make_ioctl(s, fd, MBOX_IOC_DELETE, &s->args.delete);
}

static void deleted(struct scene *s, long ret)
{
	static const uint32_t states[] = {
		[MBOX_DELETE_EMPTY] = MBOX_STATE_DEAD,
		[MBOX_DELETE_DRAIN] = MBOX_STATE_DRAINING,
		[MBOX_DELETE_FORCE] = MBOX_STATE_DEAD,
		[MBOX_DELETE_UNLINK] = MBOX_STATE_UNLINKED,
	};
	uint32_t dropped;
	SCENE(s);

	dropped = op->how == MBOX_DELETE_FORCE ? op->queued : 0;
	/*
	 * The deletion is done, even if its results could not be written any more. Without memory
	 * for an event it is done as well, and they are.
	 */
	if (!s->survived || memcmp(&s->given.delete, &s->args.delete, sizeof(s->args.delete))) {
		EXPECT_EQ(op->queued, s->args.delete.queued);
		EXPECT_EQ(dropped, s->args.delete.dropped);
	}
	if (ret == -ENOTEMPTY) {
		EXPECT_UNCHANGED(s->observer, &s->info);
		return;
	}
	EXPECT_EQ(states[op->how], info_of(s->observer).state);
	EXPECT_EQ(dropped, info_of(s->observer).dropped);
	EXPECT_BALANCED(s->observer);
	/* one that drains keeps its name, to be received from */
	EXPECT_EQ(op->how == MBOX_DELETE_DRAIN ? -EIDRM : -ENOENT,
		  open_name(s->name, MBOX_RIGHT_SEND));
}

#define DELETE(variant, kind, messages) \
	{ \
		.name = "delete_" #variant, \
		.capacity = 4, .queued = messages, .length = LARGE, .errors = { EFAULT }, \
		.prepare = prepare_delete, .call = call_delete, .done = deleted, .how = kind, \
	}, \
	{ \
		.name = "delete_named_" #variant, \
		.capacity = 4, .queued = messages, .length = LARGE, .errors = { EFAULT }, \
		.prepare = prepare_delete_named, .call = call_delete, .done = deleted, .how = kind, \
	}

const struct op delete_ops[] = {
	DELETE(empty, MBOX_DELETE_EMPTY, 0),
	DELETE(drain, MBOX_DELETE_DRAIN, 2),
	DELETE(force, MBOX_DELETE_FORCE, 2),
	DELETE(unlink, MBOX_DELETE_UNLINK, 2),

	{
		.name = "delete_not_empty",
		.capacity = 4, .queued = 2, .length = SMALL, .errors = { EFAULT }, .result = -ENOTEMPTY,
		.prepare = prepare_delete, .call = call_delete, .done = deleted, .how = MBOX_DELETE_EMPTY,
	},

	LAZY(delete, .capacity = 4, .queued = 2, .length = LARGE, .errors = { EFAULT }, .prepare = prepare_delete,
	     .call = call_delete, .done = deleted, .how = MBOX_DELETE_FORCE),

	LAZY(delete_named, .capacity = 4, .queued = 2, .length = LARGE, .errors = { EFAULT }, .prepare = prepare_delete_named,
	     .call = call_delete, .done = deleted, .how = MBOX_DELETE_FORCE),

	{}
};
