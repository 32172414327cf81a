"""The report for a terminal."""

from __future__ import annotations

from dataclasses import replace

from include.ozon.configuration import load_settings
from include.ozon.monitoring.metrics.model import VisibilityMetrics
from include.ozon.reports.visibility import render
from include.ozon.reports.visibility_text import WIDTH
from tests.support.metrics import empty, metrics, product

SETTINGS = load_settings(environment="testing", environ={})


def lines(*reported: VisibilityMetrics) -> list[str]:
    """Return the lines without the tables' frames."""
    shown = render("text", list(reported), SETTINGS).decode().splitlines()
    assert max(map(len, shown)) <= WIDTH
    return [" ".join(word for word in line.split() if word not in {"│", "┃"}) for line in shown]


def test_the_distribution_has_counts_shares_and_changes() -> None:
    shown = lines(metrics())
    assert "Visible 700 70.0 % -3" in shown
    assert "Hidden 200 20.0 % +3" in shown
    assert "All 1 000 +1" in shown
    assert "Visible share, percentage points 70.0 % -0.3" in shown


def test_it_can_be_in_russian() -> None:
    shown = render("text", [metrics()], SETTINGS, "ru").decode()
    for expected in ("Виден", "Скрылись от покупателей: 3", "Качество данных: 96,5 из 100", "1 500 ₽"):
        assert expected in shown


def test_money_is_a_line_for_each_currency() -> None:
    shown = lines(metrics())
    assert "RUB 2 345 679 1 501 99.50 1 600 21" in shown
    assert "KZT 999.50 0 0 0 0" in shown


def test_a_list_is_cut_and_counts_the_rest() -> None:
    turned = replace(metrics().transitions, turned_invisible=tuple(map(product, range(1500))))
    shown = lines(metrics(transitions=turned))
    assert "Turned invisible: 1 500" in shown
    assert "and 1 480 more" in shown


def test_the_parts_of_the_score_are_shown() -> None:
    shown = lines(metrics())
    assert "Data quality: 96.5 of 100" in shown
    assert "Visibility is known 25 99.5 995 1 000" in shown


def test_a_name_is_neither_markup_nor_an_escape_sequence() -> None:
    turned = replace(metrics().transitions, turned_invisible=(product(name="[red]К[/x]\x1b[2J\r\nЖ"),))
    content = render("text", [metrics(transitions=turned)], SETTINGS).decode()
    assert "[red]К[/x] [2J Ж" in content
    assert "\x1b" not in content


def test_an_account_that_was_never_loaded_is_one_sentence() -> None:
    shown = [line for line in lines(replace(empty(), account="second")) if line]
    assert shown[1:] == ["Account second has not been loaded yet; the first run of ozon_etl loads its products."]
