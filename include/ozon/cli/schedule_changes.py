"""Changes of `ozon schedule`: planned, shown as a diff, backed up, then carried out."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Literal

import typer

from include.ozon.cli.common import importing_airflow, print_json
from include.ozon.configuration import load_settings
from include.ozon.errors import ConfigurationError
from include.ozon.files import write_private
from include.ozon.project import PROJECT
from include.ozon.scheduling import airflow_dags, block, crontab
from include.ozon.scheduling.backups import diff, read_backup, save_backup
from include.ozon.scheduling.jobs import NO_CRONTAB_BEFORE, project_folder, render_block
from include.ozon.scheduling.wrapper import (
    cron_folder,
    kept_variables,
    remove_wrapper,
    wrapper_path,
    wrapper_problem,
    wrapper_script,
)
from include.ozon.scheduling.zones import machine_zone

Target = Literal["airflow", "crontab"]


@dataclass(frozen=True)
class Change:
    target: Target
    before: bytes | None
    after: bytes | None
    carry_out: Callable[[], None]
    is_more: bool = False
    """True if there is work that the diff does not show; the notes describe it."""
    notes: list[str] = field(default_factory=list)

    @property
    def is_any(self) -> bool:
        return self.is_more or self.before != self.after


def perform(change: Change, *, dry_run: bool, backup: Path | None, output: Literal["text", "json"]) -> None:
    """Show the change, make a backup, and carry the change out; in a dry run, only show it."""
    shown = diff(change.before, change.after, change.target)
    if output == "text" and shown:
        typer.echo(shown, nl=False)
    file: Path | None = None
    if change.is_any and not dry_run:
        if change.before != change.after:
            file = save_backup(backup or default_backups(), change.target, change.before, datetime.now(tz=UTC))
        change.carry_out()
    if output == "json":
        found = {"target": change.target, "changed": change.is_any and not dry_run, "dry_run": dry_run, "diff": shown}
        print_json("schedule-change", {**found, "backup": file and str(file), "notes": change.notes})
        return
    for note in change.notes:
        typer.echo(note)
    if not change.is_any:
        typer.echo("Nothing to change: it is up to date.")
    elif dry_run:
        typer.echo("Dry run: nothing was changed.")
    elif file:
        typer.echo(f"Done. The former state is in {file}; `ozon schedule restore` restores it.")
    else:
        typer.echo("Done.")


def default_backups() -> Path:
    return cron_folder(os.environ) / "backups"


def install_crontab(adopt: str | None) -> Change:
    adopted_pattern = None if adopt is None else _pattern(adopt)
    settings, machine, now = load_settings(), machine_zone(os.environ), datetime.now(tz=UTC)
    before, folder, wrapper = crontab.read_crontab(), project_folder(), wrapper_path(os.environ, PROJECT)
    wanted = render_block(settings, machine, wrapper, now, no_crontab_before=had_no_crontab(before, folder))
    content, notes = before or b"", [f"Note: {machine.note}."] if machine.note else []
    if adopted_pattern is not None:
        content, adopted = block.adopt(content, adopted_pattern, now)
        notes.append(f"Jobs commented out because they match --adopt: {adopted}.")
    after = block.with_block(content, folder, wanted)
    script = wrapper_script(os.environ, PROJECT)
    is_stale = wrapper_problem(wrapper) is not None or wrapper.read_bytes() != script
    if is_stale:
        names = ", ".join(kept_variables(os.environ, PROJECT))
        notes.append(f"The lines call {wrapper} (mode 0600), which sets {names}.")

    def carry_out() -> None:
        is_new = not wrapper.exists()
        if is_stale:
            write_private(wrapper, script)
        try:
            if after != before:
                crontab.write_crontab(after, expected=before)
        except BaseException:
            if is_new:  # it contains passwords, and nothing calls it
                remove_wrapper(wrapper)
            raise

    return Change("crontab", before, after, carry_out, is_stale, notes)


def remove_crontab() -> Change:
    before, folder = crontab.read_crontab(), project_folder()
    after = None if before is None else block.without_block(before, folder)
    if not after and had_no_crontab(before, folder):
        after = None
    return _without_wrapper(before, after, [])


def restore(file: Path) -> Change:
    """Plan the restore of a backup; its content shows its target."""
    content = read_backup(file)
    if content is not None and content.lstrip().startswith(b"{"):
        return change_airflow(airflow_dags.restored(airflow_dags.AirflowSchedule.load(content)))
    before, notes = crontab.read_crontab(), []
    if content and not content.endswith(b"\n"):
        content += b"\n"
        notes.append("The backup does not end with a line break, which crontab requires; one is added.")
    if content is None or not block.find_block(content, project_folder()):
        return _without_wrapper(before, content, notes)
    if problem := wrapper_problem(wrapper_path(os.environ, PROJECT)):
        notes.append(f"The block's lines need `ozon schedule install --target crontab`: {problem}.")
    return Change("crontab", before, content, lambda: crontab.write_crontab(content, expected=before), notes=notes)


def install_airflow() -> Change:
    return change_airflow(airflow_dags.installed)


def remove_airflow() -> Change:
    return change_airflow(airflow_dags.removed)


def change_airflow(plan: airflow_dags.Plan) -> Change:
    airflow = load_airflow()
    found = airflow.read_schedule()
    wanted = plan(found)
    unpaused = [dag_id for dag_id, paused in wanted.is_paused.items() if not paused and found.is_paused[dag_id]]
    notes = [f"{dag_id} is unpaused; a run that was due meanwhile may start at once." for dag_id in unpaused]
    return Change(
        "airflow",
        found.dump(),
        wanted.dump(),
        lambda: airflow.change_schedule(plan, expected=found),
        notes=notes,
    )


def load_airflow() -> ModuleType:
    """Return the adapter's module `schedule`. Raise ConfigurationError if Airflow does not start."""
    with importing_airflow():
        from include.ozon.adapter.metadata import schedule  # noqa: PLC0415
    return schedule


def had_no_crontab(content: bytes | None, folder: bytes) -> bool:
    """Return whether there is no crontab, or there was none before the block was installed."""
    if content is None:
        return True
    found = block.find_block(content, folder)
    return found is not None and NO_CRONTAB_BEFORE.encode() in content[found.start : found.end]


def _without_wrapper(before: bytes | None, after: bytes | None, notes: list[str]) -> Change:
    """Plan to delete the wrapper, which contains passwords, after the lines that call it."""
    wrapper = wrapper_path(os.environ, PROJECT)

    def carry_out() -> None:
        if after != before:
            crontab.write_crontab(after, expected=before)
        remove_wrapper(wrapper)

    if wrapper.exists():
        notes = [*notes, f"{wrapper} is deleted."]
    return Change("crontab", before, after, carry_out, wrapper.exists(), notes)


def _pattern(text: str) -> re.Pattern[bytes]:
    try:
        if text:
            return re.compile(os.fsencode(text))
        problem = "it is empty and would match every job"
    except re.error as error:
        problem = str(error)
    raise ConfigurationError(f"--adopt: expected a regular expression that matches jobs, found {text!r}: {problem}.")
