# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Completion of mboxctl for bash.

# The mailboxes that are there.
_mboxctl_names()
{
	mboxctl list columns=name noheader state=live 2>/dev/null
}

_mboxctl()
{
	local cur=${COMP_WORDS[COMP_CWORD]} verb='' name='' words='' pids word i

	COMPREPLY=()
	# = is one of readline's word breaks: key=value comes as three words, and
	# what is completed replaces the last of them only.
	if [[ $cur = '=' ]]; then
		cur=${COMP_WORDS[COMP_CWORD - 1]}=
	elif [[ $COMP_CWORD -ge 2 && ${COMP_WORDS[COMP_CWORD - 1]} = '=' ]]; then
		cur=${COMP_WORDS[COMP_CWORD - 2]}=$cur
	fi

	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		--)	[[ -z $verb ]] || return 0 ;;
		-?*)	;;
		*)	if [[ -z $verb ]]; then
				verb=$word
			elif [[ $verb = inbox || $verb = tour ]]; then
				verb=$word name=-
			elif [[ $verb = list || $verb = top || $verb = links ]]; then
				name=-
			elif [[ $word = '=' ]]; then
				:
			elif [[ -z $name ]]; then
				name=$word
			elif [[ $verb = link ]]; then
				verb=$word
			fi ;;
		esac
	done

	pids=$(compgen -G '/proc/[0-9]*')
	pids=${pids//\/proc\//}

	if [[ $cur = -* ]]; then
		words='-j --json -v --verbose -h --help --version --'
		[[ $verb != delete ]] || words+=' --all --yes'
	elif [[ -z $verb ]]; then
		words='create delete send recv list show watch top stat links purge chmod chown handover link inbox tour help'
	elif [[ -z $name && ! $verb =~ ^(inbox|tour|list|top|links)$ && ! ( $verb = watch && $cur = *=* ) ]]; then
		case $verb in
		link)		words=$pids ;;
		create|help)	;;
		watch)		words="$(_mboxctl_names) count= timeout=" ;;
		*)		words=$(_mboxctl_names) ;;
		esac
		[[ $verb != help ]] || words='create delete send recv list show watch top stat links purge chmod chown handover link inbox tour help'
	else
		case $verb in
		create)	words='capacity= bytes= msgsize= mode= lifetime= owner= policy= maxprocs= exclusive overflow ring= grow' ;;
		delete)	words='name= user= owner= state= kind= full messages waiters drain force unlink --all --yes' ;;
		list)	words='name= user= owner= state= kind= full messages waiters columns= sort= noheader' ;;
		watch)	words='count= timeout=' ;;
		top)	words='name= user= owner= state= kind= full messages waiters interval= count= rows= sort=' ;;
		stat)	words='interval= count= noheader' ;;
		links)	words='pid= noheader' ;;
		send)	words='prio= type= sync nonblock timeout= lines' ;;
		recv)	words='count= all nonblock timeout= peek type= from= minprio= header lines' ;;
		chmod)	words='0600 0620 0622 0640 0644 0660 0666' ;;
		chown)	words=$(compgen -u) ;;
		handover) words='recv heir' ;;
		link)	words='send recv' ;;
		inbox)	words='recv' ;;
		tour)	words='direct inbox identity indirect two exclusive fifo lifo rr prio broadcast owner handover blocking-send nonblocking-send blocking-receive nonblocking-receive rendezvous deadlock zero bounded unbounded ring growing' ;;
		esac
		case $verb:$cur in
		create:capacity=*)	words='zero 1 16 64 256 1024 unbounded' ;;
		create:bytes=* | create:msgsize=*)
					words='4K 8K 64K 256K 1M' ;;
		create:mode=*)		words='0600 0620 0622 0640 0644 0660 0666' ;;
		create:lifetime=*)	words='os process' ;;
		create:policy=*)	words='fifo lifo rr prio broadcast' ;;
		create:maxprocs=*)	words='1 2 4 8' ;;
		create:ring=*)		words='4K 64K 1M 16M' ;;
		recv:count=*)		words='1 10 100 all' ;;
		recv:timeout=* | send:timeout=*)
					words='0.1 1 5 10 60' ;;
		recv:from=* | links:pid=* | *:owner=*)
					words=$pids ;;
		*:user=*)		words=$(compgen -u) ;;
		*:state=*)		words='live unlinked draining' ;;
		*:kind=*)		words='mailbox ring' ;;
		top:sort=*)		words='rate depth blocked' ;;
		list:sort=* | list:columns=*)
					words='id user uid group gid mode kind state lifetime owner heir policy exclusive overflow grow maxprocs procs ring producer consumer created capacity bytes msgsize queued queued_bytes peak peak_bytes handles senders receivers waiters sent sent_bytes received withdrawn dropped purged lost refused blocked woken name' ;;
		*:interval=*)		words='0.5 1 2 5 10' ;;
		watch:count=* | top:count=* | stat:count=*)
					words='1 10 100' ;;
		watch:timeout=*)	words='1 5 10 60' ;;
		*:name=*)		words=$(_mboxctl_names) ;;
		handover:*)		words+=" os none $pids" ;;
		*=*)			words='' ;;
		esac
		cur=${cur#*=}
	fi

	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
	# The value is still to come.
	[[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace
} && complete -F _mboxctl mboxctl
