#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Print the constants of mbox.h and <linux/mbox.h>, and where the fields of their structures lie, as the C compiler
# sees them; bindings for other languages are compared with that.
#
#	const NAME VALUE		a number
#	string NAME VALUE
#	struct NAME SIZE
#	field STRUCTURE NAME OFFSET SIZE
set -eu

cd "$(dirname "$0")/../.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

awk '
BEGIN {
	print "#include <stddef.h>\n#include <stdio.h>\n#include \"mbox.h\""
	print "#define NUMBER(x) printf(\"const %s %lld\\n\", #x, (long long)(x))"
	print "#define STRING(x) printf(\"string %s %s\\n\", #x, x)"
	print "#define STRUCT(x) printf(\"struct %s %zu\\n\", #x, sizeof(struct x))"
	print "#define FIELD(x, f) printf(\"field %s %s %zu %zu\\n\", #x, #f, offsetof(struct x, f), sizeof(((struct x *)0)->f))"
	print "int main(void)\n{"
}
/^#define[ \t]+MBOX_[A-Z0-9_]+[ \t]+[^ \t{]/ {
	print "\t" ($3 ~ /^"/ ? "STRING" : "NUMBER") "(" $2 ");"
	next
}
/^struct [a-z_]+ \{$/ {
	name = $2
	print "\tSTRUCT(" name ");"
	next
}
/^}/ { name = "" }
name != "" && /;/ {
	line = $0
	sub(/[ \t]*__attribute__.*|[ \t]*;.*/, "", line)
	sub(/\[.*/, "", line)
	n = split(line, words, /[ \t*]+/)
	print "\tFIELD(" name ", " words[n] ");"
}
END { print "\treturn 0;\n}" }
' uapi/linux/mbox.h lib/mbox.h >"$dir/layout.c"
"${CC:-cc}" -Iuapi -Ilib -o "$dir/layout" "$dir/layout.c"
"$dir/layout"
