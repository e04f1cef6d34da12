/* SPDX-License-Identifier: GPL-2.0-only */
/* The workers of stress_test: processes of some threads each, which make all calls there are in no order. */
#ifndef STRESS_WORKER_H
#define STRESS_WORKER_H

#include "stress_owner.h"
#include "stress_party.h"
#include "stress_ring.h"

/* Opening and closing. */

static void do_open(struct thread *t)
{
	struct mbox_ioc_open arg = { .rights = below(t, 4) };
	uint32_t name = below(t, NAMES);
	int fd;

	if (name == NAME_STREAM)
		arg.rights &= MBOX_RIGHT_SEND;
	/* its sides are for one thread each */
	if (name_is_ring(name))
		arg.rights = 0;
	if (one_in(t, 4))
		arg.flags = MBOX_OPEN_NONBLOCK;
	name_of(arg.name, false, name);
	fd = xioctl(process.factory, MBOX_IOC_OPEN, &arg);
	/* EIDRM: it drains */
	expect_errors("OPEN", fd, ENOENT, process.privileged ? ENOENT : EACCES,
		      may_be(arg.rights & MBOX_RIGHT_SEND, EIDRM),
		      may_be(name_has_limits(name), EUSERS), 0);
	if (fd >= 0)
		handle_adopt(t, fd, true);
}

static void do_close(struct thread *t)
{
	handle_put(t, (union handle) {});
}

/* Of handles that nobody else counts on. */
static void do_shutdown(struct thread *t)
{
	struct mbox_ioc_shutdown arg = { .how = 1 + below(t, 3) };
	union handle handle = handle_pick(t);

	if (!handle.fd || !may_shut(handle))
		return;
	expect_errors("SHUTDOWN", xioctl(handle.fd, MBOX_IOC_SHUTDOWN, &arg), EBADF,
		      maybe_users(handle), 0);
}

/* Mailboxes of which nobody keeps book: they come and go in all ways, quotas included. */
static void do_scratch(struct thread *t)
{
	struct mbox_ioc_open arg = open_arg(NULL, below(t, 3));
	unsigned long cmd = one_in(t, 2) ? MBOX_IOC_CREATE : MBOX_IOC_OPEN;
	struct mbox_ioc_delete delete = { .how = below(t, 4) };
	char name[MBOX_NAME_SIZE];
	int fd;

	name_of(name, true, below(t, SCRATCH_NAMES));
	arg.mode = 0666;
	arg.msg_size = ROOM;
	if (cmd == MBOX_IOC_OPEN)
		arg.flags = MBOX_OPEN_CREATE | (one_in(t, 4) ? MBOX_OPEN_EXCL : 0);
	if (cmd == MBOX_IOC_OPEN || one_in(t, 2)) {
		memcpy(arg.name, name, MBOX_NAME_SIZE);
		arg.lifetime = below(t, MBOX_LIFETIME_FD + 1);
	}
	if (one_in(t, 8)) {
		arg.ring = 8192;
		arg.capacity = 0;
		arg.msg_size = 0;
		arg.options = one_in(t, 2) ? MBOX_OPTION_GROW : 0;
	} else if (arg.capacity && one_in(t, 3)) {
		arg.policy = MBOX_POLICY_BROADCAST;
		arg.options = one_in(t, 2) ? MBOX_OPTION_OVERFLOW : 0;
	} else {
		arg.policy = below(t, MBOX_POLICY_BROADCAST);
		arg.options = one_in(t, 3) ? MBOX_OPTION_EXCLUSIVE : 0;
		arg.max_procs = one_in(t, 3) ? 1 + below(t, 4) : 0;
	}
	fd = xioctl(process.factory, cmd, &arg);
	/* what there is already may be a ring, or have its processes */
	expect_errors("CREATE", fd, EDQUOT, arg.name[0] ? EEXIST : EDQUOT,
		      process.privileged ? EDQUOT : EACCES, EINTR,
		      may_be(cmd == MBOX_IOC_OPEN, EUSERS), may_be(cmd == MBOX_IOC_OPEN, EBUSY),
		      may_be(cmd == MBOX_IOC_OPEN, EIDRM), 0);
	if (fd >= 0)
		handle_adopt(t, fd, true);
	if (one_in(t, 2)) {
		memcpy(delete.name, name, MBOX_NAME_SIZE);
		expect_errors("DELETE", xioctl(process.factory, MBOX_IOC_DELETE, &delete),
			      ENOENT, ENOTEMPTY, process.privileged ? ENOENT : EPERM, EOPNOTSUPP, 0);
	}
}

static void do_pass(struct thread *t)
{
	union handle handle = handle_pick(t);
	int fd;

	/* who was passed what is broadcast would not receive it, and hold back all the others */
	if (handle.listener)
		return;
	if (handle.fd && one_in(t, 2)) {
		fd_pass(common.pass[0], handle.fd);
	} else {
		fd = fd_take(common.pass[1]);
		if (fd >= 0)
			handle_adopt(t, fd, false);
	}
}

/* Deleting. */

/* Whether that many may have been dropped. @known: it is the mailbox @name of the ledger. */
static bool dropped_right(const struct mbox_ioc_delete *arg, bool known, uint32_t name)
{
	if (arg->how != MBOX_DELETE_FORCE)
		return !known || !arg->dropped;
	if (arg->dropped == arg->queued)
		return true;
	/* What was broadcast, and somebody has received, is not dropped. */
	return arg->dropped < arg->queued && (!known || name_is_broadcast(name));
}

static void do_delete(struct thread *t)
{
	union handle handle = handle_pick(t);
	bool by_name = one_in(t, 2);
	struct mbox_ioc_delete arg = { .how = below(t, 4) };
	uint32_t name = below(t, NAMES);
	bool book = true;
	int fd = process.factory;
	long ret;

	if (by_name) {
		name_of(arg.name, false, name);
	} else {
		if (!handle.fd)
			return;
		fd = handle.fd;
		book = handle.box != NO_BOX && !handle.link && !handle.inbox;
		name = book ? ledger->boxes[handle.box].name : 0;
	}
	if (book && arg.how == MBOX_DELETE_FORCE && !name_has_force(name))
		arg.how = MBOX_DELETE_UNLINK;
	if (book && arg.how == MBOX_DELETE_FORCE)
		__atomic_store_n(&t->slot->forcing, name + 1, __ATOMIC_RELEASE);
	ret = xioctl(fd, MBOX_IOC_DELETE, &arg);
	if (ret == 0) {
		count(&ledger->deletions);
		if (!dropped_right(&arg, book, name))
			fault(FAULT_CALL, "DELETE %u dropped %llu of %llu", arg.how,
			      (long long)arg.dropped, (long long)arg.queued);
		if (book && arg.how == MBOX_DELETE_FORCE)
			__atomic_fetch_add(&ledger->forced[name], arg.dropped, __ATOMIC_RELAXED);
	}
	__atomic_store_n(&t->slot->forcing, 0, __ATOMIC_RELEASE);
	if (by_name)
		expect_errors("DELETE", ret, ENOTEMPTY, ENOENT,
			      process.privileged ? ENOENT : EPERM,
			      may_be(name_is_ring(name), EOPNOTSUPP), 0);
	else
		expect_errors("DELETE", ret, ENOTEMPTY, EIDRM, EBADF, EPERM, maybe_owner(handle),
			      may_be(handle.link || handle.inbox, EOPNOTSUPP), maybe_ring(handle), 0);
}

/* Attributes. */

static void do_set(struct thread *t)
{
	static const uint32_t capacities[] = { 0, 1, 2, 8, 64, 4096, MBOX_CAPACITY_UNBOUNDED };
	static const uint32_t modes[] = { 0666, 0666, 0622, 0644, 0600 };
	union handle handle = handle_pick(t);
	struct mbox_ioc_set arg = {};
	bool zero;

	if (!handle.fd)
		return;
	zero = handle.box != NO_BOX && ledger->boxes[handle.box].name == NAME_ZERO;
	if (one_in(t, 2) && !zero && !handle.inbox) {
		arg.mask |= MBOX_SET_CAPACITY | MBOX_SET_BYTES;
		arg.capacity = capacities[below(t, ARRAY_SIZE(capacities))];
		/* some limit there has to be, for root has no quota */
		if (arg.capacity > 64 || one_in(t, 2))
			arg.bytes = (1 + below(t, 4)) * ROOM;
	}
	if (one_in(t, 4) && !handle.inbox) {
		arg.mask |= MBOX_SET_MSG_SIZE;
		arg.msg_size = one_in(t, 4) ? 4096 : ROOM;
	}
	if (one_in(t, 4) || !arg.mask) {
		arg.mask |= MBOX_SET_MODE;
		arg.mode = modes[below(t, ARRAY_SIZE(modes))];
	}
	/* whoever opened it may not have been the owner */
	expect_errors("SET", xioctl(handle.fd, MBOX_IOC_SET, &arg), EIDRM, EBADF, EPERM,
		      maybe_users(handle), maybe_owner(handle), maybe_ring(handle),
		      may_be(handle.link, EOPNOTSUPP),
		      /* capacity zero */
		      may_be(handle.box == NO_BOX || name_is_broadcast(ledger->boxes[handle.box].name),
			     EINVAL), 0);
}

static void do_get(struct thread *t)
{
	union handle handle = handle_pick(t);
	struct mbox_info info;
	uint64_t before;
	int ret;

	if (!handle.fd)
		return;
	before = __atomic_load_n(&ledger->listeners[handle.listener].received, __ATOMIC_ACQUIRE);
	ret = info_get(handle.fd, &info);
	if (ret == 0 && handle.listener && info.handle_received < before)
		fault(FAULT_COUNTERS, "%s: a handle received %llu, or rather %llu", info.name,
		      (long long)info.handle_received, (long long)before);
	if (ret == 0 && info.max_procs && info.procs > info.max_procs)
		fault(FAULT_COUNTERS, "%s: %u processes of at most %u", info.name, info.procs,
		      info.max_procs);
	if (ret == 0 && info.kind != MBOX_KIND_RING && info.sent != info.received + info.withdrawn + info.dropped + info.queued)
		fault(FAULT_COUNTERS, "%s: sent %llu received %llu withdrawn %llu dropped %llu queued %llu",
		      info.name, (long long)info.sent, (long long)info.received,
		      (long long)info.withdrawn, (long long)info.dropped, (long long)info.queued);
	expect_errors("GET", ret, EBADF, 0);
}

static void do_fdinfo(struct thread *t)
{
	union handle handle = handle_pick(t);
	char path[64], text[1024];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%u", handle.fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	while (read(fd, text, sizeof(text)) > 0)
		;
	close(fd);
}

/* Waiting for events. */

static void do_poll(struct thread *t)
{
	struct pollfd polls[3];

	for (size_t i = 0; i < ARRAY_SIZE(polls); i++) {
		polls[i].fd = handle_pick(t).fd ?: -1;
		polls[i].events = POLLIN | (one_in(t, 2) ? POLLOUT : 0);
	}
	if (poll(polls, ARRAY_SIZE(polls), below(t, 4)) < 0)
		expect_errors("poll", -errno, EINTR, 0);
}

static void do_epoll(struct thread *t)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		return;
	for (int i = 0; i < 4; i++) {
		union handle handle = handle_pick(t);

		event.events = EPOLLIN | (one_in(t, 2) ? EPOLLOUT : 0) | (one_in(t, 2) ? EPOLLET : 0);
		if (handle.fd && epoll_ctl(fd, EPOLL_CTL_ADD, handle.fd, &event) < 0)
			expect_errors("epoll_ctl", -errno, EBADF, EEXIST, 0);
	}
	if (epoll_wait(fd, &event, 1, below(t, 4)) < 0)
		expect_errors("epoll_wait", -errno, EINTR, 0);
	close(fd);
}

/* Circumstances. */

static void do_affinity(struct thread *t)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (unsigned int i = 0; i < common.cpus; i++)
		if (one_in(t, 2))
			CPU_SET(i, &set);
	sched_setaffinity(0, sizeof(set), &set); /* fails where it is empty */
}

/* Take pages of a slot away from the kernel, or give all back. The threads see them elsewhere. */
static void do_pages(struct thread *t)
{
	static const int prots[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE };
	uint8_t *window = (uint8_t *)t->window;
	uint32_t pages = sizeof(struct slot) / 4096, first;

	if (one_in(t, 2)) {
		mprotect(window, sizeof(struct slot), PROT_READ | PROT_WRITE);
		return;
	}
	/* mostly the first of a buffer, for most messages are small */
	first = one_in(t, 2) ? below(t, 16) : below(t, pages);
	if (one_in(t, 3))
		first = offsetof(struct slot, out) / 4096;
	if (one_in(t, 2))
		madvise(window + first * 4096, 4096 * (1 + below(t, 4)), MADV_DONTNEED);
	else
		mprotect(window + first * 4096, 4096, prots[below(t, ARRAY_SIZE(prots))]);
}

/* A namespace that lives for one mailbox, or as long as another holds the handle; not even that. */
static void do_netns(struct thread *t)
{
	struct mbox_ioc_open arg;
	char name[MBOX_NAME_SIZE];
	int factory, fd;

	if (!process.privileged || unshare(CLONE_NEWNET) < 0)
		return;
	count(&ledger->namespaces);
	factory = factory_open();
	name_of(name, true, 0);
	arg = open_arg(name, 2);
	arg.lifetime = MBOX_LIFETIME_OS;
	fd = xioctl(factory, MBOX_IOC_CREATE, &arg);
	expect_errors("CREATE", fd, 0);
	put(fd, 0, "goes with its namespace");
	setns(process.netns, CLONE_NEWNET);
	close(factory);
	if (fd >= 0) {
		fd_pass(common.pass[0], fd);
		handle_adopt(t, fd, false);
	}
}

/* Life. */

static void *live(void *arg)
{
	struct thread *t = arg;

	t->slot->tid = gettid();
	while (!__atomic_load_n(&ledger->stop, __ATOMIC_RELAXED)) {
		switch (below(t, 400)) {
		case 0:
			do_delete(t);
			break;
		case 1 ... 4:
			do_set(t);
			break;
		case 5 ... 8:
			do_affinity(t);
			break;
		case 9 ... 12:
			do_scratch(t);
			break;
		case 13:
			if (one_in(t, 8))
				do_netns(t);
			break;
		case 14 ... 17:
			do_close(t);
			break;
		case 18 ... 33:
			do_open(t);
			break;
		case 34 ... 37:
			do_pass(t);
			break;
		case 38 ... 45:
			do_get(t);
			break;
		case 46 ... 55:
			do_poll(t);
			break;
		case 56 ... 60:
			do_epoll(t);
			break;
		case 61 ... 62:
			do_fdinfo(t);
			break;
		case 63 ... 74:
			do_pages(t);
			break;
		case 75:
			do_flood(t);
			break;
		case 76 ... 78:
			do_handover(t);
			break;
		case 79 ... 82:
			do_link(t);
			break;
		case 83:
			do_inbox(t);
			break;
		case 84:
			do_shutdown(t);
			break;
		case 85 ... 87:
			do_ring(t);
			break;
		case 88 ... 235:
			do_send(t);
			break;
		default:
			do_recv(t);
			break;
		}
	}
	return NULL;
}

static void on_signal(int signal)
{
}

/* A worker: @count threads, with the slots from @first on. @party is the box for its inbox. */
static void work(uint32_t first, uint32_t count, uint32_t party, uid_t uid, uint64_t seed)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct thread threads[THREADS_MAX] = {};
	pthread_attr_t attr;
	struct rlimit limit;

	sigaction(SIGUSR1, &action, NULL);
	action.sa_flags = SA_RESTART;
	sigaction(SIGUSR2, &action, NULL);
	if (uid && become(uid, uid))
		_exit(EXIT_DONE);
	process.privileged = common.root && !uid;
	process.factory = factory_open();
	process.netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	getrlimit(RLIMIT_NOFILE, &limit);
	process.last_fd = limit.rlim_cur < 65536 ? limit.rlim_cur - 1 : 65535;
	process.next_fd = FIRST_FD;
	process.single = count == 1;
	party_begin(party);
	process.windows = mmap(NULL, THREADS_MAX * sizeof(struct slot), PROT_READ | PROT_WRITE,
			       MAP_SHARED, common.slots_file, 0);
	if (process.windows == MAP_FAILED)
		_exit(EXIT_RENEW);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 * 1024);

	for (uint32_t i = 0; i < count; i++) {
		struct thread *t = &threads[i];

		t->index = first + i;
		t->slot = &slots[t->index];
		t->window = &process.windows[t->index];
		t->entries = ledger->entries[t->index];
		t->random = (seed + i) * 0x9e3779b97f4a7c15ULL | 1;
		t->slot->pid = getpid();
		t->slot->single = process.single;
	}
	/* Handles may be inherited, too. What is not is none of ours. */
	for (uint32_t i = 0; i < BOXES_MAX; i++) {
		int fd = common.kept[i];

		if (fd < 0)
			continue;
		if (one_in(&threads[0], 2))
			handle_adopt(&threads[0], fcntl(fd, F_DUPFD_CLOEXEC, 0), false);
		close(fd);
	}
	for (uint32_t i = 1; i < count; i++)
		if (pthread_create(&threads[i].pthread, &attr, live, &threads[i]))
			_exit(EXIT_RENEW);
	live(&threads[0]);
	for (uint32_t i = 1; i < count; i++)
		pthread_join(threads[i].pthread, NULL);
	party_end(&threads[0]);
	_exit(EXIT_DONE);
}

#endif
