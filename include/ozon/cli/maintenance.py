"""``ozon maintenance``: the work of `ozon_maintenance` without a scheduler."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from include.ozon.cli.common import Output, console, importing_airflow, is_quiet, print_json
from include.ozon.configuration import load_settings
from include.ozon.errors import OzonError, require_known
from include.ozon.maintenance.steps import STEPS, Outcome
from include.ozon.settings import Settings
from include.ozon.words import size

logger = logging.getLogger("ozon.maintenance")

_STYLES = {"done": "green", "skipped": "yellow", "failed": "bold red"}


def maintenance(
    steps: Annotated[
        list[str] | None, typer.Argument(help=f"Run only these steps: {', '.join(STEPS)}.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be deleted, and delete nothing.")] = False,
    output: Output = "text",
) -> None:
    """Delete expired data, close the records of killed runs, vacuum the warehouse.

    The configuration's table `maintenance` has the retention periods. If a step fails, the others still run.

    Exit code: 0 done; 1 a step failed.

    Example: ozon maintenance --dry-run
    """
    wanted = _wanted(steps or [])
    settings = load_settings()
    outcomes = _run(wanted, settings, dry_run)
    if output == "json":
        print_json(
            "maintenance",
            {
                "environment": settings.environment,
                "dry_run": dry_run,
                "steps": [outcome.as_dict() for outcome in outcomes],
            },
        )
    elif shown := [outcome for outcome in outcomes if outcome.status == "failed" or not is_quiet()]:
        console().print(_table(shown, settings, dry_run))
    raise typer.Exit(1 if any(outcome.status == "failed" for outcome in outcomes) else 0)


def _wanted(steps: Sequence[str]) -> list[str]:
    """Return the requested steps in their fixed order."""
    require_known("Steps", steps, STEPS)
    return [step for step in STEPS if not steps or step in steps]


def _run(steps: Sequence[str], settings: Settings, dry_run: bool) -> list[Outcome]:
    with importing_airflow():
        from include.ozon.adapter.tasks.maintenance import command_job, perform  # noqa: PLC0415

    job = command_job(settings, dry_run=dry_run)
    outcomes = []
    for step in steps:
        try:
            outcomes.append(perform(step, job))
        except Exception as error:  # the other steps have to run
            logger.info("%s failed", step, exc_info=True)
            # Without the message of another package's error: it may quote an address with a password in it.
            message = str(error) if isinstance(error, OzonError) else f"Unexpected {type(error).__name__}."
            outcomes.append(Outcome(step, "failed", dry_run, message=message))
    return outcomes


def _table(outcomes: Sequence[Outcome], settings: Settings, dry_run: bool) -> Table:
    what = "Maintenance would free" if dry_run else "Maintenance freed"
    table = Table(title=f"{what}, {settings.environment}", title_justify="left")
    for heading in ("step", "status"):
        table.add_column(heading, no_wrap=True)
    for heading in ("files", "folders", "rows", "size", "seconds"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("details", overflow="fold")
    for outcome in outcomes:
        message = [outcome.message] if outcome.message else []
        table.add_row(
            outcome.step,
            Text(outcome.status, style=_STYLES[outcome.status]),
            *(str(count or "") for count in (outcome.files, outcome.folders, outcome.rows)),
            size(outcome.bytes) if outcome.bytes else "",
            f"{outcome.seconds:.1f}",
            # Not as markup: a path may contain brackets.
            Text("\n".join([*message, *outcome.details])),
        )
    return table
