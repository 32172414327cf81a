"""All components of Airflow, as `make up` runs them, with a test's own databases and DAGs."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import psutil
import requests

from include.ozon.diagnosis.airflow_health import HEALTH_PATH
from include.ozon_local import processes
from include.ozon_local.airflow import PROGRAM, airflow_environment, sign_in, web_url
from include.ozon_local.home import ROOT, LocalHome
from include.ozon_local.processes import child_environment, tail, tied
from include.ozon_local.stack import COMPONENTS

T = TypeVar("T")

_HEALTHY_SECONDS = 240  # several stacks at once start slowly
_END_SECONDS = 10


class AirflowStack:
    """A context manager: Airflow is healthy inside the block and ended after it.

    ``variables`` are added to the environment; the DAGs are in ``<home>/dags``. ``components`` are started, all unless
    the test needs only some of them, or one of them twice; each in ``folder`` by ``program``.
    """

    def __init__(
        self,
        home: Path,
        metadata_dsn: str,
        variables: Mapping[str, str],
        components: Sequence[str] = tuple(COMPONENTS),
        *,
        program: Path = PROGRAM,
        folder: Path = ROOT,
    ) -> None:
        self._program, self._folder = program, folder
        self._components = components
        self._home = LocalHome(home)
        # Picks any free port before Airflow asks for the preferred one: other tests start Airflow too.
        self._home.port("web")
        self.environment = {
            **child_environment(home),
            **airflow_environment(home, metadata_dsn),
            "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
            **variables,
        }
        self._children: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._headers: dict[str, str] = {}

    @property
    def url(self) -> str:
        return web_url(self._home)

    def __enter__(self) -> Self:
        user, password = sign_in(self._home)
        try:
            self._start()
            until(self._is_healthy, "Airflow became healthy", _HEALTHY_SECONDS)
            token = self.call("POST", "/auth/token", username=user, password=password)["access_token"]
        except BaseException:
            self._end()
            raise
        self._headers = {"Authorization": f"Bearer {token}"}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()

    def call(self, method: str, path: str, /, **fields: Any) -> Any:
        """Return the REST API's answer; raise unless the status is successful."""
        answer = requests.request(method, f"{self.url}{path}", json=fields or None, headers=self._headers, timeout=30)
        assert answer.ok, f"{method} {path} answered {answer.status_code}: {answer.text}"
        return answer.json()

    def get(self, path: str) -> requests.Response:
        """Return the answer to the signed-in user."""
        return requests.get(f"{self.url}{path}", headers=self._headers, timeout=30)

    def finished_run(self, dag_id: str, run_id: str, seconds: float = 120, **conf: Any) -> dict[str, Any]:
        """Trigger a run with this id, wait until it has ended, and return it."""
        self.trigger(dag_id, run_id, **conf)
        return self.ended(dag_id, run_id, seconds)

    def trigger(self, dag_id: str, run_id: str, **conf: Any) -> None:
        self.call("POST", f"/api/v2/dags/{dag_id}/dagRuns", dag_run_id=run_id, logical_date=None, conf=conf)

    def ended(self, dag_id: str, run_id: str, seconds: float = 120) -> dict[str, Any]:
        """Wait until the run has ended, and return it."""

        def look() -> dict[str, Any] | None:
            run: dict[str, Any] = self.call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")
            return run if run["state"] in {"success", "failed"} else None

        return until(look, f"run {run_id} of {dag_id} ended", seconds) or {}

    def await_dags(self, *dag_ids: str) -> None:
        """Wait until Airflow has read these DAGs."""

        def known() -> set[str]:
            return {dag["dag_id"] for dag in self.call("GET", "/api/v2/dags")["dags"]}

        until(lambda: known() >= set(dag_ids), f"Airflow knows {', '.join(dag_ids)}")

    def end_one(self, name: str) -> None:
        """End one process of this component, as a rolling restart does."""
        ending = next(pair for pair in self._children if pair[0] == name)
        self._children.remove(ending)
        processes.end([psutil.Process(ending[1].pid)], _END_SECONDS)
        ending[1].wait()

    def _start(self) -> None:
        for name in self._components:
            with self._log(name).open("ab") as log:
                child = subprocess.Popen(
                    tied([str(self._program), name, *COMPONENTS[name]]),
                    cwd=self._folder,
                    env=os.environ | self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            self._children.append((name, child))

    def _is_healthy(self) -> bool:
        for name, child in self._children:
            assert child.poll() is None, f"Airflow's {name} ended. The end of its log:\n{tail(self._log(name))}"
        try:
            health = requests.get(f"{self.url}{HEALTH_PATH}", timeout=10).json()
        except (requests.RequestException, ValueError):
            return False
        without = {name.replace("-", "_") for name in COMPONENTS if name not in self._components}
        return all(part["status"] == "healthy" for name, part in health.items() if name not in without)

    def _end(self) -> None:
        processes.end([psutil.Process(child.pid) for _, child in self._children if child.poll() is None], _END_SECONDS)
        for _, child in self._children:
            child.wait()

    def _log(self, name: str) -> Path:
        self._home.logs.mkdir(parents=True, exist_ok=True)
        return self._home.logs / f"airflow-{name}.log"


def until(look: Callable[[], T], what: str, seconds: float = 90) -> T:
    """Call ``look`` until it returns something true, and return that."""
    give_up_at = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < give_up_at, f"not within {seconds:g} seconds: {what}"
        time.sleep(0.2)
    return found
