"""``ozon config``: the current configuration."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from include.ozon.cli.common import (
    WRONG_USAGE,
    Output,
    check_table,
    console,
    is_quiet,
    print_json,
    say,
    text_table,
)
from include.ozon.cli.doctor import connection_steps, start_airflow
from include.ozon.configuration import load_settings, schema
from include.ozon.diagnosis.order import Step, diagnose
from include.ozon.errors import ConfigurationError
from include.ozon.settings import Settings

app = typer.Typer(help="Show and check the configuration.", no_args_is_help=True)

_BUILT_IN = "built-in"
# The configuration contains no secrets, but an address in it may.
_SIGN_IN = re.compile(r"(?<=://)[^/@\s]+(?=@)")


@app.command()
def show(
    key: Annotated[str, typer.Argument(metavar="[KEY]", help="A setting or a table: `retry.retries`, `rules`.")] = "",
    output: Output = "text",
) -> None:
    """Show every setting with its value and its source: built in, a table of the file, or a variable.

    With --quiet, show only those that differ from the built-in ones.

    Example: ozon config show retry
    """
    settings = load_settings()
    found = {
        name: (value, settings.origins.get(name, _BUILT_IN)) for name, value in _flat(settings.model_dump(mode="json"))
    }
    shown = {name: each for name, each in found.items() if not key or name == key or name.startswith(f"{key}.")}
    if not shown:
        meant = schema.suggestion(key.split("."))
        hint = f"did you mean {meant}?" if meant else "docs/configuration.md lists all settings."
        raise ConfigurationError(f"unknown setting {key!r}; {hint}")
    if is_quiet():
        shown = {name: each for name, each in shown.items() if each[1] != _BUILT_IN}
    if output == "json":
        listed = [{"key": name, "value": value, "from": origin} for name, (value, origin) in shown.items()]
        print_json("config", {"environment": settings.environment, "settings": listed})
    else:
        console().print(_table(settings, shown))


@app.command()
def validate(
    connect: Annotated[
        bool, typer.Option("--connect", help="Also test every connection: warehouse, Ozon, alert channels.")
    ] = False,
    output: Output = "text",
) -> None:
    """Validate the configuration and list all its errors at once.

    Exit code: 0 valid; 1 a connection does not work (only with --connect); 2 the configuration is wrong.

    Example: ozon config validate --connect
    """
    try:
        settings = load_settings()
    except ConfigurationError as error:
        if output == "text":
            raise
        print_json("config-validation", {"valid": False, "problems": str(error).split("\n- ")[1:]})
        raise typer.Exit(WRONG_USAGE) from None
    checks = list(diagnose(_connection_steps(settings))) if connect else []
    if output == "json":
        found = {"valid": True, "environment": settings.environment, "accounts": list(settings.accounts)}
        print_json("config-validation", {**found, "connections": [check.as_dict() for check in checks]})
    else:
        say(f"The configuration is valid: environment {settings.environment}, accounts {', '.join(settings.accounts)}.")
        shown = [check for check in checks if check.status != "ok" or not is_quiet()]
        if shown:
            console().print(check_table("Connections", shown))
    raise typer.Exit(int(any(check.status == "failed" for check in checks)))


def _connection_steps(settings: Settings) -> Iterator[Step]:
    yield Step("airflow", start_airflow)
    yield from connection_steps(settings)


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield single values with their dotted keys, in the model's order."""
    for name, value in table.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{name}.")
        elif not isinstance(value, Mapping):
            yield f"{prefix}{name}", _without_sign_in(value)


def _without_sign_in(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_sign_in(each) for each in value]
    return _SIGN_IN.sub("***", value) if isinstance(value, str) else value


def _table(settings: Settings, shown: Mapping[str, tuple[Any, str]]) -> Table:
    table = text_table(f"Configuration of the environment {settings.environment}", "setting", "value", "from")
    for name, (value, origin) in shown.items():
        style = "dim" if origin == _BUILT_IN else ""
        where = f"[{origin}]" if origin in ("default", settings.environment) else origin
        table.add_row(name, Text(json.dumps(value, ensure_ascii=False)), Text(where), style=style)
    return table
