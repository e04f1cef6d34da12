# SPDX-License-Identifier: LGPL-2.1-or-later
"""The leases of a channel: unsettled messages, and how many there may be."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional

from amqp.exceptions import RecoverableConnectionError
from kombu.log import get_logger

import mbox

from .receiver import Receiver

logger = get_logger(__name__)


class Unsettled(NamedTuple):
    """A message that a consumer has not acknowledged yet."""
    message: Any
    lease: mbox.Lease
    receiver: Receiver


class QoS:
    """Acknowledges, gives back and counts the leased messages of a channel.

    Any thread may acknowledge. There is nothing to restore when the process ends: the
    kernel gives the messages back."""

    def __init__(self, channel: Any) -> None:
        self.channel = channel
        self._lock = channel.connection.lock
        self._prefetch = 0
        self._unsettled: Dict[int, Unsettled] = {}

    @property
    def prefetch_count(self) -> int:
        """Messages that may be unsettled, or 0 for any number."""
        return self._prefetch

    @prefetch_count.setter
    def prefetch_count(self, count: Optional[int]) -> None:
        self._prefetch = count or 0
        self.channel.watch()

    def can_consume(self) -> bool:
        """Whether one more message may be leased."""
        return not self._prefetch or len(self._unsettled) < self._prefetch

    def can_consume_max_estimate(self) -> Optional[int]:
        """How many more messages may be leased, None for any number."""
        return max(self._prefetch - len(self._unsettled), 0) if self._prefetch else None

    def append(self, tag: int, message: Any, lease: mbox.Lease, receiver: Receiver) -> None:
        """Add a leased message."""
        with self._lock:
            self._unsettled[tag] = Unsettled(message, lease, receiver)
            receiver.unsettled += 1

    def get(self, tag: int) -> Any:
        """Return an unsettled message."""
        return self._unsettled[tag].message

    def _take(self, tag: int, multiple: bool = False) -> List[Unsettled]:
        """Remove a message; with multiple also those that were delivered before it."""
        with self._lock:
            tags = [each for each in self._unsettled if each <= tag] if multiple else [tag]
            try:
                taken = [self._unsettled.pop(each) for each in tags]
            except KeyError:
                # The channel was closed, and the kernel has given the message to another consumer.
                raise RecoverableConnectionError(f"there is no unsettled message {tag}") from None
            for each in taken:
                each.receiver.unsettled -= 1
            return taken

    def ack(self, tag: int, multiple: bool = False) -> None:
        """Acknowledge a message; with multiple also those that were delivered before it."""
        self._settle(self._take(tag, multiple), mbox.Lease.ack)

    def reject(self, tag: int, requeue: bool = False) -> None:
        """Give a message back, or give it up."""
        self._settle(self._take(tag), mbox.Lease.retry if requeue else self.channel.give_up)

    def restore_unacked(self) -> None:
        """Give all messages back."""
        with self._lock:
            taken = self._take(max(self._unsettled), True) if self._unsettled else []
        self._settle(taken, mbox.Lease.retry)

    def _settle(self, taken: List[Unsettled], end: Any) -> None:
        for each in taken:
            if each.receiver.box.closed:
                # The queue was deleted.
                continue
            try:
                end(each.lease)
            except (mbox.Stale, mbox.Gone, mbox.OwnerDied) as error:
                logger.warning("a message of %s was settled too late: %s", each.receiver.queue, error)
        self.channel.watch()

    def restore_unacked_once(self, stderr: Any = None) -> None:
        """Give all messages back."""
        self.restore_unacked()
