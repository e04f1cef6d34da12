// SPDX-License-Identifier: GPL-2.0-only
/* A cgroup of the test's own. */
#include "cgroup.h"
#include "child.h"

#include <sys/mount.h>
#include <sys/stat.h>

static int file_write(const char *dir, const char *name, const char *text)
{
	char path[256];
	ssize_t ret;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = xwrite(fd, text, strlen(text));
	close(fd);
	return ret < 0 ? ret : 0;
}

/* Make a cgroup; @controllers is written to the control file of its parent, NULL for none. */
int cgroup_new(struct cgroup *group, const char *controllers)
{
	int ret;

	group->path[0] = '\0';
	snprintf(group->root, sizeof(group->root), "/tmp/mbox-cgroup-%d", getpid());
	if (mkdir(group->root, 0700) || mount("none", group->root, "cgroup2", 0, NULL))
		return -errno;
	ret = controllers ? file_write(group->root, "cgroup.subtree_control", controllers) : 0;
	if (ret)
		return ret;
	snprintf(group->path, sizeof(group->path), "%s/test-%d", group->root, getpid());
	return mkdir(group->path, 0700) ? -errno : 0;
}

int cgroup_write(const struct cgroup *group, const char *name, const char *text)
{
	return file_write(group->path, name, text);
}

int cgroup_move(const struct cgroup *group, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	return cgroup_write(group, "cgroup.procs", text);
}

/* Remove the cgroup, also one that cgroup_new() failed to make, once its processes have ended. */
void cgroup_free(struct cgroup *group)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;

	while (group->path[0] && rmdir(group->path) && errno == EBUSY && now() < end)
		nap();
	umount2(group->root, MNT_DETACH);
	rmdir(group->root);
}
