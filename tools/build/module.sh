#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Build the module: module.sh KERNEL [ARG…] leaves build/KERNEL/mbox.ko. KERNEL is a name that kernels.sh
# knows, or "running": the kernel whose headers are in $KDIR, else the one that runs. More ARGs go to make.
# O=DIR builds there instead of in build/KERNEL.
#
# Kbuild puts its files beside the sources. Each kernel therefore gets a tree of its own, of links to the
# sources; make compares the times of the sources, so that it builds only changed files again.

set -euo pipefail

HERE=$(cd "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
. "$HERE/note.sh"

kernel=$1
shift
out=$TOP/build/$kernel
args=()
cross=()
for arg; do
	case $arg in
	O=*) out=${arg#O=} ;;
	*) args+=("$arg") ;;
	esac
done

if [ "$kernel" = running ]; then
	build=${KDIR:-/lib/modules/$(uname -r)/build}
	"$HERE/need.sh" "to build the module" headers:"$build" || exit 125
else
	found=$("$HERE/kernels.sh" "$kernel") || exit 125
	build=$(sed -n 's/^build=//p' <<<"$found")
	arch=$(sed -n 's/^arch=//p' <<<"$found")
	read -ra more < <(sed -n 's/^args=//p' <<<"$found") || true
	# modpost cannot find the symbols of a bare kernel
	[ ${#more[@]} -eq 0 ] || args+=("${more[@]}" KBUILD_MODPOST_WARN=1)
	[ "$arch" = amd64 ] || cross=("$HERE/cross.sh" "$arch")
fi

mkdir -p "$out"
exec 8>"$out/lock"
flock 8

# Object files for other headers are of no use.
if [ "$(cat "$out/against" 2>/dev/null)" != "$build" ]; then
	rm -rf "$out/kmod"
	echo "$build" >"$out/against"
fi

mkdir -p "$out/kmod"
ln -sfn "$TOP/uapi" "$out/uapi"
for file in "$TOP"/kmod/{*.c,*.h,Makefile,Kbuild,Kconfig}; do
	link=$out/kmod/${file##*/}
	if [ -e "$file" ] && ! [ "$link" -ef "$file" ]; then
		ln -sf "$file" "$link"
	fi
done
find "$out/kmod" -xtype l -delete

# Type information for the module would need pahole, and the very vmlinux that the VM boots.
${cross[@]+"${cross[@]}"} make --no-print-directory -C "$build" M="$out/kmod" CONFIG_MBOX_IPC=m \
	CONFIG_DEBUG_INFO_BTF_MODULES= ${args[@]+"${args[@]}"} modules 8>&-
cmp -s "$out/kmod/mbox.ko" "$out/mbox.ko" || cp "$out/kmod/mbox.ko" "$out/mbox.ko"
