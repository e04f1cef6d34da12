// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Requests and answers; the only file that sees libnl
 *
 * libnl connects, finds the family and makes the requests. Answers are received
 * and walked here: libnl folds error numbers into fewer of its own, allocates a
 * message for each record, and takes a call for each attribute, which for a
 * hundred thousand mailboxes is most of the time that it takes to list them.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/socket.h>

#include "monitor.h"

/* The most that the kernel puts into one datagram of a dump. */
#define BUFFER_SIZE	32768
/* What may wait to be received, as far as the system lets us. */
#define RECEIVE_SIZE	(1 << 20)

struct channel {
	struct nl_sock *sock;
	unsigned char buffer[BUFFER_SIZE] __attribute__((aligned(8)));
	const struct nlmsghdr *next;	/* in the buffer */
	size_t left;			/* bytes from there on */
};

struct mbox_monitor {
	int family;
	uint32_t seq;
	bool busy;			/* in a callback */
	bool private;			/* subscribed to this group, too */
	char message[256];
	struct channel requests;
	struct channel *events;		/* or NULL */
	uint64_t record[MONITOR_RECORD_SIZE / sizeof(uint64_t)];
};

void *monitor_record(struct mbox_monitor *mon)
{
	return mon->record;
}

const char *mbox_monitor_message(const struct mbox_monitor *mon)
{
	return mon ? mon->message : "";
}

/* What the monitor means by an error where that is not what a mailbox would. */
static const char *error_text(int error)
{
	switch (error) {
	case -EBUSY:
		return "the monitor is in a callback";
	case -ENOBUFS:
		return "events came faster than they were taken, and some are lost";
	case -ENODEV:
		return "the kernel has no netlink family mbox: the mbox module is not loaded, or too old";
	case -EPROTO:
		return "the kernel's answer makes no sense";
	case -EAGAIN:
		return "no event has come";
	case -ETIMEDOUT:
		return "no event came in time";
	default:
		return mbox_strerror(error);
	}
}

int monitor_fail(struct mbox_monitor *mon, int error, const char *text)
{
	snprintf(mon->message, sizeof(mon->message), "%s", text ? text : error_text(error));
	return error;
}

/*
 * The error behind a function of libnl that failed: errno where a system call
 * did, which the caller has cleared before.
 */
static int libnl_error(int ret)
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

static int channel_connect(struct channel *channel)
{
	static const int on = 1;
	int fd, ret;

	channel->sock = nl_socket_alloc();
	if (!channel->sock)
		return -ENOMEM;
	errno = 0;
	ret = genl_connect(channel->sock);
	if (ret < 0)
		return libnl_error(ret);
	fd = nl_socket_get_fd(channel->sock);
	nl_socket_set_buffer_size(channel->sock, RECEIVE_SIZE, BUFFER_SIZE);
	/* Kernels that lack one of these say less, and look less closely. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	return 0;
}

static void channel_close(struct channel *channel)
{
	/* Without a socket this does nothing. */
	nl_socket_free(channel->sock);
}

static int monitor_connect(struct mbox_monitor *mon)
{
	int ret = channel_connect(&mon->requests);

	if (ret < 0)
		return ret;
	errno = 0;
	ret = genl_ctrl_resolve(mon->requests.sock, MBOX_FAMILY_NAME);
	if (ret < 0)
		return ret == -NLE_OBJ_NOTFOUND ? -ENODEV : libnl_error(ret);
	mon->family = ret;
	return 0;
}

int mbox_monitor_open(struct mbox_monitor **monp)
{
	int saved = errno, ret;
	struct mbox_monitor *mon;

	if (!monp)
		return -EFAULT;
	mon = calloc(1, sizeof(*mon));
	ret = mon ? monitor_connect(mon) : -ENOMEM;
	if (ret < 0)
		mbox_monitor_close(mon);
	else
		*monp = mon;
	errno = saved;
	return ret;
}

void mbox_monitor_close(struct mbox_monitor *mon)
{
	int saved = errno;

	if (!mon)
		return;
	channel_close(&mon->requests);
	if (mon->events) {
		channel_close(mon->events);
		free(mon->events);
	}
	free(mon);
	errno = saved;
}

/* Sending */

static struct nl_msg *request_new(struct mbox_monitor *mon,
				  const struct monitor_request *request)
{
	int flags = NLM_F_REQUEST | (request->dump ? NLM_F_DUMP : NLM_F_ACK);
	struct nl_msg *msg = nlmsg_alloc();
	int ret = 0;

	if (!msg)
		return NULL;
	if (!genlmsg_put(msg, NL_AUTO_PORT, ++mon->seq, mon->family, 0, flags,
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

/* The place of attribute @at in a message with these, in bytes; for the kernel's complaints. */
static const char *key_at(const struct monitor_request *request, uint32_t at)
{
	uint32_t place = NLMSG_HDRLEN + GENL_HDRLEN;

	for (unsigned int i = 0; i < request->count; i++) {
		const struct monitor_arg *arg = &request->args[i];
		size_t size;

		if (place == at)
			return arg->key;
		size = arg->kind == MONITOR_U32 ? sizeof(uint32_t) :
		       arg->kind == MONITOR_U64 ? sizeof(uint64_t) : strlen(arg->string) + 1;
		place += (uint32_t)(NLA_HDRLEN + NLA_ALIGN(size));
	}
	return NULL;
}

/* Receiving */

/* Attributes from @data to @end: the next one, or NULL; @data moves behind it. */
static const struct nlattr *next_attr(const unsigned char **data, const unsigned char *end)
{
	const struct nlattr *attr = (const void *)*data;
	size_t left = (size_t)(end - *data), size;

	if (left < (size_t)NLA_HDRLEN || attr->nla_len < NLA_HDRLEN || attr->nla_len > left)
		return NULL;
	size = NLA_ALIGN((size_t)attr->nla_len);
	*data += size < left ? size : left;
	return attr;
}

static bool take_attrs(const struct monitor_field *fields, unsigned int count,
		       unsigned char *record, const unsigned char *data,
		       const unsigned char *end);

static bool take_attr(const struct monitor_field *field, unsigned char *record,
		      const unsigned char *data, size_t size)
{
	unsigned char *to = record + field->offset;
	size_t length;

	switch (field->kind) {
	case MONITOR_U32:
		if (size != sizeof(uint32_t))
			return false;
		memcpy(to, data, sizeof(uint32_t));
		return true;
	case MONITOR_U64:
		if (size != sizeof(uint64_t))
			return false;
		memcpy(to, data, sizeof(uint64_t));
		return true;
	case MONITOR_NAME:
		length = strnlen((const char *)data, size);
		if (length >= MBOX_NAME_SIZE)
			return false;
		memcpy(to, data, length);
		return true;
	case MONITOR_NEST:
		return take_attrs(field->nest, field->nest_count, to, data, data + size);
	case MONITOR_NONE:
		break;
	}
	return true;
}

/* Attributes that are not in the table are of a newer kernel. */
static bool take_attrs(const struct monitor_field *fields, unsigned int count,
		       unsigned char *record, const unsigned char *data,
		       const unsigned char *end)
{
	const struct nlattr *attr;
	uint64_t known = 0;

	while ((attr = next_attr(&data, end))) {
		unsigned int type = attr->nla_type & NLA_TYPE_MASK;

		if (type >= count || fields[type].kind == MONITOR_NONE)
			continue;
		if (!take_attr(&fields[type], record,
			       (const unsigned char *)attr + NLA_HDRLEN,
			       attr->nla_len - (size_t)NLA_HDRLEN))
			return false;
		known |= MBOX_KNOWN(type);
	}
	memcpy(record, &known, sizeof(known));
	return end - data < NLA_HDRLEN;
}

/* Is the message of this shape? Then it is made a record. Returns 1, 0 or -EPROTO. */
static int take_record(const struct mbox_monitor *mon, const struct nlmsghdr *msg,
		       const struct monitor_shape *shape, void *record)
{
	const unsigned char *data = (const unsigned char *)msg + NLMSG_HDRLEN;
	const struct genlmsghdr *header = (const void *)data;

	if (!shape || msg->nlmsg_type != mon->family)
		return 0;
	if (msg->nlmsg_len < NLMSG_HDRLEN + GENL_HDRLEN)
		return -EPROTO;
	if (header->cmd != shape->command)
		return 0;
	memset(record, 0, shape->size);
	return take_attrs(shape->fields, shape->count, record, data + GENL_HDRLEN,
			  (const unsigned char *)msg + msg->nlmsg_len) ? 1 : -EPROTO;
}

/* Fill the buffer with what comes next. Returns 0 or -errno. */
static int channel_receive(struct channel *channel, int flags)
{
	struct sockaddr_nl from = { 0 };
	struct iovec iov = { .iov_base = channel->buffer, .iov_len = BUFFER_SIZE };
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
		/* Other processes may send here, too. */
	} while (size < 0 || from.nl_pid != 0);
	if (msg.msg_flags & MSG_TRUNC)
		return -EPROTO;
	channel->next = (const void *)channel->buffer;
	channel->left = (size_t)size;
	return 0;
}

/* The next message in the buffer, or NULL. */
static const struct nlmsghdr *channel_next(struct channel *channel)
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

/*
 * What the kernel says about an error: at @data, of a message that says by its
 * flags that it has such attributes.
 */
static int fail_with_ack(struct mbox_monitor *mon, int error,
			 const struct monitor_request *request,
			 const unsigned char *data, const unsigned char *end)
{
	const char *text = NULL, *key = NULL;
	const struct nlattr *attr;

	while ((attr = next_attr(&data, end))) {
		const char *value = (const char *)attr + NLA_HDRLEN;
		size_t size = attr->nla_len - (size_t)NLA_HDRLEN;
		uint32_t at;

		switch (attr->nla_type & NLA_TYPE_MASK) {
		case NLMSGERR_ATTR_MSG:
			if (size && !value[size - 1])
				text = value;
			break;
		case NLMSGERR_ATTR_OFFS:
			if (size != sizeof(at))
				break;
			memcpy(&at, value, sizeof(at));
			key = key_at(request, at);
			break;
		}
	}
	if (text && key)
		snprintf(mon->message, sizeof(mon->message), "%s: %s", key, text);
	else if (key)
		snprintf(mon->message, sizeof(mon->message), "%s: %s", key, error_text(error));
	else
		monitor_fail(mon, error, text);
	return error;
}

/* The end of an answer, in NLMSG_ERROR (0: an acknowledgement) or NLMSG_DONE. */
static int take_end(struct mbox_monitor *mon, const struct nlmsghdr *msg,
		    const struct monitor_request *request)
{
	const unsigned char *data = (const unsigned char *)msg + NLMSG_HDRLEN;
	const unsigned char *end = (const unsigned char *)msg + msg->nlmsg_len;
	size_t size = msg->nlmsg_type == NLMSG_ERROR ? sizeof(struct nlmsgerr) : sizeof(int);
	int error;

	if (size > (size_t)(end - data))
		return monitor_fail(mon, -EPROTO, NULL);
	memcpy(&error, data, sizeof(error));
	if (error >= 0)
		return 0;
	data += size;
	/* With the request in it unless that is capped. */
	if (msg->nlmsg_type == NLMSG_ERROR && !(msg->nlmsg_flags & NLM_F_CAPPED)) {
		const struct nlmsgerr *err = (const void *)((const unsigned char *)msg + NLMSG_HDRLEN);
		size_t more = err->msg.nlmsg_len - (size_t)NLMSG_HDRLEN;

		data += more < (size_t)(end - data) ? NLMSG_ALIGN(more) : (size_t)(end - data);
	}
	if (!(msg->nlmsg_flags & NLM_F_ACK_TLVS))
		data = end;
	return fail_with_ack(mon, error, request, data, end);
}

/*
 * Messages of one answer, up to its end. After @fn asked to stop, and after an
 * answer that makes no sense, what is left is received all the same: the socket
 * takes no other request before.
 */
static int take_answer(struct mbox_monitor *mon, const struct monitor_request *request,
		       const struct monitor_shape *shape, monitor_fn *fn, void *arg)
{
	uint64_t record[MONITOR_RECORD_SIZE / sizeof(uint64_t)];
	struct channel *channel = &mon->requests;
	bool changed = false;
	int stop = 0, ret;

	for (;;) {
		const struct nlmsghdr *msg = channel_next(channel);

		if (!msg) {
			ret = channel_receive(channel, 0);
			if (ret < 0)
				return monitor_fail(mon, ret, NULL);
			continue;
		}
		/* Of a request that was given up. */
		if (msg->nlmsg_seq != mon->seq)
			continue;
		if (msg->nlmsg_flags & NLM_F_DUMP_INTR)
			changed = true;
		if (msg->nlmsg_type == NLMSG_ERROR || msg->nlmsg_type == NLMSG_DONE) {
			ret = take_end(mon, msg, request);
			return stop ? stop : ret < 0 ? ret : changed;
		}
		if (stop)
			continue;
		ret = take_record(mon, msg, shape, record);
		if (ret < 0) {
			stop = monitor_fail(mon, ret, NULL);
		} else if (ret > 0) {
			mon->busy = true;
			stop = fn(record, arg);
			mon->busy = false;
		}
	}
}

int monitor_ask(struct mbox_monitor *mon, const struct monitor_request *request,
		const struct monitor_shape *shape, monitor_fn *fn, void *arg)
{
	int saved = errno, ret;
	struct nl_msg *msg;

	if (mon->busy)
		return monitor_fail(mon, -EBUSY, NULL);
	msg = request_new(mon, request);
	if (!msg)
		return monitor_fail(mon, -ENOMEM, NULL);
	errno = 0;
	ret = nl_send_auto(mon->requests.sock, msg);
	nlmsg_free(msg);
	if (ret < 0)
		ret = monitor_fail(mon, libnl_error(ret), NULL);
	else
		ret = take_answer(mon, request, shape, fn, arg);
	errno = saved;
	return ret;
}

/* Events */

static int group_join(struct mbox_monitor *mon, const char *name)
{
	int group, ret;

	errno = 0;
	group = genl_ctrl_resolve_grp(mon->requests.sock, MBOX_FAMILY_NAME, name);
	if (group < 0)
		return libnl_error(group);
	errno = 0;
	ret = nl_socket_add_membership(mon->events->sock, group);
	return ret < 0 ? libnl_error(ret) : 0;
}

/* The private group first: where it is refused, nothing is subscribed to. */
static int subscribe(struct mbox_monitor *mon, unsigned int flags)
{
	bool first = !mon->events;
	int ret = 0;

	if (first) {
		mon->events = calloc(1, sizeof(*mon->events));
		if (!mon->events)
			return -ENOMEM;
		ret = channel_connect(mon->events);
	}
	if (ret == 0 && (flags & MBOX_MONITOR_PRIVATE) && !mon->private) {
		ret = group_join(mon, MBOX_MCGRP_EVENTS_PRIVATE);
		mon->private = ret == 0;
	}
	if (ret == 0 && first)
		ret = group_join(mon, MBOX_MCGRP_EVENTS);
	if (ret < 0 && first) {
		channel_close(mon->events);
		free(mon->events);
		mon->events = NULL;
		mon->private = false;
	}
	return ret;
}

int mbox_monitor_subscribe(struct mbox_monitor *mon, unsigned int flags)
{
	int saved = errno, ret;

	if (!mon)
		return -EINVAL;
	if (mon->busy)
		return monitor_fail(mon, -EBUSY, NULL);
	if (flags & ~MBOX_MONITOR_PRIVATE)
		return monitor_fail(mon, -EINVAL, NULL);
	ret = subscribe(mon, flags);
	if (ret == -EPERM)
		monitor_fail(mon, ret, "the private events take CAP_NET_ADMIN");
	else if (ret < 0)
		monitor_fail(mon, ret, NULL);
	errno = saved;
	return ret;
}

int mbox_monitor_fd(const struct mbox_monitor *mon)
{
	return mon && mon->events ? nl_socket_get_fd(mon->events->sock) : -EINVAL;
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

/* Wait until something is there. @deadline may be INT64_MAX, for ever. */
static int channel_wait(struct channel *channel, int64_t deadline)
{
	struct pollfd fd = { .fd = nl_socket_get_fd(channel->sock), .events = POLLIN };
	int64_t left = deadline == INT64_MAX ? 0 : deadline - now_ns();
	struct timespec ts;
	int ret;

	if (left < 0)
		left = 0;
	ts.tv_sec = (time_t)(left / 1000000000);
	ts.tv_nsec = (long)(left % 1000000000);
	ret = ppoll(&fd, 1, deadline == INT64_MAX ? NULL : &ts, NULL);
	if (ret < 0)
		return -errno;
	return ret ? 0 : -ETIMEDOUT;
}

static int next_event(struct mbox_monitor *mon, int64_t deadline, bool wait)
{
	int ret;

	for (;;) {
		const struct nlmsghdr *msg;

		while ((msg = channel_next(mon->events))) {
			ret = take_record(mon, msg, &monitor_event_shape, mon->record);
			if (ret)
				return ret < 0 ? ret : 0;
		}
		ret = channel_receive(mon->events, MSG_DONTWAIT);
		if (ret == -EAGAIN && wait)
			ret = channel_wait(mon->events, deadline);
		if (ret < 0)
			return ret;
	}
}

int mbox_monitor_next(struct mbox_monitor *mon, int64_t timeout_ns,
		      const struct mbox_monitor_event **eventp)
{
	int64_t deadline = INT64_MAX, now;
	struct mbox_monitor_event *event;
	int saved = errno, ret;

	if (!mon)
		return -EINVAL;
	if (!eventp)
		return monitor_fail(mon, -EFAULT, NULL);
	if (mon->busy)
		return monitor_fail(mon, -EBUSY, NULL);
	if (!mon->events)
		return monitor_fail(mon, -EINVAL, "no events are subscribed to");
	if (timeout_ns < 0 && timeout_ns != MBOX_NO_TIMEOUT)
		return monitor_fail(mon, -EINVAL, NULL);
	if (timeout_ns > 0) {
		now = now_ns();
		deadline = timeout_ns < INT64_MAX - now ? now + timeout_ns : INT64_MAX;
	}
	ret = next_event(mon, deadline, timeout_ns != 0);
	errno = saved;
	if (ret < 0)
		return monitor_fail(mon, ret, NULL);
	event = monitor_record(mon);
	if (!(event->known & MBOX_KNOWN(MBOX_A_NOTICE_COUNT)))
		event->count = 1;
	*eventp = event;
	return 0;
}
