"""The data quality score and its parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from include.ozon.marketplace.visibility import Visibility
from include.ozon.monitoring.metrics.definitions import QUALITY_PARTS
from include.ozon.monitoring.metrics.model import Quality, QualityPart, share_pct
from include.ozon.monitoring.metrics.totals import Cell
from include.ozon.settings.limits import Above

# Ozon hides or declines for a reason; a product in moderation needs none.
_NEEDS_REASON = {Visibility.HIDDEN, Visibility.DECLINED}


def measure_quality(cells: Sequence[Cell], age_hours: float | None, age_rule: Above) -> Quality:
    """Return the score of an account's products; ``age_rule`` has the ages at which they are no longer fresh.

    The weights are in ``QUALITY_PARTS``: visibility first, then missing stock and price, then old data.
    """
    in_use = [cell for cell in cells if not cell.is_archived]
    needing = _needing_reason(cells)
    parts = (
        _part(
            "known_visibility",
            *_share((0 if c.visibility == Visibility.UNKNOWN else c.products, c.products) for c in cells),
        ),
        _part("has_reason", *_share((c.with_reason, c.products) for c in needing)),
        _part("has_name", *_share((c.named, c.products) for c in cells)),
        _part("has_price", *_share((c.priced, c.products) for c in in_use)),
        _part("has_inventory", *_share((c.with_sku_and_inventory, c.with_sku) for c in in_use)),
        _part("possible_stock", *_share((c.with_inventory - c.impossible, c.with_inventory) for c in cells)),
        _part("freshness", _freshness(age_hours, age_rule)),
    )
    weighted = [(part.weight, part.value) for part in parts if part.value is not None]
    if not any(cell.products for cell in cells):
        return Quality(None, parts)
    return Quality(sum(weight * value for weight, value in weighted) / sum(weight for weight, _ in weighted), parts)


def with_reason_pct(cells: Iterable[Cell]) -> float | None:
    """Return the percentage of the hidden and declined products that have a reason."""
    needing = _needing_reason(cells)
    return share_pct(sum(cell.with_reason for cell in needing), sum(cell.products for cell in needing))


def _part(name: str, value: float | None, good: int | None = None, total: int | None = None) -> QualityPart:
    definition = QUALITY_PARTS[name]
    return QualityPart(name, definition.title, definition.weight, value, good, total)


def _share(cells: Iterable[tuple[int, int]]) -> tuple[float | None, int, int]:
    """Return a part's value, good and total, from good and total of each cell."""
    chosen = list(cells)
    good, total = sum(good for good, _ in chosen), sum(total for _, total in chosen)
    return share_pct(good, total), good, total


def _needing_reason(cells: Iterable[Cell]) -> list[Cell]:
    return [cell for cell in cells if cell.visibility in _NEEDS_REASON]


def _freshness(age_hours: float | None, rule: Above) -> float | None:
    """Return 100 up to the age of a warning, falling linearly to 0 at the critical age."""
    if age_hours is None:
        return None
    if age_hours <= rule.warning:
        return 100.0
    if age_hours >= rule.critical:
        return 0.0
    return 100 * (rule.critical - age_hours) / (rule.critical - rule.warning)
