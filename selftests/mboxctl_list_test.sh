#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# mboxctl list, show, links, purge, delete --all: mailboxes, blocked calls, and their end. In KTAP, for
# any POSIX shell; needs the module and mboxctl on the PATH.

. "${0%/*}/mboxctl_helper.sh"

pty=${0%/*}/pty_helper

delete_ours()
{
	mboxctl delete --all --yes force "name=$box-*" 2>/dev/null
}
trap 'delete_ours; cleanup; rm -rf "$dir"' EXIT

# matches PATTERN: a line of the output does
matches()
{
	grep -qE -- "$1" "$dir/out" || wrong "no line '$1' in: $(cat "$dir/out")"
}

columns()
{
	mboxctl create "$box" capacity=3 mode=0640
	mboxctl send "$box" four
	expect 0 list "name=$box"
	head -n 1 "$dir/out" | grep -qE '^NAME +QUEUED +CAPACITY +FILL +QUEUED_BYTES +WAITERS +HANDLES +KIND +STATE +USER +MODE +ID$' ||
		wrong "head: $(head -n 1 "$dir/out")"
	matches "^$box +1 +3 +33% +4 +0 +0 +mailbox +live +$(id -un) +0640 +[0-9]+\$"
	[ "$(wc -l <"$dir/out")" -eq 2 ] || wrong "$(wc -l <"$dir/out") lines"
	expect 0 list noheader columns=name,queued "name=$box"
	printed "$box  1\n"
	expect 0 -j list columns=name,mode,capacity,bytes,owner,exclusive "name=$box"
	printed "{\"name\":\"$box\",\"mode\":\"0640\",\"capacity\":3,\"bytes\":null,\"owner\":null,\"exclusive\":false}\n"
	# every column, in both forms
	for column in $(mboxctl list --help | sed -n 's/^    \([a-z_]*\) .*/\1/p'); do
		expect 0 list columns="$column" noheader "name=$box"
		[ "$(wc -w <"$dir/out")" -eq 1 ] || wrong "$column: $(cat "$dir/out")"
		expect 0 -j list columns="$column" "name=$box"
		grep -qE "^\{\"$column\":[^,]+\}\$" "$dir/out" || wrong "$column: $(cat "$dir/out")"
	done
	expect 0 -j list "name=$box"
	grep -q '"peak":1,"peak_bytes":4,' "$dir/out" || wrong "printed $(cat "$dir/out")"
}

order()
{
	for i in b a c; do
		mboxctl create "$box-$i"
	done
	mboxctl send "$box-c" x
	mboxctl send "$box-c" y
	mboxctl send "$box-a" z
	expect 0 list noheader columns=name "name=$box-*"
	printed "$box-b\n$box-a\n$box-c\n"
	expect 0 list noheader columns=name "name=$box-*" sort=name
	printed "$box-a\n$box-b\n$box-c\n"
	expect 0 list noheader columns=name "name=$box-*" sort=-queued
	printed "$box-c\n$box-a\n$box-b\n"
	expect 0 list noheader columns=name "name=$box-*" sort=-id
	printed "$box-c\n$box-a\n$box-b\n"
	delete_ours
}

filters()
{
	mboxctl create "$box-full" capacity=1
	mboxctl send "$box-full" x
	mboxctl create "$box-some"
	mboxctl send "$box-some" x
	mboxctl create "$box-ring" ring=4K
	mboxctl create "$box-mine" owner=$$
	mboxctl create "$box-wait"
	start recv "$box-wait"
	tries=300
	until mboxctl list waiters | grep -q "$box-wait"; do
		[ $((tries -= 1)) -gt 0 ] || { wrong "nobody waits"; break; }
		sleep 0.1
	done
	only()
	{
		these=$1
		shift
		expect 0 list noheader columns=name "name=$box-*" sort=name "$@"
		[ "$(sed "s/.*-//" "$dir/out" | xargs)" = "$these" ] || wrong "$*: $(cat "$dir/out")"
	}
	only full full
	only 'full some' messages
	only wait waiters
	only ring kind=ring
	only 'full mine some wait' kind=mailbox
	only mine owner=$$
	only 'full mine ring some wait' state=live
	only '' state=draining
	only 'full mine ring some wait' "user=$(id -u)"
	only '' user=12345
	only '' full waiters
	only full 'messages' full
	expect 0 list "name=$box-[fs]*" noheader columns=name sort=name
	printed "$box-full\n$box-some\n"
	# a mailbox that is on its way out, with handles: a receiver, and a sender that waits for its input
	mkfifo "$dir/fifo"
	mboxctl send "$box-wait" lines <"$dir/fifo" &
	sender=$!
	exec 7>"$dir/fifo"
	tries=300
	until [ "$(mboxctl list noheader columns=handles "name=$box-wait" | xargs)" = 2 ]; do
		[ $((tries -= 1)) -gt 0 ] || { wrong "nobody has it open to send"; break; }
		sleep 0.1
	done
	mboxctl delete "$box-wait" unlink
	expect 0 list noheader columns=name state=unlinked "name=$box-*"
	printed "$box-wait\n"
	kill "$pid"
	wait "$pid" 2>/dev/null
	exec 7>&-
	wait $sender
	delete_ours
}

sees_what_it_may()
{
	need_nobody || return
	mboxctl create "$box-private"
	mboxctl create "$box-public" mode=0602
	as_nobody mboxctl list noheader columns=name "'name=$box-*'" >"$dir/out"
	printed "$box-public\n"
	as_nobody mboxctl purge "$box-public" 2>"$dir/err" && wrong "purged"
	said 'only the owner'
	as_nobody mboxctl purge "$box-private" 2>"$dir/err" && wrong "purged"
	said 'only the owner'
	delete_ours
}

show_parties()
{
	mboxctl create "$box" capacity=1
	mboxctl send "$box" first
	start send "$box" prio=3 type=7 second
	blocked senders
	expect 0 show "$box"
	matches "^waiter  +pid=$pid command=mboxctl tid=$pid call=send since=20[^ ]* waited_ms=[0-9]+ size=6 prio=3 type=7\$"
	matches "^handle  +pid=$pid command=mboxctl rights=w received=0\$"
	matches '^blocked  +1$'
	matches '^peak  +1$'
	expect 0 -j show "$box"
	[ "$(wc -l <"$dir/out")" -eq 1 ] || wrong "$(wc -l <"$dir/out") lines"
	matches "\"waiter\":\[\{\"pid\":$pid,\"command\":\"mboxctl\",\"tid\":$pid,\"call\":\"send\",\"since\":\"[^\"]*\",\"waited_ms\":[0-9]+,\"size\":6,\"prio\":3,\"type\":7,\"nottype\":null,\"maxtype\":null,\"from\":null\}\]"
	matches "\"handle\":\[\{\"pid\":$pid,\"command\":\"mboxctl\",\"rights\":\"w\",\"received\":0,\"queued\":null,\"lost\":null\}\]\}\$"
	expect 0 recv "$box"
	finished 0
	expect 0 recv "$box"
	start recv "$box" type=9
	blocked receivers
	expect 0 show "$box"
	matches "^waiter .* call=receive .* type=9\$"
	matches '^woken  +1$'
	kill "$pid"
	finished 143
	expect 0 -j show "$box"
	matches '"waiter":\[\],"handle":\[\]\}$'
	for how in type nottype maxtype; do
		start recv "$box" $how=4294967297
		blocked receivers
		expect 0 show "$box"
		matches "^waiter .* call=receive .* size=[0-9]+ $how=4294967297\$"
		kill "$pid"
		finished 143
	done
}

# start_helper WORD...: start lease_helper on the mailbox in the background
start_helper()
{
	: >"$dir/helper.out"
	"${0%/*}/lease_helper" "$box" "$@" >"$dir/helper.out" 2>&1 &
	pid=$!
	pids="$pids $pid"
}

# leased: wait until the last helper has a lease; its token is in $token
leased()
{
	tries=300
	until token=$(grep '^[0-9]*$' "$dir/helper.out"); do
		[ $((tries -= 1)) -gt 0 ] || { wrong "no lease: $(cat "$dir/helper.out")"; return; }
		sleep 0.1
	done
}

show_leases()
{
	mboxctl create "$box"
	expect 0 -j show "$box"
	matches '"leased":0,"delayed":0,"parked":0,"redelivered":0,"dead":0,"maxdeliveries":null,"deadletter":null,"mark":null,'
	matches '"job":\[\],"waiter":\[\],"handle":\[\]\}$'
	mboxctl send "$box" prio=3 type=7 work
	start_helper lease 3600000
	leased
	expect 0 show "$box"
	matches "^job  +state=leased token=$token seq=1 deliveries=1 pid=$pid command=lease_helper since=20[^ ]* held_ms=[0-9]+ until=20[^ ]* left_ms=3[0-9]{6} size=4 prio=3 type=7\$"
	matches '^leased  +1$'
	expect 0 list noheader columns=leased,delayed,parked,redelivered,dead,maxdeliveries,deadletter,mark "name=$box"
	[ "$(xargs <"$dir/out")" = "1 0 0 0 0 - - -" ] || wrong "listed $(cat "$dir/out")"
	kill "$pid"
	tries=300
	until mboxctl show "$box" | grep -q '^redelivered  *1$'; do
		[ $((tries -= 1)) -gt 0 ] || { wrong "the message does not return"; break; }
		sleep 0.1
	done
	expect 0 recv "$box"

	start_helper call
	caller=$pid
	blocked senders
	expect 0 show "$box"
	matches "^waiter  +pid=$caller command=lease_helper tid=$caller call=reply since=20[^ ]* waited_ms=[0-9]+ size=7 prio=0 type=0\$"
	start_helper lease
	leased
	expect 0 -j show "$box"
	matches "\"job\":\[\{\"state\":\"leased\",\"token\":$token,\"seq\":2,\"deliveries\":1,\"pid\":$pid,\"command\":\"lease_helper\",\"since\":\"[^\"]*\",\"held_ms\":[0-9]+,\"until\":null,\"left_ms\":null,\"size\":7,\"prio\":0,\"type\":0,\"caller\":$caller,\"reason\":null,\"code\":null\}\]"
	matches "\"call\":\"reply\""
}

purge()
{
	mboxctl create "$box"
	printf '%s\n' a b c | mboxctl send "$box" lines
	expect 0 purge "$box"
	printed 'purged        3\n'
	expect 0 -j purge "$box"
	printed '{"purged":0}\n'
	field queued 0
	field dropped 3
	field purged 3
	start send "$box" sync text
	blocked senders
	expect 0 purge "$box"
	printed 'purged        1\n'
	finished 2
	mboxctl delete "$box"
	expect 4 purge "$box"
	said 'no mailbox of that name'
	mboxctl create "$box" ring=4K
	expect 2 purge "$box"
	said 'not on a mailbox of this kind'
}

delete_all()
{
	for i in 1 2 3; do
		mboxctl create "$box-$i"
	done
	mboxctl create "$box"
	mboxctl send "$box-2" x
	expect 1 delete --all "name=$box-*" </dev/null
	said 'no terminal'
	expect 0 list noheader columns=name "name=$box-*"
	printed "$box-1\n$box-2\n$box-3\n"
	expect 2 delete --all --yes "name=$box-*"
	said "delete $box-2: not empty: 1 message is queued"
	expect 0 list noheader columns=name "name=$box*"
	printed "$box-2\n$box\n"
	expect 0 -v delete --all --yes "name=$box-*" force
	printed 'deleted       1\nfailed        0\ndropped       1\n'
	expect 0 delete --all --yes "name=$box-*"
	printed ''
	# a mailbox of the name of a word
	if ! mboxctl show force >/dev/null 2>&1; then
		mboxctl create force
		expect 0 delete force
		expect 4 show force
	fi
	expect 1 delete "$box" --all
	expect 1 delete "$box" --yes
	expect 1 delete "name=$box"
	expect 0 delete "$box"
}

# On a terminal the answer decides; the error is that nothing was done.
delete_all_asks()
{
	for answer in n '' y; do
		mboxctl create "$box-1" 2>/dev/null
		echo "$answer" | "$pty" 24 80 mboxctl delete --all "name=$box-*" >"$dir/out" 2>&1 && got=0 || got=$?
		grep -q 'delete 1 mailbox? \[y/N\]' "$dir/out" || wrong "asked: $(cat "$dir/out")"
		if [ "$answer" = y ]; then
			[ "$got" = 0 ] || wrong "exit status $got: $(cat "$dir/out")"
			expect 4 show "$box-1"
		else
			[ "$got" = 2 ] || wrong "exit status $got: $(cat "$dir/out")"
			grep -q 'nothing was deleted' "$dir/out" || wrong "said: $(cat "$dir/out")"
			expect 0 show "$box-1"
		fi
	done
	delete_ours
}

links()
{
	sleep 30 &
	peer=$!
	pids="$pids $peer"
	expect 0 links pid="$peer" noheader
	printed ''
	# a message stays in the inbox of a living process, and the link with it, until the sender ends
	start link "$peer" recv
	tries=300
	until mboxctl links noheader | grep -q " $peer "; do
		[ $((tries -= 1)) -gt 0 ] || { wrong "no link"; break; }
		sleep 0.1
	done
	expect 0 links pid="$peer"
	matches '^ *ONE  ONE_COMMAND +OTHER  OTHER_COMMAND +CAPACITY +MSGSIZE +HANDLES +QUEUED  QUEUED_BACK$'
	matches "^ *$pid  mboxctl +$peer  sleep +64 +8192 +1 +0 +0\$"
	expect 0 -j links pid="$peer"
	printed "{\"one\":$pid,\"one_command\":\"mboxctl\",\"other\":$peer,\"other_command\":\"sleep\",\"capacity\":64,\"msgsize\":8192,\"handles\":1,\"queued\":0,\"queued_back\":0}\n"
	kill "$peer"
	finished 4
}

# A message that a sender left in an inbox is there, and the process that should receive it.
inboxes()
{
	sleep 30 &
	peer=$!
	pids="$pids $peer"
	expect 0 link "$peer" send hello
	expect 0 list kind=inbox owner="$peer"
	matches '^ *OWNER  COMMAND +QUEUED +QUEUED_BYTES +WAITERS +HANDLES  USER +ID$'
	matches "^ *$peer  sleep +1 +5 +0 +0  $(id -un) +[0-9]+\$"
	expect 0 -j list kind=inbox owner="$peer" columns=kind,owner,queued
	printed "{\"kind\":\"inbox\",\"owner\":$peer,\"queued\":1}\n"
	expect 0 links pid="$peer"
	matches "^ *-  - +$peer  sleep +- +- +- +1 +0\$"
	expect 0 -j links pid="$peer"
	printed "{\"one\":null,\"one_command\":null,\"other\":$peer,\"other_command\":\"sleep\",\"capacity\":null,\"msgsize\":null,\"handles\":null,\"queued\":1,\"queued_back\":0}\n"
	expect 0 purge id="$(mboxctl list kind=inbox noheader columns=id owner="$peer" | xargs)"
	printed 'purged        1\n'
	expect 0 list kind=inbox owner="$peer" noheader
	printed ''
	expect 0 link "$peer" send again
	kill "$peer"
	wait "$peer" 2>/dev/null
	tries=300
	while mboxctl links noheader | grep -q " $peer " && [ $((tries -= 1)) -gt 0 ]; do
		sleep 0.1
	done
	expect 0 list kind=inbox owner="$peer" noheader
	printed ''
}

usage_errors()
{
	while read -r words; do
		# shellcheck disable=SC2086 # words
		expect 1 $words </dev/null
		[ ! -s "$dir/out" ] || wrong "mboxctl $words: printed something"
	done <<-END
		list $box
		list columns=
		list columns=name,
		list columns=nonsense
		list columns=name,nonsense
		list sort=
		list sort=-
		list sort=nonsense
		list state=dead
		list kind=link
		list user=no-such-user
		list owner=0
		list name=
		list full full
		delete --all $box
		delete --yes
		delete --nonsense
		purge
		purge $box $box
		links $box
		links pid=0
		links pid=x
	END
}

# A list that nobody reads to its end is no error; one that cannot be written is.
outputs()
{
	mboxctl create "$box"
	{ mboxctl list 2>"$dir/err"; echo $? >"$dir/status"; } | :
	[ ! -s "$dir/err" ] || wrong "said $(cat "$dir/err")"
	[ "$(cat "$dir/status")" = 0 ] || wrong "exit status $(cat "$dir/status")"
	mboxctl list >/dev/full 2>"$dir/err" && wrong "done on a full device"
	said 'standard output: No space left'
}

run_tests columns order filters sees_what_it_may show_parties show_leases purge delete_all delete_all_asks links \
	inboxes \
	usage_errors outputs
