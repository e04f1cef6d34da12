# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Shared by the tests in Python: the module, and Debian's python3 as $python. To be sourced.

. "${0%/*}/skip_helper.sh"

need_module
python=/usr/bin/python3
[ -x $python ] || skip_all "there is no $python"

# Does Python find a module? Without the time that importing it takes.
finds()
{
	$python -c "import importlib.util, sys; sys.exit(not importlib.util.find_spec('$1'))"
}
