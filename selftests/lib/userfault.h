/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A page that comes late: a call in a child that needs it stalls, for as long as the test likes.
 *
 *	missing_setup()		once, skips the test where this cannot be done
 *	start_stalling()	start a call whose payload is that page
 *	await_stall()		wait until the call has come to it
 *	give_page()		let the call go on
 *	break_page()		let it fail: the page will never come
 */
#ifndef LIB_USERFAULT_H
#define LIB_USERFAULT_H

#include "child_call.h"

/* A page that is missing in a child until the test gives it. */
struct missing {
	uint8_t *page;
	int memfd;			/* of which it is the only page */
	size_t size;
	int socks[2];
	int uffd;
};

/* One for the process: prepare() has no other way to it. */
extern struct missing missing;

void missing_setup(struct __test_metadata *_metadata);
void start_stalling(struct __test_metadata *_metadata, struct call *call);
void await_stall(struct __test_metadata *_metadata);
void give_page(struct __test_metadata *_metadata, uint32_t seed);
void break_page(struct __test_metadata *_metadata);

#endif
