#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The commands of README.md, of the EXAMPLES of mboxctl(8) and mboxbench(1), and of the TRACEPOINTS of mbox(4), as printed
# there, block by block. In KTAP; needs root and the module.
#
# Each block has a shell of its own, and the things that its reader has: a list, programs, mailboxes of an earlier block.
# Each command has to succeed; one that ends by Ctrl-C, or measures for minutes, only has to go on for some seconds.
# Where a command waits for the other side of a mailbox, this test is the other side. Two words stand for others:
#
#   TOKEN   the token that a command before printed
#   4711    the number of a process that reads its inbox

set -u
self=$(realpath "$0")
blocks=${self%/*}/commands

# In the shell of a block.

# The other side of each mailbox at which a call waits.
serve_others()
{
	while sleep 0.5; do
		for name in $(mboxctl list waiters columns=name noheader); do
			mboxctl send "$name" nonblock "a job" 2>/dev/null || mboxctl recv "$name" nonblock >/dev/null 2>&1
		done
	done
}

# That of busybox, whose shell prefers it to a program on the PATH, has no -s.
# shellcheck disable=SC2317 # a command reaches it
pidof()
{
	[ "$1" != -s ] || shift
	command pidof "$@" | cut -d ' ' -f 1
}

# Does this command go on until Ctrl-C?
is_endless()
{
	# without the comment, on one line
	words=$(printf %s "$1" | sed 's/[[:space:]]#.*//' | tr '\n' ' ' | sed 's/ *$//')
	case "$words " in
	*'& ') return 1 ;;
	'mboxbench '* | *'/trace_pipe ') return 0 ;;
	*' watch '* | *' top '* | *' follow '* | *' serve '* | *' interval='*) return 0 ;;
	esac
	return 1
}

# Print what a command said, which may not end with a newline.
show()
{
	awk '{ print "#   " $0 }' "$said"
}

run_command()
{
	number=$((number + 1))
	said=said.$number
	command=$(printf %s "$1" | sed "s/\\<4711\\>/$daemon/g; s/\\<TOKEN\\>/$token/g")
	printf '%s\n' "$command" | sed 's/^/# $ /'
	(sleep 2; serve_others) &
	others=$!
	status=0
	if is_endless "$command"; then
		setsid sh -c "$command" >"$said" 2>&1 </dev/null &
		endless=$!
		sleep 3
		if kill -TERM "-$endless" 2>/dev/null; then
			wait $endless 2>/dev/null
		else
			wait $endless || status=$?
		fi
	else
		eval "$command" >"$said" 2>&1 </dev/null || status=$?
	fi
	kill $others
	[ $status = 0 ] || exit $status
	show
	printed=$(sed -n 's/.*token=\([0-9]*\).*/\1/p' "$said" | tail -n 1)
	token=${printed:-$token}
}

# Read commands, each as many lines as it takes to be complete.
run_block()
{
	case $1 in
	*/mboxbench.1.*) command -v mboxbench >/dev/null || { why="no mboxbench on the PATH"; return 0; } ;;
	*/mbox.4.*) [ -d /sys/kernel/tracing/events/mbox ] || { why="no tracepoints"; return 0; } ;;
	esac
	number=0
	command=''
	token=''
	said=/dev/null
	end=''
	export text='--all is what this text says: a=b'
	while IFS= read -r line <&3; do
		case $line in
		'#> '*)
			grep -qxF -- "${line#'#> '}" "$said" || { echo "# it did not print: ${line#'#> '}"; exit 1; }
			continue ;;
		esac
		command="$command$line
"
		case $line in
		*\\) continue ;;
		*'<<'*) end=$(printf %s "$line" | sed 's/.*<<-*[ "]*\([A-Za-z]*\).*/\1/') ;;
		esac
		if [ -n "$end" ]; then
			[ "$line" = "$end" ] || continue
			end=''
		fi
		printf %s "$command" | sh -n 2>/dev/null || continue
		[ -z "$(printf %s "$command" | sed 's/^[[:space:]]*#.*//' | tr -d ' \n')" ] || run_command "$command"
		command=''
	done 3<"$1"
	[ -z "$command" ] || { echo "# no complete command: $command"; exit 1; }
}

# A command may end the shell.
# shellcheck disable=SC2317 # a trap reaches it
report()
{
	status=$?
	[ "$status" = 0 ] || { show; echo "# exit status $status"; }
}

if [ "${1-}" = -b ]; then
	daemon=$3
	trap report EXIT
	run_block "$2"
	exit 0
fi

# The test.

. "${0%/*}/skip_helper.sh"

need_module
command -v mboxctl >/dev/null || skip_all "no mboxctl on the PATH"
[ "$(id -u)" = 0 ] || skip_all "not root"
# The mailboxes and the users of this machine are not to be touched.
[ -n "${MBOX_COMMANDS_APART-}" ] || MBOX_COMMANDS_APART=1 exec unshare -n -m sh "$self"
mount --make-rprivate / 2>/dev/null

dir=$(mktemp -d) || exit 1
chmod 755 "$dir"
daemon=''
shell=''
cleanup()
{
	[ -z "$shell" ] || kill -KILL "-$shell" 2>/dev/null
	[ -z "$daemon" ] || kill -KILL "$daemon" 2>/dev/null
	shell='' daemon=''
	mboxctl delete --all --yes force >/dev/null 2>&1
}
trap 'cleanup; umount /etc/passwd /etc/group; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM HUP

# Programs that a reader is to have.
mkdir "$dir/bin"
PATH=$dir/bin:$PATH
export PATH
printf '#!/bin/sh\ncat >/dev/null\n' >"$dir/bin/do_job"
# enough of it for one filter
printf '#!/bin/sh\nsed -n "/full/s/.*\\"name\\":\\"\\([^\\"]*\\).*/\\1/p"\n' >"$dir/bin/jq"
cp "$(command -v mboxctl)" "$dir/bin/my_daemon"
chmod +x "$dir/bin"/*
for file in passwd group; do
	{ cat /etc/$file; echo 'shop:x:1100:1100:shop:/:/bin/sh'; } >"$dir/$file"
	mount --bind "$dir/$file" /etc/$file || exit 1
done

# Print the mailboxes that a block uses and does not create.
mailboxes_of()
{
	sed -nE 's/.*mboxctl( -[a-z]+)* (send|recv|call|serve|set|show|stat|purge) ([a-z][a-z0-9._-]*)( .*)?$/\3/p' "$1" | sort -u |
		while read -r name; do
			grep -qE "mboxctl create $name( |\$)" "$1" || echo "$name"
		done
}

block()
{
	mkdir "$dir/work"
	cd "$dir/work" || exit 1
	printf '%s\n' 'paint the fence' 'mow the lawn' 'wash the car' >list
	echo 'int a;' >a.c
	echo 'int b;' >'b c.c'
	cp "$dir/bin/do_job" ./do
	my_daemon inbox recv follow >/dev/null 2>&1 &
	daemon=$!
	for name in $(mailboxes_of "$1"); do
		mboxctl create "$name"
	done
	setsid sh "$self" -b "$1" $daemon >"$dir/out" 2>&1 &
	shell=$!
	tries=1200
	while kill -0 $shell 2>/dev/null; do
		[ $((tries -= 1)) -gt 0 ] || { echo "# it did not end" >>"$dir/out"; break; }
		sleep 0.1
	done
	kill -KILL "-$shell" 2>/dev/null
	wait $shell
	status=$?
	cat "$dir/out"
	cleanup
	cd / || exit 1
	rm -rf "$dir/work"
	return $status
}

set -- "$blocks"/*.[0-9]*
echo "TAP version 13"
echo "1..$#"
number=0
failed=0
for file; do
	number=$((number + 1))
	why=''
	if block "$file"; then
		echo "ok $number ${file##*/}${why:+ # SKIP $why}"
	else
		echo "not ok $number ${file##*/}"
		failed=1
	fi
done
exit $failed
