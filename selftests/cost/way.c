// SPDX-License-Identifier: GPL-2.0-only
/* The ways to pass messages on: their order in the table, their channels, and the payloads. */
#include "cost/cost.h"

const struct way *const ways[NR_WAYS] = {
	[IOCTL] = &way_ioctl,
	[WRITE] = &way_write,
	[LIBRARY] = &way_library,
	[PIPE] = &way_pipe,
	[SYSV] = &way_sysv,
	[MQ] = &way_mq,
	[SEQPACKET] = &way_seqpacket,
	[DGRAM] = &way_dgram,
	[RING] = &way_ring,
	[FUTEX] = &way_futex,
	[LEASE] = &way_lease,
};

/* System V wants the type in front of the data; all ways use the same two buffers. */
struct payload *outgoing, *incoming;

static struct payload *payload_new(size_t size)
{
	struct payload *p = aligned_alloc(4096, (sizeof(*p) + size + 4095) / 4096 * 4096);

	if (!p)
		return NULL;
	memset(p->data, 'm', size);
	p->type = 1;
	return p;
}

int payload_prepare(size_t size)
{
	outgoing = payload_new(size);
	incoming = payload_new(size);
	return outgoing && incoming ? 0 : -ENOMEM;
}

/* Return the number of a way, or -EINVAL. */
int way_number(const char *name)
{
	for (int i = 0; i < NR_WAYS; i++)
		if (!strcmp(ways[i]->name, name))
			return i;
	return -EINVAL;
}

static int channel_make(struct channel *ch, const struct bench *bench, unsigned int depth,
			bool named)
{
	*ch = (struct channel) {
		.way = bench->way,
		.size = bench->row->size,
		.depth = depth,
		.named = named,
		.fds = { -1, -1 },
		.id = -1,
	};
	return ch->way->open(ch);
}

int channel_open(struct channel *ch, const struct bench *bench, unsigned int depth)
{
	return channel_make(ch, bench, depth, false);
}

/* Open one that others can open, where the way has that. */
int channel_open_named(struct channel *ch, const struct bench *bench, unsigned int depth)
{
	return channel_make(ch, bench, depth, true);
}

void channel_close(struct channel *ch)
{
	if (ch->way && ch->way->close)
		ch->way->close(ch);
	if (ch->fds[0] >= 0)
		close(ch->fds[0]);
	if (ch->fds[1] >= 0 && ch->fds[1] != ch->fds[0])
		close(ch->fds[1]);
	ch->way = NULL;
}

/* Return 0, or why a call returned this in place of @expected. */
int channel_error(ssize_t ret, size_t expected)
{
	if (ret < 0)
		return -errno;
	return ret == expected ? 0 : -EPROTO;
}
