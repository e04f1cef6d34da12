// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl tour: the director. The verb, and setting the scene. */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tour.h"

/* Keep the first failure: others may follow from it. */
void tour_fail(struct tour *tour, const char *why, ...)
{
	va_list args;

	if (tour->failed)
		return;
	tour->failed = true;
	va_start(args, why);
	vsnprintf(tour->why, sizeof(tour->why), why, args);
	va_end(args);
}

/* Fail if a call of the director returned an @error. */
void tour_fail_call(struct tour *tour, const char *what, int error)
{
	if (error < 0)
		tour_fail(tour, "%s: %s", what, mbox_strerror(error));
}

/* Setting the scene. */

void tour_stage(struct tour *tour, const char *title, enum show show)
{
	tour->title = title;
	tour->show = show;
}

struct actor *tour_cast(struct tour *tour, const char *name)
{
	struct actor *actor = &tour->actor[tour->actors];
	int error;

	actor->name = name;
	if (!tour->failed) {
		error = actor_start(actor, tour->actor, tour->actors);
		if (error)
			tour_fail(tour, "no process %s: %s", name, strerror(-error));
	}
	tour->actors++;
	return actor;
}

/* Create a mailbox that ends with its last handle. */
void tour_box(struct tour *tour, const struct mbox_attr *attr)
{
	struct mbox_attr mine = *attr;
	unsigned int rights = tour->show == SHOW_TEXTS ? MBOX_RIGHT_RECV : 0;

	if (tour->failed)
		return;
	mine.lifetime = MBOX_LIFETIME_FD;
	tour_fail_call(tour, "a mailbox", mbox_create(&tour->eye, tour->name, rights, &mine));
}

/*
 * A mailbox that the operating system owns outlives the director. Start a process that
 * waits for the end of the director and deletes the mailbox, also after a kill.
 */
void tour_guard(struct tour *tour)
{
	int ends[2];
	char byte;

	if (tour->failed)
		return;
	if (pipe(ends)) {
		tour_fail(tour, "no pipe: %s", strerror(errno));
		return;
	}
	tour->guard = fork();
	if (!tour->guard) {
		setsid();
		for (int i = 0; i < tour->actors; i++)
			close(tour->actor[i].socket);
		mbox_close(tour->eye);
		close(ends[1]);
		while (read(ends[0], &byte, 1) < 0 && errno == EINTR)
			;
		mbox_delete(tour->name, MBOX_DELETE_FORCE, NULL);
		_exit(0);
	}
	close(ends[0]);
	tour->guard_pipe = ends[1];
	if (tour->guard < 0) {
		close(ends[1]);
		tour_fail(tour, "no process: %s", strerror(errno));
	}
}

void tour_begin(struct tour *tour)
{
	if (!tour->failed)
		draw_head(tour);
}

/* The verb. */

static const struct {
	const char *word;
	const struct concept *concept;
} concepts[] = {
#define CONCEPT(id, word, help)	{ word, &concept_##id },
	TOUR_CONCEPTS(CONCEPT)
#undef CONCEPT
};

static const struct word words[] = {
#define WORD(id, word, text)	{ .name = word, .help = text },
	TOUR_CONCEPTS(WORD)
#undef WORD
	{ 0 },
};

_Static_assert(ARRAY_SIZE(words) <= WORDS_MAX, "each concept is a word");

static int play(struct command *cmd, size_t number)
{
	struct tour tour = {
		.concept = concepts[number].concept,
		.word = concepts[number].word,
		.guard = -1,
	};

	snprintf(tour.name, sizeof(tour.name), "tour.%d.%s", (int)getpid(), tour.word);
	draw_title(&tour);
	/* Write pending output first, or every process would write it. */
	tour.output = out_flush();
	if (tour.output)
		return refuse_output(cmd, tour.output);

	tour.concept->play(&tour);

	for (int i = 0; i < tour.actors; i++)
		actor_end(&tour.actor[i]);
	mbox_close(tour.eye);
	if (tour.guard > 0) {
		close(tour.guard_pipe);
		while (waitpid(tour.guard, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (tour.output)
		return refuse_output(cmd, tour.output);
	if (tour.failed)
		return refuse(cmd, 0, NULL, "%s: at moment %u: %s", tour.word, tour.moment, tour.why);
	draw_lesson(&tour);
	return STATUS_DONE;
}

static int run(struct command *cmd)
{
	struct mbox *any;
	bool all = true;
	int error;

	if (cmd->json)
		return usage(cmd, "the tour is a drawing; it has no JSON");
	for (size_t i = 0; i < ARRAY_SIZE(concepts); i++)
		if (cmd->v[i].given)
			all = false;
	/* Report errors that have nothing to do with a concept as other verbs do. */
	error = mbox_create(&any, NULL, 0, NULL);
	if (error)
		return refuse_errno(cmd, error);
	mbox_close(any);
	draw_init();
	for (size_t i = 0; i < ARRAY_SIZE(concepts); i++) {
		int status;

		if (!all && !cmd->v[i].given)
			continue;
		status = play(cmd, i);
		if (status != STATUS_DONE)
			return status;
	}
	return STATUS_DONE;
}

const struct verb tour_verb = {
	.name = "tour",
	.operands = "",
	.synopsis = "[CONCEPT...]",
	.summary = "show the concepts of interprocess communication at work",
	.first = FIRST_NONE,
	.words = words,
	.notes = "Without CONCEPT, all of them. Two or three processes carry each out. A time line shows\n"
		 "their calls, which of them block and wake, and the contents of the mailbox. Exit\n"
		 "status 2 if anything differs from the concept.",
	.run = run,
};
