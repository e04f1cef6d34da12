#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Print the directory that has Debian's python3-celery, and the packages that it needs, unpacked into the cache.

set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/apt.sh"

place=$CACHE/celery

{ resolved "$place/current" && [ -d "$REPLY" ]; } || may_fetch "python3-celery" "tools/build/celery.sh"
mkdir -p "$place"
exec 9>"$place/lock"
flock 9
if ! resolved "$place/current" || ! [ -d "$REPLY" ]; then
	version=$(apt_show python3-celery | sed -n 's/^Version: //p') || apt_again "no package python3-celery"
	dir=$place/$version
	if ! [ -d "$dir" ]; then
		note "fetching python3-celery $version, and what it needs"
		apt_unpack "$dir.new" python3-{amqp,billiard,celery,click,click-didyoumean,click-plugins,click-repl} \
			python3-{dateutil,kombu,prompt-toolkit,six,tz,vine,wcwidth} tzdata
		mv "$dir.new" "$dir"
	fi
	echo "$dir" >"$place/current"
	REPLY=$dir
fi
echo "$REPLY"
