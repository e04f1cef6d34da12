/* SPDX-License-Identifier: GPL-2.0-only */
/* A cgroup of the test's own, below a hierarchy of version 2 that the test mounts. */
#ifndef LIB_CGROUP_H
#define LIB_CGROUP_H

#include <sys/types.h>

struct cgroup {
	char root[64];
	char path[128];
};

int cgroup_new(struct cgroup *group, const char *controllers);
int cgroup_write(const struct cgroup *group, const char *name, const char *text);
int cgroup_move(const struct cgroup *group, pid_t pid);
void cgroup_free(struct cgroup *group);

#endif
