"""Entries that cannot be loaded: why not, in a sentence, and as what they are kept.

PostgreSQL holds neither NUL nor lone surrogates nor bytes that are not UTF-8, and msgspec refuses a page for the
last two. So what is refused is *marked*: each of them becomes a NUL followed by its own spelling, in valid JSON.
What is wrong then shows as a NUL in a text, and nothing received is lost. Marking twice changes nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from include.ozon.marketplace.answers import MAX_BIGINT, PATTERN_MEANINGS, RejectedItem

NUL_ESCAPE = b"\\u0000"
MARK = "\\u0000\\uffff\\"
# An escaped backslash and a surrogate pair are consumed, so that neither is taken for a lone surrogate.
# "surrogateescape" decodes a byte that is not UTF-8 to U+DC80...U+DCFF.
_UNSTORABLE = re.compile(
    r"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<surrogate>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
    r"|(?P<byte>[\udc80-\udcff])"
)
# PostgreSQL's numeric ends somewhere beyond; nothing outside of a float's range can be meant.
_MAX_EXPONENT = 308


def mark_unstorable(body: bytes) -> bytes:
    """``body``, a page or an entry, with each lone surrogate and each byte that is not UTF-8 marked."""
    return _UNSTORABLE.sub(_mark, body.decode("utf-8", "surrogateescape")).encode()


def _mark(match: re.Match[str]) -> str:
    if match["surrogate"]:
        return MARK + match["surrogate"]
    if match["byte"]:
        return f"{MARK}\\x{ord(match['byte']) - 0xDC00:02x}"
    return match[0]


def refused(item: bytes, error: msgspec.ValidationError) -> RejectedItem:
    """The record of an ``item`` that msgspec refused with ``error``; its reason names field, expected and found."""
    marked = mark_unstorable(item)
    return _rejected(marked, _refusal_reason(marked, error))


def unstorable(item: bytes, entry: object) -> RejectedItem | None:
    """The record of an ``item`` if a text of ``entry``, which was decoded from it, holds a NUL or a mark."""
    for path, text in _texts(msgspec.to_builtins(entry), ""):
        if "\0" in text:
            return _rejected(
                item,
                f"{path}: expected text that PostgreSQL can store, found a NUL character, a lone surrogate or a byte "
                f"that is not UTF-8 in {_shown(text)}",
            )
    return None


def _rejected(item: bytes, reason: str) -> RejectedItem:
    return RejectedItem(reason=reason, payload=_jsonb_text(item), product_id=_product_id(item))


def _refusal_reason(item: bytes, error: msgspec.ValidationError) -> str:
    if error.__cause__:
        return str(error)  # a sentence of the types' own
    problem, _, path = str(error).partition(" - at `$")
    path = path.rstrip("`").lstrip(".")
    if missing := re.fullmatch(r"Object missing required field `(\w+)`", problem):
        return f"{path}{'.' if path else ''}{missing[1]}: expected a value, and the field is missing"
    for pattern, meaning in PATTERN_MEANINGS.items():
        problem = problem.replace(f"`str` matching regex {pattern!r}", meaning)
    return f"{path or 'the entry'}: {problem[:1].lower()}{problem[1:]}; found {_shown(_at(item, path))}"


def _jsonb_text(item: bytes) -> str:
    text = item.decode()
    if "\\u0000" not in text:
        try:
            json.loads(text, parse_float=_check_exponent)
        except (ValueError, ArithmeticError, RecursionError):
            pass
        else:
            return text
    return json.dumps({"unparsed": _unmarked(text)}, ensure_ascii=False)


def _check_exponent(number: str) -> None:
    if abs(Decimal(number).adjusted()) > _MAX_EXPONENT:
        raise ValueError(f"{number} is out of range")


def _product_id(item: bytes) -> int | None:
    value = _loads(item)
    if isinstance(value, dict):
        for name in ("product_id", "id"):
            product_id = value.get(name)
            if type(product_id) is int and 1 <= product_id <= MAX_BIGINT:
                return product_id
    return None


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from _texts(inner, f"{path}[{n}]")


def _at(item: bytes, path: str) -> Any:
    """The value that msgspec calls ``path``, or all of ``item`` where Python cannot read it."""
    value = _loads(item)
    if value is None:
        return item.decode()
    for name, position in re.findall(r"(\w+)|\[(\d+)\]", path):
        value = value[name] if name else value[int(position)]
    return value


def _loads(item: bytes) -> Any:
    try:
        return json.loads(item)
    except (ValueError, RecursionError):
        return None


def _shown(value: object) -> str:
    text = _unmarked(json.dumps(value))
    return text if len(text) <= 100 else text[:100] + "..."


def _unmarked(json_text: str) -> str:
    return json_text.replace(MARK + "\\", "\\")
