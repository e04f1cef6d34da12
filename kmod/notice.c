// SPDX-License-Identifier: GPL-2.0-only
/* Notices: one event, multicast to the listeners allowed to see it. */
#include <linux/fs.h>
#include <linux/hash.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <linux/timekeeping.h>
#include <linux/user_namespace.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "access.h"
#include "compat.h"
#include "event.h"
#include "mbox.h"
#include "netlink_gen.h"
#include "registry.h"

static DEFINE_MUTEX(notice_lock);	/* held while one event is sent */
static bool notice_family_gone;		/* notice_lock */

/*
 * Whether one event is hidden from these credentials. Sockets that one process opened
 * have the same credentials, and there may be many.
 */
#define HIDDEN_BITS	4

struct notice_hidden {
	const struct mbox_notice *notice;
	struct {
		const struct cred *cred;
		bool hidden;
	} by[1 << HIDDEN_BITS];
};

/* Check for listeners. The caller makes sure that the namespace does not end now. */
bool mbox_notice_heard(const struct mbox_registry *registry)
{
	return genl_has_listeners(&mbox_nl_family, registry->net,
				  MBOX_NLGRP_EVENTS) ||
	       genl_has_listeners(&mbox_nl_family, registry->net,
				  MBOX_NLGRP_EVENTS_PRIVATE);
}

/*
 * Netlink filter: return true to hide the event from this socket. Events about no
 * mailbox are visible to all. No socket is closed while an event is sent, so the
 * credentials stay.
 */
static int notice_hide(struct sock *sk, struct sk_buff *skb, void *data)
{
	struct socket *socket = READ_ONCE(sk->sk_socket);
	struct file *file = socket ? READ_ONCE(socket->file) : NULL;
	struct notice_hidden *seen = data;
	const struct mbox_notice *notice = seen->notice;
	const struct cred *cred;
	unsigned int i;

	if (!file)
		return true;
	cred = file->f_cred;
	i = hash_ptr(cred, HIDDEN_BITS);
	if (seen->by[i].cred != cred) {
		seen->by[i].cred = cred;
		seen->by[i].hidden = !mbox_access_sees(file, notice->registry,
						     notice->uid, notice->gid,
						     notice->mode);
	}
	return seen->by[i].hidden;
}

static int notice_fill(struct sk_buff *skb, const struct mbox_notice *notice,
		       enum mbox_event event, u64 count, u64 dropped)
{
	struct user_namespace *user_ns = notice->registry->user_ns;
	void *header;

	header = genlmsg_put(skb, 0, 0, &mbox_nl_family, 0, MBOX_CMD_EVENT);
	if (!header ||
	    nla_put_u32(skb, MBOX_A_NOTICE_EVENT, event) ||
	    nla_put_u64_64bit(skb, MBOX_A_NOTICE_TIME, ktime_get_real_ns(),
			      MBOX_A_NOTICE_PAD))
		return -EMSGSIZE;
	if (notice->id &&
	    (nla_put_u64_64bit(skb, MBOX_A_NOTICE_ID, notice->id,
			       MBOX_A_NOTICE_PAD) ||
	     nla_put_u32(skb, MBOX_A_NOTICE_STATE, notice->state) ||
	     nla_put_u64_64bit(skb, MBOX_A_NOTICE_QUEUED, notice->queued,
			       MBOX_A_NOTICE_PAD)))
		return -EMSGSIZE;
	if (notice->id && notice->name[0] &&
	    nla_put_string(skb, MBOX_A_NOTICE_NAME, notice->name))
		return -EMSGSIZE;
	if (event != MBOX_EVENT_OVERRUN &&
	    nla_put_u32(skb, MBOX_A_NOTICE_UID,
			from_kuid_munged(user_ns, notice->uid)))
		return -EMSGSIZE;
	if (dropped && nla_put_u64_64bit(skb, MBOX_A_NOTICE_DROPPED, dropped,
					 MBOX_A_NOTICE_PAD))
		return -EMSGSIZE;
	if (event == MBOX_EVENT_LEASE_ENDING &&
	    nla_put_u64_64bit(skb, MBOX_A_NOTICE_TOKEN, notice->token,
			      MBOX_A_NOTICE_PAD))
		return -EMSGSIZE;
	if (count > 1 && nla_put_u64_64bit(skb, MBOX_A_NOTICE_COUNT, count,
					   MBOX_A_NOTICE_PAD))
		return -EMSGSIZE;
	genlmsg_end(skb, header);
	return 0;
}

/* Check whether a namespace and a family are left to send to, now or ever. */
bool mbox_notice_possible(const struct mbox_registry *registry)
{
	return READ_ONCE(registry->net) && !mbox_notice_stopped();
}

bool mbox_notice_stopped(void)
{
	return READ_ONCE(notice_family_gone);
}

/* Send one event. The end of a namespace, or of the family, waits for no more. */
int mbox_notice_send(const struct mbox_notice *notice, enum mbox_event event,
		     u64 count, u64 dropped)
{
	struct mbox_registry *registry = notice->registry;
	struct notice_hidden seen = { .notice = notice };
	bool everybody = notice->mode & 06;
	struct sk_buff *skb;

	skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	if (WARN_ON_ONCE(notice_fill(skb, notice, event, count, dropped))) {
		nlmsg_free(skb);
		return -EMSGSIZE;
	}
	mutex_lock(&notice_lock);
	if (mbox_notice_possible(registry))
		mbox_compat_multicast(&mbox_nl_family, registry->net, skb,
				      MBOX_NLGRP_EVENTS,
				      MBOX_NLGRP_EVENTS_PRIVATE, everybody,
				      notice_hide, &seen);
	else
		nlmsg_free(skb);
	mutex_unlock(&notice_lock);
	return 0;
}

/* Send no more to a namespace that ends, after all its mailboxes died. */
void mbox_notice_end(struct mbox_registry *registry)
{
	mutex_lock(&notice_lock);
	WRITE_ONCE(registry->net, NULL);
	mutex_unlock(&notice_lock);
}

/* Send no more at all: the family is about to go. */
void mbox_notice_stop(void)
{
	mutex_lock(&notice_lock);
	WRITE_ONCE(notice_family_gone, true);
	mutex_unlock(&notice_lock);
}
