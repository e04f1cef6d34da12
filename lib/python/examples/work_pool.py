#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Processes count primes: each takes the next job when it is free, and the parent collects results.

An empty job ends a worker."""

import os
from typing import Tuple

import mbox

CHUNK = 2000
JOBS = 10


def primes(start: int) -> int:
    """Count the primes of a chunk."""
    return sum(all(n % d for d in range(2, int(n ** 0.5) + 1)) for n in range(max(start, 2), start + CHUNK))


def work(names: Tuple[str, str]) -> None:
    """Take jobs until one is empty."""
    with mbox.Mailbox.open(names[0], mbox.Right.RECV) as jobs, \
            mbox.Mailbox.open(names[1], mbox.Right.SEND) as results:
        for job in jobs:
            if not job.data:
                break
            results.send(b"%d" % primes(int(job.data)))


def main() -> None:
    """Start a worker for each processor, hand out the jobs and add up the results."""
    workers = min(os.cpu_count() or 1, 4)
    names = f"example-jobs-{os.getpid()}", f"example-results-{os.getpid()}"
    with mbox.Mailbox.create(names[0], mbox.Right.SEND) as jobs, \
            mbox.Mailbox.create(names[1], mbox.Right.RECV) as results:
        for _ in range(workers):
            if os.fork() == 0:
                work(names)
                os._exit(0)
        jobs.send_many(b"%d" % (i * CHUNK) for i in range(JOBS))
        jobs.send_many([b""] * workers)
        total = sum(int(results.recv(timeout=60).data) for _ in range(JOBS))
        for _ in range(workers):
            os.wait()
        jobs.delete()
        results.delete()
    print(f"{total} primes below {JOBS * CHUNK}, by {workers} workers")


if __name__ == "__main__":
    main()
