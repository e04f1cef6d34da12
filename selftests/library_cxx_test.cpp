// SPDX-License-Identifier: GPL-2.0-only
/* The C++ header of libmbox, mbox.hpp, in KTAP. */
#include <mbox.hpp>

#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <iostream>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <type_traits>
#include <unistd.h>
#include <vector>

using namespace std::chrono_literals;
using mboxpp::mailbox;

namespace {

int failures;

#define EXPECT(condition) do { \
	if (!(condition)) { \
		std::printf("# %s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
		failures++; \
	} \
} while (0)

/* The call has to throw mboxpp::error with this code. */
#define EXPECT_ERROR(value, call) do { \
	try { \
		call; \
		std::printf("# %s:%d: throws nothing: %s\n", __FILE__, __LINE__, #call); \
		failures++; \
	} catch (const mboxpp::error &error_) { \
		EXPECT(error_.code() == (value)); \
	} \
} while (0)

std::string name_of(const char *what)
{
	return "cxx." + std::to_string(getpid()) + "." + what;
}

mboxpp::attr short_lived()
{
	mboxpp::attr attr;

	attr.lifetime = MBOX_LIFETIME_FD;
	attr.capacity = 2;
	return attr;
}

bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

void handles()
{
	static_assert(!std::is_copy_constructible<mailbox>::value, "a handle is not copied");
	static_assert(std::is_nothrow_move_constructible<mailbox>::value, "a handle is moved");
	int fd;

	{
		mailbox box = mailbox::create(name_of("handles"), mboxpp::both, short_lived());
		mailbox other = std::move(box);

		EXPECT(!box && other);
		fd = other.fd();
		EXPECT(is_open(fd));
		box = std::move(other);
		EXPECT(box.fd() == fd);
		EXPECT_ERROR(std::errc::invalid_argument, other.fd());
		EXPECT_ERROR(std::errc::file_exists, mailbox::create(name_of("handles")));
		EXPECT(mailbox::open(name_of("handles"), MBOX_RIGHT_SEND).info().rights == MBOX_RIGHT_SEND);
		EXPECT(mailbox::open_or_create(name_of("handles")).info().capacity == 2);
	}
	EXPECT(!is_open(fd));
	EXPECT_ERROR(std::errc::no_such_file_or_directory, mailbox::open(name_of("handles")));
	EXPECT_ERROR(std::errc::invalid_argument, mailbox::open(std::string("a\0b", 3)));

	mailbox box = mailbox::create();
	fd = dup(box.fd());
	mailbox same = mailbox::from_fd(fd);
	EXPECT(same.info().id == box.info().id);
	mailbox raw(same.release());
	EXPECT(!same && raw.fd() == fd);
	raw.close();
	EXPECT(!raw && !is_open(fd));
}

void messages()
{
	mailbox box = mailbox::create(mboxpp::both, short_lived());
	std::string binary("a\0b", 3);
	char buffer[16];

	EXPECT(box.send(binary, { 3, 9, false }) == 0);
	EXPECT(box.try_send(""));
	EXPECT(!box.try_send("full"));
	EXPECT(!box.send_for("full", 1ms));
	EXPECT(!box.send_until("full", std::chrono::steady_clock::now()));

	mboxpp::filter look;
	look.peek = true;
	EXPECT(box.recv(look).view() == binary);
	look.at = 1;
	EXPECT(box.recv(look).size() == 0);
	mboxpp::message message = box.recv();
	EXPECT(message.view() == binary && message.str() == binary && message.size() == 3);
	EXPECT(message.data()[3] == '\0');
	EXPECT(message.header().prio == 3 && message.header().type == 9);
	EXPECT(message.header().pid == static_cast<uint32_t>(getpid()));

	EXPECT(box.recv_for(1h)->size() == 0);
	EXPECT(!box.try_recv());
	auto start = std::chrono::steady_clock::now();
	EXPECT(!box.recv_for(50ms));
	EXPECT(std::chrono::steady_clock::now() - start >= 50ms);

	box.send("one", { 0, 1, false });
	box.send("two", { 0, 2, false });
	mboxpp::filter second;
	second.type = 2;
	second.sender = message.header();
	EXPECT(box.try_recv(second)->view() == "two");
	EXPECT(!box.try_recv(second));
	box.mode(0, second);
	EXPECT(!box.try_recv());
	box.mode(0);
	EXPECT_ERROR(std::errc::message_size, box.recv_into(buffer, 2));
	EXPECT(box.recv_into(buffer, sizeof(buffer)) == 3 && !std::memcmp(buffer, "one", 3));

	std::thread receiver([&] { EXPECT(box.recv_for(std::chrono::hours::max())->view() == "met"); });
	EXPECT(box.send("met", { 0, 0, true }) == getpid());
	receiver.join();
}

void types()
{
	mailbox box = mailbox::create();
	const uint64_t high = 1ULL << 32;
	mboxpp::filter other, lowest, cut;
	mboxpp::post_opts post;
	char buffer[2];

	box.send("high", { 0, high | 7, false });
	post.type = 7;
	box.post("low", post);
	other.not_type = high | 7;
	other.peek = true;
	EXPECT(box.recv(other).view() == "low" && box.recv(other).type() == 7);
	lowest.max_type = high | 7;
	EXPECT(box.try_recv(lowest)->view() == "low");
	EXPECT(box.try_recv(lowest)->type() == (high | 7));
	EXPECT(!box.try_recv(lowest));
	lowest.type = 1;
	EXPECT_ERROR(std::errc::invalid_argument, box.try_recv(lowest));
	box.send("long", { 0, UINT64_MAX, false });
	cut.type = UINT64_MAX;
	cut.trunc = true;
	EXPECT(box.recv_into(buffer, sizeof(buffer), cut) == 4 && !std::memcmp(buffer, "lo", 2));

	pid_t caller = fork();

	if (!caller) {
		mboxpp::call_opts opts;

		opts.type = high | 8;
		box.call("ask", 16, opts);
		std::_Exit(0);
	}
	mboxpp::leased request = box.lease();
	EXPECT(request.message().type() == (high | 8));
	request.reply("told");
	EXPECT(waitpid(caller, nullptr, 0) == caller);
}

void attributes()
{
	mailbox box = mailbox::create(name_of("attributes"), mboxpp::both, short_lived());
	mbox_ioc_set changes{};

	changes.mask = MBOX_SET_CAPACITY;
	changes.capacity = 1;
	box.set(changes);
	EXPECT(box.info().capacity == 1);
	box.chmod(0644);
	EXPECT(box.info().mode == 0644);
	box.handover(getpid());
	EXPECT(box.info().owner == static_cast<uint32_t>(getpid()));
	box.send("x");
	EXPECT_ERROR(std::errc::directory_not_empty, box.remove());
	EXPECT_ERROR(std::errc::directory_not_empty, mboxpp::remove(name_of("attributes")));
	box.shutdown(MBOX_RIGHT_RECV);
	EXPECT_ERROR(std::error_code(ESHUTDOWN, mboxpp::category()), box.recv());
	EXPECT(mboxpp::remove(name_of("attributes"), MBOX_DELETE_FORCE).dropped == 1);
	EXPECT_ERROR(std::errc::identifier_removed, box.send("x"));
	try {
		box.send("x");
	} catch (const std::system_error &error) {
		EXPECT(std::string(error.what()) == std::string("send: ") + mbox_strerror(EIDRM));
		EXPECT(std::string(error.code().category().name()) == "mbox");
	}
}

void links()
{
	mailbox inbox = mailbox::inbox();
	pid_t parent = getpid(), child = fork();

	if (!child) {
		mailbox link = mailbox::link(parent);

		link.send("question");
		_exit(link.recv().view() != "answer");
	}
	mboxpp::message question = inbox.recv();
	mailbox link = mailbox::link(question.header());
	int status;

	EXPECT(question.view() == "question");
	EXPECT(question.header().pid == static_cast<uint32_t>(child));
	link.send("answer");
	EXPECT(waitpid(child, &status, 0) == child && status == 0);
	EXPECT_ERROR(std::error_code(EOWNERDEAD, mboxpp::category()), link.recv());
}

void rings()
{
	mbox_attr attr = MBOX_ATTR_RING_INIT(4096);

	attr.lifetime = MBOX_LIFETIME_FD;
	mailbox producer = mailbox::create(name_of("ring"), MBOX_RIGHT_SEND, attr);
	mailbox consumer = mailbox::open(name_of("ring"), MBOX_RIGHT_RECV);

	std::memcpy(producer.reserve(8), "in place", 8);
	producer.commit(8);
	producer.send("copied");
	EXPECT(consumer.peek() == "in place");
	consumer.consume();
	EXPECT(consumer.recv().view() == "copied");
	EXPECT(!consumer.try_recv());
}

void leases()
{
	mailbox box = mailbox::create(mboxpp::both, short_lived());
	std::string big(8000, 'x');

	box.send(big);
	{
		mboxpp::leased job = box.lease();

		EXPECT(job.view() == big && job.delivery().deliveries == 1 && !job.is_call());
		EXPECT(!box.try_lease());
		EXPECT(box.info().leased == 1);
		mboxpp::leased moved = std::move(job);
	}
	/* given back by the destructor, uncounted */
	mboxpp::leased job = box.lease();
	EXPECT(job.delivery().deliveries == 1);
	job.retry();
	job = box.lease({}, 20ms);
	EXPECT(job.delivery().deliveries == 2);
	auto again = box.lease_for(60s);
	EXPECT(again && again->delivery().deliveries == 3);
	EXPECT_ERROR(std::error_code(ESTALE, mboxpp::category()), job.ack());
	again->extend(60s);
	again->ack();
	EXPECT(box.info().queued == 0);

	box.send("x");
	box.lease().reject(3);
	EXPECT(box.info().parked == 1 && box.kick() == 1);
	box.lease().ack();

	mboxpp::post_opts later;
	later.delay = 30ms;
	later.mark = 77;
	box.post("later", later);
	EXPECT(box.info().mark == 77 && !box.try_recv());
	EXPECT(box.recv().view() == "later");
}

void calls()
{
	mailbox box = mailbox::create(mboxpp::both, short_lived());
	std::thread server([&] {
		mboxpp::leased request = box.lease();

		EXPECT(request.is_call() && request.delivery().room == 10);
		EXPECT_ERROR(std::errc::message_size, request.reply("more than ten bytes"));
		request.reply("answer");
		box.lease().reject(7);
	});

	EXPECT(box.call("question", 10) == "answer");
	try {
		box.call("question");
		EXPECT(false);
	} catch (const mboxpp::rejected &error) {
		EXPECT(error.number() == 7);
	}
	server.join();
	mboxpp::call_opts opts;
	opts.time = 20ms;
	EXPECT_ERROR(std::errc::timed_out, box.call("", 10, opts));
}

/* The example of libmbox(7). */
void page()
{
	mboxpp::attr attr = short_lived();
	mailbox box = mailbox::create("jobs", mboxpp::both, attr);
	std::ostringstream said;
	auto *before = std::cout.rdbuf(said.rdbuf());

	{
#include "pages/libmbox.7.c++.h"
	}
	std::cout.rdbuf(before);
	EXPECT(said.str() == "paint the fence\n");
}

const struct {
	const char *name;
	void (*run)();
} tests[] = {
	{ "handles", handles },
	{ "messages", messages },
	{ "types", types },
	{ "attributes", attributes },
	{ "links", links },
	{ "rings", rings },
	{ "leases", leases },
	{ "calls", calls },
	{ "page", page },
};

} // namespace

int main()
{
	int number = 0, failed = 0;

	std::setvbuf(stdout, nullptr, _IOLBF, 0);
	if (access("/dev/mbox", F_OK)) {
		std::puts("TAP version 13\n1..0 # SKIP no /dev/mbox: the module is not loaded");
		return 4;
	}
	std::printf("TAP version 13\n1..%zu\n", sizeof(tests) / sizeof(*tests));
	for (const auto &test : tests) {
		failures = 0;
		try {
			test.run();
		} catch (const std::exception &error) {
			std::printf("# exception: %s\n", error.what());
			failures++;
		}
		failed += failures != 0;
		std::printf("%s %d %s\n", failures ? "not ok" : "ok", ++number, test.name);
	}
	return failed ? 1 : 0;
}
