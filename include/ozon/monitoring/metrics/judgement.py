"""The rules of the visibility metrics, and their judgement."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from include.ozon.marketplace.visibility import Visibility
from include.ozon.monitoring.health.warehouse import WAREHOUSE_DOWN
from include.ozon.monitoring.metrics.missing import missing_products
from include.ozon.monitoring.metrics.model import HistoryPoint, VisibilityMetrics, share_pct
from include.ozon.monitoring.metrics.usual import FORMER_DAYS, MIN_DAYS, usual_share
from include.ozon.monitoring.metrics.words import age, basis, money_of_all
from include.ozon.monitoring.results import CheckResult, Judgement, judge, unknown
from include.ozon.monitoring.rule import Rule, Unit
from include.ozon.settings import Settings
from include.ozon.settings.limits import AboveShare, Below, BelowShare, Limits
from include.ozon.translation import N_
from include.ozon.words import count_of, moment, number, percent

AREA = "visibility"

_WEAKEST_PARTS = 2

_LOOK_AT_REPORT = N_("`ozon visibility` names the products with Ozon's reasons; fix the reasons in Ozon Seller.")

VISIBLE_SHARE_PCT = Rule(
    name="visible_share_pct",
    title=N_("few products are visible"),
    measures=N_("Share of the products that customers can see."),
    unit=Unit.SHARE,
    limits=BelowShare(warning=40, critical=20, min_count=10),
    next_step=_LOOK_AT_REPORT,
    meaning="Customers can see only a small part of the account's products.",
    remedy="`ozon visibility`: fix the most frequent reasons first.",
    group="visibility",
    inhibited_by=WAREHOUSE_DOWN,
)

VISIBLE_SHARE_DROP_POINTS = Rule(
    name="visible_share_drop_points",
    title=N_("fewer products are visible than usual"),
    measures=N_("Distance of the visible share below the usual share at that hour, in percentage points."),
    unit=Unit.POINTS,
    limits=AboveShare(warning=10, critical=25, min_count=30),
    next_step=_LOOK_AT_REPORT,
    meaning="The visible share is far below the usual one at this hour.",
    remedy="`ozon visibility`: it lists the products that turned invisible, with Ozon's reasons.",
    group="visibility",
    inhibited_by=WAREHOUSE_DOWN,
)

TURNED_INVISIBLE_PCT = Rule(
    name="turned_invisible_pct",
    title=N_("products turned invisible"),
    measures=N_("Share of the visible products that have turned invisible since the last measurement."),
    unit=Unit.SHARE,
    limits=AboveShare(warning=10, critical=25, min_count=10),
    next_step=_LOOK_AT_REPORT,
    meaning="Many visible products turned invisible at once, and have not come back.",
    remedy="`ozon visibility` lists the products and reasons. If all have the same reason, the cause is often at Ozon: "
    "check its news in Ozon Seller, or ask its support.",
    group="visibility",
    inhibited_by=WAREHOUSE_DOWN,
)

HIDDEN_WITH_STOCK_PCT = Rule(
    name="hidden_with_stock_pct",
    title=N_("products in stock are hidden"),
    measures=N_("Share of the products in stock that customers cannot see."),
    unit=Unit.SHARE,
    limits=AboveShare(warning=30, critical=60, min_count=10),
    next_step=_LOOK_AT_REPORT,
    meaning="Much of the stock belongs to products that nobody can see or buy.",
    remedy="`ozon visibility` lists them, the most valuable first; in SQL: queries 3 and 5 of "
    "[tables.md](tables.md#queries).",
    group="visibility",
    inhibited_by=WAREHOUSE_DOWN,
)

VISIBILITY_COVERAGE_PCT = Rule(
    name="visibility_coverage_pct",
    title=N_("the visibility of products is unknown"),
    measures=N_("Share of the products whose visibility is known."),
    unit=Unit.SHARE,
    limits=BelowShare(warning=95, critical=80, min_count=10),
    next_step=N_("Look for the unknown statuses in product_etl's log, and upgrade this package."),
    meaning="Ozon reports statuses that this version does not know.",
    remedy="The log of `product_etl` names the statuses. Upgrade this package; if they are still unknown, report them "
    "to its maintainers.",
    inhibited_by=WAREHOUSE_DOWN,
)

QUALITY_SCORE = Rule(
    name="quality_score",
    title=N_("the data quality is low"),
    measures=N_("Data quality score, from 0 to 100."),
    unit=Unit.NUMBER,
    limits=Below(warning=80, critical=60),
    next_step=N_('Run `ozon visibility`, section "Data quality": start with the lowest part.'),
    meaning="Prices, names, stock or reasons are missing, or the data is old.",
    remedy='`ozon visibility`, section "Data quality": start with the lowest part.',
    inhibited_by=WAREHOUSE_DOWN,
)


def judge_metrics(metrics: VisibilityMetrics, history: Sequence[HistoryPoint], settings: Settings) -> list[CheckResult]:
    """Return a result for each rule of the visibility metrics; UNKNOWN if the account has no products yet."""
    results = []
    for rule, measure in _MEASURES.items():
        judgement = unknown(_empty_because(metrics)) if metrics.is_empty else measure(metrics, history, settings)
        results.append(
            CheckResult(
                area=AREA,
                check=rule.name,
                account=metrics.account,
                status=judgement.status,
                value=judgement.value,
                threshold=judgement.threshold,
                message=judgement.message,
            )
        )
    return results


def _empty_because(metrics: VisibilityMetrics) -> str:
    if metrics.loaded_at is None:
        return f"Account {metrics.account} has not been loaded yet; the first run of ozon_etl loads its products"
    return f"Account {metrics.account} has no products"


def _visible_share(metrics: VisibilityMetrics, _: Sequence[HistoryPoint], settings: Settings) -> Judgement:
    visible = metrics.counts[Visibility.VISIBLE]
    text = f"Customers can see {number(visible)} of {count_of(metrics.products, 'product')}, {_exactly(_pct(metrics))}"
    return judge(settings, VISIBLE_SHARE_PCT, _pct(metrics), text, count=metrics.products)


def _visible_share_drop(metrics: VisibilityMetrics, history: Sequence[HistoryPoint], settings: Settings) -> Judgement:
    usual = usual_share(history, metrics.measured_at, settings)
    if usual is None:
        return unknown(
            f"The usual visible share at this hour is not known yet: fewer than {MIN_DAYS} of the last {FORMER_DAYS} "
            "days have a measurement at this hour"
        )
    drop = usual.visible_pct - _pct(metrics)
    side = "below" if drop >= 0 else "above"
    if usual.spread_points:
        distance = (
            f"{abs(drop) / usual.spread_points:.1f} times the usual deviation of {usual.spread_points:.2f} percentage "
            "points"
        )
    else:
        distance = "which hardly varied on those days"
    text = (
        f"Customers can see {percent(_pct(metrics))} of the products, {abs(drop):.1f} percentage points {side} the "
        f"usual {percent(usual.visible_pct)} at this hour (median of {usual.days} days), {distance}"
    )
    return judge(settings, VISIBLE_SHARE_DROP_POINTS, drop, text, count=metrics.products)


def _turned_invisible(metrics: VisibilityMetrics, history: Sequence[HistoryPoint], settings: Settings) -> Judgement:
    turned = metrics.transitions
    missing = missing_products(metrics, history) if turned.basis == "last_measurement" else None
    if missing and missing.products > len(turned.turned_invisible):
        missing_pct = 100 * missing.products / missing.visible_before
        text = (
            f"{number(missing.products)} of {count_of(missing.visible_before, 'product')} that were visible before "
            f"{moment(missing.seen_at, settings)} turned invisible and have not come back, {_exactly(missing_pct)}"
        )
        return judge(settings, TURNED_INVISIBLE_PCT, missing_pct, text, count=missing.visible_before)
    share = share_pct(len(turned.turned_invisible), turned.visible_before)
    compared = basis(turned, settings)
    if share is None:
        return unknown(f"No product can have turned invisible {compared}: none was visible")
    text = (
        f"{number(len(turned.turned_invisible))} of {count_of(turned.visible_before, 'visible product')} turned "
        f"invisible {compared}, {_exactly(share)}"
    )
    return judge(settings, TURNED_INVISIBLE_PCT, share, text, count=turned.visible_before)


def _hidden_with_stock(metrics: VisibilityMetrics, _: Sequence[HistoryPoint], settings: Settings) -> Judgement:
    impact = metrics.impact
    if impact.hidden_with_stock_pct is None:
        return unknown("No product is in stock")
    worth = money_of_all(impact.currencies, "hidden_money")
    text = (
        f"Customers cannot see {number(impact.hidden_with_stock)} of {count_of(impact.in_stock, 'product')} in stock, "
        f"{_exactly(impact.hidden_with_stock_pct)}: {count_of(impact.hidden_units, 'piece')}"
        + (f" worth {worth}" if worth else "")
    )
    value = impact.hidden_with_stock_pct
    return judge(settings, HIDDEN_WITH_STOCK_PCT, value, text, count=impact.in_stock)


def _coverage(metrics: VisibilityMetrics, _: Sequence[HistoryPoint], settings: Settings) -> Judgement:
    unknown_count = metrics.counts[Visibility.UNKNOWN]
    coverage = metrics.field.coverage_pct or 0.0
    text = f"The visibility of {_exactly(coverage)} of the products is known; it is unknown for {number(unknown_count)}"
    if unknown_count:
        text += ". The log of product_etl names their statuses"
    return judge(settings, VISIBILITY_COVERAGE_PCT, coverage, text, count=metrics.products)


def _quality(metrics: VisibilityMetrics, _: Sequence[HistoryPoint], settings: Settings) -> Judgement:
    score = metrics.quality.score or 0.0
    known = [(part.value, part) for part in metrics.quality.parts if part.value is not None and part.value < 100]
    weakest = sorted(known, key=lambda pair: (pair[0] - 100) * pair[1].weight)[:_WEAKEST_PARTS]
    parts = ", ".join(
        f"{part.name} {value:.1f}"
        + (f" (loaded {age(metrics.field.age_hours)} ago)" if part.name == "freshness" else "")
        for value, part in weakest
    )
    text = f"The data quality score is {score:.1f} of 100" + (f"; its weakest parts: {parts}" if parts else "")
    return judge(settings, QUALITY_SCORE, score, text)


def _pct(metrics: VisibilityMetrics) -> float:
    return metrics.visible_pct or 0.0


def _exactly(share: float) -> str:
    """Return a percentage that does not round a small share to 0, or nearly all to 100."""
    is_close = 0 < share < 0.1 or 99.9 < share < 100
    return f"{share:.3f} %" if is_close else percent(share)


_MEASURES: Mapping[Rule[Limits], Callable[[VisibilityMetrics, Sequence[HistoryPoint], Settings], Judgement]] = (
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
