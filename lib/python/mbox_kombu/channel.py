# SPDX-License-Identifier: LGPL-2.1-or-later
"""A channel: declares, publishes and consumes."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from itertools import count
from queue import Empty
from typing import Any, Callable, Dict, Iterator, Optional

from amqp.exceptions import ConsumerCancelled, NotFound, PreconditionFailed
from amqp.protocol import queue_declare_ok_t
from kombu.transport import virtual
from kombu.transport.base import to_rabbitmq_queue_arguments
from kombu.transport.virtual.base import NotEquivalentError
from kombu.utils.uuid import uuid

import mbox

from .qos import QoS
from .receiver import Consumer, Receiver, pack
from .routes import State


class Channel(virtual.Channel):
    """A channel of the transport.

    Exchanges, bindings and the rules of routing are those of kombu's virtual channel, in a
    state that all processes share. Queues, their messages and leases are the kernel's."""

    QoS = QoS
    supports_fanout = True
    do_restore = False
    # The payload of a mailbox is bytes.
    body_encoding = None
    from_transport_options = ("deadletter_queue",)
    max_priority = 255

    _delivery_tags = count(1)

    def __init__(self, connection: Any, **kwargs: Any) -> None:
        super().__init__(connection, **kwargs)
        self._receivers: Dict[str, Receiver] = {}
        self._changed: Optional[State] = None
        self._qos = QoS(self)

    # Exchanges and bindings

    @property
    def state(self) -> State:
        """The exchanges and bindings: those that this channel is changing, or the newest."""
        return self._changed if self._changed is not None else self.connection.routes.read()

    @contextmanager
    def _change(self) -> Iterator[State]:
        """Change the exchanges and bindings, for all processes."""
        if self._changed is not None:
            yield self._changed
            return
        with self.connection.routes.change() as self._changed:
            try:
                yield self._changed
            finally:
                self._changed = None

    def exchange_declare(self, exchange: Optional[str] = None, type: Optional[str] = "direct",
                         durable: bool = False, auto_delete: bool = False, arguments: Any = None,
                         nowait: bool = False, passive: bool = False) -> None:
        """Declare an exchange."""
        type = type or "direct"
        exchange = exchange or f"amq.{type}"
        known = passive or exchange in self.state.exchanges
        try:
            with nullcontext() if known else self._change():
                super().exchange_declare(exchange, type, durable, auto_delete, arguments, nowait, passive)
        except NotEquivalentError as error:
            raise PreconditionFailed(str(error)) from error

    def exchange_delete(self, exchange: str, if_unused: bool = False, nowait: bool = False) -> None:
        """Delete an exchange and its bindings."""
        with self._change() as state:
            if if_unused and state.exchanges.get(exchange, {}).get("table"):
                raise PreconditionFailed(f"the exchange {exchange!r} has bindings")
            state.forget_exchange(exchange)

    def queue_bind(self, queue: str, exchange: Optional[str] = None, routing_key: str = "",
                   arguments: Any = None, **kwargs: Any) -> None:
        """Bind a queue to an exchange."""
        exchange = exchange or "amq.direct"
        if self.state.has_binding(queue, exchange, routing_key):
            return
        with self._change() as state:
            if exchange not in state.exchanges:
                raise NotFound(f"no exchange {exchange!r}")
            super().queue_bind(queue, exchange, routing_key, arguments, **kwargs)

    def _queue_bind(self, *binding: Any) -> None:
        """Do nothing: the state has the binding."""

    def queue_unbind(self, queue: str, exchange: Optional[str] = None, routing_key: str = "",
                     arguments: Any = None, **kwargs: Any) -> None:
        """Remove a binding."""
        with self._change():
            super().queue_unbind(queue, exchange or "amq.direct", routing_key, arguments, **kwargs)

    # Queues

    def prepare_queue_arguments(self, arguments: Dict[str, Any], **kwargs: Any) -> Dict[str, Any]:
        """Name the arguments of a queue as RabbitMQ does."""
        return to_rabbitmq_queue_arguments(arguments, **kwargs)

    def queue_declare(self, queue: Optional[str] = None, passive: bool = False, auto_delete: bool = False,
                      exclusive: bool = False, arguments: Optional[Dict[str, Any]] = None,
                      **kwargs: Any) -> queue_declare_ok_t:
        """Declare a queue: make its mailbox, unless it exists.

        A queue that deletes itself, or is exclusive, ends with this process; others are
        among the routes, so that they are made again if their mailbox was deleted."""
        queue = queue or f"amq.gen-{uuid()}"
        arguments = arguments or {}
        if not passive:
            self.connection.declare(queue, auto_delete or exclusive, arguments)
            if not (auto_delete or exclusive) and queue not in self.state.queues:
                with self._change() as state:
                    state.queues[queue] = arguments
        return queue_declare_ok_t(queue, self._size(queue), 0)

    def queue_delete(self, queue: str, if_unused: bool = False, if_empty: bool = False,
                     **kwargs: Any) -> int:
        """Delete a queue with its bindings and messages; returns how many messages those were."""
        receiver = self._receivers.get(queue)
        if if_unused and receiver is not None and receiver.consumers:
            raise PreconditionFailed(f"the queue {queue!r} has consumers")
        state = self.state
        bound = queue in state.queues or any(state.queue_index.get(queue, ()))
        # A producer that finds the queue among the routes makes it again: forget it first.
        with self._change() if bound else nullcontext():
            if bound:
                self.state.forget(queue)
            queued = self.connection.delete(queue, if_empty)
        if receiver is not None:
            self._forget(receiver)
        return queued

    def _has_queue(self, queue: str, **kwargs: Any) -> bool:
        return self.connection.info(queue) is not None

    def _size(self, queue: str) -> int:
        """Return how many messages can be received."""
        info = self.connection.info(queue)
        if info is None:
            raise NotFound(f"no queue {queue!r}")
        return info.queued - info.leased - info.delayed - info.parked

    def _purge(self, queue: str) -> int:
        """Drop the messages that can be received; returns how many those were."""
        purged = 0
        with self.connection.lock:
            receiver = self._receiver(queue)
            try:
                for purged in range(1, self._size(queue) + 1):
                    receiver.box.recv(timeout=0)
            except mbox.Empty:
                purged -= 1
            finally:
                self._release(receiver)
        return purged

    # Publishing

    def _put(self, queue: str, message: Dict[str, Any], **kwargs: Any) -> None:
        """Send a message to a queue. As with AMQP, one to a queue that nobody declared is dropped."""
        self.connection.send(self, queue, pack(message), self._get_message_priority(message))

    def _put_fanout(self, exchange: str, message: Dict[str, Any], routing_key: str, **kwargs: Any) -> None:
        """Send a copy to each queue that is bound to the exchange."""
        for queue in {row[2] for row in self.get_table(exchange)}:
            self._put(queue, message)

    def restore_queue(self, queue: str) -> bool:
        """Deal with a queue without a mailbox: make one, or forget the queue.

        Returns whether there is a mailbox now."""
        state = self.state
        if queue in state.queues:
            self.connection.declare(queue, False, state.queues[queue])
            return True
        if state.queue_index.get(queue):
            with self._change() as state:
                if self.connection.info(queue) is None:
                    state.forget(queue)
        return False

    # Consuming

    def _receiver(self, queue: str) -> Receiver:
        """Return the handle for receiving from a queue."""
        receiver = self._receivers.get(queue)
        if receiver is not None and receiver.box.get().state != mbox.State.LIVE:
            self._forget(receiver)
            receiver = None
        if receiver is None:
            receiver = self._receivers[queue] = self.connection.receiver(self, queue)
        return receiver

    def basic_consume(self, queue: str, no_ack: bool, callback: Callable[[Any], Any], consumer_tag: str,
                      **kwargs: Any) -> str:
        """Consume from a queue. One that deletes itself belongs to this process from now on."""
        consumer_tag = consumer_tag or f"amq.ctag-{uuid()}"
        with self.connection.lock:
            receiver = self._receiver(queue)
            self.connection.adopt(receiver)
            receiver.consumers[consumer_tag] = Consumer(bool(no_ack), callback)
            self._consumers.add(consumer_tag)
            self._tag_to_queue[consumer_tag] = queue
            self.watch()
        return consumer_tag

    def basic_cancel(self, consumer_tag: str) -> None:
        """Cancel a consumer. Its unsettled messages stay; a queue that deletes itself goes with its last one."""
        with self.connection.lock:
            queue = self._tag_to_queue.pop(consumer_tag, None)
            self._consumers.discard(consumer_tag)
            receiver = self._receivers.get(queue)
            if receiver is None:
                return
            receiver.consumers.pop(consumer_tag, None)
            if not receiver.consumers and self.connection.owns(receiver):
                self.queue_delete(queue)
            self.watch()

    def watch(self) -> None:
        """Have the transport wait for exactly the messages that consumers may take now."""
        connection = self.connection
        if connection is None:
            return
        with connection.lock:
            for receiver in list(self._receivers.values()):
                self._release(receiver)
                connection.watch(receiver)

    def _release(self, receiver: Receiver) -> None:
        """Close a handle that nobody needs any more."""
        if not receiver.consumers and not receiver.unsettled:
            self._forget(receiver)

    def _forget(self, receiver: Receiver) -> None:
        """Close a handle with its consumers."""
        for tag in receiver.consumers:
            self._consumers.discard(tag)
            self._tag_to_queue.pop(tag, None)
        receiver.consumers.clear()
        if self._receivers.get(receiver.queue) is receiver:
            del self._receivers[receiver.queue]
        self.connection.unwatch(receiver)
        receiver.close()

    def _message(self, receiver: Receiver, no_ack: bool) -> Any:
        """Receive a message, Empty if there is none."""
        try:
            raw, lease = receiver.take(no_ack)
        except mbox.Empty:
            raise Empty() from None
        tag = raw["properties"]["delivery_tag"] = next(self._delivery_tags)
        message = self.Message(raw, channel=self)
        if lease is not None:
            self.qos.append(tag, message, lease, receiver)
        return message

    def deliver(self, receiver: Receiver) -> None:
        """Give a message to the consumer whose turn it is, Empty if there is none."""
        consumer = receiver.turn()
        if consumer is None:
            raise Empty()
        try:
            message = self._message(receiver, consumer.no_ack)
        except (mbox.Gone, mbox.OwnerDied) as error:
            self._forget(receiver)
            raise ConsumerCancelled(f"the queue {receiver.queue!r} was deleted") from error
        self.watch()
        consumer.callback(message)

    def basic_get(self, queue: str, no_ack: bool = False, **kwargs: Any) -> Optional[Any]:
        """Return a message, or None if there is none."""
        with self.connection.lock:
            receiver = self._receiver(queue)
            try:
                return self._message(receiver, no_ack)
            except Empty:
                return None
            finally:
                self.watch()

    def basic_ack(self, delivery_tag: int, multiple: bool = False) -> None:
        """Acknowledge a message."""
        self.qos.ack(delivery_tag, multiple)

    def give_up(self, lease: mbox.Lease) -> None:
        """End the lease of a message that was rejected for good."""
        if self.connection.dead_letter:
            lease.reject()
        else:
            lease.ack()

    def close(self) -> None:
        """Give the unsettled messages back, and cancel all consumers."""
        if self.closed:
            return
        self.closed = True
        connection = self.connection
        if connection is not None:
            if connection.mine:
                for tag in list(self._consumers):
                    self.basic_cancel(tag)
                self.qos.restore_unacked()
                self.watch()
            else:
                # They are the parent's, as are its leases.
                for receiver in self._receivers.values():
                    receiver.box.close()
            connection.close_channel(self)
        self.exchange_types = None
