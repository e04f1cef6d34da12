// SPDX-License-Identifier: GPL-2.0-only
/* The calls and their arguments: the table that makes, changes, prints and runs programs. */
#include <sys/syscall.h>

#include <linux/mbox.h>
#include <linux/mbox_netlink.h>
#include <linux/mbox_ring.h>

#include "fuzz.h"
#include "runtime.h"

#define NSEC_PER_HOUR	3600000000000ULL

#define LIST(name)	.list = name, .listed = sizeof(name) / sizeof(name[0])

/* Where a limit is, one less and one more are likely to matter too; gen.c sees to that. */
static const uint64_t capacities[] = {
	0, 1, 1, 1, 2, 3, 5, 64, MBOX_CAPACITY_MAX, MBOX_CAPACITY_UNBOUNDED, MBOX_CAPACITY_UNBOUNDED,
};
static const uint64_t msg_sizes[] = {
	0, 0, 0, 1, 8, MBOX_SMALL_SIZE, 4096, MBOX_MSG_SIZE_DEFAULT, 1 << 20,
};
static const uint64_t limits[] = { 0, 0, 0, 0, 1, 64, 300, MBOX_MSG_SIZE_DEFAULT, 1 << 20, UINT64_MAX };
static const uint64_t modes[] = { 0, 0, 0600, 0666, 0060, 0006, 0222, 0444, 0777, 01666 };
static const uint64_t types[] = { 0, 1, 1, 2, 3, UINT32_MAX };
static const uint64_t type_his[] = { 0, 0, 0, 0, 0, 0, 1, UINT32_MAX };
static const uint64_t prios[] = { 0, 0, 0, 1, 2, 3, 7, 100, MBOX_PRIO_MAX };
static const uint64_t ids[] = { 0, 0, 1000, 1001, 65534, UINT32_MAX };
static const uint64_t pids[] = { 0, 1, 2, 3, 100, UINT32_MAX };
static const uint64_t sizes[] = {
	0, 1, 1, 8, 16, 64, MBOX_SMALL_SIZE, MBOX_SMALL_SIZE + 1, 300, 4096, 5000, MBOX_MSG_SIZE_DEFAULT,
	65536,
};
static const uint64_t counts[] = { 0, 1, 1, 2, 31, 32, 33, MBOX_BATCH_MAX };
static const uint64_t arrays[] = { 0, 8, 4095, 0x7ffffffff000, 0xffffffff81000000, UINT64_MAX - 7 };
static const uint64_t entry_sizes[] = { 0, 24, 32, 32, 40, 64, 80, 80, 88, 4096 };
static const uint64_t ioctls[] = {
	0x5421 /* FIONBIO */, 0x5450 /* FIONCLEX */, 0x5451 /* FIOCLEX */, 0x5452 /* FIOASYNC */,
	0x541b /* FIONREAD */, 0x5401 /* TCGETS */, 0x2 /* FIGETBSZ */, 0xc0045877 /* FIFREEZE */,
	0xbd00, 0xbd10, 0xbd11, 0xbd14, MBOX_IOC_CREATE, MBOX_IOC_DELETE, MBOX_IOC_SEND, MBOX_IOC_RECV,
	MBOX_IOC_GET, MBOX_IOC_SET,
};
static const uint64_t procs[] = { 0, 0, 0, 0, 1, 2, 2, 3, MBOX_PROCS_MAX };
static const uint64_t rings[] = {
	0, 0, 0, 0, 0, 0, 0, 0, MBOX_RING_MIN, MBOX_RING_MIN, 16384, 65536, MBOX_RING_MAX,
};
static const uint64_t policies[] = {
	0, 0, 0, MBOX_POLICY_LIFO, MBOX_POLICY_RR, MBOX_POLICY_PRIO, MBOX_POLICY_BROADCAST,
	MBOX_POLICY_BROADCAST,
};
static const uint64_t options[] = { 0, 0, 0, 0, 1, 2, 2, 4, 8, 9, 10, 15 };
static const uint64_t offsets[] = {
	MBOX_RING_PRODUCER_OFFSET, MBOX_RING_PRODUCER_OFFSET, MBOX_RING_CONSUMER_OFFSET,
	MBOX_RING_CONSUMER_OFFSET, MBOX_RING_DATA_OFFSET,
};
static const uint64_t indices[] = { 0, 8, 64, 4096, 4104, 8192, 16384, 65536, 1ULL << 30, UINT64_MAX - 7 };
static const uint64_t deliveries[] = { 0, 0, 0, 1, 1, 2, 3, UINT32_MAX };
static const uint64_t lease_times[] = {
	0, 0, 1, 1000, 100000, 300000, NSEC_PER_HOUR, INT64_MAX, UINT64_MAX,
};
static const uint64_t label_sizes[] = { 0, 0, 0, 1, 2, 8, MBOX_LABEL_MAX, MBOX_LABEL_SIZE, UINT32_MAX };
static const uint64_t spaces[] = { 0, 0, 0, MBOX_SPACE_MQ, MBOX_SPACE_SYSV };
static const uint64_t positions[] = { 0, 1, 2, 3, 8, 600, UINT64_MAX };
static const uint64_t marks[] = { 0, 1, 2, UINT64_MAX };
static const uint64_t codes[] = { 0, 0, 7, UINT32_MAX };
static const uint64_t kicks[] = { 0, 1, 2, 100, UINT64_MAX };
static const uint64_t nl_cmds[] = {
	1, 1, 1, 2, 2, 3, 3, 4, 4, 4, 5, 5, 6, 6, 6, 7, 7, 8, 0, 9, 9, 10,
};
/* NLM_F_ACK, NLM_F_DUMP */
static const uint64_t nl_flags[] = { 0, 4, 4, 0x300, 0x300, 0x300, 0x304, 0x100 };
/* 2 and 3 are those of a mailbox' id and name, 3 and 4 those of the mailbox of a handle or waiter */
static const uint64_t header_sizes[] = { 0, 0, 0, sizeof(struct mbox_header), sizeof(struct mbox_header), 48, 64 };
static const uint64_t nl_attrs[] = { 0, 0, 2, 3, 4 };
static const uint64_t nl_others[] = {
	0, 0, 0, 1, 2, MBOX_A_USER_UID, MBOX_A_MAILBOX_KIND, MBOX_A_MAILBOX_UID, MBOX_A_MAILBOX_GID, MBOX_A_MAILBOX_MODE, MBOX_A_MAILBOX_CAPACITY,
	MBOX_A_MAILBOX_CAPACITY, MBOX_A_MAILBOX_MSG_SIZE, MBOX_A_MAILBOX_BYTES, MBOX_A_MAILBOX_HOW,
	MBOX_A_MAILBOX_HOW, MBOX_A_MAILBOX_MAX + 1, 0x4003, 0x8003,
};
static const uint64_t nl_values[] = { 0, 1, 2, 3, 4, 64, 0600, 0666, 1000, UINT32_MAX };
static const uint64_t nl_sizes[] = { 0, 1, 4, 4, 4, 4, 8, 8, 9, 64 };
static const uint64_t waits[] = { 0, 0, 0, 0, 0, 0, 0, 1 };
static const uint64_t polled[] = { 0, 1, 4, 5, 5, 0x2000, 0x7fff };
static const uint64_t watched[] = { 1, 4, 5, 0x80000001, 0x80000004, 0x40000005, 0x10000001, 0x20000001 };

/* The first fields of all ioctls. */
#define IOCTL(kind)								\
	{ "fd", K_SLOT, .link = kind },						\
	{ "at", K_AT, .dflt = AT(VIEW_RW, POS_START) },				\
	{ "csize", K_CSIZE, .dflt = CSIZE_OWN },				\
	{ "xor", K_XOR },							\
	{ "fill", K_FILL }

#define MEMBER(type, m)	.off = offsetof(struct type, m), .width = sizeof(((struct type *)0)->m), .member = #m

#define OPEN_FIELDS(flag_mask)								\
	{ "flags", K_FLAGS, MEMBER(mbox_ioc_open, flags), .valid = flag_mask },		\
	{ "rights", K_FLAGS, MEMBER(mbox_ioc_open, rights), .valid = 3 },		\
	{ "name", K_NAME, MEMBER(mbox_ioc_open, name), .dflt = NAME(0, NAME_NONE) },	\
	{ "mode", K_U32, MEMBER(mbox_ioc_open, mode), LIST(modes) },			\
	{ "lifetime", K_ENUM, MEMBER(mbox_ioc_open, lifetime), .valid = 2 },		\
	{ "capacity", K_U32, MEMBER(mbox_ioc_open, capacity), LIST(capacities) },	\
	{ "msgsize", K_U32, MEMBER(mbox_ioc_open, msg_size), LIST(msg_sizes) },		\
	{ "bytes", K_U64, MEMBER(mbox_ioc_open, bytes), LIST(limits) },			\
	{ "policy", K_U32, MEMBER(mbox_ioc_open, policy), LIST(policies) },		\
	{ "maxprocs", K_U32, MEMBER(mbox_ioc_open, max_procs), LIST(procs) },		\
	{ "options", K_U32, MEMBER(mbox_ioc_open, options), LIST(options) },		\
	{ "pad", K_U32, MEMBER(mbox_ioc_open, pad) },					\
	{ "ring", K_U64, MEMBER(mbox_ioc_open, ring), LIST(rings) },			\
	{ "letters", K_BOX, MEMBER(mbox_ioc_open, dead_letter) },			\
	{ "most", K_U32, MEMBER(mbox_ioc_open, max_deliveries), LIST(deliveries) },	\
	{ "pad2", K_U32, MEMBER(mbox_ioc_open, pad2) },					\
	{ "label", K_BUF, MEMBER(mbox_ioc_open, label), .link = ARG_STRUCT + 17 },	\
	{ "labelsize", K_SIZE, MEMBER(mbox_ioc_open, label_size), LIST(label_sizes) },	\
	{ "space", K_U32, MEMBER(mbox_ioc_open, space), LIST(spaces) },			\
	{ "id", K_BOX, MEMBER(mbox_ioc_open, id) },					\
	{ "to", K_OUT, .link = SLOT_HANDLE, .dflt = OWN_SLOTS }

static const struct field create_fields[] = {
	IOCTL(SLOT_FACTORY), OPEN_FIELDS(MBOX_OPEN_NONBLOCK | MBOX_OPEN_BY_ID),
};

static const struct field open_fields[] = {
	IOCTL(SLOT_FACTORY), OPEN_FIELDS(15),
};

static const struct field next_fields[] = {
	IOCTL(SLOT_FACTORY),
	{ "flags", K_FLAGS, MEMBER(mbox_ioc_next, flags) },
	{ "space", K_U32, MEMBER(mbox_ioc_next, space), LIST(spaces) },
	{ "id", K_BOX, MEMBER(mbox_ioc_next, id) },
};

#define DELETE_FIELDS(name_dflt)							\
	{ "flags", K_FLAGS, MEMBER(mbox_ioc_delete, flags) },				\
	{ "how", K_ENUM, MEMBER(mbox_ioc_delete, how), .valid = MBOX_DELETE_UNLINK },	\
	{ "name", K_NAME, MEMBER(mbox_ioc_delete, name), .dflt = name_dflt },		\
	{ "queued", K_U64, MEMBER(mbox_ioc_delete, queued) },				\
	{ "dropped", K_U64, MEMBER(mbox_ioc_delete, dropped) }

static const struct field delete_fields[] = {
	IOCTL(SLOT_HANDLE), DELETE_FIELDS(NAME(0, NAME_NONE)),
};

static const struct field delete_named_fields[] = {
	IOCTL(SLOT_FACTORY), DELETE_FIELDS(NAME(0, NAME_FINE)),
};

/* The flags of a receive, of a send that is not SYNC, and of a receive of several. */
#define RECV_FLAGS	(255 | MBOX_RECV_AT | MBOX_RECV_NORESTART | MBOX_RECV_LONGEST)
#define ASYNC_FLAGS	(MBOX_SEND_NONBLOCK | MBOX_SEND_NORESTART)
#define RECVV_FLAGS	(127 | MBOX_RECV_NORESTART)

/* The arguments of a payload, of which "data" has to know where "size" is. */
#define SEND_FIELDS(of, m, flag_mask)								\
	{ "flags", K_FLAGS, MEMBER(of, m flags), .valid = flag_mask },				\
	{ "prio", K_U32, MEMBER(of, m prio), LIST(prios) },						\
	{ "type", K_U32, MEMBER(of, m type), LIST(types) },						\
	{ "clock", K_ENUM, MEMBER(of, m clock), .valid = 3 },						\
	{ "deadline", K_TIME, MEMBER(of, m deadline), .link = ARG_STRUCT + 3 },			\
	{ "data", K_BUF, MEMBER(of, m data), .link = ARG_STRUCT + 6 },				\
	{ "size", K_SIZE, MEMBER(of, m size), LIST(sizes) }

#define RECV_FIELDS(of, m)									\
	{ "flags", K_FLAGS, MEMBER(of, m flags), .valid = RECV_FLAGS },				\
	{ "clock", K_ENUM, MEMBER(of, m clock), .valid = 3 },						\
	{ "deadline", K_TIME, MEMBER(of, m deadline), .link = ARG_STRUCT + 1 },			\
	{ "data", K_BUF, MEMBER(of, m data), .link = ARG_STRUCT + 4 },				\
	{ "size", K_SIZE, MEMBER(of, m size), LIST(sizes), .dflt = 65536 },				\
	{ "type", K_U32, MEMBER(of, m type), LIST(types) },						\
	{ "pid", K_U32, MEMBER(of, m pid), LIST(pids) },						\
	{ "minprio", K_U32, MEMBER(of, m min_prio), LIST(prios) },					\
	{ "typehi", K_U32, MEMBER(of, m type_hi), LIST(type_his) },					\
	{ "start", K_START, MEMBER(of, m header.start) }

static const struct field send_fields[] = {
	IOCTL(SLOT_HANDLE), SEND_FIELDS(mbox_ioc_send, , 7),
};

static const struct field recv_fields[] = {
	IOCTL(SLOT_HANDLE), RECV_FIELDS(mbox_ioc_recv, ),
	{ "position", K_U64, MEMBER(mbox_ioc_recv, header.seq), LIST(positions) },
};

static const struct field lease_fields[] = {
	IOCTL(SLOT_HANDLE), RECV_FIELDS(mbox_ioc_lease, recv.),
	{ "how", K_FLAGS, MEMBER(mbox_ioc_lease, flags), .valid = MBOX_LEASE_HANDLE },
	{ "unit", K_ENUM, MEMBER(mbox_ioc_lease, clock), .valid = 2 },
	{ "time", K_U64, MEMBER(mbox_ioc_lease, time), LIST(lease_times) },
	{ "ack", K_TOKEN, MEMBER(mbox_ioc_lease, ack) },
};

/* Its array is in no memory; a helper makes good ones. */
static const struct field ack_fields[] = {
	IOCTL(SLOT_HANDLE),
	{ "flags", K_FLAGS, MEMBER(mbox_ioc_ack, flags) },
	{ "count", K_U32, MEMBER(mbox_ioc_ack, count), LIST(counts), .dflt = 1 },
	{ "entries", K_U64, MEMBER(mbox_ioc_ack, entries), LIST(arrays) },
};

/* The delay is short, for the messages of a lane's inbox have to be received in the end. */
static const struct field nack_fields[] = {
	IOCTL(SLOT_HANDLE),
	{ "flags", K_FLAGS, MEMBER(mbox_ioc_nack, flags) },
	{ "how", K_ENUM, MEMBER(mbox_ioc_nack, how), .valid = MBOX_NACK_REJECT },
	{ "token", K_TOKEN, MEMBER(mbox_ioc_nack, token), .dflt = 1 },
	{ "delay", K_ENUM, MEMBER(mbox_ioc_nack, delay), .valid = 300000 },
	{ "code", K_U32, MEMBER(mbox_ioc_nack, code), LIST(codes) },
	{ "pad", K_U32, MEMBER(mbox_ioc_nack, pad) },
};

static const struct field extend_fields[] = {
	IOCTL(SLOT_HANDLE),
	{ "flags", K_FLAGS, MEMBER(mbox_ioc_extend, flags), .valid = MBOX_LEASE_HANDLE },
	{ "unit", K_ENUM, MEMBER(mbox_ioc_extend, clock), .valid = 2 },
	{ "token", K_TOKEN, MEMBER(mbox_ioc_extend, token), .dflt = 1 },
	{ "time", K_U64, MEMBER(mbox_ioc_extend, time), LIST(lease_times) },
};

static const struct field post_fields[] = {
	IOCTL(SLOT_HANDLE), SEND_FIELDS(mbox_ioc_post, send., 7),
	{ "how", K_FLAGS, MEMBER(mbox_ioc_post, flags), .valid = 15 },
	{ "unit", K_ENUM, MEMBER(mbox_ioc_post, clock), .valid = 2 },
	{ "mark", K_U64, MEMBER(mbox_ioc_post, mark), LIST(marks) },
	{ "notbefore", K_TIME, MEMBER(mbox_ioc_post, not_before), .link = ARG_STRUCT + 8 },
	{ "expires", K_TIME, MEMBER(mbox_ioc_post, expires), .link = ARG_STRUCT + 8 },
	{ "typehi", K_U32, MEMBER(mbox_ioc_post, type_hi), LIST(type_his) },
	{ "pad", K_U32, MEMBER(mbox_ioc_post, pad) },
};

static const struct field call_fields[] = {
	IOCTL(SLOT_HANDLE), SEND_FIELDS(mbox_ioc_call, send., ASYNC_FLAGS),
	{ "how", K_FLAGS, MEMBER(mbox_ioc_call, flags), .valid = MBOX_CALL_RETRY },
	{ "code", K_U32, MEMBER(mbox_ioc_call, code) },
	{ "reply", K_BUF, MEMBER(mbox_ioc_call, reply), .link = ARG_STRUCT + 10 },
	{ "room", K_SIZE, MEMBER(mbox_ioc_call, room), LIST(sizes), .dflt = 4096 },
	{ "typehi", K_U32, MEMBER(mbox_ioc_call, type_hi), LIST(type_his) },
};

static const struct field reply_fields[] = {
	IOCTL(SLOT_HANDLE),
	{ "flags", K_FLAGS, MEMBER(mbox_ioc_reply, flags) },
	{ "lease_size", K_U32, MEMBER(mbox_ioc_reply, lease_size) },
	{ "token", K_TOKEN, MEMBER(mbox_ioc_reply, token), .dflt = 1 },
	{ "data", K_BUF, MEMBER(mbox_ioc_reply, data), .link = ARG_STRUCT + 4 },
	{ "size", K_SIZE, MEMBER(mbox_ioc_reply, size), LIST(sizes) },
	{ "lease", K_U64, MEMBER(mbox_ioc_reply, lease), LIST(arrays) },
};

static const struct field kick_fields[] = {
	IOCTL(SLOT_HANDLE),
	{ "most", K_U64, MEMBER(mbox_ioc_kick, most), LIST(kicks), .dflt = 1 },
};

static const struct field notify_fields[] = {
	IOCTL(SLOT_HANDLE),
	{ "flags", K_FLAGS, MEMBER(mbox_ioc_notify, flags) },
	{ "how", K_ENUM, MEMBER(mbox_ioc_notify, how), .valid = MBOX_NOTIFY_TAKE },
	{ "cookie", K_ENUM, MEMBER(mbox_ioc_notify, cookie), .valid = 0 },
};

/* The same by helpers, which remember the tokens, and end many leases at once. */
static const struct field ack_many_fields[] = {
	{ "fd", K_SLOT, .link = SLOT_HANDLE }, { "count", K_ENUM, .valid = 40, .dflt = 5 },
	{ "first", K_TOKEN, .dflt = 1 }, { "wrong", K_ENUM, .valid = 127, .dflt = 127 },
};

static const struct field lease_next_fields[] = {
	{ "fd", K_SLOT, .link = SLOT_HANDLE }, { "flags", K_FLAGS, .valid = RECV_FLAGS },
	{ "clock", K_ENUM, .valid = 3 }, { "deadline", K_TIME, .link = 2 },
	{ "data", K_BUF, .link = 5 }, { "size", K_SIZE, LIST(sizes), .dflt = 4096 },
	{ "how", K_FLAGS, .valid = MBOX_LEASE_HANDLE }, { "unit", K_ENUM, .valid = 2 },
	{ "time", K_U64, LIST(lease_times) }, { "ack", K_TOKEN },
};

static const struct field reply_next_fields[] = {
	{ "fd", K_SLOT, .link = SLOT_HANDLE }, { "token", K_TOKEN },
	{ "data", K_BUF, .link = 3 }, { "size", K_SIZE, LIST(sizes) },
	{ "flags", K_FLAGS, .valid = RECV_FLAGS }, { "clock", K_ENUM, .valid = 3 }, { "deadline", K_TIME, .link = 5 },
	{ "buffer", K_BUF, .link = 8 }, { "room", K_SIZE, LIST(sizes), .dflt = 4096 },
	{ "wrong", K_ENUM, .valid = 8 },
};

/* Their arrays are in no memory; helpers make good ones. */
static const struct field sendv_fields[] = {
	IOCTL(SLOT_HANDLE),
	{ "flags", K_FLAGS, MEMBER(mbox_ioc_sendv, flags), .valid = ASYNC_FLAGS },
	{ "clock", K_ENUM, MEMBER(mbox_ioc_sendv, clock), .valid = 3 },
	{ "deadline", K_TIME, MEMBER(mbox_ioc_sendv, deadline), .link = ARG_STRUCT + 1 },
	{ "entries", K_U64, MEMBER(mbox_ioc_sendv, entries), LIST(arrays) },
	{ "count", K_U32, MEMBER(mbox_ioc_sendv, count), LIST(counts), .dflt = 1 },
	{ "entrysize", K_U32, MEMBER(mbox_ioc_sendv, entry_size), LIST(entry_sizes), .dflt = 32 },
};

static const struct field recvv_fields[] = {
	IOCTL(SLOT_HANDLE),
	{ "flags", K_FLAGS, MEMBER(mbox_ioc_recvv, flags), .valid = RECVV_FLAGS },
	{ "clock", K_ENUM, MEMBER(mbox_ioc_recvv, clock), .valid = 3 },
	{ "deadline", K_TIME, MEMBER(mbox_ioc_recvv, deadline), .link = ARG_STRUCT + 1 },
	{ "entries", K_U64, MEMBER(mbox_ioc_recvv, entries), LIST(arrays) },
	{ "count", K_U32, MEMBER(mbox_ioc_recvv, count), LIST(counts), .dflt = 1 },
	{ "entrysize", K_U32, MEMBER(mbox_ioc_recvv, entry_size), LIST(entry_sizes), .dflt = 80 },
	{ "min", K_U32, MEMBER(mbox_ioc_recvv, min), LIST(counts) },
	{ "type", K_U32, MEMBER(mbox_ioc_recvv, type), LIST(types) },
	{ "pid", K_U32, MEMBER(mbox_ioc_recvv, pid), LIST(pids) },
	{ "minprio", K_U32, MEMBER(mbox_ioc_recvv, min_prio), LIST(prios) },
	{ "start", K_START, MEMBER(mbox_ioc_recvv, start) },
	{ "typehi", K_U32, MEMBER(mbox_ioc_recvv, type_hi), LIST(type_his) },
	{ "pad", K_U32, MEMBER(mbox_ioc_recvv, pad) },
};

/* The same by helpers. "wrong": an entry that is not valid, or whose data are elsewhere. */
static const struct field send_batch_fields[] = {
	{ "fd", K_SLOT, .link = SLOT_HANDLE },
	{ "flags", K_FLAGS, .valid = ASYNC_FLAGS },
	{ "clock", K_ENUM, .valid = 3 }, { "deadline", K_TIME, .link = 2 },
	{ "count", K_ENUM, .valid = 40, .dflt = 5 },
	{ "data", K_BUF, .link = 6 }, { "size", K_SIZE, LIST(sizes) },
	{ "prio", K_U32, LIST(prios) }, { "type", K_U32, LIST(types) },
	{ "wrong", K_ENUM, .valid = 127, .dflt = 127 }, { "wide", K_ENUM, .valid = 3 },
};

static const struct field recv_batch_fields[] = {
	{ "fd", K_SLOT, .link = SLOT_HANDLE },
	{ "flags", K_FLAGS, .valid = RECVV_FLAGS },
	{ "clock", K_ENUM, .valid = 3 }, { "deadline", K_TIME, .link = 2 },
	{ "count", K_ENUM, .valid = 40, .dflt = 5 },
	{ "data", K_BUF, .link = 6 }, { "size", K_SIZE, LIST(sizes), .dflt = 4096 },
	{ "type", K_U32, LIST(types) }, { "pid", K_PID }, { "minprio", K_U32, LIST(prios) },
	{ "start", K_START }, { "min", K_ENUM, .valid = 40 },
	{ "wrong", K_ENUM, .valid = 127, .dflt = 127 }, { "wide", K_ENUM, .valid = 3 },
};

static const struct field mode_fields[] = {
	IOCTL(SLOT_HANDLE),
	{ "flags", K_FLAGS, MEMBER(mbox_ioc_mode, flags), .valid = MBOX_MODE_HEADER | 124 },
	{ "headersize", K_U32, MEMBER(mbox_ioc_mode, header_size), LIST(header_sizes) },
	{ "type", K_U32, MEMBER(mbox_ioc_mode, type), LIST(types) },
	{ "pid", K_PID, MEMBER(mbox_ioc_mode, pid) },
	{ "minprio", K_U32, MEMBER(mbox_ioc_mode, min_prio), LIST(prios) },
	{ "typehi", K_U32, MEMBER(mbox_ioc_mode, type_hi), LIST(type_his) },
	{ "start", K_START, MEMBER(mbox_ioc_mode, start) },
};

static const struct field get_fields[] = {
	IOCTL(SLOT_HANDLE),
	{ "flags", K_FLAGS, MEMBER(mbox_info, flags) },
	{ "state", K_U32, MEMBER(mbox_info, state) },
};

static const struct field set_fields[] = {
	IOCTL(SLOT_HANDLE),
	{ "flags", K_FLAGS, MEMBER(mbox_ioc_set, flags) },
	{ "mask", K_FLAGS, MEMBER(mbox_ioc_set, mask), .valid = 63 },
	{ "mode", K_U32, MEMBER(mbox_ioc_set, mode), LIST(modes) },
	{ "uid", K_U32, MEMBER(mbox_ioc_set, uid), LIST(ids) },
	{ "gid", K_U32, MEMBER(mbox_ioc_set, gid), LIST(ids) },
	{ "capacity", K_U32, MEMBER(mbox_ioc_set, capacity), LIST(capacities) },
	{ "msgsize", K_U32, MEMBER(mbox_ioc_set, msg_size), LIST(msg_sizes) },
	{ "pad", K_U32, MEMBER(mbox_ioc_set, pad) },
	{ "bytes", K_U64, MEMBER(mbox_ioc_set, bytes), LIST(limits) },
};

static const struct field link_fields[] = {
	IOCTL(SLOT_FACTORY),
	{ "flags", K_FLAGS, MEMBER(mbox_ioc_link, flags), .valid = MBOX_OPEN_NONBLOCK },
	{ "pid", K_PID, MEMBER(mbox_ioc_link, pid) },
	{ "capacity", K_U32, MEMBER(mbox_ioc_link, capacity), LIST(capacities) },
	{ "msgsize", K_U32, MEMBER(mbox_ioc_link, msg_size), LIST(msg_sizes) },
	{ "start", K_START, MEMBER(mbox_ioc_link, start) },
	{ "to", K_OUT, .link = SLOT_HANDLE, .dflt = OWN_SLOTS },
};

static const struct field inbox_fields[] = {
	IOCTL(SLOT_FACTORY),
	{ "flags", K_FLAGS, MEMBER(mbox_ioc_inbox, flags), .valid = MBOX_OPEN_NONBLOCK },
	{ "pad", K_U32, MEMBER(mbox_ioc_inbox, pad) },
	{ "to", K_OUT, .link = SLOT_HANDLE, .dflt = OWN_SLOTS },
};

static const struct field handover_fields[] = {
	IOCTL(SLOT_HANDLE),
	{ "flags", K_FLAGS, MEMBER(mbox_ioc_handover, flags), .valid = MBOX_HANDOVER_RECV | MBOX_HANDOVER_HEIR },
	{ "pid", K_PID, MEMBER(mbox_ioc_handover, pid) },
	{ "start", K_START, MEMBER(mbox_ioc_handover, start) },
};

static const struct field shutdown_fields[] = {
	IOCTL(SLOT_HANDLE),
	{ "flags", K_U32, MEMBER(mbox_ioc_shutdown, flags) },
	{ "how", K_FLAGS, MEMBER(mbox_ioc_shutdown, how), .valid = 3, .dflt = 1 },
};

static const struct field wait_fields[] = {
	IOCTL(SLOT_HANDLE),
	{ "flags", K_FLAGS, MEMBER(mbox_ioc_wait, flags), .valid = 15 },
	{ "clock", K_ENUM, MEMBER(mbox_ioc_wait, clock), .valid = 3 },
	{ "deadline", K_TIME, MEMBER(mbox_ioc_wait, deadline), .link = ARG_STRUCT + 1 },
	{ "seen", K_U64, MEMBER(mbox_ioc_wait, seen) },
	{ "side", K_FLAGS, MEMBER(mbox_ioc_wait, side), .valid = 3 },
	{ "pad", K_U32, MEMBER(mbox_ioc_wait, pad) },
};

static const struct field ioctl_fields[] = {
	{ "fd", K_SLOT, .link = SLOT_HANDLE }, { "cmd", K_U32, LIST(ioctls) },
	/* Not among the payloads, which some calls of the VFS would write to. */
	{ "at", K_AT },
};

static const struct field rw_fields[] = {
	{ "fd", K_SLOT, .link = SLOT_HANDLE }, { "data", K_BUF, .link = 2 }, { "size", K_SIZE, LIST(sizes) },
};

static const struct field prw_fields[] = {
	{ "fd", K_SLOT, .link = SLOT_HANDLE }, { "data", K_BUF, .link = 2 }, { "size", K_SIZE, LIST(sizes) },
	{ "offset", K_U64 },
};

static const struct field rwv_fields[] = {
	{ "fd", K_SLOT, .link = SLOT_HANDLE }, { "data", K_BUF, .link = 2 }, { "size", K_SIZE, LIST(sizes) },
	{ "segments", K_ENUM, .valid = 7, .dflt = 2 },
};

static const struct field lseek_fields[] = {
	{ "fd", K_SLOT, .link = SLOT_HANDLE }, { "offset", K_U64 }, { "whence", K_ENUM, .valid = 4 },
};

static const struct field dup_fields[] = {
	{ "fd", K_SLOT, .link = SLOT_HANDLE }, { "to", K_OUT, .link = SLOT_HANDLE, .dflt = OWN_SLOTS },
};

static const struct field fd_fields[] = { { "fd", K_SLOT, .link = SLOT_HANDLE } };

static const struct field fcntl_fields[] = {
	{ "fd", K_SLOT, .link = SLOT_HANDLE }, { "what", K_ENUM, .valid = 6 },
};

static const struct field misc_fields[] = {
	{ "fd", K_SLOT, .link = SLOT_HANDLE }, { "what", K_ENUM, .valid = 12 },
};

static const struct field factory_fields[] = {
	{ "how", K_ENUM, .valid = 11 }, { "to", K_OUT, .link = SLOT_FACTORY, .dflt = OWN_SLOTS },
	{ "fd", K_SLOT, .link = SLOT_FACTORY },
};

static const struct field poll_fields[] = {
	{ "fd", K_SLOT, .link = SLOT_HANDLE }, { "events", K_U32, LIST(polled), .dflt = 5 },
	{ "ms", K_U32, LIST(waits) },
};

static const struct field epoll_fields[] = {
	{ "flags", K_FLAGS }, { "to", K_OUT, .link = SLOT_EPOLL, .dflt = OWN_SLOTS },
};

static const struct field epoll_ctl_fields[] = {
	{ "ep", K_SLOT, .link = SLOT_EPOLL }, { "op", K_ENUM, .valid = 3, .dflt = 1 },
	{ "fd", K_SLOT, .link = SLOT_HANDLE }, { "events", K_U32, LIST(watched), .dflt = 5 },
};

static const struct field epoll_wait_fields[] = {
	{ "ep", K_SLOT, .link = SLOT_EPOLL }, { "ms", K_U32, LIST(waits) },
};

static const struct field socketpair_fields[] = {
	{ "to", K_OUT, .link = SLOT_SOCKET, .dflt = OWN_SLOTS },
	{ "other", K_OUT, .link = SLOT_SOCKET, .dflt = OWN_SLOTS + 1 },
};

static const struct field send_fd_fields[] = {
	{ "over", K_SLOT, .link = SLOT_SOCKET }, { "fd", K_SLOT, .link = SLOT_HANDLE },
};

static const struct field recv_fd_fields[] = {
	{ "over", K_SLOT, .link = SLOT_SOCKET }, { "to", K_OUT, .link = SLOT_HANDLE, .dflt = OWN_SLOTS },
};

static const struct field mmap_fields[] = {
	{ "fd", K_SLOT, .link = SLOT_HANDLE }, { "size", K_SIZE, LIST(sizes), .dflt = 4096 },
	{ "prot", K_FLAGS, .valid = 3, .dflt = 3 }, { "shared", K_ENUM, .valid = 1, .dflt = 1 },
	{ "offset", K_U32, LIST(offsets) }, { "index", K_U64, LIST(indices) },
};

static const struct field memory_fields[] = { { "what", K_ENUM, .valid = 6 }, { "whose", K_ENUM, .valid = LANES - 1 } };

static const struct field ids_fields[] = { { "who", K_ENUM, .valid = 3 } };

static const struct field signal_fields[] = { { "lane", K_ENUM, .valid = LANES - 1 }, { "which", K_ENUM, .valid = 2 } };

static const struct field netns_fields[] = { { "to", K_OUT, .link = SLOT_FACTORY, .dflt = OWN_SLOTS } };

static const struct field nap_fields[] = { { "us", K_ENUM, .valid = 500 } };

static const struct field nl_socket_fields[] = {
	{ "to", K_OUT, .link = SLOT_NETLINK, .dflt = OWN_SLOTS }, { "groups", K_FLAGS, .valid = 3 },
};

static const struct field nl_request_fields[] = {
	{ "over", K_SLOT, .link = SLOT_NETLINK }, { "cmd", K_U32, LIST(nl_cmds), .dflt = 1 },
	{ "flags", K_U32, LIST(nl_flags) }, { "name", K_ENUM, .valid = 47 },
	{ "nameattr", K_U32, LIST(nl_attrs) }, { "id", K_ENUM, .valid = 110 },
	{ "idattr", K_U32, LIST(nl_attrs) }, { "attr", K_U32, LIST(nl_others) },
	{ "value", K_U64, LIST(nl_values) }, { "size", K_U32, LIST(nl_sizes), .dflt = 4 },
};

static const struct field nl_receive_fields[] = {
	{ "over", K_SLOT, .link = SLOT_NETLINK }, { "n", K_ENUM, .valid = 15, .dflt = 15 },
	{ "size", K_SIZE, LIST(sizes), .dflt = 8192 },
};

#define FIELDS(f)	.fields = f, .nr_fields = sizeof(f) / sizeof(f[0])
#define IOC(nr_, type)	.class = OP_IOCTL, .nr = nr_, .c_name = #nr_, .c_type = "struct " #type,	\
			.size = sizeof(struct type)
#define SYSCALL(nr_)	.class = OP_SYSCALL, .nr = nr_, .c_name = #nr_
#define HELPER(fn)	.class = OP_HELPER, .helper = fn, .c_name = #fn

const struct op ops[] = {
	{ "create", IOC(MBOX_IOC_CREATE, mbox_ioc_open), FIELDS(create_fields), .weight = 120, .makes = SLOT_HANDLE },
	{ "open", IOC(MBOX_IOC_OPEN, mbox_ioc_open), FIELDS(open_fields), .weight = 80, .makes = SLOT_HANDLE },
	{ "delete", IOC(MBOX_IOC_DELETE, mbox_ioc_delete), FIELDS(delete_fields), .weight = 40 },
	{ "unname", IOC(MBOX_IOC_DELETE, mbox_ioc_delete), FIELDS(delete_named_fields), .weight = 30 },
	{ "send", IOC(MBOX_IOC_SEND, mbox_ioc_send), FIELDS(send_fields), .weight = 220 },
	{ "recv", IOC(MBOX_IOC_RECV, mbox_ioc_recv), FIELDS(recv_fields), .weight = 220 },
	{ "sendv", IOC(MBOX_IOC_SENDV, mbox_ioc_sendv), FIELDS(sendv_fields), .weight = 10 },
	{ "recvv", IOC(MBOX_IOC_RECVV, mbox_ioc_recvv), FIELDS(recvv_fields), .weight = 10 },
	{ "sendbatch", HELPER(do_send_batch), FIELDS(send_batch_fields), .weight = 100 },
	{ "recvbatch", HELPER(do_recv_batch), FIELDS(recv_batch_fields), .weight = 100 },
	{ "mode", IOC(MBOX_IOC_MODE, mbox_ioc_mode), FIELDS(mode_fields), .weight = 40 },
	{ "get", IOC(MBOX_IOC_GET, mbox_info), FIELDS(get_fields), .weight = 20 },
	{ "set", IOC(MBOX_IOC_SET, mbox_ioc_set), FIELDS(set_fields), .weight = 70 },
	{ "link", IOC(MBOX_IOC_LINK, mbox_ioc_link), FIELDS(link_fields), .weight = 60, .makes = SLOT_HANDLE },
	{ "inbox", IOC(MBOX_IOC_INBOX, mbox_ioc_inbox), FIELDS(inbox_fields), .weight = 20, .makes = SLOT_HANDLE },
	{ "next", IOC(MBOX_IOC_NEXT, mbox_ioc_next), FIELDS(next_fields), .weight = 10 },
	{ "handover", IOC(MBOX_IOC_HANDOVER, mbox_ioc_handover), FIELDS(handover_fields), .weight = 30 },
	{ "shutdown", IOC(MBOX_IOC_SHUTDOWN, mbox_ioc_shutdown), FIELDS(shutdown_fields), .weight = 15 },
	{ "lease", IOC(MBOX_IOC_LEASE, mbox_ioc_lease), FIELDS(lease_fields), .weight = 100 },
	{ "ack", IOC(MBOX_IOC_ACK, mbox_ioc_ack), FIELDS(ack_fields), .weight = 5 },
	{ "nack", IOC(MBOX_IOC_NACK, mbox_ioc_nack), FIELDS(nack_fields), .weight = 50 },
	{ "extend", IOC(MBOX_IOC_EXTEND, mbox_ioc_extend), FIELDS(extend_fields), .weight = 30 },
	{ "post", IOC(MBOX_IOC_POST, mbox_ioc_post), FIELDS(post_fields), .weight = 60 },
	{ "call", IOC(MBOX_IOC_CALL, mbox_ioc_call), FIELDS(call_fields), .weight = 60 },
	{ "reply", IOC(MBOX_IOC_REPLY, mbox_ioc_reply), FIELDS(reply_fields), .weight = 40 },
	{ "kick", IOC(MBOX_IOC_KICK, mbox_ioc_kick), FIELDS(kick_fields), .weight = 15 },
	{ "notify", IOC(MBOX_IOC_NOTIFY, mbox_ioc_notify), FIELDS(notify_fields), .weight = 25 },
	{ "leasenext", HELPER(do_lease), FIELDS(lease_next_fields), .weight = 60 },
	{ "ackmany", HELPER(do_ack), FIELDS(ack_many_fields), .weight = 50 },
	{ "replynext", HELPER(do_reply), FIELDS(reply_next_fields), .weight = 40 },
	{ "wait", IOC(MBOX_IOC_WAIT, mbox_ioc_wait), FIELDS(wait_fields), .weight = 30 },
	{ "ioctl", SYSCALL(SYS_ioctl), FIELDS(ioctl_fields), .weight = 10 },
	{ "read", SYSCALL(SYS_read), FIELDS(rw_fields), .weight = 40 },
	{ "write", SYSCALL(SYS_write), FIELDS(rw_fields), .weight = 40 },
	{ "pread", SYSCALL(SYS_pread64), FIELDS(prw_fields), .weight = 2 },
	{ "pwrite", SYSCALL(SYS_pwrite64), FIELDS(prw_fields), .weight = 2 },
	{ "readv", HELPER(do_readv), FIELDS(rwv_fields), .weight = 10 },
	{ "writev", HELPER(do_writev), FIELDS(rwv_fields), .weight = 10 },
	{ "lseek", SYSCALL(SYS_lseek), FIELDS(lseek_fields), .weight = 2 },
	{ "dup", SYSCALL(SYS_dup), FIELDS(dup_fields), .weight = 12, .makes = SLOT_HANDLE },
	{ "close", HELPER(do_close), FIELDS(fd_fields), .weight = 60 },
	{ "fcntl", HELPER(do_fcntl), FIELDS(fcntl_fields), .weight = 15 },
	{ "fdinfo", HELPER(do_fdinfo), FIELDS(fd_fields), .weight = 8 },
	{ "misc", HELPER(do_misc), FIELDS(misc_fields), .weight = 4 },
	{ "factory", HELPER(do_open), FIELDS(factory_fields), .weight = 8, .makes = SLOT_FACTORY },
	{ "poll", HELPER(do_poll), FIELDS(poll_fields), .weight = 30 },
	{ "epoll", SYSCALL(SYS_epoll_create1), FIELDS(epoll_fields), .weight = 8, .makes = SLOT_EPOLL },
	{ "epollctl", HELPER(do_epoll_ctl), FIELDS(epoll_ctl_fields), .weight = 16 },
	{ "epollwait", HELPER(do_epoll_wait), FIELDS(epoll_wait_fields), .weight = 12 },
	{ "socketpair", HELPER(do_socketpair), FIELDS(socketpair_fields), .weight = 5, .makes = SLOT_SOCKET },
	{ "sendfd", HELPER(do_send_fd), FIELDS(send_fd_fields), .weight = 8 },
	{ "recvfd", HELPER(do_recv_fd), FIELDS(recv_fd_fields), .weight = 6 },
	{ "mmap", HELPER(do_mmap), FIELDS(mmap_fields), .weight = 20 },
	{ "memory", HELPER(do_memory), FIELDS(memory_fields), .weight = 10 },
	{ "ids", HELPER(do_ids), FIELDS(ids_fields), .weight = 16 },
	{ "signal", HELPER(do_signal), FIELDS(signal_fields), .weight = 8 },
	{ "netns", HELPER(do_netns), FIELDS(netns_fields), .weight = 1, .makes = SLOT_FACTORY },
	{ "nlsocket", HELPER(do_nl_socket), FIELDS(nl_socket_fields), .weight = 20, .makes = SLOT_NETLINK },
	{ "netlink", HELPER(do_nl_request), FIELDS(nl_request_fields), .weight = 80 },
	{ "nlrecv", HELPER(do_nl_receive), FIELDS(nl_receive_fields), .weight = 40 },
	{ "nap", HELPER(do_nap), FIELDS(nap_fields), .weight = 10 },
};

const unsigned int nr_ops = sizeof(ops) / sizeof(ops[0]);

/* The name that the argument stands for; the rest of its room is zeroed unless that is the flaw. */
void name_make(char *name, uint64_t value)
{
	static const char *const names[NAMES] = { "fuzz", "a", "b", "c.d-e_F9", "A", "Zz0" };
	static const char odd[] = { '/', ' ', '\n', 0x7f, '@', '[', '`', '{', ':', (char)0x80, (char)0xff, 1 };
	unsigned int flaw = value >> 8 & 0xff, extra = value >> 16 & 0xff;

	memset(name, 0, MBOX_NAME_SIZE);
	if (flaw == NAME_NONE)
		return;
	strcpy(name, names[value % NAMES]);
	switch (flaw) {
	case NAME_DOT:
		name[0] = '.';
		break;
	case NAME_CHAR:
		name[extra % 64] = odd[extra % sizeof(odd)];
		break;
	case NAME_NO_NUL:
		memset(name, 'x', MBOX_NAME_SIZE);
		break;
	case NAME_AFTER_NUL:
		name[10 + extra % 54] = 'y';
		break;
	case NAME_LONGEST:
		memset(name, 'z', MBOX_NAME_SIZE - 1);
		break;
	default:
		break;
	}
}
