# SPDX-License-Identifier: LGPL-2.1-or-later
"""The exchanges and bindings of a virtual host, which all processes share.

A mailbox keeps them as one message, so that they have the namespace, the permissions and
the life of the queues. Its lease is the lock: a process that changes them leases the
message, sends the next version, and acknowledges the one before. The mailbox's mark is
the number of the newest version, so a process sees by one call whether its copy is
current. If a process dies in between, the version before returns to its place; the mark
says that it is not the newest, and the next process drops it.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import Any, Dict, Iterator, Optional, Tuple

from kombu.transport.virtual import BrokerState

import mbox

#: seconds to wait for a process that changes the routes
PATIENCE = 30


class State(BrokerState):
    """Exchanges, bindings and the queues that last."""

    def __init__(self) -> None:
        super().__init__()
        #: the queues that do not end with a process, with their arguments
        self.queues: Dict[str, Dict[str, Any]] = {}

    def forget(self, queue: str) -> None:
        """Drop a queue and its bindings."""
        self.queues.pop(queue, None)
        self.queue_bindings_delete(queue)
        for exchange in self.exchanges.values():
            exchange["table"] = [row for row in exchange["table"] if row[2] != queue]

    def forget_exchange(self, exchange: str) -> None:
        """Drop an exchange and its bindings."""
        self.exchanges.pop(exchange, None)
        for queue, source, routing_key in list(self.bindings):
            if source == exchange:
                self.binding_delete(queue, source, routing_key)

    def dump(self) -> Dict[str, Any]:
        """Return the state as values of JSON."""
        return {"exchanges": self.exchanges, "queues": self.queues,
                "bindings": [[*key, arguments] for key, arguments in self.bindings.items()]}

    @classmethod
    def load(cls, values: Dict[str, Any]) -> State:
        """Make a state of what dump() returned."""
        self = cls()
        self.queues = values["queues"]
        for name, exchange in values["exchanges"].items():
            exchange["table"] = [tuple(row) for row in exchange["table"]]
            self.exchanges[name] = exchange
        for queue, exchange, routing_key, arguments in values["bindings"]:
            self.binding_declare(queue, exchange, routing_key, arguments)
        return self


def _encode(version: int, state: State) -> bytes:
    return json.dumps({"version": version, **state.dump()}).encode()


def _decode(data: bytes) -> Tuple[int, State]:
    values = json.loads(data)
    return values["version"], State.load(values)


class Routes:
    """The routes of a virtual host, as this process last saw them."""

    def __init__(self, name: str, mode: int, msg_size: int) -> None:
        self._name, self._mode, self._msg_size = name, mode, msg_size
        self._box: Optional[mbox.Mailbox] = None
        self._version, self._state = 0, State()

    def close(self) -> None:
        """Close the handle."""
        box, self._box = self._box, None
        self._version = 0
        if box is not None:
            box.close()

    def _open(self) -> Tuple[mbox.Mailbox, int]:
        """Open the mailbox, and make it if it is missing or was emptied. Returns its mark too."""
        while True:
            if self._box is None:
                try:
                    self._box = mbox.Mailbox.open(self._name)
                except mbox.NoMailbox:
                    self._create()
                    continue
            info = self._box.get()
            if info.state != mbox.State.LIVE:
                self.close()
            elif not info.queued and info.lifetime == mbox.Lifetime.OS:
                # A purge: not even the process that changes the routes leaves it empty.
                self._delete(self._box)
                self.close()
            else:
                return self._box, info.mark

    @staticmethod
    def _delete(box: mbox.Mailbox) -> None:
        try:
            box.delete()
        except (mbox.Gone, mbox.NotEmpty):
            # Another process was faster.
            pass

    def _create(self) -> None:
        """Make the mailbox with its first version.

        Until that is in it, the mailbox ends with this process, so that nobody waits for a
        version that never comes."""
        try:
            box = mbox.Mailbox.create(self._name, mode=self._mode, lifetime=mbox.Lifetime.PROCESS,
                                      capacity=mbox.CAPACITY_UNBOUNDED, msg_size=self._msg_size)
        except mbox.Exists:
            return
        with box:
            box.post(_encode(1, State()), mark=1)
            box.handover(0)

    def read(self) -> State:
        """Return the newest state, which the caller does not change."""
        while True:
            box, mark = self._open()
            if mark == self._version:
                return self._state
            try:
                version, state = _decode(box.recv(peek=True, timeout=PATIENCE).data)
                if version == box.get().mark:
                    self._version, self._state = version, state
                    return state
                found = self._take(box, timeout=0)
                if found is not None:
                    found[0].release()
            except mbox.Empty:
                pass
            except (mbox.Gone, mbox.OwnerDied):
                self.close()

    @staticmethod
    def _take(box: mbox.Mailbox, timeout: float) -> Optional[Tuple[mbox.Lease, int, State]]:
        """Lease the newest version. If an older one is found instead, drop that, and return None."""
        lease = box.lease(timeout=timeout)
        version, state = _decode(lease.data)
        if version == box.get().mark:
            return lease, version, state
        lease.ack()
        return None

    def _lock(self) -> Tuple[mbox.Mailbox, mbox.Lease, int, State]:
        """Wait for the newest version, and lease it: nobody else can change the routes then."""
        while True:
            box, _ = self._open()
            try:
                found = self._take(box, PATIENCE)
                if found is not None:
                    return (box, *found)
            except (mbox.Gone, mbox.OwnerDied):
                self.close()

    @contextmanager
    def change(self) -> Iterator[State]:
        """Lock the routes, and give a state to change; it takes effect at the end, if no exception is raised."""
        box, lease, version, state = self._lock()
        try:
            before = _encode(version, state)
            yield state
            if _encode(version, state) != before:
                version += 1
                box.post(_encode(version, state), mark=version)
                lease.ack()
            self._version, self._state = version, state
        finally:
            if not lease.done:
                lease.release()
