#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A NATS server for the tests of mboxbridge: nats.sh prints the path of the program. It is fetched into the cache, since
# Debian's package would start a server on this machine.

set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/apt.sh"

apt_keep nats/nats "a NATS server, for the tests of mboxbridge" "make bridge-check" nats-server
echo "$REPLY/usr/sbin/nats-server"
