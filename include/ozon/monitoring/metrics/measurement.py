"""One measurement: all numbers of an account, from one snapshot of the warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from include.ozon.marketplace.visibility import Visibility
from include.ozon.monitoring.health.data import AGE_LIMITS
from include.ozon.monitoring.metrics.model import (
    Basis,
    FieldQuality,
    HistoryPoint,
    Impact,
    Transitions,
    VisibilityMetrics,
    share_pct,
)
from include.ozon.monitoring.metrics.product_lists import (
    Stuck,
    read_longest_hidden,
    read_stuck,
    read_transitions,
    seen_until,
)
from include.ozon.monitoring.metrics.quality import measure_quality, with_reason_pct
from include.ozon.monitoring.metrics.store import changes, history
from include.ozon.monitoring.metrics.totals import (
    Cell,
    counts_by_visibility,
    currencies_by_products,
    impact_by_currency,
    last_loads,
    previous_load_at,
    read_cells,
    read_reasons,
)
from include.ozon.pipeline.inventory_etl import INVENTORY_ETL
from include.ozon.pipeline.product_etl import PRODUCT_ETL
from include.ozon.settings import Settings
from include.ozon.warehouse.session import Connection


def measure(
    connection: Connection, account: str, now: datetime, settings: Settings, since: datetime | None = None
) -> VisibilityMetrics:
    """Measure an account's visibility at the moment ``now``, without writing anything.

    Transitions are counted since the last measurement, or since ``since``. Everything is read in one transaction, so
    that the numbers agree; the session has to be in autocommit mode, as `open_session` makes it.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        # Compiling these queries takes longer than running them, and each parallel worker would sum all stock again.
        connection.execute("SET LOCAL jit = off")
        connection.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        return _measure(connection, account, now, settings, since)


def _measure(
    connection: Connection, account: str, now: datetime, settings: Settings, since: datetime | None
) -> VisibilityMetrics:
    loads = last_loads(connection, account)
    product_load, inventory_load = loads.get(PRODUCT_ETL.name), loads.get(INVENTORY_ETL.name)
    cells = read_cells(connection, account)
    counts = counts_by_visibility(cells)
    products = sum(counts.values())
    points = history(connection, account, now, settings)
    # The clock here may run behind the database's: an age is never negative.
    age_hours = max(0.0, (now - product_load.finished_at).total_seconds() / 3600) if product_load else None
    metrics = VisibilityMetrics(
        account=account,
        measured_at=now,
        workflow_id=product_load.workflow_id if product_load else None,
        loaded_at=product_load.finished_at if product_load else None,
        inventory_loaded_at=inventory_load.finished_at if inventory_load else None,
        products=products,
        counts=counts,
        changes={},
        transitions=_transitions(connection, account, now, since, points),
        field=FieldQuality(
            coverage_pct=share_pct(products - counts[Visibility.UNKNOWN], products),
            with_reason_pct=with_reason_pct(cells),
            age_hours=age_hours,
        ),
        quality=measure_quality(cells, age_hours, AGE_LIMITS[PRODUCT_ETL.name].limits_in(settings)),
        impact=_impact(cells, read_stuck(connection, account, currencies_by_products(cells))),
        top_reasons=read_reasons(connection, account),
        out_of_sight=sum(cell.products for cell in cells if cell.is_out_of_sight),
        longest_hidden=read_longest_hidden(connection, account),
        history=tuple(points),
    )
    return replace(metrics, changes=changes(points, metrics))


def _transitions(
    connection: Connection, account: str, now: datetime, since: datetime | None, points: Sequence[HistoryPoint]
) -> Transitions:
    basis: Basis
    if since is not None:
        basis, seen_at = "asked", since
    elif points:
        basis, since = "last_measurement", points[-1].measured_at
        seen_at = seen_until(connection, since, points[-1].workflow_id)
    else:
        # Not all transitions there ever were: the warehouse may have been loaded for a year before this.
        basis = "previous_load"
        seen_at = since = previous_load_at(connection, account) or now
    return read_transitions(connection, account, seen_at, since, basis)


def _impact(cells: Sequence[Cell], stuck: Stuck) -> Impact:
    hidden = [cell for cell in cells if cell.is_out_of_sight]
    archived = [cell for cell in cells if cell.is_archived]
    by_visibility = dict.fromkeys(
        (str(visibility) for visibility in Visibility if visibility not in {Visibility.VISIBLE, Visibility.ARCHIVED}), 0
    )
    for cell in hidden:
        by_visibility[cell.visibility] += cell.in_stock
    return Impact(
        in_stock=sum(cell.in_stock for cell in cells if not cell.is_archived),
        visible_without_stock=sum(cell.without_stock for cell in cells if cell.visibility == Visibility.VISIBLE),
        hidden_with_stock=sum(cell.in_stock for cell in hidden),
        hidden_units=sum(cell.units for cell in hidden),
        hidden_units_unpriced=sum(cell.units for cell in hidden if not cell.currency),
        hidden_with_stock_by_visibility=by_visibility,
        archived_with_stock=sum(cell.in_stock for cell in archived),
        archived_units=sum(cell.units for cell in archived),
        currencies=impact_by_currency(cells),
        hidden_with_stock_products=stuck.hidden_with_stock,
        visible_without_stock_products=stuck.visible_without_stock,
    )
