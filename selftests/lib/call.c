// SPDX-License-Identifier: GPL-2.0-only
/* The calls on mailboxes. */
#include "mbox_test.h"

#include <sys/random.h>

/* Make a name that no other test has, also where pids repeat (namespaces, reuse). */
void name_make(char name[MBOX_NAME_SIZE])
{
	uint64_t random = 0;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		random = now();
	memset(name, 0, MBOX_NAME_SIZE);
	snprintf(name, MBOX_NAME_SIZE, "test-%d-%016llx", getpid(), (unsigned long long)random);
}

/* Return the arguments for a new mailbox; without a name for an anonymous one. */
struct mbox_ioc_open open_arg(const char *name, uint32_t capacity)
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

/* Create or open on a new factory; callers that need a certain factory make the call themselves. */
int open_call(unsigned long cmd, const struct mbox_ioc_open *arg)
{
	int factory = factory_open();
	int ret;

	if (factory < 0)
		return factory;
	ret = xioctl(factory, cmd, arg);
	close(factory);
	return ret;
}

int open_name(const char *name, uint32_t rights)
{
	struct mbox_ioc_open arg = { .rights = rights };

	name_copy(arg.name, name);
	return open_call(MBOX_IOC_OPEN, &arg);
}

int delete_name(const char *name, uint32_t how)
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

/* Create an anonymous mailbox. Return a handle with both rights. */
int box_new(struct __test_metadata *_metadata, uint32_t capacity)
{
	struct mbox_ioc_open arg = open_arg(NULL, capacity);
	int fd = open_call(MBOX_IOC_CREATE, &arg);

	ASSERT_LE(0, fd);
	return fd;
}

/* As box_new(), with a name, for tests that open the mailbox again. */
int box_new_named(struct __test_metadata *_metadata, uint32_t capacity, char name[MBOX_NAME_SIZE])
{
	struct mbox_ioc_open arg;
	int fd;

	name_make(name);
	arg = open_arg(name, capacity);
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	return fd;
}

int send_bytes(int fd, uint32_t flags, uint32_t prio, uint32_t type, const void *data,
	       uint64_t size)
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

int recv_bytes(int fd, uint32_t flags, void *data, uint64_t size, struct mbox_header *header)
{
	struct mbox_ioc_recv arg = { .flags = flags, .data = address_of(data), .size = size };
	int ret;

	memset(&arg.header, POISON, sizeof(arg.header));
	ret = xioctl(fd, MBOX_IOC_RECV, &arg);
	if (header)
		*header = arg.header;
	return ret;
}

/*
 * Receive without waiting, as @arg says. Return the text of the message, or the name of the error; it
 * is valid until the next call.
 */
const char *take_arg(int fd, struct mbox_ioc_recv arg)
{
	static char text[TEXT_SIZE];
	int ret;

	arg.flags |= MBOX_RECV_NONBLOCK;
	arg.data = address_of(text);
	arg.size = sizeof(text) - 1;
	ret = xioctl(fd, MBOX_IOC_RECV, &arg);
	if (ret < 0)
		return strerrorname_np(-ret);
	text[arg.header.length] = '\0';
	return text;
}

/* Poll without waiting. Return the events, or a negated errno. */
short poll_for(int fd, short events)
{
	struct pollfd pollfd = { .fd = fd, .events = events };

	return poll(&pollfd, 1, 0) < 0 ? -errno : pollfd.revents;
}
