#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Put Debian's python3-celery and our modules into a directory for the guest, as their packages would: celery.sh
# DIRECTORY. Ends with 1 if the cache lacks it. python.sh brings Python itself.

set -euo pipefail

HERE=$(cd "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
out=$1
from=$(MBOX_OFFLINE=1 "$TOP/tools/build/celery.sh" 2>/dev/null) || exit 1

# Compiling takes longer than all else, and longest in the guest.
if [ "$(cat "$out/from" 2>/dev/null)" != "$from" ]; then
	rm -rf "$out"
	mkdir -p "$out/usr/lib" "$out/usr/share/zoneinfo"
	cp -R --preserve=timestamps "$from/usr/lib/python3" "$out/usr/lib/"
	cp --preserve=timestamps "$from"/usr/share/zoneinfo/{UTC,*.tab,tzdata.zi} "$out/usr/share/zoneinfo/"
	/usr/bin/python3 -m compileall -q -s "$out" "$out/usr/lib/python3/dist-packages" || true
	echo "$from" >"$out/from"
fi
rm -rf "$out"/usr/lib/python3/dist-packages/mbox*
cp -R --preserve=timestamps "$TOP"/lib/python/mbox* "$out/usr/lib/python3/dist-packages/"
