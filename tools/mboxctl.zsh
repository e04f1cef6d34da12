#compdef mboxctl
# SPDX-License-Identifier: GPL-2.0-only
# Completion of mboxctl for zsh. It knows no verb by itself, but asks mboxctl help --words.

# Print the words, with those in capitals replaced by the mailboxes, processes and users that there are.
_mboxctl_expand()
{
	local word
	for word in $@; do
		case $word in
		NAME)	mboxctl list columns=name noheader state=live 2>/dev/null ;;
		PID)	print -l /proc/[0-9]*(N:t) ;;
		USER)	getent passwd 2>/dev/null | cut -d: -f1 ;;
		FILE)	;;
		*)	print -r -- $word ;;
		esac
	done
}

_mboxctl()
{
	local verb= name= first= more= line word i
	local -a offers keys lines below parts
	local cur=$words[CURRENT]

	lines=("${(@f)$(mboxctl help --words 2>/dev/null)}")
	for ((i = 2; i < CURRENT; i++)); do
		word=$words[i]
		if [[ $word == -- ]]; then
			[[ -z $verb ]] || return 0
		elif [[ $word == -?* || $word == *=* && $word != id=* ]]; then
			:
		elif [[ -z $verb || -n ${below[(re)$word]} ]]; then
			[[ -z $verb ]] || name=-
			verb=$word first= more= below=()
			lines=("${(@f)$(mboxctl help $verb --words 2>/dev/null)}")
			for line in $lines; do
				case $line in
				first* | maybe*)	first=${line%% *} ;;
				more*)			more=1 ;;
				verb\ *)		below+=(${line#verb }) ;;
				esac
			done
		else
			name=$word
		fi
	done
	[[ -n $first ]] || name=-

	for line in $lines; do
		parts=(${=line})
		word=$parts[2]
		case $parts[1] in
		option)
			[[ $cur != -* ]] || offers+=($word) ;;
		first | maybe | more)
			[[ $line != *\ FILE ]] || { _files; continue; }
			[[ $cur == *=* || -n $name && -z $more ]] ||
				offers+=("${(@f)$(_mboxctl_expand ${parts[2,-1]})}") ;;
		operand)
			[[ -z $name || $cur == *=* ]] || offers+=("${(@f)$(_mboxctl_expand ${parts[2,-1]})}") ;;
		verb | word)
			if [[ $word == *= && $cur == $word* ]]; then
				compset -P '*='
				compadd -- "${(@f)$(_mboxctl_expand ${parts[3,-1]})}"
				return
			elif [[ $cur == *=* ]]; then
				:
			elif [[ $word == *= ]]; then
				[[ -z $name && $first != maybe ]] || keys+=($word)
			elif [[ -z $verb || -n $name || $first == maybe || $word == --* ]]; then
				offers+=($word)
			fi ;;
		esac
	done
	# The value is still to come.
	(( ! $#keys )) || compadd -S '' -- $keys
	(( ! $#offers )) || compadd -- ${offers:#}
}

_mboxctl "$@"
