#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Kernels by name: kernels.sh NAME fetches the kernel into the cache and prints where it is.
#
# kernels.sh NAME   prints   image=…    the image that the VM boots
#                            build=…    the directory to build modules against
#                            release=…  the output of uname -r
#                            modules=…  the tree that holds lib/modules/RELEASE
#                            arch=…     the architecture, as Debian calls it
# kernels.sh -l        lists the names
# kernels.sh -a NAME   prints the architecture alone
# kernels.sh -r NAME   ends with 1 where the kernel is not ready in the cache
#
# Everything lies in the cache, by the version of the packages, so that image and headers always have one
# ABI. Packages installed on the machine have no effect.

set -euo pipefail
HERE=$(cd "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/apt.sh"
. "$HERE/built.sh"

# NAME, kind, then for
#   image:  the meta package whose dependency is the image of the day, with :ARCH where that is not amd64
#   bare:   as built, but only as far as modules can be built for it, by VAR=VALUE… of make: to see the warnings of another
#           compiler. CC=gcc-N@SUITE is that of another suite. None of these is in the list of names, for none of them boots:
#           i386 is there to be refused, as all kernels of 32 bits are.
#   built:  the source package, with @SUITE where another than the machine's has it, and the fragments of
#           configuration that come on top of base.config (FRAGMENT.config here)
TABLE='
6.12        image   linux-image-6.12-cloud-amd64
6.1         image   linux-image-cloud-amd64
6.12-rt     image   linux-image-6.12-rt-amd64
6.12-arm64  image   linux-image-6.12-cloud-arm64:arm64
7.3         built   linux-source-7.3@trixie-backports
kasan       built   linux-source-6.12 kasan
lockdep     built   linux-source-6.12 lockdep
kcsan       built   linux-source-6.12 kcsan
clang       bare    linux-source-6.12 LLVM=1
gcc-14      bare    linux-source-6.12 CC=gcc-14@trixie
i386        bare    linux-source-6.12 ARCH=i386
'

# Print the image package that the meta package $1 stands for, as NAME=VERSION.
image_of_meta()
{
	apt_show "$1" | awk '
		/^Depends:/ && match($0, /linux-image-[^ ,]+ \(= [^)]+\)/) {
			split(substr($0, RSTART, RLENGTH), w, / \(= |\)/)
			print w[1] "=" w[2]
			found = 1
			exit
		}
		END { exit !found }'
}

# Print the packages that the headers of the image $1=$2 consist of, as NAME=VERSION.
# linux-kbuild is asked for in the version of the image: the archive may hold several. Its programs run here,
# also for an image of another architecture.
headers_of_image()
{
	local headers=${1/linux-image/linux-headers} version=$2

	echo "$headers=$version"
	apt_show "$headers=$version" | sed -n 's/^Depends: //p' | tr ',' '\n' |
		grep -oE 'linux-(headers-[^ ]+-common[^ ]*|kbuild-[^ ]+)' | sed "s/\$/=$version/"
}

# The headers name each other by the place where their package puts them; let them find each other
# wherever the tree lies.
make_relocatable()
{
	local makefile

	for makefile in "$1"/usr/src/*/Makefile; do
		# shellcheck disable=SC2016 # make expands it
		sed -i 's|^include /usr/src/|include $(dir $(lastword $(MAKEFILE_LIST)))../|' "$makefile"
	done
}

# Print the architecture that PACKAGE[:ARCH] is of.
arch_of()
{
	local arch=${1#*:}

	[ "$arch" != "$1" ] || arch=amd64
	echo "$arch"
}

ready_image()
{
	resolved "$CACHE/kernel/$2" && [ -d "$REPLY" ]
}

kernel_image()
{
	local meta=$2 image version dir release headers arch suffix=''

	arch=$(arch_of "$2")
	[ "$arch" = amd64 ] || suffix=:$arch
	if ! resolved "$CACHE/kernel/$meta" || ! [ -d "$REPLY" ]; then
		[ -z "$suffix" ] || apt_arch "$arch"
		image=$(image_of_meta "$meta") || apt_again "no package $meta"
		version=${image#*=}
		image=${image%%=*}
		release=${image#linux-image-}
		dir=$CACHE/kernel/$release@$version

		if ! [ -d "$dir" ]; then
			headers=$(headers_of_image "$image$suffix" "$version") || apt_again "no headers for $image"
			note "fetching kernel $release and its headers"
			# shellcheck disable=SC2086 # a list of packages
			apt_unpack "$dir.new" "$image$suffix=$version" $headers
			make_relocatable "$dir.new"
			PATH=$PATH:/sbin depmod -b "$dir.new" "$release"
			mv "$dir.new" "$dir"
		fi
		echo "$dir" >"$CACHE/kernel/$meta"
		REPLY=$dir
	fi

	dir=$REPLY
	release=${dir##*/}
	release=${release%@*}
	echo "image=$dir/boot/vmlinuz-$release"
	echo "build=$dir/usr/src/linux-headers-$release"
	echo "release=$release"
	echo "modules=$dir"
	echo "arch=$arch"
}

kernel()
{
	local name kind args

	while read -r name kind args; do
		[ "$name" = "$1" ] || continue
		# shellcheck disable=SC2086 # a list of words
		"ready_$kind" "$name" $args || may_fetch "kernel $name" "make fetch KERNEL=$name"
		mkdir -p "$CACHE/kernel"
		# one lock per kernel: building one does not delay another
		exec 8>"$CACHE/kernel/$name.lock"
		flock 8
		# shellcheck disable=SC2086 # a list of words
		"kernel_$kind" "$name" $args
		return
	done <<<"$TABLE"
	die "no kernel is called '$1'; the names are: $(names | xargs)"
}

names()
{
	awk 'NF && $2 != "bare" { print $1 }' <<<"$TABLE"
}

# Is kernel $1 in the cache? A kernel that may be out of date is not.
ready()
{
	local name kind args

	while read -r name kind args; do
		[ "$name" = "$1" ] || continue
		# shellcheck disable=SC2086 # a list of words
		"ready_$kind" "$name" $args
		return
	done <<<"$TABLE"
	return 1
}

# Print the architecture of kernel $1.
architecture()
{
	local name kind package rest

	while read -r name kind package rest; do
		[ "$name" != "$1" ] || arch_of "$package"
	done <<<"$TABLE"
}

case ${1-} in
-l) names ;;
-a) architecture "${2-}" ;;
-r) ready "${2-}" ;;
''|-*) die "usage: kernels.sh NAME | -a NAME | -r NAME | -l" ;;
*) kernel "$1" ;;
esac
