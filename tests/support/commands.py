"""All commands of ``ozon``, as Typer knows them, and a row for each: what the tests of bad input have to know of it.

A command without a row fails these tests, and so does a row without a command. A new command provides a row here.
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
    """A command that looks at many things tells what it found in its report, and ends with this code."""

    exit_code: int


@dataclass(frozen=True)
class Row:
    """What a command is called with, and how it ends where something that it needs is not there.

    ``arguments`` make it do its work, and change nothing that a test minds. ``wrong`` are command lines that it refuses
    by itself, beyond the values that the types of its options refuse.

    Of the others each is what happens where that is wrong or not there: an exit code, with one sentence; or `Reported`;
    or None for what the command does not need. ``warehouse`` is for a role that may do nothing there, too.
    """

    arguments: tuple[str, ...] = ()
    wrong: tuple[tuple[str, ...], ...] = ()
    configuration: int | Reported | None = 2
    connection: int | Reported | None = 2
    warehouse: int | Reported | None = 1
    metadata: int | Reported | None = None
    has_json: bool = True
    """False where nothing is shown, or only in a form that programs read anyway."""


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
    "alerts ack": Row((NONSENSE,)),
    "alerts inbox": Row(wrong=(("0",), ("--last", "0"), (NONSENSE,)), **_NO_WAREHOUSE),
    "config show": Row(wrong=((NONSENSE,),), **_NO_WAREHOUSE),
    "config validate": Row(("--connect",), connection=Reported(1), warehouse=Reported(1)),
    "db upgrade": Row(),
    "db downgrade": Row(("-1",)),
    "db status": Row(),
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
    ),  # what is installed can be taken away with a configuration that is wrong
    "schedule restore": Row(("/nowhere",), (("/nowhere",),), configuration=None, **_NO_WAREHOUSE),
    "schedule due": Row(("etl",), ((NONSENSE,),), **_NO_WAREHOUSE, has_json=False),
}


def commands() -> Iterator[tuple[str, Any]]:
    """Each command that does something by itself, with its words, such as ``alerts ack``."""
    for words, found in everything():
        if words and (not isinstance(found, TyperGroup) or found.invoke_without_command):
            yield words, found


def everything(found: Any = None, words: str = "") -> Iterator[tuple[str, Any]]:
    """Groups too, the whole command line first."""
    found = command() if found is None else found
    yield words, found
    if isinstance(found, TyperGroup):
        for name, below in found.commands.items():
            yield from everything(below, f"{words} {name}".strip())


def own_options(found: Any) -> Iterator[Any]:
    """The options that only this command has."""
    for param in found.params:
        if param.param_type_name == "option" and EVERYWHERE.isdisjoint(param.opts):
            yield param


def is_refused(param: Any) -> bool:
    """Whether no value is allowed that reads ``nonsense``."""
    wanted = {param.type_descriptor.annotation, *typing.get_args(param.type_descriptor.annotation)}
    return any(
        each in (bool, int, float, datetime)
        or typing.get_origin(each) is typing.Literal
        or (isinstance(each, type) and issubclass(each, enum.Enum))
        or isinstance(each, str)  # an entry of a Literal
        for each in wanted
    )
