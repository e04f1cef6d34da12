// SPDX-License-Identifier: LGPL-2.1-or-later
/* mq_notify() */
#include "mqueue.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * The kernel says that a message came by EPOLLPRI on the handle of a registration. A thread
 * waits for that, one for each registration that is to be told, and ends with it. It sends
 * the signal of SIGEV_SIGNAL, or calls the function of SIGEV_THREAD, whose attributes are
 * its own. A registration with SIGEV_NONE needs no thread: it is armed on the caller's own
 * descriptor.
 *
 * The handle has no right, so that it does not keep the registration beyond mq_close() or
 * close() of the descriptor: the kernel then ends it, and the thread is told that, too.
 *
 * A send of the process itself returns after its signal was sent, as with the queues of the
 * kernel: mqueue_notify_settle() waits for the thread.
 *
 * Signals are blocked while the lock is held: a handler may call mq_notify().
 */
struct notice {
	struct notice *next;		/* in notices: lock */
	int fd;				/* its handle, for its thread alone; the program may
					 * have closed it, and the number be another file's
					 */
	uint32_t rights;		/* of the handle: none, see notify_open() */
	uint64_t id;			/* of the mailbox */
	uint64_t cookie;		/* that no other registration has */
	int how;			/* SIGEV_SIGNAL or SIGEV_THREAD */
	int signo;
	union sigval value;
	void (*function)(union sigval value);
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
static struct notice *notices;		/* of this process; lock */
static uint64_t last_cookie;		/* lock */

/* Of these, those with SIGEV_SIGNAL. */
atomic_uint mqueue_signals;

/* The state of a thread before it took the lock. */
struct locked {
	sigset_t signals;
	int cancel;
};

static void notify_lock(struct locked *locked)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &locked->signals);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &locked->cancel);
	pthread_mutex_lock(&lock);
}

static void notify_unlock(const struct locked *locked)
{
	pthread_mutex_unlock(&lock);
	pthread_setcancelstate(locked->cancel, NULL);
	pthread_sigmask(SIG_SETMASK, &locked->signals, NULL);
}

/* Close the handle of a notice, unless the program did, and the number is another file's. */
static void notify_close(const struct notice *notice)
{
	struct mbox_info info;

	if (mqueue_get(notice->fd, &info) && info.id == notice->id &&
	    info.rights == notice->rights)
		close(notice->fd);
}

static struct locked forking;		/* lock */

static void notify_before_fork(void)
{
	struct locked locked;

	notify_lock(&locked);
	forking = locked;
}

static void notify_after_fork(void)
{
	struct locked locked = forking;

	notify_unlock(&locked);
}

/* A child has the descriptors, but neither threads nor registrations. */
static void notify_in_child(void)
{
	struct notice *notice, *next;
	int saved = errno;

	for (notice = notices; notice; notice = next) {
		next = notice->next;
		notify_close(notice);
		free(notice);
	}
	notices = NULL;
	atomic_store(&mqueue_signals, 0);
	pthread_cond_init(&ended, NULL);
	errno = saved;
	notify_after_fork();
}

static void notify_setup(void)
{
	pthread_atfork(notify_before_fork, notify_after_fork, notify_in_child);
}

/* Send the signal to the process, with the words of the sender of the message. */
static void notify_signal(const struct notice *notice, const struct mbox_ioc_notify *told)
{
	siginfo_t info;

	if (!notice->signo)
		return;
	memset(&info, 0, sizeof(info));
	info.si_signo = notice->signo;
	info.si_code = SI_MESGQ;
	info.si_pid = (pid_t)told->pid;
	info.si_uid = told->uid;
	info.si_value = notice->value;
	syscall(SYS_rt_sigqueueinfo, getpid(), notice->signo, &info);
}

/* The registration is over. */
static void notify_remove(struct notice *notice)
{
	struct notice **at = &notices;

	while (*at != notice)
		at = &(*at)->next;
	*at = notice->next;
	if (notice->how == SIGEV_SIGNAL)
		atomic_fetch_sub(&mqueue_signals, 1);
	pthread_cond_broadcast(&ended);
}

/*
 * Take the notice, if it is there; the lock is held. Returns 0 or the error: EAGAIN if
 * nothing has come.
 */
static int notify_take(struct notice *notice)
{
	struct mbox_ioc_notify told = { .how = MBOX_NOTIFY_TAKE };
	int error = ioctl(notice->fd, MBOX_IOC_NOTIFY, &told) ? errno : 0;

	if (error == EAGAIN)
		return error;
	notify_close(notice);
	if (!error && told.cookie != notice->cookie)
		error = ECANCELED;
	if (!error && notice->how == SIGEV_SIGNAL)
		notify_signal(notice, &told);
	notify_remove(notice);
	return error;
}

/* The thread of a registration. All signals are blocked. */
static void *notify_run(void *arg)
{
	struct notice *notice = arg;
	struct pollfd urgent = { .fd = notice->fd, .events = POLLPRI };
	void (*function)(union sigval value) = NULL;
	union sigval value = notice->value;
	sigset_t all;
	int error;

	do {
		while (poll(&urgent, 1, -1) < 0 && errno == EINTR)
			;
		pthread_mutex_lock(&lock);
		error = notify_take(notice);
		pthread_mutex_unlock(&lock);
	} while (error == EAGAIN);
	if (!error && notice->how == SIGEV_THREAD)
		function = notice->function;
	free(notice);
	if (!function)
		return NULL;
	sigfillset(&all);
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	pthread_sigmask(SIG_UNBLOCK, &all, NULL);
	function(value);
	return NULL;
}

/*
 * Wait until the threads have taken all notices that are there: those of the mailbox @id
 * or, if that is 0, those that send a signal. The lock is held.
 */
static void notify_settle(uint64_t id)
{
	struct notice *notice = notices;

	while (notice) {
		struct pollfd urgent = { .fd = notice->fd, .events = POLLPRI };
		bool wanted = id ? notice->id == id : notice->how == SIGEV_SIGNAL;

		if (wanted && poll(&urgent, 1, 0) > 0 && (urgent.revents & POLLPRI)) {
			pthread_cond_wait(&ended, &lock);
			notice = notices;
		} else {
			notice = notice->next;
		}
	}
}

void mqueue_notify_settle(void)
{
	struct locked locked;
	int saved = errno;

	notify_lock(&locked);
	notify_settle(0);
	notify_unlock(&locked);
	errno = saved;
}

/* Returns whether this process is registered with the mailbox, and will be told. */
static bool notify_registered(uint64_t id)
{
	struct notice *notice;

	for (notice = notices; notice; notice = notice->next) {
		if (notice->id == id)
			return true;
	}
	return false;
}

static int notify_arm(int fd, uint64_t cookie)
{
	struct mbox_ioc_notify arg = { .how = MBOX_NOTIFY_ARM, .cookie = cookie };

	return ioctl(fd, MBOX_IOC_NOTIFY, &arg) ? errno : 0;
}

/* A number out of the way of the descriptors that the program opens next. */
static int notify_base(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur > 1024)
		limit.rlim_cur = 1024;
	return (int)limit.rlim_cur / 4 * 3;
}

/* Copy a descriptor to a high number or, if that is not possible, to any. */
static int notify_copy(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, notify_base());

	return copy < 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : copy;
}

/*
 * Open a handle without rights on the mailbox. Where that is not possible, since the queue
 * was unlinked, or was passed to a process that may not open it, copy the caller's own. The
 * lock sees to it that no other registration of the process is there when that is closed.
 * Returns the descriptor, or -1.
 */
static int notify_open(mqd_t mqdes, const struct mbox_info *info, uint32_t *rights)
{
	struct mbox_ioc_open arg = { .flags = MBOX_OPEN_BY_ID, .id = info->id };
	int factory = open("/dev/mbox", O_RDWR | O_CLOEXEC), fd = -1, copy;

	*rights = 0;
	if (factory >= 0) {
		fd = ioctl(factory, MBOX_IOC_OPEN, &arg);
		close(factory);
	}
	if (fd < 0) {
		*rights = info->rights;
		return notify_copy(mqdes);
	}
	copy = notify_copy(fd);
	if (copy < 0)
		return fd;
	close(fd);
	return copy;
}

/* Start the thread of a registration, with the attributes of its program. 0 or an error. */
static int notify_start(struct notice *notice, const struct sigevent *event)
{
	pthread_attr_t own, *attr = &own;
	pthread_t thread;
	int error;

	if (notice->how == SIGEV_THREAD && event->sigev_notify_attributes) {
		attr = event->sigev_notify_attributes;
	} else {
		pthread_attr_init(&own);
		pthread_attr_setdetachstate(&own, PTHREAD_CREATE_DETACHED);
	}
	error = pthread_create(&thread, attr, notify_run, notice);
	if (attr == &own) {
		pthread_attr_destroy(&own);
	} else if (!error) {
		int state = PTHREAD_CREATE_DETACHED;

		pthread_attr_getdetachstate(attr, &state);
		if (state == PTHREAD_CREATE_JOINABLE)
			pthread_detach(thread);
	}
	return error;
}

/* Register with a thread that waits. The lock is held, so the thread does not begin yet. */
static int notify_add(mqd_t mqdes, const struct mbox_info *info, const struct sigevent *event)
{
	struct notice *notice = calloc(1, sizeof(*notice));
	int error;

	if (!notice)
		return ENOMEM;
	notice->fd = notify_open(mqdes, info, &notice->rights);
	if (notice->fd < 0) {
		error = errno;
		free(notice);
		return error;
	}
	notice->id = info->id;
	notice->cookie = ++last_cookie;
	notice->how = event->sigev_notify;
	notice->signo = event->sigev_signo;
	notice->value = event->sigev_value;
	notice->function = event->sigev_notify_function;
	error = notify_arm(notice->fd, notice->cookie);
	if (!error)
		error = notify_start(notice, event);
	if (error) {
		close(notice->fd);
		free(notice);
		return error == EAGAIN ? ENOMEM : error;
	}
	notice->next = notices;
	notices = notice;
	if (notice->how == SIGEV_SIGNAL)
		atomic_fetch_add(&mqueue_signals, 1);
	return 0;
}

/*
 * End the registration of the process, if it has one: closing a descriptor of the queue
 * does that, and the thread is told in each case. MBOX_NOTIFY_DISARM would not tell it
 * where the handle is the caller's own.
 */
static int notify_end(mqd_t mqdes)
{
	int fd = fcntl(mqdes, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

/* Register the process, or with NULL let it be registered no more. 0 or an error. */
static int notify_set(mqd_t mqdes, const struct mbox_info *info, const struct sigevent *event)
{
	int error = event ? 0 : notify_end(mqdes);

	notify_settle(info->id);
	if (error || !event)
		return error;
	if (notify_registered(info->id))
		return EBUSY;
	return event->sigev_notify == SIGEV_NONE ? notify_arm(mqdes, 0) :
						   notify_add(mqdes, info, event);
}

EXPORT int mq_notify(mqd_t mqdes, const struct sigevent *event)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct mbox_info info;
	struct locked locked;
	int error, saved = errno;

	if (event) {
		if (!mqueue_readable(event, sizeof(*event)))
			return -1;
		switch (event->sigev_notify) {
		case SIGEV_NONE:
		case SIGEV_THREAD:
			break;
		case SIGEV_SIGNAL:
			/* 0 is no signal: 6.12 takes it, 7.3 does not. */
			if (event->sigev_signo >= 0 && event->sigev_signo < _NSIG)
				break;
			/* fallthrough */
		default:
			return mqueue_fail(EINVAL);
		}
	}
	if (!mqueue_get(mqdes, &info))
		return -1;
	pthread_once(&once, notify_setup);
	notify_lock(&locked);
	error = notify_set(mqdes, &info, event);
	notify_unlock(&locked);
	if (error)
		return mqueue_fail(error);
	errno = saved;
	return 0;
}
