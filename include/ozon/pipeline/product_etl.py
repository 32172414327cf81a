"""product_etl: the whole catalogue of one account, from Ozon's lists into ``ozon.products``."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, LiteralString

from include.ozon.pipeline.component import Component
from include.ozon.pipeline.guards import Observation, observe_rejected
from include.ozon.settings import GuardsSettings, Settings
from include.ozon.translation import N_
from include.ozon.warehouse.tables.column import definitions
from include.ozon.warehouse.tables.products import PRODUCTS

if TYPE_CHECKING:
    from include.ozon.pipeline.attempt import Attempt
    from include.ozon.pipeline.reading import Reading
    from include.ozon.warehouse.product_merge import ProductDifferences

logger = logging.getLogger("ozon.visibility")

_STAGING: dict[str, LiteralString] = {
    "listed": "product_id bigint, visibility text, has_fbo_stocks boolean, PRIMARY KEY (product_id, visibility)",
    "product": definitions(PRODUCTS.staged),
}


def _methods(_: Settings) -> tuple[str, ...]:
    from include.ozon.marketplace import methods as api

    return api.PRODUCT_LIST.path, api.PRODUCT_DETAILS.path


def _read(attempt: Attempt, reading: Reading) -> None:
    from include.ozon.pipeline.product_reading import ProductReading

    ProductReading(attempt, reading).read()


def _compare(attempt: Attempt) -> ProductDifferences:
    from include.ozon.warehouse import product_merge

    differences = product_merge.compare(attempt.staging)
    _log_visibility(attempt.run.account, differences)
    return differences


def _log_visibility(account: str, differences: ProductDifferences) -> None:
    """Log the distribution and the count of each transition; NEW and REMOVED stand for no visibility."""
    total = sum(differences.visibility_counts.values())
    shares = ", ".join(
        f"{visibility} {count} ({100 * count / total:.1f} %)"
        for visibility, count in differences.visibility_counts.items()
    )
    logger.info("Account %s: %d products: %s", account, total, shares or "none")
    for (before, after), count in differences.transitions.items():
        logger.info("Account %s: %s -> %s: %d", account, before, after, count)


def _observe(guards: GuardsSettings, differences: ProductDifferences) -> list[Observation]:
    """Return the guards' input; none for an account's first load, which has nothing to compare with."""
    if not differences.known_before:
        return []
    known = differences.staged - differences.inserted
    return [
        Observation(
            "vanished", guards.vanished, differences.removed, differences.known_before,
            "products of the warehouse are gone from Ozon",
        ),
        Observation(
            "turned_invisible", guards.turned_invisible,
            differences.turned_invisible + differences.vanished_visible, differences.visible_before,
            "visible products are no longer visible to customers",
        ),
        *observe_rejected(guards, differences),
        Observation(
            "price_change", guards.price_change, differences.new_prices, known, "known products have a new price"
        ),
    ]  # fmt: skip


def _merge(attempt: Attempt, differences: ProductDifferences) -> Counter[str]:
    from include.ozon.warehouse import product_merge

    return product_merge.merge(attempt.staging, differences)


PRODUCT_ETL = Component(
    name="product_etl",
    title=N_("products"),
    staging=_STAGING,
    rows_table="product",
    methods=_methods,
    read=_read,
    compare=_compare,
    observe=_observe,
    merge=_merge,
)
