#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# mboxctl set, create ifmissing, save and restore: mailboxes that are changed in use, and that are as files
# define them. As mboxctl_test.sh.

. "${0%/*}/mboxctl_helper.sh"

trap 'mboxctl delete --all --yes force "name=$box*" 2>/dev/null; cleanup; rm -rf "$dir"' EXIT

set_limits()
{
	mboxctl create "$box" capacity=1
	mboxctl send "$box" a
	start send "$box" b
	blocked senders
	expect 0 set "$box" capacity=2
	finished 0
	field queued 2
	expect 0 set "$box" capacity=1 bytes=64k msgsize=100 mode=0642
	field queued 2
	field capacity 1
	field bytes 65536
	field msgsize 100
	field mode 0642
	expect 2 send "$box" "$(printf '%0101d' 0)"
	expect 0 set "$box" capacity=unbounded bytes=unbounded
	field capacity unbounded
	field bytes unbounded
	# all or nothing
	expect 2 set "$box" capacity=5 bytes=1 msgsize=50
	said 'bytes=1 does not hold one message of msgsize=50'
	field capacity unbounded
	field msgsize 100
	expect 4 set "$box-none" capacity=1
	mboxctl create "$box-ring" ring=4K
	expect 2 set "$box-ring" capacity=1
	said 'not on a mailbox of this kind'
	expect 0 set "$box-ring" mode=0620
	mboxctl delete "$box-ring" force
}

if_missing()
{
	expect 0 create "$box" capacity=3 ifmissing
	expect 0 create "$box" capacity=3 mode=0600 ifmissing
	expect 0 create "$box" ifmissing
	expect 2 create "$box" capacity=4 ifmissing
	said 'its capacity differs'
	expect 2 create "$box" ring=4K ifmissing
	said 'its ring differs'
	expect 2 create "$box" exclusive ifmissing
	said 'its exclusive differs'
	expect 2 create "$box" capacity=3
	said ifmissing
	field capacity 3
	# several at once: all succeed, and there is one
	mboxctl delete "$box"
	: >"$dir/err"
	many()
	{
		tries=8
		while [ $((tries -= 1)) -ge 0 ]; do
			mboxctl create "$box" capacity=5 ifmissing 2>>"$dir/err" || echo failed >>"$dir/err"
			mboxctl delete "$box" 2>/dev/null
		done
	}
	many &
	many
	wait $!
	grep -q . "$dir/err" && wrong "$(cat "$dir/err")"
}

users()
{
	[ "$(id -u)" = 0 ] || { skip="another owner takes root"; return; }
	expect 0 create "$box" user=nobody group=3 mode=0640
	field uid 65534
	field gid 3
	field mode 0640
	field creator 0
	expect 0 create "$box" user=65534 ifmissing
	expect 2 create "$box" user=root ifmissing
	said 'its user differs'
	expect 1 create "$box" user=no-such-user
	need_nobody || return
	as_nobody "mboxctl create $box-2 user=root" 2>"$dir/err" && wrong "given to root"
	said 'no mailbox was made'
	expect 4 show "$box-2"
}

# All attributes come back, and a second restore changes nothing.
save_and_restore()
{
	mboxctl create "$box-a" capacity=7 bytes=64K mode=0640 policy=rr maxprocs=3 exclusive
	mboxctl create "$box-b" policy=broadcast overflow
	mboxctl create "$box-c" ring=64K grow msgsize=100
	mboxctl create "$box-d" capacity=zero
	mboxctl create "$box-e" capacity=unbounded
	mboxctl create "$box-f" owner=$$
	all='columns=name,mode,kind,lifetime,policy,exclusive,overflow,grow,maxprocs,ring,capacity,bytes,msgsize,uid,gid'
	expect 0 save "name=$box-*"
	cp "$dir/out" "$dir/conf"
	[ "$(wc -l <"$dir/conf")" -eq 5 ] || wrong "saved $(cat "$dir/conf")"
	mboxctl delete "$box-f"
	mboxctl list "$all" "name=$box-*" >"$dir/before"
	mboxctl delete --all --yes "name=$box-*"
	expect 0 restore "$dir/conf"
	expect 0 restore - <"$dir/conf"
	mboxctl list "$all" "name=$box-*" >"$dir/out"
	cmp -s "$dir/before" "$dir/out" || wrong "restored $(cat "$dir/out"), not $(cat "$dir/before")"
	mboxctl delete --all --yes "name=$box-*"
}

files()
{
	printf '%s\n' '# a comment' '' "$box-1 capacity=2	# another" "$box-2 nonsense" "$box-3 ifmissing" \
		>"$dir/conf"
	expect 1 restore "$dir/conf"
	said "create $box-2: $dir/conf, line 4: nonsense: unknown word"
	expect 0 show "$box-1"
	expect 4 show "$box-2"
	expect 0 show "$box-3"
	mboxctl set "$box-1" capacity=3
	sed -i 4d "$dir/conf"
	expect 2 restore "$dir/conf"
	said "line 3: a mailbox of that name exists, and its capacity differs"
	expect 2 restore "$dir/none"
	said "$dir/none: No such file"
	# the files that the service reads
	if [ "$(id -u)" != 0 ] || [ -e /etc/mbox.d ]; then
		skip="cannot write /etc/mbox.d here"
		return
	fi
	mkdir /etc/mbox.d
	expect 0 restore
	echo "$box-x mode=0622" >/etc/mbox.d/10-x.conf
	echo "$box-x mode=0622" >/etc/mbox.d/20-x.conf
	echo "$box-y" >/etc/mbox.d/ignored
	expect 0 restore
	[ "$(mboxctl list noheader columns=name,mode "name=$box-[xy]" | xargs)" = "$box-x 0622" ] ||
		wrong "$(mboxctl list "name=$box-[xy]")"
	rm -r /etc/mbox.d
	mboxctl delete --all --yes "name=$box-*"
}

quotas()
{
	expect 0 quota
	before=$(sed -n 's/^mailboxes  *//p' "$dir/out")
	mboxctl create "$box" ring=64K
	mboxctl create "$box-2"
	mboxctl send "$box-2" text
	expect 0 quota "$(id -un)"
	[ "$(sed -n 's/^mailboxes  *//p' "$dir/out")" = $((before + 2)) ] || wrong "printed $(cat "$dir/out")"
	grep -q "^holder  *name=$box id=[0-9]* kind=ring bytes=65536\$" "$dir/out" || wrong "printed $(cat "$dir/out")"
	grep -q "^holder  *name=$box-2 id=[0-9]* kind=mailbox bytes=4\$" "$dir/out" || wrong "printed $(cat "$dir/out")"
	expect 0 -j quota "$(id -u)"
	grep -qE "\"uid\":$(id -u),\"mailboxes\":[0-9]+,\"max_mailboxes\":[0-9]+,\"mailboxes_fill\":[0-9]+,\"bytes\":[0-9]+," \
		"$dir/out" || wrong "printed $(cat "$dir/out")"
	expect 1 quota no-such-user
	need_nobody || return
	as_nobody "mboxctl quota" >"$dir/out" || wrong "not my own"
	grep -qx 'user          nobody' "$dir/out" || wrong "printed $(cat "$dir/out")"
	as_nobody "mboxctl quota 0" 2>"$dir/err" && wrong "another's quota"
	said 'permission denied'
	# a ring that grows counts the memory that it holds
	as_nobody "mboxctl create $box-g ring=1024M grow && mboxctl send $box-g text" || wrong "no ring that grows"
	as_nobody "mboxctl quota" >"$dir/out"
	grep -qE "^holder  *name=$box-g id=[0-9]+ kind=ring bytes=[0-9]{5,6}\$" "$dir/out" || wrong "printed $(cat "$dir/out")"
	as_nobody "mboxctl show $box-g" >"$dir/out"
	grep -qE "^charged  *[0-9]{5,6}\$" "$dir/out" || wrong "printed $(cat "$dir/out")"
	as_nobody "mboxctl delete $box-g force"
	# which of the quotas it is
	limit=$(cat /sys/module/mbox/parameters/user_mailboxes)
	echo 1 >/sys/module/mbox/parameters/user_mailboxes
	as_nobody "mboxctl create $box-3" || wrong "no first mailbox"
	as_nobody "mboxctl create $box-4" 2>"$dir/err" && wrong "beyond the quota"
	said 'your quota of mailboxes is used up: 1 of 1'
	echo "$limit" >/sys/module/mbox/parameters/user_mailboxes
	as_nobody "mboxctl create $box-4 ring=128M" 2>"$dir/err" && wrong "beyond the quota"
	said 'your quota of bytes'
	said 'of 64M used'
	limit=$(cat /sys/module/mbox/parameters/user_bytes)
	echo 1048576 >/sys/module/mbox/parameters/user_bytes
	mboxctl create "$box-5" capacity=unbounded mode=0622
	yes text | as_nobody "mboxctl send $box-5 lines" 2>"$dir/err" && wrong "beyond the share of one mailbox"
	said 'all of your quota of bytes that one mailbox of another user may take'
	said 'of 1M are used'
	as_nobody "mboxctl create $box-6 && mboxctl send $box-6 text" || wrong "nothing is left of the quota"
	echo "$limit" >/sys/module/mbox/parameters/user_bytes
}

run_tests set_limits if_missing users save_and_restore files quotas
