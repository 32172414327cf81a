"""Clean-up of Airflow's metadata database, by ``airflow db clean`` in a separate process."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from include.ozon.errors import FatalError, RetriableError
from include.ozon.maintenance.steps import Outcome
from include.ozon.settings.maintenance import MaintenanceSettings
from include.ozon.words import count_of

SQL_ALCHEMY_CONN = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"

# Foreign keys delete the rows of other tables with these. Without `dag`: if no DAG processor runs (cron), its rows are
# as old as the last `airflow dags reserialize`, and deleting them would lose which DAGs are paused.
_TABLES_OF_DAGS = ("dag_run", "task_instance", "log", "xcom", "dag_version")
_TABLES_OF_ALL = (
    *_TABLES_OF_DAGS,
    "job",
    "asset_event",
    "partitioned_asset_key_log",
    "import_error",
    "task_reschedule",
    "callback",
    "trigger",
    "revoked_token",
)
# With --dag-ids, Airflow 3.3.2 queries a column of these that does not exist. Their rows are deleted with their runs
# and tasks.
_KNOWN_TO_FAIL = frozenset({"deadline", "task_reschedule"})

_TABLE = re.compile(r"^Checking table (\S+)\s+Found (\d+) rows", re.MULTILINE)
_FAILED = re.compile(r"error when attempting to clean table '(\w+)'")
_LAST_LINES = 3


def clean_metadata(
    settings: MaintenanceSettings,
    dag_ids: Sequence[str],
    environment: Mapping[str, str],
    now: datetime,
    *,
    timeout_seconds: float,
    dry_run: bool,
) -> Outcome:
    """Delete expired runs, tasks and log entries of ``dag_ids``, or with the setting `other_dags` of all DAGs.

    ``environment`` is that of the process, with the database's address. The last run of each DAG is kept.

    Raise FatalError with the end of Airflow's output if it fails, and RetriableError if it takes too long.
    """
    before = (now - timedelta(days=settings.metadata_days)).astimezone(UTC)
    command = [sys.executable, "-m", "airflow", *_arguments(settings, dag_ids, before, dry_run)]
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter, without a shell
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_seconds,
            text=True,
            errors="replace",
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RetriableError(
            f"`airflow db clean` did not end within {timeout_seconds:.0f} seconds; the rows it deleted stay deleted. "
            "Run maintenance again."
        ) from None
    if done.returncode:
        raise FatalError(f"`airflow db clean` failed ({_last_words(done.stdout)}). Check Airflow's metadata database.")
    expected = frozenset() if settings.other_dags else _KNOWN_TO_FAIL
    if failed := sorted(set(_FAILED.findall(done.stdout)) - expected):
        raise FatalError(f"`airflow db clean` could not clean {', '.join(failed)}. Run it by hand to see why.")
    counts = {table: int(count) for table, count in _TABLE.findall(done.stdout)}
    details = [f"{table}: {count_of(count, 'row')}" for table, count in sorted(counts.items()) if count]
    return Outcome("metadata", dry_run=dry_run, rows=sum(counts.values()), details=details)


def _arguments(settings: MaintenanceSettings, dag_ids: Sequence[str], before: datetime, dry_run: bool) -> Iterator[str]:
    yield from ("db", "clean", "--yes", "--skip-archive")
    yield from ("--clean-before-timestamp", before.isoformat(), "--batch-size", str(settings.batch_rows))
    yield from ("--tables", ",".join(_TABLES_OF_ALL if settings.other_dags else _TABLES_OF_DAGS))
    if not settings.other_dags:
        yield from ("--dag-ids", ",".join(dag_ids))
    if dry_run:
        yield "--dry-run"


def _last_words(output: str) -> str:
    """Return the last lines, except those with addresses, which SQLAlchemy's errors may quote."""
    lines = [line.strip() for line in output.splitlines() if line.strip() and "://" not in line]
    return " / ".join(lines[-_LAST_LINES:]) or "it printed nothing"
