/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Linux mailboxes: the interface of /dev/mbox
 *
 * OBJECTS
 *
 * A mailbox is a queue of messages that the kernel owns. A message is 0 or
 * more bytes, received whole or not at all, and a header. A handle is a file
 * descriptor on a mailbox together with the rights it was opened with
 * (MBOX_RIGHT_RECV, MBOX_RIGHT_SEND). Handles are inherited by fork(), may be
 * passed over UNIX sockets, and are closed on exec.
 *
 * open("/dev/mbox") yields a factory: MBOX_IOC_CREATE, MBOX_IOC_OPEN,
 * MBOX_IOC_LINK and MBOX_IOC_INBOX on it return a new handle, MBOX_IOC_DELETE
 * removes a mailbox by name. All other calls are made on handles. A factory acts
 * with the credentials, and in the network namespace, of the process that opened
 * it, at the time it did: CREATE, OPEN and LINK through one that was passed on do
 * what its opener may, as if he did it. Pass a factory only where that is meant.
 * The handle that they return is opened by the caller. A handle that is passed on
 * gives the rights that it was opened with, and nothing beyond: see RIGHTS.
 *
 * NAMES
 *
 * A name is 1 to 63 bytes out of A-Z a-z 0-9 . _ - of which the first is no
 * dot. Names are looked up in the network namespace; namespaces do not see
 * each other's mailboxes, and when a namespace goes its mailboxes go with it,
 * whoever still holds a handle. A mailbox without a name (anonymous) is
 * reached through handles only.
 *
 * RIGHTS
 *
 * A mailbox has an owner, a group and mode bits like a file: r is the right to
 * receive, w the right to send. They are checked when a handle is opened, never
 * later. A process with CAP_IPC_OWNER in the user namespace of the network
 * namespace bypasses them. The owner may change and delete the mailbox whatever its
 * mode says (opening it without rights), and so may a process with CAP_IPC_OWNER.
 *
 * Changing a mailbox takes two that may: SET, HANDOVER and DELETE, also by name, and
 * set, purge and delete over netlink check the process that opened the handle, the
 * factory or the socket, with its credentials of then, and the caller, with those of
 * now. Each has to be the owner (by its effective uid) or to have CAP_IPC_OWNER. So a
 * handle can be passed to a process that is not trusted with the mailbox, and a
 * process that drops its privileges keeps no authority in what it has open.
 *
 * What GET says of a mailbox's owner can be relied on: a mailbox is given to another
 * uid only with CAP_IPC_OWNER, to a group that the caller is not in likewise, and to
 * a process only by a caller that may send it a signal. The uid of its creator never
 * changes. Anybody may take a name that is free, with any mode.
 *
 * OWNERSHIP
 *
 * A mailbox of lifetime OS is the operating system's: it lasts until it is
 * deleted. One of lifetime PROCESS belongs to a process, at first to its
 * creator's (the thread group, not the thread), and ends when that process does,
 * by exit or by a signal, whoever else has handles on it: blocked calls return
 * EOWNERDEAD, as all later ones do, and poll() reports EPOLLHUP. exec() does not
 * end a process. MBOX_IOC_HANDOVER passes the mailbox on to another process or
 * to the operating system, or names an heir, which becomes the owner if it
 * outlives the owner. A mailbox of lifetime FD ends with its last handle, and so
 * does every anonymous one, since nobody could open it again. An owner is a
 * process, never a number: a process that gets the number of one that ended is not
 * taken for it.
 *
 * IDENTITY
 *
 * The number of a process (its pid) is given to another one after it has ended,
 * maybe before a receiver answers what it sent. So a header has, beside pid, the
 * start time of the sender. The pair is the identity of a process: within a pid
 * namespace no other process ever has the same. MBOX_IOC_LINK,
 * MBOX_IOC_HANDOVER and MBOX_RECV_BY_START take the pair, and reach that very
 * process or fail. A receiver that answers a message passes on both. A start time
 * is a number of nanoseconds on CLOCK_BOOTTIME, the same for every process that
 * asks: the offset of a time namespace is not added. /proc/PID/stat has it in field
 * 22, in clock ticks and with the offset of its reader. exec() does not change it.
 * All threads of a process share one identity. Any other pid that a call returns
 * (MBOX_IOC_SEND, MBOX_IOC_GET, netlink) is a number only, to be shown: the process
 * may have ended since.
 *
 * A header tells the real uid and gid of the sender, as SCM_CREDENTIALS and the
 * quotas do. Rights go by effective ids: those of the opener of the factory. A
 * set-user-ID program is therefore seen to send as the user who runs it, and opens
 * what its owner may open.
 *
 * SENDING AND RECEIVING
 *
 * Messages are received in order of priority (higher first), and among equal
 * priorities in the order in which they were accepted. A message is accepted
 * when the mailbox has room for it (capacity in messages, optionally in
 * bytes), or when a receiver that wants it is waiting. Until then a send
 * blocks, in that same order, or fails with EAGAIN if told not to block.
 * An accepted message is received exactly once, or is still queued, or was
 * dropped by something that says so and counts it: a deletion, a purge
 * (<linux/mbox_netlink.h>), the end of the mailbox with its owner, its last
 * handle or its namespace; of a BROADCAST also an overflow, or the closing of the
 * handle that a delivery was for. A blocked send waits for a receiver, who may
 * be its own process: with one thread, a blocking send to one's own full mailbox
 * waits for ever. (Only over links is that found out, see EDEADLK.)
 *
 * In a mailbox of capacity zero nothing is kept: a send meets a receive
 * (rendezvous), and returns when the message was received. MBOX_SEND_SYNC asks
 * for the same at any capacity. A mailbox that is full behaves as one of
 * capacity zero. (A message that a receiver was given and then could not receive,
 * being killed or its buffer being taken away meanwhile, is accepted and queued,
 * beyond the capacity if need be, rather than lost.)
 *
 * A receive that fails leaves the message in its place: if the buffer is too
 * small (EMSGSIZE, and header.length says how large it has to be), if it is
 * not writable (EFAULT), and if the receiver is killed before the message was
 * copied. The buffer may have been written in part. A receiver that is killed
 * after the copy takes the message with it, also if its call had not returned.
 *
 * write() sends a message of priority 0 and type 0, read() receives the next
 * one. readv() and writev() are a read() or write() for each segment in turn:
 * writev() sends as many messages as there are segments, but not reliably for an
 * empty one; readv() goes on to the next segment if a message filled one exactly,
 * and may block there, with messages received that it has not returned yet. O_ASYNC
 * has no effect. All handles share one inode with other files that have none of
 * their own: st_ino does not tell mailboxes apart (id of struct mbox_info does), and
 * flock() locks them all.
 *
 * poll() agrees with the calls, for the handle and the process that ask. It reports
 * EPOLLIN when a receive would find something and be let in (EBUSY, EUSERS);
 * EPOLLOUT when the longest message that the mailbox takes (msg_size), sent with
 * priority 0, would find room or a receiver whose buffer holds it, the caller's
 * quota takes it too, and it would be let in; EPOLLERR to senders once sends can
 * only fail; and EPOLLHUP when the mailbox is gone, and to receivers once nothing
 * can come any more (what is queued can be received first: EPOLLIN is reported
 * too). With EPOLLET, EPOLLOUT is told again only after it was not reported, or
 * after a send failed or blocked for want of room or of quota. Where the quota is
 * smaller than what the longest message is charged, EPOLLOUT is never reported; and
 * where two users share a handle, and both have used up their quota, to one of them
 * it is reported nevertheless.
 *
 * NOBODY LEFT
 *
 * Where no handle has the right to send, and none can be opened, nothing can come:
 * a receive that finds nothing fails with EPIPE, and poll() reports EPOLLHUP. Where
 * no handle has the right to receive, and none can be opened, a send fails with
 * EPIPE (without a signal), and poll() reports EPOLLERR. Calls that are blocked then
 * return EPIPE at once; the message of a blocked synchronous send is withdrawn. None
 * can be opened of an anonymous mailbox, and of one that lost its name; and none to
 * send of one that drains. A handle with both rights counts for both, also if its
 * own caller is the one who waits. MBOX_IOC_SHUTDOWN gives up a right of a handle
 * without closing it. (On links and inboxes nobody is left when the peer has ended:
 * see below. What holds of messages holds of MBOX_IOC_WAIT on a ring.)
 *
 * WHO RECEIVES
 *
 * Where several receivers wait for the same message, the policy of the mailbox
 * says whose it is: FIFO, of who has waited longest; LIFO, of who has waited
 * shortest, whose caches are warm; RR (round-robin), of the process that was
 * served least recently; PRIO, of the one with the highest scheduling priority,
 * among equals of who has waited longest. BROADCAST: each handle that was open
 * for receiving when a message was sent receives it once (one that is opened while
 * the send is blocked does not). The message stands in memory once, and each of
 * these handles has its own place in what is queued; capacity counts for each of
 * them, so that the slowest holds the senders back, or, with MBOX_OPTION_OVERFLOW,
 * loses its oldest message, which is counted. What a receiver is copying just then
 * is not lost, and does not hold back either. A handle that holds nothing has room
 * for any message. A send says to how many handles it
 * went, 0 being none: then it is gone. A message is accepted for all handles at
 * once: until then no receive finds it.
 *
 * max_procs limits how many processes take part in a mailbox: one takes its place
 * when it opens the mailbox with a right, or first sends or receives (whatever comes of that)
 * through a handle that it was given; it leaves when it ends, or when every handle
 * that it opened is closed. Whoever finds no place gets EUSERS. With
 * MBOX_OPTION_EXCLUSIVE one process at a time may be in a receive (any number of
 * its threads may): others get EBUSY. A process whose receive is paused, see WAITING,
 * is in it.
 *
 * DIRECT COMMUNICATION
 *
 * MBOX_IOC_LINK names a process, and returns a handle that sends to and receives
 * from that process only. Between two processes there is one link, whichever
 * asks first, and it ends with either. (It also ends when neither has a handle
 * on it and no message is in it; who asks then makes a new one.) Its peer need
 * not know of it: what is sent waits for it. MBOX_IOC_INBOX returns a handle that receives from all
 * links of the caller; the header says from whom, and a link to that process
 * answers. Each process has one inbox, that all of its links lead to: messages
 * are received in the same order there as through the links. What one process
 * sends does not stand in the way of what others do. In each direction a link takes
 * as many messages as its capacity says, and the inbox at its end: what MBOX_IOC_SET
 * gave that counts for each of the links, so that a process bounds what strangers
 * may queue with it. An inbox belongs to the network namespace
 * that its process was in when it first took part, whoever linked to it.
 *
 * Handles on links and inboxes serve the process that made them, and no other
 * (EUSERS): one that was inherited or passed on is good for poll() and
 * MBOX_IOC_GET only. When the peer has ended, what it sent can be received, and then
 * receives, as all sends, fail with EOWNERDEAD. Who may send a process a signal
 * may address it (see kill(2): a real or effective uid that is its real or saved
 * one, or CAP_KILL), unless it gave its inbox a mode (MBOX_IOC_SET): then the
 * right to send, as of a mailbox of its effective uid and gid, decides, or
 * CAP_IPC_OWNER in its user namespace. Mode and capacity last as long as the inbox: until
 * the process has neither links nor a handle on it, and no message is in it. All
 * of that is checked by MBOX_IOC_LINK, and never later; and not of a process that
 * the other has opened a handle on their link to: it may answer.
 *
 * Where processes are blocked without a deadline in sends to or receives from one
 * another over links in a cycle, each of them with a single thread when its call
 * began, none can ever go on: the call that would close the cycle fails with
 * EDEADLK, and has sent or received nothing, where the cycle has up to
 * MBOX_CYCLE_MAX processes; a longer one is not found. (Receives through an inbox
 * wait for anybody, and are in no cycle.)
 *
 * SHARED MEMORY
 *
 * A mailbox created with ring size is a ring: one producer and one consumer map
 * it and exchange messages without the kernel, see <linux/mbox_ring.h>. The
 * kernel puts them to sleep and wakes them (MBOX_IOC_WAIT, poll()), and notices
 * when a side ends. SEND, RECV, read() and write() fail on it with EOPNOTSUPP;
 * the functions of libmbox do not.
 *
 * WAITING
 *
 * Every call that may block takes an absolute deadline in nanoseconds on a
 * named clock, or none. Clocks are those of the caller's time namespace. A
 * deadline in the past is no error: what can be done at once is done (a
 * synchronous send cannot, for its receiver has to run first). A call that is
 * interrupted by a signal was not carried out; it is restarted if the handler
 * was installed with SA_RESTART, else EINTR.
 * A synchronous send whose deadline passes or that is interrupted has
 * withdrawn its message; if the message was received, the send succeeds. (A
 * BROADCAST that some have received when a signal comes stays queued for the
 * others, and the call returns how many have.)
 * Only a call that is about to sleep looks at signals: one whose message is there,
 * or whose room is, completes.
 *
 * A thread that is paused (stopped, traced, frozen, or called away by io_uring)
 * leaves the call in which it is blocked, and makes it again when it goes on: no
 * handler runs, and the program does not notice. A receive keeps its turn, unless
 * another thread was paused after it in one through the same open file, and its
 * process keeps an exclusive mailbox: until the thread has made its call again, or
 * has slept in another call, or has run for 50 ms without. A blocked send comes to
 * stand behind the others of its priority. A synchronous send whose message was
 * not received sends it again; a BROADCAST that some have received stays queued for
 * the others, and the call returns how many have.
 *
 * QUOTAS
 *
 * Every user (real uid) has a quota of mailboxes, charged to the creator until
 * the mailbox is gone, and of bytes, charged to the sender as long as the message
 * takes memory: until it is received or dropped, and no call copies from it any
 * more. A message of up to MBOX_SMALL_SIZE bytes is charged MBOX_SMALL_CHARGE
 * bytes, a larger one what is allocated for it: its length and MBOX_LARGE_CHARGE,
 * rounded up to a power of two if that is at most MBOX_LARGE_ROUND, else to whole
 * pages. Blocked sends are charged too, and so is each delivery of a BROADCAST, as
 * a small message, beside the message itself. A send that the quota does not allow
 * fails at once, whatever its deadline.
 *
 * The first half of his bytes a user may have queued in any mailbox. Of the second
 * half a mailbox that another user created, or an inbox, takes no more from him than
 * what is left of his quota then: a receiver that does not receive takes three
 * quarters of the quota at most, a second one half of the rest, and so on. What other
 * users queue there does not count.
 *
 * Both quotas are module parameters. A caller with CAP_SYS_RESOURCE in the initial
 * user namespace bypasses them, where the opener of the handle or factory has had it
 * as well. All processes of a uid share its quotas, in all namespaces: containers
 * without user namespaces of their own have one quota for all their processes of
 * uid 0.
 *
 * What is queued is accounted to the memory cgroup of the sender too. At its limit a
 * send fails with ENOMEM, or the kernel kills a process of that cgroup: of the
 * senders, not of the receivers that do not receive.
 *
 * EXTENDING
 *
 * Structures grow at the end. The size that the caller knows is part of the
 * call's number. The kernel takes fields that the caller does not know as zero,
 * and writes results as far as the caller's structure reaches. Fields that the
 * kernel does not know have to be zero, else E2BIG. No structure may be smaller
 * than in version 1: EINVAL. Flags and values that the kernel does not know, and
 * padding that is not zero, are EINVAL too. A call that fails changes nothing,
 * except as its entry below says.
 *
 * ERRORS
 *
 * EAGAIN        would block: nothing to receive, or no room and no receiver
 * EBADF         the handle does not have the right that the call needs
 * EBUSY         another process is in a receive that has to be alone; the side of
 *               a ring is taken
 * ECANCELED     the message, whose receipt the send waited for, was purged, and
 *               nobody had received it
 * EDEADLK       the call would wait for a process that waits for the caller
 * EDQUOT        the user's quota of mailboxes or bytes is used up, or the mailbox's
 *               share of it
 * E2BIG         the structure is larger than the kernel knows, and not zero there
 * EEXIST        the name is taken
 * EFAULT        an address is not readable or not writable
 * EIDRM         the mailbox was deleted, or its namespace is gone
 * EINTR         a signal came first; nothing was sent or received
 * EINVAL        a flag, a value or padding that the call does not know
 * EMSGSIZE      send: longer than the mailbox takes; receive: buffer too small
 * ENOENT        no mailbox of that name
 * ENOMEM        no memory
 * ENOTEMPTY     messages are queued, which the deletion would lose
 * ENOTTY        unknown call, or not a call of this kind of file
 * EACCES        the mode of the mailbox does not grant the right
 * EPERM         only the owner may do this; or the caller may not give the mailbox
 *               to that user, group or process
 * EPIPE         nobody is left who could receive what is sent, or send anything
 * ESHUTDOWN     this handle gave up the right that the call needs
 * ETIMEDOUT     the deadline passed; nothing was sent or received
 * EOPNOTSUPP    not on a mailbox of this kind
 * EOWNERDEAD    the process that the mailbox, link or side of a ring belonged to
 *               has ended, or the one that a receive waits for has
 * ESRCH         no process of that id, or not the one that is meant
 * EUSERS        as many processes as may already take part, or as many handles
 *               receive (MBOX_RECEIVERS_MAX), or as many calls wait that a message
 *               has to look at one by one (MBOX_WAITERS_MAX)
 * ENFILE, EMFILE  as for open(2)
 */
#ifndef _UAPI_LINUX_MBOX_H
#define _UAPI_LINUX_MBOX_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Version of this interface; grows when something is added. */
#define MBOX_ABI_VERSION	1

/* Bytes of a name, with the NUL at its end. */
#define MBOX_NAME_SIZE		64

/* Highest priority of a message; the lowest is 0. */
#define MBOX_PRIO_MAX		32767

/*
 * Capacity in messages: 0 is a rendezvous, 1 to MBOX_CAPACITY_MAX a bounded
 * queue, MBOX_CAPACITY_UNBOUNDED one that quota and memory alone limit.
 */
#define MBOX_CAPACITY_ZERO	0U
#define MBOX_CAPACITY_MAX	1048576U
#define MBOX_CAPACITY_UNBOUNDED	0xffffffffU

/* Longest message, in bytes, of a mailbox that was created with msg_size 0. */
#define MBOX_MSG_SIZE_DEFAULT	8192U

/* What a message costs of the byte quota, in bytes: see QUOTAS above. */
#define MBOX_SMALL_SIZE		256U
#define MBOX_SMALL_CHARGE	384U
#define MBOX_LARGE_CHARGE	128U
#define MBOX_LARGE_ROUND	4194304U

/* Rights of a handle: any combination, also none (for GET, SET and DELETE). */
#define MBOX_RIGHT_RECV		(1U << 0)
#define MBOX_RIGHT_SEND		(1U << 1)

/* Lifetime of a mailbox. */
#define MBOX_LIFETIME_OS	0U	/* until deleted */
#define MBOX_LIFETIME_PROCESS	1U	/* until its owner, a process, ends */
#define MBOX_LIFETIME_FD	2U	/* until its last handle is closed */

/* Policy of a mailbox: which of several waiting receivers is given a message. */
#define MBOX_POLICY_FIFO	0U	/* who has waited longest */
#define MBOX_POLICY_LIFO	1U	/* who has waited shortest */
#define MBOX_POLICY_RR		2U	/* the process served least recently */
#define MBOX_POLICY_PRIO	3U	/* by scheduling priority, then FIFO */
#define MBOX_POLICY_BROADCAST	4U	/* each handle open for receiving */
#define MBOX_POLICY_MAX		4U	/* the highest that this header has */

/* Options of a mailbox. */
#define MBOX_OPTION_EXCLUSIVE	(1U << 0) /* one process in receive at a time */
#define MBOX_OPTION_OVERFLOW	(1U << 1) /* BROADCAST: the slow lose their oldest */
#define MBOX_OPTION_GROW	(1U << 2) /* ring: memory only while it is used */

/*
 * Most receives that may be blocked at a time where each has to be looked at when a
 * message comes: those with a min_prio, those of BY_SENDER with pid 0, all of a
 * mailbox of policy RR or PRIO, and all of one handle on a mailbox of policy
 * BROADCAST. Of other receives any number may be blocked. Also the most threads that
 * may be blocked on one side of a ring.
 */
#define MBOX_WAITERS_MAX	512U

/* Most processes that max_procs may allow. */
#define MBOX_PROCS_MAX		4096U

/* Most processes in a cycle of waits over links that gets EDEADLK. */
#define MBOX_CYCLE_MAX		64U

/* Most handles open for receiving from a mailbox of policy BROADCAST. */
#define MBOX_RECEIVERS_MAX	4096U

/* Bytes of a ring: powers of two between these. */
#define MBOX_RING_MIN		4096U
#define MBOX_RING_MAX		(1U << 30)

/* Clock of a deadline. */
#define MBOX_CLOCK_NONE		0U	/* no deadline; the field has to be 0 */
#define MBOX_CLOCK_MONOTONIC	1U	/* CLOCK_MONOTONIC */
#define MBOX_CLOCK_BOOTTIME	2U	/* CLOCK_BOOTTIME: counts suspend too */
#define MBOX_CLOCK_REALTIME	3U	/* CLOCK_REALTIME: follows the clock set */

/* struct mbox_ioc_open, flags */
#define MBOX_OPEN_CREATE	(1U << 0)  /* OPEN: create it if it is missing */
#define MBOX_OPEN_EXCL		(1U << 1)  /* with CREATE: EEXIST if it is there */
#define MBOX_OPEN_NONBLOCK	(1U << 2)  /* the handle has O_NONBLOCK set */

/**
 * struct mbox_ioc_open - argument of MBOX_IOC_CREATE and MBOX_IOC_OPEN
 * @flags:	in, MBOX_OPEN_*. CREATE takes MBOX_OPEN_NONBLOCK only.
 * @rights:	in, MBOX_RIGHT_* wanted of the handle. Without any, a handle is
 *		given to the owner and to whom the mode grants some right.
 * @name:	in, the name, then NULs to the end. Empty: CREATE makes an
 *		anonymous mailbox (which must not have lifetime OS), OPEN EINVAL.
 * @mode:	in, of a new mailbox: permission bits out of 0666, less the umask
 * @lifetime:	in, of a new mailbox: MBOX_LIFETIME_*
 * @capacity:	in, of a new mailbox: messages, see MBOX_CAPACITY_*
 * @msg_size:	in, of a new mailbox: longest message in bytes, up to the module
 *		parameter max_msg_size; 0 means MBOX_MSG_SIZE_DEFAULT (or the
 *		parameter, where that is less)
 * @bytes:	in, of a new mailbox: most bytes of payload queued; 0 means no
 *		such limit, else at least @msg_size
 * @policy:	in, of a new mailbox: MBOX_POLICY_*. BROADCAST wants a capacity
 *		other than zero.
 * @max_procs:	in, of a new mailbox: processes that may take part, 1 to
 *		MBOX_PROCS_MAX; 0 means any number
 * @options:	in, of a new mailbox: MBOX_OPTION_*. EXCLUSIVE excludes
 *		BROADCAST, OVERFLOW goes with BROADCAST, GROW with a ring.
 * @pad:	in, 0
 * @ring:	in, of a new mailbox: bytes of a ring, a power of two from the
 *		larger of MBOX_RING_MIN and the page size to MBOX_RING_MAX; 0
 *		means that it is none. Charged to the creator's quota of bytes
 *		whole, also with GROW (which takes two pages at least). A ring
 *		has FIFO policy, neither EXCLUSIVE nor @max_procs, and capacity
 *		and @bytes 0; for its @msg_size see <linux/mbox_ring.h>.
 *
 * Creator's rights are not checked against @mode. Owner and group of a new
 * mailbox are the effective uid and gid of the factory's opener. OPEN without
 * MBOX_OPEN_CREATE wants the fields of a new mailbox zero; with it, they have to
 * be valid, and are ignored where the mailbox exists.
 *
 * Return: the handle, a file descriptor of at least 0, to be closed by the
 * caller. EACCES, EBUSY (the side of the ring is taken), EDQUOT, EEXIST, EFAULT,
 * EIDRM (the factory's namespace is gone; the mailbox drains, and the right to
 * send is wanted), EINTR, EINVAL, EMFILE, ENFILE, ENOENT, ENOMEM, EUSERS.
 */
struct mbox_ioc_open {
	__u32	flags;
	__u32	rights;
	char	name[MBOX_NAME_SIZE];
	__u32	mode;
	__u32	lifetime;
	__u32	capacity;
	__u32	msg_size;
	__aligned_u64	bytes;
	__u32	policy;
	__u32	max_procs;
	__u32	options;
	__u32	pad;
	__aligned_u64	ring;
};

/**
 * struct mbox_ioc_link - argument of MBOX_IOC_LINK
 * @flags:	in, 0 or MBOX_OPEN_NONBLOCK
 * @pid:	in, a process (not a thread) in the caller's pid namespace, other
 *		than the caller
 * @capacity:	in, of a new link, in each direction: messages, see MBOX_CAPACITY_*
 * @msg_size:	in, of a new link: longest message in bytes, as of a new mailbox
 * @start:	in, start time of the process, see IDENTITY; 0: whichever process
 *		has the number @pid now
 *
 * Makes the link between the caller and the process if it is missing; where it
 * exists, @capacity and @msg_size have to be valid, and are ignored. Inboxes that
 * are made for it count as mailboxes of the caller's quota, until the process
 * that they are of ends, or has neither links nor handles on it nor messages. The
 * handle has both rights.
 *
 * Return: the handle. EDQUOT, EFAULT, EINVAL (also for the caller's own pid),
 * EMFILE, ENFILE, ENOMEM, EPERM (the caller may not address the process), ESRCH
 * (also if the process @pid has another start time than @start).
 */
struct mbox_ioc_link {
	__u32	flags;
	__u32	pid;
	__u32	capacity;
	__u32	msg_size;
	__aligned_u64	start;
};

/**
 * struct mbox_ioc_inbox - argument of MBOX_IOC_INBOX
 * @flags:	in, 0 or MBOX_OPEN_NONBLOCK
 * @pad:	in, 0
 *
 * Return: a handle with the right to receive on the caller's inbox. EDQUOT, EFAULT,
 * EINVAL, EMFILE, ENFILE, ENOMEM.
 */
struct mbox_ioc_inbox {
	__u32	flags;
	__u32	pad;
};

/* struct mbox_ioc_delete, how */
#define MBOX_DELETE_EMPTY	0U /* only if no message is queued, else ENOTEMPTY */
#define MBOX_DELETE_DRAIN	1U /* sends fail; gone once all is received */
#define MBOX_DELETE_FORCE	2U /* gone now, queued messages are dropped */
#define MBOX_DELETE_UNLINK	3U /* name goes; gone when the last handle is closed */

/**
 * struct mbox_ioc_delete - argument of MBOX_IOC_DELETE
 * @flags:	in, 0
 * @how:	in, MBOX_DELETE_*
 * @name:	in, on a factory: the name, then NULs to the end; on a handle:
 *		empty, the mailbox is the handle's own
 * @queued:	out, also with ENOTEMPTY: messages that were queued
 * @dropped:	out: messages of these that were dropped
 *
 * DRAIN ends the sending: sends fail, and blocked sends whose message is not
 * accepted yet return EIDRM. The name stays until all is received, and can be opened
 * to receive, or without rights; EIDRM for sending. A new mailbox may be created
 * under the name (also by MBOX_OPEN_CREATE, by a caller that wants to send) if a
 * handle is open to receive what is left: then the one that drains loses its name;
 * without such a handle EEXIST (EIDRM with MBOX_OPEN_CREATE). Where it has no name,
 * DRAIN is refused with ENOTEMPTY if messages are queued and no handle is open to
 * receive them; if the last such handle is closed later, what is left is dropped.
 * It may be deleted again, in another way: UNLINK takes its name.
 *
 * UNLINK drops what is queued if there is no handle at all, or, of a mailbox that
 * drains, none to receive. Every call that is blocked on a mailbox when it goes
 * returns EIDRM at once.
 *
 * The kernel does not know how many messages a ring holds: all that is in it
 * counts as one. DRAIN is refused with EOPNOTSUPP where anything is.
 *
 * Return: 0. EFAULT, EIDRM, EINVAL, ENOENT, ENOTEMPTY, EOPNOTSUPP (also for a
 * link, an inbox), EPERM.
 */
struct mbox_ioc_delete {
	__u32	flags;
	__u32	how;
	char	name[MBOX_NAME_SIZE];
	__aligned_u64	queued;
	__aligned_u64	dropped;
};

/* struct mbox_ioc_send, flags */
#define MBOX_SEND_NONBLOCK	(1U << 0)  /* EAGAIN where it would block */
#define MBOX_SEND_SYNC		(1U << 1)  /* return when the message was received */

/**
 * struct mbox_ioc_send - argument of MBOX_IOC_SEND
 * @flags:	in, MBOX_SEND_*. SYNC and NONBLOCK (or O_NONBLOCK) exclude each
 *		other: EINVAL.
 * @prio:	in, 0 to MBOX_PRIO_MAX, higher is received first
 * @type:	in, any number; receivers may select by it
 * @clock:	in, MBOX_CLOCK_* of @deadline
 * @deadline:	in, nanoseconds, 0 or more, on @clock
 * @data:	in, address of the payload; not looked at if @size is 0
 * @size:	in, bytes of payload, 0 to the mailbox's msg_size
 *
 * Return: for a send that waited for its receiver (MBOX_SEND_SYNC, or capacity
 * zero without NONBLOCK) the process id of who received, as the caller's pid
 * namespace sees it, 0 if not there (a number only, see IDENTITY: the receiver may
 * have ended by now); for BROADCAST the number of handles that it was delivered to,
 * or, with MBOX_SEND_SYNC, that received it (where the deadline passes, the message
 * is withdrawn from the others; where a signal comes, it stays queued for them; the
 * call fails only if nobody had received it by then); else 0. EAGAIN, EBADF,
 * ECANCELED, EDEADLK, EDQUOT, EFAULT, EIDRM, EINTR, EINVAL, EMSGSIZE, ENFILE,
 * ENOMEM, EOPNOTSUPP, EOWNERDEAD, EPIPE, ESHUTDOWN, ETIMEDOUT, EUSERS.
 */
struct mbox_ioc_send {
	__u32	flags;
	__u32	prio;
	__u32	type;
	__u32	clock;
	__s64	deadline __attribute__((aligned(8)));
	__aligned_u64	data;
	__aligned_u64	size;
};

/**
 * struct mbox_header - what comes with a message
 * @length:	bytes of payload
 * @seq:	number of the message in its mailbox, from 1, in the order in which
 *		messages were accepted; 0 if one is peeked at that is not
 *		accepted yet, its sender being blocked
 * @time:	when it was sent: nanoseconds of CLOCK_REALTIME_COARSE
 * @prio:	its priority
 * @type:	its type
 * @pid:	process id of the sender in the receiver's pid namespace, 0 if it is
 *		not there
 * @uid:	real user id of the sender in the receiver's user namespace, the
 *		overflow uid (65534) if it is not there
 * @gid:	real group id, likewise
 * @flags:	0
 * @start:	out, start time of the sender, see IDENTITY. Also in, with
 *		MBOX_RECV_BY_START, else ignored.
 *
 * pid, uid and gid are those at the time of sending, of the process that made
 * the call, whoever opened the handle: a privileged program that is made to write
 * to a handle, as its standard output, is the sender. uid and gid are the real
 * ones, while rights to a mailbox are decided by the effective ones. An answer
 * names @pid and @start.
 */
struct mbox_header {
	__aligned_u64	length;
	__aligned_u64	seq;
	__aligned_u64	time;
	__u32	prio;
	__u32	type;
	__u32	pid;
	__u32	uid;
	__u32	gid;
	__u32	flags;
	__aligned_u64	start;
};

/* struct mbox_ioc_recv, flags */
#define MBOX_RECV_NONBLOCK	(1U << 0)  /* EAGAIN where it would block */
#define MBOX_RECV_PEEK		(1U << 1)  /* leave the message queued */
#define MBOX_RECV_BY_TYPE	(1U << 2)  /* only messages of type @type */
#define MBOX_RECV_BY_SENDER	(1U << 3)  /* only messages sent by process @pid */
#define MBOX_RECV_BY_START	(1U << 4)  /* ... that started at @header.start */

/**
 * struct mbox_ioc_recv - argument of MBOX_IOC_RECV
 * @flags:	in, MBOX_RECV_*
 * @clock:	in, MBOX_CLOCK_* of @deadline
 * @deadline:	in, nanoseconds, 0 or more, on @clock
 * @data:	in, address of the buffer; @header.length bytes of it are written
 * @size:	in, bytes of room; more than any message is no error
 * @type:	in, with MBOX_RECV_BY_TYPE, else 0
 * @pid:	in, with MBOX_RECV_BY_SENDER: a process id in the caller's pid
 *		namespace, 0 for senders that are not there; else 0
 * @min_prio:	in, receive messages of at least this priority, 0 to MBOX_PRIO_MAX
 * @pad:	in, 0
 * @header:	out, also with EMSGSIZE; its start also in, see MBOX_RECV_BY_START
 *
 * The first message (in the mailbox's order) that passes all filters is
 * received. If there is none the call waits, whatever else is queued.
 *
 * BY_SENDER alone goes by the number: it finds what any process sent that had it,
 * and waits for whichever may have it one day. BY_START, which is for use with
 * BY_SENDER and a @pid other than 0, goes by identity. Once that process has
 * ended, and nothing that it sent is queued, the receive fails with EOWNERDEAD,
 * also one that is blocked. So does one that names no process that ever was: the
 * kernel does not remember those that ended.
 *
 * Return: 0. EAGAIN, EBADF, EBUSY, EDEADLK, EFAULT, EIDRM, EINTR, EINVAL,
 * EMSGSIZE, ENOMEM, EOPNOTSUPP, EOWNERDEAD, EPIPE, ESHUTDOWN, ETIMEDOUT, EUSERS.
 */
struct mbox_ioc_recv {
	__u32	flags;
	__u32	clock;
	__s64	deadline __attribute__((aligned(8)));
	__aligned_u64	data;
	__aligned_u64	size;
	__u32	type;
	__u32	pid;
	__u32	min_prio;
	__u32	pad;
	struct mbox_header header;
};

/* struct mbox_info, state */
#define MBOX_STATE_LIVE		0U	/* has its name, if it ever had one */
#define MBOX_STATE_UNLINKED	1U	/* deleted with UNLINK, handles are open */
#define MBOX_STATE_DRAINING	2U	/* deleted with DRAIN, messages are queued */
#define MBOX_STATE_DEAD		3U	/* gone but for its handles */

/* struct mbox_info, kind */
#define MBOX_KIND_MAILBOX	0U
#define MBOX_KIND_RING		1U
#define MBOX_KIND_INBOX		2U	/* a handle on an inbox */
#define MBOX_KIND_LINK		3U	/* a handle on a link */

/**
 * struct mbox_info - argument of MBOX_IOC_GET: attributes and counters
 * @flags:	in, 0
 * @state:	out, MBOX_STATE_*
 * @name:	out, the name with NULs to the end, also after it went; empty if
 *		anonymous
 * @id:		out, number that no other mailbox has until the module is unloaded
 * @uid:	out, owner in the caller's user namespace, or the overflow uid
 * @gid:	out, group, likewise
 * @mode:	out, permission bits
 * @lifetime:	out, MBOX_LIFETIME_*
 * @capacity:	out, messages
 * @msg_size:	out, longest message in bytes
 * @bytes:	out, most bytes of payload queued, 0 for no such limit
 * @rights:	out, MBOX_RIGHT_* of this handle, less those that it gave up
 * @handles:	out, open handles
 * @senders:	out, sends blocked now
 * @receivers:	out, receives blocked now
 * @queued:	out, messages accepted and neither received nor dropped
 * @queued_bytes: out, bytes of payload in these
 * @sent:	out, messages accepted since creation
 * @received:	out, messages received since creation
 * @withdrawn:	out, accepted messages that their synchronous sender took back
 * @dropped:	out, accepted messages that were dropped; see SENDING AND RECEIVING
 *		for what drops messages
 * @created:	out, when it was created: nanoseconds of CLOCK_REALTIME
 * @kind:	out, MBOX_KIND_*
 * @policy:	out, MBOX_POLICY_*
 * @options:	out, MBOX_OPTION_*
 * @max_procs:	out, processes that may take part, 0 for any number
 * @procs:	out, processes that take part, where that is limited, else 0
 * @owner:	out, process id of the owner in the caller's pid namespace; 0 if it
 *		is not there, or there is none
 * @heir:	out, that of the heir, likewise
 * @peer:	out, of a link: that of the peer, likewise; 0 once it has ended
 * @ring:	out, bytes of the ring, or 0
 * @lost:	out, BROADCAST: deliveries that were lost to an overflow, or to
 *		the closing of the handle they were for
 * @handle_received: out, messages received through this handle
 * @handle_lost: out, BROADCAST: deliveries that this handle lost
 * @handle_queued: out, messages that a receive through this handle can find: of
 *		a link those of the peer, with BROADCAST those for this handle
 * @creator:	out, real uid of the creator, whose quota of mailboxes it is charged
 *		to, as @uid; of a factory that was passed on it is its opener's. It
 *		never changes. (Of a link, an inbox: of the user that is charged.)
 * @pad:	out, 0
 *
 * At any time sent = received + withdrawn + dropped + queued. With BROADCAST that
 * is about messages: one is queued until the last of its deliveries is received
 * or lost; then it is received if any of them was, else dropped. Of a link, what
 * is said of a mailbox is that of the caller's inbox, but capacity and msg_size.
 * A ring has none of these counters: queued is 1 if there is anything in it,
 * queued_bytes what that takes with headers and padding; senders and receivers
 * are the producers and consumers that are blocked in WAIT.
 * An inbox has the largest msg_size that a link to it has had, and capacity
 * MBOX_CAPACITY_UNBOUNDED and the mode 0 until it is given others.
 *
 * Return: 0. EFAULT, EINVAL. Works on a dead mailbox too.
 */
struct mbox_info {
	__u32	flags;
	__u32	state;
	char	name[MBOX_NAME_SIZE];
	__aligned_u64	id;
	__u32	uid;
	__u32	gid;
	__u32	mode;
	__u32	lifetime;
	__u32	capacity;
	__u32	msg_size;
	__aligned_u64	bytes;
	__u32	rights;
	__u32	handles;
	__u32	senders;
	__u32	receivers;
	__aligned_u64	queued;
	__aligned_u64	queued_bytes;
	__aligned_u64	sent;
	__aligned_u64	received;
	__aligned_u64	withdrawn;
	__aligned_u64	dropped;
	__aligned_u64	created;
	__u32	kind;
	__u32	policy;
	__u32	options;
	__u32	max_procs;
	__u32	procs;
	__u32	owner;
	__u32	heir;
	__u32	peer;
	__aligned_u64	ring;
	__aligned_u64	lost;
	__aligned_u64	handle_received;
	__aligned_u64	handle_lost;
	__aligned_u64	handle_queued;
	__u32	creator;
	__u32	pad;
};

/* struct mbox_ioc_set, mask */
#define MBOX_SET_MODE		(1U << 0)
#define MBOX_SET_UID		(1U << 1)
#define MBOX_SET_GID		(1U << 2)
#define MBOX_SET_CAPACITY	(1U << 3)
#define MBOX_SET_MSG_SIZE	(1U << 4)
#define MBOX_SET_BYTES		(1U << 5)

/**
 * struct mbox_ioc_set - argument of MBOX_IOC_SET
 * @flags:	in, 0
 * @mask:	in, MBOX_SET_*: the fields to set, at least one; the others have to
 *		be 0
 * @mode:	in, permission bits out of 0666; the umask is not applied
 * @uid:	in, new owner, in the caller's user namespace
 * @gid:	in, new group, likewise
 * @capacity:	in, messages, as at creation
 * @msg_size:	in, bytes, as at creation
 * @bytes:	in, as at creation
 *
 * For the owner only, or CAP_IPC_OWNER; see RIGHTS. Sets all fields or none. Another
 * @uid than the mailbox has takes CAP_IPC_OWNER, of the caller and of the handle's
 * opener; another @gid takes that, or to be a group of the caller (its effective or
 * a supplementary one): else EPERM. Handles keep the rights they have. Queued
 * messages stay queued when a limit falls below them; blocked sends are admitted
 * when one rises; to zero, a capacity changes the sends that come after. The quota
 * stays charged to the creator. The limits of a ring cannot be changed. Of an inbox
 * mode and capacity can be set, by its process; the capacity is the most that each
 * link to it takes; see DIRECT COMMUNICATION.
 *
 * Return: 0. EFAULT, EIDRM, EINVAL, EOPNOTSUPP (a limit of a ring; a link; anything
 * else of an inbox), EPERM, EUSERS.
 */
struct mbox_ioc_set {
	__u32	flags;
	__u32	mask;
	__u32	mode;
	__u32	uid;
	__u32	gid;
	__u32	capacity;
	__u32	msg_size;
	__u32	pad;
	__aligned_u64	bytes;
};

/* struct mbox_ioc_handover, flags */
#define MBOX_HANDOVER_RECV	(1U << 0)  /* with the right to receive */
#define MBOX_HANDOVER_HEIR	(1U << 1)  /* when the owner ends, not now */

/**
 * struct mbox_ioc_handover - argument of MBOX_IOC_HANDOVER
 * @flags:	in, MBOX_HANDOVER_*
 * @pid:	in, a process (not a thread) in the caller's pid namespace. 0: the
 *		operating system; with HEIR, nobody
 * @start:	in, start time of the process, see IDENTITY; 0: whichever process
 *		has the number @pid now
 *
 * Makes a process the owner: the lifetime of the mailbox becomes PROCESS, or OS
 * where the operating system becomes the owner (EINVAL if the mailbox has no
 * name: nobody could delete it). With RECV the new owner may open the mailbox for
 * receiving, whatever its mode says, as long as it is the owner. With HEIR the
 * process becomes the owner, in the same way, when the owner ends before it;
 * EINVAL where no process is the owner. A change of owner forgets the heir.
 *
 * For the owner only: the process where it is one, else whoever may change the
 * mailbox; or CAP_IPC_OWNER. The handle has to be opened by that process, by the
 * owner's uid or with CAP_IPC_OWNER; no right is needed. An owner or heir has to be
 * a process that the caller may send a signal (see kill(2): it is the caller's, of
 * its uid, or the caller has CAP_KILL in its user namespace), else EPERM: nobody is
 * made the owner or the heir of what he was not asked about. A kernel thread is no
 * process here (ESRCH).
 *
 * Return: 0. EFAULT, EIDRM, EINVAL, ENOMEM, EOPNOTSUPP (a link, an inbox),
 * EOWNERDEAD, EPERM, ESRCH (also if the process @pid has another start time than
 * @start).
 */
struct mbox_ioc_handover {
	__u32	flags;
	__u32	pid;
	__aligned_u64	start;
};

/* struct mbox_ioc_wait, flags */
#define MBOX_WAIT_WAKE		(1U << 0)  /* wake the other side, first of all */
#define MBOX_WAIT_TRIM		(1U << 1)  /* GROW: give back what was consumed */
#define MBOX_WAIT_MOVE		(1U << 2)  /* wait until the other side's index moves */

/**
 * struct mbox_ioc_wait - argument of MBOX_IOC_WAIT, on a ring
 * @flags:	in, MBOX_WAIT_*, at least one; done in the order above
 * @clock:	in, with MOVE, else 0: MBOX_CLOCK_* of @deadline
 * @deadline:	in, nanoseconds, 0 or more, on @clock
 * @seen:	in, with MOVE, else 0: the other side's index as the caller last
 *		saw it. The call returns at once where it is another by now.
 * @side:	in, with both rights: MBOX_RIGHT_RECV to act as the consumer,
 *		MBOX_RIGHT_SEND as the producer; else 0 or the handle's right
 * @pad:	in, 0
 *
 * <linux/mbox_ring.h> has the protocol. TRIM is for the consumer of a ring that
 * grows; it fails with EINVAL, as long as the indices make no sense: head - tail is
 * more than the size, or tail is less than what was given back. Where the wait of
 * MOVE fails, what comes before it was done.
 *
 * Return: 0. EAGAIN (O_NONBLOCK, and it did not move), EBADF, EFAULT, EIDRM,
 * EINTR, EINVAL, EOPNOTSUPP (no ring), EOWNERDEAD (the other side ended, or the
 * owner did, or the side is not the handle's any more), EPIPE (nobody can be the
 * other side), ESHUTDOWN, ETIMEDOUT, EUSERS.
 */
struct mbox_ioc_wait {
	__u32	flags;
	__u32	clock;
	__s64	deadline __attribute__((aligned(8)));
	__aligned_u64	seen;
	__u32	side;
	__u32	pad;
};

/**
 * struct mbox_ioc_shutdown - argument of MBOX_IOC_SHUTDOWN
 * @flags:	in, 0
 * @how:	in, MBOX_RIGHT_* out of those that the handle was opened with: the
 *		rights to give up, at least one
 *
 * Gives up rights of the handle, for all who have it, for good. Calls that need one
 * of them fail with ESHUTDOWN; those that are blocked through this handle return
 * with it at once, and have sent or received nothing (a send that has to wait for
 * its receipt withdraws the message; with BROADCAST it succeeds if somebody had
 * received it). The message stays for other handles; with BROADCAST, what this
 * handle has not received is lost to it. poll() reports EPOLLIN, EPOLLRDHUP and
 * EPOLLHUP where the right to receive, EPOLLERR where that to send was given up.
 * Elsewhere it is as if the handle were closed as far as that right goes: see
 * NOBODY LEFT; a side of a ring is free. A right that was given up before may be
 * named again. Works on a dead mailbox too.
 *
 * Return: 0. EBADF (not a right of the handle), EFAULT, EINVAL, EUSERS.
 */
struct mbox_ioc_shutdown {
	__u32	flags;
	__u32	how;
};

/* The calls. Numbers 18 and 19 are reserved. */
#define MBOX_IOC_TYPE		0xBD

/* On a factory */
#define MBOX_IOC_CREATE		_IOW(MBOX_IOC_TYPE, 0, struct mbox_ioc_open)
#define MBOX_IOC_OPEN		_IOW(MBOX_IOC_TYPE, 1, struct mbox_ioc_open)
#define MBOX_IOC_LINK		_IOW(MBOX_IOC_TYPE, 3, struct mbox_ioc_link)
#define MBOX_IOC_INBOX		_IOW(MBOX_IOC_TYPE, 4, struct mbox_ioc_inbox)
/* On a factory or a handle */
#define MBOX_IOC_DELETE		_IOWR(MBOX_IOC_TYPE, 2, struct mbox_ioc_delete)
/* On a handle */
#define MBOX_IOC_SEND		_IOW(MBOX_IOC_TYPE, 16, struct mbox_ioc_send)
#define MBOX_IOC_RECV		_IOWR(MBOX_IOC_TYPE, 17, struct mbox_ioc_recv)
#define MBOX_IOC_GET		_IOWR(MBOX_IOC_TYPE, 20, struct mbox_info)
#define MBOX_IOC_SET		_IOW(MBOX_IOC_TYPE, 21, struct mbox_ioc_set)
#define MBOX_IOC_HANDOVER	_IOW(MBOX_IOC_TYPE, 22, struct mbox_ioc_handover)
#define MBOX_IOC_SHUTDOWN	_IOW(MBOX_IOC_TYPE, 24, struct mbox_ioc_shutdown)
/* On a handle of a ring */
#define MBOX_IOC_WAIT		_IOW(MBOX_IOC_TYPE, 23, struct mbox_ioc_wait)

#endif /* _UAPI_LINUX_MBOX_H */
