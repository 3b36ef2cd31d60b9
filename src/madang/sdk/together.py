"""Doing several things at a time: with coroutines, and with threads for the client without them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import IO, TypeVar

T = TypeVar("T")


def held_alone(file: IO[str]) -> bool:
    """Whether this process got an open file for itself until it is closed; always where locks are not."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def together_async(
    jobs: Sequence[Callable[[], Awaitable[T]]], most: int, stop: Callable[[], None]
) -> list[T]:
    """What the jobs give, in their order, `most` at a time. The first error ends those not begun, and calls
    `stop`, which asks those under way to end."""
    turns = asyncio.Semaphore(most)

    async def done(job: Callable[[], Awaitable[T]]) -> T:
        async with turns:
            return await job()

    under_way = [asyncio.ensure_future(done(job)) for job in jobs]
    try:
        return list(await asyncio.gather(*under_way))
    finally:
        stop()
        for one in under_way:
            one.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


def together(jobs: Sequence[Callable[[], T]], most: int, stop: Callable[[], None]) -> list[T]:
    """The same with threads."""
    with ThreadPoolExecutor(most) as pool:
        under_way = [pool.submit(job) for job in jobs]
        try:
            done, _ = wait(under_way, return_when=FIRST_EXCEPTION)
            for one in done:
                one.result()
            return [one.result() for one in under_way]
        finally:
            stop()
            for one in under_way:
                one.cancel()
