// SPDX-License-Identifier: GPL-2.0-only
/*
 * mboxctl: verbs that go on until they are told to end
 *
 * A signal ends them, a reader that closes their output, a key, or that they are done.
 * Each is a normal end: the output is complete, and the terminal is restored.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>
#include "mboxctl.h"

static int signals = -1;

static uint64_t now_on(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

uint64_t monotonic(void)
{
	return now_on(CLOCK_MONOTONIC);
}

/* The kernel reports times on this clock. */
uint64_t realtime(void)
{
	return now_on(CLOCK_REALTIME);
}

/* Let signals end the command by way of loop_wait() only. Return 0 or -errno. */
static int loop_init(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGWINCH);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return signals < 0 ? -errno : 0;
}

/* Run @body, which goes on until it is told to end, with a monitor. Return an exit status. */
int loop_run(struct command *cmd, int (*body)(struct command *cmd, struct mbox_monitor *mon))
{
	struct mbox_monitor *mon;
	int ret;

	ret = loop_init();
	if (ret < 0)
		return refuse(cmd, ret, NULL, "%s", strerror(-ret));
	ret = mbox_monitor_open(&mon);
	if (ret < 0)
		return refuse_monitor(cmd, NULL, ret);
	ret = body(cmd, mon);
	mbox_monitor_close(mon);
	return ret;
}

/*
 * Wait until @fd (if it is not -1) has something, or the monotonic clock shows
 * @deadline, UINT64_MAX being never.
 */
enum wake loop_wait(int fd, uint64_t deadline)
{
	/* poll() always reports that a reader closed standard output. */
	struct pollfd fds[] = {
		{ .fd = signals, .events = POLLIN },
		{ .fd = STDOUT_FILENO },
		{ .fd = fd, .events = POLLIN },
	};
	uint64_t now = monotonic();
	uint64_t left = deadline > now ? deadline - now : 0;
	struct timespec ts = {
		.tv_sec = (time_t)(left / 1000000000),
		.tv_nsec = (long)(left % 1000000000),
	};
	struct signalfd_siginfo info;

	if (ppoll(fds, ARRAY_SIZE(fds), deadline == UINT64_MAX ? NULL : &ts, NULL) < 0)
		return errno == EINTR ? WAKE_AGAIN : WAKE_END;
	if (fds[0].revents) {
		if (read(signals, &info, sizeof(info)) != sizeof(info))
			return WAKE_AGAIN;
		return info.ssi_signo == SIGWINCH ? WAKE_AGAIN : WAKE_END;
	}
	if (fds[1].revents & (POLLERR | POLLNVAL))
		return WAKE_END;
	if (fds[2].revents)
		return WAKE_READY;
	return WAKE_TIME;
}
