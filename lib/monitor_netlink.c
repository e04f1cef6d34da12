// SPDX-License-Identifier: LGPL-2.1-or-later
/* A monitor: sending its requests, and making records of the answers */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "monitor.h"

const char *mbox_monitor_message(const struct mbox_monitor *mon)
{
	return mon ? mon->message : "";
}

/* Return the text of an error; some errors mean something else than on a mailbox. */
static const char *netlink_error_text(int error)
{
	switch (error) {
	case -EBUSY:
		return "the monitor is in a callback";
	case -ENOBUFS:
		return "events came faster than they were taken, and some are lost";
	case -ENODEV:
		return "the kernel has no netlink family mbox: the mbox module is not loaded, or too old";
	case -EPROTO:
		return "the kernel's answer is invalid";
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
	snprintf(mon->message, sizeof(mon->message), "%s", text ? text : netlink_error_text(error));
	return error;
}

static int netlink_connect(struct mbox_monitor *mon)
{
	int ret = monitor_channel_connect(&mon->requests);

	if (ret < 0)
		return ret;
	mon->family = monitor_channel_family(&mon->requests);
	return mon->family < 0 ? mon->family : 0;
}

int mbox_monitor_open(struct mbox_monitor **monp)
{
	int saved = errno, ret;
	struct mbox_monitor *mon;

	if (!monp)
		return -EFAULT;
	mon = calloc(1, sizeof(*mon));
	ret = mon ? netlink_connect(mon) : -ENOMEM;
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
	monitor_channel_close(&mon->requests);
	if (mon->events) {
		monitor_channel_close(mon->events);
		free(mon->events);
	}
	free(mon);
	errno = saved;
}

/* Return the name of the attribute at offset @at of the request, from the kernel's error. */
static const char *netlink_key_at(const struct monitor_request *request, uint32_t at)
{
	uint32_t offset = NLMSG_HDRLEN + GENL_HDRLEN;

	for (unsigned int i = 0; i < request->count; i++) {
		const struct monitor_arg *arg = &request->args[i];
		size_t size;

		if (offset == at)
			return arg->key;
		size = arg->kind == MONITOR_U32 ? sizeof(uint32_t) :
		       arg->kind == MONITOR_U64 ? sizeof(uint64_t) : strlen(arg->string) + 1;
		offset += (uint32_t)(NLA_HDRLEN + NLA_ALIGN(size));
	}
	return NULL;
}

/* Return the next attribute between @data and @end, or NULL; move @data behind it. */
static const struct nlattr *netlink_next_attr(const unsigned char **data, const unsigned char *end)
{
	const struct nlattr *attr = (const void *)*data;
	size_t left = (size_t)(end - *data), size;

	if (left < (size_t)NLA_HDRLEN || attr->nla_len < NLA_HDRLEN || attr->nla_len > left)
		return NULL;
	size = NLA_ALIGN((size_t)attr->nla_len);
	*data += size < left ? size : left;
	return attr;
}

static bool netlink_take_attrs(const struct monitor_field *fields, unsigned int count,
		       unsigned char *record, const unsigned char *data,
		       const unsigned char *end);

static bool netlink_take_attr(const struct monitor_field *field, unsigned char *record,
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
	case MONITOR_LABEL:
		if (size >= MBOX_LABEL_SIZE)
			return false;
		memcpy(to, data, size);
		return true;
	case MONITOR_NEST:
		return netlink_take_attrs(field->nest, field->nest_count, to, data, data + size);
	case MONITOR_NONE:
		break;
	}
	return true;
}

/* Skip attributes that are not in the table: a newer kernel has them. */
static bool netlink_take_attrs(const struct monitor_field *fields, unsigned int count,
		       unsigned char *record, const unsigned char *data,
		       const unsigned char *end)
{
	const struct nlattr *attr;
	uint64_t known = 0;

	while ((attr = netlink_next_attr(&data, end))) {
		unsigned int type = attr->nla_type & NLA_TYPE_MASK;

		if (type >= count || fields[type].kind == MONITOR_NONE)
			continue;
		if (!netlink_take_attr(&fields[type], record,
			       (const unsigned char *)attr + NLA_HDRLEN,
			       attr->nla_len - (size_t)NLA_HDRLEN))
			return false;
		known |= MBOX_KNOWN(type);
	}
	memcpy(record, &known, sizeof(known));
	return end - data < NLA_HDRLEN;
}

int monitor_take_record(const struct mbox_monitor *mon, const struct nlmsghdr *msg,
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
	return netlink_take_attrs(shape->fields, shape->count, record, data + GENL_HDRLEN,
			  (const unsigned char *)msg + msg->nlmsg_len) ? 1 : -EPROTO;
}

/* Store the kernel's text for an error, from the attributes at @data, as the message. */
static int netlink_fail(struct mbox_monitor *mon, int error,
			 const struct monitor_request *request,
			 const unsigned char *data, const unsigned char *end)
{
	const char *text = NULL, *key = NULL;
	const struct nlattr *attr;

	while ((attr = netlink_next_attr(&data, end))) {
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
			key = netlink_key_at(request, at);
			break;
		}
	}
	if (text && key)
		snprintf(mon->message, sizeof(mon->message), "%s: %s", key, text);
	else if (key)
		snprintf(mon->message, sizeof(mon->message), "%s: %s", key, netlink_error_text(error));
	else
		monitor_fail(mon, error, text);
	return error;
}

/* Take the end of an answer: NLMSG_ERROR (0 is an acknowledgement) or NLMSG_DONE. */
static int netlink_take_end(struct mbox_monitor *mon, const struct nlmsghdr *msg,
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
	/* The request follows, unless the kernel capped it. */
	if (msg->nlmsg_type == NLMSG_ERROR && !(msg->nlmsg_flags & NLM_F_CAPPED)) {
		const struct nlmsgerr *err = (const void *)((const unsigned char *)msg + NLMSG_HDRLEN);
		size_t more = err->msg.nlmsg_len - (size_t)NLMSG_HDRLEN;

		data += more < (size_t)(end - data) ? NLMSG_ALIGN(more) : (size_t)(end - data);
	}
	if (!(msg->nlmsg_flags & NLM_F_ACK_TLVS))
		data = end;
	return netlink_fail(mon, error, request, data, end);
}

/*
 * Receive an answer up to its end. If @fn stops the dump, or the answer is invalid,
 * receive the rest all the same: the socket takes no other request before.
 */
static int netlink_take_answer(struct mbox_monitor *mon, const struct monitor_request *request,
		       const struct monitor_shape *shape, monitor_fn *fn, void *arg)
{
	uint64_t record[MONITOR_RECORD_SIZE / sizeof(uint64_t)];
	struct monitor_channel *channel = &mon->requests;
	bool changed = false;
	int stop = 0, ret;

	for (;;) {
		const struct nlmsghdr *msg = monitor_channel_next(channel);

		if (!msg) {
			ret = monitor_channel_receive(channel, 0);
			if (ret < 0)
				return monitor_fail(mon, ret, NULL);
			continue;
		}
		/* An answer to an earlier request that failed. */
		if (msg->nlmsg_seq != mon->seq)
			continue;
		if (msg->nlmsg_flags & NLM_F_DUMP_INTR)
			changed = true;
		if (msg->nlmsg_type == NLMSG_ERROR || msg->nlmsg_type == NLMSG_DONE) {
			ret = netlink_take_end(mon, msg, request);
			return stop ? stop : ret < 0 ? ret : changed;
		}
		if (stop)
			continue;
		ret = monitor_take_record(mon, msg, shape, record);
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

	if (mon->busy)
		return monitor_fail(mon, -EBUSY, NULL);
	ret = monitor_channel_send(&mon->requests, mon->family, ++mon->seq, request);
	if (ret < 0)
		ret = monitor_fail(mon, ret, NULL);
	else
		ret = netlink_take_answer(mon, request, shape, fn, arg);
	errno = saved;
	return ret;
}
