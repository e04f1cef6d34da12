#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The programs in lib/examples show the intended behaviour: they end with 0 in time, print so, report no
# error, and leave nothing running. In KTAP; needs the module, and the programs on the PATH.

set -u

. "${0%/*}/skip_helper.sh"

need_module
first=$(command -v work_pool) || skip_all "the examples are not on the PATH"
first=$(readlink -f "$first")
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM HUP

# The output of each has to match these extended regular expressions of whole lines; one per line.
# An example that is not here only has to print something.
lines_of()
{
	case $1 in
	direct_talk)
		echo 'process [0-9]+ says: child number 1'
		echo 'process [0-9]+ says: child number 2'
		echo '2 children were answered' ;;
	work_pool)
		echo '1 worker: 41538 primes'
		echo '[0-9]+ workers: 41538 primes'
		echo '.* speed-up [0-9.]+'
		echo 'a worker was killed in the middle of its third job'
		echo '[0-9]+ workers: 41538 primes, 1 job came back and was done by another' ;;
	client_server)
		echo 'server 1 was killed in the middle of a request'
		for n in 1 2 3; do
			echo "client $n: 20 questions, 20 answers; the last: client $n, question 20: yes, says server 2"
		done
		echo '60 requests, 1 served by another server' ;;
	pipeline)
		echo 'splitter -> lowerer -> counter: 10 words, 55 letters' ;;
	publish)
		for n in 1 2 3; do
			echo "subscriber $n: rain sun snow the end"
		done
		echo '4 messages, each to 3 subscribers' ;;
	rendezvous)
		echo 'nobody receives: the send fails'
		echo 'round 3: process [0-9]+ had it, the baton says 3'
		echo '3 times from hand to hand, and nothing was ever queued' ;;
	*)	echo '.+' ;;
	esac
}

# Run it for a minute at most, in a group of its own. (The timeout of busybox would leave a process behind.)
in_time()
{
	setsid "$1" >"$dir/out" 2>"$dir/err" </dev/null &
	pid=$!
	tries=600
	while kill -0 $pid 2>/dev/null; do
		[ $((tries -= 1)) -gt 0 ] || kill -KILL "-$pid"
		sleep 0.1
	done
	wait $pid
}

example()
{
	in_time "$2" && status=0 || status=$?
	sed 's/^/#   /' "$dir/out" "$dir/err"
	good=1
	[ "$status" = 0 ] || { echo "# exit status $status"; good=0; }
	[ ! -s "$dir/err" ] || { echo "# it complains"; good=0; }
	if kill -KILL "-$pid" 2>/dev/null; then
		echo "# something of it still ran"
		good=0
	fi
	lines_of "$1" >"$dir/lines"
	while IFS= read -r line; do
		grep -qxE -- "$line" "$dir/out" || { echo "# no line is: $line"; good=0; }
	done <"$dir/lines"
	[ $good = 1 ]
}

set --
for program in "${first%/*}"/*; do
	[ ! -f "$program" ] || [ ! -x "$program" ] || set -- "$@" "$program"
done
echo "TAP version 13"
echo "1..$#"
number=0
failed=0
for program; do
	number=$((number + 1))
	name=${program##*/}
	if example "$name" "$program"; then
		echo "ok $number $name"
	else
		echo "not ok $number $name"
		failed=$((failed + 1))
	fi
done
[ $failed = 0 ] || exit 1
