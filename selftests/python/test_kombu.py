#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Test the transport of lib/python/mbox_kombu with Debian's kombu, on a kernel that has the module, in KTAP."""

import os
import signal
import subprocess
import sys
import threading
import time
import unittest

import kombu
from kombu.asynchronous import Hub

import ktap
import mbox
from kombu_case import Case, killed
from ktap import in_child
from mbox_kombu import names


def switches():
    """Return how often this thread has slept."""
    with open("/proc/thread-self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("voluntary"))


class Names(unittest.TestCase):
    """Names of mailboxes."""

    def test_names(self):
        self.assertEqual(names.host("/"), "kombu")
        self.assertEqual(names.host("/shop"), "shop")
        self.assertEqual(names.mailbox("kombu", "celery"), "kombu.celery")
        for queue in "celery@host.celery.pidbox", "x" * 80, "ä", "":
            name = names.mailbox("kombu", queue)
            self.assertRegex(name, r"^kombu[.-][A-Za-z0-9._-]*$")
            self.assertLess(len(name), mbox.NAME_SIZE)
        self.assertNotEqual(names.mailbox("kombu", "a@b"), names.mailbox("kombu", "a#b"))
        for host in "a.b", "a-b", "x" * 17, "a b":
            with self.assertRaises(ValueError):
                names.host(host)


class Messages(Case):
    """Publishing and receiving."""

    def test_round_trip(self):
        for body, options in (({"a": [1, "ä"]}, {}), ("text", {}), (b"\0\n\xff", {}), (b"", {}),
                              ("x" * (1 << 20), {}), ({"z": 1}, {"compression": "zlib"})):
            self.publish(body, headers={"h": 1}, **options)
            message = self.queue.get()
            self.assertEqual(message.decode(), body)
            self.assertEqual(message.headers["h"], 1)
            self.assertEqual(message.delivery_info,
                             {"exchange": "", "routing_key": "jobs", "redelivered": False})
            message.ack()
        self.assertIsNone(self.queue.get())

    def test_acknowledged_and_given_back(self):
        for number in range(3):
            self.publish(number)
        first = self.queue.get()
        first.requeue()
        again = self.queue.get()
        self.assertEqual((again.payload, again.delivery_info["redelivered"]), (0, True))
        again.ack()
        rejected = self.queue.get()
        rejected.reject()
        last = self.queue.get()
        self.assertEqual((last.payload, last.delivery_info["redelivered"]), (2, False))
        last.ack()
        self.assertIsNone(self.queue.get())
        self.assertEqual(self.connection.transport.info("jobs").queued, 0)

    def test_priorities(self):
        for prio in 0, 9, 5, 255:
            self.publish(prio, priority=prio)
        self.assertEqual([self.queue.get(no_ack=True).payload for _ in range(4)], [255, 9, 5, 0])

    def test_expiration(self):
        self.publish("old", expiration=0.01)
        self.publish("new")
        time.sleep(0.1)
        self.assertEqual(self.queue.get(no_ack=True).payload, "new")

    def test_not_of_kombu(self):
        strange = (b"hello", b"{}", b"\xff", b'{"properties": {"delivery_info": 1}}', b'{"properties": {"expiration": []}}')
        with mbox.Mailbox.open(self.mailbox("jobs")) as box:
            box.send_many(strange)
        self.publish("of kombu")
        with self.assertLogs("mbox_kombu.receiver", "ERROR"):
            message = self.queue.get()
        self.assertEqual(message.payload, "of kombu")
        message.ack()
        self.assertEqual(self.connection.transport.info("jobs").parked, len(strange))

    def test_dead_letter(self):
        connection = self.connect(dead_letter="failed", max_deliveries=2)
        queue = self.declare("dangerous", connection.channel())
        self.publish("rejected", "dangerous")
        self.publish("thrice", "dangerous")
        queue.get().reject()
        for _ in range(2):
            queue.get().requeue()
        self.assertIsNone(queue.get())
        failed = kombu.Queue("failed")(self.channel)
        self.assertEqual([failed.get(no_ack=True).payload for _ in range(2)], ["rejected", "thrice"])
        failed.delete()

    def test_simple_queue(self):
        with self.connection.SimpleQueue("simple") as simple:
            simple.put({"x": 1})
            message = simple.get(timeout=5)
            self.assertEqual(message.payload, {"x": 1})
            message.ack()
            with self.assertRaises(simple.Empty):
                simple.get(block=False)

    def test_errors(self):
        transport = self.connection.transport
        with self.assertRaises(transport.channel_errors):
            self.publish("x" * (17 << 20))
        with self.assertRaises(transport.channel_errors):
            self.channel.basic_get("missing")
        with self.assertRaises(ValueError):
            kombu.Connection("mbox:///not.valid").connect()
        self.assertTrue(issubclass(mbox.NotLoaded, transport.connection_errors))


class Leases(Case):
    """Consumers hold messages by leases."""

    def test_prefetch(self):
        for number in range(5):
            self.publish(number)
        one, first = self.consume(prefetch=2)
        other, second = self.consume()
        self.assertEqual(self.drain(one), 2)
        self.assertEqual(self.drain(other), 3)
        self.assertEqual([message.payload for message in first + second], [0, 1, 2, 3, 4])
        self.publish(5)
        self.publish(6)
        self.assertEqual(self.drain(one), 0)
        first[1].ack()
        self.assertEqual(self.drain(one), 1)
        one.channel.basic_qos(0, 0, False)
        self.assertEqual(self.drain(one), 1)
        first[-1].channel.basic_ack(first[-1].delivery_tag, multiple=True)
        self.assertEqual(one.channel.qos.can_consume_max_estimate(), None)
        one.channel.close()
        self.assertEqual(self.connection.transport.info("jobs").queued, 3)

    def test_closed(self):
        for number in range(3):
            self.publish(number)
        one, first = self.consume()
        other, second = self.consume()
        self.drain(one)
        first[0].ack()
        one.channel.close()
        self.assertEqual(self.drain(other, 5), 2)
        self.assertEqual([(each.payload, each.delivery_info["redelivered"]) for each in second],
                         [(1, True), (2, True)])
        with self.assertRaises(self.connection.connection_errors):
            first[1].ack()

    def test_cancelled(self):
        self.publish("held")
        consumer, messages = self.consume()
        self.drain(consumer)
        consumer.cancel()
        self.publish("other")
        self.assertEqual(self.queue.get(no_ack=True).payload, "other")
        messages[0].ack()
        self.assertEqual(self.connection.transport.info("jobs").queued, 0)

    def test_killed(self):
        for number in range(3):
            self.publish(number)

        def child():
            connection = self.connect()
            queue = self.queue(connection.channel())
            queue.get()
            queue.get().ack()

        self.assertTrue(killed(child))
        consumer, messages = self.consume()
        began = time.monotonic()
        self.assertEqual(self.drain(consumer, 30), 2)
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual([(each.payload, each.delivery_info["redelivered"]) for each in messages],
                         [(0, True), (2, False)])

    def test_killed_while_another_waits(self):
        read, write = os.pipe()
        pid = os.fork()
        if not pid:
            consumer, messages = self.consume()
            while not messages:
                consumer.channel.connection.client.drain_events()
            os.write(write, b".")
            signal.pause()
        self.publish("job")
        os.read(read, 1)
        consumer, messages = self.consume()
        self.assertEqual(self.drain(consumer, 0), 0)
        killer = threading.Timer(0.3, os.kill, (pid, signal.SIGKILL))
        killer.start()
        self.assertEqual(self.drain(consumer, 60), 1)
        self.assertTrue(messages[0].delivery_info["redelivered"])
        os.waitpid(pid, 0)
        for descriptor in read, write:
            os.close(descriptor)

    def test_a_child_leaves_them_alone(self):
        self.publish("job")
        consumer, messages = self.consume()
        self.drain(consumer)

        def child():
            client = consumer.channel.connection.client
            client.collect()
            # The child connects anew, on the same object.
            self.assertIsNone(self.queue(client.channel()).get())
            client.release()

        self.assertEqual(in_child(child), 0)
        self.assertEqual(self.connection.transport.info("jobs").leased, 1)
        messages[0].ack()
        self.publish("more")
        self.assertEqual(self.drain(consumer, 10), 1)

    def test_two_consumers_of_a_channel(self):
        consumer, messages = self.consume(prefetch=4)
        free = []
        other = self.declare("other", no_ack=True)
        second = kombu.Consumer(consumer.channel, [other(consumer.channel)], on_message=free.append, no_ack=True)
        second.consume()
        for number in range(6):
            self.publish(number)
            self.publish(number, "other")
        self.drain(consumer)
        self.assertEqual((len(messages), len(free)), (4, 6))


class Loop(Case):
    """The event loop."""

    def setUp(self):
        super().setUp()
        self.hub = Hub()
        self.consumer, self.messages = self.consume(prefetch=2)
        client = self.consumer.channel.connection.client
        client.transport.register_with_event_loop(client.connection, self.hub)
        self.addCleanup(client.release)

    def run_until(self, count, most=60):
        """Run the loop until messages have come; return how often it turned."""
        turns, end = 0, time.monotonic() + most
        while len(self.messages) < count and time.monotonic() < end:
            self.hub.run_once()
            turns += 1
        return turns

    def test_delivers(self):
        self.publish(1)
        self.run_until(1)
        threading.Timer(0.2, self.publish, (2,)).start()
        turns = self.run_until(2)
        self.assertEqual([message.payload for message in self.messages], [1, 2])
        self.assertLess(turns, 20)

    def test_full_prefetch_does_not_spin(self):
        for number in range(4):
            self.publish(number)
        self.run_until(2)
        self.assertLess(self.run_until(3, 2), 6)
        threading.Timer(0.2, self.messages[0].ack).start()
        began = time.monotonic()
        turns = self.run_until(3, 30)
        self.assertEqual(len(self.messages), 3)
        self.assertLess(turns, 20)
        self.assertLess(time.monotonic() - began, 20)

    def test_leaves_the_loop(self):
        client = self.consumer.channel.connection.client
        client.release()
        self.assertEqual((self.hub.readers, self.hub.writers), ({}, {}))

    def test_waits_without_polling(self):
        consumer, messages = self.consume()
        threading.Timer(1, self.publish, ("x",)).start()
        before = switches()
        while not messages:
            consumer.channel.connection.client.drain_events()
        self.assertLess(switches() - before, 20)


class Green(Case):
    """Green threads, whose libraries take epoll away."""

    def test_select(self):
        program = f"""if True:
            import select, socket
            del select.epoll
            import kombu
            with kombu.Connection("mbox:///{self.host}") as connection:
                queues = [kombu.Queue(name, kombu.Exchange(name), name) for name in "ab"]
                producer = kombu.Producer(connection.channel())
                for number in range(2):
                    for queue in queues:
                        producer.publish(number, exchange=queue.exchange, routing_key=queue.name, declare=[queue])
                got = []
                with connection.Consumer(queues, on_message=lambda message: (got.append(message), message.ack())):
                    for _ in range(4):
                        connection.drain_events(timeout=30)
                    try:
                        connection.drain_events(timeout=1)
                    except socket.timeout:
                        pass
                print(*(message.delivery_info["routing_key"] for message in got))"""
        self.assertEqual(subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True).stdout,
                         b"a b a b\n")


class Alias(unittest.TestCase):
    """How kombu finds the transport."""

    def test_in_a_program_that_does_not_know_of_it(self):
        program = "import kombu.transport; assert 'mbox' in kombu.transport.TRANSPORT_ALIASES"
        if os.path.exists("/usr/lib/python3/dist-packages/mbox_kombu.pth"):
            self.assertEqual(subprocess.call([sys.executable, "-c", program]), 0)
        for first in ("import mbox_kombu; ", "import kombu.transport, mbox_kombu; "):
            self.assertEqual(subprocess.call([sys.executable, "-c", first + program]), 0)


class Page(unittest.TestCase):
    """The example of the manual page."""

    def test_example(self):
        said = subprocess.run([sys.executable, os.environ["PAGE"]], stdout=subprocess.PIPE, check=True)
        self.assertEqual(said.stdout, b"by letter.air to Ada\n")
        mbox.delete("kombu_routes", mbox.Delete.FORCE)


if __name__ == "__main__":
    ktap.main("__main__", "kombu_queues")
