#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# mboxctl on a terminal: tables fit windows of 80 and 200 columns, sizes and times are for people, colours are
# there where they are wanted, and top obeys its keys. As mboxctl_test.sh.

. "${0%/*}/mboxctl_helper.sh"

pty=${0%/*}/pty_helper
TERM=xterm
export TERM
unset NO_COLOR
trap 'delete_ours; cleanup; rm -rf "$dir"' EXIT

delete_ours()
{
	mboxctl delete --all --yes force "name=$box*" 2>/dev/null
}

# window ROWS COLUMNS WORD...: run mboxctl there; its screen, without colours, is in $dir/out
window()
{
	size="$1 $2"
	shift 2
	# shellcheck disable=SC2086 # two numbers
	"$pty" $size mboxctl "$@" </dev/null >"$dir/raw" 2>&1 && got=0 || got=$?
	[ "$got" = 0 ] || wrong "mboxctl $*: exit status $got: $(cat "$dir/raw")"
	seen
}

seen()
{
	tr -d '\r' <"$dir/raw" | sed "s/$(printf '\033')\[[?0-9;]*[a-zA-Z]//g" >"$dir/out"
}

widest()
{
	awk '{ if (length > n) n = length } END { print n + 0 }' "$dir/out"
}

# Mailboxes with names of several lengths, one of them full, with a sender that waits.
make_some()
{
	delete_ours
	mboxctl create "$box-orders" capacity=2
	mboxctl create "$box-payments-of-the-second-half-of-the-year" bytes=1M
	mboxctl create "$box-ring" ring=64K
	head -c 5000 /dev/zero | mboxctl send "$box-payments-of-the-second-half-of-the-year"
	seq 2 | mboxctl send "$box-orders" lines
}

heads()
{
	head -n 1 "$dir/out" | xargs
}

tables()
{
	make_some
	for size in '24 80' '50 200'; do
		# shellcheck disable=SC2086 # two numbers
		for words in list links "stat $box-orders" "stat $box-ring"; do
			window $size $words
			[ "$(widest)" -le "${size#* }" ] || wrong "$words: $(widest) columns in $size: $(cat "$dir/out")"
		done
	done
	window 24 80 list "name=$box*"
	# how many fit depends on the length of the names
	case $(heads) in
	'NAME QUEUED CAPACITY' | 'NAME QUEUED CAPACITY FILL') ;;
	*) wrong "80 columns: $(heads)" ;;
	esac
	for name in orders payments-of-the-second-half-of-the-year ring; do
		grep -q "^$box-$name " "$dir/out" || wrong "no $name in: $(cat "$dir/out")"
	done
	window 24 80 -w list "name=$box*"
	[ "$(heads)" = 'NAME QUEUED CAPACITY FILL QUEUED_BYTES WAITERS HANDLES KIND STATE USER MODE ID' ] ||
		wrong "-w: $(heads)"
	window 50 200 list "name=$box*"
	[ "$(heads)" = 'NAME QUEUED CAPACITY FILL QUEUED_BYTES WAITERS HANDLES KIND STATE USER MODE ID' ] ||
		wrong "200 columns: $(heads)"
	grep -qE "^$box-payments[^ ]* +1 +64 +1% +4.8K +0 +0 +mailbox" "$dir/out" || wrong "$(cat "$dir/out")"
	grep -qE "^$box-ring +- +- +0% +0 +0 +0 +ring" "$dir/out" || wrong "$(cat "$dir/out")"
	# a window that holds less than a name cuts it
	window 24 20 list "name=$box*"
	[ "$(widest)" -le 20 ] || wrong "20 columns: $(cat "$dir/out")"
	grep -q "^mboxctl-test" "$dir/out" || wrong "20 columns: $(cat "$dir/out")"
	# in a pipe nothing is left out, and numbers are as they are
	expect 0 list "name=$box*"
	grep -qE "^$box-payments[^ ]* +1 +64 +1% +5000 +0 +0 +mailbox +live" "$dir/out" || wrong "$(cat "$dir/out")"
}

people()
{
	make_some
	window 24 80 show "$box-ring"
	grep -qE '^ring +65536 \(64K\)$' "$dir/out" || wrong "$(cat "$dir/out")"
	grep -qE '^created +20[0-9T:.-]+[+-][0-9]{4} \([0-9]+s ago\)$' "$dir/out" || wrong "$(cat "$dir/out")"
	expect 0 show "$box-ring"
	grep -qE '^created +20[0-9T:.-]+Z$' "$dir/out" || wrong "$(cat "$dir/out")"
	grep -qE '^ring +65536$' "$dir/out" || wrong "$(cat "$dir/out")"
	window 24 80 -j show "$box-ring"
	grep -q '"ring":65536,' "$dir/out" || wrong "$(cat "$dir/out")"
}

colours()
{
	make_some
	yellow=$(printf '\033[33m')
	red=$(printf '\033[31m')
	window 24 80 list "name=$box*"
	grep -qF "$yellow$box-orders" "$dir/raw" || wrong "the full mailbox is not yellow: $(cat "$dir/raw")"
	start send "$box-orders" three
	tries=300
	until mboxctl list waiters "name=$box-orders" noheader | grep -q . || [ $((tries -= 1)) -eq 0 ]; do
		sleep 0.1
	done
	window 24 80 list "name=$box*"
	grep -qF "$red$box-orders" "$dir/raw" || wrong "the stuck mailbox is not red: $(cat "$dir/raw")"
	NO_COLOR=1 "$pty" 24 80 mboxctl list </dev/null >"$dir/raw"
	grep -qF "$(printf '\033')" "$dir/raw" && wrong "colours with NO_COLOR"
	TERM=dumb "$pty" 24 80 mboxctl list </dev/null >"$dir/raw"
	grep -qF "$(printf '\033')" "$dir/raw" && wrong "colours on a dumb terminal"
	mboxctl list >"$dir/raw"
	grep -qF "$(printf '\033')" "$dir/raw" && wrong "colours in a file"
	kill "$pid"
	finished 143
}

# keys STRING...: type each of them to top, a second after the one before
keys()
{
	{
		for key; do
			sleep 1
			# shellcheck disable=SC2059 # an escape sequence
			printf "$key"
		done
		sleep 1
	} | "$pty" 24 80 mboxctl top interval=0.5 "name=$box*" >"$dir/raw" 2>&1 && got=0 || got=$?
	[ "$got" = 0 ] || wrong "top: exit status $got"
	seen
}

top_in_windows()
{
	make_some
	for size in '24 80' '50 200'; do
		# shellcheck disable=SC2086 # two numbers
		{ sleep 1; printf q; sleep 1; } | "$pty" $size mboxctl top interval=0.5 "name=$box*" >"$dir/raw" 2>&1
		seen
		[ "$(widest)" -le "${size#* }" ] || wrong "$(widest) columns in $size: $(cat "$dir/out")"
		for name in orders payments-of-the-second-half-of-the-year ring; do
			grep -q "^$box-$name " "$dir/out" || wrong "no $name in $size: $(cat "$dir/out")"
		done
	done
}

top_keys()
{
	make_some
	keys q
	grep -q 'by rate  (h: help)' "$dir/out" || wrong "$(cat "$dir/out")"
	keys d q
	grep -q 'by depth' "$dir/out" || wrong "d: $(cat "$dir/out")"
	keys n s q
	grep -q 'by name' "$dir/out" || wrong "n: $(cat "$dir/out")"
	tail -n 6 "$dir/out" | grep -q 'by rate' || wrong "s: $(tail -n 6 "$dir/out")"
	keys b q
	grep -q 'by blocked' "$dir/out" || wrong "b: $(cat "$dir/out")"
	keys h x q
	grep -q 'mboxctl top: keys' "$dir/out" || wrong "h: $(cat "$dir/out")"
	keys fpaxy '\177\177yments\n' q
	grep -q '^names with: paxy_' "$dir/out" || wrong "f: $(cat "$dir/out")"
	grep -q '  1 mailbox, 1 messages, 0 blocked; by rate, names with payments ' "$dir/out" ||
		wrong "filter: $(cat "$dir/out")"
	keys 'f*-ring\n' q
	grep -q '  1 mailbox, 0 messages' "$dir/out" || wrong "pattern: $(cat "$dir/out")"
	keys p q
	[ "$(grep -c PAUSED "$dir/out")" -le 2 ] || wrong "it draws while it pauses: $(cat "$dir/out")"
	grep -q PAUSED "$dir/out" || wrong "p: $(cat "$dir/out")"
	keys p p q
	tail -n 6 "$dir/out" | grep -q PAUSED && wrong "it does not go on: $(tail -n 6 "$dir/out")"
	grep -qF "$(printf '\033[?25h\033[?1049l')" "$dir/raw" || wrong "left the screen as it was"
}

run_tests tables people colours top_in_windows top_keys
