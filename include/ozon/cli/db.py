"""``ozon db``: the warehouse's schema."""

from __future__ import annotations

import logging
from typing import Annotated

import typer

from include.ozon.cli.warehouse import warehouse_connect, warehouse_session
from include.ozon.warehouse import schema

app = typer.Typer(help="Create, migrate and inspect the warehouse's schema.", no_args_is_help=True)

# Airflow's logging, which comes along with its connections, would show Alembic's notes among our own lines.
logging.getLogger("alembic").setLevel(logging.WARNING)


@app.command()
def upgrade(
    revision: Annotated[str, typer.Argument(help="How far; `head` is what this version needs.")] = "head",
) -> None:
    """Migrate the warehouse forward. Safe to repeat."""
    schema.upgrade(warehouse_connect(), revision)
    status()


# `-1` is a revision and no option.
@app.command(context_settings={"ignore_unknown_options": True})
def downgrade(
    revision: Annotated[str, typer.Argument(help="How far back: a revision, `-1` for one step, `base` for all.")],
) -> None:
    """Migrate the warehouse back. What only the newer schema can hold is dropped."""
    schema.downgrade(warehouse_connect(), revision)
    status()


@app.command()
def status() -> None:
    """Show at which revision the warehouse is, and which one this version needs."""
    with warehouse_session() as connection:
        found = schema.status(connection)
    verdict = "up to date" if found.is_at_head else "`ozon db upgrade` brings it there"
    if not found.is_known:
        verdict = "a newer version of this package has migrated it"
    typer.echo(f"warehouse at revision {found.revision or 'none'}, this version needs {found.head}: {verdict}")
