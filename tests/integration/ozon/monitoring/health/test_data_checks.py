"""The data's checks: each is brought to each of its statuses by what causes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from include.ozon.monitoring.health import data, store
from include.ozon.monitoring.health.checks import HealthContext
from include.ozon.monitoring.results import CheckResult, Status
from include.ozon.warehouse import schema
from include.ozon_local.postgres import WAREHOUSE_ROLE, EmbeddedPostgres
from include.ozon_sandbox.process import SandboxProcess
from tests.support import scratch
from tests.support.health import health_context, measured, run_all
from tests.support.pipeline import Pipeline, changed

PER_ACCOUNT = [
    "product_etl_age_hours",
    "inventory_etl_age_hours",
    "orphaned_inventory_pct",
    "products_without_inventory_pct",
    "impossible_stock",
    "row_count_change_pct",
]
ORPHANS = "orphaned_inventory_pct"
WITHOUT = "products_without_inventory_pct"
CHANGE = "row_count_change_pct"


@pytest.fixture
def pipeline(sandbox: SandboxProcess, warehouse_dsn: str) -> Pipeline:
    pipeline = Pipeline(sandbox, warehouse_dsn)
    for guard in ("vanished", "rejected"):
        pipeline.settings = changed(pipeline.settings, f"guards.{guard}", level="off")
    return pipeline


@pytest.fixture
def loaded(pipeline: Pipeline) -> Pipeline:
    pipeline.load()
    return pipeline


def measure(pipeline: Pipeline, check: str, now: datetime | None = None) -> CheckResult:
    return measured(data.AREA, health_context(pipeline, now=now), check, "main")


def later(**times: float) -> datetime:
    return datetime.now(UTC) + timedelta(**times)


def of_main(context: HealthContext) -> list[CheckResult]:
    return run_all((check for check in data.checks(context) if check.account == "main"), context)


def store_all(pipeline: Pipeline, results: list[CheckResult], measured_at: datetime) -> None:
    with psycopg.connect(pipeline.dsn, autocommit=True) as connection:
        store.save(connection, measured_at, results)


def test_after_a_load_all_is_ok_and_an_account_without_a_load_is_unknown(loaded: Pipeline) -> None:
    results = run_all(data.checks(health_context(loaded)), health_context(loaded))

    found = {(result.account, result.check): result for result in results}
    assert set(found) == {(account, check) for account in ("main", "second") for check in PER_ACCOUNT}
    for check in PER_ACCOUNT:
        healthy, unloaded = found["main", check], found["second", check]
        assert healthy.status is Status.OK, healthy
        assert unloaded.status == Status.UNKNOWN, unloaded
        assert unloaded.message.startswith("Account second: no ")
        assert unloaded.message.endswith(" loaded yet.")
    assert found["main", ORPHANS].value == found["main", WITHOUT].value == 0


def test_a_health_check_asks_the_warehouse_for_nothing_twice_that_cannot_be_reached() -> None:
    context = health_context("postgresql://ozon@127.0.0.1:1/nowhere")
    attempts = []
    connect = context.connect
    context.connect = lambda: attempts.append(1) or connect()  # type: ignore[func-returns-value]

    results = run_all(data.checks(context), context)

    assert {result.status for result in results} == {Status.ERROR}
    assert len(attempts) == 1


def test_a_warehouse_that_stops_leaves_each_check_unknown() -> None:
    server = EmbeddedPostgres(scratch.new_folder("postgres"), durable=False)
    server.start()
    try:
        server.create_database("warehouse", WAREHOUSE_ROLE)
        dsn = server.dsn("warehouse", WAREHOUSE_ROLE)
        schema.upgrade(lambda: psycopg.connect(dsn))
        context = health_context(dsn)
        running = [(check, check.measure()) for check in data.checks(context)]
        assert {judgement.status for _, judgement in running} == {Status.UNKNOWN}  # nothing was loaded

        server.stop()

        results = run_all((check for check, _ in running), context)
    finally:
        server.stop()
    assert {result.status for result in results} == {Status.ERROR}
    assert "cannot be reached or dropped the connection" in results[0].message
    assert server.dsn("warehouse", WAREHOUSE_ROLE).split(":")[2].split("@")[0] not in str(results)


@pytest.mark.parametrize(
    ("check", "what"), [("product_etl_age_hours", "products"), ("inventory_etl_age_hours", "stock")]
)
@pytest.mark.parametrize(
    ("hours", "status"),
    [(7.9, Status.OK), (8.1, Status.WARNING), (13.9, Status.WARNING), (14.1, Status.CRITICAL)],
)
def test_data_grows_old(loaded: Pipeline, check: str, what: str, hours: float, status: Status) -> None:
    found = measure(loaded, check, later(hours=hours))

    assert found.status is status
    assert found.message.startswith(f"Account main: {what} last loaded {hours:.1f} hours ago, at ")
    assert found.value == pytest.approx(hours, abs=0.02)


def test_a_load_that_failed_makes_nothing_younger(loaded: Pipeline) -> None:
    loaded.execute("UPDATE ozon.etl_component_executions SET finished_at = finished_at - interval '9 hours'")
    loaded.sandbox.fault("server_error")
    with pytest.raises(Exception, match="answered HTTP 500"):
        loaded.products("failed")

    assert measure(loaded, "product_etl_age_hours").status is Status.WARNING


@pytest.mark.parametrize(("share", "status"), [(0.005, Status.OK), (0.05, Status.WARNING), (0.2, Status.CRITICAL)])
def test_inventory_without_its_product_is_noticed(loaded: Pipeline, share: float, status: Status) -> None:
    count = loaded.value("SELECT count(DISTINCT product_id) FROM ozon.inventory")
    loaded.execute(
        "DELETE FROM ozon.products WHERE product_id IN (SELECT product_id FROM ozon.products LIMIT %s)", count * share
    )

    found = measure(loaded, ORPHANS)

    assert found.status is status
    assert found.value == pytest.approx(100 * share, rel=0.3)
    assert "of the inventory of account main belongs to products that the warehouse does not have" in found.message


@pytest.mark.parametrize(("share", "status"), [(0.05, Status.OK), (0.2, Status.WARNING), (0.6, Status.CRITICAL)])
def test_products_on_sale_without_inventory_are_noticed(loaded: Pipeline, share: float, status: Status) -> None:
    loaded.execute(
        """
        DELETE FROM ozon.inventory
        WHERE product_id IN (
            SELECT product_id FROM ozon.products
            WHERE (visibility = 'VISIBLE' OR has_stock) AND NOT is_archived
            ORDER BY product_id
            LIMIT %s * (SELECT count(*) FROM ozon.products
                        WHERE (visibility = 'VISIBLE' OR has_stock) AND NOT is_archived)
        )
        """,
        share,
    )

    found = measure(loaded, WITHOUT)

    assert found.status is status
    assert found.value == pytest.approx(100 * share, abs=1)


def test_products_that_are_not_for_sale_need_no_inventory(loaded: Pipeline) -> None:
    unsold = "visibility <> 'VISIBLE' AND NOT has_stock"
    loaded.execute(
        "DELETE FROM ozon.inventory WHERE product_id IN ("
        f"SELECT product_id FROM ozon.products WHERE is_archived OR {unsold})"
    )
    assert measure(loaded, WITHOUT).value == 0


def test_products_that_are_newer_than_the_inventory_are_no_gap(loaded: Pipeline) -> None:
    """Between product_etl and inventory_etl of one run."""
    loaded.execute("DELETE FROM ozon.inventory")
    loaded.execute("UPDATE ozon.products SET first_seen_at = now()")

    assert measure(loaded, WITHOUT).value == 0


def test_a_share_of_few_rows_is_ok(loaded: Pipeline) -> None:
    loaded.execute("DELETE FROM ozon.inventory WHERE (product_id, stock_type) NOT IN "
                   "(SELECT product_id, stock_type FROM ozon.inventory LIMIT 9)")  # fmt: skip
    loaded.execute("DELETE FROM ozon.products")

    found = measure(loaded, ORPHANS)

    assert (found.status, found.value) == (Status.OK, 100)


@pytest.mark.parametrize("what", ["present = -3", "reserved = -1", "reserved = present + 5"])
def test_impossible_stock_is_named(loaded: Pipeline, what: str) -> None:
    (row,) = loaded.rows("SELECT product_id, offer_id FROM ozon.inventory WHERE stock_type = 'fbs' LIMIT 1")
    loaded.execute(f"UPDATE ozon.inventory SET {what} WHERE product_id = %s AND stock_type = 'fbs'", row["product_id"])

    found = measure(loaded, "impossible_stock")

    assert (found.status, found.value) == (Status.WARNING, 1)
    assert row["offer_id"] in found.message


def test_much_impossible_stock_is_critical_and_a_few_of_it_are_named(loaded: Pipeline) -> None:
    loaded.execute("UPDATE ozon.inventory SET reserved = present + 1 WHERE stock_type = 'fbs'")

    found = measure(loaded, "impossible_stock")

    assert found.status is Status.CRITICAL
    assert found.value == loaded.value("SELECT count(*) FROM ozon.inventory WHERE stock_type = 'fbs'")
    assert f" and {found.value - 5:g} more (critical above 100" in found.message


def test_stock_below_zero_that_a_load_rejected_is_noticed_until_a_load_brings_better(loaded: Pipeline) -> None:
    loaded.sandbox.fault("negative_stock", share=0.1)
    loaded.load("negative")

    found = measure(loaded, "impossible_stock")

    assert found.status is Status.WARNING
    assert found.value == loaded.value("SELECT count(*) FROM ozon.rejected_items")
    assert loaded.value("SELECT payload ->> 'offer_id' FROM ozon.rejected_items ORDER BY n LIMIT 1") in found.message

    loaded.sandbox.clear_faults()
    loaded.load("better")
    assert measure(loaded, "impossible_stock").status is Status.OK


def repeat_load_in_former_days(pipeline: Pipeline, days: range, hours: float = 0) -> None:
    """Record loads like the one of ``run`` on earlier days."""
    for table in ("etl_workflow_executions", "etl_component_executions"):
        columns = pipeline.value(
            "SELECT string_agg(column_name, ', ') FROM information_schema.columns "
            "WHERE table_schema = 'ozon' AND table_name = %s "
            "AND column_name NOT IN ('workflow_id', 'started_at', 'finished_at', 'duration_seconds')",
            table,
        )
        for day in days:
            pipeline.execute(
                f"INSERT INTO ozon.{table} (workflow_id, started_at, finished_at, {columns}) "
                "SELECT %s, started_at - make_interval(hours => %s), finished_at - make_interval(hours => %s), "
                f"{columns} FROM ozon.{table} WHERE workflow_id = 'run/main'",
                f"{day} days before/main",
                *[24 * day + hours] * 2,
            )


@pytest.mark.parametrize(("share", "status"), [(0.05, Status.OK), (0.3, Status.WARNING), (0.7, Status.CRITICAL)])
def test_a_number_of_products_that_is_unusual_for_the_hour_is_noticed(
    loaded: Pipeline, share: float, status: Status
) -> None:
    usual = loaded.value("SELECT count(*) FROM ozon.products")
    repeat_load_in_former_days(loaded, range(1, 6))
    loaded.sandbox.fault("vanish_share", share=share)
    loaded.products("vanished")
    left = loaded.value("SELECT count(*) FROM ozon.products WHERE removed_at IS NULL")

    found = measure(loaded, CHANGE)

    assert found.status is status
    assert found.value == pytest.approx(100 * (usual - left) / usual, abs=0.001)
    assert f"Account main has {left} products" in found.message
    assert f"({usual}, the median of 5 loads in 14 days)" in found.message


@pytest.mark.parametrize(
    ("days", "hours"), [(range(1, 3), 0), (range(1, 8), 3), (range(15, 20), 0)], ids=["few", "other hours", "long ago"]
)
def test_the_usual_number_needs_enough_loads_at_that_hour(loaded: Pipeline, days: range, hours: float) -> None:
    repeat_load_in_former_days(loaded, days, hours)
    loaded.sandbox.fault("vanish_share", share=0.7)
    loaded.products("vanished")

    found = measure(loaded, CHANGE)

    assert (found.status, found.value) == (Status.OK, None)
    assert "is not known yet" in found.message


def test_the_same_hour_is_found_across_midnight(loaded: Pipeline) -> None:
    """00:30 in Moscow, and 23:30 on the days before."""
    loaded.execute(
        "UPDATE ozon.etl_component_executions SET started_at = '2026-03-10 21:30Z', finished_at = '2026-03-10 21:40Z'"
    )
    repeat_load_in_former_days(loaded, range(1, 5), hours=1)

    found = measure(loaded, CHANGE, datetime(2026, 3, 10, 22, tzinfo=UTC))

    assert (found.status, found.value) == (Status.OK, 0)
    assert "at 00:30" in found.message


def test_the_comparisons_of_whole_tables_are_made_once_after_each_load(loaded: Pipeline) -> None:
    first = later(minutes=5)
    store_all(loaded, of_main(health_context(loaded, now=first)), first)
    loaded.execute("DELETE FROM ozon.inventory")  # without a load

    carried = measure(loaded, WITHOUT, later(minutes=20))
    assert (carried.status, carried.value) == (Status.OK, 0)

    loaded.load("next")
    loaded.execute("UPDATE ozon.health_checks SET measured_at = measured_at - interval '1 hour'")
    loaded.execute("DELETE FROM ozon.inventory")

    anew = measure(loaded, WITHOUT, later(minutes=20))
    assert (anew.status, anew.value) == (Status.CRITICAL, 100)


def test_a_result_that_is_as_old_as_the_load_is_not_trusted(loaded: Pipeline) -> None:
    """A load records its end before it commits."""
    ended_at = loaded.value("SELECT max(finished_at) FROM ozon.etl_component_executions")
    store_all(loaded, of_main(health_context(loaded)), ended_at + timedelta(seconds=10))
    loaded.execute("DELETE FROM ozon.inventory")

    assert measure(loaded, WITHOUT, later(minutes=15)).status is Status.CRITICAL


def test_a_value_that_is_carried_over_is_judged_with_todays_limits(loaded: Pipeline) -> None:
    loaded.execute("DELETE FROM ozon.products WHERE product_id IN (SELECT product_id FROM ozon.products LIMIT 20)")
    first = later(minutes=5)
    store_all(loaded, of_main(health_context(loaded, now=first)), first)
    before = measure(loaded, ORPHANS, later(minutes=20))
    assert before.status is Status.WARNING
    loaded.execute("DELETE FROM ozon.products")  # without a load

    loaded.settings = changed(loaded.settings, "rules.orphaned_inventory_pct", warning=2.0, critical=3.0)
    after = measure(loaded, ORPHANS, later(minutes=20))
    loaded.settings = changed(loaded.settings, "rules.orphaned_inventory_pct", warning=50.0, critical=60.0)
    relaxed = measure(loaded, ORPHANS, later(minutes=20))

    assert (after.status, after.value, after.threshold) == (Status.CRITICAL, before.value, 3)
    assert (relaxed.status, relaxed.value) == (Status.OK, before.value)


def test_a_value_that_was_ok_and_no_longer_is_gets_measured_again(loaded: Pipeline) -> None:
    """The number of rows behind the share is not stored, and a share of too few raises no alarm."""
    loaded.settings = changed(loaded.settings, "rules.orphaned_inventory_pct", min_count=1_000_000)
    loaded.execute("DELETE FROM ozon.products WHERE product_id IN (SELECT product_id FROM ozon.products LIMIT 20)")
    first = later(minutes=5)
    store_all(loaded, of_main(health_context(loaded, now=first)), first)
    assert measure(loaded, ORPHANS, later(minutes=20)).status is Status.OK

    loaded.settings = changed(loaded.settings, "rules.orphaned_inventory_pct", min_count=10)

    assert measure(loaded, ORPHANS, later(minutes=20)).status is Status.WARNING


def test_a_failed_measurement_is_not_carried_over_and_hides_nothing(loaded: Pipeline) -> None:
    store_all(loaded, [result(Status.UNKNOWN, None)], later(minutes=10))
    loaded.execute("DELETE FROM ozon.inventory")
    assert measure(loaded, WITHOUT, later(minutes=20)).status is Status.CRITICAL

    store_all(loaded, [result(Status.OK, 1.5)], later(minutes=5))
    assert measure(loaded, WITHOUT, later(minutes=20)).value == 1.5


def result(status: Status, value: float | None) -> CheckResult:
    return CheckResult("data", WITHOUT, "main", status, value, None, "As it was.")
