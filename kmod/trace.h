/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints. mbox(4) documents them, and has recipes for perf and bpftrace. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM mbox

#if !defined(MBOX_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define MBOX_TRACE_H

#include <linux/tracepoint.h>

#include "broadcast.h"
#include "mbox.h"
#include "message.h"

TRACE_EVENT(mbox_create,
	TP_PROTO(const struct mbox *mbox),
	TP_ARGS(mbox),
	TP_STRUCT__entry(
		__field(u64, id)
		__array(char, name, MBOX_NAME_SIZE)
		__field(u32, capacity)
		__field(u32, msg_size)
		__field(u32, policy)
	),
	TP_fast_assign(
		__entry->id = mbox->id;
		memcpy(__entry->name, mbox->name, MBOX_NAME_SIZE);
		__entry->capacity = mbox->room.capacity;
		__entry->msg_size = mbox->room.msg_size;
		__entry->policy = mbox->policy;
	),
	TP_printk("id=%llu name=%s capacity=%u msg_size=%u policy=%u",
		  __entry->id, __entry->name, __entry->capacity,
		  __entry->msg_size, __entry->policy)
);

/* @error: what calls get from now on. */
TRACE_EVENT(mbox_delete,
	TP_PROTO(const struct mbox *mbox, int error),
	TP_ARGS(mbox, error),
	TP_STRUCT__entry(
		__field(u64, id)
		__array(char, name, MBOX_NAME_SIZE)
		__field(u64, dropped)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->id = mbox->id;
		memcpy(__entry->name, mbox->name, MBOX_NAME_SIZE);
		__entry->dropped = mbox->room.held - mbox_mailbox_partly(mbox);
		__entry->error = error;
	),
	TP_printk("id=%llu name=%s dropped=%llu error=%d",
		  __entry->id, __entry->name, __entry->dropped, __entry->error)
);

DECLARE_EVENT_CLASS(mbox_message,
	TP_PROTO(const struct mbox *mbox, const struct mbox_message *message),
	TP_ARGS(mbox, message),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, seq)
		__field(u32, length)
		__field(u32, prio)
		__field(u64, type)
		__field(u64, queued)
	),
	TP_fast_assign(
		__entry->id = mbox->id;
		__entry->seq = message->seq;
		__entry->length = message->length;
		__entry->prio = message->prio;
		__entry->type = message->type;
		__entry->queued = mbox->room.held;
	),
	TP_printk("id=%llu seq=%llu length=%u prio=%u type=%llu queued=%llu",
		  __entry->id, __entry->seq, __entry->length, __entry->prio,
		  __entry->type, __entry->queued)
);

/* A message is accepted. */
DEFINE_EVENT(mbox_message, mbox_send,
	TP_PROTO(const struct mbox *mbox, const struct mbox_message *message),
	TP_ARGS(mbox, message)
);

/*
 * A message, or a delivery of one, is received by the current process; or by that of the
 * mbox_wake which follows, to which the current process has transferred it.
 */
DEFINE_EVENT(mbox_message, mbox_receive,
	TP_PROTO(const struct mbox *mbox, const struct mbox_message *message),
	TP_ARGS(mbox, message)
);

/* A message is withdrawn or purged, or a delivery is lost. */
DEFINE_EVENT(mbox_message, mbox_drop,
	TP_PROTO(const struct mbox *mbox, const struct mbox_message *message),
	TP_ARGS(mbox, message)
);

/* The current thread is about to sleep in a call. @wait is the number of that. */
TRACE_EVENT(mbox_block,
	TP_PROTO(const struct mbox *mbox, const struct mbox_waiter *waiter),
	TP_ARGS(mbox, waiter),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, wait)
		__field(bool, receives)
	),
	TP_fast_assign(
		__entry->id = mbox->id;
		__entry->wait = waiter->number;
		__entry->receives = waiter->filter;
	),
	TP_printk("id=%llu wait=%llu call=%s", __entry->id, __entry->wait,
		  __entry->receives ? "receive" : "send")
);

/*
 * The wait of a call is over, and its thread, @pid in the initial pid namespace, is
 * woken. @error: what that gets of it, 1 if it has to look again.
 */
TRACE_EVENT(mbox_wake,
	TP_PROTO(const struct mbox *mbox, const struct mbox_waiter *waiter,
		 int error),
	TP_ARGS(mbox, waiter, error),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, wait)
		__field(pid_t, pid)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->id = mbox->id;
		__entry->wait = waiter->number;
		__entry->pid = waiter->task->pid;
		__entry->error = error;
	),
	TP_printk("id=%llu wait=%llu pid=%d error=%d", __entry->id,
		  __entry->wait, __entry->pid, __entry->error)
);

#endif /* MBOX_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
