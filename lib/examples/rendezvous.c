// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rendezvous: a mailbox of capacity zero keeps nothing, so a message goes from
 * hand to hand, and a send that returned proves that it was received. The runner
 * of a relay cannot leave the baton anywhere: the next runner takes it, or the runner
 * keeps it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <mbox.h>

#define ROUNDS 3

static long check(const char *what, long result)
{
	if (result < 0) {
		fprintf(stderr, "%s: %s\n", what, mbox_strerror((int)result));
		exit(1);
	}
	return result;
}

static void wrong(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(1);
}

/* Receive the baton, add one, and send it back. */
static void partner(struct mbox *there, struct mbox *back)
{
	int baton;

	for (int i = 0; i < ROUNDS; i++) {
		check("taking", mbox_recv(there, &baton, sizeof(baton), NULL, NULL));
		baton++;
		check("giving back", mbox_send(back, &baton, sizeof(baton), NULL));
	}
	_exit(0);
}

int main(void)
{
	const struct mbox_attr attr = {
		.lifetime = MBOX_LIFETIME_FD,
		.capacity = MBOX_CAPACITY_ZERO,
	};
	struct mbox *there, *back;
	struct mbox_info info;
	int baton = 0, status;
	pid_t pid;

	check("a mailbox", mbox_create(&there, NULL, MBOX_RIGHT_SEND | MBOX_RIGHT_RECV, &attr));
	check("a mailbox", mbox_create(&back, NULL, MBOX_RIGHT_SEND | MBOX_RIGHT_RECV, &attr));

	/* Nobody receives, and the mailbox keeps nothing. */
	if (mbox_send_timeout(there, &baton, sizeof(baton), 0) != -EAGAIN)
		wrong("sent, but to whom?");
	printf("nobody receives: the send fails\n");

	pid = fork();
	check("fork", pid < 0 ? -errno : 0);
	if (pid == 0)
		partner(there, back);

	for (int i = 0; i < ROUNDS; i++) {
		/* Waits for the partner and returns its pid: the partner has the baton. */
		if (check("giving", mbox_send(there, &baton, sizeof(baton), NULL)) != pid)
			wrong("somebody else took it");
		check("taking back", mbox_recv(back, &baton, sizeof(baton), NULL, NULL));
		printf("round %d: process %d had it, the baton says %d\n", i + 1, (int)pid, baton);
	}
	check("the partner", waitpid(pid, &status, 0) < 0 || status ? -ECHILD : 0);

	check("the counters", mbox_get(there, &info));
	if (baton != ROUNDS || info.queued || info.received != ROUNDS)
		wrong("the baton was lost");
	printf("%d times from hand to hand, and nothing was ever queued\n", ROUNDS);
	return 0;
}
