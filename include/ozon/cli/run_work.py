"""Execution of a run: started here or under a scheduler, displayed, and stopped by a signal."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from include.ozon.cli.common import importing_airflow, is_quiet, is_verbose
from include.ozon.cli.run_display import RunDisplay
from include.ozon.cli.run_log import diverted_output, log_file, our_log_lines
from include.ozon.cli.run_result import RunResult, dry_run_rows
from include.ozon.cli.warehouse import warehouse_connect
from include.ozon.errors import ConfigurationError, OzonError, RetriableError
from include.ozon.reports.runs import ComponentRow, dag_run_workflows
from include.ozon.settings import Settings
from include.ozon.warehouse.lock import account_lock, is_locked
from include.ozon.warehouse.schema import require_head
from include.ozon.warehouse.session import Connection, open_session, require_temporary_tables

if TYPE_CHECKING:
    from include.ozon.adapter.runs.run_state import RunState
    from include.ozon.pipeline.interruption import Interruption

_POLL_SECONDS = 1.0


class RunWork:
    """One run with its parameters. Create it while ``interruption`` is active, since it imports Airflow."""

    def __init__(self, params: dict[str, Any], settings: Settings, interruption: Interruption) -> None:
        self._params = params
        self._settings = settings
        self._interruption = interruption
        self._is_dry: bool = params["dry_run"]
        self._connect = warehouse_connect()

    def require_free_accounts(self) -> None:
        """Raise AlreadyRunningError if another run is loading an account.

        Raise SchemaError and the errors of ``open_session``, too: once here instead of in each task.
        """
        with self._warehouse() as connection:
            require_head(connection)
            require_temporary_tables(connection)
            for account in self._params["accounts"] or self._settings.accounts:
                if is_locked(connection, account):
                    # Taking the lock raises the error that names its holder, or succeeds if it was just released.
                    with account_lock(connection, account):
                        pass

    def has_scheduler(self) -> bool:
        """Return whether a scheduler is running. Raise FatalError if it is, but cannot run this DAG."""
        with importing_airflow():
            from include.ozon.adapter.runs.scheduled_run import has_scheduler  # noqa: PLC0415

        return has_scheduler()

    def run_here(self) -> RunResult:
        """Run the DAG in this process."""
        with importing_airflow():
            from include.ozon.adapter.runs.local_run import logs_folder, run_here  # noqa: PLC0415

        log = None if is_verbose() else log_file(logs_folder())
        with diverted_output(log) as stderr, self._display(stderr) as display:
            # A dry run has no records to draw bars from, and a verbose log would break the bars.
            has_bars = display.is_terminal and not self._is_dry and not is_verbose() and not is_quiet()
            level = logging.WARNING if has_bars or is_quiet() else logging.INFO
            with ExitStack() as shown:
                if log:
                    display.print_note(f"Airflow's log of this run: {log}")
                    shown.enter_context(our_log_lines(display.print_line, level))
                watch = shown.enter_context(self._watch(display))
                run_id = run_here(self._params, self._interruption, watch if has_bars else lambda run_id: None)
        return self._result(run_id, log, by_scheduler=False)

    def run_there(self) -> RunResult:
        """Trigger a run under the scheduler, and follow it to its end."""
        from include.ozon.adapter.runs.scheduled_run import trigger  # noqa: PLC0415

        # Airflow's logs in this process, some of them on stdout, are about creating the run, not about its work.
        log = None if is_verbose() else Path(os.devnull)
        with diverted_output(log) as stderr, self._display(stderr) as display, self._watch(display) as watch:
            run_id = trigger(self._params)
            display.print_note(f"A scheduler is running, so the run was started there: {run_id}")
            if not is_quiet():
                watch(run_id)
            self._follow(run_id, display)
        return self._result(run_id, None, by_scheduler=True)

    def _follow(self, run_id: str, display: RunDisplay) -> None:
        from include.ozon.adapter.runs.run_state import read_run  # noqa: PLC0415
        from include.ozon.adapter.runs.scheduled_run import stop  # noqa: PLC0415

        is_stopped = False
        while True:
            try:
                if self._interruption.number and not is_stopped:
                    stop(run_id)
                    is_stopped = True
                state = read_run(run_id)
            except RetriableError as error:
                display.print_change("metadata", str(error))
            else:
                self._print_states(state, display)
                if state.has_ended:
                    return
            if is_stopped:
                threading.Event().wait(_POLL_SECONDS)
            else:
                self._interruption.happened.wait(_POLL_SECONDS)

    def _print_states(self, state: RunState, display: RunDisplay) -> None:
        if is_quiet():
            return
        display.print_change("run", f"The run is {state.state}.")
        if self._is_dry:
            for task in state.tasks:
                if task.is_component and task.account and task.state != "none":
                    name = f"{task.task_id} of account {task.account}"
                    display.print_change(name, f"{name}: {task.state}")

    @contextmanager
    def _display(self, stderr: TextIO) -> Iterator[RunDisplay]:
        """Yield a display that is closed at the first signal: a second one could leave the cursor hidden."""
        display = RunDisplay(stderr, self._settings)

        def announce_stop() -> None:
            display.close()
            display.print_line(f"{self._interruption.name}: stopping cleanly; a second signal stops at once.")

        self._interruption.on_first_signal(announce_stop)
        try:
            yield display
        finally:
            self._interruption.on_first_signal(None)
            display.close()

    @contextmanager
    def _watch(self, display: RunDisplay) -> Iterator[Callable[[str], None]]:
        """Yield a function that starts to show a run's components from its records, until the end of the block."""
        is_over = threading.Event()

        def poll(run_id: str) -> None:
            while not is_over.wait(_POLL_SECONDS):
                # If the warehouse goes away, nothing is shown until a new session can be opened.
                with suppress(OzonError), self._warehouse() as connection:
                    while not is_over.wait(_POLL_SECONDS):
                        self._show(run_id, display, connection)
            with suppress(OzonError), self._warehouse() as connection:
                self._show(run_id, display, connection)

        threads: list[threading.Thread] = []

        def begin(run_id: str) -> None:
            threads.append(threading.Thread(target=poll, args=(run_id,), name="ozon-watch", daemon=True))
            threads[-1].start()

        try:
            yield begin
        finally:
            is_over.set()
            for thread in threads:
                thread.join()

    @staticmethod
    def _show(run_id: str, display: RunDisplay, connection: Connection) -> None:
        from include.ozon.pipeline.run_records import component_states, listed  # noqa: PLC0415

        for state in component_states(connection, run_id):
            display.show(state, listed(connection, state) if state.status == "running" else None)

    def _result(self, run_id: str, log: Path | None, *, by_scheduler: bool) -> RunResult:
        from include.ozon.adapter.runs.run_state import read_run  # noqa: PLC0415

        run = read_run(run_id)
        problem, rows = "", list[ComponentRow]()
        try:
            rows = self._rows(run_id, run)
        except OzonError as error:
            problem = f"The records could not be read: {error}"
        return RunResult(
            dag_run_id=run_id,
            run=run,
            rows=rows,
            dry_run=self._is_dry,
            by_scheduler=by_scheduler,
            interrupted_by=self._interruption.name,
            interrupted_exit_code=self._interruption.exit_code,
            log=log,
            problem=problem,
        )

    def _rows(self, run_id: str, run: RunState) -> list[ComponentRow]:
        from include.ozon.adapter.runs.run_state import returned_numbers  # noqa: PLC0415
        from include.ozon.pipeline.run_records import record_cancelled  # noqa: PLC0415

        if self._is_dry:
            return dry_run_rows(run_id, run.tasks, returned_numbers(run_id))
        with self._warehouse() as connection:
            if self._interruption.number:
                record_cancelled(connection, run_id, self._interruption.name, self._interruption.seconds_ago)
            try:
                return dag_run_workflows(connection, run_id)
            except ConfigurationError:
                return []  # no component was started

    @contextmanager
    def _warehouse(self) -> Iterator[Connection]:
        with open_session(self._connect, self._settings.warehouse, "ozon run") as connection:
            yield connection
