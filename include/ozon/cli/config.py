"""``ozon config``: the configuration as it is in force."""

from __future__ import annotations

import typer

from include.ozon.settings import load_settings

app = typer.Typer(help="Check the configuration.", no_args_is_help=True)


@app.command()
def validate() -> None:
    """Read the configuration and name everything that is wrong with it, all at once."""
    settings = load_settings()
    typer.echo(
        f"The configuration is valid: environment {settings.environment}, accounts {', '.join(settings.accounts)}."
    )
