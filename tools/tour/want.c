// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl tour: compare the claims of a concept with the calls and the mailbox. */
#include <string.h>
#include "tour.h"

/* Effects of the end of a process, which may come later. */

bool until_dead(struct tour *tour, const struct actor *actor)
{
	struct look look;

	(void)actor;
	tour_look(tour, &look);
	return look.any && look.info.state == MBOX_STATE_DEAD;
}

bool until_owner(struct tour *tour, const struct actor *actor)
{
	struct look look;

	tour_look(tour, &look);
	return look.any && look.info.owner == (uint32_t)actor->pid;
}

/* The seat of the process that ended is free. */
bool until_left(struct tour *tour, const struct actor *actor)
{
	struct look look;

	(void)actor;
	tour_look(tour, &look);
	return look.any && look.info.procs < look.info.max_procs;
}

bool until_answered(struct tour *tour, const struct actor *actor)
{
	(void)tour;
	return !actor->pending;
}

/* Claims about the moment that was drawn last. */

static bool can_want(struct tour *tour, const struct actor *actor)
{
	if (!tour->failed && !actor->pending && !actor->answered)
		tour_fail(tour, "%s should have had a result", actor->name);
	return !tour->failed;
}

void want_blocked(struct tour *tour, const struct actor *actor)
{
	if (!tour->failed && !actor->pending)
		tour_fail(tour, "%s should be blocked, but its call returned %ld", actor->name,
		     actor->answer.value);
}

void want_value(struct tour *tour, const struct actor *actor, long value)
{
	if (!can_want(tour, actor))
		return;
	if (actor->pending)
		tour_fail(tour, "%s should not be blocked", actor->name);
	else if (actor->answer.value != value)
		tour_fail(tour, "%s: its call should return %ld, not %ld", actor->name, value,
		     actor->answer.value);
}

void want_done(struct tour *tour, const struct actor *actor)
{
	if (!can_want(tour, actor))
		return;
	if (actor->pending)
		tour_fail(tour, "%s should not be blocked", actor->name);
	else if (actor->answer.value < 0)
		tour_fail(tour, "%s: %s", actor->name, mbox_strerror((int)actor->answer.value));
}

void want_error(struct tour *tour, const struct actor *actor, int error)
{
	want_value(tour, actor, -error);
}

/* @from is NULL if messages do not name their sender. */
void want_text(struct tour *tour, const struct actor *actor, const char *text,
	       const struct actor *from)
{
	want_done(tour, actor);
	if (tour->failed)
		return;
	if (strcmp(actor->answer.text, text))
		tour_fail(tour, "%s should have received \"%s\", not \"%s\"", actor->name, text,
		     actor->answer.text);
	else if (from && actor->answer.pid != from->pid)
		tour_fail(tour, "%s should have received from process %d, not %d", actor->name,
		     (int)from->pid, (int)actor->answer.pid);
}

static void want_number(struct tour *tour, const char *what, uint64_t is, uint64_t wanted)
{
	if (!tour->failed && is != wanted)
		tour_fail(tour, "%s should be %llu, not %llu", what, (unsigned long long)wanted,
		     (unsigned long long)is);
}

void want_queued(struct tour *tour, uint64_t count)
{
	struct look look;

	tour_look(tour, &look);
	want_number(tour, "the number of queued messages", look.info.queued, count);
}

void want_leased(struct tour *tour, unsigned int count)
{
	struct look look;

	tour_look(tour, &look);
	want_number(tour, "the number of leased messages", look.info.leased, count);
}

void want_procs(struct tour *tour, unsigned int count)
{
	struct look look;

	tour_look(tour, &look);
	want_number(tour, "the number of processes that take part", look.info.procs, count);
}

/* @actor is NULL for the operating system. */
void want_owner(struct tour *tour, const struct actor *actor)
{
	struct look look;

	tour_look(tour, &look);
	want_number(tour, "the owner", look.info.owner, actor ? (uint64_t)actor->pid : 0);
	want_number(tour, "the lifetime", look.info.lifetime,
		    actor ? MBOX_LIFETIME_PROCESS : MBOX_LIFETIME_OS);
}
