// SPDX-License-Identifier: GPL-2.0-only
/* Operations on rings. */
#include "fail_nth/fail_nth.h"

#include <linux/mbox_ring.h>

#define RING	65536U

static void ring_arg(struct mbox_ioc_open *open, const char *name, uint32_t rights)
{
	*open = open_arg(name, 0);
	open->rights = rights;
	open->ring = RING;
	open->options = MBOX_OPTION_GROW;
}

static void prepare_create_ring(struct scene *s)
{
	name_make(s->name);
	ring_arg(&s->args.open, s->name, RIGHTS_BOTH);
}

static void created_ring(struct scene *s, long ret)
{
	SCENE(s);

	ASSERT_LE(0, ret);
	EXPECT_EQ(MBOX_KIND_RING, info_of(ret).kind);
	close(ret);
	not_created(s);
}

/* The ring has a consumer already. */
static void prepare_open_ring(struct scene *s)
{
	SCENE(s);

	prepare_create_ring(s);
	s->args.open.rights = MBOX_RIGHT_RECV;
	s->extra = open_call(MBOX_IOC_CREATE, &s->args.open);
	ASSERT_LE(0, s->extra);
	memset(&s->args.open, 0, sizeof(s->args.open));
	s->args.open.rights = MBOX_RIGHT_SEND;
	name_copy(s->args.open.name, s->name);
}

static void side_free(struct scene *s)
{
	SCENE(s);

	EXPECT_EQ(1, info_of(s->extra).handles);
}

static void *mapped;

static void prepare_ring(struct scene *s)
{
	SCENE(s);

	prepare_create_ring(s);
	s->extra = open_call(MBOX_IOC_CREATE, &s->args.open);
	ASSERT_LE(0, s->extra);
}

/* Map each of the three parts; an error of any is that of the call, and then none is mapped. */
static long call_mmap(struct scene *s)
{
	static const struct { size_t size; off_t at; } parts[] = {
		{ 4096, MBOX_RING_PRODUCER_OFFSET }, { 4096, MBOX_RING_CONSUMER_OFFSET },
		{ RING, MBOX_RING_DATA_OFFSET },
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		mapped = mmap(NULL, parts[i].size, PROT_READ | PROT_WRITE, MAP_SHARED, s->extra, parts[i].at);
		if (mapped == MAP_FAILED)
			return -errno;
		if (munmap(mapped, parts[i].size))
			return -errno;
	}
	return 0;
}

static void nothing_mapped(struct scene *s)
{
}

/* Some pages were consumed. */
static void prepare_trim(struct scene *s)
{
	const struct mbox_ioc_wait grow = {
		.flags = MBOX_WAIT_GROW, .side = MBOX_RIGHT_SEND, .seen = RING,
	};
	struct mbox_ring_control *control;
	SCENE(s);

	prepare_ring(s);
	s->args.wait.flags = MBOX_WAIT_WAKE | MBOX_WAIT_TRIM;
	s->args.wait.side = MBOX_RIGHT_RECV;
	mapped = mmap(NULL, RING, PROT_READ | PROT_WRITE, MAP_SHARED, s->extra, MBOX_RING_DATA_OFFSET);
	ASSERT_NE(MAP_FAILED, mapped);
	ASSERT_EQ(0, xioctl(s->extra, MBOX_IOC_WAIT, &grow));
	memset(mapped, 1, RING);
	munmap(mapped, RING);
	control = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, s->extra, MBOX_RING_PRODUCER_OFFSET);
	ASSERT_NE(MAP_FAILED, (void *)control);
	control->index = RING;
	munmap(control, 4096);
	mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, s->extra, MBOX_RING_CONSUMER_OFFSET);
	ASSERT_NE(MAP_FAILED, mapped);
	control = mapped;
	control->index = 3 * 4096 + 8;
}

static long call_wait(struct scene *s)
{
	return make_ioctl(s, s->extra, MBOX_IOC_WAIT, &s->args.wait);
}

static void not_trimmed(struct scene *s)
{
	const struct mbox_ring_control *control = mapped;
	SCENE(s);

	EXPECT_EQ(0, control->freed);
}

static void trimmed(struct scene *s, long ret)
{
	const struct mbox_ring_control *control = mapped;
	SCENE(s);

	EXPECT_EQ(3 * 4096, control->freed);
	munmap(mapped, 4096);
}

/* The mapping of the data, and a page of it, which comes with the first touch. */
static void prepare_grow(struct scene *s)
{
	SCENE(s);

	prepare_ring(s);
	s->args.wait = (struct mbox_ioc_wait) {
		.flags = MBOX_WAIT_GROW, .side = MBOX_RIGHT_SEND, .seen = 4096,
	};
	mapped = mmap(NULL, RING, PROT_READ | PROT_WRITE, MAP_SHARED, s->extra, MBOX_RING_DATA_OFFSET);
	ASSERT_NE(MAP_FAILED, mapped);
}

static void not_grown(struct scene *s)
{
	SCENE(s);

	EXPECT_EQ(-1, madvise(mapped, 4096, MADV_POPULATE_WRITE));
	EXPECT_EQ(EFAULT, errno);
}

static void grown(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_EQ(0, madvise(mapped, 4096, MADV_POPULATE_WRITE));
	munmap(mapped, RING);
}

/* Have a page come. */
static void prepare_touch(struct scene *s)
{
	SCENE(s);

	prepare_grow(s);
	ASSERT_EQ(0, xioctl(s->extra, MBOX_IOC_WAIT, &s->args.wait));
}

static long call_touch(struct scene *s)
{
	return madvise(mapped, 4096, MADV_POPULATE_WRITE) ? -errno : 0;
}

static void nothing_lost(struct scene *s)
{
}

const struct op ring_ops[] = {
	{
		.name = "create_ring",
		.bare = true, .errors = OPEN_ERRORS, .prepare = prepare_create_ring,
		.call = call_open, .cmd = MBOX_IOC_CREATE, .failed = not_created, .done = created_ring,
	},

	{
		.name = "open_ring",
		.bare = true, .errors = OPEN_ERRORS, .prepare = prepare_open_ring,
		.call = call_open, .cmd = MBOX_IOC_OPEN, .failed = side_free, .done = opened,
	},

	{
		.name = "mmap_ring",
		.bare = true, .errors = { ENOMEM }, .prepare = prepare_ring,
		.call = call_mmap, .failed = nothing_mapped,
	},

	{
		.name = "trim_ring",
		.bare = true, .errors = { ENOMEM, EFAULT }, .prepare = prepare_trim,
		.call = call_wait, .failed = not_trimmed, .done = trimmed,
	},

	{
		.name = "grow_ring",
		.bare = true, .errors = { ENOMEM, EFAULT }, .prepare = prepare_grow,
		.call = call_wait, .failed = not_grown, .done = grown,
	},

	{
		.name = "touch_ring",
		.bare = true, .errors = { ENOMEM, EFAULT }, .prepare = prepare_touch,
		.call = call_touch, .failed = nothing_lost, .done = grown,
	},

	LAZY(trim_ring, .bare = true, .errors = { ENOMEM, EFAULT }, .prepare = prepare_trim,
	     .call = call_wait, .failed = not_trimmed, .done = trimmed),

	{}
};
