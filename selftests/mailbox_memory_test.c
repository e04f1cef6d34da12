// SPDX-License-Identifier: GPL-2.0-only
/* A hundred thousand mailboxes: the memory of an empty one, and the cost of using one among them. */
#include "lib/count.h"
#include "lib/mbox_test.h"
#include "lib/module.h"

#define MANY		100000
#define FEW		10
#define USED		10		/* mailboxes that are used in a round */
#define ROUNDS		5
#define BYTES		512		/* of kernel memory, for an empty mailbox */
#define SETTLED		3		/* readings of the memory that are the same */

static bool there(const char *path)
{
	return access(path, F_OK) == 0;
}

/* Whether the kernel has a function of that name. */
static bool has_function(const char *name)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[512], found[256];
	bool has = false;

	while (f && !has && fgets(line, sizeof(line), f))
		has = sscanf(line, "%*s %*c %255s", found) == 1 && !strcmp(found, name);
	if (f)
		fclose(f);
	return has;
}

/* Locks are larger there, or allocations. */
static const char *memory_differs(void)
{
	if (there("/sys/kernel/realtime"))
		return "locks of a real-time kernel are larger";
	if (has_function("kasan_report") || there("/proc/lockdep") || there("/sys/kernel/debug/kmemleak") || there("/sys/kernel/debug/kcsan"))
		return "this kernel checks itself, which takes memory";
	return NULL;
}

/* Return the kernel memory that is allocated by slabs, by pages for tables, and for each CPU; in KiB. */
static long kernel_memory(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	long all = 0, value;
	char line[128];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Slab: %ld", &value) == 1 || sscanf(line, "VmallocUsed: %ld", &value) == 1 ||
		    sscanf(line, "Percpu: %ld", &value) == 1)
			all += value;
	}
	if (f)
		fclose(f);
	return all;
}

/* Objects that were freed go a while later, and tables grow in the background. */
static long settled_memory(void)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;
	long last = 0, memory;

	for (int same = 0; same < SETTLED && now() < end; last = memory) {
		nanosleep(&(struct timespec) { .tv_nsec = 300 * NSEC_PER_MSEC }, NULL);
		memory = kernel_memory();
		same = labs(memory - last) < 64 ? same + 1 : 0;
	}
	return last;
}

FIXTURE(many)
{
	char prefix[MBOX_NAME_SIZE];
	uint64_t quota;
	int count;
};

/* All bytes of a name: the longest costs no more than a short one. */
static void name_of(FIXTURE_DATA(many) *self, int i, char name[MBOX_NAME_SIZE])
{
	snprintf(name, MBOX_NAME_SIZE, "%.40s-%022d", self->prefix, i);
}

static int make(FIXTURE_DATA(many) *self, int count)
{
	for (; self->count < count; self->count++) {
		char name[MBOX_NAME_SIZE];
		struct mbox_ioc_open arg;
		int fd;

		name_of(self, self->count, name);
		arg = open_arg(name, 16);
		arg.lifetime = MBOX_LIFETIME_OS;
		fd = open_call(MBOX_IOC_CREATE, &arg);
		if (fd < 0)
			return fd;
		close(fd);
	}
	return 0;
}

FIXTURE_SETUP(many)
{
	if (geteuid())
		SKIP(return, "only root can raise the quota");
	self->quota = param_get("user_mailboxes");
	if (!self->quota || param_set("user_mailboxes", 2 * MANY))
		SKIP(return, "the module parameters cannot be written");
	name_make(self->prefix);
}

FIXTURE_TEARDOWN(many)
{
	char name[MBOX_NAME_SIZE];

	while (self->count > 0) {
		name_of(self, --self->count, name);
		EXPECT_EQ(0, delete_name(name, MBOX_DELETE_FORCE));
	}
	if (self->quota)
		param_set("user_mailboxes", self->quota);
}

TEST_F(many, empty_ones_are_small)
{
	long before, after;

	if (memory_differs())
		SKIP(return, "%s", memory_differs());
	ASSERT_EQ(0, make(self, FEW));
	before = settled_memory();
	ASSERT_EQ(0, make(self, FEW + MANY));
	after = settled_memory();
	TH_LOG("an empty mailbox takes %ld bytes", (after - before) * 1024 / MANY);
	EXPECT_GE(BYTES, (after - before) * 1024 / MANY);
}

/* Open a mailbox by its name, send, receive, close. 0 or a negated errno. */
static int use(const char *name)
{
	char text[8] = "message";
	int fd = open_name(name, MBOX_RIGHT_SEND | MBOX_RIGHT_RECV), ret;

	if (fd < 0)
		return fd;
	ret = send_bytes(fd, 0, 0, 0, text, sizeof(text));
	if (!ret)
		ret = recv_bytes(fd, 0, text, sizeof(text), NULL);
	close(fd);
	return ret < 0 ? ret : 0;
}

/* Return the least time to use some of the mailboxes, all over; or a negated errno. */
static int64_t time_of_use(FIXTURE_DATA(many) *self)
{
	int64_t best = INT64_MAX;

	for (int round = 0; round < ROUNDS; round++) {
		char names[USED][MBOX_NAME_SIZE];
		int64_t began;

		for (int i = 0; i < USED; i++)
			name_of(self, i * (self->count / USED), names[i]);
		began = now();
		for (int i = 0; i < USED; i++) {
			int ret = use(names[i]);

			if (ret)
				return ret;
		}
		best = now() - began < best ? now() - began : best;
	}
	return best / USED;
}

TEST_F(many, using_one_costs_the_same)
{
	int64_t few, many;

	if (!counts_instructions())
		SKIP(return, "no single CPU here that counts instructions as nanoseconds: run -i");
	ASSERT_EQ(0, make(self, FEW));
	ASSERT_LT(0, few = time_of_use(self));
	ASSERT_EQ(0, make(self, MANY));
	ASSERT_LT(0, many = time_of_use(self));
	TH_LOG("open, send, receive, close: %lld instructions among %d mailboxes, %lld among %d", (long long)few, FEW,
	       (long long)many, MANY);
	EXPECT_GE(few * 11 / 10, many);
}

MBOX_TEST_MAIN
