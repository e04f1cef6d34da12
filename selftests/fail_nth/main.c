// SPDX-License-Identifier: GPL-2.0-only
/* Every allocation fails once, and every copy from and to user memory; see fail_nth.h. */
#include "fail_nth/fail_nth.h"
#include "fail_nth/inject.h"
#include "lib/child.h"
#include "lib/module.h"
#include "lib/user.h"

#include <sched.h>
#include <sys/syscall.h>

/* More chances to fail than any of the calls has; making a network namespace has most. */
#define NTH_MAX		5000

#define PRINTK_LEVELS	"/proc/sys/kernel/printk"
#define PRINTK_ALL	"/sys/module/printk/parameters/ignore_loglevel"

#define TIMEOUT		300	/* seconds for each operation */

#define PARAMETERS	"/sys/module/mbox/parameters/"

/* Small quotas, which have room for this many. */
#define QUOTA_MAILBOXES	3
#define QUOTA_MESSAGES	10

static bool param_write(int fd, uint64_t value)
{
	char text[32];
	int length = snprintf(text, sizeof(text), "%llu\n", (unsigned long long)value);

	return pwrite(fd, text, length, 0) == length;
}

/*
 * Nothing is charged to the caller any more: the quotas have room for as much as before. They are
 * made small for that, and restored at once.
 */
static void expect_whole_quotas(struct scene *s)
{
	uint64_t bytes = param_get("user_bytes"), mailboxes = param_get("user_mailboxes");
	struct mbox_ioc_open open = open_arg(NULL, MBOX_CAPACITY_UNBOUNDED);
	int fds[QUOTA_MAILBOXES + 1], sends[QUOTA_MESSAGES + 1];
	SCENE(s);

	ASSERT_TRUE(param_write(s->quotas[0], QUOTA_MESSAGES * MBOX_SMALL_CHARGE));
	ASSERT_TRUE(param_write(s->quotas[1], QUOTA_MAILBOXES));
	for (int i = 0; i <= QUOTA_MAILBOXES; i++)
		fds[i] = open_call(MBOX_IOC_CREATE, &open);
	for (int i = 0; i <= QUOTA_MESSAGES; i++)
		sends[i] = put(fds[0], 0, "charged");
	EXPECT_TRUE(param_write(s->quotas[0], bytes));
	EXPECT_TRUE(param_write(s->quotas[1], mailboxes));

	for (int i = 0; i <= QUOTA_MAILBOXES; i++) {
		EXPECT_EQ(i < QUOTA_MAILBOXES ? 0 : -EDQUOT, fds[i] < 0 ? fds[i] : 0);
		close(fds[i]);
	}
	for (int i = 0; i <= QUOTA_MESSAGES; i++)
		EXPECT_EQ(i < QUOTA_MESSAGES ? 0 : -EDQUOT, sends[i]);
}

FIXTURE(op)
{
	struct scene *scene;
};

FIXTURE_VARIANT(op)
{
	const struct op *op;
};

static const struct op *const tables[] = {
	open_ops, delete_ops, send_ops, recv_ops, mode_ops, attr_ops, member_ops, broadcast_ops, ring_ops, link_ops, owner_ops, netlink_ops, file_ops, netns_ops,
	lease_ops, call_ops
};

/* Make each operation a variant of the fixture, as FIXTURE_VARIANT_ADD() would. */
static void __attribute__((constructor)) ops_register(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		for (const struct op *op = tables[i]; op->name; op++) {
			struct __fixture_variant_metadata *metadata = calloc(1, sizeof(*metadata));
			FIXTURE_VARIANT(op) *variant = calloc(1, sizeof(*variant));

			if (!metadata || !variant)
				abort();
			variant->op = op;
			metadata->name = op->name;
			metadata->data = variant;
			__register_fixture_variant(&_op_fixture_object, metadata);
		}
	}
}

FIXTURE_SETUP(op)
{
	const char *reason = fail_setup();
	struct mbox_ioc_open arg;
	struct scene *s;

	if (reason)
		SKIP(return, "%s", reason);
	if (variant->op->no_pages)
		ASSERT_TRUE(fail_pages_allow(false));
	s = self->scene = calloc(1, sizeof(*s));
	ASSERT_NE(NULL, s);
	s->_metadata = _metadata;
	s->op = variant->op;
	pattern_fill(stream, sizeof(stream), 0);
	s->stream = memfd_create("stream", MFD_CLOEXEC);
	ASSERT_EQ((ssize_t)sizeof(stream), write(s->stream, stream, sizeof(stream)));
	s->lazy_file = memfd_create("args", MFD_CLOEXEC);
	ASSERT_EQ(0, ftruncate(s->lazy_file, 2 * sysconf(_SC_PAGESIZE)));

	name_make(s->others_name);
	arg = open_arg(s->others_name, SEGMENTS);
	s->others = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, s->others);
	/* the umask does not count here */
	ASSERT_EQ(0, xioctl(s->others, MBOX_IOC_SET, &(struct mbox_ioc_set) {
		.mask = MBOX_SET_MODE, .mode = 0666,
	}));
	s->quotas[0] = open(PARAMETERS "user_bytes", O_RDWR | O_CLOEXEC);
	s->quotas[1] = open(PARAMETERS "user_mailboxes", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, s->quotas[0]);
	ASSERT_LE(0, s->quotas[1]);
	if (!variant->op->as_root) {
		ASSERT_EQ(0, become(spare_uid(0), spare_uid(0)));
	}
	s->factory = factory_open();
	ASSERT_LE(0, s->factory);
}

FIXTURE_TEARDOWN(op)
{
}

TEST_F_TIMEOUT(op, fails_once, TIMEOUT)
{
	unsigned int nth = 1;

	while (sweep_once(self->scene, nth)) {
		ASSERT_EQ(0, _metadata->exit_code);
		ASSERT_GT(NTH_MAX, ++nth);
	}
	TH_LOG("%u chances to fail", nth - 1);
	if (!variant->op->as_root)
		expect_whole_quotas(self->scene);
}

/*
 * No page is available at all, rather than one less. A user must not be able to fill the log
 * either: the stack trace of a warning there fails the run.
 */
TEST(starved)
{
	const char *reason = fail_setup();
	struct mbox_ioc_open arg = open_arg(NULL, 4);
	struct mbox_info before;
	static uint8_t data[HUGE];
	int fd, fail, ret;

	if (reason)
		SKIP(return, "%s", reason);
	pattern_fill(data, sizeof(data), 1);
	arg.msg_size = HUGE;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, send_bytes(fd, 0, 0, 0, "first", 5));
	before = info_of(fd);
	fail = fail_pages_open();
	ASSERT_LE(0, fail);
	for (size_t size = HUGE; size > 16384; size /= 2) {
		/* the stack pages that the call needs are there after the first call */
		EXPECT_EQ(-EMSGSIZE, send_bytes(fd, 0, 0, 0, data, HUGE + 1));
		fail_mark(fail, true);
		ret = send_bytes(fd, 0, 0, 0, data, size);
		fail_mark(fail, false);
		EXPECT_EQ(-ENOMEM, ret);
		EXPECT_UNCHANGED(fd, &before);
	}
	fail_pages_close(fail);
	EXPECT_STREQ("first", take(fd));
	EXPECT_EQ(0, send_bytes(fd, 0, 0, 0, data, HUGE));
	memset(data, 0, sizeof(data));
	EXPECT_EQ(0, recv_bytes(fd, 0, data, HUGE, NULL));
	EXPECT_EQ(HUGE, pattern_match(data, HUGE, 1));
	EXPECT_BALANCED(fd);
	close(fd);
}

/* A namespace lists its mailboxes in objects of this cache, and has none at first. */
#define LIST_CACHE	"radix_tree_node"

static int create_unlisted(void *arg)
{
	struct mbox_ioc_open open = open_arg(arg, 1);
	int factory, fail, ret;

	if (unshare(CLONE_NEWNET))
		return -errno;
	factory = factory_open();
	if (factory < 0)
		return factory;
	fail = fail_objects_open(LIST_CACHE);
	if (fail < 0)
		return fail;
	fail_mark(fail, true);
	ret = xioctl(factory, MBOX_IOC_CREATE, &open);
	fail_mark(fail, false);
	fail_objects_close(fail, LIST_CACHE);
	if (ret != -ENOMEM)
		return ret < 0 ? ret : -EPROTO;
	if (open_name(arg, 0) != -ENOENT)
		return -EEXIST;
	ret = xioctl(factory, MBOX_IOC_CREATE, &open);
	return ret < 0 ? ret : 0;
}

/* The kernel asks twice for memory to list a mailbox in: to fail once is not enough. */
TEST(listed_nowhere)
{
	const char *reason = fail_setup();
	char name[MBOX_NAME_SIZE];

	if (reason)
		SKIP(return, "%s", reason);
	name_make(name);
	EXPECT_EQ(0, in_child(create_unlisted, name));
}

/*
 * The kernel complains with stack traces when a module cannot be loaded, and these would pass for
 * reports: keep them off the console. Real problems still taint the kernel.
 */
FIXTURE(quiet)
{
	char printk[64], all[4];
};

FIXTURE_VARIANT(quiet)
{
	bool pages;		/* fail, too */
};

FIXTURE_VARIANT_ADD(quiet, all) { .pages = true };
FIXTURE_VARIANT_ADD(quiet, objects) { .pages = false };

static void exchange(const char *path, const char *text, char *was, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = was && fd >= 0 ? read(fd, was, size - 1) : 0;

	if (was)
		was[n > 0 ? n : 0] = '\0';
	close(fd);
	write_string(path, text);
}

FIXTURE_SETUP(quiet)
{
	exchange(PRINTK_LEVELS, "1", self->printk, sizeof(self->printk));
	exchange(PRINTK_ALL, "N", self->all, sizeof(self->all));
}

FIXTURE_TEARDOWN(quiet)
{
	exchange(PRINTK_LEVELS, self->printk, NULL, 0);
	exchange(PRINTK_ALL, self->all, NULL, 0);
}

TEST_F_TIMEOUT(quiet, load, TIMEOUT)
{
	int file = open("/mbox/mbox.ko", O_RDONLY | O_CLOEXEC), fail = fail_open();
	const char *reason = fail_setup();
	unsigned int nth = 0;
	int failed, ret;

	if (reason)
		SKIP(return, "%s", reason);
	if (file < 0)
		SKIP(return, "the module's file is not there");
	if (syscall(SYS_delete_module, "mbox", O_NONBLOCK) < 0)
		SKIP(return, "the module does not go: %s", strerror(errno));
	ASSERT_TRUE(fail_pages_allow(variant->pages));
	do {
		ASSERT_GT(NTH_MAX, ++nth);
		fail_arm(fail, nth);
		ret = syscall(SYS_finit_module, file, "", 0) < 0 ? -errno : 0;
		failed = fail_disarm(fail);
		if (ret < 0) {
			EXPECT_EQ(1, failed);
			EXPECT_EQ(-ENOENT, factory_open());
			EXPECT_EQ(-1, access("/sys/module/mbox", F_OK));
		} else if (failed) {
			EXPECT_EQ(0, syscall(SYS_delete_module, "mbox", O_NONBLOCK));
		}
	} while (failed == 1);
	EXPECT_EQ(0, ret);
	TH_LOG("%u chances to fail", nth - 1);
}

MBOX_TEST_MAIN
