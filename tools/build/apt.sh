# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Debian packages without installing them; sourced by the scripts that need files of a package.
#
# We use the package lists of the machine. If they lack a package, or name a version that is gone, apt_again
# fetches lists into the cache, which needs no privilege and leaves the machine's lists alone, and starts the
# script again.
#
# Targets that only build set MBOX_OFFLINE: a script that finds something missing in the cache then fails.

CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/mbox
APT_ARGS=("$@")
. "$(dirname -- "${BASH_SOURCE[0]}")/note.sh"

# As root apt would drop its privileges, and with them the right to write into the cache.
apt_options=(-o "APT::Sandbox::User=$(id -un)")
if [ -n "${MBOX_APT_LISTS-}" ]; then
	apt_options+=(-o "Dir::State::Lists=$CACHE/apt/lists" -o "Dir::Cache=$CACHE/apt")
fi

# may_fetch THING [COMMAND]: fail if MBOX_OFFLINE is set; the message tells the user to type COMMAND.
may_fetch()
{
	[ -z "${MBOX_OFFLINE-}" ] ||
		die "$1 is not in the cache, and a build downloads nothing${2:+; type: $2}"
}

# apt_again MESSAGE: start over with newer lists, or fail with MESSAGE. Lists in the cache are new for a day.
apt_again()
{
	local lists=$CACHE/apt/lists

	may_fetch "$*"
	command -v apt-get >/dev/null || die "$* (there is no apt here)"
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

# From here on, take packages from suite $1 of the archive that the machine uses, and from nothing else.
apt_suite()
{
	local dir=$CACHE/apt/$1 archive

	mkdir -p "$dir/lists/partial" "$dir/archives/partial"
	# shellcheck disable=SC2016 # apt expands it
	archive=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(CREATED_BY)' | awk -v release="$(
		. /etc/os-release && echo "$VERSION_CODENAME")" '$2 == release && $3 == "Packages" { print $1; exit }')
	[ -n "$archive" ] || die "no Debian archive among the package sources"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $archive $1 main" >"$dir/sources.list"
	apt_options=(-o "APT::Sandbox::User=$(id -un)" -o "Dir::Cache=$dir" -o "Dir::State::Lists=$dir/lists"
		-o "Dir::Etc::SourceList=$dir/sources.list" -o Dir::Etc::SourceParts=/dev/null)
	if [ "${MBOX_APT_LISTS-}" = new ] || [ -z "$(find "$dir/lists" -name '*_Packages*')" ]; then
		apt-get "${apt_options[@]}" -qq update >&2 || note "the package list of $1 could not be fetched"
	fi
}

# From here on, take packages of architecture $1 too: NAME:ARCH.
apt_arch()
{
	local dir=$CACHE/apt/$1

	mkdir -p "$dir/lists/partial" "$dir/archives/partial"
	apt_options=(-o "APT::Sandbox::User=$(id -un)" -o "Dir::Cache=$dir" -o "Dir::State::Lists=$dir/lists"
		-o "APT::Architectures::=$(dpkg --print-architecture)" -o "APT::Architectures::=$1")
	if [ "${MBOX_APT_LISTS-}" = new ] || [ -z "$(find "$dir/lists" -name '*_Packages*')" ]; then
		apt-get "${apt_options[@]}" -qq update >&2 || note "a package list of $1 could not be fetched"
	fi
}

# Print the record of package $1, which may be NAME or NAME=VERSION.
apt_show()
{
	apt-cache "${apt_options[@]}" show --no-all-versions "$1" 2>/dev/null | grep .
}

# apt_unpack DIR PACKAGE…: unpack the packages into DIR, as dpkg would into /.
apt_unpack()
{
	local dir=$1 deb

	shift
	may_fetch "$*"
	rm -rf "$dir"
	mkdir -p "$dir/deb"
	(cd "$dir/deb" && apt-get "${apt_options[@]}" -qq download "$@" >/dev/null 2>error) ||
		apt_again "could not fetch $*: $(cat "$dir/deb/error")"
	for deb in "$dir"/deb/*.deb; do
		dpkg -x "$deb" "$dir"
	done
	rm -r "$dir/deb"
}

# apt_keep PLACE THING COMMAND PACKAGE…: unpack the packages into the cache, once for each list of them, and put the
# directory into $REPLY. A package of another architecture is NAME:ARCH, and so is the last one then. PLACE is below the
# cache. Messages call the packages THING, and name COMMAND, which may fetch them.
apt_keep()
{
	local place=$CACHE/$1 thing=$2 command=$3 last=${*: -1}

	shift 3
	REPLY=$place-$(. /etc/os-release && echo "$VERSION_CODENAME")-$(sha256sum <<<"$*" | cut -c 1-12)
	if [ -d "$REPLY" ]; then
		return
	fi
	may_fetch "$thing" "$command"
	mkdir -p "${place%/*}"
	exec 8>"$place.lock"
	flock 8
	if ! [ -d "$REPLY" ]; then
		note "fetching $thing"
		[[ $last != *:* ]] || apt_arch "${last#*:}"
		apt_unpack "$REPLY.new" "$@"
		mv "$REPLY.new" "$REPLY"
	fi
	exec 8>&-
}

# resolved FILE: read the version that a name stands for into $REPLY. Asking apt takes a second, so FILE keeps the
# answer until the machine's lists change; a build takes the last answer.
resolved()
{
	if [ -n "${MBOX_OFFLINE-}" ]; then
		[ -e "$1" ]
	else
		[ "$1" -nt /var/lib/apt/lists ]
	fi && REPLY=$(cat "$1")
}
