# SPDX-License-Identifier: LGPL-2.1-or-later
"""Linux mailboxes from Python, over ctypes and libmbox.so.1.

A mailbox is a named queue of messages that the kernel owns, see mbox(4). A
Mailbox is a handle on one: a file descriptor with rights.

    import mbox

    with mbox.Mailbox.open_or_create("jobs") as jobs:
        jobs.send(b"paint the fence", prio=3)
        message = jobs.recv(timeout=1.5)
        print(message.data, message.pid)

Timeouts are in seconds: None waits for ever, 0 does not wait. Errors are
MboxError, an OSError, and for the common ones a subclass that names the
situation: Empty, Full, Timeout, Gone, OwnerDied, NobodyLeft and others.

Any thread may use a Mailbox, and calls that block release the interpreter's
lock. A call that a signal interrupts goes on, with the same deadline, after the
signal's handler has run, unless the handler raises an exception. close() while
another thread is in a call takes effect when that call returns; shutdown() ends
such a call.
"""

from __future__ import annotations

import asyncio
import ctypes
import enum
import errno
import os
import threading
import time
import warnings
from collections import deque
from typing import (Any, AsyncIterator, Dict, Iterable, Iterator, List, NamedTuple,
                    Optional, Tuple, Type, Union)

__all__ = [
    "Busy", "Clock", "Deadlock", "Delete", "Deleted", "Delivery", "Empty", "Exists", "Full", "Gone",
    "Handover", "Info", "Interrupted", "Kind", "Lease", "Lifetime", "Mailbox", "MboxError", "Message", "Mode", "Nack", "NoMailbox",
    "NoReply", "NobodyLeft", "NotAllowed", "NotEmpty", "NotLoaded", "Option", "OwnerDied", "Policy",
    "QuotaExceeded", "Reason", "Rejected", "Right", "Sender", "ShutDown", "Space", "Stale", "State", "Timeout", "TooLong", "TooMany", "delete", "strerror", "version",
    "ABI_VERSION", "BATCH_MAX", "CAPACITY_MAX", "CAPACITY_UNBOUNDED", "CAPACITY_ZERO", "CYCLE_MAX",
    "LABEL_MAX", "LABEL_SIZE", "LARGE_CHARGE", "LARGE_ROUND", "MSG_SIZE_DEFAULT", "NAME_SIZE", "PRIO_MAX", "PROCS_MAX",
    "RECEIVERS_MAX", "RING_MAX", "RING_MIN", "SMALL_CHARGE", "SMALL_SIZE", "WAITERS_MAX",
]

Buffer = Union[bytes, bytearray, memoryview, Any]

# <linux/mbox.h>. A test compares each value and each offset with the header.

ABI_VERSION = 1
NAME_SIZE = 64
LABEL_MAX = 255
LABEL_SIZE = 256
PRIO_MAX = 32767
CAPACITY_ZERO = 0
CAPACITY_MAX = 1048576
CAPACITY_UNBOUNDED = 0xFFFFFFFF
MSG_SIZE_DEFAULT = 8192
SMALL_SIZE = 256
SMALL_CHARGE = 384
LARGE_CHARGE = 128
LARGE_ROUND = 4194304
WAITERS_MAX = 512
PROCS_MAX = 4096
CYCLE_MAX = 64
RECEIVERS_MAX = 4096
RING_MIN = 4096
RING_MAX = 1 << 30
BATCH_MAX = 1024


class Right(enum.IntFlag):
    """Rights of a handle."""
    RECV = 1
    SEND = 2


class Lifetime(enum.IntEnum):
    """When a mailbox ends: deleted, with its owner, with its last handle."""
    OS = 0
    PROCESS = 1
    FD = 2


class _Notify(enum.IntEnum):
    ARM = 0
    DISARM = 1
    TAKE = 2


class Space(enum.IntEnum):
    """The interface that the label of a mailbox belongs to."""
    NONE = 0
    MQ = 1
    SYSV = 2
    MAX = 2


class Policy(enum.IntEnum):
    """The choice among receivers that wait."""
    FIFO = 0
    LIFO = 1
    RR = 2
    PRIO = 3
    BROADCAST = 4
    MAX = 4


class Option(enum.IntFlag):
    """Options of a new mailbox."""
    EXCLUSIVE = 1
    OVERFLOW = 2
    GROW = 4
    TRACK = 8


class Delete(enum.IntEnum):
    """How to delete a mailbox, see mbox_delete(3)."""
    EMPTY = 0
    DRAIN = 1
    FORCE = 2
    UNLINK = 3


class State(enum.IntEnum):
    """State of a mailbox."""
    LIVE = 0
    UNLINKED = 1
    DRAINING = 2
    DEAD = 3


class Kind(enum.IntEnum):
    """Kind of a mailbox, or of a handle."""
    MAILBOX = 0
    RING = 1
    INBOX = 2
    LINK = 3


class Clock(enum.IntEnum):
    """Clock of a deadline. Timeouts of this module are on MONOTONIC."""
    NONE = 0
    MONOTONIC = 1
    BOOTTIME = 2
    REALTIME = 3


class Handover(enum.IntFlag):
    """With the right to receive; when the owner ends, not now."""
    RECV = 1
    HEIR = 2


class Mode(enum.IntFlag):
    """How a handle receives: os.read() yields the header too."""
    HEADER = 256


class Delivery(enum.IntFlag):
    """Of a leased message: a reply is expected; it was given out before."""
    CALL = 1
    AGAIN = 2


class Reason(enum.IntEnum):
    """Why a message went to the dead-letter mailbox."""
    NONE = 0
    DELIVERIES = 1
    REJECTED = 2
    EXPIRED = 3


class Nack(enum.IntEnum):
    """How to give a leased message back: not counted, to be tried again, never again."""
    RELEASE = 0
    RETRY = 1
    REJECT = 2


class _Send(enum.IntFlag):
    NONBLOCK = 1
    SYNC = 2
    NORESTART = 4


class _Lease(enum.IntFlag):
    HANDLE = 1


class _Post(enum.IntFlag):
    MARK = 1
    NOT_BEFORE = 2
    EXPIRES = 4
    ACKED = 8


class _Call(enum.IntFlag):
    RETRY = 1


class _Recv(enum.IntFlag):
    NONBLOCK = 1
    PEEK = 2
    BY_TYPE = 4
    BY_SENDER = 8
    BY_START = 16
    NOT_TYPE = 32
    MAX_TYPE = 64
    TRUNC = 128
    AT = 512
    NORESTART = 1024
    LONGEST = 2048


class _Set(enum.IntFlag):
    MODE = 1
    UID = 2
    GID = 4
    CAPACITY = 8
    MSG_SIZE = 16
    BYTES = 32


_U32, _U64, _S64 = ctypes.c_uint32, ctypes.c_uint64, ctypes.c_int64


class _Attr(ctypes.Structure):
    _fields_ = [
        ("mode", _U32), ("lifetime", _U32), ("capacity", _U32), ("msg_size", _U32),
        ("bytes", _U64), ("policy", _U32), ("max_procs", _U32), ("options", _U32),
        ("ring", _U64), ("dead_letter", _U64), ("max_deliveries", _U32),
    ]


class _Deleted(ctypes.Structure):
    _fields_ = [("queued", _U64), ("dropped", _U64)]


class _SendOpts(ctypes.Structure):
    _fields_ = [
        ("flags", _U32), ("prio", _U32), ("type", _U32), ("clock", _U32), ("deadline", _S64),
        ("type_hi", _U32), ("reserved", _U32),
    ]


class _RecvOpts(ctypes.Structure):
    _fields_ = [
        ("flags", _U32), ("type", _U32), ("pid", _U32), ("min_prio", _U32), ("clock", _U32),
        ("type_hi", _U32), ("deadline", _S64), ("start", _U64), ("index", _U64),
    ]


class _Header(ctypes.Structure):
    _fields_ = [
        ("length", _U64), ("seq", _U64), ("time", _U64), ("prio", _U32), ("type", _U32),
        ("pid", _U32), ("uid", _U32), ("gid", _U32), ("type_hi", _U32), ("start", _U64),
    ]


class _SendEntry(ctypes.Structure):
    _fields_ = [
        ("flags", _U32), ("prio", _U32), ("type", _U32), ("type_hi", _U32), ("data", _U64),
        ("size", _U64),
    ]


class _RecvEntry(ctypes.Structure):
    _fields_ = [
        ("flags", _U32), ("pad", _U32), ("data", _U64), ("size", _U64), ("header", _Header),
    ]


class _Delivery(ctypes.Structure):
    _fields_ = [
        ("token", _U64), ("flags", _U32), ("deliveries", _U32), ("reason", _U32), ("code", _U32),
        ("room", _U64), ("left", _S64), ("origin", _U64), ("origin_seq", _U64),
        ("origin_deliveries", _U32), ("pad", _U32),
    ]


class _AckEntry(ctypes.Structure):
    _fields_ = [("token", _U64), ("result", ctypes.c_int32), ("pad", _U32)]


class _LeaseOpts(ctypes.Structure):
    _fields_ = [
        ("recv", ctypes.POINTER(_RecvOpts)), ("flags", _U32), ("clock", _U32), ("time", _U64),
        ("ack", _U64),
    ]


class _PostOpts(ctypes.Structure):
    _fields_ = [
        ("send", ctypes.POINTER(_SendOpts)), ("flags", _U32), ("clock", _U32), ("mark", _U64),
        ("not_before", _S64), ("expires", _S64),
    ]


class _CallOpts(ctypes.Structure):
    _fields_ = [("send", ctypes.POINTER(_SendOpts)), ("flags", _U32)]


class _Called(ctypes.Structure):
    _fields_ = [("pid", _U32), ("code", _U32), ("start", _U64)]


class _Info(ctypes.Structure):
    _fields_ = [
        ("flags", _U32), ("state", _U32), ("name", ctypes.c_char * NAME_SIZE), ("id", _U64),
        ("uid", _U32), ("gid", _U32), ("mode", _U32), ("lifetime", _U32), ("capacity", _U32),
        ("msg_size", _U32), ("bytes", _U64), ("rights", _U32), ("handles", _U32),
        ("senders", _U32), ("receivers", _U32), ("queued", _U64), ("queued_bytes", _U64),
        ("sent", _U64), ("received", _U64), ("withdrawn", _U64), ("dropped", _U64),
        ("created", _U64), ("kind", _U32), ("policy", _U32), ("options", _U32),
        ("max_procs", _U32), ("procs", _U32), ("owner", _U32), ("heir", _U32), ("peer", _U32),
        ("ring", _U64), ("lost", _U64), ("handle_received", _U64), ("handle_lost", _U64),
        ("handle_queued", _U64), ("creator", _U32), ("handle_mode", _U32), ("spin_hits", _U64),
        ("spin_misses", _U64), ("leased", _U32), ("delayed", _U32), ("parked", _U32),
        ("max_deliveries", _U32), ("redelivered", _U64), ("dead", _U64), ("dead_letter", _U64),
        ("mark", _U64), ("space", _U32), ("pad", _U32), ("label", ctypes.c_char * LABEL_SIZE),
        ("last_sender", _U32), ("last_receiver", _U32), ("last_sent", _U64),
        ("last_received", _U64), ("changed", _U64), ("cuid", _U32), ("cgid", _U32),
    ]


class _Notified(ctypes.Structure):
    _fields_ = [("cookie", _U64), ("pid", _U32), ("uid", _U32)]


class _IocSet(ctypes.Structure):
    _fields_ = [
        ("flags", _U32), ("mask", _U32), ("mode", _U32), ("uid", _U32), ("gid", _U32),
        ("capacity", _U32), ("msg_size", _U32), ("pad", _U32), ("bytes", _U64),
    ]


def _load() -> ctypes.CDLL:
    """Load the library, and declare the functions that this module calls."""
    # A test names a library that is not installed.
    library = ctypes.CDLL(os.environ.get("MBOX_PY_LIBRARY", "libmbox.so.1"))
    handle, out = ctypes.c_void_p, ctypes.POINTER
    integer, unsigned, size = ctypes.c_int, ctypes.c_uint, ctypes.c_size_t
    text, ssize = ctypes.c_char_p, ctypes.c_ssize_t
    functions: List[Tuple[str, Any, List[Any]]] = [
        ("mbox_create", integer, [out(handle), text, unsigned, out(_Attr)]),
        ("mbox_open", integer, [out(handle), text, unsigned]),
        ("mbox_open_or_create", integer, [out(handle), text, unsigned, out(_Attr)]),
        ("mbox_open_label", integer, [out(handle), unsigned, text, size, unsigned, unsigned,
                                      out(_Attr)]),
        ("mbox_open_id", integer, [out(handle), unsigned, _U64, unsigned, unsigned]),
        ("mbox_next_id", integer, [unsigned, out(_U64)]),
        ("mbox_from_fd", integer, [out(handle), integer]),
        ("mbox_link", integer, [out(handle), integer, _U32, _U32]),
        ("mbox_link_sender", integer, [out(handle), out(_Header), _U32, _U32]),
        ("mbox_link_pidfd", integer, [out(handle), integer, _U32, _U32]),
        ("mbox_inbox", integer, [out(handle)]),
        ("mbox_fd", integer, [handle]),
        ("mbox_close", None, [handle]),
        ("mbox_delete", integer, [text, unsigned, out(_Deleted)]),
        ("mbox_delete_handle", integer, [handle, unsigned, out(_Deleted)]),
        ("mbox_send", integer, [handle, ctypes.c_void_p, size, out(_SendOpts)]),
        ("mbox_recv", ssize, [handle, ctypes.c_void_p, size, out(_RecvOpts), out(_Header)]),
        ("mbox_sendv", integer, [handle, out(_SendEntry), unsigned, out(_SendOpts)]),
        ("mbox_recvv", integer, [handle, out(_RecvEntry), unsigned, unsigned, out(_RecvOpts)]),
        ("mbox_lease", ssize, [handle, ctypes.c_void_p, size, out(_LeaseOpts), out(_Header),
                               out(_Delivery)]),
        ("mbox_ackv", integer, [handle, out(_AckEntry), unsigned]),
        ("mbox_nack", integer, [handle, _U64, unsigned, _U64, _U32]),
        ("mbox_extend", integer, [handle, _U64, out(_LeaseOpts)]),
        ("mbox_kick", integer, [handle, unsigned]),
        ("mbox_post", integer, [handle, ctypes.c_void_p, size, out(_PostOpts)]),
        ("mbox_call", ssize, [handle, ctypes.c_void_p, size, ctypes.c_void_p, size, out(_CallOpts),
                              out(_Called)]),
        ("mbox_reply", integer, [handle, _U64, ctypes.c_void_p, size]),
        ("mbox_get", integer, [handle, out(_Info)]),
        ("mbox_mode", integer, [handle, unsigned, out(_RecvOpts)]),
        ("mbox_notify", integer, [handle, unsigned, out(_Notified)]),
        ("mbox_set", integer, [handle, out(_IocSet)]),
        ("mbox_shutdown", integer, [handle, unsigned]),
        ("mbox_handover", integer, [handle, integer, unsigned]),
        ("mbox_handover_sender", integer, [handle, out(_Header), unsigned]),
        ("mbox_handover_pidfd", integer, [handle, integer, unsigned]),
        ("mbox_strerror", text, [integer]),
        ("mbox_version", text, []),
    ]
    for name, result, arguments in functions:
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


_lib = _load()


def version() -> str:
    """Return the version of libmbox, as "1.0.0"."""
    return _lib.mbox_version().decode()


def strerror(error: int) -> str:
    """Return the text of an errno value, as mbox uses it."""
    return _lib.mbox_strerror(error).decode()


# Errors


class MboxError(OSError):
    """A call failed: errno and strerror say why. filename is the name of the mailbox, if it has one."""


class Empty(MboxError, BlockingIOError):
    """There is no message, and the call may not wait (EAGAIN)."""


class Full(MboxError, BlockingIOError):
    """There is no room, nobody is receiving, and the call may not wait (EAGAIN)."""


class Timeout(MboxError, TimeoutError):
    """The time is up; nothing was sent or received (ETIMEDOUT)."""


class Gone(MboxError):
    """The mailbox was deleted (EIDRM)."""


class OwnerDied(MboxError):
    """The owner, the peer or the other side has ended (EOWNERDEAD)."""


class NobodyLeft(MboxError, BrokenPipeError):
    """Nobody is left to send, or to receive, and nobody can come (EPIPE)."""


class ShutDown(MboxError):
    """The handle gave up the right that the call needs (ESHUTDOWN)."""


class TooLong(MboxError):
    """The message is longer than the mailbox takes, or than the buffer (EMSGSIZE).

    length is the length of a message that did not fit into the buffer; it is still queued."""
    length: Optional[int] = None


class NotEmpty(MboxError):
    """The deletion would lose messages (ENOTEMPTY). queued is their number."""
    queued: int = 0


class NoMailbox(MboxError, FileNotFoundError):
    """There is no mailbox of that name (ENOENT)."""


class Exists(MboxError, FileExistsError):
    """The name is taken (EEXIST)."""


class NotAllowed(MboxError, PermissionError):
    """The mode of the mailbox, or its owner, does not allow this (EACCES, EPERM)."""


class QuotaExceeded(MboxError):
    """The user's quota of mailboxes or bytes is used up (EDQUOT)."""


class Deadlock(MboxError):
    """The call would wait for a process that waits for this one (EDEADLK)."""


class TooMany(MboxError):
    """Too many processes take part; or the handle serves another process (EUSERS)."""


class Busy(MboxError):
    """Another process is in a receive, or has the side of the ring (EBUSY)."""


class Stale(MboxError):
    """The lease is over: acknowledged, given to somebody else, withdrawn or dropped (ESTALE, ECANCELED)."""


class Rejected(MboxError):
    """The server rejected the call (EREMOTEIO). code is its number."""
    code: int = 0


class NoReply(MboxError):
    """The receiver took the request of a call without a lease, and cannot reply (EPROTO)."""


class Interrupted(MboxError, InterruptedError):
    """A signal ended a call(): the server may have done the work (EINTR)."""


class NotLoaded(MboxError):
    """There is no /dev/mbox: the kernel module is not loaded (ENODEV)."""


_ERRORS: Dict[int, Type[MboxError]] = {
    errno.EAGAIN: Empty, errno.ETIMEDOUT: Timeout, errno.EIDRM: Gone,
    errno.EOWNERDEAD: OwnerDied, errno.EPIPE: NobodyLeft, errno.ESHUTDOWN: ShutDown,
    errno.EMSGSIZE: TooLong, errno.ENOTEMPTY: NotEmpty, errno.ENOENT: NoMailbox,
    errno.EEXIST: Exists, errno.EACCES: NotAllowed, errno.EPERM: NotAllowed,
    errno.EDQUOT: QuotaExceeded, errno.EDEADLK: Deadlock, errno.EUSERS: TooMany,
    errno.EBUSY: Busy, errno.ENODEV: NotLoaded, errno.ESTALE: Stale, errno.ECANCELED: Stale,
    errno.EREMOTEIO: Rejected, errno.EPROTO: NoReply, errno.EINTR: Interrupted,
}


def _error(ret: int, name: Optional[str], sending: bool = False) -> MboxError:
    """Make the exception of a negative result."""
    kind = _ERRORS.get(-ret, MboxError)
    if sending and kind is Empty:
        kind = Full
    return kind(-ret, strerror(ret), name)


# Results


class Sender(NamedTuple):
    """The identity of a process: its number, and the time when it started."""
    pid: int
    start: int


class Message(NamedTuple):
    """A message, and its header as of mbox_recv(3)."""
    data: bytes
    seq: int
    time: int
    prio: int
    type: int
    pid: int
    uid: int
    gid: int
    start: int

    @property
    def sender(self) -> Sender:
        """The process that sent it, for link_sender(), handover() and recv(sender=)."""
        return Sender(self.pid, self.start)


class Deleted(NamedTuple):
    """The messages that were queued, and those of them that were dropped."""
    queued: int
    dropped: int


class Info(NamedTuple):
    """Attributes and counters of a mailbox, see mbox_get(3)."""
    state: State
    name: str
    id: int
    uid: int
    gid: int
    mode: int
    lifetime: Lifetime
    capacity: int
    msg_size: int
    bytes: int
    rights: Right
    handles: int
    senders: int
    receivers: int
    queued: int
    queued_bytes: int
    sent: int
    received: int
    withdrawn: int
    dropped: int
    created: int
    kind: Kind
    policy: Policy
    options: Option
    max_procs: int
    procs: int
    owner: int
    heir: int
    peer: int
    ring: int
    lost: int
    handle_received: int
    handle_lost: int
    handle_queued: int
    creator: int
    handle_mode: int
    spin_hits: int
    spin_misses: int
    leased: int
    delayed: int
    parked: int
    max_deliveries: int
    redelivered: int
    dead: int
    dead_letter: int
    mark: int
    space: Space
    label: bytes
    last_sender: int
    last_receiver: int
    last_sent: int
    last_received: int
    changed: int
    cuid: int
    cgid: int


_INFO_TYPES = {
    "state": State, "lifetime": Lifetime, "rights": Right, "kind": Kind, "policy": Policy,
    "options": Option, "space": Space,
}


def _info(raw: _Info) -> Info:
    values = {}
    for field in Info._fields:
        value = getattr(raw, field)
        if field == "name":
            value = value.decode("ascii")
        elif field in _INFO_TYPES:
            value = _INFO_TYPES[field](value)
        values[field] = value
    return Info(**values)


def _message(data: bytes, header: _Header) -> Message:
    return Message(data, header.seq, header.time, header.prio,
                   header.type | header.type_hi << 32, header.pid,
                   header.uid, header.gid, header.start)


def _header_of(sender: Union[Sender, Message]) -> _Header:
    return _Header(pid=sender.pid, start=sender.start)


def _deadline(timeout: Optional[float]) -> Tuple[bool, int, int]:
    """Turn a timeout into: may the call not wait, its clock, its deadline."""
    if timeout is None:
        return False, Clock.NONE, 0
    if not timeout >= 0:
        raise ValueError("a timeout is None or at least 0")
    if timeout == 0:
        return True, Clock.NONE, 0
    last = 2 ** 63 - 1
    if timeout > last / 1e9:
        return False, Clock.MONOTONIC, last
    return False, Clock.MONOTONIC, min(time.monotonic_ns() + int(timeout * 1e9), last)


def _readable(data: Buffer) -> Tuple[Any, int]:
    """Give a payload to C: an argument, which keeps the memory, and a size."""
    if isinstance(data, bytes):
        return data, len(data)
    view = memoryview(data)
    if view.readonly or not view.c_contiguous or not view.nbytes:
        data = view.tobytes()
        return data, len(data)
    return (ctypes.c_char * view.nbytes).from_buffer(view), view.nbytes


def _address(argument: Any) -> int:
    """The address of what _readable() returned. The caller keeps the argument."""
    if isinstance(argument, bytes):
        return ctypes.cast(argument, ctypes.c_void_p).value or 0
    return ctypes.addressof(argument)


def _encode(name: str) -> bytes:
    if not isinstance(name, str):
        raise TypeError("the name of a mailbox is a string")
    # A byte of 0 would end the name early; the library refuses all that is not valid.
    data = name.encode("utf-8", "surrogateescape")
    if 0 in data:
        raise _error(-errno.EINVAL, name)
    return data


def delete(name: str, how: Delete = Delete.EMPTY) -> Deleted:
    """Delete a mailbox by name, see mbox_delete(3). NotEmpty if messages would be lost."""
    result = _Deleted()
    ret = _lib.mbox_delete(_encode(name), how, ctypes.byref(result))
    return _deleted(ret, name, result)


def _deleted(ret: int, name: Optional[str], result: _Deleted) -> Deleted:
    if ret < 0:
        error = _error(ret, name)
        if isinstance(error, NotEmpty):
            error.queued = result.queued
        raise error
    return Deleted(result.queued, result.dropped)


class _Waiters:
    """The tasks of one event loop that wait for one direction of a handle.

    A loop takes one callback for a descriptor: it wakes the tasks one after the other,
    and comes again as long as the descriptor is ready."""

    def __init__(self, loop: asyncio.AbstractEventLoop, fd: int, sending: bool) -> None:
        self.futures: deque[asyncio.Future[None]] = deque()
        self._add = loop.add_writer if sending else loop.add_reader
        self._remove = loop.remove_writer if sending else loop.remove_reader
        self._loop, self._fd = loop, fd

    def _ready(self) -> None:
        for future in self.futures:
            if not future.done():
                future.set_result(None)
                return

    async def wait(self) -> None:
        future = self._loop.create_future()
        self.futures.append(future)
        if len(self.futures) == 1:
            self._add(self._fd, self._ready)
        try:
            await future
        finally:
            self.futures.remove(future)
            if not self.futures:
                self._remove(self._fd)

    def fail(self, error: MboxError) -> None:
        """End all waits, before the descriptor is closed."""
        self._remove(self._fd)
        for future in self.futures:
            if not future.done():
                future.set_exception(error)


class Mailbox:
    """A handle on a mailbox: a file descriptor, and the rights that it was opened with.

    Made by open(), create(), open_or_create(), from_fd(), link(), link_sender(),
    link_pidfd() and inbox(). It is a context manager, which closes it; fileno() serves
    select, poll and asyncio; iterating receives messages until no more can come."""

    _ALL = Right.RECV | Right.SEND

    def __init__(self) -> None:
        raise TypeError("use Mailbox.open(), create() or another of the class methods")

    @classmethod
    def _new(cls, name: Optional[str], function: Any, *arguments: Any) -> Mailbox:
        """Make a handle by a function of the library."""
        handle = ctypes.c_void_p()
        ret = function(ctypes.byref(handle), *arguments)
        if ret < 0:
            raise _error(ret, name)
        self = cls.__new__(cls)
        self._handle: Optional[int] = handle.value
        self._name = name
        self._lock = threading.Lock()
        self._calls = 0
        self._closing = False
        self._size = 4096
        self._waiters: Dict[Tuple[asyncio.AbstractEventLoop, bool], _Waiters] = {}
        # A side of a ring belongs to one thread at a time.
        self._sides: Optional[Tuple[threading.Lock, threading.Lock]] = None
        if self.get().kind == Kind.RING:
            self._sides = (threading.Lock(), threading.Lock())
        return self

    @classmethod
    def open(cls, name: str, rights: Right = _ALL) -> Mailbox:
        """Open a mailbox that exists. Right(0): a handle for get(), set() and delete() only."""
        return cls._new(name, _lib.mbox_open, _encode(name), rights)

    @classmethod
    def open_label(cls, space: Space, label: bytes, rights: Right = _ALL) -> Mailbox:
        """Open the mailbox that has this label in the space of a front end."""
        return cls._new(None, _lib.mbox_open_label, space, label, len(label), rights, 0, None)

    @classmethod
    def open_id(cls, id: int, rights: Right = _ALL, space: Space = Space.NONE) -> Mailbox:
        """Open a mailbox by its id; in a space by the low 31 bits of that."""
        return cls._new(None, _lib.mbox_open_id, space, id, rights, 0)

    @staticmethod
    def next_id(id: int = 0, space: Space = Space.NONE) -> int:
        """Return the next id above that one of a mailbox that can be opened. NoMailbox at the end."""
        raw = _U64(id)
        ret = _lib.mbox_next_id(space, ctypes.byref(raw))
        if ret < 0:
            raise _error(ret, None)
        return raw.value

    @staticmethod
    def _attr(name: Optional[str], mode: int, lifetime: Optional[Lifetime], capacity: Optional[int],
              msg_size: int, max_bytes: int, policy: Policy, max_procs: int, options: Option,
              ring: int, dead_letter: Optional[Mailbox], max_deliveries: int) -> _Attr:
        if lifetime is None:
            lifetime = Lifetime.FD if name is None else Lifetime.OS
        if capacity is None:
            capacity = CAPACITY_ZERO if ring else 64
        dead_id = 0 if dead_letter is None else dead_letter.get().id
        return _Attr(mode, lifetime, capacity, msg_size, max_bytes, policy, max_procs, options, ring,
                     dead_id, _u32(max_deliveries))

    @classmethod
    def create(cls, name: Optional[str] = None, rights: Right = _ALL, *, mode: int = 0o600,
               lifetime: Optional[Lifetime] = None, capacity: Optional[int] = None,
               msg_size: int = 0, max_bytes: int = 0, policy: Policy = Policy.FIFO,
               max_procs: int = 0, options: Option = Option(0), ring: int = 0,
               dead_letter: Optional[Mailbox] = None, max_deliveries: int = 0) -> Mailbox:
        """Make a mailbox and open it: anonymous without a name.

        The attributes are those of mbox_create(3). Without lifetime, a mailbox with a
        name lasts until it is deleted, an anonymous one as long as its handles; without
        capacity, it takes 64 messages, or is a ring if ring is given. dead_letter is a handle
        on the mailbox that gets the messages that nobody could process."""
        attr = cls._attr(name, mode, lifetime, capacity, msg_size, max_bytes, policy, max_procs,
                         options, ring, dead_letter, max_deliveries)
        text = None if name is None else _encode(name)
        return cls._new(name, _lib.mbox_create, text, rights, ctypes.byref(attr))

    @classmethod
    def open_or_create(cls, name: str, rights: Right = _ALL, *, mode: int = 0o600,
                       lifetime: Lifetime = Lifetime.OS, capacity: Optional[int] = None,
                       msg_size: int = 0, max_bytes: int = 0, policy: Policy = Policy.FIFO,
                       max_procs: int = 0, options: Option = Option(0), ring: int = 0,
                       dead_letter: Optional[Mailbox] = None,
                       max_deliveries: int = 0) -> Mailbox:
        """Open a mailbox, or make it if it is missing: then with these attributes."""
        attr = cls._attr(name, mode, lifetime, capacity, msg_size, max_bytes, policy, max_procs,
                         options, ring, dead_letter, max_deliveries)
        return cls._new(name, _lib.mbox_open_or_create, _encode(name), rights, ctypes.byref(attr))

    @classmethod
    def from_fd(cls, fd: int) -> Mailbox:
        """Make a handle of a descriptor that was inherited or received; it belongs to the handle then."""
        return cls._new(None, _lib.mbox_from_fd, fd)

    @classmethod
    def link(cls, pid: int, capacity: int = 64, msg_size: int = 0) -> Mailbox:
        """Open the link to a process by its number, which may be another process's by now."""
        return cls._new(None, _lib.mbox_link, pid, capacity, msg_size)

    @classmethod
    def link_sender(cls, sender: Union[Message, Sender], capacity: int = 64,
                    msg_size: int = 0) -> Mailbox:
        """Open the link to the very process that sent a message, to answer it."""
        return cls._new(None, _lib.mbox_link_sender, ctypes.byref(_header_of(sender)), capacity,
                        msg_size)

    @classmethod
    def link_pidfd(cls, pidfd: int, capacity: int = 64, msg_size: int = 0) -> Mailbox:
        """Open the link to the process of a pidfd, as of os.pidfd_open()."""
        return cls._new(None, _lib.mbox_link_pidfd, pidfd, capacity, msg_size)

    @classmethod
    def inbox(cls) -> Mailbox:
        """Open the inbox of this process, to which all its links lead."""
        return cls._new(None, _lib.mbox_inbox)

    # The handle

    def _enter(self) -> int:
        """Begin a call: the handle lasts until _leave()."""
        with self._lock:
            if self._closing or self._handle is None:
                raise ValueError("the mailbox is closed")
            self._calls += 1
            return self._handle

    def _leave(self) -> None:
        with self._lock:
            self._calls -= 1
            handle = self._last()
        if handle is not None:
            _lib.mbox_close(handle)

    def _last(self) -> Optional[int]:
        """The handle, if it is to be closed now."""
        if not self._closing or self._calls:
            return None
        handle, self._handle = self._handle, None
        return handle

    def close(self) -> None:
        """Close the handle; again is no error. Calls of other threads go on until they return."""
        with self._lock:
            waiters, self._waiters = self._waiters, {}
            self._closing = True
            handle = self._last()
        for each in waiters.values():
            each.fail(_error(-errno.EBADF, self._name))
        if handle is not None:
            _lib.mbox_close(handle)

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return self._closing

    @property
    def name(self) -> Optional[str]:
        """The name that the handle was opened by, or None."""
        return self._name

    def fileno(self) -> int:
        """The file descriptor, which the handle keeps owning."""
        handle = self._enter()
        try:
            return _lib.mbox_fd(handle)
        finally:
            self._leave()

    def __enter__(self) -> Mailbox:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_closing", True):
            warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self)
            self.close()

    def __repr__(self) -> str:
        state = " closed" if self._closing else ""
        return f"<mbox.Mailbox {self._name!r}{state}>"

    def _call(self, function: Any, *arguments: Any, sending: bool = False,
              side: Optional[int] = None, again: bool = True) -> int:
        """Call the library until no signal interrupts the call; an exception of a handler ends that."""
        handle = self._enter()
        lock = self._sides[side] if self._sides and side is not None else None
        if lock:
            lock.acquire()
        try:
            while True:
                ret = function(handle, *arguments)
                if ret != -errno.EINTR or not again:
                    break
        finally:
            if lock:
                lock.release()
            self._leave()
        if ret < 0:
            raise _error(ret, self._name, sending)
        return ret

    # Sending

    def send(self, data: Buffer, *, prio: int = 0, type: int = 0, sync: bool = False,
             timeout: Optional[float] = None) -> int:
        """Send one message: bytes, or any object with a buffer.

        Waits for room or, with sync, until the message was received; then returns the
        pid of the receiver, and on a broadcast the number of receivers. Raises Full if
        timeout is 0 and there is no room, else Timeout."""
        nonblock, clock, deadline = _deadline(timeout)
        flags = (_Send.NONBLOCK if nonblock else 0) | (_Send.SYNC if sync else 0)
        argument, size = _readable(data)
        opts = None
        if flags or prio or type or clock:
            opts = ctypes.byref(_send_opts(flags, prio, type, clock, deadline))
        return self._call(_lib.mbox_send, argument, size, opts, sending=True, side=1)

    def send_many(self, messages: Iterable[Buffer], *, prio: int = 0, type: int = 0,
                  timeout: Optional[float] = None) -> int:
        """Send messages in order, up to BATCH_MAX of them in one call of the kernel.

        Returns their number. An error has the number that was sent in its attribute sent."""
        nonblock, clock, deadline = _deadline(timeout)
        opts = _SendOpts(_Send.NONBLOCK if nonblock else 0, 0, 0, clock, deadline)
        payloads = [_readable(data) for data in messages]
        sent = 0
        while sent < len(payloads):
            batch = payloads[sent:sent + BATCH_MAX]
            entries = (_SendEntry * len(batch))()
            for entry, (argument, size) in zip(entries, batch):
                entry.prio, (entry.type, entry.type_hi) = _u32(prio), _halves(type)
                entry.data, entry.size = _address(argument), size
            try:
                sent += self._call(_lib.mbox_sendv, entries, len(batch), ctypes.byref(opts),
                                   sending=True, side=1)
            except MboxError as error:
                error.sent = sent  # type: ignore[attr-defined]
                raise
        return sent

    def post(self, data: Buffer, *, prio: int = 0, type: int = 0, mark: Optional[int] = None,
             delay: Optional[float] = None, expires: Optional[float] = None, acked: bool = False,
             timeout: Optional[float] = None) -> int:
        """Send one message with what send() does not have, see mbox_post(3).

        mark is a number that get() reports until the next mark. Nobody receives the message
        before delay seconds are over, and after expires seconds it goes to the dead-letter
        mailbox, or is parked; a message with such a time does not wait for room, but raises
        Full. acked waits until a receiver has acknowledged it, and returns its pid."""
        nonblock, clock, deadline = _deadline(timeout)
        send = _send_opts(_Send.NONBLOCK if nonblock else 0, prio, type, clock, deadline)
        opts = _PostOpts(ctypes.pointer(send))
        if mark is not None:
            opts.flags |= _Post.MARK
            opts.mark = mark
        if acked:
            opts.flags |= _Post.ACKED
        for seconds, flag, field in ((delay, _Post.NOT_BEFORE, "not_before"),
                                     (expires, _Post.EXPIRES, "expires")):
            if seconds is not None:
                opts.flags |= flag
                opts.clock = Clock.MONOTONIC
                setattr(opts, field, time.monotonic_ns() + _nanoseconds(seconds))
        argument, size = _readable(data)
        return self._call(_lib.mbox_post, argument, size, ctypes.byref(opts), sending=True)

    def call(self, data: Buffer, *, room: int = 8192, prio: int = 0, type: int = 0,
             retry: bool = False, timeout: Optional[float] = None) -> bytes:
        """Send a request and return the reply, of at most room bytes.

        Raises Rejected if the server rejected it, OwnerDied if the server ended or closed its
        handle; with retry another server gets the request then. After a timeout, or a signal
        (Interrupted), the request is withdrawn, but a server may have done the work."""
        nonblock, clock, deadline = _deadline(timeout)
        send = _send_opts(_Send.NONBLOCK if nonblock else 0, prio, type, clock, deadline)
        opts = _CallOpts(ctypes.pointer(send), _Call.RETRY if retry else 0)
        argument, size = _readable(data)
        called = _Called()
        reply = (ctypes.c_char * (room or 1))()
        try:
            length = self._call(_lib.mbox_call, argument, size, reply, room, ctypes.byref(opts),
                                ctypes.byref(called), sending=True, again=False)
        except Rejected as error:
            error.code = called.code
            raise
        return reply[:length]

    # Receiving

    @staticmethod
    def _opts(timeout: Optional[float], type: Optional[int], not_type: Optional[int],
              max_type: Optional[int], sender: Union[None, int, Sender, Message], min_prio: int,
              peek: bool = False, at: Optional[int] = None) -> _RecvOpts:
        nonblock, clock, deadline = _deadline(timeout)
        opts = _RecvOpts(flags=_Recv.NONBLOCK if nonblock else 0, clock=clock, deadline=deadline,
                         min_prio=_u32(min_prio))
        if peek:
            opts.flags |= _Recv.PEEK
        if at is not None:
            opts.flags |= _Recv.PEEK | _Recv.AT
            opts.index = _u64(at)
        for number, flag in ((type, _Recv.BY_TYPE), (not_type, _Recv.NOT_TYPE),
                             (max_type, _Recv.MAX_TYPE)):
            if number is not None:
                opts.flags |= flag
                opts.type, opts.type_hi = _halves(number)
        if isinstance(sender, int):
            opts.flags |= _Recv.BY_SENDER
            opts.pid = _u32(sender)
        elif sender is not None:
            opts.flags |= _Recv.BY_SENDER | _Recv.BY_START
            opts.pid, opts.start = sender.pid, sender.start
        return opts

    def _recv(self, buffer: Any, size: int, opts: _RecvOpts, header: _Header) -> int:
        try:
            return self._call(_lib.mbox_recv, buffer, size, ctypes.byref(opts),
                              ctypes.byref(header), side=0)
        except TooLong as error:
            error.length = header.length
            raise

    def recv(self, *, timeout: Optional[float] = None, type: Optional[int] = None,
             not_type: Optional[int] = None, max_type: Optional[int] = None,
             sender: Union[None, int, Sender, Message] = None, min_prio: int = 0,
             peek: bool = False, at: Optional[int] = None) -> Message:
        """Receive the next message, of any length.

        type, sender (a message, for the very process that sent it, or a pid) and
        min_prio take the first message that passes them all; peek leaves it queued.
        Instead of type, not_type takes any other type, and max_type, of the types up to it,
        the lowest that is queued.
        at=N peeks at the message that N others come before, and never waits (Empty).
        Raises Empty if timeout is 0 and there is none, else Timeout."""
        opts = self._opts(timeout, type, not_type, max_type, sender, min_prio, peek, at)
        header = _Header()
        while True:
            buffer = bytearray(self._size)
            memory = (ctypes.c_char * len(buffer)).from_buffer(buffer)
            try:
                length = self._recv(memory, len(buffer), opts, header)
            except TooLong as error:
                # It stays queued. Another receiver may be faster: go on until one fits.
                self._size = max(self._size, error.length or 0)
                continue
            return _message(bytes(memoryview(buffer)[:length]), header)

    def recv_into(self, buffer: Buffer, *, timeout: Optional[float] = None,
                  type: Optional[int] = None, not_type: Optional[int] = None,
                  max_type: Optional[int] = None, sender: Union[None, int, Sender, Message] = None,
                  min_prio: int = 0, peek: bool = False, trunc: bool = False) -> Tuple[int, Message]:
        """Receive the next message into a writable buffer, without a copy.

        Returns the number of bytes, and the header: a Message whose data is empty. Raises
        TooLong if the message does not fit, which leaves it queued; with trunc its rest is
        lost, and the number is that of the whole message."""
        view = memoryview(buffer)
        if view.readonly or not view.c_contiguous:
            raise TypeError("the buffer has to be writable and contiguous")
        opts = self._opts(timeout, type, not_type, max_type, sender, min_prio, peek)
        if trunc:
            opts.flags |= _Recv.TRUNC
        header = _Header()
        memory = (ctypes.c_char * view.nbytes).from_buffer(view) if view.nbytes else None
        length = self._recv(memory, view.nbytes, opts, header)
        return length, _message(b"", header)

    def recv_many(self, count: int = BATCH_MAX, *, min: int = 1, size: int = 4096,
                  timeout: Optional[float] = None, type: Optional[int] = None,
                  not_type: Optional[int] = None, max_type: Optional[int] = None,
                  sender: Union[None, int, Sender, Message] = None,
                  min_prio: int = 0) -> List[Message]:
        """Receive up to count messages in one call, after waiting for min of them.

        size is the longest that the batch takes; one that is longer ends it early, and
        comes alone next time. If the time is up, returns those that are there."""
        if not 1 <= count <= BATCH_MAX or not 0 <= min <= count or size < 0:
            raise ValueError(f"count is 1 to {BATCH_MAX}, min at most count, size at least 0")
        opts = self._opts(timeout, type, not_type, max_type, sender, min_prio)
        memory = (ctypes.c_char * (count * size or 1))()
        base = ctypes.addressof(memory)
        entries = (_RecvEntry * count)()
        for i, entry in enumerate(entries):
            entry.data, entry.size = base + i * size, size
        try:
            got = self._call(_lib.mbox_recvv, entries, count, min, ctypes.byref(opts), side=0)
        except TooLong:
            return [self.recv(timeout=timeout, type=type, not_type=not_type, max_type=max_type,
                              sender=sender, min_prio=min_prio)]
        view = memoryview(memory)
        return [_message(view[i * size:i * size + entry.header.length].tobytes(), entry.header)
                for i, entry in enumerate(entries[:got])]

    def __iter__(self) -> Iterator[Message]:
        """Receive until the mailbox is gone, its owner has ended, or nobody is left to send."""
        while True:
            try:
                message = self.recv()
            except (Gone, OwnerDied, NobodyLeft, ShutDown):
                return
            yield message

    # Leases

    def lease(self, *, timeout: Optional[float] = None, type: Optional[int] = None,
              not_type: Optional[int] = None, max_type: Optional[int] = None,
              sender: Union[None, int, Sender, Message] = None, min_prio: int = 0,
              time: Optional[float] = None, shared: bool = False,
              ack: Optional[Lease] = None) -> Lease:
        """Receive the next message with a lease: it is gone once it is acknowledged.

            with jobs.lease() as job:
                work(job.data)

        At the end of the with statement the message is acknowledged or, if an exception left
        it, given back. If this process ends first, the message returns to its place. The lease
        ends by itself after that time in seconds, if one is given; with shared, it ends with the
        last handle of this open file, and not with this process. ack is a lease to acknowledge
        in the same call."""
        recv = self._opts(timeout, type, not_type, max_type, sender, min_prio)
        opts = _LeaseOpts(ctypes.pointer(recv), _Lease.HANDLE if shared else 0)
        if time is not None:
            opts.clock, opts.time = Clock.MONOTONIC, max(_nanoseconds(time), 1)
        if ack is not None:
            opts.ack = ack.token
        header, delivery = _Header(), _Delivery()
        try:
            while True:
                buffer = bytearray(self._size)
                memory = (ctypes.c_char * len(buffer)).from_buffer(buffer)
                try:
                    length = self._call(_lib.mbox_lease, memory, len(buffer), ctypes.byref(opts),
                                        ctypes.byref(header), ctypes.byref(delivery))
                    break
                except TooLong:
                    self._size = max(self._size, header.length)
        finally:
            if ack is not None and not opts.ack:
                ack._done = True
        data = bytes(memoryview(buffer)[:length])
        return Lease(self, _message(data, header), delivery)

    def leases(self, **arguments: Any) -> Iterator[Lease]:
        """Lease messages, with the arguments of lease(), until no more can come.

            for job in jobs.leases():
                work(job.data)

        The next turn of the loop acknowledges the message of the one before, in the call that
        receives, unless the loop has dealt with it. If the loop is left by an exception or a
        break, the message of that turn is given back, unless it was acknowledged."""
        lease: Optional[Lease] = None
        try:
            while True:
                done = lease if lease is not None and not lease.done else None
                try:
                    lease = self.lease(ack=done, **arguments)
                except (Gone, OwnerDied, NobodyLeft, ShutDown):
                    return
                yield lease
        finally:
            if lease is not None and not lease.done:
                lease._give_back()

    def ack_many(self, leases: Iterable[Lease]) -> int:
        """Acknowledge leases in one call of the kernel for each 1024. Returns how many were valid."""
        held = [lease for lease in leases if not lease.done]
        count = 0
        for start in range(0, len(held), BATCH_MAX):
            batch = held[start:start + BATCH_MAX]
            entries = (_AckEntry * len(batch))()
            for entry, lease in zip(entries, batch):
                entry.token = lease.token
            count += self._call(_lib.mbox_ackv, entries, len(batch))
            for lease in batch:
                lease._done = True
        return count

    def kick(self, most: int = 0xFFFFFFFF) -> int:
        """Bring parked messages back to their places. Returns how many."""
        return self._call(_lib.mbox_kick, _u32(most))

    # asyncio

    async def _ready(self, sending: bool) -> None:
        loop = asyncio.get_running_loop()
        waiters = self._waiters.get((loop, sending))
        if waiters is None:
            waiters = self._waiters[loop, sending] = _Waiters(loop, self.fileno(), sending)
        try:
            await waiters.wait()
        finally:
            if not waiters.futures and self._waiters.get((loop, sending)) is waiters:
                del self._waiters[loop, sending]

    async def send_async(self, data: Buffer, *, prio: int = 0, type: int = 0) -> int:
        """Send one message without blocking the event loop. A cancelled call has sent nothing.

        The send waits until the longest message of the mailbox would find room. To a
        mailbox of capacity zero it waits for a receiver that blocks, in another thread
        or process."""
        while True:
            try:
                return self.send(data, prio=prio, type=type, timeout=0)
            except Full:
                await self._ready(True)

    async def recv_async(self) -> Message:
        """Receive the next message without blocking the event loop: of those that mode() selects.

        A cancelled call has received nothing."""
        while True:
            try:
                return self.recv(timeout=0)
            except Empty:
                await self._ready(False)

    async def lease_async(self, *, time: Optional[float] = None) -> Lease:
        """Receive with a lease without blocking the event loop. A cancelled call has received nothing."""
        while True:
            try:
                return self.lease(timeout=0, time=time)
            except Empty:
                await self._ready(False)

    async def __aiter__(self) -> AsyncIterator[Message]:
        while True:
            try:
                message = await self.recv_async()
            except (Gone, OwnerDied, NobodyLeft, ShutDown):
                return
            yield message

    # The mailbox

    def get(self) -> Info:
        """Attributes and counters of the mailbox, at one instant."""
        raw = _Info()
        self._call(_lib.mbox_get, ctypes.byref(raw))
        return _info(raw)

    def set(self, *, mode: Optional[int] = None, uid: Optional[int] = None,
            gid: Optional[int] = None, capacity: Optional[int] = None,
            msg_size: Optional[int] = None, max_bytes: Optional[int] = None) -> None:
        """Change attributes: all that are given, or none."""
        arg = _IocSet()
        for flag, field, value in ((_Set.MODE, "mode", mode), (_Set.UID, "uid", uid),
                                   (_Set.GID, "gid", gid), (_Set.CAPACITY, "capacity", capacity),
                                   (_Set.MSG_SIZE, "msg_size", msg_size),
                                   (_Set.BYTES, "bytes", max_bytes)):
            if value is not None:
                arg.mask |= flag
                setattr(arg, field, value if field == "bytes" else _u32(value))
        self._call(_lib.mbox_set, ctypes.byref(arg))

    def mode(self, flags: Mode = Mode(0), *, type: Optional[int] = None,
             not_type: Optional[int] = None, max_type: Optional[int] = None,
             sender: Union[None, int, Sender, Message] = None, min_prio: int = 0) -> None:
        """Set how this handle receives: the filter counts for poll, for recv_async(), and for each
        receive without a filter of its own. Without arguments, as a new handle does."""
        opts = self._opts(None, type, not_type, max_type, sender, min_prio)
        self._call(_lib.mbox_mode, flags, ctypes.byref(opts))

    def notify(self, cookie: int = 0) -> None:
        """Register this process to be told once that a message came to the empty mailbox.

        The handle polls as urgent (POLLPRI) then, until notified() takes the notice."""
        self._call(_lib.mbox_notify, _Notify.ARM, ctypes.byref(_Notified(cookie)))

    def unnotify(self) -> None:
        """Give up the registration of this process."""
        self._call(_lib.mbox_notify, _Notify.DISARM, None)

    def notified(self) -> Tuple[int, int, int]:
        """Take the notice: its cookie, and pid and uid of the sender. Empty if none came yet."""
        notice = _Notified()
        self._call(_lib.mbox_notify, _Notify.TAKE, ctypes.byref(notice))
        return notice.cookie, notice.pid, notice.uid

    def shutdown(self, rights: Right) -> None:
        """Give up rights of the handle for good, and end the calls that need them, with ShutDown."""
        self._call(_lib.mbox_shutdown, rights)

    def handover(self, to: Union[int, Sender, Message], flags: Handover = Handover(0)) -> None:
        """Make a process the owner: the sender of a message, or the process of a pid. 0: the system."""
        if isinstance(to, int):
            self._call(_lib.mbox_handover, to, flags)
        else:
            self._call(_lib.mbox_handover_sender, ctypes.byref(_header_of(to)), flags)

    def handover_pidfd(self, pidfd: int, flags: Handover = Handover(0)) -> None:
        """Make the process of a pidfd the owner."""
        self._call(_lib.mbox_handover_pidfd, pidfd, flags)

    def delete(self, how: Delete = Delete.EMPTY) -> Deleted:
        """Delete the mailbox of the handle, which is still to be closed."""
        result = _Deleted()
        try:
            self._call(_lib.mbox_delete_handle, how, ctypes.byref(result))
        except NotEmpty as error:
            error.queued = result.queued
            raise
        return Deleted(result.queued, result.dropped)


class Lease:
    """A message that was received with a lease: data, header and how often it was given out.

    Exactly one of ack(), reply(), release(), retry() and reject() ends it; Stale if the lease
    is over, because its time was, or the sender has withdrawn the message."""

    def __init__(self, mailbox: Mailbox, message: Message, delivery: _Delivery) -> None:
        self._mailbox, self._done = mailbox, False
        # A child that is forked has a copy of this object, but not the lease.
        self._pid = os.getpid()
        self.message = message
        self.token: int = delivery.token
        self.deliveries: int = delivery.deliveries
        self.flags = Delivery(delivery.flags)
        #: of a dead letter: why it is here, the number of the holder that rejected it, the id of
        #: its mailbox, its number there, and how often it was given out there
        self.reason = Reason(delivery.reason)
        self.code: int = delivery.code
        self.origin: int = delivery.origin
        self.origin_seq: int = delivery.origin_seq
        self.origin_deliveries: int = delivery.origin_deliveries
        #: of a request: most bytes of the reply, and seconds until the caller gives up, or None
        self.room: int = delivery.room
        self.left: Optional[float] = None if delivery.left < 0 else delivery.left / 1e9

    @property
    def data(self) -> bytes:
        """The payload."""
        return self.message.data

    @property
    def is_call(self) -> bool:
        """Whether the sender waits for a reply."""
        return bool(self.flags & Delivery.CALL)

    @property
    def done(self) -> bool:
        """Whether the lease was ended through this object."""
        return self._done

    def _end(self, function: Any, *arguments: Any) -> None:
        if self._done:
            raise _error(-errno.ESTALE, self._mailbox.name)
        try:
            self._mailbox._call(function, *arguments)
        except Stale:
            self._done = True
            raise
        self._done = True

    def ack(self) -> None:
        """Acknowledge the message: it is gone. For the sender of a call, an empty reply."""
        entry = _AckEntry(self.token)
        if self._done:
            raise _error(-errno.ESTALE, self._mailbox.name)
        self._mailbox._call(_lib.mbox_ackv, ctypes.byref(entry), 1)
        self._done = True
        if entry.result < 0:
            raise _error(entry.result, self._mailbox.name)

    def reply(self, data: Buffer) -> None:
        """Reply to a call. TooLong if the caller has no room for it; the lease goes on then."""
        argument, size = _readable(data)
        self._end(_lib.mbox_reply, self.token, argument, size)

    def release(self) -> None:
        """Give the message back as if it had not been given out."""
        self._end(_lib.mbox_nack, self.token, Nack.RELEASE, 0, 0)

    def retry(self, delay: float = 0) -> None:
        """Give the message back, to be tried again after so many seconds."""
        self._end(_lib.mbox_nack, self.token, Nack.RETRY, _nanoseconds(delay), 0)

    def reject(self, code: int = 0) -> None:
        """Give the message up: to the dead-letter mailbox, or it is parked. A call gets Rejected."""
        self._end(_lib.mbox_nack, self.token, Nack.REJECT, 0, _u32(code))

    def extend(self, time: Optional[float] = None) -> None:
        """Have the lease end that many seconds from now, or not by itself."""
        opts = _LeaseOpts()
        if time is not None:
            opts.clock, opts.time = Clock.MONOTONIC, max(_nanoseconds(time), 1)
        self._mailbox._call(_lib.mbox_extend, self.token, ctypes.byref(opts))
        self._done = False

    def _give_back(self, failed: bool = False) -> None:
        """Give the message back after an exception, which goes on: the lease may be over."""
        try:
            if not failed:
                self.release()
            elif self.is_call:
                self.reject(1)
            else:
                self.retry()
        except MboxError:
            pass

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, kind: Any, value: Any, traceback: Any) -> None:
        """Acknowledge. After an exception: reject a call with code 1, have another message tried
        again, and after one that only ends the program, give it back uncounted."""
        if self._done:
            return
        if kind is None:
            self.ack()
        else:
            self._give_back(issubclass(kind, Exception))

    def __del__(self) -> None:
        if not getattr(self, "_done", True) and not self._mailbox.closed and self._pid == os.getpid():
            warnings.warn(f"{self!r} was neither acknowledged nor given back", ResourceWarning,
                          source=self)
            self._give_back()

    def __repr__(self) -> str:
        return f"<mbox.Lease {self.token} of {self._mailbox!r}>"


def _nanoseconds(seconds: float) -> int:
    """Turn a time in seconds, which has to be in range, into nanoseconds."""
    if not 0 <= seconds <= 2 ** 62 / 1e9:
        raise ValueError(f"{seconds} is no number of seconds from 0 on, or too large")
    return int(seconds * 1e9)


def _u32(value: int) -> int:
    """Refuse a number that ctypes would cut to 32 bits."""
    if not 0 <= value <= 0xFFFFFFFF:
        raise ValueError(f"{value} is not between 0 and 4294967295")
    return value


def _u64(value: int) -> int:
    """The same of 64 bits."""
    if not 0 <= value <= 0xFFFFFFFFFFFFFFFF:
        raise ValueError(f"{value} is not between 0 and 18446744073709551615")
    return value


def _halves(type: int) -> Tuple[int, int]:
    """The low and the high 32 bits of a type."""
    return _u64(type) & 0xFFFFFFFF, type >> 32


def _send_opts(flags: int, prio: int, type: int, clock: int, deadline: int) -> _SendOpts:
    low, high = _halves(type)
    return _SendOpts(flags, _u32(prio), low, clock, deadline, high)
