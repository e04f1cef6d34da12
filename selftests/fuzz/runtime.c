// SPDX-License-Identifier: GPL-2.0-only
/* Lanes, memory and descriptors; a part of mbox_fuzz and of every reproducer. */
#include "runtime.h"

volatile int slots[SLOTS];
int own_netns = -1;

/* Keep descriptor @fd, or the error, in @slot. */
long slot_keep(uint64_t slot, long fd)
{
	if (fd >= 0 && slot >= OWN_SLOTS && slot < SLOTS)
		slots[slot] = fd;
	return fd;
}

static int area_files[LANES][2];
bool memory_changed;

static size_t area_size(enum area area)
{
	return area == AREA_ARG ? ARG_SIZE : DATA_SIZE;
}

void memory_map_view(int lane, enum area area, enum view view, int flags)
{
	int prot = view == VIEW_RO ? PROT_READ : PROT_READ | PROT_WRITE;

	sys(SYS_mmap, area_view(lane, area, view), area_size(area), prot, flags | MAP_FIXED,
	    area_files[lane][area], 0);
}

static void memory_start(void)
{
	int lane, area;

	for (lane = 0; lane < LANES; lane++) {
		for (area = AREA_ARG; area <= AREA_DATA; area++) {
			area_files[lane][area] = memfd_create("area", MFD_CLOEXEC);
			if (ftruncate(area_files[lane][area], area_size(area)))
				abort();
			memory_map_view(lane, area, VIEW_RW, MAP_SHARED);
			memory_map_view(lane, area, VIEW_RO, MAP_SHARED);
			memory_map_view(lane, area, VIEW_LAZY, MAP_SHARED);
		}
		memset(area_view(lane, AREA_DATA, VIEW_RW), PAYLOAD_BYTE, DATA_SIZE);
	}
}

/* Undo the effects of do_memory(). */
static void memory_restore(void)
{
	int lane;

	if (!memory_changed)
		return;
	memory_changed = false;
	for (lane = 0; lane < LANES; lane++)
		memory_map_view(lane, AREA_DATA, VIEW_LAZY, MAP_SHARED);
}

/* Where in an area of @size a place of @length bytes lies. */
size_t place_offset(size_t size, uint64_t at, size_t length)
{
	switch (AT_POS(at)) {
	case POS_END:
		return length < size ? size - length : 0;
	case POS_CROSS:
		return length / 2 < size ? size - (length + 1) / 2 : 0;
	case POS_ODD:
		return 3;
	case POS_PAGE:
		return length / 2 < PAGE ? PAGE - (length + 1) / 2 : PAGE - 1;
	default:
		return 0;
	}
}

static uint64_t place_address(int lane, enum area area, uint64_t at, uint64_t length)
{
	static const uint64_t bad[NR_BAD] = {
		0, 1, 8, 4095, 0x7ffffffff000, 0x800000000000, 0x8000000000000000, 0xffff888000000000,
		0xffffffff81000000, 0xfffffffffffff000, UINT64_MAX - 7, UINT64_MAX,
	};
	uint8_t *base;
	size_t offset;

	if (AT_VIEW(at) >= VIEW_BAD)
		return bad[AT_POS(at) % NR_BAD];
	lane %= LANES;
	if (at & AT_OTHER)
		lane = (lane + 1) % LANES;
	base = area_view(lane, area, AT_VIEW(at) == VIEW_SELF ? VIEW_RW : AT_VIEW(at));
	offset = place_offset(area_size(area), at, length);
	if (AT_VIEW(at) == VIEW_LAZY) {
		size_t from = offset & ~(PAGE - 1);
		size_t size = area_size(area) - from;

		/* Not before: that its pages have to be fetched is the point of it. */
		sys(SYS_madvise, base + from, length < size - PAGE ? length + PAGE : size,
		    MADV_DONTNEED);
	}
	return (uint64_t)base + offset;
}

/* The address of a payload of @length bytes. */
uint64_t data_at(int lane, uint64_t at, uint64_t length)
{
	return place_address(lane, AREA_DATA, at, length);
}

/* The address of an argument of @size bytes. */
uint64_t arg_at(int lane, uint64_t at, uint64_t size)
{
	return place_address(lane, AREA_ARG, at, size);
}

/* Its bytes where they can be written, as many as it has; NULL if nothing is there. */
uint8_t *arg_bytes(int lane, uint64_t at, size_t size, size_t *writable)
{
	size_t offset = place_offset(ARG_SIZE, at, size);

	lane %= LANES;
	if (AT_VIEW(at) > VIEW_LAZY)
		return NULL;
	if (at & AT_OTHER)
		lane = (lane + 1) % LANES;
	*writable = size < ARG_SIZE - offset ? size : ARG_SIZE - offset;
	return area_view(lane, AREA_ARG, VIEW_RW) + offset;
}

/* Put an argument of @own bytes at its place, as one of @size bytes. Returns its address. */
uint64_t arg_put(int lane, uint64_t at, const void *arg, size_t own, size_t size,
			       int fill)
{
	size_t writable;
	uint8_t *bytes;

	bytes = arg_bytes(lane, at, size, &writable);
	if (bytes) {
		if (own > writable)
			own = writable;
		memcpy(bytes, arg, own);
		memset(bytes + own, fill, writable - own);
	}
	return arg_at(lane, at, size);
}

int64_t deadline(uint64_t when, uint64_t clock)
{
	static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME };
	struct timespec ts;

	if (!TIME_IS_REL(when))
		return when;
	clock_gettime(clocks[(clock - 1) % 3], &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec + (when & ~TIME_REL);
}

/* Lanes. */

#define STACK		(128 << 10)
#define SOON		200000	/* nanoseconds that a call takes that does not block, mostly */
#define TICK		2000000	/* nanoseconds after which a blocked call is interrupted */
#define STUCK		15000	/* ticks after which the kernel has lost it */

struct lane lanes[LANES];
void (*lane_hook)(int lane);
void (*stuck_hook)(int lane);

static struct {
	int pid;
	lane_fn fn;
	const void *arg;
} forked;

static int guard;			/* the process of the watchdog */
static uint8_t stacks[LANES + 2][STACK] __attribute__((aligned(64)));

#define load(p)		__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define store(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)

static void futex_wait(uint32_t *word, uint32_t value, long ns)
{
	struct timespec ts = { .tv_nsec = ns };

	sys(SYS_futex, word, FUTEX_WAIT, value, ns ? &ts : NULL, NULL, 0);
}

static void futex_wake(uint32_t *word)
{
	sys(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static int lane_main(void *p)
{
	int self = (int)(intptr_t)p;
	struct lane *lane = &lanes[self];
	int spins;

	sys(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (lane_hook)
		lane_hook(self);
	for (;;) {
		for (spins = 0; load(&lane->posted) == lane->done; spins++) {
			if (spins < 100)
				asm volatile("pause");
			else
				futex_wait(&lane->posted, lane->done, 0);
		}
		store(&lane->begun, lane->done + 1);
		lane->ring[lane->done % RING].fn(self, lane->ring[lane->done % RING].arg);
		store(&lane->done, lane->done + 1);
		futex_wake(&lane->done);
	}
	return 0;
}

/* A process group has the number 0, which a lane that is gone has too. */
void lane_signal(int i, int signal)
{
	int pid = load(&lanes[i].pid);

	if (pid > 0)
		sys(SYS_kill, pid, signal);
}

/* Tells in which system call a lane sleeps. Below FD_FIRST, as it outlives programs. */
#define WATCH_FD(i)	(FD_FIRST - 1 - (i))

static void lane_watch(int i)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/syscall", lanes[i].pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	dup3(fd, WATCH_FD(i), O_CLOEXEC);
	close(fd);
}

/* Does it sleep, rather than run? */
static bool lane_sleeps(int i)
{
	char text[8] = "";

	/* "running", or the number of the call */
	return sys(SYS_pread64, WATCH_FD(i), text, sizeof(text), 0) > 0 && text[0] != 'r';
}

static void lane_spawn(int i)
{
	memset(&lanes[i], 0, sizeof(lanes[i]));
	if (clone(lane_main, stacks[i] + STACK, CLONE_VM | CLONE_FILES | CLONE_FS |
		  CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, (void *)(intptr_t)i,
		  &lanes[i].pid, NULL, &lanes[i].pid) < 0)
		abort();
	lane_watch(i);
}

/* The process that a number in a program stands for. */
uint32_t pid_of(uint64_t who)
{
	if (who == LANE_FORK)
		return forked.pid;
	if (!who || who > LANES)
		return who;
	return load(&lanes[who - 1].pid);
}

/* That of the sender of the last message that was received. */
static uint64_t last_start;

void start_keep(uint64_t start)
{
	__atomic_store_n(&last_start, start, __ATOMIC_RELAXED);
}

uint64_t start_of(uint64_t which)
{
	return which == 1 ? __atomic_load_n(&last_start, __ATOMIC_RELAXED) : which;
}

/* Make a call on lane 0, which is the caller. */
void here(lane_fn fn, const void *arg)
{
	store(&lanes[0].begun, lanes[0].begun + 1);
	fn(0, arg);
	store(&lanes[0].done, lanes[0].begun);
}

static int forked_main(void *unused)
{
	(void)unused;
	sys(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	forked.fn(LANE_FORK, forked.arg);
	return 0;
}

static void forked_end(void)
{
	long who = sys(SYS_geteuid);

	if (!forked.pid)
		return;
	/* The caller may be an ordinary user by now, which must not. */
	sys(SYS_setresuid, -1, 0, -1);
	kill(forked.pid, SIGKILL);
	sys(SYS_setresuid, -1, who, -1);
	waitpid(forked.pid, NULL, __WALL);
	forked.pid = 0;
}

/* Let a lane make a call. */
void post(int i, lane_fn fn, const void *arg)
{
	struct lane *lane = &lanes[i % LANES];

	if (i == LANE_FORK) {
		forked_end();
		forked.fn = fn;
		forked.arg = arg;
		forked.pid = clone(forked_main, stacks[LANES] + STACK, CLONE_VM | CLONE_FS | SIGCHLD,
				   NULL);
		if (forked.pid < 0)
			abort();
		return;
	}
	lane->ring[lane->posted % RING].fn = fn;
	lane->ring[lane->posted % RING].arg = arg;
	store(&lane->posted, lane->posted + 1);
	futex_wake(&lane->posted);
}

/* Wait until a lane has made its calls, or is blocked in one; not for ever. */
void settle(int i)
{
	long patience = i == LANE_FORK ? SOON : 20 * SOON;
	struct lane *lane = &lanes[i % LANES];
	struct timespec ts;
	int64_t from = 0, now;

	do {
		if (i != LANE_FORK) {
			uint32_t done = load(&lane->done);

			if (done == lane->posted || !load(&lane->pid))
				return;
			/* It sleeps too while nothing has told it that there is a call. */
			if (load(&lane->begun) == done + 1 && lane_sleeps(i))
				return;
		}
		sys(SYS_sched_yield);
		clock_gettime(CLOCK_MONOTONIC, &ts);
		now = ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
		from = from ? from : now;
	} while (now - from < patience);
}

/* Wait for all lanes to have made their calls; calls that block are interrupted. */
void drain(void)
{
	struct lane *lane;
	uint32_t done;
	int i;

	for (i = 1; i < LANES; i++) {
		lane = &lanes[i];
		while ((done = load(&lane->done)) != lane->posted) {
			if (!load(&lane->pid))
				break;
			futex_wait(&lane->done, done, SOON);
			if (load(&lane->done) == done)
				lane_signal(i, SIGUSR1);
		}
		if (!load(&lane->pid)) {
			while (waitpid(-1, NULL, __WALL | WNOHANG) > 0)
				;
			lane_spawn(i);
		}
	}
	forked_end();
}

/* Interrupts lanes that are in the same call for long. A call that a program forgot has no other end. */
static int watchdog(void *unused)
{
	struct timespec tick = { .tv_nsec = TICK };
	uint32_t seen[LANES] = { 0 }, ticks[LANES] = { 0 };
	int i;

	(void)unused;
	sys(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	for (;;) {
		sys(SYS_nanosleep, &tick, NULL);
		for (i = 0; i < LANES; i++) {
			uint32_t begun = load(&lanes[i].begun);

			if (begun == load(&lanes[i].done) || begun != seen[i]) {
				seen[i] = begun;
				ticks[i] = 0;
				continue;
			}
			lane_signal(i, SIGUSR1);
			if (++ticks[i] == STUCK && stuck_hook)
				stuck_hook(i);
		}
	}
	return 0;
}

static void on_signal(int signal)
{
	(void)signal;
}

/* A factory of an ordinary user's, for any process. */
static int open_as_user(void)
{
	int fd;

	if (setresuid(1000, 1000, 0))
		return -1;
	fd = open("/dev/mbox", O_RDWR | O_CLOEXEC);
	if (setresuid(0, 0, 0))
		abort();
	return fd;
}

/* Set limits that programs reach. Return the limits from before. */
unsigned long limit_set(const char *name, unsigned long value)
{
	char path[64], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/sys/module/mbox/parameters/%s", name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return value;
	if (read(fd, text, sizeof(text) - 1) < 0 || dprintf(fd, "%lu", value) < 0)
		perror(path);
	close(fd);
	return strtoul(text, NULL, 10);
}

const struct limit low_limits[NR_LIMITS] = {
	{ "max_msg_size", 1 << 20 }, { "user_bytes", 64 << 10 }, { "user_mailboxes", 6 },
};

/* To be called once, by root. */
void lanes_start(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	int i;

	sigaction(SIGUSR1, &action, NULL);
	action.sa_flags = SA_RESTART;
	sigaction(SIGUSR2, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGIO, SIG_IGN);
	signal(SIGURG, SIG_IGN);
	umask(0);

	memory_start();
	own_netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	for (i = 0; i < SLOTS; i++)
		slots[i] = -1;
	slots[0] = open("/dev/mbox", O_RDWR | O_CLOEXEC);
	slots[1] = open_as_user();
	if (slots[0] < 0) {
		perror("/dev/mbox");
		exit(2);
	}
	/* Files opened from here on lie above all that have to stay. */
	while (dup(slots[0]) < FD_FIRST - 1)
		;

	lanes[0].pid = getpid();
	for (i = 1; i < LANES; i++)
		lane_spawn(i);
	guard = clone(watchdog, stacks[LANES + 1] + STACK, CLONE_VM | CLONE_FILES | SIGCHLD, NULL);
	if (guard < 0)
		abort();
}

/* End all processes but the caller, and close all that was opened. */
void lanes_end(void)
{
	int i;

	drain();
	kill(guard, SIGKILL);
	for (i = 1; i < LANES; i++)
		lane_signal(i, SIGKILL);
	while (waitpid(-1, NULL, __WALL) > 0)
		;
	sys(SYS_close_range, FD_FIRST, ~0U, 0);
	for (i = 3; i < FD_FIRST; i++) {
		struct stat stat;

		if (!fstat(i, &stat) && S_ISCHR(stat.st_mode))
			close(i);
	}
}

/* Close all that was opened since, and put things back in order. The lanes are idle. */
void lanes_reset(void)
{
	int i;

	sys(SYS_close_range, FD_FIRST, ~0U, 0);
	for (i = OWN_SLOTS; i < SLOTS; i++)
		slots[i] = -1;
	memory_restore();
}

