#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# No message costs more instructions than cost.reference says. In KTAP; counts only in a machine of
# "selftests/vm/run -i", and is skipped in others.

exec "${0%/*}/cost" -r 3 -t "${0%/*}/cost.reference" "$@"
