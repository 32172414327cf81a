"""The model as a tree to walk: which keys there are, and what each may hold, in words."""

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
    """A single value of the configuration; in ``key``, ``<account>`` and the like stand for any name."""

    key: str
    field: FieldInfo


def children(field: FieldInfo) -> Mapping[str, FieldInfo]:
    """The keys of a table, such as ``<account>`` where they are the user's to choose; none of a single value."""
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
    """The field at a path such as ``("retry", "retries")``; None if there is no such setting."""
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
    """All single values of a table and of the tables in it, in the model's order."""
    for name, child in children(field).items():
        if is_table(child):
            yield from settings_below(child, f"{prefix}{name}.")
        else:
            yield Setting(f"{prefix}{name}", child)


def suggestion(path: Sequence[str]) -> str | None:
    """The key that was probably meant: the name in another table, a similar one in its own, a similar key."""
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
    """Return where that is set which was set for each rule before."""
    key = {"cooldown_minutes": "repeat_minutes", "channels": "channels"}.get(name)
    if key is None or table == "alerts":
        return "alerts.repeat_minutes" if key else None
    group = next((rule.group for rule in RULES if rule.key == table), None)
    return f"alerts.groups.{group}.{key}" if group else None


def kind(field: FieldInfo) -> str:
    """The type of a setting, in words."""
    if is_table(field):
        return "table"
    origin = get_origin(field.annotation) or field.annotation
    return next((name for python_type, name in _KINDS if origin is python_type), "text")


def limits(field: FieldInfo) -> str:
    """Which values of its type a setting takes, in words; empty for any of them."""
    for item in field.metadata:
        if isinstance(item, Allowed):
            return item.text
    if get_origin(field.annotation) is Literal:
        return f"one of {', '.join(get_args(field.annotation))}"
    return " ".join(_bounds(field.metadata))


def allowed(field: FieldInfo) -> str:
    return ", ".join(filter(None, (kind(field), limits(field))))


def shown(value: object) -> str:
    """A value as it would stand in the file, shortened; of a table only that it is one."""
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
