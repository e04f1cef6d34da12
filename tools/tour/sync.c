// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl tour: synchronization. Blocking and non-blocking send and receive. */
#include <errno.h>
#include "tour.h"

/* Set the scene for a sender P and a receiver Q on a mailbox of @capacity. */
static void two_on_box(struct tour *tour, const char *title, uint32_t capacity,
		       struct actor **p, struct actor **q)
{
	struct mbox_attr attr = MBOX_ATTR_INIT;

	tour_stage(tour, title, SHOW_TEXTS);
	*p = tour_cast(tour, "P");
	*q = tour_cast(tour, "Q");
	attr.capacity = capacity;
	tour_box(tour, &attr);
	tour_join(tour, *p, MBOX_RIGHT_SEND);
	tour_join(tour, *q, MBOX_RIGHT_RECV);
	tour_begin(tour);
}

static void play_blocking_send(struct tour *tour)
{
	struct actor *p, *q;

	two_on_box(tour, "mailbox, keeps 4", 4, &p, &q);
	tour_send(tour, p, "a", MBOX_SEND_SYNC);
	want_blocked(tour, p);
	want_queued(tour, 1);
	tour_recv(tour, q, 0);
	want_text(tour, q, "a", p);
	want_value(tour, p, q->pid);
	want_queued(tour, 0);
}

const struct concept concept_blocking_send = {
	.says = "Blocking send: the sender is blocked until the message was received, by a "
		"process or by the mailbox; here the stronger of the two, by a process.",
	.lesson = "MBOX_SEND_SYNC: the mailbox had room, and P waited all the same. It learnt "
		  "the receiver.",
	.play = play_blocking_send,
};

static void play_nonblocking_send(struct tour *tour)
{
	struct actor *p, *q;

	two_on_box(tour, "mailbox, keeps 1", 1, &p, &q);
	tour_send(tour, p, "a", MBOX_SEND_NONBLOCK);
	want_value(tour, p, 0);
	want_queued(tour, 1);
	tour_send(tour, p, "b", MBOX_SEND_NONBLOCK);
	want_error(tour, p, EAGAIN);
	want_queued(tour, 1);
	tour_recv(tour, q, 0);
	want_text(tour, q, "a", p);
	tour_send(tour, p, "b", MBOX_SEND_NONBLOCK);
	want_value(tour, p, 0);
	want_queued(tour, 1);
}

const struct concept concept_nonblocking_send = {
	.says = "Non-blocking send: the sender sends and goes on with its work, whether or not "
		"anybody has received.",
	.lesson = "MBOX_SEND_NONBLOCK: where there is no room it does not wait either, but fails "
		  "with EAGAIN, and nothing was sent.",
	.play = play_nonblocking_send,
};

static void play_blocking_receive(struct tour *tour)
{
	struct actor *p, *q;

	two_on_box(tour, "mailbox, keeps 4", 4, &p, &q);
	tour_recv(tour, q, 0);
	want_blocked(tour, q);
	tour_send(tour, p, "a", 0);
	want_value(tour, p, 0);
	want_text(tour, q, "a", p);
	want_queued(tour, 0);
}

const struct concept concept_blocking_receive = {
	.says = "Blocking receive: the receiver is blocked until there is a message.",
	.lesson = "mbox_recv() does so unless told otherwise. What P sent went to the receiver that "
		  "waited, without being queued.",
	.play = play_blocking_receive,
};

static void play_nonblocking_receive(struct tour *tour)
{
	struct actor *p, *q;

	two_on_box(tour, "mailbox, keeps 4", 4, &p, &q);
	tour_recv(tour, q, MBOX_RECV_NONBLOCK);
	want_error(tour, q, EAGAIN);
	tour_send(tour, p, "a", 0);
	want_value(tour, p, 0);
	tour_recv(tour, q, MBOX_RECV_NONBLOCK);
	want_text(tour, q, "a", p);
	tour_recv(tour, q, MBOX_RECV_NONBLOCK);
	want_error(tour, q, EAGAIN);
}

const struct concept concept_nonblocking_receive = {
	.says = "Non-blocking receive: the receiver gets a message, or null.",
	.lesson = "MBOX_RECV_NONBLOCK. The null is EAGAIN, as an empty message is a message, too.",
	.play = play_nonblocking_receive,
};

static void play_rendezvous(struct tour *tour)
{
	struct actor *p, *q;

	two_on_box(tour, "mailbox, keeps 4", 4, &p, &q);
	tour_send(tour, p, "a", MBOX_SEND_SYNC);
	want_blocked(tour, p);
	tour_recv(tour, q, 0);
	want_text(tour, q, "a", p);
	want_value(tour, p, q->pid);
	tour_recv(tour, q, 0);
	want_blocked(tour, q);
	tour_send(tour, p, "b", MBOX_SEND_SYNC);
	want_value(tour, p, q->pid);
	want_text(tour, q, "b", p);
}

const struct concept concept_rendezvous = {
	.says = "When both send and receive block, sender and receiver meet: a rendezvous.",
	.lesson = "The first to come waits for the other, and from the meeting both go on.",
	.play = play_rendezvous,
};

static void play_deadlock(struct tour *tour)
{
	struct actor *p, *q;

	tour_stage(tour, "link: queued for", SHOW_EACH);
	p = tour_cast(tour, "P");
	q = tour_cast(tour, "Q");
	tour_begin(tour);

	tour_link(tour, p, q);
	want_done(tour, p);
	tour_link(tour, q, p);
	want_done(tour, q);
	tour_recv_from(tour, p, q);
	want_blocked(tour, p);
	tour_recv_from(tour, q, p);
	want_error(tour, q, EDEADLK);
	want_blocked(tour, p);
	tour_send_to(tour, q, p, "you first");
	want_value(tour, q, 0);
	want_text(tour, p, "you first", q);
}

const struct concept concept_deadlock = {
	.says = "A blocked process relies on the other: if P waits for Q and Q for P, neither would ever "
		"go on.",
	.lesson = "mbox sees the cycle, as a link has two known ends: the call that would close "
		  "it fails with EDEADLK, and Q can do something else.",
	.play = play_deadlock,
};
