#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# mboxctl with calls: call, serve and reply. As mboxctl_test.sh.

. "${0%/*}/mboxctl_helper.sh"

# A server in the background; its process id is in $server.
serve()
{
	mboxctl serve "$box" "$@" >"$dir/server.out" 2>"$dir/server.err" </dev/null &
	server=$!
	pids="$pids $server"
}

# served STATUS: the server has ended
served()
{
	tries=300
	while kill -0 "$server" 2>/dev/null; do
		[ $((tries -= 1)) -gt 0 ] || { wrong "the server still runs"; return; }
		sleep 0.1
	done
	wait "$server" 2>/dev/null && got=0 || got=$?
	[ "$got" = "$1" ] || wrong "the server's exit status is $got, not $1: $(cat "$dir/server.err")"
}

# Receive a call with a lease, which this shell holds; its token is in $token.
holds()
{
	mboxctl recv "$box" lease holder=$$ timeout=30 >"$dir/job" || wrong "no call came"
	token=$(sed -n '1 s/^token=\([0-9]*\) .*/\1/p' "$dir/job")
}

# The tests.

usage_errors()
{
	mboxctl create "$box"
	while read -r words; do
		# shellcheck disable=SC2086 # words
		expect 1 $words </dev/null
		[ ! -s "$dir/out" ] || wrong "mboxctl $words: printed something"
	done <<-END
		call
		call $box timeout=x text
		call $box prio=-1 text
		call $box room=x text
		serve
		serve $box
		serve $box --
		serve $box cat
		serve $box count=0 -- cat
		serve $box nonblock timeout=1 -- cat
		reply $box
		reply $box x text
	END
}

answers()
{
	mboxctl create "$box"
	serve count=4 -- tr a-z A-Z
	expect 0 call "$box" two words
	printed 'TWO WORDS'
	printf 'three\nlines\n' >"$dir/in"
	expect 0 call "$box" <"$dir/in"
	printed 'THREE\nLINES\n'
	expect 0 call -j "$box" text
	grep -q '^{"length":4,"pid":[1-9][0-9]*,"start":[1-9][0-9]*,"text":"TEXT","base64":"VEVYVA=="}$' "$dir/out" ||
		wrong "printed $(cat "$dir/out")"
	expect 0 call "$box" ''
	printed ''
	served 0
	field queued 0
	field received 4
	field leased 0
	[ ! -s "$dir/server.err" ] || wrong "the server said $(cat "$dir/server.err")"
}

environment()
{
	mboxctl create "$box" msgsize=1000
	# shellcheck disable=SC2016 # another shell expands it
	serve count=2 -- sh -c 'echo "$MBOX_PID $MBOX_ROOM $MBOX_PRIO $MBOX_TYPE ${MBOX_LEFT-none}"'
	start call "$box" prio=2 type=12884901888 text
	finished 0
	printed "$pid 1000 2 12884901888 none\n"
	expect 0 call "$box" room=500 timeout=30 text
	grep -q '^[0-9]* 500 0 0 \(29\|30\)\.[0-9]\{9\}$' "$dir/out" || wrong "printed $(cat "$dir/out")"
	served 0
}

fails()
{
	mboxctl create "$box"
	# shellcheck disable=SC2016 # another shell expands it
	serve count=3 -- sh -c 'case $(cat) in fail) echo said; exit 5 ;; die) kill -KILL $$ ;; *) printf %020d 0 ;; esac'
	expect 2 call "$box" fail
	said 'the server rejected the call, with code 5'
	printed ''
	expect 2 call "$box" die
	said 'with code 137'
	expect 2 call "$box" room=19 long
	said 'with code 90'
	served 0
	grep -q 'longer than the caller takes, 19 bytes' "$dir/server.err" || wrong "the server said $(cat "$dir/server.err")"
	field parked 0
	field queued 0
	# a server that cannot run its command leaves the call to others
	serve -- "$dir/none"
	start call "$box" timeout=30 text
	served 127
	grep -q 'back in the mailbox' "$dir/server.err" || wrong "the server said $(cat "$dir/server.err")"
	serve count=1 -- cat
	finished 0
	printed text
	served 0
}

# The caller learns of the end of its server; with retry another server answers.
killed()
{
	mboxctl create "$box"
	serve -- sleep 1000
	start call "$box" text
	becomes leased 1
	kill -KILL "$server"
	finished 4
	said 'the server has ended without a reply'
	serve -- sleep 1000
	start call "$box" retry text
	becomes leased 1
	kill -KILL "$server"
	serve count=1 -- cat
	finished 0
	printed text
	served 0
}

# A signal goes to the command; the call is left to others.
signalled()
{
	mboxctl create "$box"
	serve -- sleep 1000
	start call "$box" timeout=30 text
	becomes leased 1
	kill -TERM "$server"
	served 143
	serve count=1 -- cat
	finished 0
	printed text
	served 0
}

gives_up()
{
	mboxctl create "$box" capacity=1
	expect 3 call "$box" timeout=0.1 text
	said 'no reply within 0.1 seconds; the call is withdrawn'
	field withdrawn 1
	field queued 0
	mboxctl send "$box" text
	expect 3 call "$box" nonblock text
	said 'the mailbox is full'
	mboxctl purge "$box" >/dev/null
	start call "$box" timeout=0.5 text
	holds
	finished 3
	said 'no reply within 0.5 seconds'
	expect 2 reply "$box" "$token" late
	said "token $token is not valid"
	start call "$box" text
	blocked senders
	expect 0 recv "$box"
	finished 2
	said 'without a lease'
	start call "$box" text
	blocked senders
	expect 0 delete "$box" force
	finished 4
	said 'the mailbox was deleted'
}

# Reply by hand, to a call that a shell holds.
replies()
{
	mboxctl create "$box" msgsize=100
	start call "$box" question
	holds
	grep -q '^token=[0-9]* deliveries=1 room=100 seq=1 ' "$dir/job" || wrong "received $(cat "$dir/job")"
	[ "$(sed 1d "$dir/job")" = question ] || wrong "received $(cat "$dir/job")"
	expect 2 reply "$box" "$token" "$(printf %0101d 0)"
	said 'the reply is longer than the caller takes'
	expect 0 reply "$box" "$token" the answer
	printed ''
	finished 0
	printed 'the answer'
	expect 2 reply "$box" "$token" again
	said "token $token is not valid"
	start call "$box" question
	holds
	printf 'from a file\n' >"$dir/in"
	expect 0 reply "$box" "$token" <"$dir/in"
	finished 0
	printed 'from a file\n'
	start call "$box" question
	holds
	expect 0 ack "$box" "$token"
	finished 0
	printed ''
	start call "$box" question
	holds
	expect 0 nack "$box" "$token" reject code=9
	finished 2
	said 'with code 9'
	mboxctl send "$box" no call
	holds
	expect 2 reply "$box" "$token" text
	said 'is no call'
	expect 0 reply "$box" "$token" ''
	field queued 0
	expect 2 call "$box" "$(printf %0101d 0)"
	said 'the message is longer than 100 bytes'
	expect 2 call "$box" room=20M hi
	said 'room=20971520 is more than the module allows'
}

# A message that is no call is served, too; its output goes nowhere.
messages()
{
	mboxctl create "$box"
	mboxctl send "$box" one
	mboxctl send "$box" two
	# shellcheck disable=SC2016 # another shell expands it
	serve count=2 -- sh -c 'read -r text; echo "$text"; [ "$text" = one ]'
	served 0
	field received 1
	field parked 1
	expect 3 serve "$box" nonblock -- cat
	said 'no call is there'
	expect 3 serve "$box" timeout=0.1 -- cat
	said 'no call came within 0.1 seconds'
}

run_tests usage_errors answers environment fails killed signalled gives_up replies messages
