/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fail_nth_test: operations, and the scene in which one is made to fail.
 *
 * Each operation is a mailbox in some state and a call on it. The test repeats the call; first the
 * first thing in it fails that can, then the second, and so on, until a call ends without a failure.
 * After each failure the error must be one that the call may return, all state must be as before, and
 * the same call, without a failure, must work.
 *
 * The operations are in tables, one in each file that is named after their subject.
 */
#ifndef FAIL_NTH_FAIL_NTH_H
#define FAIL_NTH_FAIL_NTH_H

#include "lib/child_call.h"

#include <sys/uio.h>

#define SMALL		100
#define LARGE		4000
#define HUGE		(5U << 20)	/* more than kmalloc() has */
#define SEGMENTS	10		/* more than the kernel keeps on its stack */
#define POLLS		200		/* likewise */

/* Message number N starts at N * STEP in a stream of bytes. */
#define STEP		8
#define STREAM_SIZE	(HUGE + 4096)
#define PARTNERS	50		/* the number of the partner's message */

enum partner {
	ALONE,
	RECEIVES,		/* is blocked in a receive before the call */
	SENDS,			/* is blocked in a send before the call */
	WILL_RECEIVE,		/* receives once a send is blocked */
	WILL_SEND,		/* sends once a receive is blocked */
};

struct scene;

/* An operation: the state of a mailbox, a call on it, and the expected result. */
struct op {
	const char *name;
	uint32_t capacity;	/* of the mailbox */
	uint32_t policy;
	uint32_t max_procs;
	uint32_t queued;	/* messages in it, from number 1 on */
	uint32_t length;	/* bytes of each message, sent or received */
	bool bare;		/* no mailbox of the caller's, but one of root's */
	bool lazy;		/* the payload's memory is not there yet */
	bool lazy_args;		/* nor is the argument's */
	uint32_t grown;		/* bytes by which the argument is that of a later version */
	bool no_pages;		/* but objects only fail */
	bool as_root;
	bool in_child;		/* the effect of the call cannot be undone in a process */
	enum partner partner;
	int result;		/* an error, if it must end with one */
	int errors[5];		/* with which it may fail */
	bool any_error;
	void (*prepare)(struct scene *s);
	void (*enter)(struct scene *s);	/* in the child, before the call */
	void (*leave)(struct scene *s, long ret); /* in the child, after it */
	long (*call)(struct scene *s);
	void (*failed)(struct scene *s); /* NULL: all is to be as before */
	void (*done)(struct scene *s, long ret);
	/* where operations share functions */
	unsigned long cmd;
	uint32_t flags;
	uint32_t how;
};

/* Arguments, which calls must leave unchanged when they fail. */
struct args {
	struct mbox_ioc_open open;
	struct mbox_ioc_delete delete;
	struct mbox_ioc_send send;
	struct mbox_ioc_recv recv;
	struct mbox_ioc_set set;
	struct mbox_info info;
	struct mbox_ioc_handover handover;
	struct mbox_ioc_link link;
	struct mbox_ioc_inbox inbox;
	struct mbox_ioc_wait wait;
	struct mbox_ioc_sendv sendv;
	struct mbox_ioc_recvv recvv;
	struct mbox_ioc_lease lease;
	struct mbox_ioc_ack ack;
	struct mbox_ioc_nack nack;
	struct mbox_ioc_extend extend;
	struct mbox_ioc_post post;
	struct mbox_ioc_call call;
	struct mbox_ioc_reply reply;
	struct mbox_ioc_kick kick;
	struct mbox_ioc_mode mode;
	struct mbox_ioc_notify notify;
};

struct scene {
	struct __test_metadata *_metadata;
	const struct op *op;
	int factory;		/* the caller's */
	int others;		/* a mailbox of root's */
	char others_name[MBOX_NAME_SIZE];
	int quotas[2];		/* the parameters */
	int stream;		/* a file with the stream in it */
	int lazy_file;		/* one for lazy_args */

	int fd;			/* on which the call is made */
	int observer;		/* another handle on that mailbox */
	char name[MBOX_NAME_SIZE];
	struct args args;
	struct args *lazy_args;	/* where the call gets them, if not there */
	uint8_t *data;
	struct call *partner;
	int extra;
	char path[64];
	struct iovec segments[SEGMENTS];
	struct mbox_send_entry out[SEGMENTS];
	struct mbox_recv_entry in[SEGMENTS];
	struct pollfd polls[POLLS];
	struct mbox_ack_entry acks[SEGMENTS];
	uint64_t token;

	/* as it was before the call */
	struct args given;
	struct mbox_info info;
	uint64_t fds;
	long pins;

	bool survived;		/* something failed in it, and the call did not */
};

#define SCENE(s) \
	struct __test_metadata *_metadata __attribute__((unused)) = (s)->_metadata; \
	const struct op *op __attribute__((unused)) = (s)->op

extern uint8_t stream[STREAM_SIZE];

#define LATER		32	/* bytes that a later version of a structure might have more */

/* @variant with its argument in memory that is not present yet; and with that of a later version. */
#define LAZY(variant, ...) \
	{ \
		.name = "lazy_" #variant, .lazy_args = true, __VA_ARGS__ \
	}, { \
		.name = "grown_" #variant, .lazy_args = true, .grown = LATER, __VA_ARGS__ \
	}

#define OPEN_ERRORS	{ ENOMEM, EFAULT, ENFILE, EMFILE }
#define RECV_ERRORS	{ ENOMEM, EFAULT }
#define SEND_ERRORS	{ ENOMEM, EFAULT }

/* Each ends with an operation without a name. */
extern const struct op open_ops[];
extern const struct op delete_ops[];
extern const struct op send_ops[];
extern const struct op recv_ops[];
extern const struct op mode_ops[];
extern const struct op attr_ops[];
extern const struct op member_ops[];
extern const struct op broadcast_ops[];
extern const struct op ring_ops[];
extern const struct op link_ops[];
extern const struct op owner_ops[];
extern const struct op netlink_ops[];
extern const struct op file_ops[];
extern const struct op netns_ops[];
extern const struct op lease_ops[];
extern const struct op call_ops[];

/* scene.c */
const void *message(uint32_t number);
void expect_queued(struct scene *s, uint32_t first, uint32_t count);
long make_ioctl(struct scene *s, int fd, unsigned long cmd, void *arg);
bool sweep_once(struct scene *s, unsigned int nth);

/* open.c */
void opened(struct scene *s, long ret);
void prepare_create(struct scene *s);
long call_open(struct scene *s);
void not_created(struct scene *s);
void fill_fd_table(struct scene *s);
void prepare_open(struct scene *s);
void opened_same(struct scene *s, long ret);

/* send.c */
void prepare_send(struct scene *s);
long call_send(struct scene *s);
long call_write(struct scene *s);
void sent(struct scene *s, long ret);
void written(struct scene *s, long ret);
void prepare_segments(struct scene *s);
void pieces_set(struct scene *s, void *data);

/* recv.c */
void prepare_recv(struct scene *s);
long call_recv(struct scene *s);
void expect_received(struct scene *s, uint32_t number);
void peeked(struct scene *s, long ret);

/* lease.c */
uint64_t lease_message(struct scene *s, int fd);

#endif
