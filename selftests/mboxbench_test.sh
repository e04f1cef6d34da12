#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# mboxbench: each workload runs with mbox and with some peers, all deliveries are verified, and the JSON is
# well-formed. The times are not looked at: each trial takes some milliseconds. In KTAP, for any POSIX shell; needs
# the module, and mboxbench on the PATH.

. "${0%/*}/mboxctl_helper.sh"

command -v mboxbench >/dev/null || skip_all "no mboxbench on the PATH"

# measure LIST: measure these rows, as short as can be, into $dir/out
measure()
{
	mboxbench -q -s 0 -r 1 -d 2 -w "$@" >"$dir/out" 2>"$dir/err" ||
		wrong "mboxbench $*: exit status $?: $(cat "$dir/err")" "$(grep -o '"row.*"note":"[^"].*' "$dir/out")"
}

# Each line is an object of strings, numbers and nulls.
well_formed()
{
	[ -s "$dir/out" ] || wrong "it printed nothing"
	! grep -vE '^\{"[a-z0-9_]+":("([^"\\]|\\.)*"|-?[0-9]+(\.[0-9]+)?|null)(,"[a-z0-9_]+":("([^"\\]|\\.)*"|-?[0-9]+(\.[0-9]+)?|null))*\}$' \
		"$dir/out" >"$dir/bad" || wrong "no JSON: $(head -n 3 "$dir/bad")"
}

# value ROW PEER KEY: of the object of this row and peer, without quotes
value()
{
	grep -F "\"row\":\"$1\"," "$dir/out" | grep -F "\"peer\":\"$2\"," |
		sed -nE 's/.*"'"$3"'":("([^"]*)"|[^,}]*).*/\2\1/p' | sed 's/".*//; s/null//'
}

# figures ROW PEER...: the row has a figure for each of the peers, of one round
figures()
{
	row=$1
	shift
	for peer; do
		case $(value "$row" "$peer" median) in
		[0-9]*.[0-9]) ;;
		*) wrong "$row, $peer: no figure, but '$(value "$row" "$peer" note)'" ;;
		esac
		[ "$(value "$row" "$peer" rounds)" = 1 ] || wrong "$row, $peer: not one round"
	done
}

# refused ROW PEER NOTE
refused()
{
	[ -z "$(value "$1" "$2" median)" ] || wrong "$1, $2: a figure"
	[ "$(value "$1" "$2" note)" = "$3" ] || wrong "$1, $2: the note is '$(value "$1" "$2" note)'"
}

boxes='mbox mbox-header mbox-rw'

pair()
{
	measure pair/64,pair/4K -j
	well_formed
	for row in pair/64 pair/4K; do
		# shellcheck disable=SC2086 # a list of words
		figures $row $boxes mbox-ring pipe sysv mq seqpacket dgram eventfd futex
	done
	refused pair/64 zmq 'not built: no libzmq'
}

oneway()
{
	measure 'oneway/?cpu/q10/64' -j
	well_formed
	for row in oneway/1cpu/q10/64 oneway/2cpu/q10/64; do
		# shellcheck disable=SC2086 # a list of words
		figures $row $boxes mbox-ring pipe sysv mq seqpacket dgram eventfd futex
		case $(value "$row" mbox p999) in
		[0-9]*) ;;
		*) wrong "$row: no percentiles" ;;
		esac
	done
}

there_and_back()
{
	measure pingpong/1cpu/64,pingpong/2cpu/64,epoll -p mbox,mbox-rw,mbox-ring,sysv,mq,futex -j
	well_formed
	for row in pingpong/1cpu/64 pingpong/2cpu/64; do
		figures $row mbox mbox-rw mbox-ring sysv mq futex
	done
	for row in epoll/1cpu epoll/2cpu; do
		figures $row mbox mbox-rw mbox-ring mq
		refused "$row" sysv 'no descriptor to poll'
	done
}

fans()
{
	measure fan,crowd -p mbox,mbox-ring,pipe,futex -j
	well_formed
	for row in fan/4x1 fan/1x4 fan/4x4 fan/16x16 crowd/1 crowd/1000; do
		figures $row mbox pipe futex
	done
	refused fan/4x4 mbox-ring 'one sender, one receiver'
	figures crowd/1 mbox-ring
}

# The ratio is to the best of the others that make calls.
ratios()
{
	measure pair/64 -p mbox,pipe -j
	[ "$(value pair/64 pipe ratio)" = 1.00 ] || wrong "of the only peer it is '$(value pair/64 pipe ratio)'"
	want=$(echo "$(value pair/64 mbox median) $(value pair/64 pipe median)" | awk '{ printf "%.2f", $1 / $2 }')
	got=$(value pair/64 mbox ratio)
	# computed from rounded values here
	awk -v a="$want" -v b="$got" 'BEGIN { exit !(a - b <= 0.02 && b - a <= 0.02) }' ||
		wrong "it is $got, not $want"
}

many()
{
	measure many -p mbox,pipe,mq,futex -j
	well_formed
	for row in many/10/open many/10/send many/1000/open many/1000/send; do
		figures $row mbox pipe mq
	done
	refused many/1000/open futex 'no names'
	refused many/10/memory mbox 'too small to be measured'
	# KASAN keeps freed memory, and gives it back while the mailboxes are made: there may be less in use afterwards.
	if ! grep -q ' kasan_report$' /proc/kallsyms || [ -n "$(value many/1000/memory mbox median)" ]; then
		figures many/1000/memory mbox
	else
		refused many/1000/memory mbox 'too small to be measured'
	fi
}

batch()
{
	measure batch -p mbox,pipe,seqpacket,futex,mq -j
	well_formed
	for row in batch/1 batch/8 batch/32 batch/256; do
		figures $row pipe seqpacket futex
		# a library without batches
		[ "$(value "$row" mbox note)" = 'no call for a batch' ] || figures "$row" mbox
		refused "$row" mq 'no call for a batch'
	done
}

prio()
{
	measure prio -p mbox,mbox-rw,sysv,mq -j
	well_formed
	for row in prio/10 prio/1000 prio/10000; do
		figures $row mbox sysv mq
		refused "$row" mbox-rw 'no priorities'
	done
}

idle()
{
	measure idle,trickle,spin -p mbox,mbox-rw,mbox-ring,pipe,sysv,mq -j
	well_formed
	for row in idle trickle/cpu trickle/latency spin/cpu spin/latency; do
		figures $row mbox mbox-rw mbox-ring pipe sysv mq
	done
}

# Text has the same rows as JSON.
table()
{
	measure pair,prio/10 -p mbox,pipe -o "$dir/json"
	grep -q '^ROW  *PEER  *MEDIAN  *LEAST  *MOST  *UNIT  *RATIO ' "$dir/out" || wrong "no head"
	sed -nE 's/^([a-z]+\/[0-9A-Z]+)  *([a-z]+)  *([0-9.-]+) .*/\1 \2 \3/p' "$dir/out" >"$dir/table"
	sed -nE 's/.*"row":"([^"]*)".*"peer":"([^"]*)".*"median":([^,]*),.*/\1 \2 \3/p; s/ null$/ -/' "$dir/json" |
		sed 's/ null$/ -/' >"$dir/want"
	cmp -s "$dir/table" "$dir/want" || wrong "'$(cat "$dir/table")' is not '$(cat "$dir/want")'"
	[ "$(wc -l <"$dir/table")" -ge 6 ] || wrong "too few rows"
	! grep -E ' $' "$dir/out" || wrong "blanks at the end of lines"
}

limits()
{
	cat /proc/sys/kernel/msgmax /proc/sys/fs/mqueue/msg_max /sys/module/mbox/parameters/user_bytes >"$dir/before"
	measure pair/64 -p mbox
	cat /proc/sys/kernel/msgmax /proc/sys/fs/mqueue/msg_max /sys/module/mbox/parameters/user_bytes >"$dir/after"
	cmp -s "$dir/before" "$dir/after" || wrong "it left the limits changed"
}

# refuses TEXT ARG...: exit status 1, and TEXT on standard error
refuses()
{
	text=$1
	shift
	mboxbench "$@" >"$dir/out" 2>"$dir/err" && got=0 || got=$?
	[ "$got" = 1 ] || wrong "mboxbench $*: exit status $got"
	said "$text"
	printed ''
}

words()
{
	refuses 'no peer is called that' -p mbox,nonsense
	refuses 'no row fits' -w pair,nonsense
	refuses 'has to be a number from 1 to 101' -r 0
	refuses 'has to be a number' -d 5ms
	refuses 'unknown argument' nonsense
	mboxbench --help | grep -q '^usage: mboxbench ' || wrong "no help"
	mboxbench --list | grep -q 'oneway/2cpu/q10/64$' || wrong "no list"
}

run_tests pair oneway there_and_back fans ratios many batch prio idle table limits words
