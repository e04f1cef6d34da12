#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# check-help.sh MBOXCTL PAGE [BASH [ZSH [FISH]]]: compare --help of each verb, its words for completion,
# and the manual page (synopsis, section, and columns). Where there is the shell, complete each verb by
# its file, too.

mboxctl=$1 page=$2 bash=${3-} zsh=${4-} fish=${5-}
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
	' bash "$bash" "$1"
}

# The same of zsh, whose completion system calls these builtins.
completed_by_zsh()
{
	PATH=$(dirname "$mboxctl"):$PATH zsh -fc '
		compadd() { while [[ $1 == -* && $1 != -- ]]; do [[ $1 != -S ]] || shift; shift; done; shift; print -l -- $@; }
		compset() { return 0; }
		_files() { return 0; }
		file=$1
		words=(mboxctl $2 1 "") CURRENT=4
		set --
		. $file
	' zsh "$(realpath "$zsh")" "$1"
}

# fish has a description behind a tab.
completed_by_fish()
{
	# shellcheck disable=SC2016 # it is for fish
	PATH=$(dirname "$mboxctl"):$PATH fish -N -c '
		source $argv[1]
		complete -C "mboxctl $argv[2] 1 "
	' "$fish" "$1" | cut -f 1
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
	for shell in bash zsh fish; do
		file=
		case $shell in
		bash)	file=$bash ;;
		zsh)	file=$zsh ;;
		fish)	file=$fish ;;
		esac
		if [ -z "$file" ] || ! command -v $shell >/dev/null; then
			continue
		fi
		case $shell in
		bash)	offered=$(completed_by_bash "$verb") ;;
		zsh)	offered=$(completed_by_zsh "$verb") ;;
		fish)	offered=$(completed_by_fish "$verb") ;;
		esac
		for word in $words; do
			# fish offers words with - only after a -
			case $shell$word in fish-*) continue ;; esac
			printf '%s\n' "$offered" | grep -qxFe "$word" ||
				complain "$file does not complete $verb by $word"
		done
	done
done
exit $status
