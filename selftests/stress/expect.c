// SPDX-License-Identifier: GPL-2.0-only
/* The errors that a call may end with. */
#include "stress/handle.h"

#include <stdarg.h>

/* Report a call that ended with an error that is not in the list; the list ends with 0. */
void expect_errors(const char *call, long ret, ...)
{
	va_list args;
	int error;

	count(&ledger->calls);
	if (ret >= 0)
		return;
	va_start(args, ret);
	while ((error = va_arg(args, int)))
		if (ret == -error)
			break;
	va_end(args);
	if (!error)
		fault(FAULT_CALL, "%s: %s", call, strerrorname_np(-ret));
}

int maybe_users(union handle handle)
{
	return may_be(handle.foreign || handle.box == NO_BOX ||
		      ledger->boxes[handle.box].max_procs, EUSERS);
}

/* Return whether a worker may shut the handle down: handles on which others rely stay. */
bool may_shut(union handle handle)
{
	return handle.box == NO_BOX || handle.link;
}

int maybe_shut(union handle handle)
{
	return may_be(may_shut(handle), ESHUTDOWN);
}

int maybe_owner(union handle handle)
{
	return may_be(handle.link || handle.inbox || handle.box == NO_BOX ||
		      ledger->boxes[handle.box].name == NAME_OWNED, EOWNERDEAD);
}

int maybe_ring(union handle handle)
{
	return may_be(handle.box == NO_BOX || name_is_ring(ledger->boxes[handle.box].name), EOPNOTSUPP);
}

int maybe_deadlock(union handle handle)
{
	return may_be(handle.link && process.single, EDEADLK);
}

int maybe_busy(union handle handle)
{
	return may_be(handle.box == NO_BOX || ledger->boxes[handle.box].exclusive, EBUSY);
}
