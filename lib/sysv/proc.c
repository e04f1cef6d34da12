// SPDX-License-Identifier: LGPL-2.1-or-later
/* /proc/sysvipc/msg: a program that reads it finds its queues, not those of the kernel */

/* Definitions of these functions cannot have the checks and other names of the headers. */
#undef _FORTIFY_SOURCE
#undef _FILE_OFFSET_BITS
#undef _TIME_BITS
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "sysv.h"

#define PROC_HEADER	"       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid" \
			"  cuid  cgid      stime      rtime      ctime\n"
#define PROC_LINE	256

static bool proc_write(int fd, const char *line)
{
	size_t length = strlen(line);

	return syscall(SYS_write, fd, line, length) == (long)length;
}

static bool proc_queue(int fd, int id, const struct msqid_ds *ds)
{
	char line[PROC_LINE];

	snprintf(line, sizeof(line),
		 "%10d %10d  %4o  %10lu %10lu %5d %5d %5u %5u %5u %5u %10lld %10lld %10lld\n",
		 (int)ds->msg_perm.__key, id, (unsigned int)ds->msg_perm.mode,
		 (unsigned long)ds->__msg_cbytes, (unsigned long)ds->msg_qnum,
		 (int)ds->msg_lspid, (int)ds->msg_lrpid, ds->msg_perm.uid, ds->msg_perm.gid,
		 ds->msg_perm.cuid, ds->msg_perm.cgid, (long long)ds->msg_stime,
		 (long long)ds->msg_rtime, (long long)ds->msg_ctime);
	return proc_write(fd, line);
}

/* Write the file, in the form of the kernel. */
static bool proc_fill(int fd)
{
	struct msginfo info;
	struct msqid_ds ds;
	int last = msgctl(0, MSG_INFO, (struct msqid_ds *)&info), index, id;

	if (last < 0 || !proc_write(fd, PROC_HEADER))
		return false;
	for (index = 0; index <= last; index++) {
		id = msgctl(index, MSG_STAT_ANY, &ds);
		if (id >= 0 && !proc_queue(fd, id, &ds))
			return false;
	}
	return true;
}

/* Open the file with the queues of this moment, to be read only. Returns a descriptor or -1. */
static int proc_open(void)
{
	int fd = (int)syscall(SYS_memfd_create, "sysvipc-msg", MFD_CLOEXEC), ret = -1;
	char path[32];

	if (fd < 0)
		return -1;
	if (proc_fill(fd)) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		ret = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	}
	sysv_close(fd);
	return ret;
}

/*
 * The kernel has opened @path, so the name can be read: put the other file into the place of
 * @fd if it is that name. Where there is no module @fd stays.
 */
static int proc_replace(int fd, const char *path, int flags)
{
	int saved = errno, other;

	if (fd < 0 || strcmp(path, "/proc/sysvipc/msg") ||
	    flags & (O_ACCMODE | O_PATH | O_DIRECTORY))
		return fd;
	other = proc_open();
	if (other >= 0) {
		dup3(other, fd, flags & O_CLOEXEC);
		sysv_close(other);
	}
	errno = saved;
	return fd;
}

/* Define a function with its last argument where the flags say so. @list and @args are the others. */
#define PROC_OPEN(name, list, ...)						\
EXPORT int name list								\
{										\
	static int (*_Atomic next)list;						\
	mode_t mode = 0;							\
	va_list more;								\
										\
	if (!next)								\
		next = (int (*) list)dlsym(RTLD_NEXT, #name);			\
	if (flags & (O_CREAT | __O_TMPFILE)) {					\
		va_start(more, flags);						\
		mode = va_arg(more, mode_t);					\
		va_end(more);							\
	}									\
	return proc_replace(next(__VA_ARGS__, mode), path, flags);		\
}

PROC_OPEN(open, (const char *path, int flags, ...), path, flags)
PROC_OPEN(open64, (const char *path, int flags, ...), path, flags)
PROC_OPEN(openat, (int dir, const char *path, int flags, ...), dir, path, flags)
PROC_OPEN(openat64, (int dir, const char *path, int flags, ...), dir, path, flags)

/* The same of a program that was compiled with _FORTIFY_SOURCE. */
#define PROC_OPEN_2(name, list, ...)						\
EXPORT int name list;								\
										\
EXPORT int name list								\
{										\
	static int (*_Atomic next)list;						\
										\
	if (!next)								\
		next = (int (*) list)dlsym(RTLD_NEXT, #name);			\
	return proc_replace(next(__VA_ARGS__), path, flags);			\
}

PROC_OPEN_2(__open_2, (const char *path, int flags), path, flags)
PROC_OPEN_2(__open64_2, (const char *path, int flags), path, flags)
PROC_OPEN_2(__openat_2, (int dir, const char *path, int flags), dir, path, flags)
PROC_OPEN_2(__openat64_2, (int dir, const char *path, int flags), dir, path, flags)

#define PROC_FOPEN(name)							\
EXPORT FILE *name(const char *restrict path, const char *restrict mode)		\
{										\
	static FILE *(*_Atomic next)(const char *path, const char *mode);	\
	FILE *file;								\
										\
	if (!next)								\
		next = (FILE *(*)(const char *, const char *))			\
			dlsym(RTLD_NEXT, #name);				\
	file = next(path, mode);						\
	if (file && mode[0] == 'r' && !strchr(mode, '+'))			\
		proc_replace(fileno(file), path, strchr(mode, 'e') ? O_CLOEXEC : 0); \
	return file;								\
}

PROC_FOPEN(fopen)
PROC_FOPEN(fopen64)
