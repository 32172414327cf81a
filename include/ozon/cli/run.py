"""``ozon run``: one load, in this process or under a running scheduler."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from include.ozon.cli.common import Output, print_json
from include.ozon.cli.run_result import TAKEN, RunResult
from include.ozon.cli.run_work import RunWork
from include.ozon.configuration import load_settings
from include.ozon.errors import AlreadyRunningError, require_known
from include.ozon.schedule import is_due
from include.ozon.settings import GuardsSettings, Settings


def run(
    account: Annotated[
        list[str] | None, typer.Option(metavar="ACCOUNT", help="Load only this account; can be repeated.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and compare, show what would change, and write nothing.")
    ] = False,
    accept_guard: Annotated[
        list[str] | None,
        typer.Option(metavar="GUARD", help="Ignore this guard once, after you have checked what stopped it."),
    ] = None,
    if_due: Annotated[
        bool, typer.Option("--if-due", help="Start only if the configured schedule is due now: for cron.")
    ] = False,
    output: Output = "text",
) -> None:
    """Load the catalogue and its stock, as the DAG ozon_etl does.

    The load runs in this process. If a scheduler of the same Airflow is running, the load is started there, and this
    command follows it. Ctrl-C or SIGTERM stops the run cleanly, a second one at once.

    Exit code: 0 done, 1 the run failed, 2 wrong arguments or configuration, 3 another run is loading the account,
    130 or 143 stopped by SIGINT or SIGTERM.

    Example: ozon run --account main --dry-run
    """
    settings = load_settings()
    params = {
        "accounts": _known("--account", account, list(settings.accounts)),
        "dry_run": dry_run,
        "accept_guard": _known("--accept-guard", accept_guard, list(GuardsSettings.model_fields)),
    }
    if if_due and not is_due(settings.schedule.etl, settings.time_zone, datetime.now(tz=UTC)):
        _print_not_due(settings, output)
        return
    try:
        result = _run(params, settings)
    except AlreadyRunningError as error:
        typer.echo(f"ozon: {error}", err=True)
        raise typer.Exit(TAKEN) from None
    if output == "json":
        print_json("run", result.as_dict())
    else:
        result.print()
    raise typer.Exit(result.exit_code)


def _known(option: str, names: list[str] | None, known: list[str]) -> list[str]:
    found = list(dict.fromkeys(names or []))
    require_known(option, found, known)
    return found


def _print_not_due(settings: Settings, output: str) -> None:
    sentence = f'Not due now: schedule.etl is "{settings.schedule.etl}" in {settings.time_zone}. Nothing was started.'
    if output == "json":
        print_json("run", {"outcome": "not due", "exit_code": 0, "message": sentence})
    else:
        typer.echo(sentence)


def _run(params: dict[str, Any], settings: Settings) -> RunResult:
    from include.ozon.pipeline.interruption import Interruption  # noqa: PLC0415 - `ozon --help` needs no adapter

    # Before Airflow is imported, which takes seconds: a signal during the import has to be handled, too.
    with Interruption() as interruption:
        work = RunWork(params, settings, interruption)
        work.require_free_accounts()
        is_scheduled = work.has_scheduler()
        if interruption.number:
            typer.echo(f"ozon: Stopped ({interruption.name}) before the run was started.", err=True)
            raise typer.Exit(interruption.exit_code)
        return work.run_there() if is_scheduled else work.run_here()
