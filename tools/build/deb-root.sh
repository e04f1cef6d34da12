# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# A small Debian of the machine's release, to install into and to throw away; sourced.
#
# $ROOT is the directory that it is unpacked into. The cache keeps the archive, by its list of packages.

# Run a command as root: as the machine's, or as that of a namespace that has users enough for a Debian. Its mounts
# end with it.
as_root()
{
	local -a how=(--mount --pid --fork --kill-child)

	[ "$(id -u)" = 0 ] || how+=(--map-root-user --map-auto)
	unshare "${how[@]}" "$@"
}

# inside COMMAND [ARG…]: run a command in $ROOT. Of the machine's devices it sees those that any program may need.
inside()
{
	# shellcheck disable=SC2016 # the inner shell expands it
	as_root sh -ec '
		mount -t proc proc "$1/proc"
		mount -t tmpfs -o mode=755 dev "$1/dev"
		for node in null zero full random urandom tty; do
			: >"$1/dev/$node"
			mount --bind "/dev/$node" "$1/dev/$node"
		done
		ln -s /proc/self/fd "$1/dev/fd"
		exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive chroot "$@"
	' sh "$ROOT" "$@" </dev/null
}

root_remove()
{
	[ ! -e "$ROOT" ] || as_root rm -rf "$ROOT"
}

# root_unpack PACKAGE…: make $ROOT, with these packages and their dependencies.
root_unpack()
{
	local suite archive file packages

	suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
	packages=$(printf '%s\n' "$@" | LC_ALL=C sort -u | paste -sd ,)
	file=$CACHE/root/$suite-$(sha256sum <<<"$packages" | cut -c 1-12).tar.zst
	mkdir -p "$CACHE/root"
	exec 8>"$CACHE/root/lock"
	flock 8
	if ! [ -e "$file" ]; then
		note "making a Debian $suite to install into, once; this takes some minutes"
		# shellcheck disable=SC2016 # apt expands it
		archive=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(CREATED_BY)' |
			awk -v release="$suite" '$2 == release && $3 == "Packages" { print $1; exit }')
		[ -n "$archive" ] || die "no Debian archive among the package sources"
		rm -f "$CACHE/root/$suite"-*
		mmdebstrap --quiet --variant=minbase --include="$packages" "$suite" "$CACHE/root/new.tar" "$archive" >&2 ||
			die "a Debian $suite could not be made"
		zstd -q --rm -T0 -f "$CACHE/root/new.tar" -o "$CACHE/root/new.tar.zst"
		mv "$CACHE/root/new.tar.zst" "$file"
	fi
	root_remove
	mkdir -p "$ROOT"
	as_root tar -x --zstd --numeric-owner --exclude='./dev/*' -C "$ROOT" -f "$file"
	exec 8>&-
}
