/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmbox: Linux mailboxes from C
 *
 * A thin cover over the calls of /dev/mbox, one function per call, and the few
 * lines that every program would otherwise write around them. <linux/mbox.h> defines
 * mailboxes, the order of messages and the errors; this header adds the rules of the
 * library.
 *
 * RESULTS
 *
 * A function returns 0 or a positive number on success, and a negated errno value
 * on failure. errno itself does not change. A call that fails changes nothing, in the
 * kernel or in the caller's memory, except as its entry below says. mbox_strerror()
 * has words for the errors. Each entry lists its particular errors; in addition
 *
 * -EINVAL	a handle or a name is NULL, a name is too long or has an invalid
 *		byte, a flag or a value is unknown
 * -EFAULT	any other pointer is NULL and may not be, or an address is not
 *		readable or not writable
 * -ENOMEM	no memory
 * -EIDRM	the mailbox is gone; also from calls that were blocked on it
 * -EOWNERDEAD	the process that owned the mailbox, or the peer of the link, has
 *		ended; also from calls that were blocked on it
 * -EUSERS	too many processes take part in the mailbox; or the handle is on a
 *		link or inbox of another process (after fork() too)
 *
 * and, from the functions that take a name,
 *
 * -ENODEV	/dev/mbox is not there: the kernel module is not loaded. ENOENT
 *		always means that there is no mailbox of that name
 * -EACCES	also if the caller may not open /dev/mbox itself
 * -EMFILE, -ENFILE  no file descriptor is left; these functions need up to two
 *
 * THREADS
 *
 * Any thread may call any function at any time, and any number of threads may use a
 * handle at once, with two exceptions: mbox_close() needs the handle to itself (no
 * call on it may be running then or follow), and rings, see mbox_ring_reserve(). The
 * library has no global state, starts no threads and changes no signal handling.
 * Functions that neither make nor free a handle or buffer (all but
 * mbox_create(), mbox_open(), mbox_open_or_create(), mbox_open_label(), mbox_open_id(),
 * mbox_from_fd(), mbox_link(), mbox_link_pidfd(), mbox_link_sender(), mbox_inbox(),
 * mbox_close() and mbox_recv_alloc()) may be called from signal handlers.
 *
 * SIGNALS
 *
 * A call that a signal interrupts while it is blocked returns -EINTR, and
 * nothing was sent or received; the library does not retry. If the handler was
 * installed with SA_RESTART the kernel does, with the same deadline. The call turns
 * a relative timeout into a deadline once, at its start.
 * No function is a cancellation point, for a thread that ends in a receive would take
 * a message with it: a thread that is blocked in one acts on pthread_cancel() only after
 * the call has returned. A thread that shall be cancelled while it waits makes poll() wait,
 * which is a cancellation point and takes no message, and then a call that does not
 * block. mbox_shutdown() and signals end blocked calls too.
 *
 * BLOCKING
 *
 * A new handle blocks. With O_NONBLOCK set on its descriptor,
 * fcntl(mbox_fd(mb), F_SETFL, O_NONBLOCK), no call on it blocks, with any timeout.
 * The setting belongs to the open file, so all processes that inherited the handle or
 * were given it share it. A program of one thread that fills its own mailbox waits
 * for ever in a blocking send.
 */
#ifndef _MBOX_H
#define _MBOX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/mbox.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header; mbox_version() has that of the library. */
#define MBOX_VERSION_MAJOR	1
#define MBOX_VERSION_MINOR	0
#define MBOX_VERSION_PATCH	0
#define MBOX_VERSION		"1.0.0"

/* True if this header is of that version or a later one, also for #if. */
#define MBOX_VERSION_CHECK(major, minor) \
	(MBOX_VERSION_MAJOR > (major) || \
	 (MBOX_VERSION_MAJOR == (major) && MBOX_VERSION_MINOR >= (minor)))

/**
 * struct mbox - a handle: one open file on a mailbox, with its rights
 *
 * From mbox_create(), mbox_open(), mbox_open_or_create(), mbox_from_fd(),
 * mbox_link(), mbox_link_pidfd(), mbox_link_sender() or mbox_inbox(), to mbox_close(). After fork()
 * parent and child each have it and each close it. The descriptor is closed on
 * exec.
 */
struct mbox;

/**
 * struct mbox_attr - attributes of a new mailbox
 * @mode:	permission bits out of 0666 (r receive, w send), less the umask
 * @lifetime:	MBOX_LIFETIME_OS: until deleted; MBOX_LIFETIME_PROCESS: until its
 *		owner, at first the process that makes it, ends;
 *		MBOX_LIFETIME_FD: until its last handle is closed
 * @capacity:	messages: MBOX_CAPACITY_ZERO, 1 to MBOX_CAPACITY_MAX, or
 *		MBOX_CAPACITY_UNBOUNDED
 * @msg_size:	longest message in bytes, up to the kernel module's parameter
 *		max_msg_size; 0 for MBOX_MSG_SIZE_DEFAULT
 * @bytes:	most bytes of payload queued, at least @msg_size; 0 for no such
 *		limit
 * @policy:	MBOX_POLICY_*: chooses among several waiting receivers
 * @max_procs:	processes that may take part, up to MBOX_PROCS_MAX; 0 for any
 *		number
 * @options:	MBOX_OPTION_*
 * @ring:	bytes of a ring, a power of two; 0 for a mailbox that is no ring. A ring has
 *		no capacity: it has to be 0, or left as MBOX_ATTR_INIT has it.
 * @dead_letter: the id of its dead-letter mailbox, as mbox_get() reports it; 0 for none.
 *		The caller needs the right to send to it. See LEASES.
 * @max_deliveries: times that a message is given out under a lease; 0 for any number
 *
 * Initialise it with MBOX_ATTR_INIT or, for a ring, MBOX_ATTR_RING_INIT(size) before
 * setting fields.
 */
struct mbox_attr {
	uint32_t mode;
	uint32_t lifetime;
	uint32_t capacity;
	uint32_t msg_size;
	uint64_t bytes;
	uint32_t policy;
	uint32_t max_procs;
	uint32_t options;
	uint64_t ring;
	uint64_t dead_letter;
	uint32_t max_deliveries;
};

/*
 * The defaults: for the owner alone, until deleted, 64 messages of up to 8 KiB.
 * In the order of the fields, since C++ before C++20 has no designators.
 */
#define MBOX_ATTR_INIT	{ 0600, MBOX_LIFETIME_OS, 64, 0, 0, MBOX_POLICY_FIFO, 0, 0, 0, 0, 0 }

/* The same for a ring of @size bytes, a power of two: it has no capacity in messages. */
#define MBOX_ATTR_RING_INIT(size) \
	{ 0600, MBOX_LIFETIME_OS, MBOX_CAPACITY_ZERO, 0, 0, MBOX_POLICY_FIFO, 0, 0, \
	  (uint64_t)(size), 0, 0 }

/*
 * Relative timeouts are int64_t nanoseconds: MBOX_NO_TIMEOUT waits for ever, 0
 * does not block, any other negative number is -EINVAL.
 */
#define MBOX_NO_TIMEOUT	(-1)

/**
 * mbox_create() - make a mailbox and open it
 * @mbp:	out, the handle; the caller closes it
 * @name:	its name (1 to 63 bytes out of A-Z a-z 0-9 . _ - not starting
 *		with a dot), or NULL for an anonymous mailbox, which others reach
 *		through the passed or inherited handle
 * @rights:	MBOX_RIGHT_* of the handle; the mode does not limit them
 * @attr:	attributes, or NULL for those of MBOX_ATTR_INIT (of lifetime
 *		MBOX_LIFETIME_FD if the mailbox is anonymous; an anonymous one
 *		cannot have MBOX_LIFETIME_OS)
 *
 * Return: 0, -EEXIST if the name is taken, -EDQUOT if the user's quota of
 * mailboxes is used up; -ENOENT if @attr->dead_letter is no mailbox, -ELOOP if it has a
 * dead-letter mailbox itself, -EOPNOTSUPP if it is of another kind.
 */
int mbox_create(struct mbox **mbp, const char *name, unsigned int rights,
		const struct mbox_attr *attr);

/**
 * mbox_open() - open a mailbox that exists
 * @mbp:	out, the handle; the caller closes it
 * @name:	its name
 * @rights:	MBOX_RIGHT_* of the handle, or 0 for a handle for mbox_get(),
 *		mbox_set(), mbox_handover() and mbox_delete_handle() only
 *
 * Return: 0, -ENOENT if there is none of that name, -EACCES if its mode does
 * not grant the rights.
 */
int mbox_open(struct mbox **mbp, const char *name, unsigned int rights);

/**
 * mbox_open_or_create() - open a mailbox, making it if it is missing
 * @mbp:	out, the handle; the caller closes it
 * @name:	its name
 * @rights:	MBOX_RIGHT_* of the handle
 * @attr:	as for mbox_create(); ignored if the mailbox exists: mbox_get()
 *		reports its attributes
 *
 * One step in the kernel: if several processes call this together, one makes the
 * mailbox and all get it.
 *
 * Return: 0, -EACCES, -EDQUOT; -ENOENT, -ELOOP and -EOPNOTSUPP as for mbox_create().
 */
int mbox_open_or_create(struct mbox **mbp, const char *name,
			unsigned int rights, const struct mbox_attr *attr);

/**
 * mbox_open_label() - open a mailbox of a front end by its label, or make it
 * @mbp:	out, the handle; the caller closes it
 * @space:	MBOX_SPACE_*, but MBOX_SPACE_NONE: the interface that the front end serves
 * @label:	its label there: any bytes but '/' and NUL
 * @size:	its bytes, up to MBOX_LABEL_MAX. 0 with MBOX_OPEN_CREATE and MBOX_OPEN_EXCL
 *		makes an anonymous mailbox of the front end, and else is -EINVAL.
 * @rights:	MBOX_RIGHT_* of the handle
 * @flags:	MBOX_OPEN_CREATE: make it if it is missing; with MBOX_OPEN_EXCL too: it must
 *		be missing; MBOX_OPEN_NONBLOCK: the handle has O_NONBLOCK set;
 *		MBOX_OPEN_BY_ID: mbox_open_id() can open the anonymous mailbox
 * @attr:	as for mbox_create(), with MBOX_OPEN_CREATE
 *
 * The names of mbox_open() are for programs that know mbox. A label is the name that a
 * mailbox has in another interface; it does not collide with names, or with the labels
 * of other spaces.
 *
 * Return: 0, -ENOENT if there is none of that label, -EEXIST, -EACCES, -EDQUOT; -ENOENT,
 * -ELOOP and -EOPNOTSUPP as for mbox_create().
 */
int mbox_open_label(struct mbox **mbp, unsigned int space, const void *label, size_t size,
		    unsigned int rights, unsigned int flags, const struct mbox_attr *attr);

/**
 * mbox_open_id() - open a mailbox by its id
 * @mbp:	out, the handle; the caller closes it
 * @space:	MBOX_SPACE_*: the mailbox is one of that space, and only the low 31 bits of @id
 *		count; or MBOX_SPACE_NONE for any mailbox
 * @id:		its id, as mbox_get() reports it
 * @rights:	MBOX_RIGHT_* of the handle
 * @flags:	0 or MBOX_OPEN_NONBLOCK
 *
 * A mailbox with a name or a label can be opened so, and one without that was made with
 * MBOX_OPEN_BY_ID.
 *
 * Return: 0, -ENOENT if there is none, -EACCES.
 */
int mbox_open_id(struct mbox **mbp, unsigned int space, uint64_t id, unsigned int rights,
		 unsigned int flags);

/**
 * mbox_next_id() - find the next mailbox that can be opened by its id
 * @space:	MBOX_SPACE_*: one of that space; or MBOX_SPACE_NONE
 * @id:		in, any number; out, the next id above it
 *
 * It finds mailboxes that the caller may open without rights, and in MBOX_SPACE_MQ all.
 *
 * Return: 0, -ENOENT if there are no more.
 */
int mbox_next_id(unsigned int space, uint64_t *id);

/**
 * mbox_from_fd() - make a handle from a file descriptor
 * @mbp:	out, the handle; the caller closes it
 * @fd:		a descriptor on a mailbox that came over a UNIX socket, was
 *		inherited, or is a dup() of mbox_fd()
 *
 * On success @fd belongs to the handle, and mbox_close() closes it; on failure it
 * remains the caller's. Its flags stay as they are.
 *
 * Return: 0, -EBADF if @fd is not open, -ENOTTY if it is no mailbox (also if it is an
 * open /dev/mbox).
 */
int mbox_from_fd(struct mbox **mbp, int fd);

/**
 * mbox_fd() - the file descriptor of a handle
 * @mb:		the handle, which keeps owning the descriptor
 *
 * For poll(), epoll, fcntl() and passing it on. EPOLLIN: a receive would
 * find a message. EPOLLOUT: a send of priority 0 would find room. EPOLLERR, on
 * handles with the right to send: sends can only fail. EPOLLHUP: the mailbox is
 * gone.
 *
 * Return: the descriptor, -EINVAL if @mb is NULL.
 */
int mbox_fd(const struct mbox *mb);

/**
 * mbox_close() - close a handle
 * @mb:		the handle, invalid from here on; NULL does nothing
 */
void mbox_close(struct mbox *mb);

/**
 * struct mbox_deleted - the result of a deletion
 * @queued:	messages that were queued
 * @dropped:	queued messages that were dropped
 */
struct mbox_deleted {
	uint64_t queued;
	uint64_t dropped;
};

/**
 * mbox_delete() - delete a mailbox by name
 * @name:	its name
 * @how:	MBOX_DELETE_EMPTY: only if no message is queued;
 *		MBOX_DELETE_DRAIN: sends fail, and the mailbox goes when the last
 *		queued message is received; MBOX_DELETE_FORCE: now, dropping
 *		queued messages; MBOX_DELETE_UNLINK: the name goes now, the
 *		mailbox when its last handle is closed
 * @res:	out, also with -ENOTEMPTY; may be NULL
 *
 * Return: 0, -ENOENT if there is none of that name, -EPERM if the caller may not
 * delete it, -ENOTEMPTY if messages would be lost.
 */
int mbox_delete(const char *name, unsigned int how, struct mbox_deleted *res);

/**
 * mbox_delete_handle() - delete the mailbox of a handle
 * @mb:		the handle, which the caller still has to close; it needs no right
 * @how:	as for mbox_delete()
 * @res:	out, also with -ENOTEMPTY; may be NULL
 *
 * Return: 0, -EPERM, -ENOTEMPTY.
 */
int mbox_delete_handle(struct mbox *mb, unsigned int how,
		       struct mbox_deleted *res);

/**
 * struct mbox_send_opts - how to send; all zero is the usual send
 * @flags:	MBOX_SEND_NONBLOCK, MBOX_SEND_SYNC, MBOX_SEND_NORESTART: -EINTR after a
 *		signal handler, though it was installed with SA_RESTART
 * @prio:	0 to MBOX_PRIO_MAX, higher is received first
 * @type:	any number, for receivers to select by: its low 32 bits
 * @clock:	MBOX_CLOCK_* of @deadline; MBOX_CLOCK_NONE: no deadline
 * @deadline:	absolute, nanoseconds on @clock; see mbox_deadline_after()
 * @type_hi:	the high 32 bits of the type; 0 for a ring, a broadcast and mbox_sendv()
 * @reserved:	0
 */
struct mbox_send_opts {
	uint32_t flags;
	uint32_t prio;
	uint32_t type;
	uint32_t clock;
	int64_t deadline;
	uint32_t type_hi;
	uint32_t reserved;
};

/**
 * mbox_send() - send a message
 * @mb:		a handle with MBOX_RIGHT_SEND
 * @data:	the payload; may be NULL if @size is 0
 * @size:	bytes of payload, 0 to the mailbox's msg_size
 * @opts:	or NULL for a blocking send of priority 0, type 0, no deadline
 *
 * Return: 0 or a positive number. A send that waits for its receiver
 * (MBOX_SEND_SYNC, or any blocking send to a mailbox of capacity zero) returns the
 * receiver's process id, which may be another process's by now, or 0 if the caller's
 * pid namespace does not have it. A send to a mailbox of policy
 * MBOX_POLICY_BROADCAST returns the number of handles that it delivered to, which may
 * be 0, or with MBOX_SEND_SYNC, of those that received it. All others return 0.
 * -EAGAIN if it would block and may not, -ETIMEDOUT, -EINTR, -EMSGSIZE if @size is
 * more than the mailbox takes, -EDQUOT if the user's quota of bytes is used up, -EBADF
 * if the handle may not send, -EDEADLK if it would wait for a process that waits for
 * this one, over links.
 */
int mbox_send(struct mbox *mb, const void *data, size_t size,
	      const struct mbox_send_opts *opts);

/**
 * mbox_send_timeout() - send, waiting for a limited time
 * @timeout_ns:	nanoseconds on CLOCK_MONOTONIC, 0, or MBOX_NO_TIMEOUT
 *
 * Otherwise as mbox_send() without options. -ETIMEDOUT when the time is up; with
 * timeout 0, -EAGAIN.
 */
int mbox_send_timeout(struct mbox *mb, const void *data, size_t size,
		      int64_t timeout_ns);

/**
 * mbox_send_string() - send a string, without its NUL
 * @s:		the string
 *
 * Otherwise as mbox_send() without options.
 */
int mbox_send_string(struct mbox *mb, const char *s);

/**
 * struct mbox_recv_opts - how to receive; all zero is the usual receive
 * @flags:	MBOX_RECV_NONBLOCK, MBOX_RECV_PEEK, MBOX_RECV_AT, MBOX_RECV_BY_SENDER,
 *		MBOX_RECV_BY_START; one of MBOX_RECV_BY_TYPE, MBOX_RECV_NOT_TYPE (any
 *		type but @type) and MBOX_RECV_MAX_TYPE (of the types up to @type, the
 *		lowest that is queued; not on links and inboxes); MBOX_RECV_TRUNC: cut
 *		a message that is too long, and lose its rest; MBOX_RECV_NORESTART:
 *		-EINTR after a signal handler, though it was installed with SA_RESTART
 * @type:	with one of the three, else 0: its low 32 bits
 * @pid:	with MBOX_RECV_BY_SENDER the process id of the sender wanted (0:
 *		senders outside the caller's pid namespace), else 0
 * @min_prio:	lowest priority wanted, 0 to MBOX_PRIO_MAX
 * @clock:	MBOX_CLOCK_* of @deadline; MBOX_CLOCK_NONE: no deadline
 * @type_hi:	as @type: its high 32 bits
 * @deadline:	absolute, nanoseconds on @clock; see mbox_deadline_after()
 * @start:	with MBOX_RECV_BY_START (which goes with MBOX_RECV_BY_SENDER and a
 *		@pid other than 0) the start time of the sender wanted, from the
 *		header of a message; else ignored
 * @index:	with MBOX_RECV_AT (which goes with MBOX_RECV_PEEK) how many queued messages
 *		that pass the filters come before the one wanted; else ignored. The call
 *		never waits: -EAGAIN if there are not so many
 *
 * The call receives the first message that passes all filters; while there is none
 * it waits, even if other messages are queued. The kernel reuses the number of a
 * process that ended; number and start time name one very process. When it has ended
 * and none of its messages is left, receives return -EOWNERDEAD.
 */
struct mbox_recv_opts {
	uint32_t flags;
	uint32_t type;
	uint32_t pid;
	uint32_t min_prio;
	uint32_t clock;
	uint32_t type_hi;
	int64_t deadline;
	uint64_t start;
	uint64_t index;
};

/* Return the type of a message, all 64 bits of it. */
static inline uint64_t mbox_header_type(const struct mbox_header *header)
{
	return (uint64_t)header->type_hi << 32 | header->type;
}

/**
 * mbox_recv() - receive a message
 * @mb:		a handle with MBOX_RIGHT_RECV
 * @buf:	out, the payload; -EFAULT may leave it written in part, and a call that has
 *		waited with 64 KiB or more may, too, and also beyond the payload
 * @size:	size of @buf in bytes
 * @opts:	or NULL for a blocking receive of the next message
 * @hdr:	out, the header, also with -EMSGSIZE; may be NULL
 *
 * Return: bytes of payload; 0 is an empty message, there is no end of file.
 * -EMSGSIZE if the message is longer than @size: @hdr->length has its length, and the
 * message stays queued in its place, as it does with -EFAULT.
 * -EAGAIN if it would block and may not, -ETIMEDOUT, -EINTR, -EBADF if the
 * handle may not receive, -EBUSY if another process is in a receive and the
 * mailbox is MBOX_OPTION_EXCLUSIVE, -EDEADLK as for mbox_send().
 */
ssize_t mbox_recv(struct mbox *mb, void *buf, size_t size,
		  const struct mbox_recv_opts *opts, struct mbox_header *hdr);

/**
 * mbox_recv_timeout() - receive, waiting for a limited time
 * @timeout_ns:	nanoseconds on CLOCK_MONOTONIC, 0, or MBOX_NO_TIMEOUT
 *
 * Otherwise as mbox_recv() without options. -ETIMEDOUT when the time is up; with
 * timeout 0, -EAGAIN.
 */
ssize_t mbox_recv_timeout(struct mbox *mb, void *buf, size_t size,
			  int64_t timeout_ns);

/**
 * mbox_recv_string() - receive a message as a string
 * @buf:	out, the payload and a NUL
 * @size:	size of @buf in bytes with the NUL, at least 1
 *
 * Otherwise as mbox_recv() without options. A payload with NULs is received whole:
 * the result is its length.
 *
 * Return: bytes of payload, without the added NUL. -EMSGSIZE if
 * payload and NUL do not fit; the message stays queued.
 */
ssize_t mbox_recv_string(struct mbox *mb, char *buf, size_t size);

/**
 * mbox_recv_alloc() - receive a message into a buffer of the right size
 * @mb:		a handle with MBOX_RIGHT_RECV
 * @datap:	out, the payload and a NUL after it, never NULL, for the caller
 *		to free()
 * @opts:	as for mbox_recv()
 * @hdr:	out, the header; may be NULL
 *
 * Return: bytes of payload, without the NUL; errors as for mbox_recv(), without
 * -EMSGSIZE. With -ENOMEM the message stays queued.
 */
ssize_t mbox_recv_alloc(struct mbox *mb, void **datap,
			const struct mbox_recv_opts *opts,
			struct mbox_header *hdr);

/**
 * mbox_mode() - set how a handle receives
 * @mb:		a handle with MBOX_RIGHT_RECV
 * @flags:	0, or MBOX_MODE_HEADER: read() on the descriptor, readv() and io_uring yield
 *		a struct mbox_header and then the payload
 * @filter:	flags (MBOX_RECV_BY_*, NOT_TYPE, MAX_TYPE), type, pid, min_prio and start as for mbox_recv(),
 *		the rest 0; or NULL for none
 *
 * Replaces the mode that was set before, for all processes that have the handle; a new
 * handle has none. poll() and epoll report EPOLLIN for the filter, and each receive
 * without a filter of its own goes by it. The functions of this library return headers
 * and payloads as without MBOX_MODE_HEADER. Set the mode before other threads receive
 * through the handle, and before mbox_from_fd() makes another handle of it.
 *
 * Return: 0, -EBADF if the handle may not receive, -EOPNOTSUPP on a ring, and for
 * MBOX_RECV_BY_SENDER on a link.
 */
int mbox_mode(struct mbox *mb, unsigned int flags,
	      const struct mbox_recv_opts *filter);

/**
 * struct mbox_notified - a notice that a message came to an empty mailbox
 * @cookie:	any number, of the registration
 * @pid:	process id of the sender in the caller's pid namespace, or 0
 * @uid:	its real user id in the caller's user namespace, or the overflow uid
 */
struct mbox_notified {
	uint64_t cookie;
	uint32_t pid;
	uint32_t uid;
};

/**
 * mbox_notify() - be told once that a message came to an empty mailbox
 * @mb:		a handle, which needs no right
 * @how:	MBOX_NOTIFY_ARM: register this process; MBOX_NOTIFY_DISARM: give that up;
 *		MBOX_NOTIFY_TAKE: take the notice
 * @notified:	with MBOX_NOTIFY_ARM, in: its cookie, or NULL for 0. With MBOX_NOTIFY_TAKE,
 *		out, also with -ECANCELED (only its cookie then). Else ignored.
 *
 * The rules are those of mq_notify(3): a mailbox has one registration at a time. It ends
 * when a message comes to the empty mailbox and no blocked receive takes it. The
 * descriptor of the handle has EPOLLPRI then, until the notice is taken. If the process
 * closes a handle with a right on the mailbox, or gives the registration up through
 * another handle, it ends too, and MBOX_NOTIFY_TAKE returns -ECANCELED.
 *
 * Return: 0, -EAGAIN if no notice came yet, -EBUSY if a process is registered,
 * -ECANCELED, -EOPNOTSUPP if it is a broadcast, a ring, a link or an inbox.
 */
int mbox_notify(struct mbox *mb, unsigned int how, struct mbox_notified *notified);

/*
 * BATCHES
 *
 * One call for many messages costs a fraction of many calls. The entries of a batch are
 * structures of <linux/mbox.h>; the two functions below fill them in.
 */

/* Make an entry of mbox_sendv(), of priority 0 and type 0; the caller may set others. */
static inline void mbox_send_entry_set(struct mbox_send_entry *entry,
				       const void *data, size_t size)
{
	entry->flags = 0;
	entry->prio = 0;
	entry->type = 0;
	entry->type_hi = 0;
	entry->data = (uintptr_t)data;
	entry->size = size;
}

/* Make an entry of mbox_recvv(), with a buffer of @size bytes. */
static inline void mbox_recv_entry_set(struct mbox_recv_entry *entry, void *buf,
				       size_t size)
{
	entry->flags = 0;
	entry->pad = 0;
	entry->data = (uintptr_t)buf;
	entry->size = size;
}

/**
 * mbox_sendv() - send messages in one call
 * @mb:		a handle with MBOX_RIGHT_SEND
 * @entries:	the messages, in order, as of mbox_send_entry_set()
 * @count:	how many, 1 to MBOX_BATCH_MAX
 * @opts:	flags (without MBOX_SEND_SYNC) and deadline of the whole call, or NULL;
 *		prio and type are 0, for each entry has its own
 *
 * Sends them as mbox_send() would, one after the other, and stops at the first that
 * fails. On a ring a batch is as good as a loop.
 *
 * Return: how many were sent, if any: @count, or fewer, and then sending the next one
 * tells why. Else a negative error as of mbox_send().
 */
int mbox_sendv(struct mbox *mb, const struct mbox_send_entry *entries,
	       unsigned int count, const struct mbox_send_opts *opts);

/**
 * mbox_recvv() - receive messages in one call
 * @mb:		a handle with MBOX_RIGHT_RECV
 * @entries:	the buffers, as of mbox_recv_entry_set(); out: the headers
 * @count:	how many, 1 to MBOX_BATCH_MAX
 * @min:	how many to wait for, up to @count; 0 is as 1
 * @opts:	as for mbox_recv(), without PEEK and TRUNC, or NULL; the deadline is that
 *		of the whole call
 *
 * Waits as long as fewer than @min were received, then takes the messages that are
 * there and waits no more. If the deadline passes or a signal comes before, returns
 * those that it has.
 *
 * Return: how many were received, if any. Else a negative error as of mbox_recv();
 * with -EMSGSIZE the header of the first entry is set.
 */
int mbox_recvv(struct mbox *mb, struct mbox_recv_entry *entries,
	       unsigned int count, unsigned int min,
	       const struct mbox_recv_opts *opts);

/*
 * LEASES
 *
 * A receive with a lease hides a message instead of taking it: if the worker that holds it
 * ends, by exit or kill -9, or closes its handle, the message returns to its place, and the
 * next receive finds it. mbox_ack() ends the lease, and the message is gone. Until then it
 * counts as queued.
 *
 * A worker may also end after it has done the work and before the acknowledgement: then the
 * message is given out again. So make the work of a message idempotent, or store its
 * number (seq of the header) with the result.
 *
 * The token of a lease is a number, valid until the message is given to somebody else. Any
 * thread, and any process that has a handle with the right to receive, may use it. A
 * token that is not valid is -ESTALE, and nothing happens: a late acknowledgement does no
 * harm. No token is 0.
 *
 * A message that was given out max_deliveries times and returns once more, one that a worker
 * rejects and one that expires go to the dead-letter mailbox. Without one, or if it is
 * full, they are parked: still queued, but only mbox_kick() brings them back.
 *
 * All functions of this section return -EOPNOTSUPP on a ring, and on a mailbox of policy
 * MBOX_POLICY_BROADCAST. They need MBOX_RIGHT_RECV (-EBADF) if nothing else is said.
 */

/**
 * struct mbox_lease_opts - how to receive with a lease; all zero is the usual lease
 * @recv:	filters, deadline and flags of the receive, without MBOX_RECV_PEEK, or NULL
 * @flags:	MBOX_LEASE_HANDLE: the lease ends with the last descriptor of the open
 *		file only, not with the process: for a parent whose children do the work
 * @clock:	MBOX_CLOCK_MONOTONIC or MBOX_CLOCK_BOOTTIME, on which @time counts;
 *		MBOX_CLOCK_NONE if @time is 0
 * @time:	nanoseconds from the receive after which the lease ends by itself; 0: it
 *		does not. In its last quarter poll() reports EPOLLPRI.
 * @ack:	in, a token to acknowledge before the receive, or 0. Out, also from a call
 *		that fails: 0, unless the token is still to be acknowledged. A call with 0
 *		does not write to the structure, so that threads may share it.
 */
struct mbox_lease_opts {
	const struct mbox_recv_opts *recv;
	uint32_t flags;
	uint32_t clock;
	uint64_t time;
	uint64_t ack;
};

/**
 * mbox_lease() - receive a message with a lease
 * @mb:		a handle
 * @buf:	out, the payload, as for mbox_recv()
 * @size:	size of @buf in bytes
 * @opts:	or NULL for a blocking receive of the next message, without an end of the
 *		lease
 * @hdr:	out, the header, also with -EMSGSIZE; may be NULL
 * @delivery:	out, the token, and how often the message was given out; not NULL
 *
 * Acknowledges @opts->ack first, so that a worker makes one call for each message. A call
 * that fails in its second half, as with -EINTR, has acknowledged, and set @opts->ack to
 * 0: make it again with the same options.
 *
 * Return: bytes of payload; errors as for mbox_recv(). -ESTALE: @opts->ack was not valid:
 * the message was acknowledged before, or given to another worker. -ECANCELED: the sender
 * has withdrawn it. Both set @opts->ack to 0, and nothing was received.
 */
ssize_t mbox_lease(struct mbox *mb, void *buf, size_t size, struct mbox_lease_opts *opts,
		   struct mbox_header *hdr, struct mbox_delivery *delivery);

/**
 * mbox_ack() - acknowledge a message: it counts as received, and is gone
 * @mb:		a handle on the mailbox; not always the one that received
 * @token:	of the lease
 *
 * To acknowledge the request of a call is to reply without data.
 *
 * Return: 0; -ESTALE and -ECANCELED as for mbox_lease().
 */
int mbox_ack(struct mbox *mb, uint64_t token);

/* Make an entry of mbox_ackv(). */
static inline void mbox_ack_entry_set(struct mbox_ack_entry *entry, uint64_t token)
{
	entry->token = token;
	entry->result = 0;
	entry->pad = 0;
}

/**
 * mbox_ackv() - acknowledge messages in one call
 * @mb:		a handle
 * @entries:	the tokens, as of mbox_ack_entry_set(); out: the result of each, as of
 *		mbox_ack()
 * @count:	how many, 1 to MBOX_BATCH_MAX
 *
 * An entry that fails does not stop the others.
 *
 * Return: how many were acknowledged, 0 to @count. With -EFAULT those before the entry
 * that is not writable were.
 */
int mbox_ackv(struct mbox *mb, struct mbox_ack_entry *entries, unsigned int count);

/**
 * mbox_nack() - give a message back
 * @mb:		a handle
 * @token:	of the lease
 * @how:	MBOX_NACK_RELEASE: to its place, as if it had not been given out;
 *		MBOX_NACK_RETRY: to its place, and the delivery counts;
 *		MBOX_NACK_REJECT: to the dead-letter mailbox, or it is parked; the caller
 *		of a request gets -EREMOTEIO
 * @delay_ns:	with MBOX_NACK_RETRY nanoseconds of CLOCK_MONOTONIC for which nobody
 *		receives it, else 0
 * @code:	with MBOX_NACK_REJECT any number, which the receiver of the dead letter
 *		(code of struct mbox_delivery) or the caller (struct mbox_called) gets,
 *		else 0
 *
 * Return: 0; -ESTALE and -ECANCELED as for mbox_lease().
 */
int mbox_nack(struct mbox *mb, uint64_t token, unsigned int how, uint64_t delay_ns,
	      uint32_t code);

/**
 * mbox_extend() - give a lease another end
 * @mb:		a handle; the caller, through it, becomes the holder of the lease
 * @token:	of the lease
 * @opts:	@time from now, @clock and @flags, as for mbox_lease(), and the rest is
 *		ignored: the options of the lease do. NULL: it does not end by itself
 *
 * A lease that has ended is renewed, unless the message was given to another worker.
 *
 * Return: 0; -ESTALE and -ECANCELED as for mbox_lease().
 */
int mbox_extend(struct mbox *mb, uint64_t token, const struct mbox_lease_opts *opts);

/**
 * mbox_kick() - bring parked messages back to their places
 * @mb:		the handle; it needs no right, but the caller has to be the owner, as for
 *		mbox_set()
 * @most:	how many, at least 1; UINT_MAX for all. The first that were parked come
 *		first.
 *
 * They are given out as if they had never been.
 *
 * Return: how many came back, 0 to @most; -EPERM.
 */
int mbox_kick(struct mbox *mb, unsigned int most);

/**
 * struct mbox_post_opts - how to post; all zero is the usual send
 * @send:	priority, type, deadline and flags of the send, or NULL
 * @flags:	MBOX_POST_*, for each of the fields below that is set, or
 *		MBOX_POST_ACKED: wait until a receiver has acknowledged the message
 * @clock:	MBOX_CLOCK_MONOTONIC or MBOX_CLOCK_BOOTTIME, of @not_before and @expires;
 *		MBOX_CLOCK_NONE without them
 * @mark:	with MBOX_POST_MARK any number: mbox_get() reports the last as mark. The
 *		mailbox stores it in the moment in which it accepts the message, so that
 *		a program that copies messages, and dies, knows how far it came.
 * @not_before:	with MBOX_POST_NOT_BEFORE, absolute, nanoseconds on @clock before which
 *		nobody receives the message, see mbox_deadline_after()
 * @expires:	with MBOX_POST_EXPIRES, likewise, from which on nobody receives it: it goes
 *		to the dead-letter mailbox, or is parked
 */
struct mbox_post_opts {
	const struct mbox_send_opts *send;
	uint32_t flags;
	uint32_t clock;
	uint64_t mark;
	int64_t not_before;
	int64_t expires;
};

/**
 * mbox_post() - send a message with a mark, with a time, or until it is acknowledged
 * @mb:		a handle with MBOX_RIGHT_SEND
 * @data:	as for mbox_send()
 * @size:	likewise
 * @opts:	or NULL, for a send without options
 *
 * A message with a time (@not_before, @expires) does not wait for room, but fails with
 * -EAGAIN, and it can be waited for neither with MBOX_POST_ACKED nor with MBOX_SEND_SYNC.
 * If a send with MBOX_POST_ACKED ends without success, it has withdrawn the message, also
 * from a worker that holds it.
 *
 * Return: as mbox_send(); with MBOX_POST_ACKED the receiver's process id. -EOPNOTSUPP also
 * for a mark or a time on a link.
 */
int mbox_post(struct mbox *mb, const void *data, size_t size,
	      const struct mbox_post_opts *opts);

/*
 * CALLS
 *
 * A call sends a request and waits for the reply. The server leases the request: its token
 * is the address of the reply, so neither a second mailbox nor a right to send is needed
 * to reply. If the server ends before it has replied, the caller gets -EOWNERDEAD at once
 * or, with MBOX_CALL_RETRY, the next server gets the request. A server that only serves
 * calls which may be made twice needs nothing else to lose none.
 *
 * -EOPNOTSUPP as for leases. Calls work over links too.
 */

/**
 * struct mbox_call_opts - how to call; all zero is the usual call
 * @send:	priority, type and flags of the request, without MBOX_SEND_SYNC, and the
 *		deadline of the reply, or NULL. With MBOX_SEND_NONBLOCK the call does
 *		not wait for room, but it waits for the reply.
 * @flags:	MBOX_CALL_RETRY: if the server ends, another one gets the request
 */
struct mbox_call_opts {
	const struct mbox_send_opts *send;
	uint32_t flags;
};

/**
 * struct mbox_called - the end of a call, beside the reply
 * @pid:	process id of the server in the caller's pid namespace, or 0; it may be
 *		another process's by now
 * @code:	with -EREMOTEIO the code of mbox_nack(), else 0
 * @start:	start time of the server, which tells it from other processes of that id,
 *		or 0
 */
struct mbox_called {
	uint32_t pid;
	uint32_t code;
	uint64_t start;
};

/**
 * mbox_call() - send a request and wait for the reply
 * @mb:		a handle with MBOX_RIGHT_SEND
 * @data:	the request; may be NULL if @size is 0
 * @size:	its bytes, 0 to the mailbox's msg_size
 * @reply:	out, the reply; not written if the call fails, except with -EFAULT
 * @room:	size of @reply in bytes, up to the kernel module's parameter max_msg_size;
 *		the server learns it, and cannot reply more. The caller's quota is charged
 *		with it until the call ends
 * @opts:	or NULL for a call of priority 0, type 0, without a deadline
 * @called:	out, also with -EREMOTEIO; may be NULL
 *
 * A call that times out or is interrupted has withdrawn the request: a later reply
 * is refused. The server may have done the work. So a call that a server has begun is
 * never restarted: a signal, also with SA_RESTART, or a stop ends it with -EINTR.
 *
 * Return: bytes of the reply. -EREMOTEIO if the server rejected the request, -EOWNERDEAD
 * if it ended or closed its handle without a reply, -EPROTO if it received the request
 * without a lease, so that it cannot reply, -EMSGSIZE if @size or @room is too large,
 * -EDQUOT if the quota does not have room for request and reply, -EDEADLK as for
 * mbox_send(), and the other errors of mbox_send().
 */
ssize_t mbox_call(struct mbox *mb, const void *data, size_t size, void *reply, size_t room,
		  const struct mbox_call_opts *opts, struct mbox_called *called);

/**
 * mbox_call_timeout() - call, waiting for a limited time
 * @timeout_ns:	nanoseconds on CLOCK_MONOTONIC for request and reply, or
 *		MBOX_NO_TIMEOUT; 0 is too short for any server
 *
 * Otherwise as mbox_call() without options. -ETIMEDOUT when the time is up.
 */
ssize_t mbox_call_timeout(struct mbox *mb, const void *data, size_t size, void *reply,
			  size_t room, int64_t timeout_ns);

/**
 * mbox_reply() - reply to a request
 * @mb:		a handle with MBOX_RIGHT_RECV
 * @token:	of the request's lease
 * @data:	the reply; may be NULL if @size is 0
 * @size:	its bytes, up to room of the request's struct mbox_delivery
 *
 * Never blocks: the caller waits for it. A message that is no request
 * (MBOX_DELIVERY_CALL) is acknowledged, if @size is 0.
 *
 * Return: 0. -ESTALE if the caller has given up, or the request was given to another
 * server; -EMSGSIZE if the caller has no room for it; -EINVAL if the message is no request
 * and @size is not 0. The request stays leased with these two.
 */
int mbox_reply(struct mbox *mb, uint64_t token, const void *data, size_t size);

/**
 * mbox_reply_recv() - reply to a request, and receive the next one with a lease
 * @mb:		a handle with MBOX_RIGHT_RECV
 * @data:	the reply to the request whose token is @opts->ack; ignored if that is 0
 * @data_size:	its bytes
 * @buf:	out, the next request, as for mbox_lease()
 * @size:	size of @buf in bytes
 * @opts:	as for mbox_lease(); or NULL: without a reply
 * @hdr:	as for mbox_lease()
 * @delivery:	likewise
 *
 * As mbox_reply() and then mbox_lease(), in one call. If the reply fails, nothing is
 * received. @opts->ack tells how far a call that fails came, and the call can be made
 * again as it is: it is 0 once the reply was given, or can never be (-ESTALE).
 *
 * Return: bytes of the next request; the errors of both. -EMSGSIZE with @opts->ack 0: the
 * request is longer than @size, and @hdr->length has its length; else the reply is too
 * long.
 */
ssize_t mbox_reply_recv(struct mbox *mb, const void *data, size_t data_size, void *buf,
			size_t size, struct mbox_lease_opts *opts,
			struct mbox_header *hdr, struct mbox_delivery *delivery);

/*
 * RINGS
 *
 * A mailbox that is created with attr.ring (a power of two from 4096, or the page
 * size, to MBOX_RING_MAX) and capacity 0 is shared memory of one producer and one
 * consumer, see <linux/mbox_ring.h>. It is opened as any other mailbox, but each side
 * by one handle at a time: a second one is -EBUSY. The functions above work on it,
 * most often without a call of the kernel. They return -EOPNOTSUPP for priorities,
 * MBOX_SEND_SYNC and filters, and set only length and type of the header; the rest is
 * 0. With MBOX_OPTION_GROW pages of memory come before they are written, and go as they
 * are consumed; a send or reserve returns -EDQUOT if the quota of the ring's creator has
 * no more.
 *
 * Other errors of all functions on a ring:
 *
 * -EOWNERDEAD	the process of the other side ended or closed its handle, and nobody
 *		holds that side yet: from a receive that finds no message left, and
 *		from a send that finds no room; or, on an inherited or passed
 *		handle, the process that opened it ended
 * -EBADMSG	the other side wrote invalid data: it is broken, or hostile. Nothing
 *		outside of the ring was read or written.
 *
 * A side belongs to one thread at a time (producer and consumer may be two threads, on
 * one handle with both rights), and to one process: after a fork() either parent or
 * child may go on with it. The library copies the payload, not the kernel: a bad
 * address in a send or receive causes a signal instead of -EFAULT.
 */

/**
 * mbox_ring_reserve() - begin a message in the memory of a ring
 * @mb:		a handle with MBOX_RIGHT_SEND on a ring
 * @size:	most bytes of payload that it will have, up to the ring's msg_size
 * @datap:	out, the place for the payload, aligned to 8 bytes
 * @opts:	as for mbox_send(), or NULL
 *
 * Waits until there is room. The consumer sees nothing of the message before
 * mbox_ring_commit(); a message that is never committed does not exist, and another
 * call begins anew in the same place.
 *
 * Return: 0; errors as for mbox_send(), and -EOPNOTSUPP if it is no ring.
 */
int mbox_ring_reserve(struct mbox *mb, size_t size, void **datap,
		      const struct mbox_send_opts *opts);

/**
 * mbox_ring_commit() - send the message that mbox_ring_reserve() began
 * @mb:		the handle
 * @size:	bytes of payload, at most as many as were reserved
 *
 * Return: 0, -EINVAL if fewer are reserved.
 */
int mbox_ring_commit(struct mbox *mb, size_t size);

/**
 * mbox_ring_peek() - the next message, in the memory of a ring
 * @mb:		a handle with MBOX_RIGHT_RECV on a ring
 * @datap:	out, the payload, aligned to 8 bytes, until mbox_ring_release().
 *		Only the producer can write there; an untrusted one may do so at
 *		any time.
 * @opts:	as for mbox_recv(), or NULL
 * @hdr:	out, the header; may be NULL
 *
 * Waits until there is one. Finds the same message again until it is released.
 *
 * Return: bytes of payload; errors as for mbox_recv() without -EMSGSIZE, and
 * -EOPNOTSUPP if it is no ring.
 */
ssize_t mbox_ring_peek(struct mbox *mb, const void **datap,
		       const struct mbox_recv_opts *opts,
		       struct mbox_header *hdr);

/**
 * mbox_ring_release() - consume the message that mbox_ring_peek() found
 * @mb:		the handle
 *
 * Return: 0, -EINVAL if there is none.
 */
int mbox_ring_release(struct mbox *mb);

/**
 * mbox_deadline_after() - turn a relative time into a deadline
 * @timeout_ns:	nanoseconds from now, at least 0, or MBOX_NO_TIMEOUT
 * @clock:	MBOX_CLOCK_MONOTONIC, MBOX_CLOCK_BOOTTIME or MBOX_CLOCK_REALTIME
 * @deadline:	out, nanoseconds on @clock; INT64_MAX, which never comes, for
 *		MBOX_NO_TIMEOUT and for times beyond the clock's range
 *
 * Store it beside @clock in the options of a send or receive, and use it again for
 * every call that shares the time limit.
 *
 * Return: 0, -EINVAL.
 */
int mbox_deadline_after(int64_t timeout_ns, uint32_t clock, int64_t *deadline);

/**
 * mbox_get() - attributes and counters of a mailbox, at one instant
 * @mb:		the handle; it needs no right
 * @info:	out
 *
 * Works on a mailbox that is gone too: @info->state is MBOX_STATE_DEAD then.
 *
 * Return: 0.
 */
int mbox_get(struct mbox *mb, struct mbox_info *info);

/**
 * mbox_set() - change attributes of a mailbox
 * @mb:		the handle; it needs no right, but the caller has to be the owner
 * @set:	the changes, named by its mask; all other fields 0
 *
 * All of @set takes effect at once, or none of it.
 *
 * Return: 0, -EPERM if the caller may not change the mailbox.
 */
int mbox_set(struct mbox *mb, const struct mbox_ioc_set *set);

/**
 * mbox_chmod() - change the mode of a mailbox
 * @mb:		the handle, as for mbox_set()
 * @mode:	permission bits out of 0666 (r receive, w send); the umask is not
 *		applied. Handles keep their rights.
 *
 * Return: 0, -EPERM.
 */
int mbox_chmod(struct mbox *mb, unsigned int mode);

/**
 * mbox_chown() - change owner and group of a mailbox
 * @mb:		the handle, as for mbox_set()
 * @uid:	new owner, or (uid_t)-1 to keep it; another one takes CAP_IPC_OWNER
 * @gid:	new group, or (gid_t)-1 to keep it; a group that the caller is not in
 *		takes CAP_IPC_OWNER
 *
 * Keeping both is no error, and makes no call.
 *
 * Return: 0, -EPERM.
 */
int mbox_chown(struct mbox *mb, uid_t uid, gid_t gid);

/**
 * mbox_shutdown() - give up rights of a handle, and end its blocked calls
 * @mb:		the handle
 * @rights:	MBOX_RIGHT_* that it was opened with, at least one
 *
 * Calls that are blocked through the handle and need one of @rights, in any thread
 * or process, end with -ESHUTDOWN; so do later ones. Messages stay for other handles
 * (with MBOX_POLICY_BROADCAST this handle loses those that it has not received). For
 * other handles this one counts as closed as far as that right goes: receives fail
 * with -EPIPE if nobody is left to send, and sends if nobody is left to receive. A
 * right that was given up cannot be regained.
 *
 * Return: 0, -EBADF if the handle never had such a right, -EINVAL, -EUSERS for a link
 * or an inbox of another process.
 */
int mbox_shutdown(struct mbox *mb, unsigned int rights);

/**
 * mbox_handover() - change the owner of a mailbox
 * @mb:		the handle; it needs no right, but the caller has to be the process
 *		that owns the mailbox or, if none does, may change it, see mbox_set()
 * @pid:	the new owner, in the caller's pid namespace, a process that the
 *		caller may send a signal; or 0: the operating system or, with
 *		MBOX_HANDOVER_HEIR, nobody
 * @flags:	MBOX_HANDOVER_RECV: the new owner may open it for receiving under
 *		any mode; MBOX_HANDOVER_HEIR: it becomes the owner when the present
 *		one ends, not now
 *
 * The mailbox gets MBOX_LIFETIME_PROCESS, ending with its new owner, or
 * MBOX_LIFETIME_OS if that is the operating system. A change of owner forgets the
 * heir. Handles keep their rights.
 *
 * Return: 0, -EPERM if the caller is not the owner or may not send the process a
 * signal, -ESRCH if there is no such process (a thread is none), -EINVAL for the
 * operating system if the mailbox has no name, or for an heir if no process is the
 * owner, -EOPNOTSUPP for links and inboxes.
 */
int mbox_handover(struct mbox *mb, pid_t pid, unsigned int flags);

/**
 * mbox_handover_sender() - make the sender of a message the owner
 * @mb:		the handle, as for mbox_handover()
 * @hdr:	the header of the message
 * @flags:	as for mbox_handover()
 *
 * Return: 0; -ESRCH and -EINVAL also as for mbox_link_sender(), the rest as for
 * mbox_handover().
 */
int mbox_handover_sender(struct mbox *mb, const struct mbox_header *hdr,
			 unsigned int flags);

/**
 * mbox_handover_pidfd() - make the process of a pidfd the owner
 * @mb:		the handle, as for mbox_handover()
 * @pidfd:	from pidfd_open() or clone(); stays the caller's
 * @flags:	as for mbox_handover()
 *
 * After success that very process is the owner (or heir), not a later process with
 * the same number. The kernel takes numbers only: the library checks the pidfd before
 * and after the call, and if the process still lives, the number was its own.
 *
 * Return: 0; -ESRCH if the process has ended. If it ended before the call, nothing
 * has changed. If it ended during the call, the mailbox went with it; or, if another
 * process got its number at that moment, that one is the owner: this cannot be undone,
 * but mbox_get() reports it. An heir is forgotten in this case. -EBADF if @pidfd is
 * not open, -EINVAL if it is no pidfd, -ENOSYS if /proc is missing or belongs to
 * another pid namespace, -EMFILE, -ENFILE (the call needs one descriptor), the rest as
 * for mbox_handover().
 */
int mbox_handover_pidfd(struct mbox *mb, int pidfd, unsigned int flags);

/**
 * mbox_link() - open the link to a process
 * @mbp:	out, the handle, with both rights; the caller closes it
 * @pid:	the process, in the caller's pid namespace; not the caller
 * @capacity:	messages in each direction, as of struct mbox_attr
 * @msg_size:	longest message in bytes, likewise; both have to be valid, and
 *		are those of the link if this call makes it
 *
 * The handle sends to that process only, and receives its messages only. Two
 * processes share one link, independent of which asks first; it ends with either
 * process, or when neither has a handle on it and no message is in it. The handle
 * serves the process that opened it (others may poll() it and mbox_get()). When the
 * peer has ended, its messages can still be received; then receives, and all sends,
 * return -EOWNERDEAD.
 *
 * Return: 0, -ESRCH if there is no such process, -EPERM if the caller may not address
 * it (it needs permission to send it a signal, or the mode of its inbox decides),
 * -EINVAL for the caller's own pid, -EDQUOT, -EMFILE, -ENFILE, -ENODEV, -EACCES.
 */
int mbox_link(struct mbox **mbp, pid_t pid, uint32_t capacity,
	      uint32_t msg_size);

/**
 * mbox_link_sender() - open the link to the sender of a message
 * @mbp:	out, as for mbox_link()
 * @hdr:	the header of the message
 * @capacity:	as for mbox_link()
 * @msg_size:	as for mbox_link()
 *
 * Use it to answer: the link is to that very process, not to a later process with
 * the same number.
 *
 * Return: 0; -ESRCH if the process has ended or is not in the caller's pid
 * namespace, -EINVAL also if @hdr->start is 0, the rest as for mbox_link().
 */
int mbox_link_sender(struct mbox **mbp, const struct mbox_header *hdr,
		     uint32_t capacity, uint32_t msg_size);

/**
 * mbox_link_pidfd() - open the link to the process of a pidfd
 * @mbp:	out, as for mbox_link()
 * @pidfd:	from pidfd_open() or clone(); stays the caller's
 * @capacity:	as for mbox_link()
 * @msg_size:	as for mbox_link()
 *
 * After success the link is to that very process, not to a later process with the
 * same number.
 *
 * Return: 0; -ESRCH if the process has ended, also during the call: then there is
 * no handle. -EBADF, -EINVAL, -ENOSYS as for mbox_handover_pidfd(), the rest as
 * for mbox_link().
 */
int mbox_link_pidfd(struct mbox **mbp, int pidfd, uint32_t capacity,
		    uint32_t msg_size);

/**
 * mbox_inbox() - open the inbox of the calling process
 * @mbp:	out, the handle, with MBOX_RIGHT_RECV; the caller closes it
 *
 * The handle receives from all links of the caller, in the order of priority and
 * time; mbox_link_sender() with the header answers. mbox_chmod() on it decides which
 * processes may address the caller, as long as the inbox has a handle, links or
 * messages. The handle serves the process that opened it and no other.
 *
 * Return: 0, -EDQUOT, -EMFILE, -ENFILE, -ENODEV, -EACCES.
 */
int mbox_inbox(struct mbox **mbp);

/**
 * mbox_strerror() - the text of an error, as mbox uses it
 * @error:	the result of a function, or an errno value of the same call
 *
 * Return: static English text without a full stop, never NULL: for errors that no call
 * of mbox returns, that of strerror() in the C locale.
 */
const char *mbox_strerror(int error);

/**
 * mbox_version() - the version of the library that runs
 *
 * MBOX_VERSION is the version of the header that the program was built with. The
 * versions of a major number are compatible: a newer library serves older programs.
 *
 * Return: static text of three numbers, as "1.0.0".
 */
const char *mbox_version(void);

/**
 * mbox_has_call() - ask the running kernel module whether it knows a call
 * @mb:		a handle, for a call on handles; NULL for a call on /dev/mbox
 * @request:	MBOX_IOC_*
 *
 * Makes no call and changes nothing. Asks for the call itself, and not for each field
 * of its argument: a module that does not know a field returns -E2BIG if it is used.
 *
 * Return: 1 if it does, 0 if not, -EINVAL if @request is no call of mbox; without a
 * handle also -ENODEV, -EACCES, -EMFILE, -ENFILE.
 */
int mbox_has_call(const struct mbox *mb, unsigned long request);

#ifdef __cplusplus
}
#endif

#endif /* _MBOX_H */
