"""``ozon db``: the warehouse's schema."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from include.ozon.cli.common import Output, is_quiet, print_json
from include.ozon.cli.warehouse import warehouse_connect, warehouse_session
from include.ozon.errors import require_known
from include.ozon.warehouse import roles, schema
from include.ozon.warehouse.roles import ROLES

app = typer.Typer(help="Create, migrate and inspect the warehouse's schema.", no_args_is_help=True)


@app.command()
def upgrade(
    revision: Annotated[str, typer.Argument(help="The target; `head` is what this version needs.")] = "head",
    output: Output = "text",
) -> None:
    """Migrate the warehouse forward. Safe to repeat.

    Example: ozon db upgrade
    """
    schema.upgrade(warehouse_connect(), revision)
    _show(output)


def _step_or_revision(value: str) -> str:
    if value.startswith("-") and not value[1:].isdecimal():
        raise typer.BadParameter(f"expected a revision, `base`, or a number of steps like `-1`, found {value!r}")
    return value


# `-1` is a revision, not an option.
@app.command(context_settings={"ignore_unknown_options": True})
def downgrade(
    revision: Annotated[
        str,
        typer.Argument(help="The target: a revision, `-1` for one step, `base` for all.", callback=_step_or_revision),
    ],
    output: Output = "text",
) -> None:
    """Migrate the warehouse back. Data that only the newer schema supports is dropped.

    Example: ozon db downgrade -1
    """
    schema.downgrade(warehouse_connect(), revision)
    _show(output)


@app.command()
def status(output: Output = "text") -> None:
    """Show the warehouse's revision, and the one that this version needs. Exit code 0 in any case.

    Example: ozon db status --output json
    """
    _show(output)


@app.command()
def grant(
    role: Annotated[str, typer.Argument(help="; ".join(f"`{name}` {each.purpose}" for name, each in ROLES.items()))],
    login: Annotated[str, typer.Argument(help="An existing role that may log in.")],
    output: Output = "text",
) -> None:
    """Make a login a member of one of the warehouse's three roles. Safe to repeat.

    Example: ozon db grant reader anna
    """
    require_known("ROLE", [role], ROLES)
    granted = ROLES[role]
    with warehouse_session() as connection:
        schema.require_head(connection)
        is_new = roles.grant(connection, granted, login)
    if output == "json":
        print_json("db-grant", {"role": granted.name, "login": login, "is_new": is_new})
    else:
        verb = "is now" if is_new else "was already"
        typer.echo(f"{login} {verb} a member of {granted.name}, which {granted.purpose}.")


def _show(output: str) -> None:
    with warehouse_session() as connection:
        found = schema.status(connection)
    if output == "json":
        print_json("db", {**asdict(found), "is_at_head": found.is_at_head})
    elif not (found.is_at_head and is_quiet()):
        typer.echo(
            f"warehouse at revision {found.revision or 'none'}, this version needs {found.head}: {_verdict(found)}"
        )


def _verdict(found: schema.SchemaStatus) -> str:
    if not found.is_known:
        return "a newer version of this package has migrated it"
    return "up to date" if found.is_at_head else "run `ozon db upgrade`"
