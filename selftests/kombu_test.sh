#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# lib/python/mbox_kombu, with Debian's python3-kombu. In KTAP; needs the module, and both where python3 looks.

. "${0%/*}/python_helper.sh"

finds kombu || skip_all "there is no python3-kombu; tools/build/celery.sh fetches it for the virtual machine"
finds mbox_kombu || skip_all "python3 does not find mbox_kombu"
# the example of mbox_kombu(7)
export PAGE="${0%/*}/pages/mbox_kombu.7.examples.h"
exec $python -W error::ResourceWarning "${0%/*}/python/test_kombu.py"
