// SPDX-License-Identifier: GPL-2.0-only
/* Processes. They share memory and descriptors with this one, which makes them cheap. */
#include "section/section.h"

#include <sched.h>

pid_t *children;
int left_to_begin;
static int nr_children;

#define CHILD_STACK	16384

int children_start(int n, int (*body)(void *))
{
	char *stacks = mmap(NULL, (size_t)n * CHILD_STACK, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (stacks == MAP_FAILED)
		return -errno;
	while (nr_children < n) {
		pid_t pid = clone(body, stacks + (size_t)(nr_children + 1) * CHILD_STACK,
				  CLONE_VM | CLONE_FILES | SIGCHLD, NULL);

		if (pid < 0)
			return -errno;
		children[nr_children++] = pid;
	}
	return 0;
}

/* Kill them. Their stacks are lost, which is little memory. */
void children_end(void)
{
	for (int i = 0; i < nr_children; i++)
		kill(children[i], SIGKILL);
	for (int i = 0; i < nr_children; i++)
		waitpid(children[i], NULL, 0);
	nr_children = 0;
}

int children_begin(int n, int (*body)(void *))
{
	int64_t end = now() + LONG;
	int ret;

	left_to_begin = n;
	ret = children_start(n, body);
	while (!ret && __atomic_load_n(&left_to_begin, __ATOMIC_ACQUIRE)) {
		if (now() > end)
			ret = -ETIME;
		nap();
	}
	return ret;
}
