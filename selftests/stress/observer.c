// SPDX-License-Identifier: GPL-2.0-only
/*
 * The observer: a process that dumps everything over netlink while the workers run, subscribes to
 * events and reads only some of them, and is killed in the middle. A dump shows a mailbox at one
 * moment, so its counters must balance.
 */
#include "lib/netlink.h"
#include "stress/stress.h"

static void observer_see(const struct nl_reply *reply, void *data)
{
	uint64_t sent = nl_u64(reply, MBOX_A_MAILBOX_SENT), queued = nl_u64(reply, MBOX_A_MAILBOX_QUEUED);
	uint64_t gone = nl_u64(reply, MBOX_A_MAILBOX_RECEIVED) + nl_u64(reply, MBOX_A_MAILBOX_WITHDRAWN) +
			nl_u64(reply, MBOX_A_MAILBOX_DROPPED);

	*(uint64_t *)data = nl_u64(reply, MBOX_A_MAILBOX_ID);
	if (reply->cmd != MBOX_CMD_MAILBOX_GET || nl_has(reply, MBOX_A_MAILBOX_RING))
		return;
	if (sent != gone + queued)
		fault(FAULT_COUNTERS, "mailbox %llu: %llu sent, %llu gone, %llu queued",
		      (unsigned long long)*(uint64_t *)data, (unsigned long long)sent,
		      (unsigned long long)gone, (unsigned long long)queued);
	if (nl_u64(reply, MBOX_A_MAILBOX_PEAK) < queued)
		fault(FAULT_COUNTERS, "mailbox %llu: more queued than ever",
		      (unsigned long long)*(uint64_t *)data);
}

/* Return whether the activity of others does not explain the error. */
static bool observer_unexpected(int ret)
{
	return ret && ret != -ENOENT && ret != -ENOBUFS;
}

static void observe(void)
{
	static const uint8_t dumps[] = {
		MBOX_CMD_MAILBOX_GET, MBOX_CMD_HANDLE_GET, MBOX_CMD_WAITER_GET, MBOX_CMD_LINK_GET,
		MBOX_CMD_JOB_GET,
	};
	char heard[4096];
	struct nl_request request;
	struct nl ask, listen;
	uint64_t id = 1;
	int ret;

	if (nl_open(&ask) || nl_open(&listen) || nl_listen(&listen)) {
		fault(FAULT_CALL, "no netlink");
		_exit(1);
	}
	for (unsigned int n = 0; ; n++) {
		nl_begin(&request, ask.family, dumps[n % ARRAY_SIZE(dumps)], NLM_F_DUMP);
		ret = nl_talk(&ask, &request, observer_see, &id);
		if (observer_unexpected(ret))
			fault(FAULT_CALL, "dump %u: %s", dumps[n % ARRAY_SIZE(dumps)], strerrorname_np(-ret));
		nl_begin(&request, ask.family, MBOX_CMD_MAILBOX_GET, 0);
		nl_put_u64(&request, MBOX_A_MAILBOX_ID, id - n % 3);
		ret = nl_talk(&ask, &request, observer_see, &id);
		if (observer_unexpected(ret))
			fault(FAULT_CALL, "mailbox %llu: %s", (unsigned long long)id, strerrorname_np(-ret));
		if (n % 8 == 0)
			recv(listen.fd, heard, sizeof(heard), MSG_DONTWAIT);
	}
}

static pid_t observer;

void observer_start(void)
{
	observer = fork_child();
	if (observer == 0)
		observe();
	if (observer < 0)
		fault(FAULT_CALL, "fork: %s", strerrorname_np(errno));
}

void observer_end(void)
{
	if (observer <= 0)
		return;
	kill(observer, SIGKILL);
	reap(observer);
	observer = 0;
}
