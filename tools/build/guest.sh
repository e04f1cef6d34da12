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
apt_keep "guest/shell-$arch" "${programs[*]%:*}, for the shell" "tools/build/guest.sh $arch" \
	bash-completion ncurses-base "${programs[@]}"
echo "$REPLY"
