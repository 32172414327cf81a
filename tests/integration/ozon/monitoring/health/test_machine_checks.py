"""The machine's checks, with a real cause for each status."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from include.ozon.monitoring.health import machine
from include.ozon.monitoring.health.checks import HealthContext
from include.ozon.monitoring.results import CheckResult, Status
from include.ozon.warehouse.lock import account_lock
from include.ozon_local.postgres import EmbeddedPostgres
from include.ozon_sandbox.process import SandboxProcess
from tests.support.health import health_context, measured, run_all
from tests.support.load_process import loading, until
from tests.support.pipeline import Pipeline, changed, quick_settings

NO_WAREHOUSE = "postgresql://ozon@127.0.0.1:1/nowhere"
MB = 1_000_000


def context_of(log_folder: Path | None = None, *folders: Path, **rules: dict[str, Any]) -> HealthContext:
    """Return the context of a machine whose warehouse is down, with other limits for some rules."""
    settings = quick_settings()
    for name, values in rules.items():
        settings = changed(settings, f"rules.{name}", **values)
    return health_context(NO_WAREHOUSE, settings=settings, folders=folders, log_folder=log_folder)


def measure(check: str, context: HealthContext) -> CheckResult:
    return measured(machine.AREA, context, check)


def test_only_the_staging_needs_the_warehouse(tmp_path: Path) -> None:
    results = run_all(machine.checks(context_of(tmp_path)), context_of(tmp_path))

    assert [result.check for result in results] == [
        "disk_used_pct", "memory_used_pct", "load_per_cpu", "log_size_gb", "log_files", "staging_leftover_hours"
    ]  # fmt: skip
    broken = {result.check for result in results if result.status == "error"}
    assert broken == {"staging_leftover_hours"}
    assert {result.account for result in results} == {None}
    assert all(type(result.value) is float for result in results if result.value is not None)


def test_without_a_log_folder_its_checks_are_left_out() -> None:
    names = [check.rule.name for check in machine.checks(context_of())]
    assert "disk_used_pct" in names
    assert not {"log_size_gb", "log_files"} & set(names)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"this user may not mount a small file system: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize(("kib", "status"), [(900, Status.WARNING), (1000, Status.CRITICAL)])
@pytest.mark.parametrize("is_log_folder", [False, True], ids=["reports", "logs"])
def test_a_disk_fills(small_disk: Path, kib: int, status: Status, is_log_folder: bool) -> None:
    (small_disk / "big").write_bytes(b"x" * 1024 * kib)
    # A folder that does not exist yet will be on the disk of its parent.
    folder = small_disk / "not/there/yet"

    found = measure("disk_used_pct", context_of(folder) if is_log_folder else context_of(None, Path("/"), folder))

    assert found.status is status
    assert found.value == pytest.approx(100 * kib / 1024, abs=1)
    assert f"The disk of {folder} is " in found.message


def test_a_disk_with_free_space_is_ok(small_disk: Path) -> None:
    limits = {"disk_used_pct": {"warning": 99.9, "critical": 99.9}}  # independent of the test's machine
    assert measure("disk_used_pct", context_of(None, small_disk, **limits)).status is Status.OK


def test_a_disk_that_cannot_be_read_is_unknown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A network file system that does not answer."""

    def stale(path: str) -> None:
        raise OSError(116, "Stale file handle")

    monkeypatch.setattr(psutil, "disk_usage", stale)
    found = measure("disk_used_pct", context_of(tmp_path))
    assert found.status == Status.ERROR
    assert "Stale file handle" in found.message


@pytest.mark.parametrize("check", ["memory_used_pct", "load_per_cpu"])
def test_memory_and_load_are_judged_by_the_configurations_limits(check: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits change, not the machine."""
    if check == "load_per_cpu":  # it is 0 on an idle machine
        monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 2.0 * (os.cpu_count() or 1)))
    high, nothing = (1000.0 if check == "load_per_cpu" else 100.0), 0.0

    def found(warning: float, critical: float) -> Status:
        return measure(check, context_of(**{check: {"warning": warning, "critical": critical}})).status

    assert (found(high, high), found(nothing, high), found(nothing, nothing)) == (
        Status.OK, Status.WARNING, Status.CRITICAL
    )  # fmt: skip


def test_a_system_without_proc_leaves_memory_unknown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))
    found = measure("memory_used_pct", context_of())
    assert found.status == Status.ERROR


def test_a_system_without_a_load_average_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise OSError("unobtainable")

    monkeypatch.setattr(os, "getloadavg", none)
    found = measure("load_per_cpu", context_of())
    assert found.status == Status.UNKNOWN


@pytest.mark.parametrize(("mb", "status"), [(1, Status.OK), (3, Status.WARNING), (6, Status.CRITICAL)])
def test_log_files_grow(tmp_path: Path, mb: int, status: Status) -> None:
    folder = tmp_path / "logs/dag_id=ozon_etl"
    folder.mkdir(parents=True)
    with (folder / "attempt=1.log").open("wb") as file:
        file.write(b"x" * mb * MB)
        os.fsync(file.fileno())

    found = measure("log_size_gb", context_of(tmp_path / "logs", log_size_gb={"warning": 0.002, "critical": 0.005}))

    assert found.status is status
    assert found.value == pytest.approx(mb / 1000, rel=0.05)
    assert found.message.startswith(f"The log files in {tmp_path / 'logs'} use 0.00{mb}")


@pytest.mark.parametrize(("count", "status"), [(3, Status.OK), (4, Status.WARNING), (9, Status.CRITICAL)])
def test_log_files_become_many(tmp_path: Path, count: int, status: Status) -> None:
    for number in range(count):
        (tmp_path / f"{number}.log").touch()

    found = measure("log_files", context_of(tmp_path, log_files={"warning": 3, "critical": 8}))

    assert (found.status, found.value) == (status, count)
    assert f"There are {count} log files in {tmp_path}" in found.message


def test_the_counting_of_log_files_ends_above_every_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "MOST_FILES", 5)
    for number in range(20):
        (tmp_path / f"{number}.log").touch()

    found = measure("log_files", context_of(tmp_path, log_files={"warning": 3, "critical": 12}))

    assert (found.status, found.value) == (Status.CRITICAL, 13)
    assert "There are at least 13 log files" in found.message


@pytest.mark.parametrize("check", ["log_size_gb", "log_files"])
def test_a_log_folder_that_is_none_is_unknown(tmp_path: Path, check: str) -> None:
    (tmp_path / "logs").touch()
    found = measure(check, context_of(tmp_path / "logs"))
    assert found.status == Status.ERROR


def test_the_log_folder_is_walked_once_for_both_checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    walks = []
    scan = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: walks.append(path) or scan(path))  # type: ignore[func-returns-value]
    context = context_of(tmp_path)

    run_all((check for check in machine.checks(context) if check.rule.name.startswith("log_")), context)

    assert walks == [str(tmp_path)]


@pytest.fixture
def pipeline(sandbox: SandboxProcess, warehouse_dsn: str) -> Pipeline:
    return Pipeline(sandbox, warehouse_dsn)


def leftover(pipeline: Pipeline, hours: float = 0) -> CheckResult:
    now = datetime.now(UTC) + timedelta(hours=hours)
    return measure("staging_leftover_hours", health_context(pipeline, now=now))


def test_staging_of_a_killed_load_is_noticed_when_it_is_old(pipeline: Pipeline) -> None:
    pipeline.sandbox.fault("latency", ms=300)
    with loading(pipeline, "product_etl", "killed") as process:
        until(lambda: pipeline.value("SELECT count(*) FROM ozon_staging.loads"), process)
        alive = leftover(pipeline, hours=1000)
        process.kill()
        process.wait()
    pipeline.sandbox.clear_faults()

    assert (alive.status, alive.value) == (Status.OK, 0), "a running load is not a leftover"
    for hours, status in ((23, Status.OK), (25, Status.WARNING), (169, Status.CRITICAL)):
        found = leftover(pipeline, hours)
        assert found.status is status
        assert found.value == pytest.approx(hours, abs=0.05)
        assert "The staging data of product_etl of account main" in found.message
        assert "(workflow killed/main)" in found.message

    assert pipeline.load("next") == "success"
    assert (leftover(pipeline, 1000).status, leftover(pipeline, 1000).value) == (Status.OK, 0)


def test_the_oldest_leftover_of_all_accounts_is_named_and_the_others_counted(pipeline: Pipeline) -> None:
    for number, account in enumerate(("main", "second", "removed_account")):
        pipeline.execute(
            "INSERT INTO ozon_staging.loads VALUES (%s, 'product_etl', 'old', now() - make_interval(hours => %s))",
            account,
            30 + number,
        )
    with psycopg.connect(pipeline.dsn, autocommit=True) as holder, account_lock(holder, "second"):
        found = leftover(pipeline)

    assert found.status is Status.WARNING
    assert found.value == pytest.approx(32, abs=0.05)
    assert "of account removed_account" in found.message
    assert "; it is the oldest of 2" in found.message


def test_a_dropped_warehouse_leaves_the_staging_unknown(pipeline: Pipeline, postgres: EmbeddedPostgres) -> None:
    postgres.drop_database(pipeline.dsn.rpartition("/")[2])
    found = leftover(pipeline)
    assert found.status == Status.ERROR
