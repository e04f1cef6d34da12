/* SPDX-License-Identifier: GPL-2.0-only */
/* Broadcast: subscriptions, and the delivery of a message to all of them. */
#ifndef MBOX_BROADCAST_H
#define MBOX_BROADCAST_H

#include <linux/rbtree.h>
#include <linux/types.h>

#include "mbox.h"
#include "message.h"
#include "queue.h"
#include "wait.h"

struct mbox_message;
struct mbox_send_args;

/* How far a sender that broadcasts has come. */
enum mbox_cast_stage {
	MBOX_CAST_NEW,		/* its message is looked at, or delivered */
	MBOX_CAST_BLOCKED,	/* it waits, and is completed as any waiter is */
	MBOX_CAST_REFUSED,	/* with sender->error; the message is still its own */
	MBOX_CAST_ENDED,	/* with sender->error and sender->delivered */
};

/* A look for room that is not for a sender's message. */
enum mbox_cast_probe {
	MBOX_PROBE_NONE,
	MBOX_PROBE_LONGEST,	/* may pollers be told that there is room? */
	MBOX_PROBE_SHORTEST,	/* has a mailbox that was full any? */
};

/* The work of one section, where a look at a subscription costs 1; see cast.c. */
#define MBOX_CAST_BUDGET	512

/*
 * The part that only a mailbox that broadcasts has: its subscriptions, and the
 * message that is being delivered to them; see cast.c. Guarded by mbox->lock.
 */
struct mbox_cast {
	struct rb_root subscriptions;	/* by number */
	u32 nr_subscriptions;
	u64 last_subscription;
	struct mbox_subscription *fullest; /* had no room when looked at last */
	struct mbox_waiter *sender;	/* of the message; or NULL */
	struct mbox_message *message;	/* accepted; NULL: is there room for it? */
	u64 next;			/* the number at which to go on */
	u64 until;			/* the last number that is meant */
	u32 found;			/* those that have room */
	u32 turn;			/* of the message, or the look, under way */
	u32 runners;			/* tasks that go on with it until it is over */
	u32 partly;			/* of mbox->room.held: somebody received it */
	u64 lost;			/* deliveries */
	bool look;			/* room may have been made */
	u8 probe;			/* enum mbox_cast_probe, without a sender */
};

/*
 * The deliveries of a mailbox that broadcasts to one handle, and the receivers that
 * wait for one. All guarded by mbox->lock.
 */
struct mbox_subscription {
	struct rb_node node;		/* cast->subscriptions; clear: not listed */
	u64 number;			/* constant */
	u64 seen;			/* the last message that was delivered to it */
	bool over;			/* OVERFLOW: its oldest have to go for that */
	struct mbox_queue queue;
	struct rb_root_cached ages;	/* OVERFLOW: not IN_FLIGHT, the oldest first */
	struct mbox_receivers receivers;
	struct mbox_room room;		/* without limits of its own */
	u64 lost;
};

/* broadcast.c */
int mbox_broadcast_send(struct mbox_handle *handle,
			struct mbox_send_args *args);
void mbox_broadcast_end(struct mbox *mbox, struct mbox_waiter *waiter,
			int error, struct mbox_deferred *deferred);
int mbox_broadcast_purge(struct mbox *mbox, u64 *purged);

/* delivery.c */
const struct mbox_message *
mbox_delivery_proper(const struct mbox_message *message);
void mbox_delivery_put(struct mbox *mbox, struct mbox_message *message,
		       struct mbox_deferred *deferred);
void mbox_delivery_remove(struct mbox_subscription *sub,
			  struct mbox_message *message);
void mbox_delivery_begin_flight(struct mbox_subscription *sub,
				struct mbox_message *message);
void mbox_delivery_give_up(struct mbox *mbox, struct mbox_message *message,
			   struct mbox_deferred *deferred);
void mbox_delivery_put_back(struct mbox *mbox, struct mbox_message *message,
			    struct mbox_deferred *deferred);
struct mbox_message *mbox_delivery_oldest(struct mbox_subscription *sub);
struct mbox_message *mbox_delivery_new(struct mbox *mbox,
				       struct mbox_message *message,
				       struct mbox_message *proper,
				       struct mbox_subscription *sub);
void mbox_delivery_place(struct mbox *mbox, struct mbox_message *message,
			 struct mbox_deferred *deferred);
void mbox_delivery_all_made(struct mbox *mbox, struct mbox_message *proper,
			    struct mbox_deferred *deferred);
void mbox_delivery_lose(struct mbox *mbox, struct mbox_message *message,
			int error, struct mbox_deferred *deferred);
bool mbox_delivery_received(struct mbox *mbox, struct mbox_message *message,
			    struct mbox_deferred *deferred);
bool mbox_delivery_take_back(struct mbox *mbox, struct mbox_message *proper,
			     unsigned int n, struct mbox_deferred *deferred);

/* The payload of a message that is received through @handle. */
static inline const void *
mbox_delivery_payload(const struct mbox_handle *handle,
		      const struct mbox_message *message)
{
	return likely(!handle->sub) ? message->data :
				      mbox_delivery_proper(message)->data;
}

/* cast.c */
struct mbox_cast *mbox_cast_new(void);
bool mbox_cast_is_busy(const struct mbox *mbox);
void mbox_cast_refuse(struct mbox *mbox, struct mbox_waiter *sender);
void mbox_cast_begin(struct mbox *mbox, struct mbox_waiter *sender,
		     struct mbox_deferred *deferred);
bool mbox_cast_step(struct mbox *mbox, struct mbox_deferred *deferred);
void mbox_cast_run(struct mbox *mbox);
void mbox_cast_finish(struct mbox *mbox, struct mbox_deferred *deferred);
void mbox_cast_admit(struct mbox *mbox, struct mbox_deferred *deferred);
void mbox_cast_settle(struct mbox *mbox, struct mbox_waiter *waiter,
		      struct mbox_deferred *deferred);
void mbox_cast_left(struct mbox *mbox, struct mbox_subscription *sub);
void mbox_cast_forget(struct mbox *mbox, const struct mbox_waiter *sender);
void mbox_cast_die(struct mbox *mbox, struct mbox_deferred *deferred);

/* subscription.c */
struct mbox_subscription *mbox_subscription_new(struct mbox *mbox);
void mbox_subscription_begin(struct mbox *mbox, struct mbox_subscription *sub);
void mbox_subscription_settle(struct mbox *mbox, struct mbox_subscription *sub,
			      struct mbox_deferred *deferred);
void mbox_subscription_unlist(struct mbox *mbox, struct mbox_subscription *sub,
			      struct mbox_deferred *deferred);
void mbox_subscription_end(struct mbox *mbox, struct mbox_subscription *sub);
struct mbox_subscription *mbox_subscription_from(const struct mbox *mbox,
						 u64 number);
struct mbox_subscription *
mbox_subscription_next(const struct mbox_subscription *sub);
u64 mbox_subscription_held(const struct mbox *mbox,
			   const struct mbox_subscription *sub);
unsigned int mbox_subscription_lose(struct mbox *mbox,
				    struct mbox_subscription *sub,
				    unsigned int n, int error,
				    struct mbox_deferred *deferred);
bool mbox_subscription_is_due(const struct mbox *mbox,
			      const struct mbox_subscription *sub);
void mbox_subscription_deliver_due(struct mbox *mbox, struct mbox_subscription *sub,
				   struct mbox_deferred *deferred);
void mbox_subscription_catch_up(struct mbox *mbox, struct mbox_subscription *sub);
bool mbox_subscription_room_in_all(struct mbox *mbox, const struct mbox_message *message);
bool mbox_subscription_can_take(struct mbox *mbox,
				struct mbox_subscription *sub,
				const struct mbox_message *message);
int mbox_subscription_cost(const struct mbox_subscription *sub);
bool mbox_subscription_any_full(struct mbox *mbox,
				const struct mbox_message *message, u64 until);
bool mbox_subscription_trim(struct mbox *mbox, struct mbox_subscription *sub,
			    struct mbox_deferred *deferred);
unsigned int mbox_subscription_clear(struct mbox *mbox, unsigned int n,
				     struct mbox_deferred *deferred);

/* Messages held that somebody received, but not all. */
static inline u32 mbox_mailbox_partly(const struct mbox *mbox)
{
	return mbox->cast ? mbox->cast->partly : 0;
}

/* The number of handles that get a message that is sent to @mbox now; else 0. */
static inline u32 mbox_mailbox_subscriptions(const struct mbox *mbox)
{
	return mbox->cast ? READ_ONCE(mbox->cast->nr_subscriptions) : 0;
}

#endif /* MBOX_BROADCAST_H */
