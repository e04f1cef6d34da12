/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copying a few bytes between user memory and ours, word by word.
 *
 * For the sizes of arguments, headers and small payloads this takes a fraction
 * of what copy_from_user() and copy_to_user() do: most of that is their check of
 * the kernel's side, which here is known to be large enough. With page faults
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

/* A step of a copy: @n bytes of @type. */
#define copy_in_step(type, to, from, i, label)				\
	unsafe_get_user(*(type *)((to) + (i)),				\
			(const type __user *)((from) + (i)), label)
#define copy_out_step(type, to, from, i, label)				\
	unsafe_put_user(*(const type *)((from) + (i)),			\
			(type __user *)((to) + (i)), label)

/* All steps for @length bytes, four words at a time. */
#define copy_steps(step, to, from, length, label)			\
do {									\
	size_t _i = 0;							\
									\
	for (; _i + 4 * sizeof(u64) <= (length); _i += 4 * sizeof(u64)) {	\
		step(u64, to, from, _i, label);				\
		step(u64, to, from, _i + sizeof(u64), label);		\
		step(u64, to, from, _i + 2 * sizeof(u64), label);	\
		step(u64, to, from, _i + 3 * sizeof(u64), label);	\
	}								\
	for (; _i + sizeof(u64) <= (length); _i += sizeof(u64))		\
		step(u64, to, from, _i, label);				\
	if ((length) & sizeof(u32)) {					\
		step(u32, to, from, _i, label);				\
		_i += sizeof(u32);					\
	}								\
	for (; _i < (length); _i++)					\
		step(u8, to, from, _i, label);				\
} while (0)

/* Copy @length bytes in. False if an address is not readable (now). */
static __always_inline bool mbox_copy_in(void *to, const void __user *from,
					 size_t length)
{
	bool copied = false;

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
	copy_steps(copy_in_step, to, from, length, end);
	copied = true;
end:
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
	bool copied = false;

	if (!IS_ENABLED(CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS) ||
	    length > MBOX_COPY_WORDS) {
		if (!access_ok(to, length))
			return false;
		instrument_copy_to_user(to, from, length);
		return !raw_copy_to_user(to, from, length);
	}
	if (!user_write_access_begin(to, length))
		return false;
	copy_steps(copy_out_step, to, from, length, end);
	copied = true;
end:
	user_write_access_end();
	return copied;
}

#endif /* MBOX_COPY_H */
