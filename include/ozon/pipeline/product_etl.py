"""product_etl: the whole catalogue of one account, from Ozon's lists into ``ozon.products``.

Three lists (all, archived, and what customers really see), which may overlap in any way, are read side by side; every
id that is new to the load has its details asked for while the lists go on. What the lists missed is asked for by id at
the end, so that only products which Ozon no longer knows at all count as vanished.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from functools import partial

from psycopg.sql import Composed

from include.ozon.marketplace.answers import ListedProduct, Page
from include.ozon.pipeline import visibility_log
from include.ozon.pipeline.component import Attempt, run_component
from include.ozon.pipeline.guards import Observation, check_attempt
from include.ozon.pipeline.numbers import ComponentNumbers
from include.ozon.pipeline.product_rows import DetailsBatch, StatusValues, fetch_details
from include.ozon.pipeline.reading import Reading, Stream, open_reading
from include.ozon.pipeline.run import Run
from include.ozon.settings import GuardsSettings
from include.ozon.warehouse.product_merge import ProductDifferences, ProductMerge
from include.ozon.warehouse.staging import PRODUCT_TABLES

logger = logging.getLogger("ozon.product_etl")

# Whether archived products are in ALL too is Ozon's to change.
_LISTS = ("ALL", "ARCHIVED", "VISIBLE")

# Ids that the load knows of and has neither details of nor a rejected entry: what a broken off attempt left open,
# what is in the warehouse and on no list, and what Ozon left out of an answer.
_UNANSWERED = """
SELECT product_id FROM (
    SELECT product_id FROM {listed}
    UNION SELECT product_id FROM ozon.products WHERE account = %(account)s AND removed_at IS NULL
) known
WHERE product_id > %(after)s
  AND NOT EXISTS (SELECT FROM {product} p WHERE p.product_id = known.product_id)
  AND NOT EXISTS (SELECT FROM {rejected} r WHERE r.product_id = known.product_id)
ORDER BY product_id
LIMIT %(limit)s
"""

_REJECT_WITHOUT_DETAILS = """
INSERT INTO {rejected} (reason, payload, product_id)
SELECT 'Ozon lists this product and gives no details of it, asked twice by its id',
       jsonb_build_object('product_id', product_id), product_id
FROM (SELECT DISTINCT product_id FROM {listed}) known
WHERE NOT EXISTS (SELECT FROM {product} p WHERE p.product_id = known.product_id)
  AND NOT EXISTS (SELECT FROM {rejected} r WHERE r.product_id = known.product_id)
  AND NOT EXISTS (
      SELECT FROM ozon.products w
      WHERE w.account = %(account)s AND w.product_id = known.product_id AND w.removed_at IS NULL
  )
"""

# An entry of a list may be unreadable where the product's details are not: then nothing of it is lost.
_FORGIVE_LOADED = "DELETE FROM {rejected} r USING {product} p WHERE r.product_id = p.product_id"


def run_product_etl(run: Run) -> ComponentNumbers:
    """Load one account's products, or with ``dry_run`` find out what a load would change.

    Raises what ``run_component`` raises, the client's errors, and GuardStoppedError.
    """
    return run_component(run, "product_etl", PRODUCT_TABLES, _load)


def _load(attempt: Attempt) -> None:
    with open_reading(attempt, logger) as reading:
        products = _ProductReading(attempt, reading)
        try:
            products.read()
        finally:
            # An attempt that takes up what this one has staged does not see these again.
            visibility_log.log_unknown_statuses(attempt.run.account, products.unknown_statuses)
    _merge(attempt)


class _ProductReading:
    """Fills the staging tables."""

    def __init__(self, attempt: Attempt, reading: Reading) -> None:
        self._attempt = attempt
        self._reading = reading
        self._account = attempt.run.account
        self._settings = attempt.run.settings
        self._connection = attempt.connection
        self._staging = attempt.staging
        self._new_ids: list[int] = []
        self.unknown_statuses: Counter[StatusValues] = Counter()

    def read(self) -> None:
        for visibility in _LISTS:
            self._reading.start(self._list(visibility))
        self._reading.drain()
        for visibility in _LISTS:
            self._reading.require_complete(visibility, self._settings.load.listing_shortfall_pct)
        self._require_catalogue()
        self._ask_for_unanswered()
        with self._connection.transaction():
            self._connection.execute(self._staging.query(_REJECT_WITHOUT_DETAILS), {"account": self._account})
            self._connection.execute(self._staging.query(_FORGIVE_LOADED))

    def _list(self, visibility: str) -> Stream[ListedProduct]:
        def stage(page: Page[ListedProduct]) -> int:
            ids = [item.product_id for item in page.items]
            has_fbo_stocks = [item.has_fbo_stocks for item in page.items]
            distinct_count, self._new_ids = self._staging.add_listed(visibility, ids, "has_fbo_stocks", has_fbo_stocks)
            return len(ids) - distinct_count

        return Stream(
            name=visibility,
            fetch=lambda cursor, trail: self._reading.client.product_list(visibility, cursor, trail),
            stage=stage,
            staged=self._ask_for_new_details,
            is_counted=visibility == "ALL",
        )

    def _ask_for_new_details(self) -> None:
        self._ask_for_details(self._new_ids)
        self._new_ids = []

    def _ask_for_details(self, product_ids: Sequence[int]) -> None:
        size = self._settings.api.details_batch_size
        for start in range(0, len(product_ids), size):
            batch = product_ids[start : start + size]
            self._reading.submit(partial(fetch_details, self._reading.client, batch), self._stage_details)

    def _stage_details(self, batch: DetailsBatch) -> None:
        with self._connection.transaction():
            self._staging.copy_lines("product", batch.lines)
            self._staging.reject(batch.rejected)
        self._attempt.numbers.rows_repeated += batch.repeated_count
        self.unknown_statuses.update(batch.unknown_statuses)
        self._reading.progress.advance(batch.row_count)

    def _ask_for_unanswered(self) -> None:
        limit = self._settings.api.details_batch_size * self._settings.api.concurrent_requests
        query = self._staging.query(_UNANSWERED)
        after = 0
        while ids := self._ids(query, after, limit):
            logger.info("Account %s: asking by id for %d products that no list gave", self._account, len(ids))
            self._ask_for_details(ids)
            self._reading.drain()
            after = ids[-1]

    def _ids(self, query: Composed, after: int, limit: int) -> list[int]:
        parameters = {"account": self._account, "after": after, "limit": limit}
        return [product_id for (product_id,) in self._connection.execute(query, parameters)]

    def _require_catalogue(self) -> None:
        """Stop before a catalogue that is gone is asked for product by product."""
        if self._staging.count("listed"):
            return
        row = self._connection.execute(
            "SELECT count(*) FROM ozon.products WHERE account = %s AND removed_at IS NULL", (self._account,)
        ).fetchone()
        known = int(row[0]) if row else 0
        check_attempt(
            self._attempt,
            [
                Observation(
                    "empty_catalogue",
                    self._settings.guards.empty_catalogue,
                    known,
                    known,
                    "products of the warehouse are on none of Ozon's lists",
                )
            ],
        )


def _merge(attempt: Attempt) -> None:
    run = attempt.run
    merge = ProductMerge(attempt.connection, attempt.staging, run.account, run.workflow_id)
    with attempt.connection.transaction():
        differences = merge.compare()
        _take_numbers(attempt, differences)
        check_attempt(attempt, _observations(run.settings.guards, differences))
        if not run.dry_run:
            merge.merge()
        attempt.close()
    visibility_log.log_visibility(run.account, differences)


def _take_numbers(attempt: Attempt, differences: ProductDifferences) -> None:
    numbers = attempt.numbers
    numbers.take_rows(
        staged=differences.staged,
        inserted=differences.inserted,
        updated=differences.updated,
        removed=differences.vanished,
        rejected=differences.rejected,
    )
    numbers.rows_repeated += attempt.staging.repeated_count()
    numbers.visibility_counts = differences.visibility_counts


def _observations(guards: GuardsSettings, seen: ProductDifferences) -> list[Observation]:
    """What the guards look at. An account's first load sets off none of them: there is nothing to compare with."""
    if not seen.known_before:
        return []
    known = seen.staged - seen.inserted
    return [
        Observation(
            "vanished", guards.vanished, seen.vanished, seen.known_before,
            "products of the warehouse are gone from Ozon",
        ),
        Observation(
            "turned_invisible", guards.turned_invisible,
            seen.turned_invisible + seen.vanished_visible, seen.visible_before,
            "visible products are no longer seen by customers",
        ),
        Observation(
            "rejected", guards.rejected, seen.rejected, seen.staged + seen.rejected,
            "products read were rejected by validation",
        ),
        Observation(
            "price_change", guards.price_change, seen.new_prices, known, "known products have a new price"
        ),
    ]  # fmt: skip
