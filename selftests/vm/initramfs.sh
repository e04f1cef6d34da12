# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# The guest's file system: a directory that becomes the initramfs; sourced. $ROOT is that directory, $ARCH the
# architecture; tools/build/cross.sh sets $CROSS_ROOT and $CROSS_LIB if this machine has another.

# Put file $1 at path $2 of the guest. An earlier file of that path is replaced.
put()
{
	mkdir -p "$ROOT${2%/*}"
	cp -L --remove-destination --preserve=mode,timestamps -- "$1" "$ROOT$2"
}

# Is $1 an ELF file? Its class is then in $REPLY: 1 for 32 bits, 2 for 64.
is_elf()
{
	local magic

	magic=$(head -c 5 -- "$1" | od -An -tx1)
	[[ $magic = ' 7f 45 4c 46 0'[12] ]] || return 1
	REPLY=${magic: -1}
}

# Put the loader and the libraries that program $1 needs where they are on the host. Libraries of ours
# are not where a loader would look without help, so these are linked from a directory where it does.
put_libraries()
{
	local lib dir

	is_elf "$1" || return 0
	if [ "$ARCH" != amd64 ]; then
		put_foreign_libraries "$1"
		return
	fi
	dir=/usr/lib/x86_64-linux-gnu
	[ "$REPLY" = 2 ] || dir=/usr/lib/i386-linux-gnu
	while read -r lib; do
		[ -e "$ROOT$lib" ] || put "$lib" "$lib"
		case $lib in
		/lib/*|/lib32/*|/lib64/*|/usr/lib/*|/usr/lib32/*) ;;
		*)	mkdir -p "$ROOT$dir"
			ln -sf "$lib" "$ROOT$dir/${lib##*/}" ;;
		esac
	done < <(LD_LIBRARY_PATH=$TOP/build/lib ldd "$1" 2>/dev/null | grep -oE '(=> |^[[:space:]]+)/[^(]+ \(' |
		sed -E 's/^(=>)?[[:space:]]+//; s/ \($//')
}

# The same for a program of another architecture: its libraries come from the cross compiler's C library.
put_foreign_libraries()
{
	local lib

	while read -r lib; do
		[ ! -e "$ROOT/lib/$lib" ] || continue
		put "$CROSS_LIB/$lib" "/lib/$lib"
		put_foreign_libraries "$CROSS_LIB/$lib"
	done < <(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
}

# Put a program on the guest's PATH, with all it needs.
put_program()
{
	put "$1" "/usr/local/bin/${2:-${1##*/}}"
	put_libraries "$1"
}

# put_argument FILE[:DEST]: the runner's -f. Without DEST the file keeps its path.
put_argument()
{
	local file=$1 dest='' path

	if ! [ -e "$file" ] && [[ $file = *:* ]]; then
		dest=${file##*:}
		file=${file%:*}
	fi
	[ -e "$file" ] || die "-f: no file '$file'"
	case $dest in
	'')	dest=$(realpath -s -- "$file")
		# the guest mounts its own there
		case $dest in /dev/*|/proc/*|/sys/*) dest=/${dest##*/} ;; esac
		if [ -f "$file" ] && [ -x "$file" ]; then
			mkdir -p "$ROOT/usr/local/bin"
			ln -sf "$dest" "$ROOT/usr/local/bin/${dest##*/}"
		fi ;;
	/*)	;;
	*)	dest=$PWD/$dest ;;
	esac
	[ "$dest" = "${dest%/}" ] || dest=$dest$(basename -- "$file")

	if [ -d "$file" ]; then
		mkdir -p "$ROOT$dest"
		cp -LR --preserve=mode,timestamps -- "$file/." "$ROOT$dest"
		while IFS= read -r -d '' path; do
			put_libraries "$path"
		done < <(find -L "$file" -type f -perm /111 -print0)
	else
		put "$file" "$dest"
		put_libraries "$file"
	fi
}

# Write the words of a command so that a shell reads them back byte for byte.
quote()
{
	local word

	for word; do
		printf " '%s'" "${word//\'/\'\\\'\'}"
	done
	echo
}

put_base()
{
	local dir=$ROOT/bin applet

	mkdir -p "$ROOT"/{bin,dev,etc,lib/modules,proc,root,run,sys,tmp,usr/bin,usr/sbin,usr/local/bin,var/tmp,mbox}
	ln -s bin "$ROOT/sbin"
	chmod 1777 "$ROOT/tmp" "$ROOT/var/tmp"
	case $ARCH in
	amd64) put "$(command -v busybox)" /bin/busybox ;;
	*) put "$CROSS_ROOT/bin/busybox" /bin/busybox ;;
	esac
	while read -r applet; do
		[ "$applet" = busybox ] || ln -s busybox "$dir/$applet"
	done < <(busybox --list)

	cat >"$ROOT/etc/passwd" <<-END
		root:x:0:0:root:/root:/bin/sh
		daemon:x:1:1:daemon:/:/bin/sh
		user:x:1000:1000:user:/tmp:/bin/sh
		nobody:x:65534:65534:nobody:/:/bin/sh
	END
	cat >"$ROOT/etc/group" <<-END
		root:x:0:
		daemon:x:1:
		user:x:1000:
		nogroup:x:65534:
	END
}

# The drivers that the guest needs before it can say anything, where the kernel $2 has them as modules.
put_drivers()
{
	local driver word path name

	for driver in virtio_pci virtio_console; do
		/sbin/modprobe -d "$1" -S "$2" --show-depends "$driver" 2>/dev/null || true
	done | while read -r word path; do
		[ "$word" = insmod ] || continue
		name=${path##*/}
		mkdir -p "$ROOT/lib/modules"
		case $name in
		*.xz) name=${name%.xz}; xz -dc "$path" >"$ROOT/lib/modules/$name" ;;
		*.zst) name=${name%.zst}; zstd -qdc "$path" >"$ROOT/lib/modules/$name" ;;
		*) cp "$path" "$ROOT/lib/modules/$name" ;;
		esac
		grep -qsxF "$name" "$ROOT/lib/modules/order" || echo "$name" >>"$ROOT/lib/modules/order"
	done
}

# pack FILE: write the initramfs.
pack()
{
	(cd "$ROOT" && find . -print0 | LC_ALL=C sort -z | cpio -o0 -H newc -R +0:+0 --quiet) >"$1"
}
