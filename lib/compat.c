// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Functions as they were before a structure that they take has grown: for programs that were linked with the
 * shared library then. The static library does not have them.
 */
#include <string.h>

#include "internal.h"

/* struct mbox_info ended before creator. */
#define INFO_SIZE_1_0	256

_Static_assert(offsetof(struct mbox_info, creator) == INFO_SIZE_1_0, "mbox_get");

/* struct mbox_header ended before start. */
#define HEADER_SIZE_1_0	48

_Static_assert(offsetof(struct mbox_header, start) == HEADER_SIZE_1_0, "mbox_recv");

int mbox_get_1_0(struct mbox *mb, void *info);
ssize_t mbox_recv_1_0(struct mbox *mb, void *buf, size_t size,
		      const struct mbox_recv_opts *opts, void *hdr);
ssize_t mbox_recv_alloc_1_0(struct mbox *mb, void **datap,
			    const struct mbox_recv_opts *opts, void *hdr);
ssize_t mbox_ring_peek_1_0(struct mbox *mb, const void **datap,
			   const struct mbox_recv_opts *opts, void *hdr);

__asm__(".symver mbox_get_1_0, mbox_get@LIBMBOX_1.0");
__asm__(".symver mbox_recv_1_0, mbox_recv@LIBMBOX_1.0");
__asm__(".symver mbox_recv_alloc_1_0, mbox_recv_alloc@LIBMBOX_1.0");
__asm__(".symver mbox_ring_peek_1_0, mbox_ring_peek@LIBMBOX_1.0");

int mbox_get_1_0(struct mbox *mb, void *info)
{
	struct mbox_info arg;
	int ret;

	if (!info)
		return mbox_get(mb, NULL);
	ret = mbox_get(mb, &arg);
	if (ret == 0)
		memcpy(info, &arg, INFO_SIZE_1_0);
	return ret;
}

ssize_t mbox_recv_1_0(struct mbox *mb, void *buf, size_t size,
		      const struct mbox_recv_opts *opts, void *hdr)
{
	struct mbox_header header;
	ssize_t ret = mbox_recv(mb, buf, size, opts, hdr ? &header : NULL);

	if (hdr && (ret >= 0 || ret == -EMSGSIZE))
		memcpy(hdr, &header, HEADER_SIZE_1_0);
	return ret;
}

ssize_t mbox_recv_alloc_1_0(struct mbox *mb, void **datap,
			    const struct mbox_recv_opts *opts, void *hdr)
{
	struct mbox_header header;
	ssize_t ret = mbox_recv_alloc(mb, datap, opts, hdr ? &header : NULL);

	if (hdr && ret >= 0)
		memcpy(hdr, &header, HEADER_SIZE_1_0);
	return ret;
}

ssize_t mbox_ring_peek_1_0(struct mbox *mb, const void **datap,
			   const struct mbox_recv_opts *opts, void *hdr)
{
	struct mbox_header header;
	ssize_t ret = mbox_ring_peek(mb, datap, opts, hdr ? &header : NULL);

	if (hdr && ret >= 0)
		memcpy(hdr, &header, HEADER_SIZE_1_0);
	return ret;
}
