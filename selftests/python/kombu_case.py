# SPDX-License-Identifier: GPL-2.0-only
"""The tests of the transport of kombu: a virtual host for each."""

import os
import signal
import socket
import unittest

import kombu

import mbox
from mbox_kombu import names, routes


def killed(function):
    """Run a function in a child, and kill it with SIGKILL once the function has returned."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            function()
            os.write(write, b".")
        finally:
            signal.pause()
    os.close(write)
    done = os.read(read, 1)
    os.close(read)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return done == b"."


class Case(unittest.TestCase):
    """A virtual host of its own, whose mailboxes go at the end."""

    number = 0

    def setUp(self):
        Case.number += 1
        self.host = f"t{os.getpid()}n{Case.number}"
        self.connection = self.connect()
        self.channel = self.connection.channel()
        self.queue = self.declare("jobs")

    def tearDown(self):
        self.connection.release()
        with mbox.Mailbox.open(names.routes(self.host)) as box:
            state = routes._decode(box.recv().data)[1]
            box.delete()
        for queue in state.queues:
            mbox.delete(self.mailbox(queue), mbox.Delete.FORCE)

    def connect(self, **options):
        connection = kombu.Connection(f"mbox:///{self.host}", transport_options=options)
        self.addCleanup(connection.release)
        connection.connect()
        return connection

    def mailbox(self, queue):
        return names.mailbox(self.host, queue)

    def declare(self, name, channel=None, **options):
        queue = kombu.Queue(name, kombu.Exchange(name, "direct"), name, **options)(channel or self.channel)
        queue.declare()
        return queue

    def publish(self, body, routing_key="jobs", **options):
        kombu.Producer(self.channel).publish(body, routing_key=routing_key, **options)

    def consume(self, queue=None, connection=None, prefetch=0, **options):
        """Consume in a list of messages; the channel of the consumer is that of a new connection or a given one."""
        channel = (connection or self.connect()).channel()
        channel.basic_qos(0, prefetch, False)
        messages = []
        consumer = kombu.Consumer(channel, [(queue or self.queue)(channel)], on_message=messages.append,
                                  auto_declare=False, **options)
        consumer.consume()
        return consumer, messages

    @staticmethod
    def drain(consumer, timeout=0):
        """Deliver what is there; after the first message do not wait."""
        count = 0
        try:
            while True:
                consumer.channel.connection.client.drain_events(timeout=timeout)
                timeout, count = 0, count + 1
        except socket.timeout:
            return count
