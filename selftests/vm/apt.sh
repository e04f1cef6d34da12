# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Debian packages without installing them; sourced by the scripts that need files of a package.
#
# The lists that the machine has are used as they are. Where they are missing or too old, we fetch lists
# of our own into the cache: that needs no privilege and leaves the machine's alone.

CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/mbox
APT=()

note()
{
	echo "${0##*/}: $*" >&2
}

die()
{
	note "$*"
	exit 125
}

apt_own_lists()
{
	local dir=$CACHE/apt

	mkdir -p "$dir/lists/partial" "$dir/archives/partial"
	APT=(-o Dir::State::Lists="$dir/lists" -o Dir::Cache="$dir" -o APT::Sandbox::User="$(id -un)")
	[ -z "${1-}" ] || apt-get "${APT[@]}" -qq update >&2 || note "some package lists could not be fetched"
}

# apt_retry COMMAND…: once more with lists of our own, fresh, if it fails.
apt_retry()
{
	"$@" && return
	[ ${#APT[@]} -eq 0 ] || return 1
	apt_own_lists update
	"$@"
}

try_show()
{
	apt-cache "${APT[@]}" show --no-all-versions "$1" 2>/dev/null | grep .
}

# Print the record of package $1, which may be NAME or NAME=VERSION.
apt_show()
{
	apt_retry try_show "$1"
}

try_download()
{
	(cd "$1" && shift && apt-get "${APT[@]}" -qq -o APT::Sandbox::User="$(id -un)" download "$@") >&2
}

# apt_unpack DIR PACKAGE…: DIR holds then what the packages would have put under /.
apt_unpack()
{
	local dir=$1 deb

	shift
	rm -rf "$dir"
	mkdir -p "$dir/deb"
	apt_retry try_download "$dir/deb" "$@" || die "could not fetch $*"
	for deb in "$dir"/deb/*.deb; do
		dpkg -x "$deb" "$dir"
	done
	rm -r "$dir/deb"
}
