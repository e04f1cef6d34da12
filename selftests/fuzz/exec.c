// SPDX-License-Identifier: GPL-2.0-only
/* Runs a program, and looks whether the mailboxes are as they should be. */
#include "fuzz.h"
#include "runtime.h"

#define REFS_PATIENCE	600	/* tenths of a second */

uint64_t calls_made;

/* The last is for LANE_FORK. */
static uint64_t lane_calls[LANES + 1];
static uint64_t lane_number[LANES + 1];
static uint64_t number;			/* of the program */
static bool pure;			/* all payloads consist of PAYLOAD_BYTE */
static char problem[256];		/* the fault of a mailbox */
static unsigned long limits_before[3], tainted_before, refs_before;
static int first_netns = -1;

/* Names of mailboxes, some of which live until they are deleted. */
#define KEPT_NAMES	64
static char kept_names[KEPT_NAMES][MBOX_NAME_SIZE];
static uint32_t nr_kept;

static const struct field *field_of(const struct op *op, unsigned int i)
{
	return &op->fields[i];
}

static uint64_t buffer_at(int lane, const struct call *call, unsigned int i)
{
	uint64_t length = call->arg[ops[call->op].fields[i].link];

	if (AT_VIEW(call->arg[i]) != VIEW_SELF)
		return data_at(lane, call->arg[i], length);
	pure = false;
	if (ops[call->op].class != OP_IOCTL)
		return arg_at(lane, AT(VIEW_RW, POS_START), length);
	return arg_at(lane, call->arg[ARG_AT], call->arg[ARG_CSIZE] == CSIZE_OWN ?
		      ops[call->op].size : call->arg[ARG_CSIZE]);
}

/* The arguments of the system call. */
static uint64_t value_of(int lane, const struct call *call, unsigned int i)
{
	const struct field *field = field_of(&ops[call->op], i);
	uint64_t value = call->arg[i];

	switch (field->kind) {
	case K_SLOT:
		return slot_fd(value);
	case K_BUF:
		return buffer_at(lane, call, i);
	case K_AT:
		return arg_at(lane, value, MAX_ARG);
	case K_PID:
		return pid_of(value);
	case K_START:
		return start_of(value);
	case K_TOKEN:
		return token_of(value);
	case K_BOX:
		return box_of(value);
	case K_TIME:
		return deadline(value, call->arg[field->link]);
	default:
		return value;
	}
}

/* Remember the name of a mailbox: of any lifetime, it may be handed over to the system. */
static void keep_name(int lane, const struct call *call, uint64_t size)
{
	struct mbox_ioc_open open;
	size_t there;
	uint8_t *arg;
	uint32_t i;

	arg = arg_bytes(lane, call->arg[ARG_AT], size, &there);
	if (!arg || there < sizeof(open))
		return;
	memcpy(&open, arg, sizeof(open));
	if (!open.name[0])
		return;
	for (i = 0; i < nr_kept && i < KEPT_NAMES; i++) {
		if (!memcmp(kept_names[i], open.name, MBOX_NAME_SIZE))
			return;
	}
	i = __atomic_fetch_add(&nr_kept, 1, __ATOMIC_RELAXED);
	if (i < KEPT_NAMES)
		memcpy(kept_names[i], open.name, MBOX_NAME_SIZE);
}

/* A received payload must be a sent one, and no memory of the kernel. */
static void check_payload(int lane, uint64_t at, uint64_t room, uint64_t length)
{
	const uint8_t *bytes;
	uint64_t i;

	if (AT_VIEW(at) != VIEW_RW || lane >= LANES)
		return;
	if (at & AT_OTHER)
		lane = (lane + 1) % LANES;
	bytes = area_view(lane, AREA_DATA, VIEW_RW) + place_offset(DATA_SIZE, at, room);
	if (length > room) {
		snprintf(problem, sizeof(problem), "received %llu bytes into %llu", (unsigned long long)length,
			 (unsigned long long)room);
		return;
	}
	for (i = 0; i < length && bytes[i] == PAYLOAD_BYTE; i++)
		;
	if (i < length && pure)
		snprintf(problem, sizeof(problem), "byte %llu of %llu received is 0x%02x",
			 (unsigned long long)i, (unsigned long long)length, bytes[i]);
}

/* The call has succeeded: look at its results. */
static void check_results(int lane, const struct call *call, uint64_t csize)
{
	const struct op *op = &ops[call->op];
	struct mbox_ioc_lease lease;
	struct mbox_ioc_call request;
	size_t there;
	uint8_t *bytes = arg_bytes(lane, call->arg[ARG_AT], csize, &there);

	if (!bytes || there < op->size)
		return;
	/* a lease begins with the fields of a receive */
	if (op->nr == MBOX_IOC_RECV || op->nr == MBOX_IOC_LEASE) {
		memcpy(&lease, bytes, op->size);
		start_keep(lease.recv.header.start);
		check_payload(lane, call->arg[ARG_STRUCT + 3], call->arg[ARG_STRUCT + 4],
			      lease.recv.header.length);
		if (op->nr == MBOX_IOC_LEASE)
			token_keep(lease.delivery.token);
	} else if (op->nr == MBOX_IOC_CALL) {
		memcpy(&request, bytes, sizeof(request));
		check_payload(lane, call->arg[ARG_STRUCT + 9], call->arg[ARG_STRUCT + 10],
			      request.length);
	}
}

static long exec_ioctl(int lane, const struct call *call)
{
	const struct op *op = &ops[call->op];
	uint64_t csize = call->arg[ARG_CSIZE] == CSIZE_OWN ? op->size : call->arg[ARG_CSIZE];
	uint8_t arg[MAX_ARG] = { 0 };
	uint32_t cmd = op->nr;
	uint64_t address;
	unsigned int i;
	long ret;

	for (i = ARG_STRUCT; i < op->nr_fields; i++) {
		const struct field *field = field_of(op, i);
		uint64_t value;

		if (field->kind == K_NAME) {
			name_make((char *)arg + field->off, call->arg[i]);
		} else if (field->width) {
			value = value_of(lane, call, i);
			memcpy(arg + field->off, &value, field->width);
		}
	}
	if (csize != op->size || call->arg[ARG_XOR])
		cmd = ioctl_number(cmd, csize, call->arg[ARG_XOR]);
	address = arg_put(lane, call->arg[ARG_AT], arg, op->size, csize, call->arg[ARG_FILL]);
	if (call->compat)
		ret = ioctl32(slot_fd(call->arg[ARG_FD]), cmd, address);
	else
		ret = sys(SYS_ioctl, slot_fd(call->arg[ARG_FD]), cmd, address);

	if (ret >= 0 && op->makes) {
		if (lane != LANE_FORK)
			slot_keep(call->arg[op->nr_fields - 1], ret);
		if (op->size == sizeof(struct mbox_ioc_open))
			keep_name(lane, call, csize);
	}
	if (!ret && !call->arg[ARG_XOR] && !(call->arg[ARG_AT] & AT_OTHER))
		check_results(lane, call, csize);
	return ret;
}

static long exec_syscall(int lane, const struct call *call)
{
	const struct op *op = &ops[call->op];
	uint64_t arg[6] = { 0 };
	unsigned int i, n = 0;
	long ret;

	for (i = 0; i < op->nr_fields; i++) {
		if (op->fields[i].kind != K_OUT && n < 6)
			arg[n++] = value_of(lane, call, i);
	}
	ret = sys(op->nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
	if (op->makes && lane != LANE_FORK)
		slot_keep(call->arg[op->nr_fields - 1], ret);
	if (op->nr == SYS_read && ret > 0)
		check_payload(lane, call->arg[1], call->arg[2], ret);
	return ret;
}

static long exec_helper(int lane, const struct call *call)
{
	const struct op *op = &ops[call->op];
	uint64_t arg[MAX_ARGS];
	unsigned int i;

	for (i = 0; i < op->nr_fields; i++)
		arg[i] = op->fields[i].kind == K_BUF ? buffer_at(lane, call, i) : call->arg[i];
	/* Data read from it is no payload. */
	if (op->makes == SLOT_NETLINK)
		pure = false;
	return op->helper(lane, arg);
}

/* Reports of the kernel name the task. */
static void name_lane(int lane)
{
	char name[16] = "fz", digits[16];
	unsigned int n = 0, i = 2;
	uint64_t value = number;

	lane_number[lane < LANES ? lane : LANES] = number;
	do {
		digits[n++] = '0' + value % 10;
	} while ((value /= 10) && n < 12);
	while (n)
		name[i++] = digits[--n];
	sys(SYS_prctl, PR_SET_NAME, name, 0, 0, 0);
}

static void exec_call(int lane, const void *arg)
{
	const struct call *call = arg;
	unsigned int i;
	long ret = 0;

	if (lane >= LANES || lane_number[lane] != number)
		name_lane(lane);
	for (i = 0; i < call->times; i++) {
		switch (ops[call->op].class) {
		case OP_IOCTL:
			ret = exec_ioctl(lane, call);
			break;
		case OP_SYSCALL:
			ret = exec_syscall(lane, call);
			break;
		case OP_HELPER:
			ret = exec_helper(lane, call);
			break;
		}
		lane_calls[lane < LANES ? lane : LANES]++;
		/* One that had to be interrupted, or that all others wait for, would be so again. */
		if (ret == -EINTR || (ret == -ETIMEDOUT && !lane))
			break;
	}
	kcov_result(call->op, ret);
}

/* Each mailbox accounts for all messages, and nobody is left in a call. */
static void check_slot(int fd)
{
	struct mbox_info info = { 0 };

	if (sys(SYS_ioctl, fd, MBOX_IOC_GET, &info))
		return;
	/* Records in a ring were not sent through the kernel. */
	if (!info.ring && info.sent != info.received + info.withdrawn + info.dropped + info.queued)
		snprintf(problem, sizeof(problem), "sent %llu, received %llu, withdrawn %llu, dropped %llu, queued %llu",
			 info.sent, info.received, info.withdrawn, info.dropped, info.queued);
	else if (info.senders || info.receivers)
		snprintf(problem, sizeof(problem), "%u senders and %u receivers in a mailbox that nobody uses",
			 info.senders, info.receivers);
	else if (!info.queued && info.queued_bytes)
		snprintf(problem, sizeof(problem), "no messages, but %llu bytes of them", info.queued_bytes);
	else if (info.state > MBOX_STATE_DEAD || !info.handles ||
		 (info.state == MBOX_STATE_DEAD && info.queued) ||
		 (info.state == MBOX_STATE_DRAINING && !info.queued))
		snprintf(problem, sizeof(problem), "state %u with %u handles and %llu messages", info.state,
			 info.handles, info.queued);
}

/*
 * Received messages are in the memory from which the payloads of the next program come. Writing all
 * of that anew takes longer than most programs. Other bytes than those of payloads come from an
 * area for arguments or from netlink, and so are not many; they lie where a call had its buffer.
 */
#define FOREIGN_MOST	(64UL << 10)

static void payloads_restore(const struct program *prog)
{
	unsigned int i, j;

	for (i = 0; i < prog->n; i++) {
		const struct call *call = &prog->calls[i];
		const struct op *op = &ops[call->op];

		for (j = 0; j < op->nr_fields; j++) {
			uint64_t at = call->arg[j];
			int lane = call->lane % LANES;
			size_t offset;

			if (op->fields[j].kind != K_BUF || AT_VIEW(at) > VIEW_LAZY)
				continue;
			if (at & AT_OTHER)
				lane = (lane + 1) % LANES;
			offset = place_offset(DATA_SIZE, at, call->arg[op->fields[j].link]);
			memset(area_view(lane, AREA_DATA, VIEW_RW) + offset, PAYLOAD_BYTE,
			       DATA_SIZE - offset < FOREIGN_MOST ? DATA_SIZE - offset : FOREIGN_MOST);
		}
	}
}

static bool makes_links(const struct program *prog)
{
	unsigned int i;

	for (i = 0; i < prog->n; i++) {
		if (ops[prog->calls[i].op].nr == MBOX_IOC_LINK)
			return true;
	}
	return false;
}

/* Delete mailboxes that would stay. */
static void delete_kept(void)
{
	if (nr_kept > KEPT_NAMES)
		nr_kept = KEPT_NAMES;
	while (nr_kept)
		name_delete(kept_names[--nr_kept]);
}

/*
 * Most programs run on one processor, where a lane that is given a call gets to it at once, and not when
 * another processor has been woken: that makes several times as many calls. The others race.
 */
static void lanes_place(void)
{
	static unsigned int runs;
	static bool gathered;
	bool gather = runs++ / 16 % 4 != 3;
	unsigned long cpus = gather ? 1 : ~0UL;
	int lane;

	if (gather == gathered)
		return;
	gathered = gather;
	for (lane = 0; lane < LANES; lane++)
		sys(SYS_sched_setaffinity, lanes[lane].pid, sizeof(cpus), &cpus);
}

void exec_program(const struct program *prog)
{
	unsigned int i;
	int lane, slot;

	lanes_place();
	pure = true;
	kcov_begin();
	for (i = 0; i < prog->n; i++) {
		const struct call *call = &prog->calls[i];

		if (!call->lane)
			here(exec_call, call);
		else
			post(call->lane, exec_call, call);
		if (call->lane && call->settle)
			settle(call->lane);
	}
	drain();

	ids_restore();
	for (lane = 0; lane <= LANES; lane++) {
		calls_made += lane_calls[lane];
		lane_calls[lane] = 0;
	}
	for (slot = OWN_SLOTS; slot < SLOTS; slot++) {
		if (slots[slot] >= 0)
			check_slot(slots[slot]);
	}
	lanes_reset();
	if (makes_links(prog))
		inboxes_empty();
	delete_kept();
	if (!pure)
		payloads_restore(prog);
}

/* The running program has this number in the kernel's reports. */
void exec_name(uint64_t n)
{
	number = n;
}

static unsigned long read_number(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	close(fd);
	return strtoul(text, NULL, 10);
}

/* Return a description of a fault, or NULL. Asks the kernel too, so not to be called too often. */
const char *exec_check(void)
{
	unsigned long tainted;

	if (problem[0])
		return problem;
	tainted = read_number("/proc/sys/kernel/tainted");
	if (tainted == tainted_before)
		return NULL;
	snprintf(problem, sizeof(problem), "the kernel is tainted (%lu), its log has a report", tainted);
	return problem;
}

static void stuck(int lane)
{
	dprintf(1, "fuzz: program %llu: lane %d is stuck in a call\n", (unsigned long long)number, lane);
	sys(SYS_kill, lanes[0].pid, SIGKILL);
}

void exec_start(void)
{
	unsigned int i;

	first_netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	tainted_before = read_number("/proc/sys/kernel/tainted");
	refs_before = read_number("/sys/module/mbox/refcnt");
	for (i = 0; i < 3; i++)
		limits_before[i] = limit_set(low_limits[i].name, low_limits[i].value);
	/* A namespace of our own takes all mailboxes with it in the end. */
	if (unshare(CLONE_NEWNET))
		perror("unshare");
	lane_hook = kcov_lane_start;
	stuck_hook = stuck;
	lanes_start();
	kcov_lane_start(0);
}

/* Cleaning up after the dead, and namespaces, takes time on a slow machine. */
static bool refs_come_back(void)
{
	int tries;

	for (tries = 0; tries < REFS_PATIENCE; tries++) {
		if (read_number("/sys/module/mbox/refcnt") == refs_before)
			return true;
		usleep(100000);
	}
	return false;
}

/* Close everything. Return a description of a fault, or NULL. */
const char *exec_end(void)
{
	unsigned int i;

	for (i = 0; i < 3; i++)
		limit_set(low_limits[i].name, limits_before[i]);
	lanes_end();
	if (!refs_come_back()) {
		/* The names of some mailboxes are not known: those that the namespace takes with it. */
		setns(first_netns, CLONE_NEWNET);
		close(own_netns);
		if (!refs_come_back()) {
			snprintf(problem, sizeof(problem), "the module has %lu references, %lu before",
				 read_number("/sys/module/mbox/refcnt"), refs_before);
		}
	}
	return exec_check();
}
