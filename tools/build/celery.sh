#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Print the directory that has Debian's python3-celery, and the packages that it needs, unpacked into the cache.

set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/apt.sh"

apt_keep celery/celery "python3-celery, and the packages that it needs" "tools/build/celery.sh" \
	python3-{amqp,billiard,celery,click,click-didyoumean,click-plugins,click-repl} \
	python3-{dateutil,kombu,prompt-toolkit,six,tz,vine,wcwidth} tzdata
echo "$REPLY"
