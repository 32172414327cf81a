"""Ozon's ``visibility`` filters: they overlap, and none of them is a product's state.

The list and the meaning of the filters are from the API's documentation.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from include.ozon_sandbox.hashing import Mask
from include.ozon_sandbox.products import Products, Storage
from include.ozon_sandbox.situations import SITUATIONS, Code

Filter = Callable[[Products], Mask]


def _in(*codes: Code) -> Filter:
    return lambda products: np.isin(products.situations, codes)


def _where(field: str, *values: str) -> Filter:
    return _in(*(code for code in Code if code != Code.GONE and getattr(SITUATIONS[code], field) in values))


def _not_archived(products: Products) -> Mask:
    return products.exist & ~products.archived


def _current(condition: Filter) -> Filter:
    """Return the filter without archived products: only ALL and the archive's filters include them."""
    return lambda products: _not_archived(products) & condition(products)


def _visible_share(trait: str, share: float) -> Filter:
    return lambda products: products.visible & products.chance(trait, share)


def has_barcode(products: Products) -> Mask:
    """Return the mask of products that have a barcode, from the seller or from Ozon."""
    return (products.skus > 0) & products.chance("barcode", 0.9)


def _exist(products: Products) -> Mask:
    return products.exist


_approved = _where("moderate_status", "approved")
_overpriced = _visible_share("overpriced", 0.06)

FILTERS: dict[str, Filter] = {
    "ALL": _exist,
    "VISIBLE": lambda products: products.visible,
    "INVISIBLE": _current(lambda products: ~products.visible),
    "EMPTY_STOCK": _current(lambda products: ~products.has_stock),
    "NOT_MODERATED": _current(_where("moderate_status", "", "declined", "in_progress", "reconsidering")),
    "MODERATED": _current(_approved),
    "DISABLED": _in(Code.OUT_OF_STOCK),
    "STATE_FAILED": _in(Code.VALIDATION_FAILED, Code.MODERATION_DECLINED),
    "READY_TO_SUPPLY": _current(lambda products: _approved(products) & (products.free[Storage.FBO] <= 0)),
    "VALIDATION_STATE_PENDING": _current(_where("validation_status", "pending")),
    "VALIDATION_STATE_FAIL": _current(_where("validation_status", "fail")),
    "VALIDATION_STATE_SUCCESS": _current(_where("validation_status", "success")),
    "TO_SUPPLY": _in(Code.OUT_OF_STOCK, Code.ON_SALE, Code.NOT_UPDATED),
    "IN_SALE": lambda products: products.visible & products.has_stock,
    "REMOVED_FROM_SALE": _in(Code.REMOVED, Code.QUARANTINE, Code.MODERATION_DECLINED),
    "OVERPRICED": _overpriced,
    "CRITICALLY_OVERPRICED": _visible_share("overpriced", 0.01),
    "EMPTY_BARCODE": _current(lambda products: ~has_barcode(products)),
    "BARCODE_EXISTS": _current(has_barcode),
    "QUARANTINE": _in(Code.QUARANTINE),
    "ARCHIVED": lambda products: products.archived,
    "OVERPRICED_WITH_STOCK": lambda products: _overpriced(products) & products.has_stock,
    "PARTIAL_APPROVED": _visible_share("partial", 0.05),
    "AUTO_ARCHIVED": _in(Code.AUTO_ARCHIVED),
    "MANUAL_ARCHIVED": _in(Code.ARCHIVED),
    "SEASONAL_AUTO_ARCHIVED": _in(Code.SEASONAL_ARCHIVED),
    "VISIBLE_WITH_FBO_STOCK": lambda products: products.visible & (products.free[Storage.FBO] > 0),
    "SHOWCASE_SELECT_ACTIVE": _visible_share("showcase", 0.1),
}

# The filter ALL without archived products, for a fault; no request can name it.
ALL_BUT_ARCHIVED = "ALL but ARCHIVED"
EVERY_FILTER = {**FILTERS, ALL_BUT_ARCHIVED: _not_archived}
