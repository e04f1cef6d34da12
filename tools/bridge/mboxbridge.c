// SPDX-License-Identifier: GPL-2.0-only
/* mboxbridge: options, signals, the loop */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "bridge.h"
#include "control.h"
#include "log.h"
#include "metrics.h"
#include "notify.h"

#define TICK_MS		100
#define EVENTS		32

static const char usage[] =
	"usage: mboxbridge [OPTION]...\n"
	"Pass messages between mailboxes of this machine and NATS JetStream, see mboxbridge(8).\n"
	"\n"
	"  -c, --config FILE   the configuration (default /etc/mbox/bridge.conf)\n"
	"  -t, --test          check the configuration, and end\n"
	"  -v, --verbose       log more\n"
	"  -h, --help\n"
	"      --version\n";

struct signals {
	struct watch watch;
	struct bridge *bridge;
	int fd;
	bool end;
};

static void signals_ready(struct watch *watch, uint32_t events)
{
	struct signals *signals = watch_owner(watch, struct signals, watch);
	struct signalfd_siginfo info;

	(void)events;
	if (read(signals->fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo != SIGHUP) {
		signals->end = true;
		return;
	}
	notify_send("RELOADING=1");
	bridge_reload(signals->bridge);
	notify_send("READY=1");
}

static void signals_open(struct signals *signals, struct bridge *bridge)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = &signals->watch };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	/* Before the first thread starts, so that none gets them. */
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signals->watch.ready = signals_ready;
	signals->bridge = bridge;
	signals->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals->fd < 0 || epoll_ctl(bridge->epoll, EPOLL_CTL_ADD, signals->fd, &event))
		log_die("signals: %s", strerror(errno));
}

/* Tell systemd that we live, and how. */
static void loop_notify(const struct bridge *bridge, uint64_t now)
{
	static uint64_t told_at;
	unsigned int interval = notify_watchdog();
	unsigned int running = 0, count = 0;
	char text[EVENT_TEXT_SIZE + 128];

	if (told_at && now < told_at + (interval && interval < 1000 ? interval : 1000))
		return;
	told_at = now;
	for (const struct route *route = bridge->routes; route; route = route->next) {
		running += route->state >= ROUTE_RUNNING;
		count++;
	}
	snprintf(text, sizeof(text), "WATCHDOG=1\nSTATUS=%u of %u routes run%s%s", running, count,
		 bridge->up ? "" : "; ", bridge->up ? "" : bridge->reason);
	notify_send(text);
}

static void loop_run(struct bridge *bridge, const struct signals *signals)
{
	struct epoll_event events[EVENTS];
	uint64_t ticked_at = 0, now;
	int count;

	while (!signals->end) {
		count = epoll_wait(bridge->epoll, events, EVENTS, TICK_MS);
		for (int i = 0; i < count; i++) {
			struct watch *watch = events[i].data.ptr;

			watch->ready(watch, events[i].events);
		}
		now = route_now();
		if (now < ticked_at + TICK_MS)
			continue;
		ticked_at = now;
		bridge_tick(bridge);
		metrics_tick(bridge, now);
		loop_notify(bridge, now);
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' }, { "test", no_argument, NULL, 't' },
		{ "verbose", no_argument, NULL, 'v' }, { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' }, { 0 },
	};
	static struct bridge bridge = { .path = "/etc/mbox/bridge.conf", .ops = &nats_engine };
	struct signals signals = { .end = false };
	char error[CONFIG_ERROR_SIZE];
	enum level level = LOG_TELL;
	struct config *config;
	bool test = false;
	int option;

	while ((option = getopt_long(argc, argv, "c:tvh", options, NULL)) >= 0) {
		switch (option) {
		case 'c':
			bridge.path = optarg;
			break;
		case 't':
			test = true;
			break;
		case 'v':
			level = LOG_TRACE;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		case 'V':
			puts("mboxbridge " MBOX_VERSION);
			return 0;
		default:
			fputs(usage, stderr);
			return 1;
		}
	}
	if (optind != argc) {
		fputs(usage, stderr);
		return 1;
	}
	log_open(level);
	config = config_read(bridge.path, error);
	if (!config) {
		if (test)
			fprintf(stderr, "mboxbridge: %s\n", error);
		else
			log_event(LOG_FAILED, NULL, "configuration", "%s", error);
		return 1;
	}
	if (test) {
		config_free(config);
		return 0;
	}
	bridge.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (bridge.epoll < 0)
		log_die("epoll: %s", strerror(errno));
	signals_open(&signals, &bridge);
	bridge_start(&bridge, config);
	control_open(&bridge);
	notify_send("READY=1");
	loop_run(&bridge, &signals);
	notify_send("STOPPING=1");
	control_close(&bridge);
	bridge_stop(&bridge);
	return 0;
}
