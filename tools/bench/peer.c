// SPDX-License-Identifier: GPL-2.0-only
/* mboxbench: the table of peers, and the parts that several of them share. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "peer.h"

#define PEER_ENTRY(name)	&peer_##name,
const struct peer *const peers[] = { PEERS(PEER_ENTRY) };
#undef PEER_ENTRY
const size_t peers_count = ARRAY_SIZE(peers);

const struct peer *peer_find(const char *name, size_t length)
{
	for (size_t i = 0; i < peers_count; i++)
		if (strlen(peers[i]->name) == length && !strncmp(peers[i]->name, name, length))
			return peers[i];
	return NULL;
}

/* Return why @peer cannot serve @setup, or NULL. */
const char *peer_refusal(const struct peer *peer, const struct setup *setup)
{
	if (peer->absent)
		return peer->absent;
	return peer->refuse ? peer->refuse(setup) : NULL;
}

/* Open a channel. If that fails, the caller closes it all the same. */
int peer_open(struct channel *ch, const struct peer *peer, const struct setup *setup)
{
	memset(ch, 0, sizeof(*ch));
	ch->peer = peer;
	ch->setup = *setup;
	ch->fds[0] = -1;
	ch->fds[1] = -1;
	ch->id = -1;
	return peer->open(ch);
}

void peer_close(struct channel *ch)
{
	if (ch->peer)
		ch->peer->close(ch);
	ch->peer = NULL;
}

int peer_join(struct channel *ch, unsigned int sides, unsigned int number)
{
	return ch->peer->join ? ch->peer->join(ch, sides, number) : 0;
}

void peer_leave(struct channel *ch)
{
	if (ch->peer->leave)
		ch->peer->leave(ch);
}

/* Make receives of this worker fail with EAGAIN where they would wait. */
int peer_nonblock(struct channel *ch)
{
	ch->nonblock = true;
	return ch->peer->nonblock ? ch->peer->nonblock(ch) : 0;
}

/* Make up a name that no other run of the program uses at the same time. */
void peer_name(char *name, size_t size, const char *prefix, unsigned int number)
{
	snprintf(name, size, "%smboxbench.%d.%u", prefix, (int)getpid(), number);
}

int fd_nonblock(struct channel *ch)
{
	return fcntl(ch->fds[0], F_SETFL, O_NONBLOCK) ? -errno : 0;
}

void fd_close(struct channel *ch)
{
	if (ch->fds[0] >= 0)
		close(ch->fds[0]);
	if (ch->fds[1] >= 0 && ch->fds[1] != ch->fds[0])
		close(ch->fds[1]);
	ch->fds[0] = -1;
	ch->fds[1] = -1;
}

int fd_receive_side(const struct channel *ch)
{
	return ch->fds[0];
}

int map_new(struct channel *ch, size_t size)
{
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		return -errno;
	ch->map = map;
	ch->mapped = size;
	return 0;
}

void map_free(struct channel *ch)
{
	if (ch->map)
		munmap(ch->map, ch->mapped);
	ch->map = NULL;
}
