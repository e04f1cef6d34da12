#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Test lib/python/mbox.py on a kernel that has the module, in KTAP."""

import array
import asyncio
import errno
import os
import select
import signal
import socket
import sys
import threading
import time
import unittest
import warnings

import ktap
import mbox
from ktap import in_child
from mbox import Mailbox, Right


class Case(unittest.TestCase):
    """A name that no other test has, and a mailbox that ends with its handles."""

    def setUp(self):
        self.name = f"py.{os.getpid()}.{self.id().rsplit('.', 1)[1]}"
        self.box = Mailbox.create(self.name, capacity=4, lifetime=mbox.Lifetime.FD)
        self.addCleanup(self.box.close)


class Messages(Case):
    """Sending and receiving."""

    def test_round_trip(self):
        self.assertEqual(self.box.send(b"hello", prio=7, type=9), 0)
        message = self.box.recv()
        self.assertEqual((message.data, message.prio, message.type, message.seq), (b"hello", 7, 9, 1))
        self.assertEqual((message.pid, message.uid, message.gid), (os.getpid(), os.getuid(), os.getgid()))
        self.assertAlmostEqual(message.time / 1e9, time.time(), delta=60)
        self.assertGreater(message.start, 0)
        self.assertEqual(message.sender, mbox.Sender(message.pid, message.start))

    def test_buffers(self):
        numbers = array.array("I", [1, 2, 3])
        for data in (b"", b"\0\xff", bytearray(b"array"), memoryview(b"read only"), memoryview(bytearray(b"ab"))[:1],
                     memoryview(b"abcdef")[::2], numbers):
            self.box.send(data)
            self.assertEqual(self.box.recv().data, memoryview(data).tobytes())
        with self.assertRaises(TypeError):
            self.box.send("text")

    def test_long(self):
        with Mailbox.create(msg_size=1 << 20) as box:
            data = os.urandom(1 << 20)
            box.send(data)
            self.assertEqual(box.recv().data, data)
            with self.assertRaises(mbox.TooLong) as caught:
                box.send(data + b"x")
            self.assertEqual(caught.exception.errno, errno.EMSGSIZE)

    def test_recv_into(self):
        buffer = bytearray(b"....")
        self.box.send(b"abcdef", prio=1)
        self.box.send(b"xy")
        with self.assertRaises(mbox.TooLong) as caught:
            self.box.recv_into(buffer)
        self.assertEqual(caught.exception.length, 6)
        self.assertEqual(self.box.recv().data, b"abcdef")
        length, header = self.box.recv_into(memoryview(buffer)[1:])
        self.assertEqual((length, header.data, header.seq, bytes(buffer)), (2, b"", 2, b".xy."))
        self.box.send(b"")
        self.assertEqual(self.box.recv_into(bytearray())[0], 0)
        with self.assertRaises(TypeError):
            self.box.recv_into(b"read only")

    def test_filters(self):
        for data, kind, prio in ((b"a", 1, 0), (b"b", 2, 5), (b"c", 3, 1)):
            self.box.send(data, type=kind, prio=prio)
        self.assertEqual(self.box.recv(peek=True).data, b"b")
        self.assertEqual(self.box.recv(at=2).data, b"a")
        with self.assertRaises(mbox.Empty):
            self.box.recv(at=3)
        self.assertEqual(self.box.recv(type=1).data, b"a")
        self.assertEqual(self.box.recv(min_prio=2, timeout=0).data, b"b")
        with self.assertRaises(mbox.Empty):
            self.box.recv(sender=1, timeout=0)
        own = self.box.recv(peek=True)
        self.assertEqual(self.box.recv(sender=own.pid).data, b"c")
        self.box.send(b"d")
        self.assertEqual(self.box.recv(sender=own).data, b"d")

    def test_types(self):
        high = 1 << 32
        self.box.send(b"high", type=high | 7)
        self.box.post(b"low", type=7)
        self.box.send_many([b"top"], type=(1 << 64) - 1)
        self.assertEqual(self.box.recv(not_type=high | 7, peek=True).type, 7)
        self.assertEqual(self.box.recv(max_type=high | 7, timeout=0).data, b"low")
        with self.box.lease(max_type=high | 7, timeout=0) as job:
            self.assertEqual((job.data, job.message.type), (b"high", high | 7))
        with self.assertRaises(mbox.Empty):
            self.box.recv(max_type=high | 7, timeout=0)
        with self.assertRaises(mbox.Empty):
            self.box.recv(type=0xFFFFFFFF, timeout=0)
        self.assertEqual(self.box.recv_many(not_type=7)[0].data, b"top")
        with self.assertRaises(mbox.MboxError) as caught:
            self.box.recv(type=1, not_type=2, timeout=0)
        self.assertEqual(caught.exception.errno, errno.EINVAL)
        self.box.send(b"a long one")
        buffer = bytearray(6)
        self.assertEqual(self.box.recv_into(buffer, trunc=True)[0], 10)
        self.assertEqual(buffer, b"a long")

    def test_timeouts(self):
        with self.assertRaises(mbox.Empty) as caught:
            self.box.recv(timeout=0)
        self.assertIsInstance(caught.exception, BlockingIOError)
        self.assertEqual((caught.exception.errno, caught.exception.filename), (errno.EAGAIN, self.name))
        start = time.monotonic()
        with self.assertRaises(mbox.Timeout) as caught:
            self.box.recv(timeout=0.2)
        self.assertGreaterEqual(time.monotonic() - start, 0.2)
        self.assertIsInstance(caught.exception, TimeoutError)
        for _ in range(4):
            self.box.send(b"x")
        with self.assertRaises(mbox.Full):
            self.box.send(b"x", timeout=0)
        with self.assertRaises(mbox.Timeout):
            self.box.send(b"x", timeout=0.01)
        for bad in (-1, float("nan")):
            with self.assertRaises(ValueError):
                self.box.recv(timeout=bad)
        self.assertEqual(self.box.recv(timeout=1e300).data, b"x")

    def test_numbers(self):
        for arguments in ({"type": 1 << 64}, {"type": -1}, {"prio": 1 << 32}):
            with self.assertRaises(ValueError):
                self.box.send(b"", **arguments)
        with self.assertRaises(mbox.MboxError) as caught:
            self.box.send(b"", prio=mbox.PRIO_MAX + 1)
        self.assertEqual(caught.exception.errno, errno.EINVAL)

    def test_many(self):
        with Mailbox.create(capacity=mbox.CAPACITY_UNBOUNDED) as box:
            data = [b"%d" % i for i in range(3000)]
            self.assertEqual(box.send_many(data, prio=2, type=3), 3000)
            got = []
            while len(got) < 3000:
                got += box.recv_many(timeout=0)
            self.assertEqual([message.data for message in got], data)
            self.assertEqual({(message.prio, message.type) for message in got}, {(2, 3)})
            self.assertEqual(box.send_many([]), 0)
            box.send(b"x" * 5000)
            self.assertEqual(len(box.recv_many(size=10)[0].data), 5000)
            box.send_many(bytearray(b"%d" % i) for i in range(3))
            self.assertEqual([message.data for message in box.recv_many(2)], [b"0", b"1"])
            with self.assertRaises(ValueError):
                box.recv_many(3, min=4)
        with self.assertRaises(mbox.Full) as caught:
            self.box.send_many([b"x"] * 9, timeout=0)
        self.assertEqual(caught.exception.sent, 4)

    def test_sync(self):
        received = []
        thread = threading.Thread(target=lambda: received.append(self.box.recv()))
        thread.start()
        self.assertEqual(self.box.send(b"x", sync=True), os.getpid())
        thread.join()
        self.assertEqual(received[0].data, b"x")

    def test_iteration(self):
        self.box.send_many([b"a", b"b"])
        self.box.delete(mbox.Delete.DRAIN)
        self.assertEqual([message.data for message in self.box], [b"a", b"b"])

    def test_signal(self):
        """A call goes on after a handler, with its deadline; an exception of the handler ends it."""
        count = []
        before = signal.signal(signal.SIGALRM, lambda *_: count.append(1))
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
            start = time.monotonic()
            with self.assertRaises(mbox.Timeout):
                self.box.recv(timeout=0.4)
            self.assertGreaterEqual(time.monotonic() - start, 0.4)
            self.assertTrue(count)

            def stop(*_):
                raise KeyboardInterrupt

            signal.signal(signal.SIGALRM, stop)
            with self.assertRaises(KeyboardInterrupt):
                self.box.recv()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        self.box.send(b"still good")
        self.assertEqual(self.box.recv().data, b"still good")


class Handles(Case):
    """Handles: opening, closing, descriptors."""

    def test_close(self):
        fd = self.box.fileno()
        self.box.close()
        self.box.close()
        self.assertTrue(self.box.closed)
        with self.assertRaises(OSError):
            os.fstat(fd)
        with self.assertRaises(ValueError):
            self.box.send(b"")
        with self.assertRaises(ValueError):
            self.box.fileno()

    def test_close_in_use(self):
        """Closing does not pull the handle from under a call of another thread."""
        result = []
        thread = threading.Thread(target=lambda: result.append(self.box.recv().data))
        with Mailbox.open(self.name, Right.SEND) as other:
            thread.start()
            while not self.box.get().receivers:
                time.sleep(0.01)
            fd = self.box.fileno()
            self.box.close()
            os.fstat(fd)
            other.send(b"late")
            thread.join()
        self.assertEqual(result, [b"late"])
        with self.assertRaises(OSError):
            os.fstat(fd)

    def test_shutdown(self):
        errors = []

        def receive():
            try:
                self.box.recv()
            except mbox.ShutDown as error:
                errors.append(error.errno)

        thread = threading.Thread(target=receive)
        thread.start()
        while not self.box.get().receivers:
            time.sleep(0.01)
        self.box.shutdown(Right.RECV)
        thread.join()
        self.assertEqual(errors, [errno.ESHUTDOWN])

    def test_unclosed(self):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            box = Mailbox.create()
            fd = box.fileno()
            del box
        self.assertEqual([warning.category for warning in caught], [ResourceWarning])
        with self.assertRaises(OSError):
            os.fstat(fd)

    def test_descriptors(self):
        poll = select.poll()
        poll.register(self.box, select.POLLIN | select.POLLOUT)
        self.assertEqual(poll.poll(0), [(self.box.fileno(), select.POLLOUT)])
        os.write(self.box.fileno(), b"written")
        self.assertEqual(poll.poll(0), [(self.box.fileno(), select.POLLIN | select.POLLOUT)])
        self.assertEqual(os.read(self.box.fileno(), 100), b"written")
        self.assertFalse(os.get_inheritable(self.box.fileno()))

    def test_passed(self):
        ours, theirs = socket.socketpair()

        def child():
            fds = socket.recv_fds(theirs, 1, 1)[1]
            with Mailbox.from_fd(fds[0]) as passed:
                passed.send(b"from the child")

        socket.send_fds(ours, [b"x"], [self.box.fileno()])
        self.assertEqual(in_child(child), 0)
        self.assertEqual(self.box.recv(timeout=10).data, b"from the child")
        ours.close()
        theirs.close()
        pipe = os.pipe()
        with self.assertRaises(mbox.MboxError) as caught:
            Mailbox.from_fd(pipe[0])
        self.assertEqual(caught.exception.errno, errno.ENOTTY)
        os.close(pipe[0])
        os.close(pipe[1])

    def test_names(self):
        for name in ("", ".dot", "a" * 64, "sp ace", "nul\0", "\u00e4"):
            with self.assertRaises(mbox.MboxError) as caught:
                Mailbox.open(name)
            self.assertEqual(caught.exception.errno, errno.EINVAL, name)
        with self.assertRaises(TypeError):
            Mailbox.open(b"bytes")
        with self.assertRaises(TypeError):
            Mailbox()

    def test_rights(self):
        with Mailbox.open(self.name, Right.SEND) as sender:
            with self.assertRaises(mbox.MboxError) as caught:
                sender.recv(timeout=0)
            self.assertEqual(caught.exception.errno, errno.EBADF)
            self.assertEqual(sender.get().rights, Right.SEND)


class Errors(Case):
    """Exceptions by errno, and those of Python that they are."""

    def test_missing(self):
        for error in (mbox.NoMailbox, FileNotFoundError):
            with self.assertRaises(error):
                Mailbox.open("py.none")
            with self.assertRaises(error):
                mbox.delete("py.none")

    def test_exists(self):
        with self.assertRaises(FileExistsError):
            Mailbox.create(self.name)
        with Mailbox.open_or_create(self.name, capacity=9) as same:
            self.assertEqual(same.get().capacity, 4)

    def test_delete(self):
        self.box.send(b"x")
        for how in (lambda: mbox.delete(self.name), self.box.delete):
            with self.assertRaises(mbox.NotEmpty) as caught:
                how()
            self.assertEqual(caught.exception.queued, 1)
        self.assertEqual(mbox.delete(self.name, mbox.Delete.FORCE), mbox.Deleted(1, 1))
        with self.assertRaises(mbox.Gone):
            self.box.recv()
        self.assertEqual(self.box.get().state, mbox.State.DEAD)

    def test_nobody_left(self):
        self.box.shutdown(Right.SEND)
        self.box.delete(mbox.Delete.UNLINK)
        with self.assertRaises(BrokenPipeError):
            self.box.recv()
        self.assertEqual(list(self.box), [])

    def test_owner_died(self):
        name = self.name + ".owned"

        def child():
            with Mailbox.create(name, lifetime=mbox.Lifetime.PROCESS, mode=0o666):
                signal.pause()

        pid = os.fork()
        if not pid:
            child()
        while True:
            try:
                box = Mailbox.open(name)
                break
            except mbox.NoMailbox:
                time.sleep(0.01)
        with box:
            self.assertEqual(box.get().owner, pid)
            os.kill(pid, signal.SIGKILL)
            with self.assertRaises(mbox.OwnerDied):
                box.recv(timeout=60)
        os.waitpid(pid, 0)

    def test_permission(self):
        def child():
            os.setuid(65534)
            try:
                Mailbox.open(self.name)
            except mbox.NotAllowed as error:
                assert isinstance(error, PermissionError)
                assert error.filename == self.name
                return
            raise AssertionError("opened")

        self.assertEqual(in_child(child), 0)

    def test_words(self):
        self.assertEqual(mbox.strerror(errno.EIDRM), mbox.strerror(-errno.EIDRM))
        self.assertRegex(mbox.version(), r"^\d+\.\d+\.\d+$")


class Attributes(Case):
    """Attributes of a mailbox, its owner, links."""

    def test_get_and_set(self):
        info = self.box.get()
        self.assertEqual((info.name, info.capacity, info.msg_size), (self.name, 4, mbox.MSG_SIZE_DEFAULT))
        self.assertEqual((info.state, info.kind, info.policy, info.lifetime),
                         (mbox.State.LIVE, mbox.Kind.MAILBOX, mbox.Policy.FIFO, mbox.Lifetime.FD))
        self.assertEqual((info.uid, info.mode, info.rights), (os.geteuid(), 0o600, Right.RECV | Right.SEND))
        self.box.set(mode=0o660, capacity=9, msg_size=100, max_bytes=1000)
        info = self.box.get()
        self.assertEqual((info.mode, info.capacity, info.msg_size, info.bytes), (0o660, 9, 100, 1000))
        with self.assertRaises(mbox.MboxError):
            self.box.set()

    def test_handover(self):
        self.box.handover(os.getpid())
        self.assertEqual(self.box.get().owner, os.getpid())
        self.box.handover(0)
        self.assertEqual(self.box.get().lifetime, mbox.Lifetime.OS)
        self.box.send(b"x")
        message = self.box.recv()
        self.box.handover(message)
        self.box.handover(message.sender, mbox.Handover.HEIR)
        pidfd = os.pidfd_open(os.getpid())
        self.box.handover_pidfd(pidfd)
        os.close(pidfd)
        self.box.delete()

    def test_link(self):
        with Mailbox.inbox() as inbox:
            parent = os.getpid()

            def child():
                with Mailbox.link(parent) as link:
                    link.send(b"question")
                    assert link.recv(timeout=60).data == b"answer"

            pid = os.fork()
            if not pid:
                try:
                    child()
                except BaseException as error:  # pylint: disable=broad-except
                    print(f"# child: {error!r}", flush=True)
                    os._exit(1)
                os._exit(0)
            question = inbox.recv(timeout=60)
            self.assertEqual((question.data, question.pid), (b"question", pid))
            with Mailbox.link_sender(question) as link:
                self.assertEqual(link.get().kind, mbox.Kind.LINK)
                link.send(b"answer")
                self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
                with self.assertRaises(mbox.OwnerDied):
                    link.recv(timeout=60)
                with self.assertRaises(mbox.OwnerDied):
                    link.send(b"nobody")
            with self.assertRaises(mbox.MboxError) as caught:
                Mailbox.link_sender(question)
            self.assertEqual(caught.exception.errno, errno.ESRCH)

    def test_ring(self):
        with Mailbox.create(self.name + ".ring", Right.SEND, ring=4096, lifetime=mbox.Lifetime.FD) as producer, \
                Mailbox.open(self.name + ".ring", Right.RECV) as consumer:
            self.assertEqual(consumer.get().kind, mbox.Kind.RING)
            producer.send(b"through memory", type=5)
            message = consumer.recv()
            self.assertEqual((message.data, message.type), (b"through memory", 5))
            got = []
            thread = threading.Thread(target=lambda: got.extend(consumer.recv().data for _ in range(1000)))
            thread.start()
            for i in range(1000):
                producer.send(b"%d" % i)
            thread.join()
            self.assertEqual(got, [b"%d" % i for i in range(1000)])


class Leases(Case):
    """Messages that return to their place unless they are acknowledged."""

    def test_acknowledged(self):
        self.box.send(b"job", prio=3)
        with self.box.lease() as job:
            self.assertEqual((job.data, job.message.prio, job.deliveries, job.is_call), (b"job", 3, 1, False))
            info = self.box.get()
            self.assertEqual((info.queued, info.leased, info.received), (1, 1, 0))
            with self.assertRaises(mbox.Empty):
                self.box.recv(timeout=0)
        self.assertTrue(job.done)
        self.assertEqual((self.box.get().queued, self.box.get().received), (0, 1))
        with self.assertRaises(mbox.Stale):
            job.ack()

    def test_a_child_gives_nothing_back(self):
        self.box.send(b"job")
        job = self.box.lease()

        def child():
            nonlocal job
            del job

        self.assertEqual(in_child(child), 0)
        self.assertEqual(self.box.get().leased, 1)
        job.ack()

    def test_given_back(self):
        self.box.send(b"first")
        self.box.send(b"second")
        with self.assertRaises(ZeroDivisionError), self.box.lease():
            1 // 0
        with self.assertRaises(KeyboardInterrupt), self.box.lease() as job:
            self.assertEqual((job.data, job.deliveries, job.flags), (b"first", 2, mbox.Delivery.AGAIN))
            raise KeyboardInterrupt
        job = self.box.lease()
        self.assertEqual((job.data, job.deliveries), (b"first", 2))
        job.retry(delay=0.05)
        with self.box.lease() as job:
            self.assertEqual(job.data, b"second")
        with self.box.lease() as job:
            self.assertEqual((job.data, job.deliveries), (b"first", 3))

    def test_killed(self):
        self.box.send(b"job")
        held, holding = os.pipe()
        pid = os.fork()
        if not pid:
            with Mailbox.open(self.name, Right.RECV) as box:
                lease = box.lease()
                os.write(holding, b"x")
                signal.pause()
                lease.ack()
            os._exit(0)
        os.read(held, 1)
        with self.assertRaises(mbox.Empty):
            self.box.lease(timeout=0)
        os.kill(pid, signal.SIGKILL)
        with self.box.lease(timeout=60) as job:
            self.assertEqual((job.data, job.deliveries), (b"job", 2))
        os.waitpid(pid, 0)
        os.close(held)
        os.close(holding)

    def test_time(self):
        self.box.send(b"job")
        first = self.box.lease(time=0.05)
        with self.box.lease(timeout=60) as second:
            self.assertEqual(second.deliveries, 2)
            with self.assertRaises(mbox.Stale):
                first.ack()
        self.box.send(b"job")
        long = self.box.lease(time=0.05)
        long.extend(60)
        with self.assertRaises(mbox.Timeout):
            self.box.lease(timeout=0.1)
        long.ack()

    def test_loop(self):
        for data in (b"a", b"b", b"c"):
            self.box.send(data)
        self.box.delete(mbox.Delete.DRAIN)
        seen = []
        for job in self.box.leases():
            seen.append(job.data)
            if job.data == b"b":
                job.ack()
        self.assertEqual(seen, [b"a", b"b", b"c"])

    def test_loop_left(self):
        self.box.send(b"a")
        self.box.send(b"b")
        for job in self.box.leases():
            break
        with self.box.lease() as job:
            self.assertEqual((job.data, job.deliveries), (b"a", 1))

    def test_many(self):
        for data in (b"a", b"b", b"c"):
            self.box.send(data)
        jobs = [self.box.lease() for _ in range(3)]
        jobs[1].ack()
        self.assertEqual(self.box.ack_many(jobs), 2)
        self.assertEqual(self.box.get().queued, 0)

    def test_dead_letters(self):
        with Mailbox.create(self.name + ".dead", lifetime=mbox.Lifetime.FD) as dead, \
                Mailbox.create(dead_letter=dead, max_deliveries=2) as box:
            box.send(b"poison")
            for _ in range(2):
                box.lease().retry()
            with dead.lease(timeout=60) as letter:
                self.assertEqual((letter.data, letter.reason), (b"poison", mbox.Reason.DELIVERIES))
                self.assertEqual((letter.origin, letter.origin_seq, letter.origin_deliveries),
                                 (box.get().id, 1, 2))
            box.send(b"nonsense")
            box.lease().reject(42)
            with dead.lease(timeout=60) as letter:
                self.assertEqual((letter.reason, letter.code), (mbox.Reason.REJECTED, 42))
            with self.assertRaises(mbox.MboxError) as caught:
                Mailbox.create(dead_letter=box)
            self.assertEqual(caught.exception.errno, errno.ELOOP)

    def test_notice(self):
        self.box.notify(7)
        with self.assertRaises(mbox.MboxError) as caught:
            self.box.notify()
        self.assertEqual(caught.exception.errno, errno.EBUSY)
        with self.assertRaises(mbox.Empty):
            self.box.notified()
        self.box.send(b"text")
        self.assertEqual(self.box.notified(), (7, os.getpid(), os.getuid()))
        self.box.notify()
        self.box.unnotify()
        with self.assertRaises(mbox.Empty):
            self.box.notified()

    def test_label(self):
        with self.assertRaises(mbox.NoMailbox):
            Mailbox.open_label(mbox.Space.MQ, b"no such label\xff")
        info = self.box.get()
        self.assertEqual((info.space, info.label), (mbox.Space.NONE, b""))

    def test_id(self):
        id = self.box.get().id
        with self.assertRaises(mbox.NoMailbox):
            Mailbox.open_id(id + 1000000)
        with self.assertRaises(mbox.NoMailbox):
            Mailbox.next_id(2 ** 62)

    def test_parked(self):
        self.box.send(b"job")
        self.box.lease().reject()
        self.assertEqual((self.box.get().parked, self.box.kick()), (1, 1))
        with self.box.lease() as job:
            self.assertEqual(job.data, b"job")

    def test_forgotten(self):
        self.box.send(b"job")
        with self.assertWarns(ResourceWarning):
            self.box.lease()
        with self.box.lease(timeout=60) as job:
            self.assertEqual(job.deliveries, 1)

    def test_post(self):
        self.box.post(b"later", delay=0.1, mark=77)
        self.assertEqual((self.box.get().mark, self.box.get().delayed), (77, 1))
        with self.assertRaises(mbox.Empty):
            self.box.recv(timeout=0)
        self.assertEqual(self.box.recv(timeout=60).data, b"later")
        self.box.post(b"old", expires=0.01)
        while not self.box.get().parked:
            time.sleep(0.01)
        thread = threading.Thread(target=lambda: self.box.lease().ack())
        thread.start()
        self.assertEqual(self.box.post(b"now", acked=True), os.getpid())
        thread.join()
        for bad in (-1, float("inf")):
            with self.assertRaises(ValueError):
                self.box.post(b"", delay=bad)

    def test_async(self):
        async def run():
            task = asyncio.create_task(self.box.lease_async())
            await asyncio.sleep(0.01)
            self.box.send(b"job")
            with await task as job:
                self.assertEqual(job.data, b"job")

        asyncio.run(run())
        self.assertEqual(self.box.get().queued, 0)


class Calls(Case):
    """Requests and replies."""

    def serve(self, function, count=1):
        """Lease that many requests in a thread."""
        def run():
            for _ in range(count):
                function(self.box.lease())

        thread = threading.Thread(target=run)
        thread.start()
        self.addCleanup(thread.join)

    def test_reply(self):
        self.serve(lambda request: request.reply(request.data.upper()))
        self.assertEqual(self.box.call(b"question"), b"QUESTION")
        self.serve(lambda request: request.ack())
        self.assertEqual(self.box.call(b"question", prio=1), b"")

    def test_request(self):
        seen = []

        def look(request):
            seen.append((request.is_call, request.room, request.left))
            with self.assertRaises(mbox.TooLong):
                request.reply(b"x" * 101)
            request.reply(b"x" * 100)

        self.serve(look)
        self.assertEqual(self.box.call(b"", room=100, timeout=60), b"x" * 100)
        self.assertEqual(seen[0][:2], (True, 100))
        self.assertTrue(0 < seen[0][2] <= 60)

    def test_rejected(self):
        self.serve(lambda request: request.reject(7))
        with self.assertRaises(mbox.Rejected) as caught:
            self.box.call(b"")
        self.assertEqual(caught.exception.code, 7)

        def fail(request):
            with self.assertRaises(ZeroDivisionError), request:
                1 // 0

        self.serve(fail)
        with self.assertRaises(mbox.Rejected) as caught:
            self.box.call(b"")
        self.assertEqual(caught.exception.code, 1)

    def test_given_up(self):
        with self.assertRaises(mbox.Timeout):
            self.box.call(b"", timeout=0.05)
        self.assertEqual(self.box.get().queued, 0)
        given_up = threading.Event()

        def late(request):
            given_up.wait()
            with self.assertRaises(mbox.Stale):
                request.reply(b"late")

        self.serve(late)
        with self.assertRaises(mbox.Timeout):
            self.box.call(b"", timeout=0.2)
        given_up.set()

    def test_no_reply(self):
        thread = threading.Thread(target=self.box.recv)
        thread.start()
        with self.assertRaises(mbox.NoReply):
            self.box.call(b"")
        thread.join()

    def test_server_killed(self):
        def server():
            with Mailbox.open(self.name, Right.RECV) as box:
                request = box.lease()
                os.kill(os.getpid(), signal.SIGKILL)
                request.ack()

        pid = os.fork()
        if not pid:
            server()
        with self.assertRaises(mbox.OwnerDied):
            self.box.call(b"", timeout=60)
        os.waitpid(pid, 0)

    def test_signal(self):
        before = signal.signal(signal.SIGALRM, lambda *_: None)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
            with self.assertRaises(InterruptedError):
                self.box.call(b"", timeout=60)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


class Async(Case):
    """asyncio."""

    def test_tasks(self):
        """Several tasks wait for one handle, and none of them loses a message when it is cancelled."""
        async def run():
            got = []

            async def receive():
                while True:
                    got.append((await self.box.recv_async()).data)

            tasks = [asyncio.create_task(receive()) for _ in range(3)]
            for i in range(200):
                await self.box.send_async(b"%d" % i)
                if i % 20 == 0:
                    tasks.pop(0).cancel()
                    tasks.append(asyncio.create_task(receive()))
            while len(got) < 200:
                await asyncio.sleep(0.001)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.assertEqual(sorted(got, key=int), [b"%d" % i for i in range(200)])
            self.assertFalse(self.box._waiters)

        asyncio.run(run())

    def test_timeout(self):
        async def run():
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(self.box.recv_async(), 0.05)
            self.box.send(b"x")
            self.assertEqual((await self.box.recv_async()).data, b"x")

        asyncio.run(run())

    def test_filter(self):
        async def run():
            with Mailbox.open(self.name, Right.RECV) as two:
                two.mode(type=2)
                self.box.send(b"one", type=1)
                task = asyncio.create_task(two.recv_async())
                await asyncio.sleep(0.01)
                self.assertFalse(task.done())
                self.box.send(b"two", type=2)
                self.assertEqual((await task).data, b"two")
                two.mode(mbox.Mode.HEADER)
                self.assertEqual(two.get().handle_mode, mbox.Mode.HEADER)
                self.assertEqual(os.read(two.fileno(), 1000)[-3:], b"one")

        asyncio.run(run())

    def test_close(self):
        async def run():
            task = asyncio.create_task(self.box.recv_async())
            await asyncio.sleep(0.01)
            self.box.close()
            with self.assertRaises(mbox.MboxError):
                await task

        asyncio.run(run())

    def test_iteration(self):
        async def run():
            self.box.send_many([b"a", b"b"])
            self.box.delete(mbox.Delete.DRAIN)
            self.assertEqual([message.data async for message in self.box], [b"a", b"b"])

        asyncio.run(run())

    def test_between_processes(self):
        async def run():
            with Mailbox.create(self.name + ".back", lifetime=mbox.Lifetime.FD) as back:
                pid = os.fork()
                if not pid:
                    for _ in range(50):
                        back.send(self.box.recv().data)
                    os._exit(0)
                for i in range(50):
                    await self.box.send_async(b"%d" % i)
                    self.assertEqual((await back.recv_async()).data, b"%d" % i)
                os.waitpid(pid, 0)

        asyncio.run(run())


class Examples(unittest.TestCase):
    """The programs in lib/python/examples, which PYTHONPATH has beside the module."""

    def run_example(self, name):
        path = os.path.join(os.path.dirname(mbox.__file__), "examples", name)
        read, write = os.pipe()
        pid = os.fork()
        if not pid:
            os.dup2(write, 1)
            os.execv(sys.executable, [sys.executable, "-W", "error", path])
        os.close(write)
        with open(read, encoding="utf-8") as output:
            lines = output.read().splitlines()
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
        return lines

    def test_work_pool(self):
        self.assertRegex(self.run_example("work_pool.py")[0], r"^2262 primes below 20000, by \d workers$")

    def test_chat(self):
        self.assertEqual(sorted(self.run_example("chat.py")),
                         ["subscriber 1: rain sun snow", "subscriber 2: rain sun snow"])


if __name__ == "__main__":
    ktap.main()
