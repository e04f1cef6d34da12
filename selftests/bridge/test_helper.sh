# shellcheck shell=sh disable=SC3043,SC2154,SC2034,SC2016 # busybox has local; net_helper.sh sets dir; the tests read them
# SPDX-License-Identifier: GPL-2.0-only
# Shared by the tests of mboxbridge: servers, bridges and routes, their states, ledgers; to be sourced after net_helper.sh.

wrong()
{
	echo "# $*"
	bad=1
}

ctl()
{
	local net="$1"

	shift
	mboxctl bridge "$@" socket="$dir/$net.control"
}

# The value of a field of a route: field NET ROUTE KEY.
field()
{
	ctl "$1" stat route="$2" 2>/dev/null | sed -n "s/^$3  *//p"
}

has_state()
{
	[ "$(field "$1" "$2" state)" = "$3" ]
}

# is_so NET ROUTE STATE REASON: the route is in this state, for a reason that has these words.
is_so()
{
	ctl "$1" stat route="$2" >"$dir/field" 2>/dev/null
	grep -q "^state  *$3\$" "$dir/field" && { [ -z "$4" ] || grep -q "^reason .*$4" "$dir/field"; }
}

waits_for()
{
	until_true "${5:-15}" is_so "$1" "$2" "$3" "${4-}" ||
		wrong "route $2 of $1 is $(field "$1" "$2" state), not $3 ${4-}: $(field "$1" "$2" reason)"
}

server_up()
{
	printf 'CONNECT {"verbose":false}\r\nPING\r\n' | timeout 2 nc 127.0.0.1 4222 2>/dev/null | grep -q PONG
}

server_start()
{
	keep nats nats-server -c "$dir/n.nats"
	until_true 20 server_up || wrong "the server does not start"
}

# server_call CALL [JSON]: have the server do it, without waiting for the answer.
server_call()
{
	printf 'CONNECT {"verbose":false}\r\nPUB $JS.API.%s %d\r\n%s\r\nPING\r\n' "$1" "${#2}" "${2-}" | timeout 2 nc 127.0.0.1 4222 >/dev/null
}

# out_route NAME [LINE…], in_route NAME [LINE…]: print a route whose mailbox, subject and stream follow from its name.
out_route()
{
	printf '[%s]\nmailbox = %s\ndirection = out\nsubject = mbox.%s\nstream = S_%s\ncreate = yes\n' "$1" "$1" "$1" "$1"
	shift
	printf '%s\n' "$@"
}

in_route()
{
	printf '[%s]\nmailbox = %s\ndirection = in\nsubject = mbox.%s\nstream = S_%s\n' "$1" "$1" "$1" "$1"
	shift
	printf '%s\n' "$@"
}

bridge_start()
{
	keep_in "$1" "$1" mboxbridge -c "$dir/$1.conf"
}

# Both mailboxes, by the name of the test, with more words of mboxctl create.
create()
{
	local name="$1"

	shift
	in_net a mboxctl create "$name" capacity=1024 msgsize=4096 "$@" || wrong "no mailbox $name in a"
	in_net b mboxctl create "$name" capacity=1024 msgsize=4096 "$@" || wrong "no mailbox $name in b"
}

simple_start()
{
	server_config n
	create "$1"
	out_route "$1" | config a
	in_route "$1" | config b
	server_start
	bridge_start a
	bridge_start b
}

# After each test: nothing runs, and nothing is stored.
cleanup()
{
	local name

	for name in a b nats n1 n2 n3; do
		eval "[ -z \"\${kept_$name-}\" ]" || unkeep $name
		eval "kept_$name="
	done
	for pid in $jobs; do
		kill -9 "$pid" 2>/dev/null
	done
	jobs=''
	for net in a b; do
		for name in $(in_net $net mboxctl list columns=name noheader); do
			in_net $net mboxctl delete "$name" force >/dev/null
		done
	done
	rm -rf "${dir:?}"/*-store "$dir"/*.log "$dir"/*.conf
	ip link set wa up
	ip link set wb up
}

# sending NAME COUNT [SIZE [PRIOS]]; receives NAME COUNT [SECONDS [PRIOS]]: all arrive, once and in order.
sending()
{
	spawn a bridge_helper send "$1" "$2" "${3:-512}" "${4:-1}"
}

receives()
{
	in_net b bridge_helper recv "$1" "$2" "${3:-30}" "${4:-1}" >"$dir/got" || wrong "$(cat "$dir/got")"
	echo "# $(cat "$dir/got")"
}

chaos()
{
	bridge_helper chaos "$1" "$2" "$3" "$dir/a.pid" "$dir/b.pid" "$dir/nats.pid" >"$dir/kills" &
	killer=$!
	jobs="$jobs $killer"
}
