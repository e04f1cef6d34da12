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

#include <linux/types.h>
#include <linux/uaccess.h>

/* Copy @length bytes in. False if an address is not readable (now). */
static __always_inline bool mbox_copy_in(void *to, const void __user *from,
					 size_t length)
{
	bool copied = false;
	size_t i = 0;

	if (!IS_ENABLED(CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS))
		return access_ok(from, length) &&
		       !__copy_from_user_inatomic(to, from, length);
	if (!user_read_access_begin(from, length))
		return false;
	for (; i + sizeof(long) <= length; i += sizeof(long))
		unsafe_get_user(*(unsigned long *)(to + i),
				(const unsigned long __user *)(from + i), end);
	for (; i + sizeof(u32) <= length; i += sizeof(u32))
		unsafe_get_user(*(u32 *)(to + i),
				(const u32 __user *)(from + i), end);
	for (; i < length; i++)
		unsafe_get_user(*(u8 *)(to + i),
				(const u8 __user *)(from + i), end);
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
	size_t i = 0;

	if (!IS_ENABLED(CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS))
		return access_ok(to, length) &&
		       !__copy_to_user_inatomic(to, from, length);
	if (!user_write_access_begin(to, length))
		return false;
	for (; i + sizeof(long) <= length; i += sizeof(long))
		unsafe_put_user(*(const unsigned long *)(from + i),
				(unsigned long __user *)(to + i), end);
	for (; i + sizeof(u32) <= length; i += sizeof(u32))
		unsafe_put_user(*(const u32 *)(from + i),
				(u32 __user *)(to + i), end);
	for (; i < length; i++)
		unsafe_put_user(*(const u8 *)(from + i),
				(u8 __user *)(to + i), end);
	copied = true;
end:
	user_write_access_end();
	return copied;
}

#endif /* MBOX_COPY_H */
