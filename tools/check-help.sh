#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# check-help.sh MBOXCTL PAGE [COMPLETION]: compare --help of each verb, its words for completion, and
# the manual page (synopsis, section, and columns). Where there is bash, complete each verb by
# COMPLETION, too.

mboxctl=$1 page=$2 completion=${3-}
status=0

complain()
{
	echo "check-help: $*" | tr '\n' ' ' >&2
	echo >&2
	status=1
}

# Join lines that begin with a space to the line before.
joined()
{
	sed -e :more -e '$!N' -e 's/\n  */ /' -e 't more' -e P -e D
}

# Print the page without its formatting.
plain()
{
	sed -e 's/\\f[BIRP]//g' -e 's/\\-/-/g' -e 's/\\|//g' -e 's/^\.B mboxctl/mboxctl/' "$page"
}

# Print the words that --help explains, as they are typed: key= or flag.
words_of_help()
{
	"$mboxctl" "$1" --help | sed -n '/^$/,$ s/^  \([a-z-][a-z-]*=\{0,1\}\).*/\1/p' | sort
}

# Print the words that the verb's section explains after .TP or .TQ; those in capitals are not typed.
words_of_page()
{
	plain | sed -n "/^\.SS $1\$/,/^\.S[SH] /p" | sed -n '/^\.T[PQ]$/ { n; p; }' |
		sed -n 's/^\.[BI]*[RI]* *\([a-z-][a-z-]*=\{0,1\}\).*/\1/p' | sort
}

# Print the words that completion gets.
words_for_completion()
{
	"$mboxctl" help "$1" --words | sed -n 's/^\(word\|verb\) \([^ ]*\).*/\2/p' | sort
}

# Print the offers of bash after the verb and an operand: the words, and values of an operand.
completed_by_bash()
{
	PATH=$(dirname "$mboxctl"):$PATH bash -c '
		. "$1"
		COMP_WORDS=(mboxctl "$2" 1 "") COMP_CWORD=3
		_mboxctl
		printf "%s\n" "${COMPREPLY[@]}"
	' bash "$completion" "$1"
}

# The columns and policies that --help explains, with four spaces before them, and the page's tables.
rows_of_help()
{
	"$mboxctl" "$1" --help | sed -n 's/^    \([a-z_][a-z_]*\)  *\(.*\)/\1 \2/p'
}

rows_of_page()
{
	sed -n "/^\.SS $1\$/,/^\.S[SH] /s/^\\\\fB\([a-z_]*\)\\\\fP	\(.*\)/\1 \2/p" "$page"
}

verbs=$("$mboxctl" help | sed -n '/^verbs:/,/^$/ s/^  \([a-z]*\) .*/\1/p')
[ -n "$verbs" ] || complain "$mboxctl help lists no verbs"
other=$("$mboxctl" help --words | sed -n 's/^verb //p')
[ "$verbs" = "$other" ] || complain "help lists the verbs:" "$verbs" "-- completion gets:" "$other"

for verb in $verbs; do
	usage=$("$mboxctl" "$verb" --help | joined | sed -n '1 s/^usage: mboxctl \[OPTIONS\] //p')
	plain | joined | grep -qxF "mboxctl $usage" ||
		complain "$page: no line of the synopsis is: mboxctl $usage"
	words=$(words_of_help "$verb")
	other=$(words_of_page "$verb")
	[ "$words" = "$other" ] ||
		complain "$verb: --help has the words:" "$words" "-- the page:" "$other"
	other=$(words_for_completion "$verb")
	[ "$words" = "$other" ] ||
		complain "$verb: --help has the words:" "$words" "-- completion gets:" "$other"
	[ "$(rows_of_help "$verb")" = "$(rows_of_page "$verb")" ] ||
		complain "$verb: --help explains" "$(rows_of_help "$verb")" "-- the page" "$(rows_of_page "$verb")"
	[ -n "$completion" ] || continue
	command -v bash >/dev/null || continue
	offered=$(completed_by_bash "$verb")
	for word in $words; do
		printf '%s\n' "$offered" | grep -qxFe "$word" ||
			complain "$completion does not complete $verb by $word"
	done
done
exit $status
