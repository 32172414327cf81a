"""The settings' model as a tree: its keys, and the allowed values in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Literal, NamedTuple, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic.fields import FieldInfo

from include.ozon.configuration.model import Configuration
from include.ozon.monitoring.rules import RULES
from include.ozon.settings.base import Allowed, Keys, Section

ROOT = FieldInfo.from_annotation(Configuration)
_KINDS = ((int, "whole number"), (float, "number"), (bool, "true or false"), (list, "list"))


class Setting(NamedTuple):
    """A single value of the configuration; placeholders in ``key`` (``<account>``) stand for any name."""

    key: str
    field: FieldInfo


def children(field: FieldInfo) -> Mapping[str, FieldInfo]:
    """Return the keys of a table (a placeholder for user-defined ones), or none for a single value."""
    annotation = field.annotation
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation.model_fields
    if get_origin(annotation) is dict:
        return {_placeholder(field): FieldInfo.from_annotation(get_args(annotation)[1])}
    return {}


def _placeholder(field: FieldInfo) -> str:
    return next((item.placeholder for item in field.metadata if isinstance(item, Keys)), "<name>")


def is_table(field: FieldInfo) -> bool:
    return bool(children(field))


def find(path: Sequence[str]) -> FieldInfo | None:
    """Return the field at a path, for example ``("retry", "retries")``; None if the setting is unknown."""
    field = ROOT
    for name in path:
        known = children(field)
        is_free = get_origin(field.annotation) is dict
        child = next(iter(known.values())) if is_free else known.get(name)
        if child is None:
            return None
        field = child
    return field


def settings_below(field: FieldInfo = ROOT, prefix: str = "") -> Iterator[Setting]:
    """Yield all single values of a table and of its subtables, in the model's order."""
    for name, child in children(field).items():
        if is_table(child):
            yield from settings_below(child, f"{prefix}{name}.")
        else:
            yield Setting(f"{prefix}{name}", child)


def suggestion(path: Sequence[str]) -> str | None:
    """Return the probably intended key: the same name in another table, a similar one in its own, a similar key."""
    *parents, name = path
    if moved := _moved_to_its_group(".".join(parents), name):
        return moved
    keys = [setting.key for setting in settings_below() if "<" not in setting.key]
    elsewhere = [key for key in keys if key.endswith(f".{name}")]
    if len(elsewhere) == 1:
        return elsewhere[0]
    table = find(parents)
    if table and (similar := get_close_matches(name, children(table), n=1)):
        return ".".join([*parents, *similar])
    return next(iter(get_close_matches(".".join(path), keys, n=1, cutoff=0.8)), None)


def _moved_to_its_group(table: str, name: str) -> str | None:
    """Return the present key of a setting that each rule had in older versions."""
    key = {"cooldown_minutes": "repeat_minutes", "channels": "channels"}.get(name)
    if key is None or table == "alerts":
        return "alerts.repeat_minutes" if key else None
    group = next((rule.group for rule in RULES if rule.key == table), None)
    return f"alerts.groups.{group}.{key}" if group else None


def kind(field: FieldInfo) -> str:
    """Return the type of a setting, in words."""
    if is_table(field):
        return "table"
    origin = get_origin(field.annotation) or field.annotation
    return next((name for python_type, name in _KINDS if origin is python_type), "text")


def limits(field: FieldInfo) -> str:
    """Return the allowed values of a setting's type, in words; empty if all are allowed."""
    for item in field.metadata:
        if isinstance(item, Allowed):
            return item.text
    if get_origin(field.annotation) is Literal:
        return f"one of {', '.join(get_args(field.annotation))}"
    return " ".join(_bounds(field.metadata))


def allowed(field: FieldInfo) -> str:
    return ", ".join(filter(None, (kind(field), limits(field))))


def shown(value: object) -> str:
    """Return a value as in the file, shortened; "a table" for a table."""
    if isinstance(value, Mapping):
        return "a table"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _bounds(metadata: Sequence[Any]) -> Iterator[str]:
    for item in metadata:
        match item:
            case Ge():
                yield f"from {item.ge:g}"
            case Gt():
                yield f"above {item.gt:g}"
            case Le():
                yield f"to {item.le:g}"
