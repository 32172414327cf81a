"""Whether the warehouse's data is fresh, whole and possible, for each account."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, LiteralString

from include.ozon.monitoring.health.checks import Area, Check, HealthContext, Row
from include.ozon.monitoring.health.runs import LOAD_STOPPERS, LOOK_AT_RUNS
from include.ozon.monitoring.health.warehouse import WAREHOUSE_DOWN
from include.ozon.monitoring.results import Finding, Status, judge, unknown
from include.ozon.monitoring.rule import Rule, Unit
from include.ozon.pipeline.component import Component
from include.ozon.pipeline.components import COMPONENTS
from include.ozon.pipeline.inventory_etl import INVENTORY_ETL
from include.ozon.pipeline.product_etl import PRODUCT_ETL
from include.ozon.settings.limits import Above, AboveShare
from include.ozon.words import moment

# A result that is this much younger than the load it is of has seen that load's commit; a load notes its end in the
# transaction that it then has to commit, by PostgreSQL's clock.
_COMMIT_MARGIN = timedelta(minutes=1)

# "The same hour" of former days: a run may be late, or wait for its retries.
_SAME_HOUR = timedelta(minutes=90)
_FORMER_DAYS = 14
_FEWEST_FORMER_RUNS = 3
_NAMED_OFFERS = 5

LAST_SUCCESS: LiteralString = """
SELECT started_at, finished_at
FROM ozon.etl_component_executions
WHERE account = %(account)s AND component = %(component)s AND status = 'success'
ORDER BY started_at DESC
LIMIT 1
"""

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

PRODUCT_COUNTS: LiteralString = """
SELECT started_at, (SELECT coalesce(sum(value::bigint), 0)::bigint FROM jsonb_each_text(visibility_counts))
FROM ozon.etl_component_executions
WHERE account = %(account)s AND component = %(component)s AND status = 'success' AND started_at > %(since)s
ORDER BY started_at DESC
"""


def _age_limit(component: Component[Any]) -> Rule[Above]:
    first = "".join(f" {needed.name} has to succeed first." for needed in component.needs)
    return Rule(
        name=f"{component.name}_age_hours",
        title=f"{component.title} out of date",
        measures=f"How long ago {component.name} last succeeded.",
        unit=Unit.HOURS,
        limits=Above(warning=8, critical=14),
        next_step=LOOK_AT_RUNS,
        meaning="The last success is too old. What readers see is complete, and of then.",
        remedy=f"`ozon runs`; query 8 of [tables.md](tables.md#queries).{first}",
        group="loads",
        inhibited_by=LOAD_STOPPERS,
        key=f"components.{component.name}.age_limit_hours",
    )


AGE_LIMITS = {component.name: _age_limit(component) for component in COMPONENTS}

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

ROW_COUNT_CHANGE_PCT = Rule(
    name="row_count_change_pct",
    title="the number of products has jumped",
    measures="How far the number of products is from the usual one for that hour.",
    unit=Unit.CHANGE,
    limits=AboveShare(warning=20, critical=50, min_count=50),
    next_step="Check Ozon Seller: somebody may have removed products, or added many.",
    meaning="The number of products is far from what is usual at that hour.",
    remedy="Did somebody delete or add many products? If so, acknowledge it.",
    inhibited_by=WAREHOUSE_DOWN,
)


def checks(context: HealthContext) -> Iterator[Check]:
    for account in context.accounts:
        data = _AccountData(context, account)
        for component in COMPONENTS:
            yield Check(AGE_LIMITS[component.name], partial(data.age, component), account)
        for rule, measure in (
            (ORPHANED_INVENTORY_PCT, data.orphaned_inventory),
            (PRODUCTS_WITHOUT_INVENTORY_PCT, data.products_without_inventory),
            (IMPOSSIBLE_STOCK, data.impossible_stock),
            (ROW_COUNT_CHANGE_PCT, data.row_count_change),
        ):
            yield Check(rule, measure, account)


@dataclass(frozen=True)
class _Share:
    part: int
    whole: int

    @property
    def pct(self) -> float:
        return round(100 * self.part / self.whole, 3) if self.whole else 0.0


class _AccountData:
    """What one account's checks measure.

    The two that compare whole tables are measured once after each load, since only a load changes the tables: as
    long as ``health_checks`` has a result younger than the account's last attempt, its value is judged again with
    today's limits. How many rows the value was a share of is not stored. So a value that was fine and now would
    not be, because a limit was changed or ``min_count`` keeps it silent, is measured anew.
    """

    def __init__(self, context: HealthContext, account: str) -> None:
        self._context = context
        self._account = account
        self._settings = context.settings

    def age(self, component: Component[Any]) -> Finding:
        """How long ago a component last succeeded."""
        latest = self._last_success(component)
        if latest is None:
            return self._never_loaded(component)
        finished_at = latest[1]
        hours = (self._context.now - finished_at).total_seconds() / 3600
        loaded_at = moment(finished_at, self._settings)
        seen = f"Account {self._account}: {component.title} last loaded {hours:.1f} hours ago, at {loaded_at}"
        return judge(self._settings, AGE_LIMITS[component.name], round(hours, 3), seen)

    def orphaned_inventory(self) -> Finding:
        return self._once_after_a_load(
            ORPHANED_INVENTORY_PCT,
            self._count_orphans,
            "the inventory of account {} belongs to products that the warehouse does not have",
        )

    def products_without_inventory(self) -> Finding:
        return self._once_after_a_load(
            PRODUCTS_WITHOUT_INVENTORY_PCT,
            self._count_without_inventory,
            "the products of account {} that are on sale or in stock have no inventory",
        )

    def impossible_stock(self) -> Finding:
        """The value counts rows of inventory, and entries that the last load rejected for being below zero."""
        if self._last_success(INVENTORY_ETL) is None:
            return self._never_loaded(INVENTORY_ETL)
        rows = self._rows(IMPOSSIBLE, named_count=_NAMED_OFFERS)
        refused = self._rows(REFUSED, component=INVENTORY_ETL.name, named_count=_NAMED_OFFERS)
        count = sum(found[0][-1] for found in (rows, refused) if found)
        seen = f"Account {self._account} has no stock below zero, and none with more reserved than present"
        if count:
            found = [f"{offer_id} ({present} present, {reserved} reserved)" for offer_id, present, reserved, _ in rows]
            found += [f"{offer_id} (below zero, rejected by the last load)" for offer_id, _ in refused]
            rest = f" and {count - _NAMED_OFFERS} more" if count > _NAMED_OFFERS else ""
            seen = f"Account {self._account} has {count} impossible stocks: {', '.join(found[:_NAMED_OFFERS])}{rest}"
        return judge(self._settings, IMPOSSIBLE_STOCK, float(count), seen)

    def row_count_change(self) -> Finding:
        """How far the last load's number of products is from the median of those at that hour of former days."""
        account = self._account
        latest = self._last_success(PRODUCT_ETL)
        if latest is None:
            return self._never_loaded(PRODUCT_ETL)
        loaded_at = latest[0]
        since = loaded_at - timedelta(days=_FORMER_DAYS) - _SAME_HOUR
        loads = self._rows(PRODUCT_COUNTS, component=PRODUCT_ETL.name, since=since)
        found = loads[0][1]
        # Half a day keeps out what is of the same day.
        former = [
            count
            for started_at, count in loads
            if loaded_at - started_at > timedelta(hours=12) and self._is_same_hour(started_at, loaded_at)
        ]
        at_hour = f"{self._context.settings.in_time_zone(loaded_at):%H:%M}"
        if len(former) < _FEWEST_FORMER_RUNS:
            return Finding(
                Status.OK,
                f"Account {account} has {found} products; what is usual at {at_hour} is not known yet "
                f"({len(former)} loads at that hour in {_FORMER_DAYS} days, {_FEWEST_FORMER_RUNS} are needed).",
            )
        usual = statistics.median(former)
        if not usual:
            return Finding(
                Status.OK, f"Account {account} has {found} products; usually it has none at {at_hour}, so no share."
            )
        change_pct = round(100 * abs(found - usual) / usual, 3)
        direction = "fewer" if found < usual else "more"
        seen = (
            f"Account {account} has {found} products, {change_pct:.1f} % {direction} than usual at {at_hour} "
            f"({usual:g}, the median of {len(former)} loads in {_FORMER_DAYS} days)"
        )
        return judge(self._settings, ROW_COUNT_CHANGE_PCT, change_pct, seen, count=int(usual))

    def _never_loaded(self, component: Component[Any]) -> Finding:
        return unknown(f"Account {self._account}: {component.title} not loaded yet")

    def _once_after_a_load(
        self, rule: Rule[AboveShare], measure: Callable[[datetime], _Share], of_what: str
    ) -> Finding:
        latest = self._last_success(INVENTORY_ETL)
        if latest is None:
            return self._never_loaded(INVENTORY_ETL)
        judged = partial(self._judge_share, rule, of_what.format(self._account))
        if (carried := self._carried_over(rule)) is not None:
            was_ok, value = carried
            finding = judged(value)
            if finding.status is Status.OK or not was_ok:
                return finding
        share = measure(latest[1])
        return judged(share.pct, share)

    def _judge_share(self, rule: Rule[AboveShare], of_what: str, pct: float, share: _Share | None = None) -> Finding:
        counted = f"{share.part} of {share.whole}, " if share and share.part else ""
        seen = f"{counted}{pct:.1f} % of {of_what}"
        return judge(self._settings, rule, pct, seen, count=share.whole if share else None)

    def _carried_over(self, rule: Rule[AboveShare]) -> tuple[bool, float] | None:
        """Whether the last result that still holds was OK, and its value."""
        ((ended_at,),) = self._rows(LAST_END)
        found = self._rows(PREVIOUS_RESULT, check=rule.name, since=ended_at + _COMMIT_MARGIN)
        return (found[0][0] == Status.OK, found[0][1]) if found and found[0][1] is not None else None

    def _count_orphans(self, _: datetime) -> _Share:
        return _Share(*self._rows(ORPHANS)[0])

    def _count_without_inventory(self, inventory_loaded_at: datetime) -> _Share:
        return _Share(*self._rows(WITHOUT_INVENTORY, inventory_loaded_at=inventory_loaded_at)[0])

    def _last_success(self, component: Component[Any]) -> tuple[datetime, datetime] | None:
        """When the last successful attempt began and ended."""
        found = self._rows(LAST_SUCCESS, component=component.name)
        return (found[0][0], found[0][1]) if found else None

    def _is_same_hour(self, one: datetime, other: datetime) -> bool:
        """By the clock of the configuration's time zone, around midnight too."""
        moments = [self._context.settings.in_time_zone(moment) for moment in (one, other)]
        minutes = [60 * moment.hour + moment.minute for moment in moments]
        apart = abs(minutes[0] - minutes[1])
        return min(apart, 24 * 60 - apart) <= _SAME_HOUR.total_seconds() / 60

    def _rows(self, query: LiteralString, **parameters: object) -> list[Row]:
        return self._context.rows(query, account=self._account, now=self._context.now, **parameters)


AREA = Area(
    "data",
    (
        *AGE_LIMITS.values(),
        ORPHANED_INVENTORY_PCT,
        PRODUCTS_WITHOUT_INVENTORY_PCT,
        IMPOSSIBLE_STOCK,
        ROW_COUNT_CHANGE_PCT,
    ),
    checks,
)
