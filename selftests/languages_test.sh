#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The examples of mbox_languages(7) and of README.md in Python, as printed there. In KTAP; needs the module, perl, and for Python the same as
# python_test.sh.

. "${0%/*}/skip_helper.sh"

need_module
here=${0%/*}
# The guest has no other locale.
export LC_ALL=C
python=/usr/bin/python3
[ -n "${PYTHONPATH-}" ] || [ ! -d /mbox/python ] || export PYTHONPATH=/mbox/python

number=0
failed=0

# language NAME EXPECTED COMMAND [ARG…]: run an example, and compare its output; any will do for ''.
language()
{
	name=$1
	expected=$2
	shift 2
	number=$((number + 1))
	if ! command -v "$1" >/dev/null; then
		echo "ok $number $name # SKIP there is no $1"
		return
	fi
	said=$("$@" 2>&1)
	status=$?
	if [ $status = 0 ] && [ -n "$said" ] && [ "$said" = "${expected:-$said}" ]; then
		echo "ok $number $name"
		return
	fi
	echo "$said" | sed 's/^/# /'
	echo "# exit status $status"
	echo "not ok $number $name"
	failed=1
}

echo "TAP version 13"
echo "1..5"
language python "paint the fence 3
nothing to do" $python "$here/pages/mbox_languages.7.python.h"
language asyncio "done: mow the lawn" $python "$here/pages/mbox_languages.7.python2.h"
language leases "wash the car for the 1 time
feed the cat for the 1 time
done" $python "$here/pages/mbox_languages.7.python3.h"
mboxctl create jobs
language perl "paint the fence" perl "$here/pages/mbox_languages.7.perl.h"
language readme "" $python "$here/pages/README.md.python.h"
mboxctl delete jobs
exit $failed
