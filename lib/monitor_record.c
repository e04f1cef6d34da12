// SPDX-License-Identifier: LGPL-2.1-or-later
/* Tables: the field of a record for each attribute */
#include "monitor.h"

#define FIELD(attr, how, type, member) \
	[attr] = { .kind = (how), .offset = offsetof(type, member) }
#define U32(attr, member)	FIELD(attr, MONITOR_U32, RECORD, member)
#define U64(attr, member)	FIELD(attr, MONITOR_U64, RECORD, member)
#define NAME(attr, member)	FIELD(attr, MONITOR_NAME, RECORD, member)
#define LABEL(attr, member)	FIELD(attr, MONITOR_LABEL, RECORD, member)
#define COUNT(a)		(sizeof(a) / sizeof((a)[0]))
#define SHAPE(cmd, table) { \
	.command = (cmd), \
	.size = sizeof(RECORD), \
	.fields = (table), \
	.count = COUNT(table), \
}

/* Every record begins with the field known. */
#define KNOWN_FIRST(type) \
	_Static_assert(offsetof(type, known) == 0, #type)
KNOWN_FIRST(struct mbox_monitor_mailbox);
KNOWN_FIRST(struct mbox_monitor_handle);
KNOWN_FIRST(struct mbox_monitor_waiter);
KNOWN_FIRST(struct mbox_monitor_job);
KNOWN_FIRST(struct mbox_monitor_link);
KNOWN_FIRST(struct mbox_monitor_user);
KNOWN_FIRST(struct mbox_monitor_event);

#define RECORD	struct mbox_monitor_mailbox
/* A nested record begins with its own: ring_known. */
#define RING(how, attr, member) \
	[attr] = { .kind = (how), \
		   .offset = offsetof(RECORD, member) - offsetof(RECORD, ring_known) }

static const struct monitor_field ring_fields[] = {
	RING(MONITOR_U64, MBOX_A_RING_SIZE, ring),
	RING(MONITOR_U32, MBOX_A_RING_PRODUCER, ring_producer),
	RING(MONITOR_U32, MBOX_A_RING_CONSUMER, ring_consumer),
	RING(MONITOR_U64, MBOX_A_RING_CHARGED, ring_charged),
};

static const struct monitor_field mailbox_fields[] = {
	U64(MBOX_A_MAILBOX_ID, id),
	NAME(MBOX_A_MAILBOX_NAME, name),
	U32(MBOX_A_MAILBOX_STATE, state),
	U32(MBOX_A_MAILBOX_KIND, kind),
	U32(MBOX_A_MAILBOX_UID, uid),
	U32(MBOX_A_MAILBOX_GID, gid),
	U32(MBOX_A_MAILBOX_MODE, mode),
	U32(MBOX_A_MAILBOX_LIFETIME, lifetime),
	U32(MBOX_A_MAILBOX_OWNER, owner),
	U32(MBOX_A_MAILBOX_HEIR, heir),
	U32(MBOX_A_MAILBOX_POLICY, policy),
	U32(MBOX_A_MAILBOX_OPTIONS, options),
	U32(MBOX_A_MAILBOX_MAX_PROCS, max_procs),
	U32(MBOX_A_MAILBOX_PROCS, procs),
	U64(MBOX_A_MAILBOX_CREATED, created),
	U32(MBOX_A_MAILBOX_CAPACITY, capacity),
	U32(MBOX_A_MAILBOX_MSG_SIZE, msg_size),
	U64(MBOX_A_MAILBOX_BYTES, bytes),
	U32(MBOX_A_MAILBOX_HANDLES, handles),
	U32(MBOX_A_MAILBOX_SENDERS, senders),
	U32(MBOX_A_MAILBOX_RECEIVERS, receivers),
	U64(MBOX_A_MAILBOX_QUEUED, queued),
	U64(MBOX_A_MAILBOX_QUEUED_BYTES, queued_bytes),
	U64(MBOX_A_MAILBOX_PEAK, peak),
	U64(MBOX_A_MAILBOX_PEAK_BYTES, peak_bytes),
	U64(MBOX_A_MAILBOX_SENT, sent),
	U64(MBOX_A_MAILBOX_SENT_BYTES, sent_bytes),
	U64(MBOX_A_MAILBOX_RECEIVED, received),
	U64(MBOX_A_MAILBOX_WITHDRAWN, withdrawn),
	U64(MBOX_A_MAILBOX_DROPPED, dropped),
	U64(MBOX_A_MAILBOX_PURGED, purged),
	U64(MBOX_A_MAILBOX_LOST, lost),
	U64(MBOX_A_MAILBOX_REFUSED, refused),
	U64(MBOX_A_MAILBOX_BLOCKED, blocked),
	U64(MBOX_A_MAILBOX_WOKEN, woken),
	U32(MBOX_A_MAILBOX_CREATOR, creator),
	U64(MBOX_A_MAILBOX_SPIN_HITS, spin_hits),
	U64(MBOX_A_MAILBOX_SPIN_MISSES, spin_misses),
	U32(MBOX_A_MAILBOX_LEASED, leased),
	U32(MBOX_A_MAILBOX_DELAYED, delayed),
	U32(MBOX_A_MAILBOX_PARKED, parked),
	U32(MBOX_A_MAILBOX_MAX_DELIVERIES, max_deliveries),
	U64(MBOX_A_MAILBOX_REDELIVERED, redelivered),
	U64(MBOX_A_MAILBOX_DEAD, dead),
	U64(MBOX_A_MAILBOX_DEAD_LETTER, dead_letter),
	U64(MBOX_A_MAILBOX_MARK, mark),
	U32(MBOX_A_MAILBOX_SPACE, space),
	LABEL(MBOX_A_MAILBOX_LABEL, label),
	U32(MBOX_A_MAILBOX_LAST_SENDER, last_sender),
	U32(MBOX_A_MAILBOX_LAST_RECEIVER, last_receiver),
	U64(MBOX_A_MAILBOX_LAST_SENT, last_sent),
	U64(MBOX_A_MAILBOX_LAST_RECEIVED, last_received),
	U64(MBOX_A_MAILBOX_CHANGED, changed),
	U32(MBOX_A_MAILBOX_CUID, cuid),
	U32(MBOX_A_MAILBOX_CGID, cgid),
	[MBOX_A_MAILBOX_RING] = {
		.kind = MONITOR_NEST,
		.offset = offsetof(RECORD, ring_known),
		.nest = ring_fields,
		.nest_count = COUNT(ring_fields),
	},
};

const struct monitor_shape monitor_mailbox_shape =
	SHAPE(MBOX_CMD_MAILBOX_GET, mailbox_fields);

/* The answers to a deletion or a purge have these fields only. */
static const struct monitor_field result_fields[] = {
	U64(MBOX_A_MAILBOX_QUEUED, queued),
	U64(MBOX_A_MAILBOX_DROPPED, dropped),
	U64(MBOX_A_MAILBOX_PURGED, purged),
};

const struct monitor_shape monitor_deleted_shape =
	SHAPE(MBOX_CMD_MAILBOX_DELETE, result_fields);
const struct monitor_shape monitor_purged_shape =
	SHAPE(MBOX_CMD_MAILBOX_PURGE, result_fields);
#undef RECORD

#define RECORD	struct mbox_monitor_handle
static const struct monitor_field handle_fields[] = {
	U64(MBOX_A_HANDLE_ID, id),
	U64(MBOX_A_HANDLE_MAILBOX, mailbox),
	NAME(MBOX_A_HANDLE_NAME, name),
	U32(MBOX_A_HANDLE_PID, pid),
	U32(MBOX_A_HANDLE_RIGHTS, rights),
	U64(MBOX_A_HANDLE_RECEIVED, received),
	U64(MBOX_A_HANDLE_QUEUED, queued),
	U64(MBOX_A_HANDLE_LOST, lost),
};

const struct monitor_shape monitor_handle_shape =
	SHAPE(MBOX_CMD_HANDLE_GET, handle_fields);
#undef RECORD

#define RECORD	struct mbox_monitor_waiter
static const struct monitor_field waiter_fields[] = {
	U64(MBOX_A_WAITER_ID, id),
	U64(MBOX_A_WAITER_MAILBOX, mailbox),
	NAME(MBOX_A_WAITER_NAME, name),
	U32(MBOX_A_WAITER_PID, pid),
	U32(MBOX_A_WAITER_TID, tid),
	U32(MBOX_A_WAITER_CALL, call),
	U64(MBOX_A_WAITER_WAITED, waited),
	U32(MBOX_A_WAITER_PEER, peer),
	U32(MBOX_A_WAITER_INBOX, inbox),
	U64(MBOX_A_WAITER_SIZE, size),
	U32(MBOX_A_WAITER_PRIO, prio),
	U64(MBOX_A_WAITER_TYPE, type),
	U32(MBOX_A_WAITER_SENDER, sender),
	U64(MBOX_A_WAITER_NOT_TYPE, not_type),
	U64(MBOX_A_WAITER_MAX_TYPE, max_type),
};

const struct monitor_shape monitor_waiter_shape =
	SHAPE(MBOX_CMD_WAITER_GET, waiter_fields);
#undef RECORD

#define RECORD	struct mbox_monitor_job
static const struct monitor_field job_fields[] = {
	U64(MBOX_A_JOB_ID, id),
	U64(MBOX_A_JOB_MAILBOX, mailbox),
	NAME(MBOX_A_JOB_NAME, name),
	U32(MBOX_A_JOB_INBOX, inbox),
	U32(MBOX_A_JOB_HIDDEN, hidden),
	U64(MBOX_A_JOB_TOKEN, token),
	U32(MBOX_A_JOB_DELIVERIES, deliveries),
	U64(MBOX_A_JOB_SIZE, size),
	U32(MBOX_A_JOB_PRIO, prio),
	U64(MBOX_A_JOB_TYPE, type),
	U32(MBOX_A_JOB_HOLDER, holder),
	U64(MBOX_A_JOB_HANDLE, handle),
	U64(MBOX_A_JOB_HELD, held),
	U64(MBOX_A_JOB_LEFT, left),
	U32(MBOX_A_JOB_CALLER, caller),
	U32(MBOX_A_JOB_REASON, reason),
	U32(MBOX_A_JOB_CODE, code),
};

const struct monitor_shape monitor_job_shape =
	SHAPE(MBOX_CMD_JOB_GET, job_fields);
#undef RECORD

#define RECORD	struct mbox_monitor_user
static const struct monitor_field user_fields[] = {
	U32(MBOX_A_USER_UID, uid),
	U32(MBOX_A_USER_MAILBOXES, mailboxes),
	U32(MBOX_A_USER_MAX_MAILBOXES, max_mailboxes),
	U64(MBOX_A_USER_BYTES, bytes),
	U64(MBOX_A_USER_MAX_BYTES, max_bytes),
};

const struct monitor_shape monitor_user_shape =
	SHAPE(MBOX_CMD_USER_GET, user_fields);
#undef RECORD

#define RECORD	struct mbox_monitor_link
static const struct monitor_field link_fields[] = {
	U32(MBOX_A_LINK_ONE, one),
	U32(MBOX_A_LINK_OTHER, other),
	U32(MBOX_A_LINK_CAPACITY, capacity),
	U32(MBOX_A_LINK_MSG_SIZE, msg_size),
	U32(MBOX_A_LINK_HANDLES, handles),
	U64(MBOX_A_LINK_QUEUED, queued),
	U64(MBOX_A_LINK_QUEUED_BACK, queued_back),
};

const struct monitor_shape monitor_link_shape =
	SHAPE(MBOX_CMD_LINK_GET, link_fields);
#undef RECORD

#define RECORD	struct mbox_monitor_event
static const struct monitor_field event_fields[] = {
	U32(MBOX_A_NOTICE_EVENT, event),
	U64(MBOX_A_NOTICE_TIME, time),
	U64(MBOX_A_NOTICE_ID, id),
	NAME(MBOX_A_NOTICE_NAME, name),
	U32(MBOX_A_NOTICE_STATE, state),
	U32(MBOX_A_NOTICE_UID, uid),
	U64(MBOX_A_NOTICE_QUEUED, queued),
	U64(MBOX_A_NOTICE_DROPPED, dropped),
	U64(MBOX_A_NOTICE_COUNT, count),
	U64(MBOX_A_NOTICE_TOKEN, token),
};

const struct monitor_shape monitor_event_shape =
	SHAPE(MBOX_CMD_EVENT, event_fields);
