#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# check-help.sh MBOXCTL PAGE [COMPLETION]: of each verb, do --help, the manual page (its synopsis and
# its section) and the completion know the same words?

mboxctl=$1 page=$2 completion=${3-}
status=0

complain()
{
	echo "check-help: $*" | tr '\n' ' ' >&2
	echo >&2
	status=1
}

# Lines that begin with a space continue the one before.
joined()
{
	sed -e :more -e '$!N' -e 's/\n  */ /' -e 't more' -e P -e D
}

# A page without what makes it look well.
plain()
{
	sed -e 's/\\f[BIRP]//g' -e 's/\\-/-/g' -e 's/\\|//g' -e 's/^\.B mboxctl/mboxctl/' "$page"
}

# The words that --help explains, as they are to be typed: key= or flag.
words_of_help()
{
	"$mboxctl" "$1" --help | sed -n '/^$/,$ s/^  \([a-z-][a-z-]*=\{0,1\}\).*/\1/p' | sort
}

# The same of the verb's section: what stands after .TP or .TQ, but for what is not to be typed.
words_of_page()
{
	plain | sed -n "/^\.SS $1\$/,/^\.S[SH] /p" | sed -n '/^\.T[PQ]$/ { n; p; }' |
		sed -n 's/^\.[BI]*[RI]* *\([a-z-][a-z-]*=\{0,1\}\).*/\1/p' | sort
}

words_of_completion()
{
	sed -n "s/^[[:space:]]*$1)[[:space:]]*words='\([a-z= -]*\)' ;;\$/\1/p" "$completion" |
		tr ' ' '\n' | sort
}

verbs=$("$mboxctl" help | sed -n '/^verbs:/,/^$/ s/^  \([a-z]*\) .*/\1/p')
[ -n "$verbs" ] || complain "$mboxctl help lists no verbs"

for verb in $verbs; do
	usage=$("$mboxctl" "$verb" --help | joined | sed -n '1 s/^usage: mboxctl \[OPTIONS\] //p')
	plain | joined | grep -qxF "mboxctl $usage" ||
		complain "$page: no line of the synopsis is: mboxctl $usage"
	words=$(words_of_help "$verb")
	other=$(words_of_page "$verb")
	[ "$words" = "$other" ] ||
		complain "$verb: --help has the words:" "$words" "-- the page:" "$other"
	[ -n "$completion" ] || continue
	grep -qE "words='([a-z]+ )*$verb( [a-z]+)*'" "$completion" ||
		complain "$completion does not complete $verb"
	other=$(words_of_completion "$verb")
	[ "$words" = "$other" ] ||
		complain "$verb: --help has the words:" "$words" "-- the completion:" "$other"
done
exit $status
