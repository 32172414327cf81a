"""Checks and areas, and the function that runs them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString, Protocol, TypeVar

from include.ozon.monitoring.results import CheckResult, Judgement, Status
from include.ozon.monitoring.rule import Rule
from include.ozon.settings import Settings
from include.ozon.settings.limits import Limits
from include.ozon.words import one_line

if TYPE_CHECKING:
    from include.ozon.marketplace.client import SellerClient
    from include.ozon.warehouse.session import Connect, Connection

logger = logging.getLogger("ozon.health")

Row = tuple[Any, ...]
T = TypeVar("T")

_LOCK_SECONDS = 3
_STATEMENT_SECONDS = 20


@dataclass(frozen=True)
class Check:
    """A rule with the function that measures it, for one account or for the whole installation."""

    rule: Rule[Limits]
    measure: Callable[[], Judgement]
    account: str | None = None


@dataclass(frozen=True)
class DagState:
    """Airflow's record of one of this package's DAGs."""

    dag_id: str
    is_known: bool
    is_paused: bool = False
    import_error: str | None = None


class AirflowProbe(Protocol):
    """The adapter's access to Airflow. Its methods raise OzonError if Airflow does not answer."""

    def heartbeats(self) -> dict[str, tuple[str, datetime | None]]:
        """Return status ("healthy" or not) and last heartbeat of ``scheduler``, ``triggerer`` and ``dag_processor``."""

    def dags(self) -> Sequence[DagState]:
        """Return the DAGs of this package."""


@dataclass
class HealthContext:
    """The input of all checks. ``now`` is the moment of the whole health check, so that its results agree."""

    settings: Settings
    now: datetime
    connect: Connect
    open_client: Callable[[str], SellerClient]
    airflow: AirflowProbe | None
    """None where no Airflow runs, for example under cron."""
    folders: Sequence[Path] = ()
    """Local folders that this package writes to: logs, reports."""
    log_folder: Path | None = None

    def __post_init__(self) -> None:
        self._open = ExitStack()
        self._connection: Connection | None = None
        self._failure: Exception | None = None

    @property
    def accounts(self) -> tuple[str, ...]:
        """The configured accounts; a removed one is no longer checked."""
        return tuple(self.settings.accounts)

    def connection(self) -> Connection:
        """Return the session that all checks of an area share. Raise as `open_session` does.

        A failed connection is not tried again: each check would wait for the time-out.
        """
        from include.ozon.warehouse.session import open_session

        if self._failure is not None:
            raise self._failure
        if self._connection is None or self._connection.closed:
            try:
                # Shorter time limits than those of a load: a check has to end soon, even without a measurement.
                session = open_session(
                    self.connect,
                    self.settings.warehouse,
                    "ozon_health",
                    most_lock_seconds=_LOCK_SECONDS,
                    most_statement_seconds=_STATEMENT_SECONDS,
                )
                self._connection = self._open.enter_context(session)
            except Exception as error:
                self._failure = error
                raise
        return self._connection

    def rows(self, query: LiteralString, **parameters: object) -> list[Row]:
        from include.ozon.warehouse.session import translated_errors

        connection = self.connection()
        with translated_errors():
            return connection.execute(query, parameters).fetchall()

    def row(self, query: LiteralString, **parameters: object) -> Row | None:
        """Return the first row, or None."""
        return next(iter(self.rows(query, **parameters)), None)

    def close(self) -> None:
        self._connection = None
        self._open.close()


@dataclass(frozen=True)
class Area:
    """A part of the system: its rules, and the checks that measure them."""

    name: str
    rules: Sequence[Rule[Limits]]
    checks: Callable[[HealthContext], Iterable[Check]]


Measures = Sequence[tuple[Rule[Limits], Callable[[T], Judgement]]]
"""Rules in the order of their checks, each with the function that measures it for one subject."""


def rules_of(*measures: Measures[Any]) -> tuple[Rule[Limits], ...]:
    return tuple(rule for each in measures for rule, _ in each)


def checks_of(measures: Measures[T], subject: T, account: str | None = None) -> Iterator[Check]:
    return (Check(rule, partial(measure, subject), account) for rule, measure in measures)


def run_checks(area: str, checks: Iterable[Check]) -> list[CheckResult]:
    """Run an area's checks; one that raises gives an ERROR with the reason, and the others still run."""
    return [_run(area, check) for check in checks]


def _run(area: str, check: Check) -> CheckResult:
    started = time.monotonic()
    try:
        judgement = check.measure()
    except Exception as error:  # the other checks have to run
        reason = one_line(error) or type(error).__name__
        logger.warning("Check %s of %s could not be measured: %s", check.rule.name, check.account or "all", reason)
        judgement = Judgement(Status.ERROR, reason)
    return CheckResult(
        area=area,
        check=check.rule.name,
        account=check.account,
        status=judgement.status,
        value=judgement.value,
        threshold=judgement.threshold,
        message=judgement.message,
        duration_seconds=round(time.monotonic() - started, 4),
    )
