#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# mboxctl between processes: owners and handing over, receivers, links and inboxes, rings. As mboxctl_test.sh.

. "${0%/*}/mboxctl_helper.sh"

# gone PID: end it, and wait until it has
gone()
{
	kill -KILL "$1"
	wait "$1" 2>/dev/null
}

# ended: wait until the mailbox is no more, which is a moment after its owner
ended()
{
	tries=300
	while mboxctl show "$box" >/dev/null 2>&1; do
		[ $((tries -= 1)) -gt 0 ] || { wrong "the mailbox is still there"; return; }
		sleep 0.1
	done
	expect 4 show "$box"
	said 'no mailbox of that name'
}

# absent NAME: show has no such line
absent()
{
	! mboxctl show "$box" | grep -q "^$1 " || wrong "show prints $1"
}

# has WORD: the JSON of show has this field
has()
{
	mboxctl -j show "$box" | grep -qF "$1" || wrong "no $1 in $(mboxctl -j show "$box")"
}

# told: the process id that the last one started printed, in $told
told()
{
	tries=300
	until told=$(sed -n 's/^pid  *//p' "$dir/bg.out") && [ -n "$told" ]; do
		if ! kill -0 "$pid" 2>/dev/null || [ $((tries -= 1)) -eq 0 ]; then
			wrong "it did not print its pid: $(cat "$dir/bg.err")"
			return
		fi
		sleep 0.1
	done
	[ "$told" = "$pid" ] || wrong "it printed pid $told, and is $pid"
}

# The tests.

usage_errors()
{
	while read -r words; do
		# shellcheck disable=SC2086 # words
		expect 1 $words </dev/null
		[ ! -s "$dir/out" ] || wrong "mboxctl $words: printed something"
	done <<-END
		create $box lifetime=process
		create $box lifetime=fd
		create $box lifetime=os owner=1
		create $box owner=0
		create $box owner=me
		create $box owner=-1
		create $box owner=4294967296
		create $box policy=
		create $box policy=some
		create $box policy=fifo policy=lifo
		create $box policy=broadcast capacity=zero
		create $box policy=broadcast exclusive
		create $box overflow
		create $box overflow policy=rr
		create $box maxprocs=0
		create $box maxprocs=4097
		create $box exclusive=1
		create $box ring=
		create $box ring=4095
		create $box ring=4097
		create $box ring=2K
		create $box ring=2G
		create $box ring=12K
		create $box ring=1M capacity=8
		create $box ring=1M bytes=1M
		create $box ring=1M policy=fifo
		create $box ring=1M maxprocs=2
		create $box ring=1M exclusive
		create $box grow
		handover
		handover $box
		handover $box 0
		handover $box -1
		handover $box somebody
		handover $box 1 2
		handover $box none
		handover $box none recv heir
		handover $box os heir
		handover $box os recv
		handover $box 1 send
		handover .a os
		link
		link 1
		link 0 send text
		link me send text
		link 4294967297 send text
		link 1 show
		link 1 sends
		link 1 send prio=x
		link 1 send sync nonblock
		link 1 send lines text
		link 1 recv text
		link 1 recv count=0
		link 1 recv nonblock timeout=1
		inbox
		inbox send
		inbox 1 recv
		inbox recv text
		inbox recv peek all
	END
	expect 4 show "$box"
}

owned()
{
	idle
	expect 0 create "$box" owner=$idle mode=0
	printed ''
	field lifetime process
	field owner $idle
	field mode 0000
	absent heir
	has "\"owner\":$idle,\"heir\":null"
	gone $idle
	ended
	idle
	expect 0 -v create "$box" lifetime=process owner=$idle
	grep -q "^owner  *$idle\$" "$dir/out" || wrong "no owner in $(cat "$dir/out")"
	expect 0 delete "$box"
}

# A mailbox that cannot be handed over is not there afterwards.
not_owned()
{
	idle
	gone $idle
	expect 4 create "$box" owner=$idle
	said "owner=$idle: no process of that id, or it has ended; no mailbox was made"
	expect 4 show "$box"
	mboxctl create "$box"
	idle
	expect 2 create "$box" owner=$idle
	said 'a mailbox of that name exists'
	field lifetime os
	absent owner
	has '"owner":null,"heir":null'
}

owner_blocked()
{
	idle
	mboxctl create "$box" owner=$idle
	start recv "$box"
	blocked receivers
	gone $idle
	finished 4
	said 'the process that owned it has ended'
	printed ''
}

handover()
{
	mboxctl create "$box"
	idle
	first=$idle
	idle
	expect 2 handover "$box" "$idle" heir
	said 'no process owns the mailbox'
	expect 0 handover "$box" $first
	printed ''
	field owner $first
	field lifetime process
	expect 0 handover "$box" $idle heir
	field heir $idle
	has "\"heir\":$idle"
	expect 0 handover "$box" none heir
	absent heir
	expect 0 handover "$box" $idle heir recv
	gone $first
	tries=300
	until [ "$(mboxctl show "$box" | sed -n 's/^owner  *//p')" = $idle ] || [ $((tries -= 1)) -eq 0 ]; do
		sleep 0.1
	done
	field owner $idle
	absent heir
	expect 0 handover "$box" os
	field lifetime os
	absent owner
	gone $idle
	field state live
	expect 4 handover "$box" $idle
	said 'no process of that id'
	expect 4 handover "$box.none" os
	said 'no mailbox of that name'
}

# Neither root nor the owner.
handover_refused()
{
	need_nobody || return
	expect 0 create "$box" mode=0666
	as_nobody "mboxctl handover $box os" 2>"$dir/err" && wrong "nobody may hand it over"
	said 'only the owner'
	idle
	mboxctl handover "$box" $idle
	as_nobody "mboxctl handover $box os" 2>"$dir/err" && wrong "nobody may hand it over"
	said "it belongs to process $idle"
	field owner $idle
	# a mailbox of no user is not given to a process of root's, nor to root
	mboxctl delete "$box" force
	as_nobody "mboxctl create $box mode=0600"
	as_nobody "mboxctl handover $box $idle" 2>"$dir/err" && wrong "handed to root's process"
	said "you may not send process $idle a signal"
	as_nobody "mboxctl chown $box 0" 2>"$dir/err" && wrong "given to root"
	said 'you may not give the mailbox away'
	as_nobody "mboxctl chown $box :0" 2>"$dir/err" && wrong "given to root's group"
	said 'you may not give the mailbox away'
	field uid 65534
	field creator 65534
	field lifetime os
}

policies()
{
	for policy in fifo lifo rr prio broadcast; do
		expect 0 create "$box" policy=$policy
		field policy $policy
		has "\"policy\":\"$policy\""
		absent maxprocs
		absent ring
		absent exclusive
		has '"maxprocs":null,"procs":null,"exclusive":false,"overflow":false,"track":false,"ring":null,"grow":false'
		expect 0 delete "$box"
	done
}

broadcast()
{
	mboxctl create "$box" policy=broadcast || return
	expect 0 -v send "$box" to nobody
	printed 'receivers     0\n'
	field lost 0
	start recv "$box"
	blocked receivers
	expect 0 -v -j send "$box" to one
	printed '{"receivers":1}\n'
	finished 0
	printed 'to one'
	expect 0 send "$box" quiet
	printed ''
	field sent 1
	expect 0 delete "$box" force
	expect 0 create "$box" policy=broadcast overflow capacity=2
	field overflow yes
	has '"overflow":true'
}

members()
{
	expect 0 create "$box" maxprocs=1
	field maxprocs 1
	field procs 0
	has '"maxprocs":1,"procs":0'
	start recv "$box"
	blocked receivers
	field procs 1
	expect 2 send "$box" text
	said 'as many processes take part'
	said "mboxctl show $box"
	kill "$pid"
	finished 143
	tries=300
	until mboxctl send "$box" text 2>/dev/null || [ $((tries -= 1)) -eq 0 ]; do
		sleep 0.1
	done
	expect 0 recv "$box" nonblock
	printed text
}

exclusive()
{
	expect 0 create "$box" exclusive
	field exclusive yes
	has '"exclusive":true'
	start recv "$box"
	blocked receivers
	expect 2 recv "$box" nonblock
	said 'another process is receiving'
	expect 2 recv "$box"
	expect 0 send "$box" text
	finished 0
	printed text
}

link()
{
	start inbox recv -v header count=3
	told
	expect 0 link "$told" send prio=3 type=4 two words
	printed ''
	printf 'a\nb\n' >"$dir/in"
	expect 0 link "$told" send lines <"$dir/in"
	finished 0
	grep -q ' length=9 prio=3 type=4 pid=[1-9][0-9]* ' "$dir/out" || wrong "printed $(cat "$dir/out")"
	sed -n '3,$ s/seq=.*/-/p' "$dir/out" | grep -c '^.*-$' | grep -qx 2 || wrong "printed $(cat "$dir/out")"
	expect 4 link "$told" send text
	said 'no process of that id'
}

# A synchronous send returns the receiver; a link does not receive from others.
link_sync()
{
	idle
	start -v link $idle recv
	told
	expect 0 link "$told" send not for it
	expect 3 link "$told" send timeout=0.1 sync text
	said 'within 0.1 seconds'
	gone $idle
	finished 4
	said 'the sending process has ended'
	start -j -v inbox recv
	tries=300
	until grep -q '^{"pid":' "$dir/bg.out" || [ $((tries -= 1)) -eq 0 ]; do
		sleep 0.1
	done
	expect 0 link "$pid" send -v sync text
	printed "receiver      $pid\n"
	finished 0
	grep -q '"text":"text"' "$dir/out" || wrong "printed $(cat "$dir/out")"
}

inbox_errors()
{
	expect 3 inbox recv nonblock
	said 'no message is there'
	expect 3 -v inbox recv timeout=0.1
	said 'within 0.1 seconds'
	grep -q '^pid  *[0-9]*$' "$dir/out" || wrong "printed $(cat "$dir/out")"
	expect 0 inbox recv all
	printed ''
	mboxctl -v inbox recv >/dev/full 2>"$dir/err" && wrong "done on a full device"
	said 'standard output: No space left'
	expect 4 link 2147483647 send text
	said 'no process of that id'
	expect 2 link 1 send "$(printf '%09001d' 0)"
	said 'has 9001 bytes, the mailbox takes 8192'
}

link_refused()
{
	need_nobody || return
	as_nobody "mboxctl link $$ send text" 2>"$dir/err" && wrong "nobody may address root"
	said 'you may not address this process'
}

ring()
{
	expect 0 create "$box" ring=64K msgsize=100 || return
	field kind ring
	field ring 65536
	absent capacity
	absent policy
	absent sent
	has '"policy":null,'
	has '"capacity":null,"bytes":null,'
	has '"queued":null,"queued_bytes":0,"sent":null,'
	absent grow
	has '"kind":"ring"'
	has '"ring":65536,"grow":false'
	start recv "$box" count=3 lines
	printf 'a\n\nccc\n' >"$dir/in"
	expect 0 send "$box" lines <"$dir/in"
	finished 0
	printed 'a\n\nccc\n'
	# by its indices, with a header of 8 bytes for each record
	field sent_bytes 40
	field queued_bytes 0
	expect 2 send "$box" "$(printf '%0101d' 0)"
	said 'has 101 bytes, the mailbox takes 100'
	expect 2 send "$box" prio=1 text
	said 'not on a mailbox of this kind'
	expect 4 recv "$box" nonblock
	said 'the sending process has ended'
	expect 0 recv "$box" all
	printed ''
	expect 0 delete "$box" force
	expect 2 create "$box" ring=4K msgsize=4K
	said 'ring=4096 is too small'
	expect 0 create "$box" ring=64K grow
	field grow yes
	expect 0 delete "$box"
}

# A command whose standard output, or input, is a handle: each write or read is a message.
exec_handle()
{
	expect 0 create "$box" || return
	expect 0 exec "$box" send -- sh -c 'printf "a b"; printf "c\n"'
	printed ''
	expect 0 recv "$box" nul count=2
	[ "$(od -An -c <"$dir/out" | tr -d ' \n')" = 'ab\0c\n\0' ] || wrong "received $(od -An -c <"$dir/out")"
	expect 0 send "$box" one
	expect 0 send "$box" two
	expect 0 exec "$box" recv -- sh -c 'dd bs=8192 count=1 2>/dev/null; echo; dd bs=8192 count=1 2>/dev/null'
	printed 'one\ntwo'
	# the message that the command does not take stays
	expect 0 send "$box" three
	mboxctl exec "$box" recv -- sh -c 'exit 7'
	[ $? = 7 ] || wrong 'the status is not that of the command'
	expect 0 recv "$box" lines
	printed 'three\n'
	expect 127 exec "$box" recv -- ./absent
	said './absent: No such file'
	expect 126 exec "$box" recv -- /
	said '/: Permission denied'
	expect 1 exec "$box" recv
	said 'COMMAND is missing'
	expect 1 exec "$box" both -- true
	said "'both' is neither recv nor send"
	expect 4 exec "$box-none" recv -- true
	expect 0 delete "$box"
}

run_tests usage_errors owned not_owned owner_blocked handover handover_refused policies broadcast members \
	exclusive link link_sync inbox_errors link_refused ring exec_handle
