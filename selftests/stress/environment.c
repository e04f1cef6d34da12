// SPDX-License-Identifier: GPL-2.0-only
/* Actions of a worker on its CPUs, its memory and its network namespace. */
#include "lib/passing.h"
#include "stress/stress.h"

#include <sched.h>

void act_affinity(struct thread *t)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (unsigned int i = 0; i < common.cpus; i++)
		if (one_in(t, 2))
			CPU_SET(i, &set);
	sched_setaffinity(0, sizeof(set), &set); /* fails where it is empty */
}

/* Take pages of a slot away from the kernel, or give all back. The threads use another mapping. */
void act_pages(struct thread *t)
{
	static const int prots[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE };
	uint8_t *window = (uint8_t *)t->window;
	uint32_t pages = sizeof(struct slot) / 4096, first;

	if (one_in(t, 2)) {
		mprotect(window, sizeof(struct slot), PROT_READ | PROT_WRITE);
		return;
	}
	/* mostly the first of a buffer, because most messages are small */
	first = one_in(t, 2) ? below(t, 16) : below(t, pages);
	if (one_in(t, 3))
		first = offsetof(struct slot, out) / 4096;
	if (one_in(t, 2))
		madvise(window + first * 4096, 4096 * (1 + below(t, 4)), MADV_DONTNEED);
	else
		mprotect(window + first * 4096, 4096, prots[below(t, ARRAY_SIZE(prots))]);
}

/* Use a namespace that lives for one mailbox, or as long as another process holds the handle. */
void act_netns(struct thread *t)
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
