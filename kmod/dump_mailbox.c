// SPDX-License-Identifier: GPL-2.0-only
/* The attributes of a mailbox, in dumps and in replies. */
#include <linux/kernel.h>
#include <linux/string.h>
#include <net/genetlink.h>

#include "link.h"
#include "mbox.h"
#include "netlink.h"
#include "netlink_gen.h"

/* Put a process id; leave the attribute out without one. */
static bool dump_put_process(struct sk_buff *skb, int attr, u32 pid)
{
	return !pid || !nla_put_u32(skb, attr, pid);
}

static bool dump_put_ring(struct sk_buff *skb, const struct mbox_info *info,
			  const struct mbox_stats *stats)
{
	struct nlattr *nest;

	if (!info->ring)
		return true;
	nest = nla_nest_start(skb, MBOX_A_MAILBOX_RING);
	if (!nest || !mbox_dump_u64(skb, MBOX_A_RING_SIZE, info->ring, MBOX_A_RING_PAD) ||
	    !dump_put_process(skb, MBOX_A_RING_PRODUCER, stats->producer) ||
	    !dump_put_process(skb, MBOX_A_RING_CONSUMER, stats->consumer) ||
	    !mbox_dump_u64(skb, MBOX_A_RING_CHARGED, stats->charged, MBOX_A_RING_PAD))
		return false;
	nla_nest_end(skb, nest);
	return true;
}

static bool dump_put_u32s(struct sk_buff *skb, const struct mbox_info *info)
{
	const struct {
		int attr;
		u32 value;
	} fields[] = {
		{ MBOX_A_MAILBOX_STATE, info->state },
		{ MBOX_A_MAILBOX_KIND, info->kind },
		{ MBOX_A_MAILBOX_UID, info->uid },
		{ MBOX_A_MAILBOX_GID, info->gid },
		{ MBOX_A_MAILBOX_CREATOR, info->creator },
		{ MBOX_A_MAILBOX_MODE, info->mode },
		{ MBOX_A_MAILBOX_LIFETIME, info->lifetime },
		{ MBOX_A_MAILBOX_POLICY, info->policy },
		{ MBOX_A_MAILBOX_OPTIONS, info->options },
		{ MBOX_A_MAILBOX_MAX_PROCS, info->max_procs },
		{ MBOX_A_MAILBOX_PROCS, info->procs },
		{ MBOX_A_MAILBOX_CAPACITY, info->capacity },
		{ MBOX_A_MAILBOX_MSG_SIZE, info->msg_size },
		{ MBOX_A_MAILBOX_HANDLES, info->handles },
		{ MBOX_A_MAILBOX_SENDERS, info->senders },
		{ MBOX_A_MAILBOX_RECEIVERS, info->receivers },
		{ MBOX_A_MAILBOX_LEASED, info->leased },
		{ MBOX_A_MAILBOX_DELAYED, info->delayed },
		{ MBOX_A_MAILBOX_PARKED, info->parked },
		{ MBOX_A_MAILBOX_MAX_DELIVERIES, info->max_deliveries },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		if (nla_put_u32(skb, fields[i].attr, fields[i].value))
			return false;
	}
	return true;
}

static bool dump_put_u64s(struct sk_buff *skb, const struct mbox_info *info,
			  const struct mbox_stats *stats)
{
	const struct {
		int attr;
		u64 value;
	} fields[] = {
		{ MBOX_A_MAILBOX_ID, info->id },
		{ MBOX_A_MAILBOX_CREATED, info->created },
		{ MBOX_A_MAILBOX_BYTES, info->bytes },
		{ MBOX_A_MAILBOX_QUEUED, info->queued },
		{ MBOX_A_MAILBOX_QUEUED_BYTES, info->queued_bytes },
		{ MBOX_A_MAILBOX_PEAK, stats->peak },
		{ MBOX_A_MAILBOX_PEAK_BYTES, stats->peak_bytes },
		{ MBOX_A_MAILBOX_SENT, info->sent },
		{ MBOX_A_MAILBOX_SENT_BYTES, stats->sent_bytes },
		{ MBOX_A_MAILBOX_RECEIVED, info->received },
		{ MBOX_A_MAILBOX_WITHDRAWN, info->withdrawn },
		{ MBOX_A_MAILBOX_DROPPED, info->dropped },
		{ MBOX_A_MAILBOX_PURGED, stats->purged },
		{ MBOX_A_MAILBOX_LOST, info->lost },
		{ MBOX_A_MAILBOX_REFUSED, stats->refused },
		{ MBOX_A_MAILBOX_BLOCKED, stats->blocked },
		{ MBOX_A_MAILBOX_WOKEN, stats->woken },
		{ MBOX_A_MAILBOX_SPIN_HITS, info->spin_hits },
		{ MBOX_A_MAILBOX_SPIN_MISSES, info->spin_misses },
		{ MBOX_A_MAILBOX_REDELIVERED, info->redelivered },
		{ MBOX_A_MAILBOX_DEAD, info->dead },
		{ MBOX_A_MAILBOX_MARK, info->mark },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		if (!mbox_dump_u64(skb, fields[i].attr, fields[i].value,
				   MBOX_A_MAILBOX_PAD))
			return false;
	}
	return true;
}

/* A label has no NUL, so its length says its size. */
static bool dump_put_label(struct sk_buff *skb, const struct mbox_info *info)
{
	size_t size = strnlen(info->label, sizeof(info->label));

	return (info->space == MBOX_SPACE_NONE ||
		!nla_put_u32(skb, MBOX_A_MAILBOX_SPACE, info->space)) &&
	       (!size || !nla_put(skb, MBOX_A_MAILBOX_LABEL, size, info->label));
}

static bool dump_put_track(struct sk_buff *skb, const struct mbox_info *info)
{
	if (!(info->options & MBOX_OPTION_TRACK))
		return true;
	return !nla_put_u32(skb, MBOX_A_MAILBOX_LAST_SENDER, info->last_sender) &&
	       !nla_put_u32(skb, MBOX_A_MAILBOX_LAST_RECEIVER, info->last_receiver) &&
	       mbox_dump_u64(skb, MBOX_A_MAILBOX_LAST_SENT, info->last_sent,
			     MBOX_A_MAILBOX_PAD) &&
	       mbox_dump_u64(skb, MBOX_A_MAILBOX_LAST_RECEIVED, info->last_received,
			     MBOX_A_MAILBOX_PAD) &&
	       mbox_dump_u64(skb, MBOX_A_MAILBOX_CHANGED, info->changed,
			     MBOX_A_MAILBOX_PAD) &&
	       !nla_put_u32(skb, MBOX_A_MAILBOX_CUID, info->cuid) &&
	       !nla_put_u32(skb, MBOX_A_MAILBOX_CGID, info->cgid);
}

/* Put the attributes of a mailbox, or of the inbox of @endpoint, else NULL. 0 or EMSGSIZE. */
int mbox_dump_mailbox(struct sk_buff *skb, struct mbox *mbox,
		      const struct mbox_endpoint *endpoint)
{
	struct mbox_stats stats = {};
	struct mbox_info info = {};

	mbox_mailbox_info(mbox, NULL, &info, &stats);
	if (endpoint)
		mbox_direct_info_process(endpoint, &info);
	if ((info.name[0] &&
	     nla_put_string(skb, MBOX_A_MAILBOX_NAME, info.name)) ||
	    !dump_put_label(skb, &info) ||
	    !dump_put_u64s(skb, &info, &stats) || !dump_put_u32s(skb, &info) ||
	    !dump_put_process(skb, MBOX_A_MAILBOX_OWNER, info.owner) ||
	    !dump_put_process(skb, MBOX_A_MAILBOX_HEIR, info.heir) ||
	    (info.dead_letter && !mbox_dump_u64(skb, MBOX_A_MAILBOX_DEAD_LETTER,
						info.dead_letter,
						MBOX_A_MAILBOX_PAD)) ||
	    !dump_put_track(skb, &info) || !dump_put_ring(skb, &info, &stats))
		return -EMSGSIZE;
	return 0;
}
