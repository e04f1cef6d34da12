#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Build the Debian packages: deb.sh leaves them in build/deb, for the architecture of this machine.
#
# The packages are built in a copy of the tree, with tools/debian in the place where Debian's tools look for it.

set -euo pipefail

HERE=$(cd "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
out=$TOP/build/deb

version=$(sed -n 's/^.define MBOX_VERSION "\(.*\)"$/\1/p' "$TOP/kmod/version.h")
changelog=$(dpkg-parsechangelog -l "$TOP/tools/debian/changelog" -S Version)
if [ "$version" != "$changelog" ]; then
	echo "deb.sh: kmod/version.h says $version, tools/debian/changelog says $changelog" >&2
	exit 1
fi

rm -rf "$out"
mkdir -p "$out/mbox-$version"
tar -c -C "$TOP" --exclude-from="$TOP/.gitignore" --exclude=./build --exclude=./.git --mode=u=rwX,go=rX . |
	tar -x --no-same-owner -C "$out/mbox-$version"
cd "$out/mbox-$version"
cp -R tools/debian debian

echo "deb.sh: building packages of mbox $version; $out/log has the details" >&2
dpkg-buildpackage --build=binary --no-sign >"$out/log" 2>&1 </dev/null || {
	tail -n 40 "$out/log" >&2
	exit 1
}
cd "$out"
ls ./*.deb
