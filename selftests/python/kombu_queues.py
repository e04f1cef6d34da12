# SPDX-License-Identifier: GPL-2.0-only
"""Tests of the queues, exchanges and bindings of lib/python/mbox_kombu."""

import os
import signal
import time

import kombu
from amqp.exceptions import ConsumerCancelled, NotFound, PreconditionFailed

import mbox
from kombu_case import Case, killed
from ktap import in_child
from mbox_kombu import names, routes


class Routes(Case):
    """Exchanges and bindings, which processes share."""

    def test_direct_topic_and_fanout(self):
        got = {}
        for kind, keys in (("direct", ["a.b"]), ("topic", ["a.*", "#.c", "x"]), ("fanout", [""])):
            exchange = kombu.Exchange(f"ex-{kind}", kind)
            for key in keys:
                kombu.Queue(f"q-{kind}-{len(got)}", exchange, key)(self.channel).declare()
                got[f"q-{kind}-{len(got)}"] = key

        def child():
            producer = kombu.Producer(self.connect().channel())
            for kind in "direct", "topic", "fanout":
                producer.publish(kind, exchange=f"ex-{kind}", routing_key="a.b")

        self.assertEqual(in_child(child), 0)
        counts = {key: self.channel._size(queue) for queue, key in got.items()}
        self.assertEqual(counts, {"a.b": 1, "a.*": 1, "#.c": 0, "x": 0, "": 1})
        self.channel.queue_unbind("q-topic-1", "ex-topic", "a.*")
        kombu.Producer(self.channel).publish("x", exchange="ex-topic", routing_key="a.b")
        self.assertEqual(self.channel._size("q-topic-1"), 1)
        self.channel.exchange_delete("ex-fanout")
        kombu.Producer(self.channel).publish("x", exchange="ex-fanout", routing_key="")
        self.assertEqual(self.channel._size("q-fanout-4"), 1)

    def test_survive_their_maker(self):
        self.assertTrue(killed(lambda: self.declare("made", self.connect().channel())))
        kombu.Producer(self.channel).publish("x", exchange="made", routing_key="made")
        self.assertEqual(kombu.Queue("made")(self.channel).get(no_ack=True).payload, "x")

    def test_not_equivalent(self):
        kombu.Exchange("jobs", "direct")(self.channel).declare()
        with self.assertRaises(PreconditionFailed):
            kombu.Exchange("jobs", "topic")(self.channel).declare()
        with self.assertRaises(self.connection.channel_errors):
            kombu.Exchange("missing", passive=True)(self.channel).declare()
        with self.assertRaises(NotFound):
            self.channel.queue_bind("jobs", "missing", "x")

    def test_lock_of_a_process_that_is_killed(self):
        def child():
            self.lock = self.connect().transport.routes.change()
            self.lock.__enter__().queues["never"] = {}

        self.assertTrue(killed(child))
        self.declare("after")
        self.assertEqual(set(self.channel.state.queues), {"jobs", "after"})

    def test_killed_before_the_old_version_is_gone(self):
        def child():
            shared = self.connect().transport.routes
            self.lock = box, _, version, state = shared._lock()
            state.queues["jobs"] = {"new": 1}
            box.post(routes._encode(version + 1, state), mark=version + 1)

        self.assertTrue(killed(child))
        self.assertEqual(self.channel.state.queues["jobs"], {"new": 1})
        with mbox.Mailbox.open(names.routes(self.host)) as box:
            self.assertEqual(box.get().queued, 1)
        self.declare("after")
        self.assertEqual(self.channel.state.queues, {"jobs": {"new": 1}, "after": {}})

    def test_killed_while_it_makes_the_mailbox(self):
        host = self.host + "x"
        name = names.routes(host)

        def child():
            self.box = mbox.Mailbox.create(name, lifetime=mbox.Lifetime.PROCESS)

        self.assertTrue(killed(child))
        shared = routes.Routes(name, 0o600, 0)
        self.assertEqual(shared.read().queues, {})
        shared.close()
        mbox.delete(name, mbox.Delete.FORCE)

    def test_purged(self):
        with mbox.Mailbox.open(names.routes(self.host)) as box:
            box.recv()
        self.assertEqual(self.connect().channel().state.queues, {})
        self.declare("jobs")
        self.assertEqual(set(self.channel.state.queues), {"jobs"})

    def test_many_processes(self):
        children = []
        for worker in range(4):
            pid = os.fork()
            if not pid:
                channel = self.connect().channel()
                for number in range(10):
                    self.declare(f"q{worker}.{number}", channel)
                os._exit(0)
            children.append(pid)
        for pid in children:
            self.assertEqual(os.waitpid(pid, 0)[1], 0)
        state = self.channel.state
        self.assertEqual((len(state.queues), len(state.bindings), len(state.exchanges)), (41, 41, 41))


class Queues(Case):
    """Declaring, purging and deleting queues."""

    def test_size_and_purge(self):
        for number in range(4):
            self.publish(number)
        held = self.queue.get()
        self.assertEqual(self.queue.queue_declare(passive=True).message_count, 3)
        self.assertEqual(self.queue.purge(), 3)
        self.assertEqual(self.queue.purge(), 0)
        held.requeue()
        self.assertEqual(self.queue.purge(), 1)

    def test_passive(self):
        with self.assertRaises(self.connection.channel_errors):
            kombu.Queue("missing")(self.channel).queue_declare(passive=True)
        self.assertIsNone(self.connection.transport.info("missing"))

    def test_delete(self):
        self.publish("x")
        with self.assertRaises(PreconditionFailed):
            self.queue.delete(if_empty=True)
        self.assertEqual(self.queue.delete(), 1)
        self.assertIsNone(self.connection.transport.info("jobs"))
        self.assertEqual(self.channel.state.bindings, {})
        self.publish("nobody declared this queue")
        self.assertIsNone(self.connection.transport.info("jobs"))

    def test_deleted_under_a_consumer(self):
        consumer, _ = self.consume()
        self.queue.delete()
        with self.assertRaises(ConsumerCancelled):
            self.drain(consumer, 10)
        self.assertEqual(self.drain(consumer), 0)

    def test_lost(self):
        mbox.delete(self.mailbox("jobs"), mbox.Delete.FORCE)
        self.publish("again")
        self.assertEqual(self.queue.get(no_ack=True).payload, "again")

    def test_full(self):
        self.declare("short", max_length=2)
        for number in range(2):
            self.publish(number, "short")
        with self.assertRaises(self.connection.channel_errors):
            self.publish(2, "short")
        with self.assertRaises(kombu.exceptions.OperationalError):
            self.publish(2, "short", retry=True, retry_policy={"max_retries": 1})

    def test_full_of_bytes(self):
        self.declare("short", max_length_bytes=4096)
        self.publish("x" * 2000, "short")
        with self.assertRaises(self.connection.channel_errors):
            self.publish("x" * 2000, "short")

    def test_full_with_a_time_to_live(self):
        queue = self.declare("events", auto_delete=True, max_length=2, message_ttl=600)
        for number in range(4):
            self.publish(number, "events")
        self.assertEqual([queue.get(no_ack=True).payload for _ in range(2)], [2, 3])
        queue.delete()

    def test_time_to_live(self):
        queue = self.declare("events", auto_delete=True, message_ttl=0.05)
        self.publish("old", "events")
        time.sleep(0.2)
        self.assertIsNone(queue.get(no_ack=True))
        queue.delete()

    def test_auto_delete(self):
        exchange = kombu.Exchange("news", "fanout")
        queue = kombu.Queue("reader", exchange, auto_delete=True)

        def child():
            queue(self.connect().channel()).declare()

        self.assertTrue(killed(child))
        self.assertIsNone(self.connection.transport.info("reader"))
        self.assertEqual(len(self.channel.state.bindings), 2)
        kombu.Producer(self.channel).publish("x", exchange="news")
        self.assertEqual(len(self.channel.state.bindings), 1)
        queue(self.channel).declare()
        consumer, _ = self.consume(queue, no_ack=True)
        consumer.cancel()
        self.assertIsNone(self.connection.transport.info("reader"))

    def test_auto_delete_belongs_to_its_consumer(self):
        queue = kombu.Queue("reader", auto_delete=True)
        read, write = os.pipe()
        pid = os.fork()
        if not pid:
            queue(self.connect().channel()).queue_declare()
            os.write(write, b".")
            signal.pause()
        os.read(read, 1)
        consumer, messages = self.consume(queue, no_ack=True)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        self.publish("still there", "reader")
        self.assertEqual(self.drain(consumer, 10), 1)
        consumer.cancel()
        os.close(read)
        os.close(write)
