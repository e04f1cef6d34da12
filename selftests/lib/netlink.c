// SPDX-License-Identifier: GPL-2.0-only
/* The netlink family, spoken without a library. */
#include "netlink.h"

void nl_begin(struct nl_request *request, uint16_t family, uint8_t cmd, uint16_t flags)
{
	memset(request, 0, sizeof(*request));
	request->header.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN);
	request->header.nlmsg_type = family;
	request->header.nlmsg_flags = NLM_F_REQUEST | flags;
	request->genl.cmd = cmd;
	request->genl.version = 1;
}

void nl_put(struct nl_request *request, uint16_t type, const void *data, size_t size)
{
	struct nlattr *attr = (void *)((char *)request + NLMSG_ALIGN(request->header.nlmsg_len));

	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + size;
	memcpy((char *)attr + NLA_HDRLEN, data, size);
	request->header.nlmsg_len = NLMSG_ALIGN(request->header.nlmsg_len) + NLA_ALIGN(attr->nla_len);
}

uint64_t nl_u64(const struct nl_reply *reply, uint16_t type)
{
	uint64_t value = UINT64_MAX;

	if (reply->attrs[type] && reply->attrs[type]->nla_len == NLA_HDRLEN + sizeof(value))
		memcpy(&value, (char *)reply->attrs[type] + NLA_HDRLEN, sizeof(value));
	return value;
}

/* Return UINT32_MAX if the attribute is not there, or has another size. */
uint32_t nl_u32(const struct nl_reply *reply, uint16_t type)
{
	uint32_t value = UINT32_MAX;

	if (reply->attrs[type] && reply->attrs[type]->nla_len == NLA_HDRLEN + sizeof(value))
		memcpy(&value, (char *)reply->attrs[type] + NLA_HDRLEN, sizeof(value));
	return value;
}

void nl_parse(struct nl_reply *reply, const void *from, size_t size)
{
	const char *at = from, *end = at + size;

	memset(reply->attrs, 0, sizeof(reply->attrs));
	while (at + NLA_HDRLEN <= end) {
		const struct nlattr *attr = (const void *)at;
		uint16_t type = attr->nla_type & NLA_TYPE_MASK;

		if (attr->nla_len < NLA_HDRLEN || at + attr->nla_len > end)
			break;
		if (type < NL_ATTRS)
			reply->attrs[type] = attr;
		at += NLA_ALIGN(attr->nla_len);
	}
}

void nl_nested(struct nl_reply *nested, const struct nl_reply *reply, uint16_t type)
{
	const struct nlattr *attr = reply->attrs[type];

	memset(nested, 0, sizeof(*nested));
	if (attr)
		nl_parse(nested, (char *)attr + NLA_HDRLEN, attr->nla_len - NLA_HDRLEN);
}

/* Read an acknowledgement: its message and the attribute that it blames. */
void nl_explain(struct nl *nl, const struct nlmsghdr *header, const struct nl_request *request)
{
	const struct nlmsgerr *error = NLMSG_DATA(header);
	size_t at = sizeof(struct nlmsgerr);
	struct nl_reply tlvs;
	uint32_t offset;

	if (header->nlmsg_type == NLMSG_DONE)
		at = sizeof(int);
	else if (!(header->nlmsg_flags & NLM_F_CAPPED))
		at += error->msg.nlmsg_len - sizeof(error->msg);
	if (!(header->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	nl_parse(&tlvs, (char *)NLMSG_DATA(header) + NLMSG_ALIGN(at),
		 header->nlmsg_len - NLMSG_HDRLEN - NLMSG_ALIGN(at));
	snprintf(nl->said, sizeof(nl->said), "%s", nl_string(&tlvs, NLMSGERR_ATTR_MSG));
	offset = nl_u32(&tlvs, NLMSGERR_ATTR_OFFS);
	if (offset != UINT32_MAX && offset + NLA_HDRLEN <= request->header.nlmsg_len)
		nl->blamed = ((struct nlattr *)((char *)request + offset))->nla_type & NLA_TYPE_MASK;
}

/* Send a request and pass the replies to @fn. Return 0 or a negated errno. */
int nl_talk(struct nl *nl, struct nl_request *request, nl_fn fn, void *data)
{
	static _Alignas(8) char buffer[NL_SIZE];
	struct nl_reply reply;
	ssize_t size;

	nl->said[0] = '\0';
	nl->blamed = 0;
	nl->interrupted = false;
	nl->messages = 0;
	nl->parts = 0;
	request->header.nlmsg_seq = ++nl->seq;
	if (!(request->header.nlmsg_flags & NLM_F_DUMP))
		request->header.nlmsg_flags |= NLM_F_ACK;
	if (send(nl->fd, request, request->header.nlmsg_len, 0) < 0)
		return -errno;
	for (;;) {
		size = recv(nl->fd, buffer, nl->room, 0);
		if (size < 0)
			return -errno;
		nl->parts++;
		for (struct nlmsghdr *header = (void *)buffer; NLMSG_OK(header, size);
		     header = NLMSG_NEXT(header, size)) {
			if (header->nlmsg_seq != nl->seq)
				continue;
			nl->interrupted |= !!(header->nlmsg_flags & NLM_F_DUMP_INTR);
			if (header->nlmsg_type == NLMSG_ERROR || header->nlmsg_type == NLMSG_DONE) {
				nl_explain(nl, header, request);
				return *(int *)NLMSG_DATA(header);
			}
			nl->messages++;
			reply.cmd = ((struct genlmsghdr *)NLMSG_DATA(header))->cmd;
			nl_parse(&reply, (char *)NLMSG_DATA(header) + GENL_HDRLEN,
				 header->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN);
			if (fn)
				fn(&reply, data);
		}
	}
}

void nl_found(const struct nl_reply *reply, void *data)
{
	const struct nlattr *groups = reply->attrs[CTRL_ATTR_MCAST_GROUPS];
	struct nl *nl = data;
	struct nl_reply list, group;

	if (reply->attrs[CTRL_ATTR_FAMILY_ID])
		memcpy(&nl->family, (char *)reply->attrs[CTRL_ATTR_FAMILY_ID] + NLA_HDRLEN, 2);
	if (!groups)
		return;
	nl_nested(&list, reply, CTRL_ATTR_MCAST_GROUPS);
	for (int i = 0; i < NL_ATTRS; i++) {
		nl_nested(&group, &list, i);
		if (!strcmp(nl_string(&group, CTRL_ATTR_MCAST_GRP_NAME), MBOX_MCGRP_EVENTS))
			nl->groups[0] = nl_u32(&group, CTRL_ATTR_MCAST_GRP_ID);
		if (!strcmp(nl_string(&group, CTRL_ATTR_MCAST_GRP_NAME), MBOX_MCGRP_EVENTS_PRIVATE))
			nl->groups[1] = nl_u32(&group, CTRL_ATTR_MCAST_GRP_ID);
	}
}

/* Open a socket for the family, which receives dumps in datagrams of @room. Return 0 or a negated errno. */
int nl_open_room(struct nl *nl, size_t room)
{
	struct timeval patience = { .tv_sec = PATIENCE };
	struct nl_request request;
	int one = 1, ret;

	memset(nl, 0, sizeof(*nl));
	nl->room = room;
	nl->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (nl->fd < 0)
		return -errno;
	setsockopt(nl->fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(nl->fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	setsockopt(nl->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	nl_begin(&request, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	nl_put_string(&request, CTRL_ATTR_FAMILY_NAME, MBOX_FAMILY_NAME);
	ret = nl_talk(nl, &request, nl_found, nl);
	if (ret)
		close(nl->fd);
	return ret;
}

/* Subscribe to events. The second group takes a privilege that not each listener has. */
int nl_listen(struct nl *nl)
{
	if (setsockopt(nl->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &nl->groups[0], sizeof(uint32_t)))
		return -errno;
	setsockopt(nl->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &nl->groups[1], sizeof(uint32_t));
	return 0;
}

/* Receive the next event within @patience ms; it stays until the next one. False if there is none. */
bool nl_hear(struct nl *nl, struct nl_reply *reply, int patience)
{
	static _Alignas(8) char buffer[NL_SIZE];
	struct pollfd pollfd = { .fd = nl->fd, .events = POLLIN };
	struct nlmsghdr *header = (void *)buffer;
	ssize_t size;

	if (poll(&pollfd, 1, patience) != 1)
		return false;
	size = recv(nl->fd, buffer, sizeof(buffer), 0);
	if (size < (ssize_t)NLMSG_LENGTH(GENL_HDRLEN) || header->nlmsg_type != nl->family)
		return false;
	nl_parse(reply, (char *)NLMSG_DATA(header) + GENL_HDRLEN,
		 header->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN);
	return true;
}

static void see_purged(const struct nl_reply *reply, void *data)
{
	*(uint64_t *)data = nl_u64(reply, MBOX_A_MAILBOX_PURGED);
}

/* Purge the mailbox that an attribute names. Return how many messages were dropped, or an error. */
static int64_t purge(uint16_t type, const void *data, size_t size)
{
	struct nl_request request;
	uint64_t purged = 0;
	struct nl nl;
	int ret = nl_open(&nl);

	if (ret)
		return ret;
	nl_begin(&request, nl.family, MBOX_CMD_MAILBOX_PURGE, 0);
	nl_put(&request, type, data, size);
	ret = nl_talk(&nl, &request, see_purged, &purged);
	close(nl.fd);
	return ret ?: (int64_t)purged;
}

/* Purge the mailbox of that name. Return 0 or an error. */
int nl_purge(const char *name)
{
	int64_t ret = purge(MBOX_A_MAILBOX_NAME, name, strlen(name) + 1);

	return ret < 0 ? ret : 0;
}

/* Purge the mailbox with this id, and return how many messages were dropped, or an error. */
int64_t nl_purge_id(uint64_t id)
{
	return purge(MBOX_A_MAILBOX_ID, &id, sizeof(id));
}
