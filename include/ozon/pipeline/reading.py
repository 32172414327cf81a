"""Parallel reading of the API's lists into staging, page by page, resuming where an earlier attempt stopped."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar

from include.ozon.errors import BadDataError
from include.ozon.marketplace.answers import Page
from include.ozon.marketplace.client import SellerClient
from include.ozon.marketplace.paging import CursorTrail
from include.ozon.pipeline.progress import ComponentProgress
from include.ozon.pipeline.workers import Workers
from include.ozon.warehouse.staging import Checkpoint

if TYPE_CHECKING:
    from include.ozon.pipeline.attempt import Attempt

T = TypeVar("T")

logger = logging.getLogger("ozon.reading")


@contextmanager
def open_reading(attempt: Attempt) -> Iterator[Reading]:
    """Provide an attempt with client, threads and progress; its staging is resumed or empty."""
    run, load, name = attempt.run, attempt.run.settings.load, attempt.component.name
    component_logger = logging.getLogger(f"ozon.{name}")
    with attempt.numbers.seconds.during("staging"):
        is_resumed = attempt.staging.begin(load.resume_max_age_minutes)
    if is_resumed:
        component_logger.info("Account %s: resuming from what an earlier attempt has read", run.account)
    stop = threading.Event()
    client = run.open_client(stop)
    workers = Workers(run.settings.api.concurrent_requests)
    title = f"{name} of account {run.account}"
    try:
        with (
            ComponentProgress(component_logger, title, load.progress_interval_seconds) as progress,
            attempt.numbers.seconds.staging_with(workers),
        ):
            yield Reading(attempt, client, workers, progress)
            component_logger.info(progress.describe())
    finally:
        stop.set()
        workers.close()
        attempt.numbers.set_usage(client.usage)
        client.close()


@dataclass(frozen=True)
class Stream(Generic[T]):
    """One list of the API.

    ``fetch`` requests a page (on a worker thread). ``stage`` writes its entries (on the main thread, in the
    transaction that also saves the checkpoint) and returns how many of them are repeats. ``staged`` is called after
    that transaction and may submit further requests.
    """

    name: str
    fetch: Callable[[str, CursorTrail], Page[T]]
    stage: Callable[[Page[T]], int]
    staged: Callable[[], None] = lambda: None
    is_counted: bool = True
    """The list's length is part of the expected total of the progress."""


@dataclass
class _StreamState(Generic[T]):
    """The progress of one stream in this attempt."""

    stream: Stream[T]
    trail: CursorTrail
    checkpoint: Checkpoint


class Reading:
    """All requests of one component's attempt."""

    def __init__(self, attempt: Attempt, client: SellerClient, workers: Workers, progress: ComponentProgress) -> None:
        self.client = client
        self.progress = progress
        self.submit = workers.submit
        self._workers = workers
        self._seconds = attempt.numbers.seconds
        self._connection = attempt.connection
        self._staging = attempt.staging

    def drain(self) -> None:
        """Handle answers until none is outstanding. Raises a request's exception."""
        with self._seconds.answers(self._workers, self._waited_seconds):
            self._workers.drain()

    def call(self, request: Callable[[], T]) -> T:
        """Return the answer of a request that no other one runs beside."""
        with self._seconds.answers(self._workers, self._waited_seconds):
            return self._workers.call(request)

    def start(self, stream: Stream[T]) -> None:
        """Start reading a list, from its beginning or after the last staged page."""
        checkpoint = self._staging.checkpoint(stream.name)
        if checkpoint.is_complete:
            return
        if checkpoint.pages:
            logger.info("%s resumes after page %d", stream.name, checkpoint.pages)
        trail = CursorTrail(pages_read=checkpoint.pages, items_read=checkpoint.items)
        self._request(_StreamState(stream, trail, checkpoint), checkpoint.cursor)

    def require_complete(self, stream: str, shortfall_pct: float) -> None:
        """Raise BadDataError if a list returned clearly fewer distinct entries than its ``total_items``.

        A small shortfall (one entry, even in the shortest list) is normal, because the catalogue changes while it is
        read.
        """
        checkpoint = self._staging.checkpoint(stream)
        distinct = checkpoint.items - checkpoint.repeated
        expected = checkpoint.total_items
        if expected is None or expected - distinct <= math.ceil(expected * shortfall_pct / 100):
            return
        raise BadDataError(
            f"The list {stream} returned {distinct} distinct entries in {checkpoint.pages} pages, expected {expected} "
            f"(Ozon's total); up to {shortfall_pct:g} % fewer are accepted (load.listing_shortfall_pct). "
            "Nothing was loaded; the next attempt reads the list again from its beginning."
        )

    def _waited_seconds(self) -> float:
        return self.client.usage.wait_seconds

    def _request(self, state: _StreamState[T], cursor: str) -> None:
        self.submit(lambda: state.stream.fetch(cursor, state.trail), lambda page: self._stage(state, page))

    def _stage(self, state: _StreamState[T], page: Page[T]) -> None:
        stream, before = state.stream, state.checkpoint
        if page.next_cursor is not None:
            # Before this page is written, so that both happen in parallel.
            self._request(state, page.next_cursor)
        with self._connection.transaction():
            repeated = stream.stage(page)
            self._staging.reject(page.rejected)
            state.checkpoint = replace(
                before,
                cursor=page.next_cursor or "",
                pages=before.pages + 1,
                items=before.items + page.item_count,
                repeated=before.repeated + repeated,
                total_items=before.total_items if page.total_items is None else page.total_items,
                is_complete=page.next_cursor is None,
            )
            self._staging.save_checkpoint(state.checkpoint)
        state.trail.note_new(stream.name, max(0, len(page.items) - repeated))
        self.progress.add_page()
        if stream.is_counted:
            self.progress.expect(stream.name, state.checkpoint.total_items)
        stream.staged()
