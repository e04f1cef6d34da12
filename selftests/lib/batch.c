// SPDX-License-Identifier: GPL-2.0-only
/* Batches of messages that are words. */
#include "batch.h"

/* Make a call with all entries, which is not made yet. */
struct batch *batch_new(int fd, bool receives)
{
	struct batch *batch = shared_alloc(sizeof(*batch));

	batch->fd = fd;
	batch->receives = receives;
	batch->ret = -EINPROGRESS;
	batch->send.entries = address_of(batch->out);
	batch->send.entry_size = sizeof(batch->out[0]);
	batch->recv.entries = address_of(batch->in);
	batch->recv.entry_size = sizeof(batch->in[0]);
	batch->send.count = batch->recv.count = BATCH_ENTRIES;
	memset(batch->data, receives ? POISON : 0, sizeof(batch->data));
	for (int i = 0; i < BATCH_ENTRIES; i++) {
		batch->out[i].data = batch->in[i].data = address_of(batch->data[i]);
		batch->in[i].size = BATCH_SIZE;
		memset(&batch->in[i].header, POISON, sizeof(batch->in[i].header));
	}
	return batch;
}

/* Make a send of each word of a text. */
struct batch *batch_new_words(int fd, const char *words)
{
	struct batch *batch = batch_new(fd, false);
	uint32_t n;

	for (n = 0; *words; n++) {
		size_t length = strcspn(words, " ");

		memcpy(batch->data[n], words, length);
		batch->out[n].size = length;
		words += length + (words[length] == ' ');
	}
	batch->send.count = n;
	return batch;
}

long batch_make(struct batch *batch)
{
	return batch->receives ? xioctl(batch->fd, MBOX_IOC_RECVV, &batch->recv) :
				 xioctl(batch->fd, MBOX_IOC_SENDV, &batch->send);
}

/* Return the words that a call received, or the name of its error. */
const char *batch_text(struct batch *batch)
{
	char *end = batch->text;

	if (batch->ret < 0)
		return strerrorname_np(-batch->ret);
	*end = '\0';
	for (long i = 0; i < batch->ret; i++) {
		const struct mbox_header *header = &batch->in[i].header;

		if (header->length >= 15)
			return "(header.length is wrong)";
		if (i)
			*end++ = ' ';
		memcpy(end, batch->data[i], header->length);
		end += header->length;
		*end = '\0';
	}
	return batch->text;
}

/* Make the call in a child. */
void batch_start(struct batch *batch)
{
	pid_t pid = fork_child();

	if (pid < 0) {
		perror("fork");
		abort();
	}
	if (pid) {
		batch->pid = pid;
		return;
	}
	if (batch->prepare)
		batch->prepare(batch);
	batch->ret = batch_make(batch);
	set_flag(&batch->done);
	_exit(0);
}

/* Return the result of the call; -ETIME if it does not end, -ECHILD if the child was killed in it. */
long batch_end(struct batch *batch)
{
	int status = reap(batch->pid);

	if (status < 0)
		return status;
	return batch->done ? batch->ret : -ECHILD;
}

/* Send each word of a text as a message. */
int send_words(int fd, uint32_t flags, const char *words)
{
	struct batch *batch = batch_new_words(fd, words);
	int ret;

	batch->send.flags = flags;
	ret = batch_make(batch);
	munmap(batch, sizeof(*batch));
	return ret;
}

/* Return the words that a call received, or the name of its error. */
const char *recv_words_arg(int fd, struct mbox_ioc_recvv arg)
{
	static char text[BATCH_ENTRIES * 16];
	struct batch *batch = batch_new(fd, true);

	arg.entries = batch->recv.entries;
	arg.entry_size = batch->recv.entry_size;
	if (!arg.count)
		arg.count = BATCH_ENTRIES;
	batch->recv = arg;
	batch->ret = batch_make(batch);
	snprintf(text, sizeof(text), "%s", batch_text(batch));
	munmap(batch, sizeof(*batch));
	return text;
}
