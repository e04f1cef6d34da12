#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Install missing Debian packages: deps.sh REASON PACKAGE… prints their names and the reason, then installs them if
# you are root or have sudo; otherwise it prints the command. Targets that only build do not call it.

set -euo pipefail

why=$1
shift
missing=()
for package; do
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
	echo "deps: this needs a Debian or Ubuntu: kernels come from its archive. The packages are, because $why:" >&2
	echo "  ${missing[*]}" >&2
	exit 1
fi

as_root=()
if [ "$(id -u)" != 0 ]; then
	as_root=(sudo)
	# sudo may ask for a password where there is somebody to ask
	if ! command -v sudo >/dev/null || ! { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
		echo "Packages are missing, because $why. As root, type:" >&2
		echo "  apt-get update && apt-get install -y --no-install-recommends ${missing[*]}" >&2
		exit 1
	fi
fi

echo "deps: installing ${missing[*]}, because $why" >&2
install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes
	apt-get -qq -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=600 install --no-install-recommends "${missing[@]}")
# the lists of a fresh machine are missing, those of an idle one name versions that are gone
"${install[@]}" >/dev/null 2>&1 </dev/null || {
	"${as_root[@]}" apt-get -qq update >/dev/null || true
	"${install[@]}" >/dev/null </dev/null
}
