"""Tolerant reading of answers that are not as documented but have a clear meaning.

The fast decoder refuses an entry for a single field of another type. Here the entry is read field by field: a number
sent as text, a price sent as a number, a list instead of an empty object. A value without a clear meaning costs as
little as possible (docs/decisions/0014): an optional field takes its default, an entry of an inner list is left out,
and each is reported; only an unreadable required field makes the whole entry unreadable.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from msgspec import inspect

from include.ozon.marketplace.answers import CURRENCY_PATTERN, DECIMAL_PATTERN, MOMENT_PATTERN, is_in_calendar

T = TypeVar("T")

# Longer texts are neither numbers nor moments.
_LONGEST_TEXT = 64
_NUMBER = re.compile(r"-?[0-9]{1,30}(?:\.[0-9]{0,30})?", re.ASCII)
_MOMENT = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)[Tt ](?P<time>\d\d:\d\d:\d\d(?:\.\d{1,9})?) ?(?P<zone>[Zz]|[+-]\d\d:\d\d)?", re.ASCII
)
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


class UnreadableError(Exception):
    """A value without a clear meaning: its path (``statuses.status``), the expected and the found value."""

    def __init__(self, expected: str, found: Any, path: str = "") -> None:
        super().__init__(path, expected, found)
        self.expected = expected
        self.found = found
        self.path = path

    def within(self, step: str) -> UnreadableError:
        """Return the same problem with its path relative to the surrounding object or list."""
        joint = "." if self.path and not self.path.startswith("[") else ""
        return UnreadableError(self.expected, self.found, f"{step}{joint}{self.path}")


MISSING = object()
"""The value of a missing field."""

Problems = list[UnreadableError]
_Read = Callable[[Any, Problems], Any]


def tolerant_reader(kind: type[T]) -> Callable[[Any], tuple[T, Problems]]:
    """Return a function that reads parsed JSON as the msgspec type ``kind``.

    It returns the value together with the problems of its optional fields, and raises UnreadableError if a required
    field has no clear meaning.
    """
    read = _reader_of(inspect.type_info(kind))

    def read_tolerantly(value: Any) -> tuple[T, Problems]:
        problems: Problems = []
        return read(value, problems), problems

    return read_tolerantly


def _reader_of(info: inspect.Type) -> _Read:
    is_whole = _is_whole(info)
    if isinstance(info, inspect.Metadata):
        info = info.type
    if isinstance(info, inspect.UnionType):
        # All unions are with null, which the caller has handled.
        (info,) = (member for member in info.types if not isinstance(member, inspect.NoneType))
    match info:
        case inspect.StructType():
            read = _struct_reader(info)
        case inspect.ListType():
            read = _list_reader(_reader_of(info.item_type), is_whole=is_whole)
        case inspect.StrType():
            read = _text_reader(info)
        case inspect.IntType() | inspect.FloatType():
            read = _number_reader(info)
        case inspect.BoolType():
            read = _read_boolean
        case _:
            raise TypeError(f"{info} is not a type of answers")
    return read


def _is_whole(info: inspect.Type) -> bool:
    return isinstance(info, inspect.Metadata) and bool(info.extra and info.extra.get("whole"))


def _struct_reader(info: inspect.StructType) -> _Read:
    fields = [(each, _reader_of(each.type), each.required or _is_whole(each.type)) for each in info.fields]

    def read(value: Any, problems: Problems) -> Any:
        if value == []:
            value = {}
        if not isinstance(value, dict):
            raise UnreadableError("an object", value)
        known: dict[str, Any] = {}
        for each, read_field, is_needed in fields:
            name = each.encode_name
            found = value.get(name)
            if found is not None:
                part = _read_part(read_field, found, name, problems, is_needed=is_needed)
                if part is not MISSING:
                    known[each.name] = part
            elif each.required:
                raise UnreadableError("a value", None if name in value else MISSING, name)
        return info.cls(**known)

    return read


def _list_reader(read_item: _Read, *, is_whole: bool) -> _Read:
    def read(value: Any, problems: Problems) -> Any:
        if value == {}:
            value = []
        if not isinstance(value, list):
            raise UnreadableError("a list", value)
        parts = [_read_part(read_item, found, f"[{n}]", problems, is_needed=is_whole) for n, found in enumerate(value)]
        return [part for part in parts if part is not MISSING]

    return read


def _read_part(read: _Read, value: Any, step: str, problems: Problems, *, is_needed: bool) -> Any:
    """Return a part of a value, or MISSING if it has no clear meaning and is not needed."""
    inner: Problems = []
    try:
        return read(value, inner)
    except UnreadableError as problem:
        if is_needed:
            raise problem.within(step) from None
        inner.append(problem)
        return MISSING
    finally:
        problems += [problem.within(step) for problem in inner]


def _number_reader(info: inspect.IntType | inspect.FloatType) -> _Read:
    is_integer = isinstance(info, inspect.IntType)
    low, high = info.ge or 0, info.le or 0
    expected = f"{'a whole number' if is_integer else 'a number'} from {low:g} to {high}"

    def read(value: Any, _: Problems) -> Any:
        number = _as_number(value)
        if number is None or not low <= number <= high or (is_integer and number % 1):
            raise UnreadableError(expected, value)
        return int(number) if is_integer else float(number)

    return read


def _text_reader(info: inspect.StrType) -> _Read:
    length = f"at most {info.max_length} characters" if info.max_length else "text"
    expected, spell = {
        CURRENCY_PATTERN: ("a currency of three letters like RUB", _as_currency),
        DECIMAL_PATTERN: ("a decimal of at most 12 digits before the point", _as_decimal_text),
        MOMENT_PATTERN: ("a moment like 2026-03-01T12:30:00Z (RFC 3339)", _as_moment),
    }.get(info.pattern or "", (f"{length}, not empty" if info.min_length else length, _as_text))
    pattern = re.compile(info.pattern or "", re.DOTALL)

    def read(value: Any, _: Problems) -> Any:
        text = spell(value)
        if text is None or not (info.min_length or 0) <= len(text) <= (info.max_length or len(text)):
            raise UnreadableError(expected, value)
        if "\0" in text:
            raise UnreadableError("text that PostgreSQL can store", value)
        if info.pattern and not pattern.match(text):
            raise UnreadableError(expected, value)
        return text

    return read


def _read_boolean(value: Any, _: Problems) -> Any:
    if isinstance(value, bool):
        return value
    found = _BOOLEANS.get(str(value).strip().lower()) if isinstance(value, (str, int)) else None
    if found is None:
        raise UnreadableError("true or false", value)
    return found


def _as_number(value: Any) -> int | Decimal | None:
    if isinstance(value, str):
        text = value.strip()
        return Decimal(text) if len(text) <= _LONGEST_TEXT and _NUMBER.fullmatch(text) else None
    # Within a float's range; computing with larger exponents would take forever.
    if isinstance(value, Decimal) and abs(value.adjusted()) < 308:
        return value
    return value if type(value) is int else None


def _as_currency(value: Any) -> str | None:
    return value.strip().upper() if isinstance(value, str) else None


def _as_decimal_text(value: Any) -> str | None:
    if isinstance(value, str):
        return value.strip()
    number = _as_number(value)
    return None if number is None or abs(number) > 10**_LONGEST_TEXT else f"{Decimal(number):f}"


def _as_moment(value: Any) -> str | None:
    text = value.strip() if isinstance(value, str) else None
    if text and len(text) <= _LONGEST_TEXT and (found := _MOMENT.fullmatch(text)):
        # The API's moments are in UTC, even without a zone.
        text = f"{found['date']}T{found['time']}{(found['zone'] or 'Z').upper()}"
        return text if is_in_calendar(text) else None
    return text


def _as_text(value: Any) -> str | None:
    if type(value) is int and abs(value) < 10**_LONGEST_TEXT:
        return str(value)
    return value if isinstance(value, str) else None
