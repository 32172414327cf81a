"""The sources of values: the model's defaults, the file's tables, and ``OZON__`` variables.

Each source becomes a :class:`Layer` that contains only known settings, with tables and single values in the right
places; everything else is reported here. The values themselves are validated later, in the merged layers.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

from include.ozon.configuration import schema
from include.ozon.configuration.model import Configuration
from include.ozon.errors import ConfigurationError
from include.ozon.project import CONFIGURATION

ENVIRONMENTS = ("development", "testing", "production")
VARIABLE_PREFIX = "OZON__"
_FILE_TABLES = ("default", *ENVIRONMENTS)
_SECRET_NAME = re.compile(r"api_?key|client_?id|passw|pwd|secret|token|credential|dsn", re.IGNORECASE)


class Layer(NamedTuple):
    """The values of one source, as nested tables; ``origin`` names the source in ``Settings.origins``."""

    origin: str
    values: dict[str, Any]


class Merged(NamedTuple):
    """Several merged layers; ``origins`` maps each dotted key to the layer of its value."""

    values: dict[str, Any]
    origins: dict[str, str]

    def value(self, key: str) -> Any:
        value: Any = self.values
        for name in key.split("."):
            value = value[name]
        return value


def built_in_layer() -> Layer:
    defaults = {
        name: field.default.model_dump() if isinstance(field.default, BaseModel) else field.default
        for name, field in Configuration.model_fields.items()
        if not field.is_required()
    }
    return Layer("built-in", defaults)


def read_file(path: Path) -> dict[str, Any]:
    """Return the file's tables without validation.

    :raises ConfigurationError: the file is missing or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(
            f"{path}: file not found; OZON_CONFIG can name another one, and {CONFIGURATION} is one to start with"
        ) from None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: is not UTF-8 text (at byte {error.start})") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: is not valid TOML: {error}") from None


def file_layers(path: Path, tables: Mapping[str, Any]) -> tuple[dict[str, Layer], list[str]]:
    """Return a layer for each table of the file, and the problems of all of them.

    The tables of other environments are checked too: a mistake in ``[production]`` should not wait for deployment.
    """
    layers: dict[str, Layer] = {}
    problems: list[str] = []
    for name, table in tables.items():
        if name not in _FILE_TABLES:
            problems.append(f"{path}: {_unknown_file_table(name)}")
        elif not isinstance(table, dict):
            problems.append(f"{path}: expected {name} to be a table, [{name}]")
        else:
            values, found = _known_settings(table, ())
            layers[name] = Layer(name, values)
            problems += [f"{path} [{name}]: {problem}" for problem in found]
    return layers, problems


def variable_layers(environ: Mapping[str, str]) -> tuple[list[Layer], list[str]]:
    """Return a layer for each ``OZON__SECTION__KEY`` variable, and the problems of those that name no setting."""
    layers: list[Layer] = []
    problems: list[str] = []
    names_by_path: dict[tuple[str, ...], str] = {}
    for name in sorted(environ):
        if not name.upper().startswith(VARIABLE_PREFIX):
            continue
        path = tuple(name[len(VARIABLE_PREFIX) :].lower().split("__"))
        field = schema.find(path)
        if field is None:
            problems.append(f"{name}: {_unknown_setting(path, as_variable=True)}")
        elif schema.is_table(field):
            problems.append(f"{name}: names a table; add two underscores and the key of a setting in it")
        elif other := names_by_path.get(path):
            problems.append(f"{name}: sets the same value as {other}; keep one of them")
        else:
            names_by_path[path] = name
            layers.append(Layer(name, _nested(path, parse_text(field.annotation, environ[name]))))
    return layers, problems


def parse_text(annotation: Any, text: str) -> Any:
    """Return a variable's text as a value of the setting's type; a list is JSON or separated by commas.

    Text that cannot be converted is returned unchanged; the model then rejects it like a value of the file.
    """
    value: Any = text
    if get_origin(annotation) is list:
        try:
            value = json.loads(text)
        except ValueError:
            value = [entry.strip() for entry in text.split(",") if entry.strip()]
    try:
        return TypeAdapter(annotation).validate_python(value)
    except ValidationError:
        return text


def merge(layers: Iterable[Layer]) -> Merged:
    """Merge the layers; later ones override earlier ones."""
    merged = Merged({}, {})
    for layer in layers:
        _override(merged.values, layer.values, merged.origins, layer.origin, "")
    return merged


def _override(
    target: dict[str, Any], table: Mapping[str, Any], origins: dict[str, str], origin: str, prefix: str
) -> None:
    for name, value in table.items():
        if isinstance(value, dict):
            _override(target.setdefault(name, {}), value, origins, origin, f"{prefix}{name}.")
        else:
            target[name] = value
            origins[f"{prefix}{name}"] = origin


def _known_settings(table: Mapping[str, Any], parents: tuple[str, ...]) -> tuple[dict[str, Any], list[str]]:
    known: dict[str, Any] = {}
    problems: list[str] = []
    for name, value in table.items():
        path = (*parents, name)
        field = schema.find(path)
        if field is None:
            problems.append(_unknown_setting(path))
        elif schema.is_table(field) and isinstance(value, dict):
            known[name], found = _known_settings(value, path)
            problems += found
        elif schema.is_table(field):
            # The value is not shown: it may be a whole address with a password in it.
            problems.append(f"{'.'.join(path)} is a single value; expected a table")
        elif isinstance(value, dict):
            problems.append(f"{'.'.join(path)} is a table; allowed: {schema.allowed(field)}")
        else:
            known[name] = value
    return known, problems


def _unknown_setting(path: Sequence[str], *, as_variable: bool = False) -> str:
    """Return the message for an unknown key, without its value: that may be a secret."""
    key = ".".join(path)
    if _SECRET_NAME.search(path[-1]):
        return _secret(path)
    meant = schema.suggestion(path)
    if meant and as_variable:
        meant = VARIABLE_PREFIX + meant.replace(".", "__").upper()
    hint = f"; did you mean '{meant}'?" if meant else "; docs/configuration.md lists all settings"
    return f"unknown setting '{key}'{hint}"


def _secret(path: Sequence[str]) -> str:
    account = path[1] if len(path) > 2 and path[0] == "accounts" else "<account>"
    return (
        f"{'.'.join(path)} looks like a credential, which must not be in the configuration; Client-Id and Api-Key "
        f"belong in the Airflow connection ozon_api_{account} (login and password), those of the warehouse in "
        "ozon_warehouse"
    )


def _unknown_file_table(name: str) -> str:
    if _SECRET_NAME.search(name):
        return _secret((name,))
    if schema.find((name,)):
        return f"{name} is outside of {_listed(_FILE_TABLES)}; move it into one of these tables"
    similar = get_close_matches(name, _FILE_TABLES, n=1)
    hint = f"; did you mean [{similar[0]}]?" if similar else ""
    return f"unknown environment [{name}]; allowed: {_listed(_FILE_TABLES)}{hint}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"[{name}]" for name in names)


def _nested(path: Sequence[str], value: Any) -> dict[str, Any]:
    for name in reversed(path):
        value = {name: value}
    return dict(value)
