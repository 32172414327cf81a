"""Rejected entries and fields: the reason, in a sentence, and the payload to keep.

PostgreSQL can store neither NUL nor lone surrogates nor bytes that are not UTF-8, and msgspec refuses a page with the
last two. So these are *marked*: each becomes a NUL followed by its escape sequence, in valid JSON. A NUL in a text
then shows the fault, and nothing received is lost. Marking is idempotent.
"""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import Any

from include.ozon.marketplace.answers import MAX_BIGINT, RejectedItem
from include.ozon.marketplace.tolerance import MISSING, UnreadableError

NUL_ESCAPE = b"\\u0000"
MARK = "\\u0000\\uffff\\"
# An escaped backslash and a surrogate pair are consumed, so that neither is taken for a lone surrogate.
# "surrogateescape" decodes a byte that is not UTF-8 to U+DC80...U+DCFF.
_UNSTORABLE = re.compile(
    r"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<surrogate>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
    r"|(?P<byte>[\udc80-\udcff])"
)
# PostgreSQL's numeric has a larger range, but no real value is outside that of a float.
_MAX_EXPONENT = 308
_SHOWN_CHARACTERS = 100
# The fields that identify the entry in the record of a rejected field.
_IDENTITIES = ("product_id", "id", "sku", "warehouse_id", "offer_id")


def mark_unstorable(body: bytes) -> bytes:
    """Return ``body``, a page or an entry, with each lone surrogate and each byte that is not UTF-8 marked."""
    return _UNSTORABLE.sub(_mark, body.decode("utf-8", "surrogateescape")).encode()


def _mark(match: re.Match[str]) -> str:
    if match["surrogate"]:
        return MARK + match["surrogate"]
    if match["byte"]:
        return f"{MARK}\\x{ord(match['byte']) - 0xDC00:02x}"
    return match[0]


def rejected_entry(item: bytes, entry: Any, problem: UnreadableError) -> RejectedItem:
    """Return the record of an entry that cannot be loaded; ``entry`` is the parsed ``item``."""
    return RejectedItem(describe(problem), _jsonb_text(item.decode()), _product_id(entry))


def rejected_field(entry: Any, problem: UnreadableError) -> RejectedItem:
    """Return the record of a field that an entry was loaded without, with the found value."""
    known = entry if isinstance(entry, dict) else {}
    identity = {name: known[name] for name in _IDENTITIES if isinstance(known.get(name), (int, str))}
    payload = _dumped({**identity, "field": problem.path, "found": problem.found})
    return RejectedItem(describe(problem), _jsonb_text(payload), _product_id(entry), kind="field")


def describe(problem: UnreadableError) -> str:
    """Return a value's path with what was expected and found, in one line."""
    found = "nothing" if problem.found is MISSING else _shown(problem.found)
    return f"{problem.path or 'the entry'}: expected {problem.expected}, found {found}"


def _jsonb_text(text: str) -> str:
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


def _product_id(entry: Any) -> int | None:
    if isinstance(entry, dict):
        for name in ("product_id", "id"):
            product_id = entry.get(name)
            if type(product_id) is int and 1 <= product_id <= MAX_BIGINT:
                return product_id
    return None


def _dumped(value: object) -> str:
    """Return JSON text; a Decimal becomes a number again, or text if it is beyond any float."""
    return json.dumps(value, default=_plain)


def _plain(value: Decimal) -> float | str:
    number = float(value)
    return number if math.isfinite(number) else str(value)


def _shown(value: object) -> str:
    text = _unmarked(_dumped(value))
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "..."


def _unmarked(json_text: str) -> str:
    return json_text.replace(MARK + "\\", "\\")
