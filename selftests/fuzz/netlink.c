// SPDX-License-Identifier: GPL-2.0-only
/* Netlink sockets and their messages: calls of programs, as in helpers.c. */
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <linux/mbox_netlink.h>

#include "runtime.h"

static int nl_family;		/* 0: not known yet */
static uint32_t nl_groups[2];
static uint64_t nl_id;		/* of a mailbox that was seen last */

struct nl_request {
	struct nlmsghdr header;
	struct genlmsghdr genl;
	uint8_t attrs[1024];
};

static void nl_begin(struct nl_request *request, int type, int cmd, int flags)
{
	memset(request, 0, sizeof(*request));
	request->header.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN);
	request->header.nlmsg_type = type;
	request->header.nlmsg_flags = NLM_F_REQUEST | flags;
	request->genl.cmd = cmd;
	request->genl.version = 1;
}

static void nl_put(struct nl_request *request, int type, const void *data, size_t size)
{
	struct nlattr *attr = (void *)((uint8_t *)request + NLMSG_ALIGN(request->header.nlmsg_len));

	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + size;
	memcpy((uint8_t *)attr + NLA_HDRLEN, data, size);
	request->header.nlmsg_len = NLMSG_ALIGN(request->header.nlmsg_len) + NLA_ALIGN(attr->nla_len);
}

/* The first attribute of a type among some bytes, or NULL. */
static const struct nlattr *nl_attr(const uint8_t *at, const uint8_t *end, int type)
{
	while (at + NLA_HDRLEN <= end) {
		const struct nlattr *attr = (const void *)at;

		if (attr->nla_len < NLA_HDRLEN || at + attr->nla_len > end)
			return NULL;
		if ((attr->nla_type & NLA_TYPE_MASK) == type)
			return attr;
		at += NLA_ALIGN(attr->nla_len);
	}
	return NULL;
}

static const uint8_t *nl_data(const struct nlattr *attr)
{
	return (const uint8_t *)attr + NLA_HDRLEN;
}

static const uint8_t *nl_end(const struct nlattr *attr)
{
	return (const uint8_t *)attr + attr->nla_len;
}

/* The numbers of its groups, out of the description of the family. */
static void nl_learn_groups(const struct nlattr *groups)
{
	static const char *const names[] = { MBOX_MCGRP_EVENTS, MBOX_MCGRP_EVENTS_PRIVATE };
	const struct nlattr *group, *name, *id;
	unsigned int i, n;

	for (i = 1; i <= 2; i++) {
		group = nl_attr(nl_data(groups), nl_end(groups), i);
		if (!group)
			return;
		name = nl_attr(nl_data(group), nl_end(group), CTRL_ATTR_MCAST_GRP_NAME);
		id = nl_attr(nl_data(group), nl_end(group), CTRL_ATTR_MCAST_GRP_ID);
		for (n = 0; name && id && n < 2; n++) {
			if (!strcmp((const char *)nl_data(name), names[n]))
				memcpy(&nl_groups[n], nl_data(id), sizeof(uint32_t));
		}
	}
}

static void nl_learn(int fd)
{
	_Alignas(8) uint8_t buffer[4096] = { 0 };
	const struct nlattr *id, *groups;
	struct nl_request request;
	uint16_t family;
	long size;

	nl_begin(&request, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	nl_put(&request, CTRL_ATTR_FAMILY_NAME, MBOX_FAMILY_NAME, sizeof(MBOX_FAMILY_NAME));
	if (sys(SYS_sendto, fd, &request, request.header.nlmsg_len, 0, NULL, 0) < 0)
		return;
	size = sys(SYS_recvfrom, fd, buffer, sizeof(buffer), MSG_DONTWAIT, NULL, NULL);
	if (size <= (long)NLMSG_LENGTH(GENL_HDRLEN))
		return;
	id = nl_attr(buffer + NLMSG_LENGTH(GENL_HDRLEN), buffer + size, CTRL_ATTR_FAMILY_ID);
	groups = nl_attr(buffer + NLMSG_LENGTH(GENL_HDRLEN), buffer + size, CTRL_ATTR_MCAST_GROUPS);
	if (!id || !groups)
		return;
	nl_learn_groups(groups);
	memcpy(&family, nl_data(id), sizeof(family));
	__atomic_store_n(&nl_family, family, __ATOMIC_RELEASE);
}

/* A netlink socket: slot, groups that it listens to */
long do_nl_socket(int lane, const uint64_t *v)
{
	int one = 1, fd = sys(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	unsigned int n;

	(void)lane;
	if (fd < 0)
		return fd;
	if (!__atomic_load_n(&nl_family, __ATOMIC_ACQUIRE))
		nl_learn(fd);
	sys(SYS_setsockopt, fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	for (n = 0; n < 2; n++) {
		if (v[1] >> n & 1)
			sys(SYS_setsockopt, fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &nl_groups[n],
			    sizeof(uint32_t));
	}
	return slot_keep(v[0], fd);
}

/*
 * A request: slot, command, flags, name, the attribute it is, id (less than 100: beside the last that was seen),
 * the attribute it is (0: neither), and another attribute, its value and size
 */
long do_nl_request(int lane, const uint64_t *v)
{
	static const char *const names[] = { "fuzz", "a", "b", "c.d-e_F9", "A", "Zz0" };
	uint64_t id = v[5] < 100 ? __atomic_load_n(&nl_id, __ATOMIC_RELAXED) + v[5] - 10 : v[5];
	uint64_t other[8] = { v[8], v[8], v[8], v[8], v[8], v[8], v[8], v[8] };
	struct nl_request request;

	(void)lane;
	nl_begin(&request, __atomic_load_n(&nl_family, __ATOMIC_ACQUIRE), v[1], v[2]);
	if (v[4])
		nl_put(&request, v[4], names[v[3] % 6], strlen(names[v[3] % 6]) + (v[3] / 6 % 8 != 7));
	if (v[6])
		nl_put(&request, v[6], &id, sizeof(id));
	if (v[7])
		nl_put(&request, v[7], other, v[9] % (sizeof(other) + 1));
	return sys(SYS_sendto, slot_fd(v[0]), &request, request.header.nlmsg_len, MSG_DONTWAIT, NULL, 0);
}

/* Receive without waiting: slot, how many datagrams at most, room for each */
long do_nl_receive(int lane, const uint64_t *v)
{
	_Alignas(8) uint8_t buffer[8192] = { 0 };
	const struct nlattr *id;
	uint64_t n;
	long size = 0;

	(void)lane;
	for (n = 0; n <= v[1] % 16 && size >= 0; n++) {
		size = sys(SYS_recvfrom, slot_fd(v[0]), buffer, v[2] % (sizeof(buffer) + 1), MSG_DONTWAIT, NULL,
			   NULL);
		if (size <= (long)NLMSG_LENGTH(GENL_HDRLEN))
			continue;
		id = nl_attr(buffer + NLMSG_LENGTH(GENL_HDRLEN), buffer + size, MBOX_A_MAILBOX_ID);
		if (id && id->nla_len == NLA_HDRLEN + sizeof(uint64_t) &&
		    ((struct genlmsghdr *)NLMSG_DATA(buffer))->cmd == MBOX_CMD_MAILBOX_GET) {
			uint64_t seen;

			memcpy(&seen, nl_data(id), sizeof(seen));
			__atomic_store_n(&nl_id, seen, __ATOMIC_RELAXED);
		}
	}
	return size;
}
