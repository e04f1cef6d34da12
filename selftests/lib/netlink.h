/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The netlink family, spoken without a library: the tests check all that the kernel says, down to
 * the attribute that it blames.
 */
#ifndef LIB_NETLINK_H
#define LIB_NETLINK_H

#include "child.h"

#include <linux/genetlink.h>
#include <linux/mbox_netlink.h>
#include <linux/netlink.h>

#define NL_ATTRS	64
#define NL_SIZE		32768

struct nl {
	int fd;
	size_t room;			/* for a datagram; at most NL_SIZE */
	uint16_t family;
	uint32_t groups[2];		/* "events", "events-private" */
	uint32_t seq;
	/* of the last request */
	char said[256];			/* the reason of its failure */
	uint16_t blamed;		/* the attribute to blame, or 0 */
	bool interrupted;		/* a dump: things changed meanwhile */
	int messages;			/* received, without the one that ends it */
	int parts;			/* datagrams */
};

struct nl_request {
	struct nlmsghdr header;
	struct genlmsghdr genl;
	char attrs[512];
};

/* A message's attributes by their number, as long as the message is there. */
struct nl_reply {
	uint8_t cmd;
	const struct nlattr *attrs[NL_ATTRS];
};

typedef void (*nl_fn)(const struct nl_reply *reply, void *data);

void nl_begin(struct nl_request *request, uint16_t family, uint8_t cmd, uint16_t flags);
void nl_put(struct nl_request *request, uint16_t type, const void *data, size_t size);

static inline void nl_put_u32(struct nl_request *request, uint16_t type, uint32_t value)
{
	nl_put(request, type, &value, sizeof(value));
}

static inline void nl_put_u64(struct nl_request *request, uint16_t type, uint64_t value)
{
	nl_put(request, type, &value, sizeof(value));
}

static inline void nl_put_string(struct nl_request *request, uint16_t type, const char *text)
{
	nl_put(request, type, text, strlen(text) + 1);
}

static inline bool nl_has(const struct nl_reply *reply, uint16_t type)
{
	return reply->attrs[type];
}

uint64_t nl_u64(const struct nl_reply *reply, uint16_t type);
uint32_t nl_u32(const struct nl_reply *reply, uint16_t type);

static inline const char *nl_string(const struct nl_reply *reply, uint16_t type)
{
	return reply->attrs[type] ? (char *)reply->attrs[type] + NLA_HDRLEN : "";
}

void nl_parse(struct nl_reply *reply, const void *from, size_t size);
void nl_nested(struct nl_reply *nested, const struct nl_reply *reply, uint16_t type);
void nl_explain(struct nl *nl, const struct nlmsghdr *header, const struct nl_request *request);
int nl_talk(struct nl *nl, struct nl_request *request, nl_fn fn, void *data);
bool nl_hear(struct nl *nl, struct nl_reply *reply, int patience);
void nl_found(const struct nl_reply *reply, void *data);
int nl_open_room(struct nl *nl, size_t room);

static inline int nl_open(struct nl *nl)
{
	return nl_open_room(nl, NL_SIZE);
}

int nl_listen(struct nl *nl);
int nl_purge(const char *name);
int64_t nl_purge_id(uint64_t id);

#endif
