# SPDX-License-Identifier: LGPL-2.1-or-later
"""The names of mailboxes, from those of virtual hosts and queues."""

from __future__ import annotations

import hashlib
import re

import mbox

#: the virtual host of mbox://
DEFAULT_HOST = "kombu"
#: hexadecimal digits that tell apart the names that do not fit
DIGITS = 16


def host(virtual_host: str) -> str:
    """Return the prefix of a virtual host, ValueError if it cannot be one."""
    name = (virtual_host or "").strip("/") or DEFAULT_HOST
    if not re.fullmatch("[A-Za-z0-9]{1,16}", name):
        raise ValueError(f"the virtual host {name!r} is not 1 to 16 of A-Z a-z 0-9")
    return name


def mailbox(prefix: str, queue: str) -> str:
    """Return the name of the mailbox of a queue.

    It is PREFIX.QUEUE. If that is longer than a name may be, or has characters that a
    name may not have, it is PREFIX-SIMILAR-HASH."""
    name = f"{prefix}.{queue}"
    if re.fullmatch("[A-Za-z0-9._-]+", name) and len(name) < mbox.NAME_SIZE:
        return name
    digits = hashlib.blake2b(queue.encode(), digest_size=DIGITS // 2).hexdigest()
    similar = re.sub("[^A-Za-z0-9._-]", "_", queue)[:mbox.NAME_SIZE - 3 - len(prefix) - DIGITS]
    return f"{prefix}-{similar}-{digits}"


def routes(prefix: str) -> str:
    """Return the name of the mailbox that keeps the exchanges and bindings."""
    return f"{prefix}_routes"
