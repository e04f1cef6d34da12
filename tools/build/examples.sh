#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Take the examples out of the manual pages, for tests to compile and run.
#
# examples.sh DIRECTORY writes each into DIRECTORY/PAGE.SECTION.h, as mbox_send.3.examples.h; a second one of the
# section has a 2 before the .h. Those of other languages than C are called so too. Files that would not change are left alone.
# examples.sh -c fails unless each page of a function has an example, and a test includes or runs each.
set -eu

cd "$(dirname "$0")/../.."
check=
if [ "$1" = -c ]; then
	check=y
	set -- "$(mktemp -d)"
	trap 'rm -rf "$1"' EXIT
fi
mkdir -p "$1"
new=$(mktemp -d)
trap 'rm -rf "$new"; [ -z "$check" ] || rm -rf "$1"' EXIT

# Those of mboxctl(8) and mbox(4) are commands, run by the tests of mboxctl.
for page in lib/man/*.[37]; do
	awk -v out="$new/${page##*/}" '
	/^\.\\" generated: / { generated = 1 }
	/^\.\\" end$/ { generated = 0 }
	/^\.S[HS] / {
		section = tolower($2)
		number = 0
	}
	/^\.EX$/ && !generated && section != "synopsis" {
		name = out "." section (++number > 1 ? number : "") ".h"
		printf "" >name
		next
	}
	/^\.EE$/ {
		if (name != "")
			close(name)
		name = ""
	}
	name != "" {
		gsub(/\\-/, "-")
		gsub(/\\&/, "")
		gsub(/\\e/, "\\")
		print >name
	}' "$page"
done
for file in "$new"/*; do
	cmp -s "$file" "$1/${file##*/}" || cp "$file" "$1/"
done
[ -n "$check" ] || exit 0

status=0
for page in lib/man/*.3; do
	grep -q '^\.so ' "$page" || [ -e "$1/${page##*/}.examples.h" ] || {
		echo "$page has no example" >&2
		status=1
	}
done
for file in "$1"/*; do
	grep -qF "pages/${file##*/}" selftests/*.c selftests/*.cpp selftests/*.sh || {
		echo "no test includes pages/${file##*/}" >&2
		status=1
	}
done
exit $status
