// SPDX-License-Identifier: GPL-2.0-only
/* The mailbox on which a crowd is blocked, its handles and its messages. */
#include "section/section.h"

int box_with(uint32_t policy, uint32_t options, uint32_t capacity, uint64_t bytes)
{
	struct mbox_ioc_open arg;
	char name[MBOX_NAME_SIZE];

	name_make(name);
	arg = open_arg(name, capacity);
	arg.policy = policy;
	arg.options = options;
	arg.bytes = bytes;
	arg.msg_size = bytes ? bytes : 1;
	crowd_fd = open_call(MBOX_IOC_CREATE, &arg);
	return crowd_fd < 0 ? crowd_fd : 0;
}

int box_plain(uint32_t capacity)
{
	return box_with(MBOX_POLICY_FIFO, 0, capacity, 0);
}

/* Open more handles on it, to have @n. */
int box_handles(int n, uint32_t rights)
{
	struct mbox_ioc_open arg = { .rights = rights };
	struct mbox_info info = info_of(crowd_fd);
	int factory = factory_open();

	if (factory < 0)
		return factory;
	memcpy(arg.name, info.name, sizeof(arg.name));
	handles[0] = crowd_fd;
	for (nr_handles = 1; nr_handles < n; nr_handles++) {
		handles[nr_handles] = xioctl(factory, MBOX_IOC_OPEN, &arg);
		if (handles[nr_handles] < 0)
			break;
	}
	close(factory);
	return nr_handles == n ? 0 : handles[nr_handles];
}

void handles_close(void)
{
	for (int i = 1; i < nr_handles; i++)
		close(handles[i]);
	nr_handles = 0;
}

/* Queue @n messages of one byte. */
int fill(int n, uint32_t flags, uint32_t type)
{
	int ret = 0;

	for (int i = 0; i < n && ret >= 0; i++)
		ret = send_bytes(crowd_fd, flags | MBOX_SEND_NONBLOCK, 0, type, "x", 1);
	return ret < 0 ? ret : 0;
}

void want_anything(void)
{
	crowd_recv = (struct mbox_ioc_recv) { .data = address_of(crowd_data),
					      .size = sizeof(crowd_data) };
}

void want_type(uint32_t type)
{
	want_anything();
	crowd_recv.flags = MBOX_RECV_BY_TYPE;
	crowd_recv.type = type;
}

void give_type(uint32_t type, uint32_t flags)
{
	crowd_send = (struct mbox_ioc_send) { .flags = flags, .type = type,
					      .data = address_of(crowd_data), .size = 1 };
}
