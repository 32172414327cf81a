"""Reading of an account's whole catalogue from Ozon's lists into staging.

Three lists (all, archived, visible to customers), which may overlap, are read in parallel; the details of every new id
are requested meanwhile. Products that the lists missed are requested by id at the end, so that only products which
Ozon no longer knows count as vanished.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from functools import partial

from include.ozon.marketplace.answers import ListedProduct, Page
from include.ozon.pipeline.attempt import Attempt
from include.ozon.pipeline.guards import Observation
from include.ozon.pipeline.product_rows import DetailsBatch, StatusValues, fetch_details
from include.ozon.pipeline.reading import Reading, Stream

logger = logging.getLogger("ozon.product_etl")

# Ozon may change whether ALL includes archived products.
_LISTS = ("ALL", "ARCHIVED", "VISIBLE")

# Known ids with neither details nor a rejected entry: left over from a failed attempt, in the warehouse but on no list,
# or missing from an answer of Ozon's.
_MISSING = """
SELECT product_id FROM (
    SELECT product_id FROM {listed}
    UNION SELECT product_id FROM ozon.products WHERE account = {account} AND removed_at IS NULL
) known
WHERE product_id > %(after)s
  AND NOT EXISTS (SELECT FROM {product} p WHERE p.product_id = known.product_id)
  AND NOT EXISTS (SELECT FROM {rejected} r WHERE r.product_id = known.product_id)
ORDER BY product_id
LIMIT %(limit)s
"""

# A product that Ozon lists has not vanished: it keeps its state in the warehouse, like any rejected entry.
_REJECT_WITHOUT_DETAILS = """
INSERT INTO {rejected} (reason, payload, product_id)
SELECT 'Ozon lists this product but returned no details, requested twice by id',
       jsonb_build_object('product_id', product_id), product_id
FROM (SELECT DISTINCT product_id FROM {listed}) known
WHERE NOT EXISTS (SELECT FROM {product} p WHERE p.product_id = known.product_id)
  AND NOT EXISTS (SELECT FROM {rejected} r WHERE r.product_id = known.product_id)
"""

_KNOWN = "SELECT count(*) AS known FROM ozon.products WHERE account = {account} AND removed_at IS NULL"

# A list's entry may be unreadable although the product's details are readable: then nothing is lost.
_UNREJECT_LOADED = "DELETE FROM {rejected} r USING {product} p WHERE r.product_id = p.product_id"


class ProductReading:
    """The reading phase of product_etl."""

    def __init__(self, attempt: Attempt, reading: Reading) -> None:
        self._attempt = attempt
        self._reading = reading
        self._account = attempt.run.account
        self._settings = attempt.run.settings
        self._connection = attempt.connection
        self._staging = attempt.staging
        self._new_ids: list[int] = []
        self._unknown_statuses: Counter[StatusValues] = Counter()

    def read(self) -> None:
        try:
            self._read()
        finally:
            # An attempt that resumes from this one's staging does not see these again.
            _log_unknown_statuses(self._account, self._unknown_statuses)

    def _read(self) -> None:
        for visibility in _LISTS:
            self._reading.start(self._list(visibility))
        self._reading.drain()
        for visibility in _LISTS:
            self._reading.require_complete(visibility, self._settings.load.listing_shortfall_pct)
        self._require_catalogue()
        self._request_missing()
        with self._connection.transaction():
            self._staging.execute(_REJECT_WITHOUT_DETAILS)
            self._staging.execute(_UNREJECT_LOADED)

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
            staged=self._request_new_details,
            is_counted=visibility == "ALL",
        )

    def _request_new_details(self) -> None:
        self._request_details(self._new_ids)
        self._new_ids = []

    def _request_details(self, product_ids: Sequence[int]) -> None:
        size = self._settings.api.details_batch_size
        for start in range(0, len(product_ids), size):
            batch = product_ids[start : start + size]
            self._reading.submit(partial(fetch_details, self._reading.client, batch), self._stage_details)

    def _stage_details(self, batch: DetailsBatch) -> None:
        with self._connection.transaction():
            self._staging.copy_lines("product", batch.lines)
            self._staging.reject(batch.rejected)
        self._attempt.numbers.rows_repeated += batch.repeated_count
        self._unknown_statuses.update(batch.unknown_statuses)
        self._reading.progress.advance(batch.row_count)

    def _request_missing(self) -> None:
        limit = self._settings.api.details_batch_size * self._settings.api.concurrent_requests
        after = 0
        while ids := self._missing_ids(after, limit):
            logger.info("Account %s: requesting %d products by id that no list returned", self._account, len(ids))
            self._request_details(ids)
            self._reading.drain()
            after = ids[-1]

    def _missing_ids(self, after: int, limit: int) -> list[int]:
        rows = self._staging.execute(_MISSING, {"after": after, "limit": limit})
        return [product_id for (product_id,) in rows]

    def _require_catalogue(self) -> None:
        """Stop if all lists are empty, instead of requesting the whole catalogue by id."""
        if self._staging.count("listed"):
            return
        known = self._staging.counts(_KNOWN)["known"]
        guard = self._settings.guards.empty_catalogue
        what = "products of the warehouse are on none of Ozon's lists"
        self._attempt.check_guards([Observation("empty_catalogue", guard, known, known, what)])


def _log_unknown_statuses(account: str, unknown: Counter[StatusValues]) -> None:
    """Log the statuses that no rule knows, so that somebody notices Ozon's new values."""
    for (status, moderate_status, validation_status, status_name), count in unknown.most_common():
        logging.getLogger("ozon.visibility").warning(
            "Account %s: %d products have statuses that no rule knows, so their visibility is UNKNOWN: "
            "status=%r moderate_status=%r validation_status=%r status_name=%r. "
            "Add the new value to include/ozon/marketplace/visibility.py.",
            account, count, status, moderate_status, validation_status, status_name,
        )  # fmt: skip
