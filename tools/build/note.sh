# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Messages of the scripts; sourced.

note()
{
	echo "${0##*/}: $*" >&2
}

# 125: the script could not do its work, whatever the exit statuses of that work mean.
die()
{
	note "$*"
	exit 125
}
