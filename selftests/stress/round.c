// SPDX-License-Identifier: GPL-2.0-only
/*
 * A round: the supervisor makes the mailboxes and keeps a handle on each; starts workers; disturbs and
 * kills them; stops them; receives the rest, and checks the ledger.
 */
#include "lib/module.h"
#include "lib/user.h"
#include "stress/stress.h"

#define ROUND_SECONDS		3

static void round_begin(void)
{
	ledger_clear();
	ledger->restarts = ledger->round % 2;
	memset(common.kept, -1, sizeof(common.kept));
	current.stream.box = NO_BOX;
	current.broadcast.box = NO_BOX;
	current.deepest = 0;
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, common.pass) < 0)
		fault(FAULT_CALL, "socketpair: %s", strerrorname_np(errno));
	for (uint32_t name = 0; name < NAMES; name++)
		box_make(&supervisor.rng, name);
}

static void round_end(void)
{
	uint64_t dropped[NAMES] = {};
	int factory = factory_open();
	char name[MBOX_NAME_SIZE];

	close(common.pass[0]);
	close(common.pass[1]);
	for (uint32_t box = 0; box < ledger->nr_boxes; box++) {
		struct mbox_info info = box_close(&supervisor.rng, box, factory);

		if (ledger->boxes[box].name < NAMES)
			dropped[ledger->boxes[box].name] += info.dropped;
	}
	close(factory);
	/* an owner or a listener ended */
	dropped[NAME_OWNED] = 0;
	dropped[NAME_BROADCAST] = 0;
	dropped[NAME_OVERFLOW] = 0;
	for (uint32_t i = 0; i < NAMES; i++)
		if (dropped[i] < ledger->forced[i] ||
		    (dropped[i] > ledger->forced[i] && !ledger->force_unknown[i]))
			fault(FAULT_COUNTERS, "name %u: %llu messages are dropped, FORCE said %llu", i,
			      (long long)dropped[i], (long long)ledger->forced[i]);
	for (uint32_t i = 0; i < SCRATCH_NAMES; i++) {
		name_of(name, true, i);
		delete_name(name, MBOX_DELETE_FORCE);
	}
}

void round_run(void)
{
	int64_t end = now() + ROUND_SECONDS * NSEC_PER_SEC;

	round_begin();
	observer_start();
	for (unsigned int i = 0; i < supervisor.processes; i++)
		worker_start(i);
	while (now() < end && !supervisor.quit) {
		disturb();
		stream_drain();
		workers_reap(true);
		nanosleep(&(struct timespec) { .tv_nsec = 200000 }, NULL);
	}
	workers_stop();
	observer_end();
	round_end();
}

/* Check that a user has all of its quotas again: exactly so much fits, to the byte. */
static int use_quota(void *uid)
{
	struct mbox_ioc_open arg = open_arg(NULL, MBOX_CAPACITY_UNBOUNDED);
	static uint8_t data[QUOTA_BYTES];
	int fd = -EPROTO, ret;

	if (become(*(uid_t *)uid, *(uid_t *)uid))
		return -EPROTO;
	arg.msg_size = QUOTA_BYTES;
	for (int i = 0; i < QUOTA_MAILBOXES; i++) {
		fd = open_call(MBOX_IOC_CREATE, &arg);
		if (fd < 0)
			return fd;
	}
	if (open_call(MBOX_IOC_CREATE, &arg) != -EDQUOT)
		return -ERANGE;
	ret = send_bytes(fd, MBOX_SEND_NONBLOCK, 0, 0, data, QUOTA_BYTES - MBOX_LARGE_CHARGE);
	if (ret < 0)
		return ret;
	return send_bytes(fd, MBOX_SEND_NONBLOCK, 0, 0, data, 0) == -EDQUOT ? 0 : -ERANGE;
}

/* Namespaces end in the background; all else ends with its last handle. */
void expect_nothing_left(void)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;

	while (module_pins() > supervisor.pins && now() < end)
		nap();
	if (module_pins() > supervisor.pins)
		fault(FAULT_LEFT, "the module has %ld references, %ld at first", module_pins(),
		      supervisor.pins);
	for (int i = 0; common.root && i < 2; i++) {
		int ret = in_child(use_quota, &supervisor.uids[i]);

		if (ret < 0)
			fault(FAULT_LEFT, "the quotas of user %u: %s", supervisor.uids[i],
			      strerrorname_np(-ret));
	}
}
