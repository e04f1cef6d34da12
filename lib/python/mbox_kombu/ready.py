# SPDX-License-Identifier: LGPL-2.1-or-later
"""Waiting for descriptors: by epoll, or by select where green threads have taken epoll away."""

from __future__ import annotations

import select
import time
from typing import Any, Dict, List, Optional, Tuple

READ = 1


class Select:
    """What the transport uses of epoll, by select.select().

    gevent and eventlet replace that by a call which lets other green threads run, and remove
    epoll. Their workers have no event loop that could watch a descriptor of this object."""

    #: seconds after which it looks for descriptors that other green threads have registered
    SLICE = 0.5

    def __init__(self) -> None:
        self._fds: Dict[int, None] = {}

    def register(self, fd: int, mask: int) -> None:
        """Add a descriptor."""
        self._fds[fd] = None

    def unregister(self, fd: int) -> None:
        """Remove a descriptor."""
        self._fds.pop(fd, None)

    def poll(self, timeout: Optional[float], most: int) -> List[Tuple[int, int]]:
        """Wait, and return descriptors that are ready, each in its turn; none if the slice is over."""
        wait = self.SLICE if timeout is None else min(timeout, self.SLICE)
        if not self._fds:
            time.sleep(wait)
            return []
        ready = select.select(list(self._fds), [], [], wait)[0][:most]
        for fd in ready:
            if fd in self._fds:
                self._fds[fd] = self._fds.pop(fd)
        return [(fd, READ) for fd in ready]

    def close(self) -> None:
        """Forget the descriptors."""
        self._fds.clear()


def make() -> Any:
    """Make an epoll set, or something like it."""
    return select.epoll() if hasattr(select, "epoll") else Select()
