#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Test Debian's Celery over lib/python/mbox_kombu, on a kernel that has the module, in KTAP.

TASKS is the number of tasks whose workers are killed again and again."""

import contextlib
import glob
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import mbox
from celery.exceptions import TaskRevokedError

import ktap

TASKS = int(os.environ.get("TASKS", "60"))
PATIENCE = 240

directory = tempfile.mkdtemp(prefix="celery.")
os.environ["LEDGER"] = os.path.join(directory, "ledger")

from celery_app import app, crash, fail, flaky, hold, now, record  # noqa: E402  # it reads LEDGER
import celery_tasks  # noqa: E402


def wait_for(condition):
    """Wait until a condition holds, and return its value."""
    end = time.monotonic() + PATIENCE
    while not (value := condition()):
        if time.monotonic() > end:
            raise TimeoutError(condition)
        time.sleep(0.05)
    return value


def ledger(*prefix):
    """Return the lines that begin with these words, as lists of words."""
    try:
        with open(os.environ["LEDGER"], encoding="ascii") as file:
            lines = [line.split() for line in file]
    except FileNotFoundError:
        return []
    return [line for line in lines if line[:len(prefix)] == list(map(str, prefix))]


class Worker:
    """A worker with its processes, which are a process group."""

    count = 0
    all = []

    def __init__(self, *options):
        Worker.count += 1
        self.name = f"w{Worker.count}@test"
        self.log = os.path.join(directory, self.name)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", "celery_app", "worker", "-n", self.name, "-c", "1",
                 "-l", "info", *options], start_new_session=True, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        Worker.all.append(self)

    @property
    def ready(self):
        """Whether the worker said so."""
        with open(self.log, encoding="utf-8") as log:
            return f"{self.name} ready." in log.read()

    def kill(self):
        """Kill all processes of the worker."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        Worker.all.remove(self)

    def stop(self):
        """End the worker as an administrator would; returns its exit status."""
        self.process.terminate()
        Worker.all.remove(self)
        return self.process.wait(PATIENCE)


class Case(unittest.TestCase):
    """Two workers, which do the first tests and lose their lives later."""

    @classmethod
    def setUpClass(cls):
        if not Worker.all:
            Worker("-E")
            Worker()
        for worker in Worker.all:
            wait_for(lambda worker=worker: worker.ready)

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            for path in sorted(glob.glob(os.path.join(directory, "w*"))):
                with open(path, encoding="utf-8") as log:
                    print("".join(f"# {os.path.basename(path)}: {line}" for line in log.readlines()[-40:]))


class Tasks(Case):
    """Tasks run, and their results arrive."""

    def test_results(self):
        results = [celery_tasks.primes.delay(start) for start in (0, 2000)]
        self.assertEqual([result.get(timeout=PATIENCE) for result in results], [303, 247])
        with self.assertRaisesRegex(KeyError, "of the task"):
            fail.delay().get(timeout=PATIENCE)
        self.assertEqual(record.delay("x" * 100000).get(timeout=PATIENCE), "x" * 100000)

    def test_example(self):
        example = os.path.join(os.path.dirname(celery_tasks.__file__), "celery_tasks.py")
        said = subprocess.run([sys.executable, example], stdout=subprocess.PIPE, timeout=PATIENCE, check=True)
        self.assertEqual(said.stdout, b"2262 primes below 20000\n")

    def test_countdown(self):
        before = time.time()
        # It does not keep the others from running.
        later = now.apply_async(countdown=2)
        self.assertLess(now.delay().get(timeout=PATIENCE), later.get(timeout=PATIENCE))
        self.assertGreaterEqual(later.get() - before, 1.9)

    def test_retry(self):
        self.assertEqual(flaky.delay().get(timeout=PATIENCE), 2)

    def test_control(self):
        names = {worker.name for worker in Worker.all}
        self.assertEqual({name for reply in app.control.ping(timeout=5, limit=2) for name in reply}, names)
        revoked = now.apply_async(countdown=2)
        app.control.revoke(revoked.id)
        with self.assertRaises(TaskRevokedError):
            revoked.get(timeout=PATIENCE)

    def test_events(self):
        seen = []
        with app.connection() as connection:
            receiver = app.events.Receiver(connection, handlers={"task-succeeded": seen.append})
            capturing = threading.Thread(target=receiver.capture)
            capturing.start()
            end = time.monotonic() + PATIENCE
            while not seen and time.monotonic() < end:
                now.delay().get(timeout=PATIENCE)
            receiver.should_stop = True
            capturing.join()
        self.assertEqual(seen[0]["hostname"], "w1@test")

    def test_deleted_queue(self):
        mbox.delete("kombu.celery", mbox.Delete.FORCE)
        # Both workers have to declare it again.
        self.assertEqual([record.delay(f"again{n}", 1).get(timeout=PATIENCE) for n in range(2)], ["again0", "again1"])

    def test_queues_and_priorities(self):
        results = [record.apply_async([f"prio{prio}"], queue="ranked", priority=prio) for prio in (0, 9, 5)]
        self.assertEqual(ledger("start", "prio0"), [])
        app.control.add_consumer("ranked", reply=True, destination=["w1@test"], timeout=PATIENCE, limit=1)
        for result in results:
            result.get(timeout=PATIENCE)
        self.assertEqual([line[1] for line in ledger("start") if line[1].startswith("prio")],
                         ["prio9", "prio5", "prio0"])


class Deaths(Case):
    """Tasks whose processes die."""

    def check(self, number, processes):
        starts, done = ledger("start", number), ledger("done", number)
        self.assertEqual([line[3] for line in starts], ["0", "1"])
        self.assertEqual(len({line[2] for line in starts}), processes)
        self.assertEqual([line[2:] for line in done], [starts[1][2:]])

    def test_process_of_the_pool(self):
        self.assertEqual(crash.delay("crash").get(timeout=PATIENCE), "crash")
        self.check("crash", 2)

    def test_worker(self):
        result = hold.delay("hold")
        start = wait_for(lambda: ledger("start", "hold"))[0]
        holder = next(worker for worker in Worker.all if os.getpgid(int(start[2])) == worker.process.pid)
        began = time.monotonic()
        holder.kill()
        self.assertEqual(result.get(timeout=PATIENCE), "hold")
        self.assertLess(time.monotonic() - began, 30)
        self.check("hold", 2)


class Ledger(unittest.TestCase):
    """Many tasks, whose workers are killed again and again; at last the workers end, and leave nothing behind."""

    options = "-P", "solo", "--without-gossip", "--without-mingle", "--without-heartbeat"

    def undone(self):
        """Return how many tasks are not done yet."""
        return TASKS - len({line[1] for line in ledger("done") if line[1].isdigit()})

    def hunt(self):
        """Kill workers, and start others, until all tasks are done."""
        choice = random.Random(TASKS)
        while self.undone():
            time.sleep(choice.random())
            victim = choice.choice(Worker.all)
            if victim.ready and self.kills < max(TASKS // 50, 2):
                victim.kill()
                self.kills += 1
                Worker(*self.options)

    def test_ledger(self):
        self.kills = 0
        while len(Worker.all) < (2 if TASKS < 500 else 4):
            Worker(*self.options)
        hunter = threading.Thread(target=self.hunt)
        hunter.start()
        # A queue of results belongs to a thread.
        results = [record.delay(number, 0.05) for number in range(TASKS)]
        self.assertEqual([result.get(timeout=PATIENCE) for result in results], list(range(TASKS)))
        hunter.join()
        kills = self.kills
        again = twice = 0
        seen, done = set(), set()
        for word, number, _, redelivered in ledger():
            if not number.isdigit():
                continue
            if word == "start":
                self.assertTrue(number not in seen or redelivered == "1", f"task {number} is said to be new")
                seen.add(number)
                again += redelivered == "1"
            else:
                twice += number in done
                done.add(number)
        print(f"# {TASKS} tasks, {kills} workers killed, {again} tasks redelivered, {twice} done twice", flush=True)
        self.assertLessEqual(again, kills)
        self.assertLessEqual(twice, again)
        self.assertGreater(kills, 0)

    def test_nothing_left(self):
        for worker in list(Worker.all):
            if worker.ready:
                self.assertEqual(worker.stop(), 0)
            else:
                worker.kill()
        app.close()
        for queue in "celery", "ranked":
            with contextlib.suppress(mbox.NoMailbox), mbox.Mailbox.open(f"kombu.{queue}") as box:
                self.assertEqual(box.get().queued, 0)
                box.delete()
        mbox.delete("kombu_routes", mbox.Delete.FORCE)


if __name__ == "__main__":
    try:
        ktap.main("__main__.Tasks", "__main__.Deaths", "__main__.Ledger")
    finally:
        for each in list(Worker.all):
            each.kill()
