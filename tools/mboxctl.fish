# SPDX-License-Identifier: GPL-2.0-only
# Completion of mboxctl for fish. It knows no verb by itself, but asks mboxctl help --words.

# Print the words, with those in capitals replaced by the mailboxes, processes and users that there are.
function __mboxctl_expand
    for word in $argv
        switch $word
            case NAME
                mboxctl list columns=name noheader state=live 2>/dev/null
            case PID
                __fish_complete_pids
            case USER
                __fish_complete_users
            case FILE
                __fish_complete_path (commandline -ct)
            case '*'
                echo $word
        end
    end
end

function __mboxctl_offers
    set -l cur (commandline -ct)
    set -l done (commandline -opc)[2..]
    set -l verb
    set -l name
    set -l first
    set -l more
    set -l below
    set -l lines (mboxctl help --words 2>/dev/null)

    for word in $done
        if test "$word" = --
            test -z "$verb"; or return
        else if string match -qr '^-.|^(?!id=).*=' -- $word
            true
        else if test -z "$verb"; or contains -- $word $below
            test -z "$verb"; or set name -
            set verb $word
            set first
            set more
            set below
            set lines (mboxctl help $verb --words 2>/dev/null)
            for line in $lines
                set -l parts (string split ' ' -- $line)
                switch $parts[1]
                    case first maybe
                        set first $parts[1]
                    case more
                        set more 1
                    case verb
                        set -a below $parts[2]
                end
            end
        else
            set name $word
        end
    end
    test -n "$first"; or set name -

    for line in $lines
        set -l parts (string split ' ' -- $line)
        set -l word $parts[2]
        switch $parts[1]
            case option
                string match -q -- '-*' $cur; and echo $word
            case first maybe more
                if not string match -q -- '*=*' $cur; and begin
                        test -z "$name"; or test -n "$more"
                    end
                    __mboxctl_expand $parts[2..]
                end
            case operand
                if test -n "$name"; and not string match -q -- '*=*' $cur
                    __mboxctl_expand $parts[2..]
                end
            case verb word
                if string match -q -- '*=' $word; and string match -q -- "$word*" $cur
                    for value in (__mboxctl_expand $parts[3..])
                        echo $word$value
                    end
                else if string match -q -- '*=*' $cur
                    true
                else if test -z "$verb"; or test -n "$name"; or test "$first" = maybe; or string match -q -- '--*' $word
                    echo $word
                end
        end
    end
end

complete -c mboxctl -f -a '(__mboxctl_offers)'
