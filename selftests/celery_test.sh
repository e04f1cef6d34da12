#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Debian's python3-celery over lib/python/mbox_kombu. In KTAP; needs the module, and both where python3 looks. TASKS is
# the number of the tasks whose workers are killed again and again. Arguments name tests.

. "${0%/*}/python_helper.sh"

finds celery || skip_all "there is no python3-celery; tools/build/celery.sh fetches it for the virtual machine"
finds mbox_kombu || skip_all "python3 does not find mbox_kombu"
here=$(cd "${0%/*}" && pwd)
export PYTHONPATH="${PYTHONPATH:-/mbox/python}/examples:$here/python${PYTHONPATH:+:$PYTHONPATH}" LC_ALL=C.UTF-8
exec $python "$here/python/test_celery.py" "$@"
