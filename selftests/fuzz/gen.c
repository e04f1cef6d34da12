// SPDX-License-Identifier: GPL-2.0-only
/* New programs, and changes to known ones. */
#include <string.h>

#include <linux/mbox.h>

#include "fuzz.h"
#include "runtime.h"

static void sketch_start(struct sketch *sketch)
{
	memset(sketch, 0, sizeof(*sketch));
	memset(sketch->kind, SLOT_FACTORY, OWN_SLOTS);
}

static void sketch_call(struct sketch *sketch, const struct call *call)
{
	const struct op *op = &ops[call->op];
	unsigned int i;

	for (i = 0; i < op->nr_fields; i++) {
		if (op->fields[i].kind == K_OUT)
			sketch->kind[call->arg[i]] = op->fields[i].link;
	}
}

static uint64_t *arg_named(struct call *call, const char *name)
{
	const struct op *op = &ops[call->op];
	unsigned int i;

	for (i = 0; i < op->nr_fields; i++) {
		if (!strcmp(op->fields[i].name, name))
			return &call->arg[i];
	}
	return NULL;
}

static void arg_set(struct call *call, const char *name, uint64_t value)
{
	uint64_t *arg = arg_named(call, name);

	if (arg)
		*arg = value;
}

/*
 * Chance alone makes few calls that get past the checks of their arguments: fields that go with
 * each other are made to do so, mostly.
 */
static void make_sensible(struct rng *rng, struct call *call)
{
	uint64_t *clock = arg_named(call, "clock"), *time = arg_named(call, "deadline");
	uint64_t *flags = arg_named(call, "flags"), *mask = arg_named(call, "mask");
	uint64_t *type = arg_named(call, "type"), *pid = arg_named(call, "pid");
	uint64_t *mode = arg_named(call, "mode"), *lifetime = arg_named(call, "lifetime");
	uint64_t *space = arg_named(call, "space");
	/* Other lanes are interrupted when the program ends: they may wait for those that come late. */
	unsigned int i, wait = call->lane ? 50 * SHORT_WAIT : SHORT_WAIT;

	if (one_in(rng, 25))
		return;
	/* A mailbox of a front end has a label, or none; others have no label. */
	if (space && flags && arg_named(call, "labelsize")) {
		/* By id, or by something else. */
		if (!(*flags & MBOX_OPEN_BY_ID)) {
			arg_set(call, "id", 0);
		} else {
			arg_set(call, "name", NAME(0, NAME_NONE));
			arg_set(call, "labelsize", 0);
			*flags &= ~(MBOX_OPEN_CREATE | MBOX_OPEN_EXCL);
		}
		if (*space)
			arg_set(call, "name", NAME(0, NAME_NONE));
		else
			arg_set(call, "labelsize", 0);
	}
	if (time && TIME_IS_REL(*time) && call->lane)
		*time = TIME_REL | rng_below(rng, wait);
	if (clock && time && flags) {
		/* NONBLOCK is the same bit in both calls; and few may block until somebody interrupts them. */
		if (!*clock != !*time)
			*clock = *time ? 1 + rng_below(rng, 3) : 0;
		if (!*clock && !(*flags & MBOX_SEND_NONBLOCK) && !one_in(rng, call->lane ? 2 : 20)) {
			*clock = 1 + rng_below(rng, 3);
			*time = TIME_REL | rng_below(rng, wait);
		}
		if (pid && type) {
			const uint32_t types = MBOX_RECV_BY_TYPE | MBOX_RECV_NOT_TYPE |
					       MBOX_RECV_MAX_TYPE;

			/* One of them at most. */
			if (*flags & types && !(*flags & MBOX_RECV_BY_TYPE))
				*flags &= ~(rng_below(rng, 2) ? MBOX_RECV_NOT_TYPE : MBOX_RECV_MAX_TYPE);
			else
				*flags &= ~(MBOX_RECV_NOT_TYPE | MBOX_RECV_MAX_TYPE);
			if (arg_named(call, "position") && (*flags & MBOX_RECV_AT)) {
				*flags |= MBOX_RECV_PEEK;
				*flags &= ~MBOX_RECV_MAX_TYPE;
			} else {
				*flags &= ~MBOX_RECV_AT;
			}
			*type = *flags & types ? *type : 0;
			if (!(*flags & MBOX_RECV_BY_SENDER) || !*pid)
				*flags &= ~MBOX_RECV_BY_START;
			*pid = *flags & MBOX_RECV_BY_SENDER ? *pid : 0;
			if (!(*flags & types))
				arg_set(call, "typehi", 0);
			arg_set(call, "pad", 0);
		} else if (*flags & MBOX_SEND_SYNC) {
			*flags &= ~MBOX_SEND_NONBLOCK;
		}
	}
	if (mask) {
		const struct op *op = &ops[call->op];

		arg_set(call, "pad", 0);
		for (i = 0; i < op->nr_fields; i++) {
			static const char *const set[] = { "mode", "uid", "gid", "capacity", "msgsize", "bytes" };
			unsigned int j;

			for (j = 0; j < 6; j++) {
				if (!strcmp(op->fields[i].name, set[j]) && !(*mask >> j & 1))
					call->arg[i] = 0;
			}
		}
	}
	if (!strcmp(ops[call->op].name, "open") && flags && !(*flags & MBOX_OPEN_CREATE)) {
		*flags &= ~MBOX_OPEN_EXCL;
		arg_set(call, "mode", 0);
		arg_set(call, "lifetime", 0);
		arg_set(call, "capacity", 0);
		arg_set(call, "msgsize", 0);
		arg_set(call, "bytes", 0);
	} else if (lifetime && flags && mode) {
		*flags |= one_in(rng, 2) ? MBOX_OPEN_NONBLOCK : 0;
		*mode &= 0666;
		*lifetime &= ~1ULL;
	}
}

static void make_lane(struct rng *rng, struct call *call, bool lanes)
{
	/* Mostly on few, where they are more likely to meet. */
	call->lane = lanes ? rng_below(rng, one_in(rng, 4) ? LANES : 3) : 0;
	if (lanes && one_in(rng, 100))
		call->lane = LANE_FORK;
	call->settle = call->lane && !one_in(rng, 3);
}

/* Calls that take long are not to be made often. */
static void limit_times(struct rng *rng, struct call *call)
{
	const struct op *op = &ops[call->op];
	unsigned int i;

	if (op->helper == do_netns || op->helper == do_nap || op->helper == do_poll)
		call->times = 1;
	if (op->makes && call->times > 3 && !one_in(rng, 10))
		call->times = 3;
	for (i = 0; i < op->nr_fields && call->times > 3; i++) {
		if (op->fields[i].kind == K_SIZE && call->arg[i] > 16384)
			call->times = 3;
	}
}

static void make_call(struct rng *rng, const struct sketch *sketch, struct call *call, bool lanes)
{
	static unsigned int total;
	unsigned int at, i;

	if (!total) {
		for (i = 0; i < nr_ops; i++)
			total += ops[i].weight;
	}
	memset(call, 0, sizeof(*call));
	do {
		for (i = 0, at = rng_below(rng, total); at >= ops[i].weight; i++)
			at -= ops[i].weight;
		/* A namespace takes as long as a thousand other calls. */
	} while (ops[i].helper == do_netns && !one_in(rng, 30));
	call->op = i;
	call->times = 1;
	/* Repeating a call costs a fraction of setting up and ending a program. */
	if (one_in(rng, 4))
		call->times = one_in(rng, 4) ? 1 + rng_below(rng, MAX_TIMES) : 2 + rng_below(rng, 4);
	call->compat = ops[i].class == OP_IOCTL && one_in(rng, 12);
	make_lane(rng, call, lanes);
	for (i = 0; i < ops[call->op].nr_fields; i++)
		call->arg[i] = value_make(rng, sketch, &ops[call->op].fields[i]);
	make_sensible(rng, call);
	limit_times(rng, call);
}

static bool uses_lanes(const struct program *prog)
{
	unsigned int i;

	for (i = 0; i < prog->n; i++) {
		if (prog->calls[i].lane)
			return true;
	}
	return false;
}

static void sketch_to(struct sketch *sketch, const struct program *prog, unsigned int n)
{
	unsigned int i;

	sketch_start(sketch);
	for (i = 0; i < n; i++)
		sketch_call(sketch, &prog->calls[i]);
}

static void insert(struct program *prog, struct rng *rng, bool lanes)
{
	/* Mostly near the end, where all is set up. */
	unsigned int at = one_in(rng, 3) ? rng_below(rng, prog->n + 1) : prog->n - rng_below(rng, prog->n / 3 + 1);
	struct sketch sketch;

	if (prog->n == MAX_CALLS)
		return;
	sketch_to(&sketch, prog, at);
	memmove(&prog->calls[at + 1], &prog->calls[at], (prog->n - at) * sizeof(prog->calls[0]));
	prog->n++;
	make_call(rng, &sketch, &prog->calls[at], lanes);
}

static void take_out(struct program *prog, struct rng *rng)
{
	unsigned int at;

	if (prog->n < 2)
		return;
	at = rng_below(rng, prog->n);
	prog->n--;
	memmove(&prog->calls[at], &prog->calls[at + 1], (prog->n - at) * sizeof(prog->calls[0]));
}

/* Put a piece of another program in. */
static void put_in(struct program *prog, struct rng *rng)
{
	const struct program *other = corpus_get(rng_below(rng, corpus_size));
	unsigned int from = rng_below(rng, other->n), n = 1 + rng_below(rng, other->n - from);
	unsigned int at = rng_below(rng, prog->n + 1);

	if (n > MAX_CALLS - prog->n)
		n = MAX_CALLS - prog->n;
	memmove(&prog->calls[at + n], &prog->calls[at], (prog->n - at) * sizeof(prog->calls[0]));
	memcpy(&prog->calls[at], &other->calls[from], n * sizeof(prog->calls[0]));
	prog->n += n;
}

static void change_args(struct program *prog, struct rng *rng)
{
	unsigned int at = rng_below(rng, prog->n), n = 1 + rng_below(rng, 2);
	struct call *call = &prog->calls[at];
	const struct op *op = &ops[call->op];
	struct sketch sketch;

	sketch_to(&sketch, prog, at);
	while (n--) {
		unsigned int i = rng_below(rng, op->nr_fields);
		const struct field *field = &op->fields[i];

		if (one_in(rng, 8) && (field->kind == K_U32 || field->kind == K_U64 || field->kind == K_SIZE))
			call->arg[i] += one_in(rng, 2) ? 1 : -1;
		else
			call->arg[i] = value_make(rng, &sketch, field);
	}
	if (!one_in(rng, 4))
		make_sensible(rng, call);
}

static void change_way(struct program *prog, struct rng *rng, bool lanes)
{
	struct call *call = &prog->calls[rng_below(rng, prog->n)];
	struct call *other = &prog->calls[rng_below(rng, prog->n)];
	struct call swap;

	switch (rng_below(rng, 4)) {
	case 0:
		call->times = 1 + rng_below(rng, one_in(rng, 8) ? MAX_TIMES : 4);
		limit_times(rng, call);
		break;
	case 1:
		swap = *call;
		*call = *other;
		*other = swap;
		break;
	case 2:
		call->compat = ops[call->op].class == OP_IOCTL && !call->compat;
		break;
	default:
		make_lane(rng, call, lanes);
		break;
	}
}

static void mutate(struct program *prog, struct rng *rng, bool lanes)
{
	/* Setting up and ending costs as much as some calls: long programs make more of them. */
	unsigned int n = 1 + rng_below(rng, 8);

	while (n--) {
		switch (rng_below(rng, 20)) {
		case 0 ... 7:
			insert(prog, rng, lanes);
			break;
		case 8 ... 9:
			take_out(prog, rng);
			break;
		case 10 ... 11:
			put_in(prog, rng);
			break;
		case 12 ... 17:
			change_args(prog, rng);
			break;
		default:
			change_way(prog, rng, lanes);
			break;
		}
	}
}

/* The next program; the corpus and @rng determine it. */
void program_make(struct program *prog, struct rng *rng, bool one_lane)
{
	bool lanes = !one_lane && rng_below(rng, 5) < 2;
	struct sketch sketch;
	unsigned int n, i;

	if (!corpus_size || one_in(rng, 25)) {
		n = 3 + rng_below(rng, 12);
		sketch_start(&sketch);
		for (i = 0; i < n; i++) {
			make_call(rng, &sketch, &prog->calls[i], lanes);
			sketch_call(&sketch, &prog->calls[i]);
		}
		prog->n = n;
		return;
	}
	/* The newest program is likely to have more behind it. */
	i = rng_below(rng, corpus_size);
	if (one_in(rng, 3))
		i = corpus_size - 1 - i * (uint64_t)i / corpus_size;
	*prog = *corpus_get(i);
	mutate(prog, rng, !one_lane && (lanes || uses_lanes(prog)));
	if (one_lane) {
		for (i = 0; i < prog->n; i++)
			prog->calls[i].lane = 0;
	}
}
