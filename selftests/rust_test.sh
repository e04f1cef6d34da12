#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The crates of lib/rust, and their example. In KTAP; needs the module, and the programs of "make rust" on the PATH.

. "${0%/*}/skip_helper.sh"

need_module
command -v rust_mailbox_test >/dev/null || skip_all "\"make rust\" has not built the tests of lib/rust"

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
programs="rust_mailbox_test rust_lease_test"
count=$(for program in $programs; do $program --list; done | grep -c ': test$')
echo "TAP version 13"
echo "1..$((count + 1))"
status=0
for program in $programs; do
	$program 2>&1 || status=1
done >"$dir/out"
awk '
	/^test .* \.\.\. / {
		word = $NF == "ok" ? "ok" : "not ok"
		number++
		print word " " number " " $2
		next
	}
	{ print "# " $0 }
' "$dir/out"
number=$((count + 1))
if rust_work_pool >"$dir/out" 2>&1 && grep -qxE '2262 primes below 20000, by [0-9]+ workers' "$dir/out"; then
	echo "ok $number work_pool"
else
	sed 's/^/# /' "$dir/out"
	echo "not ok $number work_pool"
	status=1
fi
exit $status
