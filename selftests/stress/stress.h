/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stress_test: its workers and its supervisor.
 *
 *	main.c		options, and the rounds one after the other
 *	round.c		a round: mailboxes, workers, the end, the check
 *	supervisor.c	starts, disturbs, kills, reaps and stops the workers
 *	box.c stream.c	the mailboxes; the supervisor is a receiver too
 *	observer.c	a process that reads everything over netlink meanwhile
 *	worker.c	a worker: threads that choose actions at random
 *	open.c delete.c send.c receive.c lease.c batch.c attr.c poll.c owner.c link.c ring.c environment.c
 *			the actions
 *	handle.c expect.c	a worker's handles; the errors that a call may end with
 *	ledger.c check.c	the ledger, and its comparison with the kernel's counters
 */
#ifndef STRESS_STRESS_H
#define STRESS_STRESS_H

#include "stress/box.h"
#include "stress/handle.h"

#define QUOTA_BYTES		(1UL << 20)	/* of other users than root, meanwhile */
#define QUOTA_MAILBOXES		24

/* ledger->stop: all workers are quiet. */
#define STOP_QUIET		2

extern struct supervisor {
	unsigned int seconds, processes, threads, verbose;
	pid_t pids[THREADS_MAX];
	uid_t uids[2];
	struct thread rng;		/* for its random numbers only */
	long pins;			/* of the module, at the start */
	uint64_t bytes, mailboxes;	/* the quotas, likewise */
	bool busy;			/* a worker still makes calls */
	volatile sig_atomic_t quit;
} supervisor;

/* open.c */
void act_open(struct thread *t);
void act_close(struct thread *t);
void act_shutdown(struct thread *t);
void act_scratch(struct thread *t);
void act_pass(struct thread *t);

/* delete.c */
void act_delete(struct thread *t);

/* send.c */
uint32_t handle_target(union handle handle);
bool waits_for_peer(struct thread *t, union handle handle);
void act_send(struct thread *t);
void act_flood(struct thread *t);

/* receive.c */
bool handle_receives(union handle handle);
void act_recv(struct thread *t);

/* lease.c */
void leases_settle(int fd);
void act_lease(struct thread *t);

/* batch.c */
void act_send_batch(struct thread *t);
void act_recv_batch(struct thread *t);

/* attr.c */
void act_set(struct thread *t);
void act_get(struct thread *t);
void act_fdinfo(struct thread *t);

/* poll.c */
void act_poll(struct thread *t);
void act_epoll(struct thread *t);

/* environment.c */
void act_affinity(struct thread *t);
void act_pages(struct thread *t);
void act_netns(struct thread *t);

/* owner.c */
void act_handover(struct thread *t);
void owner_appoint(struct thread *rng, int fd);
void owner_ended(pid_t pid);
void owner_check(uint32_t box, const struct mbox_info *info);

/* link.c */
void inbox_begin(uint32_t box);
void act_link(struct thread *t);
void act_inbox(struct thread *t);
void inbox_end(struct thread *t);
bool inbox_quiet(pid_t pid);

/* ring.c */
void act_ring(struct thread *t);
void ring_check(struct thread *t, uint32_t box, int factory);

/* worker.c */
void work(uint32_t first, uint32_t count, uint32_t inbox_box, uid_t uid, uint64_t seed);

/* observer.c */
void observer_start(void);
void observer_end(void);

/* supervisor.c */
void worker_start(unsigned int i);
bool workers_reap(bool restart);
void disturb(void);
void workers_stop(void);

/* round.c */
void round_run(void);
void expect_nothing_left(void);

#endif
