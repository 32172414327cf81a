from __future__ import annotations

from typing import Any

import msgspec
import pytest

from include.ozon.marketplace.answers import ProductDetail
from include.ozon.marketplace.visibility import Visibility, hidden_reasons, status_visibility

ON_SALE = {
    "status": "price_sent",
    "status_failed": "",
    "moderate_status": "approved",
    "validation_status": "success",
    "status_name": "Продается",
    "status_description": "",
}


def detail(**fields: Any) -> ProductDetail:
    return msgspec.convert({"id": 1, "offer_id": "A-1", **fields}, ProductDetail)


def with_statuses(**statuses: Any) -> ProductDetail:
    return detail(statuses={**ON_SALE, **statuses})


@pytest.mark.parametrize(
    ("statuses", "visibility"),
    [
        ({}, Visibility.HIDDEN),
        ({"status_name": "Готов к продаже", "status_description": "Нет на складе"}, Visibility.HIDDEN),
        ({"status_name": "Не продается", "status_description": "Снят с продажи"}, Visibility.HIDDEN),
        ({"status_name": "Не продается", "status_description": "Такого ещё не было"}, Visibility.HIDDEN),
        ({"status_name": "Не обновлен"}, Visibility.HIDDEN),
        ({"status": "imported", "moderate_status": ""}, Visibility.HIDDEN),
        ({"moderate_status": None, "status_description": None}, Visibility.HIDDEN),
        ({"validation_status": "pending"}, Visibility.MODERATION),
        ({"moderate_status": "pending"}, Visibility.MODERATION),
        ({"moderate_status": "", "status_name": "На модерации"}, Visibility.MODERATION),
        *(({"moderate_status": value}, Visibility.MODERATION) for value in ("in_progress", "new", "rethinking")),
        ({"validation_status": "pending", "status_failed": "imported"}, Visibility.MODERATION),
        ({"validation_status": "fail"}, Visibility.DECLINED),
        ({"validation_status": "failed"}, Visibility.DECLINED),
        ({"moderate_status": "declined"}, Visibility.DECLINED),
        ({"status_failed": "imported"}, Visibility.DECLINED),
        (
            {"moderate_status": "", "status_name": "Не продается", "status_description": "Ошибка валидации"},
            Visibility.DECLINED,
        ),
        ({"moderate_status": "", "status_name": "Ошибка валидации"}, Visibility.DECLINED),
        ({"status_failed": "none"}, Visibility.HIDDEN),
        ({"status": "active", "validation_status": "valid", "status_failed": "none"}, Visibility.HIDDEN),
        ({"status": "teleported"}, Visibility.UNKNOWN),
        ({"moderate_status": "reconsidering"}, Visibility.UNKNOWN),
        ({"validation_status": "maybe"}, Visibility.UNKNOWN),
    ],
)
def test_the_statuses_decide(statuses: dict[str, str | None], visibility: Visibility) -> None:
    assert status_visibility(with_statuses(**statuses)) is visibility


@pytest.mark.parametrize("name", ["Небывалый статус", "准备出售", "Ready to sell", "На модерации", "", None])
def test_a_name_changes_nothing_where_the_technical_fields_decide(name: str | None) -> None:
    assert status_visibility(with_statuses(status_name=name, status_description=name)) is Visibility.HIDDEN


@pytest.mark.parametrize(
    ("name", "visibility"),
    [
        ("Продается", Visibility.HIDDEN),
        ("Продаётся", Visibility.HIDDEN),
        ("продае\u0308тся ", Visibility.HIDDEN),
        ("Ready to sell", Visibility.HIDDEN),
        ("准备出售", Visibility.HIDDEN),
        ("На модерации\xa0", Visibility.MODERATION),
        ("ошибка валидации", Visibility.DECLINED),
        ("Небывалый статус", Visibility.UNKNOWN),
    ],
)
def test_names_are_the_last_resort_and_read_in_any_spelling(name: str, visibility: Visibility) -> None:
    assert status_visibility(detail(statuses={"status_name": name})) is visibility


def test_availabilities_without_statuses_are_of_a_product_past_its_checks() -> None:
    for entry in ({"availability": "HIDDEN"}, {"reasons": [{"human_text": {"text": "Нет в наличии"}}]}):
        assert status_visibility(detail(availabilities=[entry])) is Visibility.HIDDEN
    assert status_visibility(detail(availabilities=[])) is Visibility.UNKNOWN


@pytest.mark.parametrize("statuses", [None, {}, {"status": "", "status_name": None}])
def test_without_statuses_nothing_is_known(statuses: dict[str, str | None] | None) -> None:
    assert status_visibility(detail(statuses=statuses)) is Visibility.UNKNOWN
    assert status_visibility(detail()) is Visibility.UNKNOWN


@pytest.mark.parametrize("field", ["is_archived", "is_autoarchived"])
def test_an_archived_product_is_archived_whatever_its_statuses_say(field: str) -> None:
    fields = {field: True, "statuses": {**ON_SALE, "validation_status": "pending"}}
    assert status_visibility(detail(**fields)) is Visibility.ARCHIVED


@pytest.mark.parametrize(
    ("level", "visibility"),
    [
        ("ERROR_LEVEL_ERROR", Visibility.DECLINED),
        ("ERROR_LEVEL_WARNING", Visibility.HIDDEN),
        ("ERROR_LEVEL_INTERNAL", Visibility.HIDDEN),
        (None, Visibility.HIDDEN),
    ],
)
def test_an_error_without_a_text_declines_by_its_level_error_only(level: str | None, visibility: Visibility) -> None:
    assert status_visibility(detail(statuses=ON_SALE, errors=[{"code": "x", "level": level}])) is visibility


def test_an_internal_error_with_a_description_is_a_block_by_ozon_and_the_reason() -> None:
    error = {"code": "x", "level": "error_level_internal", "texts": {"description": "Товар заблокирован"}}
    product = detail(statuses=ON_SALE, errors=[error])
    assert status_visibility(product) is Visibility.DECLINED
    assert hidden_reasons(product) == ("Товар заблокирован",)


def test_a_pending_check_wins_over_an_error() -> None:
    product = detail(statuses={**ON_SALE, "validation_status": "pending"}, errors=[{"level": "ERROR_LEVEL_ERROR"}])
    assert status_visibility(product) is Visibility.MODERATION


def availability(*texts: str | None) -> dict[str, Any]:
    return {"sku": 1, "source": "fbs", "reasons": [{"id": 1, "human_text": {"text": text}} for text in texts]}


def test_the_reasons_are_those_of_the_skus_then_of_the_errors_each_once() -> None:
    product = detail(
        statuses={**ON_SALE, "status_description": "Нет на складе"},
        availabilities=[availability("Нет в наличии", "Карантин"), availability("Карантин", "")],
        errors=[
            {"code": "a", "level": "ERROR_LEVEL_ERROR", "texts": {"description": "Фото не то", "message": "photo"}},
            {"code": "b", "level": "ERROR_LEVEL_WARNING", "texts": {"description": "Мелочь"}},
            {"code": "c", "level": "ERROR_LEVEL_ERROR", "texts": {"description": "", "message": "Марка не та"}},
            {"code": "no_texts", "level": "ERROR_LEVEL_ERROR"},
        ],
    )
    assert hidden_reasons(product) == ("Нет в наличии", "Карантин", "Фото не то", "Марка не та", "no_texts")


def test_the_description_is_the_reason_only_where_there_is_no_other() -> None:
    assert hidden_reasons(with_statuses(status_description="Нет на складе")) == ("Нет на складе",)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"statuses": ON_SALE, "availabilities": None, "errors": None},
        {"availabilities": [{"reasons": None}, {"reasons": [{"human_text": None}]}]},
    ],
)
def test_no_texts_mean_no_reasons(fields: dict[str, Any]) -> None:
    assert hidden_reasons(detail(**fields)) == ()
