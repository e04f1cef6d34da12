// SPDX-License-Identifier: LGPL-2.1-or-later
/* The requests of the functions, one for each, and their results */
#include <string.h>

#include "monitor.h"

static void monitor_add_number(struct monitor_request *request, unsigned int attr,
		       enum monitor_kind kind, const char *key, uint64_t num)
{
	request->args[request->count++] = (struct monitor_arg) {
		.attr = attr,
		.kind = kind,
		.key = key,
		.num = num,
	};
}

/*
 * Add the mailbox to a request; the attributes differ between the sets. The kernel
 * checks names: here only those fail that no attribute can hold.
 */
static int monitor_add_mailbox(struct mbox_monitor *mon, struct monitor_request *request,
		     unsigned int name_attr, unsigned int id_attr,
		     const char *name, uint64_t id)
{
	if (name && id)
		return monitor_fail(mon, -EINVAL, "a mailbox is named by its name or its id, not both");
	if (name && (!*name || strnlen(name, MBOX_NAME_SIZE) == MBOX_NAME_SIZE))
		return monitor_fail(mon, -EINVAL, "a name has 1 to 63 bytes");
	if (name)
		request->args[request->count++] = (struct monitor_arg) {
			.attr = name_attr,
			.kind = MONITOR_NAME,
			.key = "name",
			.string = name,
		};
	else if (id)
		monitor_add_number(request, id_attr, MONITOR_U64, "id", id);
	return 0;
}

/* Check and begin a request about one mailbox. */
static int monitor_begin(struct mbox_monitor *mon, struct monitor_request *request,
		   const char *name, uint64_t id)
{
	if (!mon)
		return -EINVAL;
	if (!name && !id)
		return monitor_fail(mon, -EINVAL, "no mailbox is named");
	return monitor_add_mailbox(mon, request, MBOX_A_MAILBOX_NAME, MBOX_A_MAILBOX_ID, name, id);
}

static int monitor_keep_mailbox(void *record, void *arg)
{
	memcpy(arg, record, sizeof(struct mbox_monitor_mailbox));
	return 0;
}

int mbox_monitor_get(struct mbox_monitor *mon, const char *name, uint64_t id,
		     const struct mbox_monitor_mailbox **boxp)
{
	struct monitor_request request = { .command = MBOX_CMD_MAILBOX_GET };
	struct mbox_monitor_mailbox *box;
	int ret;

	ret = monitor_begin(mon, &request, name, id);
	if (ret < 0)
		return ret;
	if (!boxp)
		return monitor_fail(mon, -EFAULT, NULL);
	box = (struct mbox_monitor_mailbox *)mon->record;
	box->known = 0;
	ret = monitor_ask(mon, &request, &monitor_mailbox_shape, monitor_keep_mailbox, box);
	if (ret < 0)
		return ret;
	if (!box->known)
		return monitor_fail(mon, -EPROTO, NULL);
	*boxp = box;
	return 0;
}

static int monitor_keep_user(void *record, void *arg)
{
	memcpy(arg, record, sizeof(struct mbox_monitor_user));
	return 0;
}

int mbox_monitor_user(struct mbox_monitor *mon, uid_t uid,
		      const struct mbox_monitor_user **userp)
{
	struct monitor_request request = { .command = MBOX_CMD_USER_GET };
	struct mbox_monitor_user *user;
	int ret;

	if (!mon)
		return -EINVAL;
	if (!userp)
		return monitor_fail(mon, -EFAULT, NULL);
	if (uid != (uid_t)-1)
		monitor_add_number(&request, MBOX_A_USER_UID, MONITOR_U32, "uid", uid);
	user = (struct mbox_monitor_user *)mon->record;
	user->known = 0;
	ret = monitor_ask(mon, &request, &monitor_user_shape, monitor_keep_user, user);
	if (ret < 0)
		return ret;
	if (!user->known)
		return monitor_fail(mon, -EPROTO, NULL);
	*userp = user;
	return 0;
}

int mbox_monitor_set(struct mbox_monitor *mon, const char *name, uint64_t id,
		     const struct mbox_ioc_set *set)
{
	struct monitor_request request = { .command = MBOX_CMD_MAILBOX_SET };
	int ret;

	ret = monitor_begin(mon, &request, name, id);
	if (ret < 0)
		return ret;
	if (!set)
		return monitor_fail(mon, -EFAULT, NULL);
	if (!set->mask || set->flags || set->pad ||
	    set->mask & ~(MBOX_SET_MODE | MBOX_SET_UID | MBOX_SET_GID |
			  MBOX_SET_CAPACITY | MBOX_SET_MSG_SIZE | MBOX_SET_BYTES))
		return monitor_fail(mon, -EINVAL, "the mask names no field, or one that is unknown");
	if (set->mask & MBOX_SET_MODE)
		monitor_add_number(&request, MBOX_A_MAILBOX_MODE, MONITOR_U32, "mode", set->mode);
	if (set->mask & MBOX_SET_UID)
		monitor_add_number(&request, MBOX_A_MAILBOX_UID, MONITOR_U32, "uid", set->uid);
	if (set->mask & MBOX_SET_GID)
		monitor_add_number(&request, MBOX_A_MAILBOX_GID, MONITOR_U32, "gid", set->gid);
	if (set->mask & MBOX_SET_CAPACITY)
		monitor_add_number(&request, MBOX_A_MAILBOX_CAPACITY, MONITOR_U32, "capacity", set->capacity);
	if (set->mask & MBOX_SET_MSG_SIZE)
		monitor_add_number(&request, MBOX_A_MAILBOX_MSG_SIZE, MONITOR_U32, "msg-size", set->msg_size);
	if (set->mask & MBOX_SET_BYTES)
		monitor_add_number(&request, MBOX_A_MAILBOX_BYTES, MONITOR_U64, "bytes", set->bytes);
	return monitor_ask(mon, &request, NULL, NULL, NULL);
}

int mbox_monitor_delete(struct mbox_monitor *mon, const char *name, uint64_t id,
			unsigned int how, struct mbox_deleted *res)
{
	struct monitor_request request = { .command = MBOX_CMD_MAILBOX_DELETE };
	struct mbox_monitor_mailbox box = { .known = 0 };
	int ret;

	ret = monitor_begin(mon, &request, name, id);
	if (ret < 0)
		return ret;
	monitor_add_number(&request, MBOX_A_MAILBOX_HOW, MONITOR_U32, "how", how);
	ret = monitor_ask(mon, &request, &monitor_deleted_shape, monitor_keep_mailbox, &box);
	if (ret == 0 && res) {
		res->queued = box.queued;
		res->dropped = box.dropped;
	}
	return ret;
}

int mbox_monitor_purge(struct mbox_monitor *mon, const char *name, uint64_t id,
		       uint64_t *purged)
{
	struct monitor_request request = { .command = MBOX_CMD_MAILBOX_PURGE };
	struct mbox_monitor_mailbox box = { .known = 0 };
	int ret;

	ret = monitor_begin(mon, &request, name, id);
	if (ret < 0)
		return ret;
	ret = monitor_ask(mon, &request, &monitor_purged_shape, monitor_keep_mailbox, &box);
	if (ret == 0 && purged)
		*purged = box.purged;
	return ret;
}

/* The caller's function for one type of records. */
struct each {
	int (*mailbox)(const struct mbox_monitor_mailbox *box, void *arg);
	int (*handle)(const struct mbox_monitor_handle *handle, void *arg);
	int (*waiter)(const struct mbox_monitor_waiter *waiter, void *arg);
	int (*job)(const struct mbox_monitor_job *job, void *arg);
	int (*link)(const struct mbox_monitor_link *link, void *arg);
	void *arg;
};

static int monitor_call_mailbox(void *record, void *arg)
{
	const struct each *each = arg;

	return each->mailbox(record, each->arg);
}

static int monitor_call_handle(void *record, void *arg)
{
	const struct each *each = arg;

	return each->handle(record, each->arg);
}

static int monitor_call_waiter(void *record, void *arg)
{
	const struct each *each = arg;

	return each->waiter(record, each->arg);
}

static int monitor_call_job(void *record, void *arg)
{
	const struct each *each = arg;

	return each->job(record, each->arg);
}

static int monitor_call_link(void *record, void *arg)
{
	const struct each *each = arg;

	return each->link(record, each->arg);
}

int mbox_monitor_each_mailbox(struct mbox_monitor *mon,
			      int (*fn)(const struct mbox_monitor_mailbox *box,
					void *arg), void *arg)
{
	struct monitor_request request = {
		.command = MBOX_CMD_MAILBOX_GET,
		.dump = true,
	};
	struct each each = { .mailbox = fn, .arg = arg };

	if (!mon)
		return -EINVAL;
	if (!fn)
		return monitor_fail(mon, -EFAULT, NULL);
	return monitor_ask(mon, &request, &monitor_mailbox_shape, monitor_call_mailbox, &each);
}

int mbox_monitor_each_inbox(struct mbox_monitor *mon,
			    int (*fn)(const struct mbox_monitor_mailbox *box,
				      void *arg), void *arg)
{
	struct monitor_request request = {
		.command = MBOX_CMD_MAILBOX_GET,
		.dump = true,
	};
	struct each each = { .mailbox = fn, .arg = arg };

	if (!mon)
		return -EINVAL;
	if (!fn)
		return monitor_fail(mon, -EFAULT, NULL);
	monitor_add_number(&request, MBOX_A_MAILBOX_KIND, MONITOR_U32, "kind", MBOX_KIND_INBOX);
	return monitor_ask(mon, &request, &monitor_mailbox_shape, monitor_call_mailbox, &each);
}

/* A type of records that belong to mailboxes. */
struct records {
	unsigned int command;
	int name, mailbox;		/* attributes of the request */
	const struct monitor_shape *shape;
	int (*call)(void *record, void *arg);
};

/* Ask for the records of a mailbox, or of all; @fn says whether @each has a function. */
static int monitor_each_of(struct mbox_monitor *mon, const struct records *records,
			   const char *name, uint64_t id, struct each *each, bool fn)
{
	struct monitor_request request = { .command = records->command, .dump = true };
	int ret;

	if (!mon)
		return -EINVAL;
	if (!fn)
		return monitor_fail(mon, -EFAULT, NULL);
	ret = monitor_add_mailbox(mon, &request, records->name, records->mailbox, name, id);
	if (ret < 0)
		return ret;
	return monitor_ask(mon, &request, records->shape, records->call, each);
}

int mbox_monitor_each_handle(struct mbox_monitor *mon, const char *name,
			     uint64_t id,
			     int (*fn)(const struct mbox_monitor_handle *handle,
				       void *arg), void *arg)
{
	static const struct records handles = {
		MBOX_CMD_HANDLE_GET, MBOX_A_HANDLE_NAME, MBOX_A_HANDLE_MAILBOX,
		&monitor_handle_shape, monitor_call_handle,
	};
	struct each each = { .handle = fn, .arg = arg };

	return monitor_each_of(mon, &handles, name, id, &each, fn);
}

int mbox_monitor_each_waiter(struct mbox_monitor *mon, const char *name,
			     uint64_t id,
			     int (*fn)(const struct mbox_monitor_waiter *waiter,
				       void *arg), void *arg)
{
	static const struct records waiters = {
		MBOX_CMD_WAITER_GET, MBOX_A_WAITER_NAME, MBOX_A_WAITER_MAILBOX,
		&monitor_waiter_shape, monitor_call_waiter,
	};
	struct each each = { .waiter = fn, .arg = arg };

	return monitor_each_of(mon, &waiters, name, id, &each, fn);
}

int mbox_monitor_each_job(struct mbox_monitor *mon, const char *name, uint64_t id,
			  int (*fn)(const struct mbox_monitor_job *job, void *arg),
			  void *arg)
{
	static const struct records jobs = {
		MBOX_CMD_JOB_GET, MBOX_A_JOB_NAME, MBOX_A_JOB_MAILBOX,
		&monitor_job_shape, monitor_call_job,
	};
	struct each each = { .job = fn, .arg = arg };

	return monitor_each_of(mon, &jobs, name, id, &each, fn);
}

int mbox_monitor_each_link(struct mbox_monitor *mon, pid_t pid,
			   int (*fn)(const struct mbox_monitor_link *link,
				     void *arg), void *arg)
{
	struct monitor_request request = {
		.command = MBOX_CMD_LINK_GET,
		.dump = true,
	};
	struct each each = { .link = fn, .arg = arg };

	if (!mon)
		return -EINVAL;
	if (!fn)
		return monitor_fail(mon, -EFAULT, NULL);
	if (pid < 0)
		return monitor_fail(mon, -EINVAL, "not the id of a process");
	if (pid)
		monitor_add_number(&request, MBOX_A_LINK_ONE, MONITOR_U32, "one", (uint32_t)pid);
	return monitor_ask(mon, &request, &monitor_link_shape, monitor_call_link, &each);
}
