"""All components of Airflow, as `make up` runs them, with a test's own databases and DAGs."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Collection, Mapping
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

_HEALTHY_SECONDS = 120
_END_SECONDS = 10


class AirflowStack:
    """A context manager: Airflow is healthy inside the block and ended after it.

    ``variables`` are added to the environment; the DAGs are in ``<home>/dags``. ``components`` are started, all unless
    the test needs only some of them.
    """

    def __init__(
        self,
        home: Path,
        metadata_dsn: str,
        variables: Mapping[str, str],
        components: Collection[str] = tuple(COMPONENTS),
    ) -> None:
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
        self._children: dict[str, subprocess.Popen[bytes]] = {}
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

    def run(self, dag_id: str, /, **conf: Any) -> str:
        """Trigger a DAG, wait for the end of the run, and return its id."""
        path = f"/api/v2/dags/{dag_id}/dagRuns"
        run_id = str(self.call("POST", path, logical_date=None, conf=conf)["dag_run_id"])
        until(
            lambda: self.call("GET", f"{path}/{run_id}")["state"] in {"success", "failed"},
            f"{run_id} of {dag_id} ended",
        )
        return run_id

    def _start(self) -> None:
        for name in self._components:
            options = COMPONENTS[name]
            with self._log(name).open("wb") as log:
                self._children[name] = subprocess.Popen(
                    tied([str(PROGRAM), name, *options]),
                    cwd=ROOT,
                    env=os.environ | self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )

    def _is_healthy(self) -> bool:
        for name, child in self._children.items():
            assert child.poll() is None, f"Airflow's {name} ended. The end of its log:\n{tail(self._log(name))}"
        try:
            health = requests.get(f"{self.url}{HEALTH_PATH}", timeout=10).json()
        except (requests.RequestException, ValueError):
            return False
        without = {name.replace("-", "_") for name in COMPONENTS if name not in self._components}
        return all(part["status"] == "healthy" for name, part in health.items() if name not in without)

    def _end(self) -> None:
        processes.end(
            [psutil.Process(child.pid) for child in self._children.values() if child.poll() is None], _END_SECONDS
        )
        for child in self._children.values():
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
