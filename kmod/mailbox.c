// SPDX-License-Identifier: GPL-2.0-only
/* A mailbox: its attributes, references and handles. */
#include <linux/fs_struct.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/stat.h>
#include <linux/timekeeping.h>

#include "access.h"
#include "broadcast.h"
#include "job.h"
#include "kind.h"
#include "label.h"
#include "mbox.h"
#include "message.h"
#include "mode.h"
#include "pool.h"
#include "process.h"
#include "queue.h"
#include "registry.h"
#include "track.h"
#include "user.h"
#include "wait.h"

#define SET_LIMITS	(MBOX_SET_CAPACITY | MBOX_SET_MSG_SIZE | MBOX_SET_BYTES)

static atomic_long_t last_id;
static struct kmem_cache *mailbox_cache;

static_assert(MBOX_PROCS_MAX <= U16_MAX);

/* See struct mbox. Locks that are debugged, or may sleep, are larger. */
#if !defined(CONFIG_DEBUG_SPINLOCK) && !defined(CONFIG_DEBUG_LOCK_ALLOC) && \
	!defined(CONFIG_PREEMPT_RT) && defined(CONFIG_SMP)
static_assert(offsetofend(struct mbox, room.lane) <= 64);
static_assert(offsetof(struct mbox, room.senders) >= 64 &&
	      offsetofend(struct mbox, queue.cursors) <= 128);
static_assert(offsetof(struct mbox, queue.nr_hidden) >= 128 &&
	      offsetofend(struct mbox, poll.head.next) <= 192);
static_assert(sizeof(struct mbox) <= 448);
#endif

int __init mbox_mailbox_init(void)
{
	mailbox_cache = kmem_cache_create("mbox_mailbox", sizeof(struct mbox), 0,
					  SLAB_HWCACHE_ALIGN, NULL);
	return mailbox_cache ? 0 : -ENOMEM;
}

/* No mailbox is left, but maybe the memory of some. */
void mbox_mailbox_exit(void)
{
	rcu_barrier();
	kmem_cache_destroy(mailbox_cache);
}

/* Check a capacity, which may be zero with @rendezvous. 0 or EINVAL. */
int mbox_capacity_check(u32 capacity, bool rendezvous)
{
	if (capacity == MBOX_CAPACITY_ZERO && !rendezvous)
		return -EINVAL;
	return capacity > MBOX_CAPACITY_MAX &&
	       capacity != MBOX_CAPACITY_UNBOUNDED ? -EINVAL : 0;
}

/* Check a msg_size, and put in the default. */
static int attr_check_msg_size(u32 *msg_size)
{
	u32 limit = READ_ONCE(mbox_max_msg_size);

	if (!*msg_size)
		*msg_size = min(MBOX_MSG_SIZE_DEFAULT, limit);
	return *msg_size > limit ? -EINVAL : 0;
}

/* Those of msgget(2) have more bits, which mean nothing. */
static int attr_check_mode(u32 mode, u32 space)
{
	return mode & ~(space == MBOX_SPACE_SYSV ? 0777 : 0666) ? -EINVAL : 0;
}

/* A message of System V that is too long for all of the queue waits for a higher limit. */
static int attr_check_bytes(u64 bytes, u32 msg_size, u32 space)
{
	return bytes && bytes < msg_size && space != MBOX_SPACE_SYSV ? -EINVAL : 0;
}

/* Check attributes of a new mailbox, and put in the defaults. 0 or EINVAL. */
int mbox_attr_check(struct mbox_attr *attr)
{
	if (attr_check_mode(attr->mode, attr->space) ||
	    attr->lifetime > MBOX_LIFETIME_FD)
		return -EINVAL;
	return mbox_kind_of(attr)->check(attr);
}

/* The same of one with queues, of which it may have @options. */
int mbox_attr_check_queue(struct mbox_attr *attr, u32 options, bool rendezvous)
{
	if (attr->policy > MBOX_POLICY_MAX ||
	    attr->max_procs > MBOX_PROCS_MAX || (attr->options & ~options))
		return -EINVAL;
	return mbox_capacity_check(attr->capacity, rendezvous) ?:
	       attr_check_msg_size(&attr->msg_size) ?:
	       attr_check_bytes(attr->bytes, attr->msg_size, attr->space);
}

/* Advance to the next id whose low bits are those of @low, or if that is 0 to the next one. */
static u64 mailbox_advance_id(u64 low)
{
	long last, next;

	if (!low)
		return atomic_long_inc_return(&last_id);
	last = atomic_long_read(&last_id);
	do {
		next = last + 1;
		next += (low - next) & MBOX_LOW_ID_MASK;
	} while (!atomic_long_try_cmpxchg(&last_id, &last, next));
	return next;
}

/*
 * Return an id that no mailbox has had, mostly with the low bits that are wanted. Where a mailbox
 * is opened by these alone, no other one of the space has the same.
 */
static u64 mailbox_new_id(struct mbox_registry *registry, const struct mbox_attr *attr)
{
	u64 low = attr->low_id;
	struct mbox *other;
	u64 id;

	for (;;) {
		id = mailbox_advance_id(low);
		if (attr->space != MBOX_SPACE_SYSV)
			return id;
		other = mbox_registry_find_low(registry, id, attr->space);
		if (!other)
			return id;
		mbox_mailbox_put(other);
		low = 0;
	}
}

/**
 * mbox_mailbox_new - make a mailbox that nobody can reach yet
 * @registry:	where it will be added
 * @name:	MBOX_NAME_SIZE bytes, checked, padded with NULs
 * @attr:	checked
 * @factory:	its opener owns the mailbox, and pays for it
 * @rights:	MBOX_RIGHT_* of its first handle, which counts already
 *
 * Return: the mailbox, with a reference of the caller's, or ENOMEM, ENFILE; of a ring
 * also EDQUOT.
 */
struct mbox *mbox_mailbox_new(struct mbox_registry *registry, const char *name,
			      const struct mbox_attr *attr,
			      struct file *factory, u32 rights)
{
	const struct cred *cred = factory->f_cred;
	struct mbox_user *creator;
	struct mbox *mbox;
	int error;

	creator = mbox_user_get(cred->uid);
	if (IS_ERR(creator))
		return ERR_CAST(creator);
	mbox = kmem_cache_zalloc(mailbox_cache, GFP_KERNEL_ACCOUNT);
	if (!mbox) {
		mbox_user_put(creator);
		return ERR_PTR(-ENOMEM);
	}
	memcpy(mbox->name, name, MBOX_NAME_SIZE);
	mbox->id = mailbox_new_id(registry, attr);
	mbox->created = ktime_get_real_ns();
	mbox->kind = mbox_kind_of(attr);
	mbox->policy = attr->policy;
	mbox->options = attr->options;
	mbox->max_procs = attr->max_procs;
	mbox->plain = (attr->policy == MBOX_POLICY_FIFO ||
		       attr->policy == MBOX_POLICY_PRIO) &&
		      !(attr->options & ~MBOX_OPTION_TRACK) && !attr->max_procs &&
		      !attr->ring;
	refcount_set(&mbox->refs, 1);
	refcount_set(&mbox->mem_refs, 1);
	refcount_inc(&registry->refs);
	mbox->registry = registry;
	mbox->creator = creator;

	spin_lock_init(&mbox->lock);
	mbox->state = MBOX_STATE_LIVE;
	mbox_room_setup(&mbox->room, NULL, &mbox->queue);
	mbox->room.capacity = attr->capacity;
	mbox->room.msg_size = attr->msg_size;
	mbox->room.max_bytes = attr->bytes;
	mbox->shares = RB_ROOT;
	mbox_queue_setup(&mbox->queue);
	mbox->open = RB_ROOT;
	mbox->uid = cred->euid;
	mbox->gid = cred->egid;
	mbox->mode = attr->mode;
	if (attr->space != MBOX_SPACE_SYSV)
		mbox->mode &= ~current_umask();
	mbox->lifetime = attr->lifetime;
	mbox->handles = 1;
	mbox->recv_handles = rights & MBOX_RIGHT_RECV ? 1 : 0;
	mbox->send_handles = rights & MBOX_RIGHT_SEND ? 1 : 0;
	error = attr->label ? mbox_label_attach(mbox, attr->label) : 0;
	mbox->by_id = attr->by_id;
	mbox->reachable = mbox_mailbox_has_name(mbox) || attr->by_id;
	mbox->deaf = mbox_mailbox_nobody(mbox, MBOX_RIGHT_RECV);
	init_waitqueue_head(&mbox->poll);

	error = error ?: mbox_member_attach(mbox) ?:
		mbox->kind->attach(mbox, factory, attr) ?:
		mbox_job_attach_attr(mbox, factory, attr) ?:
		mbox_track_attach(mbox, factory);
	if (error) {
		mbox_mailbox_put(mbox);
		return ERR_PTR(error);
	}
	return mbox;
}

/* The highest id that a mailbox was given. */
u64 mbox_mailbox_last_id(void)
{
	return atomic_long_read(&last_id);
}

void mbox_mailbox_get(struct mbox *mbox)
{
	refcount_inc(&mbox->refs);
}

/* May sleep. */
void mbox_mailbox_put(struct mbox *mbox)
{
	if (!refcount_dec_and_test(&mbox->refs))
		return;
	mbox_pool_destroy(mbox_pool_end(mbox));
	mbox->kind->detach(mbox);
	mbox_job_leave(mbox);
	mbox_user_put(mbox->creator);
	mbox_mailbox_mem_put(mbox);
}

/*
 * Pin the memory of a mailbox for the event worker, but neither its messages nor
 * its quota: listeners must not affect users.
 */
void mbox_mailbox_mem_get(struct mbox *mbox)
{
	refcount_inc(&mbox->mem_refs);
}

static void mailbox_free_rcu(struct rcu_head *rcu)
{
	struct mbox *mbox = container_of(rcu, struct mbox, rcu);

	kfree(mbox_mailbox_label(mbox));
	kmem_cache_free(mailbox_cache, mbox);
}

/* May sleep. The memory stays for lookups that are under way. */
void mbox_mailbox_mem_put(struct mbox *mbox)
{
	if (!refcount_dec_and_test(&mbox->mem_refs))
		return;
	mbox_registry_put(mbox->registry);
	mbox_job_detach(mbox);
	mbox_track_detach(mbox);
	kfree(mbox->waits);
	kfree(mbox->pending);
	kfree(mbox->procs);
	kfree(mbox->inbox);
	call_rcu(&mbox->rcu, mailbox_free_rcu);
}

/*
 * Count a handle with @rights that is being opened. ENOENT if the name is gone,
 * EIDRM for the right to send to a mailbox that drains, EUSERS if as many handles
 * as may be are open.
 */
int mbox_mailbox_attach(struct mbox *mbox, u32 rights)
{
	int error = 0;

	spin_lock(&mbox->lock);
	if (!mbox->reachable)
		error = -ENOENT;
	else if ((rights & MBOX_RIGHT_SEND) && mbox->state != MBOX_STATE_LIVE)
		error = -EIDRM;
	else if ((rights & MBOX_RIGHT_RECV) &&
		 mbox->recv_handles >= mbox->kind->max_receivers)
		error = -EUSERS;
	if (!error) {
		mbox->handles++;
		if (rights & MBOX_RIGHT_RECV)
			mbox->recv_handles++;
		if (rights & MBOX_RIGHT_SEND)
			mbox->send_handles++;
	}
	spin_unlock(&mbox->lock);
	return error;
}

/*
 * Under the lock: return whether no process has the right to send, or to receive,
 * and none can get it, for good.
 */
bool mbox_mailbox_nobody(const struct mbox *mbox, u32 right)
{
	/* A queue of another interface has no such end. */
	if (mbox->space != MBOX_SPACE_NONE)
		return false;
	if (right == MBOX_RIGHT_RECV)
		return !mbox->recv_handles && !mbox->reachable;
	/*
	 * A message that is being delivered comes, whatever becomes of its sender; one
	 * that is leased or delayed may come back.
	 */
	return !mbox->send_handles && !(mbox->cast && mbox->cast->message) &&
	       !mbox_job_pending(mbox) &&
	       !(mbox->reachable && mbox->state == MBOX_STATE_LIVE);
}

/**
 * mbox_mailbox_hang_up - end the calls that wait in vain, if nobody is left
 * @mbox:	the mailbox; the caller has a reference
 *
 * To be called when a handle gave up a right, or the mailbox its name. May sleep.
 */
void mbox_mailbox_hang_up(struct mbox *mbox)
{
	struct mbox_deferred deferred;
	unsigned int n;

	do {
		n = 0;
		mbox_mailbox_lock(mbox, &deferred);
		/* Of one that died all calls are ended anyway. */
		if (mbox->state != MBOX_STATE_DEAD &&
		    (mbox_mailbox_nobody(mbox, MBOX_RIGHT_SEND) ||
		     mbox_mailbox_nobody(mbox, MBOX_RIGHT_RECV)))
			n = mbox->kind->hang_up(mbox, MBOX_END_BATCH,
						&deferred);
		mbox_mailbox_unlock(mbox, &deferred);
		cond_resched();
	} while (n == MBOX_END_BATCH);
}

/*
 * Under the lock: a right was given up, the state or the name changed. The caller
 * has to call mbox_mailbox_hang_up() later.
 */
void mbox_mailbox_recheck(struct mbox *mbox, struct mbox_deferred *deferred)
{
	lockdep_assert_held(&mbox->lock);
	if (mbox->state >= MBOX_STATE_DRAINING ||
	    mbox_mailbox_nobody(mbox, MBOX_RIGHT_RECV))
		WRITE_ONCE(mbox->deaf, true);
	if (mbox->deaf || mbox_mailbox_nobody(mbox, MBOX_RIGHT_SEND))
		deferred->events |= EPOLLHUP | EPOLLERR;
}

/* Handles with @rights, of a handle that is open, are one less. May sleep. */
void mbox_mailbox_renounce(struct mbox *mbox, u32 rights)
{
	struct mbox_deferred deferred;

	if (!rights)
		return;
	mbox_mailbox_lock(mbox, &deferred);
	if (rights & MBOX_RIGHT_RECV)
		mbox->recv_handles--;
	if (rights & MBOX_RIGHT_SEND)
		mbox->send_handles--;
	mbox_mailbox_recheck(mbox, &deferred);
	/* Nobody could receive the queued messages, and no more come. */
	if (mbox->state == MBOX_STATE_DRAINING && !mbox->kind->subscribed &&
	    mbox_mailbox_nobody(mbox, MBOX_RIGHT_RECV))
		mbox_mailbox_die(mbox, -EIDRM, &deferred);
	mbox_mailbox_unlock(mbox, &deferred);
	mbox_mailbox_hang_up(mbox);
}

/* A handle is being closed that has @rights still. */
void mbox_mailbox_detach(struct mbox *mbox, u32 rights)
{
	struct mbox_deferred deferred;

	mbox_mailbox_renounce(mbox, rights);
	mbox_mailbox_lock(mbox, &deferred);
	mbox->handles--;
	/* One that cannot be reached nobody could open again. */
	if (!mbox->handles &&
	    (mbox->lifetime == MBOX_LIFETIME_FD || !mbox->reachable))
		mbox_mailbox_die(mbox, -EIDRM, &deferred);
	mbox_mailbox_unlock(mbox, &deferred);
}

static void mailbox_stats(const struct mbox *mbox, struct mbox_stats *stats)
{
	stats->sent_bytes = mbox->sent_bytes;
	stats->purged = mbox->purged;
	stats->refused = mbox->refused;
	stats->peak = mbox->peak;
	stats->peak_bytes = mbox->peak_bytes;
	if (mbox->waits) {
		stats->blocked = mbox->waits->nr_blocked;
		stats->woken = mbox->waits->nr_woken;
	}
}

/**
 * mbox_mailbox_info - fill in the attributes and the state of a mailbox
 * @mbox:	the mailbox
 * @handle:	one on it, whose part is filled in too; or NULL
 * @info:	filled with zeroes
 * @stats:	likewise, or NULL
 *
 * All are of one moment. May sleep.
 */
void mbox_mailbox_info(struct mbox *mbox, const struct mbox_handle *handle,
		       struct mbox_info *info, struct mbox_stats *stats)
{
	struct user_namespace *user_ns = current_user_ns();

	memcpy(info->name, mbox->name, MBOX_NAME_SIZE);
	mbox_label_info(mbox, info);
	info->id = mbox->id;
	info->created = mbox->created;
	info->policy = mbox->policy;
	info->options = mbox->options;
	info->max_procs = mbox->max_procs;
	info->creator = from_kuid_munged(user_ns, mbox->creator->uid);

	if (mbox->max_procs)
		mbox_member_sweep(mbox);
	spin_lock(&mbox->lock);
	info->state = mbox->state;
	info->uid = from_kuid_munged(user_ns, mbox->uid);
	info->gid = from_kgid_munged(user_ns, mbox->gid);
	info->mode = mbox->mode;
	info->lifetime = mbox->lifetime;
	/* Of one that died they are dropped only after it has. */
	if (mbox->state != MBOX_STATE_DEAD) {
		info->owner = mbox_owner_nr(mbox->owner);
		info->heir = mbox_owner_nr(mbox_owner_heir(mbox->owner));
	}
	info->capacity = mbox->room.capacity;
	info->msg_size = mbox->room.msg_size;
	info->bytes = mbox->room.max_bytes;
	info->handles = mbox->handles;
	info->receivers = mbox_waiter_nr_receivers(mbox);
	info->queued = mbox->room.held;
	info->queued_bytes = mbox->room.held_bytes;
	info->sent = mbox->sent;
	info->received = mbox->received;
	info->dropped = mbox->dropped;
	info->procs = mbox->max_procs ? mbox->procs->nr_members : 0;
	info->lost = mbox->cast ? mbox->cast->lost : 0;
	if (mbox->waits) {
		info->senders = mbox->waits->nr_senders;
		info->withdrawn = mbox->waits->withdrawn;
		info->spin_hits = mbox->waits->spin_hits;
		info->spin_misses = mbox->waits->spin_misses;
	}
	mbox_job_info(mbox, info);
	mbox_track_info(mbox, info);
	info->kind = mbox->kind->number;
	if (handle) {
		info->rights = handle->rights & ~handle->shut;
		info->handle_received = handle->received;
		info->handle_mode = handle->mode ? handle->mode->flags : 0;
	}
	if (stats)
		mailbox_stats(mbox, stats);
	mbox->kind->info(mbox, handle, info, stats);
	spin_unlock(&mbox->lock);
}

/**
 * mbox_mailbox_set - change attributes, all of those named or none
 * @mbox:	the mailbox
 * @file:	by which the caller asks for it, see mbox_access_owns()
 * @arg:	with a checked mask, and zero in fields that it does not name
 *
 * Return: as MBOX_IOC_SET.
 */
int mbox_mailbox_set(struct mbox *mbox, struct file *file,
		     const struct mbox_ioc_set *arg)
{
	kuid_t uid = make_kuid(current_user_ns(), arg->uid);
	kgid_t gid = make_kgid(current_user_ns(), arg->gid);
	struct mbox_deferred deferred;
	u32 msg_size = arg->msg_size;
	bool any_uid = true, any_gid = true, revoke = false;
	u32 capacity;
	u64 bytes;
	int error;

	if (((arg->mask & MBOX_SET_CAPACITY) &&
	     mbox_capacity_check(arg->capacity, mbox->kind->rendezvous)) ||
	    attr_check_msg_size(&msg_size) ||
	    attr_check_mode(arg->mode, mbox->space) ||
	    ((arg->mask & MBOX_SET_UID) && !uid_valid(uid)) ||
	    ((arg->mask & MBOX_SET_GID) && !gid_valid(gid)))
		return -EINVAL;
	if (!mbox_access_owns(mbox, file))
		return -EPERM;
	if (arg->mask & SET_LIMITS & ~mbox->kind->limits)
		return -EOPNOTSUPP;
	if (arg->mask & (MBOX_SET_UID | MBOX_SET_GID)) {
		any_uid = mbox_access_gives_away(mbox, file);
		any_gid = any_uid || in_egroup_p(gid);
	}

	mbox_mailbox_lock(mbox, &deferred);
	error = mbox->death;
	if (mbox->state == MBOX_STATE_DEAD)
		goto out;
	error = -EPERM;
	if (((arg->mask & MBOX_SET_UID) && !any_uid &&
	     !uid_eq(uid, mbox->uid)) ||
	    ((arg->mask & MBOX_SET_GID) && !any_gid &&
	     !gid_eq(gid, mbox->gid)))
		goto out;
	capacity = arg->mask & MBOX_SET_CAPACITY ? arg->capacity : mbox->room.capacity;
	bytes = arg->mask & MBOX_SET_BYTES ? arg->bytes : mbox->room.max_bytes;
	if (!(arg->mask & MBOX_SET_MSG_SIZE))
		msg_size = mbox->room.msg_size;
	error = attr_check_bytes(bytes, msg_size, mbox->space);
	if (error)
		goto out;

	/* msgop(2): rights are those of the moment. */
	revoke = mbox_mailbox_sysv(mbox) &&
		 (((arg->mask & MBOX_SET_MODE) && arg->mode != mbox->mode) ||
		  ((arg->mask & MBOX_SET_UID) && !uid_eq(uid, mbox->uid)) ||
		  ((arg->mask & MBOX_SET_GID) && !gid_eq(gid, mbox->gid)));
	if (arg->mask & MBOX_SET_MODE)
		mbox->mode = arg->mode;
	if (arg->mask & MBOX_SET_UID)
		mbox->uid = uid;
	if (arg->mask & MBOX_SET_GID)
		mbox->gid = gid;
	mbox->room.capacity = capacity;
	WRITE_ONCE(mbox->room.msg_size, msg_size);
	mbox->room.max_bytes = bytes;
	mbox_track_change(mbox);
	mbox->kind->admit(mbox, &mbox->room, &deferred);
out:
	mbox_mailbox_unlock(mbox, &deferred);
	if (!error && revoke)
		mbox_handle_revoke(mbox);
	/* Pollers may need less of their quotas. */
	if (!error && (arg->mask & MBOX_SET_MSG_SIZE))
		mbox_shortage_eased();
	return error;
}
