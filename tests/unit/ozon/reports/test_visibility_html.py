"""The HTML report: one file, everything escaped, the same numbers, in both languages."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from include.ozon.configuration import load_settings
from include.ozon.monitoring.metrics.definitions import QUALITY_PARTS, VISIBILITIES
from include.ozon.monitoring.metrics.model import Quality, QualityPart, Reason, VisibilityMetrics
from include.ozon.reports.visibility import render
from include.ozon.translation import LANGUAGES, Language
from include.ozon.words import money, number
from tests.support.documents import data_of
from tests.support.metrics import NOW, empty, metrics, point, product

SETTINGS = load_settings(environment="testing", environ={})
VOID = {"meta", "br"}
# Rows have no closing tags, to keep the file small: these tags close the ones that they cannot be inside of.
CLOSES = {"td": {"td", "th"}, "th": {"td", "th"}, "tr": {"td", "th", "tr"}}
CLOSES |= {f"/{tag}": {"td", "th", "tr"} for tag in ("thead", "tbody", "table")} | {"/tr": {"td", "th"}}
ATTACK = "<script>alert(1)</script><img src=x onerror=alert(2)>"
QUALITY = Quality(96.5, tuple(QualityPart(name, part.title, part.weight, 99.5, 995, 1000) for name, part in QUALITY_PARTS.items()))  # fmt: skip # noqa: E501


class Page(HTMLParser):
    """The tags, attributes and texts of a page; raises AssertionError for a closing tag without an opening one."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.content = content.decode()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.data: list[Any] = []
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self.feed(self.content)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._close_implied(tag)
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self._open.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self._close_implied(f"/{tag}")
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        tag, attributes = self._open[-1] if self._open else ("", {})
        if tag == "style":
            self.styles.append(data)
        elif tag == "script" and "type" not in attributes:
            self.scripts.append(data)
        elif tag == "script" and attributes["type"] == "application/json":
            self.data.append(json.loads(data))
        elif tag == "script":
            self.scripts.append(gzip.decompress(base64.b64decode(data)).decode())
        else:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).replace("\u00a0", " ").split())

    @property
    def addresses(self) -> list[str]:
        return [value or "" for name, value in self.attributes if name in {"src", "href", "action", "data", "srcset"}]

    def _close_implied(self, tag: str) -> None:
        while self._open and self._open[-1][0] in CLOSES.get(tag, ()):
            self._open.pop()


def page(*reported: VisibilityMetrics, language: Language = "en") -> Page:
    return Page(render("html", list(reported), SETTINGS, language))


def with_name(text: str) -> VisibilityMetrics:
    named = (product(name=text, offer_id=text, reasons=(text,)),)
    turned = replace(metrics().transitions, turned_invisible=named, turned_visible=named, removed=named)
    impact = replace(metrics().impact, hidden_with_stock_products=named, visible_without_stock_products=named)
    return metrics(transitions=turned, impact=impact, longest_hidden=named, top_reasons=(Reason(text, 5),))


def with_lists(count: int, name: str) -> VisibilityMetrics:
    products = tuple(product(each, name=f"{name} {each}") for each in range(count))
    turned = replace(metrics().transitions, turned_invisible=products, turned_visible=products, removed=products)
    impact = replace(
        metrics().impact, hidden_with_stock=count, hidden_with_stock_products=products,
        visible_without_stock=count, visible_without_stock_products=products,
    )  # fmt: skip
    return metrics(transitions=turned, impact=impact, longest_hidden=products, out_of_sight=count)


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_of_the_marketplace_is_markup(language: Language) -> None:
    shown, harmless = page(with_name(f"{ATTACK}Ёлка"), language=language), page(with_name("Ёлка"), language=language)
    assert shown.tags == harmless.tags
    assert shown.text.count(f"{ATTACK}Ёлка") == 6 * 3 + 1


@examples(max_examples=40, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_no_name_changes_the_page(name: str) -> None:
    assert page(with_name(name)).tags == page(with_name("Кружка")).tags


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_loads_nothing_and_its_policy_allows_only_what_is_in_it(language: Language) -> None:
    shown = page(metrics(), language=language)
    assert shown.addresses
    assert all(address.startswith("https://seller.ozon.ru/app/products/") for address in shown.addresses)
    assert not re.search(r"@import|url\(", "".join(shown.styles))
    assert not {"link", "iframe", "img", "object"} & set(shown.tags)
    assert not {"style"} & {name for name, _ in shown.attributes}
    policy = next(value for name, value in shown.attributes if name == "content" and "default-src" in (value or ""))
    allowed = set(re.findall(r"'sha256-[^']+'", policy or ""))
    assert allowed == {
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in (*shown.styles, *shown.scripts)
    }
    assert "unsafe" not in (policy or "")


def test_language_character_set_width_and_title_are_given() -> None:
    shown = page(metrics())
    assert shown.content.startswith("<!DOCTYPE html>\n<html")
    assert {("lang", "en"), ("charset", "utf-8"), ("name", "viewport")} <= set(shown.attributes)
    assert "Ozon visibility, 2026-11-24 08:10 MSK" in shown.text
    assert ("lang", "ru") in page(metrics(), language="ru").attributes


def test_the_language_is_that_of_the_settings_unless_another_is_asked_for() -> None:
    russian = load_settings(environment="testing", environ={"OZON__LANGUAGE": "ru"})
    assert b'<html lang="ru"' in render("html", [metrics()], russian)
    assert b'<html lang="en"' in render("html", [metrics()], russian, "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_numbers_are_those_of_json(language: Language) -> None:
    reported = metrics(quality=QUALITY)
    account = data_of(render("json", [reported], SETTINGS, language))["accounts"][0]
    text = page(reported, language=language).text.replace(",", ".")
    for visibility, count in account["distribution"]["counts"].items():
        assert f"{visibility} {number(count)} {account['distribution']['pct'][visibility]:.1f} %" in text
    impact = account["impact"]
    for value in (
        impact["hidden_units"],
        impact["hidden_with_stock"]["count"],
        impact["in_stock"],
        account["quality"]["score"],
    ):
        assert number(value, 1 if isinstance(value, float) else 0) in text
    for currency in reported.impact.currencies.values():
        assert money(currency.hidden_money, "") in text
    for name in ("turned_invisible", "turned_visible"):
        for listed in account["transitions"][name]["products"]:
            assert f"{listed['name']} {listed['offer_id']}" in text
    for reason in account["top_reasons"]:
        assert f"{reason['reason']} {number(reason['products'])}" in text


def test_the_charts_have_the_same_numbers() -> None:
    distribution, over_time, share, reasons = page(metrics()).data
    assert [series["data"] for series in distribution["series"]] == [[700], [200], [20], [30], [45], [5]]
    assert [series["data"][-1][1] for series in over_time["series"][:6]] == [700, 200, 20, 30, 45, 5]
    assert share["series"][0]["data"][-1] == [NOW.timestamp() * 1000, 70.0]
    assert (reasons["yAxis"]["data"], reasons["series"][0]["data"]) == (
        ["Снят с продажи продавцом", "Не указана цена"],
        [150, 20],
    )


def test_the_texts_are_in_russian() -> None:
    reported = metrics(quality=QUALITY)
    text = page(reported, language="ru").text
    for expected in (
        "Видимость на Ozon, 24.11.2026 08:10 MSK",
        "Виден Покупатели видят товар и могут его купить. VISIBLE 700 70,0 %",
        "2 345 679 ₽", "Скрылись от покупателей", "Качество данных", "из 100", "до 20.10.2025 08:10",
    ):  # fmt: skip
        assert expected in text
    # Names, codes and settings are the same in every language.
    latin = set(re.findall(r"[A-Za-z]\w{2,}", re.sub(r"\S*[._]\w+", "", text))) - set(VISIBILITIES)
    assert latin == {
        "Ozon",
        "Test",
        "account",
        "main",
        "MSK",
        "CSV",
        "JSON",
        "KZT",
        "RUB",
        "SKU",
        "FBO",
        "testing",
        "Europe",
        "Moscow",
    }


def test_each_number_has_its_definition_beside_it_and_at_the_end() -> None:
    shown = page(metrics(quality=QUALITY))
    for definition in (*VISIBILITIES.values(), *QUALITY_PARTS.values()):
        assert shown.content.count(definition.title) >= 2
        assert shown.text.count(definition.meaning.replace("`", "").split("components")[0].strip()) >= 2


def test_a_long_list_unfolds_and_a_very_long_one_names_the_files() -> None:
    some = metrics(transitions=replace(metrics().transitions, turned_invisible=tuple(map(product, range(30)))))
    assert "Show 10 more" in page(some).text
    many = metrics(transitions=replace(metrics().transitions, turned_invisible=tuple(map(product, range(3000)))))
    assert "and 1 980 more; the report as CSV or JSON lists them" in page(many).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_stays_below_two_megabytes(language: Language) -> None:
    thousand = page(with_lists(1020, "Кружка керамическая «Ёж», 350 мл"), language=language)
    assert thousand.content.count("Кружка керамическая") == 6 * 1020
    assert len(thousand.content.encode()) < 2_000_000
    # Longer names than that: fewer of them, and the number of the others.
    long = page(with_lists(1020, "Ж" * 200), language=language)
    assert len(long.content.encode()) < 2_000_000
    rows = long.content.count("Ж" * 200) / 6
    assert 20 < rows < 1020
    assert long.text.count(f" {number(1020 - rows)}") >= 6


def test_without_earlier_measurements_there_is_no_chart_over_time() -> None:
    assert len(page(metrics()).data) == 4
    assert len(page(metrics(history=())).data) == 2
    flat = page(metrics(history=(point(1), point(0.5), replace(point(0), measured_at=NOW))))
    assert (flat.data[2]["yAxis"]["min"], flat.data[2]["yAxis"]["max"]) == (69, 71)


def test_an_account_that_was_never_loaded_is_one_sentence() -> None:
    text = page(replace(empty(), account="second"), metrics()).text
    assert "Account second has not been loaded yet" in text
    assert "None" not in text
