# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Shared by the tests of mboxctl: running it, its output and errors, running it in the background, and the
# tests one by one, in KTAP. For any POSIX shell; to be sourced.

set -u
box=mboxctl-test.$$

. "${0%/*}/skip_helper.sh"

command -v mboxctl >/dev/null || skip_all "no mboxctl on the PATH"
need_module
dir=$(mktemp -d) || exit 1
chmod 755 "$dir"
pids=''

cleanup()
{
	for pid in $pids; do
		kill -KILL "$pid" 2>/dev/null
	done
	pids=''
	mboxctl delete "$box" force 2>/dev/null
}
trap 'cleanup; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM HUP

# For tests. A check that fails prints so and lets the test go on, so that all failures are seen.

wrong()
{
	echo "# $*"
	bad=1
}

# expect STATUS WORD...: run mboxctl, whose input is that of expect. Output is in $dir/out and $dir/err.
expect()
{
	want=$1
	shift
	mboxctl "$@" >"$dir/out" 2>"$dir/err" && got=0 || got=$?
	[ "$got" = "$want" ] || wrong "mboxctl $*: exit status $got, not $want: $(cat "$dir/err")"
	case $want in
	0) [ ! -s "$dir/err" ] || wrong "mboxctl $*: said $(cat "$dir/err")" ;;
	*) head -n 1 "$dir/err" | grep -qE '^(mboxctl: .*: .|\{"error":".*"status":[1-5].*\}$)' ||
		wrong "mboxctl $*: no error of the form 'mboxctl: WHAT: WHY': $(cat "$dir/err")" ;;
	esac
}

# The output is exactly this (printf's format, so that newlines count).
printed()
{
	# shellcheck disable=SC2059 # the format is the expected output
	printf "$1" >"$dir/want"
	cmp -s "$dir/out" "$dir/want" || wrong "printed '$(cat "$dir/out")', not '$(cat "$dir/want")'"
}

said()
{
	grep -qF -- "$1" "$dir/err" || wrong "did not say '$1' but: $(cat "$dir/err")"
}

# field NAME VALUE: of the mailbox, as show prints it
field()
{
	value=$(mboxctl show "$box" | sed -n "s/^$1  *//p")
	[ "$value" = "$2" ] || wrong "$1 is '$value', not '$2'"
}

# becomes NAME VALUE: wait until the field has the value
becomes()
{
	tries=300
	until [ "$(mboxctl show "$box" | sed -n "s/^$1  *//p")" = "$2" ]; do
		[ $((tries -= 1)) -gt 0 ] || { wrong "$1 is never $2: $(mboxctl show "$box")"; return; }
		sleep 0.1
	done
}

# A process that does nothing, in $idle; it ends with its test.
idle()
{
	sleep 1000 &
	idle=$!
	pids="$pids $idle"
}

# Start mboxctl in the background.
start()
{
	# at once: a test that waits for its output must not find that of another before
	: >"$dir/bg.out"
	mboxctl "$@" >"$dir/bg.out" 2>"$dir/bg.err" </dev/null &
	pid=$!
	pids="$pids $pid"
}

# finished STATUS: the last one that was started
finished()
{
	tries=300
	while kill -0 "$pid" 2>/dev/null; do
		[ $((tries -= 1)) -gt 0 ] || { wrong "it still runs"; return; }
		sleep 0.1
	done
	wait "$pid" 2>/dev/null && got=0 || got=$?
	[ "$got" = "$1" ] || wrong "exit status $got, not $1: $(cat "$dir/bg.err")"
	cp "$dir/bg.out" "$dir/out"
	cp "$dir/bg.err" "$dir/err"
}

# blocked senders|receivers: wait until the last one that was started is
blocked()
{
	tries=300
	until mboxctl show "$box" | grep -q "^$1  *1\$"; do
		if ! kill -0 "$pid" || [ $((tries -= 1)) -eq 0 ]; then
			wrong "none of the $1 is blocked"
			return
		fi 2>/dev/null
		sleep 0.1
	done
}

uptime()
{
	sed 's/\([0-9]*\)\.\([0-9]*\) .*/\1\2/' /proc/uptime
}

as_nobody()
{
	su -s /bin/sh nobody -c "PATH='$dir:$PATH' $*"
}

need_nobody()
{
	cp "$(command -v mboxctl)" "$dir/" && chmod 755 "$dir/mboxctl"
	[ "$(id -u)" = 0 ] && as_nobody mboxctl --version >/dev/null 2>&1 && return
	skip="cannot run mboxctl as another user here"
	return 1
}

# Run the functions that are named.
run_tests()
{
	echo "TAP version 13"
	echo "1..$#"
	number=0
	failed=0
	for test; do
		number=$((number + 1))
		bad=0
		skip=''
		umask 022
		$test
		cleanup
		if [ $bad = 1 ]; then
			echo "not ok $number $test"
			failed=$((failed + 1))
		elif [ -n "$skip" ]; then
			echo "ok $number $test # SKIP $skip"
		else
			echo "ok $number $test"
		fi
	done
	[ $failed = 0 ] || exit 1
}
