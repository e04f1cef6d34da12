#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# mboxctl watch, stat, top: events as they happen. In KTAP, for any POSIX shell; needs the module and
# mboxctl on the PATH.

. "${0%/*}/mboxctl_helper.sh"

# Start mboxctl watch, and wait until it misses nothing any more.
start_watch()
{
	start -v watch "$@"
	tries=300
	until grep -q watching "$dir/bg.out"; do
		[ $((tries -= 1)) -gt 0 ] || { wrong "it does not watch"; return; }
		sleep 0.1
	done
}

# events WORD...: the output has these, one in each line
events()
{
	got=$(sed -n 's/.*event"*[=:]"*\([a-z-]*\).*/\1/p' "$dir/out" | grep -v watching | xargs)
	[ "$got" = "$*" ] || wrong "events: '$got', not '$*'"
}

life()
{
	start_watch "$box" timeout=60 count=3
	mboxctl create "$box"
	mboxctl send "$box" x
	mboxctl purge "$box" >/dev/null
	mboxctl delete "$box"
	finished 0
	events created dropped deleted
	sed -n 2p "$dir/out" | grep -qE "^time=20[0-9-]{8}T[0-9:]{8}\.[0-9]{9}Z event=created name=$box id=[0-9]+ state=live uid=$(id -u) " ||
		wrong "printed $(sed -n 2p "$dir/out")"
	sed -n 3p "$dir/out" | grep -q ' dropped=1 ' || wrong "printed $(sed -n 3p "$dir/out")"
}

full_and_room()
{
	mboxctl create "$box" capacity=1
	start_watch -j "$box" timeout=60 count=2
	mboxctl send "$box" x
	mboxctl send "$box" nonblock y 2>/dev/null
	# not within the time in which one mailbox's events are counted instead
	sleep 0.3
	mboxctl recv "$box" >/dev/null
	finished 0
	events full room
	sed -n 2p "$dir/out" | grep -qE "^\{\"time\":\"[^\"]*\",\"event\":\"full\",\"name\":\"$box\",\"id\":[0-9]+,\"state\":\"live\",\"uid\":$(id -u),\"queued\":1,\"dropped\":(null|[0-9]+),\"count\":1\}\$" ||
		wrong "printed $(sed -n 2p "$dir/out")"
}

lease_ending()
{
	mboxctl create "$box"
	mboxctl send "$box" x
	start_watch "$box" timeout=60 count=1
	"${0%/*}/lease_helper" "$box" lease 400 >"$dir/helper.out" &
	helper=$!
	pids="$pids $helper"
	finished 0
	events lease-ending
	sed -n 2p "$dir/out" | grep -q " queued=1 token=$(cat "$dir/helper.out") count=1\$" ||
		wrong "printed $(sed -n 2p "$dir/out")"
	kill "$helper"
}

owner_died()
{
	sleep 60 &
	owner=$!
	mboxctl create "$box" owner=$owner
	start_watch "$box" timeout=60 count=1
	kill -KILL $owner
	wait $owner 2>/dev/null
	finished 0
	events owner-died
}

only_named()
{
	start_watch "$box" timeout=60 count=1
	mboxctl create "$box-other"
	mboxctl delete "$box-other"
	mboxctl create "$box"
	finished 0
	events created
	grep -q other "$dir/out" && wrong "printed $(cat "$dir/out")"
}

# Each event is written when it comes, also into a pipe.
at_once()
{
	mkfifo "$dir/fifo"
	start_watch timeout=60
	kill "$pid"
	finished 0
	mboxctl -v watch "$box" timeout=60 >"$dir/fifo" &
	pids="$pids $!"
	{
		read -r line
		case $line in *watching*) ;; *) wrong "read '$line'" ;; esac
		mboxctl create "$box"
		read -r line
		case $line in *event=created*) ;; *) wrong "read '$line'" ;; esac
	} <"$dir/fifo"
	rm "$dir/fifo"
}

ends()
{
	before=$(uptime)
	expect 0 watch "$box" timeout=0.5
	printed ''
	[ $(($(uptime) - before)) -ge 49 ] || wrong "ended early"
	expect 3 watch "$box" timeout=0.1 count=1
	said 'the time was up after 0 of 1 events'
	for signal in INT TERM HUP; do
		start_watch "$box"
		kill -$signal "$pid"
		finished 0
	done
	# nobody reads any more
	start_reader=$(uptime)
	mboxctl watch "$box" timeout=30 2>"$dir/err" | :
	[ $(($(uptime) - start_reader)) -lt 2500 ] || wrong "went on without a reader"
	[ ! -s "$dir/err" ] || wrong "said $(cat "$dir/err")"
	mboxctl watch "$box" timeout=0.1 >/dev/full 2>"$dir/err" || wrong "without output: $(cat "$dir/err")"
	mboxctl -v watch "$box" timeout=0.1 >/dev/full 2>"$dir/err" && wrong "done on a full device"
	said 'No space left'
}

# Stopped, it lets the kernel's queue run over; it says so, and goes on.
lost()
{
	start_watch timeout=120
	kill -STOP "$pid"
	# the kernel keeps so many bytes of them only
	tries=60
	while [ $((tries -= 1)) -gt 0 ]; do
		for i in 1 2 3 4 5 6 7 8 9 10; do
			mboxctl create "$box-$tries-$i" && mboxctl delete "$box-$tries-$i"
		done
		drops=$(awk '$2 == 16 { n += $9 } END { print n + 0 }' /proc/net/netlink)
		[ "$drops" = 0 ] || break
	done
	kill -CONT "$pid"
	if [ "$drops" = 0 ]; then
		kill "$pid"
		finished 0
		skip="the kernel keeps more events than can be made here"
		return
	fi
	sleep 1
	mboxctl create "$box"
	sleep 1
	kill "$pid"
	finished 0
	grep -q 'event=lost$' "$dir/out" || wrong "lost nothing"
	tail -n 1 "$dir/out" | grep -q "event=created name=$box " || wrong "went on with $(tail -n 1 "$dir/out")"
}

stat()
{
	mboxctl create "$box" capacity=unbounded
	mboxctl send "$box" text
	expect 0 stat "$box"
	[ "$(wc -l <"$dir/out")" -eq 2 ] || wrong "$(wc -l <"$dir/out") lines"
	head -n 1 "$dir/out" | grep -q '^SENDERS  RECEIVERS    QUEUED  QUEUED_BYTES      SENT/S ' ||
		wrong "head: $(head -n 1 "$dir/out")"
	tail -n 1 "$dir/out" | grep -qE '^ +0 +0 +1 +4 ' || wrong "printed $(tail -n 1 "$dir/out")"
	before=$(uptime)
	expect 0 -j stat "$box" interval=0.2 count=3
	[ $(($(uptime) - before)) -ge 39 ] || wrong "too quick"
	[ "$(wc -l <"$dir/out")" -eq 3 ] || wrong "$(wc -l <"$dir/out") lines"
	[ "$(grep -cE '^\{"senders":0,"receivers":0,"queued":1,"queued_bytes":4,"sent_rate":[0-9]+\.[0-9],"bytes_rate":[0-9.]+,"received_rate":0.0,' "$dir/out")" = 3 ] ||
		wrong "printed $(cat "$dir/out")"
	start stat "$box" interval=0.2 noheader
	sleep 0.5
	seq 500 | mboxctl send "$box" lines
	sleep 0.5
	kill -INT "$pid"
	finished 0
	awk '$5 > 0 { sent = 1 } $3 == 501 { queued = 1 } END { exit !(sent && queued) }' "$dir/out" ||
		wrong "no traffic: $(cat "$dir/out")"
	start stat "$box" interval=0.1
	sleep 0.5
	mboxctl delete "$box" force
	finished 4
	said 'deleted'
	expect 4 stat "$box"
	said 'no mailbox of that name'
}

# printed_yet PATTERN: wait until the last one that was started has printed a line of it
printed_yet()
{
	tries=300
	until grep -qE "$1" "$dir/bg.out"; do
		if ! kill -0 "$pid" 2>/dev/null || [ $((tries -= 1)) -eq 0 ]; then
			wrong "it did not print $1: $(cat "$dir/bg.out" "$dir/bg.err")"
			return 1
		fi
		sleep 0.1
	done
}

top()
{
	mboxctl create "$box" capacity=unbounded
	mboxctl create "$box-idle"
	start -j top interval=0.5 "name=$box*"
	# the traffic is to come between two tables, however slow the machine
	printed_yet '"sent_rate":0.0,' || return
	seq 500 | mboxctl send "$box" lines
	printed_yet '"sent_rate":[1-9]' || return
	kill -INT "$pid"
	finished 0
	# two in each table, and one may have been begun
	[ "$(wc -l <"$dir/out")" -ge 4 ] || wrong "$(wc -l <"$dir/out") lines"
	grep -qE "^\{\"time\":\"20[^\"]*\",\"name\":\"$box\",\"sent_rate\":[1-9][0-9]*\.[0-9],.*\"user\":\"[^\"]*\",\"id\":[0-9]+\}\$" "$dir/out" ||
		wrong "no traffic: $(cat "$dir/out")"
	expect 0 top interval=0.1 count=1 sort=depth "name=$box*" rows=1
	[ "$(sed -n 1p "$dir/out" | sed 's/^[^ ]*  //')" = 'mailboxes=2 messages=500 blocked=0 sort=depth' ] ||
		wrong "printed $(sed -n 1p "$dir/out")"
	sed -n 3p "$dir/out" | grep -qE "^$box +[0-9.]+ +[0-9.]+ +[0-9.]+ +500  unbounded +0 +0 " || wrong "printed $(sed -n 3p "$dir/out")"
	[ "$(wc -l <"$dir/out")" -eq 4 ] || wrong "$(wc -l <"$dir/out") lines"
	# a mailbox that only now fits the filter has had no traffic of late
	expect 0 -j top interval=0.1 count=1 messages "name=$box*"
	grep -q '"sent_rate":0.0,' "$dir/out" || wrong "printed $(cat "$dir/out")"
	start top interval=0.1
	sleep 0.5
	kill -INT "$pid"
	finished 0
	mboxctl delete "$box-idle"
}

# The table fills the window and no more; q ends; the screen is left, and the cursor is there again.
top_on_a_terminal()
{
	for i in 1 2 3 4 5 6 7 8 9; do
		mboxctl create "$box-$i"
	done
	before=$(uptime)
	{ sleep 2; printf q; sleep 1; } |
		"${0%/*}/pty_helper" 8 100 mboxctl top interval=30 "name=$box-*" >"$dir/out" 2>&1 && got=0 || got=$?
	[ "$got" = 0 ] || wrong "exit status $got"
	[ $(($(uptime) - before)) -lt 2500 ] || wrong "q does not end it"
	[ "$(grep -c "$box-" "$dir/out")" -eq 5 ] || wrong "printed $(cat "$dir/out")"
	grep -qF "$(printf '\033[?25h\033[?1049l')" "$dir/out" || wrong "left the screen as it was"
	mboxctl delete --all --yes "name=$box-*"
}

usage_errors()
{
	while read -r words; do
		# shellcheck disable=SC2086 # words
		expect 1 $words </dev/null
		[ ! -s "$dir/out" ] || wrong "mboxctl $words: printed something"
	done <<-END
		watch $box $box
		watch .a
		watch count=0
		watch timeout=x
		watch $box count=1 count=1
		watch $box full
		stat
		stat $box interval=0
		stat $box interval=100000
		stat $box count=0
		top $box
		top interval=0.001
		top sort=nonsense
		top rows=0
	END
}

run_tests life full_and_room lease_ending owner_died only_named at_once ends lost stat top top_on_a_terminal usage_errors
