"""All commands of ``ozon``, from Typer, and a row for each with its arguments and exit codes for bad input.

A command without a row fails the tests, and so does a row without a command. A new command needs a row here.
"""

from __future__ import annotations

import enum
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from typer.core import TyperGroup

from include.ozon.cli import command

EVERYWHERE = {"--verbose", "--quiet", "--config", "--env", "--help", "--install-completion", "--show-completion"}
NONSENSE = "nonsense"


@dataclass(frozen=True)
class Reported:
    """A command that checks many things reports the problem among its results and ends with this code."""

    exit_code: int


@dataclass(frozen=True)
class Row:
    """A command's arguments, and its exit codes when something that it needs is missing.

    ``arguments`` are valid and have no effect on other tests. ``wrong`` are command lines that the command's own checks
    refuse, in addition to the types of its options.

    The other fields are the outcome when that part is wrong or missing: an exit code with a one-sentence message,
    `Reported`, or None if the command does not need it. ``warehouse`` also applies to a role without permissions.
    """

    arguments: tuple[str, ...] = ()
    wrong: tuple[tuple[str, ...], ...] = ()
    configuration: int | Reported | None = 2
    connection: int | Reported | None = 2
    warehouse: int | Reported | None = 1
    metadata: int | Reported | None = None
    has_json: bool = True
    """False if the command prints nothing, or its output is for programs anyway."""


_NO_WAREHOUSE: dict[str, Any] = {"connection": None, "warehouse": None}

ROWS = {
    "doctor": Row(configuration=Reported(1), connection=Reported(1), warehouse=Reported(1), metadata=Reported(1)),
    "health": Row(wrong=(("--checks", NONSENSE),), connection=Reported(2), warehouse=Reported(2), metadata=Reported(2)),
    "maintenance": Row(
        ("--dry-run",), ((NONSENSE,),), connection=Reported(1), warehouse=Reported(1), metadata=Reported(1)
    ),
    "probe": Row(("--account", "main"), (("--account", NONSENSE), ()), **_NO_WAREHOUSE),
    "run": Row(wrong=(("--account", NONSENSE), ("--account", "a'b"), ("--accept-guard", NONSENSE)), metadata=1),
    "runs": Row(wrong=(("--last", "0"), ("--last", "-1"))),
    "visibility": Row(
        wrong=(("--account", NONSENSE), ("--since", "2999-01-01"), ("--alert", "--since", "2026-11-24")),
    ),
    "alerts": Row(wrong=(("--days", "-1"),)),
    "alerts show": Row((NONSENSE,)),
    "alerts ack": Row((NONSENSE,)),
    "alerts test": Row(wrong=((NONSENSE,),), **_NO_WAREHOUSE),
    "alerts inbox": Row(wrong=(("0",), ("--last", "0"), (NONSENSE,)), **_NO_WAREHOUSE),
    "config show": Row(wrong=((NONSENSE,),), **_NO_WAREHOUSE),
    "config validate": Row(("--connect",), connection=Reported(1), warehouse=Reported(1)),
    "db upgrade": Row(),
    "db downgrade": Row(("-1",)),
    "db status": Row(),
    "db grant": Row(("reader", "ozon"), wrong=(("analyst", "ozon"), ("reader", "nobody_of_this_name"))),
    "schedule status": Row(metadata=Reported(0), **_NO_WAREHOUSE),
    "schedule validate": Row(
        configuration=Reported(1), connection=Reported(0), warehouse=Reported(0), metadata=Reported(0)
    ),
    "schedule install": Row(
        ("--target", "airflow", "--dry-run"),
        ((), ("--target", "airflow", "--adopt", "x"), ("--target", "crontab", "--adopt", "[")),
        configuration=None,
        metadata=1,
        **_NO_WAREHOUSE,
    ),
    "schedule remove": Row(
        ("--target", "airflow", "--dry-run"), ((),), configuration=None, metadata=1, **_NO_WAREHOUSE
    ),  # removing a schedule works with an invalid configuration
    "schedule restore": Row(("/nowhere",), (("/nowhere",),), configuration=None, **_NO_WAREHOUSE),
    "schedule due": Row(("etl",), ((NONSENSE,),), **_NO_WAREHOUSE, has_json=False),
}


def commands() -> Iterator[tuple[str, Any]]:
    """Yield each command that can be run, with its full name, for example ``alerts ack``."""
    for words, found in everything():
        if words and (not isinstance(found, TyperGroup) or found.invoke_without_command):
            yield words, found


def everything(found: Any = None, words: str = "") -> Iterator[tuple[str, Any]]:
    """Yield all commands and groups, the root first."""
    found = command() if found is None else found
    yield words, found
    if isinstance(found, TyperGroup):
        for name, below in found.commands.items():
            yield from everything(below, f"{words} {name}".strip())


def own_options(found: Any) -> Iterator[Any]:
    """Yield the options that only this command has."""
    for param in found.params:
        if param.param_type_name == "option" and EVERYWHERE.isdisjoint(param.opts):
            yield param


def is_refused(param: Any) -> bool:
    """Return whether the option's type refuses the value ``nonsense``."""
    wanted = {param.type_descriptor.annotation, *typing.get_args(param.type_descriptor.annotation)}
    return any(
        each in (bool, int, float, datetime)
        or typing.get_origin(each) is typing.Literal
        or (isinstance(each, type) and issubclass(each, enum.Enum))
        or isinstance(each, str)  # an entry of a Literal
        for each in wanted
    )
