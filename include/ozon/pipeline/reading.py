"""Reading the API's lists side by side into staging, page by page, from where an earlier attempt left off."""

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
    """A client, threads and progress for an attempt; staging as an earlier attempt left it, or empty."""
    run, load, name = attempt.run, attempt.run.settings.load, attempt.component.name
    component_logger = logging.getLogger(f"ozon.{name}")
    if attempt.staging.begin(load.resume_max_age_minutes):
        component_logger.info("Account %s: taking up what an earlier attempt has read", run.account)
    stop = threading.Event()
    client = run.open_client(stop)
    workers = Workers(run.settings.api.concurrent_requests)
    title = f"{name} of account {run.account}"
    try:
        with ComponentProgress(component_logger, title, load.progress_interval_seconds) as progress:
            yield Reading(attempt, client, workers, progress)
            component_logger.info(progress.describe())
    finally:
        stop.set()
        workers.close()
        attempt.numbers.take_usage(client.usage)
        client.close()


@dataclass(frozen=True)
class Stream(Generic[T]):
    """One list of the API.

    ``fetch`` gets a page (on a worker's thread); ``stage`` writes its entries (on the main thread, inside the
    transaction that also saves the checkpoint) and returns how many of them had come before; ``staged`` is told
    after that transaction, and may submit further requests.
    """

    name: str
    fetch: Callable[[str, CursorTrail], Page[T]]
    stage: Callable[[Page[T]], int]
    staged: Callable[[], None] = lambda: None
    is_counted: bool = True
    """Whether the list's length is part of what the progress is measured against."""


@dataclass
class _Course(Generic[T]):
    """How far a stream has come in this attempt."""

    stream: Stream[T]
    trail: CursorTrail
    checkpoint: Checkpoint


class Reading:
    """All requests of one component's attempt."""

    def __init__(self, attempt: Attempt, client: SellerClient, workers: Workers, progress: ComponentProgress) -> None:
        self.client = client
        self.progress = progress
        self.submit = workers.submit
        self.drain = workers.drain
        self._connection = attempt.connection
        self._staging = attempt.staging

    def start(self, stream: Stream[T]) -> None:
        """Have a list read, from its beginning or behind the last page that is staged."""
        checkpoint = self._staging.checkpoint(stream.name)
        if checkpoint.is_complete:
            return
        if checkpoint.pages:
            logger.info("%s goes on behind page %d", stream.name, checkpoint.pages)
        trail = CursorTrail(pages_read=checkpoint.pages, items_read=checkpoint.items)
        self._ask(_Course(stream, trail, checkpoint), checkpoint.cursor)

    def require_complete(self, stream: str, shortfall_pct: float) -> None:
        """Raise BadDataError where a list gave fewer distinct entries than Ozon says it holds.

        A few are normal, and one is in the shortest list: the catalogue changes while it is read. A list cut short
        is not.
        """
        checkpoint = self._staging.checkpoint(stream)
        distinct = checkpoint.items - checkpoint.repeated
        expected = checkpoint.total_items
        if expected is None or expected - distinct <= math.ceil(expected * shortfall_pct / 100):
            return
        raise BadDataError(
            f"The list {stream} gave {distinct} distinct entries in {checkpoint.pages} pages, where Ozon says it has "
            f"{expected}; up to {shortfall_pct:g} % fewer are accepted (load.listing_shortfall_pct). "
            "Nothing was loaded; the next attempt reads it again from its beginning."
        )

    def _ask(self, course: _Course[T], cursor: str) -> None:
        self.submit(lambda: course.stream.fetch(cursor, course.trail), lambda page: self._take(course, page))

    def _take(self, course: _Course[T], page: Page[T]) -> None:
        stream, before = course.stream, course.checkpoint
        if page.next_cursor is not None:
            # Before this page is written, so that the next is under way meanwhile.
            self._ask(course, page.next_cursor)
        with self._connection.transaction():
            repeated = stream.stage(page)
            self._staging.reject(page.rejected)
            course.checkpoint = replace(
                before,
                cursor=page.next_cursor or "",
                pages=before.pages + 1,
                items=before.items + page.item_count,
                repeated=before.repeated + repeated,
                total_items=before.total_items if page.total_items is None else page.total_items,
                is_complete=page.next_cursor is None,
            )
            self._staging.save_checkpoint(course.checkpoint)
        course.trail.note_new(stream.name, max(0, len(page.items) - repeated))
        self.progress.add_page()
        if stream.is_counted:
            self.progress.expect(stream.name, course.checkpoint.total_items)
        stream.staged()
