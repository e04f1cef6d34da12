#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A newer gcc than the machine's Debian has: gcc.sh VERSION SUITE fetches that of SUITE and prints its path. It compiles C,
# but links nothing.

set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/apt.sh"

version=$1
suite=$2
if command -v "gcc-$version"; then
	exit
fi

# The text of this script names the packages.
dir=$CACHE/gcc/$version@$suite-$(sha256sum <"$0" | cut -c 1-12)
compiler=usr/bin/x86_64-linux-gnu-gcc-$version
mkdir -p "$CACHE/gcc"
exec 8>"$CACHE/gcc/lock"
flock 8
if ! [ -d "$dir" ]; then
	apt_suite "$suite"
	note "fetching gcc-$version of $suite"
	apt_unpack "$dir.new" {gcc,cpp}-"$version"-x86-64-linux-gnu "libgcc-$version-dev" libc6 libgmp10 libisl23 libmpc3 \
		libmpfr6 libzstd1 zlib1g
	# They need the C library of their suite, whose loader has to start them.
	for program in "$compiler" "usr/libexec/gcc/x86_64-linux-gnu/$version/cc1"; do
		mv "$dir.new/$program" "$dir.new/$program.bin"
		cat >"$dir.new/$program" <<-END
			#!/bin/sh
			exec $dir/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 --library-path $dir/usr/lib/x86_64-linux-gnu \\
				--argv0 "\$0" $dir/$program.bin "\$@"
		END
		chmod +x "$dir.new/$program"
	done
	mv "$dir.new" "$dir"
fi
echo "$dir/$compiler"
