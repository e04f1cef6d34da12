# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Skipping all of a test script, in KTAP. For any POSIX shell; to be sourced.

skip_all()
{
	echo "TAP version 13"
	echo "1..0 # SKIP $*"
	exit 4
}

need_module()
{
	[ -c /dev/mbox ] || skip_all "no /dev/mbox: the module is not loaded"
}
