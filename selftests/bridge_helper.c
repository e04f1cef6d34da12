// SPDX-License-Identifier: GPL-2.0-only
/*
 * For the tests of mboxbridge: senders and receivers that keep a ledger, programs that are kept
 * running, and a killer
 *
 *   send NAME COUNT SIZE [PRIOS]	send messages 1 to COUNT, of up to SIZE bytes
 *   recv NAME COUNT SECONDS [PRIOS]	receive them: all, once, in order; fail after SECONDS of silence
 *   rate NAME COUNT			receive messages, and print how many came in a second
 *   time NAME COUNT SIZE		send the time, one message each 5 ms
 *   times NAME COUNT			receive these, and print median and 99th percentile of their age, in us
 *   keep PIDFILE -- COMMAND...		run a command, and again whenever it ends
 *   chaos SECONDS MIN MAX PIDFILE...	kill -9 one of them, every MIN to MAX milliseconds
 *   acked NAME SECONDS			send one message that waits for its acknowledgement
 *   hold NAME				lease a message, and hold it
 *   notify PATH SECONDS		print the datagrams to a socket, as systemd would
 *
 * With PRIOS a message has priority NUMBER % PRIOS, and the order is that of each priority.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <mbox.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PRIOS_MAX	16

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void __attribute__((noreturn)) fail(const char *what, int error)
{
	fprintf(stderr, "bridge_helper: %s: %s\n", what, mbox_strerror(error));
	exit(1);
}

static struct mbox *open_mailbox(const char *name, unsigned int rights)
{
	struct mbox *mb;
	int error = mbox_open(&mb, name, rights);

	if (error)
		fail(name, error);
	return mb;
}

/* The payload of message @number: its size and its bytes follow from that. */
static size_t fill(unsigned char *buf, uint64_t number, size_t most)
{
	size_t size = sizeof(number) + (number * 7919) % (most - sizeof(number) + 1);

	memcpy(buf, &number, sizeof(number));
	for (size_t i = sizeof(number); i < size; i++)
		buf[i] = (unsigned char)(number + i);
	return size;
}

static bool right(const unsigned char *buf, size_t size)
{
	for (size_t i = sizeof(uint64_t); i < size; i++)
		if (buf[i] != (unsigned char)(*(const uint64_t *)buf + i))
			return false;
	return true;
}

static int run_send(const char *name, uint64_t count, size_t most, unsigned int prios)
{
	struct mbox *mb = open_mailbox(name, MBOX_RIGHT_SEND);
	static unsigned char buf[1 << 20];

	for (uint64_t number = 1; number <= count; number++) {
		const struct mbox_send_opts opts = {
			.prio = (uint32_t)(number % prios), .type = (uint32_t)number,
		};
		int error = mbox_send(mb, buf, fill(buf, number, most), &opts);

		if (error)
			fail("send", error);
	}
	return 0;
}

static int run_recv(const char *name, uint64_t count, unsigned int seconds, unsigned int prios)
{
	struct mbox *mb = open_mailbox(name, MBOX_RIGHT_RECV);
	uint64_t last[PRIOS_MAX] = { 0 }, got = 0, wrong = 0, began = now_ms(), silent = 0, before = began;
	struct mbox_recv_opts opts = { .clock = MBOX_CLOCK_MONOTONIC };
	struct mbox_header header;
	static uint64_t buf[1 << 17];
	ssize_t size;

	while (got < count) {
		uint64_t number, want;

		mbox_deadline_after((int64_t)seconds * 1000000000, opts.clock, &opts.deadline);
		size = mbox_recv(mb, buf, sizeof(buf), &opts, &header);
		if (size < 0) {
			printf("%" PRIu64 " of %" PRIu64 " messages, then %s\n", got, count, mbox_strerror((int)size));
			return 1;
		}
		if (now_ms() - before > silent)
			silent = now_ms() - before;
		before = now_ms();
		number = buf[0];
		want = last[number % prios] ? last[number % prios] + prios : number % prios ?: prios;
		got++;
		if (number != want || header.prio != number % prios || header.type != (uint32_t)number ||
		    !right((unsigned char *)buf, (size_t)size)) {
			printf("message %" PRIu64 " came instead of %" PRIu64 "\n", number, want);
			if (++wrong == 10)
				return 1;
		}
		last[number % prios] = number;
	}
	/* One that came twice would be there now. */
	mbox_deadline_after(1000000000, opts.clock, &opts.deadline);
	if (mbox_recv(mb, buf, sizeof(buf), &opts, &header) != -ETIMEDOUT) {
		printf("message %" PRIu64 " came beyond the last\n", buf[0]);
		wrong++;
	}
	printf("%" PRIu64 " messages in %" PRIu64 " ms, each once and in order; longest pause %" PRIu64 " ms\n", got,
	       before - began, silent);
	return wrong != 0;
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void receive_next(struct mbox *mb, int64_t *buf, size_t size)
{
	ssize_t got = mbox_recv_timeout(mb, buf, size, 60 * 1000000000LL);

	if (got < 0)
		fail("recv", (int)got);
}

static int run_rate(const char *name, uint64_t count)
{
	struct mbox *mb = open_mailbox(name, MBOX_RIGHT_RECV);
	int64_t buf[8192], began;

	/* The first message begins the time: it came when the sender began, nearly. */
	receive_next(mb, buf, sizeof(buf));
	began = now_ns();
	for (uint64_t i = 1; i < count; i++)
		receive_next(mb, buf, sizeof(buf));
	printf("%" PRIu64 "\n", count * 1000000000 / (uint64_t)(now_ns() - began));
	return 0;
}

static int run_time(const char *name, uint64_t count, size_t size)
{
	struct mbox *mb = open_mailbox(name, MBOX_RIGHT_SEND);
	int64_t buf[8192] = { 0 };

	for (uint64_t i = 0; i < count; i++) {
		int error;

		buf[0] = now_ns();
		error = mbox_send(mb, buf, size < sizeof(buf) ? size : sizeof(buf), NULL);
		if (error)
			fail("send", error);
		usleep(5000);
	}
	return 0;
}

static int compare_times(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int run_times(const char *name, uint64_t count)
{
	struct mbox *mb = open_mailbox(name, MBOX_RIGHT_RECV);
	static int64_t times[10000];
	int64_t buf[8192];

	if (!count || count > sizeof(times) / sizeof(*times))
		return 2;
	for (uint64_t i = 0; i < count; i++) {
		receive_next(mb, buf, sizeof(buf));
		times[i] = now_ns() - buf[0];
	}
	qsort(times, count, sizeof(*times), compare_times);
	printf("%" PRId64 " %" PRId64 "\n", times[count / 2] / 1000, times[count * 99 / 100] / 1000);
	return 0;
}

static volatile sig_atomic_t kept;

static void keep_end(int signal)
{
	(void)signal;
	if (kept > 0)
		kill(kept, SIGKILL);
	_exit(0);
}

static int run_keep(const char *path, char **command)
{
	char name[4096];
	int status;
	FILE *file;

	signal(SIGTERM, keep_end);
	for (;;) {
		kept = fork();
		if (!kept) {
			execvp(command[0], command);
			_exit(127);
		}
		snprintf(name, sizeof(name), "%s.new", path);
		file = fopen(name, "w");
		if (!file || fprintf(file, "%d\n", (int)kept) < 0 || fclose(file) || rename(name, path))
			fail(path, -errno);
		waitpid(kept, &status, 0);
		kept = 0;
		unlink(path);
		usleep(20000);
	}
}

static int run_chaos(unsigned int seconds, unsigned int min, unsigned int max, char **paths, int count)
{
	uint64_t end = now_ms() + 1000ULL * seconds;
	unsigned int kills = 0, each[16] = { 0 };

	srand((unsigned int)now_ms());
	while (now_ms() < end) {
		int victim = rand() % count, pid = 0;
		FILE *file;

		usleep(1000 * (min + (unsigned int)rand() % (max - min + 1)));
		file = fopen(paths[victim], "r");
		if (file && fscanf(file, "%d", &pid) == 1 && pid > 1 && !kill(pid, SIGKILL)) {
			each[victim]++;
			kills++;
		}
		if (file)
			fclose(file);
	}
	printf("%u kills:", kills);
	for (int i = 0; i < count; i++)
		printf(" %s %u", strrchr(paths[i], '/') ? strrchr(paths[i], '/') + 1 : paths[i], each[i]);
	printf("\n");
	return 0;
}

static int run_acked(const char *name, unsigned int seconds)
{
	struct mbox_send_opts send = { .clock = MBOX_CLOCK_MONOTONIC };
	const struct mbox_post_opts opts = { .send = &send, .flags = MBOX_POST_ACKED };
	struct mbox *mb = open_mailbox(name, MBOX_RIGHT_SEND);
	uint64_t began = now_ms();
	int result;

	mbox_deadline_after((int64_t)seconds * 1000000000, send.clock, &send.deadline);
	result = mbox_post(mb, "acked", 5, &opts);
	printf("%s after %" PRIu64 " ms\n", result < 0 ? mbox_strerror(result) : "acknowledged", now_ms() - began);
	return result < 0;
}

static int run_hold(const char *name)
{
	struct mbox *mb = open_mailbox(name, MBOX_RIGHT_RECV);
	struct mbox_delivery delivery;
	char buf[4096];
	ssize_t size = mbox_lease(mb, buf, sizeof(buf), NULL, NULL, &delivery);

	if (size < 0)
		fail(name, (int)size);
	pause();
	return 0;
}

static int run_notify(const char *path, unsigned int seconds)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	char buf[1024];
	ssize_t size;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		fail(path, -errno);
	alarm(seconds);
	while ((size = recv(fd, buf, sizeof(buf), 0)) >= 0)
		printf("%.*s\n", (int)size, buf);
	return 1;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[1] : "";
	unsigned int prios = argc > 5 ? (unsigned int)atoi(argv[5]) : 1;

	if (prios < 1 || prios > PRIOS_MAX)
		prios = 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(verb, "send") && argc > 4 && strtoul(argv[4], NULL, 10) >= sizeof(uint64_t) && strtoul(argv[4], NULL, 10) <= 1 << 20)
		return run_send(argv[2], strtoull(argv[3], NULL, 10), strtoul(argv[4], NULL, 10), prios);
	if (!strcmp(verb, "recv") && argc > 4)
		return run_recv(argv[2], strtoull(argv[3], NULL, 10), (unsigned int)atoi(argv[4]), prios);
	if (!strcmp(verb, "rate") && argc > 3)
		return run_rate(argv[2], strtoull(argv[3], NULL, 10));
	if (!strcmp(verb, "time") && argc > 4)
		return run_time(argv[2], strtoull(argv[3], NULL, 10), strtoul(argv[4], NULL, 10));
	if (!strcmp(verb, "times") && argc > 3)
		return run_times(argv[2], strtoull(argv[3], NULL, 10));
	if (!strcmp(verb, "keep") && argc > 4 && !strcmp(argv[3], "--"))
		return run_keep(argv[2], argv + 4);
	if (!strcmp(verb, "chaos") && argc > 5 && argc < 16)
		return run_chaos((unsigned int)atoi(argv[2]), (unsigned int)atoi(argv[3]), (unsigned int)atoi(argv[4]),
				 argv + 5, argc - 5);
	if (!strcmp(verb, "acked") && argc > 3)
		return run_acked(argv[2], (unsigned int)atoi(argv[3]));
	if (!strcmp(verb, "hold"))
		return run_hold(argv[2]);
	if (!strcmp(verb, "notify") && argc > 3)
		return run_notify(argv[2], (unsigned int)atoi(argv[3]));
	fprintf(stderr, "bridge_helper: see the head of its source\n");
	return 2;
}
