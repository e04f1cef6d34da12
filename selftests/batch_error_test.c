// SPDX-License-Identifier: GPL-2.0-only
/* Batches with a message that fails: those before it are done, it and those after it are not. */
#include "lib/batch.h"
#include "lib/memory.h"
#include "lib/module.h"
#include "lib/user.h"

#define QUEUED	5

FIXTURE(at)
{
	int fd;
	struct batch *out, *in;
};

/* The place of the message that fails. */
FIXTURE_VARIANT(at)
{
	int place;
	uint32_t size;
};

FIXTURE_VARIANT_ADD(at, first_small) { .place = 0, .size = 10 };
FIXTURE_VARIANT_ADD(at, middle_small) { .place = 2, .size = 10 };
FIXTURE_VARIANT_ADD(at, last_small) { .place = QUEUED - 1, .size = 10 };
FIXTURE_VARIANT_ADD(at, first_large) { .place = 0, .size = 400 };
FIXTURE_VARIANT_ADD(at, middle_large) { .place = 2, .size = 400 };

FIXTURE_SETUP(at)
{
	self->fd = box_new(_metadata, 64);
	self->out = batch_new(self->fd, false);
	self->in = batch_new(self->fd, true);
	self->out->send.count = self->in->recv.count = QUEUED;
	self->in->recv.flags = MBOX_RECV_NONBLOCK;
	for (int i = 0; i < QUEUED; i++) {
		pattern_fill(self->out->data[i], variant->size, i);
		self->out->out[i].size = variant->size;
		self->out->out[i].type = i;
	}
}

FIXTURE_TEARDOWN(at)
{
	close(self->fd);
}

/* The batch stops at the message; then it alone fails with @error, and nothing changes. */
static void expect_stop(struct __test_metadata *_metadata, struct _test_data_at *self,
			const struct _fixture_variant_at *variant, struct batch *batch, int error)
{
	struct mbox_info before = info_of(self->fd);
	int place = variant->place;

	EXPECT_EQ(place ?: error, batch_make(batch));
	if (!place)
		EXPECT_UNCHANGED(self->fd, &before);
	before = info_of(self->fd);
	if (batch->receives) {
		batch->recv.entries = address_of(&batch->in[place]);
		batch->recv.count = QUEUED - place;
	} else {
		batch->send.entries = address_of(&batch->out[place]);
		batch->send.count = QUEUED - place;
	}
	EXPECT_EQ(error, batch_make(batch));
	EXPECT_UNCHANGED(self->fd, &before);
}

/* All that is queued comes, from number @first on. */
static void expect_rest(struct __test_metadata *_metadata, struct _test_data_at *self, int first,
			int count, uint32_t size)
{
	uint8_t data[BATCH_SIZE];
	struct mbox_header header;

	for (int i = first; i < first + count; i++) {
		ASSERT_EQ(0, recv_bytes(self->fd, MBOX_RECV_NONBLOCK, data, sizeof(data), &header));
		EXPECT_EQ(i, header.type);
		EXPECT_EQ(i + 1, header.seq);
		EXPECT_EQ(size, header.length);
		EXPECT_EQ(size, pattern_match(data, size, i));
	}
	EXPECT_EQ(0, info_of(self->fd).queued);
	EXPECT_BALANCED(self->fd);
}

TEST_F(at, send_bad_entry)
{
	struct mbox_send_entry *entry = &self->out->out[variant->place], good = *entry;
	const struct bad {
		struct mbox_send_entry entry;
		int error;
	} bads[] = {
		{ { .flags = 1 }, -EINVAL },
		{ { .flags = 1U << 31 }, -EINVAL },
		{ { .prio = MBOX_PRIO_MAX + 1 }, -EINVAL },
		{ { .size = 1ULL << 32 }, -EMSGSIZE },
		{ { .size = MBOX_MSG_SIZE_DEFAULT + 1 }, -EMSGSIZE },
		{ { .size = variant->size, .data = 8 }, -EFAULT },
		{ { .size = variant->size, .data = UINT64_MAX - 7 }, -EFAULT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bads); i++) {
		*entry = bads[i].entry;
		self->out->send.entries = address_of(self->out->out);
		self->out->send.count = QUEUED;
		expect_stop(_metadata, self, variant, self->out, bads[i].error);
		*entry = good;
		for (int j = 0; j < variant->place; j++)
			recv_bytes(self->fd, MBOX_RECV_NONBLOCK, NULL, 0, NULL);
		close(self->fd);
		self->fd = self->out->fd = box_new(_metadata, 64);
	}
	self->out->send.entries = address_of(self->out->out);
	self->out->send.count = QUEUED;
	EXPECT_EQ(QUEUED, batch_make(self->out));
	expect_rest(_metadata, self, 0, QUEUED, variant->size);
}

TEST_F(at, receive_bad_entry)
{
	struct mbox_recv_entry *entry = &self->in->in[variant->place];

	ASSERT_EQ(QUEUED, batch_make(self->out));
	entry->flags = 1;
	expect_stop(_metadata, self, variant, self->in, -EINVAL);
	expect_rest(_metadata, self, variant->place, QUEUED - variant->place, variant->size);
}

TEST_F(at, receive_bad_buffer)
{
	struct mbox_recv_entry *entry = &self->in->in[variant->place];

	ASSERT_EQ(QUEUED, batch_make(self->out));
	entry->data = 8;
	expect_stop(_metadata, self, variant, self->in, -EFAULT);
	EXPECT_TRUE(untouched(&entry->header, sizeof(entry->header)));
	expect_rest(_metadata, self, variant->place, QUEUED - variant->place, variant->size);
}

TEST_F(at, receive_too_small)
{
	struct mbox_recv_entry *entry = &self->in->in[variant->place];

	ASSERT_EQ(QUEUED, batch_make(self->out));
	entry->size = variant->size - 1;
	expect_stop(_metadata, self, variant, self->in, -EMSGSIZE);
	EXPECT_EQ(variant->size, entry->header.length);
	EXPECT_EQ(variant->place, entry->header.type);
	EXPECT_TRUE(untouched(self->in->data[variant->place], BATCH_SIZE));
	expect_rest(_metadata, self, variant->place, QUEUED - variant->place, variant->size);
}

/* The array ends where no memory is, or may not be written. */
TEST_F(at, array_ends)
{
	const size_t out_size = variant->place * sizeof(self->out->out[0]);
	const size_t in_size = variant->place * sizeof(self->in->in[0]);
	uint8_t *area, *end;
	size_t size;

	area = area_new(_metadata, PROT_READ | PROT_WRITE, &size);
	end = area + size;
	memcpy(end - out_size, self->out->out, out_size);
	self->out->send.entries = address_of(end - out_size);
	EXPECT_EQ(variant->place ?: -EFAULT, batch_make(self->out));
	self->out->send.entries = address_of(self->out->out + variant->place);
	self->out->send.count = QUEUED - variant->place;
	EXPECT_EQ(QUEUED - variant->place, batch_make(self->out));
	/* with one more entry whose header is beyond */
	memcpy(end - in_size - 24, self->in->in, in_size + 24);
	self->in->recv.entries = address_of(end - in_size - 24);
	EXPECT_EQ(variant->place ?: -EFAULT, batch_make(self->in));
	expect_rest(_metadata, self, variant->place, QUEUED - variant->place, variant->size);
}

/* Memory that comes when it is touched: the array, payloads, buffers. */
TEST_F(at, lazy_memory)
{
	for (int kind = 0; kind < LAZY_KINDS; kind++) {
		uint8_t *in = lazy_new(_metadata, kind, 3 * 4096), *data = lazy_new(_metadata, kind, 65536);
		struct mbox_recv_entry *entries = (void *)(in + 4096 - 40);

		self->out->send.count = QUEUED;
		ASSERT_EQ(QUEUED, batch_make(self->out));
		for (int i = 0; i < QUEUED; i++) {
			entries[i] = self->in->in[i];
			entries[i].data = address_of(data + 4096 * (i + 1) - 5);
		}
		self->in->recv.entries = address_of(entries);
		EXPECT_EQ(QUEUED, batch_make(self->in));
		for (int i = 0; i < QUEUED; i++)
			EXPECT_EQ(variant->size, pattern_match(data + 4096 * (i + 1) - 5, variant->size, i));
	}
}

/* A send by a user without quota: some of the batch. */
#define BYTES	16384

FIXTURE(quota)
{
	uint64_t bytes;
	uid_t uid;
	int fd;
};

FIXTURE_SETUP(quota)
{
	if (geteuid())
		SKIP(return, "only root can set module parameters");
	self->bytes = param_get("user_bytes");
	if (!self->bytes || param_set("user_bytes", BYTES)) {
		self->bytes = 0;
		SKIP(return, "the module parameter cannot be set");
	}
	self->uid = spare_uid(0);
}

/* In the parent: the parameter is set back also after a test that failed or hung. */
FIXTURE_TEARDOWN_PARENT(quota)
{
	if (self->bytes)
		param_set("user_bytes", self->bytes);
}

static int sends_until_quota(void *arg)
{
	const int most = BYTES / MBOX_SMALL_CHARGE;
	struct _test_data_quota *self = arg;
	struct mbox_ioc_open open = open_arg(NULL, MBOX_CAPACITY_UNBOUNDED);
	struct batch *out;
	int fd, sent = 0;
	long ret;

	CHECK(0, become(self->uid, self->uid));
	fd = open_call(MBOX_IOC_CREATE, &open);
	out = batch_new(fd, false);
	while ((ret = batch_make(out)) > 0)
		sent += ret;
	CHECK(-EDQUOT, ret);
	CHECK(most, sent);
	CHECK(most, info_of(fd).queued);
	/* a batch gives back the charge that it did not use */
	CHECK(-EDQUOT, batch_make(out));
	CHECK(0, strcmp("", take(fd)));
	CHECK(1, batch_make(out));
	CHECK(-EDQUOT, batch_make(out));
	return 0;
}

TEST_F(quota, some)
{
	EXPECT_EQ(0, in_child(sends_until_quota, self));
}

MBOX_TEST_MAIN
