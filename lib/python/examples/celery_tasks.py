#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tasks of Celery without a broker: queues are mailboxes, see mbox_kombu(7).

    celery -A celery_tasks worker --concurrency 2 &
    python3 celery_tasks.py

Kill the worker with all its processes in the middle, and start another: it does the rest."""

from celery import Celery, group

CHUNK = 2000
JOBS = 10

app = Celery("celery_tasks", broker="mbox://", backend="rpc://")
# A worker takes a task when it is free, and acknowledges it when it is done: if the worker dies, another does it.
app.conf.update(task_acks_late=True, task_reject_on_worker_lost=True, worker_prefetch_multiplier=1)


@app.task
def primes(start: int) -> int:
    """Count the primes of a chunk."""
    return sum(all(n % d for d in range(2, int(n ** 0.5) + 1)) for n in range(max(start, 2), start + CHUNK))


def main() -> None:
    """Hand out the chunks, and add up the results."""
    results = group(primes.s(i * CHUNK) for i in range(JOBS))()
    print(f"{sum(results.get(timeout=300))} primes below {JOBS * CHUNK}")


if __name__ == "__main__":
    main()
