/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the test programs share: the calls, new mailboxes, and comparing states.
 *
 * Results are 0 or more, or a negated errno: so one EXPECT_EQ() checks both. Mailboxes are
 * anonymous or have a name that nobody else makes up, and end with their last handle: a test that
 * is killed leaves nothing behind, and any number of tests can run beside each other.
 */
#ifndef MBOX_TEST_H
#define MBOX_TEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <linux/mbox.h>

#include "kselftest_harness.h"

/*
 * Nothing that is tested takes long, but an emulated machine that others keep busy may. What hangs
 * is given up after PATIENCE, with a word on what it was; the harness would end it without one.
 */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	150
#define PATIENCE		60	/* seconds */

#define NSEC_PER_SEC		1000000000LL
#define NSEC_PER_MSEC		1000000LL

#define RIGHTS_BOTH		(MBOX_RIGHT_RECV | MBOX_RIGHT_SEND)

/* What outputs hold before a call, to see what it wrote. */
#define POISON			0xa5

static inline int64_t now_on(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static inline int64_t now(void)
{
	return now_on(CLOCK_MONOTONIC);
}

static inline void nap(void)
{
	nanosleep(&(struct timespec) { .tv_nsec = NSEC_PER_MSEC }, NULL);
}

static inline uint64_t address_of(const void *p)
{
	return (uintptr_t)p;
}

/* The calls. */

static inline int xioctl(int fd, unsigned long cmd, const void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

static inline ssize_t xread(int fd, void *data, size_t size)
{
	ssize_t ret = read(fd, data, size);

	return ret < 0 ? -errno : ret;
}

static inline ssize_t xwrite(int fd, const void *data, size_t size)
{
	ssize_t ret = write(fd, data, size);

	return ret < 0 ? -errno : ret;
}

static inline int factory_open(void)
{
	int fd = open("/dev/mbox", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* A name of this test's own, also where pids repeat (namespaces, reuse). */
static inline void name_make(char name[MBOX_NAME_SIZE])
{
	uint64_t random = 0;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		random = now();
	memset(name, 0, MBOX_NAME_SIZE);
	snprintf(name, MBOX_NAME_SIZE, "test-%d-%016llx", getpid(), (unsigned long long)random);
}

/* Into a field that holds 63 bytes and NULs to its end. */
static inline void name_copy(char field[MBOX_NAME_SIZE], const char *name)
{
	memcpy(field, name, strnlen(name, MBOX_NAME_SIZE - 1));
}

/* For a new mailbox; with name NULL an anonymous one. */
static inline struct mbox_ioc_open open_arg(const char *name, uint32_t capacity)
{
	struct mbox_ioc_open arg = {
		.rights = RIGHTS_BOTH,
		.mode = 0600,
		.lifetime = MBOX_LIFETIME_FD,
		.capacity = capacity,
	};

	if (name)
		name_copy(arg.name, name);
	return arg;
}

/* On a factory of the caller's now; callers whose factory matters pass it themselves. */
static inline int open_call(unsigned long cmd, const struct mbox_ioc_open *arg)
{
	int factory = factory_open();
	int ret;

	if (factory < 0)
		return factory;
	ret = xioctl(factory, cmd, arg);
	close(factory);
	return ret;
}

static inline int open_name(const char *name, uint32_t rights)
{
	struct mbox_ioc_open arg = { .rights = rights };

	name_copy(arg.name, name);
	return open_call(MBOX_IOC_OPEN, &arg);
}

static inline int delete_name(const char *name, uint32_t how)
{
	struct mbox_ioc_delete arg = { .how = how };
	int factory = factory_open();
	int ret;

	if (factory < 0)
		return factory;
	name_copy(arg.name, name);
	ret = xioctl(factory, MBOX_IOC_DELETE, &arg);
	close(factory);
	return ret;
}

static inline int delete_fd(int fd, uint32_t how)
{
	struct mbox_ioc_delete arg = { .how = how };

	return xioctl(fd, MBOX_IOC_DELETE, &arg);
}

/* An anonymous mailbox, and a handle with both rights. */
static inline int box_new(struct __test_metadata *_metadata, uint32_t capacity)
{
	struct mbox_ioc_open arg = open_arg(NULL, capacity);
	int fd = open_call(MBOX_IOC_CREATE, &arg);

	ASSERT_LE(0, fd);
	return fd;
}

/* The same with a name, for tests that open it again. */
static inline int box_new_named(struct __test_metadata *_metadata, uint32_t capacity,
				char name[MBOX_NAME_SIZE])
{
	struct mbox_ioc_open arg;
	int fd;

	name_make(name);
	arg = open_arg(name, capacity);
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	return fd;
}

static inline int send_bytes(int fd, uint32_t flags, uint32_t prio, uint32_t type,
			     const void *data, uint64_t size)
{
	struct mbox_ioc_send arg = {
		.flags = flags,
		.prio = prio,
		.type = type,
		.data = address_of(data),
		.size = size,
	};

	return xioctl(fd, MBOX_IOC_SEND, &arg);
}

static inline int recv_bytes(int fd, uint32_t flags, void *data, uint64_t size,
			     struct mbox_header *header)
{
	struct mbox_ioc_recv arg = { .flags = flags, .data = address_of(data), .size = size };
	int ret;

	memset(&arg.header, POISON, sizeof(arg.header));
	ret = xioctl(fd, MBOX_IOC_RECV, &arg);
	if (header)
		*header = arg.header;
	return ret;
}

/* Messages that are short strings, without waiting: most tests are about which, not about what. */

static inline int put(int fd, uint32_t prio, const char *text)
{
	return send_bytes(fd, MBOX_SEND_NONBLOCK, prio, 0, text, strlen(text));
}

#define TEXT_SIZE	256

/* The message's text, or the name of the error; valid until the next call. */
static inline const char *take_flags(int fd, uint32_t flags)
{
	static char text[TEXT_SIZE];
	struct mbox_header header;
	int ret = recv_bytes(fd, flags | MBOX_RECV_NONBLOCK, text, sizeof(text) - 1, &header);

	if (ret < 0)
		return strerrorname_np(-ret);
	text[header.length] = '\0';
	return text;
}

static inline const char *take(int fd)
{
	return take_flags(fd, 0);
}

static inline const char *peek(int fd)
{
	return take_flags(fd, MBOX_RECV_PEEK);
}

/* Payloads whose every byte depends on its place and on the message. */

static inline uint8_t pattern_at(uint64_t at, uint32_t seed)
{
	uint64_t x = (at + 1) * 0x9e3779b97f4a7c15ULL + seed * 0xff51afd7ed558ccdULL;

	return x >> 56;
}

static inline void pattern_fill(void *data, size_t size, uint32_t seed)
{
	for (size_t i = 0; i < size; i++)
		((uint8_t *)data)[i] = pattern_at(i, seed);
}

/* How many bytes from the start are right: @size if all are. */
static inline size_t pattern_match(const void *data, size_t size, uint32_t seed)
{
	size_t i = 0;

	while (i < size && ((const uint8_t *)data)[i] == pattern_at(i, seed))
		i++;
	return i;
}

/* Is every byte still the poison? */
static inline bool untouched(const void *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (((const uint8_t *)data)[i] != POISON)
			return false;
	return true;
}

/* A module parameter, or 0 where it cannot be read. */
static inline uint64_t param_get(const char *name)
{
	unsigned long long value = 0;
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/mbox/parameters/%s", name);
	f = fopen(path, "re");
	if (f) {
		if (fscanf(f, "%llu", &value) != 1)
			value = 0;
		fclose(f);
	}
	return value;
}

static inline int param_set(const char *name, uint64_t value)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/mbox/parameters/%s", name);
	f = fopen(path, "we");
	if (!f)
		return -errno;
	fprintf(f, "%llu\n", (unsigned long long)value);
	return fclose(f) ? -errno : 0;
}

/* States. */

static inline int info_get(int fd, struct mbox_info *info)
{
	memset(info, POISON, sizeof(*info));
	info->flags = 0;
	return xioctl(fd, MBOX_IOC_GET, info);
}

/* For one field of it: EXPECT_EQ(2, info_of(fd).queued). All poison if there is none. */
static inline struct mbox_info info_of(int fd)
{
	struct mbox_info info;

	if (info_get(fd, &info) < 0)
		memset(&info, POISON, sizeof(info));
	return info;
}

#define INFO_FIELD(field) { #field, offsetof(struct mbox_info, field), \
			    sizeof(((struct mbox_info *)0)->field) }

/* In words, what differs from @before, and whether the counters do not balance; "" if all is well. */
static inline const char *info_diff(int fd, const struct mbox_info *before)
{
	static const struct { const char *name; size_t at, size; } fields[] = {
		INFO_FIELD(flags), INFO_FIELD(state), INFO_FIELD(id), INFO_FIELD(uid),
		INFO_FIELD(gid), INFO_FIELD(mode), INFO_FIELD(lifetime), INFO_FIELD(capacity),
		INFO_FIELD(msg_size), INFO_FIELD(bytes), INFO_FIELD(rights),
		INFO_FIELD(handles), INFO_FIELD(senders), INFO_FIELD(receivers),
		INFO_FIELD(queued), INFO_FIELD(queued_bytes), INFO_FIELD(sent),
		INFO_FIELD(received), INFO_FIELD(withdrawn), INFO_FIELD(dropped),
		INFO_FIELD(created), INFO_FIELD(kind), INFO_FIELD(policy), INFO_FIELD(options),
		INFO_FIELD(max_procs), INFO_FIELD(procs), INFO_FIELD(owner), INFO_FIELD(heir),
		INFO_FIELD(peer), INFO_FIELD(ring), INFO_FIELD(lost),
		INFO_FIELD(handle_received), INFO_FIELD(handle_lost), INFO_FIELD(handle_queued),
		INFO_FIELD(creator), INFO_FIELD(pad),
	};
	static char text[1024];
	struct mbox_info after;
	int ret = info_get(fd, &after);
	size_t n = 0;

	if (ret < 0)
		return strerrorname_np(-ret);
	text[0] = '\0';
	if (strncmp(before->name, after.name, MBOX_NAME_SIZE))
		n += snprintf(text + n, sizeof(text) - n, "name ");
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		uint64_t was = 0, is = 0;

		memcpy(&was, (char *)before + fields[i].at, fields[i].size);
		memcpy(&is, (char *)&after + fields[i].at, fields[i].size);
		if (was != is)
			n += snprintf(text + n, sizeof(text) - n, "%s %llu->%llu ",
				      fields[i].name, (unsigned long long)was,
				      (unsigned long long)is);
	}
	if (after.sent != after.received + after.withdrawn + after.dropped + after.queued)
		snprintf(text + n, sizeof(text) - n, "sent is not the sum of the others");
	return text;
}

#define EXPECT_UNCHANGED(fd, before)	EXPECT_STREQ("", info_diff(fd, before))

/* sent = received + withdrawn + dropped + queued */
#define EXPECT_BALANCED(fd) do { \
	struct mbox_info balance = info_of(fd); \
	EXPECT_EQ(balance.sent, balance.received + balance.withdrawn + \
				balance.dropped + balance.queued); \
} while (0)

/* Without the module there is nothing to test: the program as a whole is skipped, not passed. */
#define MBOX_TEST_MAIN \
	int main(int argc, char **argv) \
	{ \
		int factory = factory_open(); \
		if (factory < 0) { \
			ksft_print_header(); \
			ksft_exit_skip("/dev/mbox: %s (is the module loaded?)\n", \
				       strerror(-factory)); \
		} \
		close(factory); \
		return test_harness_run(argc, argv); \
	}

#endif
