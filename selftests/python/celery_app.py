# SPDX-License-Identifier: GPL-2.0-only
"""The application of test_celery.py: the one of lib/python/examples, with tasks that keep a ledger."""

import os
import signal
import time

from celery_tasks import app

__all__ = ["app"]


def note(*words):
    """Append a line to the ledger, whole or not at all."""
    ledger = os.open(os.environ["LEDGER"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(ledger, " ".join(map(str, words)).encode() + b"\n")
    os.close(ledger)


def redelivered(task):
    """Return what Celery says about the message of a task."""
    return int(bool(task.request.delivery_info["redelivered"]))


@app.task(bind=True)
def record(self, number, seconds=0):
    """Note begin and end."""
    note("start", number, os.getpid(), redelivered(self))
    time.sleep(seconds)
    note("done", number, os.getpid(), redelivered(self))
    return number


@app.task(bind=True)
def hold(self, number):
    """Never end, the first time."""
    note("start", number, os.getpid(), redelivered(self))
    if not redelivered(self):
        time.sleep(600)
    note("done", number, os.getpid(), redelivered(self))
    return number


@app.task(bind=True)
def crash(self, number):
    """Kill the process of the pool, the first time."""
    note("start", number, os.getpid(), redelivered(self))
    if not redelivered(self):
        os.kill(os.getpid(), signal.SIGKILL)
    note("done", number, os.getpid(), redelivered(self))
    return number


@app.task
def now():
    """Return the time."""
    return time.time()


@app.task(bind=True)
def flaky(self):
    """Fail twice."""
    if self.request.retries < 2:
        raise self.retry(countdown=0.1)
    return self.request.retries


@app.task
def fail():
    """Raise an exception."""
    raise KeyError("of the task")
