// SPDX-License-Identifier: LGPL-2.1-or-later
/* Errors in words: the table at the top of <linux/mbox.h> */
#include <limits.h>
#include <string.h>

#include "internal.h"

/*
 * The words of the C library, in no language but English, for strerror() may write to
 * a buffer that threads share.
 */
static const char *error_other(int error)
{
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 32)
	const char *text = strerrordesc_np(error);
#else
	const char *text = strerror(error);
#endif

	return text ? text : "unknown error";
}

const char *mbox_strerror(int error)
{
	/* Negate the positive ones: the negation of INT_MIN is no int. */
	switch (error > 0 ? -error : error) {
	case 0:
		return "success";
	case -EAGAIN:
		return "would block: nothing to receive, or no room and no receiver";
	case -EBADF:
		return "the handle does not have the right that the call needs";
	case -EBUSY:
		return "another process is in a receive of the exclusive mailbox, or has the side of the ring";
	case -ECANCELED:
		return "the message was purged before anybody received it, or its sender has withdrawn it";
	case -EDEADLK:
		return "the call would wait for a process that waits for the caller";
	case -EDQUOT:
		return "the user's quota of mailboxes or bytes is used up";
	case -EBADMSG:
		return "the other side of the ring wrote an invalid message";
	case -E2BIG:
		return "the running module is too old for this call";
	case -EEXIST:
		return "a mailbox of that name exists";
	case -EFAULT:
		return "an address is not readable or not writable";
	case -EIDRM:
		return "the mailbox was deleted";
	case -EINTR:
		return "interrupted by a signal; nothing was sent or received";
	case -EINVAL:
		return "a name, flag or value that the call does not take";
	case -ELOOP:
		return "the dead-letter mailbox has a dead-letter mailbox itself";
	case -EMSGSIZE:
		return "the message is longer than the mailbox takes or the buffer holds";
	case -ENOENT:
		return "no mailbox of that name";
	case -ENODEV:
		return "there is no /dev/mbox: the mbox module is not loaded";
	case -ENOMEM:
		return "no memory";
	case -ENOTEMPTY:
		return "the deletion would lose queued messages";
	case -ENOTTY:
		return "not a call of this kind of file, or the file is no mailbox";
	case -EACCES:
		return "the mode of the mailbox does not grant the right";
	case -EPERM:
		return "only the owner of the mailbox may do this";
	case -EOPNOTSUPP:
		return "not on a mailbox of this kind";
	case -EOWNERDEAD:
		return "the process that the mailbox, link or side of the ring belonged to has ended, or the server of the call";
	case -EPIPE:
		return "nobody is left to send or to receive, and nobody can come";
	case -EPROTO:
		return "the receiver took the request of a call without a lease, so that it cannot reply";
	case -EREMOTEIO:
		return "the server rejected the call";
	case -ESHUTDOWN:
		return "this handle gave up the right that the call needs";
	case -ESRCH:
		return "no process of that id, or it has ended";
	case -ESTALE:
		return "the token is not valid any more: the message was acknowledged, given to somebody else, withdrawn or dropped";
	case -EUSERS:
		return "as many processes take part, or as many calls wait, as allowed; or the handle serves another process";
	case -ENOSYS:
		return "a pidfd does not tell its process here: no /proc, or that of another pid namespace";
	case -ENOBUFS:
		return "events came faster than the caller took them, and some are lost";
	case -EPROTONOSUPPORT:
		return "the kernel has no generic netlink";
	case -ERANGE:
		return "a value that the kernel does not take";
	case -ETIMEDOUT:
		return "the deadline passed; nothing was sent or received";
	case -ENFILE:
		return "too many open files in the system";
	case -EMFILE:
		return "too many open files in the process";
	default:
		return error_other(error < 0 && error != INT_MIN ? -error : error);
	}
}
