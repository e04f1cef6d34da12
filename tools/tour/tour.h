/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mboxctl tour: declarations that its files share
 *
 *   tour.c      the director: the verb, and setting the scene
 *   moment.c    moments: telling the actors, waiting until all have settled
 *   want.c      compares the claims of a concept with the calls and the mailbox
 *   actor.c     the actors: processes that carry out orders
 *   draw.c      the time line
 *   job.c       moments with leases and calls
 *   SECTION.c   concepts, as scripts for director and actors
 *
 * A moment is one call of one actor. It is over when all actors have settled: each has
 * its result, or is blocked, and the mailbox says so. Then the moment is drawn from the
 * answers of the actors and from MBOX_IOC_GET. Then the script compares it with the
 * claims of the concept. Nothing waits by guessing a time.
 *
 * struct tour keeps the first claim that fails; the rest of the script does nothing then.
 */
#ifndef TOUR_H
#define TOUR_H

#include "../mboxctl.h"

/*
 * All concepts in the order of the textbook: identifier, word, and help.
 * Each is a struct concept, concept_IDENTIFIER.
 */
#define TOUR_CONCEPTS(X) \
	X(direct, "direct", "send(Q) and receive(P): a link between two processes") \
	X(inbox, "inbox", "receive from anyone, and learn the sender") \
	X(identity, "identity", "a process that ended is not confused with another") \
	X(indirect, "indirect", "processes that share a mailbox can communicate") \
	X(two, "two", "a mailbox for at most two processes") \
	X(exclusive, "exclusive", "at most one process in receive at a time") \
	X(fifo, "fifo", "the system chooses: the longest waiting") \
	X(lifo, "lifo", "the system chooses: the shortest waiting") \
	X(rr, "rr", "the system chooses: each in its turn") \
	X(prio, "prio", "the system chooses: the most important process") \
	X(broadcast, "broadcast", "every receiver gets a copy") \
	X(owner, "owner", "a mailbox that a process owns ends with it") \
	X(handover, "handover", "ownership goes to a process, an heir, the system") \
	X(blocking_send, "blocking-send", "wait until the message is received") \
	X(nonblocking_send, "nonblocking-send", "send and go on") \
	X(blocking_receive, "blocking-receive", "wait until there is a message") \
	X(nonblocking_receive, "nonblocking-receive", "a message, or none") \
	X(rendezvous, "rendezvous", "both block, and so they meet") \
	X(deadlock, "deadlock", "two that would wait for each other for ever") \
	X(zero, "zero", "no queue: the sender waits for the receiver") \
	X(bounded, "bounded", "a queue of N: the sender waits when it is full") \
	X(unbounded, "unbounded", "a queue without end: the sender never waits") \
	X(ring, "ring", "shared memory: a bounded buffer") \
	X(growing, "growing", "shared memory: an unbounded buffer") \
	X(lease, "lease", "a job comes back when its worker dies") \
	X(call, "call", "a request and its reply in one call")

#define ACTORS_MAX	3
#define HANDLES_MAX	3
#define MESSAGES_MAX	8
#define TEXT_SIZE	40

/* Calls that an actor can be told to make. */
enum call {
	CALL_CREATE,
	CALL_OPEN,
	CALL_LINK,
	CALL_INBOX,
	CALL_SEND,
	CALL_RECV,
	CALL_HANDOVER,
	CALL_NICE,
	CALL_LEASE,
	CALL_ACK,
	CALL_CALL,
	CALL_REPLY,
};

struct order {
	enum call call;
	unsigned int handle;	/* index into the handles of the actor */
	char name[MBOX_NAME_SIZE];
	struct mbox_attr attr;
	unsigned int rights;
	unsigned int flags;
	pid_t pid;		/* LINK: the peer; HANDOVER: the new owner */
	unsigned int type;	/* SEND: number of the message */
	unsigned int count;	/* SEND, RECV: so many of them */
	size_t size;		/* SEND: @text is followed by NULs up to here */
	uint64_t token;		/* ACK, REPLY */
	char text[TEXT_SIZE];
};

/* Comes with a descriptor of the handle if the call made one. */
struct answer {
	bool begun;		/* the order was read, nothing else */
	long value;		/* of the library, or a negated errno value */
	unsigned int count;	/* SEND, RECV: how many were done */
	pid_t pid;		/* RECV, LEASE: the sender; CALL: the server */
	uint64_t token;		/* LEASE */
	char text[TEXT_SIZE];
};

struct actor {
	const char *name;
	pid_t pid;
	int socket;
	struct mbox *box[HANDLES_MAX];	/* the director's copies */
	bool alive;
	bool joined;		/* has its column's lifeline */

	/* The current call, or the last one. */
	struct order order;
	struct answer answer;
	bool pending;

	/* This moment, as it is drawn. */
	bool called;
	bool answered;
	bool was_blocked;	/* before this moment */
	char call[TEXT_SIZE];
	char outcome[TEXT_SIZE];
};

/* Contents of the mailbox's column. */
enum show {
	SHOW_TEXTS,	/* the messages, by peeking at them */
	SHOW_COUNT,	/* number of messages */
	SHOW_EACH,	/* number of messages for each process */
	SHOW_OWNER,	/* owner and heir */
	SHOW_PROCS,	/* number of processes that take part */
	SHOW_LEASED,	/* number of messages, and how many of these are leased */
	SHOW_BYTES,	/* bytes of a ring: the kernel does not see its messages */
};

/* State of the mailboxes of a scene at one instant. */
struct look {
	bool any;
	unsigned int senders, receivers;	/* blocked, over all mailboxes */
	struct mbox_info info;			/* of the first */
};

struct concept;

struct tour {
	const struct concept *concept;
	const char *word;
	struct actor actor[ACTORS_MAX];
	int actors;
	char name[MBOX_NAME_SIZE];	/* of the mailbox */
	const char *title;		/* of its column */
	enum show show;
	struct mbox *eye;	/* the director's own handle, or NULL */
	char sent[MESSAGES_MAX][TEXT_SIZE];
	unsigned int messages;
	unsigned int moment;
	char note[TEXT_SIZE];	/* of this moment, in the column of the mailbox */
	pid_t guard;
	int guard_pipe;
	int output;		/* error of standard output */
	bool failed;
	char why[200];
};

struct concept {
	const char *says;	/* the concept, in our words */
	const char *lesson;	/* the observation, and the call that does it */
	void (*play)(struct tour *tour);
};

#define TOUR_DECLARE(id, word, help)	extern const struct concept concept_##id;
TOUR_CONCEPTS(TOUR_DECLARE)
#undef TOUR_DECLARE

/* Setting the scene. Only tour_begin() draws: the head. */
void tour_stage(struct tour *tour, const char *title, enum show show);
struct actor *tour_cast(struct tour *tour, const char *name);
void tour_box(struct tour *tour, const struct mbox_attr *attr);
void tour_join(struct tour *tour, struct actor *actor, unsigned int rights);
void tour_guard(struct tour *tour);
void tour_begin(struct tour *tour);

/* Moments. */
void tour_create(struct tour *tour, struct actor *actor, const struct mbox_attr *attr,
		 const char *how);
void tour_open(struct tour *tour, struct actor *actor, unsigned int rights);
void tour_link(struct tour *tour, struct actor *actor, struct actor *peer);
void tour_inbox(struct tour *tour, struct actor *actor);
void tour_send(struct tour *tour, struct actor *actor, const char *text, unsigned int flags);
void tour_send_to(struct tour *tour, struct actor *actor, struct actor *peer, const char *text);
void tour_send_large(struct tour *tour, struct actor *actor, const char *text, size_t size);
void tour_send_many(struct tour *tour, struct actor *actor, unsigned int count);
void tour_recv(struct tour *tour, struct actor *actor, unsigned int flags);
void tour_recv_from(struct tour *tour, struct actor *actor, struct actor *peer);
void tour_recv_any(struct tour *tour, struct actor *actor);
void tour_recv_many(struct tour *tour, struct actor *actor, unsigned int count);
void tour_handover(struct tour *tour, struct actor *actor, struct actor *to, unsigned int flags);
void tour_nice(struct tour *tour, struct actor *actor);
void tour_delete(struct tour *tour);

/* The parts of a moment, for job.c. */
struct order tour_order(struct tour *tour, enum call call);
void tour_step(struct tour *tour, struct actor *actor, const struct order *order,
	       const char *drawn);
void tour_step_text(struct tour *tour, struct actor *actor, struct order *order,
		    const char *text, const char *drawn);

/* Moments with leases and calls. */
void tour_lease(struct tour *tour, struct actor *actor);
void tour_ack(struct tour *tour, struct actor *actor);
void tour_call(struct tour *tour, struct actor *actor, const char *text);
void tour_reply(struct tour *tour, struct actor *actor, const char *text);

/* @until tells whether the end of the process has shown its effect. */
typedef bool until_fn(struct tour *tour, const struct actor *actor);
bool until_dead(struct tour *tour, const struct actor *actor);
bool until_owner(struct tour *tour, const struct actor *actor);
bool until_left(struct tour *tour, const struct actor *actor);
bool until_answered(struct tour *tour, const struct actor *actor);
void tour_kill(struct tour *tour, struct actor *victim, until_fn *until,
	       const struct actor *actor);

/* Claims of the concept about the moment that was drawn last. */
void want_blocked(struct tour *tour, const struct actor *actor);
void want_done(struct tour *tour, const struct actor *actor);
void want_error(struct tour *tour, const struct actor *actor, int error);
void want_text(struct tour *tour, const struct actor *actor, const char *text,
	       const struct actor *from);
void want_value(struct tour *tour, const struct actor *actor, long value);
void want_queued(struct tour *tour, uint64_t count);
void want_leased(struct tour *tour, unsigned int count);
void want_procs(struct tour *tour, unsigned int count);
void want_owner(struct tour *tour, const struct actor *actor);

/* Helpers of the functions above. */
void tour_look(struct tour *tour, struct look *look);
void tour_fail(struct tour *tour, const char *why, ...)
	__attribute__((format(printf, 2, 3)));
void tour_fail_call(struct tour *tour, const char *what, int error);

/* actor.c */
int actor_start(struct actor *actor, const struct actor *others, int count);
int actor_tell(struct actor *actor, const struct order *order);
int actor_hear(struct actor *actor, struct answer *answer, struct mbox **box);
void actor_end(struct actor *actor);

/* draw.c */
void draw_init(void);
void draw_title(const struct tour *tour);
void draw_head(const struct tour *tour);
void draw_moment(struct tour *tour);
void draw_lesson(const struct tour *tour);

#endif /* TOUR_H */
