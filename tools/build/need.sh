#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Look for the tools that a build needs: need.sh PURPOSE THING…
#
# A THING is a program, lib:NAME of pkg-config, headers:DIRECTORY of a kernel, or python:MODULE. need.sh
# names those that are missing, and the packages that have them, and ends with 1. It installs nothing, and
# asks the tools themselves: a machine need not have dpkg or apt.

purpose=$1
shift
missing=
debian=
others=
headers=

# lacks DESCRIPTION DEBIAN-PACKAGES OTHERS'-PACKAGES
lacks()
{
	missing="$missing  $1
"
	debian="$debian $2"
	others="$others${others:+, }$3"
}

# A compiler without the C library's headers or the kernel's is of no use.
can_compile()
{
	printf '#include <stdio.h>\n#include <linux/types.h>\nint main(void) { return 0; }\n' |
		"${CC:-cc}" -x c -o /dev/null - 2>/dev/null
}

for thing; do
	name=${thing#*:}
	case $thing in
	cc)
		can_compile || lacks "${CC:-cc}, a C compiler that finds the headers of the C library and of Linux" \
			"gcc libc6-dev linux-libc-dev" "gcc, glibc-devel, kernel-headers" ;;
	lib:libnl-genl-3.0)
		if ! command -v pkg-config >/dev/null; then
			lacks "pkg-config, and $name with it" "pkg-config libnl-genl-3-dev" "pkgconf, libnl3-devel (or libnl3-dev, libnl)"
		elif ! pkg-config --exists "$name"; then
			lacks "$name, which pkg-config does not find" "libnl-genl-3-dev" "libnl3-devel (or libnl3-dev, libnl)"
		fi ;;
	lib:libnats)
		if ! command -v pkg-config >/dev/null || ! pkg-config --exists "$name"; then
			lacks "$name, the C client of NATS, which pkg-config does not find" "pkg-config libnats-dev" "pkgconf, cnats (or nats.c)"
		fi ;;
	headers:*)
		if ! [ -e "$name/Makefile" ]; then
			release=${name%/build}
			release=${release##*/}
			lacks "headers of the kernel, in $name" "linux-headers-$release" "kernel-devel (or linux-headers, linux-lts-headers)"
			headers=1
		fi ;;
	python:*)
		/usr/bin/python3 -c "import $name" 2>/dev/null ||
			lacks "python3 with the module $name" "python3 python3-$name" "python3, its module $name" ;;
	*)
		command -v "$thing" >/dev/null && continue
		case $thing in
		spatch)	package=coccinelle ;;
		ld.lld)	package=lld ;;
		llvm-*)	package=llvm ;;
		xz)	package=xz-utils ;;
		dpkg-buildpackage) package=dpkg-dev ;;
		dh)	package=debhelper ;;
		dh_python3) package=dh-python ;;
		dh_*)	package=dh-${thing#dh_} ;;
		*)	package=$thing ;;
		esac
		lacks "$thing" "$package" "${package%-utils}" ;;
	esac
done
[ -n "$missing" ] || exit 0

{
	echo "Missing, $purpose:"
	printf %s "$missing"
	echo "On Debian and Ubuntu, as root:  apt-get install --no-install-recommends$debian"
	echo "Elsewhere the packages are:     $others"
	[ -z "$headers" ] || echo "KDIR=DIRECTORY names headers that lie elsewhere; \"make demo\" needs none, for it boots a virtual machine."
} >&2
exit 1
