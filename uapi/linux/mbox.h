/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Linux mailboxes: the interface of /dev/mbox
 *
 * This header is the contract: objects, layouts, rules and errors. mbox(4) explains
 * it; that page's descriptions of the calls and its table of errors are generated
 * from here (make man).
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
 * removes a mailbox by name, MBOX_IOC_NEXT walks through ids. All other calls are made
 * on handles. A factory acts with the credentials and in the network namespace that its
 * opener had when it opened it: CREATE, OPEN and LINK on a factory that was passed on
 * act as the opener of the factory. Pass a factory on only if you mean that. The caller
 * counts as the opener of the handle that they return. A handle that is passed on gives
 * the rights that it was opened with, and nothing more: see RIGHTS.
 *
 * NAMES
 *
 * A name is 1 to 63 bytes out of A-Z a-z 0-9 . _ - and does not begin with a dot.
 * Names are looked up in the network namespace. A namespace does not see the
 * mailboxes of others; when it goes, its mailboxes go with it, even if processes
 * still have handles on them. A mailbox without a name (anonymous) is reached
 * through handles only.
 *
 * A mailbox that has its name, and one without that was created with MBOX_OPEN_BY_ID, can
 * be opened by its id, too; all that follows from a name follows from that then. Ids count
 * up from 1. A front end whose interface has numbers of 31 bits takes the low 31 bits of an
 * id: with the space of a front end, OPEN finds the newest mailbox of the space with these.
 *
 * A front end, which serves programs of another interface with mailboxes, gives them
 * labels in place of names. A label is 1 to MBOX_LABEL_MAX bytes, all but '/' and NUL. It
 * belongs to a space (MBOX_SPACE_*), one for each interface: labels of two spaces are
 * different, and so are a label and a name. In all else a label is a name, and each
 * sentence here about the names of mailboxes is also about labels.
 *
 * Mailboxes of MBOX_SPACE_SYSV keep the rules of sysvipc(7): a mode is out of 0777, and the
 * umask is not applied; everybody may open them without rights; with MBOX_OPTION_TRACK the
 * creator (cuid, cgid) has the rights of the owner (and of the group), too; both may give
 * them to any user and group; bytes may be less than msg_size; of sends that are blocked,
 * that of the shortest message is the first to find room, and a message that fits does not
 * wait for a longer one; a SET that changes mode, uid or gid takes the rights of all
 * handles, as if each gave them up (see MBOX_IOC_SHUTDOWN); and a send or receive that
 * begins after the deletion fails with EINVAL, not with EIDRM.
 *
 * RIGHTS
 *
 * A mailbox has an owner, a group and mode bits like a file: r is the right to
 * receive, w the right to send. The kernel checks them when it opens a handle,
 * never later. A process with CAP_IPC_OWNER in the user namespace of the network
 * namespace bypasses them. The owner, and a process with CAP_IPC_OWNER, may change
 * and delete the mailbox under any mode (opening it without rights).
 *
 * Changing a mailbox takes permission twice: SET, HANDOVER and DELETE, also by name,
 * and set, purge and delete over netlink check the opener of the handle, factory or
 * socket, with its credentials at that time, and the caller, with its credentials
 * now. Both have to be the owner (by effective uid) or to have CAP_IPC_OWNER. So a
 * program can pass a handle to a process that it does not trust with the mailbox,
 * and a process that drops its privileges keeps no authority in its open files.
 *
 * Programs can rely on the owner that GET reports: giving a mailbox to another uid
 * takes CAP_IPC_OWNER, giving it to a group takes that or membership in the group,
 * and giving it to a process takes permission to send that process a signal. The
 * uid of its creator never changes. Anybody may take a free name, with any mode.
 *
 * OWNERSHIP
 *
 * A mailbox of lifetime OS belongs to the operating system: it lasts until it is
 * deleted. One of lifetime PROCESS belongs to a process, at first to its creator
 * (the thread group, not the thread). When that process ends, by exit or by a
 * signal, the mailbox ends too, even if other processes have handles on it: blocked
 * and later calls return EOWNERDEAD, and poll() reports EPOLLHUP. exec() does not
 * end a process. MBOX_IOC_HANDOVER passes the mailbox on to another process or to
 * the operating system, or names an heir, which becomes the owner if it outlives
 * the owner. A mailbox of lifetime FD ends with its last handle, and so does every
 * anonymous one, since nobody could open it again. An owner is a process, never a
 * number: a process that later gets the same number does not become the owner.
 *
 * IDENTITY
 *
 * The kernel reuses the number of a process (its pid) after it has ended, maybe
 * before a receiver answers its message. So a header has, beside pid, the start
 * time of the sender. The pair is the identity of a process: within a pid namespace
 * no other process ever has the same pair. MBOX_IOC_LINK, MBOX_IOC_HANDOVER and
 * MBOX_RECV_BY_START take the pair, and reach that very process or fail. A receiver
 * that answers a message passes on both. A start time is in nanoseconds on
 * CLOCK_BOOTTIME and the same for every reader: the offset of a time namespace is
 * not added. /proc/PID/stat has it in field 22, in clock ticks and with the offset
 * of its reader. exec() does not change it. All threads of a process share one
 * identity. All other pids that calls return (MBOX_IOC_SEND, MBOX_IOC_GET, netlink)
 * are numbers for display only: the process may have ended since.
 *
 * A header has the real uid and gid of the sender; SCM_CREDENTIALS and the quotas
 * use the real ids too. Rights go by the effective ids of the opener of the factory.
 * So a set-user-ID program sends as the user that runs it, and may open everything
 * that its owner may open.
 *
 * SENDING AND RECEIVING
 *
 * Messages are received in order of priority (higher first), and among equal
 * priorities in the order in which they were accepted. A mailbox accepts a message
 * when it has room for it (capacity in messages, optionally in bytes), or when a
 * receiver that wants it is waiting. Until then a send blocks, in that same order,
 * or, if told not to block, fails with EAGAIN. (Sends to a mailbox of MBOX_SPACE_MQ block
 * in the order of the scheduling priorities of their threads.) An accepted message is received
 * exactly once, or is still queued, or was dropped. An operation that drops messages
 * reports and counts them: a deletion, a purge (<linux/mbox_netlink.h>), the end of
 * the mailbox with its owner, its last handle or its namespace; with BROADCAST also
 * an overflow, or the closing of the handle of a delivery. A blocked send waits for
 * a receiver, which may be its own process: with one thread, a blocking send to
 * one's own full mailbox waits for ever. (The kernel finds such cycles only over
 * links, see EDEADLK.)
 *
 * A mailbox of capacity zero keeps nothing: a send meets a receive (rendezvous), and
 * returns when the message was received. MBOX_SEND_SYNC asks for the same at any
 * capacity. A full mailbox behaves as one of capacity zero. (A receiver may be killed
 * after it was given a message, or its buffer be taken away. Then the message is
 * accepted and queued, beyond the capacity if necessary, rather than lost.)
 *
 * A receive that fails leaves the message in its place: if the buffer is too
 * small (EMSGSIZE, and header.length has the size of the message), if it is not
 * writable (EFAULT), and if the receiver is killed before the message was copied.
 * Part of the buffer may have been written. A receiver that is killed after the copy
 * takes the message with it, even if its call had not returned.
 *
 * write() sends a message of priority 0 and type 0, read() receives the next
 * one. readv(), writev() and their relatives, io_uring and Linux AIO do the same: a
 * call is one message, over all of its segments. (A readv() or writev() without a byte
 * in any segment does not reach the mailbox, and returns 0: write() and io_uring send
 * empty messages.) A READ or WRITE of io_uring that would block keeps no thread: it
 * waits in poll(), also with O_NONBLOCK, and is made again when poll() reports it
 * ready. RWF_NOWAIT is O_NONBLOCK for a call. A READ or WRITE of Linux AIO blocks
 * io_submit(). Of a mailbox of MBOX_SPACE_MQ, read() yields a line of text about the
 * queue, as mq_overview(7) has it, and write() fails with EINVAL. splice() and
 * sendfile() fail with EINVAL. O_ASYNC has no effect. All handles share one inode with
 * other files that have no inode of their own: st_ino does not tell mailboxes apart (id
 * of struct mbox_info does), and flock() locks them all.
 *
 * poll() agrees with the calls, for the handle and the process that ask. It reports
 * EPOLLIN when a receive would find a message and be let in (EBUSY, EUSERS);
 * EPOLLOUT when the longest message that the mailbox takes (msg_size), sent with
 * priority 0, would find room or a receiver with a large enough buffer, the caller's
 * quota allows it, and it would be let in; EPOLLERR to senders once sends can only
 * fail; and EPOLLHUP when the mailbox is gone, and to receivers once nothing can come
 * any more (they can first receive the queued messages, and EPOLLIN is reported too).
 * With EPOLLET, EPOLLOUT is reported again only after it was not reported, or after a
 * send failed or blocked for lack of room or quota. If the quota is less than the
 * charge of the longest message, EPOLLOUT is never reported. If two users share a
 * handle and both have used up their quota, it is reported to one of them all the
 * same.
 *
 * NOBODY LEFT
 *
 * When no handle has the right to send and none can be opened, nothing can come: a
 * receive that finds nothing fails with EPIPE, and poll() reports EPOLLHUP. When no
 * handle has the right to receive and none can be opened, a send fails with EPIPE
 * (without a signal), and poll() reports EPOLLERR. Calls that are blocked then
 * return EPIPE at once; the message of a blocked synchronous send is withdrawn. No
 * handle can be opened on an anonymous mailbox or on one that lost its name, and none
 * for sending on one that drains. A handle with both rights counts for both, even if
 * its own caller is the one that waits. MBOX_IOC_SHUTDOWN gives up a right of a
 * handle without closing it. Calls on a mailbox of a front end wait all the same, as they
 * do in its interface. (For links and inboxes nobody is left when the peer has
 * ended: see below. The rules for messages apply to MBOX_IOC_WAIT on a ring too.)
 *
 * WHO RECEIVES
 *
 * If several receivers wait for the same message, the policy of the mailbox chooses:
 * FIFO takes the receiver that has waited longest; LIFO the one that has waited
 * shortest, whose caches are warm; RR (round-robin) the process that was served least
 * recently; PRIO the one with the highest scheduling priority, among equals the one
 * that has waited longest. With BROADCAST, each handle that was open for receiving
 * when a message was sent receives it once (a handle that is opened while the send is
 * blocked does not). The message is in memory once, and each handle has its own
 * cursor in the queue. Capacity counts for each handle, so the slowest one blocks the
 * senders, or, with MBOX_OPTION_OVERFLOW, loses its oldest message, which is counted.
 * A message that a receiver is copying at that moment is not lost, and does not block
 * senders either. A handle with an empty queue has room for any message. A send
 * returns the number of handles that it delivered to; after 0 the message is gone. A
 * message is accepted for all handles at once: until then no receive finds it.
 *
 * max_procs limits how many processes take part in a mailbox. A process joins when
 * it opens the mailbox with a right, or first sends or receives (with any result)
 * through a handle that it was given. It leaves when it ends, or when every handle
 * that it opened is closed. One more process gets EUSERS. With MBOX_OPTION_EXCLUSIVE
 * one process at a time may be in a receive (with any number of its threads): others
 * get EBUSY. A process whose receive is paused, see WAITING, is in it.
 *
 * DIRECT COMMUNICATION
 *
 * MBOX_IOC_LINK names a process, and returns a handle that sends to and receives
 * from that process only. Two processes share one link, independent of which of them
 * asks first, and it ends with either. (It also ends when neither has a handle on it
 * and no message is in it; the next MBOX_IOC_LINK makes a new one.) The peer need not
 * know of it: messages wait for it. MBOX_IOC_INBOX returns a handle that receives
 * from all links of the caller; the header names the sender, and a link to that
 * process answers. Each process has one inbox, and all of its links lead to it:
 * messages are received in the same order there as through the links. The messages
 * of one process do not block those of others. In each direction a link takes as many
 * messages as its capacity says, and as the inbox at its end says: the limit that
 * MBOX_IOC_SET gave the inbox counts for each of its links, so that a process can
 * bound the messages that strangers queue with it. An inbox belongs to the network
 * namespace that its process was in when it first took part, not to that of the
 * process that linked to it.
 *
 * Handles on links and inboxes serve the process that made them, and no other
 * (EUSERS): an inherited or passed handle is good for poll() and MBOX_IOC_GET only.
 * When the peer has ended, its messages can still be received; then receives, and
 * all sends, fail with EOWNERDEAD. A process may address another one if it may send
 * it a signal (see kill(2): a real or effective uid that is its real or saved one, or
 * CAP_KILL). If the other one gave its inbox a mode (MBOX_IOC_SET), the right to send
 * decides instead, as for a mailbox of its effective uid and gid, or CAP_IPC_OWNER in
 * its user namespace. Mode and capacity last as long as the inbox: until the process
 * has neither links nor a handle on it, and no message is in it. MBOX_IOC_LINK checks
 * all of that, and nothing checks it later; a process may always answer a process
 * that opened a handle on their link.
 *
 * If processes are blocked without a deadline in sends to or receives from one
 * another over links in a cycle, each of them with a single thread when its call
 * began, none of them can go on: the call that would close the cycle fails with
 * EDEADLK, and has sent or received nothing, if the cycle has up to
 * MBOX_CYCLE_MAX processes. The kernel does not find longer cycles. (Receives through
 * an inbox wait for anybody, and are in no cycle.)
 *
 * LEASES
 *
 * A receive with a lease (MBOX_IOC_LEASE) hides a message instead of taking it: until
 * the receiver acknowledges it (MBOX_IOC_ACK), it counts as queued, and nobody else
 * receives it. The lease has a token, which is valid until the message is given to
 * somebody else; a call with a token that is not valid fails with ESTALE and does
 * nothing else. The holder of a lease is the process that received, through its handle:
 * when the process ends, or the last descriptor of that open file is closed, the message
 * returns to its place in the queue, and the next receive finds it. exec() keeps a lease.
 * A lease has no deadline unless the receiver asks for one; its holder can extend it.
 * Any process with a handle for receiving may acknowledge a token that it knows, also after
 * the handle gave up that right.
 *
 * A message that was given out max_deliveries times and returns once more, one that a
 * holder rejects, and one that expires, is not received again: it goes to the
 * dead-letter mailbox, if the mailbox has one and there is room, else it is parked: it
 * stays queued, but only MBOX_IOC_KICK brings it back.
 *
 * A message that is leased, delayed (MBOX_IOC_POST) or parked counts in the capacity and
 * the quota like every queued message. PURGE drops all but leased ones. A mailbox that
 * drains waits for all of them. A mailbox that goes drops them; tokens are not valid
 * then. A synchronous send completes when its message is leased, one with
 * MBOX_POST_ACKED when it is acknowledged.
 *
 * CALLS
 *
 * A call (MBOX_IOC_CALL) sends a request and waits for the reply. The server receives
 * the request with a lease: its token is the address of the reply (MBOX_IOC_REPLY), and
 * acknowledging it is an empty reply. The caller pays for the request and for the room
 * that it offers for the reply. If the server ends, or closes its handle, without a
 * reply, the caller gets EOWNERDEAD at once; with MBOX_CALL_RETRY the request returns to
 * its place for the next server. A caller that gives up withdraws: a later reply gets
 * ESTALE. A signal ends a call that a server has begun with EINTR, also where calls are
 * restarted, so that no server does it twice. A receiver that takes a request without a
 * lease (RECV, RECVV, read()) cannot reply: the caller gets EPROTO.
 *
 * SHARED MEMORY
 *
 * A mailbox created with ring size is a ring: one producer and one consumer map
 * it and exchange messages without the kernel, see <linux/mbox_ring.h>. The
 * kernel puts them to sleep and wakes them (MBOX_IOC_WAIT, poll()), and notices
 * when a side ends. SEND, RECV, read() and write() fail on it with EOPNOTSUPP;
 * the functions of libmbox work.
 *
 * WAITING
 *
 * Every call that may block takes an absolute deadline in nanoseconds on a named clock,
 * or none. Clocks are those of the caller's time namespace. A deadline in the past is no
 * error: the call does everything that it can do at once (a synchronous send cannot
 * succeed, since its receiver has to run first). A call that is interrupted by a signal
 * was not carried out; it is restarted if the handler was installed with SA_RESTART,
 * else, and always with NORESTART, it fails with EINTR. A synchronous send that is
 * interrupted, or whose deadline passes, withdraws its message; if the message was
 * received, the send succeeds. (If some handles have received a BROADCAST when a signal
 * comes, it stays queued for the others, and the call returns how many have.) Only a
 * call that is about to sleep looks at signals: one whose message or room is there
 * completes.
 *
 * A thread that is paused (stopped, traced, frozen, or called away by io_uring)
 * leaves the call in which it is blocked, and makes it again when it goes on: no
 * handler runs, and the program does not notice. A receive keeps its turn, unless
 * another thread was paused after it in a receive through the same open file, and its
 * process keeps an exclusive mailbox, until the thread has made its call again, or
 * has slept in another call, or has run for 50 ms without. A blocked send goes behind
 * the others of its priority. A synchronous send whose message was not received sends
 * it again; a BROADCAST that some have received stays queued for the others, and the
 * call returns how many have.
 *
 * QUOTAS
 *
 * Every user (real uid) has a quota of mailboxes, charged to the creator until
 * the mailbox is gone, and of bytes, charged to the sender as long as the message
 * takes memory: until it is received or dropped, and no call copies from it any
 * more. A message of up to MBOX_SMALL_SIZE bytes is charged MBOX_SMALL_CHARGE
 * bytes, a larger one its allocation: its length and MBOX_LARGE_CHARGE, rounded up to
 * a power of two if that is at most MBOX_LARGE_ROUND, else to whole pages. Blocked
 * sends are charged too, and so is each delivery of a BROADCAST, as a small message,
 * beside the message itself. A send that the quota does not allow fails at once, with
 * any deadline.
 *
 * A user may have the first half of the quota of bytes queued in any mailbox. Of the
 * second half, an inbox or a mailbox of another creator takes at most as much from the
 * user as is left of the quota then: a receiver that does not receive takes at most
 * three quarters of the quota, a second one half of the rest, and so on. Messages of
 * other users in that mailbox do not count.
 *
 * Both quotas are module parameters. A caller with CAP_SYS_RESOURCE in the initial
 * user namespace bypasses them, if the opener of the handle or factory had it too.
 * All processes of a uid share its quotas, in all namespaces: containers without user
 * namespaces of their own have one quota for all their processes of uid 0.
 *
 * Queued messages are accounted to the memory cgroup of the sender too. At its limit
 * a send fails with ENOMEM, or the kernel kills a process of that cgroup: of the
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
 * E2BIG         the structure is larger than the kernel's, and not zero there
 * EACCES        the mode of the mailbox does not grant the right
 * EAGAIN        would block: nothing to receive, or no room and no receiver
 * EBADF         the handle does not have the right that the call needs
 * EBUSY         another process is in a receive of an exclusive mailbox; the side of
 *               a ring is taken; a process is registered for a notice
 * ECANCELED     the message of a synchronous send was purged before anybody
 *               received it, or went to the dead-letter mailbox; the sender of a leased
 *               message has withdrawn it; a registration for a notice was given up
 * EDEADLK       the call would wait for a process that waits for the caller
 * EDQUOT        the user's quota of mailboxes or bytes is used up, or the mailbox's
 *               share of it
 * EEXIST        the name is taken
 * EFAULT        an address is not readable or not writable
 * EIDRM         the mailbox was deleted, or its namespace is gone
 * EINTR         a signal came first; nothing was sent or received
 * EINVAL        an unknown flag, an unknown value, padding that is not zero, or a
 *               structure that is too small
 * ELOOP         the dead-letter mailbox has a dead-letter mailbox itself
 * EMFILE        the process has too many open files
 * EMSGSIZE      send: longer than the mailbox takes; receive: buffer too small
 * ENFILE        the system has too many open files
 * ENOENT        no mailbox of that name
 * ENOMEM        no memory
 * ENOTEMPTY     the deletion would lose queued messages
 * ENOTTY        unknown call, or not a call of this kind of file
 * EOPNOTSUPP    not on a mailbox of this kind
 * EOWNERDEAD    the process that owned the mailbox, link or side of a ring has ended,
 *               or the process that a receive waits for has; the server of a call has,
 *               or has closed its handle
 * EPERM         only the owner may do this; the caller may not address the process, or
 *               may not give the mailbox to that user, group or process
 * EPIPE         nobody is left to receive the message, or to send one
 * EPROTO        the receiver took the request of a call without a lease
 * EREMOTEIO     the server rejected the call
 * ESHUTDOWN     this handle gave up the right that the call needs
 * ESRCH         no process of that id, or one with another start time
 * ESTALE        the token is not valid: the message was acknowledged, given to somebody
 *               else, withdrawn, or dropped
 * ETIMEDOUT     the deadline passed; nothing was sent or received
 * EUSERS        too many processes take part, too many handles receive
 *               (MBOX_RECEIVERS_MAX), or too many calls wait that each message has to
 *               check one by one (MBOX_WAITERS_MAX); the handle is on a link or inbox
 *               of another process
 */
#ifndef _UAPI_LINUX_MBOX_H
#define _UAPI_LINUX_MBOX_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Version of this interface; grows when something is added. */
#define MBOX_ABI_VERSION	1

/* Bytes of a name, with the NUL at its end. */
#define MBOX_NAME_SIZE		64

/* Bytes of the longest label, and of an array for it, with NULs to the end. */
#define MBOX_LABEL_MAX		255U
#define MBOX_LABEL_SIZE		256

/* The space of a label: the interface that a front end serves. */
#define MBOX_SPACE_NONE		0U	/* no front end: the mailbox has a name, or none */
#define MBOX_SPACE_MQ		1U	/* mq_overview(7): the name without its first '/' */
#define MBOX_SPACE_SYSV		2U	/* sysvipc(7): the key in 8 hexadecimal digits */
#define MBOX_SPACE_MAX		2U	/* the highest that this header has */

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

/* The charge of a message to the quota of bytes, in bytes: see QUOTAS above. */
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

/* Policy of a mailbox: chooses among several waiting receivers. */
#define MBOX_POLICY_FIFO	0U	/* the receiver that has waited longest */
#define MBOX_POLICY_LIFO	1U	/* the receiver that has waited shortest */
#define MBOX_POLICY_RR		2U	/* the process that was served least recently */
#define MBOX_POLICY_PRIO	3U	/* by scheduling priority, then FIFO */
#define MBOX_POLICY_BROADCAST	4U	/* each handle that is open for receiving */
#define MBOX_POLICY_MAX		4U	/* the highest that this header has */

/* Options of a mailbox. */
#define MBOX_OPTION_EXCLUSIVE	(1U << 0) /* one process in receive at a time */
#define MBOX_OPTION_OVERFLOW	(1U << 1) /* BROADCAST: slow handles lose messages */
#define MBOX_OPTION_GROW	(1U << 2) /* ring: memory only while it is used */
#define MBOX_OPTION_TRACK	(1U << 3) /* GET tells the last sender and receiver */

/*
 * Most blocked receives that each message has to check one by one: receives with a
 * min_prio, NOT_TYPE or MAX_TYPE, receives BY_SENDER with pid 0, all receives of a
 * mailbox of policy RR or PRIO, and all of one handle on a mailbox of policy BROADCAST.
 * Any number of other receives may be blocked. Also the most threads blocked on one side
 * of a ring.
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
#define MBOX_OPEN_BY_ID		(1U << 3)  /* by its id, in place of a name */

/**
 * struct mbox_ioc_open - argument of MBOX_IOC_CREATE and MBOX_IOC_OPEN
 * @flags:	in, MBOX_OPEN_*. CREATE takes MBOX_OPEN_NONBLOCK and, for an anonymous
 *		mailbox, BY_ID: it can be opened by its id, and may be of lifetime OS. OPEN
 *		takes BY_ID without CREATE.
 * @rights:	in, MBOX_RIGHT_* wanted of the handle. A handle without rights, for
 *		GET, SET, HANDOVER and DELETE, is given to the owner and to a
 *		caller that the mode grants some right.
 * @name:	in, the name, then NULs to the end. Empty: CREATE makes an
 *		anonymous mailbox (without BY_ID not of lifetime OS), OPEN fails with EINVAL
 *		unless it has a label or BY_ID.
 * @mode:	in, of a new mailbox: permission bits out of 0666, less the umask
 * @lifetime:	in, of a new mailbox: MBOX_LIFETIME_*
 * @capacity:	in, of a new mailbox: messages, see MBOX_CAPACITY_*
 * @msg_size:	in, of a new mailbox: longest message in bytes, up to the module
 *		parameter max_msg_size; 0 means MBOX_MSG_SIZE_DEFAULT (or the
 *		parameter, if that is less)
 * @bytes:	in, of a new mailbox: most bytes of payload queued; 0 means no
 *		such limit, else at least @msg_size
 * @policy:	in, of a new mailbox: MBOX_POLICY_*. BROADCAST needs a capacity
 *		other than zero, and takes MBOX_RECEIVERS_MAX handles open for
 *		receiving: one more gets EUSERS.
 * @max_procs:	in, of a new mailbox: processes that may take part, 1 to
 *		MBOX_PROCS_MAX; 0 means any number
 * @options:	in, of a new mailbox: MBOX_OPTION_*. EXCLUSIVE excludes
 *		BROADCAST, OVERFLOW goes with BROADCAST, GROW with a ring, TRACK with any
 *		other mailbox: receives of it go a slower way.
 * @pad:	in, 0
 * @ring:	in, of a new mailbox: bytes of a ring, a power of two from the
 *		larger of MBOX_RING_MIN and the page size to MBOX_RING_MAX; 0
 *		means that it is no ring. The creator's quota of bytes is charged
 *		with all of it; with GROW (which takes two pages at least) with the
 *		memory that the ring holds, and two pages: see MBOX_WAIT_GROW.
 *		A ring has FIFO policy, neither EXCLUSIVE nor @max_procs, and
 *		@capacity and @bytes 0; for its @msg_size see
 *		<linux/mbox_ring.h>.
 * @dead_letter: in, of a new mailbox: id of its dead-letter mailbox, as MBOX_IOC_GET
 *		reports it, in the same namespace; 0: none. The factory's opener needs the
 *		right to send to it. It has one queue (no BROADCAST, no ring), and no
 *		dead-letter mailbox itself: ELOOP.
 * @max_deliveries: in, of a new mailbox: times that a message is given out under a lease
 *		before it goes to the dead-letter mailbox or is parked; 0: any number
 * @pad2:	in, 0
 * @label:	in, address of the label; ignored if @label_size is 0
 * @label_size:	in, bytes of the label, without a NUL, up to MBOX_LABEL_MAX. 0: CREATE
 *		makes an anonymous mailbox if @name is empty, too.
 * @space:	in, MBOX_SPACE_*: of the label, or of the anonymous mailbox of a front
 *		end. With another than MBOX_SPACE_NONE @name has to be empty; with that,
 *		@label_size has to be 0. OPEN by id: MBOX_SPACE_NONE for any mailbox.
 * @id:		in, OPEN with BY_ID: id of the mailbox, as GET reports it; of a space its low
 *		31 bits. CREATE in MBOX_SPACE_SYSV: its low 31 bits are to be those of the new
 *		mailbox, unless another mailbox of the space has them; 0: any. Needs
 *		CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN in the initial user namespace (EPERM).
 *		Else 0.
 *
 * CREATE makes a mailbox and opens it; OPEN opens one that exists or, with
 * MBOX_OPEN_CREATE, makes it if it is missing. The creator's rights are not checked
 * against @mode. Owner and group of a new mailbox are the effective uid and gid of
 * the factory's opener. Without MBOX_OPEN_CREATE, OPEN needs zero in the fields of a
 * new mailbox; with it they have to be valid, and are ignored if the mailbox exists.
 *
 * Return: the handle, a file descriptor of at least 0; the caller closes it.
 * EACCES, EBUSY (the side of the ring is taken), EDQUOT, EEXIST, EFAULT,
 * EIDRM (the factory's namespace is gone; @rights has SEND, and the mailbox drains),
 * EINTR, EINVAL, ELOOP, EMFILE, ENFILE, ENOENT (also for @dead_letter), ENOMEM,
 * EOPNOTSUPP (@dead_letter is of another kind), EPERM, EUSERS.
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
	__aligned_u64	dead_letter;
	__u32	max_deliveries;
	__u32	pad2;
	__aligned_u64	label;
	__u32	label_size;
	__u32	space;
	__aligned_u64	id;
};

/**
 * struct mbox_ioc_next - argument of MBOX_IOC_NEXT
 * @flags:	in, 0
 * @space:	in, MBOX_SPACE_* of the mailboxes wanted; MBOX_SPACE_NONE for any
 * @id:		in, any number. Out: the next id above it
 *
 * Walks through the mailboxes that can be opened by their id, and that the factory's
 * opener may open without rights; in MBOX_SPACE_MQ through those that it may not open,
 * too, for all count against the limit of queues. Netlink has more about each, and links
 * and inboxes.
 *
 * Return: 0. EFAULT, EINTR, EINVAL, ENOENT (there are no more).
 */
struct mbox_ioc_next {
	__u32	flags;
	__u32	space;
	__aligned_u64	id;
};

/**
 * struct mbox_ioc_link - argument of MBOX_IOC_LINK
 * @flags:	in, 0 or MBOX_OPEN_NONBLOCK
 * @pid:	in, a process (not a thread) in the caller's pid namespace, but not
 *		the caller
 * @capacity:	in, of a new link, in each direction: messages, see MBOX_CAPACITY_*
 * @msg_size:	in, of a new link: longest message in bytes, as of a new mailbox
 * @start:	in, start time of the process, see IDENTITY; 0: the process that
 *		has the number @pid now
 *
 * Opens the link between the caller and the process, and makes it if it is missing;
 * if it exists, @capacity and @msg_size have to be valid, and are ignored. New
 * inboxes that a link needs count as mailboxes of the caller's quota, until their
 * process ends, or has neither links nor handles nor messages. The handle has both
 * rights.
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
 * Opens the caller's inbox.
 *
 * Return: a handle with the right to receive. EDQUOT, EFAULT,
 * EINVAL, EMFILE, ENFILE, ENOMEM.
 */
struct mbox_ioc_inbox {
	__u32	flags;
	__u32	pad;
};

/* struct mbox_ioc_delete, how */
#define MBOX_DELETE_EMPTY	0U /* only if no message is queued, else ENOTEMPTY */
#define MBOX_DELETE_DRAIN	1U /* sends fail; gone once it is empty */
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
 * Deletes a mailbox: on a factory by name, on a handle the handle's own. For the
 * owner, or with CAP_IPC_OWNER, see RIGHTS; the handle needs no right. EMPTY deletes
 * it only if no message is queued. FORCE deletes it now, and drops queued messages.
 *
 * DRAIN ends the sending: sends fail, and blocked sends that are not accepted yet
 * return EIDRM. Queued messages can be received, and the mailbox goes with the last
 * of them. Until then the name can be opened to receive, or without rights, but not
 * to send: EIDRM. A new mailbox may be created under the name (also by
 * MBOX_OPEN_CREATE with the right to send) if a handle is open to receive the
 * messages: then the draining mailbox loses its name. Without such a handle
 * creating fails with EEXIST (EIDRM with MBOX_OPEN_CREATE). DRAIN of a mailbox
 * without a name fails with ENOTEMPTY if messages are queued and no handle is open
 * to receive them; if the last such handle is closed later, the messages are
 * dropped. A draining mailbox may be deleted again in another way: UNLINK takes its
 * name.
 *
 * UNLINK takes the name now (ENOENT if the mailbox is of MBOX_SPACE_MQ, and has lost its
 * label before); the mailbox goes when its last handle is closed. It
 * drops queued messages if there is no handle at all or, on a draining mailbox, none
 * to receive. When a mailbox goes, every call that is blocked on it returns EIDRM at
 * once.
 *
 * The kernel does not know how many messages a ring holds: a ring with data counts
 * as one message, and its DRAIN fails with EOPNOTSUPP.
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
#define MBOX_SEND_NONBLOCK	(1U << 0)  /* EAGAIN instead of blocking */
#define MBOX_SEND_SYNC		(1U << 1)  /* return when the message was received */
#define MBOX_SEND_NORESTART	(1U << 2)  /* EINTR after a handler, with SA_RESTART too */

/**
 * struct mbox_ioc_send - argument of MBOX_IOC_SEND
 * @flags:	in, MBOX_SEND_*. SYNC and NONBLOCK (or O_NONBLOCK) exclude each
 *		other: EINVAL.
 * @prio:	in, 0 to MBOX_PRIO_MAX, higher is received first
 * @type:	in, any number; receivers may select by it. SENDV, POST and CALL take
 *		types of 64 bits
 * @clock:	in, MBOX_CLOCK_* of @deadline
 * @deadline:	in, nanoseconds, 0 or more, on @clock
 * @data:	in, address of the payload; ignored if @size is 0
 * @size:	in, bytes of payload, 0 to the mailbox's msg_size
 *
 * Sends one message. A send that waits for its receiver (MBOX_SEND_SYNC, or capacity
 * zero without NONBLOCK) returns the process id of the receiver in the caller's pid
 * namespace, or 0 if it is not there (a number only, see IDENTITY: the receiver may
 * have ended by now). With BROADCAST a send returns the number of handles that it
 * delivered to or, with MBOX_SEND_SYNC, that received the message: if the deadline
 * passes, the message is withdrawn from the others; if a signal comes, it stays
 * queued for them; the call fails only if nobody has received it by then. All other
 * sends return 0.
 *
 * Return: as above. EAGAIN, EBADF,
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
 * struct mbox_header - the header of a message
 * @length:	bytes of payload
 * @seq:	number of the message in its mailbox, from 1, in the order in which
 *		messages were accepted; 0 for a peek at the message of a blocked
 *		send, which is not accepted yet. Also in, with MBOX_RECV_AT, else ignored.
 * @time:	time of sending: nanoseconds of CLOCK_REALTIME_COARSE
 * @prio:	its priority
 * @type:	its type, the low 32 bits
 * @pid:	process id of the sender in the receiver's pid namespace, 0 if it is
 *		not there
 * @uid:	real user id of the sender in the receiver's user namespace, the
 *		overflow uid (65534) if it is not there
 * @gid:	real group id, likewise
 * @type_hi:	the high 32 bits of its type
 * @start:	out, start time of the sender, see IDENTITY. Also in, with
 *		MBOX_RECV_BY_START, else ignored.
 *
 * @pid, @uid and @gid belong to the process that made the call, at that time, not to
 * the opener of the handle: a privileged program that is made to write to a handle,
 * as its standard output, is the sender. @uid and @gid are the real ones; rights to a
 * mailbox go by the effective ones. An answer names @pid and @start.
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
	__u32	type_hi;
	__aligned_u64	start;
};

/* struct mbox_ioc_recv, flags */
#define MBOX_RECV_NONBLOCK	(1U << 0)  /* EAGAIN instead of blocking */
#define MBOX_RECV_PEEK		(1U << 1)  /* leave the message queued */
#define MBOX_RECV_BY_TYPE	(1U << 2)  /* only messages of type @type */
#define MBOX_RECV_BY_SENDER	(1U << 3)  /* only messages sent by process @pid */
#define MBOX_RECV_BY_START	(1U << 4)  /* and only if it started at @header.start */
#define MBOX_RECV_NOT_TYPE	(1U << 5)  /* only messages of other types than @type */
#define MBOX_RECV_MAX_TYPE	(1U << 6)  /* of types up to @type, those of the lowest */
#define MBOX_RECV_TRUNC		(1U << 7)  /* cut a message that is too long for the buffer */
#define MBOX_RECV_AT		(1U << 9)  /* with PEEK: the message at a position */
#define MBOX_RECV_NORESTART	(1U << 10) /* EINTR after a handler, with SA_RESTART too */
#define MBOX_RECV_LONGEST	(1U << 11) /* EMSGSIZE unless the longest message would fit */

/**
 * struct mbox_ioc_recv - argument of MBOX_IOC_RECV
 * @flags:	in, MBOX_RECV_*
 * @clock:	in, MBOX_CLOCK_* of @deadline
 * @deadline:	in, nanoseconds, 0 or more, on @clock
 * @data:	in, address of the buffer; @header.length bytes of it are written
 * @size:	in, size of the buffer in bytes; more than any message is no error
 * @type:	in, with MBOX_RECV_BY_TYPE, NOT_TYPE or MAX_TYPE, of which there is one at
 *		most, else 0: the low 32 bits
 * @pid:	in, with MBOX_RECV_BY_SENDER: a process id in the caller's pid
 *		namespace, 0 for senders that are not there; else 0
 * @min_prio:	in, receive messages of at least this priority, 0 to MBOX_PRIO_MAX
 * @type_hi:	in, as @type: the high 32 bits
 * @header:	out, also with EMSGSIZE; its start also in, see MBOX_RECV_BY_START, and its seq
 *		with MBOX_RECV_AT: a position, from 0
 *
 * Receives the first message (in the mailbox's order) that passes all filters. If
 * there is none the call waits, even if other messages are queued. Part of the buffer
 * may have been written when the call fails with EFAULT. While a call with a buffer of
 * 64 KiB or more waits, senders may write to any part of the buffer; so after it has
 * waited, the buffer beyond the message, and all of it if the call failed, is undefined.
 *
 * BY_SENDER alone goes by the number: it finds messages of every process that had
 * the number, and waits for every process that may get it. BY_START, together with
 * BY_SENDER and a @pid other than 0, goes by identity. Once that process has ended
 * and none of its messages is queued, the receive fails with EOWNERDEAD, even while
 * it is blocked. A receive that names a process that never existed fails in the same
 * way: the kernel does not remember processes that ended.
 *
 * With TRUNC a message that is too long for the buffer is received all the same: its first
 * @size bytes are written, the others are lost, and @header.length has its whole length.
 *
 * With LONGEST the buffer has to have the size of the longest message that the mailbox takes
 * (msg_size), whatever is queued: else the call fails with EMSGSIZE, and writes no header.
 *
 * MAX_TYPE finds, of all queued messages that pass the other filters and have a type up to
 * @type, the first one of the lowest type: it looks at all of them. If other receives take
 * its find, or senders withdraw it, again and again, it takes the lowest message that it has
 * seen. A blocked receive with it takes the first message that comes and passes. It fails
 * with EOPNOTSUPP on links and inboxes.
 *
 * With AT, which goes with PEEK and without MAX_TYPE, the call finds the message that as many
 * others come before as @header.seq says. Only queued messages that pass the filters
 * count: not those of blocked sends, nor those that are leased, delayed, parked or being
 * received. Messages that come or go while it searches are counted as they come and go.
 * The call never waits: EAGAIN if there are not so many messages. It fails with EOPNOTSUPP
 * on an inbox.
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
	__u32	type_hi;
	struct mbox_header header;
};

/* Most messages of a batch. */
#define MBOX_BATCH_MAX		1024U

/**
 * struct mbox_send_entry - a message of MBOX_IOC_SENDV
 * @flags:	in, 0
 * @prio:	in, as of struct mbox_ioc_send
 * @type:	in, likewise
 * @type_hi:	in, the high 32 bits of the type
 * @data:	in, likewise
 * @size:	in, likewise
 */
struct mbox_send_entry {
	__u32	flags;
	__u32	prio;
	__u32	type;
	__u32	type_hi;
	__aligned_u64	data;
	__aligned_u64	size;
};

/**
 * struct mbox_ioc_sendv - argument of MBOX_IOC_SENDV
 * @flags:	in, MBOX_SEND_NONBLOCK, MBOX_SEND_NORESTART
 * @clock:	in, MBOX_CLOCK_* of @deadline
 * @deadline:	in, nanoseconds, 0 or more, on @clock: of the whole call
 * @entries:	in, address of the array of struct mbox_send_entry
 * @count:	in, entries of the array, 1 to MBOX_BATCH_MAX
 * @entry_size:	in, bytes from one entry to the next: sizeof(struct mbox_send_entry)
 *
 * Sends the messages of the array in order, as if by one MBOX_IOC_SEND each, and stops
 * at the first that fails. A message that has to wait for room, or at capacity zero for
 * its receiver, waits; then the call goes on. So a call that may block sends all of
 * them, unless there is an error, the deadline passes or a signal comes. The kernel
 * reads each entry when its turn comes, and only then notices an error in it. If any
 * message was sent, the call returns their number, with any end; sending the next
 * one again tells why.
 *
 * Messages of one call are accepted in the order of the array, but messages of others
 * may come between. A call does not overtake senders that already wait. No synchronous
 * send is possible in a batch: MBOX_SEND_SYNC is EINVAL.
 *
 * Return: the number of messages that were sent, at least 1. E2BIG, EAGAIN, EBADF,
 * EDEADLK, EDQUOT, EFAULT, EIDRM, EINTR, EINVAL, EMSGSIZE, ENFILE, ENOMEM,
 * EOPNOTSUPP (a ring), EOWNERDEAD, EPIPE, ESHUTDOWN, ETIMEDOUT, EUSERS.
 */
struct mbox_ioc_sendv {
	__u32	flags;
	__u32	clock;
	__s64	deadline __attribute__((aligned(8)));
	__aligned_u64	entries;
	__u32	count;
	__u32	entry_size;
};

/**
 * struct mbox_recv_entry - a buffer of MBOX_IOC_RECVV
 * @flags:	in, 0
 * @pad:	in, 0
 * @data:	in, as of struct mbox_ioc_recv
 * @size:	in, likewise
 * @header:	out, likewise, also if the message does not fit
 */
struct mbox_recv_entry {
	__u32	flags;
	__u32	pad;
	__aligned_u64	data;
	__aligned_u64	size;
	struct mbox_header header;
};

/**
 * struct mbox_ioc_recvv - argument of MBOX_IOC_RECVV
 * @flags:	in, MBOX_RECV_* but MBOX_RECV_PEEK, MBOX_RECV_TRUNC, MBOX_RECV_AT and
 *		MBOX_RECV_LONGEST
 * @clock:	in, MBOX_CLOCK_* of @deadline
 * @deadline:	in, nanoseconds, 0 or more, on @clock: of the whole call
 * @entries:	in, address of the array of struct mbox_recv_entry
 * @count:	in, entries of the array, 1 to MBOX_BATCH_MAX
 * @entry_size:	in, bytes from one entry to the next: sizeof(struct mbox_recv_entry)
 * @min:	in, the low-water mark: messages to wait for, up to @count; 0 is as 1
 * @type:	in, with MBOX_RECV_BY_TYPE, else 0
 * @pid:	in, with MBOX_RECV_BY_SENDER, else 0
 * @min_prio:	in, as of struct mbox_ioc_recv
 * @start:	in, with MBOX_RECV_BY_START, else 0: start time of process @pid
 * @type_hi:	in, as of struct mbox_ioc_recv
 * @pad:	in, 0
 *
 * Receives messages in order, as if by one MBOX_IOC_RECV with these filters for each
 * entry, and stops at the first that fails. As long as fewer than @min were received,
 * a receive that finds no message waits for the next one; from then on the call takes
 * the messages that are there, waits no more, and ends when it finds none or the array
 * is full. So with @min 0 or 1 it waits for the first message only. With a larger @min
 * it takes each message as it comes: other receivers do not find those that the call
 * has received while it waits for more. If the deadline passes or a signal comes
 * meanwhile, the call returns with fewer than @min. A call that may not block never
 * waits, with any @min.
 *
 * If any message was received, the call returns their number, with any end: they
 * are in the first entries. Of the other entries, only the one that failed may have been
 * written: its buffer in part, or its header if the message does not fit. Making the
 * call again tells why it failed. With EMSGSIZE the first entry has the header. A
 * mailbox with MBOX_OPTION_EXCLUSIVE is the caller's until the call returns.
 *
 * Return: the number of messages that were received, at least 1. E2BIG, EAGAIN, EBADF,
 * EBUSY, EDEADLK, EFAULT, EIDRM, EINTR, EINVAL, EMSGSIZE, ENOMEM, EOPNOTSUPP (a
 * ring), EOWNERDEAD, EPIPE, ESHUTDOWN, ETIMEDOUT, EUSERS.
 */
struct mbox_ioc_recvv {
	__u32	flags;
	__u32	clock;
	__s64	deadline __attribute__((aligned(8)));
	__aligned_u64	entries;
	__u32	count;
	__u32	entry_size;
	__u32	min;
	__u32	type;
	__u32	pid;
	__u32	min_prio;
	__aligned_u64	start;
	__u32	type_hi;
	__u32	pad;
};

/* struct mbox_ioc_mode, flags; also MBOX_RECV_BY_*, NOT_TYPE, MAX_TYPE */
#define MBOX_MODE_HEADER	(1U << 8)  /* read() yields the header, too */

/**
 * struct mbox_ioc_mode - argument of MBOX_IOC_MODE
 * @flags:	in, MBOX_MODE_HEADER, MBOX_RECV_BY_*, MBOX_RECV_NOT_TYPE, MBOX_RECV_MAX_TYPE
 * @header_size: in, with HEADER: sizeof(struct mbox_header), else 0
 * @type:	in, with MBOX_RECV_BY_TYPE, else 0
 * @pid:	in, with MBOX_RECV_BY_SENDER, else 0; as of struct mbox_ioc_recv
 * @min_prio:	in, likewise
 * @type_hi:	in, likewise
 * @start:	in, with MBOX_RECV_BY_START, else 0: start time of process @pid
 *
 * Sets how this handle receives, for all processes that have it. It takes the place of
 * the mode that was set before; all zero is the mode of a new handle. Calls that are
 * blocked go on as they began.
 *
 * With HEADER, a read() yields a struct mbox_header and then the payload, and returns
 * the size of both: never 0, so that an empty message does not look like an end. So do
 * readv(), io_uring and Linux AIO; with READ_MULTISHOT each buffer has its header. A
 * buffer that is smaller than the header is EINVAL. If header and payload do not fit,
 * the header is written, the message stays queued, and the call fails with EMSGSIZE.
 * All other calls that receive have a header anyway, and do not change.
 *
 * With a filter (MBOX_RECV_BY_*, NOT_TYPE, MAX_TYPE, @min_prio) the handle is for these
 * messages: EPOLLIN says that one of them is there, and read(), and each other call that
 * receives without a filter of its own, receives the first of them. A call with a filter
 * of its own goes by that alone. With MBOX_RECV_BY_START, poll() reports EPOLLHUP once
 * that process has ended and none of its messages is queued; receives fail with
 * EOWNERDEAD then. All other handles, and the rules of a BROADCAST, do not change: a
 * message that no handle asks for stays queued, and takes room.
 *
 * A poll() with a filter searches the queue as a receive does. It takes time by the
 * messages that it passes, and the pollers of a mailbox look at each message that comes.
 *
 * Return: 0. E2BIG (also if @header_size is larger than the kernel's), EBADF, EFAULT,
 * EINVAL, ENOMEM, EOPNOTSUPP (a ring; BY_SENDER on a link), ESHUTDOWN, EUSERS (the
 * handle is on a link or inbox of another process).
 */
struct mbox_ioc_mode {
	__u32	flags;
	__u32	header_size;
	__u32	type;
	__u32	pid;
	__u32	min_prio;
	__u32	type_hi;
	__aligned_u64	start;
};

/* struct mbox_delivery, flags */
#define MBOX_DELIVERY_CALL	(1U << 0)  /* a request: a reply is expected */
#define MBOX_DELIVERY_AGAIN	(1U << 1)  /* it was given out before */

/* struct mbox_delivery, reason: why a message went to the dead-letter mailbox. */
#define MBOX_REASON_NONE	0U	/* it is no dead letter */
#define MBOX_REASON_DELIVERIES	1U	/* it was given out max_deliveries times */
#define MBOX_REASON_REJECTED	2U	/* a holder rejected it */
#define MBOX_REASON_EXPIRED	3U	/* its time was over before it was received */

/**
 * struct mbox_delivery - the lease of a message, and how it came
 * @token:	of the lease; 0: there is none
 * @flags:	MBOX_DELIVERY_*
 * @deliveries:	times that the message was given out under a lease by this mailbox, this
 *		one included
 * @reason:	MBOX_REASON_*
 * @code:	with MBOX_REASON_REJECTED: the code of the holder that rejected it
 * @room:	of a request: most bytes of the reply
 * @left:	of a request: nanoseconds until the caller gives up, 0 or more; -1: it has
 *		no deadline
 * @origin:	of a message from a dead-letter mailbox: id of the mailbox to which it was
 *		sent, else 0
 * @origin_seq:	likewise: its number there
 * @origin_deliveries: likewise: its deliveries there
 * @pad:	0
 */
struct mbox_delivery {
	__aligned_u64	token;
	__u32	flags;
	__u32	deliveries;
	__u32	reason;
	__u32	code;
	__aligned_u64	room;
	__s64	left __attribute__((aligned(8)));
	__aligned_u64	origin;
	__aligned_u64	origin_seq;
	__u32	origin_deliveries;
	__u32	pad;
};

/* struct mbox_ioc_lease, flags */
#define MBOX_LEASE_HANDLE	(1U << 0)  /* the lease is the open file's, not the process' */

/**
 * struct mbox_ioc_lease - argument of MBOX_IOC_LEASE
 * @recv:	in and out, as of MBOX_IOC_RECV, without MBOX_RECV_PEEK
 * @flags:	in, MBOX_LEASE_*
 * @clock:	in, MBOX_CLOCK_MONOTONIC or MBOX_CLOCK_BOOTTIME, on which @time counts, or
 *		MBOX_CLOCK_NONE
 * @time:	in, nanoseconds, more than 0, after which the lease ends by itself; 0 with
 *		MBOX_CLOCK_NONE: it does not
 * @ack:	in, a token to acknowledge first; 0: none. Out: 0 once that was done, also
 *		if the call fails then.
 * @delivery:	out, see struct mbox_delivery
 *
 * Acknowledges @ack as MBOX_IOC_ACK does, then receives a message as MBOX_IOC_RECV
 * does, and leases it to the caller: see LEASES. If @ack fails, the call fails with that
 * error and does nothing else. With MBOX_LEASE_HANDLE the lease ends with the open file
 * only: for a parent whose children do the work.
 *
 * Between three quarters of @time and its end poll() of the handle reports EPOLLPRI, and
 * listeners get MBOX_EVENT_LEASE_ENDING (<linux/mbox_netlink.h>).
 *
 * Return: 0. As MBOX_IOC_RECV, and ECANCELED, ESTALE; EOPNOTSUPP also for BROADCAST.
 */
struct mbox_ioc_lease {
	struct mbox_ioc_recv recv;
	__u32	flags;
	__u32	clock;
	__aligned_u64	time;
	__aligned_u64	ack;
	struct mbox_delivery delivery;
};

/**
 * struct mbox_ack_entry - a token of MBOX_IOC_ACK
 * @token:	in, of a lease
 * @result:	out, 0 or a negative errno: -ESTALE, -ECANCELED, -EINVAL
 * @pad:	in, 0
 */
struct mbox_ack_entry {
	__aligned_u64	token;
	__s32	result;
	__u32	pad;
};

/**
 * struct mbox_ioc_ack - argument of MBOX_IOC_ACK
 * @flags:	in, 0
 * @count:	in, entries of the array, 1 to MBOX_BATCH_MAX
 * @entries:	in, address of an array of struct mbox_ack_entry
 *
 * Acknowledges leased messages: each counts as received, and is gone. The entries are
 * independent of one another: the result of each says whether it was acknowledged. To
 * acknowledge a request is to reply without data. The handle needs the right to receive.
 *
 * Return: the number of entries that succeeded. EBADF, EFAULT (entries before the one
 * that is not accessible were acknowledged), EIDRM, EINVAL, EOPNOTSUPP, EOWNERDEAD.
 */
struct mbox_ioc_ack {
	__u32	flags;
	__u32	count;
	__aligned_u64	entries;
};

/* struct mbox_ioc_nack, how */
#define MBOX_NACK_RELEASE	0U	/* as if it had not been given out: not counted */
#define MBOX_NACK_RETRY		1U	/* it failed: try again, after @delay */
#define MBOX_NACK_REJECT	2U	/* never again, for the reason in @code */

/**
 * struct mbox_ioc_nack - argument of MBOX_IOC_NACK
 * @flags:	in, 0
 * @how:	in, MBOX_NACK_*
 * @token:	in, of a lease
 * @delay:	in, with RETRY, else 0: nanoseconds of CLOCK_MONOTONIC before which
 *		nobody receives the message
 * @code:	in, with REJECT, else 0: any number, for the reader of the dead letter, or
 *		for the caller
 * @pad:	in, 0
 *
 * Gives a leased message back. It returns to its place, or goes to the dead-letter
 * mailbox or is parked: see LEASES. REJECT of a request ends the call: the caller gets
 * EREMOTEIO and @code. The handle needs the right to receive.
 *
 * Return: 0. EBADF, ECANCELED, EFAULT, EIDRM, EINVAL, EOPNOTSUPP, EOWNERDEAD, ESTALE.
 */
struct mbox_ioc_nack {
	__u32	flags;
	__u32	how;
	__aligned_u64	token;
	__aligned_u64	delay;
	__u32	code;
	__u32	pad;
};

/**
 * struct mbox_ioc_extend - argument of MBOX_IOC_EXTEND
 * @flags:	in, 0 or MBOX_LEASE_HANDLE
 * @clock:	in, as of MBOX_IOC_LEASE
 * @token:	in, of a lease
 * @time:	in, as of MBOX_IOC_LEASE: nanoseconds from now
 *
 * Gives a lease another end, or none, and makes the caller, through this handle, its
 * holder. A lease whose time is over can be extended as long as the message was not given
 * to somebody else: then it is leased again. The handle needs the right to receive.
 *
 * Return: 0. EBADF, ECANCELED, EFAULT, EIDRM, EINVAL, ENOMEM, EOPNOTSUPP, EOWNERDEAD,
 * ESTALE.
 */
struct mbox_ioc_extend {
	__u32	flags;
	__u32	clock;
	__aligned_u64	token;
	__aligned_u64	time;
};

/* struct mbox_ioc_post, flags */
#define MBOX_POST_MARK		(1U << 0)  /* @mark is set */
#define MBOX_POST_NOT_BEFORE	(1U << 1)  /* @not_before is set */
#define MBOX_POST_EXPIRES	(1U << 2)  /* @expires is set */
#define MBOX_POST_ACKED		(1U << 3)  /* wait until it is acknowledged */

/**
 * struct mbox_ioc_post - argument of MBOX_IOC_POST
 * @send:	in, as of MBOX_IOC_SEND
 * @flags:	in, MBOX_POST_*. Without any, the call is a SEND.
 * @clock:	in, with NOT_BEFORE or EXPIRES: MBOX_CLOCK_MONOTONIC or
 *		MBOX_CLOCK_BOOTTIME, else 0
 * @mark:	in, with MARK, else 0: any number. The mailbox keeps the last in the same
 *		moment in which it accepts the message: see @mark of struct mbox_info. So
 *		a program that copies messages here, and dies, knows how far it came.
 * @not_before:	in, with NOT_BEFORE, else 0: nanoseconds on @clock before which nobody
 *		receives the message. It keeps its place in the order.
 * @expires:	in, with EXPIRES, else 0: nanoseconds on @clock from which on nobody
 *		receives the message: see LEASES. A lease that has begun goes on.
 * @type_hi:	in, the high 32 bits of the type, of which @send has the low ones
 * @pad:	in, 0
 *
 * Sends one message with more options than SEND. ACKED waits as MBOX_SEND_SYNC does,
 * but until a receiver acknowledges the message; a receive without a lease acknowledges
 * at once. If the sender gives up, the message is withdrawn, also from the holder of a
 * lease, which gets ECANCELED when it acknowledges. A message with a time (NOT_BEFORE,
 * EXPIRES) cannot be waited for: EINVAL with ACKED or MBOX_SEND_SYNC. It does not wait
 * for room either, but fails with EAGAIN, as it always does at capacity zero.
 *
 * Return: as MBOX_IOC_SEND; EOPNOTSUPP for BROADCAST, and with a mark or a time for a
 * link.
 */
struct mbox_ioc_post {
	struct mbox_ioc_send send;
	__u32	flags;
	__u32	clock;
	__aligned_u64	mark;
	__s64	not_before __attribute__((aligned(8)));
	__s64	expires __attribute__((aligned(8)));
	__u32	type_hi;
	__u32	pad;
};

/* struct mbox_ioc_call, flags */
#define MBOX_CALL_RETRY		(1U << 0)  /* another server, if the first one ends */

/**
 * struct mbox_ioc_call - argument of MBOX_IOC_CALL
 * @send:	in, the request, as of MBOX_IOC_SEND, without MBOX_SEND_SYNC. Its deadline
 *		is that of the reply. With MBOX_SEND_NONBLOCK the call does not wait for
 *		room, but it waits for the reply.
 * @flags:	in, MBOX_CALL_*
 * @code:	out, with EREMOTEIO: the code of the server
 * @reply:	in, address of the buffer for the reply. A call that fails may have written
 *		parts of a reply to it
 * @room:	in, its size in bytes, up to the module parameter max_msg_size
 * @length:	out, bytes of the reply
 * @pid:	out, process id of the server in the caller's pid namespace, or 0
 * @type_hi:	in, the high 32 bits of the type, of which @send has the low ones
 * @start:	out, start time of the server, see IDENTITY
 *
 * Sends a request and waits for its reply: see CALLS. The quota is charged for the
 * request and for a message of @room bytes, until the call ends. Over a link it finds
 * cycles of processes that wait for one another, as a synchronous send does.
 *
 * Return: 0. As MBOX_IOC_SEND, and EPROTO, EREMOTEIO; EOPNOTSUPP also for BROADCAST.
 */
struct mbox_ioc_call {
	struct mbox_ioc_send send;
	__u32	flags;
	__u32	code;
	__aligned_u64	reply;
	__aligned_u64	room;
	__aligned_u64	length;
	__u32	pid;
	__u32	type_hi;
	__aligned_u64	start;
};

/**
 * struct mbox_ioc_reply - argument of MBOX_IOC_REPLY
 * @flags:	in, 0
 * @lease_size:	in, bytes of the structure at @lease, as the caller knows it; 0: those of its
 *		first version, also without @lease
 * @token:	in, of the request; 0: no reply, only @lease, and the next two fields count
 *		for nothing. Out: 0 once it was replied to, also if receiving fails then.
 * @data:	in, address of the reply
 * @size:	in, its bytes, up to the room of the request, else EMSGSIZE
 * @lease:	in, address of a struct mbox_ioc_lease, to receive the next request after
 *		the reply as MBOX_IOC_LEASE does; or 0
 *
 * Gives the reply to the caller, which waits for it: it never blocks. A reply to a message
 * that is no request acknowledges it if @size is 0, else it fails with EINVAL. If the
 * caller has given up, the call fails with ESTALE and does nothing else, and the server
 * receives the next request by MBOX_IOC_LEASE. The handle needs the right to receive.
 *
 * Return: 0. EBADF, EFAULT, EIDRM, EINVAL, EMSGSIZE, ENOMEM, EOPNOTSUPP, EOWNERDEAD,
 * ESTALE; with @lease also as MBOX_IOC_LEASE.
 */
struct mbox_ioc_reply {
	__u32	flags;
	__u32	lease_size;
	__aligned_u64	token;
	__aligned_u64	data;
	__aligned_u64	size;
	__aligned_u64	lease;
};

/**
 * struct mbox_ioc_kick - argument of MBOX_IOC_KICK
 * @most:	in, most messages, at least 1
 * @kicked:	out, messages that returned to their place
 *
 * Brings parked messages back, those that were parked first before others, with their
 * deliveries set to 0. For the owner, or with CAP_IPC_OWNER, see RIGHTS; the handle needs
 * no right.
 *
 * Return: 0. EFAULT, EIDRM, EINVAL, EOPNOTSUPP, EOWNERDEAD, EPERM.
 */
struct mbox_ioc_kick {
	__aligned_u64	most;
	__aligned_u64	kicked;
};

/* struct mbox_ioc_notify, how */
#define MBOX_NOTIFY_ARM		0U	/* register for a notice */
#define MBOX_NOTIFY_DISARM	1U	/* the caller's process gives it up */
#define MBOX_NOTIFY_TAKE	2U	/* take the notice that came */

/**
 * struct mbox_ioc_notify - argument of MBOX_IOC_NOTIFY
 * @flags:	in, 0
 * @how:	in, MBOX_NOTIFY_*
 * @cookie:	in, with ARM, else 0: any number. Out, with TAKE: that of the registration
 * @pid:	out, with TAKE: process id of the sender in the caller's pid namespace, or 0
 * @uid:	out, with TAKE: its real user id in the caller's user namespace, or the
 *		overflow uid
 *
 * Has a process be told once, as mq_notify(3) says. ARM registers the caller's process:
 * when a message comes to the empty mailbox (@queued of struct mbox_info was 0), and no
 * blocked receive takes it, the registration is over, and this handle has a notice:
 * poll() reports EPOLLPRI until TAKE takes it. A message that a sender was blocked with
 * does not come to an empty mailbox, nor does one that returns, or that was delayed. A
 * mailbox has one registration at a time: EBUSY. ARM forgets a notice of this handle that
 * was not taken.
 *
 * The registration ends with its handle; with DISARM, by that process through any handle;
 * and when that process, also by its end, closes a descriptor of a handle on the mailbox
 * that has any right, or of its own handle. Then that handle has a notice too, and TAKE of
 * it fails with ECANCELED: it tells @cookie only. A handle for notices alone needs no
 * right.
 *
 * Return: 0. EAGAIN (TAKE: no notice came yet), EBUSY, ECANCELED, EFAULT, EIDRM, EINVAL,
 * ENOMEM, EOPNOTSUPP (a BROADCAST, ring, link or inbox), EOWNERDEAD.
 */
struct mbox_ioc_notify {
	__u32	flags;
	__u32	how;
	__aligned_u64	cookie;
	__u32	pid;
	__u32	uid;
};

/* struct mbox_info, state */
#define MBOX_STATE_LIVE		0U	/* not deleted */
#define MBOX_STATE_UNLINKED	1U	/* deleted with UNLINK, handles are open */
#define MBOX_STATE_DRAINING	2U	/* deleted with DRAIN, messages are queued */
#define MBOX_STATE_DEAD		3U	/* gone, only its handles are left */

/* struct mbox_info, kind */
#define MBOX_KIND_MAILBOX	0U	/* a mailbox with a queue */
#define MBOX_KIND_RING		1U	/* a ring in shared memory */
#define MBOX_KIND_INBOX		2U	/* a handle on an inbox */
#define MBOX_KIND_LINK		3U	/* a handle on a link */

/**
 * struct mbox_info - argument of MBOX_IOC_GET: attributes and counters
 * @flags:	in, 0
 * @state:	out, MBOX_STATE_*
 * @name:	out, the name with NULs to the end, also after the mailbox lost it;
 *		empty if anonymous
 * @id:		out, unique number, never reused until the module is unloaded
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
 * @queued_bytes: out, bytes of payload in the queued messages
 * @sent:	out, messages accepted since creation
 * @received:	out, messages received since creation
 * @withdrawn:	out, accepted messages that their synchronous sender took back, and requests
 *		of calls that failed
 * @dropped:	out, accepted messages that were dropped, see SENDING AND RECEIVING
 * @created:	out, time of creation: nanoseconds of CLOCK_REALTIME
 * @kind:	out, MBOX_KIND_*
 * @policy:	out, MBOX_POLICY_*
 * @options:	out, MBOX_OPTION_*
 * @max_procs:	out, processes that may take part, 0 for any number
 * @procs:	out, processes that take part, if @max_procs limits them, else 0
 * @owner:	out, process id of the owner in the caller's pid namespace; 0 if it
 *		is not there, or no process is the owner
 * @heir:	out, process id of the heir, likewise
 * @peer:	out, of a link: process id of the peer, likewise; 0 once it has ended
 * @ring:	out, bytes of the ring, or 0
 * @lost:	out, BROADCAST: deliveries lost to an overflow or to the closing of
 *		their handle
 * @handle_received: out, messages received through this handle
 * @handle_lost: out, BROADCAST: deliveries that this handle lost
 * @handle_queued: out, messages that a receive through this handle can find: on a
 *		link those of the peer, with BROADCAST those for this handle
 * @creator:	out, real uid of the creator, in the caller's user namespace as @uid:
 *		the user whose quota of mailboxes is charged. Of a mailbox created
 *		through a factory that was passed on: of the factory's opener. It
 *		never changes. (Of a link or an inbox: of the charged user.)
 * @handle_mode: out, flags of the mode of this handle, see MBOX_IOC_MODE
 * @spin_hits:	out, receives and calls that polled before they would have slept, and whose
 *		wait ended meanwhile
 * @spin_misses: out, receives and calls that polled in vain, then slept, and whose wait has ended
 * @leased:	out, queued messages that are leased
 * @delayed:	out, queued messages that nobody receives before a time to come
 * @parked:	out, queued messages that are parked
 * @max_deliveries: out, as at creation
 * @redelivered: out, leases that ended and were not acknowledged
 * @dead:	out, dropped messages that went to the dead-letter mailbox
 * @dead_letter: out, id of the dead-letter mailbox, or 0
 * @mark:	out, the mark of the last message that was accepted with one, or 0
 * @space:	out, MBOX_SPACE_*
 * @pad:	0
 * @label:	out, the label with NULs to the end, also after the mailbox lost it; empty
 *		without one
 * @last_sender: out, with MBOX_OPTION_TRACK, as are all that follow, else 0: process id
 *		of the sender of the last message that was accepted, in the caller's pid
 *		namespace, also if it has ended; 0 if there is none or it is not there
 * @last_receiver: out, likewise: process that was the last to receive a message, or to
 *		acknowledge one
 * @last_sent:	out, time when the last message was accepted: nanoseconds of
 *		CLOCK_REALTIME_COARSE; 0: never
 * @last_received: out, likewise: when the last message was received, as @received counts
 * @changed:	out, likewise: when SET or HANDOVER last succeeded, or it was created
 * @cuid:	out, effective uid of its creator when it was created, in the caller's user
 *		namespace as @uid
 * @cgid:	out, effective gid, likewise
 *
 * Reports the attributes, the state and the counters of a mailbox. The handle needs
 * no right, and a dead mailbox answers too.
 *
 * At any time @sent = @received + @withdrawn + @dropped + @queued. With BROADCAST
 * these count messages, not deliveries: a message is queued until its last delivery
 * is received or lost; then it counts as received if any delivery was, else as
 * dropped. On a link, the fields of the mailbox are those of the caller's inbox,
 * except @capacity and @msg_size. A ring has none of these counters: @queued is 1 if
 * it has data, @queued_bytes is the size of the data with headers and padding, and
 * @senders and @receivers are the producers and consumers blocked in WAIT. An inbox
 * has the largest @msg_size that a link to it has had, and @capacity
 * MBOX_CAPACITY_UNBOUNDED and @mode 0 until they are set.
 *
 * Return: 0. EFAULT, EINVAL.
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
	__u32	handle_mode;
	__aligned_u64	spin_hits;
	__aligned_u64	spin_misses;
	__u32	leased;
	__u32	delayed;
	__u32	parked;
	__u32	max_deliveries;
	__aligned_u64	redelivered;
	__aligned_u64	dead;
	__aligned_u64	dead_letter;
	__aligned_u64	mark;
	__u32	space;
	__u32	pad;
	char	label[MBOX_LABEL_SIZE];
	__u32	last_sender;
	__u32	last_receiver;
	__aligned_u64	last_sent;
	__aligned_u64	last_received;
	__aligned_u64	changed;
	__u32	cuid;
	__u32	cgid;
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
 * Changes attributes: all fields of @mask or none. For the owner, or with
 * CAP_IPC_OWNER, see RIGHTS; the handle needs no right. To change @uid, the caller and
 * the handle's opener need CAP_IPC_OWNER; to change @gid, they need that, or the new
 * group is the effective or a supplementary group of the caller: else EPERM. Handles
 * keep their rights. Queued messages stay queued when a limit falls below them;
 * blocked sends are admitted when one rises; a capacity of zero affects later sends
 * only. The mailbox stays charged to its creator. The limits of a ring cannot be
 * changed. The process of an inbox can set its mode and its capacity, which is the
 * most that each link to it takes; see DIRECT COMMUNICATION.
 *
 * Return: 0. EFAULT, EIDRM, EINVAL, EOPNOTSUPP (a limit of a ring; a link; another
 * field of an inbox), EOWNERDEAD, EPERM, EUSERS.
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
 * @start:	in, start time of the process, see IDENTITY; 0: the process that
 *		has the number @pid now
 *
 * Makes a process the owner: the lifetime of the mailbox becomes PROCESS, or OS if the
 * operating system becomes the owner (EINVAL if nobody could open the mailbox to delete
 * it: it has no name, and was not created with MBOX_OPEN_BY_ID). With RECV the new owner
 * may open the mailbox for receiving under any mode, as long as it is the owner. With
 * HEIR the process becomes the owner, in the same way, when the owner ends before it;
 * EINVAL if no process is the owner. A change of owner forgets the heir.
 *
 * For the process that is the owner or, if no process is, for a caller that may
 * change the mailbox; or with CAP_IPC_OWNER. The opener of the handle has to be that
 * process, or have the owner's uid or CAP_IPC_OWNER; the handle needs no right.
 * The caller needs permission to send the new owner or heir a signal (see kill(2): it
 * is the caller, of the caller's uid, or the caller has CAP_KILL in its user
 * namespace), else EPERM: nobody becomes owner or heir unasked. A kernel thread
 * cannot be either (ESRCH).
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
#define MBOX_WAIT_TRIM		(1U << 1)  /* GROW: give back consumed memory */
#define MBOX_WAIT_MOVE		(1U << 2)  /* wait until the other side's index moves */
#define MBOX_WAIT_GROW		(1U << 3)  /* GROW: have memory up to an index */

/**
 * struct mbox_ioc_wait - argument of MBOX_IOC_WAIT, on a ring
 * @flags:	in, MBOX_WAIT_*, at least one; done in the order above
 * @clock:	in, with MOVE, else 0: MBOX_CLOCK_* of @deadline
 * @deadline:	in, nanoseconds, 0 or more, on @clock
 * @seen:	in, with MOVE or GROW, else 0. MOVE: the other side's index as the
 *		caller last read it; the call returns at once if the index has
 *		changed. GROW: the index up to which there has to be memory.
 * @side:	in, with both rights: MBOX_RIGHT_RECV to act as the consumer,
 *		MBOX_RIGHT_SEND as the producer; else 0 or the handle's right
 * @pad:	in, 0
 *
 * Wakes the other side, gives memory back and waits, as @flags say;
 * <linux/mbox_ring.h> has the protocol. TRIM is for the consumer of a ring that
 * grows; it fails with EINVAL while the indices are inconsistent: head - tail is more
 * than the size, or tail is less than freed, or beyond the memory. GROW does not go
 * with MOVE; it fails with EINVAL on a ring that does not grow, for a producer if
 * @seen - freed is more than the size, and for a consumer if there is no memory up to
 * @seen. If the wait of MOVE fails, the steps before it were done.
 *
 * Return: 0. EAGAIN (O_NONBLOCK, and the index did not move), EBADF, EDQUOT (GROW: the
 * creator's quota does not have the memory; none was added), EFAULT, EIDRM,
 * EINTR, EINVAL, EOPNOTSUPP (no ring), EOWNERDEAD (the other side or the owner ended,
 * or the side is not the handle's any more), EPIPE (nobody can be the other side),
 * ESHUTDOWN, ETIMEDOUT, EUSERS.
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
 * Gives up rights of the handle, for all processes that have it, for good. Calls that
 * need one of them fail with ESHUTDOWN. Calls that are blocked through this handle
 * return with it at once, and have sent or received nothing (a synchronous send
 * withdraws its message; with BROADCAST it succeeds if anybody has received it).
 * Messages stay for other handles; with BROADCAST, this handle loses the deliveries
 * that it has not received. poll() reports EPOLLIN, EPOLLRDHUP and EPOLLHUP after
 * giving up the right to receive, EPOLLERR after giving up the right to send. For all
 * other handles it is as if this one were closed as far as that right goes: see
 * NOBODY LEFT; a side of a ring becomes free. A right that was given up before may be
 * named again. Works on a dead mailbox too.
 *
 * Return: 0. EBADF (not a right of the handle), EFAULT, EINVAL, EUSERS (the handle is
 * on a link or inbox of another process).
 */
struct mbox_ioc_shutdown {
	__u32	flags;
	__u32	how;
};

/* The calls. */
#define MBOX_IOC_TYPE		0xBD

/* On a factory */
#define MBOX_IOC_CREATE		_IOW(MBOX_IOC_TYPE, 0, struct mbox_ioc_open)
#define MBOX_IOC_OPEN		_IOW(MBOX_IOC_TYPE, 1, struct mbox_ioc_open)
#define MBOX_IOC_LINK		_IOW(MBOX_IOC_TYPE, 3, struct mbox_ioc_link)
#define MBOX_IOC_INBOX		_IOW(MBOX_IOC_TYPE, 4, struct mbox_ioc_inbox)
#define MBOX_IOC_NEXT		_IOWR(MBOX_IOC_TYPE, 5, struct mbox_ioc_next)
/* On a factory or a handle */
#define MBOX_IOC_DELETE		_IOWR(MBOX_IOC_TYPE, 2, struct mbox_ioc_delete)
/* On a handle */
#define MBOX_IOC_SEND		_IOW(MBOX_IOC_TYPE, 16, struct mbox_ioc_send)
#define MBOX_IOC_RECV		_IOWR(MBOX_IOC_TYPE, 17, struct mbox_ioc_recv)
#define MBOX_IOC_SENDV		_IOW(MBOX_IOC_TYPE, 18, struct mbox_ioc_sendv)
#define MBOX_IOC_RECVV		_IOW(MBOX_IOC_TYPE, 19, struct mbox_ioc_recvv)
#define MBOX_IOC_GET		_IOWR(MBOX_IOC_TYPE, 20, struct mbox_info)
#define MBOX_IOC_SET		_IOW(MBOX_IOC_TYPE, 21, struct mbox_ioc_set)
#define MBOX_IOC_HANDOVER	_IOW(MBOX_IOC_TYPE, 22, struct mbox_ioc_handover)
#define MBOX_IOC_SHUTDOWN	_IOW(MBOX_IOC_TYPE, 24, struct mbox_ioc_shutdown)
#define MBOX_IOC_MODE		_IOW(MBOX_IOC_TYPE, 25, struct mbox_ioc_mode)
#define MBOX_IOC_LEASE		_IOWR(MBOX_IOC_TYPE, 26, struct mbox_ioc_lease)
#define MBOX_IOC_ACK		_IOW(MBOX_IOC_TYPE, 27, struct mbox_ioc_ack)
#define MBOX_IOC_NACK		_IOW(MBOX_IOC_TYPE, 28, struct mbox_ioc_nack)
#define MBOX_IOC_EXTEND		_IOW(MBOX_IOC_TYPE, 29, struct mbox_ioc_extend)
#define MBOX_IOC_POST		_IOW(MBOX_IOC_TYPE, 30, struct mbox_ioc_post)
#define MBOX_IOC_CALL		_IOWR(MBOX_IOC_TYPE, 31, struct mbox_ioc_call)
#define MBOX_IOC_REPLY		_IOWR(MBOX_IOC_TYPE, 32, struct mbox_ioc_reply)
#define MBOX_IOC_KICK		_IOWR(MBOX_IOC_TYPE, 33, struct mbox_ioc_kick)
#define MBOX_IOC_NOTIFY		_IOWR(MBOX_IOC_TYPE, 34, struct mbox_ioc_notify)
/* On a handle of a ring */
#define MBOX_IOC_WAIT		_IOW(MBOX_IOC_TYPE, 23, struct mbox_ioc_wait)

#endif /* _UAPI_LINUX_MBOX_H */
