"""The checks of the runs, with real runs and faults for each status, and a changed clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from include.ozon.errors import OzonError
from include.ozon.monitoring.health import runs
from include.ozon.monitoring.results import CheckResult
from include.ozon.settings import Settings
from include.ozon.warehouse.lock import account_lock, is_locked
from include.ozon_local.postgres import SUPERUSER, EmbeddedPostgres
from tests.conftest import StartSandbox
from tests.support.health import health_context, measured, run_all
from tests.support.load_process import loading, until
from tests.support.pipeline import Pipeline, changed

NEED_A_RUN = [
    "failures_in_a_row",
    "failure_rate_pct",
    "load_warnings",
    "duration_ratio",
    "missed_schedule_minutes",
    "peak_memory_mb",
]
NEED_NONE = ["killed_attempt", "lock_held_minutes"]


@pytest.fixture
def pipeline(start_sandbox: StartSandbox, warehouse_dsn: str) -> Pipeline:
    return Pipeline(start_sandbox({"main": 20, "second": 10}, rate_limit_per_second=100_000), warehouse_dsn)


def check(
    pipeline: Pipeline, name: str, now: datetime | None = None, account: str = "main", settings: Settings | None = None
) -> CheckResult:
    return measured(runs.AREA, health_context(pipeline, now=now, settings=settings), name, account)


def with_limits(pipeline: Pipeline, rule: str, warning: float, critical: float) -> Settings:
    return changed(pipeline.settings, f"rules.{rule}", warning=warning, critical=critical, enabled=True)


def fail(pipeline: Pipeline, dag_run_id: str) -> None:
    """Run a load that Ozon answers only with errors."""
    pipeline.sandbox.fault("server_error")
    with pytest.raises(OzonError):
        pipeline.products(dag_run_id)
    assert pipeline.end(dag_run_id) == "failed"
    pipeline.sandbox.clear_faults()


@contextmanager
def locked(pipeline: Pipeline, account: str = "main") -> Iterator[None]:
    connect = psycopg.connect(pipeline.dsn, autocommit=True, application_name="product_etl other/main")
    with connect as connection, account_lock(connection, account):
        yield


def skip(pipeline: Pipeline, dag_run_id: str) -> None:
    with locked(pipeline), pytest.raises(OzonError):
        pipeline.products(dag_run_id)
    assert pipeline.end(dag_run_id) == "skipped"


class TestNothingRecorded:
    def test_is_unknown_and_no_failure_where_a_record_is_needed(self, pipeline: Pipeline) -> None:
        pipeline.load("run", "second")
        context = health_context(pipeline)

        results = [result for result in run_all(runs.checks(context), context) if result.account == "main"]

        assert {result.check: str(result.status) for result in results} == {
            **dict.fromkeys(NEED_A_RUN, "unknown"),
            **dict.fromkeys(NEED_NONE, "ok"),
        }
        unknown = [result for result in results if result.status == "unknown"]
        assert {result.message for result in unknown} == {"Account main has no recorded run yet."}
        assert not any(result.status == "error" for result in results)

    def test_and_a_first_run_that_has_not_ended_has_not_failed(self, pipeline: Pipeline) -> None:
        pipeline.products()

        assert check(pipeline, "failures_in_a_row").status == "unknown"
        assert check(pipeline, "missed_schedule_minutes").status == "ok"


def test_after_a_good_run_every_check_of_every_account_is_ok(pipeline: Pipeline) -> None:
    pipeline.load("run", "main")
    pipeline.load("run", "second")
    context = health_context(pipeline)

    results = run_all(runs.checks(context), context)

    assert {(result.check, result.account) for result in results} == {
        (name, account) for name in NEED_A_RUN + NEED_NONE for account in ("main", "second")
    }
    assert {str(result.status) for result in results} == {"ok"}
    assert all(result.message.startswith(f"Account {result.account}: ") for result in results)


def test_an_account_that_was_removed_from_the_configuration_is_not_checked(pipeline: Pipeline) -> None:
    pipeline.load("run", "second")
    kept = {"main": pipeline.settings.accounts["main"]}
    context = health_context(pipeline, settings=pipeline.settings.model_copy(update={"accounts": kept}))

    assert {each.account for each in runs.checks(context)} == {"main"}


@pytest.mark.parametrize("name", NEED_A_RUN + NEED_NONE)
def test_a_warehouse_that_broke_leaves_it_unmeasured(pipeline: Pipeline, postgres: EmbeddedPostgres, name: str) -> None:
    postgres.drop_database(urlsplit(pipeline.dsn).path[1:])

    result = check(pipeline, name)

    assert result.status == "error"
    assert "connection ozon_warehouse" in result.message


class TestFailures:
    def test_in_a_row_warn_at_the_first_and_are_critical_at_the_third(self, pipeline: Pipeline) -> None:
        pipeline.load("good")
        fail(pipeline, "first")
        result = check(pipeline, "failures_in_a_row")
        assert (result.status, result.value) == ("warning", 1)
        assert result.message.startswith("Account main: the last workflow failed; error of first/main: product_etl: ")

        fail(pipeline, "second")
        assert check(pipeline, "failures_in_a_row").status == "warning"
        fail(pipeline, "third")
        result = check(pipeline, "failures_in_a_row")
        assert (result.status, result.value) == ("critical", 3)
        assert "the last 3 workflows failed, since " in result.message
        assert "error of third/main: product_etl: " in result.message

        pipeline.load("good again")
        assert (check(pipeline, "failures_in_a_row").status, check(pipeline, "failures_in_a_row").value) == ("ok", 0)

    def test_in_a_row_are_neither_ended_nor_continued_by_a_run_that_stepped_aside(self, pipeline: Pipeline) -> None:
        fail(pipeline, "first")
        skip(pipeline, "aside")
        fail(pipeline, "second")
        skip(pipeline, "aside again")

        assert check(pipeline, "failures_in_a_row").value == 2

    def test_are_a_share_of_the_workflows_of_a_day_with_a_floor(self, pipeline: Pipeline) -> None:
        fail(pipeline, "1")
        fail(pipeline, "2")
        skip(pipeline, "3")
        assert (check(pipeline, "failure_rate_pct").status, check(pipeline, "failure_rate_pct").value) == ("ok", 66.7)

        pipeline.load("4")
        pipeline.load("5")
        result = check(pipeline, "failure_rate_pct")
        assert (result.status, result.value) == ("warning", 40)
        assert "2 of the 5 workflows that ended in the last 24 hours failed (40 %)" in result.message
        assert "1 skipped, not counted as failures" in result.message

        fail(pipeline, "6")
        fail(pipeline, "7")
        assert check(pipeline, "failure_rate_pct").status == "critical"

        later = check(pipeline, "failure_rate_pct", datetime.now(UTC) + timedelta(hours=25))
        assert (later.status, later.value) == ("ok", 0)
        assert "no workflow has ended in the last 24 hours" in later.message


class TestWarnings:
    def test_are_those_of_the_last_success_until_a_clean_load(self, pipeline: Pipeline) -> None:
        pipeline.load("clean")
        assert (check(pipeline, "load_warnings").status, check(pipeline, "load_warnings").value) == ("ok", 0)

        pipeline.sandbox.fault("warehouse_refused", number=2, status=404)
        pipeline.load("warned")
        result = check(pipeline, "load_warnings")
        assert (result.status, result.value) == ("warning", 1)
        assert result.message.startswith(
            "Account main: workflow warned/main succeeded with a warning: Cannot read the stock of seller warehouse "
        )
        assert "(Склад Тверь, ул. Объездная); " in result.message
        assert check(pipeline, "load_warnings", account="second").status == "unknown"
        critical = changed(pipeline.settings, "rules.load_warnings", level="critical")
        assert check(pipeline, "load_warnings", settings=critical).status == "critical"

        skip(pipeline, "aside")
        fail(pipeline, "failed")
        assert check(pipeline, "load_warnings").message == result.message

        pipeline.load("clean again")
        result = check(pipeline, "load_warnings")
        assert (result.status, result.value) == ("ok", 0)
        assert result.message == "Account main: workflow clean again/main has no warnings."

    def test_are_counted_and_the_first_is_quoted_in_the_order_of_the_work(self, pipeline: Pipeline) -> None:
        pipeline.load()
        pipeline.execute(
            """
            UPDATE ozon.etl_workflow_executions SET execution_details = '{
                "inventory_etl": {"warnings": ["The third."]},
                "product_etl": {"warnings": ["The first.", "The second."]},
                "accept_guards": ["vanished"]
            }'
            """
        )

        result = check(pipeline, "load_warnings")

        assert (result.status, result.value) == ("warning", 3)
        assert result.message.endswith("succeeded with a warning: The first; and 2 more warnings.")

    def test_are_gone_after_a_clean_attempt_of_the_same_workflow(self, pipeline: Pipeline) -> None:
        no_fbo = {"method": "/v3/product/list", "field": "has_fbo_stocks", "value": False}
        pipeline.sandbox.fault("set_field", **no_fbo)
        pipeline.load("before")
        pipeline.sandbox.fault("warehouse_refused", number=2, status=404)
        pipeline.load("cleared in Airflow")
        assert check(pipeline, "load_warnings").value == 1
        pipeline.sandbox.clear_faults()
        pipeline.sandbox.fault("set_field", **no_fbo)

        pipeline.load("cleared in Airflow")

        assert (check(pipeline, "load_warnings").status, check(pipeline, "load_warnings").value) == ("ok", 0)

    def test_are_unknown_before_the_first_success(self, pipeline: Pipeline) -> None:
        fail(pipeline, "failed")

        result = check(pipeline, "load_warnings")

        assert (result.status, result.message) == ("unknown", "Account main: no workflow has succeeded yet.")


class TestDuration:
    def test_is_compared_with_the_median_of_former_ones(self, pipeline: Pipeline) -> None:
        for minutes in (10, 10, 20, 30, 500, 50):
            self._load(pipeline, 1, minutes=minutes)
        result = check(pipeline, "duration_ratio")
        assert (result.status, result.value) == ("ok", 2.5)

        self._load(pipeline, 1, minutes=80)
        result = check(pipeline, "duration_ratio")
        assert (result.status, result.value) == ("warning", 3.2)
        assert "the last product_etl took 80.0 minutes, 3.2 times its usual 25.0 minutes" in result.message

        self._load(pipeline, 1, minutes=200)
        assert check(pipeline, "duration_ratio").status == "critical"

    def test_of_the_slower_component_counts(self, pipeline: Pipeline) -> None:
        self._load(pipeline, 6, minutes=20)
        pipeline.load("last")
        self._last(pipeline, "product_etl", 20)
        self._last(pipeline, "inventory_etl", 90)

        result = check(pipeline, "duration_ratio")

        assert (result.status, result.value) == ("warning", 4.5)
        assert "inventory_etl" in result.message

    def test_is_not_judged_with_too_few_former_ones(self, pipeline: Pipeline) -> None:
        self._load(pipeline, 4, minutes=2)
        self._load(pipeline, 1, minutes=200)

        result = check(pipeline, "duration_ratio")

        assert (result.status, result.value) == ("ok", None)
        assert "product_etl has only 4 former successes to compare with" in result.message

    def test_below_a_minute_is_not_judged(self, pipeline: Pipeline) -> None:
        for number in range(6):
            pipeline.load(str(number))

        result = check(pipeline, "duration_ratio")

        assert (result.status, result.value) == ("ok", None)
        assert "too short to be judged" in result.message

    def _load(self, pipeline: Pipeline, times: int, *, minutes: float) -> None:
        for _ in range(times):
            pipeline.load(f"run {len(pipeline.rows('SELECT FROM ozon.etl_workflow_executions'))}")
            for component in ("product_etl", "inventory_etl"):
                self._last(pipeline, component, minutes)

    @staticmethod
    def _last(pipeline: Pipeline, component: str, minutes: float) -> None:
        """Change the end of a real attempt's record instead of waiting for hours."""
        pipeline.execute(
            """
            UPDATE ozon.etl_component_executions SET finished_at = started_at + %s
            WHERE (component, started_at) = (
                SELECT component, max(started_at) FROM ozon.etl_component_executions WHERE component = %s GROUP BY 1
            )
            """,
            timedelta(minutes=minutes),
            component,
        )


class TestMissedSchedule:
    """Due at 02:00, 08:00, 14:00 and 20:00 in Moscow, which is 23:00, 05:00, 11:00 and 17:00 UTC."""

    @pytest.fixture
    def loaded(self, pipeline: Pipeline) -> Pipeline:
        pipeline.load("scheduled")
        self._move(pipeline, "scheduled", "2026-11-24 05:00:03")
        return pipeline

    @staticmethod
    def _move(pipeline: Pipeline, dag_run_id: str, started_at: str) -> None:
        pipeline.execute(
            "UPDATE ozon.etl_workflow_executions SET started_at = %s WHERE dag_run_id = %s",
            datetime.fromisoformat(started_at).replace(tzinfo=UTC),
            dag_run_id,
        )

    @staticmethod
    def _at(pipeline: Pipeline, now: str, settings: Settings | None = None) -> tuple[str, float | None]:
        moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
        result = check(pipeline, "missed_schedule_minutes", moment, settings=settings)
        return str(result.status), result.value

    def test_fires_until_the_load_is_started(self, loaded: Pipeline) -> None:
        assert self._at(loaded, "2026-11-24 10:59") == ("ok", 0)
        assert self._at(loaded, "2026-11-24 11:30") == ("ok", 30)
        assert self._at(loaded, "2026-11-24 11:31") == ("warning", 31)
        assert self._at(loaded, "2026-11-24 13:01") == ("critical", 121)
        # The next load is due, too, and does not restart the count.
        assert self._at(loaded, "2026-11-24 17:01") == ("critical", 361)

    def test_names_the_load_and_the_setting(self, loaded: Pipeline) -> None:
        message = check(loaded, "missed_schedule_minutes", datetime(2026, 11, 24, 12, tzinfo=UTC)).message

        assert "the load that was due at 2026-11-24 14:00 MSK, 60 minutes ago, has not started" in message
        assert "workflow scheduled/main started at 2026-11-24 08:00 MSK (success)" in message
        assert "rules.missed_schedule_minutes.warning" in message

    @pytest.mark.parametrize("started_at", ["2026-11-24 10:59:30", "2026-11-24 11:45"])
    def test_is_resolved_by_a_run_by_hand(self, loaded: Pipeline, started_at: str) -> None:
        loaded.products("by hand")
        self._move(loaded, "by hand", started_at)

        assert self._at(loaded, "2026-11-24 12:00") == ("ok", 0)

    def test_is_not_resolved_by_an_earlier_run(self, loaded: Pipeline) -> None:
        loaded.products("by hand")
        self._move(loaded, "by hand", "2026-11-24 10:30")

        assert self._at(loaded, "2026-11-24 12:00") == ("warning", 60)

    def test_is_not_made_good_by_another_account(self, loaded: Pipeline) -> None:
        loaded.load("other", "second")
        self._move(loaded, "other", "2026-11-24 11:00:05")

        assert self._at(loaded, "2026-11-24 12:00") == ("warning", 60)

    def test_counts_from_when_airflow_starts_the_load_in_the_night_in_which_two_oclock_comes_twice(
        self, loaded: Pipeline
    ) -> None:
        self._move(loaded, "scheduled", "2026-10-24 18:00:03")
        in_berlin = loaded.settings.model_copy(update={"time_zone": "Europe/Berlin"})

        # Two o'clock in summer time is at 00:00 UTC, and Airflow's run, in winter time, at 01:00.
        assert self._at(loaded, "2026-10-25 00:59", in_berlin) == ("ok", 0)
        assert self._at(loaded, "2026-10-25 01:29", in_berlin) == ("ok", 29)
        assert self._at(loaded, "2026-10-25 01:31", in_berlin) == ("warning", 31)


class TestAKilledAttempt:
    def test_is_noticed_once_its_process_is_gone(self, pipeline: Pipeline) -> None:
        pipeline.sandbox.fault("latency", ms=10_000)
        with loading(pipeline, "product_etl", "killed") as process:
            until(lambda: pipeline.attempts(dag_run_id="killed"), process)
            assert (check(pipeline, "killed_attempt").status, check(pipeline, "killed_attempt").value) == ("ok", 0)

            process.kill()
            process.wait()
            # PostgreSQL notices within seconds that the client is gone.
            until_free(pipeline)

        result = check(pipeline, "killed_attempt")
        assert (result.status, result.value) == ("warning", 1)
        assert "product_etl of workflow killed/main (attempt 1) is recorded as running since" in result.message
        assert "no process holds the account's lock" in result.message
        critical = changed(pipeline.settings, "rules.killed_attempt", level="critical")
        assert check(pipeline, "killed_attempt", settings=critical).status == "critical"
        assert check(pipeline, "killed_attempt", account="second").status == "ok"

        pipeline.sandbox.clear_faults()
        pipeline.load("killed")
        assert check(pipeline, "killed_attempt").status == "ok"

    def test_is_not_a_workflow_between_its_tasks_or_waiting_for_a_retry(self, pipeline: Pipeline) -> None:
        pipeline.products("between")
        assert pipeline.workflow("between")["status"] == "running"
        assert check(pipeline, "killed_attempt").status == "ok"

        pipeline.sandbox.fault("server_error")
        with pytest.raises(OzonError):
            pipeline.inventory("between")
        assert pipeline.workflow("between")["status"] == "running"
        assert check(pipeline, "killed_attempt").status == "ok"

    def test_is_not_one_that_ends_during_the_check(self, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
        pipeline.load()
        pipeline.execute("UPDATE ozon.etl_component_executions SET status = 'running' WHERE component = 'product_etl'")
        assert check(pipeline, "killed_attempt").status == "warning"

        def ends_meanwhile(connection: psycopg.Connection, account: str) -> bool:
            pipeline.execute("UPDATE ozon.etl_component_executions SET status = 'success'")
            return is_locked(connection, account)

        monkeypatch.setattr("include.ozon.warehouse.lock.is_locked", ends_meanwhile)

        assert check(pipeline, "killed_attempt").status == "ok"


class TestALock:
    @pytest.mark.parametrize(("minutes", "status"), [(119, "ok"), (121, "warning"), (301, "critical")])
    def test_that_is_old_names_its_holder(self, pipeline: Pipeline, minutes: int, status: str) -> None:
        now = datetime.now(UTC) + timedelta(minutes=minutes)
        with locked(pipeline):
            result = check(pipeline, "lock_held_minutes", now)
            other = check(pipeline, "lock_held_minutes", now, account="second")

        assert result.status == status
        assert result.value == pytest.approx(minutes, abs=0.5)
        assert "(product_etl other/main) has held the lock for " in result.message
        assert (other.status, other.value) == ("ok", 0)

    def test_of_another_role_is_unknown_where_postgresql_hides_since_when(
        self, pipeline: Pipeline, postgres: EmbeddedPostgres
    ) -> None:
        superuser = postgres.dsn(urlsplit(pipeline.dsn).path[1:], SUPERUSER)
        with psycopg.connect(superuser, autocommit=True) as connection, account_lock(connection, "main"):
            hidden = check(pipeline, "lock_held_minutes")
            connection.execute(sql.SQL("GRANT pg_read_all_stats TO ozon"))
            try:
                shown = check(pipeline, "lock_held_minutes")
            finally:
                connection.execute(sql.SQL("REVOKE pg_read_all_stats FROM ozon"))

        assert hidden.status == "unknown"
        assert "pg_read_all_stats" in hidden.message
        assert shown.status == "ok"


class TestPeakMemory:
    @pytest.mark.parametrize(
        ("warning", "critical", "status"), [(5000, 9000, "ok"), (5, 9000, "warning"), (5, 10, "critical")]
    )
    def test_of_the_last_attempts_is_judged(
        self, pipeline: Pipeline, warning: float, critical: float, status: str
    ) -> None:
        pipeline.load()

        result = check(pipeline, "peak_memory_mb", settings=with_limits(pipeline, "peak_memory_mb", warning, critical))

        assert result.status == status
        needed = pipeline.value("SELECT max(peak_memory_mb) FROM ozon.etl_component_executions")
        assert result.value == needed

    def test_of_a_skipped_or_running_attempt_does_not_count(self, pipeline: Pipeline) -> None:
        pipeline.load("good")
        good = check(pipeline, "peak_memory_mb")
        skip(pipeline, "aside")
        pipeline.execute("UPDATE ozon.etl_component_executions SET peak_memory_mb = 9999 WHERE status = 'skipped'")

        assert check(pipeline, "peak_memory_mb").message == good.message


def until_free(pipeline: Pipeline) -> None:
    """Wait until there is no other connection to the warehouse."""
    pipeline.execute(
        """DO $$ BEGIN
            FOR i IN 1..400 LOOP
                PERFORM pg_stat_clear_snapshot();
                EXIT WHEN NOT EXISTS (
                    SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
                );
                PERFORM pg_sleep(0.05);
            END LOOP;
        END $$"""
    )
