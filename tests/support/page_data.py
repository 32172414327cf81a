"""The data behind the page in the browser's tests: loads by the real pipeline, metrics, a health check, incidents."""

from __future__ import annotations

from contextlib import AbstractContextManager, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from include.ozon.monitoring.alerts import store as incidents
from include.ozon.monitoring.health import areas, store
from include.ozon.monitoring.metrics.judged import judge_and_store
from include.ozon.monitoring.metrics.measurement import measure
from include.ozon.page.visibility import read_turned_invisible
from include.ozon.warehouse.session import Connection, open_session
from tests.support.alerts import Runs, seen
from tests.support.health import health_context
from tests.support.pipeline import Pipeline

ACCOUNTS = {"main": 400, "second": 120}
RUNS = ("browser_1", "browser_2")
"""The DAG runs that loaded both accounts."""

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"
"""The name of a product that turned invisible."""

_RENAME = """
WITH renamed AS (
    UPDATE ozon.products SET name = %(name)s WHERE account = %(account)s AND product_id = %(product_id)s
    RETURNING account, product_id, name
)
UPDATE ozon.product_names w SET name = renamed.name FROM renamed
WHERE w.account = renamed.account AND w.product_id = renamed.product_id
"""

_AREAS = ("runs", "deadlines", "data", "api")
_TICKS_BETWEEN_LOADS = 3


def fill(pipeline: Pipeline) -> None:
    """Load both accounts twice, measure each time, check the health once, and rename one product to a script."""
    for dag_run_id in RUNS:
        for account in ACCOUNTS:
            pipeline.load(dag_run_id, account)
            with _session(pipeline) as connection:
                metrics = measure(connection, account, datetime.now(UTC), pipeline.settings)
                judge_and_store(connection, metrics, pipeline.settings)
        pipeline.sandbox.tick(_TICKS_BETWEEN_LOADS)
    with closing(health_context(pipeline)) as context:
        results = [result for name in _AREAS for result in areas.measure(name, context)]
    now = datetime.now(UTC)
    with _session(pipeline) as connection:
        store.save(connection, now, results)
        turned = read_turned_invisible(connection, list(ACCOUNTS), now - timedelta(days=1))
        # The first of its group, because it alone is worth the most.
        product = next(group.products[0] for group in turned if group.products[0].worth)
        connection.execute(_RENAME, {"name": SCRIPT, "account": product.account, "product_id": product.product_id})


def hostile_product(pipeline: Pipeline) -> str:
    """Return account and product_id of the renamed product, as in an address."""
    (row,) = pipeline.rows("SELECT account, product_id FROM ozon.products WHERE name = %s", SCRIPT)
    return f"{row['account']}/{row['product_id']}"


def open_incident(pipeline: Pipeline) -> str:
    """Open an incident since an hour ago, in place of the open ones; return its id."""
    runs = Runs(pipeline.settings)
    runs.now = datetime.now(UTC) - timedelta(hours=1)
    runs.run(seen("product_etl_age_hours", "critical", "main", message=f"No load of main for 26 hours. {SCRIPT}"))
    (incident,) = runs.incidents
    with _session(pipeline) as connection:
        former = incidents.recent_incidents(connection, datetime.now(UTC))
        incidents.save(connection, [replace(each, resolved_at=datetime.now(UTC)) for each in former])
        incidents.save(connection, [incident])
    return incident.incident_id


def _session(pipeline: Pipeline) -> AbstractContextManager[Connection]:
    return open_session(pipeline.connect, pipeline.settings.warehouse, "tests")
