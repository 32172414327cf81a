"""``ozon doctor``: checks of the installation, with the fix for each."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import typer

from include.ozon.checks import Check
from include.ozon.cli import schedule_state
from include.ozon.cli.common import Output, check_table, console, importing_airflow, is_quiet, is_verbose, print_json
from include.ozon.configuration import load_settings
from include.ozon.diagnosis import machine
from include.ozon.diagnosis.order import Step, diagnose
from include.ozon.errors import ConfigurationError
from include.ozon.project import DAGS
from include.ozon.settings import Settings

_AIRFLOW_NEEDS = ("configuration", "airflow")


def doctor(output: Output = "text") -> None:
    """Check everything that a run needs, in order, with the fix for each failure.

    Changes nothing and sends nothing. Checks that depend on a failed one are skipped: fix it, and run this again.

    Exit code: 0 if no check failed, even with warnings; 1 otherwise.

    Example: ozon doctor --quiet
    """
    checks = list(diagnose(_steps()))
    is_failed = any(check.status == "failed" for check in checks)
    if output == "json":
        print_json("doctor", {"ok": not is_failed, "checks": [check.as_dict() for check in checks]})
    else:
        shown = [check for check in checks if check.status != "ok"] if is_quiet() else checks
        if shown:
            console().print(check_table("Installation", shown))
        typer.echo(_verdict(checks))
    raise typer.Exit(int(is_failed))


def connection_steps(settings: Settings) -> Iterator[Step]:
    """Yield the checks of the connections: the warehouse, Ozon, the alert channels."""

    def check(name: str, *arguments: Any) -> Callable[[], Iterable[Check]]:
        return lambda: getattr(_adapter("connections.checks"), name)(*arguments)

    yield Step("warehouse", check("warehouse_server", settings), needs=("airflow",))
    yield Step("schema", check("warehouse_schema", settings), needs=("warehouse",))
    yield Step("accounts", check("accounts_are_distinct", settings), needs=("airflow",))
    for account in settings.accounts:
        yield Step(f"account {account}", check("account_key", account, settings), needs=("airflow",))
    yield Step("channels", check("channels", settings), needs=("airflow",))
    yield Step("heartbeat", check("heartbeat", settings), needs=("airflow",))


def _steps() -> Iterator[Step]:
    yield Step("python", machine.python)
    yield Step("packages", machine.packages)
    yield Step("project", machine.project)
    yield Step("configuration", _configuration)
    yield Step("environment", machine.environment)
    yield Step("airflow", start_airflow, needs=("packages",))
    yield Step("metadata", lambda: _installation().metadata(), needs=_AIRFLOW_NEEDS)
    yield Step("plugin", lambda: _installation().plugin(), needs=_AIRFLOW_NEEDS)
    yield Step("dags", lambda: _installation().dags(DAGS), needs=("metadata",))
    yield Step("pools", lambda: _installation().pools(load_settings()), needs=("metadata",))
    yield Step("processes", lambda: _installation().processes(load_settings()), needs=("metadata",))
    try:
        settings = load_settings()
    except ConfigurationError:
        return  # the step `configuration` reports it
    yield from connection_steps(settings)
    yield Step(
        "folders",
        lambda: machine.folders(_installation().filled_folders(settings)),
        needs=_AIRFLOW_NEEDS,
    )
    yield Step("schedule", lambda: _schedule(settings), needs=("metadata",))


def _configuration() -> Iterator[Check]:
    settings = load_settings()
    yield Check(
        "configuration", "ok", f"Valid: environment {settings.environment}, accounts {', '.join(settings.accounts)}."
    )


def start_airflow() -> Iterator[Check]:
    """Check that Airflow, which has the connections, starts. Raise ConfigurationError if it does not."""
    with importing_airflow():
        version = importlib.import_module("airflow").__version__
        for name in ("connections.checks", "metadata.installation"):
            _adapter(name)
    if not is_verbose():
        # The checks' results contain what they log.
        logging.getLogger("ozon").setLevel(logging.CRITICAL)
    yield Check("airflow", "ok", f"Airflow {version} starts with its configuration.")


def _schedule(settings: Settings) -> Iterator[Check]:
    for check in schedule_state.installed_targets(settings):
        yield replace(check, name=f"schedule {check.name}")


def _adapter(name: str) -> ModuleType:
    return importlib.import_module(f"include.ozon.adapter.{name}")


def _installation() -> ModuleType:
    return _adapter("metadata.installation")


def _verdict(checks: list[Check]) -> str:
    counts = {status: sum(check.status == status for check in checks) for status in ("failed", "warning", "unknown")}
    if not any(counts.values()):
        return f"All {len(checks)} checks are ok."
    words = {"failed": "failed", "warning": "with a warning", "unknown": "not checked"}
    listed = ", ".join(f"{count} {words[status]}" for status, count in counts.items() if count)
    hint = " Fix the first failure and run this again." if counts["failed"] else ""
    return f"Of {len(checks)} checks: {listed}.{hint}"
