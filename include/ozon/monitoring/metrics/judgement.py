"""The metrics judged by their rules: what is worth a warning about an account's visibility."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from include.ozon.marketplace.visibility import Visibility
from include.ozon.monitoring.health.warehouse import WAREHOUSE_DOWN
from include.ozon.monitoring.metrics.missing import missing_products
from include.ozon.monitoring.metrics.model import HistoryPoint, VisibilityMetrics, share_pct
from include.ozon.monitoring.metrics.usual import FORMER_DAYS, MIN_DAYS, usual_share
from include.ozon.monitoring.metrics.words import age, basis, money_of_all
from include.ozon.monitoring.results import CheckResult, Finding, judge, unknown
from include.ozon.monitoring.rule import Rule, Unit
from include.ozon.settings import Settings
from include.ozon.settings.limits import AboveShare, Below, BelowShare, Limits
from include.ozon.words import count_of, moment, number, percent

AREA = "visibility"

_WEAKEST_PARTS = 2

_LOOK_AT_REPORT = "`ozon visibility` names the products; correct what Ozon objects to in Ozon Seller."

VISIBLE_SHARE_PCT = Rule(
    name="visible_share_pct",
    title="few products are visible",
    measures="The share of the products that customers can see.",
    unit=Unit.SHARE,
    limits=BelowShare(warning=40, critical=20, min_count=10),
    next_step=_LOOK_AT_REPORT,
    meaning="Customers see few of the products.",
    remedy="`ozon visibility`: top reasons first.",
    group="visibility",
    inhibited_by=WAREHOUSE_DOWN,
)

VISIBLE_SHARE_DROP_POINTS = Rule(
    name="visible_share_drop_points",
    title="fewer products are visible than usual",
    measures="How far the visible share is below the usual one at that hour, in percentage points.",
    unit=Unit.POINTS,
    limits=AboveShare(warning=10, critical=25, min_count=30),
    next_step=_LOOK_AT_REPORT,
    meaning="Fewer than usual at this hour.",
    remedy="`ozon visibility`: what turned, and why.",
    group="visibility",
    inhibited_by=WAREHOUSE_DOWN,
)

TURNED_INVISIBLE_PCT = Rule(
    name="turned_invisible_pct",
    title="products vanished from sight",
    measures="The share of the visible products that have turned invisible since the last run.",
    unit=Unit.SHARE,
    limits=AboveShare(warning=10, critical=25, min_count=10),
    next_step=_LOOK_AT_REPORT,
    meaning="Many visible products turned invisible at once.",
    remedy="`ozon visibility`; Ozon Seller. One reason for all of them is often Ozon's own doing.",
    group="visibility",
    inhibited_by=WAREHOUSE_DOWN,
)

HIDDEN_WITH_STOCK_PCT = Rule(
    name="hidden_with_stock_pct",
    title="products in stock are hidden",
    measures="The share of the products in stock that customers cannot see.",
    unit=Unit.SHARE,
    limits=AboveShare(warning=30, critical=60, min_count=10),
    next_step=_LOOK_AT_REPORT,
    meaning="Much stock lies where nobody can buy it.",
    remedy="Query 3 and 5 of [tables.md](tables.md#queries).",
    group="visibility",
    inhibited_by=WAREHOUSE_DOWN,
)

VISIBILITY_COVERAGE_PCT = Rule(
    name="visibility_coverage_pct",
    title="the visibility of products is unknown",
    measures="The share of the products whose visibility is known.",
    unit=Unit.SHARE,
    limits=BelowShare(warning=95, critical=80, min_count=10),
    next_step="Ozon may have a new status: product_etl's log names it; an upgrade of this package may know it.",
    meaning="Ozon uses statuses that this version does not know.",
    remedy="product_etl's log names the values; upgrade this package.",
    inhibited_by=WAREHOUSE_DOWN,
)

QUALITY_SCORE = Rule(
    name="quality_score",
    title="the quality of the data is low",
    measures="The data quality's score, from 0 to 100.",
    unit=Unit.NUMBER,
    limits=Below(warning=80, critical=60),
    next_step="`ozon visibility` shows the score's parts.",
    meaning="Prices, names, stock or reasons are missing, or data is old.",
    remedy='`ozon visibility`, "Data quality": the worst part.',
    inhibited_by=WAREHOUSE_DOWN,
)


def judge_metrics(metrics: VisibilityMetrics, history: Sequence[HistoryPoint], settings: Settings) -> list[CheckResult]:
    """One result for each rule of the visibility metrics; UNKNOWN with the reason where there is nothing to judge."""
    results = []
    for rule, measure in _MEASURES.items():
        finding = unknown(_empty_because(metrics)) if metrics.is_empty else measure(metrics, history, settings)
        results.append(
            CheckResult(
                area=AREA,
                check=rule.name,
                account=metrics.account,
                status=finding.status,
                value=finding.value,
                threshold=finding.threshold,
                message=finding.message,
            )
        )
    return results


def _empty_because(metrics: VisibilityMetrics) -> str:
    if metrics.loaded_at is None:
        return f"Account {metrics.account} has not been loaded yet; the first run of ozon_etl brings its products"
    return f"Account {metrics.account} has no products"


def _visible_share(metrics: VisibilityMetrics, _: Sequence[HistoryPoint], settings: Settings) -> Finding:
    visible = metrics.counts[Visibility.VISIBLE]
    seen = f"Customers can see {number(visible)} of {count_of(metrics.products, 'product')}, {_exactly(_pct(metrics))}"
    return judge(settings, VISIBLE_SHARE_PCT, _pct(metrics), seen, count=metrics.products)


def _visible_share_drop(metrics: VisibilityMetrics, history: Sequence[HistoryPoint], settings: Settings) -> Finding:
    usual = usual_share(history, metrics.measured_at, settings)
    if usual is None:
        return unknown(
            f"What share is usual at this hour is not known yet: fewer than {MIN_DAYS} of the last {FORMER_DAYS} days "
            "were measured at it"
        )
    drop = usual.visible_pct - _pct(metrics)
    side = "below" if drop >= 0 else "above"
    if usual.spread_points:
        distance = (
            f"{abs(drop) / usual.spread_points:.1f} times the usual deviation of {usual.spread_points:.2f} points"
        )
    else:
        distance = "which hardly varied on those days"
    seen = (
        f"Customers can see {percent(_pct(metrics))} of the products, {abs(drop):.1f} points {side} the usual "
        f"{percent(usual.visible_pct)} at this hour (median of {usual.days} days), {distance}"
    )
    return judge(settings, VISIBLE_SHARE_DROP_POINTS, drop, seen, count=metrics.products)


def _turned_invisible(metrics: VisibilityMetrics, history: Sequence[HistoryPoint], settings: Settings) -> Finding:
    turned = metrics.transitions
    missing = missing_products(metrics, history) if turned.basis == "last_measurement" else None
    if missing and missing.products > len(turned.turned_invisible):
        missing_pct = 100 * missing.products / missing.visible_before
        seen = (
            f"{number(missing.products)} of {count_of(missing.visible_before, 'product')} that were visible before "
            f"{moment(missing.seen_at, settings)} have turned invisible and not come back, {_exactly(missing_pct)}"
        )
        return judge(settings, TURNED_INVISIBLE_PCT, missing_pct, seen, count=missing.visible_before)
    share = share_pct(len(turned.turned_invisible), turned.visible_before)
    compared = basis(turned, settings)
    if share is None:
        return unknown(f"No product was visible that could have turned invisible {compared}")
    seen = (
        f"{number(len(turned.turned_invisible))} of {count_of(turned.visible_before, 'visible product')} turned "
        f"invisible {compared}, {_exactly(share)}"
    )
    return judge(settings, TURNED_INVISIBLE_PCT, share, seen, count=turned.visible_before)


def _hidden_with_stock(metrics: VisibilityMetrics, _: Sequence[HistoryPoint], settings: Settings) -> Finding:
    impact = metrics.impact
    if impact.hidden_with_stock_pct is None:
        return unknown("No product is in stock, so that none can be hidden with it")
    worth = money_of_all(impact.currencies, "hidden_money")
    seen = (
        f"Customers cannot see {number(impact.hidden_with_stock)} of {count_of(impact.in_stock, 'product')} in stock, "
        f"{_exactly(impact.hidden_with_stock_pct)}: {count_of(impact.hidden_units, 'piece')}"
        + (f" worth {worth}" if worth else "")
    )
    value = impact.hidden_with_stock_pct
    return judge(settings, HIDDEN_WITH_STOCK_PCT, value, seen, count=impact.in_stock)


def _coverage(metrics: VisibilityMetrics, _: Sequence[HistoryPoint], settings: Settings) -> Finding:
    unknown_count = metrics.counts[Visibility.UNKNOWN]
    coverage = metrics.field.coverage_pct or 0.0
    seen = f"The visibility of {_exactly(coverage)} of the products is known, of {number(unknown_count)} it is not"
    if unknown_count:
        seen += "; the log of product_etl names the statuses that no rule knows"
    return judge(settings, VISIBILITY_COVERAGE_PCT, coverage, seen, count=metrics.products)


def _quality(metrics: VisibilityMetrics, _: Sequence[HistoryPoint], settings: Settings) -> Finding:
    score = metrics.quality.score or 0.0
    known = [(part.value, part) for part in metrics.quality.parts if part.value is not None and part.value < 100]
    weakest = sorted(known, key=lambda pair: (pair[0] - 100) * pair[1].weight)[:_WEAKEST_PARTS]
    parts = ", ".join(
        f"{part.name} {value:.1f}"
        + (f" (loaded {age(metrics.field.age_hours)} ago)" if part.name == "freshness" else "")
        for value, part in weakest
    )
    seen = f"The data quality's score is {score:.1f} of 100" + (f"; what lowers it most: {parts}" if parts else "")
    return judge(settings, QUALITY_SCORE, score, seen)


def _pct(metrics: VisibilityMetrics) -> float:
    return metrics.visible_pct or 0.0


def _exactly(share: float) -> str:
    """A small share is not to look like none, nor nearly all like all."""
    is_close = 0 < share < 0.1 or 99.9 < share < 100
    return f"{share:.3f} %" if is_close else percent(share)


_MEASURES: Mapping[Rule[Limits], Callable[[VisibilityMetrics, Sequence[HistoryPoint], Settings], Finding]] = (
    MappingProxyType(
        {
            VISIBLE_SHARE_PCT: _visible_share,
            VISIBLE_SHARE_DROP_POINTS: _visible_share_drop,
            TURNED_INVISIBLE_PCT: _turned_invisible,
            HIDDEN_WITH_STOCK_PCT: _hidden_with_stock,
            VISIBILITY_COVERAGE_PCT: _coverage,
            QUALITY_SCORE: _quality,
        }
    )
)
RULES = tuple(_MEASURES)
