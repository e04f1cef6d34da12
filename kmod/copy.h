/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copying a few bytes between user memory and ours, word by word.
 *
 * For the sizes of arguments, headers and small payloads this takes a fraction
 * of the time of copy_from_user() and copy_to_user(), most of which goes into their check
 * of the kernel's side, here known to be large enough. With page faults
 * disabled they do not sleep.
 */
#ifndef MBOX_COPY_H
#define MBOX_COPY_H

#include <linux/instrumented.h>
#include <linux/nospec.h>
#include <linux/types.h>
#include <linux/uaccess.h>

/*
 * Up to here word by word. Beyond, the copy of the architecture wins, which takes its
 * time to begin.
 */
#define MBOX_COPY_WORDS		256

/* Copy @size bytes, which is constant, in or out. False if @user is not accessible. */
static __always_inline bool copy_step(void *kernel, void __user *user, size_t size,
				      bool in)
{
	if (in && size == sizeof(u64))
		unsafe_get_user(*(u64 *)kernel, (u64 __user *)user, fault);
	else if (in && size == sizeof(u32))
		unsafe_get_user(*(u32 *)kernel, (u32 __user *)user, fault);
	else if (in)
		unsafe_get_user(*(u8 *)kernel, (u8 __user *)user, fault);
	else if (size == sizeof(u64))
		unsafe_put_user(*(u64 *)kernel, (u64 __user *)user, fault);
	else if (size == sizeof(u32))
		unsafe_put_user(*(u32 *)kernel, (u32 __user *)user, fault);
	else
		unsafe_put_user(*(u8 *)kernel, (u8 __user *)user, fault);
	return true;
fault:
	return false;
}

/* All steps for @length bytes, four words at a time. */
static __always_inline bool copy_steps(void *kernel, void __user *user, size_t length,
				       bool in)
{
	const size_t word = sizeof(u64), half = sizeof(u32);
	size_t i = 0;

	for (; i + 4 * word <= length; i += 4 * word) {
		if (!copy_step(kernel + i, user + i, word, in) ||
		    !copy_step(kernel + i + word, user + i + word, word, in) ||
		    !copy_step(kernel + i + 2 * word, user + i + 2 * word, word, in) ||
		    !copy_step(kernel + i + 3 * word, user + i + 3 * word, word, in))
			return false;
	}
	if (i == length)
		return true;
	for (; i + word <= length; i += word) {
		if (!copy_step(kernel + i, user + i, word, in))
			return false;
	}
	if (length & half) {
		if (!copy_step(kernel + i, user + i, half, in))
			return false;
		i += half;
	}
	for (; i < length; i++) {
		if (!copy_step(kernel + i, user + i, sizeof(u8), in))
			return false;
	}
	return true;
}

/*
 * Copy up to MBOX_COPY_WORDS bytes while user_access_begin() allows it; the caller has
 * checked the addresses. False if one cannot be accessed (now).
 */
#define MBOX_COPY_UNSAFE	IS_ENABLED(CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS)

static __always_inline bool mbox_unsafe_copy_in(void *to, const void __user *from,
						size_t length)
{
	return copy_steps(to, (void __user *)from, length, true);
}

static __always_inline bool mbox_unsafe_copy_out(void __user *to, const void *from,
						 size_t length)
{
	return copy_steps((void *)from, to, length, false);
}

/* Copy @length bytes in. False if an address is not readable (now). */
static __always_inline bool mbox_copy_in(void *to, const void __user *from,
					 size_t length)
{
	bool copied;

	if (!IS_ENABLED(CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS) ||
	    length > MBOX_COPY_WORDS) {
		if (!access_ok(from, length))
			return false;
		barrier_nospec();
		instrument_copy_from_user_before(to, from, length);
		copied = !raw_copy_from_user(to, from, length);
		instrument_copy_from_user_after(to, from, length, 0);
		return copied;
	}
	if (!user_read_access_begin(from, length))
		return false;
	copied = copy_steps(to, (void __user *)from, length, true);
	user_read_access_end();
	return copied;
}

/*
 * Copy the first @front bytes in, and the last 8 of @length. False if an address
 * of all @length is not readable (now): the bytes between lie on the pages that the
 * ends are on, as long as they are fewer than a page has. They are not written to @to.
 */
static __always_inline bool mbox_copy_in_ends(void *to, const void __user *from,
					      size_t front, size_t length)
{
	bool copied = false;
	size_t i;

	BUILD_BUG_ON(front % sizeof(u64) || front + sizeof(u64) > length ||
		     length > PAGE_SIZE);
	if (!IS_ENABLED(CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS) ||
	    !IS_ENABLED(CONFIG_64BIT))
		return mbox_copy_in(to, from, length);
	if (!user_read_access_begin(from, length))
		return false;
	for (i = 0; i < front; i += sizeof(u64))
		unsafe_get_user(*(u64 *)(to + i), (const u64 __user *)(from + i),
				end);
	i = length - sizeof(u64);
	unsafe_get_user(*(u64 *)(to + i), (const u64 __user *)(from + i), end);
	copied = true;
end:
	user_read_access_end();
	return copied;
}

/* Copy @length bytes out. False if an address is not writable (now). */
static __always_inline bool mbox_copy_out(void __user *to, const void *from,
					  size_t length)
{
	bool copied;

	if (!IS_ENABLED(CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS) ||
	    length > MBOX_COPY_WORDS) {
		if (!access_ok(to, length))
			return false;
		instrument_copy_to_user(to, from, length);
		return !raw_copy_to_user(to, from, length);
	}
	if (!user_write_access_begin(to, length))
		return false;
	copied = copy_steps((void *)from, to, length, false);
	user_write_access_end();
	return copied;
}

#endif /* MBOX_COPY_H */
