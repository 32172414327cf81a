"""The target `make demo`: thirty days of history of two more accounts, then Airflow."""

from __future__ import annotations

import logging
import subprocess
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from include.ozon.configuration import load_settings
from include.ozon.errors import FatalError
from include.ozon.monitoring.metrics.judged import judge_and_store
from include.ozon.monitoring.metrics.measurement import measure
from include.ozon.monitoring.metrics.model import VisibilityMetrics
from include.ozon.settings import Settings
from include.ozon.warehouse.session import open_session
from include.ozon_local import airflow, stack
from include.ozon_local.connections import postgres_connection
from include.ozon_local.demo import timeline
from include.ozon_local.demo.account_loads import AccountLoads, analyze
from include.ozon_local.demo.history import History
from include.ozon_local.demo.mail import catcher_channels
from include.ozon_local.demo.timeline import ACCOUNTS, LOADS_OF_A_DAY, SHOP, Load
from include.ozon_local.environment import WAREHOUSE_CONNECTION, WAREHOUSE_DATABASE
from include.ozon_local.home import ROOT, LocalHome
from include.ozon_local.moved_clock import moved_clock
from include.ozon_local.postgres import WAREHOUSE_ROLE
from include.ozon_local.run import loaded_once
from include.ozon_local.services import OZON, Services

PAGE_PATH = "/plugin/ozon"


def demo(home: LocalHome) -> int:
    """Fill the history up to now, start Airflow, and print the address of the page.

    A second call adds the loads that were due since, and so does one after an interruption.
    """
    services = Services(home)
    with services.ended_if_interrupted():
        services.start()
        with home.lock("demo"):
            _fill(home, services)
        stack.up(home)
        # So that the page does not begin with the results of the last moved moment.
        subprocess.run(
            [OZON, "health", "--alert", "--quiet"],
            env=services.environment(),
            cwd=ROOT,
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    print(f"{'Open first':12}{airflow.web_url(home)}{PAGE_PATH}")
    return 0


def _fill(home: LocalHome, services: Services) -> None:
    dsn = services.postgres.dsn(WAREHOUSE_DATABASE, WAREHOUSE_ROLE)
    if services.environment()[WAREHOUSE_CONNECTION] != postgres_connection(dsn):
        raise FatalError(
            "`make demo` fills this folder's own warehouse, but AIRFLOW_CONN_OZON_WAREHOUSE names another one. "
            "Unset it and repeat."
        )
    now = datetime.now(UTC)
    _add_accounts(services, now)
    environment = services.environment()
    settings = load_settings(environ=environment)
    # The demo's own numbers go to the terminal.
    logging.getLogger("ozon").setLevel(logging.CRITICAL)
    loads = AccountLoads(_patient(settings), dsn, services.sandbox.address, services.sandbox.accounts())
    planned = timeline.loads(settings, _tick_0(services), now)
    missing = _missing(loads, planned)
    if not missing:
        print(f"{'Demo':12}there already, with all loads that were due until now", flush=True)
    else:
        started = time.monotonic()
        # It does not know the accounts yet, and its health check would close their incidents.
        stack.end(home)
        print(
            f"{'Demo':12}{len(missing)} loads of {' and '.join(ACCOUNTS)} since {missing[0].due_at:%Y-%m-%d}",
            flush=True,
        )
        with moved_clock(loads.connect) as clock:
            channels = catcher_channels(settings, services.mail.address, clock)
            History(loads, services.sandbox.admin(), clock, channels, _show).fill(planned)
        print(f"{'Demo':12}filled in {time.monotonic() - started:.0f} seconds", flush=True)
    _load_others(home, services, environment, loads)


def _add_accounts(services: Services, now: datetime) -> None:
    sandbox = services.sandbox
    if SHOP not in sandbox.accounts():
        settings = load_settings(environ=services.environment())
        tick_0_at = timeline.first_tick_0(settings, now)
        planned = timeline.loads(settings, tick_0_at, now)
        sandbox.add(timeline.sandbox_accounts(planned, tick_0_at), timeline.sandbox_faults(planned, settings))
    # Also after an interruption between the two steps.
    if SHOP not in sandbox.admin().state()["accounts"]:
        sandbox.stop()
        sandbox.start()


def _tick_0(services: Services) -> datetime:
    return datetime.fromisoformat(services.sandbox.configuration()["accounts"][SHOP]["tick_0_at"])


def _patient(settings: Settings) -> Settings:
    """Return the settings with one attempt for each request: the retries of the loads come with a moved clock."""
    return settings.model_copy(update={"api": settings.api.model_copy(update={"attempts": 1})})


def _missing(loads: AccountLoads, planned: Sequence[Load]) -> list[Load]:
    ends = [loads.loaded_until(account) for account in ACCOUNTS]
    return [load for load in planned if any(until is None or until < load.due_at for until in ends)]


def _show(load: Load, measured: Sequence[VisibilityMetrics]) -> None:
    """Print one line for each day."""
    if load.number % LOADS_OF_A_DAY == 0:
        shares = "  ".join(f"{each.account} {each.visible_pct or 0:5.1f} %" for each in measured)
        print(f"{'':12}{load.due_at:%Y-%m-%d}  visible: {shares}", flush=True)


def _load_others(home: LocalHome, services: Services, environment: Mapping[str, str], loads: AccountLoads) -> None:
    """Load the other accounts of the sandbox once, so that none of the web UI's is empty."""
    connections = services.sandbox.connections()
    for account in set(loads.settings.accounts) - set(ACCOUNTS):
        name = f"AIRFLOW_CONN_OZON_API_{account.upper()}"
        if connections.get(name) != environment.get(name, "") or loads.loaded_until(account):
            continue
        now = datetime.now(UTC)
        loads.load(loads.run(account, f"manual__{now.isoformat()}", "manual"))
        with open_session(loads.connect, loads.settings.warehouse, "make demo") as connection:
            judge_and_store(connection, measure(connection, account, datetime.now(UTC), loads.settings), loads.settings)
        loaded_once(home).touch()
    with open_session(loads.connect, loads.settings.warehouse, "make demo") as connection:
        analyze(connection)
