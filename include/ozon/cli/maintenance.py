"""``ozon maintenance``: what `ozon_maintenance` does, without a scheduler."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from include.ozon.cli.common import Output, console, importing_airflow, is_quiet, print_json
from include.ozon.configuration import load_settings
from include.ozon.errors import ConfigurationError, OzonError
from include.ozon.maintenance.steps import STEPS, Outcome
from include.ozon.settings import Settings
from include.ozon.words import size

logger = logging.getLogger("ozon.maintenance")

_STYLES = {"done": "green", "skipped": "yellow", "failed": "bold red"}


def maintenance(
    steps: Annotated[
        list[str] | None, typer.Argument(help=f"Only these steps, of {', '.join(STEPS)}.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be freed, and delete nothing.")] = False,
    output: Output = "text",
) -> None:
    """Delete what is past its days, close the records of killed runs, vacuum the warehouse.

    How long things are kept is in the configuration's table `maintenance`. A step that fails does not keep the others
    from their work.

    Exit code: 0 done; 1 a step failed.

    Example: ozon maintenance --dry-run
    """
    wanted = _wanted(steps or [])
    settings = load_settings()
    outcomes = _run(wanted, settings, dry_run)
    if output == "json":
        print_json(
            {
                "environment": settings.environment,
                "dry_run": dry_run,
                "steps": [outcome.as_dict() for outcome in outcomes],
            }
        )
    elif shown := [outcome for outcome in outcomes if outcome.status == "failed" or not is_quiet()]:
        console().print(_table(shown, settings, dry_run))
    raise typer.Exit(1 if any(outcome.status == "failed" for outcome in outcomes) else 0)


def _wanted(steps: Sequence[str]) -> list[str]:
    """In the order in which they are useful, whatever order they are named in."""
    if unknown := [step for step in steps if step not in STEPS]:
        raise ConfigurationError(
            f"{', '.join(map(repr, unknown))} is no step of maintenance; there are {', '.join(STEPS)}."
        )
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
            # Not a foreign error's own words: they may quote an address with a password in it.
            message = str(error) if isinstance(error, OzonError) else f"Unexpected {type(error).__name__}."
            outcomes.append(Outcome(step, "failed", dry_run, message=message))
    return outcomes


def _table(outcomes: Sequence[Outcome], settings: Settings, dry_run: bool) -> Table:
    what = "Maintenance would free" if dry_run else "Maintenance freed"
    table = Table(title=f"{what}, {settings.environment}", title_justify="left")
    for heading in ("step", "status"):
        table.add_column(heading, no_wrap=True)
    for heading in ("files", "folders", "rows", "room", "seconds"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("what", overflow="fold")
    for outcome in outcomes:
        told = [outcome.message] if outcome.message else []
        table.add_row(
            outcome.step,
            Text(outcome.status, style=_STYLES[outcome.status]),
            *(str(count or "") for count in (outcome.files, outcome.folders, outcome.rows)),
            size(outcome.bytes) if outcome.bytes else "",
            f"{outcome.seconds:.1f}",
            # Not as markup: a path may have brackets in it.
            Text("\n".join([*told, *outcome.details])),
        )
    return table
