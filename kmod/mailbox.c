// SPDX-License-Identifier: GPL-2.0-only
/* A mailbox: attributes, rights, and what is told of it. */
#include <linux/capability.h>
#include <linux/fs_struct.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/stat.h>
#include <linux/timekeeping.h>

#include "broadcast.h"
#include "link.h"
#include "mbox.h"
#include "message.h"
#include "process.h"
#include "queue.h"
#include "registry.h"
#include "ring.h"
#include "user.h"
#include "wait.h"

#define MODE_MASK	0666
#define SET_LIMITS	(MBOX_SET_CAPACITY | MBOX_SET_MSG_SIZE | MBOX_SET_BYTES)

static atomic_long_t last_id;

int mbox_capacity_check(u32 capacity, u32 policy)
{
	if (policy == MBOX_POLICY_BROADCAST && capacity == MBOX_CAPACITY_ZERO)
		return -EINVAL;
	return capacity > MBOX_CAPACITY_MAX &&
	       capacity != MBOX_CAPACITY_UNBOUNDED ? -EINVAL : 0;
}

/* Check a msg_size, and put in the default. */
static int check_msg_size(u32 *msg_size)
{
	u32 limit = READ_ONCE(mbox_max_msg_size);

	if (!*msg_size)
		*msg_size = min(MBOX_MSG_SIZE_DEFAULT, limit);
	return *msg_size > limit ? -EINVAL : 0;
}

static int check_bytes(u64 bytes, u32 msg_size)
{
	return bytes && bytes < msg_size ? -EINVAL : 0;
}

/* Check attributes of a new mailbox, and put in the defaults. */
int mbox_attr_check(struct mbox_attr *attr)
{
	if (attr->mode & ~MODE_MASK)
		return -EINVAL;
	if (attr->lifetime > MBOX_LIFETIME_FD)
		return -EINVAL;
	if (attr->ring)
		return mbox_ring_check(attr);
	if (attr->policy > MBOX_POLICY_MAX ||
	    attr->max_procs > MBOX_PROCS_MAX)
		return -EINVAL;
	/* Each excludes the other: who broadcasts does not choose. */
	if (attr->options & (attr->policy == MBOX_POLICY_BROADCAST ?
			     ~MBOX_OPTION_OVERFLOW : ~MBOX_OPTION_EXCLUSIVE))
		return -EINVAL;
	return mbox_capacity_check(attr->capacity, attr->policy) ?:
	       check_msg_size(&attr->msg_size) ?:
	       check_bytes(attr->bytes, attr->msg_size);
}

/**
 * mbox_mailbox_new - make a mailbox that nobody can reach yet
 * @registry:	where it will be added
 * @name:	MBOX_NAME_SIZE bytes, checked, padded with NULs
 * @attr:	checked
 * @cred:	whose it is
 * @rights:	MBOX_RIGHT_* of its first handle, which counts already
 *
 * Return: the mailbox, with a reference of the caller's, or ENOMEM, ENFILE.
 */
struct mbox *mbox_mailbox_new(struct mbox_registry *registry, const char *name,
			      const struct mbox_attr *attr,
			      const struct cred *cred, u32 rights)
{
	struct mbox_user *creator;
	struct mbox *mbox;

	creator = mbox_user_get(cred->uid);
	if (IS_ERR(creator))
		return ERR_CAST(creator);
	mbox = kzalloc(sizeof(*mbox), GFP_KERNEL_ACCOUNT);
	if (!mbox) {
		mbox_user_put(creator);
		return ERR_PTR(-ENOMEM);
	}
	if (attr->policy == MBOX_POLICY_BROADCAST) {
		mbox->cast = mbox_cast_new();
		if (!mbox->cast) {
			kfree(mbox);
			mbox_user_put(creator);
			return ERR_PTR(-ENOMEM);
		}
	}
	memcpy(mbox->name, name, MBOX_NAME_SIZE);
	mbox->id = atomic_long_inc_return(&last_id);
	mbox->created = ktime_get_real_ns();
	mbox->policy = attr->policy;
	mbox->options = attr->options;
	mbox->max_procs = attr->max_procs;
	mbox->plain = !attr->policy && !attr->options && !attr->max_procs;
	refcount_set(&mbox->refs, 1);
	refcount_set(&mbox->mem_refs, 1);
	refcount_inc(&registry->refs);
	mbox->registry = registry;
	mbox->creator = creator;

	spin_lock_init(&mbox->lock);
	mbox->state = MBOX_STATE_LIVE;
	mbox_room_init(&mbox->room, NULL, &mbox->queue, &mbox->receivers);
	mbox->room.capacity = attr->capacity;
	mbox->room.msg_size = attr->msg_size;
	mbox->room.max_bytes = attr->bytes;
	mbox->max_slots = MBOX_SLOTS_STEP;
	mbox->shares = RB_ROOT;
	mbox_queue_init(&mbox->queue);
	mbox_receivers_init(&mbox->receivers);
	mbox->lanes = RB_ROOT_CACHED;
	mbox->numbered = RB_ROOT;
	INIT_LIST_HEAD(&mbox->syncs);
	INIT_LIST_HEAD(&mbox->paused);
	INIT_LIST_HEAD(&mbox->waiters);
	mbox->open = RB_ROOT;
	mbox->uid = cred->euid;
	mbox->gid = cred->egid;
	mbox->mode = attr->mode & ~current_umask();
	mbox->lifetime = attr->lifetime;
	mbox->members = RB_ROOT;
	mbox->handles = 1;
	mbox->recv_handles = rights & MBOX_RIGHT_RECV ? 1 : 0;
	mbox->send_handles = rights & MBOX_RIGHT_SEND ? 1 : 0;
	mbox->reachable = name[0];
	mbox->deaf = mbox_mailbox_nobody(mbox, MBOX_RIGHT_RECV);
	init_waitqueue_head(&mbox->poll);
	return mbox;
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
	mbox_slot_free_all(mbox_slot_end(mbox));
	kfree(mbox->cast);
	mbox_ring_free(mbox);
	mbox_user_put(mbox->creator);
	mbox_mailbox_mem_put(mbox);
}

/*
 * Keep what is to be told of a mailbox, but not what it has, and is charged for: that
 * somebody listens is not to make a difference to who uses it.
 */
void mbox_mailbox_mem_get(struct mbox *mbox)
{
	refcount_inc(&mbox->mem_refs);
}

/* May sleep. The memory stays for lookups that are under way. */
void mbox_mailbox_mem_put(struct mbox *mbox)
{
	if (!refcount_dec_and_test(&mbox->mem_refs))
		return;
	mbox_registry_put(mbox->registry);
	kfree_rcu(mbox, rcu);
}

/*
 * A handle with @rights is being opened. ENOENT if the name is gone since, EIDRM if
 * what is queued is being drained, and nothing can be sent, EUSERS if as many are
 * open as may be.
 */
int mbox_mailbox_attach(struct mbox *mbox, u32 rights)
{
	int error = 0;

	spin_lock(&mbox->lock);
	if (!mbox->reachable)
		error = -ENOENT;
	else if ((rights & MBOX_RIGHT_SEND) && mbox->state != MBOX_STATE_LIVE)
		error = -EIDRM;
	else if (mbox->policy == MBOX_POLICY_BROADCAST &&
		 (rights & MBOX_RIGHT_RECV) &&
		 mbox->recv_handles >= MBOX_RECEIVERS_MAX)
		/* Each costs every sender, in memory and in time. */
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

/* End up to @n calls for which nobody is left; how many there were. */
static unsigned int hang_up(struct mbox *mbox, unsigned int n,
			    struct mbox_deferred *deferred)
{
	lockdep_assert_held(&mbox->lock);
	if (mbox->ring) {
		mbox_ring_hang_up(mbox, deferred);
		return 0;
	}
	/* All are of one kind: each of the other kind would have a handle. */
	return mbox_waiter_end_some(mbox, n, -EPIPE, deferred);
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
			n = hang_up(mbox, MBOX_END_BATCH, &deferred);
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
	/* What is queued nobody could receive, and nothing comes. */
	if (mbox->state == MBOX_STATE_DRAINING &&
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

/* Whether @file's opener passes what mode and owner of @mbox say. */
bool mbox_mailbox_opener_privileged(struct mbox *mbox, struct file *file)
{
	return file_ns_capable(file, mbox->registry->user_ns, CAP_IPC_OWNER);
}

/* Whether the caller does. */
bool mbox_mailbox_caller_privileged(struct mbox *mbox)
{
	return ns_capable(mbox->registry->user_ns, CAP_IPC_OWNER);
}

/* The bits of @mode that are for @file's opener, lowest: owner, group or others. */
umode_t mbox_mode_of(const struct file *file, kuid_t uid, kgid_t gid,
		     umode_t mode)
{
	const struct cred *saved;
	bool group;

	if (uid_eq(file->f_cred->euid, uid))
		return mode >> 6;
	/* in_egroup_p() knows the caller's groups only. */
	saved = override_creds(file->f_cred);
	group = in_egroup_p(gid);
	revert_creds(saved);
	return group ? mode >> 3 : mode;
}

/**
 * mbox_mailbox_permit - may a handle be opened?
 * @mbox:	the mailbox
 * @file:	the file by whose opener's credentials that is decided
 * @rights:	MBOX_RIGHT_* wanted, maybe none
 *
 * Return: 0 or EACCES.
 */
int mbox_mailbox_permit(struct mbox *mbox, struct file *file, u32 rights)
{
	bool owner, receiver;
	umode_t mode;
	u32 want = 0;
	kuid_t uid;
	kgid_t gid;

	spin_lock(&mbox->lock);
	receiver = mbox_owner_may_receive(mbox);
	mode = mbox->mode;
	uid = mbox->uid;
	gid = mbox->gid;
	spin_unlock(&mbox->lock);

	owner = uid_eq(file->f_cred->euid, uid);
	mode = mbox_mode_of(file, uid, gid, mode);
	if ((rights & MBOX_RIGHT_RECV) && !receiver)
		want |= 04;
	if (rights & MBOX_RIGHT_SEND)
		want |= 02;
	if (receiver && !want)
		return 0;
	if (want ? (mode & want) == want : owner || (mode & 06))
		return 0;
	return mbox_mailbox_opener_privileged(mbox, file) ? 0 : -EACCES;
}

/*
 * Whether @file's opener sees a mailbox of these attributes: as he may open it without
 * rights. Also where nothing may sleep.
 */
bool mbox_mode_sees(const struct file *file, struct mbox_registry *registry,
		    kuid_t uid, kgid_t gid, umode_t mode)
{
	return uid_eq(file->f_cred->euid, uid) ||
	       (mbox_mode_of(file, uid, gid, mode) & 06) ||
	       file_ns_capable(file, registry->user_ns, CAP_IPC_OWNER);
}

/**
 * mbox_mailbox_owned - may a mailbox be changed, purged, deleted?
 * @mbox:	the mailbox
 * @file:	a handle, a factory or a netlink socket
 *
 * Both have to be the owner or privileged: the caller, so that a descriptor that was
 * passed on, or kept by a process that dropped its privileges, gives no more than
 * its rights; and the opener, so that nobody is made to use his authority on a
 * descriptor of another.
 */
bool mbox_mailbox_owned(struct mbox *mbox, struct file *file)
{
	kuid_t uid;

	spin_lock(&mbox->lock);
	uid = mbox->uid;
	spin_unlock(&mbox->lock);
	return (uid_eq(file->f_cred->euid, uid) ||
		mbox_mailbox_opener_privileged(mbox, file)) &&
	       (uid_eq(current_euid(), uid) ||
		mbox_mailbox_caller_privileged(mbox));
}

/*
 * Whether a mailbox may be given to any user and group. Others rely on what GET says of
 * the owner, so who creates a mailbox cannot make it look like another's.
 */
static bool may_give_away(struct mbox *mbox, struct file *file)
{
	return mbox_mailbox_opener_privileged(mbox, file) &&
	       mbox_mailbox_caller_privileged(mbox);
}

/* Whether a send of @probe would find what it needs. */
static bool is_writable(struct mbox *mbox, const struct mbox_message *probe)
{
	if (mbox->policy == MBOX_POLICY_BROADCAST)
		return mbox_subscription_room_in_all(mbox, probe);
	return (RB_EMPTY_ROOT(&mbox->room.senders.rb_root) &&
		mbox_room_has(&mbox->room, probe->length)) ||
	       mbox_waiter_receiver_for(mbox, probe);
}

/* Whether a receive would find something. */
static bool is_readable(const struct mbox_handle *handle)
{
	struct mbox *mbox = handle->mbox;

	if (handle->sub)
		return handle->sub->room.held > handle->queue->nr_in_flight ||
		       mbox_subscription_is_due(mbox, handle->sub);
	if (unlikely(mbox->inbox))
		return mbox_inbox_first(mbox) ||
		       !RB_EMPTY_ROOT(&mbox->room.senders.rb_root);
	return mbox->room.held > mbox->queue.nr_in_flight ||
	       !RB_EMPTY_ROOT(&mbox->room.senders.rb_root);
}

/* Under the lock: of a handle that may receive from a mailbox that is not dead. */
static __poll_t poll_receive(struct mbox_handle *handle)
{
	struct mbox *mbox = handle->mbox;
	__poll_t events = 0;

	if (is_readable(handle) && mbox_member_admits(mbox, MBOX_RIGHT_RECV))
		events |= EPOLLIN | EPOLLRDNORM;
	if (mbox_mailbox_nobody(mbox, MBOX_RIGHT_SEND))
		events |= EPOLLHUP;
	return events;
}

/* The same of one that may send, as far as the quota is not concerned. */
static __poll_t poll_send(struct mbox_handle *handle)
{
	struct mbox *mbox = handle->mbox;
	/* The longest that the caller may send, with the least priority. */
	struct mbox_message probe = {
		.pid = task_tgid(current), .length = mbox->room.msg_size,
		.room = &mbox->room,
		.start = mbox_process_start(current->group_leader),
	};

	if (mbox->deaf)
		return EPOLLERR;
	if (!is_writable(mbox, &probe)) {
		mbox->room.nospace = true;
		return 0;
	}
	return mbox_member_admits(mbox, MBOX_RIGHT_SEND) ?
	       EPOLLOUT | EPOLLWRNORM : 0;
}

/* What poll() says to a handle. May sleep. */
__poll_t mbox_mailbox_poll(struct mbox_handle *handle)
{
	struct mbox *mbox = handle->mbox;
	__poll_t events;
	u32 rights, length, slots;

	spin_lock(&mbox->lock);
	events = mbox_handle_shut_events(handle);
	rights = handle->rights & ~handle->shut;
	if (mbox->state == MBOX_STATE_DEAD)
		events |= EPOLLHUP;
	else if (rights & MBOX_RIGHT_RECV)
		events |= poll_receive(handle);
	if (rights & MBOX_RIGHT_SEND)
		events |= poll_send(handle);
	length = mbox->room.msg_size;
	slots = mbox_mailbox_subscriptions(mbox);
	spin_unlock(&mbox->lock);
	if ((events & EPOLLOUT) && !mbox_shortage_none(handle, length, slots))
		events &= ~(EPOLLOUT | EPOLLWRNORM);
	return events;
}

/* Under the lock, of a handle. */
static void handle_info(const struct mbox_handle *handle,
			struct mbox_info *info)
{
	const struct mbox_subscription *sub = handle->sub;

	info->rights = handle->rights & ~handle->shut;
	info->handle_received = handle->received;
	if (handle->mbox->policy == MBOX_POLICY_BROADCAST) {
		info->handle_lost = sub ? sub->lost : 0;
		info->handle_queued = sub ?
			mbox_subscription_held(handle->mbox, sub) : 0;
	} else {
		info->handle_queued = info->queued;
	}
}

static void mailbox_stats(const struct mbox *mbox, struct mbox_stats *stats)
{
	stats->sent_bytes = mbox->sent_bytes;
	stats->purged = mbox->purged;
	stats->refused = mbox->refused;
	stats->peak = mbox->peak;
	stats->peak_bytes = mbox->peak_bytes;
	stats->blocked = mbox->nr_blocked;
	stats->woken = mbox->nr_woken;
	if (mbox->ring) {
		stats->consumer = mbox_ring_side_nr(mbox, MBOX_RIGHT_RECV);
		stats->producer = mbox_ring_side_nr(mbox, MBOX_RIGHT_SEND);
	}
}

/**
 * mbox_mailbox_info - fill in what is to be said of a mailbox
 * @mbox:	the mailbox
 * @handle:	one on it, of which to say what there is, or NULL
 * @info:	filled with zeroes
 * @stats:	likewise, or NULL
 *
 * All of one moment. May sleep.
 */
void mbox_mailbox_info(struct mbox *mbox, const struct mbox_handle *handle,
		       struct mbox_info *info, struct mbox_stats *stats)
{
	struct user_namespace *user_ns = current_user_ns();

	memcpy(info->name, mbox->name, MBOX_NAME_SIZE);
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
		info->heir = mbox_owner_nr(mbox->heir);
	}
	info->capacity = mbox->room.capacity;
	info->msg_size = mbox->room.msg_size;
	info->bytes = mbox->room.max_bytes;
	info->handles = mbox->handles;
	info->senders = mbox->nr_senders;
	info->receivers = mbox->nr_receivers;
	info->queued = mbox->room.held;
	info->queued_bytes = mbox->room.held_bytes;
	info->sent = mbox->sent;
	info->received = mbox->received;
	info->withdrawn = mbox->withdrawn;
	info->dropped = mbox->dropped;
	info->procs = mbox->max_procs ? mbox->nr_members : 0;
	info->lost = mbox->lost;
	if (mbox->ring)
		mbox_ring_info(mbox, info);
	if (handle)
		handle_info(handle, info);
	if (stats)
		mailbox_stats(mbox, stats);
	spin_unlock(&mbox->lock);
}

/**
 * mbox_mailbox_set - change attributes, all of those named or none
 * @mbox:	the mailbox
 * @file:	by which the caller asks for it, see mbox_mailbox_owned()
 * @arg:	with a checked mask and zeroes in what it does not name
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
	bool any_uid = true, any_gid = true;
	u32 capacity;
	u64 bytes;
	int error;

	if (((arg->mask & MBOX_SET_CAPACITY) &&
	     mbox_capacity_check(arg->capacity, mbox->policy)) ||
	    check_msg_size(&msg_size) ||
	    (arg->mode & ~MODE_MASK) ||
	    ((arg->mask & MBOX_SET_UID) && !uid_valid(uid)) ||
	    ((arg->mask & MBOX_SET_GID) && !gid_valid(gid)))
		return -EINVAL;
	if (!mbox_mailbox_owned(mbox, file))
		return -EPERM;
	if (mbox->ring && (arg->mask & SET_LIMITS))
		return -EOPNOTSUPP;
	if (arg->mask & (MBOX_SET_UID | MBOX_SET_GID)) {
		any_uid = may_give_away(mbox, file);
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
	error = check_bytes(bytes, msg_size);
	if (error)
		goto out;

	if (arg->mask & MBOX_SET_MODE)
		mbox->mode = arg->mode;
	if (arg->mask & MBOX_SET_UID)
		mbox->uid = uid;
	if (arg->mask & MBOX_SET_GID)
		mbox->gid = gid;
	mbox->room.capacity = capacity;
	WRITE_ONCE(mbox->room.msg_size, msg_size);
	mbox->room.max_bytes = bytes;
	if (mbox->policy == MBOX_POLICY_BROADCAST)
		mbox_cast_admit(mbox, &deferred);
	else
		mbox_send_admit(mbox, &mbox->room, &deferred);
out:
	mbox_mailbox_unlock(mbox, &deferred);
	/* What pollers need of their quotas may be less. */
	if (!error && (arg->mask & MBOX_SET_MSG_SIZE))
		mbox_shortage_eased();
	return error;
}
