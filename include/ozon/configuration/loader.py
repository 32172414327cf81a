"""Loading of the configuration: merge all layers, validate them, and report all problems at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from include.ozon.configuration import schema
from include.ozon.configuration.contradictions import find_contradictions
from include.ozon.configuration.model import Configuration
from include.ozon.configuration.sources import (
    ENVIRONMENTS,
    Layer,
    Merged,
    built_in_layer,
    file_layers,
    merge,
    read_file,
    variable_layers,
)
from include.ozon.errors import ConfigurationError
from include.ozon.project import configuration_file
from include.ozon.settings import Settings


def load_settings(
    path: Path | None = None, environment: str | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Read and check the configuration.

    ``path`` and ``environment`` default to ``OZON_CONFIG`` and ``OZON_ENV`` in ``environ`` (by default the process's),
    and then to :func:`configuration_file` and ``development``.

    :raises ConfigurationError: with a line for each problem in the file and in the variables.
    """
    environ = os.environ if environ is None else environ
    path = path or configuration_file(environ)
    environment = environment or environ.get("OZON_ENV") or "development"

    problems = [] if environment in ENVIRONMENTS else [_unknown_environment(environment)]
    overrides, variable_problems = variable_layers(environ)
    problems += variable_problems
    try:
        tables = read_file(path)
    except ConfigurationError as error:
        raise _all_at_once([str(error), *problems]) from None
    from_file, file_problems = file_layers(path, tables)
    problems += file_problems

    picked = [from_file[name] for name in ("default", environment) if name in from_file]
    merged = merge([built_in_layer(), *picked, *overrides])
    try:
        settings: Settings = Configuration.model_validate(
            merged.values, context={"environment": environment, "origins": merged.origins}
        )
        invalid_keys: set[str] = set()
    except ValidationError as error:
        details = error.errors(include_url=False)
        problems += [_describe(detail, path, merged) for detail in details]
        invalid_keys = {_key(detail) for detail in details}
        settings = _valid_part(merged, invalid_keys)
    problems += [
        f"{path}: {_values(contradiction.keys, merged)}: {contradiction.message}"
        for contradiction in find_contradictions(settings)
        if invalid_keys.isdisjoint(contradiction.keys)
    ]
    if problems:
        raise _all_at_once(problems)
    return settings


def _all_at_once(problems: list[str]) -> ConfigurationError:
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return ConfigurationError("\n- ".join([f"The configuration has {count}:", *problems]))


def _unknown_environment(environment: str) -> str:
    similar = get_close_matches(environment.lower(), ENVIRONMENTS, n=1, cutoff=0.4)
    hint = f"; did you mean {similar[0]}?" if similar else ""
    return f"OZON_ENV: unknown environment {schema.shown(environment)}; allowed: {', '.join(ENVIRONMENTS)}{hint}"


def _describe(detail: ErrorDetails, path: Path, merged: Merged) -> str:
    """Return the message for one of pydantic's errors."""
    key = _key(detail)
    where = _where(key, path, merged)
    if detail["loc"][-1] == "[key]":
        table = schema.find([str(name) for name in detail["loc"][:-2]])
        return f"{where}: the name of {key} is not allowed; allowed: {schema.allowed(table) if table else 'nothing'}"
    field = schema.find(key.split("."))
    allowed = schema.allowed(field) if field else "nothing"
    if detail["type"] == "missing":
        return f"{where}: {key} is missing; allowed: {allowed}"
    reason = f" ({detail['ctx']['error']})" if detail["type"] == "value_error" else ""
    return f"{where}: {key} = {schema.shown(detail['input'])}{reason}; allowed: {allowed}"


def _key(detail: ErrorDetails) -> str:
    """Return the key of the wrong setting; for an entry of a list, the list's key."""
    return ".".join(str(name) for name in detail["loc"] if name != "[key]" and not isinstance(name, int))


def _where(key: str, path: Path, merged: Merged) -> str:
    """Return the place to correct: a variable, or a table of the file."""
    origins = (merged.origins[each] for each in merged.origins if f"{each}.".startswith(f"{key}."))
    origin = next(origins, None)
    if origin is None:
        return str(path)
    return f"{path} [{origin}]" if origin in ("default", *ENVIRONMENTS) else origin


def _values(keys: tuple[str, ...], merged: Merged) -> str:
    return ", ".join(f"{key} = {schema.shown(merged.value(key))} ({merged.origins[key]})" for key in keys)


def _valid_part(merged: Merged, invalid_keys: set[str]) -> Settings:
    """Return the settings with the default instead of each invalid value, for the checks that do not use it.

    A table with a user-defined name, for example a channel, has no defaults and is left out. The checks do not use the
    accounts' titles.
    """
    named_by_users = ("alerts.channels.", "alerts.groups.", "alerts.silences.")
    invalid_tables = {".".join(key.split(".")[:3]) for key in invalid_keys if key.startswith(named_by_users)}
    valid = merge([built_in_layer(), Layer("valid", _without(invalid_keys | invalid_tables, merged.values))])
    accounts = {
        name: {"title": name} for name in merged.values.get("accounts", {}) if f"accounts.{name}" not in invalid_keys
    }
    return Configuration.model_validate({**valid.values, "accounts": accounts or {"any": {"title": "any"}}})


def _without(keys: set[str], table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    return {
        name: _without(keys, value, f"{prefix}{name}.") if isinstance(value, dict) else value
        for name, value in table.items()
        if f"{prefix}{name}" not in keys
    }
