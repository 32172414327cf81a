"""Checks of an account's data for contradictions: stock without a product, products without stock, impossible stock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import LiteralString

from include.ozon.monitoring.health.loads import AccountLoads
from include.ozon.monitoring.health.warehouse import WAREHOUSE_DOWN
from include.ozon.monitoring.results import Judgement, Status, judge
from include.ozon.monitoring.rule import Rule, Unit
from include.ozon.pipeline.inventory_etl import INVENTORY_ETL
from include.ozon.settings.limits import Above, AboveShare
from include.ozon.translation import N_
from include.ozon.words import count_of

# A load records its end inside the transaction that it then commits. A result that is younger by this margin was
# measured after the commit.
_COMMIT_MARGIN = timedelta(minutes=1)

_NAMED_OFFERS = 5

LAST_END: LiteralString = """
SELECT max(finished_at) FROM ozon.etl_component_executions WHERE account = %(account)s
"""

PREVIOUS_RESULT: LiteralString = """
SELECT status, value
FROM ozon.health_checks
WHERE "check" = %(check)s AND account = %(account)s AND measured_at BETWEEN %(since)s AND %(now)s
  AND status NOT IN ('unknown', 'error')
ORDER BY measured_at DESC
LIMIT 1
"""

# These two read whole tables. They are written so that PostgreSQL uses parallel hash joins: a correlated EXISTS for
# each row takes twice as long.
ORPHANS: LiteralString = """
SELECT count(*) FILTER (WHERE p.product_id IS NULL), count(*)
FROM ozon.inventory i
LEFT JOIN ozon.products p ON p.account = %(account)s AND p.product_id = i.product_id
WHERE i.account = %(account)s
"""

# Products first seen after the last load of the inventory cannot have any yet.
WITHOUT_INVENTORY: LiteralString = """
SELECT (
    SELECT count(*)
    FROM ozon.products p
    WHERE p.account = %(account)s AND p.removed_at IS NULL AND NOT p.is_archived
      AND (p.visibility = 'VISIBLE' OR p.has_stock) AND p.first_seen_at <= %(inventory_loaded_at)s
      AND NOT EXISTS (SELECT FROM ozon.inventory i WHERE i.account = %(account)s AND i.product_id = p.product_id)
), (
    SELECT count(*)
    FROM ozon.products p
    WHERE p.account = %(account)s AND p.removed_at IS NULL AND NOT p.is_archived
      AND (p.visibility = 'VISIBLE' OR p.has_stock) AND p.first_seen_at <= %(inventory_loaded_at)s
)
"""

# The index inventory_impossible contains exactly these rows.
IMPOSSIBLE: LiteralString = """
SELECT offer_id, present, reserved, count(*) OVER ()
FROM ozon.inventory
WHERE account = %(account)s AND (present < 0 OR reserved < 0 OR reserved > present)
LIMIT %(named_count)s
"""

# Negative stock is rejected and never reaches the inventory. The limit only saves time: the verdict is the same.
REJECTED: LiteralString = """
WITH latest AS (
    SELECT workflow_id, component, attempt
    FROM ozon.etl_component_executions
    WHERE account = %(account)s AND component = %(component)s AND status IN ('success', 'failed')
    ORDER BY started_at DESC
    LIMIT 1
), rejected AS (
    SELECT r.payload FROM latest JOIN ozon.rejected_items r USING (workflow_id, component, attempt) LIMIT 10000
)
SELECT payload ->> 'offer_id', count(*) OVER ()
FROM rejected
WHERE jsonb_path_exists(payload, '$.stocks[*] ? (@.present < 0 || @.reserved < 0)')
LIMIT %(named_count)s
"""

ORPHANED_INVENTORY_PCT = Rule(
    name="orphaned_inventory_pct",
    title=N_("stock of unknown products"),
    measures=N_("Share of the inventory rows whose product is not in the warehouse."),
    unit=Unit.SHARE,
    limits=AboveShare(warning=1, critical=10, min_count=10),
    next_step=N_("Run ozon_etl again. If the share stays, compare the table products with the list in Ozon Seller."),
    meaning="The inventory contains stock of products that the table `products` does not contain.",
    remedy="Run `ozon_etl` again. If the share stays, compare the table `products` with the list in Ozon Seller.",
    inhibited_by=WAREHOUSE_DOWN,
)

PRODUCTS_WITHOUT_INVENTORY_PCT = Rule(
    name="products_without_inventory_pct",
    title=N_("products have no stock record"),
    measures=N_("Share of the products on sale or in stock that have no inventory."),
    unit=Unit.SHARE,
    limits=AboveShare(warning=10, critical=50, min_count=10),
    next_step=N_("Check which items inventory_etl rejected, and why: `SELECT * FROM ozon.rejected_items`."),
    meaning="Products that are on sale or in stock have no row in `inventory`.",
    remedy="`SELECT * FROM ozon.rejected_items WHERE component = 'inventory_etl'` shows the rejected items with their "
    "reasons.",
    inhibited_by=WAREHOUSE_DOWN,
)

IMPOSSIBLE_STOCK = Rule(
    name="impossible_stock",
    title=N_("impossible stock"),
    measures=N_("Number of stocks below zero, or with more reserved than present."),
    limits=Above(warning=0, critical=100),
    next_step=N_("Compare the named products with Ozon Seller, and report the difference to Ozon's support."),
    meaning="Ozon reports stock below zero, or more reserved than present.",
    remedy="Compare the products that the mail names with Ozon Seller, and report the difference to Ozon's support.",
    inhibited_by=WAREHOUSE_DOWN,
)


@dataclass(frozen=True)
class _Share:
    part: int
    whole: int

    @property
    def pct(self) -> float:
        return round(100 * self.part / self.whole, 3) if self.whole else 0.0


def orphaned_inventory(loads: AccountLoads) -> Judgement:
    return _once_after_a_load(
        loads,
        ORPHANED_INVENTORY_PCT,
        _count_orphans,
        "the inventory of account {} belongs to products that the warehouse does not have",
    )


def products_without_inventory(loads: AccountLoads) -> Judgement:
    return _once_after_a_load(
        loads,
        PRODUCTS_WITHOUT_INVENTORY_PCT,
        _count_without_inventory,
        "the products of account {} that are on sale or in stock have no inventory",
    )


def impossible_stock(loads: AccountLoads) -> Judgement:
    """Check for impossible stock; the value counts inventory rows, and negative entries that the last load rejected."""
    if loads.last_success(INVENTORY_ETL) is None:
        return loads.never_loaded(INVENTORY_ETL)
    rows = loads.rows(IMPOSSIBLE, named_count=_NAMED_OFFERS)
    rejected = loads.rows(REJECTED, component=INVENTORY_ETL.name, named_count=_NAMED_OFFERS)
    count = sum(found[0][-1] for found in (rows, rejected) if found)
    text = f"Account {loads.account} has no stock below zero, and none with more reserved than present"
    if count:
        found = [f"{offer_id} ({present} present, {reserved} reserved)" for offer_id, present, reserved, _ in rows]
        found += [f"{offer_id} (below zero, rejected by the last load)" for offer_id, _ in rejected]
        rest = f" and {count - _NAMED_OFFERS} more" if count > _NAMED_OFFERS else ""
        products = ", ".join(found[:_NAMED_OFFERS])
        text = f"Account {loads.account} has impossible stock in {count_of(count, 'record')}: {products}{rest}"
    return judge(loads.settings, IMPOSSIBLE_STOCK, float(count), text)


def _once_after_a_load(
    loads: AccountLoads, rule: Rule[AboveShare], measure: Callable[[AccountLoads, datetime], _Share], of_what: str
) -> Judgement:
    """Measure a share of whole tables once after each load, since only a load changes the tables.

    If ``health_checks`` has a result younger than the account's last attempt, its value is judged again with the
    current limits. The number of rows behind that value is not stored, so ``min_count`` cannot be applied to it: a
    value that was OK and no longer is, is measured again.
    """
    latest = loads.last_success(INVENTORY_ETL)
    if latest is None:
        return loads.never_loaded(INVENTORY_ETL)
    judged = partial(_judge_share, loads, rule, of_what.format(loads.account))
    if (carried := _carried_over(loads, rule)) is not None:
        was_ok, value = carried
        judgement = judged(value)
        if judgement.status is Status.OK or not was_ok:
            return judgement
    share = measure(loads, latest[1])
    return judged(share.pct, share)


def _judge_share(
    loads: AccountLoads, rule: Rule[AboveShare], of_what: str, pct: float, share: _Share | None = None
) -> Judgement:
    counted = f"{share.part} of {share.whole}, " if share and share.part else ""
    text = f"{counted}{pct:.1f} % of {of_what}"
    return judge(loads.settings, rule, pct, text, count=share.whole if share else None)


def _carried_over(loads: AccountLoads, rule: Rule[AboveShare]) -> tuple[bool, float] | None:
    """Return whether the last result is OK, and its value; None if there was a load since."""
    ((ended_at,),) = loads.rows(LAST_END)
    found = loads.rows(PREVIOUS_RESULT, check=rule.name, since=ended_at + _COMMIT_MARGIN)
    return (found[0][0] == Status.OK, found[0][1]) if found and found[0][1] is not None else None


def _count_orphans(loads: AccountLoads, _: datetime) -> _Share:
    return _Share(*loads.rows(ORPHANS)[0])


def _count_without_inventory(loads: AccountLoads, inventory_loaded_at: datetime) -> _Share:
    return _Share(*loads.rows(WITHOUT_INVENTORY, inventory_loaded_at=inventory_loaded_at)[0])
