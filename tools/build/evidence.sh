#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Keep the results of long runs, and put them into README.md.
#
#	evidence.sh note LABEL RESULT	keep RESULT, which was found today
#	evidence.sh write FILE		between the marks in FILE, put each kept result into the row of its label
#
# A row of which no result is kept stays as it is, with its date. Results are kept in build/evidence, a file each.

set -euo pipefail

TOP=$(cd "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=note.sh
. "$TOP/tools/build/note.sh"

KEPT=$TOP/build/evidence

# keep LABEL RESULT
keep()
{
	[[ $1$2 != *[\|$'\t\n']* ]] || die "a label and a result have neither '|' nor tabs nor new lines"
	mkdir -p "$KEPT"
	printf '%s\t%s\t%s\n' "$1" "$2" "$(date -u +%F)" >"$KEPT/${1//[!A-Za-z0-9.-]/_}"
}

# write FILE
write()
{
	local file=$1 results

	grep -q '^<!-- evidence: begin -->$' "$file" || die "$file has no place for results"
	results=$(cat "$KEPT"/* 2>/dev/null) || die "no results are kept: make check, model, fuzz, coverage or stress first"
	awk -F '\t' '
		function row(label)
		{
			return "| " label " | " result[label] " | " date[label] " |"
		}
		FNR == NR { result[$1] = $2; date[$1] = $3; order[++count] = $1; next }
		/^<!-- evidence: begin -->$/ { inside = 1 }
		/^<!-- evidence: end -->$/ {
			for (i = 1; i <= count; i++)
				if (!(order[i] in written))
					print row(order[i])
			inside = 0
		}
		inside && /^\| / {
			label = $0
			sub(/^\| /, "", label)
			sub(/ \| .*/, "", label)
			if (label in result) {
				written[label] = 1
				print row(label)
				next
			}
		}
		{ print }
	' <(printf '%s\n' "$results") "$file" >"$file.new"
	cat "$file.new" >"$file"
	rm -f "$file.new"
}

case ${1-} in
note)	[ $# = 3 ] || die "note LABEL RESULT"
	keep "$2" "$3" ;;
write)	[ $# = 2 ] || die "write FILE"
	write "$2" ;;
*)	die "usage: evidence.sh note LABEL RESULT | write FILE" ;;
esac
