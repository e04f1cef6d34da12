// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interface itself: numbers, layouts, sizes, unknown values. The same for 32-bit programs: this
 * one is built a second time as such.
 */
#include "lib/child.h"
#include "abi_layout.h"

#include <poll.h>

/* Programs have these compiled in, so they may not change, even if the header does. */
TEST(numbers)
{
	EXPECT_EQ(0x40a0bd00U, MBOX_IOC_CREATE);
	EXPECT_EQ(0x40a0bd01U, MBOX_IOC_OPEN);
	EXPECT_EQ(0xc058bd02U, MBOX_IOC_DELETE);
	EXPECT_EQ(0x4018bd03U, MBOX_IOC_LINK);
	EXPECT_EQ(0x4008bd04U, MBOX_IOC_INBOX);
	EXPECT_EQ(0xc010bd05U, MBOX_IOC_NEXT);
	EXPECT_EQ(0x4028bd10U, MBOX_IOC_SEND);
	EXPECT_EQ(0xc068bd11U, MBOX_IOC_RECV);
	EXPECT_EQ(0xc278bd14U, MBOX_IOC_GET);
	EXPECT_EQ(0x4028bd15U, MBOX_IOC_SET);
	EXPECT_EQ(0x4010bd16U, MBOX_IOC_HANDOVER);
	EXPECT_EQ(0x4020bd17U, MBOX_IOC_WAIT);
	EXPECT_EQ(0x4008bd18U, MBOX_IOC_SHUTDOWN);
	EXPECT_EQ(0x4020bd12U, MBOX_IOC_SENDV);
	EXPECT_EQ(0x4040bd13U, MBOX_IOC_RECVV);
	EXPECT_EQ(0x4020bd19U, MBOX_IOC_MODE);
	EXPECT_EQ(0xc0c0bd1aU, MBOX_IOC_LEASE);
	EXPECT_EQ(0x4010bd1bU, MBOX_IOC_ACK);
	EXPECT_EQ(0x4020bd1cU, MBOX_IOC_NACK);
	EXPECT_EQ(0x4018bd1dU, MBOX_IOC_EXTEND);
	EXPECT_EQ(0x4050bd1eU, MBOX_IOC_POST);
	EXPECT_EQ(0xc058bd1fU, MBOX_IOC_CALL);
	EXPECT_EQ(0xc028bd20U, MBOX_IOC_REPLY);
	EXPECT_EQ(0xc010bd21U, MBOX_IOC_KICK);
	EXPECT_EQ(0xc018bd22U, MBOX_IOC_NOTIFY);
	EXPECT_EQ(1, MBOX_ABI_VERSION);
}

/* One call, on a mailbox that holds one message. */
#define ARG_ROOM	4096

FIXTURE(abi)
{
	int factory;
	int fd;
	int ring;
	char name[MBOX_NAME_SIZE];
	char other[MBOX_NAME_SIZE];	/* not taken */
	char *arg;			/* valid, ARG_ROOM bytes, right before an unmapped page */
	char payload[64];
	struct mbox_send_entry out;
	struct mbox_recv_entry in;
	struct mbox_ack_entry ack;
	uint64_t token;			/* of another message, which is leased */
	struct mbox_info before, ring_before;
};

FIXTURE_VARIANT(abi)
{
	unsigned long cmd;
	size_t size;
	bool on_factory;
};

#define VARIANT(name_, cmd_, type, factory) \
	FIXTURE_VARIANT_ADD(abi, name_) \
	{ .cmd = (cmd_), .size = sizeof(struct type), .on_factory = (factory) }

VARIANT(create, MBOX_IOC_CREATE, mbox_ioc_open, true);
VARIANT(open, MBOX_IOC_OPEN, mbox_ioc_open, true);
VARIANT(link, MBOX_IOC_LINK, mbox_ioc_link, true);
VARIANT(inbox, MBOX_IOC_INBOX, mbox_ioc_inbox, true);
VARIANT(next, MBOX_IOC_NEXT, mbox_ioc_next, true);
VARIANT(delete_name, MBOX_IOC_DELETE, mbox_ioc_delete, true);
VARIANT(delete_handle, MBOX_IOC_DELETE, mbox_ioc_delete, false);
VARIANT(send, MBOX_IOC_SEND, mbox_ioc_send, false);
VARIANT(recv, MBOX_IOC_RECV, mbox_ioc_recv, false);
VARIANT(get, MBOX_IOC_GET, mbox_info, false);
VARIANT(set, MBOX_IOC_SET, mbox_ioc_set, false);
VARIANT(handover, MBOX_IOC_HANDOVER, mbox_ioc_handover, false);
VARIANT(wait, MBOX_IOC_WAIT, mbox_ioc_wait, false);
VARIANT(shutdown, MBOX_IOC_SHUTDOWN, mbox_ioc_shutdown, false);
VARIANT(sendv, MBOX_IOC_SENDV, mbox_ioc_sendv, false);
VARIANT(recvv, MBOX_IOC_RECVV, mbox_ioc_recvv, false);
VARIANT(mode, MBOX_IOC_MODE, mbox_ioc_mode, false);
VARIANT(lease, MBOX_IOC_LEASE, mbox_ioc_lease, false);
VARIANT(ack, MBOX_IOC_ACK, mbox_ioc_ack, false);
VARIANT(nack, MBOX_IOC_NACK, mbox_ioc_nack, false);
VARIANT(extend, MBOX_IOC_EXTEND, mbox_ioc_extend, false);
VARIANT(post, MBOX_IOC_POST, mbox_ioc_post, false);
VARIANT(call, MBOX_IOC_CALL, mbox_ioc_call, false);
VARIANT(reply, MBOX_IOC_REPLY, mbox_ioc_reply, false);
VARIANT(kick, MBOX_IOC_KICK, mbox_ioc_kick, false);
VARIANT(notify, MBOX_IOC_NOTIFY, mbox_ioc_notify, false);

#define LEASED_PRIO	9
#define CALL_PRIO	7

/* Write a valid argument to @arg; fields that are out only are poisoned. */
static void arg_make(struct _test_data_abi *self, const struct _fixture_variant_abi *variant,
		     void *arg)
{
	struct mbox_ioc_open *open = arg;
	struct mbox_ioc_link *link = arg;
	struct mbox_ioc_delete *delete = arg;
	struct mbox_ioc_send *send = arg;
	struct mbox_ioc_recv *recv = arg;
	struct mbox_info *info = arg;
	struct mbox_ioc_set *set = arg;
	struct mbox_ioc_handover *handover = arg;
	struct mbox_ioc_wait *wait = arg;
	struct mbox_ioc_shutdown *shutdown = arg;
	struct mbox_ioc_sendv *sendv = arg;
	struct mbox_ioc_recvv *recvv = arg;
	struct mbox_ioc_lease *lease = arg;
	struct mbox_ioc_ack *ack = arg;
	struct mbox_ioc_nack *nack = arg;
	struct mbox_ioc_extend *extend = arg;
	struct mbox_ioc_post *post = arg;
	struct mbox_ioc_call *call = arg;
	struct mbox_ioc_reply *reply = arg;
	struct mbox_ioc_kick *kick = arg;
	struct mbox_ioc_notify *notify = arg;

	memset(arg, 0, variant->size);
	switch (variant->cmd) {
	case MBOX_IOC_CREATE:
		*open = open_arg(self->other, 8);
		break;
	case MBOX_IOC_OPEN:
		open->rights = MBOX_RIGHT_SEND;
		strcpy(open->name, self->name);
		break;
	case MBOX_IOC_LINK:
		link->pid = getppid();
		link->capacity = 8;
		break;
	case MBOX_IOC_DELETE:
		delete->how = MBOX_DELETE_DRAIN;
		if (variant->on_factory)
			strcpy(delete->name, self->name);
		memset(&delete->queued, POISON, 16);
		break;
	case MBOX_IOC_SEND:
		send->data = address_of("second");
		send->size = 6;
		break;
	case MBOX_IOC_RECV:
		recv->flags = MBOX_RECV_NONBLOCK;
		recv->data = address_of(self->payload);
		recv->size = sizeof(self->payload);
		memset(&recv->header, POISON, sizeof(recv->header));
		break;
	case MBOX_IOC_GET:
		memset(info, POISON, sizeof(*info));
		info->flags = 0;
		break;
	case MBOX_IOC_SET:
		set->mask = MBOX_SET_MODE;
		set->mode = 0640;
		break;
	case MBOX_IOC_HANDOVER:
		handover->pid = getpid();
		break;
	case MBOX_IOC_WAIT:
		wait->flags = MBOX_WAIT_WAKE;
		wait->side = MBOX_RIGHT_SEND;
		break;
	case MBOX_IOC_SHUTDOWN:
		shutdown->how = MBOX_RIGHT_SEND;
		break;
	case MBOX_IOC_SENDV:
		self->out.data = address_of("second");
		self->out.size = 6;
		sendv->entries = address_of(&self->out);
		sendv->entry_size = sizeof(self->out);
		sendv->count = 1;
		break;
	case MBOX_IOC_RECVV:
		self->in.data = address_of(self->payload);
		self->in.size = sizeof(self->payload);
		recvv->flags = MBOX_RECV_NONBLOCK;
		recvv->entries = address_of(&self->in);
		recvv->entry_size = sizeof(self->in);
		recvv->count = 1;
		break;
	case MBOX_IOC_LEASE:
		lease->recv.flags = MBOX_RECV_NONBLOCK;
		lease->recv.data = address_of(self->payload);
		lease->recv.size = sizeof(self->payload);
		memset(&lease->recv.header, POISON, sizeof(lease->recv.header));
		memset(&lease->delivery, POISON, sizeof(lease->delivery));
		break;
	case MBOX_IOC_ACK:
		self->ack = (struct mbox_ack_entry) { .token = self->token };
		ack->entries = address_of(&self->ack);
		ack->count = 1;
		break;
	case MBOX_IOC_NACK:
		nack->token = self->token;
		break;
	case MBOX_IOC_EXTEND:
		extend->token = self->token;
		extend->clock = MBOX_CLOCK_MONOTONIC;
		extend->time = 3600 * NSEC_PER_SEC;
		break;
	case MBOX_IOC_POST:
		post->send.data = address_of("second");
		post->send.size = 6;
		break;
	case MBOX_IOC_CALL:
		call->send.data = address_of("second");
		call->send.size = 6;
		call->send.prio = CALL_PRIO;
		call->reply = address_of(self->payload);
		call->room = sizeof(self->payload);
		break;
	case MBOX_IOC_REPLY:
		reply->token = self->token;
		break;
	case MBOX_IOC_KICK:
		kick->most = 1;
		break;
	case MBOX_IOC_NOTIFY:
		notify->how = MBOX_NOTIFY_DISARM;
		break;
	}
}

/* Have another message leased, which is received before the first. */
static uint64_t lease_other(struct __test_metadata *_metadata, int fd)
{
	char text[16];
	struct mbox_ioc_lease arg = { .recv = { .data = address_of(text), .size = sizeof(text) } };

	EXPECT_EQ(0, put(fd, LEASED_PRIO, "leased"));
	EXPECT_EQ(0, xioctl(fd, MBOX_IOC_LEASE, &arg));
	return arg.delivery.token;
}

/* A server of calls, which ends with the test. */
static void serve(struct __test_metadata *_metadata, int fd)
{
	char text[16];
	struct mbox_ioc_lease next = {
		.recv = { .data = address_of(text), .size = sizeof(text), .min_prio = CALL_PRIO },
	};
	struct mbox_ioc_reply reply = { .lease = address_of(&next) };
	pid_t pid = fork_child();

	ASSERT_LE(0, pid);
	if (!pid) {
		for (;;) {
			xioctl(fd, MBOX_IOC_REPLY, &reply);
			reply.token = next.delivery.token;
		}
	}
	ASSERT_TRUE(await_blocked(fd, 0, 1));
}

static bool has_token(unsigned long cmd)
{
	return cmd == MBOX_IOC_ACK || cmd == MBOX_IOC_NACK || cmd == MBOX_IOC_EXTEND ||
	       cmd == MBOX_IOC_REPLY;
}

/* The size of the structure in its first version. */
static size_t size_before(unsigned long cmd, size_t size)
{
	switch (cmd) {
	case MBOX_IOC_CREATE:
	case MBOX_IOC_OPEN:
		return offsetof(struct mbox_ioc_open, dead_letter);
	case MBOX_IOC_GET:
		return offsetof(struct mbox_info, leased);
	case MBOX_IOC_RECVV:
		return offsetof(struct mbox_ioc_recvv, type_hi);
	case MBOX_IOC_POST:
		return offsetof(struct mbox_ioc_post, type_hi);
	default:
		return size;
	}
}

/* Calls that return how many, of which there is one. */
static bool returns_number(unsigned long cmd)
{
	return cmd == MBOX_IOC_SENDV || cmd == MBOX_IOC_RECVV || cmd == MBOX_IOC_ACK;
}

FIXTURE_SETUP(abi)
{
	struct mbox_ioc_open ring = open_arg(NULL, 0);
	long page = sysconf(_SC_PAGESIZE);
	size_t room = (ARG_ROOM + page - 1) / page * page;
	char *map;

	self->factory = factory_open();
	ASSERT_LE(0, self->factory);
	self->fd = box_new_named(_metadata, 8, self->name);
	ring.ring = 65536;
	self->ring = open_call(MBOX_IOC_CREATE, &ring);
	ASSERT_LE(0, self->ring);
	name_make(self->other);
	ASSERT_EQ(0, put(self->fd, 5, "first"));
	if (has_token(variant->cmd))
		self->token = lease_other(_metadata, self->fd);
	if (variant->cmd == MBOX_IOC_CALL)
		serve(_metadata, self->fd);
	map = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, munmap(map + room, page));
	self->arg = map + room - ARG_ROOM;
	memset(self->payload, POISON, sizeof(self->payload));
	arg_make(self, variant, self->arg);
	ASSERT_EQ(0, info_get(self->fd, &self->before));
	ASSERT_EQ(0, info_get(self->ring, &self->ring_before));
}

FIXTURE_TEARDOWN(abi)
{
	close(self->ring);
	close(self->fd);
	close(self->factory);
}

static int subject(struct _test_data_abi *self, const struct _fixture_variant_abi *variant)
{
	if (variant->cmd == MBOX_IOC_WAIT)
		return self->ring;
	return variant->on_factory ? self->factory : self->fd;
}

static unsigned long resized(unsigned long cmd, size_t size)
{
	return _IOC(_IOC_DIR(cmd), _IOC_TYPE(cmd), _IOC_NR(cmd), size);
}

/* Nothing has changed: the mailbox, its message, the buffer, and no new mailbox. */
static void expect_nothing_done(struct __test_metadata *_metadata, struct _test_data_abi *self)
{
	EXPECT_UNCHANGED(self->fd, &self->before);
	EXPECT_UNCHANGED(self->ring, &self->ring_before);
	EXPECT_STREQ("first", peek(self->fd));
	EXPECT_TRUE(untouched(self->payload, sizeof(self->payload)));
	EXPECT_EQ(-ENOENT, open_name(self->other, 0));
	EXPECT_EQ(1, info_of(self->fd).handles);
}

/* The argument that all tests below make one thing wrong with is right. */
TEST_F(abi, valid)
{
	int ret = xioctl(subject(self, variant), variant->cmd, self->arg);

	if (variant->on_factory && variant->cmd != MBOX_IOC_DELETE) {
		EXPECT_LE(0, ret);
		EXPECT_EQ(0, close(ret));
	} else {
		EXPECT_EQ(returns_number(variant->cmd), ret);
	}
}

TEST_F(abi, bad_address)
{
	long page = sysconf(_SC_PAGESIZE);
	char *end = self->arg + ARG_ROOM;
	int fd = subject(self, variant);

	EXPECT_EQ(-EFAULT, xioctl(fd, variant->cmd, NULL));
	EXPECT_EQ(-EFAULT, xioctl(fd, variant->cmd, end));
	EXPECT_EQ(-EFAULT, xioctl(fd, variant->cmd, (void *)-page));
	/* its last byte only */
	arg_make(self, variant, end - variant->size);
	memmove(end - variant->size + 1, end - variant->size, variant->size - 1);
	EXPECT_EQ(-EFAULT, xioctl(fd, variant->cmd, end - variant->size + 1));
	/* the payload may have been written, if only the last results cannot be */
	if (variant->cmd == MBOX_IOC_LEASE)
		memset(self->payload, POISON, sizeof(self->payload));
	expect_nothing_done(_metadata, self);
}

/*
 * Results cannot be written: calls that only read may be given such memory, all others have no
 * effect.
 */
TEST_F(abi, read_only)
{
	bool writes = _IOC_DIR(variant->cmd) & _IOC_READ;
	int ret;

	ASSERT_EQ(0, mprotect(self->arg, ARG_ROOM, PROT_READ));
	ret = xioctl(subject(self, variant), variant->cmd, self->arg);
	if (!writes) {
		EXPECT_LE(0, ret);
		return;
	}
	EXPECT_EQ(-EFAULT, ret);
	/* the payload of the message may have been written: the buffer is a good one */
	memset(self->payload, POISON, sizeof(self->payload));
	expect_nothing_done(_metadata, self);
}

TEST_F(abi, smaller)
{
	const size_t least = size_before(variant->cmd, variant->size);
	const size_t sizes[] = { 0, 1, 4, least - 8, least - 1 };
	char saved[ARG_ROOM];

	memcpy(saved, self->arg, ARG_ROOM);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		EXPECT_EQ(-EINVAL, xioctl(subject(self, variant), resized(variant->cmd, sizes[i]),
					  self->arg))
			TH_LOG("size %zu", sizes[i]);
	}
	EXPECT_EQ(0, memcmp(saved, self->arg, ARG_ROOM));
	expect_nothing_done(_metadata, self);
}

/* A structure without the last fields: they count as zero. */
TEST_F(abi, as_before)
{
	const size_t least = size_before(variant->cmd, variant->size);
	int ret;

	memset(self->arg + least, POISON, ARG_ROOM - least);
	ret = xioctl(subject(self, variant), resized(variant->cmd, least), self->arg);
	EXPECT_LE(0, ret);
	EXPECT_TRUE(untouched(self->arg + least, ARG_ROOM - least));
	if (variant->cmd == MBOX_IOC_GET) {
		EXPECT_EQ(0, memcmp(&self->before, self->arg, least));
	}
	if (variant->cmd == MBOX_IOC_CREATE) {
		EXPECT_EQ(0, info_of(ret).max_deliveries);
	}
	if (variant->on_factory && variant->cmd != MBOX_IOC_DELETE)
		close(ret);
}

/* The kernel neither reads nor writes memory behind the structure. */
TEST_F(abi, behind)
{
	int ret;

	memset(self->arg + variant->size, POISON, ARG_ROOM - variant->size);
	ret = xioctl(subject(self, variant), variant->cmd, self->arg);
	EXPECT_LE(0, ret);
	EXPECT_TRUE(untouched(self->arg + variant->size, ARG_ROOM - variant->size));
	if (variant->cmd == MBOX_IOC_GET) {
		EXPECT_EQ(0, memcmp(&self->before, self->arg, variant->size));
	}
}

TEST_F(abi, larger_and_not_zero)
{
	const size_t sizes[] = { variant->size + 1, variant->size + 8, 1024, ARG_ROOM };
	char saved[ARG_ROOM];

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		const size_t places[] = { variant->size, sizes[i] - 1 };

		for (size_t j = 0; j < ARRAY_SIZE(places); j++) {
			self->arg[places[j]] = 1;
			memcpy(saved, self->arg, ARG_ROOM);
			EXPECT_EQ(-E2BIG, xioctl(subject(self, variant),
						 resized(variant->cmd, sizes[i]), self->arg))
				TH_LOG("byte %zu of %zu", places[j], sizes[i]);
			EXPECT_EQ(0, memcmp(saved, self->arg, ARG_ROOM));
			self->arg[places[j]] = 0;
		}
	}
	expect_nothing_done(_metadata, self);
}

TEST_F(abi, larger_and_zero)
{
	int ret = xioctl(subject(self, variant), resized(variant->cmd, ARG_ROOM), self->arg);

	EXPECT_LE(0, ret);
	for (size_t i = variant->size; i < ARG_ROOM; i++) {
		ASSERT_EQ(0, self->arg[i]);
	}
	if (variant->cmd == MBOX_IOC_RECV || variant->cmd == MBOX_IOC_RECVV ||
	    variant->cmd == MBOX_IOC_LEASE) {
		EXPECT_EQ(0, memcmp(self->payload, "first", 5));
	}
	if (variant->cmd == MBOX_IOC_GET) {
		EXPECT_EQ(0, memcmp(&self->before, self->arg, sizeof(self->before)));
	}
}

/* Each field of each call that knows only some values, with those that it does not know. */
static const struct bad_value {
	const char *name;
	unsigned long cmd;
	size_t at;
	uint32_t unknown_bits;		/* each of them, alone */
	uint32_t values[4];		/* others, up to a 0 */
} bad_values[] = {
#define BAD(type, cmd, field, bits, ...) \
	{ #cmd "." #field, MBOX_IOC_##cmd, offsetof(struct type, field), bits, { __VA_ARGS__ } }
	/* CREATE knows no OPEN_CREATE or OPEN_EXCL */
	BAD(mbox_ioc_open, CREATE, flags, ~MBOX_OPEN_NONBLOCK),
	BAD(mbox_ioc_open, CREATE, rights, ~RIGHTS_BOTH),
	BAD(mbox_ioc_open, CREATE, mode, ~0666U),
	BAD(mbox_ioc_open, CREATE, lifetime, ~3U, 3, 0xffffffff),
	BAD(mbox_ioc_open, CREATE, capacity, 0, MBOX_CAPACITY_MAX + 1, 0x7fffffff, 0x80000000,
	    0xfffffffe),
	BAD(mbox_ioc_open, CREATE, policy, ~7U, 5, 6, 7, 0xffffffff),
	BAD(mbox_ioc_open, CREATE, max_procs, ~(2 * MBOX_PROCS_MAX - 1), MBOX_PROCS_MAX + 1),
	/* two of them do not go with the kind of this mailbox */
	BAD(mbox_ioc_open, CREATE, options, ~(MBOX_OPTION_EXCLUSIVE | MBOX_OPTION_TRACK)),
	BAD(mbox_ioc_open, CREATE, pad, 0xffffffff),
	/* a ring has no capacity */
	BAD(mbox_ioc_open, CREATE, ring, 0xffffffff),
	BAD(mbox_ioc_open, CREATE, pad2, 0xffffffff),
	BAD(mbox_ioc_open, CREATE, label_size, 0xffffffff),
	BAD(mbox_ioc_open, CREATE, id, 0xffffffff),
	/* it has a name */
	BAD(mbox_ioc_open, CREATE, space, 0xffffffff),
	BAD(mbox_ioc_open, OPEN, flags, ~(MBOX_OPEN_CREATE | MBOX_OPEN_EXCL | MBOX_OPEN_NONBLOCK)),
	BAD(mbox_ioc_open, OPEN, rights, ~RIGHTS_BOTH),
	/* without OPEN_CREATE, those of a new mailbox */
	BAD(mbox_ioc_open, OPEN, mode, 0xffffffff),
	BAD(mbox_ioc_open, OPEN, lifetime, 0xffffffff),
	BAD(mbox_ioc_open, OPEN, capacity, 0xffffffff, 0xffffffff),
	BAD(mbox_ioc_open, OPEN, msg_size, 0xffffffff),
	BAD(mbox_ioc_open, OPEN, bytes, 0xffffffff),
	BAD(mbox_ioc_open, OPEN, policy, 0xffffffff),
	BAD(mbox_ioc_open, OPEN, max_procs, 0xffffffff),
	BAD(mbox_ioc_open, OPEN, options, 0xffffffff),
	BAD(mbox_ioc_open, OPEN, pad, 0xffffffff),
	BAD(mbox_ioc_open, OPEN, ring, 0xffffffff),
	BAD(mbox_ioc_open, OPEN, dead_letter, 0xffffffff),
	BAD(mbox_ioc_open, OPEN, max_deliveries, 0xffffffff),
	BAD(mbox_ioc_open, OPEN, pad2, 0xffffffff),
	BAD(mbox_ioc_open, OPEN, label_size, 0xffffffff),
	BAD(mbox_ioc_open, OPEN, id, 0xffffffff),
	BAD(mbox_ioc_open, OPEN, space, 0xffffffff),
	BAD(mbox_ioc_link, LINK, flags, ~MBOX_OPEN_NONBLOCK),
	BAD(mbox_ioc_link, LINK, capacity, 0, MBOX_CAPACITY_MAX + 1, 0x7fffffff, 0x80000000,
	    0xfffffffe),
	BAD(mbox_ioc_link, LINK, msg_size, 0, 0xffffffff),
	BAD(mbox_ioc_next, NEXT, flags, 0xffffffff),
	BAD(mbox_ioc_next, NEXT, space, 0xfffffffc, 3, 0xffffffff),
	BAD(mbox_ioc_inbox, INBOX, flags, ~MBOX_OPEN_NONBLOCK),
	BAD(mbox_ioc_inbox, INBOX, pad, 0xffffffff),
	BAD(mbox_ioc_delete, DELETE, flags, 0xffffffff),
	BAD(mbox_ioc_delete, DELETE, how, 0xfffffffc, 0xffffffff),
	BAD(mbox_ioc_send, SEND, flags, ~7U),
	BAD(mbox_ioc_send, SEND, flags, 0, MBOX_SEND_NONBLOCK | MBOX_SEND_SYNC),
	BAD(mbox_ioc_send, SEND, prio, ~(uint32_t)MBOX_PRIO_MAX, 0xffffffff),
	BAD(mbox_ioc_send, SEND, clock, 0xfffffffc, 0xffffffff),
	BAD(mbox_ioc_send, SEND, deadline, 0x7fffffff),
	/* BY_START goes with BY_SENDER */
	BAD(mbox_ioc_recv, RECV, flags, 0xfffff310, MBOX_RECV_AT,
	    MBOX_RECV_PEEK | MBOX_RECV_AT | MBOX_RECV_MAX_TYPE),
	BAD(mbox_ioc_recv, RECV, clock, 0xfffffffc, 0xffffffff),
	BAD(mbox_ioc_recv, RECV, deadline, 0x7fffffff),
	BAD(mbox_ioc_recv, RECV, type, 0xffffffff),
	BAD(mbox_ioc_recv, RECV, pid, 0xffffffff),
	BAD(mbox_ioc_recv, RECV, min_prio, ~(uint32_t)MBOX_PRIO_MAX, 0xffffffff),
	BAD(mbox_ioc_recv, RECV, type_hi, 0xffffffff),
	BAD(mbox_ioc_sendv, SENDV, flags, ~(MBOX_SEND_NONBLOCK | MBOX_SEND_NORESTART)),
	BAD(mbox_ioc_sendv, SENDV, clock, 0xfffffffc, 0xffffffff),
	BAD(mbox_ioc_sendv, SENDV, deadline, 0x7fffffff),
	BAD(mbox_ioc_sendv, SENDV, count, ~(2 * MBOX_BATCH_MAX - 1), MBOX_BATCH_MAX + 1, 0xffffffff),
	BAD(mbox_ioc_sendv, SENDV, entry_size, 0xffffe01f, 24, 33, 36, 4104),
	/* BY_START goes with BY_SENDER */
	BAD(mbox_ioc_recvv, RECVV, type_hi, 0xffffffff),
	BAD(mbox_ioc_recvv, RECVV, pad, 0xffffffff),
	BAD(mbox_ioc_recvv, RECVV, flags, 0xfffffb92),
	BAD(mbox_ioc_recvv, RECVV, clock, 0xfffffffc, 0xffffffff),
	BAD(mbox_ioc_recvv, RECVV, deadline, 0x7fffffff),
	BAD(mbox_ioc_recvv, RECVV, count, ~(2 * MBOX_BATCH_MAX - 1), MBOX_BATCH_MAX + 1, 0xffffffff),
	BAD(mbox_ioc_recvv, RECVV, entry_size, 0xffffe07f, 72, 79, 84, 4104),
	/* more than there are entries */
	BAD(mbox_ioc_recvv, RECVV, min, ~1U, 2, 0xffffffff),
	BAD(mbox_ioc_recvv, RECVV, type, 0xffffffff),
	BAD(mbox_ioc_recvv, RECVV, pid, 0xffffffff),
	BAD(mbox_ioc_recvv, RECVV, min_prio, ~(uint32_t)MBOX_PRIO_MAX, 0xffffffff),
	BAD(mbox_ioc_recvv, RECVV, start, 0xffffffff),
	BAD(mbox_ioc_mode, MODE, flags, 0xffffff93),
	BAD(mbox_ioc_mode, MODE, header_size, 0xffffffff),
	BAD(mbox_ioc_mode, MODE, type, 0xffffffff),
	BAD(mbox_ioc_mode, MODE, pid, 0xffffffff),
	BAD(mbox_ioc_mode, MODE, min_prio, ~(uint32_t)MBOX_PRIO_MAX, 0xffffffff),
	BAD(mbox_ioc_mode, MODE, type_hi, 0xffffffff),
	BAD(mbox_ioc_mode, MODE, start, 0xffffffff),
	/* BY_START goes with BY_SENDER; no PEEK */
	BAD(mbox_ioc_lease, LEASE, recv.flags, 0xfffff312),
	BAD(mbox_ioc_lease, LEASE, recv.clock, 0xfffffffc, 0xffffffff),
	BAD(mbox_ioc_lease, LEASE, recv.deadline, 0x7fffffff),
	BAD(mbox_ioc_lease, LEASE, recv.type, 0xffffffff),
	BAD(mbox_ioc_lease, LEASE, recv.pid, 0xffffffff),
	BAD(mbox_ioc_lease, LEASE, recv.min_prio, ~(uint32_t)MBOX_PRIO_MAX, 0xffffffff),
	BAD(mbox_ioc_lease, LEASE, recv.type_hi, 0xffffffff),
	BAD(mbox_ioc_lease, LEASE, flags, ~MBOX_LEASE_HANDLE),
	/* one without the other */
	BAD(mbox_ioc_lease, LEASE, clock, 0xffffffff),
	BAD(mbox_ioc_lease, LEASE, time, 0xffffffff),
	BAD(mbox_ioc_ack, ACK, flags, 0xffffffff),
	BAD(mbox_ioc_ack, ACK, count, ~(2 * MBOX_BATCH_MAX - 1), MBOX_BATCH_MAX + 1, 0xffffffff),
	BAD(mbox_ioc_nack, NACK, flags, 0xffffffff),
	BAD(mbox_ioc_nack, NACK, how, ~3U, 3, 0xffffffff),
	/* with RELEASE */
	BAD(mbox_ioc_nack, NACK, delay, 0xffffffff),
	BAD(mbox_ioc_nack, NACK, code, 0xffffffff),
	BAD(mbox_ioc_nack, NACK, pad, 0xffffffff),
	BAD(mbox_ioc_extend, EXTEND, flags, ~MBOX_LEASE_HANDLE),
	BAD(mbox_ioc_extend, EXTEND, clock, ~3U, MBOX_CLOCK_REALTIME, 0xffffffff),
	BAD(mbox_ioc_post, POST, send.flags, ~7U),
	BAD(mbox_ioc_post, POST, send.flags, 0, MBOX_SEND_NONBLOCK | MBOX_SEND_SYNC),
	BAD(mbox_ioc_post, POST, send.prio, ~(uint32_t)MBOX_PRIO_MAX, 0xffffffff),
	BAD(mbox_ioc_post, POST, send.clock, 0xfffffffc, 0xffffffff),
	BAD(mbox_ioc_post, POST, send.deadline, 0x7fffffff),
	/* a time needs a clock */
	BAD(mbox_ioc_post, POST, flags, ~(MBOX_POST_MARK | MBOX_POST_ACKED)),
	/* without their flags */
	BAD(mbox_ioc_post, POST, clock, 0xffffffff),
	BAD(mbox_ioc_post, POST, mark, 0xffffffff),
	BAD(mbox_ioc_post, POST, pad, 0xffffffff),
	BAD(mbox_ioc_post, POST, not_before, 0x7fffffff),
	BAD(mbox_ioc_post, POST, expires, 0x7fffffff),
	BAD(mbox_ioc_call, CALL, send.flags, ~(MBOX_SEND_NONBLOCK | MBOX_SEND_NORESTART)),
	BAD(mbox_ioc_call, CALL, send.prio, ~(uint32_t)MBOX_PRIO_MAX, 0xffffffff),
	BAD(mbox_ioc_call, CALL, send.clock, 0xfffffffc, 0xffffffff),
	BAD(mbox_ioc_call, CALL, send.deadline, 0x7fffffff),
	BAD(mbox_ioc_call, CALL, flags, ~MBOX_CALL_RETRY),
	BAD(mbox_ioc_reply, REPLY, flags, 0xffffffff),
	BAD(mbox_ioc_reply, REPLY, lease_size, 0xffffffff),
	BAD(mbox_ioc_notify, NOTIFY, flags, 0xffffffff),
	BAD(mbox_ioc_notify, NOTIFY, how, 0xfffffffc, 3, 0xffffffff),
	/* of ARM alone */
	BAD(mbox_ioc_notify, NOTIFY, cookie, 0xffffffff),
	BAD(mbox_info, GET, flags, 0xffffffff),
	BAD(mbox_ioc_set, SET, flags, 0xffffffff),
	BAD(mbox_ioc_set, SET, mode, ~0666U),
	BAD(mbox_ioc_set, SET, mask, 0xffffffc0),
	BAD(mbox_ioc_set, SET, pad, 0xffffffff),
	/* not in the mask */
	BAD(mbox_ioc_set, SET, uid, 0xffffffff),
	BAD(mbox_ioc_set, SET, gid, 0xffffffff),
	BAD(mbox_ioc_set, SET, capacity, 0xffffffff),
	BAD(mbox_ioc_set, SET, msg_size, 0xffffffff),
	BAD(mbox_ioc_set, SET, bytes, 0xffffffff),
	BAD(mbox_ioc_handover, HANDOVER, flags, ~(MBOX_HANDOVER_RECV | MBOX_HANDOVER_HEIR)),
	BAD(mbox_ioc_shutdown, SHUTDOWN, flags, 0xffffffff),
	BAD(mbox_ioc_shutdown, SHUTDOWN, how, ~RIGHTS_BOTH),
	BAD(mbox_ioc_wait, WAIT, flags,
	    ~(MBOX_WAIT_WAKE | MBOX_WAIT_TRIM | MBOX_WAIT_MOVE | MBOX_WAIT_GROW)),
	/* one of them, for the handle has both */
	BAD(mbox_ioc_wait, WAIT, side, ~RIGHTS_BOTH, RIGHTS_BOTH),
	/* without MOVE, there is nothing to wait for */
	BAD(mbox_ioc_wait, WAIT, clock, 0xffffffff),
	BAD(mbox_ioc_wait, WAIT, deadline, 0x7fffffff),
	BAD(mbox_ioc_wait, WAIT, seen, 0xffffffff),
	BAD(mbox_ioc_wait, WAIT, pad, 0xffffffff),
#undef BAD
};

static void try_bad(struct __test_metadata *_metadata, struct _test_data_abi *self,
		    const struct _fixture_variant_abi *variant, const struct bad_value *bad,
		    uint32_t value)
{
	char saved[ARG_ROOM];

	arg_make(self, variant, self->arg);
	memcpy(self->arg + bad->at, &value, sizeof(value));
	memcpy(saved, self->arg, variant->size);
	EXPECT_EQ(-EINVAL, xioctl(subject(self, variant), variant->cmd, self->arg))
		TH_LOG("%s = 0x%x", bad->name, value);
	EXPECT_EQ(0, memcmp(saved, self->arg, variant->size))
		TH_LOG("%s = 0x%x: the argument was written", bad->name, value);
	EXPECT_UNCHANGED(self->fd, &self->before)
		TH_LOG("%s = 0x%x", bad->name, value);
}

TEST_F(abi, unknown_values)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_values); i++) {
		const struct bad_value *bad = &bad_values[i];

		if (bad->cmd != variant->cmd)
			continue;
		for (int bit = 0; bit < 32; bit++)
			if (bad->unknown_bits & (1U << bit))
				try_bad(_metadata, self, variant, bad, 1U << bit);
		for (size_t j = 0; j < ARRAY_SIZE(bad->values) && bad->values[j]; j++)
			try_bad(_metadata, self, variant, bad, bad->values[j]);
	}
	expect_nothing_done(_metadata, self);
}

/* Calls that nobody knows, or that the other kind of file knows. */
TEST_F(abi, unknown_calls)
{
	static const unsigned char numbers[] = { 6, 15, 24, 25, 40, 127, 255 };
	char saved[ARG_ROOM];

	memcpy(saved, self->arg, ARG_ROOM);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		EXPECT_EQ(-ENOTTY, xioctl(self->factory, _IOWR(MBOX_IOC_TYPE, numbers[i], char[64]),
					  self->arg));
		EXPECT_EQ(-ENOTTY, xioctl(self->fd, _IOWR(MBOX_IOC_TYPE, numbers[i], char[64]),
					  self->arg));
		EXPECT_EQ(-ENOTTY, xioctl(self->fd, _IO(MBOX_IOC_TYPE, numbers[i]), NULL));
	}
	/* another driver's number with ours in it, and a terminal's */
	EXPECT_EQ(-ENOTTY, xioctl(subject(self, variant), variant->cmd ^ 0x100, self->arg));
	EXPECT_EQ(-ENOTTY, xioctl(subject(self, variant), 0x5401, self->arg));
	/* DELETE is a call of both */
	if (variant->cmd != MBOX_IOC_DELETE) {
		EXPECT_EQ(-ENOTTY, xioctl(variant->on_factory ? self->fd : self->factory,
					  variant->cmd, self->arg));
	}
	EXPECT_EQ(0, memcmp(saved, self->arg, ARG_ROOM));
	expect_nothing_done(_metadata, self);
}

/* The address of a payload counts only where there is one. */
TEST(address_of_no_payload)
{
	struct mbox_ioc_send send = { .data = UINT64_MAX, .clock = MBOX_CLOCK_NONE };
	struct mbox_ioc_recv recv = { .data = UINT64_MAX, .clock = MBOX_CLOCK_NONE };
	int fd = box_new(_metadata, 2);
	struct mbox_info before = info_of(fd);

	send.size = 1;
	EXPECT_EQ(-EFAULT, xioctl(fd, MBOX_IOC_SEND, &send));
	EXPECT_UNCHANGED(fd, &before);
	send.size = 0;
	EXPECT_EQ(0, xioctl(fd, MBOX_IOC_SEND, &send));
	EXPECT_EQ(0, xioctl(fd, MBOX_IOC_RECV, &recv));
	EXPECT_EQ(0, recv.header.length);

	EXPECT_EQ(0, put(fd, 0, "x"));
	before = info_of(fd);
	recv.size = 1;
	EXPECT_EQ(-EFAULT, xioctl(fd, MBOX_IOC_RECV, &recv));
	EXPECT_UNCHANGED(fd, &before);
	close(fd);
}

/* Fields of jobs of which 0, or a combination, is not valid. */
TEST(combinations)
{
	struct mbox_ack_entry entries[2] = { {}, { .pad = 1 } };
	struct mbox_ioc_ack ack = { .entries = address_of(entries) };
	struct mbox_ioc_nack nack = { .how = MBOX_NACK_RETRY, .code = 1 };
	struct mbox_ioc_extend extend = { .clock = MBOX_CLOCK_MONOTONIC };
	struct mbox_ioc_reply reply = {};
	struct mbox_ioc_kick kick = {};
	struct mbox_ioc_post post = { .clock = MBOX_CLOCK_MONOTONIC };
	int fd = box_new(_metadata, 4);
	struct mbox_info before = info_of(fd);

	EXPECT_EQ(-EINVAL, xioctl(fd, MBOX_IOC_ACK, &ack));
	ack.count = 2;
	EXPECT_EQ(0, xioctl(fd, MBOX_IOC_ACK, &ack));
	EXPECT_EQ(-ESTALE, entries[0].result);
	EXPECT_EQ(-EINVAL, entries[1].result);
	EXPECT_EQ(-EINVAL, xioctl(fd, MBOX_IOC_NACK, &nack));
	nack = (struct mbox_ioc_nack) { .how = MBOX_NACK_REJECT, .delay = 1 };
	EXPECT_EQ(-EINVAL, xioctl(fd, MBOX_IOC_NACK, &nack));
	EXPECT_EQ(-EINVAL, xioctl(fd, MBOX_IOC_EXTEND, &extend));
	extend = (struct mbox_ioc_extend) { .time = 1 };
	EXPECT_EQ(-EINVAL, xioctl(fd, MBOX_IOC_EXTEND, &extend));
	EXPECT_EQ(-EINVAL, xioctl(fd, MBOX_IOC_REPLY, &reply));
	EXPECT_EQ(-EINVAL, xioctl(fd, MBOX_IOC_KICK, &kick));
	post.flags = MBOX_POST_NOT_BEFORE | MBOX_POST_ACKED;
	EXPECT_EQ(-EINVAL, xioctl(fd, MBOX_IOC_POST, &post));
	post.flags = MBOX_POST_EXPIRES;
	post.send.flags = MBOX_SEND_SYNC;
	EXPECT_EQ(-EINVAL, xioctl(fd, MBOX_IOC_POST, &post));
	post.flags = MBOX_POST_ACKED;
	post.send.flags = MBOX_SEND_NONBLOCK;
	post.clock = MBOX_CLOCK_NONE;
	EXPECT_EQ(-EINVAL, xioctl(fd, MBOX_IOC_POST, &post));
	post = (struct mbox_ioc_post) {
		.flags = MBOX_POST_NOT_BEFORE, .clock = MBOX_CLOCK_REALTIME, .not_before = 1,
	};
	EXPECT_EQ(-EINVAL, xioctl(fd, MBOX_IOC_POST, &post));
	EXPECT_UNCHANGED(fd, &before);
	close(fd);
}

/* Every call once, each with the effects of the one before it. */
TEST(round_trip)
{
	char name[MBOX_NAME_SIZE], big[5000], back[5000];
	struct mbox_ioc_set set = { .mask = MBOX_SET_CAPACITY, .capacity = 3 };
	struct mbox_ioc_delete delete = { .how = MBOX_DELETE_FORCE };
	int fd = box_new_named(_metadata, 2, name);
	int other = open_name(name, RIGHTS_BOTH);
	struct mbox_header header;
	struct pollfd pollfd = { .fd = other, .events = POLLIN | POLLOUT };

	ASSERT_LE(0, other);
	pattern_fill(big, sizeof(big), 1);
	EXPECT_EQ(0, send_bytes(fd, 0, 0, 0xfeedf00d, big, sizeof(big)));
	EXPECT_EQ(5, xwrite(fd, "words", 5));
	EXPECT_EQ(1, poll(&pollfd, 1, 0));
	EXPECT_EQ(POLLIN, pollfd.revents);
	EXPECT_EQ(0, xioctl(fd, MBOX_IOC_SET, &set));
	EXPECT_EQ(3, info_of(other).capacity);
	EXPECT_EQ(1, poll(&pollfd, 1, 0));
	EXPECT_EQ(POLLIN | POLLOUT, pollfd.revents);
	EXPECT_EQ(0, recv_bytes(other, 0, back, sizeof(back), &header));
	EXPECT_EQ(sizeof(big), header.length);
	EXPECT_EQ(0xfeedf00d, header.type);
	EXPECT_EQ(1, header.seq);
	EXPECT_EQ((uint32_t)getpid(), header.pid);
	EXPECT_EQ(sizeof(back), pattern_match(back, sizeof(back), 1));
	EXPECT_EQ(5, xread(other, back, sizeof(back)));
	EXPECT_EQ(0, memcmp(back, "words", 5));
	EXPECT_EQ(0, put(fd, MBOX_PRIO_MAX, "left"));
	EXPECT_EQ(0, xioctl(other, MBOX_IOC_DELETE, &delete));
	EXPECT_EQ(1, delete.queued);
	EXPECT_EQ(1, delete.dropped);
	EXPECT_EQ(MBOX_STATE_DEAD, info_of(fd).state);
	EXPECT_EQ(-ENOENT, open_name(name, 0));
	close(other);
	close(fd);
}

MBOX_TEST_MAIN
