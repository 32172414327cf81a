"""The logger ``ozon.visibility``: what customers can see of a catalogue, and what changed about it."""

from __future__ import annotations

import logging
from collections import Counter

from include.ozon.pipeline.product_rows import StatusValues
from include.ozon.warehouse.product_merge import ProductDifferences

logger = logging.getLogger("ozon.visibility")


def log_visibility(account: str, differences: ProductDifferences) -> None:
    """The distribution, and each kind of transition with its count (NEW and REMOVED for no visibility at all)."""
    total = sum(differences.visibility_counts.values())
    shares = ", ".join(
        f"{visibility} {count} ({100 * count / total:.1f} %)"
        for visibility, count in differences.visibility_counts.items()
    )
    logger.info("Account %s: %d products: %s", account, total, shares or "none")
    for (before, after), count in differences.transitions.items():
        logger.info("Account %s: %s -> %s: %d", account, before, after, count)


def log_unknown_statuses(account: str, unknown: Counter[StatusValues]) -> None:
    """Statuses that no rule knows, with their values, so that a new one of Ozon's is noticed."""
    for (status, moderate_status, validation_status, status_name), count in unknown.most_common():
        logger.warning(
            "Account %s: %d products have statuses that no rule knows, so their visibility is UNKNOWN: "
            "status=%r moderate_status=%r validation_status=%r status_name=%r. "
            "Add the new value to include/ozon/marketplace/visibility.py.",
            account, count, status, moderate_status, validation_status, status_name,
        )  # fmt: skip
