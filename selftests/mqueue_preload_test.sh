#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The tests of queues of mq_overview(7) once more, on mailboxes: unchanged programs by "mboxctl run mq". In KTAP;
# needs mboxctl, libmbox-mqueue.so and the module.

skip_all()
{
	echo "TAP version 13"
	echo "1..0 # SKIP $*"
	exit 4
}

[ -c /dev/mbox ] || skip_all "no /dev/mbox: the module is not loaded"
command -v mboxctl >/dev/null || skip_all "no mboxctl on the PATH"
mboxctl run mq -- true || skip_all "no libmbox-mqueue.so"

status=0
tests='mqueue_test mqueue_message_test mqueue_notify_test'
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
for name in $tests; do
	mboxctl run mq -- "${0%/*}/$name" >"$dir/$name" 2>&1 || status=1
done

# One plan over all, and one count.
echo "TAP version 13"
echo "1..$(cat "$dir"/* | grep -cE '^(not )?ok ')"
for name in $tests; do
	grep -vE '^(TAP version|1\.\.)' "$dir/$name"
done | awk '
	/^(not )?ok / { sub(/ok [0-9]+/, "ok " ++n) }
	{ print }'
mboxctl list noheader columns=name | grep '^mq:' | sed 's/^/# left: /'
exit $status
