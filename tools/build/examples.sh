#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Take the examples out of the manual pages and of README.md, for tests to compile and run.
#
# examples.sh DIRECTORY writes each into DIRECTORY/PAGE.SECTION.h, as mbox_send.3.examples.h; a second one of the
# section has a 2 before the .h. Those of other languages than C are called so too. Files that would not change are left alone.
# examples.sh -s DIRECTORY writes the commands of README.md, of the EXAMPLES of mboxctl(8) and mboxbench(1), and of the
# TRACEPOINTS of mbox(4) instead. Those for a machine with the module loaded go block by block to DIRECTORY/README.md.N,
# DIRECTORY/mboxctl.8.N and so on, an expected line of output after "#> "; those that begin with make, sudo and the like
# go to DIRECTORY/host, a line each.
# examples.sh -c fails unless each page of a function has an example, and a test includes or runs each.
set -eu

cd "$(dirname "$0")/../.."
check=
shell=
case $1 in
-c)	check=y
	set -- "$(mktemp -d)" ;;
-s)	shell=y
	shift ;;
esac
mkdir -p "$1"
new=$(mktemp -d)
trap 'rm -rf "$new"; [ -z "$check" ] || rm -rf "$1"' EXIT

# Those of README.md, without the remarks beside them. Code of another language has a name of its own.
commands_of_readme()
{
	awk '
	function end() { open = said = 0 }
	function take(line) {
		if (!open++)
			print "#-"
		if (said && line ~ /^        /)
			return
		said = 0
		if (line !~ /#/ && match(line, /[^ ]   +[^ ]/)) {
			line = substr(line, 1, RSTART)
			said = 1
		}
		if (line ~ /^\$ /)
			dollar = 1
		else if (dollar && line != "")
			line = "#> " line
		sub(/^\$ /, "", line)
		print line
	}
	/^```/ {
		fence = fence != "" ? "" : $0
		dollar = 0
		end()
		next
	}
	fence ~ /^```(sh|bash|console)$/ { take($0); next }
	fence != "" { next }
	/^    [^ ]/ && (blank || open) || /^     / && open { take(substr($0, 5)); blank = 0; next }
	/^$/ { blank = 1; if (open) print ""; next }
	{ blank = dollar = 0; end() }' README.md
}

# The same of mboxctl(8). A file of mailboxes is restored, as at boot.
commands_of_page()
{
	sed 's/\\f[A-Z]//g; s/\\-/-/g; s/\\&//g; s/\\(aq/'\''/g; s/\\e/\\/g' tools/mboxctl.8 | awk '
	/^\.SH / { here = $2 == "EXAMPLES" }
	!here { next }
	/^\.IR \/etc\/mbox\.d\// { file = "mbox.conf" }
	/^\.EX$/ {
		print "#-"
		if (file != "")
			print "cat >" file " <<\"END\""
		open = 1
		dollar = 0
		next
	}
	/^\.EE$/ {
		if (file != "")
			print "END\nmboxctl restore " file
		file = ""
		open = 0
	}
	!open { next }
	sub(/^\$ /, "") { dollar = 1; print; next }
	{ print (dollar ? "#> " : "") $0 }'
}

# The commands that root types in mbox(4).
commands_of_device()
{
	sed 's/\\f[A-Z]//g; s/\\-/-/g; s/\\(aq/'\''/g' lib/man/mbox.4 | awk '
	/^\.S[HS] / { here = $2 == "TRACEPOINTS" }
	/^\.EX$/ { print "#-" }
	here && sub(/^# /, "")'
}

# Those of mboxbench(1), each a block.
commands_of_bench()
{
	sed 's/\\-/-/g; s/\\(aq/'\''/g; s/\\(dq/"/g' tools/bench/mboxbench.1 | awk '
	/^\.SH / { here = $2 == "EXAMPLES" }
	here && sub(/^\.B /, "") { print "#-"; print }'
}

# Split commands into blocks, $1.N, and those of the host.
put_commands()
{
	awk -v out="$1" -v host="$new/host" '
	/^#-/ { name = ""; next }
	/^(make|sudo|git|cd|cc|apt|apt-get|dpkg|cargo|python3)( |$)|^(selftests|tools|build)\// {
		sub(/ +#.*/, "")
		print >>host
		next
	}
	name == "" && /^ *(#|$)/ { next }
	{
		if (name == "")
			name = sprintf("%s.%02d", out, ++number)
		print >name
	}'
}

if [ -n "$shell" ]; then
	: >"$new/host"
	commands_of_readme | put_commands "$new/README.md"
	commands_of_page | put_commands "$new/mboxctl.8"
	commands_of_device | put_commands "$new/mbox.4"
	commands_of_bench | put_commands "$new/mboxbench.1"
	for file in "$1"/*; do
		[ -e "$new/${file##*/}" ] || rm -f "$file"
	done
	cp "$new"/* "$1/"
	exit
fi

# Those of mboxctl(8) and mbox(4) are commands: commands_test.sh and the tests of mboxctl run them.
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
# The complete programs of README.md, and its code in Python.
awk -v out="$new/README.md" '
	function put() {
		if (language == "python" || language == "c" && text ~ /main\(/) {
			name = out "." language (++number[language] > 1 ? number[language] : "") ".h"
			printf "%s", text >name
			close(name)
		}
	}
	/^```/ {
		put()
		language = language == "" ? substr($0, 4) : ""
		text = ""
		next
	}
	{ text = text $0 "\n" }' README.md
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
