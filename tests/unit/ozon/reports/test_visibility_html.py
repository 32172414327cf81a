"""The HTML report: one file, everything escaped, the same numbers."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from include.ozon.configuration import load_settings
from include.ozon.monitoring.metrics.model import Reason, VisibilityMetrics
from include.ozon.reports.visibility import render
from tests.support.metrics import NOW, empty, metrics, point, product

SETTINGS = load_settings(environment="testing", environ={})
VOID = {"meta", "br"}
ATTACK = "<script>alert(1)</script><img src=x onerror=alert(2)>"


class Page(HTMLParser):
    """The tags, attributes and texts of a page; raises AssertionError for a closing tag without an opening one."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(content.decode())
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).replace("\u00a0", " ").split())


def page(*reported: VisibilityMetrics) -> Page:
    return Page(render("html", list(reported), SETTINGS))


def with_name(text: str) -> VisibilityMetrics:
    named = (product(name=text, offer_id=text, reasons=(text,)),)
    turned = replace(metrics().transitions, turned_invisible=named, turned_visible=named, removed=named)
    impact = replace(metrics().impact, hidden_with_stock_products=named, visible_without_stock_products=named)
    return metrics(transitions=turned, impact=impact, longest_hidden=named, top_reasons=(Reason(text, 5),))


def test_nothing_of_the_marketplace_is_markup() -> None:
    shown = page(with_name(f"{ATTACK}Ёлка"))
    assert "script" not in shown.tags
    assert "img" not in shown.tags
    assert shown.text.count(f"{ATTACK}Ёлка") == 6 * 3 + 1


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_no_name_changes_the_page(name: str) -> None:
    assert page(with_name(name)).tags == page(with_name("Кружка")).tags


def test_it_needs_nothing_else() -> None:
    content = render("html", [metrics()], SETTINGS).decode()
    shown = Page(content.encode())
    assert not re.search(r"https?:|@import|url\(", content)
    assert not {name for name, _ in shown.attributes} & {"src", "href"}
    assert not {"script", "link", "iframe"} & set(shown.tags)


def test_language_character_set_width_and_title_are_given() -> None:
    shown = page(metrics())
    assert {("lang", "en"), ("charset", "utf-8"), ("name", "viewport")} <= set(shown.attributes)
    assert shown.text.startswith("Ozon visibility, 2026-11-24 08:10 MSK")


def test_the_numbers_are_shown_with_their_currencies_apart() -> None:
    text = page(metrics()).text
    for expected in (
        "70.0 % visible: 700 of 1 000", "2 345 679 RUB", "999.50 KZT", "96.5", "Кружка «Ёж» № 1", "HIDDEN 200 20.0 %",
        "Of 702 visible products since the last measurement (2026-11-24 02:10 MSK), 3 turned invisible",
        "Снят с продажи продавцом 150", "before 2025-10-20 08:10 MSK",
    ):  # fmt: skip
        assert expected in text


def test_a_long_list_unfolds_and_a_very_long_one_names_the_files() -> None:
    some = metrics(transitions=replace(metrics().transitions, turned_invisible=tuple(map(product, range(30)))))
    assert "Show 10 more" in page(some).text
    many = metrics(transitions=replace(metrics().transitions, turned_invisible=tuple(map(product, range(3000)))))
    assert "and 1 980 more; the report as CSV or JSON lists them" in page(many).text


def test_the_history_is_a_line_where_something_was_measured_before() -> None:
    assert "polyline" in page(metrics()).tags
    assert "polyline" not in page(metrics(history=())).tags
    flat = metrics(history=(point(1), point(0.5), replace(point(0), measured_at=NOW)))
    assert "nan" not in " ".join(value or "" for _, value in page(flat).attributes)


def test_an_account_that_was_never_loaded_is_one_sentence() -> None:
    text = page(replace(empty(), account="second"), metrics()).text
    assert "Account second has not been loaded yet" in text
    assert "None" not in text
