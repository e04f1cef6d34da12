// SPDX-License-Identifier: GPL-2.0-only
/* Calls in children. */
#include "child_call.h"

struct call *call_new(int fd, enum call_kind kind)
{
	struct call *call = shared_alloc(sizeof(*call));

	memset(call->data, POISON, sizeof(call->data));
	memset(&call->recv.header, POISON, sizeof(call->recv.header));
	call->fd = fd;
	call->kind = kind;
	call->ret = -EINPROGRESS;
	call->send.data = call->recv.data = address_of(call->data);
	call->recv.size = call->size = sizeof(call->data);
	return call;
}

long call_make(struct call *call)
{
	struct pollfd pollfd = { .fd = call->fd, .events = call->events };
	int ret;

	switch (call->kind) {
	case CALL_SEND:
		return xioctl(call->fd, MBOX_IOC_SEND, &call->send);
	case CALL_RECV:
		return xioctl(call->fd, MBOX_IOC_RECV, &call->recv);
	case CALL_WRITE:
		return xwrite(call->fd, call->data, call->size);
	case CALL_READ:
		return xread(call->fd, call->data, call->size);
	case CALL_POLL:
		ret = poll(&pollfd, 1, -1);
		call->events = pollfd.revents;
		return ret < 0 ? -errno : ret;
	}
	return -EINVAL;
}

void call_start(struct call *call)
{
	call->pid = fork_child();
	if (call->pid < 0) {
		perror("fork");
		abort();
	}
	if (call->pid)
		return;
	call->pid = getpid();
	if (call->prepare)
		call->prepare(call);
	call->began = now();
	set_flag(&call->ready);
	call->ret = call_make(call);
	call->ended = now();
	set_flag(&call->done);
	_exit(0);
}

/* Return the result of the call; -ETIME if it does not end, -ECHILD if the child was killed in it. */
long call_end(struct call *call)
{
	int status = reap(call->pid);

	if (status < 0)
		return status;
	return call->done ? call->ret : -ECHILD;
}

struct call *send_start_flags(int fd, uint32_t flags, uint32_t prio, const char *text)
{
	struct call *call = call_new(fd, CALL_SEND);

	call->send.flags = flags;
	call->send.prio = prio;
	call->send.size = strlen(text);
	memcpy(call->data, text, call->send.size);
	call_start(call);
	return call;
}

struct call *recv_start(int fd)
{
	struct call *call = call_new(fd, CALL_RECV);

	call_start(call);
	return call;
}

/* Return the text that a receive in a child got, or the name of its error. */
const char *recv_end(struct call *call)
{
	long ret = call_end(call);

	if (ret < 0)
		return strerrorname_np(-ret);
	if (call->recv.header.length >= sizeof(call->data))
		return "(header.length is wrong)";
	call->data[call->recv.header.length] = '\0';
	return (const char *)call->data;
}
