"""How checks are described and run: each on its own, timed, and an ERROR where it fails."""

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

from include.ozon.monitoring.results import CheckResult, Finding, Status
from include.ozon.monitoring.rule import Rule
from include.ozon.settings import Settings
from include.ozon.settings.limits import Limits

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
    """A rule, and how it is measured for an account, or for all."""

    rule: Rule[Limits]
    measure: Callable[[], Finding]
    account: str | None = None


@dataclass(frozen=True)
class DagState:
    """What Airflow says of one of this package's DAGs; one that it does not know cannot be imported."""

    dag_id: str
    is_known: bool
    is_paused: bool = False
    import_error: str | None = None


class AirflowProbe(Protocol):
    """Airflow, as the check asks it; made by the adapter. Its methods raise OzonError where it does not answer."""

    def heartbeats(self) -> dict[str, tuple[str, datetime | None]]:
        """Status ("healthy" or not) and last heartbeat of ``scheduler``, ``triggerer`` and ``dag_processor``."""

    def dags(self) -> Sequence[DagState]:
        """Those of this package."""


@dataclass
class HealthContext:
    """What checks may look at. ``now`` is the moment of the whole check, so that its parts agree."""

    settings: Settings
    now: datetime
    connect: Connect
    open_client: Callable[[str], SellerClient]
    airflow: AirflowProbe | None
    """None where there is no Airflow to ask, such as under cron."""
    folders: Sequence[Path] = ()
    """Local folders that this package fills: logs, reports."""
    log_folder: Path | None = None

    def __post_init__(self) -> None:
        self._open = ExitStack()
        self._connection: Connection | None = None
        self._failure: Exception | None = None

    @property
    def accounts(self) -> tuple[str, ...]:
        """Those of the configuration: one that was removed is no longer checked."""
        return tuple(self.settings.accounts)

    def connection(self) -> Connection:
        """One session for all checks of an area, opened at the first need. Raises as `open_session` does.

        A warehouse that could not be connected to is not tried again: each check would wait for the time-out.
        """
        from include.ozon.warehouse.session import open_session

        if self._failure is not None:
            raise self._failure
        if self._connection is None or self._connection.closed:
            try:
                # A check that waits for as long as a load may is no check: what does not answer soon is not measured.
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
        """The first row, or None."""
        return next(iter(self.rows(query, **parameters)), None)

    def close(self) -> None:
        self._connection = None
        self._open.close()


@dataclass(frozen=True)
class Area:
    """A part of the system that the health check looks at: its rules, and the checks that measure them."""

    name: str
    rules: Sequence[Rule[Limits]]
    checks: Callable[[HealthContext], Iterable[Check]]


Measures = Sequence[tuple[Rule[Limits], Callable[[T], Finding]]]
"""Rules in the order of their checks, each with the function that measures it on one subject."""


def rules_of(*measures: Measures[Any]) -> tuple[Rule[Limits], ...]:
    return tuple(rule for each in measures for rule, _ in each)


def checks_of(measures: Measures[T], subject: T, account: str | None = None) -> Iterator[Check]:
    return (Check(rule, partial(measure, subject), account) for rule, measure in measures)


def run_checks(area: str, checks: Iterable[Check]) -> list[CheckResult]:
    """Measure one area; a check that raises is an ERROR with the reason, and the others still run."""
    return [_run(area, check) for check in checks]


def _run(area: str, check: Check) -> CheckResult:
    started = time.monotonic()
    try:
        finding = check.measure()
    except Exception as error:  # whatever broke it, the other checks have to run
        reason = " ".join(str(error).split()) or type(error).__name__
        logger.warning("Check %s of %s could not be measured: %s", check.rule.name, check.account or "all", reason)
        finding = Finding(Status.ERROR, reason)
    return CheckResult(
        area=area,
        check=check.rule.name,
        account=check.account,
        status=finding.status,
        value=finding.value,
        threshold=finding.threshold,
        message=finding.message,
        duration_seconds=round(time.monotonic() - started, 4),
    )
