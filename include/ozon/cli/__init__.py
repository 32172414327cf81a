"""The ``ozon`` command.

Exit codes: 0 done; 1 it could not be done, for a reason outside (one sentence on stderr); 2 the command line or the
configuration is wrong.
"""

from __future__ import annotations

import sys

import typer

from include.ozon.cli import config, db, runs
from include.ozon.errors import ConfigurationError, ConnectionSettingsError, OzonError

app = typer.Typer(
    name="ozon",
    help="Operate the Ozon ETL: its warehouse, its configuration, and the records of its runs.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(db.app, name="db")
app.add_typer(config.app, name="config")
app.command(name="runs")(runs.runs)


def main() -> None:
    """The entry point: every error that is ours is one sentence and an honest exit code."""
    try:
        app()
    except OzonError as error:
        print(f"ozon: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, (ConfigurationError, ConnectionSettingsError)) else 1)
