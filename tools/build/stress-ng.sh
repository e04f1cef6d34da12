#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Debian's stress-ng with its libraries: fetch the packages into the cache, unpack them, and print the directory.

set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/apt.sh"

# Those that this machine may lack, and all that these need.
apt_keep guest/stress-ng "stress-ng" "tools/build/stress-ng.sh" \
	stress-ng libbsd0 libmd0 libegl1 libglvnd0 libgbm1 libdrm2 libwayland-server0 libexpat1 libgles2 libipsec-mb1 \
	libjpeg62-turbo libjudydebian1 libkmod2 libsctp1 libxxhash0 libapparmor1 libffi8 liblzma5 libzstd1 libssl3 zlib1g \
	libcrypt1 libxcb-randr0 libxcb1 libxau6 libxdmcp6
echo "$REPLY"
