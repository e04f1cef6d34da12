#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Run a command that builds for another architecture: cross.sh ARCH COMMAND [ARG…]
#
# The command finds the compiler by $CROSS_COMPILE or $CC, libnl by pkg-config, programs for the guest below
# $CROSS_ROOT, and the libraries that these need in $CROSS_LIB. All of that is unpacked into the cache: an installed
# cross compiler would conflict with gcc-multilib, which builds the 32-bit tests.

set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/apt.sh"

arch=$1
shift
case $arch in
arm64) triplet=aarch64-linux-gnu ;;
*) die "no cross compiler for '$arch'" ;;
esac

# The text of this script names the packages.
key=$arch-$(sha256sum <"$0" | cut -c 1-12)
{ resolved "$CACHE/cross/$key" && [ -d "$REPLY" ]; } || may_fetch "a compiler for $arch" "tools/build/cross.sh $arch true"
mkdir -p "$CACHE/cross"
exec 9>"$CACHE/cross/$arch.lock"
flock 9
if ! resolved "$CACHE/cross/$key" || ! [ -d "$REPLY" ]; then
	apt_arch "$arch"
	gcc=$(apt_show "gcc-$triplet" | sed -nE "s/^Depends:.* gcc-([0-9]+)-$triplet.*/\1/p") || apt_again "no package gcc-$triplet"
	version=$(apt_show "gcc-$gcc-$triplet" | sed -n 's/^Version: //p') || apt_again "no package gcc-$gcc-$triplet"
	dir=$CACHE/cross/$key@$version
	if ! [ -d "$dir" ]; then
		note "fetching a compiler for $arch, and what its programs need"
		apt_unpack "$dir.new" {gcc,cpp}-{,"$gcc-"}"$triplet" "binutils-$triplet" "libgcc-$gcc-dev-$arch-cross" \
			"libc6-$arch-cross" "libc6-dev-$arch-cross" "linux-libc-dev-$arch-cross"
		apt_unpack "$dir.new/guest" {busybox-static,coreutils,libnl-3-dev,libnl-genl-3-dev,liburing-dev}":$arch"
		# The linker would warn that getpwnam() of a static program may load libraries, and can be silenced only
		# together with its errors.
		LD_LIBRARY_PATH=$dir.new/usr/lib/x86_64-linux-gnu "$dir.new/usr/bin/$triplet-objcopy" -w \
			-R '.gnu.warning.*' "$dir.new/usr/$triplet/lib/libc.a"
		mv "$dir.new" "$dir"
	fi
	echo "$dir" >"$CACHE/cross/$key"
	REPLY=$dir
fi
exec 9>&-

# The kernel's makefiles read ARCH.
export ARCH=$arch CROSS_COMPILE=$triplet- CC=$triplet-gcc AR=$triplet-ar CROSS_ROOT=$REPLY/guest CROSS_LIB=$REPLY/usr/$triplet/lib
export PATH=$REPLY/usr/bin:$PATH LD_LIBRARY_PATH=$REPLY/usr/lib/x86_64-linux-gnu
export PKG_CONFIG_LIBDIR=$CROSS_ROOT/usr/lib/$triplet/pkgconfig PKG_CONFIG_SYSROOT_DIR=$CROSS_ROOT
# Programs are static: no loader of this machine could name the libraries that they need.
export LDFLAGS="-static -L$CROSS_ROOT/lib/$triplet -L$CROSS_ROOT/usr/lib/$triplet"
exec "$@"
