// SPDX-License-Identifier: GPL-2.0-only
/* Rights: mode and owner, capabilities, openers and callers. */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include <linux/user_namespace.h>

#include "access.h"
#include "link.h"
#include "mbox.h"
#include "process.h"
#include "registry.h"
#include "track.h"

/*
 * Rights are checked by the credentials with which a file was opened: a handle, a
 * factory, or a netlink socket. A call that changes a mailbox needs the rights of
 * its caller, too. So a descriptor that was passed on, or kept by a process that
 * dropped its privileges, gives no more than its own rights, and no process can be
 * made to use its authority on the descriptor of another.
 */

/* Check whether @file's opener bypasses mode and owner. */
static bool access_opener_privileged(const struct file *file,
				     struct user_namespace *ns)
{
	return file_ns_capable(file, ns, CAP_IPC_OWNER);
}

/* Check whether the caller bypasses them. */
static bool access_caller_privileged(const struct mbox *mbox)
{
	return ns_capable(mbox->registry->user_ns, CAP_IPC_OWNER);
}

/* Check whether @file's opener is in a group: in_egroup_p() knows the caller's only. */
static bool access_in_group(const struct file *file, kgid_t gid)
{
	const struct cred *saved = override_creds(file->f_cred);
	bool group = in_egroup_p(gid);

	revert_creds(saved);
	return group;
}

/* Return the bits of @mode for @file's opener, lowest: owner, group or others. */
static umode_t access_bits(const struct file *file, kuid_t uid, kgid_t gid,
			   umode_t mode)
{
	if (uid_eq(file->f_cred->euid, uid))
		return mode >> 6;
	return access_in_group(file, gid) ? mode >> 3 : mode;
}

/* Check whether @uid is the owner, or a creator with the rights of one. */
static bool access_is_owner(const struct mbox *mbox, kuid_t owner, kuid_t uid)
{
	const struct mbox_track *track = mbox_track_creator(mbox);

	return uid_eq(uid, owner) || (track && uid_eq(uid, track->cuid));
}

/* The same as access_bits(), of a mailbox. */
static umode_t access_mailbox_bits(const struct mbox *mbox, const struct file *file,
				   kuid_t uid, kgid_t gid, umode_t mode)
{
	const struct mbox_track *track = mbox_track_creator(mbox);

	if (likely(!track))
		return access_bits(file, uid, gid, mode);
	if (access_is_owner(mbox, uid, file->f_cred->euid))
		return mode >> 6;
	return access_in_group(file, gid) || access_in_group(file, track->cgid) ?
	       mode >> 3 : mode;
}

/**
 * mbox_access_open - may a handle be opened?
 * @mbox:	the mailbox
 * @file:	the file whose opener's credentials decide
 * @rights:	MBOX_RIGHT_* wanted, maybe none
 *
 * Return: 0 or EACCES.
 */
int mbox_access_open(struct mbox *mbox, struct file *file, u32 rights)
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

	owner = access_is_owner(mbox, uid, file->f_cred->euid);
	mode = access_mailbox_bits(mbox, file, uid, gid, mode);
	if ((rights & MBOX_RIGHT_RECV) && !receiver)
		want |= 04;
	if (rights & MBOX_RIGHT_SEND)
		want |= 02;
	if (receiver && !want)
		return 0;
	/* System V shows all queues to everybody. */
	if (want ? (mode & want) == want :
		   owner || (mode & 06) || mbox_mailbox_sysv(mbox))
		return 0;
	return access_opener_privileged(file, mbox->registry->user_ns) ?
	       0 : -EACCES;
}

/*
 * Check whether @file's opener sees a mailbox with these attributes: whether he may
 * open it without rights. Does not sleep.
 */
bool mbox_access_sees(const struct file *file, struct mbox_registry *registry,
		      kuid_t uid, kgid_t gid, umode_t mode)
{
	return uid_eq(file->f_cred->euid, uid) ||
	       (access_bits(file, uid, gid, mode) & 06) ||
	       access_opener_privileged(file, registry->user_ns);
}

/*
 * Check whether @file's opener sees a mailbox. The caller counts only if he is the
 * same user: the socket may have been passed to others, and the opener reads it too.
 */
bool mbox_access_sees_mailbox(struct mbox *mbox, struct file *file)
{
	umode_t mode;
	kuid_t uid;
	kgid_t gid;

	if (uid_eq(current_euid(), file->f_cred->euid))
		return !mbox_access_open(mbox, file, 0);
	spin_lock(&mbox->lock);
	mode = mbox->mode;
	uid = mbox->uid;
	gid = mbox->gid;
	spin_unlock(&mbox->lock);
	return mbox_access_sees(file, mbox->registry, uid, gid, mode);
}

/* Check whether @file's opener may know of a process' direct communication. */
bool mbox_access_sees_endpoint(const struct mbox_endpoint *endpoint,
			       const struct file *file)
{
	const struct cred *cred = mbox_process_cred(endpoint->pid);
	bool seen = false;

	if (cred) {
		seen = uid_eq(cred->euid, file->f_cred->euid) ||
		       uid_eq(cred->uid, file->f_cred->euid);
		put_cred(cred);
	}
	/* The caller counts if he is the same user: the opener reads it too. */
	return seen ||
	       (endpoint->pid == task_tgid(current) &&
		uid_eq(current_euid(), file->f_cred->euid)) ||
	       access_opener_privileged(file, endpoint->inbox->registry->user_ns);
}

/*
 * May the id of a new mailbox be chosen, as by msg_next_id of proc_sys_kernel(5)? Ids are those of
 * all namespaces, so the initial user namespace counts.
 */
bool mbox_access_chooses_id(struct file *factory)
{
	return (file_ns_capable(factory, &init_user_ns, CAP_CHECKPOINT_RESTORE) ||
		file_ns_capable(factory, &init_user_ns, CAP_SYS_ADMIN)) &&
	       checkpoint_restore_ns_capable(&init_user_ns);
}

/**
 * mbox_access_owns - may a mailbox be changed, purged, deleted?
 * @mbox:	the mailbox
 * @file:	a handle, a factory or a netlink socket
 *
 * Both its opener and the caller have to be the owner, or privileged.
 */
bool mbox_access_owns(struct mbox *mbox, struct file *file)
{
	kuid_t uid;

	spin_lock(&mbox->lock);
	uid = mbox->uid;
	spin_unlock(&mbox->lock);
	return (access_is_owner(mbox, uid, file->f_cred->euid) ||
		access_opener_privileged(file, mbox->registry->user_ns)) &&
	       (access_is_owner(mbox, uid, current_euid()) ||
		access_caller_privileged(mbox));
}

/* The same for the inbox of a process: that of a setuid program is no user's of the two. */
bool mbox_access_owns_endpoint(const struct mbox_endpoint *endpoint,
			       struct file *file)
{
	const struct cred *cred = mbox_process_cred(endpoint->pid);
	struct mbox *inbox = endpoint->inbox;
	kuid_t uid = INVALID_UID;

	if (!cred)
		return false;
	if (uid_eq(cred->euid, cred->uid))
		uid = cred->uid;
	put_cred(cred);
	return (uid_eq(file->f_cred->euid, uid) ||
		access_opener_privileged(file, inbox->registry->user_ns)) &&
	       (uid_eq(current_euid(), uid) || access_caller_privileged(inbox));
}

/* Check whether @file's opener and the caller may know the quotas of a user. */
bool mbox_access_sees_user(const struct file *file, kuid_t uid)
{
	if (uid_eq(file->f_cred->uid, uid) && uid_eq(current_uid(), uid))
		return true;
	return access_opener_privileged(file, &init_user_ns) &&
	       ns_capable(&init_user_ns, CAP_IPC_OWNER);
}

/*
 * Check whether a mailbox may be given to any user and group. Others rely on the
 * owner that GET reports, so an owner cannot make it look like another user's; but
 * msgctl(2) lets him give a queue away.
 */
bool mbox_access_gives_away(struct mbox *mbox, struct file *file)
{
	return mbox_mailbox_sysv(mbox) ||
	       (access_opener_privileged(file, mbox->registry->user_ns) &&
		access_caller_privileged(mbox));
}

/* Note the privileges of a call on @mbox by @file, for decisions under its lock. */
void mbox_access_ask(struct mbox_access_asker *asker, const struct mbox *mbox,
		     struct file *file)
{
	asker->file = file;
	asker->opener_privileged =
		access_opener_privileged(file, mbox->registry->user_ns);
	asker->caller_privileged = access_caller_privileged(mbox);
}

/*
 * Check whether the asker may hand the mailbox over. The caller has to be the process
 * that owns it; if none does, a process of its uid. Either of these has to have opened
 * the handle.
 */
bool mbox_access_hands_over(const struct mbox *mbox,
			    const struct mbox_access_asker *asker)
{
	const struct mbox_handle *handle = asker->file->private_data;
	const struct pid *owner = mbox_owner_pid(mbox->owner);
	bool opener, caller;

	lockdep_assert_held(&mbox->lock);
	opener = uid_eq(asker->file->f_cred->euid, mbox->uid) ||
		 (owner && owner == handle->pid);
	caller = owner ? owner == task_tgid(current) :
			 uid_eq(current_euid(), mbox->uid);
	return (opener || asker->opener_privileged) &&
	       (caller || asker->caller_privileged);
}

/*
 * The rule of kill(2), without capabilities: the real or effective uid of one is the
 * real or saved one of the other.
 */
static bool access_same_user(const struct cred *own, const struct cred *target)
{
	return uid_eq(own->euid, target->suid) ||
	       uid_eq(own->euid, target->uid) ||
	       uid_eq(own->uid, target->suid) ||
	       uid_eq(own->uid, target->uid);
}

/**
 * mbox_access_signal - may the caller send a process a signal?
 * @pid:	the process
 *
 * As kill(2): by access_same_user(), by CAP_KILL in the user namespace of the process,
 * or as the process itself.
 *
 * Return: 0, EPERM, or ESRCH if there is no such process, or it is a kernel thread.
 */
int mbox_access_signal(struct pid *pid)
{
	const struct cred *target = mbox_process_cred(pid);
	bool may;

	if (!target)
		return -ESRCH;
	may = pid == task_tgid(current) ||
	      access_same_user(current_cred(), target) ||
	      ns_capable(target->user_ns, CAP_KILL);
	put_cred(target);
	return may ? 0 : -EPERM;
}

/**
 * mbox_access_link - may a link to a process be opened?
 * @factory:	the file whose opener's credentials decide
 * @pid:	the process
 *
 * By the mode that it gave its inbox, or else as the opener may send it a signal.
 *
 * Return: 0, EPERM, or ESRCH if there is no such process, or it is a kernel thread.
 */
int mbox_access_link(struct file *factory, struct pid *pid)
{
	const struct cred *target = mbox_process_cred(pid);
	umode_t mode;
	bool may;

	if (!target)
		return -ESRCH;
	if (mbox_endpoint_mode(pid, &mode)) {
		mode = access_bits(factory, target->euid, target->egid, mode);
		may = (mode & 02) ||
		      access_opener_privileged(factory, target->user_ns);
	} else {
		may = access_same_user(factory->f_cred, target) ||
		      file_ns_capable(factory, target->user_ns, CAP_KILL);
	}
	put_cred(target);
	return may ? 0 : -EPERM;
}
