#!/bin/sh
# shellcheck disable=SC3043,SC2154,SC2317,SC2016 # busybox has local; net_helper.sh sets dir; functions are called by name
# SPDX-License-Identifier: GPL-2.0-only
# Tests of mboxbridge in a virtual machine, in KTAP: bridge_test.sh [TEST…]. Mailboxes of the namespaces a and b are
# joined by a server in the root namespace. MESSAGES, KILL_SECONDS, KILL_MIN and KILL_MAX (milliseconds) are
# those of the test of the ledger.

cd "${0%/*}" || exit 1
# shellcheck source=net_helper.sh
. ./net_helper.sh
# shellcheck source=test_helper.sh
. ./test_helper.sh

MESSAGES=${MESSAGES:-7000}
KILL_SECONDS=${KILL_SECONDS:-10}
KILL_MIN=${KILL_MIN:-300}
KILL_MAX=${KILL_MAX:-900}

test_ledger()
{
	server_config n
	create ledger
	out_route ledger | config a
	in_route ledger "trim = yes" | config b
	server_start
	bridge_start a
	bridge_start b
	sending ledger "$MESSAGES" 256
	chaos "$KILL_SECONDS" "$KILL_MIN" "$KILL_MAX"
	receives ledger "$MESSAGES" 60
	kill -0 "$killer" 2>/dev/null && echo "# the messages had arrived before the last kill"
	wait "$killer"
	echo "# $(cat "$dir/kills")"
}

test_priorities()
{
	simple_start prio
	sending prio 4000 256 4
	chaos 8 300 800
	receives prio 4000 60 4
}

test_shared_stream()
{
	server_config n
	create one
	create two
	{
		out_route one "stream = SHARED"
		out_route two "stream = SHARED"
	} | sed '/^stream = S_/d; s/^create = yes//' | config a
	{
		in_route one "stream = SHARED"
		in_route two "stream = SHARED"
		in_route all "stream = SHARED" "subject = mbox.*"
	} | sed '/^stream = S_/d; /^subject = mbox.all$/d' | config b
	in_net b mboxctl create all capacity=1024 msgsize=4096
	server_start
	server_call STREAM.CREATE.SHARED \
		'{"name":"SHARED","subjects":["mbox.>"],"retention":"limits","storage":"file","discard":"new","num_replicas":1,"max_consumers":-1,"max_msgs":-1,"max_bytes":-1,"max_age":0}'
	bridge_start a
	bridge_start b
	sending one 250
	sending two 250
	chaos 5 500 1000
	receives one 250 60
	receives two 250 60
	sleep 1
	[ "$(in_net b mboxctl show all | sed -n 's/^queued  *//p')" = 500 ] || wrong "not all are in the mailbox of both"
}

test_network_cut()
{
	simple_start cut
	sending cut 6000
	sleep 2
	ip link set wa down
	sleep 7
	ip link set wa up
	sleep 2
	ip link set wb down
	waits_for b cut offline "" 20
	ip link set wb up
	receives cut 6000 60
}

test_server_full()
{
	server_config n
	create full
	out_route full "max_messages = 300" "window = 64" | config a
	in_route full "trim = yes" | config b
	server_start
	bridge_start a
	sending full 6000
	waits_for a full waiting "full"
	[ "$(in_net a mboxctl show full | sed -n 's/^queued  *//p')" -gt 900 ] || wrong "the mailbox does not fill up"
	bridge_start b
	# the last 1024 that were delivered stay in the stream: more than it may have
	waits_for b full running
	server_call STREAM.UPDATE.S_full \
		'{"name":"S_full","subjects":["mbox.full"],"retention":"limits","storage":"file","discard":"new","num_replicas":1,"max_consumers":-1,"max_msgs":3000,"max_bytes":-1,"max_age":0,"duplicate_window":120000000000}'
	receives full 6000 60
}

test_stream_deleted()
{
	simple_start gone
	sending gone 500
	receives gone 500
	server_call STREAM.DELETE.S_gone
	sending gone 500
	receives gone 500 40
	grep -q 'was made anew' "$dir/b.log" || wrong "the importer has not noticed the new stream"
	sed -i '/^create/d' "$dir/a.conf"
	unkeep a
	bridge_start a
	waits_for a gone running
	server_call STREAM.DELETE.S_gone
	sending gone 1
	waits_for a gone waiting "no stream"
}

test_credentials()
{
	server_config n 'authorization { users: [ { user: bridge, password: right } ] }'
	create login
	echo false >"$dir/password"
	out_route login | config a 'user = bridge' "password_file = $dir/password"
	in_route login | config b 'user = bridge' "password_file = $dir/password"
	keep nats nats-server -c "$dir/n.nats"
	bridge_start a
	bridge_start b
	until_true 20 grep -qi 'authoriz\|authentic' "$dir/a.log" || wrong "the bridge does not say why: $(tail -n 1 "$dir/a.log")"
	has_state a login offline || wrong "the route is $(field a login state)"
	sending login 200
	sleep 1
	echo right >"$dir/password"
	receives login 200
	ctl a stat | grep -q right && wrong "the password is shown"
}

test_tls()
{
	if ! [ -e tls.pem ]; then
		echo "# skipped: there is no openssl on the host"
		return
	fi
	server_config n "tls { cert_file: $PWD/tls.pem, key_file: $PWD/tls.key }"
	create secret
	out_route secret | config a "ca_file = $PWD/tls.pem"
	keep nats nats-server -c "$dir/n.nats"
	bridge_start a
	waits_for a secret running
	in_net a bridge_helper acked secret 10 >"$dir/out" || wrong "$(cat "$dir/out")"
	# a server that the authority does not vouch for
	unkeep a
	out_route secret | config a "ca_file = $PWD/other.pem"
	bridge_start a
	waits_for a secret offline "self-signed"
}

test_slow_consumer()
{
	server_config n
	in_net a mboxctl create slow capacity=1024 msgsize=4096
	in_net b mboxctl create slow capacity=4 msgsize=4096
	out_route slow | config a
	in_route slow "window = 32" | config b
	server_start
	bridge_start a
	bridge_start b
	sending slow 3000
	waits_for b slow held "full"
	sleep 3
	has_state b slow held || wrong "the route has not kept the messages back"
	receives slow 3000 30
	[ "$(field b slow lost)" = 0 ] || wrong "messages were lost"
}

test_acked()
{
	simple_start acked
	waits_for a acked running
	in_net a bridge_helper acked acked 10 >"$dir/out" || wrong "$(cat "$dir/out")"
	unkeep nats
	in_net a bridge_helper acked acked 2 >"$dir/out" && wrong "acknowledged without a server"
	grep -q deadline "$dir/out" || wrong "$(cat "$dir/out")"
	spawn a bridge_helper acked acked 30 >"$dir/out"
	sender=$!
	sleep 2
	kill -0 "$sender" || wrong "the sender has not waited for the server: $(cat "$dir/out")"
	server_start
	wait "$sender" || wrong "$(cat "$dir/out")"
	echo "# $(cat "$dir/out")"
}

test_dead_letter()
{
	server_config n
	in_net a mboxctl create long capacity=1024 msgsize=4096
	in_net b mboxctl create long capacity=1024 msgsize=64
	in_net b mboxctl create dead capacity=16 msgsize=4096
	out_route long | config a
	in_route long "dead_letter = dead" | config b
	server_start
	bridge_start a
	bridge_start b
	in_net a mboxctl send long one
	in_net a mboxctl send long "$(printf '%100s' two)"
	in_net a mboxctl send long three
	[ "$(in_net b mboxctl recv long timeout=20)" = one ] || wrong "the first has not come"
	[ "$(in_net b mboxctl recv long timeout=20)" = three ] || wrong "the third has not come"
	[ "$(in_net b mboxctl recv dead timeout=5)" = "$(printf '%100s' two)" ] || wrong "the second is no dead letter"
	[ "$(field b long refused)" = 1 ] || wrong "refused is $(field b long refused)"
}

calls_start()
{
	server_config n
	in_net a mboxctl create ask capacity=64 msgsize=4096
	in_net b mboxctl create ask capacity=64 msgsize=4096
	printf '[ask]\nmailbox = ask\ndirection = call\nsubject = mbox.ask\n' | config a
	printf '[ask]\nmailbox = ask\ndirection = serve\nsubject = mbox.ask\n' | config b
	server_start
	bridge_start a
	bridge_start b
	waits_for a ask running
	waits_for b ask running
}

test_calls()
{
	calls_start
	spawn b mboxctl serve ask -- tr a-z A-Z
	server=$!
	reply=$(in_net a mboxctl call ask timeout=20 "good day") || wrong "the call has failed"
	[ "$reply" = "GOOD DAY" ] || wrong "the reply is '$reply'"
	# the deadline goes along, and nobody serves
	kill -9 "$server"
	in_net a mboxctl call ask timeout=2 late 2>"$dir/err" && wrong "a call without a server has succeeded"
	grep -q 'within\|time' "$dir/err" || wrong "$(cat "$dir/err")"
	sleep 1
	[ "$(in_net b mboxctl show ask | sed -n 's/^queued  *//p')" = 0 ] || wrong "the request is still there"
	# a server that rejects, and one that dies
	spawn b mboxctl serve ask count=1 -- sh -c 'exit 42'
	in_net a mboxctl -j call ask timeout=20 no 2>"$dir/err" && wrong "a rejected call has succeeded"
	grep -q 42 "$dir/err" || wrong "no code: $(cat "$dir/err")"
	spawn b bridge_helper hold ask
	server=$!
	spawn a mboxctl call ask timeout=20 die 2>"$dir/err"
	caller=$!
	sleep 2
	kill -9 "$server"
	wait "$caller" && wrong "the call of a dead server has succeeded"
	grep -q 130 "$dir/err" || wrong "$(cat "$dir/err")"
	# one without the server of the messages waits for it
	unkeep nats
	spawn b mboxctl serve ask -- cat
	spawn a mboxctl call ask timeout=30 again >"$dir/out" 2>&1
	caller=$!
	sleep 1
	server_start
	wait "$caller" || wrong "$(cat "$dir/out")"
	[ "$(cat "$dir/out")" = again ] || wrong "the reply is '$(cat "$dir/out")'"
}

test_restart()
{
	simple_start again
	sending again 5000
	sleep 3
	for one in a b nats; do
		kill -9 "$(cat "$dir/$one.pid")"
	done
	sleep 2
	unkeep a
	unkeep b
	unkeep nats
	sleep 1
	bridge_start b
	bridge_start a
	server_start
	receives again 5000 60
}

leased()
{
	in_net a mboxctl show stop | sed -n 's/^leased  *//p'
}

has_leased()
{
	[ "$(leased)" -gt 0 ]
}

test_stop()
{
	simple_start stop
	waits_for a stop running
	# not by keep, which would start it again
	unkeep a
	spawn a mboxbridge -c "$dir/a.conf" 2>>"$dir/a.log"
	bridge=$!
	server=$(cat "$dir/nats.pid")
	waits_for a stop running
	kill -STOP "$server"
	sending stop 100
	until_true 5 has_leased || wrong "nothing is under way"
	kill -TERM "$bridge"
	wait "$bridge" || wrong "it ends with $?"
	[ "$(leased)" = 0 ] || wrong "$(leased) messages are still leased"
	[ ! -e "$dir/a.control" ] || wrong "the socket is still there"
	kill -CONT "$server"
}

test_broadcast()
{
	server_config n
	create news policy=broadcast
	out_route news | config a
	in_route news "start = new" | config b
	server_start
	bridge_start a
	waits_for a news running
	bridge_start b
	waits_for b news running
	spawn b mboxctl recv news count=2 timeout=20 >"$dir/one"
	one=$!
	spawn b mboxctl recv news count=2 timeout=20 >"$dir/two"
	two=$!
	sleep 1
	in_net a mboxctl send news first
	in_net a mboxctl send news second
	wait "$one" || wrong "the first receiver has failed"
	wait "$two" || wrong "the second receiver has failed"
	[ "$(cat "$dir/one" "$dir/two")" = "firstsecondfirstsecond" ] ||
		wrong "they got $(cat "$dir/one" "$dir/two")"
}

# A type has 64 bits; a broadcast does not take it.
test_types()
{
	server_config n
	create types
	in_net a mboxctl create wide capacity=16 msgsize=4096
	in_net b mboxctl create wide policy=broadcast capacity=16 msgsize=4096
	in_net b mboxctl create dead capacity=16 msgsize=4096
	{ out_route types; out_route wide; } | config a
	{ in_route types; in_route wide "start = new" "dead_letter = dead"; } | config b
	server_start
	bridge_start a
	waits_for a wide running
	bridge_start b
	waits_for b wide running
	in_net a mboxctl send types prio=3 type=4294967303 text
	got=$(in_net b mboxctl -j recv types timeout=20)
	case $got in
	*'"prio":3,"type":4294967303,'*) ;;
	*) wrong "it came as $got" ;;
	esac
	in_net a mboxctl send wide type=4294967303 text
	[ "$(in_net b mboxctl recv dead timeout=20 type=4294967303)" = text ] || wrong "it is no dead letter"
	[ "$(field b wide refused)" = 1 ] || wrong "refused is $(field b wide refused)"
}

test_reload()
{
	simple_start first
	waits_for a first running
	waits_for b first running
	sending first 50
	receives first 50
	connects=$(ctl a stat | sed -n 's/^connects  *//p')
	create second
	{
		out_route first
		out_route second
	} | config a
	{
		in_route first
		in_route second
	} | config b
	kill -HUP "$(cat "$dir/a.pid")"
	ctl b reload || wrong "no reload by mboxctl"
	waits_for a second running
	sending second 50
	receives second 50
	sending first 50
	receives first 50
	[ "$(field a first messages)" = 100 ] || wrong "the first route was begun anew"
	[ "$(ctl a stat | sed -n 's/^connects  *//p')" = "$connects" ] || wrong "the connection was made anew"
	# a bad file changes nothing
	echo "nonsense" >>"$dir/a.conf"
	ctl a reload 2>/dev/null && wrong "a bad configuration was taken"
	has_state a second running || wrong "the old configuration has not stayed"
	mboxbridge -t -c "$dir/a.conf" 2>"$dir/err" && wrong "mboxbridge -t takes it"
	grep -q "a.conf:[0-9]*: " "$dir/err" || wrong "no line: $(cat "$dir/err")"
	out_route first | config a
	ctl a reload || wrong "no reload"
	ctl a list | grep -q second && wrong "the second route is still there"
	# pause and resume
	ctl a pause route=first || wrong "no pause"
	waits_for a first paused
	sending first 20
	sleep 1
	[ "$(in_net b mboxctl show first | sed -n 's/^queued  *//p')" = 0 ] || wrong "a paused route goes on"
	ctl a resume route=first
	receives first 20
	ctl a pause route=none 2>/dev/null && wrong "there is no such route"
}

test_reports()
{
	rm -f "$dir/notify"
	bridge_helper notify "$dir/notify" 30 >"$dir/notified" &
	jobs="$jobs $!"
	until_true 5 test -S "$dir/notify"
	export NOTIFY_SOCKET="$dir/notify"
	simple_start report
	unset NOTIFY_SOCKET
	sending report 100
	receives report 100
	sleep 2
	grep -q '^READY=1' "$dir/notified" || wrong "systemd is not told"
	grep -q 'STATUS=1 of 1 routes run' "$dir/notified" || wrong "$(cat "$dir/notified")"
	mboxctl -j bridge stat socket="$dir/a.control" >"$dir/json"
	grep -q '"route":"report","direction":"out","mailbox":"report"' "$dir/json" || wrong "$(cat "$dir/json")"
	grep -q '"messages":100,' "$dir/json" || wrong "$(cat "$dir/json")"
	mboxctl -j bridge list socket="$dir/b.control" | grep -q '"state":"running"' || wrong "no list"
	grep -qx 'mbox_bridge_messages_total{route="report"} 100' "$dir/b.prom" || wrong "$(cat "$dir/b.prom")"
	grep -qx 'mbox_bridge_up 1' "$dir/a.prom" || wrong "$(cat "$dir/a.prom")"
}

test_rights()
{
	server_config n
	create rights mode=0600
	out_route rights | config a
	server_start
	chmod 777 "$dir"
	keep_in a a su -s /bin/sh user -c "exec mboxbridge -c $dir/a.conf"
	waits_for a rights no-mailbox "does not grant"
	in_net a mboxctl chmod rights 0622
	sleep 1
	has_state a rights no-mailbox || wrong "the right to send is enough"
	in_net a mboxctl chmod rights 0666
	waits_for a rights running
	in_net a mboxctl delete rights force >/dev/null
	waits_for a rights no-mailbox
	in_net a mboxctl create rights mode=0666
	waits_for a rights running
}

test_retention()
{
	server_config n
	create queue
	out_route queue | config a
	in_route queue | config b
	server_start
	server_call STREAM.CREATE.S_queue \
		'{"name":"S_queue","subjects":["mbox.queue"],"retention":"workqueue","storage":"file","discard":"new","num_replicas":1,"max_consumers":-1,"max_msgs":-1,"max_bytes":-1,"max_age":0}'
	bridge_start a
	bridge_start b
	waits_for a queue waiting "retention"
	waits_for b queue waiting "retention"
}

test_cluster()
{
	create group
	for n in 1 2 3; do
		server_config "n$n" "server_name: n$n" "http: 127.0.0.1:822$n" \
			"cluster { name: c, listen: 127.0.0.1:622$n, routes: [ nats://127.0.0.1:6221, nats://127.0.0.1:6222, nats://127.0.0.1:6223 ] }"
		sed -i "s/^listen:.*/listen: 0.0.0.0:422$n/" "$dir/n$n.nats"
		keep "n$n" nats-server -c "$dir/n$n.nats"
	done
	for net in a b; do
		address=10.9.1.1
		[ "$net" = a ] || address=10.9.2.1
		{ [ "$net" = b ] || out_route group "replicas = 3"; } | config "$net"
		[ "$net" = a ] || in_route group | config "$net"
		sed -i "s|^servers.*|servers = nats://$address:4221, nats://$address:4222, nats://$address:4223|" "$dir/$net.conf"
		bridge_start "$net"
	done
	waits_for a group running "" 60
	sending group 3000
	for n in 1 3; do
		sleep 3
		kill -9 "$(cat "$dir/n$n.pid")" || wrong "server n$n does not run"
	done
	receives group 3000 90
}

all="ledger priorities shared_stream network_cut server_full stream_deleted credentials tls slow_consumer acked dead_letter calls
	restart stop broadcast types reload reports rights retention cluster"

# shellcheck disable=SC2086 # words
[ $# -gt 0 ] || set -- $all
echo "TAP version 13"
echo "1..$#"
net_start || { echo "Bail out! no wire between namespaces"; exit 1; }
number=0 failed=0 jobs=''
for test; do
	bad='' number=$((number + 1)) began=$(cut -d . -f 1 /proc/uptime)
	"test_$test"
	grep -hs 'Sanitizer\|runtime error' "$dir/a.log" "$dir/b.log" && wrong "a bridge has a fault"
	[ -z "$bad" ] || tail -n 6 "$dir/a.log" "$dir/b.log" "$dir/nats.log" 2>/dev/null | sed 's/^/# /'
	cleanup >/dev/null 2>&1
	took=$(($(cut -d . -f 1 /proc/uptime) - began))
	if [ -z "$bad" ]; then
		echo "ok $number $test # $took s"
	else
		echo "not ok $number $test # $took s"
		failed=$((failed + 1))
	fi
done
exit $((failed > 0))
