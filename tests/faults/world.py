"""The parts that every run uses: a PostgreSQL that may be killed, a sandbox, and a proxy before each."""

from __future__ import annotations

import itertools
import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from include.ozon.pipeline.components import COMPONENTS
from include.ozon.warehouse import schema
from include.ozon_local.home import LOOPBACK
from include.ozon_local.postgres import SUPERUSER, WAREHOUSE_ROLE, EmbeddedPostgres
from include.ozon_sandbox.process import SandboxProcess
from tests.faults.attempt import Attempt, Order, Outcome
from tests.faults.small_disk import TABLESPACE, SmallDisk
from tests.faults.standby import Standby
from tests.support import scratch
from tests.support.airflow_stack import until
from tests.support.pipeline import Pipeline
from tests.support.servers import kill
from tests.support.tcp_proxy import TcpProxy

PRODUCTS = 300
_LOADED = "loaded"
_GIVE_UP_SECONDS = 30


class World:
    """A context manager; all of it ends with the block."""

    def __init__(self) -> None:
        self.server = EmbeddedPostgres(scratch.new_folder("postgres"))
        self.sandbox = SandboxProcess(
            scratch.new_folder("sandbox"), {"main": PRODUCTS}, analytics_seconds_between_requests=0
        )
        self._numbers = itertools.count()
        self._standby: Standby | None = None

    def __enter__(self) -> World:
        self.server.start()
        self.disk = SmallDisk(self.dsn("postgres"))
        self.sandbox.start()
        self.api = TcpProxy(_port(self.sandbox.base_url))
        self.database = TcpProxy(_port(f"//{self.server.address}"))
        self._load_once()
        return self

    def __exit__(self, *_: object) -> None:
        self.api.close()
        self.database.close()
        self.sandbox.stop()
        self.server.stop()

    @contextmanager
    def case(self, seed: int, *, on_small_disk: bool = False) -> Iterator[Case]:
        """Yield a warehouse that has the catalogue of tick 0, with the sandbox at tick 1."""
        name = f"case_{next(self._numbers)}"
        self.sandbox.reset(tick=0)
        self.sandbox.tick()
        tablespace = TABLESPACE if on_small_disk else "pg_default"
        with self.superuser() as connection:
            create = f"CREATE DATABASE {name} OWNER {WAREHOUSE_ROLE} TEMPLATE {_LOADED} TABLESPACE {tablespace}"
            connection.execute(create.encode())
        try:
            yield Case(self, name, random.Random(seed))
        finally:
            self.sandbox.clear_faults()
            self._fail_back()
            self.server.drop_database(name)

    def dsn(self, database: str, role: str = SUPERUSER) -> str:
        """Return the address at the server that is the primary now."""
        dsn = self.server.dsn(database, role)
        return dsn.replace(self.server.address, f"{LOOPBACK}:{self._standby.port}") if self._standby else dsn

    def superuser(self, database: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self.dsn(database), autocommit=True, connect_timeout=5)

    def fail_over(self, standby: Standby) -> None:
        """Kill the primary, and make the standby the primary, for the load too."""
        self.kill_server()
        standby.promote()
        self._standby = standby
        self.database.target = standby.port

    @contextmanager
    def led_to_standby(self) -> Iterator[None]:
        """Make the load's connections go to a standby, which only reads."""
        standby = Standby(self.dsn("postgres"))
        self.database.target = standby.port
        try:
            yield
        finally:
            self.database.target = _port(f"//{self.server.address}")
            standby.stop()
            self.restart_server()

    def _fail_back(self) -> None:
        if self._standby:
            self._standby.stop()
            self._standby = None
            self.database.target = _port(f"//{self.server.address}")
            self.server.start()

    def kill_server(self) -> None:
        kill(self.server)

    def restart_server(self) -> None:
        self.server.stop()
        self.server.start()

    def _load_once(self) -> None:
        self.server.create_database(_LOADED, WAREHOUSE_ROLE)
        dsn = self.server.dsn(_LOADED, WAREHOUSE_ROLE)
        schema.upgrade(lambda: psycopg.connect(dsn))
        case = Case(self, _LOADED, random.Random(0))
        # The second load takes as long as those of the runs.
        for dag_run_id in ("first", "before"):
            self.sandbox.reset_counters()
            began = time.monotonic()
            outcome = Attempt(case.order(dag_run_id)).end()
            assert outcome.end == "success", outcome
            case.pipeline.end(dag_run_id)
        self.seconds_of_a_load = time.monotonic() - began
        self.requests_of_a_load: Mapping[str, int] = case.pipeline.requests()
        self.requests_of_components = {
            component.name: case.pipeline.attempts(component.name, "before")[-1]["api_requests"]
            for component in COMPONENTS
        }


@dataclass
class Case:
    """One run: its own warehouse, and all random choices."""

    world: World
    name: str
    rng: random.Random
    attempt: Attempt | None = None
    outcome: Outcome | None = None
    """Of the attempt, once it has ended."""
    moment: str = ""
    """All that was drawn, for the printed line."""
    has_acted: bool = False
    """The attempt met the fault; otherwise it ended before the fault's moment."""
    temporary_folder: Path | None = None
    clock_ahead_hours: float = 0.0
    others: list[Attempt] = field(default_factory=list)
    """Attempts of other workflows that a fault has started."""

    @property
    def pipeline(self) -> Pipeline:
        """The warehouse and the sandbox without proxies, as a superuser."""
        return Pipeline(self.world.sandbox, self.world.dsn(self.name))

    @property
    def dsn(self) -> str:
        """The warehouse's address without a proxy, with the load's role."""
        return self.world.server.dsn(self.name, WAREHOUSE_ROLE)

    def order(self, dag_run_id: str, api_attempts: int = 1) -> Order:
        user, _, place = self.dsn.rpartition("@")
        dsn = f"{user}@{LOOPBACK}:{self.world.database.port}/{place.partition('/')[2]}?connect_timeout=2"
        base_url = f"http://{LOOPBACK}:{self.world.api.port}"
        return Order(
            base_url, self.world.sandbox.accounts, dsn, dag_run_id, self.missing(dag_run_id), api_attempts,
            self.temporary_folder, self.clock_ahead_hours,
        )  # fmt: skip

    def missing(self, dag_run_id: str) -> tuple[str, ...]:
        """Return the components that have not succeeded yet in a workflow."""
        return tuple(
            component.name
            for component in COMPONENTS
            if not any(each["status"] == "success" for each in self.pipeline.attempts(component.name, dag_run_id))
        )

    @contextmanager
    def soon(self, action: Callable[[], object]) -> Iterator[None]:
        """Do ``action`` at a seeded moment of the load."""
        seconds = self.rng.uniform(0.05, self.world.seconds_of_a_load)
        self.moment += f"after {seconds:.2f} s"

        def act() -> None:
            time.sleep(seconds)
            self.has_acted |= self.attempt is not None and self.attempt.is_running()
            action()

        with self.beside(act):
            yield

    @contextmanager
    def beside(self, action: Callable[[], object]) -> Iterator[None]:
        """Do ``action`` during the block; wait for it, and re-raise its error, at the end of the block."""
        with ThreadPoolExecutor(1) as worker:
            done = worker.submit(action)
            yield
            done.result()

    def send(self, number: signal.Signals) -> None:
        if self.attempt:
            self.attempt.send(number)

    def sessions(self) -> list[int]:
        """Return the process ids of the load's sessions."""
        query = "SELECT pid FROM pg_stat_activity WHERE datname = %s AND application_name LIKE '%%\\_etl %%'"
        with self.world.superuser() as connection:
            return [pid for (pid,) in connection.execute(query, (self.name,))]

    def kill_session(self) -> None:
        for pid in self.sessions():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def terminate_session(self) -> None:
        with self.world.superuser() as connection:
            for pid in self.sessions():
                connection.execute("SELECT pg_terminate_backend(%s)", (pid,))

    def wait_until_ready(self) -> None:
        """Wait until PostgreSQL accepts sessions again, after a crash of its own."""

        def answers() -> bool:
            with suppress(psycopg.OperationalError), self.world.superuser(self.name):
                return True
            return False

        until(answers, "PostgreSQL accepts sessions", _GIVE_UP_SECONDS)


def _port(address: str) -> int:
    return urlsplit(address).port or 0
