"""Conversion of product details into rows for staging, on a worker thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from include.ozon.marketplace.answers import Page, ProductDetail, RejectedItem
from include.ozon.marketplace.client import SellerClient
from include.ozon.marketplace.visibility import NO_STATUSES, Visibility, status_visibility
from include.ozon.warehouse.copy_text import writer_of
from include.ozon.warehouse.tables.products import PRODUCTS

_write = writer_of(PRODUCTS.staged)

StatusValues = tuple[str, str, str, str]
"""status, moderate_status, validation_status, status_name."""


@dataclass
class DetailsBatch:
    """One answer of ``/v3/product/info/list``, ready for ``COPY``. ``unknown_statuses`` counts combinations."""

    lines: bytes
    row_count: int
    repeated_count: int
    rejected: list[RejectedItem]
    unknown_statuses: Counter[StatusValues] = field(default_factory=Counter)


def fetch_details(client: SellerClient, product_ids: Sequence[int]) -> DetailsBatch:
    """Request the details of up to 1000 products and convert them into rows."""
    page = client.product_details(product_ids)
    # Ozon may return a product twice, or one that was not requested.
    wanted = set(product_ids)
    details = {detail.id: detail for detail in page.items if detail.id in wanted}
    unknown: Counter[StatusValues] = Counter()
    for detail in details.values():
        if status_visibility(detail) is Visibility.UNKNOWN:
            unknown[_status_values(detail)] += 1
    return DetailsBatch(
        _write(details.values()),
        len(details),
        len(page.items) - len(details),
        _attributed(page, product_ids, details),
        unknown,
    )


def _status_values(detail: ProductDetail) -> StatusValues:
    found = detail.statuses or NO_STATUSES
    values = (found.status, found.moderate_status, found.validation_status, found.status_name)
    status, moderate_status, validation_status, status_name = (value or "" for value in values)
    return status, moderate_status, validation_status, status_name


def _attributed(
    page: Page[ProductDetail], asked: Sequence[int], answered: dict[int, ProductDetail]
) -> list[RejectedItem]:
    """Return the rejected entries, with the missing ids assigned to those without an id.

    This happens only if their numbers agree. It keeps an unreadable entry from being counted a second time as a
    product without details.
    """
    known = {item.product_id for item in page.rejected}
    missing = [product_id for product_id in asked if product_id not in answered and product_id not in known]
    nameless = [item for item in page.rejected if item.kind == "entry" and item.product_id is None]
    if len(nameless) != len(missing):
        return page.rejected
    named = [replace(item, product_id=product_id) for item, product_id in zip(nameless, missing, strict=True)]
    return [item for item in page.rejected if item not in nameless] + named
