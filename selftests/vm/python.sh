#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copy Debian's python3, as much of it as the tests of lib/python and Celery import, into a directory for the guest:
# python.sh DIRECTORY. Ends with 1 if this machine has none.

set -euo pipefail

out=$1
python=/usr/bin/python3
[ -x $python ] || exit 1
library=$($python -S -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
modules=$library/lib-dynload
packages=(asyncio collections concurrent ctypes email encodings html http importlib json logging multiprocessing re unittest
	urllib xml zoneinfo)

rm -rf "$out"
mkdir -p "$out/usr/bin" "$out$modules" "$out$library/__pycache__"
cp -L --preserve=mode,timestamps $python "$out/usr/bin/"
cp --preserve=timestamps "$library"/*.py "$out$library/"
cp --preserve=timestamps "$library"/__pycache__/*[0-9].pyc "$out$library/__pycache__/" 2>/dev/null || true
for package in "${packages[@]}"; do
	cp -R --preserve=timestamps "$library/$package" "$out$library/"
done
for module in _asyncio _bz2 _contextvars _ctypes _decimal _json _lzma _multiprocessing _queue _ssl _typing _uuid _zoneinfo mmap \
	resource; do
	# executable, so that their libraries are brought along
	install -p -m 755 "$modules/$module".*.so "$out$modules/"
done
