// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl tour: mailboxes that processes share: the receiver, and the owner. */
#include <errno.h>
#include "tour.h"

static void play_two(struct tour *tour)
{
	struct mbox_attr attr = MBOX_ATTR_INIT;
	struct actor *p, *q, *r;

	tour_stage(tour, "mailbox for two", SHOW_PROCS);
	p = tour_cast(tour, "P");
	q = tour_cast(tour, "Q");
	r = tour_cast(tour, "R");
	tour_begin(tour);

	attr.lifetime = MBOX_LIFETIME_FD;
	attr.max_procs = 2;
	tour_create(tour, p, &attr, "for 2");
	want_done(tour, p);
	want_procs(tour, 1);
	tour_open(tour, q, MBOX_RIGHT_RECV);
	want_done(tour, q);
	want_procs(tour, 2);
	tour_open(tour, r, MBOX_RIGHT_RECV);
	want_error(tour, r, EUSERS);
	want_procs(tour, 2);
	tour_kill(tour, q, until_left, NULL);
	want_procs(tour, 1);
	tour_open(tour, r, MBOX_RIGHT_RECV);
	want_done(tour, r);
	tour_send(tour, p, "hi", 0);
	want_value(tour, p, 0);
	tour_recv(tour, r, 0);
	want_text(tour, r, "hi", p);
}

const struct concept concept_two = {
	.says = "If P sends to a mailbox that Q and R share, which of them receives? First answer: "
		"let no more than two processes share one.",
	.lesson = "attr.max_procs = 2: a third process gets EUSERS, until one of the two is gone.",
	.play = play_two,
};

static void play_exclusive(struct tour *tour)
{
	struct mbox_attr attr = MBOX_ATTR_INIT;
	struct actor *p, *q, *r;

	tour_stage(tour, "mailbox", SHOW_COUNT);
	p = tour_cast(tour, "P");
	q = tour_cast(tour, "Q");
	r = tour_cast(tour, "R");
	attr.options = MBOX_OPTION_EXCLUSIVE;
	tour_box(tour, &attr);
	tour_join(tour, p, MBOX_RIGHT_SEND);
	tour_join(tour, q, MBOX_RIGHT_RECV);
	tour_join(tour, r, MBOX_RIGHT_RECV);
	tour_begin(tour);

	tour_recv(tour, q, 0);
	want_blocked(tour, q);
	tour_recv(tour, r, 0);
	want_error(tour, r, EBUSY);
	want_blocked(tour, q);
	tour_send(tour, p, "a", 0);
	want_text(tour, q, "a", p);
	tour_recv(tour, r, 0);
	want_blocked(tour, r);
	tour_send(tour, p, "b", 0);
	want_text(tour, r, "b", p);
}

const struct concept concept_exclusive = {
	.says = "Second answer: let no more than one process at a time be in receive.",
	.lesson = "attr.options = MBOX_OPTION_EXCLUSIVE: another process' receive gets EBUSY. Once "
		  "the first has its message, R may wait.",
	.play = play_exclusive,
};

/*
 * Q waits first and R second; P sends two messages. With @r_first the policy gives the
 * first one to R, with @q_nice Q lowers its priority before.
 */
static void play_policy(struct tour *tour, uint32_t policy, bool r_first, bool q_nice)
{
	struct mbox_attr attr = MBOX_ATTR_INIT;
	struct actor *p, *q, *r, *first, *second;

	tour_stage(tour, "mailbox", SHOW_TEXTS);
	p = tour_cast(tour, "P");
	q = tour_cast(tour, "Q");
	r = tour_cast(tour, "R");
	first = r_first ? r : q;
	second = r_first ? q : r;
	attr.policy = policy;
	tour_box(tour, &attr);
	tour_join(tour, p, MBOX_RIGHT_SEND);
	tour_join(tour, q, MBOX_RIGHT_RECV);
	tour_join(tour, r, MBOX_RIGHT_RECV);
	tour_begin(tour);

	if (policy == MBOX_POLICY_RR) {
		tour_recv(tour, q, 0);
		want_blocked(tour, q);
		tour_send(tour, p, "0", MBOX_SEND_SYNC);
		want_value(tour, p, q->pid);
		want_text(tour, q, "0", p);
	}
	if (q_nice) {
		tour_nice(tour, q);
		want_done(tour, q);
	}
	tour_recv(tour, q, 0);
	want_blocked(tour, q);
	tour_recv(tour, r, 0);
	want_blocked(tour, r);
	tour_send(tour, p, "a", MBOX_SEND_SYNC);
	want_value(tour, p, first->pid);
	want_text(tour, first, "a", p);
	want_blocked(tour, second);
	tour_send(tour, p, "b", MBOX_SEND_SYNC);
	want_value(tour, p, second->pid);
	want_text(tour, second, "b", p);
}

static void play_fifo(struct tour *tour)
{
	play_policy(tour, MBOX_POLICY_FIFO, false, false);
}

const struct concept concept_fifo = {
	.says = "Third answer: let the system choose who receives, and tell the sender. By "
		"default it chooses the process that has waited longest.",
	.lesson = "MBOX_POLICY_FIFO. A send with MBOX_SEND_SYNC returns the pid of the receiver.",
	.play = play_fifo,
};

static void play_lifo(struct tour *tour)
{
	play_policy(tour, MBOX_POLICY_LIFO, true, false);
}

const struct concept concept_lifo = {
	.says = "Or the process that has waited shortest: its data is still in the caches.",
	.lesson = "MBOX_POLICY_LIFO.",
	.play = play_lifo,
};

static void play_rr(struct tour *tour)
{
	play_policy(tour, MBOX_POLICY_RR, true, false);
}

const struct concept concept_rr = {
	.says = "Or each in its turn (round-robin): the process that was served least recently.",
	.lesson = "MBOX_POLICY_RR. Q waited longer for \"a\" than R, but had been served already.",
	.play = play_rr,
};

static void play_prio(struct tour *tour)
{
	play_policy(tour, MBOX_POLICY_PRIO, true, true);
}

const struct concept concept_prio = {
	.says = "Or the one that the scheduler, too, would prefer.",
	.lesson = "MBOX_POLICY_PRIO. Q had made itself less important, by nice(2).",
	.play = play_prio,
};

static void play_broadcast(struct tour *tour)
{
	struct mbox_attr attr = MBOX_ATTR_INIT;
	struct actor *p, *q, *r;

	tour_stage(tour, "mailbox: queued for", SHOW_EACH);
	p = tour_cast(tour, "P");
	q = tour_cast(tour, "Q");
	r = tour_cast(tour, "R");
	attr.policy = MBOX_POLICY_BROADCAST;
	tour_box(tour, &attr);
	tour_join(tour, p, MBOX_RIGHT_SEND);
	tour_join(tour, q, MBOX_RIGHT_RECV);
	tour_join(tour, r, MBOX_RIGHT_RECV);
	tour_begin(tour);

	tour_recv(tour, q, 0);
	want_blocked(tour, q);
	tour_send(tour, p, "news", 0);
	want_value(tour, p, 2);
	want_text(tour, q, "news", p);
	tour_send(tour, p, "more", 0);
	want_value(tour, p, 2);
	tour_recv(tour, r, 0);
	want_text(tour, r, "news", p);
	tour_recv(tour, r, 0);
	want_text(tour, r, "more", p);
	tour_recv(tour, q, 0);
	want_text(tour, q, "more", p);
	want_queued(tour, 0);
}

const struct concept concept_broadcast = {
	.says = "Or everybody: each of the receivers gets each message.",
	.lesson = "MBOX_POLICY_BROADCAST. A message is kept once, however many receive it, and "
		  "each receiver has its own place in the queue.",
	.play = play_broadcast,
};

static void play_owner(struct tour *tour)
{
	struct mbox_attr attr = MBOX_ATTR_INIT;
	struct actor *p, *q;

	tour_stage(tour, "mailbox of P", SHOW_OWNER);
	p = tour_cast(tour, "P");
	q = tour_cast(tour, "Q");
	tour_begin(tour);

	attr.lifetime = MBOX_LIFETIME_PROCESS;
	tour_create(tour, p, &attr, "owned");
	want_done(tour, p);
	want_owner(tour, p);
	tour_open(tour, q, MBOX_RIGHT_SEND | MBOX_RIGHT_RECV);
	want_done(tour, q);
	tour_recv(tour, q, 0);
	want_blocked(tour, q);
	tour_kill(tour, p, until_answered, q);
	want_error(tour, q, EOWNERDEAD);
	tour_send(tour, q, "P?", 0);
	want_error(tour, q, EOWNERDEAD);
}

const struct concept concept_owner = {
	.says = "A mailbox may belong to a process: it ends when the process does, and its users "
		"have to learn that it is gone.",
	.lesson = "attr.lifetime = MBOX_LIFETIME_PROCESS. P was killed and could tell nobody; Q was "
		  "woken all the same.",
	.play = play_owner,
};

static void play_handover(struct tour *tour)
{
	struct mbox_attr attr = MBOX_ATTR_INIT;
	struct actor *p, *q, *r;

	tour_stage(tour, "mailbox", SHOW_OWNER);
	p = tour_cast(tour, "P");
	q = tour_cast(tour, "Q");
	r = tour_cast(tour, "R");
	tour_guard(tour);
	tour_begin(tour);

	attr.lifetime = MBOX_LIFETIME_PROCESS;
	tour_create(tour, p, &attr, "owned");
	want_owner(tour, p);
	tour_join(tour, q, 0);
	tour_join(tour, r, 0);
	tour_handover(tour, p, q, 0);
	want_done(tour, p);
	want_owner(tour, q);
	tour_handover(tour, q, r, MBOX_HANDOVER_HEIR);
	want_done(tour, q);
	want_owner(tour, q);
	tour_kill(tour, q, until_owner, r);
	want_owner(tour, r);
	tour_handover(tour, r, NULL, 0);
	want_done(tour, r);
	want_owner(tour, NULL);
	tour_kill(tour, r, NULL, NULL);
	want_owner(tour, NULL);
	tour_delete(tour);
}

const struct concept concept_handover = {
	.says = "The owner of a mailbox may pass it on to another process. One that the operating "
		"system owns depends on no process: it has to be made, and deleted.",
	.lesson = "mbox_handover(box, pid, 0); with MBOX_HANDOVER_HEIR when the owner ends; with "
		  "pid 0 to the operating system.",
	.play = play_handover,
};
