"""Whether an account's data fits together: no stock without its product, no product without stock, none impossible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import LiteralString

from include.ozon.monitoring.health.loads import AccountLoads
from include.ozon.monitoring.health.warehouse import WAREHOUSE_DOWN
from include.ozon.monitoring.results import Finding, Status, judge
from include.ozon.monitoring.rule import Rule, Unit
from include.ozon.pipeline.inventory_etl import INVENTORY_ETL
from include.ozon.settings.limits import Above, AboveShare

# A result that is this much younger than the load it is of has seen that load's commit; a load notes its end in the
# transaction that it then has to commit, by PostgreSQL's clock.
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

# The two that look at whole tables. Written so that PostgreSQL joins by hash and in parallel: with a correlated EXISTS
# for each row they take twice as long.
ORPHANS: LiteralString = """
SELECT count(*) FILTER (WHERE p.product_id IS NULL), count(*)
FROM ozon.inventory i
LEFT JOIN ozon.products p ON p.account = %(account)s AND p.product_id = i.product_id
WHERE i.account = %(account)s
"""

# What was first seen after the last load of the inventory cannot have any yet.
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

# The index inventory_impossible has these rows and no others.
IMPOSSIBLE: LiteralString = """
SELECT offer_id, present, reserved, count(*) OVER ()
FROM ozon.inventory
WHERE account = %(account)s AND (present < 0 OR reserved < 0 OR reserved > present)
LIMIT %(named_count)s
"""

# Ozon's answers with less than nothing never get into the inventory. More of them than are looked at here change
# nothing about the verdict.
REFUSED: LiteralString = """
WITH latest AS (
    SELECT workflow_id, component, attempt
    FROM ozon.etl_component_executions
    WHERE account = %(account)s AND component = %(component)s AND status IN ('success', 'failed')
    ORDER BY started_at DESC
    LIMIT 1
), refused AS (
    SELECT r.payload FROM latest JOIN ozon.rejected_items r USING (workflow_id, component, attempt) LIMIT 10000
)
SELECT payload ->> 'offer_id', count(*) OVER ()
FROM refused
WHERE jsonb_path_exists(payload, '$.stocks[*] ? (@.present < 0 || @.reserved < 0)')
LIMIT %(named_count)s
"""

ORPHANED_INVENTORY_PCT = Rule(
    name="orphaned_inventory_pct",
    title="there is stock of unknown products",
    measures="The share of inventory whose product is unknown.",
    unit=Unit.SHARE,
    limits=AboveShare(warning=1, critical=10, min_count=10),
    next_step="Run ozon_etl once more; if it stays, compare the products with Ozon's list.",
    meaning="Stock belongs to products that the warehouse does not have.",
    remedy="Run `ozon_etl` once more; then compare with Ozon's list.",
    inhibited_by=WAREHOUSE_DOWN,
)

PRODUCTS_WITHOUT_INVENTORY_PCT = Rule(
    name="products_without_inventory_pct",
    title="products have no stock record",
    measures="The share of the products that are on sale or ready for it and have no inventory.",
    unit=Unit.SHARE,
    limits=AboveShare(warning=10, critical=50, min_count=10),
    next_step="Look whether inventory_etl rejected items: `SELECT * FROM ozon.rejected_items`.",
    meaning="Products on sale have no stock record at all.",
    remedy="`SELECT * FROM ozon.rejected_items WHERE component = 'inventory_etl'`.",
    inhibited_by=WAREHOUSE_DOWN,
)

IMPOSSIBLE_STOCK = Rule(
    name="impossible_stock",
    title="there is impossible stock",
    measures="Stocks below zero, or with more reserved than present.",
    limits=Above(warning=0, critical=100),
    next_step="Compare the named products with Ozon Seller, and tell Ozon's support.",
    meaning="Ozon reports stock below zero, or more reserved than present.",
    remedy="The mail names products: compare in Ozon Seller, tell Ozon's support.",
    inhibited_by=WAREHOUSE_DOWN,
)


@dataclass(frozen=True)
class _Share:
    part: int
    whole: int

    @property
    def pct(self) -> float:
        return round(100 * self.part / self.whole, 3) if self.whole else 0.0


def orphaned_inventory(loads: AccountLoads) -> Finding:
    return _once_after_a_load(
        loads,
        ORPHANED_INVENTORY_PCT,
        _count_orphans,
        "the inventory of account {} belongs to products that the warehouse does not have",
    )


def products_without_inventory(loads: AccountLoads) -> Finding:
    return _once_after_a_load(
        loads,
        PRODUCTS_WITHOUT_INVENTORY_PCT,
        _count_without_inventory,
        "the products of account {} that are on sale or in stock have no inventory",
    )


def impossible_stock(loads: AccountLoads) -> Finding:
    """The value counts rows of inventory, and entries that the last load rejected for being below zero."""
    if loads.last_success(INVENTORY_ETL) is None:
        return loads.never_loaded(INVENTORY_ETL)
    rows = loads.rows(IMPOSSIBLE, named_count=_NAMED_OFFERS)
    refused = loads.rows(REFUSED, component=INVENTORY_ETL.name, named_count=_NAMED_OFFERS)
    count = sum(found[0][-1] for found in (rows, refused) if found)
    seen = f"Account {loads.account} has no stock below zero, and none with more reserved than present"
    if count:
        found = [f"{offer_id} ({present} present, {reserved} reserved)" for offer_id, present, reserved, _ in rows]
        found += [f"{offer_id} (below zero, rejected by the last load)" for offer_id, _ in refused]
        rest = f" and {count - _NAMED_OFFERS} more" if count > _NAMED_OFFERS else ""
        seen = f"Account {loads.account} has {count} impossible stocks: {', '.join(found[:_NAMED_OFFERS])}{rest}"
    return judge(loads.settings, IMPOSSIBLE_STOCK, float(count), seen)


def _once_after_a_load(
    loads: AccountLoads, rule: Rule[AboveShare], measure: Callable[[AccountLoads, datetime], _Share], of_what: str
) -> Finding:
    """Measure a share of whole tables once after each load, since only a load changes the tables.

    As long as ``health_checks`` has a result younger than the account's last attempt, its value is judged again with
    today's limits. How many rows the value was a share of is not stored. So a value that was fine and now would
    not be, because a limit was changed or ``min_count`` keeps it silent, is measured anew.
    """
    latest = loads.last_success(INVENTORY_ETL)
    if latest is None:
        return loads.never_loaded(INVENTORY_ETL)
    judged = partial(_judge_share, loads, rule, of_what.format(loads.account))
    if (carried := _carried_over(loads, rule)) is not None:
        was_ok, value = carried
        finding = judged(value)
        if finding.status is Status.OK or not was_ok:
            return finding
    share = measure(loads, latest[1])
    return judged(share.pct, share)


def _judge_share(
    loads: AccountLoads, rule: Rule[AboveShare], of_what: str, pct: float, share: _Share | None = None
) -> Finding:
    counted = f"{share.part} of {share.whole}, " if share and share.part else ""
    seen = f"{counted}{pct:.1f} % of {of_what}"
    return judge(loads.settings, rule, pct, seen, count=share.whole if share else None)


def _carried_over(loads: AccountLoads, rule: Rule[AboveShare]) -> tuple[bool, float] | None:
    """Whether the last result that still holds was OK, and its value."""
    ((ended_at,),) = loads.rows(LAST_END)
    found = loads.rows(PREVIOUS_RESULT, check=rule.name, since=ended_at + _COMMIT_MARGIN)
    return (found[0][0] == Status.OK, found[0][1]) if found and found[0][1] is not None else None


def _count_orphans(loads: AccountLoads, _: datetime) -> _Share:
    return _Share(*loads.rows(ORPHANS)[0])


def _count_without_inventory(loads: AccountLoads, inventory_loaded_at: datetime) -> _Share:
    return _Share(*loads.rows(WITHOUT_INVENTORY, inventory_loaded_at=inventory_loaded_at)[0])
