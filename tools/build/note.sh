# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Messages of the scripts; sourced.

note()
{
	echo "${0##*/}: $*" >&2
}

# 125 stands apart from the exit statuses of the commands that the scripts run.
die()
{
	note "$*"
	exit 125
}
