#!/bin/sh
# shellcheck disable=SC3043,SC2154 # busybox has local; net_helper.sh sets dir
# SPDX-License-Identifier: GPL-2.0-only
# Measure mboxbridge beside NATS JetStream and RabbitMQ alone, in one boot: bench.sh [MESSAGES [SIZE [PINGS]]]. With the bridge
# a message goes from a mailbox of namespace a to one of b; without it, from a client to another, both in the namespace of
# the server.

cd "${0%/*}" || exit 1
# shellcheck source=net_helper.sh
. ./net_helper.sh
# shellcheck source=test_helper.sh
. ./test_helper.sh

messages=${1:-20000} size=${2:-256} pings=${3:-500}
bad='' jobs=''

# Erlang takes a minute to start where the machine is emulated. The script of the server finds its files by its own path.
rabbitmq_start()
{
	local server

	echo "127.0.0.1 localhost mbox" >/etc/hosts
	PATH=$PATH:/usr/lib/erlang/bin RABBITMQ_NODENAME=rabbit@localhost RABBITMQ_MNESIA_BASE=$dir/rabbitmq-store \
		RABBITMQ_ENABLED_PLUGINS_FILE=$dir/rabbitmq-plugins RABBITMQ_LOGS=- \
		sh /usr/lib/rabbitmq/lib/*/sbin/rabbitmq-server >"$dir/rabbitmq.log" 2>&1 &
	server=$!
	until grep -qs 'startup complete' "$dir/rabbitmq.log"; do
		kill -0 "$server" || { cat "$dir/rabbitmq.log"; exit 1; }
		sleep 1
	done
}

net_start || exit 1
server_config n
create bench
out_route bench | config a
in_route bench | config b
server_start
bridge_start a
waits_for a bench running
bridge_start b
waits_for b bench running
# after the guest has settled
sleep 5
for round in 1 2 3; do
	nats_bench "nats://127.0.0.1:4222" "$messages" "$size" "$pings" >"$dir/nats.$round" || exit 1
	server_call STREAM.DELETE.BENCH
	in_net b bridge_helper rate bench "$messages" >"$dir/rate.$round" &
	in_net a bridge_helper send bench "$messages" "$size"
	wait $! || exit 1
	in_net b bridge_helper times bench "$pings" >"$dir/times.$round" &
	in_net a bridge_helper time bench "$pings" "$size"
	wait $! || exit 1
done
if command -v rabbitmq_bench >/dev/null; then
	for one in a b nats; do
		unkeep $one
	done
	rabbitmq_start
	for round in 1 2 3; do
		rabbitmq_bench 127.0.0.1 "$messages" "$size" "$pings" >"$dir/rabbitmq.$round" || exit 1
	done
fi
[ -z "$bad" ] || exit 1

# The round in the middle, by messages a second.
middle()
{
	cat "$dir/$1".[123] | sort -n | sed -n 2p
}

# row NAME RATE MEDIAN PERCENTILE
row()
{
	printf '%-26s %12s %12s %12s\n' "$1" "$2" "$3" "$4"
}

echo "$messages messages of up to $size bytes; median of three rounds in this boot"
row '' 'messages/s' 'median us' '99 % us'
# shellcheck disable=SC2046 # words
row 'NATS JetStream alone' $(middle nats)
# shellcheck disable=SC2046 # words
[ ! -e "$dir/rabbitmq.1" ] || row 'RabbitMQ alone' $(middle rabbitmq)
# shellcheck disable=SC2046 # words
row 'mailbox to mailbox' "$(middle rate)" $(middle times)
