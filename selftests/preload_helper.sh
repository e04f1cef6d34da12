# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# For tests of unchanged programs on mailboxes, by "mboxctl run INTERFACE".

skip_all()
{
	echo "TAP version 13"
	echo "1..0 # SKIP $*"
	exit 4
}

# run_preloaded INTERFACE PROGRAM…: one plan over all, and one count.
run_preloaded()
{
	interface=$1
	shift
	[ -c /dev/mbox ] || skip_all "no /dev/mbox: the module is not loaded"
	command -v mboxctl >/dev/null || skip_all "no mboxctl on the PATH"
	mboxctl run "$interface" -- true || skip_all "there is no library for $interface"

	status=0
	dir=$(mktemp -d) || exit 1
	trap 'rm -rf "$dir"' EXIT
	for name; do
		mboxctl run "$interface" -- "${0%/*}/$name" >"$dir/$name" 2>&1 || status=1
	done
	echo "TAP version 13"
	echo "1..$(cat "$dir"/* | grep -cE '^(not )?ok ')"
	for name; do
		grep -vE '^(TAP version|1\.\.)' "$dir/$name"
	done | awk '
		/^(not )?ok / { sub(/ok [0-9]+/, "ok " ++n) }
		{ print }'
	mboxctl list noheader columns=name | grep "^$interface:" | sed 's/^/# left: /'
	exit $status
}
