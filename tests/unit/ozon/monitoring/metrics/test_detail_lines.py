"""The details of a visibility alert."""

from __future__ import annotations

from dataclasses import replace

from include.ozon.configuration import load_settings
from include.ozon.monitoring.metrics.details import detail_lines
from include.ozon.monitoring.metrics.model import VisibilityMetrics
from include.ozon.settings import Settings
from tests.support.metrics import empty, metrics, product
from tests.support.pipeline import changed

SETTINGS = load_settings(environment="testing", environ={})


def lines_of(found: VisibilityMetrics, settings: Settings = SETTINGS) -> list[str]:
    """Return the lines in the current language."""
    return [str(line) for line in detail_lines(found, settings)]


def turned(count: int) -> VisibilityMetrics:
    products = tuple(product(number) for number in range(count))
    return metrics(transitions=replace(metrics().transitions, turned_invisible=products))


def test_products_are_named_with_when_and_why() -> None:
    lines = lines_of(metrics())
    assert lines[0] == ("Account main: 3 products turned invisible since the last measurement (2026-11-24 02:10 MSK):")
    assert lines[1] == ("  Кружка «Ёж» № 1 (offer АРТ-1), HIDDEN since 2026-11-24 08:05 MSK: Снят с продажи продавцом")


def test_a_long_list_is_cut_and_counts_the_rest() -> None:
    few = changed(SETTINGS, "reports", listed_products=5)
    lines = lines_of(turned(1234), few)
    assert len([line for line in lines if "Кружка" in line]) == 5
    assert "  and 1 229 more" in lines
    none = changed(SETTINGS, "reports", listed_products=0)
    assert "  and 1 234 more" in lines_of(turned(1234), none)


def test_hidden_pieces_and_money_are_listed_by_currency() -> None:
    text = "\n".join(lines_of(metrics()))
    assert "customers cannot see 25 products with stock: 1 234 pieces, worth 2 345 679 RUB, 999.50 KZT" in text
    assert "estimated lost sales per day, of the products with known daily sales: 1 600 RUB." in text
    assert "Снят с продажи продавцом (150); Не указана цена (20)" in text


def test_vanished_products_are_listed_separately() -> None:
    gone = (product(5, name="Плед"),)
    lines = lines_of(metrics(transitions=replace(metrics().transitions, removed=gone)))
    assert any("1 visible product vanished from Ozon's lists" in line for line in lines)
    assert "  Плед (offer АРТ-5), gone at 2026-11-24 08:05 MSK" in lines


def test_a_name_cannot_begin_a_line_of_its_own() -> None:
    tricky = (product(name="Кружка\r\nBcc: all@example.org\x1b[2J", offer_id="a\nb", reasons=("x\ny",)),)
    lines = lines_of(metrics(transitions=replace(metrics().transitions, turned_invisible=tricky)))
    assert all(line.isprintable() for line in lines)


def test_where_nothing_turned_and_nothing_is_stuck_there_are_no_lines() -> None:
    assert lines_of(empty()) == []
