#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The commands of mbox_mqueue(7) and mbox_sysv(7), as printed. In KTAP; needs mboxctl, both libraries, the module and
# Debian's stress-ng. The virtual machine of the suite lacks that: "make unchanged" runs the same workers in another.

page_run()
{
	command=$(sed -n 's/^\$ //p' "${0%/*}/pages/$1.examples.h")
	number=$((number + 1))
	if [ -n "$command" ] && output=$(cd /tmp && sh -c "$command" 2>&1); then
		echo "ok $number $command"
	else
		echo "$output" | sed 's/^/# /'
		echo "not ok $number $command"
		status=1
	fi
}

echo "TAP version 13"
if ! [ -c /dev/mbox ] || ! command -v mboxctl >/dev/null || ! command -v stress-ng >/dev/null; then
	echo "1..0 # SKIP no /dev/mbox, mboxctl or stress-ng"
	exit 4
fi

status=0
number=0
echo 1..2
# pages/mbox_mqueue.7.examples.h
page_run mbox_mqueue.7
# pages/mbox_sysv.7.examples.h
page_run mbox_sysv.7
exit $status
