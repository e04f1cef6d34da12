// SPDX-License-Identifier: GPL-2.0-only
/* Large messages to receivers that wait, and the pages that the kernel pins for them. */
#include "transfer.h"

/* Return a mailbox that takes messages of MSG_SIZE. */
int box_large(uint32_t capacity)
{
	struct mbox_ioc_open arg = open_arg(NULL, capacity);

	arg.msg_size = MSG_SIZE;
	return open_call(MBOX_IOC_CREATE, &arg);
}

uint8_t *buffer_new(size_t size)
{
	uint8_t *buffer = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (buffer == MAP_FAILED)
		return NULL;
	memset(buffer, POISON, size);
	return buffer;
}

/* Read the counters; those that the kernel lacks are 0. */
struct pins pins_now(void)
{
	struct pins pins = {};
	unsigned long value;
	char word[64];
	FILE *file = fopen("/proc/vmstat", "r");

	while (file && fscanf(file, "%63s %lu", word, &value) == 2) {
		if (!strcmp(word, "nr_foll_pin_acquired"))
			pins.acquired = value;
		if (!strcmp(word, "nr_foll_pin_released"))
			pins.released = value;
	}
	if (file)
		fclose(file);
	return pins;
}

/*
 * Wait until all pages that were pinned since @before are released. Other tests that run at the same time
 * may hold some for a moment.
 */
bool pins_end(const struct pins *before)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;
	struct pins pins;

	for (;;) {
		pins = pins_now();
		if (pins.acquired - before->acquired == pins.released - before->released)
			return true;
		if (now() > end)
			return false;
		nap();
	}
}

void *receive_run(void *data)
{
	struct receive *receive = data;

	receive->result = xioctl(receive->fd, MBOX_IOC_RECV, receive->arg);
	return NULL;
}

int receive_begin(struct receive *receive, void *(*run)(void *))
{
	return -pthread_create(&receive->thread, NULL, run, receive);
}

int receive_end(struct receive *receive)
{
	pthread_join(receive->thread, NULL);
	return receive->result;
}

void scene_begin(struct __test_metadata *_metadata, struct scene *scene)
{
	scene->before = pins_now();
	scene->fd = box_large(4);
	ASSERT_LE(0, scene->fd);
	scene->out = buffer_new(MSG_SIZE + 2 * PAGE);
	scene->in = buffer_new(MSG_SIZE + 2 * PAGE);
	ASSERT_NE(NULL, scene->out);
	ASSERT_NE(NULL, scene->in);
	scene->arg = (struct mbox_ioc_recv) { .data = address_of(scene->in), .size = MSG_SIZE };
	scene->receive = (struct receive) { .fd = scene->fd, .arg = &scene->arg };
}

void scene_end(struct __test_metadata *_metadata, struct scene *scene)
{
	EXPECT_BALANCED(scene->fd);
	close(scene->fd);
	munmap(scene->out, MSG_SIZE + 2 * PAGE);
	munmap(scene->in, MSG_SIZE + 2 * PAGE);
	EXPECT_TRUE(pins_end(&scene->before));
}
