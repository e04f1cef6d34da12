// SPDX-License-Identifier: GPL-2.0-only
/* Cases: many processes that are members of one mailbox. */
#include "section/section.h"

/* errno is shared with the parent: results are not checked */
static int child_takes_part(void *unused)
{
	struct mbox_ioc_recv recv = { .flags = MBOX_RECV_NONBLOCK };

	ioctl(crowd_fd, MBOX_IOC_RECV, &recv);
	__atomic_sub_fetch(&left_to_begin, 1, __ATOMIC_RELEASE);
	while (pause() < 0)
		;
	return 0;
}

static int begin_members(void)
{
	struct mbox_ioc_open arg;
	char name[MBOX_NAME_SIZE];

	name_make(name);
	arg = open_arg(name, 8);
	arg.max_procs = MBOX_PROCS_MAX;
	crowd_fd = open_call(MBOX_IOC_CREATE, &arg);
	return crowd_fd < 0 ? crowd_fd : children_begin(many[MEMBERS], child_takes_part);
}

static int act_get(void)
{
	for (int i = 0; i < 16; i++)
		if (info_of(crowd_fd).procs != many[MEMBERS] + 1)
			return -EPROTO;
	return 0;
}

/*
 * A child that opens the mailbox when it is told to: fork() and exit() would have sections
 * of their own, and a program that forks with so much mapped has them as well.
 */
static int opener_result;
static char opener_name[MBOX_NAME_SIZE];

static int child_opens(void *unused)
{
	for (;;) {
		while (__atomic_load_n(&opener_result, __ATOMIC_ACQUIRE) != 2)
			nap();
		__atomic_store_n(&opener_result, open_name(opener_name, RIGHTS_BOTH),
				 __ATOMIC_RELEASE);
	}
	return 0;
}

/* All places are taken: the open visits each, because its process may have ended. */
static int begin_members_full(void)
{
	struct mbox_ioc_open arg;
	char name[MBOX_NAME_SIZE];
	int ret;

	name_make(name);
	arg = open_arg(name, 8);
	arg.max_procs = many[MEMBERS];
	crowd_fd = open_call(MBOX_IOC_CREATE, &arg);
	if (crowd_fd < 0)
		return crowd_fd;
	ret = children_begin(many[MEMBERS] + 1, child_takes_part);
	name_copy(opener_name, arg.name);
	return ret ? ret : children_start(many[MEMBERS] + 2, child_opens);
}

static int act_open(void)
{
	int64_t end = now() + LONG;
	int result;

	__atomic_store_n(&opener_result, 2, __ATOMIC_RELEASE);
	while ((result = __atomic_load_n(&opener_result, __ATOMIC_ACQUIRE)) == 2) {
		if (now() > end)
			return -ETIME;
		nap();
	}
	return result == -EUSERS ? 0 : -EPROTO;
}

const struct section member_sections[] = {
	{ "members.get", begin_members, act_get },
	{ "members.open", begin_members_full, act_open },
	{}
};
