# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Kernels without a package, built from Debian's kernel source; sourced by kernels.sh.
#
# A kernel is tinyconfig, base.config and the fragments of its row. It is kept by the version of the
# source and the text of the fragments, so that a change of either builds another. A line "# make: VAR=VALUE"
# of a fragment goes to make when the kernel is built, but not when modules are built for it.

DEPS_KERNEL=(bc bison flex gcc libelf-dev make xz-utils)

# The source of package $1 ($2: suite, if it is not the machine's) in $REPLY.
source_tree()
{
	local package=$1 version dir

	exec 9>"$CACHE/source/$package.full.lock"
	flock 9
	[ -z "${2-}" ] || apt_suite "$2"
	if ! resolved "$CACHE/source/$package.full" || ! [ -d "$REPLY" ]; then
		version=$(apt_show "$package" | sed -n 's/^Version: //p') || apt_again "no package $package"
		dir=$CACHE/source/$package@$version.full
		if ! [ -d "$dir" ]; then
			note "fetching $package"
			mkdir -p "$CACHE/source"
			apt_unpack "$dir.deb" "$package=$version"
			rm -rf "$dir.new"
			mkdir "$dir.new"
			tar -xf "$dir.deb/usr/src/$package.tar.xz" -C "$dir.new" --strip-components=1
			rm -r "$dir.deb"
			mv "$dir.new" "$dir"
		fi
		echo "$dir" >"$CACHE/source/$package.full"
		REPLY=$dir
	fi
	exec 9>&-
}

# check_options CONFIG FRAGMENT…: report options of the fragments that the kernel lacks.
check_options()
{
	local line

	grep -hE '^CONFIG_[A-Z0-9_]+=[^n]' "${@:2}" | while read -r line; do
		grep -qxF "$line" "$1" || note "the kernel does not take $line"
	done
}

# Set $fragments to the files of FRAGMENT….
find_fragments()
{
	local fragment

	fragments=("$HERE/base.config")
	for fragment; do
		fragments+=("$HERE/$fragment.config")
	done
}

# Print where kernel $1 lies that is built from the source tree $2.
built_dir()
{
	local dir=$CACHE/kernel/$1@${2#*@}

	echo "${dir%.full}-$(cat "${fragments[@]}" | sha256sum | cut -c 1-12)"
}

# kernel_bare NAME PACKAGE VAR=VALUE…
kernel_bare()
{
	local name=$1 package=$2 source dir compiler
	local -a fragments args=("${@:3}")

	if [[ $3 = CC=gcc-*@* ]]; then
		compiler=${3#CC=gcc-}
		compiler=$("$HERE/gcc.sh" "${compiler%@*}" "${compiler#*@}") || exit 125
		args=("CC=$compiler")
	fi
	find_fragments
	mkdir -p "$CACHE/source"
	source_tree "$package"
	source=$REPLY
	dir=$(built_dir "$name" "$source")
	if ! [ -e "$dir/ready" ]; then
		"$HERE/deps.sh" "a kernel is built" "${DEPS_KERNEL[@]}" || exit 125
		note "preparing to build modules for kernel $name (${dir##*@}), once; this takes a minute"
		mkdir -p "$dir"
		(
			exec >"$dir/log" 2>&1 </dev/null
			make -C "$source" O="$dir" "${args[@]}" tinyconfig
			cat "${fragments[@]}" >>"$dir/.config"
			make -C "$source" O="$dir" "${args[@]}" olddefconfig
			make -C "$source" O="$dir" -j"$(nproc)" "${args[@]}" modules_prepare
			# there is no kernel whose symbols it could name
			: >"$dir/Module.symvers"
		) || { tail -n 20 "$dir/log" >&2; die "kernel $name does not build; see $dir/log"; }
		touch "$dir/ready"
	fi

	echo "build=$dir"
	echo "args=${args[*]}"
	echo "arch=amd64"
}

# ready_bare NAME PACKAGE VAR=VALUE…
ready_bare()
{
	ready_built "$1" "$2"
}

# ready_built NAME PACKAGE[@SUITE] [FRAGMENT…]
ready_built()
{
	local -a fragments

	find_fragments "${@:3}"
	resolved "$CACHE/source/${2%@*}.full" && [ -e "$(built_dir "$1" "$REPLY")/ready" ]
}

# kernel_built NAME PACKAGE[@SUITE] [FRAGMENT…]
kernel_built()
{
	local name=$1 package=${2%@*} suite='' source dir
	local -a fragments args

	[ "$package" = "$2" ] || suite=${2#*@}
	find_fragments "${@:3}"
	mapfile -t args < <(sed -n 's/^# make: //p' "${fragments[@]}")
	mkdir -p "$CACHE/source"
	source_tree "$package" "$suite"
	source=$REPLY
	dir=$(built_dir "$name" "$source")

	if ! [ -e "$dir/ready" ]; then
		"$HERE/deps.sh" "a kernel is built" "${DEPS_KERNEL[@]}" || exit 125
		note "building kernel $name (${dir##*@}), once; this takes some minutes"
		mkdir -p "$dir"
		(
			exec >"$dir/log" 2>&1 </dev/null
			make -C "$source" O="$dir" tinyconfig
			cat "${fragments[@]}" >>"$dir/.config"
			make -C "$source" O="$dir" olddefconfig
			make -C "$source" O="$dir" -j"$(nproc)" ${args[@]+"${args[@]}"} bzImage modules
		) || { tail -n 20 "$dir/log" >&2; die "kernel $name does not build; see $dir/log"; }
		check_options "$dir/.config" "${fragments[@]}"
		# building a module takes only headers and programs
		find "$dir" -path "$dir/scripts" -prune -o -path "$dir/tools" -prune -o \
			\( -name '*.o' -o -name '*.a' -o -name '.*.cmd' \) -type f -exec rm {} +
		touch "$dir/ready"
	fi

	echo "image=$dir/arch/x86/boot/bzImage"
	echo "build=$dir"
	echo "release=$(cat "$dir/include/config/kernel.release")"
	echo "modules=$dir"
	echo "arch=amd64"
}
