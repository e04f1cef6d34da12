#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# RabbitMQ, its client library and Erlang for "make bench-bridge": rabbitmq.sh prints the directory that has them. They are
# fetched into the cache, since Debian's package would start a server on this machine.

set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/apt.sh"

# What rabbitmq-server depends on, but for libraries and for programs that only its maintenance needs.
packages=(rabbitmq-server librabbitmq4 librabbitmq-dev
	erlang-{asn1,base,crypto,eldap,inets,mnesia,os-mon,parsetools,public-key,runtime-tools,ssl,syntax-tools,tools,xmerl})

apt_keep rabbitmq/rabbitmq "RabbitMQ and Erlang, for the benchmark of mboxbridge" "make bench-bridge" "${packages[@]}"
echo "$REPLY"
