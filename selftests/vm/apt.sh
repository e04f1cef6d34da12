# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Debian packages without installing them; sourced by the scripts that need files of a package.
#
# The package lists that the machine has are used as they are. Where these lack a package, or name a
# version that is gone, we fetch lists of our own into the cache, which needs no privilege and leaves the
# machine's alone, and start the script over with them (apt_again).

CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/mbox
APT_ARGS=("$@")

note()
{
	echo "${0##*/}: $*" >&2
}

die()
{
	note "$*"
	exit 125
}

# As root apt would drop its privileges, and with them the right to write into the cache.
apt_options=(-o "APT::Sandbox::User=$(id -un)")
if [ -n "${MBOX_APT_LISTS-}" ]; then
	apt_options+=(-o "Dir::State::Lists=$CACHE/apt/lists" -o "Dir::Cache=$CACHE/apt")
fi

# Something could not be had: $* says what. Lists of ours that are a day old are as good as new.
apt_again()
{
	local lists=$CACHE/apt/lists

	[ "${MBOX_APT_LISTS-}" != new ] || die "$*"
	export MBOX_APT_LISTS=${MBOX_APT_LISTS:+new}
	: "${MBOX_APT_LISTS:=own}"
	if [ "$MBOX_APT_LISTS" = new ] || [ -z "$(find "$lists" -maxdepth 0 -mtime -1 2>/dev/null)" ]; then
		MBOX_APT_LISTS=new
		note "fetching package lists"
		mkdir -p "$lists/partial" "$CACHE/apt/archives/partial"
		apt-get "${apt_options[@]}" -o "Dir::State::Lists=$lists" -o "Dir::Cache=$CACHE/apt" -qq update >&2 ||
			note "some of them could not be fetched"
		touch "$lists"
	fi
	exec "$0" "${APT_ARGS[@]}"
}

# Print the record of package $1, which may be NAME or NAME=VERSION.
apt_show()
{
	apt-cache "${apt_options[@]}" show --no-all-versions "$1" 2>/dev/null | grep .
}

# apt_unpack DIR PACKAGE…: DIR holds then what the packages would have put under /.
apt_unpack()
{
	local dir=$1 deb

	shift
	rm -rf "$dir"
	mkdir -p "$dir/deb"
	(cd "$dir/deb" && apt-get "${apt_options[@]}" -qq download "$@" >/dev/null 2>error) ||
		apt_again "could not fetch $*: $(cat "$dir/deb/error")"
	for deb in "$dir"/deb/*.deb; do
		dpkg -x "$deb" "$dir"
	done
	rm -r "$dir/deb"
}

# What a name stands for today is kept in the file $1 until the machine's lists change: asking apt takes a
# second. resolved FILE: is it known? Its value is then in $REPLY.
resolved()
{
	[ "$1" -nt /var/lib/apt/lists ] && REPLY=$(cat "$1")
}
