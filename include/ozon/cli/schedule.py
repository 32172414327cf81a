"""``ozon schedule``: the schedules, in Airflow or in the crontab of a machine without a scheduler."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from include.ozon.cli import schedule_changes, schedule_state
from include.ozon.cli.common import Output, check_table, console, print_json
from include.ozon.cli.schedule_changes import Target, perform
from include.ozon.configuration import load_settings
from include.ozon.errors import ConfigurationError
from include.ozon.schedule import is_due
from include.ozon.scheduling.jobs import job
from include.ozon.scheduling.wrapper import NOT_DUE_EXIT_CODE

app = typer.Typer(
    help="Install, check and remove the schedules: in Airflow, or in the crontab of a machine without a scheduler.",
    no_args_is_help=True,
)

TargetOption = Annotated[Target | None, typer.Option(help="Airflow's scheduler, or the user's crontab.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")]
Backup = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Folder of the backups; by default AIRFLOW_HOME/cron/backups.")
]
NeverChanges = Annotated[bool, typer.Option("--dry-run", help="No effect: this command never changes anything.")]


@app.command()
def status(
    target: TargetOption = None,
    dry_run: NeverChanges = False,
    backup: Annotated[Path | None, typer.Option(metavar="DIR", help="Also list the backups in this folder.")] = None,
    output: Output = "text",
) -> None:
    """Show the installed schedules, whether they are up to date, and when they are due next.

    Example: ozon schedule status --output json
    """
    found = schedule_state.status(target)
    folder = backup or schedule_changes.default_backups()
    found["backups"] = sorted(str(file) for file in folder.glob("*.bak"))
    if output == "json":
        print_json("schedule", found)
        return
    console().print(_schedule_table(found))
    for name in ("crontab", "airflow"):
        if name in found:
            typer.echo(_target_line(name, found[name]))
    if note := found["machine_time_zone"]["note"]:
        typer.echo(f"Note: {note}.")
    if found["backups"]:
        typer.echo(f"Backups: {len(found['backups'])} in {folder}, the newest is {Path(found['backups'][-1]).name}.")


@app.command()
def validate(
    target: TargetOption = None,
    dry_run: NeverChanges = False,
    backup: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also check that backups can be written here.")
    ] = None,
    output: Output = "text",
) -> None:
    """Check the configuration, that Airflow reads all DAGs, and that runs do not overlap. Exit code: 0 or 1.

    Example: ozon schedule validate --target crontab
    """
    checks = list(schedule_state.validate(target, backup))
    if output == "json":
        print_json("schedule-validation", [check.as_dict() for check in checks])
    else:
        console().print(check_table("Schedules", checks))
    raise typer.Exit(int(any(check.status == "failed" for check in checks)))


@app.command()
def install(
    target: TargetOption = None,
    dry_run: DryRun = False,
    backup: Backup = None,
    adopt: Annotated[
        str | None,
        typer.Option(metavar="PATTERN", help="Comment out the crontab's jobs that match this regular expression."),
    ] = None,
    output: Output = "text",
) -> None:
    """Install the schedules. Safe to repeat; shows the changes and makes a backup.

    Example: ozon schedule install --target crontab --adopt 'old_loader\\.py' --dry-run
    """
    if _needed(target) == "crontab":
        change = schedule_changes.install_crontab(adopt)
    elif adopt is not None:
        raise ConfigurationError("--adopt works only with --target crontab.")
    else:
        change = schedule_changes.install_airflow()
    perform(change, dry_run=dry_run, backup=backup, output=output)


@app.command()
def remove(
    target: TargetOption = None, dry_run: DryRun = False, backup: Backup = None, output: Output = "text"
) -> None:
    """Undo `install`, and change nothing else. Safe to repeat.

    Example: ozon schedule remove --target airflow
    """
    is_crontab = _needed(target) == "crontab"
    change = schedule_changes.remove_crontab() if is_crontab else schedule_changes.remove_airflow()
    perform(change, dry_run=dry_run, backup=backup, output=output)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A backup made by install, remove or restore.")],
    target: TargetOption = None,
    dry_run: DryRun = False,
    backup: Backup = None,
    output: Output = "text",
) -> None:
    """Restore a backup. Its target follows from its content; the current state is backed up first.

    Example: ozon schedule restore ~/airflow/cron/backups/crontab-2026-11-24T11-53-52Z.bak --dry-run
    """
    change = schedule_changes.restore(file)
    if target not in (None, change.target):
        raise ConfigurationError(f"Expected a backup of the target {target}, found one of {change.target}: {file}.")
    perform(change, dry_run=dry_run, backup=backup, output=output)


@app.command(hidden=True)
def due(name: Annotated[str, typer.Argument(help="A schedule: etl, health, metrics or maintenance.")]) -> None:
    """Check whether a schedule is due, for the crontab's lines. Exit code: 0 if it is due now, 10 if it is not.

    Example: ozon schedule due etl
    """
    settings = load_settings()
    found = job(settings, name)
    if not is_due(found.expression, settings.time_zone, datetime.now(tz=UTC)):
        raise typer.Exit(NOT_DUE_EXIT_CODE)


def _needed(target: Target | None) -> Target:
    if target is None:
        raise ConfigurationError(
            "Name the target: --target airflow if a scheduler runs, --target crontab if none does."
        )
    return target


def _schedule_table(found: dict[str, Any]) -> Table:
    table = Table(title="Schedules", title_justify="left")
    machine = found["machine_time_zone"]["name"]
    for heading in ("schedule", "cron", f"next, {found['time_zone']}", f"next, this machine ({machine})"):
        table.add_column(heading)
    for each in found["schedules"]:
        moments = (datetime.fromisoformat(each[key]) for key in ("next_due_at", "next_due_on_machine"))
        table.add_row(each["name"], each["expression"], *(f"{moment:%Y-%m-%d %H:%M}" for moment in moments))
    return table


def _target_line(name: str, state: dict[str, Any]) -> str:
    if state["installed"] is None:
        return f"{name}: not known. {state['problem']}"
    parts = ["installed" if state["installed"] else "not installed"]
    if state["installed"]:
        parts.append("up to date" if state["up_to_date"] else "different from the configuration")
    if name == "crontab":
        parts.append(f"other jobs: {state['foreign_jobs']}")
        parts += [f"also has a block of {folder}" for folder in state["blocks_of_other_folders"]]
    else:
        parts.append(f"paused: {', '.join(state['paused']) or 'none'}")
    if state["problem"]:
        parts.append(state["problem"])
    return f"{name}: {'; '.join(parts)}."
