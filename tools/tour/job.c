// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl tour: leases and calls. Their moments, and their concepts. */
#include <errno.h>
#include <stdio.h>
#include "tour.h"

/* Moments. */

void tour_lease(struct tour *tour, struct actor *actor)
{
	struct order order = tour_order(tour, CALL_LEASE);

	tour_step(tour, actor, &order, "receive(lease)");
}

/* Acknowledge the message that the actor leased last. */
void tour_ack(struct tour *tour, struct actor *actor)
{
	struct order order = tour_order(tour, CALL_ACK);

	order.token = actor->answer.token;
	tour_step(tour, actor, &order, "ack()");
}

void tour_call(struct tour *tour, struct actor *actor, const char *text)
{
	struct order order = tour_order(tour, CALL_CALL);
	char drawn[TEXT_SIZE];

	snprintf(drawn, sizeof(drawn), "call(\"%s\")", text);
	tour_step_text(tour, actor, &order, text, drawn);
}

void tour_reply(struct tour *tour, struct actor *actor, const char *text)
{
	struct order order = tour_order(tour, CALL_REPLY);
	char drawn[TEXT_SIZE];

	order.token = actor->answer.token;
	snprintf(order.text, sizeof(order.text), "%s", text);
	snprintf(drawn, sizeof(drawn), "reply(\"%s\")", text);
	tour_step(tour, actor, &order, drawn);
}

/* Concepts. */

static void play_lease(struct tour *tour)
{
	struct mbox_attr attr = MBOX_ATTR_INIT;
	struct actor *p, *q, *r;

	tour_stage(tour, "mailbox", SHOW_LEASED);
	p = tour_cast(tour, "P");
	q = tour_cast(tour, "Q");
	r = tour_cast(tour, "R");
	tour_box(tour, &attr);
	tour_join(tour, p, MBOX_RIGHT_SEND);
	tour_join(tour, q, MBOX_RIGHT_RECV);
	tour_join(tour, r, MBOX_RIGHT_RECV);
	tour_begin(tour);

	tour_send(tour, p, "job", 0);
	want_value(tour, p, 0);
	tour_lease(tour, q);
	want_text(tour, q, "job", p);
	want_queued(tour, 1);
	want_leased(tour, 1);
	tour_lease(tour, r);
	want_blocked(tour, r);
	tour_kill(tour, q, until_answered, r);
	want_text(tour, r, "job", p);
	want_leased(tour, 1);
	tour_ack(tour, r);
	want_done(tour, r);
	want_queued(tour, 0);
}

const struct concept concept_lease = {
	.says = "A job must not be lost when its worker dies. So a worker borrows the message, and "
		"acknowledges it when the work is done.",
	.lesson = "mbox_lease() and mbox_ack(). Q was killed with the job; it returned to its "
		  "place, and R got it at once. Without an acknowledgement it stays queued.",
	.play = play_lease,
};

static void play_call(struct tour *tour)
{
	struct mbox_attr attr = MBOX_ATTR_INIT;
	struct actor *p, *q;

	tour_stage(tour, "mailbox", SHOW_LEASED);
	p = tour_cast(tour, "P");
	q = tour_cast(tour, "Q");
	tour_box(tour, &attr);
	tour_join(tour, p, MBOX_RIGHT_SEND);
	tour_join(tour, q, MBOX_RIGHT_RECV);
	tour_begin(tour);

	tour_lease(tour, q);
	want_blocked(tour, q);
	tour_call(tour, p, "6 * 7?");
	want_blocked(tour, p);
	want_text(tour, q, "6 * 7?", p);
	tour_reply(tour, q, "42");
	want_done(tour, q);
	want_text(tour, p, "42", q);
	want_queued(tour, 0);
	tour_lease(tour, q);
	want_blocked(tour, q);
	tour_call(tour, p, "and 6 * 8?");
	want_blocked(tour, p);
	tour_kill(tour, q, until_answered, p);
	want_error(tour, p, EOWNERDEAD);
}

const struct concept concept_call = {
	.says = "A request and its reply: the caller waits until the server has answered, or "
		"cannot answer any more.",
	.lesson = "mbox_call() and mbox_reply(). The reply went straight to P, which needs no "
		  "mailbox for it. Q was killed with the second request, and P was told.",
	.play = play_call,
};
