#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Debian's stress-ng with its libraries: fetch the packages into the cache, unpack them, and print the directory.

set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/apt.sh"

suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
# Those that this machine may lack, and all that these need.
packages=(stress-ng libbsd0 libmd0 libegl1 libglvnd0 libgbm1 libdrm2 libwayland-server0 libexpat1 libgles2 libipsec-mb1
	libjpeg62-turbo libjudydebian1 libkmod2 libsctp1 libxxhash0 libapparmor1 libffi8 liblzma5 libzstd1 libssl3 zlib1g
	libcrypt1 libxcb-randr0 libxcb1 libxau6 libxdmcp6)
dir=$CACHE/guest/stress-ng-$suite-$(sha256sum <<<"${packages[*]}" | cut -c 1-12)
if ! [ -d "$dir" ]; then
	mkdir -p "$CACHE/guest"
	exec 8>"$CACHE/guest/lock"
	flock 8
	if ! [ -d "$dir" ]; then
		note "fetching stress-ng"
		apt_unpack "$dir.new" "${packages[@]}"
		mv "$dir.new" "$dir"
	fi
fi
echo "$dir"
