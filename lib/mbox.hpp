/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Linux mailboxes from C++17: handles that close themselves, exceptions, std::chrono
 *
 * A header over mbox.h, which defines the rules; link with -lmbox. (The namespace is
 * not called mbox: that is the handle of C.)
 *
 *	auto jobs = mboxpp::mailbox::open_or_create("jobs");
 *	jobs.send("paint the fence");
 *	if (auto message = jobs.recv_for(std::chrono::seconds(1)))
 *		std::cout << message->view() << '\n';
 *
 * ERRORS
 *
 * A function that fails throws mboxpp::error, a std::system_error whose code compares
 * with std::errc and whose text is that of mbox_strerror(). "Would block" and "the time
 * is up" are no exceptions of the functions try_*, *_for and *_until: these return false,
 * or an empty optional. A signal that interrupts a call throws std::errc::interrupted;
 * nothing was sent or received.
 *
 * THREADS
 *
 * As in mbox.h: threads may share a mailbox, but for its destruction, its close() and
 * being moved from.
 */
#ifndef _MBOX_HPP
#define _MBOX_HPP

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "mbox.h"

namespace mboxpp {

/* The category of error codes: errno values with the words of mbox. */
inline const std::error_category &category() noexcept
{
	class words final : public std::error_category {
	public:
		const char *name() const noexcept override
		{
			return "mbox";
		}
		std::string message(int error) const override
		{
			return mbox_strerror(error);
		}
		std::error_condition default_error_condition(int error) const noexcept override
		{
			return std::generic_category().default_error_condition(error);
		}
	};
	static const words instance;

	return instance;
}

/* A call that failed. */
class error : public std::system_error {
public:
	error(int negative, const std::string &what)
		: std::system_error(-negative, category(), what) {}
};

/* A call that its server rejected: std::errc::remote_io does not exist, so it has a type. */
class rejected : public error {
public:
	rejected(uint32_t number, const std::string &what)
		: error(-EREMOTEIO, what), number_(number) {}

	/* the number that the server gave */
	uint32_t number() const noexcept
	{
		return number_;
	}

private:
	uint32_t number_;
};

/* Throw for a negative result of the library, and pass on any other. */
template <typename Number>
Number check(Number result, const char *what)
{
	if (result < 0)
		throw error(static_cast<int>(result), what);
	return result;
}

inline constexpr unsigned int both = MBOX_RIGHT_RECV | MBOX_RIGHT_SEND;

/* Attributes with the defaults of MBOX_ATTR_INIT. */
struct attr : mbox_attr {
	attr() : mbox_attr(MBOX_ATTR_INIT) {}
};

/* Options of a send: priority, type, and whether to wait until it was received. */
struct send_opts {
	uint32_t prio = 0;
	uint64_t type = 0;
	bool sync = false;
};

/* The choice of a receive: the first message that passes all that are set. */
struct filter {
	/* one of the three at most: this type; any but this; of those up to this, the lowest */
	std::optional<uint64_t> type{};
	std::optional<uint64_t> not_type{};
	std::optional<uint64_t> max_type{};
	uint32_t min_prio = 0;
	/* the very process that sent a message: its header */
	std::optional<mbox_header> sender{};
	bool peek = false;
	/* peek at the message that so many others come before, and do not wait */
	std::optional<uint64_t> at{};
	/* of recv_into(): cut a message that is too long, lose its rest, return its whole length */
	bool trunc = false;
};

/* Options of a post, which a send does not have: see mbox_post(3). */
struct post_opts : send_opts {
	std::optional<uint64_t> mark{};
	/* nobody receives it before that time, or after that one */
	std::optional<std::chrono::nanoseconds> delay{};
	std::optional<std::chrono::nanoseconds> expires{};
	/* wait until a receiver has acknowledged it */
	bool acked = false;
};

/* How to call. */
struct call_opts {
	uint32_t prio = 0;
	uint64_t type = 0;
	/* another server, if the first one ends */
	bool retry = false;
	/* std::errc::timed_out after that time; the request is withdrawn then */
	std::optional<std::chrono::nanoseconds> time{};
};

/* A message that was received: payload, with a NUL after it, and header. */
class message {
public:
	const mbox_header &header() const noexcept
	{
		return header_;
	}
	uint64_t type() const noexcept
	{
		return mbox_header_type(&header_);
	}
	const char *data() const noexcept
	{
		return data_.get();
	}
	std::size_t size() const noexcept
	{
		return static_cast<std::size_t>(header_.length);
	}
	std::string_view view() const noexcept
	{
		return { data(), size() };
	}
	std::string str() const
	{
		return std::string(view());
	}

private:
	friend class mailbox;
	friend class leased;
	struct release {
		void operator()(char *data) const noexcept
		{
			std::free(data);
		}
	};

	message() = default;
	mbox_header header_{};
	std::unique_ptr<char, release> data_{};
};

/*
 * A message under a lease. One of ack(), reply(), release(), retry() and reject() ends it;
 * the destructor gives the message back as if it had not been given out. The mailbox has to
 * outlive it.
 */
class leased {
public:
	leased(leased &&other) noexcept
		: message_(std::move(other.message_)), delivery_(other.delivery_),
		  mb_(std::exchange(other.mb_, nullptr)) {}

	leased &operator=(leased &&other) noexcept
	{
		if (this != &other) {
			drop();
			message_ = std::move(other.message_);
			delivery_ = other.delivery_;
			mb_ = std::exchange(other.mb_, nullptr);
		}
		return *this;
	}

	~leased()
	{
		drop();
	}

	const class message &message() const noexcept
	{
		return message_;
	}
	std::string_view view() const noexcept
	{
		return message_.view();
	}
	/* the token, how often it was given out, whether it is a call, why it is a dead letter */
	const mbox_delivery &delivery() const noexcept
	{
		return delivery_;
	}
	bool is_call() const noexcept
	{
		return delivery_.flags & MBOX_DELIVERY_CALL;
	}

	void ack()
	{
		struct mbox *mb = end();

		check(mbox_ack(mb, delivery_.token), "ack");
	}

	/* Reply to a call. If the caller has no room for it, the lease goes on. */
	void reply(std::string_view data)
	{
		int ret = mbox_reply(mb_, delivery_.token, data.data(), data.size());

		if (ret != -EMSGSIZE)
			mb_ = nullptr;
		check(ret, "reply");
	}

	void release()
	{
		nack(MBOX_NACK_RELEASE, 0, 0);
	}

	void retry(std::chrono::nanoseconds delay = {})
	{
		nack(MBOX_NACK_RETRY, static_cast<uint64_t>(delay.count()), 0);
	}

	void reject(uint32_t number = 0)
	{
		nack(MBOX_NACK_REJECT, 0, number);
	}

	/* Have the lease end that long from now, or not by itself. */
	void extend(std::optional<std::chrono::nanoseconds> time = {})
	{
		mbox_lease_opts raw{};

		if (time) {
			raw.clock = MBOX_CLOCK_MONOTONIC;
			raw.time = static_cast<uint64_t>(time->count());
		}
		check(mbox_extend(mb_, delivery_.token, &raw), "extend");
	}

private:
	friend class mailbox;
	leased() = default;

	class message message_{};
	mbox_delivery delivery_{};
	struct mbox *mb_ = nullptr;

	struct mbox *end() noexcept
	{
		return std::exchange(mb_, nullptr);
	}

	void nack(unsigned int how, uint64_t delay, uint32_t number)
	{
		struct mbox *mb = end();

		check(mbox_nack(mb, delivery_.token, how, delay, number), "nack");
	}

	void drop() noexcept
	{
		if (mb_)
			mbox_nack(end(), delivery_.token, MBOX_NACK_RELEASE, 0, 0);
	}
};

/* A handle on a mailbox, which its destructor closes. It can be moved, not copied. */
class mailbox {
public:
	mailbox() noexcept = default;

	/* Take over a handle of C. */
	explicit mailbox(struct mbox *mb) noexcept : mb_(mb) {}

	static mailbox open(const std::string &name, unsigned int rights = both)
	{
		return make(name.c_str(), [&](struct mbox **mbp) {
			return mbox_open(mbp, text(name), rights);
		});
	}

	static mailbox create(const std::string &name, unsigned int rights = both,
			      const mbox_attr &attributes = attr())
	{
		return make(name.c_str(), [&](struct mbox **mbp) {
			return mbox_create(mbp, text(name), rights, &attributes);
		});
	}

	/* An anonymous mailbox, until its last handle is closed. */
	static mailbox create(unsigned int rights = both)
	{
		return make("anonymous", [&](struct mbox **mbp) {
			return mbox_create(mbp, nullptr, rights, nullptr);
		});
	}

	/* An anonymous mailbox, of another lifetime than MBOX_LIFETIME_OS. */
	static mailbox create(unsigned int rights, const mbox_attr &attributes)
	{
		return make("anonymous", [&](struct mbox **mbp) {
			return mbox_create(mbp, nullptr, rights, &attributes);
		});
	}

	static mailbox open_or_create(const std::string &name, unsigned int rights = both,
				      const mbox_attr &attributes = attr())
	{
		return make(name.c_str(), [&](struct mbox **mbp) {
			return mbox_open_or_create(mbp, text(name), rights, &attributes);
		});
	}

	/* On success the descriptor belongs to the handle. */
	static mailbox from_fd(int fd)
	{
		return make("descriptor", [&](struct mbox **mbp) {
			return mbox_from_fd(mbp, fd);
		});
	}

	static mailbox link(pid_t pid, uint32_t capacity = 64, uint32_t msg_size = 0)
	{
		return make("link", [&](struct mbox **mbp) {
			return mbox_link(mbp, pid, capacity, msg_size);
		});
	}

	/* The link to the very process that sent a message. */
	static mailbox link(const mbox_header &sender, uint32_t capacity = 64,
			    uint32_t msg_size = 0)
	{
		return make("link", [&](struct mbox **mbp) {
			return mbox_link_sender(mbp, &sender, capacity, msg_size);
		});
	}

	static mailbox inbox()
	{
		return make("inbox", mbox_inbox);
	}

	explicit operator bool() const noexcept
	{
		return mb_ != nullptr;
	}

	/* The handle of C, which stays this object's. */
	struct mbox *get() const noexcept
	{
		return mb_.get();
	}

	/* Give the handle of C to the caller. */
	struct mbox *release() noexcept
	{
		return mb_.release();
	}

	void close() noexcept
	{
		mb_.reset();
	}

	int fd() const
	{
		return check(mbox_fd(get()), "mbox_fd");
	}

	/* Send, waiting for room. Returns the result of mbox_send(). */
	int send(std::string_view data, const send_opts &opts = {})
	{
		mbox_send_opts raw = options(opts);

		return check(mbox_send(get(), data.data(), data.size(), plain(opts) ? nullptr : &raw),
			     "send");
	}

	/* Send if there is room now. */
	bool try_send(std::string_view data, const send_opts &opts = {})
	{
		mbox_send_opts raw = options(opts);

		raw.flags |= MBOX_SEND_NONBLOCK;
		return in_time(mbox_send(get(), data.data(), data.size(), &raw), "send");
	}

	bool send_until(std::string_view data, std::chrono::steady_clock::time_point when,
			const send_opts &opts = {})
	{
		mbox_send_opts raw = options(opts);

		raw.clock = MBOX_CLOCK_MONOTONIC;
		raw.deadline = nanoseconds(when);
		return in_time(mbox_send(get(), data.data(), data.size(), &raw), "send");
	}

	template <typename Rep, typename Period>
	bool send_for(std::string_view data, std::chrono::duration<Rep, Period> time,
		      const send_opts &opts = {})
	{
		return send_until(data, after(time), opts);
	}

	/* Receive, waiting for a message. */
	message recv(const filter &choice = {})
	{
		message result;

		check(receive(result, options(choice)), "recv");
		return result;
	}

	/* Receive if there is a message now. */
	std::optional<message> try_recv(const filter &choice = {})
	{
		mbox_recv_opts raw = options(choice);

		raw.flags |= MBOX_RECV_NONBLOCK;
		return optional(raw);
	}

	std::optional<message> recv_until(std::chrono::steady_clock::time_point when,
					  const filter &choice = {})
	{
		mbox_recv_opts raw = options(choice);

		raw.clock = MBOX_CLOCK_MONOTONIC;
		raw.deadline = nanoseconds(when);
		return optional(raw);
	}

	template <typename Rep, typename Period>
	std::optional<message> recv_for(std::chrono::duration<Rep, Period> time,
					const filter &choice = {})
	{
		return recv_until(after(time), choice);
	}

	/* Receive into memory of the caller. */
	std::size_t recv_into(void *buffer, std::size_t size, const filter &choice = {},
			      mbox_header *header = nullptr)
	{
		mbox_recv_opts raw = options(choice);

		if (choice.trunc)
			raw.flags |= MBOX_RECV_TRUNC;
		return static_cast<std::size_t>(check(mbox_recv(get(), buffer, size, &raw, header),
						      "recv"));
	}

	/* Receive with a lease, which ends by itself after a time if one is given. */
	leased lease(const filter &choice = {},
		     std::optional<std::chrono::nanoseconds> time = {})
	{
		leased result;
		mbox_recv_opts recv = options(choice);

		check(take(result, recv, time), "lease");
		return result;
	}

	/* The same, if there is a message now, or one comes in time. */
	std::optional<leased> try_lease(const filter &choice = {},
					std::optional<std::chrono::nanoseconds> time = {})
	{
		leased result;
		mbox_recv_opts recv = options(choice);

		recv.flags |= MBOX_RECV_NONBLOCK;
		if (!in_time(take(result, recv, time), "lease"))
			return std::nullopt;
		return result;
	}

	template <typename Rep, typename Period>
	std::optional<leased> lease_for(std::chrono::duration<Rep, Period> wait,
					const filter &choice = {},
					std::optional<std::chrono::nanoseconds> time = {})
	{
		leased result;
		mbox_recv_opts recv = options(choice);

		recv.clock = MBOX_CLOCK_MONOTONIC;
		recv.deadline = nanoseconds(after(wait));
		if (!in_time(take(result, recv, time), "lease"))
			return std::nullopt;
		return result;
	}

	/* Bring parked messages back to their places. */
	unsigned int kick(unsigned int most = std::numeric_limits<int>::max())
	{
		return static_cast<unsigned int>(check(mbox_kick(get(), most), "kick"));
	}

	/* Returns the result of mbox_post(). With a time it does not wait for room. */
	int post(std::string_view data, const post_opts &opts)
	{
		mbox_send_opts send = options(opts);
		mbox_post_opts raw{};

		raw.send = &send;
		if (opts.mark) {
			raw.flags |= MBOX_POST_MARK;
			raw.mark = *opts.mark;
		}
		if (opts.delay) {
			raw.flags |= MBOX_POST_NOT_BEFORE;
			raw.not_before = nanoseconds(after(*opts.delay));
		}
		if (opts.expires) {
			raw.flags |= MBOX_POST_EXPIRES;
			raw.expires = nanoseconds(after(*opts.expires));
		}
		if (opts.delay || opts.expires)
			raw.clock = MBOX_CLOCK_MONOTONIC;
		if (opts.acked)
			raw.flags |= MBOX_POST_ACKED;
		return check(mbox_post(get(), data.data(), data.size(), &raw), "post");
	}

	/* Send a request, and return the reply, of at most so many bytes. */
	std::string call(std::string_view data, std::size_t room = 8192, const call_opts &opts = {})
	{
		std::string reply(room, '\0');
		mbox_send_opts send{};
		mbox_call_opts raw{};
		mbox_called called{};
		ssize_t length;

		send.prio = opts.prio;
		send.type = static_cast<uint32_t>(opts.type);
		send.type_hi = static_cast<uint32_t>(opts.type >> 32);
		if (opts.time) {
			send.clock = MBOX_CLOCK_MONOTONIC;
			send.deadline = nanoseconds(after(*opts.time));
		}
		raw.send = &send;
		raw.flags = opts.retry ? MBOX_CALL_RETRY : 0;
		length = mbox_call(get(), data.data(), data.size(), &reply[0], room, &raw, &called);
		if (length == -EREMOTEIO)
			throw rejected(called.code, "call");
		reply.resize(static_cast<std::size_t>(check(length, "call")));
		return reply;
	}

	mbox_info info() const
	{
		mbox_info result;

		check(mbox_get(get(), &result), "mbox_get");
		return result;
	}

	void set(const mbox_ioc_set &changes)
	{
		check(mbox_set(get(), &changes), "mbox_set");
	}

	/* How this handle receives, see mbox_mode(3). */
	void mode(unsigned int flags, const filter &choice = {})
	{
		mbox_recv_opts raw = options(choice);

		check(mbox_mode(get(), flags, &raw), "mbox_mode");
	}

	void chmod(unsigned int mode)
	{
		check(mbox_chmod(get(), mode), "mbox_chmod");
	}

	void shutdown(unsigned int rights)
	{
		check(mbox_shutdown(get(), rights), "mbox_shutdown");
	}

	void handover(pid_t pid, unsigned int flags = 0)
	{
		check(mbox_handover(get(), pid, flags), "mbox_handover");
	}

	void handover(const mbox_header &sender, unsigned int flags = 0)
	{
		check(mbox_handover_sender(get(), &sender, flags), "mbox_handover_sender");
	}

	/* Delete the mailbox; the handle stays. */
	mbox_deleted remove(unsigned int how = MBOX_DELETE_EMPTY)
	{
		mbox_deleted result{};

		check(mbox_delete_handle(get(), how, &result), "mbox_delete_handle");
		return result;
	}

	/* Of a ring: memory for a message of up to so many bytes, to be committed. */
	void *reserve(std::size_t size)
	{
		void *data;

		check(mbox_ring_reserve(get(), size, &data, nullptr), "mbox_ring_reserve");
		return data;
	}

	void commit(std::size_t size)
	{
		check(mbox_ring_commit(get(), size), "mbox_ring_commit");
	}

	/* Of a ring: the next message in its memory, until consume(). */
	std::string_view peek()
	{
		const void *data;
		ssize_t size = check(mbox_ring_peek(get(), &data, nullptr, nullptr), "mbox_ring_peek");

		return { static_cast<const char *>(data), static_cast<std::size_t>(size) };
	}

	void consume()
	{
		check(mbox_ring_release(get()), "mbox_ring_release");
	}

private:
	struct closer {
		void operator()(struct mbox *mb) const noexcept
		{
			mbox_close(mb);
		}
	};
	std::unique_ptr<struct mbox, closer> mb_{};

	template <typename Function>
	static mailbox make(const char *what, Function &&function)
	{
		struct mbox *mb = nullptr;

		check(function(&mb), what);
		return mailbox(mb);
	}

	/* A name with a NUL in it would be cut: pass on one that no mailbox has. */
	static const char *text(const std::string &name)
	{
		return name.find('\0') == std::string::npos ? name.c_str() : "";
	}

	static bool plain(const send_opts &opts)
	{
		return !opts.prio && !opts.type && !opts.sync;
	}

	static mbox_send_opts options(const send_opts &opts)
	{
		mbox_send_opts raw{};

		raw.flags = opts.sync ? MBOX_SEND_SYNC : 0;
		raw.prio = opts.prio;
		raw.type = static_cast<uint32_t>(opts.type);
		raw.type_hi = static_cast<uint32_t>(opts.type >> 32);
		return raw;
	}

	static void set_type(mbox_recv_opts &raw, std::optional<uint64_t> type, uint32_t flag)
	{
		if (!type)
			return;
		raw.flags |= flag;
		raw.type = static_cast<uint32_t>(*type);
		raw.type_hi = static_cast<uint32_t>(*type >> 32);
	}

	static mbox_recv_opts options(const filter &choice)
	{
		mbox_recv_opts raw{};

		set_type(raw, choice.type, MBOX_RECV_BY_TYPE);
		set_type(raw, choice.not_type, MBOX_RECV_NOT_TYPE);
		set_type(raw, choice.max_type, MBOX_RECV_MAX_TYPE);
		if (choice.sender) {
			raw.flags |= MBOX_RECV_BY_SENDER | MBOX_RECV_BY_START;
			raw.pid = choice.sender->pid;
			raw.start = choice.sender->start;
		}
		if (choice.peek)
			raw.flags |= MBOX_RECV_PEEK;
		if (choice.at) {
			raw.flags |= MBOX_RECV_PEEK | MBOX_RECV_AT;
			raw.index = *choice.at;
		}
		raw.min_prio = choice.min_prio;
		return raw;
	}

	/* The steady clock of libstdc++ and libc++ on Linux is CLOCK_MONOTONIC. */
	static int64_t nanoseconds(std::chrono::steady_clock::time_point when)
	{
		auto since = std::chrono::duration_cast<std::chrono::nanoseconds>(when.time_since_epoch());

		return since.count() < 0 ? 0 : since.count();
	}

	/* A time beyond the range of the clock never comes. */
	template <typename Rep, typename Period>
	static std::chrono::steady_clock::time_point after(std::chrono::duration<Rep, Period> time)
	{
		using clock = std::chrono::steady_clock;
		auto now = clock::now();

		if (std::chrono::duration<double>(time) >= std::chrono::duration<double>(clock::time_point::max() - now))
			return clock::time_point::max();
		return now + std::chrono::duration_cast<clock::duration>(time);
	}

	/* True if it was done, false if it would have had to wait for longer. */
	static bool in_time(ssize_t result, const char *what)
	{
		if (result == -EAGAIN || result == -ETIMEDOUT)
			return false;
		check(result, what);
		return true;
	}

	ssize_t receive(message &into, const mbox_recv_opts &raw)
	{
		void *data = nullptr;
		ssize_t length = mbox_recv_alloc(get(), &data, &raw, &into.header_);

		if (length >= 0)
			into.data_.reset(static_cast<char *>(data));
		return length;
	}

	/* Its buffer grows as the message needs it: a message that is too long stays queued. */
	ssize_t take(leased &into, const mbox_recv_opts &recv,
		     std::optional<std::chrono::nanoseconds> time)
	{
		mbox_lease_opts raw{};
		std::size_t size = 4096;
		ssize_t length;
		char *data;

		raw.recv = &recv;
		if (time) {
			raw.clock = MBOX_CLOCK_MONOTONIC;
			raw.time = static_cast<uint64_t>(time->count());
		}
		for (;;) {
			data = static_cast<char *>(std::malloc(size));
			if (!data)
				return -ENOMEM;
			into.message_.data_.reset(data);
			length = mbox_lease(get(), data, size - 1, &raw, &into.message_.header_,
					    &into.delivery_);
			if (length != -EMSGSIZE)
				break;
			size = into.message_.size() + 1;
		}
		if (length >= 0) {
			data[length] = '\0';
			into.mb_ = get();
		}
		return length;
	}

	std::optional<message> optional(const mbox_recv_opts &raw)
	{
		message result;

		if (!in_time(receive(result, raw), "recv"))
			return std::nullopt;
		return result;
	}
};

/* Delete a mailbox by name. */
inline mbox_deleted remove(const std::string &name, unsigned int how = MBOX_DELETE_EMPTY)
{
	mbox_deleted result{};

	check(mbox_delete(name.find('\0') == std::string::npos ? name.c_str() : "", how, &result),
	      name.c_str());
	return result;
}

} // namespace mboxpp

#endif /* _MBOX_HPP */
