"""The numbers of a visibility measurement. docs/visibility-report.md explains them to the readers of the reports.

A product is *out of sight* when customers cannot see it although it is not archived: HIDDEN, MODERATION, DECLINED or
UNKNOWN. Products that Ozon no longer lists (removed) are counted only in ``Transitions.removed``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from include.ozon.marketplace.visibility import Visibility

Counts = Mapping[str, int]
"""A number of products for each visibility, zeros included."""


def share_pct(part: float, whole: float) -> float | None:
    """Return a percentage; None if ``whole`` is 0."""
    return 100 * part / whole if whole else None


@dataclass(frozen=True)
class HistoryPoint:
    """The stored numbers of an earlier measurement."""

    measured_at: datetime
    workflow_id: str | None
    products: int
    counts: Counts
    visible_pct: float | None
    coverage_pct: float | None
    quality_score: float | None
    turned_visible: int
    turned_invisible: int
    visible_without_stock: int
    hidden_with_stock: int


@dataclass(frozen=True)
class Change:
    """The difference between a measurement and an earlier one.

    ``visible_points`` is the change of the visible share in percentage points, None if either had no products.
    """

    measured_at: datetime
    products: int
    counts: Counts
    visible_points: float | None


@dataclass(frozen=True, slots=True)
class Product:
    """A product in a list.

    ``since`` is when it got its visibility, or for a transition when it turned. If ``is_since_first_seen``, it is when
    the product was first loaded, so the state is at least that old. ``previous`` is its visibility before a transition.
    ``units`` are available pieces (never below 0), None if its stock is unknown. ``price`` is the current price in
    ``currency``. ``daily_sales`` are pieces per day, None if unknown.
    """

    product_id: int
    offer_id: str
    name: str
    visibility: str
    reasons: tuple[str, ...]
    since: datetime
    is_since_first_seen: bool
    units: int | None
    price: Decimal | None
    currency: str
    daily_sales: Decimal | None
    previous: str | None = None


Basis = Literal["last_measurement", "asked", "previous_load"]


@dataclass(frozen=True)
class Transitions:
    """Products that turned invisible or visible since ``since``.

    Only the states at ``since`` and now are compared, and only of products that were in the catalogue at ``since``.
    ``basis`` is the origin of ``since``: the last measurement, the user's request, or, without either, the load before
    the last one. ``visible_before`` is the number of products visible then. ``removed`` were visible then and are no
    longer listed by Ozon; they are not in ``turned_invisible``.
    """

    since: datetime
    basis: Basis
    visible_before: int
    turned_invisible: tuple[Product, ...]
    turned_visible: tuple[Product, ...]
    removed: tuple[Product, ...]


@dataclass(frozen=True)
class FieldQuality:
    """Completeness and freshness of the field ``visibility``.

    ``coverage_pct`` is the share of the products whose visibility is known (not UNKNOWN). ``with_reason_pct`` is the
    share of the HIDDEN and DECLINED products for which Ozon gives a reason. ``age_hours`` is the time since the last
    success of ``product_etl``.
    """

    coverage_pct: float | None
    with_reason_pct: float | None
    age_hours: float | None


@dataclass(frozen=True)
class QualityPart:
    """One part of the score: ``good`` of ``total`` are correct, which is a ``value`` from 0 to 100.

    ``value`` is None if there was nothing to measure; such a part has no weight. ``total`` is None for a part that
    counts nothing (freshness).
    """

    name: str
    title: str
    weight: int
    value: float | None
    good: int | None = None
    total: int | None = None


@dataclass(frozen=True)
class Quality:
    """The data quality: ``score`` is the weighted mean of the parts, from 0 to 100; None if no part has a value."""

    score: float | None
    parts: tuple[QualityPart, ...]


@dataclass(frozen=True)
class CurrencyImpact:
    """The impact in one currency; amounts of different currencies are never added.

    ``hidden_money`` is the value of the pieces out of sight at the current price: ``hidden_units`` of
    ``hidden_products``. ``lost_hidden`` is the estimated lost sales per day (average daily sales x price) of the
    products out of sight with stock, as far as daily sales are known: of ``lost_hidden_products``.
    ``lost_without_stock`` is the same for the visible products without stock.
    """

    hidden_products: int = 0
    hidden_units: int = 0
    hidden_money: Decimal = Decimal(0)
    lost_hidden: Decimal = Decimal(0)
    lost_hidden_products: int = 0
    lost_without_stock: Decimal = Decimal(0)
    lost_without_stock_products: int = 0

    @property
    def lost_per_day(self) -> Decimal:
        """The sum of both losses, which have no product in common: one counts products with stock, one without."""
        return self.lost_hidden + self.lost_without_stock


@dataclass(frozen=True)
class Impact:
    """The impact of products out of sight or without stock.

    ``in_stock`` counts products with at least one available piece, except archived ones. A visible product is without
    stock if its stock is known and no piece is available. ``hidden_units_unpriced`` are the ``hidden_units`` without a
    price, which are in none of the ``currencies``. The two lists have at most ``LISTED_AT_MOST`` products, sorted by
    money within each currency; the counts are complete.
    """

    in_stock: int
    visible_without_stock: int
    hidden_with_stock: int
    hidden_units: int
    hidden_units_unpriced: int
    hidden_with_stock_by_visibility: Counts
    archived_with_stock: int
    archived_units: int
    currencies: Mapping[str, CurrencyImpact]
    hidden_with_stock_products: tuple[Product, ...]
    visible_without_stock_products: tuple[Product, ...]

    @property
    def hidden_with_stock_pct(self) -> float | None:
        """The share of the products in stock that are out of sight."""
        return share_pct(self.hidden_with_stock, self.in_stock)


@dataclass(frozen=True)
class Reason:
    """One of Ozon's reasons, with the number of products out of sight that have it; a product can have several."""

    text: str
    products: int


@dataclass(frozen=True)
class VisibilityMetrics:
    """All numbers of one account, read from one snapshot of the warehouse.

    ``loaded_at`` and ``inventory_loaded_at`` are the last successes of the components, None if there are none;
    ``workflow_id`` is the workflow that last loaded the products. ``changes`` has the keys ``last``, ``day`` and
    ``week``, with None if there is no measurement that old. ``longest_hidden`` are products out of sight, the longest
    first. ``history`` are the measurements of the last 30 days before this one, oldest first.
    """

    account: str
    measured_at: datetime
    workflow_id: str | None
    loaded_at: datetime | None
    inventory_loaded_at: datetime | None
    products: int
    counts: Counts
    changes: Mapping[str, Change | None]
    transitions: Transitions
    field: FieldQuality
    quality: Quality
    impact: Impact
    top_reasons: tuple[Reason, ...]
    out_of_sight: int
    longest_hidden: tuple[Product, ...]
    history: tuple[HistoryPoint, ...]

    @property
    def is_empty(self) -> bool:
        """Return whether the account was never loaded, or has no products."""
        return self.loaded_at is None or not self.products

    @property
    def visible_pct(self) -> float | None:
        return self.pct(Visibility.VISIBLE)

    def pct(self, visibility: str) -> float | None:
        """Return the percentage of all products, archived ones included."""
        return share_pct(self.counts[visibility], self.products)
