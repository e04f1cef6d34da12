// SPDX-License-Identifier: GPL-2.0-only
/* Workloads: so many queues that are there at a time, and their memory. */
#include "cost/cost.h"

/* The kernel frees a closed file after a grace period: let it do so, or files count as memory. */
#define LEFT_AT_ONCE	64
#define GRACE		20	/* milliseconds */

/* Make so many queues, and @leave them if they may be without a handle. */
static int many_make(struct bench *bench, bool leave)
{
	int ret = 0;

	bench->many = calloc(bench->row->depth, sizeof(*bench->many));
	if (!bench->many)
		return -ENOMEM;
	for (unsigned int i = 0; i < bench->row->depth && !ret; i++) {
		ret = channel_open_named(&bench->many[i], bench, 10);
		bench->nr_many = i + 1;
		if (!ret && leave && bench->way->leave)
			bench->way->leave(&bench->many[i]);
		for (int n = 0; leave && i % LEFT_AT_ONCE == 0 && n < GRACE; n++)
			nap();
	}
	return ret;
}

static int many_begin(struct bench *bench)
{
	return many_make(bench, false);
}

/* Another one each time, far from the last. */
static struct channel *many_next(struct bench *bench)
{
	bench->next = (bench->next + 7919) % bench->row->depth;
	return &bench->many[bench->next];
}

static int many_open_run(struct bench *bench, unsigned int times)
{
	int ret = 0;

	while (times-- && !ret) {
		ret = bench->way->reopen(many_next(bench));
		unit_done();
	}
	return ret;
}

static int many_send_run(struct bench *bench, unsigned int times)
{
	struct channel *ch;
	int ret = 0;

	while (times-- && !ret) {
		ch = many_next(bench);
		ret = bench->way->send(ch);
		if (!ret)
			ret = bench->way->recv(ch);
		unit_done();
	}
	return ret;
}

const struct workload many_open = {
	"one of so many queues opened by its name and closed", "open and close",
	many_begin, many_open_run,
};

const struct workload many_send = {
	"a message sent to one of so many queues and received by one process", "message",
	many_begin, many_send_run,
};

static int memory_begin(struct bench *bench)
{
	return 0;
}

/* Return the bytes of memory that is free, or a negated errno. */
static int64_t memory_free(void)
{
	char line[256];
	long long kib = -1;
	FILE *f = fopen("/proc/meminfo", "re");

	if (!f)
		return -errno;
	while (kib < 0 && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemFree: %lld", &kib) != 1)
			kib = -1;
	fclose(f);
	return kib < 0 ? -EPROTO : kib * 1024;
}

/* Return the bytes of all slabs, or a negated errno. */
static int64_t memory_slabs(void)
{
	long long slabs, pages, sum = 0;
	char line[512];
	FILE *f = fopen("/proc/slabinfo", "re");

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %*d %*d %*d %*d %lld : tunables %*d %*d %*d : slabdata %*d %lld",
			   &pages, &slabs) == 2)
			sum += pages * slabs;
	fclose(f);
	return sum * sysconf(_SC_PAGESIZE);
}

/* The same after all is freed: files and their objects go later than they are closed. */
static int64_t memory_settled(void)
{
	int64_t before, slabs = memory_slabs();

	do {
		before = slabs;
		for (int i = 0; i < 200; i++)
			nap();
		slabs = memory_slabs();
	} while (slabs < before);
	return slabs;
}

/*
 * Return thousandths of the bytes that an empty queue takes: in slabs, and in pages beside them if
 * these are more than the kernel keeps for each processor.
 */
static int64_t memory_figure(struct bench *bench)
{
	int64_t slabs, pages, unused;
	int ret;

	slabs = memory_settled();
	unused = memory_free();
	ret = many_make(bench, true);
	if (ret || !bench->nr_many)
		return ret ? ret : -EINVAL;
	slabs = memory_settled() - slabs;
	pages = unused - memory_free() - slabs - bench->nr_many * sizeof(*bench->many);
	if (pages > 64 * (int64_t)bench->nr_many)
		slabs += pages;
	return slabs * 1000 / bench->nr_many;
}

const struct workload memory = {
	"kernel memory of an empty queue without a handle, of so many; a pipe is open", "bytes",
	memory_begin, .figure = memory_figure,
};
