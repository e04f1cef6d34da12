/* SPDX-License-Identifier: GPL-2.0-only */
/* Processes: found, watched until they end; owners and members of mailboxes. */
#ifndef MBOX_PROCESS_H
#define MBOX_PROCESS_H

#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/types.h>

struct cred;
struct file;
struct mbox;
struct mbox_ioc_handover;
struct mbox_member;
struct mbox_owner;
struct mbox_watch;
struct pid;
struct pid_namespace;

/*
 * A process that has a part in a mailbox until it ends: as its owner, as a member,
 * by a side of a ring. Embedded first in the object for that part.
 *
 * References: one of the object's user, who drops it with mbox_tie_drop(); one of
 * the watch; and those that the object's file counts.
 */
struct mbox_tie {
	refcount_t refs;
	struct mbox *mbox;		/* constant, counted */
	struct pid *pid;		/* constant, counted; of a worker maybe NULL */
	struct mbox_watch *watch;	/* constant; NULL without pid */
};

/*
 * The processes that take part in a mailbox, where they are limited, served in turn, or
 * receive one at a time. Guarded by mbox->lock, unless they name another.
 */
struct mbox_procs {
	struct mbox *mbox;		/* constant: that has it */
	struct rb_root members;		/* see member.c */
	u64 swept;			/* mbox_watch_ends() of the last whole sweep */
	u64 served;			/* RR: the last that a member was given */
	u32 nr_members;
	u32 nr_receiving;		/* EXCLUSIVE: calls, of this process */
	struct pid *receiving;		/* it is in a call: not counted */
	struct pid *restarting;		/* thread whose call is restarted, counted */
	u64 restart_until;		/* of its run time, ns */
	struct list_head paused;	/* paused_lock: see exclusive.c; or empty */
};

/* process.c */
struct pid *mbox_process_get(u32 nr);
struct pid *mbox_process_find(u32 nr, u64 start);
struct pid *mbox_process_find_in(struct pid_namespace *pid_ns, u32 nr, u64 start);
bool mbox_process_ended(struct pid *pid);
u32 mbox_process_nr(struct pid *pid);
const struct cred *mbox_process_cred(struct pid *pid);

/* watch.c */
int mbox_watch_init(void);
void mbox_watch_exit(void);
u64 mbox_watch_ends(void);
struct mbox_watch *mbox_watch_new(struct pid *pid, void (*ended)(void *data),
				  void *data);
bool mbox_watch_cancel(struct mbox_watch *watch);

/* tie.c */
int mbox_tie_bind(struct mbox_tie *tie, struct mbox *mbox, struct pid *pid,
		  void (*ended)(void *object));
void mbox_tie_put(struct mbox_tie *tie);
void mbox_tie_drop(struct mbox_tie *tie);

/*
 * The start time of a process, by its leader: no other process that ever had the
 * same number has the same. Nanoseconds of CLOCK_BOOTTIME, without the offset of
 * a time namespace, so that it is one number for all. exec() keeps it.
 */
static inline u64 mbox_process_start(const struct task_struct *leader)
{
	return leader->start_boottime;
}

/* owner.c */
int mbox_owner_attach(struct mbox *mbox);
void mbox_owner_detach(struct mbox *mbox);
void mbox_owner_check(struct mbox *mbox);
struct pid *mbox_owner_pid(const struct mbox_owner *owner);
const struct mbox_owner *mbox_owner_heir(const struct mbox_owner *owner);
u32 mbox_owner_nr(const struct mbox_owner *owner);
bool mbox_owner_may_receive(const struct mbox *mbox);
int mbox_owner_hand_over(struct mbox *mbox, struct file *file,
			 const struct mbox_ioc_handover *arg);

/* member.c */
int mbox_member_attach(struct mbox *mbox);
struct mbox_member *mbox_member_open(struct mbox *mbox);
void mbox_member_close(struct mbox_member *member);
int mbox_member_enter(struct mbox *mbox, u32 right,
		      struct mbox_member **member);
void mbox_member_leave(struct mbox *mbox, u32 right,
		       struct mbox_member *member, int result);
void mbox_member_detach(struct mbox *mbox);
void mbox_member_sweep(struct mbox *mbox);
bool mbox_member_admits(struct mbox *mbox, u32 right);
void mbox_member_serve(struct mbox *mbox, struct mbox_member *member);
bool mbox_member_served_before(const struct mbox_member *a,
			       const struct mbox_member *b);

/* exclusive.c */
void mbox_exclusive_stop(void);
void mbox_exclusive_wake(struct mbox *mbox);
bool mbox_exclusive_applies(const struct mbox *mbox, u32 right);
int mbox_exclusive_begin(struct mbox *mbox);
void mbox_exclusive_end(struct mbox *mbox, int result);
bool mbox_exclusive_admits(struct mbox *mbox, u32 right);
void mbox_exclusive_refuse(struct mbox *mbox);
void mbox_exclusive_detach(struct mbox *mbox);

#endif /* MBOX_PROCESS_H */
