#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Generate the netlink code from uapi/netlink/mbox.yaml, with the kernel's own generator. ynl.sh -c writes nothing
# and fails if a file differs.

set -euo pipefail

HERE=$(cd "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
. "$HERE/note.sh"

check=
case ${1-} in
-c) check=1 ;;
'') ;;
*) die "usage: ${0##*/} [-c]" ;;
esac

source=$("$HERE/source.sh")
out=$TOP/build/ynl
spec=$out/Documentation/netlink/specs/mbox.yaml

# The generator takes a directory with this file for the kernel's, and notes where under it the spec lies.
rm -rf "$out"
mkdir -p "${spec%/*}"
touch "$out/MAINTAINERS"
cp "$source"/Documentation/netlink/*.yaml "$out/Documentation/netlink"
cp "$TOP/uapi/netlink/mbox.yaml" "$spec"

# make_one FILE OPTION…
make_one()
{
	local made=$out/${1##*/}

	# Debian's interpreter: another may not find Debian's modules.
	(cd "$source/tools/net/ynl" &&
		PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 ynl-gen-c.py --spec "$spec" "${@:2}" -o "$made")
	if [ -z "$check" ]; then
		cmp -s "$made" "$TOP/$1" || cp "$made" "$TOP/$1"
	elif ! cmp -s "$made" "$TOP/$1"; then
		die "$1 differs from uapi/netlink/mbox.yaml; run make ynl"
	fi
}

make_one uapi/linux/mbox_netlink.h --mode uapi --header
make_one kmod/netlink_gen.h --mode kernel --header
make_one kmod/netlink_gen.c --mode kernel --source
