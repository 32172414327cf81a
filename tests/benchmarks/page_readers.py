"""People who read the page while something else is measured."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import MappingProxyType

import httpx

READERS = 50
_READING_SECONDS = 10.0


@contextmanager
def people_reading(
    address: str, paths: Sequence[str], cookies: Mapping[str, str] = MappingProxyType({})
) -> Iterator[list[float]]:
    """Let people open views meanwhile, each looking at every view for some seconds; yield the answers' milliseconds."""
    answered: list[float] = []
    end = threading.Event()
    urls = [address + path for path in paths]
    with ThreadPoolExecutor(1) as executor:
        readers = executor.submit(lambda: asyncio.run(_read_views(urls, dict(cookies), end, answered)))
        try:
            yield answered
        finally:
            end.set()
            readers.result()


async def _read_views(
    urls: Sequence[str], cookies: dict[str, str], end: threading.Event, answered: list[float]
) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=30, cookies=cookies) as client:
        await asyncio.gather(*(_reader(client, urls, random.Random(n), end, answered) for n in range(READERS)))


async def _reader(
    client: httpx.AsyncClient, urls: Sequence[str], chance: random.Random, end: threading.Event, answered: list[float]
) -> None:
    await _pause(chance.uniform(0, _READING_SECONDS), end)
    while not end.is_set():
        started_at = time.perf_counter()
        (await client.get(chance.choice(urls))).raise_for_status()
        answered.append(1000 * (time.perf_counter() - started_at))
        await _pause(chance.uniform(0.5, 1.5) * _READING_SECONDS, end)


async def _pause(seconds: float, end: threading.Event) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not end.is_set():
        await asyncio.sleep(0.1)
