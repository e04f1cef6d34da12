// SPDX-License-Identifier: GPL-2.0-only
/* Posts: sends with a mark, a time, or more to wait for than a receipt. */
#include <linux/pid.h>
#include <linux/sched.h>

#include "event.h"
#include "job.h"
#include "mbox.h"
#include "message.h"
#include "path.h"
#include "process.h"
#include "queue.h"
#include "track.h"
#include "wait.h"

/* The sender of @message, which waits, goes on with @error; on success the caller received. */
void mbox_post_end(struct mbox *mbox, struct mbox_message *message, int error,
		   struct mbox_deferred *deferred)
{
	struct mbox_waiter *sender = message->sender;

	message->sender = NULL;
	if (!error) {
		sender->receiver = get_pid(task_tgid(current));
		if (mbox_post_calls(sender))
			sender->post->call->server_start =
				mbox_process_start(current->group_leader);
	}
	mbox_waiter_complete(mbox, sender, error, deferred);
}

/* Send a message with a time, which does not wait for room. 0 or EAGAIN. */
int mbox_post_timed_send(struct mbox *mbox, struct mbox_waiter *waiter,
			 struct mbox_deferred *deferred)
{
	struct mbox_message *message = waiter->message;
	struct mbox_post *post = waiter->post;
	struct mbox_job *job = post->job;

	if (!mbox_path_may_queue(message->room, message)) {
		mbox_room_refuse(message->room);
		mbox_event_full(mbox);
		return -EAGAIN;
	}
	post->job = NULL;
	mbox_job_setup(job);
	job->not_before = post->not_before;
	job->expires = post->expires;
	mbox_post_accepted(mbox, post);
	mbox_room_accept(mbox, message);
	mbox_track_send(mbox, message);
	mbox_job_add(mbox, message, job);
	mbox_job_place(mbox, job, deferred);
	return 0;
}
