/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mbox_fuzz: a fuzzer of /dev/mbox that is guided by the module's coverage
 *
 *	selftests/fuzz/run [-t SECONDS]		build all of it, boot a machine, fuzz (see its -h)
 *	make -C selftests/fuzz O=DIR		builds DIR/mbox_fuzz alone
 *	mbox_fuzz -c 'PROGRAM'			writes the program in C: a reproducer
 *
 * A program is some calls, on one line of text:
 *
 *	create to=2 rights=3 capacity=1; 1!recv fd=2 size=64; send*3 fd=2 size=300 data=lazy.end
 *
 * A call is [LANE][!]NAME[*TIMES][/32] and the arguments that are not the default (ops.c has the
 * table). A lane is a process; lane 0 goes through the program, and gives the others their calls,
 * so that calls block and race; after "!" it waits a moment, that the call may block before
 * the next one is made. "/32" makes the ioctl as a 32-bit program would. Descriptors live in ten
 * slots: slot 0 is a factory of root's, slot 1 one of an ordinary user's, the others are the
 * program's. Addresses are places, such as rw, ro, lazy (a page that is to be fetched), gap
 * (nothing mapped), bad3 (one of a list), with .end (ends where nothing is mapped), .cross (half
 * of it beyond), .odd (unaligned), .page (across two pages) and .x (in memory of the next lane,
 * which changes it meanwhile).
 *
 * The files:
 *	runtime.[ch]	lanes, memory, descriptors; also a part of every reproducer
 *	helpers.c	calls that take more than one line; likewise
 *	netlink.c	those over netlink; likewise
 *	job.c		those on leases and replies; likewise
 *	place.h		numbers for addresses and times; likewise
 *	ops.c		the calls and their arguments
 *	text.c		programs from and to text
 *	value.c		random numbers, and the values of arguments
 *	gen.c		new programs, and changes to known ones
 *	exec.c		runs a program, and looks whether the mailboxes are as they should be
 *	kcov.c		coverage
 *	corpus.c	the programs that covered something new, made short
 *	emit.c		programs in C
 *	seeds		hand-written programs, to begin with
 *	corpus		programs that it made, likewise
 *	main.c		options, the loop, the end
 *
 * Program number N is a function of the seed, of N and of the corpus at that time. The corpus grows
 * rarely, and each program that enters it is printed with its number; so all that ran can be
 * found from the output: mbox_fuzz -r OUTPUT -p N prints program N. Lane 0 carries the number in its name,
 * where the kernel's reports show it. As lanes race, the same seed does not make the same
 * corpus twice, but without the other lanes (-1) and without a time limit it mostly does.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "place.h"

#define MAX_ARGS	24
#define MAX_ARG		256	/* bytes of an argument structure, at most */
#define MAX_CALLS	24
#define MAX_TIMES	250
#define MAX_TEXT	16384

struct call {
	uint8_t op;
	uint8_t lane;
	bool settle;		/* wait a moment after it, for it to block */
	bool compat;		/* as a 32-bit program */
	uint8_t times;
	uint64_t arg[MAX_ARGS];
};

struct program {
	unsigned int n;
	struct call calls[MAX_CALLS];
};

/* A kind of argument: how it is generated, printed, and passed to the kernel. */
enum kind {
	K_SLOT,			/* a descriptor */
	K_OUT,			/* the slot for a new descriptor */
	K_AT,			/* where an argument structure lies */
	K_BUF,			/* where a payload of the size in argument "link" lies */
	K_FLAGS,		/* bits of a mask */
	K_ENUM,			/* 0 to a maximum */
	K_U32,			/* any number, or one of a list */
	K_U64,
	K_SIZE,			/* bytes of payload */
	K_TIME,			/* a deadline on the clock in argument "link" */
	K_NAME,			/* the name of a mailbox */
	K_CSIZE,		/* size in the number of an ioctl */
	K_XOR,			/* flips bits of the number of an ioctl */
	K_PID,			/* a process: 0 nobody, N lane N - 1, else a number */
	K_START,		/* start of a process: 0, 1 the last sender's, else a number */
	K_TOKEN,		/* of a lease: 0 none, 1 the last, 2 the one before, else a number */
	K_BOX,			/* id of a mailbox: 0 none, N that of slot N, else a number */
	K_FILL,			/* byte of the data that follows the structure */
};

struct field {
	const char *name;
	enum kind kind;
	uint8_t off;		/* in the structure of an ioctl … */
	uint8_t width;		/* … if this is not 0 */
	uint8_t link;		/* another argument; of K_SLOT: enum slot_kind */
	const char *member;	/* its name in C */
	uint64_t valid;		/* mask or maximum */
	uint64_t dflt;
	const uint64_t *list;	/* more values that are likely to matter … */
	unsigned int listed;	/* … and how many */
};

/* The use of a descriptor; a program may use any for anything. */
enum slot_kind { SLOT_NONE, SLOT_FACTORY, SLOT_HANDLE, SLOT_SOCKET, SLOT_EPOLL, SLOT_NETLINK };

enum op_class { OP_IOCTL, OP_SYSCALL, OP_HELPER };

struct op {
	const char *name;
	enum op_class class;
	uint8_t weight;
	uint8_t makes;		/* enum slot_kind of K_OUT */
	unsigned long nr;	/* of the ioctl or system call */
	const char *c_name;	/* of the ioctl, system call or helper in C */
	const char *c_type;	/* of the structure in C */
	size_t size;		/* of the structure */
	long (*helper)(int lane, const uint64_t *value);
	const struct field *fields;
	unsigned int nr_fields;
};

/* ops.c */
extern const struct op ops[];
extern const unsigned int nr_ops;

/* The ioctls all begin with these arguments. */
enum { ARG_FD, ARG_AT, ARG_CSIZE, ARG_XOR, ARG_FILL, ARG_STRUCT };

/* K_NAME: the name, and its defect. */
#define NAME(n, flaw)	((n) | (flaw) << 8)
enum name_flaw {
	NAME_FINE, NAME_NONE, NAME_DOT, NAME_CHAR, NAME_NO_NUL, NAME_AFTER_NUL, NAME_LONGEST,
	NAME_FLAWS
};
#define NAMES		6
void name_make(char *name, uint64_t value);

/* text.c */
bool program_parse(struct program *prog, const char *text, char *error, size_t size);
void program_print(const struct program *prog, char *text);
void at_print(char *text, uint64_t at);

/* value.c */
struct rng {
	uint64_t state;
};

/* The contents of the slots at a point of a program, as far as known without running it. */
struct sketch {
	uint8_t kind[SLOTS];
};

/* Nanoseconds after which most calls no longer block. */
#define SHORT_WAIT	300000

void rng_seed(struct rng *rng, uint64_t seed, uint64_t number);
uint64_t rng_next(struct rng *rng);
unsigned int rng_below(struct rng *rng, unsigned int n);
uint64_t value_make(struct rng *rng, const struct sketch *sketch, const struct field *field);

static inline bool one_in(struct rng *rng, unsigned int n)
{
	return !rng_below(rng, n);
}

/* gen.c */
void program_make(struct program *prog, struct rng *rng, bool one_lane);

/* exec.c */
extern uint64_t calls_made;

void exec_start(void);
void exec_program(const struct program *prog);
void exec_name(uint64_t number);
const char *exec_check(void);
const char *exec_end(void);

/* kcov.c */
#define FEATURE_BITS	17
#define FEATURES	(1U << FEATURE_BITS)

extern unsigned int pcs_covered;

bool kcov_setup(void);
void kcov_lane_start(int lane);
void kcov_begin(void);
void kcov_result(unsigned int op, long result);
unsigned int kcov_end(uint32_t *fresh, unsigned int max);
bool kcov_had(const uint32_t *features, unsigned int n);
unsigned int kcov_all(uint32_t *features, unsigned int max);
void kcov_keep(void);

/* corpus.c */
extern unsigned int corpus_size;

const struct program *corpus_get(unsigned int i);
void corpus_add(const struct program *prog);
void corpus_triage(struct program *prog, const uint32_t *fresh, unsigned int n);
unsigned int corpus_load(const char *path, struct program **progs);
void corpus_cover(struct program *progs, unsigned int n);

/* emit.c */
void emit_c(const struct program *prog, FILE *out);

#endif /* FUZZ_H */
