#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The files of the kernel's source that we use: kselftest, checkpatch, coccinelle's scripts and the generator of netlink
# code. Fetches and unpacks them, and prints the directory, which is laid out like the kernel's.

set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/apt.sh"

PACKAGE=linux-source-6.12
FILES=(
	tools/testing/selftests/lib.mk
	tools/testing/selftests/kselftest.h
	tools/testing/selftests/kselftest_harness.h
	tools/testing/selftests/kselftest
	scripts/checkpatch.pl
	scripts/spelling.txt
	scripts/const_structs.checkpatch
	scripts/coccinelle
	tools/net/ynl/ynl-gen-c.py
	tools/net/ynl/lib
	Documentation/netlink/genetlink.yaml
)

# complete DIR: has it all of the files? A directory made when the list was shorter has not.
complete()
{
	local file

	for file in "${FILES[@]}"; do
		[ -e "$1/$file" ] || return
	done
}

{ resolved "$CACHE/source/$PACKAGE" && complete "$REPLY"; } ||
	may_fetch "kselftest" "make fetch; KSELFTEST=LINUX/tools/testing/selftests names another"
mkdir -p "$CACHE/source"
exec 8>"$CACHE/source/lock"
flock 8

if ! resolved "$CACHE/source/$PACKAGE" || ! complete "$REPLY"; then
	version=$(apt_show "$PACKAGE" | sed -n 's/^Version: //p') || apt_again "no package $PACKAGE"
	dir=$CACHE/source/$PACKAGE@$version
	if ! complete "$dir"; then
		note "fetching $PACKAGE, for kselftest, checkpatch, coccinelle and ynl"
		apt_unpack "$dir.deb" "$PACKAGE=$version"
		rm -rf "$dir.new"
		mkdir "$dir.new"
		tar -xf "$dir.deb/usr/src/$PACKAGE.tar.xz" -C "$dir.new" --strip-components=1 \
			"${FILES[@]/#/$PACKAGE/}"
		rm -r "$dir.deb"
		rm -rf "$dir"
		mv "$dir.new" "$dir"
	fi
	echo "$dir" >"$CACHE/source/$PACKAGE"
	REPLY=$dir
fi
echo "$REPLY"
