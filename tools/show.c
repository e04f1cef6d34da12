// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl show */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "mboxctl.h"

static void print_time(const char *key, uint64_t time)
{
	if (time)
		out_time(key, time);
	else
		out_detail(key, 0, false);
}

/* Print the last sender and receiver, which only a mailbox that tracks knows. */
static void print_track_info(const struct mbox_info *info)
{
	bool tracks = info->options & MBOX_OPTION_TRACK;

	out_detail("last_sender", info->last_sender, info->last_sender);
	out_detail("last_receiver", info->last_receiver, info->last_receiver);
	print_time("last_sent", info->last_sent);
	print_time("last_received", info->last_received);
	print_time("changed", info->changed);
	out_detail("cuid", info->cuid, tracks);
	out_detail("cgid", info->cgid, tracks);
}

/* Begin the record with the attributes, named as the words of create. */
static void begin_info(const struct mbox_info *info)
{
	bool owned = info->lifetime == MBOX_LIFETIME_PROCESS;
	bool broadcast = info->policy == MBOX_POLICY_BROADCAST;
	bool ring = info->kind == MBOX_KIND_RING;
	char mode[8], name[LABEL_TEXT_SIZE];

	snprintf(mode, sizeof(mode), "%04o", info->mode & 07777);
	out_begin(OUT_FIELDS);
	name_format(name, info->name, info->space, info->label);
	out_string("name", name);
	out_number("id", info->id);
	out_string("kind", kind_name(info->kind));
	out_string("state", state_name(info->state));
	out_string("user", user_name(info->uid));
	out_number("uid", info->uid);
	out_string("group", group_name(info->gid));
	out_number("gid", info->gid);
	out_number("creator", info->creator);
	out_string("mode", mode);
	out_string("lifetime", lifetime_name(info->lifetime));
	out_detail("owner", info->owner, owned);
	out_detail("heir", info->heir, info->heir);
	if (!ring)
		out_string("policy", policy_name(info->policy));
	else
		out_detail("policy", 0, false);
	out_detail("maxprocs", info->max_procs, info->max_procs);
	out_detail("procs", info->procs, info->max_procs);
	out_flag("exclusive", info->options & MBOX_OPTION_EXCLUSIVE);
	out_flag("overflow", info->options & MBOX_OPTION_OVERFLOW);
	out_flag("track", info->options & MBOX_OPTION_TRACK);
	if (ring)
		out_size("ring", info->ring);
	else
		out_detail("ring", 0, false);
	out_flag("grow", info->options & MBOX_OPTION_GROW);
	/* A ring knows no messages: its sides exchange them without the kernel. */
	if (ring) {
		out_detail("capacity", 0, false);
		out_detail("bytes", 0, false);
	} else {
		out_limit("capacity", info->capacity,
			  info->capacity != MBOX_CAPACITY_UNBOUNDED, "unbounded");
		if (info->bytes)
			out_size("bytes", info->bytes);
		else
			out_limit("bytes", 0, false, "unbounded");
	}
	out_size("msgsize", info->msg_size);
	out_time("created", info->created);
	out_number("handles", info->handles);
	out_number("senders", info->senders);
	out_number("receivers", info->receivers);
	out_detail("queued", info->queued, !ring);
	out_size("queued_bytes", info->queued_bytes);
	out_detail("sent", info->sent, !ring);
	out_detail("received", info->received, !ring);
	out_detail("withdrawn", info->withdrawn, !ring);
	out_detail("dropped", info->dropped, !ring);
	out_detail("lost", info->lost, broadcast);
	out_detail("spin_hits", info->spin_hits, !ring);
	out_detail("spin_misses", info->spin_misses, !ring);
	print_job_info(info);
	print_track_info(info);
}

void print_info(const struct mbox_info *info)
{
	begin_info(info);
	out_close();
}

/* Print a process and its name. */
void print_process(const char *key, uint32_t pid)
{
	const char *name = process_name(pid);

	out_number(key, pid);
	if (name)
		out_string("command", name);
	else
		out_detail("command", 0, false);
}

/* Return whether this is the first pid namespace, which has all processes: its number is fixed. */
static bool sees_all_processes(void)
{
	struct stat st;

	return !stat("/proc/self/ns/pid", &st) && st.st_ino == 0xeffffffc;
}

/* Print the process that opened a handle: 0 has ended, or is in another pid namespace. */
static void print_opener(uint32_t pid)
{
	if (pid) {
		print_process("pid", pid);
		return;
	}
	out_detail("pid", 0, false);
	out_detail("command", 0, false);
	out_string("opener", sees_all_processes() ? "ended" : "ended-or-hidden");
}

static int print_waiter(const struct mbox_monitor_waiter *waiter, void *arg)
{
	char since[TIME_SIZE];
	bool sends = waiter->call == MBOX_CALL_SEND || waiter->call == MBOX_CALL_RECEIPT ||
		     waiter->call == MBOX_CALL_ACK || waiter->call == MBOX_CALL_REPLY;
	bool receives = waiter->call == MBOX_CALL_RECEIVE;

	(void)arg;
	out_item("waiter");
	print_process("pid", waiter->pid);
	out_number("tid", waiter->tid);
	out_string("call", call_name(waiter->call));
	format_time(since, realtime() - waiter->waited);
	out_string("since", since);
	out_number("waited_ms", waiter->waited / 1000000);
	out_detail("size", waiter->size, sends || receives);
	out_detail("prio", waiter->prio, sends || (receives && waiter->prio));
	out_detail("type", waiter->type, waiter->known & MBOX_KNOWN(MBOX_A_WAITER_TYPE));
	out_detail("nottype", waiter->not_type,
		   waiter->known & MBOX_KNOWN(MBOX_A_WAITER_NOT_TYPE));
	out_detail("maxtype", waiter->max_type,
		   waiter->known & MBOX_KNOWN(MBOX_A_WAITER_MAX_TYPE));
	out_detail("from", waiter->sender, waiter->known & MBOX_KNOWN(MBOX_A_WAITER_SENDER));
	out_item_end();
	return 0;
}

static int print_handle(const struct mbox_monitor_handle *handle, void *arg)
{
	static const char *const rights[] = { "-", "r", "w", "rw" };
	const struct mbox_monitor_mailbox *box = arg;
	bool broadcast = box->policy == MBOX_POLICY_BROADCAST;
	bool ring = box->kind == MBOX_KIND_RING;

	out_item("handle");
	print_opener(handle->pid);
	out_string("rights", rights[handle->rights & (MBOX_RIGHT_RECV | MBOX_RIGHT_SEND)]);
	out_detail("received", handle->received, !ring);
	out_detail("queued", handle->queued, broadcast);
	out_detail("lost", handle->lost, broadcast);
	out_item_end();
	return 0;
}

/* Print the leases, the calls that are blocked and the open handles. Return 0 or -errno. */
static int print_parties(struct mbox_monitor *mon, struct mbox_monitor_mailbox *box)
{
	int ret;

	ret = print_jobs(mon, box->id);
	if (ret < 0)
		return ret;
	out_list("waiter");
	ret = mbox_monitor_each_waiter(mon, NULL, box->id, print_waiter, NULL);
	out_list_end();
	if (ret < 0)
		return ret;
	out_list("handle");
	ret = mbox_monitor_each_handle(mon, NULL, box->id, print_handle, box);
	out_list_end();
	return ret < 0 ? ret : 0;
}

/* Print the attributes that only the monitor has. */
static void print_more(const struct mbox_monitor_mailbox *box)
{
	box_print_counters(box);
	if (box->ring)
		out_size("charged", box->ring_charged);
	out_detail("producer", box->ring_producer, box_has_side(box, MBOX_A_RING_PRODUCER));
	out_detail("consumer", box->ring_consumer, box_has_side(box, MBOX_A_RING_CONSUMER));
}

static int show_more(const struct command *cmd, uint64_t id)
{
	const struct mbox_monitor_mailbox *seen;
	struct mbox_monitor_mailbox box;
	struct mbox_monitor *mon;
	int ret;

	ret = mbox_monitor_open(&mon);
	if (ret < 0)
		return refuse_monitor(cmd, NULL, ret);
	ret = mbox_monitor_get(mon, NULL, id, &seen);
	if (ret == 0) {
		box = *seen;
		print_more(&box);
		ret = print_parties(mon, &box);
	}
	ret = ret < 0 ? refuse_monitor(cmd, mon, ret) : STATUS_DONE;
	mbox_monitor_close(mon);
	return ret;
}

/* Make of the monitor's record the attributes that MBOX_IOC_GET has. */
static void info_of(struct mbox_info *info, const struct mbox_monitor_mailbox *box)
{
	*info = (struct mbox_info) {
		.state = box->state, .id = box->id, .uid = box->uid, .gid = box->gid,
		.mode = box->mode, .lifetime = box->lifetime, .capacity = box->capacity,
		.msg_size = box->msg_size, .bytes = box->bytes, .handles = box->handles,
		.senders = box->senders, .receivers = box->receivers, .queued = box->queued,
		.queued_bytes = box->queued_bytes, .sent = box->sent, .received = box->received,
		.withdrawn = box->withdrawn, .dropped = box->dropped, .created = box->created,
		.kind = box->kind, .policy = box->policy, .options = box->options,
		.max_procs = box->max_procs, .procs = box->procs, .owner = box->owner,
		.heir = box->heir, .ring = box->ring, .lost = box->lost, .creator = box->creator,
		.spin_hits = box->spin_hits, .spin_misses = box->spin_misses,
		.space = box->space,
		.last_sender = box->last_sender, .last_receiver = box->last_receiver,
		.last_sent = box->last_sent, .last_received = box->last_received,
		.changed = box->changed, .cuid = box->cuid, .cgid = box->cgid,
	};
	memcpy(info->name, box->name, sizeof(info->name));
	memcpy(info->label, box->label, sizeof(info->label));
}

/* Get the attributes of a mailbox that is named by its id. Return an exit status. */
static int get_by_id(const struct command *cmd, struct mbox_info *info)
{
	const struct mbox_monitor_mailbox *box;
	struct mbox_monitor *mon;
	int ret;

	ret = mbox_monitor_open(&mon);
	if (ret < 0)
		return refuse_monitor(cmd, NULL, ret);
	ret = mbox_monitor_get(mon, NULL, cmd->id, &box);
	if (ret < 0)
		ret = refuse_monitor(cmd, mon, ret);
	else
		info_of(info, box);
	mbox_monitor_close(mon);
	return ret;
}

/* The same by the device, for callers without netlink, too. */
static int get_by_name(const struct command *cmd, struct mbox_info *info)
{
	struct mbox *mb;
	int error;

	error = mbox_open(&mb, cmd->name, 0);
	if (error)
		return refuse_errno(cmd, error);
	error = mbox_get(mb, info);
	mbox_close(mb);
	if (error)
		return refuse_errno(cmd, error);
	/* Do not count the handle of this command. */
	if (info->handles)
		info->handles--;
	return STATUS_DONE;
}

/* Print the attributes, then the rest. An error in the rest does not withdraw the first. */
static int run(struct command *cmd)
{
	struct mbox_info info = { .flags = 0 };
	int status;

	status = cmd->id ? get_by_id(cmd, &info) : get_by_name(cmd, &info);
	if (status)
		return status;
	begin_info(&info);
	status = show_more(cmd, info.id);
	out_close();
	return status;
}

const struct verb show_verb = {
	.name = "show",
	.aliases = "info",
	.operands = "NAME",
	.summary = "print attributes, counters, leases, blocked calls and open handles of a mailbox",
	.notes = "After attributes and counters comes a line for each message that is leased,\n"
		 "delayed or parked (job), for each call that is blocked on it (waiter), and\n"
		 "for each process that has it open (handle). senders and\n"
		 "receivers are calls that are blocked now; handles does not count the handle of\n"
		 "this command. Attributes that the mailbox does not have (an owner, a limit of\n"
		 "processes; of a ring, all about messages) are left out; with -j they are null.",
	.run = run,
};
