#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# mboxctl: PID:START, as header prints it, is the very process that sent a message.

# shellcheck source=selftests/mboxctl_helper.sh
. "$(dirname "$0")/mboxctl_helper.sh"

# A sender that waits for its receipt, and so lives: its number and its start.
send_and_wait()
{
	mboxctl create "$box" || return
	start send "$box" sync text
	tries=300
	until expect_header || [ $((tries -= 1)) -eq 0 ]; do
		sleep 0.1
	done
	who=$(sed -n 's/.* pid=\([0-9]*\) .* start=\([0-9]*\)$/\1:\2/p' "$dir/header")
	case $who in
	"$pid":[1-9]*) ;;
	*) wrong "the header says '$(cat "$dir/header")', not pid=$pid and its start" ;;
	esac
}

expect_header()
{
	mboxctl recv "$box" nonblock peek header lines 2>/dev/null | head -n 1 >"$dir/header"
	[ -s "$dir/header" ]
}

from()
{
	send_and_wait || return
	mboxctl recv -j "$box" nonblock peek | grep -q "\"start\":${who#*:}," ||
		wrong "JSON has no start"
	expect 4 recv "$box" nonblock from="${who%:*}:1"
	said 'the sending process has ended'
	expect 0 recv "$box" all from="${who%:*}:1"
	printed ''
	expect 0 recv "$box" nonblock peek from="$who"
	printed text
	expect 0 recv "$box" from="$who"
	printed text
	finished 0
	expect 4 recv "$box" from="$who"
	said 'the sending process has ended'
	expect 3 recv "$box" nonblock from="${who%:*}"
	said 'no message that fits is there'
}

link()
{
	send_and_wait || return
	expect 0 link "$who" send hello
	expect 4 link "${who%:*}:1" send hello
	said 'the process that started then has ended'
	expect 4 handover "$box" "${who%:*}:1"
	said 'the process that started then has ended'
	mboxctl recv "$box" >/dev/null
	finished 0
	expect 4 link "$who" send hello
	said 'the process that started then has ended'
}

handover()
{
	send_and_wait || return
	expect 0 handover "$box" "$who"
	field owner "${who%:*}"
}

created()
{
	send_and_wait || return
	expect 4 create "$box.other" owner="${who%:*}:1"
	said 'no mailbox was made'
	expect 0 create "$box.other" owner="$who"
	mboxctl show "$box.other" | grep -q "^owner  *${who%:*}\$" || wrong "it is not its owner"
	mboxctl delete "$box.other" force
}

usage()
{
	for word in :1 1: 1:0 1:x x:1 0:1 1:2:3 1:99999999999999999999; do
		expect 1 link "$word" send text
		expect 1 recv "$box" from="$word"
		expect 1 handover "$box" "$word"
		expect 1 create "$box" owner="$word"
	done
	expect 1 create "$box" owner=0
}

run_tests from link handover created usage
