#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# lib/python/mbox_kombu, with Debian's python3-kombu. In KTAP; needs the module, and both where python3 looks.

skip_all()
{
	echo "TAP version 13"
	echo "1..0 # SKIP $*"
	exit 4
}

[ -c /dev/mbox ] || skip_all "no /dev/mbox: the module is not loaded"
python=/usr/bin/python3
[ -x $python ] || skip_all "there is no $python"
# finds a module, without the time that importing it takes
finds()
{
	$python -c "import importlib.util, sys; sys.exit(not importlib.util.find_spec('$1'))"
}

finds kombu || skip_all "there is no python3-kombu; tools/build/celery.sh fetches it for the virtual machine"
finds mbox_kombu || skip_all "python3 does not find mbox_kombu"
# the example of mbox_kombu(7)
export PAGE="${0%/*}/pages/mbox_kombu.7.examples.h"
exec $python -W error::ResourceWarning "${0%/*}/python/test_kombu.py"
