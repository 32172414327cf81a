"""What cannot be loaded, entries and single fields: why not, in a sentence, and as what it is kept.

PostgreSQL holds neither NUL nor lone surrogates nor bytes that are not UTF-8, and msgspec refuses a page for the
last two. So what is refused is *marked*: each of them becomes a NUL followed by its own spelling, in valid JSON.
What is wrong then shows as a NUL in a text, and nothing received is lost. Marking twice changes nothing.
"""

from __future__ import annotations

import json
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
# PostgreSQL's numeric ends somewhere beyond; nothing outside of a float's range can be meant.
_MAX_EXPONENT = 308
_SHOWN_CHARACTERS = 100
# What a field's record names its entry by.
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
    """Return the record of an entry that cannot be loaded; ``entry`` is what JSON makes of ``item``."""
    return RejectedItem(describe(problem), _jsonb_text(item.decode()), _product_id(entry))


def rejected_field(entry: Any, problem: UnreadableError) -> RejectedItem:
    """Return the record of a field that was left out of a loaded entry, with what was found."""
    known = entry if isinstance(entry, dict) else {}
    identity = {name: known[name] for name in _IDENTITIES if isinstance(known.get(name), (int, str))}
    payload = _dumped({**identity, "field": problem.path, "found": problem.found})
    return RejectedItem(describe(problem), _jsonb_text(payload), _product_id(entry), kind="field")


def describe(problem: UnreadableError) -> str:
    """Return where a value stands, what was expected and what was found, in one line."""
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
    """JSON text; a number with a fraction, which was parsed as a Decimal, becomes one again."""
    return json.dumps(value, default=float)


def _shown(value: object) -> str:
    text = _unmarked(_dumped(value))
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "..."


def _unmarked(json_text: str) -> str:
    return json_text.replace(MARK + "\\", "\\")
