"""Visibility: the stored measurements, the products that turned invisible of late, and what that costs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg.rows import class_row, dict_row

from include.ozon.marketplace.visibility import Visibility
from include.ozon.monitoring.metrics.model import Counts
from include.ozon.warehouse.session import Connection

READ_AT_MOST = 2_000
"""The most products that turned invisible and are read for a page."""
_LISTED = 5
_MOST_POINTS = 400

# The last measurement before the period too: the chart begins with a state.
_POINTS = """
SELECT account, measured_at, visible, hidden, moderation, declined, archived, unknown
FROM ozon.visibility_metrics m
WHERE account = ANY(%(accounts)s)
  AND measured_at >= coalesce(
      (SELECT max(measured_at) FROM ozon.visibility_metrics WHERE account = m.account AND measured_at < %(since)s),
      %(since)s
  )
ORDER BY measured_at
"""

_LATEST = """
SELECT latest.*
FROM unnest(%(accounts)s::text[]) AS asked (account)
CROSS JOIN LATERAL (
    SELECT account, measured_at, products, visible, hidden_with_stock, visible_without_stock, impact
    FROM ozon.visibility_metrics m
    WHERE m.account = asked.account
    ORDER BY measured_at DESC
    LIMIT 1
) latest
"""

_TURNED_INVISIBLE = """
WITH turned AS (
    SELECT account, product_id, max(valid_to) AS turned_at
    FROM unnest(%(accounts)s::text[]) AS asked (account)
    CROSS JOIN LATERAL (
        SELECT product_id, valid_to
        FROM ozon.product_visibility_history h
        WHERE h.account = asked.account AND h.visibility = 'VISIBLE' AND h.valid_to > %(since)s
        ORDER BY valid_to DESC
        LIMIT %(limit)s
    ) ended
    GROUP BY account, product_id
)
SELECT t.account, p.product_id, p.sku, p.offer_id, p.name, p.visibility, t.turned_at, p.price, p.currency_code,
       coalesce(p.hidden_reasons[1], '') AS reason, s.available AS units
FROM turned t
JOIN ozon.products p USING (account, product_id)
LEFT JOIN ozon.product_stock s USING (account, product_id)
WHERE p.visibility <> 'VISIBLE' AND p.removed_at IS NULL
"""

_MANY_TURNED = """
SELECT count(*) > %(limit)s
FROM (
    SELECT FROM ozon.product_visibility_history
    WHERE account = ANY(%(accounts)s) AND visibility = 'VISIBLE' AND valid_to > %(since)s
    LIMIT %(limit)s + 1
) ended
"""

_PRICE_CHANGES = """
SELECT count(*) FILTER (WHERE price > previous_price) AS raised,
       count(*) FILTER (WHERE price < previous_price) AS lowered
FROM ozon.product_price_history
WHERE account = ANY(%(accounts)s) AND valid_from > %(since)s AND price <> previous_price
"""


@dataclass(frozen=True)
class TurnedInvisible:
    """A product that was visible since the period's beginning and is not now."""

    account: str
    product_id: int
    sku: int | None
    offer_id: str
    name: str
    visibility: str
    turned_at: datetime
    price: Decimal | None
    currency_code: str
    reason: str
    units: int | None

    @property
    def worth(self) -> Decimal:
        return (self.price or Decimal(0)) * (self.units or 0)


@dataclass(frozen=True)
class ReasonGroup:
    """Products that turned invisible for one reason; ``worth`` is by currency, that of most products first.

    Money of different currencies cannot be compared, so the products are ordered by currency and then by worth.
    """

    reason: str
    count: int
    worth: Mapping[str, Decimal]
    products: Sequence[TurnedInvisible]


@dataclass(frozen=True)
class Money:
    """The losses of all selected accounts in one currency; ``lost_per_day`` is None if no sales are known."""

    currency: str
    hidden_money: Decimal
    lost_per_day: Decimal | None


@dataclass(frozen=True)
class Cost:
    """The costs of hidden products and of missing stock, by the last measurements."""

    products: int
    visible: int
    hidden_with_stock: int
    visible_without_stock: int
    money: Sequence[Money]
    prices_raised: int
    prices_lowered: int
    measured_at: datetime | None


def read_points(
    connection: Connection, accounts: Sequence[str], since: datetime, now: datetime
) -> list[tuple[datetime, Counts]]:
    """Return the products by visibility at each measurement and now, added over the accounts.

    The accounts are measured at different moments: each counts with its last measurement.
    """
    last: dict[str, tuple[int, ...]] = {}
    points: dict[datetime, Counts] = {}
    for account, measured_at, *counts in connection.execute(_POINTS, {"accounts": list(accounts), "since": since}):
        last[account] = tuple(counts)
        sums = (sum(each) for each in zip(*last.values(), strict=True))
        points[max(measured_at, since)] = dict(zip(map(str, Visibility), sums, strict=True))
    # The last state lasts until now. A chart has no room for more points.
    step = len(points) // _MOST_POINTS + 1
    return [*list(points.items())[::-step][::-1], *((now, counts) for counts in list(points.values())[-1:])]


def read_turned_invisible(connection: Connection, accounts: Sequence[str], since: datetime) -> list[ReasonGroup]:
    """Return what turned invisible since then, by reason, the most frequent reason first."""
    values = {"accounts": list(accounts), "since": since, "limit": READ_AT_MOST}
    groups: defaultdict[str, list[TurnedInvisible]] = defaultdict(list)
    for product in connection.cursor(row_factory=class_row(TurnedInvisible)).execute(_TURNED_INVISIBLE, values):
        groups[product.reason].append(product)
    return sorted(
        (_group(reason, products) for reason, products in groups.items()),
        key=lambda group: (-group.count, group.reason),
    )


def have_many_turned(connection: Connection, accounts: Sequence[str], since: datetime) -> bool:
    """Return whether more products turned invisible since then than `read_turned_invisible` reads."""
    values = {"accounts": list(accounts), "since": since, "limit": READ_AT_MOST}
    row = connection.execute(_MANY_TURNED, values).fetchone()
    return bool(row and row[0])


def read_cost(connection: Connection, accounts: Sequence[str], yesterday: datetime) -> Cost:
    """Return the costs by the last measurement of each account, and the price changes since yesterday."""
    values = {"accounts": list(accounts), "since": yesterday}
    rows = connection.cursor(row_factory=dict_row).execute(_LATEST, values).fetchall()
    raised, lowered = connection.execute(_PRICE_CHANGES, values).fetchone() or (0, 0)
    return Cost(
        products=sum(row["products"] for row in rows),
        visible=sum(row["visible"] for row in rows),
        hidden_with_stock=sum(row["hidden_with_stock"] for row in rows),
        visible_without_stock=sum(row["visible_without_stock"] for row in rows),
        money=_money(rows),
        prices_raised=raised,
        prices_lowered=lowered,
        measured_at=min((row["measured_at"] for row in rows), default=None),
    )


def _group(reason: str, products: list[TurnedInvisible]) -> ReasonGroup:
    counted = Counter(product.currency_code for product in products)
    currencies = sorted(counted, key=lambda currency: (-counted[currency], currency))
    worth = dict.fromkeys(currencies, Decimal(0))
    for product in products:
        worth[product.currency_code] += product.worth
    ranked = sorted(
        products,
        key=lambda product: (
            not product.worth,
            currencies.index(product.currency_code),
            -product.worth,
            product.account,
            product.product_id,
        ),
    )
    return ReasonGroup(reason, len(products), {name: money for name, money in worth.items() if money}, ranked[:_LISTED])


def _money(rows: Sequence[Mapping[str, Any]]) -> list[Money]:
    products: Counter[str] = Counter()
    sold: Counter[str] = Counter()
    hidden: defaultdict[str, Decimal] = defaultdict(Decimal)
    lost: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        for currency, impact in row["impact"].items():
            sold[currency] += impact["lost_hidden_products"] + impact["lost_without_stock_products"]
            products[currency] += impact["hidden_products"] + impact["lost_without_stock_products"]
            hidden[currency] += Decimal(str(impact["hidden_money"]))
            lost[currency] += Decimal(str(impact["lost_per_day"]))
    ranked = sorted(products, key=lambda currency: (-products[currency], currency))
    return [Money(currency, hidden[currency], lost[currency] if sold[currency] else None) for currency in ranked]
