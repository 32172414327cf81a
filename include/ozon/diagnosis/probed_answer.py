"""One answer of the Seller API, described without the seller's data."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from include.ozon.marketplace import answers
from include.ozon.marketplace import methods as api
from include.ozon.marketplace.exchange import Exchange
from include.ozon.marketplace.redaction import Redactor
from include.ozon.marketplace.shape import FieldShape, coarse, describe, kind_of

_DEEPEST_ENVELOPE = 2
_LARGEST_CODE = 999


@dataclass(frozen=True)
class _Entries:
    """The place of an answer's entries, their type in this version, and the fields with Ozon's own words."""

    keys: tuple[str, ...]
    entry_type: type[answers.Answer]
    words: tuple[str, ...] = ()


ENTRIES = {
    api.PRODUCT_LIST.path: _Entries(("result", "items"), answers.ListedProduct),
    api.PRODUCT_DETAILS.path: _Entries(
        ("items",),
        answers.ProductDetail,
        (
            "statuses.status",
            "statuses.status_failed",
            "statuses.moderate_status",
            "statuses.validation_status",
            "statuses.status_name",
            "statuses.status_description",
            "errors[].level",
            "errors[].code",
            "availabilities[].availability",
            "availabilities[].source",
            "sources[].source",
            "stocks.stocks[].source",
            "currency_code",
        ),
    ),
    api.STOCKS.path: _Entries(("items",), answers.StockItem, ("stocks[].type",)),
    api.WAREHOUSES.path: _Entries(("warehouses",), answers.Warehouse, ("status",)),
    api.WAREHOUSE_STOCKS.path: _Entries(("stocks",), answers.WarehouseStock),
    api.FBO_STOCKS.path: _Entries(("items",), answers.FboStock, ("turnover_grade", "turnover_grade_cluster")),
    # The answer itself is the only entry.
    api.ROLES_PATH: _Entries((), answers.Roles, ("roles[].methods[]",)),
}


@dataclass(frozen=True)
class ProbedAnswer:
    """The description of one request and its answer. Without an answer, ``http_status`` is None."""

    path: str
    request: str
    read_as: str
    """The result of reading it in this version: the numbers of rejected entries and fields, or the error's class."""
    problem: str = ""
    http_status: int | None = None
    content_type: str = ""
    server: str = ""
    seconds: float = 0.0
    size_bytes: int = 0
    body: str = ""
    """JSON, HTML, text or empty."""
    entries: str = ""
    """A coarse number; empty if the answer has no list of entries."""
    total_items: str = ""
    """Compared with the entries on this page: equal, more, fewer or missing; empty for methods without it."""
    envelope: list[FieldShape] = field(default_factory=list)
    fields: list[FieldShape] = field(default_factory=list)


def described(
    path: str, request: str, read_as: str, exchange: Exchange, redactor: Redactor
) -> tuple[ProbedAnswer, list[Any]]:
    """Return the description of an answer, and the entries in it."""
    body, document = _parsed(exchange.body)
    where = ENTRIES[path]
    is_answer = 200 <= exchange.status < 300 and body == "JSON"
    holder, entries = _holder_and_entries(document, where.keys) if is_answer else (None, None)
    answer = ProbedAnswer(
        path=path,
        request=request,
        read_as=read_as,
        problem=_error(document, redactor) if entries is None else "",
        http_status=exchange.status,
        content_type=_first_part(exchange.headers.get("Content-Type", ""), ";", redactor),
        server=_first_part(exchange.headers.get("Server", ""), "/", redactor),
        seconds=round(exchange.seconds, 2),
        size_bytes=len(exchange.body),
        body=body,
        entries="" if entries is None else coarse(len(entries)),
        total_items=_total_items(path, holder, entries),
        envelope=_envelope(document, where.keys, redactor) if body == "JSON" else [],
        fields=describe(entries or (), where.entry_type, words=where.words, redactor=redactor),
    )
    return answer, entries or []


def _parsed(body: bytes) -> tuple[str, Any]:
    """Return the kind of a body, and its JSON."""
    try:
        return "JSON", json.loads(body.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        start = body[:1_000].lstrip().lower()
        if not start:
            return "empty", None
        return ("HTML" if start.startswith(b"<") else "text"), None


def _holder_and_entries(document: Any, keys: tuple[str, ...]) -> tuple[Any, list[Any] | None]:
    """Return the object that has the list, and the list; None for what is missing."""
    if not keys:
        return document, [document]
    for key in keys[:-1]:
        document = document.get(key) if isinstance(document, dict) else None
    entries = document.get(keys[-1]) if isinstance(document, dict) else None
    return document, entries if isinstance(entries, list) else None


def _envelope(document: Any, keys: tuple[str, ...], redactor: Redactor) -> list[FieldShape]:
    """Describe everything except the entries, down to the second level."""
    if not keys:
        return []
    shapes = describe([document], redactor=redactor, skip=f"{'.'.join(keys)}[]")
    return [shape for shape in shapes if shape.path.count(".") + shape.path.count("[]") < _DEEPEST_ENVELOPE]


def _error(document: Any, redactor: Redactor) -> str:
    """Return Ozon's error code, if it is a small number, and its message."""
    if not isinstance(document, dict) or document.keys().isdisjoint(("code", "message")):
        return ""
    code, message = document.get("code"), document.get("message")
    shown = f"code {code}: " if isinstance(code, int) and abs(code) <= _LARGEST_CODE else ""
    return shown + (redactor.message(message) if isinstance(message, str) else f"message {kind_of(message)}")


def _first_part(header: str, separator: str, redactor: Redactor) -> str:
    part = header.partition(separator)[0].strip()
    return part if redactor.is_word(part) else kind_of(part)


def _total_items(path: str, holder: Any, entries: list[Any] | None) -> str:
    if path not in (api.PRODUCT_LIST.path, api.STOCKS.path) or entries is None:
        return ""
    total = holder.get("total_items")
    if isinstance(total, bool) or not isinstance(total, (int, float)):
        return "missing" if "total_items" not in holder else kind_of(total)
    return "equal" if total == len(entries) else "more" if total > len(entries) else "fewer"
