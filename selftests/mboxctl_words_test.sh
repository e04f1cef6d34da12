#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# mboxctl takes words as people type them, and explains errors: typos, abbreviations, other names, units,
# ids, several names, exit statuses, JSON. As mboxctl_test.sh.

. "${0%/*}/mboxctl_helper.sh"

pty=${0%/*}/pty_helper

# The number of the mailbox.
id_of()
{
	mboxctl list noheader columns=id "name=$1" | xargs
}

typos()
{
	mboxctl create "$box"
	while IFS='|' read -r words meant; do
		# shellcheck disable=SC2086 # words
		expect 1 $words </dev/null
		said "did you mean $meant?"
	done <<-END
		crate $box|create
		lst|list
		sned $box x|send
		recieve $box|recv
		creat $box capacty=3|capacity=
		create $box exclusiv|exclusive
		list colums=name|columns=
		send $box timout=5 x|timeout=
		send $box --timout=5 x|--timeout
		show $box --jsn|--json
		--hlep|--help
	END
	field queued 0
	expect 1 send "$box" x=y
	said 'put -- before'
	expect 0 send "$box" -- "x=y"
	expect 0 recv "$box" nonblock
	printed x=y
}

abbreviations()
{
	expect 0 cr "$box" cap=3
	field capacity 3
	expect 0 sen "$box" time=1 text
	expect 0 rec "$box" nonblock
	printed text
	expect 0 receive "$box" all
	expect 0 info "$box"
	expect 0 ls "name=$box" noheader col=name
	printed "$box\n"
	expect 1 l
	said 'l: may be any of list'
	expect 1 create "$box" m=1
	said 'm=1: unknown word'
	expect 0 rm "$box"
	expect 0 help rm
	head -n 1 "$dir/out" | grep -q 'mboxctl \[OPTIONS\] delete ' || wrong "help rm: $(head -n 1 "$dir/out")"
}

units()
{
	expect 0 --json create "$box" --bytes=1G msgsize=64KiB --mode=0640
	field bytes 1073741824
	field msgsize 65536
	field mode 0640
	expect 0 set "$box" bytes=2M msgsize=1k
	field bytes 2097152
	field msgsize 1024
	before=$(uptime)
	expect 3 recv "$box" timeout=500ms
	said 'within 0.5 seconds'
	expect 3 recv "$box" timeout=500000us
	expect 3 recv "$box" timeout=1s
	said 'within 1 second'
	after=$(uptime)
	[ $((after - before)) -ge 199 ] || wrong "waited $((after - before))0 ms"
	mboxctl send "$box" x
	for time in 2m 1h 1.5d 5 0.25 1000000ns 0.000000001; do
		expect 0 recv "$box" peek --timeout=$time
	done
}

# Every verb that takes a name takes an id, and finds no other mailbox of that name.
ids()
{
	mboxctl create "$box" capacity=4
	id=$(id_of "$box")
	expect 0 send "id=$id" text
	expect 0 recv "id=$id" nonblock
	printed text
	expect 0 show "id=$id"
	grep -q "^name  *$box\$" "$dir/out" || wrong "printed $(cat "$dir/out")"
	expect 0 set "id=$id" capacity=7
	field capacity 7
	expect 0 chmod "id=$id" 0640
	field mode 0640
	expect 0 chown "id=$id" "$(id -u)"
	expect 0 stat "id=$id"
	expect 0 purge "id=$id"
	expect 0 handover "id=$id" os
	start -v watch "id=$id" timeout=60 count=1
	tries=300
	until grep -q watching "$dir/bg.out" || [ $((tries -= 1)) -eq 0 ]; do
		sleep 0.1
	done
	# held open without a name
	mkfifo "$dir/fifo"
	mboxctl send "$box" lines <"$dir/fifo" &
	sender=$!
	exec 7>"$dir/fifo"
	tries=300
	until [ "$(mboxctl list noheader columns=handles "name=$box" | xargs)" = 1 ] || [ $((tries -= 1)) -eq 0 ]; do
		sleep 0.1
	done
	expect 0 delete "id=$id" unlink
	finished 0
	grep -q 'event=deleted' "$dir/out" || wrong "watched $(cat "$dir/out")"
	mboxctl create "$box" capacity=9
	expect 0 show "id=$id"
	grep -q '^capacity  *7$' "$dir/out" || wrong "showed $(cat "$dir/out")"
	grep -q '^state  *unlinked$' "$dir/out" || wrong "showed $(cat "$dir/out")"
	expect 0 set "id=$id" capacity=8
	field capacity 9
	expect 4 send "id=$id" text
	said 'no name by which it can be opened'
	echo last >&7
	exec 7>&-
	wait $sender
	expect 4 show "id=$id"
	said 'no mailbox with that id'
	expect 4 delete "id=$id"
	rm "$dir/fifo"
}

several()
{
	for i in 1 2 3; do
		mboxctl create "$box.$i"
	done
	mboxctl send "$box.2" x
	expect 2 -v delete "$box.1" "$box.2" "id=$(id_of "$box.3")"
	said "delete $box.2: not empty"
	printed 'queued        0\ndropped       0\n'
	expect 4 delete "$box.1" "$box.2" force
	said "delete $box.1: no mailbox of that name"
	expect 0 list noheader "name=$box.*"
	printed ''
}

types()
{
	mboxctl create "$box"
	mboxctl send "$box" type=4294967303 high
	mboxctl send "$box" type=7 low
	printf 'top\n' | mboxctl send "$box" type=18446744073709551615 lines
	mboxctl send "$box" type=9 mark=1 nine
	expect 0 recv "$box" peek nottype=4294967303 header
	grep -q ' type=7 ' "$dir/out" || wrong "printed $(cat "$dir/out")"
	expect 0 recv "$box" peek at=1 nottype=7
	printed top
	expect 3 recv "$box" nonblock type=4294967296
	said 'no message that fits'
	expect 3 recv "$box" nonblock maxtype=6
	said 'no message that fits'
	# the lowest first, whatever came first
	expect 0 recv "$box" maxtype=4294967303 count=3 lines
	printed 'low\nnine\nhigh\n'
	expect 3 recv "$box" timeout=0.01 nottype=18446744073709551615
	said 'no message that fits came'
	expect 0 -j recv "$box" type=18446744073709551615
	grep -q '"type":18446744073709551615,' "$dir/out" || wrong "printed $(cat "$dir/out")"
	start recv "$box" lease nottype=0
	blocked receivers
	mboxctl send "$box" none
	mboxctl send "$box" type=1 one
	becomes leased 1
	grep -q one "$dir/bg.out" || wrong "leased $(cat "$dir/bg.out")"
	kill "$pid"
	finished 143
	expect 1 recv "$box" type=1 nottype=2
	said 'type and nottype exclude each other'
	expect 1 recv "$box" maxtype=much
	said '0 to 18446744073709551615'
	expect 2 inbox recv nonblock maxtype=1
	said 'a link or an inbox has no maxtype'
	expect 0 delete "$box" force
	mboxctl create "$box" ring=64K
	expect 2 send "$box" type=4294967296 x
	said 'takes types up to 4294967295'
	for word in type=1 nottype=1 maxtype=1 trunc=1; do
		expect 2 recv "$box" nonblock $word
		said 'a ring has no priorities, filters or sync'
	done
	expect 0 delete "$box" force
	mboxctl create "$box" policy=broadcast
	expect 2 send "$box" type=4294967296 x
	said 'takes types up to 4294967295'
}

# Messages are cut for the output, not for others that look at them.
cut()
{
	mboxctl create "$box"
	printf 'one two\nsix\n' | mboxctl send "$box" lines
	expect 0 recv "$box" peek trunc=3
	printed one
	expect 0 recv "$box" peek trunc=0
	printed ''
	field queued 2
	expect 0 -j recv "$box" peek trunc=5
	grep -q '"length":7,.*"text":"one t"' "$dir/out" || wrong "printed $(cat "$dir/out")"
	expect 0 recv "$box" all trunc=4 lines
	printed 'one \nsix\n'
	field queued 0
	head -c 3000 /dev/zero | mboxctl send "$box"
	expect 0 recv "$box" trunc=1KiB
	[ "$(wc -c <"$dir/out")" -eq 1024 ] || wrong "$(wc -c <"$dir/out") bytes"
	expect 1 recv "$box" trunc=much
	said 'a number of bytes'
}

follow()
{
	mboxctl create "$box"
	mboxctl send "$box" a
	start recv "$box" follow lines
	mboxctl send "$box" b
	tries=300
	until [ "$(wc -l <"$dir/bg.out")" = 2 ] || [ $((tries -= 1)) -eq 0 ]; do
		sleep 0.1
	done
	mboxctl send "$box" c
	expect 0 delete "$box" drain
	finished 0
	printed 'a\nb\nc\n'
	mboxctl create "$box"
	start recv "$box" follow
	blocked receivers
	expect 0 delete "$box" force
	finished 0
	mboxctl create "$box"
	start recv "$box" follow type=7
	blocked receivers
	mboxctl send "$box" lost
	expect 0 delete "$box" force
	finished 4
	said 'the mailbox was deleted'
	mboxctl create "$box"
	expect 3 recv "$box" follow timeout=0.1
}

nul()
{
	mboxctl create "$box"
	printf 'a b\0\0c\nd\0last' >"$dir/in"
	expect 0 send "$box" nul <"$dir/in"
	field queued 4
	expect 0 recv "$box" all nul
	printf 'a b\0\0c\nd\0last\0' | cmp -s - "$dir/out" || wrong "printed $(od -c "$dir/out")"
}

# Each kind of end has a status of its own.
statuses()
{
	mboxctl create "$box" capacity=1
	expect 0 send "$box" x
	expect 1 send "$box" prio=-1 x
	expect 1 send .a x
	expect 2 create "$box"
	expect 3 send "$box" nonblock x
	expect 4 send "$box.none" x
	need_nobody || return
	as_nobody mboxctl send "$box" x 2>"$dir/err" && got=0 || got=$?
	[ "$got" -eq 5 ] || wrong "not permitted: exit status $got"
}

json_errors()
{
	mboxctl create "$box"
	expect 3 -j recv "$box" nonblock
	[ "$(wc -l <"$dir/err")" -eq 1 ] || wrong "said $(cat "$dir/err")"
	said "\"verb\":\"recv\",\"name\":\"$box\",\"errno\":\"EAGAIN\",\"status\":3,\"hint\":\"leave out nonblock"
	expect 4 show "$box.none" -j
	said '"errno":"ENOENT","status":4'
	expect 1 -j crate
	said '{"error":"crate: unknown verb; did you mean create?"'
	printf 'x\n%010000d\n' 1 | mboxctl -j send "$box" lines 2>"$dir/err" && wrong "sent"
	said '"line":2,"errno":"EMSGSIZE","status":2'
}

# The same situation, in the same words: another user's mailbox, with no right on it.
one_answer()
{
	need_nobody || return
	mboxctl create "$box"
	for words in "show $box" "send $box x" "recv $box" "stat $box"; do
		as_nobody "mboxctl $words" 2>"$dir/err" && wrong "$words: done"
		said 'permission denied: the mode of the mailbox does not grant the right'
		said "mboxctl chmod $box OCTAL"
	done
	for words in "delete $box" "purge $box" "set $box capacity=1" "chmod $box 0666" "chown $box 0" \
			"handover $box os"; do
		as_nobody "mboxctl $words" 2>"$dir/err" && wrong "$words: done"
		said 'permission denied: only the owner of the mailbox may do this'
		grep -q 'chmod .*OCTAL' "$dir/err" && wrong "$words: $(cat "$dir/err")"
	done
	field capacity 64
}

# On a terminal a message ends its line; elsewhere nothing is added.
newline()
{
	mboxctl create "$box"
	mboxctl send "$box" hello
	"$pty" 24 80 mboxctl recv "$box" </dev/null | tr -d '\r' >"$dir/out"
	printed 'hello\n'
	printf 'line\n' | mboxctl send "$box"
	"$pty" 24 80 mboxctl recv "$box" </dev/null | tr -d '\r' >"$dir/out"
	printed 'line\n'
	mboxctl send "$box" hello
	expect 0 recv "$box"
	printed hello
	{ sleep 1; printf 'typed\n\004'; sleep 1; } | "$pty" 24 80 mboxctl send "$box" >"$dir/err"
	said 'type the message, and end with Ctrl-D'
	expect 0 recv "$box" nonblock
	printed 'typed\n'
}

# Whether the opener of a handle has ended is told, and no process 0 is made up.
opener_ended()
{
	mboxctl create "$box"
	# The handle of the first process outlives it in its child.
	mkfifo "$dir/fifo"
	sh -c "mboxctl send $box lines <$dir/fifo" &
	pids="$pids $!"
	exec 7>"$dir/fifo"
	tries=300
	until mboxctl show "$box" | grep -q '^handle  *pid=[1-9]' || [ $((tries -= 1)) -eq 0 ]; do
		sleep 0.1
	done
	mboxctl show "$box" | grep -q 'pid=0' && wrong "$(mboxctl show "$box")"
	exec 7>&-
	rm "$dir/fifo"
}

missing()
{
	if [ "$(id -u)" != 0 ] || ! unshare -m mount -t tmpfs none /dev 2>/dev/null; then
		skip="cannot mount another /dev"
		return
	fi
	release=$(uname -r)
	mkdir -p /lib/modules /usr/src
	# without COMMAND: the error of mboxctl on a machine without the module, after COMMAND
	without()
	{
		unshare -m sh -c "mount -t tmpfs none /dev; mount -t tmpfs none /sys; mount -t tmpfs none /lib/modules
			mount -t tmpfs none /usr/src; $1; mboxctl show $box" 2>"$dir/err" && wrong "done"
	}
	without true
	said "not installed for kernel $release"
	said mbox-dkms
	without 'mkdir /usr/src/mbox-1.0'
	said "no headers of kernel $release"
	said "apt install linux-headers-$release"
	without "mkdir /usr/src/mbox-1.0; mkdir -p /lib/modules/$release/build"
	said 'has not built the module'
	without "mkdir -p /lib/modules/$release/updates; : >/lib/modules/$release/updates/mbox.ko"
	said 'installed, but not loaded'
	said 'modprobe mbox'
	without "mkdir -p /lib/modules/$release/updates /sys/module/module/parameters
		: >/lib/modules/$release/updates/mbox.ko.xz; echo Y >/sys/module/module/parameters/sig_enforce"
	said 'Secure Boot'
	said mokutil
	unshare -n mboxctl show "$box" 2>"$dir/err" && wrong "done"
	said 'network namespace'
}

# mboxbridge has tests of its own; here there is none.
bridge()
{
	expect 4 bridge list socket=/nowhere
	said 'no bridge listens at /nowhere'
	expect 4 -j bridge stat socket=/nowhere
	expect 1 bridge pause socket=/nowhere
	said 'route= is missing'
	expect 1 bridge
	expect 1 bridge list jobs
}

run_tests typos abbreviations units ids several types cut follow nul statuses json_errors one_answer newline \
	opener_ended missing bridge
