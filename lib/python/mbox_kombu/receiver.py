# SPDX-License-Identifier: LGPL-2.1-or-later
"""A handle for receiving from a queue, with its consumers and its unsettled leases."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, NamedTuple, Optional, Tuple

from kombu.log import get_logger
from kombu.utils.json import dumps, loads

import mbox

logger = get_logger(__name__)


def pack(message: Dict[str, Any]) -> bytes:
    """Make the payload of a message: a line of JSON, and the body as it is."""
    body = message["body"] or b""
    head = {key: value for key, value in message.items() if key != "body"}
    return dumps(head).encode() + b"\n" + (body.encode() if isinstance(body, str) else body)


def unpack(data: bytes) -> Dict[str, Any]:
    """Take a payload apart, ValueError if it is none."""
    head, _, body = data.partition(b"\n")
    message = loads(head.decode())
    if not isinstance(message, dict) or not isinstance(message.get("properties"), dict) or not isinstance(
            message["properties"].setdefault("delivery_info", {}), dict):
        raise ValueError("there are no properties")
    message["body"] = body
    return message


class Consumer(NamedTuple):
    """The way in which a consumer takes messages."""
    no_ack: bool
    callback: Callable[[Any], Any]


class Receiver:
    """The handle of a channel for receiving from a queue."""

    def __init__(self, channel: Any, queue: str, box: mbox.Mailbox, ttl: Optional[float]) -> None:
        self.channel, self.queue, self.box = channel, queue, box
        #: seconds after which a message is not received any more
        self.ttl = ttl
        #: by consumer tag; they take turns
        self.consumers: Dict[str, Consumer] = {}
        #: messages that were received by a lease and not settled
        self.unsettled = 0
        #: whether the transport waits for a message
        self.watched = False

    @property
    def wanted(self) -> bool:
        """Whether a consumer may take a message now."""
        return any(consumer.no_ack for consumer in self.consumers.values()) or (
            bool(self.consumers) and self.channel.qos.can_consume())

    def turn(self) -> Optional[Consumer]:
        """Return the next consumer that may take a message."""
        with self.channel.connection.lock:
            for tag, consumer in list(self.consumers.items()):
                if consumer.no_ack or self.channel.qos.can_consume():
                    self.consumers[tag] = self.consumers.pop(tag)
                    return consumer
        return None

    def take(self, no_ack: bool) -> Tuple[Dict[str, Any], Optional[mbox.Lease]]:
        """Receive a message: taken, or with a lease. mbox.Empty if there is none."""
        while True:
            lease = None if no_ack else self.box.lease(timeout=0)
            header = self.box.recv(timeout=0) if lease is None else lease.message
            try:
                message = unpack(header.data)
                properties = message["properties"]
                expired = self._expired(header, properties)
            except (TypeError, ValueError) as error:
                self._refuse(lease, error)
                continue
            if expired:
                if lease is not None:
                    lease.ack()
                continue
            again = lease is not None and bool(lease.flags & mbox.Delivery.AGAIN)
            properties["delivery_info"]["redelivered"] = message["redelivered"] = again
            return message, lease

    def _refuse(self, lease: Optional[mbox.Lease], error: Exception) -> None:
        """Keep a message that no producer of kombu can have sent from coming again."""
        logger.error("%s: a message is not of kombu: %s", self.box.name, error)
        if lease is not None:
            lease.reject()

    def _expired(self, header: mbox.Message, properties: Dict[str, Any]) -> bool:
        """Check the time to live of the queue, and of the message in milliseconds."""
        age = time.time() - header.time / 1e9
        own = properties.get("expiration")
        return (self.ttl is not None and age > self.ttl) or (
            own is not None and age > int(own) / 1000)

    def close(self) -> None:
        """Close the handle, also for the processes that inherited it."""
        try:
            self.box.shutdown(mbox.Right.RECV)
        except mbox.MboxError:
            pass
        self.box.close()
