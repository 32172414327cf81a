"""The demo's history: each load with its metrics, health check and alerts, at the moment of the moved clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime, timedelta

from include.ozon.monitoring.alerts import store as incidents
from include.ozon.monitoring.alerts.sender import send_alerts
from include.ozon.monitoring.health import areas, store
from include.ozon.monitoring.health.checks import HealthContext
from include.ozon.monitoring.metrics.judged import judge_and_store
from include.ozon.monitoring.metrics.judgement import VISIBLE_SHARE_PCT
from include.ozon.monitoring.metrics.measurement import measure
from include.ozon.monitoring.metrics.model import VisibilityMetrics
from include.ozon.monitoring.results import CheckResult
from include.ozon.pipeline.workflow import end_workflow
from include.ozon.translation import Translated
from include.ozon.warehouse.session import Connection, open_session
from include.ozon_local.demo.account_loads import AccountLoads, analyze, retry_waits
from include.ozon_local.demo.mail import CatcherChannel
from include.ozon_local.demo.timeline import ACCOUNTS, LATE_LOAD, MASS_HIDE, OUTLET, SHOP, Load
from include.ozon_local.moved_clock import MovedClock
from include.ozon_sandbox.process import SandboxAdmin

Show = Callable[[Load, Sequence[VisibilityMetrics]], None]

# The areas that measure accounts; the others look at this machine, which was not there thirty days ago.
_AREAS = ("runs", "deadlines", "data", "api")
_QUARTER = timedelta(minutes=15)
_LOADS_BETWEEN_ANALYZE = 20

# While the late load does not start: the alert opens, and gets worse.
_CHECKS_BEFORE_LATE_LOAD = (timedelta(minutes=45), timedelta(hours=2, minutes=15))

_MASS_HIDE_NOTE = "A wrong import file removed them from sale; the right one is uploaded tonight."
_KEY_NOTE = "The new key is ordered, Monday at the latest."


class _Memory:
    """Keeps the copy of the alerts for this process; nothing else needs it, since the warehouse is there."""

    def __init__(self) -> None:
        self._text: str | None = None

    def read(self) -> str | None:
        return self._text

    def write(self, text: str) -> None:
        self._text = text


class History:
    """Makes the history of the demo's accounts, one load after the other."""

    def __init__(
        self,
        loads: AccountLoads,
        sandbox: SandboxAdmin,
        clock: MovedClock,
        channels: dict[str, CatcherChannel],
        show: Show,
    ) -> None:
        self._loads = loads
        self._settings = loads.settings
        # The alerts need all accounts: those of an account that is not configured are closed.
        accounts = {name: loads.settings.accounts[name] for name in ACCOUNTS}
        self._of_demo = loads.settings.model_copy(update={"accounts": accounts})
        self._sandbox = sandbox
        self._clock = clock
        self._channels = channels
        self._show = show
        self._keeper = _Memory()

    def fill(self, planned: Sequence[Load]) -> None:
        """Make those of the planned loads that no account has had yet."""
        loaded_until = {account: self._loads.loaded_until(account) for account in ACCOUNTS}
        for done, load in enumerate(planned):
            due = [account for account in ACCOUNTS if not (until := loaded_until[account]) or until < load.due_at]
            if due:
                self._make(load, due)
            if due and done % _LOADS_BETWEEN_ANALYZE == 0:
                with self._session() as connection:
                    analyze(connection)

    def _make(self, load: Load, accounts: Sequence[str]) -> None:
        if load.number == LATE_LOAD:
            for delay in _CHECKS_BEFORE_LATE_LOAD:
                self._check(load.due_at + delay)
        self._clock.set(load.starts_at)
        for account in accounts:
            self._sandbox.tick_to(account, load.number)
        loaded = self._load(load, accounts)
        if loaded:
            self._show(load, self._measure(loaded))
        if load.is_checked:
            self._check(self._next_quarter())
            self._acknowledge(load)

    def _load(self, load: Load, accounts: Sequence[str]) -> list[str]:
        """Load the accounts, with retries like Airflow's; return those that were loaded."""
        runs = {account: self._loads.run(account, load.dag_run_id, "scheduled") for account in accounts}
        pending = list(accounts)
        for wait in (*retry_waits(), None):
            # An interruption waits for the end of the attempts.
            with ThreadPoolExecutor(len(pending)) as pool:
                results = dict(zip(pending, pool.map(self._loads.load, [runs[each] for each in pending]), strict=True))
            pending = [account for account, is_loaded in results.items() if not is_loaded]
            if not pending:
                break
            if wait:
                self._clock.set(self._clock.now() + wait)
        for account in pending:
            end_workflow(runs[account])
        return [account for account in accounts if account not in pending]

    def _measure(self, accounts: Sequence[str]) -> list[VisibilityMetrics]:
        """Measure, judge and store the metrics, and send their alerts, as `ozon_visibility_metrics` does."""
        now = self._clock.now()
        with self._session() as connection:
            measured = [measure(connection, account, now, self._settings) for account in accounts]
            judged = [judge_and_store(connection, metrics, self._settings) for metrics in measured]
        details = {VISIBLE_SHARE_PCT.group: [line for each in judged for line in each.details]}
        self._alert([result for each in judged for result in each.results], now, details)
        return measured

    def _check(self, at: datetime) -> None:
        """Check the health of the accounts, store the results and send alerts, as `ozon_health_check` does."""
        self._clock.set(at)
        with closing(
            HealthContext(
                settings=self._of_demo,
                now=at,
                connect=self._loads.connect,
                open_client=self._loads.open_health_client,
                airflow=None,
            )
        ) as context:
            results = [result for name in _AREAS for result in areas.measure(name, context)]
        with self._session() as connection:
            store.save(connection, at, results)
        self._alert(results, at, {})

    def _alert(self, results: Sequence[CheckResult], now: datetime, details: dict[str, list[Translated]]) -> None:
        send_alerts(
            results,
            [],
            connect=self._loads.connect,
            keeper=self._keeper,
            channels=self._channels,
            settings=self._settings,
            now=now,
            details=details,
        )

    def _acknowledge(self, load: Load) -> None:
        """Let people acknowledge what they have seen."""
        if load.number == MASS_HIDE.start:
            self._acknowledge_of(SHOP, "visibility", "Anna (category manager)", _MASS_HIDE_NOTE)
        self._acknowledge_of(OUTLET, "api_access", "Ivan (data engineer)", _KEY_NOTE)

    def _acknowledge_of(self, account: str, group: str, by: str, note: str) -> None:
        now = self._clock.now()
        with self._session() as connection:
            for incident in incidents.recent_incidents(connection, since=now):
                is_open = incident.resolved_at is None and incident.acknowledged_at is None
                if is_open and (incident.account, incident.group) == (account, group):
                    at = min(now + timedelta(minutes=52), datetime.now(UTC))
                    incidents.acknowledge(connection, incident.incident_id, by, note, at)

    def _next_quarter(self) -> datetime:
        """Return the moment of the next health check, if it is in the past."""
        now = self._clock.now()
        past_the_hour = timedelta(minutes=now.minute, seconds=now.second, microseconds=now.microsecond)
        quarter = now - past_the_hour + (past_the_hour // _QUARTER + 1) * _QUARTER
        return min(quarter, datetime.now(UTC))

    def _session(self) -> AbstractContextManager[Connection]:
        return open_session(self._loads.connect, self._settings.warehouse, "make demo")
