// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl tour: buffering, in the kernel and in shared memory. */
#include <errno.h>
#include "tour.h"

#define MANY	1000

/* Set the scene for a sender P and a receiver Q. */
static void two_on_box(struct tour *tour, const char *title, enum show show,
		       const struct mbox_attr *attr, struct actor **p, struct actor **q)
{
	tour_stage(tour, title, show);
	*p = tour_cast(tour, "P");
	*q = tour_cast(tour, "Q");
	tour_box(tour, attr);
	tour_join(tour, *p, MBOX_RIGHT_SEND);
	tour_join(tour, *q, MBOX_RIGHT_RECV);
	tour_begin(tour);
}

static void play_zero(struct tour *tour)
{
	struct mbox_attr attr = MBOX_ATTR_INIT;
	struct actor *p, *q;

	attr.capacity = MBOX_CAPACITY_ZERO;
	two_on_box(tour, "mailbox, keeps 0", SHOW_TEXTS, &attr, &p, &q);
	tour_send(tour, p, "a", 0);
	want_blocked(tour, p);
	want_queued(tour, 0);
	tour_recv(tour, q, 0);
	want_text(tour, q, "a", p);
	want_value(tour, p, q->pid);
	tour_send(tour, p, "b", MBOX_SEND_NONBLOCK);
	want_error(tour, p, EAGAIN);
}

const struct concept concept_zero = {
	.says = "Zero capacity: nothing can wait in the mailbox, so the sender waits until the "
		"receiver receives. Also called no buffering.",
	.lesson = "attr.capacity = MBOX_CAPACITY_ZERO. Not even a moment is anything queued.",
	.play = play_zero,
};

static void play_bounded(struct tour *tour)
{
	struct mbox_attr attr = MBOX_ATTR_INIT;
	struct actor *p, *q;

	attr.capacity = 2;
	two_on_box(tour, "mailbox, keeps 2", SHOW_TEXTS, &attr, &p, &q);
	tour_send(tour, p, "a", 0);
	want_value(tour, p, 0);
	tour_send(tour, p, "b", 0);
	want_value(tour, p, 0);
	want_queued(tour, 2);
	tour_send(tour, p, "c", 0);
	want_blocked(tour, p);
	want_queued(tour, 2);
	tour_recv(tour, q, 0);
	want_text(tour, q, "a", p);
	want_value(tour, p, 0);
	want_queued(tour, 2);
	tour_recv(tour, q, 0);
	want_text(tour, q, "b", p);
	tour_recv(tour, q, 0);
	want_text(tour, q, "c", p);
	tour_recv(tour, q, 0);
	want_blocked(tour, q);
	tour_send(tour, p, "d", 0);
	want_value(tour, p, 0);
	want_text(tour, q, "d", p);
}

const struct concept concept_bounded = {
	.says = "Bounded capacity: up to N messages wait in the mailbox. While there is room the "
		"sender goes on at once; when it is full the sender waits, as with none.",
	.lesson = "attr.capacity = N. The receive that made room let the blocked message in.",
	.play = play_bounded,
};

static void play_unbounded(struct tour *tour)
{
	struct mbox_attr attr = MBOX_ATTR_INIT;
	struct actor *p, *q;

	attr.capacity = MBOX_CAPACITY_UNBOUNDED;
	two_on_box(tour, "mailbox, no limit", SHOW_COUNT, &attr, &p, &q);
	tour_send_many(tour, p, MANY);
	want_value(tour, p, 0);
	want_queued(tour, MANY);
	tour_send_many(tour, p, MANY);
	want_value(tour, p, 0);
	want_queued(tour, 2 * MANY);
	tour_recv_many(tour, q, MANY);
	want_done(tour, q);
	want_queued(tour, MANY);
	tour_recv_many(tour, q, MANY);
	want_done(tour, q);
	want_queued(tour, 0);
}

const struct concept concept_unbounded = {
	.says = "Unbounded capacity: any number of messages can wait, and the sender never does.",
	.lesson = "attr.capacity = MBOX_CAPACITY_UNBOUNDED. What limits it are the user's quota and "
		  "memory. (This and bounded capacity are called automatic buffering.)",
	.play = play_unbounded,
};

static void play_ring(struct tour *tour)
{
	struct mbox_attr attr = MBOX_ATTR_INIT;
	struct actor *p, *q;

	attr.capacity = 0;
	attr.ring = 4096;
	two_on_box(tour, "ring of 4096 bytes", SHOW_BYTES, &attr, &p, &q);
	tour_recv(tour, q, 0);
	want_blocked(tour, q);
	tour_send_large(tour, p, "a", 1500);
	want_value(tour, p, 0);
	want_text(tour, q, "a", NULL);
	tour_send_large(tour, p, "b", 1500);
	want_value(tour, p, 0);
	tour_send_large(tour, p, "c", 1500);
	want_value(tour, p, 0);
	tour_send_large(tour, p, "d", 1500);
	want_blocked(tour, p);
	tour_recv(tour, q, 0);
	want_text(tour, q, "b", NULL);
	want_value(tour, p, 0);
	tour_recv(tour, q, 0);
	want_text(tour, q, "c", NULL);
	tour_recv(tour, q, 0);
	want_text(tour, q, "d", NULL);
}

const struct concept concept_ring = {
	.says = "Shared memory, bounded buffer: producer and consumer exchange items through "
		"memory that both see. The consumer waits when the buffer is empty, the producer "
		"when it is full.",
	.lesson = "attr.ring = bytes: mbox_send() writes into the memory and mbox_recv() reads from "
		  "it. The kernel is called only where somebody has to sleep or to be woken.",
	.play = play_ring,
};

static void play_growing(struct tour *tour)
{
	struct mbox_attr attr = MBOX_ATTR_INIT;
	struct actor *p, *q;

	attr.capacity = 0;
	attr.ring = 1U << 22;
	attr.options = MBOX_OPTION_GROW;
	two_on_box(tour, "ring that grows", SHOW_BYTES, &attr, &p, &q);
	tour_recv(tour, q, 0);
	want_blocked(tour, q);
	tour_send(tour, p, "a", 0);
	want_value(tour, p, 0);
	want_text(tour, q, "a", NULL);
	tour_send_many(tour, p, 50 * MANY);
	want_value(tour, p, 0);
	tour_recv_many(tour, q, 50 * MANY);
	want_done(tour, q);
}

const struct concept concept_growing = {
	.says = "Shared memory, unbounded buffer: the producer always finds room, only the consumer "
		"may have to wait.",
	.lesson = "attr.options = MBOX_OPTION_GROW: only addresses are set aside. Memory comes as "
		  "it is written, and goes as it is consumed.",
	.play = play_growing,
};
