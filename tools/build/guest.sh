#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Debian's programs for a person in a virtual machine: bash with completion, a pager, man, descriptions of terminals.
# guest.sh ARCH fetches the packages of this architecture into the cache, unpacks them, and prints the directory.

set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/apt.sh"

arch=$1
case $arch in
# The libraries of programs for this machine are found on it.
amd64) programs=(bash less mandoc) ;;
*) programs=({bash,less,mandoc,libtinfo6,zlib1g}":$arch") ;;
esac
packages=(bash-completion ncurses-base "${programs[@]}")

suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
dir=$CACHE/guest/$suite-$arch-$(sha256sum <<<"${packages[*]}" | cut -c 1-12)
if ! [ -d "$dir" ]; then
	mkdir -p "$CACHE/guest"
	exec 8>"$CACHE/guest/lock"
	flock 8
	if ! [ -d "$dir" ]; then
		note "fetching ${packages[*]}, for the shell"
		[ "$arch" = amd64 ] || apt_arch "$arch"
		apt_unpack "$dir.new" "${packages[@]}"
		mv "$dir.new" "$dir"
	fi
fi
echo "$dir"
