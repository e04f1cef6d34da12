# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Completion of mboxctl for bash. It knows no verb by itself, but asks mboxctl help --words.

# Replace the words of $1 in capitals by the mailboxes, processes, users and files that there are.
_mboxctl_expand()
{
	local word pids

	for word in $1; do
		case $word in
		NAME)	mboxctl list columns=name noheader state=live 2>/dev/null ;;
		PID)	pids=$(compgen -G '/proc/[0-9]*')
			echo "${pids//\/proc\//}" ;;
		USER)	compgen -u ;;
		FILE)	compgen -f -- "$2" ;;
		*)	echo "$word" ;;
		esac
	done
}

_mboxctl()
{
	local cur=${COMP_WORDS[COMP_CWORD]} verb='' name='' first='' more='' words='' kind word values i

	COMPREPLY=()
	# = is one of readline's word breaks: key=value comes as three words, and
	# the completion replaces the last of them only.
	if [[ $cur = '=' ]]; then
		cur=${COMP_WORDS[COMP_CWORD - 1]}=
	elif [[ $COMP_CWORD -ge 2 && ${COMP_WORDS[COMP_CWORD - 1]} = '=' ]]; then
		cur=${COMP_WORDS[COMP_CWORD - 2]}=$cur
	fi

	# Find the verb and its first operand; a verb below it has words of its own.
	local -A below=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $word = -- ]]; then
			[[ -z $verb ]] || return 0
		elif [[ $word = -?* ]]; then
			:
		elif [[ -z $verb || -n ${below[$word]-} ]]; then
			[[ -z $verb ]] || name=-
			verb=$word first='' more='' below=()
			while read -r kind word values; do
				case $kind in
				first | maybe)	first=$kind ;;
				more)		more=1 ;;
				verb)		below[$word]=1 ;;
				esac
			done < <(mboxctl help "$verb" --words 2>/dev/null)
		elif [[ $word != '=' && ${COMP_WORDS[i - 1]} != '=' && ${COMP_WORDS[i + 1]-} != '=' ]]; then
			name=$word
		fi
	done
	[[ -n $first ]] || name=-

	while read -r kind word values; do
		case $kind in
		option)
			[[ $cur != -* ]] || words+=" $word" ;;
		first | maybe | more)
			[[ ( -n $name && -z $more ) || $cur = *=* ]] ||
				words+=" $(_mboxctl_expand "$word $values" "$cur")" ;;
		operand)
			[[ -z $name || $cur = *=* ]] || words+=" $(_mboxctl_expand "$word $values")" ;;
		verb | word)
			if [[ $cur = "$word"* && $word = *= && $cur = *=* ]]; then
				words+=" $(_mboxctl_expand "$values")"
			elif [[ ( -z $verb || -n $name || $first = maybe || $word = --* ) && $cur != *=* ]]; then
				words+=" $word"
			fi ;;
		esac
	done < <(mboxctl help ${verb:+"$verb"} --words 2>/dev/null)
	[[ $cur != *=* ]] || cur=${cur#*=}

	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
	# The value is still to come.
	[[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace 2>/dev/null
} && complete -F _mboxctl mboxctl
