"""The area of the data: age, number of products, and the checks of ``consistency``."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any, LiteralString

from include.ozon.monitoring.health import consistency
from include.ozon.monitoring.health.checks import Area, Check, HealthContext, Measures, checks_of, rules_of
from include.ozon.monitoring.health.loads import LOAD_STOPPERS, LOOK_AT_RUNS, AccountLoads
from include.ozon.monitoring.health.warehouse import WAREHOUSE_DOWN
from include.ozon.monitoring.results import Judgement, Status, judge
from include.ozon.monitoring.rule import Rule, Unit
from include.ozon.pipeline.component import Component
from include.ozon.pipeline.components import COMPONENTS
from include.ozon.pipeline.product_etl import PRODUCT_ETL
from include.ozon.settings import Settings
from include.ozon.settings.limits import Above, AboveShare
from include.ozon.translation import N_
from include.ozon.words import count_of, moment

# The same hour of former days, give or take this: a run may be late, or wait for its retries.
_SAME_HOUR = timedelta(minutes=90)
_FORMER_DAYS = 14
_FEWEST_FORMER_RUNS = 3

PRODUCT_COUNTS: LiteralString = """
SELECT started_at, (SELECT coalesce(sum(value::bigint), 0)::bigint FROM jsonb_each_text(visibility_counts))
FROM ozon.etl_component_executions
WHERE account = %(account)s AND component = %(component)s AND status = 'success' AND started_at > %(since)s
ORDER BY started_at DESC
"""


def _age_limit(component: Component[Any]) -> Rule[Above]:
    first = "".join(f" `{needed.name}` has to succeed first." for needed in component.needs)
    return Rule(
        name=f"{component.name}_age_hours",
        title=N_("{data} out of date", data=component.title),
        measures=N_("Time since {component} last succeeded.", component=component.name),
        unit=Unit.HOURS,
        limits=Above(warning=8, critical=14),
        next_step=LOOK_AT_RUNS,
        meaning=f"`{component.name}` has not succeeded for too long. The tables are complete, but as old as its last "
        "success.",
        remedy=f"`ozon runs` names the last error; find its class [below](#errors).{first}",
        group="loads",
        inhibited_by=LOAD_STOPPERS,
        key=f"components.{component.name}.age_limit_hours",
    )


AGE_LIMITS = {component.name: _age_limit(component) for component in COMPONENTS}

ROW_COUNT_CHANGE_PCT = Rule(
    name="row_count_change_pct",
    title=N_("the number of products has jumped"),
    measures=N_("Distance of the number of products from the usual number at that hour."),
    unit=Unit.CHANGE,
    limits=AboveShare(warning=20, critical=50, min_count=50),
    next_step=N_(
        "Check in Ozon Seller whether somebody deleted or added many products; if so, acknowledge this alert."
    ),
    meaning="The number of products is far from the usual number at that hour.",
    remedy="Check in Ozon Seller whether somebody deleted or added many products. If so: `ozon alerts ack ID`. "
    "Otherwise compare `ozon runs` with Ozon's list.",
    inhibited_by=WAREHOUSE_DOWN,
)


def _age(component: Component[Any], loads: AccountLoads) -> Judgement:
    latest = loads.last_success(component)
    if latest is None:
        return loads.never_loaded(component)
    finished_at = latest[1]
    hours = (loads.now - finished_at).total_seconds() / 3600
    loaded_at = moment(finished_at, loads.settings)
    text = f"Account {loads.account}: {component.title} last loaded {hours:.1f} hours ago, at {loaded_at}"
    return judge(loads.settings, AGE_LIMITS[component.name], round(hours, 3), text)


def _row_count_change(loads: AccountLoads) -> Judgement:
    """Compare the last load's number of products with the median of loads at that hour on former days."""
    account = loads.account
    latest = loads.last_success(PRODUCT_ETL)
    if latest is None:
        return loads.never_loaded(PRODUCT_ETL)
    loaded_at = latest[0]
    since = loaded_at - timedelta(days=_FORMER_DAYS) - _SAME_HOUR
    counted = loads.rows(PRODUCT_COUNTS, component=PRODUCT_ETL.name, since=since)
    found = counted[0][1]
    # Half a day excludes other loads of the same day.
    former = [
        count
        for started_at, count in counted
        if loaded_at - started_at > timedelta(hours=12) and _is_same_hour(loads.settings, started_at, loaded_at)
    ]
    at_hour = f"{loads.settings.in_time_zone(loaded_at):%H:%M}"
    if len(former) < _FEWEST_FORMER_RUNS:
        return Judgement(
            Status.OK,
            f"Account {account} has {count_of(found, 'product')}; the usual number at {at_hour} is not known yet "
            f"(found {count_of(len(former), 'load')} at that hour in {_FORMER_DAYS} days, expected at least "
            f"{_FEWEST_FORMER_RUNS}).",
        )
    usual = statistics.median(former)
    if not usual:
        return Judgement(
            Status.OK, f"Account {account} has {count_of(found, 'product')}; usually it has none at {at_hour}."
        )
    change_pct = round(100 * abs(found - usual) / usual, 3)
    direction = "fewer" if found < usual else "more"
    text = (
        f"Account {account} has {count_of(found, 'product')}, {change_pct:.1f} % {direction} than usual at {at_hour} "
        f"({usual:g}, the median of {len(former)} loads in {_FORMER_DAYS} days)"
    )
    return judge(loads.settings, ROW_COUNT_CHANGE_PCT, change_pct, text, count=int(usual))


def _is_same_hour(settings: Settings, one: datetime, other: datetime) -> bool:
    """Compare two times of day in the configured time zone, also around midnight."""
    moments = [settings.in_time_zone(moment) for moment in (one, other)]
    minutes = [60 * moment.hour + moment.minute for moment in moments]
    apart = abs(minutes[0] - minutes[1])
    return min(apart, 24 * 60 - apart) <= _SAME_HOUR.total_seconds() / 60


MEASURES: Measures[AccountLoads] = (
    *((AGE_LIMITS[component.name], partial(_age, component)) for component in COMPONENTS),
    (consistency.ORPHANED_INVENTORY_PCT, consistency.orphaned_inventory),
    (consistency.PRODUCTS_WITHOUT_INVENTORY_PCT, consistency.products_without_inventory),
    (consistency.IMPOSSIBLE_STOCK, consistency.impossible_stock),
    (ROW_COUNT_CHANGE_PCT, _row_count_change),
)


def checks(context: HealthContext) -> Iterator[Check]:
    for account in context.accounts:
        yield from checks_of(MEASURES, AccountLoads(context, account), account)


AREA = Area("data", rules_of(MEASURES), checks)
