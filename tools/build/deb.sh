#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Build the Debian packages: deb.sh leaves them in build/deb, for the architecture of this machine.
#
# The packages are built in a copy of the tree, with tools/debian in the place where Debian's tools look for it. As with
# any package that is built from a tree, the builder is their maintainer: DEBFULLNAME and DEBEMAIL, else the user of
# git. HOMEPAGE, else the https address that the tree was cloned from, is their home page.

set -euo pipefail

HERE=$(cd "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
out=$TOP/build/deb

name=${DEBFULLNAME:-$(git -C "$TOP" config user.name 2>/dev/null)} || name=
email=${DEBEMAIL:-$(git -C "$TOP" config user.email 2>/dev/null)} || email=
if [ -z "$name" ] || [ -z "$email" ]; then
	echo "deb.sh: a package names its maintainer: set DEBFULLNAME and DEBEMAIL, or git's user.name and user.email" >&2
	exit 1
fi
homepage=${HOMEPAGE:-$(git -C "$TOP" remote get-url origin 2>/dev/null)} || homepage=
[[ $homepage = https://* ]] || homepage=

version=$(sed -n 's/^.define MBOX_VERSION "\(.*\)"$/\1/p' "$TOP/kmod/version.h")

rm -rf "$out"
mkdir -p "$out/mbox-$version"
tar -c -C "$TOP" --exclude-from="$TOP/.gitignore" --exclude=./build --exclude=./.git --mode=u=rwX,go=rX . |
	tar -x --no-same-owner -C "$out/mbox-$version"
cd "$out/mbox-$version"
cp -R tools/debian debian
# The values may hold any character.
NAME=$name EMAIL=$email PAGE=$homepage perl -pi -e '
	s/\@maintainer\@/$ENV{NAME} <$ENV{EMAIL}>/;
	$_ = "" if /^Homepage:/ && $ENV{PAGE} eq "";
	s/\@homepage\@/$ENV{PAGE}/;
' debian/control debian/changelog
changelog=$(dpkg-parsechangelog -S Version)
if [ "$version" != "$changelog" ]; then
	echo "deb.sh: kmod/version.h says $version, tools/debian/changelog says $changelog" >&2
	exit 1
fi

echo "deb.sh: building packages of mbox $version; $out/log has the details" >&2
dpkg-buildpackage --build=binary --no-sign >"$out/log" 2>&1 </dev/null || {
	tail -n 40 "$out/log" >&2
	exit 1
}
cd "$out"
ls ./*.deb
