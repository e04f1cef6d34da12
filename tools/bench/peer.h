/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Peers: the ways to pass messages that mboxbench compares, one file each
 *
 * A channel carries messages of one size from senders to receivers. The process that
 * measures opens it, then its workers, which have inherited it, join it and use it.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* A channel as a workload asks for it. */
struct setup {
	size_t size;			/* bytes of a message */
	unsigned int depth;		/* messages that it holds before a send blocks */
	unsigned int senders, receivers;
	bool threads;			/* the workers are threads of one process */
};

/* Each peer uses the fields that it needs. A worker has a copy of its own. */
struct channel {
	const struct peer *peer;
	struct setup setup;
	bool nonblock;			/* receives do not wait, see peer_nonblock() */
	int fds[2];			/* receive from [0], send to [1] */
	int id;
	void *map;			/* shared memory */
	size_t mapped;
	void *handles[2];		/* the same as @fds */
	char name[48];
};

enum side {
	SIDE_RECV = 1,
	SIDE_SEND = 2,
};

/*
 * Channels with names, for the workload "many". Names are numbers; a channel that is
 * made stays without being open, if the peer can do that.
 */
struct peer_named {
	unsigned int max;		/* so many at once; 0: no such limit */
	int (*make)(unsigned int number);
	int (*open)(struct channel *ch, unsigned int number);
	void (*shut)(struct channel *ch);
	void (*remove)(unsigned int number);
};

/*
 * Functions return 0 or a negated errno, unless their comment differs. A buffer has
 * PEER_HEADROOM bytes of memory in front of it, which the peer may change.
 */
#define PEER_HEADROOM	sizeof(long)

struct peer {
	const char *name;
	const char *about;
	bool ours;			/* a way to use mbox */
	bool ring;			/* most messages take no system call */
	bool spreads;			/* assigns messages to receivers when they are sent */
	unsigned int settle_ms;		/* needs this time after all workers have joined */
	const char *absent;		/* why the program is built without it, or NULL */
	/* Return why it cannot serve @setup, or NULL. May be NULL. */
	const char *(*refuse)(const struct setup *setup);
	int (*open)(struct channel *ch);
	void (*close)(struct channel *ch);
	/* In each worker; may be NULL. @number counts the workers of a side. */
	int (*join)(struct channel *ch, unsigned int sides, unsigned int number);
	void (*leave)(struct channel *ch);
	int (*send)(struct channel *ch, const void *data, size_t size);
	/* Return the bytes received, at most @size. */
	ssize_t (*recv)(struct channel *ch, void *data, size_t size);
	/* Make receives fail with EAGAIN instead of waiting. NULL: it looks at @ch->nonblock. */
	int (*nonblock)(struct channel *ch);
	/* @count messages of @size bytes, one after the other. May be NULL. */
	int (*send_batch)(struct channel *ch, const void *data, size_t size, unsigned int count);
	/* Return the messages received, at least one. */
	int (*recv_batch)(struct channel *ch, void *data, size_t size, unsigned int count);
	/* A higher priority is received first. May be NULL. */
	int (*send_prio)(struct channel *ch, const void *data, size_t size, unsigned int prio);
	ssize_t (*recv_prio)(struct channel *ch, void *data, size_t size);
	/* The descriptor that is readable when a message is there. May be NULL. */
	int (*poll_fd)(const struct channel *ch);
	/* Return whether a message is there that the descriptor may not report. May be NULL. */
	bool (*ready)(const struct channel *ch);
	const struct peer_named *named;	/* or NULL */
};

/* All peers, in the order of the tables. Each is a struct peer, peer_NAME. */
#define PEERS(X) \
	X(mbox) X(mbox_header) X(mbox_rw) X(mbox_ring) \
	X(pipe) X(sysv) X(mq) X(seqpacket) X(dgram) X(eventfd) X(futex) X(zmq)

#define PEER_DECLARE(name)	extern const struct peer peer_##name;
PEERS(PEER_DECLARE)
#undef PEER_DECLARE

extern const struct peer *const peers[];
extern const size_t peers_count;

/* Priorities of "prio" are below this. */
#define PEER_PRIOS	32

const struct peer *peer_find(const char *name, size_t length);
const char *peer_refusal(const struct peer *peer, const struct setup *setup);
int peer_open(struct channel *ch, const struct peer *peer, const struct setup *setup);
void peer_close(struct channel *ch);
int peer_join(struct channel *ch, unsigned int sides, unsigned int number);
void peer_leave(struct channel *ch);
int peer_nonblock(struct channel *ch);
void peer_name(char *name, size_t size, const char *prefix, unsigned int number);

/* Helpers for peers with descriptors or shared memory */
int fd_nonblock(struct channel *ch);
void fd_close(struct channel *ch);
int fd_receive_side(const struct channel *ch);
int map_new(struct channel *ch, size_t size);
void map_free(struct channel *ch);

#endif /* BENCH_PEER_H */
