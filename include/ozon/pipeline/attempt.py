"""One attempt of a component: lock, record, staging, reading, one transaction, and the recorded end."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg

from include.ozon.errors import AlreadyRunningError, BadDataError, CancelledError, GuardStoppedError, OzonError
from include.ozon.marketplace.faults import GarbledAnswerError
from include.ozon.pipeline import records
from include.ozon.pipeline.component import Component
from include.ozon.pipeline.dead_workflows import close_dead_workflows
from include.ozon.pipeline.guards import Observation, check_guards
from include.ozon.pipeline.numbers import ComponentNumbers, reset_peak_memory
from include.ozon.pipeline.reading import open_reading
from include.ozon.pipeline.run import Run
from include.ozon.warehouse.lock import LockTakenError, account_lock
from include.ozon.warehouse.schema import require_head
from include.ozon.warehouse.session import Connection, open_session, require_temporary_tables, translated_errors
from include.ozon.warehouse.staging import Staging
from include.ozon.words import one_line

logger = logging.getLogger("ozon.component")

# Airflow sends SIGKILL 5 seconds after SIGTERM; the record has to be written well before that.
_RECORD_TIMEOUT_SECONDS = 2


@dataclass
class Attempt:
    """One attempt of a component, while it holds the account's lock. ``number`` is 0 in a dry run."""

    run: Run
    component: Component[Any]
    connection: Connection
    staging: Staging
    numbers: ComponentNumbers
    number: int

    def count_fields(self, staging: Staging) -> None:
        """Note how many fields the loaded entries lack, if any."""
        if count := staging.count("left_out"):
            self.numbers.details["rejected_fields"] = count

    def warn(self, sentence: str) -> None:
        """Log a fault that does not stop the load, and keep it in the record."""
        # It may quote a name from Ozon.
        sentence = one_line(sentence)
        logger.warning("%s of account %s: %s", self.component.name, self.run.account, sentence)
        self.numbers.details.setdefault("warnings", []).append(sentence)

    def check_guards(self, observations: Sequence[Observation]) -> None:
        """Raise GuardStoppedError if a guard stops the load; note in the record the guards that only warn."""
        fired = check_guards(observations, self.run.accept_guards, self.run.account)
        if fired:
            self.numbers.details["guards"] = fired

    def close(self) -> None:
        """Record the success and drop the staging, in the transaction of the merge."""
        self.count_fields(self.staging)
        if self.run.dry_run:
            return
        name = self.component.name
        records.save_rejected(self.staging, name, self.number)
        records.close_component(self.connection, self.run, name, self.number, status="success", numbers=self.numbers)
        self.staging.drop()


def open_staging(
    connection: Connection, component: Component[Any], account: str, workflow_id: str, *, temporary: bool = False
) -> Staging:
    """Return the staging tables of one account's component."""
    return Staging(
        connection, account, component.name, component.prefix, component.staging, workflow_id, temporary=temporary
    )


def run_component(component: Component[Any], run: Run, numbers: ComponentNumbers | None = None) -> ComponentNumbers:
    """Load one account's part of a component, or with ``dry_run`` find out what a load would change.

    The attempt holds the account's lock, and its end is always recorded. ``numbers`` are filled meanwhile, so that the
    caller has them even if the attempt fails. Raises AlreadyRunningError if another run holds the lock, LockTakenError
    if something else does, DependencyError, GuardStoppedError, and the errors of the client and of ``open_session``.
    """
    reset_peak_memory()
    purpose = f"{component.name} {run.workflow_id}"
    with open_session(run.connect, run.settings.warehouse, purpose) as connection:
        require_head(connection)
        require_temporary_tables(connection)
        try:
            with account_lock(connection, run.account):
                if not run.dry_run:
                    close_dead_workflows(connection, run)
                return _attempt(component, run, connection, numbers or ComponentNumbers())
        except (AlreadyRunningError, LockTakenError) as error:
            if not run.dry_run:
                status: records.Status = "skipped" if isinstance(error, AlreadyRunningError) else "failed"
                records.refuse_component(connection, run, component.name, status, str(error))
            raise


def _attempt(
    component: Component[Any], run: Run, connection: Connection, numbers: ComponentNumbers
) -> ComponentNumbers:
    staging = open_staging(connection, component, run.account, run.workflow_id, temporary=run.dry_run)
    number = 0 if run.dry_run else records.open_component(connection, run, component.name)
    attempt = Attempt(run, component, connection, staging, numbers, number)
    logger.info(
        "%s of account %s starts: workflow %s, attempt %d%s",
        component.name, run.account, run.workflow_id, number, " (dry run)" if run.dry_run else "",
    )  # fmt: skip
    try:
        with translated_errors(connection):
            _load(attempt)
    except BaseException as error:
        logger.error("%s of account %s: %s", component.name, run.account, _sentence(error))
        if not run.dry_run:
            _record_failure(attempt, error)
        raise
    ending = "would have done (dry run, nothing was written)" if run.dry_run else "ends"
    logger.info("%s of account %s %s: %s", component.name, run.account, ending, attempt.numbers.describe())
    return attempt.numbers


def _load(attempt: Attempt) -> None:
    component, run = attempt.component, attempt.run
    if not run.dry_run:
        records.require_dependencies(attempt.connection, run, component)
    with open_reading(attempt) as reading:
        component.read(attempt, reading)
        reading.drain()
    with attempt.connection.transaction():
        with attempt.numbers.seconds.during("comparing"):
            differences = component.compare(attempt)
            attempt.numbers.set_differences(differences, repeated=attempt.staging.repeated_count())
            attempt.check_guards(component.observe(run.settings.guards, differences))
        if not run.dry_run:
            _keep_order(attempt)
            with attempt.numbers.seconds.during("merging"):
                attempt.numbers.rows_written = dict(component.merge(attempt, differences))
        attempt.close()


def _keep_order(attempt: Attempt) -> None:
    """Date the changes after the last load's if the server's clock has gone back: histories must not overlap."""
    moment = records.moment_after_loads(attempt.connection, attempt.run.account)
    if moment:
        attempt.warn(
            f"The clock of the warehouse's server is behind the end of an earlier load; the changes are dated "
            f"{moment:%Y-%m-%d %H:%M:%S} UTC, just after it. Correct the server's clock."
        )
        attempt.staging.date_changes(moment)


def _record_failure(attempt: Attempt, error: BaseException) -> None:
    """Record the failure on a new connection, because the attempt's may be broken or busy."""
    run, name = attempt.run, attempt.component.name
    with suppress(psycopg.Error):
        attempt.connection.cancel_safe(timeout=1)
    attempt.numbers.reset_changes()
    status: records.Status = "cancelled" if isinstance(error, KeyboardInterrupt) else "failed"
    try:
        with open_session(
            run.connect,
            run.settings.warehouse,
            f"record {run.workflow_id}",
            most_lock_seconds=_RECORD_TIMEOUT_SECONDS,
            most_statement_seconds=_RECORD_TIMEOUT_SECONDS,
        ) as connection:
            staging = open_staging(connection, attempt.component, run.account, run.workflow_id)
            # If the attempt failed early, the staging may still be another run's.
            has_staged = staging.is_of_workflow()
            if has_staged:
                _count_staged(attempt, staging)
            with connection.transaction():
                records.close_component(
                    connection,
                    run,
                    name,
                    attempt.number,
                    status=status,
                    numbers=attempt.numbers,
                    error=_sentence(error),
                )
            if has_staged:
                _keep_staged(attempt, staging, error)
    except OzonError as unrecorded:
        # The task's state and log still show the failure; the next attempt closes this one's record.
        logger.error("Could not record the end of %s: %s", name, unrecorded)


def _count_staged(attempt: Attempt, staging: Staging) -> None:
    """Count the staged rows of an attempt that ended before its numbers were known."""
    numbers = attempt.numbers
    with suppress(psycopg.Error):
        attempt.count_fields(staging)
        if not numbers.rows_read:
            numbers.rows_rejected = staging.count("rejected")
            numbers.rows_read = staging.count(attempt.component.rows_table) + numbers.rows_rejected


def _keep_staged(attempt: Attempt, staging: Staging, error: BaseException) -> None:
    try:
        records.save_rejected(staging, attempt.component.name, attempt.number)
    except psycopg.Error as unkept:
        logger.error("Could not keep the rejected items of %s: %s", attempt.component.name, unkept)
    is_incomplete = isinstance(error, BadDataError) and not isinstance(error, GarbledAnswerError)
    if is_incomplete or isinstance(error, GuardStoppedError):
        # The same rows would fail again; the next attempt reads everything again.
        staging.drop()


def _sentence(error: BaseException) -> str:
    if isinstance(error, (OzonError, CancelledError)):
        return str(error)
    found = f"{type(error).__name__}: {error}"
    if not isinstance(error, Exception):
        return f"The attempt was ended from outside ({found}). A time limit is set in [components]."
    return found
