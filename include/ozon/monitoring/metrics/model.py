"""What a measurement of an account's visibility holds. Every number's meaning stands here, and in
docs/visibility-report.md for those who read the reports.

A product is *out of sight* when customers cannot see it although it is in no archive: HIDDEN, MODERATION, DECLINED or
UNKNOWN. Products that Ozon no longer lists (removed) are in no number but ``Transitions.removed``.
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
    """None where there is nothing to have a share of."""
    return 100 * part / whole if whole else None


@dataclass(frozen=True)
class HistoryPoint:
    """What was stored of an earlier measurement."""

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
    """How the numbers differ from those of an earlier measurement.

    ``visible_points`` is the change of the visible share in points of a per cent, None where either had no products.
    """

    measured_at: datetime
    products: int
    counts: Counts
    visible_points: float | None


@dataclass(frozen=True, slots=True)
class Product:
    """A product that a list names.

    ``since`` is when it came into its visibility, for a transition when it turned; where ``is_since_first_seen`` it is
    when the product was first loaded, so the state is at least as old. ``previous`` is its visibility before a
    transition. ``units`` can be sold (available, never below 0), None where no stock is known. ``price`` is the
    current one in ``currency``. ``daily_sales`` are pieces a day, None where unknown.
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
    """What customers see no longer, or again, compared with ``since``.

    A product that went there and back counts as what it is at the end, and one that was not in the catalogue at
    ``since`` is no transition. ``basis`` tells where ``since`` comes from: the last measurement, whoever asked, or,
    where there is neither, the load before the last one. ``visible_before`` is how many products were visible then.
    ``removed`` were visible then and are no longer listed by Ozon; they are not in ``turned_invisible``.
    """

    since: datetime
    basis: Basis
    visible_before: int
    turned_invisible: tuple[Product, ...]
    turned_visible: tuple[Product, ...]
    removed: tuple[Product, ...]


@dataclass(frozen=True)
class FieldQuality:
    """How complete and how fresh the field ``visibility`` is.

    ``coverage_pct`` is the share of the products whose visibility is known (not UNKNOWN). ``with_reason_pct`` is the
    share of the HIDDEN and DECLINED ones that come with a reason of Ozon's. ``age_hours`` is how long ago
    ``product_etl`` last succeeded.
    """

    coverage_pct: float | None
    with_reason_pct: float | None
    age_hours: float | None


@dataclass(frozen=True)
class QualityPart:
    """One part of the score: ``good`` of ``total`` are as they should be, which is ``value`` from 0 to 100.

    ``value`` is None where there was nothing to look at: such a part has no weight. ``total`` is None for a part that
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
    """``score`` is the mean of the parts by their weights, from 0 to 100; None where no part has a value."""

    score: float | None
    parts: tuple[QualityPart, ...]


@dataclass(frozen=True)
class CurrencyImpact:
    """Money of one currency; it is never added to that of another.

    ``hidden_money`` is the worth of the pieces out of sight, at the current price: ``hidden_units`` of
    ``hidden_products``. ``lost_hidden`` is what the products out of sight with stock do not earn a day
    (average daily sales x price), of the ``lost_hidden_products`` whose daily sales are known; ``lost_without_stock``
    the same for the visible products without stock.
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
        """No product is in both: one has stock and the other none."""
        return self.lost_hidden + self.lost_without_stock


@dataclass(frozen=True)
class Impact:
    """What it costs.

    ``in_stock`` are the products with at least one available piece, the archived ones left out. Visible products are
    without stock where their stock is known and none of it is available. ``hidden_units_unpriced`` are those of
    ``hidden_units`` that have no price, so that no currency holds them. The two lists name the worst first, by money
    within each currency, at most ``LISTED_AT_MOST``; the counts are of all.
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
    """One of Ozon's reasons, and how many products out of sight have it; a product can have several."""

    text: str
    products: int


@dataclass(frozen=True)
class VisibilityMetrics:
    """All numbers of one account, read from one snapshot of the warehouse.

    ``loaded_at`` and ``inventory_loaded_at`` are when the components last succeeded, None where they never did;
    ``workflow_id`` names the workflow that brought the products. ``changes`` are by ``last``, ``day`` and ``week``,
    None where nothing was measured so long ago. ``longest_hidden`` are out of sight, the longest first. ``history``
    are the measurements of the last 30 days before this one, oldest first.
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
        """Whether there is nothing to say anything about: the account was never loaded, or has no products."""
        return self.loaded_at is None or not self.products

    @property
    def visible_pct(self) -> float | None:
        return self.pct(Visibility.VISIBLE)

    def pct(self, visibility: str) -> float | None:
        """The share of all products, archived ones included."""
        return share_pct(self.counts[visibility], self.products)
