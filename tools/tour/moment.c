// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl tour: moments. Tell the actors, and wait until all have settled. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "tour.h"

/* Longest time that the actors may take to settle. */
#define PATIENCE_SECONDS	30

static struct actor *who_is(struct tour *tour, pid_t pid)
{
	for (int i = 0; i < tour->actors; i++)
		if (tour->actor[i].pid == pid)
			return &tour->actor[i];
	return NULL;
}

/* Looking. */

static void look_through(struct tour *tour, struct mbox *box, struct look *look, uint64_t *seen,
			 int *count)
{
	struct mbox_info info;
	int error;

	if (!box)
		return;
	error = mbox_get(box, &info);
	if (error) {
		tour_fail_call(tour, "looking at the mailbox", error);
		return;
	}
	for (int i = 0; i < *count; i++)
		if (seen[i] == info.id)
			return;
	seen[(*count)++] = info.id;
	look->senders += info.senders;
	look->receivers += info.receivers;
	if (!look->any)
		look->info = info;
	look->any = true;
}

void tour_look(struct tour *tour, struct look *look)
{
	uint64_t seen[1 + ACTORS_MAX * HANDLES_MAX];
	int count = 0;

	memset(look, 0, sizeof(*look));
	look_through(tour, tour->eye, look, seen, &count);
	for (int i = 0; i < tour->actors; i++)
		for (int j = 0; j < HANDLES_MAX; j++)
			look_through(tour, tour->actor[i].box[j], look, seen, &count);
}

/* Are all actors without a result blocked? */
static bool all_blocked(struct tour *tour)
{
	unsigned int senders = 0, receivers = 0;
	struct look look;

	for (int i = 0; i < tour->actors; i++) {
		const struct actor *a = &tour->actor[i];

		if (!a->pending)
			continue;
		switch (a->order.call) {
		case CALL_SEND:
		case CALL_CALL:
			senders++;
			break;
		case CALL_RECV:
		case CALL_LEASE:
			receivers++;
			break;
		default:
			return false;
		}
	}
	tour_look(tour, &look);
	return senders == look.senders && receivers == look.receivers;
}

/* Take a result. */
static void hear(struct tour *tour, struct actor *actor)
{
	struct mbox *box;
	int error = actor_hear(actor, &actor->answer, &box);

	actor->pending = false;
	if (error) {
		tour_fail(tour, "%s ended in the midst of a call (%s)", actor->name, strerror(-error));
		return;
	}
	actor->answered = true;
	if (box) {
		mbox_close(actor->box[actor->order.handle]);
		actor->box[actor->order.handle] = box;
	}
}

/* Take the results, and wait up to @milliseconds for the first. */
static bool hear_all(struct tour *tour, int milliseconds)
{
	struct pollfd fds[ACTORS_MAX];
	bool any = false;

	for (int i = 0; i < tour->actors; i++) {
		fds[i] = (struct pollfd) {
			.fd = tour->actor[i].pending ? tour->actor[i].socket : -1,
			.events = POLLIN,
		};
	}
	if (poll(fds, (nfds_t)tour->actors, milliseconds) <= 0)
		return false;
	for (int i = 0; i < tour->actors; i++) {
		if (!fds[i].revents)
			continue;
		hear(tour, &tour->actor[i]);
		any = true;
	}
	return any;
}

/* Wait until each actor has a result or is blocked, and @until is met. */
static void settle(struct tour *tour, until_fn *until, const struct actor *actor)
{
	struct timespec start, now;

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (!tour->failed) {
		/* The order matters: an actor that is blocked, and then has no result, still is blocked. */
		bool settled = all_blocked(tour) && (!until || until(tour, actor));

		if (hear_all(tour, settled ? 0 : 1))
			continue;
		if (settled)
			return;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - start.tv_sec > PATIENCE_SECONDS)
			tour_fail(tour, "nothing happened for %d seconds", PATIENCE_SECONDS);
	}
}

/* Moments. */

static void moment_begin(struct tour *tour)
{
	for (int i = 0; i < tour->actors; i++) {
		struct actor *a = &tour->actor[i];

		a->called = false;
		a->answered = false;
		a->was_blocked = a->pending;
		a->call[0] = '\0';
		a->outcome[0] = '\0';
	}
	tour->note[0] = '\0';
}

static void outcome(struct tour *tour, struct actor *a)
{
	const struct answer *answer = &a->answer;
	const struct actor *other;
	size_t size = sizeof(a->outcome);

	if (answer->value < 0) {
		snprintf(a->outcome, size, "fails: %s", strerrorname_np((int)-answer->value));
		return;
	}
	switch (a->order.call) {
	case CALL_RECV:
	case CALL_LEASE:
	case CALL_CALL:
		other = who_is(tour, answer->pid);
		if (a->order.count > 1)
			snprintf(a->outcome, size, "%u, in order", answer->count);
		else
			snprintf(a->outcome, size, "\"%s\"%s%s", answer->text,
				 other ? " from " : "", other ? other->name : "");
		break;
	case CALL_SEND:
		other = answer->value ? who_is(tour, (pid_t)answer->value) : NULL;
		if (other)
			snprintf(a->outcome, size, "%s got it", other->name);
		else if (answer->value)
			snprintf(a->outcome, size, "to %ld of them", answer->value);
		else
			snprintf(a->outcome, size, "sent");
		break;
	default:
		snprintf(a->outcome, size, "done");
	}
}

static void moment_end(struct tour *tour)
{
	int error;

	if (tour->failed)
		return;
	tour->moment++;
	for (int i = 0; i < tour->actors; i++)
		if (tour->actor[i].answered)
			outcome(tour, &tour->actor[i]);
	draw_moment(tour);
	/* Write each moment when it happens. */
	error = out_flush();
	if (error) {
		tour->output = error;
		tour_fail(tour, "standard output");
	}
}

/* Tell an actor; @drawn is the call as it is drawn, or NULL if it is not drawn. */
void tour_step(struct tour *tour, struct actor *actor, const struct order *order,
	       const char *drawn)
{
	int error;

	if (tour->failed)
		return;
	if (actor->pending || !actor->alive) {
		tour_fail(tour, "%s cannot be told anything now", actor->name);
		return;
	}
	moment_begin(tour);
	actor->order = *order;
	actor->called = true;
	actor->pending = true;
	actor->joined = true;
	error = actor_tell(actor, order);
	if (error) {
		tour_fail(tour, "%s does not listen (%s)", actor->name, strerror(-error));
		return;
	}
	settle(tour, NULL, NULL);
	if (!drawn)
		return;
	snprintf(actor->call, sizeof(actor->call), "%s", drawn);
	moment_end(tour);
}

struct order tour_order(struct tour *tour, enum call call)
{
	struct order order = { .call = call, .count = 1 };

	snprintf(order.name, sizeof(order.name), "%s", tour->name);
	return order;
}

void tour_create(struct tour *tour, struct actor *actor, const struct mbox_attr *attr,
		 const char *how)
{
	struct order order = tour_order(tour, CALL_CREATE);
	char drawn[TEXT_SIZE];

	order.attr = *attr;
	order.rights = MBOX_RIGHT_SEND | MBOX_RIGHT_RECV;
	snprintf(drawn, sizeof(drawn), "create(%s)", how);
	tour_step(tour, actor, &order, drawn);
}

void tour_open(struct tour *tour, struct actor *actor, unsigned int rights)
{
	struct order order = tour_order(tour, CALL_OPEN);

	order.rights = rights;
	tour_step(tour, actor, &order, "open()");
}

/* A link to the first of the other actors is handle 0, one to the next handle 1. */
static unsigned int handle_to(const struct tour *tour, const struct actor *actor,
			      const struct actor *peer)
{
	unsigned int handle = (unsigned int)(peer - tour->actor);

	return peer > actor ? handle - 1 : handle;
}

void tour_link(struct tour *tour, struct actor *actor, struct actor *peer)
{
	struct order order = tour_order(tour, CALL_LINK);
	char drawn[TEXT_SIZE];

	order.pid = peer->pid;
	order.attr.capacity = 4;
	order.handle = handle_to(tour, actor, peer);
	snprintf(drawn, sizeof(drawn), "link(%s)", peer->name);
	tour_step(tour, actor, &order, drawn);
}

/* The inbox is the handle after those of the links. */
void tour_inbox(struct tour *tour, struct actor *actor)
{
	struct order order = tour_order(tour, CALL_INBOX);

	order.handle = ACTORS_MAX - 1;
	tour_step(tour, actor, &order, "inbox()");
}

void tour_step_text(struct tour *tour, struct actor *actor, struct order *order,
		    const char *text, const char *drawn)
{
	snprintf(order->text, sizeof(order->text), "%s", text);
	/* The type of a message tells its text. */
	if (tour->messages < MESSAGES_MAX) {
		snprintf(tour->sent[tour->messages], TEXT_SIZE, "%s", text);
		order->type = ++tour->messages;
	}
	tour_step(tour, actor, order, drawn);
}

void tour_send(struct tour *tour, struct actor *actor, const char *text, unsigned int flags)
{
	struct order order = tour_order(tour, CALL_SEND);
	char drawn[TEXT_SIZE];

	order.flags = flags;
	snprintf(drawn, sizeof(drawn), "send(\"%s\"%s)", text,
		 flags & MBOX_SEND_SYNC ? ", sync" :
		 flags & MBOX_SEND_NONBLOCK ? ", nonblock" : "");
	tour_step_text(tour, actor, &order, text, drawn);
}

void tour_send_to(struct tour *tour, struct actor *actor, struct actor *peer, const char *text)
{
	struct order order = tour_order(tour, CALL_SEND);
	char drawn[TEXT_SIZE];

	order.handle = handle_to(tour, actor, peer);
	snprintf(drawn, sizeof(drawn), "send(%s, \"%s\")", peer->name, text);
	tour_step_text(tour, actor, &order, text, drawn);
}

void tour_send_large(struct tour *tour, struct actor *actor, const char *text, size_t size)
{
	struct order order = tour_order(tour, CALL_SEND);
	char drawn[TEXT_SIZE];

	order.size = size;
	snprintf(drawn, sizeof(drawn), "send(%zu B \"%s\")", size, text);
	tour_step_text(tour, actor, &order, text, drawn);
}

void tour_send_many(struct tour *tour, struct actor *actor, unsigned int count)
{
	struct order order = tour_order(tour, CALL_SEND);
	char drawn[TEXT_SIZE];

	order.count = count;
	snprintf(drawn, sizeof(drawn), "%u times send()", count);
	tour_step(tour, actor, &order, drawn);
}

void tour_recv(struct tour *tour, struct actor *actor, unsigned int flags)
{
	struct order order = tour_order(tour, CALL_RECV);

	order.flags = flags;
	tour_step(tour, actor, &order, flags & MBOX_RECV_NONBLOCK ? "receive(nonblock)" : "receive()");
}

void tour_recv_from(struct tour *tour, struct actor *actor, struct actor *peer)
{
	struct order order = tour_order(tour, CALL_RECV);
	char drawn[TEXT_SIZE];

	order.handle = handle_to(tour, actor, peer);
	snprintf(drawn, sizeof(drawn), "receive(%s)", peer->name);
	tour_step(tour, actor, &order, drawn);
}

void tour_recv_any(struct tour *tour, struct actor *actor)
{
	struct order order = tour_order(tour, CALL_RECV);

	order.handle = ACTORS_MAX - 1;
	tour_step(tour, actor, &order, "receive(any)");
}

void tour_recv_many(struct tour *tour, struct actor *actor, unsigned int count)
{
	struct order order = tour_order(tour, CALL_RECV);
	char drawn[TEXT_SIZE];

	order.count = count;
	snprintf(drawn, sizeof(drawn), "%u times receive()", count);
	tour_step(tour, actor, &order, drawn);
}

/* @to is NULL for the operating system. */
void tour_handover(struct tour *tour, struct actor *actor, struct actor *to, unsigned int flags)
{
	struct order order = tour_order(tour, CALL_HANDOVER);
	char drawn[TEXT_SIZE];

	order.pid = to ? to->pid : 0;
	order.flags = flags;
	snprintf(drawn, sizeof(drawn), "%s(%s)",
		 flags & MBOX_HANDOVER_HEIR ? "heir" : "handover", to ? to->name : "OS");
	tour_step(tour, actor, &order, drawn);
}

void tour_nice(struct tour *tour, struct actor *actor)
{
	struct order order = tour_order(tour, CALL_NICE);

	tour_step(tour, actor, &order, "nice(10)");
}

/* Delete the mailbox by name, as mboxctl does. */
void tour_delete(struct tour *tour)
{
	if (tour->failed)
		return;
	moment_begin(tour);
	tour_fail_call(tour, "deleting the mailbox", mbox_delete(tour->name, MBOX_DELETE_FORCE, NULL));
	settle(tour, until_dead, NULL);
	snprintf(tour->note, sizeof(tour->note), "mboxctl delete");
	moment_end(tour);
}

/* Kill an actor. */
void tour_kill(struct tour *tour, struct actor *victim, until_fn *until,
	       const struct actor *actor)
{
	if (tour->failed)
		return;
	moment_begin(tour);
	snprintf(victim->call, sizeof(victim->call), "kill -KILL");
	victim->called = true;
	actor_end(victim);
	settle(tour, until, actor);
	moment_end(tour);
}

/* Open the mailbox without drawing it. */
void tour_join(struct tour *tour, struct actor *actor, unsigned int rights)
{
	struct order order = tour_order(tour, CALL_OPEN);

	order.rights = rights;
	tour_step(tour, actor, &order, NULL);
	want_done(tour, actor);
}
