"""The description of an answer, which never contains the seller's data, whatever the answer's shape."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from include.ozon.diagnosis.probe import ProbeReport
from include.ozon.diagnosis.probed_answer import ENTRIES, ProbedAnswer, described
from include.ozon.marketplace.exchange import Exchange
from include.ozon.marketplace.methods import PRODUCT_DETAILS, PRODUCT_LIST, ROLES_PATH, STOCKS
from include.ozon.marketplace.redaction import Redactor
from include.ozon.marketplace.shape import expected_fields
from include.ozon.reports.probe import probe_document, probe_markdown

KEY, CLIENT_ID = "KeyOfLettersOnly", "51525354"
REDACTOR = Redactor((KEY, CLIENT_ID))
DIGITS = "917382645"
# These may be anywhere, since they look like none of Ozon's words.
LOUD = st.sampled_from(
    [DIGITS, f"АРТ-{DIGITS}", f"mug_{DIGITS}", f"{DIGITS}.50", f"2026-03-01T{DIGITS}", f"owner{DIGITS}@mail.example",
     f"https://shop.example/{DIGITS}", f"\ud83d{DIGITS}\x00", f'"Лофт" {DIGITS}', f" {DIGITS} " * 200, KEY, KEY.upper(),
     f"key {KEY}", CLIENT_ID]
)  # fmt: skip
# These look like words, and may be in any field without Ozon's own words.
QUIET = st.sampled_from(["Zauberbecher", "Волшебная кружка", "魔法杯"])
MARKERS = [DIGITS, KEY.lower(), CLIENT_ID, "zauberbecher", "волшебная", "魔法杯"]
NUMBERS = st.sampled_from([int(DIGITS), -int(DIGITS), float(DIGITS) + 0.25, int(DIGITS) * 10**30])
EMPTY = st.sampled_from([None, True, False, 0, "", [], {}])
WORD_NAMES = {path.rpartition(".")[2].rstrip("[]") for where in ENTRIES.values() for path in where.words} | {
    "message",
    "code",
}
EXPECTED = {path for where in ENTRIES.values() for path in expected_fields(where.entry_type)}
NAMES = sorted(
    {name.rstrip("[]") for path in EXPECTED for name in path.split(".")}
    | {key for where in ENTRIES.values() for key in where.keys}
    | {"cursor", "last_id", "total", "total_items", "has_next", "details", "archived", "name"}
    | WORD_NAMES
)


@st.composite
def filled(draw: st.DrawFn, depth: int = 4, name: str = "") -> Any:
    """A value of any type with a marker in each text and number below it."""
    texts = LOUD if name in WORD_NAMES else LOUD | QUIET
    kind = draw(st.sampled_from(["empty", "text", "number"] + (["object", "array"] * 2 if depth else [])))
    match kind:
        case "object":
            names = draw(st.lists(st.sampled_from(NAMES) | LOUD | st.just("Волшебная"), max_size=6, unique=True))
            return {each: draw(filled(depth=depth - 1, name=each)) for each in names}
        case "array":
            return [draw(filled(depth=depth - 1, name=name)) for _ in range(draw(st.integers(1, 3)))]
        case _:
            return draw({"empty": EMPTY, "text": texts, "number": NUMBERS}[kind])


@st.composite
def errors(draw: st.DrawFn) -> Any:
    """An error's body whose sentence quotes what was sent, with and without quotation marks."""
    message = f'no product {draw(LOUD)} ("{draw(QUIET)} {draw(LOUD)}"), {draw(LOUD)} for {draw(LOUD)}'
    return {"code": draw(NUMBERS | LOUD | st.just(7)), "message": message, "details": draw(filled())}


@st.composite
def answers(draw: st.DrawFn, path: str) -> Any:
    """The method's list with any entries, or any other JSON."""
    entries: Any = draw(st.lists(filled(), max_size=4))
    document = draw(filled())
    if draw(st.booleans()):
        for key in reversed(ENTRIES[path].keys):
            entries = {**(document if isinstance(document, dict) else {}), key: entries}
        return entries
    return document


def report_text(answer: ProbedAnswer) -> str:
    """Both forms of a report with this answer."""
    report, today = ProbeReport([answer], []), date(2026, 11, 28)
    return probe_markdown(report, today) + json.dumps(probe_document(report, today), ensure_ascii=False)


def description(path: str, document: Any, status: int = 200, **headers: str) -> ProbedAnswer:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    exchange = Exchange(status, {"Content-Type": "application/json", **headers}, body, 0.25)
    return described(path, "filter ALL", "read, 0 rejected", exchange, REDACTOR)[0]


@pytest.mark.parametrize("path", ENTRIES)
@given(data=st.data())
def test_no_text_and_no_number_of_an_answer_is_shown(path: str, data: st.DataObject) -> None:
    document = data.draw(answers(path) | errors())
    text = data.draw(LOUD).encode("utf-8", "replace").decode()
    status = data.draw(st.sampled_from([200, 200, 200, 400, 403]))

    shown = report_text(description(path, document, status, Server=text)).lower()

    assert [marker for marker in MARKERS if marker in shown] == []


@given(body=st.binary(max_size=200) | LOUD.map(lambda text: f"<html>{text}</html>".encode("utf-8", "replace")))
@example(b"\xff\xfe{}")
@example(b"[" * 100_000)
@example(b"9" * 5_000)
def test_a_body_that_is_not_json_is_only_its_kind(body: bytes) -> None:
    answer = description(PRODUCT_LIST.path, body)

    assert answer.body in ("JSON", "HTML", "text", "empty")
    assert not any(marker in report_text(answer).lower() for marker in MARKERS)


def test_a_list_is_described_by_envelope_entries_and_words() -> None:
    answer = description(
        STOCKS.path,
        {"items": [{"product_id": 1, "stocks": [{"type": "FBO", "present": "4"}]}], "cursor": "MTI=", "total_items": 7},
    )

    assert (answer.entries, answer.total_items) == ("1", "more")
    assert {shape.path: shape.kinds for shape in answer.envelope} == {
        "cursor": {"text (latin)": "100 %"},
        "items": {"array": "100 %"},
        "total_items": {"integer": "100 %"},
    }
    fields = {shape.path: shape for shape in answer.fields}
    assert fields["stocks[].type"].words == {"FBO": "1"}
    assert fields["stocks[].present"].kinds == {"integer text": "100 %"}
    assert fields["stocks[].reserved"].kinds == {"missing": "100 %"}


@pytest.mark.parametrize(
    ("total", "against"),
    [({"total_items": 1}, "equal"), ({"total_items": 2}, "more"), ({"total_items": 0}, "fewer"), ({}, "missing"),
     ({"total_items": None}, "null"), ({"total_items": "1"}, "integer text")],
)  # fmt: skip
def test_total_items_is_compared_with_the_entries(total: dict[str, Any], against: str) -> None:
    assert description(PRODUCT_LIST.path, {"result": {"items": [{}], **total}}).total_items == against


@pytest.mark.parametrize("document", [{}, {"result": None}, {"result": {"items": None}}, [], None, 7])
def test_an_answer_without_its_list_has_no_entries(document: Any) -> None:
    answer = description(PRODUCT_LIST.path, document)
    assert (answer.entries, answer.fields) == ("", [])
    assert answer.envelope


def test_an_error_has_its_code_and_a_redacted_message() -> None:
    document = {"code": 7, "message": f"Company 12345 is blocked for {KEY}", "details": []}
    answer = description(PRODUCT_DETAILS.path, document, 403, Server="nginx/1.18.0 (shop.example)")

    assert answer.problem == "code 7: Company <number> is blocked for <secret>"
    assert (answer.http_status, answer.server, answer.content_type) == (403, "nginx", "application/json")
    assert [shape.path for shape in answer.envelope] == ["code", "details", "message"]


def test_an_error_with_status_200_is_shown_too() -> None:
    assert description(PRODUCT_LIST.path, {"code": 9, "message": "obsolete"}).problem == "code 9: obsolete"


def test_a_page_for_people_is_html_with_its_size() -> None:
    answer = description(PRODUCT_LIST.path, b"<html><title>Shop</title></html>", 403, **{"Content-Type": "text/html"})
    assert (answer.body, answer.size_bytes, answer.problem) == ("HTML", 32, "")
    assert "Shop" not in report_text(answer)


def test_roles_have_their_methods_and_whether_the_key_expires() -> None:
    document = {"expires_at": "0001-01-01T00:00:00Z", "roles": [{"name": "Admin", "methods": ["/v3/product"]}]}
    fields = {shape.path: shape for shape in description(ROLES_PATH, document).fields}
    assert fields["expires_at"].kinds == {"zero moment": "100 %"}
    assert fields["roles[].methods[]"].words == {"/v3/product": "1"}
