// SPDX-License-Identifier: LGPL-2.1-or-later
/* Calls that change the user or the group: rights are checked again */
#include <dlfcn.h>
#include <grp.h>

#include "sysv.h"

/*
 * msgsnd() and msgrcv() check rights in each call, a mailbox when it is opened. So a process
 * that changes its user or groups by the functions of libc opens its queues again.
 */
#define IDENTITY_CALL(name, list, args)							\
EXPORT int name list								\
{											\
	static int (*_Atomic next)list;								\
	int ret;									\
											\
	if (!next)									\
		next = (int (*) list)dlsym(RTLD_NEXT, #name);					\
	ret = next args;								\
	sysv_handle_flush();								\
	return ret;									\
}

IDENTITY_CALL(setuid, (uid_t uid), (uid))
IDENTITY_CALL(seteuid, (uid_t uid), (uid))
IDENTITY_CALL(setreuid, (uid_t uid, uid_t euid), (uid, euid))
IDENTITY_CALL(setresuid, (uid_t uid, uid_t euid, uid_t suid), (uid, euid, suid))
IDENTITY_CALL(setgid, (gid_t gid), (gid))
IDENTITY_CALL(setegid, (gid_t gid), (gid))
IDENTITY_CALL(setregid, (gid_t gid, gid_t egid), (gid, egid))
IDENTITY_CALL(setresgid, (gid_t gid, gid_t egid, gid_t sgid), (gid, egid, sgid))
IDENTITY_CALL(setgroups, (size_t n, const gid_t *groups), (n, groups))
IDENTITY_CALL(initgroups, (const char *user, gid_t group), (user, group))
