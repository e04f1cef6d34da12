// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cost of a message: 64 bytes sent and received by one process, through mbox and through its
 * peers. Not a test; prints one table.
 *
 *	selftests/vm/run -i -f build/selftests/mbox/cost -- cost
 *
 * counts instructions, one as one nanosecond; without -i these are nanoseconds of an emulation.
 */
#include "lib/mbox_test.h"

#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define SIZE		64
#define WARM_UP		5000
#define ROUNDS		20000
#define REPEATS		9

/*
 * For some seconds after boot the kernel has work of its own to do. Where it has one CPU, that
 * counts as ours.
 */
#define SETTLE		5	/* seconds */

static char data[SIZE];
static int fds[2];
static mqd_t mq;
static int msgid = -1;
static struct { long type; char data[SIZE]; } msg;

/* Each: make ready once, then send and receive. 0 or a negated errno. */

static int nothing_open(void)
{
	return 0;
}

static int getppid_pair(void)
{
	return syscall(SYS_getppid) > 0 ? 0 : -EPROTO;
}

static int mbox_open_box(void)
{
	struct mbox_ioc_open arg = open_arg(NULL, 64);

	fds[0] = open_call(MBOX_IOC_CREATE, &arg);
	return fds[0] < 0 ? fds[0] : 0;
}

static int unknown_pair(void)
{
	return ioctl(fds[0], _IO(MBOX_IOC_TYPE, 255), 0) < 0 && errno == ENOTTY ? 0 : -EPROTO;
}

static int ioctl_pair(void)
{
	struct mbox_ioc_send send = { .data = address_of(data), .size = SIZE };
	struct mbox_ioc_recv recv = { .data = address_of(data), .size = SIZE };

	if (ioctl(fds[0], MBOX_IOC_SEND, &send) || ioctl(fds[0], MBOX_IOC_RECV, &recv))
		return -errno;
	return recv.header.length == SIZE ? 0 : -EPROTO;
}

static int write_read_pair(void)
{
	return write(fds[0], data, SIZE) == SIZE && read(fds[0], data, SIZE) == SIZE ? 0 : -EPROTO;
}

static int pipe_open(void)
{
	return pipe(fds) ? -errno : 0;
}

static int pipe_pair(void)
{
	return write(fds[1], data, SIZE) == SIZE && read(fds[0], data, SIZE) == SIZE ? 0 : -EPROTO;
}

static void sysv_remove(void)
{
	if (msgid >= 0)
		msgctl(msgid, IPC_RMID, NULL);
}

static int sysv_open(void)
{
	msgid = msgget(IPC_PRIVATE, 0600);
	if (msgid < 0)
		return -errno;
	atexit(sysv_remove);
	msg.type = 1;
	return 0;
}

static int sysv_pair(void)
{
	return msgsnd(msgid, &msg, SIZE, 0) == 0 && msgrcv(msgid, &msg, SIZE, 0, 0) == SIZE ?
	       0 : -EPROTO;
}

static int posix_open(void)
{
	struct mq_attr attr = { .mq_maxmsg = 10, .mq_msgsize = SIZE };
	char name[32];

	snprintf(name, sizeof(name), "/mbox-cost-%d", getpid());
	mq = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	if (mq == (mqd_t)-1)
		return -errno;
	mq_unlink(name);
	return 0;
}

static int posix_pair(void)
{
	return mq_send(mq, data, SIZE, 0) == 0 && mq_receive(mq, data, SIZE, NULL) == SIZE ?
	       0 : -EPROTO;
}

static int unix_open(void)
{
	return socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) ? -errno : 0;
}

static int unix_pair(void)
{
	return send(fds[1], data, SIZE, 0) == SIZE && recv(fds[0], data, SIZE, 0) == SIZE ?
	       0 : -EPROTO;
}

static struct peer {
	const char *name;
	int (*open)(void);
	int (*pair)(void);
	int error;
	int fds[2];
	int64_t time[REPEATS];
} peers[] = {
	{ "getppid(), for comparison", nothing_open, getppid_pair },
	{ "unknown ioctl of mbox, ENOTTY, for comparison", mbox_open_box, unknown_pair },
	{ "mbox: MBOX_IOC_SEND and MBOX_IOC_RECV", mbox_open_box, ioctl_pair },
	{ "mbox: write() and read()", mbox_open_box, write_read_pair },
	{ "pipe", pipe_open, pipe_pair },
	{ "System V message queue", sysv_open, sysv_pair },
	{ "POSIX message queue", posix_open, posix_pair },
	{ "AF_UNIX datagram socket pair", unix_open, unix_pair },
};

#define MBOX_PEER	(&peers[2])

static void peer_open(struct peer *peer)
{
	peer->error = peer->open();
	memcpy(peer->fds, fds, sizeof(fds));
}

/* Nanoseconds of that many rounds. */
static int64_t peer_run(struct peer *peer, int rounds)
{
	int64_t began;

	memcpy(fds, peer->fds, sizeof(fds));
	began = now();
	for (int i = 0; i < rounds && !peer->error; i++)
		peer->error = peer->pair();
	return now() - began;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static double per_round(const struct peer *peer, int which)
{
	return (double)peer->time[which] / ROUNDS;
}

static void peer_print(const struct peer *peer)
{
	const int median = REPEATS / 2;

	if (peer->error == -ENOSYS || peer->error == -EAFNOSUPPORT) {
		printf("%-46s %s\n", peer->name, "not in this kernel");
		return;
	}
	if (peer->error) {
		printf("%-46s %s\n", peer->name, strerror(-peer->error));
		return;
	}
	printf("%-46s %8.0f %8.0f %8.0f %7.2f\n", peer->name, per_round(peer, 0),
	       per_round(peer, median), per_round(peer, REPEATS - 1),
	       per_round(peer, median) / per_round(MBOX_PEER, median));
}

int main(void)
{
	struct peer *peer, *end = peers + ARRAY_SIZE(peers);

	for (peer = peers; peer < end; peer++)
		peer_open(peer);
	if (MBOX_PEER->error) {
		printf("mbox: %s (is the module loaded?)\n", strerror(-MBOX_PEER->error));
		return KSFT_SKIP;
	}
	nanosleep(&(struct timespec) { .tv_sec = SETTLE }, NULL);
	for (peer = peers; peer < end; peer++)
		peer_run(peer, WARM_UP);
	/* All of them in turn, so that a disturbance of some time affects all. */
	for (int i = 0; i < REPEATS; i++)
		for (peer = peers; peer < end; peer++)
			peer->time[i] = peer_run(peer, ROUNDS);
	for (peer = peers; peer < end; peer++)
		qsort(peer->time, REPEATS, sizeof(peer->time[0]), compare);

	printf("%d bytes sent and received by one process, nanoseconds per pair of calls\n", SIZE);
	printf("(%d times %d rounds)\n\n", REPEATS, ROUNDS);
	printf("%-46s %8s %8s %8s %7s\n", "", "least", "median", "most", "x mbox");
	for (peer = peers; peer < end; peer++)
		peer_print(peer);
	return 0;
}
