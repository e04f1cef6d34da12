// SPDX-License-Identifier: GPL-2.0-only
/* Random numbers, and the values of arguments. */
#include "fuzz.h"

/* splitmix64: any seed is good, and a stream of its own for each program costs nothing. */
uint64_t rng_next(struct rng *rng)
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

void rng_seed(struct rng *rng, uint64_t seed, uint64_t number)
{
	rng->state = seed;
	rng->state = rng_next(rng) ^ number;
	rng->state = rng_next(rng);
}

unsigned int rng_below(struct rng *rng, unsigned int n)
{
	return (rng_next(rng) >> 32) * n >> 32;
}

/* A slot that holds such a thing; sometimes, or if there is none, any. */
static uint64_t make_slot(struct rng *rng, const struct sketch *sketch, uint8_t kind)
{
	unsigned int first = rng_below(rng, SLOTS), i;

	if (one_in(rng, 40))
		return first;
	for (i = 0; i < SLOTS; i++) {
		unsigned int slot = (first + i) % SLOTS;

		if (sketch->kind[slot] != kind)
			continue;
		/* Root's factory does more than the other. */
		return slot == 1 && !one_in(rng, 3) ? 0 : slot;
	}
	return first;
}

static uint64_t make_at(struct rng *rng)
{
	unsigned int view = VIEW_RW, pos = POS_START;
	uint64_t at;

	if (!one_in(rng, 4))
		return AT(VIEW_RW, POS_START);
	switch (rng_below(rng, 8)) {
	case 0:
		return AT_BAD(rng_below(rng, NR_BAD));
	case 1:
		view = VIEW_RO;
		break;
	case 2:
	case 3:
	case 4:
		view = VIEW_LAZY;
		break;
	case 5:
		view = one_in(rng, 2) ? VIEW_GAP : VIEW_SELF;
		break;
	default:
		break;
	}
	if (!one_in(rng, 3))
		pos = rng_below(rng, POSITIONS);
	at = AT(view, pos);
	if (one_in(rng, 8))
		at |= AT_OTHER;
	return at;
}

/* Numbers at which something may change, for one of @bits bits. */
static uint64_t make_number(struct rng *rng, unsigned int bits)
{
	uint64_t value;

	switch (rng_below(rng, 5)) {
	case 0:
		value = rng_next(rng);
		break;
	case 1:
		value = 1ULL << rng_below(rng, 64);
		break;
	case 2:
		value = (1ULL << rng_below(rng, 64)) - 1;
		break;
	case 3:
		value = -1ULL - rng_below(rng, 3);
		break;
	default:
		value = rng_below(rng, 20);
		break;
	}
	return bits < 64 ? value & ((1ULL << bits) - 1) : value;
}

static uint64_t make_listed(struct rng *rng, const struct field *field, unsigned int bits)
{
	uint64_t value;

	if (!field->listed)
		return one_in(rng, 8) ? make_number(rng, bits) : 0;
	if (one_in(rng, 24))
		return make_number(rng, bits);
	value = field->list[rng_below(rng, field->listed)];
	if (one_in(rng, 12))
		value += one_in(rng, 2) ? 1 : -1;
	return bits < 64 ? value & ((1ULL << bits) - 1) : value;
}

static uint64_t make_flags(struct rng *rng, uint64_t valid)
{
	uint64_t value = 0;
	unsigned int i;

	if (one_in(rng, 50))
		return make_number(rng, 32);
	for (i = 0; i < 32; i++) {
		if (valid >> i & 1 && one_in(rng, 3))
			value |= 1U << i;
	}
	return value;
}

static uint64_t make_name(struct rng *rng)
{
	/* Few of them, for most are to be found by others. */
	uint64_t value = one_in(rng, 3) ? rng_below(rng, NAMES) : one_in(rng, 3);

	if (one_in(rng, 12))
		value |= rng_below(rng, NAME_FLAWS) << 8 | rng_below(rng, 256) << 16;
	return value;
}

static uint64_t make_csize(struct rng *rng)
{
	static const uint64_t sizes[] = {
		0, 1, 4, 8, 16, 40, 48, 56, 63, 64, 88, 96, 104, 112, 200, 208, 216, 120, 256, 4096, 4097, 16383,
	};

	if (!one_in(rng, 20))
		return CSIZE_OWN;
	return one_in(rng, 3) ? rng_below(rng, 256) : sizes[rng_below(rng, sizeof(sizes) / sizeof(sizes[0]))];
}

static uint64_t make_xor(struct rng *rng)
{
	if (!one_in(rng, 60))
		return 0;
	switch (rng_below(rng, 4)) {
	case 0:
		return 1U << rng_below(rng, 32);
	case 1:
		return rng_below(rng, 256);		/* another number */
	case 2:
		return (1 + rng_below(rng, 3)) << 30;	/* another direction */
	default:
		return (uint32_t)rng_next(rng);
	}
}

/* A lane, mostly; nobody; the process of a call of its own; one that is not there. */
static uint64_t make_pid(struct rng *rng)
{
	if (one_in(rng, 10))
		return one_in(rng, 2) ? LANE_FORK : make_number(rng, 32);
	return rng_below(rng, LANES + 1);
}

/* A token is the number of a message and that of its lease: those of the first are known. */
static uint64_t make_token(struct rng *rng)
{
	switch (rng_below(rng, 10)) {
	case 0:
		return make_number(rng, 64);
	case 1 ... 2:
		return (1 + rng_below(rng, 4)) << 16 | (1 + rng_below(rng, 3));
	case 3:
		return 0;
	default:
		return 1 + rng_below(rng, 2);
	}
}

static uint64_t make_time(struct rng *rng)
{
	switch (rng_below(rng, 20)) {
	case 0:
		return make_number(rng, 64);
	case 1:
		return INT64_MAX >> 1;
	case 2:
	case 3:
	case 4:
		return rng_below(rng, 3);		/* long past */
	default:
		return TIME_REL | rng_below(rng, SHORT_WAIT);
	}
}

/* A value for an argument: mostly one that may do something. */
uint64_t value_make(struct rng *rng, const struct sketch *sketch, const struct field *field)
{
	switch (field->kind) {
	case K_SLOT:
		return make_slot(rng, sketch, field->link);
	case K_OUT:
		return OWN_SLOTS + rng_below(rng, SLOTS - OWN_SLOTS);
	case K_AT:
	case K_BUF:
		return make_at(rng);
	case K_FLAGS:
		return make_flags(rng, field->valid);
	case K_ENUM:
		return rng_below(rng, field->valid + 1 + one_in(rng, 40));
	case K_U32:
		return make_listed(rng, field, 32);
	case K_U64:
	case K_SIZE:
		return make_listed(rng, field, 64);
	case K_TIME:
		return one_in(rng, 2) ? 0 : make_time(rng);
	case K_NAME:
		return make_name(rng);
	case K_CSIZE:
		return make_csize(rng);
	case K_XOR:
		return make_xor(rng);
	case K_PID:
		return make_pid(rng);
	case K_START:
		return one_in(rng, 10) ? make_number(rng, 64) : rng_below(rng, 2);
	case K_TOKEN:
		return make_token(rng);
	case K_BOX:
		return one_in(rng, 16) ? make_number(rng, 64) : rng_below(rng, SLOTS);
	case K_FILL:
		return one_in(rng, 3) ? rng_below(rng, 256) : 0;
	}
	return 0;
}
