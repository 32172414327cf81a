"""The ``ozon`` command.

Exit codes: 0 done; 1 failed for an external reason (one sentence on stderr); 2 the command line or the configuration is
wrong; 130 interrupted. `ozon health` has its own: 0 healthy, 1 warning, 2 critical, 3 could not be measured; `ozon run`
ends with 3 if another run is loading the account.
"""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from include.ozon.cli import (
    alerts,
    common,
    config,
    db,
    doctor,
    health,
    maintenance,
    overview,
    probe,
    run,
    runs,
    schedule,
    visibility,
)

app = typer.Typer(
    name="ozon",
    help="Operate the Ozon ETL: its warehouse, configuration, runs, health, alerts, schedules and visibility reports."
    "\n\nWithout a command it shows the state of this installation."
    "\n\nExit codes: 0 done; 1 failed for an external reason; 2 the command line or the configuration is wrong; "
    "130 interrupted.\n\nExample: ozon runs --last 5",
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def ozon(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=common.show_version)
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        overview.show()


app.command(name="doctor")(doctor.doctor)
app.command(name="health")(health.health)
app.command(name="maintenance")(maintenance.maintenance)
app.command(name="probe")(probe.probe)
app.command(name="run")(run.run)
app.command(name="runs")(runs.runs)
app.command(name="visibility")(visibility.visibility)
app.add_typer(alerts.app, name="alerts")
app.add_typer(config.app, name="config")
app.add_typer(db.app, name="db")
app.add_typer(schedule.app, name="schedule")


def command() -> Any:
    """Return the whole command line, with the common options."""
    whole = typer.main.get_command(app)
    common.add_common_options(whole)
    return whole


def main() -> None:
    """Run the command line; every error is one sentence and an exit code."""
    sys.exit(common.run(command()))
