#!/bin/sh
# shellcheck disable=SC3043,SC2154 # busybox has local; net_helper.sh sets dir
# SPDX-License-Identifier: GPL-2.0-only
# Measure mboxbridge beside NATS JetStream alone, in one boot: bench.sh [MESSAGES [SIZE [PINGS]]]. With the bridge a message goes
# from a mailbox of namespace a to one of b; without it, from a client to another, both in the namespace of the server.

cd "${0%/*}" || exit 1
# shellcheck source=net_helper.sh
. ./net_helper.sh
# shellcheck source=test_helper.sh
. ./test_helper.sh

messages=${1:-20000} size=${2:-256} pings=${3:-500}
bad='' jobs=''

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
row 'mailbox to mailbox' "$(middle rate)" $(middle times)
