# SPDX-License-Identifier: LGPL-2.1-or-later
"""The transport: mailboxes of queues, and the event loop."""

from __future__ import annotations

import os
import socket
import threading
from array import array
from collections import OrderedDict, deque
from queue import Empty
from time import monotonic
from typing import Any, Deque, Dict, Optional, Tuple

from amqp.exceptions import NotFound, PreconditionFailed, RecoverableChannelError
from kombu.transport import virtual

import mbox

from . import names, ready
from .channel import Channel
from .receiver import Receiver
from .routes import Routes

#: the largest message, unless the module allows less or transport_options says so
MESSAGE_SIZE = 16 << 20
#: how many messages a queue with a time to live keeps
TTL_CAPACITY = 8192
#: how many handles for sending a connection keeps
SENDERS = 64
#: how many messages the event loop delivers before it looks at other descriptors
BATCH = 64
#: how often a message is sent to a queue that others delete and fill
TRIES = 16


def _largest() -> int:
    """Return the size of the largest message that the module allows."""
    try:
        with open("/sys/module/mbox/parameters/max_msg_size", encoding="ascii") as file:
            return min(MESSAGE_SIZE, int(file.read()))
    except OSError:
        return MESSAGE_SIZE


class Transport(virtual.Transport):
    """kombu over mailboxes.

    All queues that are consumed are in one epoll set, whose descriptor the event loop
    watches: nothing is polled by time. A queue is in the set only while its channel may take
    a message."""

    Channel = Channel

    polling_interval = None
    default_port = None
    # Celery starts the talk among its workers, which takes topics and fanout, for this type and for Redis only.
    driver_type = "amqp"
    driver_name = "mbox"

    implements = virtual.Transport.implements.extend(
        asynchronous=True, exchange_type=frozenset(["direct", "topic", "fanout"]))

    recoverable_connection_errors = virtual.Transport.connection_errors + (
        mbox.Gone, mbox.NotLoaded, mbox.OwnerDied, mbox.ShutDown, mbox.Timeout)
    recoverable_channel_errors = virtual.Transport.channel_errors + (mbox.Full, mbox.QuotaExceeded)
    connection_errors = recoverable_connection_errors
    channel_errors = recoverable_channel_errors + (
        mbox.NoMailbox, mbox.NotAllowed, mbox.NotEmpty, mbox.Stale, mbox.TooLong)

    def __init__(self, client: Any, **kwargs: Any) -> None:
        super().__init__(client, **kwargs)
        options = client.transport_options
        self._prefix = names.host(client.virtual_host)
        self._mode: int = options.get("mode", 0o600)
        self._msg_size: int = options.get("max_message_size") or _largest()
        self._deliveries: int = options.get("max_deliveries", 0)
        #: the queue of the messages that nobody could process, or None
        self.dead_letter: Optional[str] = options.get("dead_letter")
        self.routes = Routes(names.routes(self._prefix), self._mode, self._msg_size)
        #: guards receivers, leases and the epoll set: any thread may acknowledge
        self.lock = threading.RLock()
        self._epoll: Any = None
        self._loop: Any = None
        self._pid = 0
        self._watched: Dict[int, Receiver] = {}
        self._senders: OrderedDict[str, Tuple[mbox.Mailbox, bool]] = OrderedDict()
        self._ttl: Dict[str, float] = {}

    # The connection

    @property
    def mine(self) -> bool:
        """Whether this process made the connection: a child inherits it, but not the leases."""
        return os.getpid() == self._pid

    @property
    def default_connection_params(self) -> Dict[str, Any]:
        """Return none: there is no host to connect to."""
        return {}

    def driver_version(self) -> str:
        """Return the version of libmbox."""
        return mbox.version()

    def establish_connection(self) -> Transport:
        """Connect: there is a module, and the routes can be read."""
        if self._epoll is not None and not self.mine:
            self.close_connection(self)
        if self._epoll is None:
            self._epoll, self._pid = ready.make(), os.getpid()
            self._used_channel_ids = array("H")
        try:
            self.routes.read()
        except BaseException:
            self.close_connection(self)
            raise
        self._avail_channels.append(self.create_channel(self))
        return self

    def verify_connection(self, connection: Any) -> bool:
        """Check that the connection is open, and of this process."""
        return self._epoll is not None and self.mine

    def close_connection(self, connection: Any) -> None:
        """Close all channels and handles. In a child, this leaves the parent's alone."""
        for channels in self._avail_channels, self.channels:
            while channels:
                channels.pop().close()
        self._watched.clear()
        while self._senders:
            self._senders.popitem()[1][0].close()
        self.routes.close()
        epoll, self._epoll = self._epoll, None
        if epoll is not None:
            if self._loop is not None and self.mine:
                self._loop.remove(epoll.fileno())
            epoll.close()
        self._loop = None

    # Queues

    def _name(self, queue: str) -> str:
        return names.mailbox(self._prefix, queue)

    def declare(self, queue: str, transient: bool, arguments: Dict[str, Any]) -> None:
        """Make the mailbox of a queue, unless it exists."""
        ttl = arguments.get("x-message-ttl")
        if ttl is not None:
            self._ttl[queue] = ttl / 1000
        if self.info(queue) is not None:
            return
        capacity = arguments.get("x-max-length") or (TTL_CAPACITY if transient and ttl is not None else None)
        if capacity is None or capacity > mbox.CAPACITY_MAX:
            capacity = mbox.CAPACITY_UNBOUNDED
        most = arguments.get("x-max-length-bytes") or 0
        dead = None
        if self.dead_letter and not transient and queue != self.dead_letter:
            self.declare(self.dead_letter, False, {})
            dead = mbox.Mailbox.open(self._name(self.dead_letter), mbox.Right(0))
        try:
            mbox.Mailbox.create(
                self._name(queue), mbox.Right(0), mode=self._mode, capacity=capacity,
                msg_size=min(self._msg_size, most or self._msg_size), max_bytes=most,
                lifetime=mbox.Lifetime.PROCESS if transient else mbox.Lifetime.OS,
                dead_letter=dead,
                max_deliveries=0 if transient or queue == self.dead_letter else self._deliveries).close()
        except mbox.Exists:
            # Another process was faster.
            pass
        finally:
            if dead is not None:
                dead.close()

    def info(self, queue: str) -> Optional[mbox.Info]:
        """Return the attributes and counters of a queue, None if it does not exist."""
        try:
            with mbox.Mailbox.open(self._name(queue), mbox.Right(0)) as box:
                info = box.get()
        except (mbox.NoMailbox, mbox.Gone, mbox.OwnerDied):
            return None
        return info if info.state == mbox.State.LIVE else None

    def delete(self, queue: str, if_empty: bool) -> int:
        """Delete the mailbox of a queue; returns how many messages it had."""
        try:
            with mbox.Mailbox.open(self._name(queue), mbox.Right(0)) as box:
                return box.delete(mbox.Delete.EMPTY if if_empty else mbox.Delete.FORCE).queued
        except mbox.NotEmpty as error:
            raise PreconditionFailed(f"the queue {queue!r} has {error.queued} messages") from error
        except (mbox.NoMailbox, mbox.Gone, mbox.OwnerDied):
            return 0

    # Sending

    def _sender(self, queue: str) -> Optional[Tuple[mbox.Mailbox, bool]]:
        """Return a handle for sending, and whether the queue ends with a process; None if there is no mailbox."""
        try:
            self._senders.move_to_end(queue)
        except KeyError:
            try:
                box = mbox.Mailbox.open(self._name(queue), mbox.Right.SEND)
            except mbox.NoMailbox:
                return None
            self._senders[queue] = box, box.get().lifetime == mbox.Lifetime.PROCESS
            if len(self._senders) > SENDERS:
                self._senders.popitem(last=False)[1][0].close()
        return self._senders[queue]

    def send(self, channel: Channel, queue: str, data: bytes, prio: int) -> None:
        """Send a message. A full queue refuses it, but one that ends with a process drops its oldest instead."""
        for _ in range(TRIES):
            sender = self._sender(queue)
            if sender is None:
                if not channel.restore_queue(queue):
                    return
                continue
            box, transient = sender
            try:
                box.send(data, prio=prio, timeout=0)
                return
            except mbox.Full:
                if not transient:
                    raise
                self._drop_oldest(queue)
            except (mbox.Gone, mbox.OwnerDied):
                self._senders.pop(queue)
                box.close()
        raise RecoverableChannelError(f"the queue {queue!r} is deleted or filled again and again")

    def _drop_oldest(self, queue: str) -> None:
        try:
            with mbox.Mailbox.open(self._name(queue), mbox.Right.RECV) as box:
                box.recv(timeout=0)
        except (mbox.Empty, mbox.NoMailbox, mbox.Gone, mbox.OwnerDied):
            pass

    # Receiving

    def receiver(self, channel: Channel, queue: str) -> Receiver:
        """Open a queue for receiving."""
        try:
            box = mbox.Mailbox.open(self._name(queue), mbox.Right.RECV)
        except mbox.NoMailbox as error:
            raise NotFound(f"no queue {queue!r}") from error
        return Receiver(channel, queue, box, self._ttl.get(queue))

    @staticmethod
    def owns(receiver: Receiver) -> bool:
        """Whether the queue ends with this process."""
        info = receiver.box.get()
        return (info.state, info.lifetime, info.owner) == (mbox.State.LIVE, mbox.Lifetime.PROCESS, os.getpid())

    @classmethod
    def adopt(cls, receiver: Receiver) -> None:
        """Have a queue that ends with a process end with this one."""
        try:
            if receiver.box.get().lifetime == mbox.Lifetime.PROCESS and not cls.owns(receiver):
                receiver.box.handover(os.getpid())
        except (mbox.NotAllowed, mbox.Gone, mbox.OwnerDied):
            pass

    def watch(self, receiver: Receiver) -> None:
        """Wait for messages of a receiver, or no longer."""
        if receiver.watched == receiver.wanted:
            return
        if receiver.watched:
            self.unwatch(receiver)
        elif self._epoll is not None and self.mine:
            fd = receiver.box.fileno()
            self._watched[fd] = receiver
            receiver.watched = True
            self._epoll.register(fd, ready.READ)

    def unwatch(self, receiver: Receiver) -> None:
        """Take a receiver out of the epoll set, which outlives its descriptor if a child has that too."""
        if receiver.watched and self._epoll is not None and self.mine:
            fd = receiver.box.fileno()
            self._epoll.unregister(fd)
            del self._watched[fd]
        receiver.watched = False

    def _deliver(self, timeout: Optional[float], most: int) -> int:  # type: ignore[override]
        """Wait for messages, and deliver up to that many, queue by queue. Returns how many."""
        count = 0
        # Of several that are ready the kernel reports each in its turn.
        events = self._epoll.poll(timeout, most) if self._epoll is not None else []
        receivers: Deque[Receiver] = deque(self._watched[fd] for fd, _ in events if fd in self._watched)
        while receivers and count < most:
            receiver = receivers.popleft()
            try:
                if receiver.watched:
                    receiver.channel.deliver(receiver)
                    count += 1
                    receivers.append(receiver)
            except Empty:
                pass
        return count

    def drain_events(self, connection: Any, timeout: Optional[float] = None, **kwargs: Any) -> None:
        """Wait for a message and deliver it, socket.timeout if the time is up."""
        deadline = None if timeout is None else monotonic() + timeout
        while not self._deliver(None if deadline is None else max(deadline - monotonic(), 0), 1):
            if deadline is not None and monotonic() >= deadline:
                raise socket.timeout()

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        """Have the event loop deliver messages."""
        self._loop = loop
        loop.add_reader(self._epoll.fileno(), self.on_readable)

    def on_readable(self, *_: Any) -> None:  # type: ignore[override]
        """Deliver messages that are there."""
        self._deliver(0, BATCH)
