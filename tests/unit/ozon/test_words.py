"""Formatting of counts, numbers, money, sizes, spans and moments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from include.ozon import words
from include.ozon.translation import use_language


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0", "0 RUB"), ("99.5", "99.50 RUB"), ("100.00", "100 RUB"), ("999.99", "999.99 RUB"),
        ("1234567.5", "1 234 568 RUB"), ("0.125", "0.13 RUB"),
    ],
)  # fmt: skip
def test_only_large_amounts_are_rounded(amount: str, shown: str) -> None:
    assert words.money(Decimal(amount), "RUB") == shown


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("1234567.5", "RUB", "1 234 568 ₽"), ("99.5", "RUB", "99,50 ₽"), ("5", "KZT", "5 KZT"), ("5", "", "5"),
        ("5", "XYZ", "5 XYZ"),
    ],
)  # fmt: skip
def test_russian_amounts_have_the_currencys_symbol(amount: str, currency: str, shown: str) -> None:
    with use_language("ru"):
        assert words.money(Decimal(amount), currency) == shown


def test_russian_numbers_sizes_and_spans() -> None:
    with use_language("ru"):
        assert [words.number(value, 1) for value in (999, 1234567.25, None)] == ["999,0", "1 234 567,2", "–"]
        assert [words.signed(value, 1) for value in (0.04, 0.06, -1234.5)] == ["0", "+0,1", "-1 234,5"]
        assert [words.amount(value) for value in (1234.5, 2.0, 0.00431)] == ["1 234,5", "2", "0,0043"]
        assert words.percent(12.34) == "12,3 %"
        assert [words.size(value) for value in (1, 5, 1023, 3.4 * 2**20)] == [
            "1 байт",
            "5 байт",
            "1 023 байта",
            "3,4 МБ",
        ]
        assert [words.span(timedelta(seconds=seconds)) for seconds in (0, 95, 11_100, 90_000, 172_859)] == [
            "0 секунд", "1 минута 35 секунд", "3 часа 5 минут", "1 день 1 час", "2 дня",
        ]  # fmt: skip


def test_numbers() -> None:
    assert [words.number(value) for value in (0, 999, 1000, 1234567, None)] == ["0", "999", "1 000", "1 234 567", "–"]
    assert [words.signed(value, 1) for value in (0.04, -0.04, 0.06, -1234.5)] == ["0", "0", "+0.1", "-1 234.5"]
    assert [words.count_of(count, "product") for count in (0, 1, 2000)] == ["0 products", "1 product", "2 000 products"]
    assert [words.count_of(count, "success", "successes") for count in (1, 2)] == ["1 success", "2 successes"]
    assert [words.amount(value) for value in (0, 1234.5, 2.0, 0.00431)] == ["0", "1 234.5", "2", "0.0043"]
    assert [words.percent(value) for value in (0, 12.34, 100, None)] == ["0.0 %", "12.3 %", "100.0 %", "–"]


@pytest.mark.parametrize(
    ("bytes_", "shown"),
    [
        (0, "0 bytes"), (1, "1 byte"), (1023, "1 023 bytes"), (1024, "1.0 kB"), (3.4 * 2**20, "3.4 MB"),
        (2**30, "1.0 GB"), (5 * 2**40, "5 120.0 GB"),
    ],
)  # fmt: skip
def test_a_size_has_the_unit_that_fits(bytes_: float, shown: str) -> None:
    assert words.size(bytes_) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "0 seconds"), (0, "0 seconds"), (1, "1 second"), (45, "45 seconds"), (60, "1 minute"),
        (95, "1 minute 35 seconds"), (125, "2 minutes"), (720, "12 minutes"), (3600, "1 hour"),
        (11_100, "3 hours 5 minutes"), (90_000, "1 day 1 hour"), (172_859, "2 days"), (86_400 * 1200, "1 200 days"),
    ],
)  # fmt: skip
def test_a_span_has_two_units_at_most(seconds: float, shown: str) -> None:
    assert words.span(timedelta(seconds=seconds)) == shown


def test_a_moment_is_in_the_time_zone_that_is_configured() -> None:
    class Moscow:
        def in_time_zone(self, moment: datetime) -> datetime:
            return moment.astimezone(ZoneInfo("Europe/Moscow"))

    assert words.moment(datetime(2026, 11, 24, 5, 10, 59, tzinfo=UTC), Moscow()) == "2026-11-24 08:10 MSK"
    with use_language("ru"):
        assert words.moment(datetime(2026, 11, 24, 5, 10, 59, tzinfo=UTC), Moscow()) == "24.11.2026 08:10 MSK"
    assert words.moment(None, Moscow()) == "–"
