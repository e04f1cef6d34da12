// SPDX-License-Identifier: GPL-2.0-only
/* Other users. */
#include "child.h"
#include "user.h"

#include <grp.h>
#include <sys/prctl.h>

/* Become an ordinary user, for good. */
int become(uid_t uid, gid_t gid)
{
	pid_t parent = getppid();

	if (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
		return -errno;
	/* a change of credentials forgets both of these */
	prctl(PR_SET_DUMPABLE, 1);
	die_with(parent);
	return 0;
}
