#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tasks of asyncio share a broadcast: each subscriber receives every message while others run."""

import asyncio
import os

import mbox

NAME = f"example-chat-{os.getpid()}"
SPEAKERS = ("rain", "sun", "snow")


async def listen(number: int, news: mbox.Mailbox) -> None:
    """Print what comes until the mailbox is deleted, or nobody is left to send."""
    words = [message.data.decode() async for message in news]
    print(f"subscriber {number}: {' '.join(words)}")


async def speak(word: str, news: mbox.Mailbox) -> None:
    """Send a word; how many receive it is the result."""
    receivers = await news.send_async(word.encode())
    assert receivers == 2


async def main() -> None:
    """Subscribe before anybody speaks, and end by deleting the mailbox once all is received."""
    with mbox.Mailbox.create(NAME, mbox.Right.SEND, policy=mbox.Policy.BROADCAST) as news, \
            mbox.Mailbox.open(NAME, mbox.Right.RECV) as first, \
            mbox.Mailbox.open(NAME, mbox.Right.RECV) as second:
        listeners = [asyncio.create_task(listen(1, first)), asyncio.create_task(listen(2, second))]
        for word in SPEAKERS:
            await speak(word, news)
        # The mailbox goes with its last message.
        news.delete(mbox.Delete.DRAIN)
        await asyncio.gather(*listeners)


if __name__ == "__main__":
    asyncio.run(main())
