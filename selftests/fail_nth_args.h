/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * More operations of fail_nth_test: the argument itself cannot be read or written. Its copying knows no
 * injected failures but where it is larger than the module knows; elsewhere the page fails that it
 * lies in.
 */
#ifndef FAIL_NTH_ARGS_H
#define FAIL_NTH_ARGS_H

#include "fail_nth_msgs.h"

#define LATER		32	/* bytes that a later version of a structure might have more */

#define LAZY(variant, ...) \
	FIXTURE_VARIANT_ADD(op, lazy_##variant) { \
		.lazy_args = true, __VA_ARGS__ \
	}; \
	FIXTURE_VARIANT_ADD(op, grown_##variant) { \
		.lazy_args = true, .grown = LATER, __VA_ARGS__ \
	}

LAZY(create, .bare = true, .errors = OPEN_ERRORS, .prepare = prepare_create,
     .call = call_open, .cmd = MBOX_IOC_CREATE, .failed = not_created, .done = created);
LAZY(open, .capacity = 4, .errors = OPEN_ERRORS, .prepare = prepare_open,
     .call = call_open, .cmd = MBOX_IOC_OPEN, .done = opened_same);
LAZY(delete, .capacity = 4, .queued = 2, .length = LARGE, .errors = { EFAULT }, .prepare = prepare_delete,
     .call = call_delete, .done = deleted, .how = MBOX_DELETE_FORCE);
LAZY(delete_named, .capacity = 4, .queued = 2, .length = LARGE, .errors = { EFAULT }, .prepare = prepare_delete_named,
     .call = call_delete, .done = deleted, .how = MBOX_DELETE_FORCE);
LAZY(send, .capacity = 4, .length = SMALL, .errors = SEND_ERRORS, .prepare = prepare_send,
     .call = call_send, .done = sent);
LAZY(recv, .capacity = 4, .queued = 3, .length = SMALL, .errors = RECV_ERRORS, .prepare = prepare_recv,
     .call = call_recv, .done = received);
LAZY(recv_large, .capacity = 4, .queued = 3, .length = LARGE, .errors = RECV_ERRORS, .prepare = prepare_recv,
     .call = call_recv, .done = received);
LAZY(recv_too_small, .capacity = 4, .queued = 2, .length = LARGE, .errors = RECV_ERRORS, .result = -EMSGSIZE,
     .prepare = prepare_recv_too_small, .call = call_recv, .done = too_small);
LAZY(get, .capacity = 4, .queued = 2, .length = SMALL, .errors = { EFAULT }, .call = call_get, .done = got);
LAZY(set, .capacity = 1, .queued = 1, .length = LARGE, .errors = { EFAULT }, .partner = SENDS,
     .prepare = prepare_set, .call = call_set, .done = was_set);

#endif
