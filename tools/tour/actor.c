// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl tour: the actors, processes that carry out orders. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tour.h"

/* The actor's side. */

static void copy_text(char *to, const char *from)
{
	snprintf(to, TEXT_SIZE, "%.*s", TEXT_SIZE - 1, from);
}

static long do_send(struct mbox *box, const struct order *order, struct answer *answer)
{
	struct mbox_send_opts opts = { .flags = order->flags, .type = order->type };
	size_t length = strlen(order->text);
	size_t size = order->size > length ? order->size : length;
	char *data = calloc(1, size + 1);
	long ret = 0;

	if (!data)
		return -ENOMEM;
	memcpy(data, order->text, length);
	for (answer->count = 0; answer->count < order->count; answer->count++) {
		if (order->count > 1) {
			/* Each of many has its number as text. */
			size = (size_t)snprintf(data, size + 1, "%u", answer->count % 10);
			opts.type = answer->count + 1;
		}
		ret = mbox_send(box, data, size, &opts);
		if (ret < 0)
			break;
	}
	free(data);
	return ret;
}

static long do_recv(struct mbox *box, const struct order *order, struct answer *answer)
{
	struct mbox_recv_opts opts = { .flags = order->flags };
	struct mbox_header header;
	long ret = 0;

	for (answer->count = 0; answer->count < order->count; answer->count++) {
		void *data;

		ret = mbox_recv_alloc(box, &data, &opts, &header);
		if (ret < 0)
			break;
		copy_text(answer->text, data);
		free(data);
		answer->pid = (pid_t)header.pid;
		if (order->count > 1 && header.type != answer->count + 1) {
			ret = -EBADMSG;		/* out of order */
			break;
		}
	}
	return ret;
}

static long do_lease(struct mbox *box, struct answer *answer)
{
	struct mbox_delivery delivery;
	struct mbox_header header;
	long ret = mbox_lease(box, answer->text, TEXT_SIZE - 1, NULL, &header, &delivery);

	if (ret >= 0) {
		answer->text[ret] = '\0';
		answer->pid = (pid_t)header.pid;
		answer->token = delivery.token;
	}
	return ret;
}

static long do_call(struct mbox *box, const struct order *order, struct answer *answer)
{
	const struct mbox_send_opts send = { .type = order->type };
	const struct mbox_call_opts opts = { .send = &send };
	struct mbox_called called;
	long ret = mbox_call(box, order->text, strlen(order->text), answer->text, TEXT_SIZE - 1,
			     &opts, &called);

	if (ret >= 0) {
		answer->text[ret] = '\0';
		answer->pid = (pid_t)called.pid;
	}
	return ret;
}

static long perform(struct mbox **box, const struct order *order, struct answer *answer)
{
	struct mbox **mine = &box[order->handle];

	switch (order->call) {
	case CALL_CREATE:
		return mbox_create(mine, order->name, order->rights, &order->attr);
	case CALL_OPEN:
		return mbox_open(mine, order->name, order->rights);
	case CALL_LINK:
		return mbox_link(mine, order->pid, order->attr.capacity, 0);
	case CALL_INBOX:
		return mbox_inbox(mine);
	case CALL_SEND:
		return do_send(*mine, order, answer);
	case CALL_RECV:
		return do_recv(*mine, order, answer);
	case CALL_HANDOVER:
		return mbox_handover(*mine, order->pid, order->flags);
	case CALL_NICE:
		return setpriority(PRIO_PROCESS, 0, 10) ? -errno : 0;
	case CALL_LEASE:
		return do_lease(*mine, answer);
	case CALL_ACK:
		return mbox_ack(*mine, order->token);
	case CALL_CALL:
		return do_call(*mine, order, answer);
	case CALL_REPLY:
		return mbox_reply(*mine, order->token, order->text, strlen(order->text));
	}
	return -EINVAL;
}

static bool makes_handle(enum call call)
{
	return call == CALL_CREATE || call == CALL_OPEN || call == CALL_LINK || call == CALL_INBOX;
}

/* @box may be NULL. */
static void say(int socket, const struct answer *answer, struct mbox *box)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .space = { 0 } };
	struct iovec iov = { (void *)answer, sizeof(*answer) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (box) {
		int fd = mbox_fd(box);

		control.head = (struct cmsghdr) {
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
			.cmsg_len = CMSG_LEN(sizeof(fd)),
		};
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
	}
	if (sendmsg(socket, &msg, MSG_NOSIGNAL) != sizeof(*answer))
		_exit(1);
}

__attribute__((noreturn))
static void act(int socket)
{
	struct mbox *box[HANDLES_MAX] = { NULL };
	struct order order;

	while (recv(socket, &order, sizeof(order), 0) == sizeof(order)) {
		struct answer answer = { .begun = true };
		bool made;

		say(socket, &answer, NULL);
		answer.begun = false;
		answer.value = perform(box, &order, &answer);
		made = makes_handle(order.call) && answer.value >= 0;
		say(socket, &answer, made ? box[order.handle] : NULL);
	}
	_exit(0);
}

/* The director's side. Functions return 0 or -errno. */

/* Start an actor. It closes the sockets of the @count actors @others. */
int actor_start(struct actor *actor, const struct actor *others, int count)
{
	pid_t director = getpid();
	int ends[2], error;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	actor->pid = fork();
	if (!actor->pid) {
		/* End with the director, also when it is killed. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != director)
			_exit(1);
		close(ends[0]);
		for (int i = 0; i < count; i++)
			if (others[i].alive)
				close(others[i].socket);
		act(ends[1]);
	}
	error = -errno;
	close(ends[1]);
	if (actor->pid < 0) {
		close(ends[0]);
		return error;
	}
	actor->socket = ends[0];
	actor->alive = true;
	return 0;
}

/* Return once the actor has read the order: if it sleeps after that, it does in its call. */
int actor_tell(struct actor *actor, const struct order *order)
{
	struct answer answer;
	struct mbox *box;
	int error;

	if (send(actor->socket, order, sizeof(*order), MSG_NOSIGNAL) != sizeof(*order))
		return -errno;
	error = actor_hear(actor, &answer, &box);
	if (!error && !answer.begun)
		error = -EPROTO;
	return error;
}

/* Wait for the answer. @box is the handle that the actor opened, or NULL. */
int actor_hear(struct actor *actor, struct answer *answer, struct mbox **box)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { answer, sizeof(*answer) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;
	ssize_t n;
	int fd;

	*box = NULL;
	n = recvmsg(actor->socket, &msg, MSG_CMSG_CLOEXEC);
	if (n != sizeof(*answer))
		return n < 0 ? -errno : -ECHILD;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (!cmsg)
		return 0;
	memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	return mbox_from_fd(box, fd);
}

/* Close our copies of its handles first, so that its end closes the last ones. */
void actor_end(struct actor *actor)
{
	if (!actor->alive)
		return;
	for (int i = 0; i < HANDLES_MAX; i++) {
		mbox_close(actor->box[i]);
		actor->box[i] = NULL;
	}
	kill(actor->pid, SIGKILL);
	while (waitpid(actor->pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(actor->socket);
	actor->alive = false;
	actor->pending = false;
}
