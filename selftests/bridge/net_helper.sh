# shellcheck shell=sh disable=SC3043 # busybox has local
# SPDX-License-Identifier: GPL-2.0-only
# Shared by the scripts that run mboxbridge in the guest: two network namespaces a and b, each with mailboxes of its own and a
# wire to the root namespace, where the servers are. Runs as root in the shell of busybox; to be sourced.

dir=/tmp/bridge
mkdir -p $dir

# net_up NAME NUMBER: make a namespace with the address 10.9.NUMBER.2, whose peer here is 10.9.NUMBER.1.
net_up()
{
	unshare -n sleep 100000 &
	eval "net_$1=$!"
	# until the namespace is there
	until [ "$(readlink "/proc/$!/ns/net")" != "$(readlink /proc/self/ns/net)" ]; do
		usleep 10000
	done
	ip link add "w$1" type veth
	ip link set veth0 netns $!
	ip addr add "10.9.$2.1/24" dev "w$1"
	ip link set "w$1" up
	in_net "$1" ip link set lo up
	in_net "$1" ip addr add "10.9.$2.2/24" dev veth0
	in_net "$1" ip link set veth0 up
}

# in_net NAME COMMAND…: run a command in a namespace.
in_net()
{
	local pid

	eval "pid=\$net_$1"
	shift
	nsenter "--net=/proc/$pid/ns/net" "$@"
}

# spawn NET COMMAND…: the same in the background; $! is the command itself.
spawn()
{
	local pid

	eval "pid=\$net_$1"
	shift
	nsenter "--net=/proc/$pid/ns/net" "$@" &
	jobs="${jobs-} $!"
}

net_start()
{
	insmod /tmp/veth.ko || return
	net_up a 1
	net_up b 2
}

# keep NAME COMMAND…: run a command, and again whenever it ends; its output is in $dir/NAME.log.
keep()
{
	local name="$1"

	shift
	bridge_helper keep "$dir/$name.pid" -- "$@" >>"$dir/$name.log" 2>&1 &
	eval "kept_$name=$!"
}

unkeep()
{
	local pid

	eval "pid=\$kept_$1"
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	rm -f "$dir/$1.pid"
}

# keep_in NET NAME COMMAND…: the same in a namespace.
keep_in()
{
	local net="$1" name="$2" pid

	shift 2
	eval "pid=\$net_$net"
	keep "$name" nsenter "--net=/proc/$pid/ns/net" "$@"
}

# server_config NAME [LINE…]: write the configuration of a server.
server_config()
{
	local name="$1"

	shift
	{
		echo "listen: 0.0.0.0:4222"
		echo "pid_file: $dir/$name-server.pid"
		echo "jetstream { store_dir: $dir/$name-store, max_file: 8G, max_mem: 256M }"
		for line; do
			echo "$line"
		done
	} >"$dir/$name.nats"
}

# config NET [LINE…]: write the configuration of the bridge of a namespace; the input are its routes.
config()
{
	local net="$1" number

	shift
	number=1
	[ "$net" = a ] || number=2
	{
		echo "servers = nats://10.9.$number.1:4222"
		echo "control = $dir/$net.control"
		echo "metrics = $dir/$net.prom"
		echo "metrics_interval = 500ms"
		for line; do
			echo "$line"
		done
		cat
	} >"$dir/$net.conf"
}

# until_true SECONDS COMMAND…: try a command until it succeeds.
until_true()
{
	local tries=$(($1 * 10))

	shift
	until "$@"; do
		[ $((tries -= 1)) -gt 0 ] || return 1
		usleep 100000
	done
}
