// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl tour: naming. Direct and indirect communication. */
#include <errno.h>
#include "tour.h"

static void play_direct(struct tour *tour)
{
	struct actor *p, *q;

	tour_stage(tour, "link: queued for", SHOW_EACH);
	p = tour_cast(tour, "P");
	q = tour_cast(tour, "Q");
	tour_begin(tour);

	tour_link(tour, p, q);
	want_done(tour, p);
	tour_send_to(tour, p, q, "hello");
	want_value(tour, p, 0);
	tour_link(tour, q, p);
	want_done(tour, q);
	tour_recv_from(tour, q, p);
	want_text(tour, q, "hello", p);
	tour_recv_from(tour, p, q);
	want_blocked(tour, p);
	tour_send_to(tour, q, p, "well?");
	want_value(tour, q, 0);
	want_text(tour, p, "well?", q);
}

const struct concept concept_direct = {
	.says = "Direct communication: each process names the other, send(Q) and "
		"receive(P). A link comes into being by that, it is between exactly two "
		"processes, and each pair has exactly one.",
	.lesson = "Q had not heard of the link when P sent: the message waited for it. "
		  "mbox_link(&link, pid, capacity, 0) opens it from either side.",
	.play = play_direct,
};

static void play_inbox(struct tour *tour)
{
	struct actor *p, *q, *r;

	tour_stage(tour, "queued for", SHOW_EACH);
	p = tour_cast(tour, "P");
	q = tour_cast(tour, "Q");
	r = tour_cast(tour, "R");
	tour_begin(tour);

	tour_inbox(tour, p);
	want_done(tour, p);
	tour_recv_any(tour, p);
	want_blocked(tour, p);
	tour_link(tour, q, p);
	tour_send_to(tour, q, p, "I");
	want_text(tour, p, "I", q);
	tour_link(tour, r, p);
	tour_send_to(tour, r, p, "too");
	want_value(tour, r, 0);
	tour_recv_any(tour, p);
	want_text(tour, p, "too", r);
	tour_link(tour, p, r);
	tour_send_to(tour, p, r, "ok");
	want_value(tour, p, 0);
	tour_recv_from(tour, r, p);
	want_text(tour, r, "ok", p);
}

const struct concept concept_inbox = {
	.says = "Asymmetric direct communication: the sender names the receiver, but the "
		"receiver takes messages from anyone, and learns the sender.",
	.lesson = "mbox_inbox() receives from all links of a process; the header of each message "
		  "has the sender's pid, and a link to that process answers.",
	.play = play_inbox,
};

static void play_identity(struct tour *tour)
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
	tour_send_to(tour, p, q, "bye");
	want_value(tour, p, 0);
	tour_recv_from(tour, q, p);
	want_text(tour, q, "bye", p);
	tour_recv_from(tour, q, p);
	want_blocked(tour, q);
	tour_kill(tour, p, until_answered, q);
	want_error(tour, q, EOWNERDEAD);
	tour_send_to(tour, q, p, "P?");
	want_error(tour, q, EOWNERDEAD);
}

const struct concept concept_identity = {
	.says = "Direct communication names processes: when a name changes, all its users have to "
		"change. Worse, another process may get the name.",
	.lesson = "A link is to a process, not to its number: when the process ends, calls that wait "
		  "for it fail (EOWNERDEAD), and a new process with that number is not taken "
		  "for it.",
	.play = play_identity,
};

static void play_indirect(struct tour *tour)
{
	const unsigned int both = MBOX_RIGHT_SEND | MBOX_RIGHT_RECV;
	struct mbox_attr attr = MBOX_ATTR_INIT;
	struct actor *p, *q, *r;

	tour_stage(tour, "mailbox", SHOW_TEXTS);
	p = tour_cast(tour, "P");
	q = tour_cast(tour, "Q");
	r = tour_cast(tour, "R");
	tour_box(tour, &attr);
	tour_begin(tour);

	tour_open(tour, p, both);
	want_done(tour, p);
	tour_open(tour, q, both);
	want_done(tour, q);
	tour_send(tour, p, "one", 0);
	want_value(tour, p, 0);
	tour_recv(tour, q, 0);
	want_text(tour, q, "one", p);
	tour_open(tour, r, both);
	want_done(tour, r);
	tour_send(tour, q, "two", 0);
	want_value(tour, q, 0);
	tour_send(tour, p, "three", 0);
	want_queued(tour, 2);
	tour_recv(tour, r, 0);
	want_text(tour, r, "two", q);
	tour_recv(tour, q, 0);
	want_text(tour, q, "three", p);
	want_queued(tour, 0);
}

const struct concept concept_indirect = {
	.says = "Indirect communication: messages go to a mailbox and come from it. Processes are "
		"linked when they share one; more than two may, and a pair may share several.",
	.lesson = "Nobody named a process: all opened the mailbox by its name, with mbox_open(). "
		  "Each message says who sent it.",
	.play = play_indirect,
};
