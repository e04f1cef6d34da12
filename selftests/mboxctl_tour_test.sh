#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# mboxctl tour: each concept turns out as the textbook says, is drawn within 80 columns, and leaves nothing
# behind, however it ends. In KTAP, for any POSIX shell; needs the module and mboxctl on the PATH.

. "${0%/*}/mboxctl_helper.sh"

# concept WORD TEXT...: its time line has all of these
concept()
{
	word=$1
	shift
	expect 0 tour "$word"
	for text; do
		grep -qF -- "$text" "$dir/out" || wrong "tour $word does not show $text"
	done
	[ "$(concepts_of "$dir/out")" = "$word" ] || wrong "drew: $(concepts_of "$dir/out")"
	narrow
	nothing_left
}

# The titles in an output.
concepts_of()
{
	sed -n 's/^-- \([a-z-]*\) -*$/\1/p' "$1" | xargs
}

narrow()
{
	! grep -E '^.{80}' "$dir/out" || wrong "wider than 79 columns"
	! grep -E ' $' "$dir/out" || wrong "blanks at the end of lines"
}

running()
{
	pidof mboxctl | tr ' ' '\n' | sort -n | xargs
}

# Processes of a tour go when it does, and its mailbox with them.
nothing_left()
{
	tries=100
	while [ "$(running)" != "$others" ]; do
		[ $((tries -= 1)) -gt 0 ] || { wrong "running: '$(running)', and not '$others'"; return; }
		sleep 0.1
	done
}

direct()	{ concept direct 'link(Q)' 'P: 0, Q: 1' 'BLOCKED' '"well?" from Q'; }
inbox()		{ concept inbox 'receive(any)' '"I" from Q' '"too" from R'; }
identity()	{ concept identity 'kill -KILL' 'WAKES' 'fails: EOWNERDEAD'; }
indirect()	{ concept indirect '[two][three]' '"two" from Q'; }
two()		{ concept two '2 of 2 processes' 'fails: EUSERS' '1 of 2 processes'; }
exclusive()	{ concept exclusive '1 receiver blocked' 'fails: EBUSY'; }
fifo()		{ concept fifo '2 receivers blocked' 'Q got it'; }
lifo()		{ concept lifo '2 receivers blocked' 'R got it'; }
rr()		{ concept rr '2 receivers blocked' 'R got it'; }
prio()		{ concept prio 'nice(10)' 'R got it'; }
broadcast()	{ concept broadcast 'to 2 of them' 'Q: 0, R: 1' '"news" from P'; }
owner()		{ concept owner 'owner: P' 'kill -KILL' 'gone' 'fails: EOWNERDEAD'; }
handover()	{ concept handover 'owner: Q, heir: R' 'owner: R' 'owner: the OS' 'gone'; }
blocking_send()	{ concept blocking-send 'BLOCKED' '1 sender blocked' 'WAKES' 'Q got it'; }
nonblocking_send()
		{ concept nonblocking-send 'fails: EAGAIN'; }
blocking_receive()
		{ concept blocking-receive 'BLOCKED' '1 receiver blocked' 'WAKES'; }
nonblocking_receive()
		{ concept nonblocking-receive 'fails: EAGAIN' '"a" from P'; }
rendezvous()	{ concept rendezvous '1 sender blocked' '1 receiver blocked' 'Q got it'; }
deadlock()	{ concept deadlock 'BLOCKED' 'fails: EDEADLK' '"you first" from Q'; }
zero()		{ concept zero '(empty)' '1 sender blocked' 'Q got it'; }
bounded()	{ concept bounded '[a][b]' '1 sender blocked' '[b][c]'; }
unbounded()	{ concept unbounded '2000 queued' '1000, in order'; }
ring()		{ concept ring 'BLOCKED' 'WAKES' 'of 4096 bytes'; }
growing()	{ concept growing 'BLOCKED' 'WAKES' 'in order'; }
lease()		{ concept lease '1 queued, 1 leased' 'BLOCKED' 'kill -KILL' 'WAKES' '"job" from P' 'ack()' '0 queued'; }
call()		{ concept call 'call("6 * 7?")' 'BLOCKED' 'reply("42")' '"42" from Q' 'kill -KILL' 'fails: EOWNERDEAD'; }

concepts='direct inbox identity indirect two exclusive fifo lifo rr prio broadcast owner handover
	blocking_send nonblocking_send blocking_receive nonblocking_receive rendezvous deadlock
	zero bounded unbounded ring growing lease call'

# Each that --help knows is tested above, and without words they are all drawn, in that order.
all()
{
	wanted=$(echo "$concepts" | tr _ - | xargs)
	expect 0 tour --help
	listed=$(sed -n '/^$/,$ s/^  \([a-z][a-z-]*\).*/\1/p' "$dir/out" | xargs)
	[ "$listed" = "$wanted" ] || wrong "--help lists: $listed"
	expect 0 tour
	[ "$(concepts_of "$dir/out")" = "$wanted" ] || wrong "drew: $(concepts_of "$dir/out")"
	expect 0 tour zero bounded
	[ "$(concepts_of "$dir/out")" = "zero bounded" ] || wrong "drew: $(concepts_of "$dir/out")"
}

words()
{
	expect 1 -j tour zero
	said 'no JSON'
	printed ''
	expect 1 tour nonsense
	said 'nonsense: unknown word'
	expect 1 tour zero zero
	said 'given twice'
}

# locale LC_ALL LC_CTYPE LANG: the characters that a tour is drawn with
locale()
{
	LC_ALL=$1 LC_CTYPE=$2 LANG=$3 mboxctl tour bounded >"$dir/out" || wrong "exit status $?"
	grep -q '[^ -~]' "$dir/out" && signs=unicode || signs=ascii
	[ "$signs" = "$4" ] || wrong "$signs, not $4, with LC_ALL=$1 LC_CTYPE=$2 LANG=$3"
}

# Signs that the terminal does not have would be garbage.
signs()
{
	locale C '' '' ascii
	locale C de_DE.UTF-8 ko_KR.UTF-8 ascii
	locale '' POSIX ko_KR.UTF-8 ascii
	locale '' '' en_US.ISO-8859-1 ascii
	locale '' '' '' ascii
	locale C.utf8 C C unicode
	locale '' de_DE.UTF-8 C unicode
	locale '' '' ko_KR.UTF-8 unicode
	grep -qF '│' "$dir/out" || wrong "no line signs with UTF-8"
}

# If the kernel contradicts the concept, that is no success.
refused()
{
	need_nobody || return
	quota=/sys/module/mbox/parameters/user_bytes
	old=$(cat $quota)
	echo 100000 >$quota
	as_nobody mboxctl tour unbounded >"$dir/out" 2>"$dir/err" && got=0 || got=$?
	echo "$old" >$quota
	[ "$got" = 2 ] || wrong "exit status $got, not 2"
	said 'mboxctl: tour: unbounded: at moment 1: P'
	nothing_left
	as_nobody mboxctl tour unbounded owner handover >"$dir/out" 2>"$dir/err" ||
		wrong "not for every user: $(cat "$dir/err")"
}

# A mailbox that is the operating system's would stay, and actors that nobody directs.
interrupted()
{
	for how in 'KILL owner: P' 'KILL owner: R' 'KILL the OS' 'INT the OS' 'TERM owner: Q'; do
		start tour handover
		tries=300
		until grep -qF "${how#* }" "$dir/bg.out" || [ $((tries -= 1)) = 0 ]; do
			sleep 0.01
		done
		kill -"${how%% *}" "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
		nothing_left
		expect 4 show "tour.$pid.handover"
		said 'no mailbox'
	done
}

output_errors()
{
	mboxctl tour zero >/dev/full 2>"$dir/err" && wrong "done on a full device"
	said 'standard output: No space left on device'
	{ mboxctl tour zero 2>"$dir/err"; echo $? >"$dir/status"; } | head -n 1 >/dev/null
	case $(cat "$dir/status") in
	0) ;;	# all was written before head had ended
	2) said 'standard output: Broken pipe' ;;
	*) wrong "exit status $(cat "$dir/status")" ;;
	esac
	nothing_left
}

LC_ALL=C
export LC_ALL
others=$(running)

# shellcheck disable=SC2086 # words
run_tests $concepts all words signs refused interrupted output_errors
