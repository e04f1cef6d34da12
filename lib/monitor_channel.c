// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A channel: one netlink socket and its buffer; the only file that sees libnl
 *
 * libnl connects, resolves names and builds requests. The library receives and
 * walks the answers itself: libnl folds error numbers into fewer of its own,
 * allocates a message for each record and needs a call for each attribute, which is
 * most of the time of listing a hundred thousand mailboxes.
 */
#include <poll.h>
#include <sys/socket.h>

#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/socket.h>

#include "monitor.h"

/* Bytes of the socket's receive buffer, as far as the system allows. */
#define RECEIVE_SIZE	(1 << 20)

/*
 * Return the error of a failed function of libnl: errno if a system call failed.
 * The caller cleared errno before.
 */
static int channel_error(int ret)
{
	if (errno)
		return -errno;
	switch (-ret) {
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_OBJ_NOTFOUND:
		return -ENODEV;
	case NLE_PERM:
		return -EPERM;
	default:
		return -EPROTO;
	}
}

int monitor_channel_connect(struct monitor_channel *channel)
{
	static const int on = 1;
	int fd, ret;

	channel->sock = nl_socket_alloc();
	if (!channel->sock)
		return -ENOMEM;
	errno = 0;
	ret = genl_connect(channel->sock);
	if (ret < 0)
		return channel_error(ret);
	fd = nl_socket_get_fd(channel->sock);
	nl_socket_set_buffer_size(channel->sock, RECEIVE_SIZE, MONITOR_BUFFER_SIZE);
	/* A kernel that lacks one of these explains less, and checks less strictly. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	return 0;
}

void monitor_channel_close(struct monitor_channel *channel)
{
	/* Without a socket this does nothing. */
	nl_socket_free(channel->sock);
}

int monitor_channel_fd(const struct monitor_channel *channel)
{
	return nl_socket_get_fd(channel->sock);
}

int monitor_channel_family(struct monitor_channel *channel)
{
	int ret;

	errno = 0;
	ret = genl_ctrl_resolve(channel->sock, MBOX_FAMILY_NAME);
	if (ret >= 0)
		return ret;
	return ret == -NLE_OBJ_NOTFOUND ? -ENODEV : channel_error(ret);
}

int monitor_channel_group(struct monitor_channel *channel, const char *name)
{
	int ret;

	errno = 0;
	ret = genl_ctrl_resolve_grp(channel->sock, MBOX_FAMILY_NAME, name);
	return ret < 0 ? channel_error(ret) : ret;
}

int monitor_channel_join(struct monitor_channel *channel, int group)
{
	int ret;

	errno = 0;
	ret = nl_socket_add_membership(channel->sock, group);
	return ret < 0 ? channel_error(ret) : 0;
}

static struct nl_msg *channel_request(int family, uint32_t seq,
				      const struct monitor_request *request)
{
	int flags = NLM_F_REQUEST | (request->dump ? NLM_F_DUMP : NLM_F_ACK);
	struct nl_msg *msg = nlmsg_alloc();
	int ret = 0;

	if (!msg)
		return NULL;
	if (!genlmsg_put(msg, NL_AUTO_PORT, seq, family, 0, flags,
			 (uint8_t)request->command, MBOX_FAMILY_VERSION))
		ret = -1;
	for (unsigned int i = 0; i < request->count && ret == 0; i++) {
		const struct monitor_arg *arg = &request->args[i];

		if (arg->kind == MONITOR_U32)
			ret = nla_put_u32(msg, (int)arg->attr, (uint32_t)arg->num);
		else if (arg->kind == MONITOR_U64)
			ret = nla_put_u64(msg, (int)arg->attr, arg->num);
		else
			ret = nla_put_string(msg, (int)arg->attr, arg->string);
	}
	if (ret) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

int monitor_channel_send(struct monitor_channel *channel, int family, uint32_t seq,
			 const struct monitor_request *request)
{
	struct nl_msg *msg = channel_request(family, seq, request);
	int ret;

	if (!msg)
		return -ENOMEM;
	errno = 0;
	ret = nl_send_auto(channel->sock, msg);
	nlmsg_free(msg);
	return ret < 0 ? channel_error(ret) : 0;
}

int monitor_channel_receive(struct monitor_channel *channel, int flags)
{
	struct sockaddr_nl from = { 0 };
	struct iovec iov = { .iov_base = channel->buffer, .iov_len = sizeof(channel->buffer) };
	struct msghdr msg = {
		.msg_name = &from,
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	ssize_t size;

	channel->left = 0;
	do {
		msg.msg_namelen = sizeof(from);
		size = recvmsg(nl_socket_get_fd(channel->sock), &msg, flags);
		if (size < 0 && errno != EINTR)
			return -errno;
		/* Other processes can send to this socket too: skip them. */
	} while (size < 0 || from.nl_pid != 0);
	if (msg.msg_flags & MSG_TRUNC)
		return -EPROTO;
	channel->next = (const void *)channel->buffer;
	channel->left = (size_t)size;
	return 0;
}

const struct nlmsghdr *monitor_channel_next(struct monitor_channel *channel)
{
	const struct nlmsghdr *msg = channel->next;
	size_t size;

	if (channel->left < NLMSG_HDRLEN || msg->nlmsg_len < NLMSG_HDRLEN ||
	    msg->nlmsg_len > channel->left)
		return NULL;
	size = NLMSG_ALIGN(msg->nlmsg_len);
	if (size > channel->left)
		size = channel->left;
	channel->next = (const void *)((const unsigned char *)msg + size);
	channel->left -= size;
	return msg;
}

int monitor_channel_wait(struct monitor_channel *channel, int64_t deadline)
{
	struct pollfd fd = { .fd = nl_socket_get_fd(channel->sock), .events = POLLIN };
	int64_t now, left;
	struct timespec ts;
	int ret;

	ret = mbox_deadline_after(0, MBOX_CLOCK_MONOTONIC, &now);
	if (ret < 0)
		return ret;
	left = deadline > now ? deadline - now : 0;
	ts.tv_sec = (time_t)(left / 1000000000);
	ts.tv_nsec = (long)(left % 1000000000);
	ret = ppoll(&fd, 1, deadline == INT64_MAX ? NULL : &ts, NULL);
	if (ret < 0)
		return -errno;
	return ret ? 0 : -ETIMEDOUT;
}
