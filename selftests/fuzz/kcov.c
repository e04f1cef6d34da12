// SPDX-License-Identifier: GPL-2.0-only
/*
 * The code that the module executed, from KCOV: a list of program counters for each lane. A feature
 * is a pair of one and the next (an edge), or a call with its result, which is all there is where
 * the kernel has no KCOV. Features are numbers below FEATURES, by a hash: where two fall together,
 * one is missed.
 */
#include <fcntl.h>
#include <linux/kcov.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "fuzz.h"
#include "runtime.h"

#define ENTRIES		(64 << 10)
#define PCS		(1U << 15)	/* more than the module has */

static int kcov_fds[LANES];
static uint64_t *areas[LANES];
static uint8_t known[FEATURES];
static uint32_t stamps[FEATURES];	/* the run that had it last */
static uint32_t run;
static uint32_t pcs[PCS];
static uint32_t results[256];		/* features of calls of this run */
static unsigned int nr_results;

unsigned int pcs_covered;

/* Returns whether the kernel has it. */
bool kcov_setup(void)
{
	int i;

	memset(kcov_fds, -1, sizeof(kcov_fds));
	for (i = 0; i < LANES; i++) {
		kcov_fds[i] = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
		if (kcov_fds[i] < 0)
			return false;
		if (ioctl(kcov_fds[i], KCOV_INIT_TRACE, ENTRIES))
			return false;
		areas[i] = mmap(NULL, ENTRIES * sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED,
				kcov_fds[i], 0);
		if (areas[i] == MAP_FAILED)
			return false;
	}
	return true;
}

/* Called by each lane for itself. One that was killed has left its area to the next. */
void kcov_lane_start(int lane)
{
	if (kcov_fds[lane] >= 0)
		sys(SYS_ioctl, kcov_fds[lane], KCOV_ENABLE, KCOV_TRACE_PC);
}

void kcov_begin(void)
{
	int i;

	run++;
	nr_results = 0;
	for (i = 0; i < LANES; i++) {
		if (areas[i])
			__atomic_store_n(&areas[i][0], 0, __ATOMIC_RELAXED);
	}
}

static uint32_t hash(uint64_t a, uint64_t b)
{
	return (a * 0x9e3779b97f4a7c15 ^ b * 0xc2b2ae3d27d4eb4f) >> (64 - FEATURE_BITS);
}

static void count_pc(uint32_t pc)
{
	uint32_t i = pc * 0x9e3779b1 >> 17;

	while (pcs[i] && pcs[i] != pc)
		i = (i + 1) % PCS;
	if (pcs[i] || pcs_covered == PCS / 2)
		return;
	pcs[i] = pc;
	pcs_covered++;
}

/* A call had this result. Lanes race for the places; a lost feature comes again. */
void kcov_result(unsigned int op, long result)
{
	unsigned int i = __atomic_fetch_add(&nr_results, 1, __ATOMIC_RELAXED);

	if (i < sizeof(results) / sizeof(results[0]))
		results[i] = hash(op + 1, result < 0 ? -result : result > 0 ? 1000 : 0);
}

static void see(uint32_t feature, uint32_t *fresh, unsigned int *n, unsigned int max)
{
	if (stamps[feature] == run)
		return;
	stamps[feature] = run;
	if (!known[feature] && *n < max)
		fresh[(*n)++] = feature;
}

/* The features of the run that no run had before. */
unsigned int kcov_end(uint32_t *fresh, unsigned int max)
{
	unsigned int n = 0, had, i;
	int lane;

	for (lane = 0; lane < LANES; lane++) {
		const uint64_t *area = areas[lane];
		uint64_t size, last = 0, j;

		if (!area)
			continue;
		size = __atomic_load_n(&area[0], __ATOMIC_RELAXED);
		for (j = 1; j <= size && j < ENTRIES; j++) {
			had = n;
			see(hash(area[j], last), fresh, &n, max);
			/* A new one cannot come without a new edge to it. */
			if (n != had)
				count_pc(area[j]);
			last = area[j];
		}
	}
	for (i = 0; i < nr_results && i < sizeof(results) / sizeof(results[0]); i++)
		see(results[i], fresh, &n, max);
	return n;
}

/* Did the last run have all of these? */
bool kcov_had(const uint32_t *features, unsigned int n)
{
	while (n--) {
		if (stamps[features[n]] != run)
			return false;
	}
	return true;
}

/* All features of the last run. */
unsigned int kcov_all(uint32_t *features, unsigned int max)
{
	unsigned int n = 0, i;

	for (i = 0; i < FEATURES && n < max; i++) {
		if (stamps[i] == run)
			features[n++] = i;
	}
	return n;
}

/* The features of the last run are known from now on. */
void kcov_keep(void)
{
	unsigned int i;

	for (i = 0; i < FEATURES; i++)
		known[i] |= stamps[i] == run;
}
