// SPDX-License-Identifier: GPL-2.0-only
/* Processes: found by number, and watched until they end. */
#include <linux/capability.h>
#include <linux/hash.h>
#include <linux/pid.h>
#include <linux/refcount.h>
#include <linux/rhashtable.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "mbox.h"
#include "process.h"

/*
 * The end of a process is known from its struct pid: the queue that polling a
 * pidfd waits on is woken when the last thread of the group is gone, and now and
 * then before (a traced leader's end, an exec). The kernel walks that queue with
 * tasklist_lock held and interrupts off. So a process has one entry there, of its
 * struct watch_process, however many watches it has: the entry only queues the
 * process for a worker, which looks, and calls back for one watch after the other.
 *
 * MBOX_WATCH: an end is told once, or never if the watch was cancelled before. The
 * watch is in process->watches until one of the two takes it out, under the lock.
 *
 *	worker					cancel
 *	if it is listed: unlist, ended(data)	unlist; return whether it was listed
 *
 * The worker copies what it needs, so cancel frees the watch at once.
 *
 * A process is used by its watches. The last one to go unhooks the entry, so that
 * it does not run any more, and takes the process out of the table. The memory is
 * held by these users together, and by the queue of a worker.
 */
struct watch_process {
	struct rhash_head node;
	struct pid *pid;		/* constant, counted: the key */
	refcount_t users;		/* watches; 0: not to be found any more */
	refcount_t refs;
	spinlock_t lock;		/* guards watches */
	struct list_head watches;	/* lock: those not told */
	wait_queue_entry_t entry;	/* hooked into pid->wait_pidfd */
	struct end_queue *queue;	/* constant */
	struct list_head woken;		/* queue->lock: or empty */
	struct rcu_head rcu;
};

struct mbox_watch {
	struct list_head node;		/* process->lock: or empty */
	struct watch_process *process;	/* constant */
	void (*ended)(void *data);	/* constant */
	void *data;			/* constant */
};

/*
 * Processes that were woken, for one worker. The processes of a user (real uid)
 * share QUEUES_PER_USER of the queues, and take turns there after WATCH_BATCH
 * callbacks: many processes of one user that end together hold up each other, but
 * only by chance those of another user.
 */
struct end_queue {
	spinlock_t lock;		/* guards woken, interrupts off */
	struct list_head woken;		/* lock: struct watch_process */
	struct work_struct work;
};

#define QUEUES_BITS	8
#define QUEUES_PER_USER	4
#define WATCH_BATCH	16

static struct end_queue end_queues[1 << QUEUES_BITS];
static atomic64_t watch_ends;
static struct workqueue_struct *watch_workers;

/* One that has no users is about to go: it is not the process that is looked for. */
static int process_differs(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct watch_process *process = obj;
	struct pid *const *pid = arg->key;

	return process->pid != *pid || !refcount_read(&process->users);
}

static const struct rhashtable_params process_params = {
	.key_len = sizeof(struct pid *),
	.key_offset = offsetof(struct watch_process, pid),
	.head_offset = offsetof(struct watch_process, node),
	.obj_cmpfn = process_differs,
	.automatic_shrinking = true,
};

static struct rhashtable watch_processes;

/**
 * mbox_process_get - find a process by its number
 * @nr:	process id in the caller's pid namespace
 *
 * Return: its struct pid, for put_pid(). ESRCH if there is none, or it is a thread.
 */
struct pid *mbox_process_get(u32 nr)
{
	struct pid *pid;

	if (!nr || nr > INT_MAX)
		return ERR_PTR(-ESRCH);
	pid = find_get_pid(nr);
	if (pid && pid_has_task(pid, PIDTYPE_TGID))
		return pid;
	put_pid(pid);
	return ERR_PTR(-ESRCH);
}

/**
 * mbox_process_find - find a process by its number and its start
 * @nr:		process id in the caller's pid namespace
 * @start:	as mbox_process_start() has it
 *
 * Return: as mbox_process_get(). ESRCH also if the number is another process'.
 */
struct pid *mbox_process_find(u32 nr, u64 start)
{
	struct pid *pid = mbox_process_get(nr);
	struct task_struct *leader;
	bool same;

	if (IS_ERR(pid))
		return pid;
	rcu_read_lock();
	leader = pid_task(pid, PIDTYPE_TGID);
	same = leader && mbox_process_start(leader) == start;
	rcu_read_unlock();
	if (same)
		return pid;
	put_pid(pid);
	return ERR_PTR(-ESRCH);
}

/* Whether all threads of a process are gone, reaped or not. */
bool mbox_process_ended(struct pid *pid)
{
	struct task_struct *task;
	bool ended;

	rcu_read_lock();
	task = pid_task(pid, PIDTYPE_PID);
	ended = !task || (READ_ONCE(task->exit_state) && thread_group_empty(task));
	rcu_read_unlock();
	return ended;
}

/* The number of a process for the caller; 0 if it is not there, or not any more. */
u32 mbox_process_nr(struct pid *pid)
{
	/* A struct pid keeps its number, which another process may have by now. */
	return pid_has_task(pid, PIDTYPE_TGID) ? pid_vnr(pid) : 0;
}

/* The credentials of a process, counted; NULL if it is none, or a kernel thread. */
const struct cred *mbox_process_cred(struct pid *pid)
{
	const struct cred *cred = NULL;
	struct task_struct *task;

	rcu_read_lock();
	task = pid_task(pid, PIDTYPE_TGID);
	if (task && !(task->flags & PF_KTHREAD))
		cred = get_task_cred(task);
	rcu_read_unlock();
	return cred;
}

/**
 * mbox_process_signal - see whether the caller may send a process a signal
 * @pid:	the process
 *
 * The rule of kill(2): the real or effective uid of the caller is the real or saved
 * one of the process, or the caller has CAP_KILL in the process' user namespace, or
 * is the process.
 *
 * Return: 0, EPERM, or ESRCH if there is no such process, or it is a kernel thread.
 */
int mbox_process_signal(struct pid *pid)
{
	const struct cred *own = current_cred();
	const struct cred *target = mbox_process_cred(pid);
	bool may;

	if (!target)
		return -ESRCH;
	may = pid == task_tgid(current) ||
	      uid_eq(own->euid, target->suid) ||
	      uid_eq(own->euid, target->uid) ||
	      uid_eq(own->uid, target->suid) ||
	      uid_eq(own->uid, target->uid) ||
	      ns_capable(target->user_ns, CAP_KILL);
	put_cred(target);
	return may ? 0 : -EPERM;
}

static void process_put(struct watch_process *process)
{
	if (!refcount_dec_and_test(&process->refs))
		return;
	put_pid(process->pid);
	kfree_rcu(process, rcu);
}

/* Be woken no more. It may be asked for twice. */
static void process_unhook(struct watch_process *process)
{
	wait_queue_head_t *queue = &process->pid->wait_pidfd;
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	list_del_init(&process->entry.entry);
	spin_unlock_irqrestore(&queue->lock, flags);
}

/* A watch goes. */
static void process_unuse(struct watch_process *process)
{
	if (!refcount_dec_and_test(&process->users))
		return;
	process_unhook(process);
	rhashtable_remove_fast(&watch_processes, &process->node,
			       process_params);
	process_put(process);
}

/* Put a process at the end of its queue. */
static void process_queue(struct watch_process *process)
{
	struct end_queue *queue = process->queue;
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	if (list_empty(&process->woken)) {
		refcount_inc(&process->refs);
		list_add_tail(&process->woken, &queue->woken);
	}
	queue_work(watch_workers, &queue->work);
	spin_unlock_irqrestore(&queue->lock, flags);
}

static int process_wake(wait_queue_entry_t *entry, unsigned int mode, int flags,
			void *key)
{
	/* Ordered after what mbox_process_ended() looks at. */
	atomic64_inc_return(&watch_ends);
	process_queue(container_of(entry, struct watch_process, entry));
	return 0;
}

/* Call back for up to WATCH_BATCH watches; whether there may be more. */
static bool process_tell(struct watch_process *process)
{
	unsigned int n;

	for (n = 0; n < WATCH_BATCH; n++) {
		void (*ended)(void *data);
		struct mbox_watch *watch;
		void *data;

		spin_lock(&process->lock);
		watch = list_first_entry_or_null(&process->watches,
						 struct mbox_watch, node);
		if (watch) {
			list_del_init(&watch->node);
			ended = watch->ended;
			data = watch->data;
		}
		spin_unlock(&process->lock);
		if (!watch)
			return false;
		ended(data);
		cond_resched();
	}
	return true;
}

static struct watch_process *end_queue_pop(struct end_queue *queue)
{
	struct watch_process *process;

	spin_lock_irq(&queue->lock);
	process = list_first_entry_or_null(&queue->woken, struct watch_process,
					   woken);
	if (process)
		list_del_init(&process->woken);
	/* One process at a time: others of the workqueue have their turn. */
	if (!list_empty(&queue->woken))
		queue_work(watch_workers, &queue->work);
	spin_unlock_irq(&queue->lock);
	return process;
}

static void end_queue_work(struct work_struct *work)
{
	struct watch_process *process;

	process = end_queue_pop(container_of(work, struct end_queue, work));
	if (!process)
		return;
	if (mbox_process_ended(process->pid)) {
		/* What follows may let the module go, and with it the entry. */
		process_unhook(process);
		if (process_tell(process))
			process_queue(process);
	}
	process_put(process);
}

static struct end_queue *end_queue_of(struct pid *pid)
{
	const struct cred *cred = mbox_process_cred(pid);
	u32 nr = 0;

	if (cred) {
		nr = hash_32(__kuid_val(cred->uid), QUEUES_BITS);
		put_cred(cred);
	}
	nr += hash_ptr(pid, 32) % QUEUES_PER_USER;
	return &end_queues[nr % ARRAY_SIZE(end_queues)];
}

/* A process that nobody finds yet, with one user. It is hooked: may be woken. */
static struct watch_process *process_new(struct pid *pid)
{
	struct watch_process *process;

	process = kzalloc(sizeof(*process), GFP_KERNEL_ACCOUNT);
	if (!process)
		return NULL;
	process->pid = get_pid(pid);
	refcount_set(&process->users, 1);
	refcount_set(&process->refs, 1);
	spin_lock_init(&process->lock);
	INIT_LIST_HEAD(&process->watches);
	INIT_LIST_HEAD(&process->woken);
	process->queue = end_queue_of(pid);
	init_waitqueue_func_entry(&process->entry, process_wake);
	add_wait_queue(&pid->wait_pidfd, &process->entry);
	return process;
}

/* The process that is watched already, with one more user; or NULL. */
static struct watch_process *process_find(struct pid *pid)
{
	struct watch_process *process;

	rcu_read_lock();
	process = rhashtable_lookup(&watch_processes, &pid, process_params);
	if (process && !refcount_inc_not_zero(&process->users))
		process = NULL;
	rcu_read_unlock();
	return process;
}

/*
 * Enter @fresh into the table, or find the one that is there by now, with one more
 * user. ENOMEM. One that lost its last user meanwhile differs from the next look on.
 */
static struct watch_process *process_enter(struct watch_process *fresh)
{
	struct watch_process *process;

	for (;;) {
		rcu_read_lock();
		process = rhashtable_lookup_get_insert_fast(&watch_processes,
							    &fresh->node,
							    process_params);
		if (!IS_ERR_OR_NULL(process) &&
		    !refcount_inc_not_zero(&process->users))
			process = ERR_PTR(-EAGAIN);
		rcu_read_unlock();
		if (!process)
			return fresh;
		if (!IS_ERR(process))
			return process;
		if (process == ERR_PTR(-EBUSY))
			/* A worker resizes the table, and has to run. */
			schedule_timeout_uninterruptible(1);
		else if (process != ERR_PTR(-EAGAIN))
			return ERR_PTR(-ENOMEM);
	}
}

/* The process of @pid with one more user, for process_unuse(). ENOMEM. */
static struct watch_process *process_use(struct pid *pid)
{
	struct watch_process *process, *fresh;

	process = process_find(pid);
	if (process)
		return process;
	/* It is hooked before anybody finds it: who does is told of the end. */
	fresh = process_new(pid);
	if (!fresh)
		return ERR_PTR(-ENOMEM);
	process = process_enter(fresh);
	if (process != fresh) {
		process_unhook(fresh);
		process_put(fresh);
	}
	return process;
}

/* Whether it falls to the caller to have the end not told. */
static bool watch_take(struct mbox_watch *watch)
{
	struct watch_process *process = watch->process;
	bool untold;

	spin_lock(&process->lock);
	untold = !list_empty(&watch->node);
	list_del_init(&watch->node);
	spin_unlock(&process->lock);
	return untold;
}

static void watch_free(struct mbox_watch *watch)
{
	process_unuse(watch->process);
	kfree(watch);
}

/**
 * mbox_watch_new - ask to be told when a process ends
 * @pid:	the process
 * @ended:	called once, by a worker, with no lock held; maybe before this
 *		function returns
 * @data:	for @ended
 *
 * Return: the watch, to be cancelled whether @ended was called or not; ESRCH if
 * the process has ended already, ENOMEM, and @ended is not called.
 */
struct mbox_watch *mbox_watch_new(struct pid *pid, void (*ended)(void *data),
				  void *data)
{
	struct watch_process *process;
	struct mbox_watch *watch;

	watch = kzalloc(sizeof(*watch), GFP_KERNEL_ACCOUNT);
	if (!watch)
		return ERR_PTR(-ENOMEM);
	process = process_use(pid);
	if (IS_ERR(process)) {
		kfree(watch);
		return ERR_CAST(process);
	}
	watch->process = process;
	watch->ended = ended;
	watch->data = data;
	spin_lock(&process->lock);
	list_add_tail(&watch->node, &process->watches);
	spin_unlock(&process->lock);
	/* The worker may have been here before. */
	if (mbox_process_ended(pid) && watch_take(watch)) {
		watch_free(watch);
		return ERR_PTR(-ESRCH);
	}
	return watch;
}

/**
 * mbox_watch_cancel - end a watch
 * @watch:	invalid from here on
 *
 * Also under a spinlock, with interrupts on.
 *
 * Return: true if the end was not told, and will not be; false if it was, or is
 * being told just now.
 */
bool mbox_watch_cancel(struct mbox_watch *watch)
{
	bool untold = watch_take(watch);

	watch_free(watch);
	return untold;
}

/*
 * How often any process that is watched was seen to end, or maybe to. It is counted
 * before wait() or a pidfd tells anybody of that end.
 */
u64 mbox_watch_ends(void)
{
	/* Ordered before the caller looks at processes. */
	return atomic64_read_acquire(&watch_ends);
}

int __init mbox_watch_init(void)
{
	unsigned int i;
	int error;

	for (i = 0; i < ARRAY_SIZE(end_queues); i++) {
		spin_lock_init(&end_queues[i].lock);
		INIT_LIST_HEAD(&end_queues[i].woken);
		INIT_WORK(&end_queues[i].work, end_queue_work);
	}
	error = rhashtable_init(&watch_processes, &process_params);
	if (error)
		return error;
	/* Each queue may have its worker. Mailboxes that end free memory. */
	watch_workers = alloc_workqueue("mbox", WQ_UNBOUND | WQ_MEM_RECLAIM,
					ARRAY_SIZE(end_queues));
	if (watch_workers)
		return 0;
	rhashtable_destroy(&watch_processes);
	return -ENOMEM;
}

/* Nothing is watched any more; what was told last may be under way. */
void mbox_watch_exit(void)
{
	destroy_workqueue(watch_workers);
	rhashtable_destroy(&watch_processes);
}
