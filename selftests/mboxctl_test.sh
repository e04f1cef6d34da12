#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# mboxctl keeps its grammar: words, output, exit status and messages on standard error, against the real
# module. In KTAP, for any POSIX shell; needs the module and mboxctl on the PATH.

. "${0%/*}/mboxctl_helper.sh"

# All bytes there are, several times, in no simple order.
bytes()
{
	awk 'BEGIN { for (i = 0; i < 2000; i++) printf "\\%03o", (i * 7 + int(i / 256)) % 256 }' >"$dir/octal"
	# shellcheck disable=SC2059 # an escape sequence for each byte
	printf "$(cat "$dir/octal")"
}

# The tests.

create_defaults()
{
	umask 077
	expect 0 create "$box"
	printed ''
	field name "$box"
	field state live
	field capacity 64
	field bytes unbounded
	field msgsize 8192
	field mode 0600
	field lifetime os
	field uid "$(id -u)"
	field gid "$(id -g)"
	field handles 0
	field queued 0
	expect 2 create "$box"
	said 'exists'
	expect 0 delete "$box"
	printed ''
	expect 4 show "$box"
	said 'no mailbox of that name'
	expect 4 send "$box" text
	said "mboxctl create $box"
}

create_words()
{
	expect 0 create "$box" capacity=3 bytes=64K msgsize=1K mode=0620 lifetime=os
	field capacity 3
	field bytes 65536
	field msgsize 1024
	field mode 0620
	expect 0 delete "$box"
	expect 0 create "$box" capacity=zero
	field capacity 0
	expect 0 delete "$box"
	expect 0 create "$box" msgsize=1M capacity=unbounded
	field capacity unbounded
	field msgsize 1048576
	expect 0 delete "$box"
	umask 077
	expect 0 create "$box" mode=0666
	field mode 0666
	umask 022
}

create_limits()
{
	expect 2 create "$box" msgsize=4095M
	said 'msgsize=4293918720'
	expect 2 create "$box" bytes=100
	said 'bytes=100'
	said 'msgsize=8192'
	expect 4 show "$box"
}

usage_errors()
{
	while read -r words; do
		# shellcheck disable=SC2086 # words
		expect 1 $words </dev/null
		[ ! -s "$dir/out" ] || wrong "mboxctl $words: printed something"
	done <<-END
		nonsense
		-x
		--nonsense
		create
		create -x
		create .a
		create a/b
		create a.b=c
		create xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
		create $box $box
		create $box capacity
		create $box capacity=
		create $box capacity=-1
		create $box capacity=+1
		create $box capacity=0x10
		create $box capacity=1048577
		create $box capacity=99999999999999999999999
		create $box capacity=one
		create $box bytes=0
		create $box bytes=1T
		create $box bytes=1kB
		create $box bytes=1Ki
		create $box bytes=1KK
		create $box bytes=K
		create $box msgsize=0
		create $box msgsize=4096M
		create $box msgsize=4G
		create $box mode=0777
		create $box mode=1666
		create $box mode=8
		create $box mode=
		create $box mode=777777777777777777777777
		create $box lifetime=process
		create $box lifetime=fd
		create $box mode=0600 mode=0600
		delete
		delete $box drain force
		delete $box unlink force
		delete $box nonsense=
		delete $box .a
		delete $box id=
		show id=
		show id=0
		show id=x
		create id=1
		send
		send $box -x
		send $box prio=32768
		send $box prio=x
		send $box type=18446744073709551616
		send $box type=-1
		send $box timeout=x
		send $box timeout=-1
		send $box timeout=1.
		send $box timeout=.
		send $box timeout=1e3
		send $box timeout=1w
		send $box timeout=0.5ns
		send $box timeout=1.0000001ms
		send $box timout=5 text
		send $box priority=5
		send $box --timout=5 text
		send $box nul lines
		send $box nul text
		send $box timeout=0.1234567890
		send $box timeout=99999999999
		send $box sync nonblock
		send $box timeout=1 nonblock
		send $box lines text
		recv
		recv $box count=0
		recv $box count=some
		recv $box count=all all
		recv $box nonblock timeout=1
		recv $box all timeout=1
		recv $box peek count=2
		recv $box peek all
		recv $box at=1
		recv $box peek at=x
		recv $box minprio=32768
		recv $box type=18446744073709551616
		recv $box nottype=
		recv $box maxtype=x
		recv $box maxtype=-1
		recv $box type=1 nottype=2
		recv $box type=1 maxtype=2
		recv $box nottype=1 maxtype=2
		recv $box peek at=0 maxtype=2
		recv $box trunc
		recv $box trunc=
		recv $box trunc=-1
		recv $box trunc=2G
		recv $box from=me
		recv $box text
		recv $box follow all
		recv $box follow count=2
		recv $box follow nonblock
		recv $box follow peek
		recv $box nul lines
		set
		set $box
		set $box capacity=
		set $box policy=rr
		set $box msgsize=0
		save -j
		show
		show $box $box
		chmod $box
		chmod $box 0888
		chmod $box 0600 0600
		chmod $box 0777
		chown $box
		chown $box no-such-user
		chown $box 0:no-such-group
		chown $box 0:
		chown $box 4294967295
		help nonsense
	END
	mboxctl >/dev/null 2>"$dir/err" && wrong "without words: done"
	said usage
	expect 4 show "$box"
}

send_text()
{
	mboxctl create "$box"
	expect 0 send "$box" two words
	printed ''
	expect 0 send "$box" 'as it  is' ' '
	expect 0 send "$box" ''
	expect 0 send "$box" prio=0 word prio=9 -j
	expect 0 send "$box" -- sync
	expect 0 send "$box" prio=0 -- prio=1 --
	expect 0 send -- "$box" type=3
	expect 0 -- send "$box" type=3 hi
	expect 0 send "$box" -- priority=5
	expect 0 send "$box" a priority=5
	expect 0 send "$box" --prio=0 1+1=2
	field queued 11
	for text in 'two words' 'as it  is  ' '' 'word prio=9 -j' sync 'prio=1 --' type=3 hi priority=5 \
		    'a priority=5' 1+1=2; do
		expect 0 recv "$box" nonblock
		printed "$text"
	done
}

send_input()
{
	mboxctl create "$box" msgsize=2000
	bytes >"$dir/bytes"
	[ "$(wc -c <"$dir/bytes")" -eq 2000 ] || wrong "could not make the bytes"
	expect 0 send "$box" <"$dir/bytes"
	expect 0 recv "$box" nonblock
	cmp -s "$dir/bytes" "$dir/out" || wrong "other bytes came out"
	expect 0 send "$box" </dev/null
	expect 0 recv "$box" nonblock lines
	printed '\n'
	echo >>"$dir/bytes"
	expect 2 send "$box" <"$dir/bytes"
	said 'has more than 2000 bytes, the mailbox takes 2000'
	expect 2 send "$box" </dev/zero
	said 'has more than 2000 bytes, the mailbox takes 2000'
	expect 2 send "$box" "$(printf '%02001d' 0)"
	said 'has 2001 bytes, the mailbox takes 2000'
	field sent 2
}

send_lines()
{
	mboxctl create "$box" msgsize=10
	printf 'one\n\nthree' >"$dir/in"
	expect 0 send "$box" lines <"$dir/in"
	field sent 3
	expect 0 recv "$box" all lines
	printed 'one\n\nthree\n'
	printf 'a\0b\n' >"$dir/in"
	expect 0 send "$box" lines <"$dir/in"
	expect 0 recv "$box"
	printed 'a\0b'
	expect 0 send "$box" lines </dev/null
	printf '\n' >"$dir/in"
	expect 0 send "$box" lines <"$dir/in"
	field sent 5
	printf '0123456789\n0123456789a\nnever\n' >"$dir/in"
	expect 2 send "$box" lines <"$dir/in"
	said 'line 2: the message has 11 bytes, the mailbox takes 10'
	field sent 6
	{ printf '%070000d' 1; printf '\nnever\n'; } >"$dir/in"
	expect 2 send "$box" lines <"$dir/in"
	said 'line 1: the message has more than 10 bytes, the mailbox takes 10'
	# More than a batch has, in input that comes in pieces.
	mboxctl create "$box-many" capacity=200
	seq 1 200 >"$dir/in"
	{ head -c 5 "$dir/in"; sleep 0.2; tail -c +6 "$dir/in"; } |
		mboxctl send "$box-many" lines type=7 || wrong "lines in pieces"
	expect 0 recv "$box-many" nonblock count=150 lines type=7
	printed "$(seq 1 150)\n"
	expect 0 recv "$box-many" all lines type=7
	printed "$(seq 151 200)\n"
	mboxctl delete "$box-many"
	mboxctl create "$box-small" capacity=3
	expect 3 send "$box-small" lines nonblock <"$dir/in"
	said 'line 4: the mailbox is full: 3 messages'
	mboxctl delete "$box-small" force
}

recv_count()
{
	mboxctl create "$box"
	expect 0 recv "$box" all
	printed ''
	expect 0 recv "$box" count=all
	printf '%s\n' a b c d e f >"$dir/in"
	mboxctl send "$box" lines <"$dir/in"
	expect 0 recv "$box"
	printed a
	expect 0 recv "$box" count=2 lines
	printed 'b\nc\n'
	expect 0 recv "$box" count=1
	printed d
	expect 3 recv "$box" count=3 nonblock
	printed ef
	said 'no message is there after 2 messages'
	said 'timeout=TIME'
}

recv_header()
{
	mboxctl create "$box"
	mboxctl send "$box" prio=3 type=7 text
	expect 0 recv "$box" header
	head -n 1 "$dir/out" | grep -qE "^seq=1 time=20[0-9-]{8}T[0-9:]{8}\.[0-9]{9}Z length=4 prio=3 type=7 \
pid=[1-9][0-9]* uid=$(id -u) gid=$(id -g) start=[1-9][0-9]*\$" || wrong "header: $(head -n 1 "$dir/out")"
	[ "$(sed -n '2,$p' "$dir/out")" = text ] || wrong "the payload does not follow"
}

recv_filters()
{
	mboxctl create "$box"
	mboxctl send "$box" type=1 prio=1 a
	mboxctl send "$box" type=2 prio=2 b &
	sender=$!
	wait $sender
	mboxctl send "$box" type=3 prio=3 c
	expect 0 recv "$box" peek
	printed c
	expect 0 recv "$box" peek type=1 nonblock
	printed a
	expect 0 recv "$box" peek at=1
	printed b
	expect 0 recv "$box" peek at=0 type=1
	printed a
	expect 3 recv "$box" peek at=3
	field queued 3
	expect 3 recv "$box" nonblock type=4
	said 'no message that fits'
	expect 3 recv "$box" nonblock minprio=4
	expect 3 recv "$box" nonblock from=$$
	expect 0 recv "$box" nonblock from=$sender
	printed b
	expect 0 recv "$box" nonblock minprio=2
	printed c
	expect 0 recv "$box" nonblock type=1
	printed a
	field received 3
}

priorities()
{
	mboxctl create "$box"
	for prio in 0 32767 5 0 5; do
		mboxctl send "$box" prio=$prio "$prio"
	done
	expect 0 recv "$box" all lines
	printed '32767\n5\n5\n0\n0\n'
}

full()
{
	mboxctl create "$box" capacity=1
	expect 0 send "$box" a
	expect 3 send "$box" nonblock b
	said 'full'
	said 'timeout=TIME'
	expect 3 send "$box" timeout=0.1 b
	said 'no room within 0.1 seconds'
	start send "$box" b
	blocked senders
	expect 0 recv "$box" nonblock
	printed a
	finished 0
	expect 0 recv "$box" nonblock
	printed b
}

timeouts()
{
	mboxctl create "$box"
	before=$(uptime)
	expect 3 recv "$box" timeout=1.25
	said 'no message came within 1.25 seconds'
	after=$(uptime)
	[ $((after - before)) -ge 124 ] || wrong "waited $((after - before))0 ms"
	expect 3 recv "$box" timeout=0
	start recv "$box" timeout=30
	blocked receivers
	expect 0 send "$box" timeout=0 text
	finished 0
	printed text
}

rendezvous()
{
	mboxctl create "$box" capacity=zero
	expect 3 send "$box" nonblock text
	said 'no receiver is waiting'
	expect 3 send "$box" timeout=0.1 text
	said 'nobody received it within 0.1 seconds'
	start -v send "$box" text
	blocked senders
	field queued 0
	expect 0 recv "$box"
	printed text
	finished 0
	grep -q '^receiver  *[1-9][0-9]*$' "$dir/out" || wrong "printed '$(cat "$dir/out")'"
}

sync()
{
	mboxctl create "$box"
	expect 3 send "$box" sync timeout=100ms text
	said 'nobody received it'
	field queued 0
	field withdrawn 1
	start -j -v send "$box" sync text
	blocked senders
	mboxctl recv "$box" >/dev/null &
	receiver=$!
	wait $receiver
	finished 0
	printed '{"receiver":'$receiver'}\n'
}

delete_not_empty()
{
	mboxctl create "$box"
	mboxctl send "$box" a
	expect 2 delete "$box"
	said 'not empty: 1 message is queued'
	mboxctl send "$box" b
	expect 2 delete "$box"
	said '2 messages are queued'
	said drain
	field queued 2
	expect 0 -v delete "$box" force
	grep -q '^dropped  *2$' "$dir/out" || wrong "printed '$(cat "$dir/out")'"
	expect 4 delete "$box"
	said 'no mailbox'
}

delete_drain()
{
	mboxctl create "$box"
	start recv "$box" count=3 lines
	blocked receivers
	kill -STOP "$pid"
	printf '1\n2\n3\n' >"$dir/in"
	mboxctl send "$box" lines <"$dir/in"
	expect 0 delete "$box" drain
	expect 4 send "$box" 4
	kill -CONT "$pid"
	finished 0
	printed '1\n2\n3\n'
	# also where nobody has it open: a new opener receives the rest
	mboxctl create "$box"
	mboxctl send "$box" a
	expect 0 delete "$box" drain
	field state draining
	expect 4 send "$box" b
	said 'deleted'
	expect 2 create "$box"
	said 'exists'
	expect 0 recv "$box" count=all
	printed 'a'
	expect 4 recv "$box" nonblock
	said 'no mailbox'
}

delete_blocked()
{
	for how in force unlink; do
		mboxctl create "$box"
		start recv "$box"
		blocked receivers
		expect 0 delete "$box" $how
		expect 4 show "$box"
		if [ $how = force ]; then
			finished 4
			said 'deleted'
		else
			# it had no name any more, and nobody had it open to send
			finished 4
			said 'nobody is left'
		fi
	done
}

chmod_chown()
{
	mboxctl create "$box"
	expect 0 chmod "$box" 0644
	field mode 0644
	expect 0 chmod "$box" 0
	field mode 0000
	expect 4 chmod "$box-none" 0600
	expect 0 chown "$box" "$(id -u)"
	[ "$(id -u)" = 0 ] || { skip="chown takes root"; return; }
	expect 0 chown "$box" 1:2
	mboxctl -j show "$box" | grep -qF '"creator":0' || wrong "no creator in $(mboxctl -j show "$box")"
	field creator 0
	field uid 1
	field gid 2
	expect 0 chown "$box" nobody
	field uid 65534
	field gid 2
	expect 0 chown "$box" :3
	field uid 65534
	field gid 3
	expect 0 chown "$box" root:root
	field uid 0
	field gid 0
}

permissions()
{
	need_nobody || return
	mboxctl create "$box"
	as_nobody mboxctl send "$box" x 2>"$dir/err" && wrong "sent"
	said 'does not grant'
	as_nobody mboxctl delete "$box" force 2>"$dir/err" && wrong "deleted"
	said 'only the owner'
	mboxctl chmod "$box" 0602
	as_nobody mboxctl send "$box" x || wrong "could not send"
	as_nobody mboxctl recv "$box" nonblock 2>"$dir/err" && wrong "received"
	said 'uid 0, gid 0, mode 0602; you are uid 65534'
	as_nobody mboxctl chmod "$box" 0666 2>"$dir/err" && wrong "changed"
	said 'only the owner'
	expect 0 recv "$box" nonblock
	printed x
	mboxctl chmod "$box" 0604
	mboxctl send "$box" y
	[ "$(as_nobody mboxctl recv "$box" nonblock)" = y ] || wrong "could not receive"
}

# In a mount namespace of its own, so that nobody else misses the device.
no_device()
{
	if [ "$(id -u)" != 0 ] || ! unshare -m mount -t tmpfs none /dev 2>/dev/null; then
		skip="cannot mount another /dev"
		return
	fi
	need_nobody || return
	unshare -m sh -c "mount -t tmpfs none /dev && mboxctl show $box" 2>"$dir/err"
	[ $? -eq 2 ] || wrong "exit status"
	said 'no /dev/mbox'
	unshare -m sh -c "mount -t tmpfs none /dev && mount -t tmpfs none /sys && mboxctl show $box" 2>"$dir/err"
	said 'modprobe mbox'
	device=$(cat /sys/class/misc/mbox/dev)
	unshare -m sh -c "mount -t tmpfs none /dev && mknod -m 600 /dev/mbox c ${device%:*} ${device#*:} &&
		su -s /bin/sh nobody -c '$dir/mboxctl show $box'" 2>"$dir/err"
	said 'no permission to open /dev/mbox: uid 0, gid 0, mode 0600'
}

# json WORDS: the output is so many lines of JSON
json()
{
	[ "$(wc -l <"$dir/out")" -eq "$1" ] || wrong "$(wc -l <"$dir/out") lines, not $1"
	if command -v python3 >/dev/null; then
		while IFS= read -r line; do
			printf '%s' "$line" | python3 -c 'import json, sys; json.loads(sys.stdin.buffer.read())' ||
				wrong "no JSON: $line"
		done <"$dir/out"
	fi
	grep -vq '^{".*}$' "$dir/out" && wrong "no JSON: $(cat "$dir/out")"
}

printed_field()
{
	grep -qF -- "$1" "$dir/out" || wrong "no $1 in $(cat "$dir/out")"
}

json_show()
{
	expect 0 -jv create "$box" capacity=unbounded mode=0640
	json 1
	for field in "\"name\":\"$box\"" '"capacity":null' '"bytes":null' '"mode":"0640"' \
		     '"state":"live"' '"queued":0'; do
		printed_field "$field"
	done
	expect 0 show "$box" --json
	json 1
	printed_field '"handles":0'
	expect 0 --json --version
	json 1
}

json_messages()
{
	mboxctl create "$box"
	expect 0 -j recv "$box" all
	printed ''
	printf 'say "a\\b"\t\001\177\303\244\n' | mboxctl send "$box" prio=2
	expect 0 -j recv "$box"
	json 1
	printed_field '"seq":1,'
	printed_field '"length":15,"prio":2,"type":0,'
	printed_field '"text":"say \"a\\b\"\t\u0001\u007fä\n","base64":"c2F5ICJhXGIiCQF/w6QK"'
	# Not UTF-8: a lone byte, an overlong form, a surrogate, beyond the end, cut off.
	for text in '\200' '\300\200' '\355\240\200' '\364\220\200\200' '\342\202'; do
		# shellcheck disable=SC2059 # escape sequences
		printf "$text" | mboxctl send "$box"
	done
	expect 0 recv "$box" -j count=5 lines header
	json 5
	grep -q '"text"' "$dir/out" && wrong "bytes that are not UTF-8 as text"
	printed_field '"base64":"gA=="'
	printed_field '"base64":"wIA="'
	printed_field '"base64":"9JCAgA=="'
	mboxctl send "$box" ''
	expect 0 -j recv "$box"
	printed_field '"text":"","base64":""'
	printf 'nul\0' | mboxctl send "$box"
	expect 0 -j recv "$box"
	printed_field '"text":"nul\u0000"'
}

output_errors()
{
	mboxctl create "$box"
	printf '%s\n' a b c >"$dir/in"
	mboxctl send "$box" lines <"$dir/in"
	mboxctl recv "$box" >/dev/full 2>"$dir/err" && wrong "done on a full device"
	said 'standard output: No space left on device; message 1, of 1 bytes, was taken and is lost'
	# Where it can be known before, nothing is taken.
	mboxctl recv "$box" >&- 2>"$dir/err" && wrong "done on a closed output"
	said 'standard output: Bad file descriptor'
	{ sleep 0.5; mboxctl recv "$box" 2>"$dir/err"; echo $? >"$dir/status"; } | :
	[ "$(cat "$dir/status")" = 2 ] || wrong "exit status $(cat "$dir/status")"
	said 'standard output: Broken pipe'
	field queued 2
	mboxctl send "$box" d
	mboxctl recv "$box" count=1 >/dev/null
	mboxctl send "$box" e
	mboxctl recv "$box" count=2 >/dev/full 2>"$dir/err" && wrong "done on a full device"
	said '2 messages, from 3 on, were taken and are lost'
	printf '%s\n' b c >"$dir/in"
	mboxctl send "$box" lines <"$dir/in"
	mboxctl recv "$box" >/dev/null
	mboxctl recv "$box" peek >/dev/full 2>"$dir/err" && wrong "done on a full device"
	field queued 2
	mboxctl show "$box" >/dev/full 2>"$dir/err" && wrong "done on a full device"
	said 'standard output: No space left'
	mboxctl help >/dev/full 2>"$dir/err" && wrong "done on a full device"
	expect 0 recv "$box" all lines
	printed 'b\nc\n'
	expect 2 send "$box" <&-
	said 'standard input: Bad file descriptor'
}

killed()
{
	mboxctl create "$box"
	start recv "$box"
	blocked receivers
	kill "$pid"
	finished 143
	expect 0 send "$box" text
	expect 0 recv "$box" nonblock
	printed text
}

help()
{
	expect 0 help
	expect 0 --help
	verbs=$(sed -n '/^verbs:/,/^$/ s/^  \([a-z]*\) .*/\1/p' "$dir/out")
	[ "$(echo "$verbs" | wc -w)" -ge 8 ] || wrong "verbs: $verbs"
	for verb in $verbs; do
		expect 0 help "$verb"
		cp "$dir/out" "$dir/help"
		expect 0 "$verb" --help
		cmp -s "$dir/help" "$dir/out" || wrong "help $verb is not $verb --help"
		head -n 1 "$dir/out" | grep -q "^usage: mboxctl \[OPTIONS\] $verb" || wrong "no usage of $verb"
	done
	expect 0 --version
	grep -qE '^mboxctl [0-9.]+ \(mbox ABI [0-9]+\)$' "$dir/out" || wrong "version: $(cat "$dir/out")"
}

help_and_page()
{
	for tools in "${0%/*}/../tools" "${0%/*}/../../../tools"; do
		[ -e "$tools/check-help.sh" ] || continue
		sh "$tools/check-help.sh" "$(command -v mboxctl)" "$tools/mboxctl.8" "$tools/mboxctl.bash" \
			"$tools/mboxctl.zsh" "$tools/mboxctl.fish" \
			>"$dir/out" 2>&1 || wrong "$(cat "$dir/out")"
		return
	done
	skip="the manual page is not here"
}

tests='create_defaults create_words create_limits usage_errors
	send_text send_input send_lines recv_count recv_header recv_filters priorities
	full timeouts rendezvous sync delete_not_empty delete_drain delete_blocked
	chmod_chown permissions no_device json_show json_messages output_errors killed
	help help_and_page'

# shellcheck disable=SC2086 # words
run_tests $tests
