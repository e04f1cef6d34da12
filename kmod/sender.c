// SPDX-License-Identifier: GPL-2.0-only
/* The process that a receive waits for (MBOX_RECV_BY_START), and its end. */
#include <linux/err.h>
#include <linux/pid.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "mbox.h"
#include "message.h"
#include "process.h"
#include "wait.h"

/*
 * A receive by BY_START ends with EOWNERDEAD when its sender has ended and nothing
 * that the sender sent is there. All sends of a process are over before the process
 * has ended. So the receiver first learns of the end, then looks at the mailbox,
 * and fails if it finds nothing. A receiver that sleeps is woken by the watch:
 *
 *	watch				receiver
 *	ended = true			set_current_state(INTERRUPTIBLE)
 *	wake_up_process(receiver)	if ended: look once more, then fail
 *					schedule()
 *
 * The barriers are those of MBOX_WAKE: one of them sees the other's write.
 *
 * References: one of the receive, one of the watch.
 */
struct mbox_sender {
	refcount_t refs;
	struct task_struct *task;	/* constant, counted: the receiver */
	struct mbox_watch *watch;	/* constant */
	bool ended;			/* only becomes true */
};

static void sender_put(struct mbox_sender *sender)
{
	if (!refcount_dec_and_test(&sender->refs))
		return;
	put_task_struct(sender->task);
	kfree(sender);
}

/* From the watch: the process is gone. */
static void sender_ended(void *data)
{
	struct mbox_sender *sender = data;

	WRITE_ONCE(sender->ended, true);
	wake_up_process(sender->task);
	sender_put(sender);
}

/* Watch a process for the caller, who receives. ESRCH if it has ended, ENOMEM. */
static struct mbox_sender *sender_new(struct pid *pid)
{
	struct mbox_sender *sender;
	struct mbox_watch *watch;

	sender = kzalloc(sizeof(*sender), GFP_KERNEL_ACCOUNT);
	if (!sender)
		return ERR_PTR(-ENOMEM);
	refcount_set(&sender->refs, 2);
	sender->task = get_task_struct(current);
	watch = mbox_watch_new(pid, sender_ended, sender);
	if (IS_ERR(watch)) {
		sender_put(sender);
		sender_put(sender);
		return ERR_CAST(watch);
	}
	sender->watch = watch;
	return sender;
}

/**
 * mbox_sender_check - nothing of the sender is there: see whether it can send more
 * @args:	of a receive by BY_START, that does not watch its sender
 *
 * Sets args->ended if the sender has ended, else, for a receive that blocks,
 * args->sender, to be forgotten when the receive is over.
 *
 * Return: MBOX_RETRY: look at the mailbox once more, for the sender may have
 * sent meanwhile. EAGAIN, ENOMEM.
 */
int mbox_sender_check(struct mbox_recv_args *args)
{
	struct mbox_sender *sender;
	struct pid *pid;

	pid = mbox_process_find_in(args->filter.pid_ns, args->filter.pid,
				   args->filter.start);
	if (IS_ERR(pid)) {
		args->ended = true;
		return MBOX_RETRY;
	}
	if (args->nonblock) {
		args->ended = mbox_process_ended(pid);
		put_pid(pid);
		return args->ended ? MBOX_RETRY : -EAGAIN;
	}
	sender = sender_new(pid);
	put_pid(pid);
	args->ended = sender == ERR_PTR(-ESRCH);
	if (IS_ERR(sender))
		return args->ended ? MBOX_RETRY : PTR_ERR(sender);
	args->sender = sender;
	return MBOX_RETRY;
}

/* A sleep is over: note in @args whether the sender has ended. */
void mbox_sender_look(struct mbox_recv_args *args)
{
	if (args->sender && READ_ONCE(args->sender->ended))
		args->ended = true;
}

/* Set when the sender has ended; valid until mbox_sender_forget(). */
const bool *mbox_sender_ended(struct mbox_sender *sender)
{
	return &sender->ended;
}

/* The receive is over. */
void mbox_sender_forget(struct mbox_sender *sender)
{
	if (mbox_watch_cancel(sender->watch))
		sender_put(sender);
	sender_put(sender);
}
