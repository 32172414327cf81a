"""DAG runs by the real ``airflow dags test``, and queries of Airflow's metadata database."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from include.ozon_local.airflow import PROGRAM
from include.ozon_local.home import ROOT
from include.ozon_local.processes import tied

Row = dict[str, Any]

_SECONDS = 120


@dataclass(frozen=True)
class FinishedRun:
    exit_code: int
    output: str
    """stdout and stderr, including the tasks' logs."""


class RunningRun:
    """A started ``airflow dags test``."""

    def __init__(
        self, dag_id: str, environment: dict[str, str], conf: dict[str, Any], log: Path, folder: Path = ROOT
    ) -> None:
        self._log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                tied([str(PROGRAM), "dags", "test", dag_id, "--conf", json.dumps(conf)]),
                env=environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def finish(self, timeout_seconds: float = _SECONDS) -> FinishedRun:
        try:
            exit_code = self.process.wait(timeout_seconds)
        finally:
            self.process.kill()
            self.process.wait()
        return FinishedRun(exit_code, self._log.read_text())


@dataclass(frozen=True)
class Airflow:
    """Airflow with ``environment``; the metadata database belongs to the test."""

    environment: dict[str, str]
    folder: Path = ROOT
    """The project's folder."""

    def start(self, dag_id: str = "ozon_etl", /, **conf: Any) -> RunningRun:
        log = self.home / f"run-{len(list(self.home.glob('run-*')))}.log"
        return RunningRun(dag_id, self.environment, conf, log, self.folder)

    def run(self, dag_id: str = "ozon_etl", /, **conf: Any) -> FinishedRun:
        return self.start(dag_id, **conf).finish()

    @property
    def home(self) -> Path:
        folder = Path(self.environment["AIRFLOW_HOME"])
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def rows(self, query: str) -> list[Row]:
        """Query the metadata database."""
        with self._connect() as connection:
            return connection.cursor(row_factory=dict_row).execute(query.encode()).fetchall()

    def states(self) -> dict[str, str]:
        """Return the states of the last run's tasks by ``<task>`` or ``<task>[<index>]``, with the try number."""
        rows = self.rows(
            "SELECT task_id, map_index, state, try_number FROM task_instance "
            "WHERE run_id = (SELECT run_id FROM dag_run ORDER BY id DESC LIMIT 1)"
        )
        return {
            row["task_id"] + (f"[{row['map_index']}]" if row["map_index"] >= 0 else ""): (
                f"{row['state']} in try {row['try_number']}"
            )
            for row in rows
        }

    def announced(self) -> list[list[str]]:
        """Return the accounts that each event of the asset ``ozon_loaded`` names, in the order of the events."""
        return [sorted(event["accounts"]) for event in self.asset_events("name = 'ozon_loaded'")]

    def asset_events(self, condition: str) -> list[Row]:
        """Return the extras of the events of the assets with the condition, in the order of the events."""
        query = "SELECT e.extra FROM asset_event e JOIN asset ON asset.id = e.asset_id"
        return [row["extra"] for row in self.rows(f"{query} WHERE {condition} ORDER BY e.id")]

    def written_texts(self) -> Iterator[str]:
        """Yield the text of every table in Airflow's database and every file below its home."""
        with self._connect() as connection:
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            for (table,) in tables:
                query = sql.SQL("SELECT string_agg(t::text, ' ') FROM {} t").format(sql.Identifier(table))
                (text,) = connection.execute(query).fetchone() or ("",)
                yield text or ""
        for file in self.home.rglob("*"):
            if file.is_file():
                yield file.read_text(errors="replace")

    def _connect(self) -> psycopg.Connection[Any]:
        dsn = self.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
        return psycopg.connect(dsn.replace("postgresql+psycopg2://", "postgresql://"))
