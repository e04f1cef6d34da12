#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# mboxctl with leases: recv lease and exec, ack, nack, kick, dead letters, and messages with a time. As
# mboxctl_test.sh.

. "${0%/*}/mboxctl_helper.sh"

dead=$box.dead

# token FILE: of the message that recv lease printed, in $token
token()
{
	tries=300
	until token=$(sed -n '1 s/^token=\([0-9]*\) .*/\1/p' "$1") && [ -n "$token" ]; do
		[ $((tries -= 1)) -gt 0 ] || { wrong "no token in $(cat "$1")"; return; }
		sleep 0.1
	done
}

# Wait until the last one that was started has printed something.
begun()
{
	tries=300
	until [ -s "$dir/bg.out" ]; do
		[ $((tries -= 1)) -gt 0 ] || { wrong "it printed nothing: $(cat "$dir/bg.err")"; return; }
		sleep 0.1
	done
}

# counts QUEUED LEASED DELAYED PARKED
counts()
{
	field queued "$1"
	field leased "$2"
	field delayed "$3"
	field parked "$4"
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
		create $box.new deliveries=0
		create $box.new deliveries=x
		create $box.new dead=
		create $box.new ring=64K deliveries=3
		create $box.new policy=broadcast dead=$box
		recv $box lease exec -- true
		recv $box lease peek
		recv $box lease trunc=1
		recv $box exec trunc=1 -- true
		recv $box lease count=2
		recv $box lease all
		recv $box lease follow
		recv $box lease lines
		recv $box lease -- true
		recv $box lease for=0
		recv $box lease holder=0
		recv $box for=1
		recv $box holder=1
		recv $box delay=1
		recv $box -- true
		recv $box exec
		recv $box exec --
		recv $box exec true
		recv $box exec header -- true
		recv $box follow count=2
		ack $box
		ack $box 0
		ack $box x
		ack $box 1 2 x
		ack $box 18446744073709551616
		nack $box
		nack $box x
		nack $box 1 2
		nack $box 1 retry reject
		nack $box 1 release delay=1
		nack $box 1 code=3
		nack $box 1 reject delay=1
		kick
		kick $box count=0
		send $box delay=1 sync text
		send $box delay=1 acked text
		send $box expires=1 timeout=1 text
		send $box expires=0 text
		send $box acked nonblock text
		send $box mark=x text
	END
	counts 0 0 0 0
}

errors()
{
	mboxctl create "$box"
	expect 2 ack "$box" 77
	said 'token 77 is not valid'
	expect 2 nack "$box" 77
	said 'token 77 is not valid'
	expect 2 ack "$box" 77 78
	said 'token 78 is not valid'
	expect 3 recv "$box" lease nonblock
	said 'no message is there'
	expect 3 recv "$box" exec timeout=0.1 -- true
	said 'within 0.1 seconds'
	expect 0 recv "$box" exec all -- false
	for verb in 'ack 1' 'nack 1' kick 'recv lease' 'recv exec -- true' 'serve -- true' 'call hi' 'reply 1 hi'; do
		# shellcheck disable=SC2086 # words
		set -- $verb
		first=$1
		shift
		expect 4 "$first" "$box.none" "$@"
		said 'no mailbox of that name'
	done
	expect 4 create "$box.new" dead="$box.none"
	said "dead=$box.none: no mailbox of that name"
	mboxctl delete "$box"
	mboxctl create "$box" policy=broadcast
	expect 2 recv "$box" lease nonblock
	said 'has no leases'
	expect 2 send "$box" delay=1 text
	said 'has no leases'
	expect 2 create "$box.new" dead="$box"
	said 'takes no dead letters'
}

# The lease lasts until the message is acknowledged; then the command ends by itself.
lease()
{
	mboxctl create "$box"
	printf 'two\nlines' >"$dir/in"
	mboxctl send "$box" prio=7 type=3 <"$dir/in"
	start recv "$box" lease
	token "$dir/bg.out"
	counts 1 1 0 0
	expect 3 recv "$box" nonblock
	expect 2 delete "$box"
	expect 0 ack "$box" "$token"
	printed ''
	counts 0 0 0 0
	field received 1
	finished 0
	sed -n 1p "$dir/out" | grep -q "^token=$token deliveries=1 seq=1 time=.* length=9 prio=7 type=3 pid=" ||
		wrong "printed $(cat "$dir/out")"
	[ "$(sed 1d "$dir/out")" = "$(cat "$dir/in")" ] || wrong "printed $(cat "$dir/out")"
	expect 2 ack "$box" "$token"
	said "token $token is not valid"
	mboxctl send "$box" text
	start -j recv "$box" lease
	becomes leased 1
	expect 0 delete "$box" force
	finished 2
	said 'the lease has ended'
	grep -q '^{"token":[0-9]*,"deliveries":1,"seq":2,.*"text":"text"' "$dir/out" || wrong "printed $(cat "$dir/out")"
}

# A killed holder gives the message back to its place, and so does one that a signal ends.
killed()
{
	mboxctl create "$box"
	printf '1\n2\n3\n' | mboxctl send "$box" lines
	for signal in KILL TERM HUP; do
		start recv "$box" lease
		token "$dir/bg.out"
		kill -$signal "$pid"
		becomes leased 0
		wait "$pid" 2>/dev/null
	done
	field redelivered 3
	expect 0 recv "$box" all lines
	printed '1\n2\n3\n'
}

nack()
{
	mboxctl create "$box" capacity=2
	mboxctl send "$box" one
	start recv "$box" lease
	token "$dir/bg.out"
	expect 0 nack "$box" "$token" release
	printed ''
	finished 2
	said 'was not acknowledged'
	start recv "$box" lease
	token "$dir/bg.out"
	grep -q ' deliveries=1 ' "$dir/bg.out" || wrong "a release was counted: $(cat "$dir/bg.out")"
	expect 0 nack "$box" "$token" delay=1000
	counts 1 0 1 0
	expect 3 recv "$box" nonblock
	mboxctl delete "$box" force
	mboxctl create "$box"
	mboxctl send "$box" two
	start recv "$box" lease
	token "$dir/bg.out"
	expect 0 nack "$box" "$token" reject code=5
	counts 1 0 0 1
	expect 3 recv "$box" nonblock
	expect 0 kick "$box" count=3
	printed 'kicked        1\n'
	expect 0 kick "$box" -j
	printed '{"kicked":0}\n'
	expect 0 recv "$box" nonblock
	printed two
}

# A lease with a time, whose end returns the message.
timed()
{
	mboxctl create "$box"
	mboxctl send "$box" text
	expect 2 recv "$box" lease for=0.1
	said 'was not acknowledged'
	counts 1 0 0 0
	expect 0 recv "$box" nonblock
	printed text
}

# A process in the background holds the lease: until the acknowledgement, or as long as another lives.
holder()
{
	mboxctl create "$box"
	mboxctl send "$box" one
	idle
	expect 0 recv "$box" lease holder=$idle
	token "$dir/out"
	counts 1 1 0 0
	field handles 1
	expect 0 ack "$box" "$token"
	becomes handles 0
	mboxctl send "$box" two
	# as a script does it, and dies
	sh -c "job=\$(mboxctl recv $box lease holder=\$\$) && echo \"\$job\"; kill -KILL \$\$" >"$dir/out" 2>&1
	grep -qx two "$dir/out" || wrong "printed $(cat "$dir/out")"
	becomes leased 0
	becomes handles 0
	field redelivered 1
	kill -KILL $idle
	wait $idle 2>/dev/null
	expect 4 recv "$box" lease holder=$idle
	said 'no process of that id'
	expect 0 recv "$box" nonblock
	printed two
	mboxctl send "$box" three
	mboxctl recv "$box" lease >/dev/full 2>"$dir/err" && wrong "done on a full device"
	said 'standard output: No space left'
	counts 1 0 0 0
}

exec_status()
{
	mboxctl create "$box"
	mboxctl send "$box" prio=4 type=4294967305 the job
	# shellcheck disable=SC2016 # another shell expands it
	expect 0 recv "$box" exec nottype=9 -- sh -c 'echo "$(cat) $MBOX_NAME $MBOX_LENGTH $MBOX_PRIO $MBOX_TYPE $MBOX_SEQ
		$MBOX_DELIVERIES $MBOX_UID ${MBOX_ROOM-none} ${MBOX_REASON-none} $#"' sh a 'b c'
	printed "the job $box 7 4 4294967305 1\n\t\t1 $(id -u) none none 2\n"
	counts 0 0 0 0
	field received 1
	printf '1\n2\n3\n' | mboxctl send "$box" lines
	start recv "$box" exec -- sh -c 'exit 7'
	finished 7
	printed ''
	counts 3 0 0 0
	# shellcheck disable=SC2016
	start recv "$box" exec -- sh -c 'kill -KILL $$'
	finished 137
	# shellcheck disable=SC2016
	expect 0 recv "$box" exec count=2 -- sh -c 'echo "$(cat) $MBOX_DELIVERIES"'
	printed '1 3\n2 1\n'
	start recv "$box" exec -- "$dir/none"
	finished 127
	said 'No such file'
	start recv "$box" exec -- "$dir"
	finished 126
	start recv "$box" exec delay=1000 -- false
	finished 1
	counts 1 0 1 0
	# the process may decide by itself
	mboxctl send "$box" 4
	# shellcheck disable=SC2016
	start recv "$box" exec -- sh -c 'mboxctl nack "$MBOX_NAME" "$MBOX_TOKEN" reject; exit 3'
	finished 3
	counts 2 0 1 1
}

exec_many()
{
	mboxctl create "$box" deliveries=3
	printf '1\nbad\n2\n' | mboxctl send "$box" lines
	# shellcheck disable=SC2016 # another shell expands it
	start recv "$box" exec follow delay=0.05 -- sh -c 'read -r job; [ "$job" != bad ] && echo "$job"'
	becomes parked 1
	field received 2
	expect 0 delete "$box" force
	finished 4
	said 'the mailbox was deleted after'
	printed '1\n2\n'
	mboxctl create "$box"
	printf 'a\0b' | mboxctl send "$box"
	mboxctl send "$box" ''
	expect 0 recv "$box" exec all -- sh -c 'wc -c'
	printed '3\n0\n'
}

# A signal goes to the process; if that fails then, the message returns, and is not counted as tried.
exec_signal()
{
	mboxctl create "$box"
	mboxctl send "$box" text
	start recv "$box" exec -- sh -c 'trap "echo told; exit 9" TERM; echo begun; while :; do sleep 0.1; done'
	begun
	kill -TERM "$pid"
	finished 143
	printed 'begun\ntold\n'
	counts 1 0 0 0
	expect 0 -j recv "$box" lease holder=$$
	grep -q '"deliveries":1,' "$dir/out" || wrong "printed $(cat "$dir/out")"
	mboxctl delete "$box" force
	mboxctl create "$box"
	mboxctl send "$box" text
	start recv "$box" exec follow -- sh -c 'trap "exit 0" TERM; echo begun; while :; do sleep 0.1; done'
	begun
	kill -TERM "$pid"
	finished 143
	counts 0 0 0 0
}

# If mboxctl is killed, the message is leased as long as the process works, and returns then.
exec_killed()
{
	mboxctl create "$box"
	mboxctl send "$box" text
	# shellcheck disable=SC2016 # another shell expands it
	start recv "$box" exec -- sh -c 'echo $$; until [ -e "$1" ]; do sleep 0.1; done' sh "$dir/go"
	begun
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null
	counts 1 1 0 0
	expect 3 recv "$box" nonblock
	: >"$dir/go"
	becomes leased 0
	rm "$dir/go"
	# and if the process is killed, it returns at once
	# shellcheck disable=SC2016
	start recv "$box" exec -- sh -c 'echo $$; exec sleep 1000'
	begun
	kill -KILL "$(cat "$dir/bg.out")"
	finished 137
	counts 1 0 0 0
	expect 0 recv "$box" nonblock
	printed text
}

dead_letters()
{
	mboxctl create "$dead"
	expect 0 create "$box" deliveries=2 dead="$dead"
	field maxdeliveries 2
	field deadletter "$(mboxctl show "$dead" | sed -n 's/^id  *//p')"
	expect 2 create "$box.new" dead="$box"
	said 'has a dead-letter mailbox itself'
	mboxctl send "$box" bad
	for status in 3 4; do
		start recv "$box" exec -- sh -c "exit $status"
		finished $status
	done
	counts 0 0 0 0
	field dead 1
	field dropped 1
	mboxctl send "$box" worse
	start recv "$box" lease
	token "$dir/bg.out"
	expect 0 nack "$box" "$token" reject code=42
	# shellcheck disable=SC2016 # another shell expands it
	expect 0 recv "$dead" exec all -- \
		sh -c 'echo "$(cat) $MBOX_REASON ${MBOX_CODE-none} $MBOX_ORIGIN $MBOX_ORIGIN_SEQ"'
	id=$(mboxctl show "$box" | sed -n 's/^id  *//p')
	printed "bad deliveries none $id 1\nworse rejected 42 $id 2\n"
	mboxctl delete "$box" force
	expect 0 create "$box"
	has=$(mboxctl -j show "$box")
	case $has in
	*'"maxdeliveries":null,"deadletter":null,'*) ;;
	*) wrong "no null in $has" ;;
	esac
}

posts()
{
	mboxctl create "$box" capacity=2
	expect 0 send "$box" mark=77 one
	field mark 77
	expect 0 send "$box" delay=0.3 two
	field delayed 1
	expect 3 send "$box" delay=1 three
	said 'does not wait for room'
	expect 0 recv "$box"
	printed one
	expect 0 recv "$box" timeout=30
	printed two
	expect 0 send "$box" expires=0.1 three
	becomes parked 1
	expect 3 recv "$box" nonblock
	mboxctl kick "$box" >/dev/null
	expect 0 recv "$box" nonblock
	printed three
	printf 'a\nb\n' | mboxctl send "$box" lines mark=5 delay=0.1
	field mark 5
	becomes delayed 0
	expect 0 recv "$box" lines all
	printed 'a\nb\n'
}

acked()
{
	mboxctl create "$box"
	expect 3 send "$box" acked timeout=0.1 text
	said 'nobody acknowledged it within 0.1 seconds'
	counts 0 0 0 0
	start send "$box" acked text
	mboxctl recv "$box" lease holder=$$ >"$dir/job"
	token "$dir/job"
	kill -0 "$pid" || wrong "it did not wait for the acknowledgement"
	expect 0 ack "$box" "$token" -v
	printed 'acked         1\n'
	finished 0
}

cleanup_dead()
{
	mboxctl delete "$dead" force 2>/dev/null
}
trap 'cleanup; cleanup_dead; rm -rf "$dir"' EXIT

run_tests usage_errors errors lease killed nack timed holder exec_status exec_many exec_signal exec_killed dead_letters \
	posts acked
