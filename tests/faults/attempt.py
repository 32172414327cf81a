"""One attempt of both components for an account, in a process of its own that can be killed."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from include.ozon.errors import CancelledError, FatalError
from include.ozon.pipeline.attempt import run_component
from include.ozon.pipeline.components import find_component
from include.ozon_local.moved_clock import moved_clock
from include.ozon_sandbox.process import SandboxAccount, SandboxAdmin
from tests.support import scratch
from tests.support.pipeline import Pipeline, changed, quick_settings

# Forking saves the second of the imports.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tests.faults.attempt", "include.ozon.pipeline.product_reading", "alembic.script"])

_GIVE_UP_SECONDS = 60
_OUTCOME = "outcome.json"


@dataclass(frozen=True)
class Order:
    """The task of an attempt; both addresses are those of proxies."""

    base_url: str
    keys: Mapping[str, SandboxAccount]
    dsn: str
    dag_run_id: str
    components: tuple[str, ...]
    """Those that have not succeeded yet: Airflow does not repeat a task that has."""
    api_attempts: int
    temporary_folder: Path | None = None
    clock_ahead_hours: float = 0.0

    def pipeline(self) -> Pipeline:
        sandbox: Any = SandboxAdmin(self.base_url)
        sandbox.accounts = self.keys
        settings = changed(
            quick_settings(),
            "api",
            page_size=50,
            details_batch_size=50,
            attempts=self.api_attempts,
            read_timeout_seconds=2,
            exchange_timeout_seconds=4,
        )
        settings = changed(settings, "inventory", ozon_warehouses=True)
        return Pipeline(sandbox, self.dsn, changed(settings, "warehouse", lock_timeout_seconds=1))

    @contextmanager
    def clock(self, pipeline: Pipeline) -> Iterator[None]:
        """Move the warehouse's clock, unless it is right."""
        if not self.clock_ahead_hours:
            yield
            return
        with moved_clock(pipeline.connect) as clock:
            clock.set(clock.now() + timedelta(hours=self.clock_ahead_hours))
            yield


@dataclass(frozen=True)
class Outcome:
    """``end`` is success, failed, cancelled or killed; ``error`` is the class, empty without one.

    ``is_final`` if Airflow does not retry.
    """

    end: str
    error: str = ""
    message: str = ""
    is_final: bool = False


class Attempt:
    """A running attempt; its end must be awaited."""

    def __init__(self, order: Order) -> None:
        self._folder = scratch.new_folder("attempt")
        self._process: BaseProcess = _processes.Process(target=_run, args=(order, self._folder))
        self._process.start()

    def is_running(self) -> bool:
        return self._process.is_alive()

    def send(self, number: signal.Signals) -> None:
        if self._process.is_alive() and self._process.pid:
            os.kill(self._process.pid, number)

    def end(self) -> Outcome:
        """Wait for the end. Raises AssertionError if it does not come, or if files are left behind."""
        self._process.join(_GIVE_UP_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            raise AssertionError(f"the attempt did not end within {_GIVE_UP_SECONDS} seconds")
        file = self._folder / _OUTCOME
        outcome = Outcome(**json.loads(file.read_text())) if file.exists() else Outcome("killed")
        left = [each.name for each in self._folder.iterdir() if each != file]
        assert left == [], f"temporary files are left: {left}"
        return outcome


def _run(order: Order, folder: Path) -> None:
    logging.disable()
    os.environ["TMPDIR"] = str(order.temporary_folder or folder)
    outcome = _attempt(order)
    (folder / _OUTCOME).write_text(json.dumps(vars(outcome)))


def _attempt(order: Order) -> Outcome:
    from include.ozon.pipeline.cancellation import cancellable

    pipeline = order.pipeline()
    try:
        with cancellable(), order.clock(pipeline):
            for name in order.components:
                run_component(find_component(name), pipeline.run(order.dag_run_id))
    except CancelledError as error:
        return Outcome("cancelled", "CancelledError", str(error), is_final=True)
    except Exception as error:
        return Outcome("failed", type(error).__name__, str(error), isinstance(error, FatalError))
    return Outcome("success", is_final=True)
