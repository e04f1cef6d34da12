#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A NATS server for the tests of mboxbridge: nats.sh prints the path of the program. It is fetched into the cache, since
# Debian's package would start a server on this machine.

set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/apt.sh"

PACKAGE=nats-server

{ resolved "$CACHE/nats/$PACKAGE" && [ -x "$REPLY" ]; } || may_fetch "$PACKAGE" "make bridge-check"
mkdir -p "$CACHE/nats"
exec 8>"$CACHE/nats/lock"
flock 8
if ! resolved "$CACHE/nats/$PACKAGE" || ! [ -x "$REPLY" ]; then
	version=$(apt_show "$PACKAGE" | sed -n 's/^Version: //p') || apt_again "no package $PACKAGE"
	dir=$CACHE/nats/$PACKAGE@$version
	if ! [ -d "$dir" ]; then
		note "fetching $PACKAGE, for the tests of mboxbridge"
		apt_unpack "$dir.new" "$PACKAGE=$version"
		mv "$dir.new" "$dir"
	fi
	REPLY=$dir/usr/sbin/nats-server
	echo "$REPLY" >"$CACHE/nats/$PACKAGE"
fi
echo "$REPLY"
