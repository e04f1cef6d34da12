#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Build the crates of lib/rust with their tests, offline, into DIRECTORY: rust.sh DIRECTORY LIBRARIES, where LIBRARIES
# is the directory of libmbox.so. DIRECTORY/bin has the programs under names without a hash. Then compare the
# declarations of mbox-sys with the C headers and the library's symbols.
set -eu

cd "$(dirname "$0")/../.."
top=$PWD
mkdir -p "$1/bin"
out=$(cd "$1" && pwd)
libraries=$(cd "$2" && pwd)

# The compiler of the distribution, before one of the user's.
cargo=cargo
if [ -x /usr/bin/cargo ] && [ -x /usr/bin/rustc ]; then
	cargo=/usr/bin/cargo
	export RUSTC=/usr/bin/rustc
fi
export MBOX_LIB_DIR="$libraries" CARGO_HOME="$out/home" CARGO_TARGET_DIR="$out" RUSTFLAGS="-D warnings"

cd lib/rust
"$cargo" test --locked --offline --quiet --no-run
"$cargo" build --locked --offline --quiet --lib --examples
for file in mbox/tests/*.rs; do
	name=${file##*/}
	name=${name%.rs}
	"$cargo" test --locked --offline --no-run --test "$name" 2>&1 |
		sed -n 's/^ *Executable .*(\(.*\))$/\1/p' >"$out/tests"
	cp "$(cat "$out/tests")" "$out/bin/rust_${name}_test"
done
for example in mbox/examples/*.rs; do
	name=${example##*/}
	cp "$out/debug/examples/${name%.rs}" "$out/bin/rust_${name%.rs}"
done
cd "$top"

# A program that does not compile if a field or a function is missing, and fails if a number differs. The calls of
# /dev/mbox are not declared: the library makes them.
tools/build/layout.sh | awk '
BEGIN { print "#![allow(unused_comparisons)]\nuse std::mem::{size_of, MaybeUninit};\nuse std::ptr::addr_of;\nfn main() {" }
$2 ~ /^MBOX_(IOC_|OPEN_|WAIT_|VERSION)/ || ($2 ~ /^mbox_ioc_/ && $2 != "mbox_ioc_set") { next }
$1 == "const" { printf "    assert_eq!(mbox_sys::%s as i64, %s, \"%s\");\n", $2, $3, $2 }
$1 == "struct" {
	printf "    assert_eq!(size_of::<mbox_sys::%s>(), %d, \"%s\");\n", $2, $3, $2
}
$1 == "field" {
	name = $3 == "type" ? "type_" : $3
	printf "    {\n        let it = MaybeUninit::<mbox_sys::%s>::zeroed();\n", $2
	printf "        let field = unsafe { addr_of!((*it.as_ptr()).%s) };\n", name
	printf "        assert_eq!(field as usize - it.as_ptr() as usize, %d, \"%s.%s\");\n", $4, $2, $3
	printf "        assert_eq!(unsafe { std::mem::size_of_val(&*field) }, %d, \"%s.%s\");\n    }\n", $5, $2, $3
}
' >"$out/layout.rs"
sed -n 's/^	\(mbox_[a-z_]*\);$/    assert!(mbox_sys::\1 as usize != 0);/p' lib/libmbox.map >>"$out/layout.rs"
echo "}" >>"$out/layout.rs"
"${RUSTC:-rustc}" --edition 2021 -o "$out/layout" --extern mbox_sys="$out/debug/libmbox_sys.rlib" -L "$out/debug/deps" \
	-L "$libraries" "$out/layout.rs"
LD_LIBRARY_PATH="$libraries" "$out/layout"
