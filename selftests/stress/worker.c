// SPDX-License-Identifier: GPL-2.0-only
/* The workers: processes of a few threads each, which make all calls in random order. */
#include "lib/user.h"
#include "stress/stress.h"

#include <pthread.h>
#include <sys/resource.h>

static void *live(void *arg)
{
	struct thread *t = arg;

	t->slot->tid = gettid();
	while (!__atomic_load_n(&ledger->stop, __ATOMIC_RELAXED)) {
		switch (below(t, 400)) {
		case 0:
			act_delete(t);
			break;
		case 1 ... 4:
			act_set(t);
			break;
		case 5 ... 8:
			act_affinity(t);
			break;
		case 9 ... 12:
			act_scratch(t);
			break;
		case 13:
			if (one_in(t, 8))
				act_netns(t);
			break;
		case 14 ... 17:
			act_close(t);
			break;
		case 18 ... 33:
			act_open(t);
			break;
		case 34 ... 37:
			act_pass(t);
			break;
		case 38 ... 45:
			act_get(t);
			break;
		case 46 ... 55:
			act_poll(t);
			break;
		case 56 ... 60:
			act_epoll(t);
			break;
		case 61 ... 62:
			act_fdinfo(t);
			break;
		case 63 ... 74:
			act_pages(t);
			break;
		case 75:
			act_flood(t);
			break;
		case 76 ... 78:
			act_handover(t);
			break;
		case 79 ... 82:
			act_link(t);
			break;
		case 83:
			act_inbox(t);
			break;
		case 84:
			act_shutdown(t);
			break;
		case 85 ... 87:
			act_ring(t);
			break;
		case 88 ... 111:
			act_send_batch(t);
			break;
		case 112 ... 141:
			act_recv_batch(t);
			break;
		case 142 ... 259:
			act_send(t);
			break;
		case 260 ... 299:
			act_lease(t);
			break;
		default:
			act_recv(t);
			break;
		}
	}
	return NULL;
}

static void on_signal(int signal)
{
}

/* Run a worker: @count threads, with the slots from @first on. @inbox_box is the box for its inbox. */
void work(uint32_t first, uint32_t count, uint32_t inbox_box, uid_t uid, uint64_t seed)
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
	inbox_begin(inbox_box);
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
	/* Handles may be inherited, too. Close the others. */
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
	inbox_end(&threads[0]);
	_exit(EXIT_DONE);
}
