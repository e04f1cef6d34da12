#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# lib/python/mbox.py and its examples, with Debian's python3. In KTAP; needs the module, and mbox.py on PYTHONPATH
# or in a place where python3 looks.

. "${0%/*}/python_helper.sh"

[ -n "${PYTHONPATH-}" ] || [ ! -d /mbox/python ] || export PYTHONPATH=/mbox/python
$python -c 'import ctypes, mbox' || skip_all "python3 does not find ctypes and mbox.py"
exec $python -W error::ResourceWarning "${0%/*}/python/test_mbox.py"
