// SPDX-License-Identifier: GPL-2.0-only
/* Dumps of the netlink family: mailboxes, handles, waiters and links. */
#include <linux/cred.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "access.h"
#include "broadcast.h"
#include "job.h"
#include "link.h"
#include "mbox.h"
#include "message.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "process.h"
#include "queue.h"
#include "registry.h"
#include "wait.h"

/* Begin a row; NULL if there is no room. */
void *mbox_dump_row_begin(struct mbox_dump *dump, u8 cmd)
{
	struct netlink_callback *cb = dump->cb;
	void *header;

	header = genlmsg_put(dump->skb, NETLINK_CB(cb->skb).portid,
			     cb->nlh->nlmsg_seq, &mbox_nl_family, NLM_F_MULTI,
			     cmd);
	if (header)
		genl_dump_check_consistent(cb, header);
	return header;
}

/* End the row @header if it is complete, else take it back. 0 or EMSGSIZE. */
int mbox_dump_row_end(struct mbox_dump *dump, void *header, bool complete)
{
	if (complete) {
		genlmsg_end(dump->skb, header);
		return 0;
	}
	if (header)
		genlmsg_cancel(dump->skb, header);
	return -EMSGSIZE;
}

/* Restrict the dump to the mailbox that the request names, if it does. */
static int dump_restrict(struct mbox_dump *dump, const struct nlattr *id,
			 const struct nlattr *name)
{
	struct mbox_dump_progress *progress = dump->progress;
	struct mbox *mbox;

	if (progress->begun)
		return 0;
	if (id || name) {
		mbox = mbox_netlink_find(dump->registry, dump->file, id, name,
					 dump->cb->extack);
		if (IS_ERR(mbox))
			return PTR_ERR(mbox);
		progress->id = mbox->id;
		progress->one = true;
		mbox_mailbox_put(mbox);
	}
	progress->begun = true;
	return 0;
}

/* Have dump->fill() add the rows of one mailbox after the other. */
static int dump_mailboxes(struct mbox_dump *dump)
{
	struct mbox_dump_progress *progress = dump->progress;
	unsigned long only = progress->id, id;
	struct mbox *mbox;
	int error = 0;

	while (!progress->done) {
		id = progress->id;
		mbox = mbox_registry_next(dump->registry, &progress->id);
		/* The one that was begun may be gone. */
		if (progress->id != id)
			progress->number = 0;
		if (!mbox || (progress->one && progress->id != only))
			progress->done = true;
		else if (READ_ONCE(mbox->state) != MBOX_STATE_DEAD &&
			 mbox_access_sees_mailbox(mbox, dump->file))
			error = dump->fill(dump, mbox, NULL);
		if (mbox)
			mbox_mailbox_put(mbox);
		if (error)
			return error;
		progress->id++;
		progress->number = 0;
		progress->done |= progress->one;
		cond_resched();
	}
	return 0;
}

static int dump_fill_mailbox(struct mbox_dump *dump, struct mbox *mbox,
			     struct pid *inbox)
{
	void *header = mbox_dump_row_begin(dump, MBOX_CMD_MAILBOX_GET);

	return mbox_dump_row_end(dump, header,
				 header && !mbox_dump_mailbox(dump->skb, mbox, NULL));
}

/* Put the id and the name of a mailbox. */
bool mbox_dump_put_mailbox(struct sk_buff *skb, const struct mbox *mbox, int id,
			   int name, int pad)
{
	return mbox_dump_u64(skb, id, mbox->id, pad) &&
	       (!mbox->name[0] || !nla_put_string(skb, name, mbox->name));
}

static bool dump_put_handle(struct sk_buff *skb, const struct mbox_handle *handle)
{
	const struct mbox_subscription *sub = handle->sub;

	return mbox_dump_u64(skb, MBOX_A_HANDLE_ID, handle->number,
		       MBOX_A_HANDLE_PAD) &&
	       mbox_dump_put_mailbox(skb, handle->mbox, MBOX_A_HANDLE_MAILBOX,
				     MBOX_A_HANDLE_NAME, MBOX_A_HANDLE_PAD) &&
	       !nla_put_u32(skb, MBOX_A_HANDLE_PID,
			    mbox_process_nr(handle->pid)) &&
	       !nla_put_u32(skb, MBOX_A_HANDLE_RIGHTS,
			    handle->rights & ~handle->shut) &&
	       mbox_dump_u64(skb, MBOX_A_HANDLE_RECEIVED, handle->received,
			     MBOX_A_HANDLE_PAD) &&
	       (!sub || (mbox_dump_u64(skb, MBOX_A_HANDLE_QUEUED,
				 mbox_subscription_held(handle->mbox, sub),
				 MBOX_A_HANDLE_PAD) &&
			 mbox_dump_u64(skb, MBOX_A_HANDLE_LOST, sub->lost,
				       MBOX_A_HANDLE_PAD)));
}

/* Add the row of a handle. */
static int dump_fill_handle(struct mbox_dump *dump, const struct mbox_handle *handle)
{
	void *header = mbox_dump_row_begin(dump, MBOX_CMD_HANDLE_GET);
	int error;

	error = mbox_dump_row_end(dump, header,
				  header && dump_put_handle(dump->skb, handle));
	if (!error)
		dump->progress->number = handle->number;
	return error;
}

static int dump_fill_handles(struct mbox_dump *dump, struct mbox *mbox,
			     struct pid *inbox)
{
	struct mbox_handle *handle;
	struct rb_node *node;
	unsigned int n;
	int error = 0;

	do {
		spin_lock(&mbox->lock);
		handle = mbox_handle_after(mbox, dump->progress->number);
		/* Bound: MBOX_DUMP_ROWS. */
		for (n = 0; handle && n < MBOX_DUMP_ROWS; n++) {
			error = dump_fill_handle(dump, handle);
			if (error)
				break;
			node = rb_next(&handle->node);
			handle = rb_entry_safe(node, struct mbox_handle, node);
		}
		spin_unlock(&mbox->lock);
		cond_resched();
	} while (handle && !error);
	return error;
}

static u32 dump_call(const struct mbox *mbox, const struct mbox_waiter *waiter)
{
	if (mbox->ring)
		return waiter->filter ? MBOX_CALL_CONSUME : MBOX_CALL_PRODUCE;
	if (waiter->filter)
		return MBOX_CALL_RECEIVE;
	if (waiter->message->state == MBOX_MESSAGE_PENDING)
		return MBOX_CALL_SEND;
	if (mbox_post_calls(waiter))
		return MBOX_CALL_REPLY;
	return mbox_post_waits(waiter->post) ? MBOX_CALL_ACK : MBOX_CALL_RECEIPT;
}

/* Put the conditions of a receive that waits. */
static bool dump_put_filter(struct sk_buff *skb, const struct mbox_waiter *waiter)
{
	const struct mbox_filter *filter = waiter->filter;
	int type = filter->flags & MBOX_RECV_BY_TYPE ? MBOX_A_WAITER_TYPE :
		   filter->flags & MBOX_RECV_NOT_TYPE ? MBOX_A_WAITER_NOT_TYPE :
		   filter->flags & MBOX_RECV_MAX_TYPE ? MBOX_A_WAITER_MAX_TYPE : 0;

	return mbox_dump_u64(skb, MBOX_A_WAITER_SIZE, waiter->size,
		       MBOX_A_WAITER_PAD) &&
	       !nla_put_u32(skb, MBOX_A_WAITER_PRIO, filter->min_prio) &&
	       (!type || mbox_dump_u64(skb, type, filter->type, MBOX_A_WAITER_PAD)) &&
	       (!(filter->flags & MBOX_RECV_BY_SENDER) ||
		!nla_put_u32(skb, MBOX_A_WAITER_SENDER, filter->pid));
}

/* Put the message of a send that waits. */
static bool dump_put_message(struct sk_buff *skb, const struct mbox_message *message)
{
	return mbox_dump_u64(skb, MBOX_A_WAITER_SIZE, message->length,
		       MBOX_A_WAITER_PAD) &&
	       !nla_put_u32(skb, MBOX_A_WAITER_PRIO, message->prio) &&
	       mbox_dump_u64(skb, MBOX_A_WAITER_TYPE, message->type,
			     MBOX_A_WAITER_PAD);
}

/* @inbox: the process whose inbox the mailbox is, or NULL. */
static bool dump_put_waiter(struct sk_buff *skb, const struct mbox *mbox,
			    const struct mbox_waiter *waiter, struct pid *inbox)
{
	struct pid_namespace *ns = task_active_pid_ns(current);
	const struct mbox_lane *lane = waiter->lane;
	struct pid *peer = NULL;

	/* Of a link: the process that is waited for. */
	if (lane)
		peer = waiter->filter ? lane->from->pid : lane->to->pid;
	return mbox_dump_u64(skb, MBOX_A_WAITER_ID, waiter->number,
		       MBOX_A_WAITER_PAD) &&
	       mbox_dump_put_mailbox(skb, mbox, MBOX_A_WAITER_MAILBOX,
				     MBOX_A_WAITER_NAME, MBOX_A_WAITER_PAD) &&
	       !nla_put_u32(skb, MBOX_A_WAITER_PID,
			    task_tgid_nr_ns(waiter->task, ns)) &&
	       !nla_put_u32(skb, MBOX_A_WAITER_TID,
			    task_pid_nr_ns(waiter->task, ns)) &&
	       !nla_put_u32(skb, MBOX_A_WAITER_CALL, dump_call(mbox, waiter)) &&
	       mbox_dump_u64(skb, MBOX_A_WAITER_WAITED,
			     jiffies64_to_nsecs(get_jiffies_64() - waiter->since),
			     MBOX_A_WAITER_PAD) &&
	       (!peer || !nla_put_u32(skb, MBOX_A_WAITER_PEER,
				      mbox_process_nr(peer))) &&
	       (!inbox || !nla_put_u32(skb, MBOX_A_WAITER_INBOX,
				       mbox_process_nr(inbox))) &&
	       (mbox->ring || (waiter->filter ?
			       dump_put_filter(skb, waiter) :
			       dump_put_message(skb, waiter->message)));
}

/* Add the row of a waiter. */
static int dump_fill_waiter(struct mbox_dump *dump, const struct mbox *mbox,
			    const struct mbox_waiter *waiter, struct pid *inbox)
{
	void *header = mbox_dump_row_begin(dump, MBOX_CMD_WAITER_GET);
	int error;

	error = mbox_dump_row_end(dump, header,
				  header && dump_put_waiter(dump->skb, mbox, waiter,
							    inbox));
	if (!error)
		dump->progress->number = waiter->number;
	return error;
}

/*
 * Add the rows of waiters that come after @marker, up to MBOX_DUMP_ROWS of them, and
 * move @marker behind the last that was looked at, of MBOX_DUMP_WALK at most.
 * Markers, this one and those of other dumps, have no number, and so no row. Set
 * @more if there are waiters left to look at.
 */
static int dump_fill_waiters_after(struct mbox_dump *dump, struct mbox *mbox,
				   struct mbox_waiter *marker, struct pid *inbox,
				   bool *more)
{
	unsigned int looked = 0, rows = 0;
	struct mbox_waiter *waiter;
	int error = 0;

	lockdep_assert_held(&mbox->lock);
	waiter = list_next_entry(marker, all);
	/* Bound: MBOX_DUMP_WALK looked at, MBOX_DUMP_ROWS added. */
	while (!list_entry_is_head(waiter, &mbox->waits->waiters, all)) {
		if (looked++ == MBOX_DUMP_WALK)
			break;
		if (waiter->number > dump->progress->number) {
			if (rows++ == MBOX_DUMP_ROWS)
				break;
			error = dump_fill_waiter(dump, mbox, waiter, inbox);
			if (error)
				break;
		}
		waiter = list_next_entry(waiter, all);
	}
	*more = !list_entry_is_head(waiter, &mbox->waits->waiters, all);
	list_move_tail(&marker->all, &waiter->all);
	return error;
}

/*
 * A part of a dump begins at the front, which the waiters should not have to pay
 * for; a marker among them keeps the place where the lock was given up.
 */
static int dump_fill_waiters(struct mbox_dump *dump, struct mbox *mbox,
			     struct pid *inbox)
{
	struct mbox_waiter marker = {};
	bool more;
	int error;

	if (!READ_ONCE(mbox->waits))
		return 0;
	spin_lock(&mbox->lock);
	list_add(&marker.all, &mbox->waits->waiters);
	for (;;) {
		error = dump_fill_waiters_after(dump, mbox, &marker, inbox, &more);
		if (error || !more)
			break;
		spin_unlock(&mbox->lock);
		cond_resched();
		spin_lock(&mbox->lock);
	}
	list_del(&marker.all);
	spin_unlock(&mbox->lock);
	return error;
}

/* Add the row of an inbox. */
static int dump_visit_mailbox(struct mbox_listed *entry, void *data)
{
	struct mbox_endpoint *endpoint;
	struct mbox_dump *dump = data;
	void *header;

	endpoint = container_of(entry, struct mbox_endpoint, listing);
	if (!mbox_access_sees_endpoint(endpoint, dump->file))
		return 0;
	header = mbox_dump_row_begin(dump, MBOX_CMD_MAILBOX_GET);
	return mbox_dump_row_end(dump, header, header &&
				 !mbox_dump_mailbox(dump->skb, endpoint->inbox, endpoint));
}

/* Add the rows of an inbox. */
static int dump_visit_inbox(struct mbox_listed *entry, void *data)
{
	struct mbox_endpoint *endpoint;
	struct mbox_dump *dump = data;

	endpoint = container_of(entry, struct mbox_endpoint, listing);
	if (dump->progress->inbox != endpoint->inbox->id) {
		dump->progress->inbox = endpoint->inbox->id;
		dump->progress->number = 0;
	}
	if (!mbox_access_sees_endpoint(endpoint, dump->file))
		return 0;
	return dump->fill(dump, endpoint->inbox, endpoint->pid);
}

static int dump_visit_link(struct mbox_listed *entry, void *data)
{
	struct mbox_link *link = container_of(entry, struct mbox_link, listing);
	struct mbox_lane *there = &link->lanes[0], *back = &link->lanes[1];
	const struct nlattr *one;
	u32 from = mbox_process_nr(there->from->pid);
	u32 to = mbox_process_nr(there->to->pid);
	struct mbox_dump *dump = data;
	u64 queued, queued_back;
	void *header;

	one = mbox_compat_dump_attrs(dump->cb)[MBOX_A_LINK_ONE];
	if (one && from != nla_get_u32(one) && to != nla_get_u32(one))
		return 0;
	if (!mbox_access_sees_endpoint(there->from, dump->file) &&
	    !mbox_access_sees_endpoint(there->to, dump->file))
		return 0;
	spin_lock(&there->to->inbox->lock);
	queued = there->room.held;
	spin_unlock(&there->to->inbox->lock);
	spin_lock(&back->to->inbox->lock);
	queued_back = back->room.held;
	spin_unlock(&back->to->inbox->lock);

	header = mbox_dump_row_begin(dump, MBOX_CMD_LINK_GET);
	return mbox_dump_row_end(dump, header, header &&
		!nla_put_u32(dump->skb, MBOX_A_LINK_ONE, from) &&
		!nla_put_u32(dump->skb, MBOX_A_LINK_OTHER, to) &&
		!nla_put_u32(dump->skb, MBOX_A_LINK_CAPACITY, there->room.capacity) &&
		!nla_put_u32(dump->skb, MBOX_A_LINK_MSG_SIZE, there->room.msg_size) &&
		!nla_put_u32(dump->skb, MBOX_A_LINK_HANDLES,
			     atomic_read(&link->handles)) &&
		mbox_dump_u64(dump->skb, MBOX_A_LINK_QUEUED, queued,
			      MBOX_A_LINK_PAD) &&
		mbox_dump_u64(dump->skb, MBOX_A_LINK_QUEUED_BACK, queued_back,
			      MBOX_A_LINK_PAD));
}

/* Begin a part. */
static void dump_begin(struct mbox_dump *dump, struct sk_buff *skb,
		       struct netlink_callback *cb)
{
	BUILD_BUG_ON(sizeof(struct mbox_dump_progress) > sizeof(cb->ctx));
	dump->skb = skb;
	dump->cb = cb;
	dump->progress = (struct mbox_dump_progress *)cb->ctx;
	dump->registry = mbox_registry_get(sock_net(skb->sk));
	dump->file = mbox_netlink_file(cb->skb);
	dump->changes = READ_ONCE(dump->registry->changes);
	cb->seq = dump->changes;
}

/* End a part. A full one is no error, if there is anything in it. */
static int dump_end(struct mbox_dump *dump, int error)
{
	mbox_registry_put(dump->registry);
	if (error == -EMSGSIZE && dump->skb->len)
		return dump->skb->len;
	return error ?: dump->skb->len;
}

/* Dump the mailbox that attributes @id and @name say, or all. */
static int dump_mailboxes_of(struct mbox_dump *dump, int id, int name)
{
	struct nlattr **attrs = mbox_compat_dump_attrs(dump->cb);

	return dump_restrict(dump, attrs[id], attrs[name]) ?:
	       dump_mailboxes(dump);
}

int mbox_nl_mailbox_get_dumpit(struct sk_buff *skb,
			       struct netlink_callback *cb)
{
	struct mbox_dump dump = { .fill = dump_fill_mailbox };
	struct nlattr **attrs = mbox_compat_dump_attrs(cb);
	int error;

	dump_begin(&dump, skb, cb);
	if (attrs[MBOX_A_MAILBOX_KIND] &&
	    nla_get_u32(attrs[MBOX_A_MAILBOX_KIND]) == MBOX_KIND_INBOX) {
		cb->seq = 0;
		error = mbox_links_visit(&mbox_endpoint_list, dump.registry,
					 &dump.progress->next, &cb->seq,
					 dump_visit_mailbox, &dump);
		return dump_end(&dump, error);
	}
	return dump_end(&dump, dump_mailboxes_of(&dump, MBOX_A_MAILBOX_ID,
						 MBOX_A_MAILBOX_NAME));
}

int mbox_nl_handle_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct mbox_dump dump = { .fill = dump_fill_handles };

	dump_begin(&dump, skb, cb);
	return dump_end(&dump, dump_mailboxes_of(&dump, MBOX_A_HANDLE_MAILBOX,
						 MBOX_A_HANDLE_NAME));
}

/**
 * mbox_dump_all - dump the rows of one mailbox, or of all and then of all inboxes
 * @skb:	of the part
 * @cb:		of the dump
 * @id:		attribute of the request with the id of the mailbox
 * @name:	and with its name
 * @fill:	adds the rows of one mailbox
 *
 * Return: as a dump of netlink.
 */
int mbox_dump_all(struct sk_buff *skb, struct netlink_callback *cb, int id, int name,
		  mbox_dump_fill fill)
{
	struct mbox_dump dump = { .fill = fill };
	struct mbox_dump_progress *progress;
	int error = 0;

	dump_begin(&dump, skb, cb);
	progress = dump.progress;
	/* Of one mailbox up to the end, whose message is checked as well. */
	if (!progress->done || progress->one) {
		cb->seq = dump.changes +
			  mbox_links_changes(&mbox_endpoint_list) ?: 1;
		error = dump_mailboxes_of(&dump, id, name);
	}
	if (!error && !progress->one) {
		cb->seq = dump.changes;
		error = mbox_links_visit(&mbox_endpoint_list, dump.registry,
					 &progress->next, &cb->seq,
					 dump_visit_inbox, &dump);
	}
	return dump_end(&dump, error);
}

int mbox_nl_waiter_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	return mbox_dump_all(skb, cb, MBOX_A_WAITER_MAILBOX, MBOX_A_WAITER_NAME,
			     dump_fill_waiters);
}

int mbox_nl_link_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct mbox_dump dump = {};
	int error;

	dump_begin(&dump, skb, cb);
	/* Mailboxes that come and go do not concern links. */
	cb->seq = 0;
	error = mbox_links_visit(&mbox_link_list, dump.registry,
				 &dump.progress->next, &cb->seq,
				 dump_visit_link, &dump);
	return dump_end(&dump, error);
}
