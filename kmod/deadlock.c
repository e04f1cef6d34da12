// SPDX-License-Identifier: GPL-2.0-only
/* Deadlocks over links: a call that would close a cycle of waits fails. */
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>

#include "link.h"
#include "mbox.h"
#include "wait.h"

/*
 * MBOX_DEADLOCK: a process with one thread that is blocked without a deadline in a
 * send or a receive on a link has an edge, endpoint->waits_for, to the peer. It is
 * set before the call blocks, under the lock of the inbox it waits in, and taken
 * away when its waiter is completed or cancelled, under the same lock. A process
 * numbers its edges, in endpoint->wait_nr, before it sets them.
 *
 * A call sets its edge, and then walks from its end along the edges, without a lock
 * and for fewer than MBOX_CYCLE_MAX steps. If that does not lead back to its process, which
 * is the rule, it blocks. If it does, the call takes waits_lock and walks twice: if
 * each edge is there both times, and has the same number, all of them were there at
 * one moment, between the two walks, and were a cycle. Then the call takes its edge
 * away again, still under waits_lock, and fails, and has changed nothing.
 *
 *	A: waits_for = B			B: waits_for = A
 *	smp_mb()				smp_mb()
 *	walk: reads B's waits_for		walk: reads A's waits_for
 *
 * A cycle of edges would never end. Each call in it waits for a call that only its
 * peer can make: to receive the message (or make room by receiving another), or to
 * send one. Nobody else may use either's handles (EUSERS), so it would have to be
 * the peer's only thread, which is in the cycle as well, and cannot start another
 * one there. (A signal ends a call, and a cycle with it; that one may come is no
 * reason to wait for it.)
 *
 * None is reported that is not one. Y ends the wait of X for Y, under the lock of
 * the inbox that X waits in, and X's edge goes in that section. Y has no edge then,
 * since it is not blocked: it sets one last before it sleeps, when it cannot end a
 * wait any more. Only a send could: its message may wake a receiver that then has
 * to acknowledge it. If there is such a receiver, the message is given first, which
 * takes away the receiver's edge, and the sender's edge is set after that, in the
 * same section: the receiver cannot go on to another wait before that ends. If
 * there is none, the sender's edge comes first, and the message wakes nobody. An
 * edge of a call that is still walking counts: that call blocks, unless it is
 * refused, and it is refused only for a cycle that it is part of. It is part of one
 * cycle at most, as each process has one edge; and of the calls in a cycle, which
 * may all have found it, the first to get waits_lock fails, and breaks it for the
 * others, which look again.
 *
 * None of up to MBOX_CYCLE_MAX processes is missed. Of the calls that make up a
 * cycle the one whose smp_mb() is the last reads the edges of all others, for none
 * goes and comes back without the walk of the call that sets it again. A longer
 * cycle is missed: walking that far would cost every call more than finding it is
 * worth. A message in flight that is put back, because its receiver failed to copy
 * it, ends no wait and begins none: the edge of its sender was there all the time.
 *
 * The threads are counted when a call begins to wait. A process with several has no
 * edge; if all but one of them end meanwhile, it still has none. Endpoints are
 * freed by RCU: an endpoint with an edge is in a call, whose handle holds the end
 * of the edge, so an endpoint that a walk reaches stays until the walk is over. The
 * model selftests/model/deadlock.pml covers all interleavings of three processes.
 */
static DEFINE_SPINLOCK(waits_lock);

/* Return whether the edges lead from @endpoint to @self, as far as a walk sees. */
static bool deadlock_leads_to(const struct mbox_endpoint *endpoint,
			      const struct mbox_endpoint *self)
{
	unsigned int n;

	for (n = 1; endpoint && endpoint != self && n < MBOX_CYCLE_MAX; n++)
		endpoint = READ_ONCE(endpoint->waits_for);
	return endpoint == self;
}

/*
 * Whether they do, all at one moment. A number that is read before an edge, and again
 * after the edge was read for the second time, says that it was there in between: it
 * is written before the edge is, and the next one after the edge has gone.
 */
static noinline bool deadlock_is_cycle(const struct mbox_endpoint *other,
				       const struct mbox_endpoint *self)
{
	const struct mbox_endpoint *endpoint;
	u32 numbers[MBOX_CYCLE_MAX];
	unsigned int n, steps = 0;

	lockdep_assert_held(&waits_lock);
	for (endpoint = other; endpoint != self; steps++) {
		if (!endpoint || steps == MBOX_CYCLE_MAX - 1)
			return false;
		/* the number first, see above */
		numbers[steps] = smp_load_acquire(&endpoint->wait_nr);
		/* and all of that before the second walk */
		endpoint = smp_load_acquire(&endpoint->waits_for);
	}
	endpoint = other;
	for (n = 0; n < steps; n++) {
		const struct mbox_endpoint *next;

		if (!endpoint || endpoint == self)
			return false;
		/* the edge first */
		next = smp_load_acquire(&endpoint->waits_for);
		if (READ_ONCE(endpoint->wait_nr) != numbers[n])
			return false;
		endpoint = next;
	}
	return endpoint == self;
}

/**
 * mbox_deadlock_enter - a call of a process is about to wait for another
 * @waiter:	of the call; the lock of the inbox that it waits in is held
 * @self:	the process
 * @other:	the other, to which the caller's handle has a reference
 * @deadline:	of the call
 *
 * Return: 0; EDEADLK if the other waits for this one, by way of others or not.
 */
int mbox_deadlock_enter(struct mbox_waiter *waiter, struct mbox_endpoint *self,
			struct mbox_endpoint *other,
			const struct mbox_deadline *deadline)
{
	int error = 0;

	if (deadline->set || !thread_group_empty(current))
		return 0;
	/* By the only thread of its process, after its last edge has gone. */
	smp_store_release(&self->wait_nr, self->wait_nr + 1);
	/* The edge after its number. */
	smp_store_release(&self->waits_for, other);
	/* Of two that close a cycle, one sees the other: MBOX_DEADLOCK. */
	smp_mb();
	waiter->waits = self;
	rcu_read_lock();
	if (unlikely(deadlock_leads_to(other, self))) {
		spin_lock(&waits_lock);
		if (deadlock_is_cycle(other, self)) {
			mbox_deadlock_leave(waiter);
			error = -EDEADLK;
		}
		spin_unlock(&waits_lock);
	}
	rcu_read_unlock();
	return error;
}

/* The wait is over, or its call gives up: the lock of its inbox is held. */
void mbox_deadlock_leave(struct mbox_waiter *waiter)
{
	if (!waiter->waits)
		return;
	/* before the next number: deadlock_is_cycle() */
	smp_store_release(&waiter->waits->waits_for, NULL);
	waiter->waits = NULL;
}
