// SPDX-License-Identifier: GPL-2.0-only
/* Who waits for whom over links: a call that would close a cycle fails. */
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>

#include "mbox.h"

/*
 * MBOX_DEADLOCK: a process with one thread that is blocked without a deadline in
 * a send or a receive on a link has an edge, party->waits_for, to the peer. It is
 * set before the call blocks, under the lock of the inbox it waits in, and taken
 * away by whoever completes or cancels its waiter, under the same lock. Whatever
 * sets an edge first walks from its end along the edges, all under waits_lock: if
 * that leads to where the edge would begin, the call fails, and has changed
 * nothing. So the edges never form a cycle, and the walk ends.
 *
 * A cycle of edges would never end. Each call in it waits for what its peer alone
 * can do, with a call of its own: receive the message (or make room by receiving
 * another), or send one. Nobody else may use either's handles (EUSERS), so it
 * would have to be the peer's only thread, which is in the cycle as well, and
 * cannot start another one there. (A signal ends a call, and a cycle with it;
 * that one may come is no reason to wait for it.)
 *
 * None is reported that is not one. What ends the wait of X for Y is done by Y,
 * under the lock of the inbox that X waits in, and X's edge goes in that section.
 * Y has no edge then, since it is not blocked: it sets one as the last thing that
 * it does before it sleeps, when what it does cannot end a wait any more. A send
 * is the one that could: its message may wake a receiver that then has to
 * acknowledge it. If there is such a receiver, the message is given first, which
 * takes away the receiver's edge, and the sender's edge is set after that, in the
 * same section: the receiver cannot go on to another wait before that ends. If
 * there is none, the sender's edge comes first, and the message wakes nobody.
 *
 * None is missed. The last of the calls that make up a cycle sets its edge when
 * those of the others are there, because waits_lock puts them in some order, and
 * none goes and comes back without the walk of the call that sets it again. That
 * a message that was taken is put back, its receiver having failed to copy it,
 * ends no wait and begins none: the edge of its sender was there all the time.
 *
 * The threads are counted when a call begins to wait. A process with several has
 * no edge; if all but one of them end meanwhile, it still has none. Edges are
 * only followed by those who are about to block, for as many steps as there are
 * processes that wait in a row. The model selftests/model/deadlock.pml covers all
 * interleavings of three of them.
 */
static DEFINE_SPINLOCK(waits_lock);

/**
 * mbox_deadlock_enter - a call of a process is about to wait for another
 * @waiter:	of the call; the lock of the inbox that it waits in is held
 * @self:	the process
 * @other:	the other, to which the caller's handle has a reference
 * @deadline:	of the call
 *
 * Return: 0; EDEADLK if the other waits for this one, by way of others or not.
 */
int mbox_deadlock_enter(struct mbox_waiter *waiter, struct mbox_party *self,
			struct mbox_party *other,
			const struct mbox_deadline *deadline)
{
	struct mbox_party *party = other;
	int error = 0;

	if (deadline->set || !thread_group_empty(current))
		return 0;
	spin_lock(&waits_lock);
	/* Who has an edge is in a call: its handle holds where that leads. */
	while (party && party != self)
		party = party->waits_for;
	if (party) {
		error = -EDEADLK;
	} else {
		self->waits_for = other;
		waiter->waits = self;
	}
	spin_unlock(&waits_lock);
	return error;
}

/* The wait is over, or its call gives up: the lock of its inbox is held. */
void mbox_deadlock_leave(struct mbox_waiter *waiter)
{
	if (!waiter->waits)
		return;
	spin_lock(&waits_lock);
	waiter->waits->waits_for = NULL;
	spin_unlock(&waits_lock);
	waiter->waits = NULL;
}
