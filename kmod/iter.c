// SPDX-License-Identifier: GPL-2.0-only
/* Reads and writes of iterators: readv(), writev(), io_uring, asynchronous I/O. */
#include <linux/fs.h>
#include <linux/uio.h>

#include "mbox.h"
#include "message.h"

/*
 * One call is one message, in however many pieces its memory lies. Mostly it is one
 * piece, and goes as by read() or write(). Several pieces, or the pages of a buffer that
 * was registered with io_uring, are copied without the lock: see MBOX_DATA_SCATTERED.
 *
 * io_uring asks with IOCB_NOWAIT, and polls the handle before it asks again.
 */

/* Return the address of a single piece of user memory, or MBOX_DATA_SCATTERED. */
static void __user *iter_address(const struct iov_iter *iter)
{
	if (iter_is_ubuf(iter) || (iter_is_iovec(iter) && iter->nr_segs == 1))
		return mbox_compat_iter_address(iter);
	return MBOX_DATA_SCATTERED;
}

/* Return the error of a ring. io_uring takes EOPNOTSUPP for EAGAIN, and would wait. */
static int iter_refuse_ring(const struct kiocb *iocb)
{
	return iocb->ki_flags & IOCB_NOWAIT ? -EINVAL : -EOPNOTSUPP;
}

static bool iter_nonblock(const struct kiocb *iocb)
{
	return (iocb->ki_flags & IOCB_NOWAIT) ||
	       (iocb->ki_filp->f_flags & O_NONBLOCK);
}

/* Receive a message into @to. Return its size, or an error as read() does. */
ssize_t mbox_iter_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct mbox_handle *handle = iocb->ki_filp->private_data;
	struct mbox_recv_args args;
	int error;

	if (handle->mbox->ring)
		return iter_refuse_ring(iocb);
	mbox_recv_args_setup(&args);
	args.data = iter_address(to);
	args.size = iov_iter_count(to);
	args.scattered = args.data == MBOX_DATA_SCATTERED;
	args.iter = to;
	args.nonblock = iter_nonblock(iocb);
	error = mbox_receive(handle, &args);
	if (error)
		return error;
	iov_iter_advance(to, args.length);
	return args.length;
}

/* Send all of @from as one message. Return its size, or an error as write() does. */
ssize_t mbox_iter_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct mbox_handle *handle = iocb->ki_filp->private_data;
	size_t size = iov_iter_count(from);
	struct mbox_send_args args;
	int result;

	if (handle->mbox->ring)
		return iter_refuse_ring(iocb);
	if (size > U32_MAX)
		return -EMSGSIZE;
	mbox_send_args_setup(&args);
	args.data = iter_address(from);
	args.length = size;
	args.scattered = args.data == MBOX_DATA_SCATTERED;
	args.iter = from;
	args.nonblock = iter_nonblock(iocb);
	result = mbox_send(handle, &args);
	if (result < 0)
		return result;
	iov_iter_advance(from, size);
	return size;
}
