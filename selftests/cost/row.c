// SPDX-License-Identifier: GPL-2.0-only
/* The rows of the table. */
#include "cost/cost.h"

#include <fnmatch.h>

#define BIT(nr)		(1U << (nr))
#define OURS		(BIT(IOCTL) | BIT(WRITE) | BIT(LIBRARY))
#define PEERS		(BIT(PIPE) | BIT(SYSV) | BIT(MQ) | BIT(SEQPACKET))
#define POLLED		(BIT(PIPE) | BIT(MQ) | BIT(SEQPACKET))
#define SORTED		(BIT(IOCTL) | BIT(LIBRARY) | BIT(SYSV) | BIT(MQ))
#define NAMED		SORTED
#define RINGS		(BIT(RING) | BIT(FUTEX))

#define KIB		1024
#define MIB		1048576

/* Rows with the same ways make one table. */
const struct row rows[] = {
	/* First, before others leave memory that the kernel frees late. */
	{ "memory", &memory, 0, 10000, BIT(IOCTL) | BIT(SYSV) | BIT(MQ) | BIT(PIPE), 512, .slow = true },
	{ "pair", &pair, 64, 0, OURS | PEERS | BIT(DGRAM), 1900, 2450 },
	/* 1.25 of a pair without a lease */
	{ "leasepair", &pair, 64, 0, BIT(IOCTL) | BIT(LEASE), 2920 },
	{ "call", &call, 64, 10, BIT(LEASE), 10300 },
	{ "call", &call, 64 * KIB, 10, BIT(LEASE) },
	{ "call", &call, MIB, 10, BIT(LEASE) },
	{ "pair", &pair, 256, 0, OURS | PEERS | BIT(DGRAM) },
	{ "pair", &pair, KIB, 0, OURS | PEERS | BIT(DGRAM), 3900 },
	{ "pair", &pair, 4 * KIB, 0, OURS | PEERS | BIT(DGRAM), 9800 },
	{ "pair", &pair, 64 * KIB, 0, OURS | PEERS | BIT(DGRAM), 150000 },
	{ "pair", &pair, MIB, 0, OURS | PEERS | BIT(DGRAM) },
	{ "empty", &empty, 64, 0, OURS | PEERS },
	/* The scheduler chooses one of some patterns of switches for each boot. */
	{ "stream10", &stream, 64, 10, OURS | PEERS, 2900, .tolerance = 25 },
	{ "stream10", &stream, 4 * KIB, 10, OURS | PEERS, .tolerance = 25 },
	{ "stream10", &stream, 64 * KIB, 10, OURS | PEERS, .tolerance = 25 },
	{ "stream1000", &stream, 64, 1000, OURS | PEERS, 1700, .tolerance = 25 },
	{ "ping", &ping, 64, 10, OURS | PEERS, 10300 },
	{ "epoll", &epoll_ping, 64, 10, OURS | POLLED, 11400 },
	{ "waiting1", &crowd, 64, 1, OURS | PEERS },
	{ "waiting1", &crowd, 64 * KIB, 1, OURS | PEERS },
	/* 0.6 of the best peer */
	{ "waiting1", &crowd, MIB, 1, OURS | PEERS, 1960000 },
	{ "waiting1000", &crowd, 64, 1000, OURS | PEERS },
	{ "prio10", &prio, 64, 10, SORTED },
	{ "prio1000", &prio, 64, 1000, SORTED },
	{ "prio10000", &prio, 64, 10000, SORTED },
	{ "open10", &many_open, 0, 10, NAMED },
	{ "open1000", &many_open, 0, 1000, NAMED },
	{ "open30000", &many_open, 0, 30000, NAMED, .slow = true },
	{ "open100000", &many_open, 0, 100000, BIT(IOCTL) | BIT(LIBRARY), .slow = true },
	{ "send10", &many_send, 64, 10, OURS | PEERS },
	{ "send1000", &many_send, 64, 1000, OURS | PEERS },
	{ "send100000", &many_send, 64, 100000, BIT(IOCTL) | BIT(WRITE), .slow = true },
	{ "batch32", &batch, 64, 32, BIT(LIBRARY), 350 },
	{ "batch32", &batch, KIB, 32, BIT(LIBRARY) },
	{ "ringpair", &pair, 64, 0, RINGS },
	{ "ringstream", &stream, 64, 1000, RINGS },
	{ "ringping", &ping, 64, 10, RINGS },
	{}
};

const char *row_name(const struct row *row, char name[ROW_NAME_SIZE])
{
	snprintf(name, ROW_NAME_SIZE, row->size ? "%s-%zu" : "%s", row->name, row->size);
	return name;
}

/* A pattern is of the shell; a name without the size takes all sizes. */
bool row_matches(const struct row *row, char **patterns)
{
	char name[ROW_NAME_SIZE];

	if (!*patterns)
		return true;
	row_name(row, name);
	for (; *patterns; patterns++)
		if (!fnmatch(*patterns, name, 0) || !fnmatch(*patterns, row->name, 0))
			return true;
	return false;
}

bool row_has(const struct row *row, int way)
{
	return row->ways & BIT(way);
}
