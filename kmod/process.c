// SPDX-License-Identifier: GPL-2.0-only
/* Processes: found by number, their credentials, their end. */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "process.h"

static struct pid *process_get(struct pid_namespace *pid_ns, u32 nr)
{
	struct pid *pid;

	if (!nr || nr > INT_MAX)
		return ERR_PTR(-ESRCH);
	rcu_read_lock();
	pid = get_pid(find_pid_ns(nr, pid_ns));
	rcu_read_unlock();
	if (pid && pid_has_task(pid, PIDTYPE_TGID))
		return pid;
	put_pid(pid);
	return ERR_PTR(-ESRCH);
}

/**
 * mbox_process_get - find a process by its number
 * @nr:	process id in the caller's pid namespace
 *
 * Return: its struct pid, for put_pid(). ESRCH if there is none, or it is a thread.
 */
struct pid *mbox_process_get(u32 nr)
{
	return process_get(task_active_pid_ns(current), nr);
}

/* Find a process by its number and its start; the number is meant in @pid_ns. */
struct pid *mbox_process_find_in(struct pid_namespace *pid_ns, u32 nr, u64 start)
{
	struct pid *pid = process_get(pid_ns, nr);
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

/**
 * mbox_process_find - find a process by its number and its start
 * @nr:		process id in the caller's pid namespace
 * @start:	as mbox_process_start() has it
 *
 * Return: as mbox_process_get(). ESRCH also if the number is another process'.
 */
struct pid *mbox_process_find(u32 nr, u64 start)
{
	return mbox_process_find_in(task_active_pid_ns(current), nr, start);
}

/* Return whether all threads of a process are gone, reaped or not. */
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

/* Return the number of a process for the caller; 0 if it is not visible, or gone. */
u32 mbox_process_nr(struct pid *pid)
{
	/* A struct pid keeps its number, which another process may have by now. */
	return pid_has_task(pid, PIDTYPE_TGID) ? pid_vnr(pid) : 0;
}

/* Get the credentials of a process; NULL if there is none, or it is a kernel thread. */
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
