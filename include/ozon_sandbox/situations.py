"""The situations of a product, and their sequences.

A situation is a combination of statuses from real answers of ``/v3/product/info/list``, with the visibility that the
warehouse has to derive from it. A life is a cycle of eight situations, one for each tick. The catalogue's products are
spread evenly over 200 slots, so that in any 200 neighbours each change of each life happens at every tick.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

TICKS_OF_A_LIFE = 8
SLOTS = 200


class Code(IntEnum):
    """The number of a situation in the catalogue's columns."""

    ON_SALE = 0
    NOT_UPDATED = 1
    OUT_OF_STOCK = 2
    REMOVED = 3
    QUARANTINE = 4
    NO_PRICE = 5
    VALIDATION_PENDING = 6
    MODERATION_PENDING = 7
    VALIDATION_FAILED = 8
    MODERATION_DECLINED = 9
    ARCHIVED = 10
    AUTO_ARCHIVED = 11
    SEASONAL_ARCHIVED = 12
    UNKNOWN_STATUS = 13
    GONE = 14


@dataclass(frozen=True)
class ErrorEntry:
    """An entry of an item's ``errors``."""

    code: str
    level: str
    field: str
    text: str


@dataclass(frozen=True)
class Situation:
    """A combination of statuses. ``visibility`` is the warehouse's value; the other texts are Ozon's.

    With ``sells_stock`` at least one piece can be ordered, with ``keeps_stock`` there may be some.
    """

    visibility: str
    status: str
    moderate_status: str
    validation_status: str
    status_name: str
    status_description: str = ""
    status_tooltip: str = ""
    status_failed: str = ""
    is_created: bool = True
    has_price: bool = True
    has_sku: bool = True
    sells_stock: bool = False
    keeps_stock: bool = True
    reasons: tuple[str, ...] = ()
    error: ErrorEntry | None = None


_VALIDATION_ERROR = ErrorEntry(
    "SPU_ALREADY_EXISTS_IN_ANOTHER_ACCOUNT", "ERROR_LEVEL_ERROR", "spu", "Товар уже есть в другом кабинете"
)
_DECLINE_ERROR = ErrorEntry(
    "content_moderation_declined", "ERROR_LEVEL_ERROR", "images", "Изображение не соответствует требованиям"
)
_UPDATE_ERROR = ErrorEntry(
    "attribute_value_wrong", "ERROR_LEVEL_ERROR", "attribute", "Значение характеристики не принято"
)

_archived = Situation(
    "ARCHIVED", "price_sent", "approved", "success", "Архивный", keeps_stock=False, reasons=("Товар в архиве",)
)

SITUATIONS: dict[Code, Situation] = {
    Code.ON_SALE: Situation("VISIBLE", "price_sent", "approved", "success", "Продается", sells_stock=True),
    Code.NOT_UPDATED: Situation(
        "VISIBLE",
        "price_sent",
        "approved",
        "success",
        "Не обновлен",
        status_tooltip="Последнее обновление товара не применено, продаётся прежняя версия",
        sells_stock=True,
        error=_UPDATE_ERROR,
    ),
    Code.OUT_OF_STOCK: Situation(
        "HIDDEN",
        "price_sent",
        "approved",
        "success",
        "Готов к продаже",
        "Нет на складе",
        "Привезите товар на склад Ozon или укажите его количество на своем складе",
        keeps_stock=False,
        reasons=("Нет в наличии на складе Ozon", "Нет в наличии на складе продавца"),
    ),
    Code.REMOVED: Situation(
        "HIDDEN",
        "price_sent",
        "approved",
        "success",
        "Не продается",
        "Снят с продажи",
        "Вы сняли товар с продажи",
        reasons=("Снят с продажи продавцом",),
    ),
    Code.QUARANTINE: Situation(
        "HIDDEN",
        "price_sent",
        "approved",
        "success",
        "Не продается",
        "Снят с продажи",
        "Подтвердите новую цену",
        reasons=("Карантин: цена изменилась более чем на 50%",),
    ),
    Code.NO_PRICE: Situation(
        "HIDDEN",
        "imported",
        "approved",
        "success",
        "Не продается",
        "Не создан",
        "Укажите цену",
        is_created=False,
        has_price=False,
        has_sku=False,
        keeps_stock=False,
        reasons=("Не указана цена",),
    ),
    Code.VALIDATION_PENDING: Situation(
        "MODERATION",
        "imported",
        "",
        "pending",
        "На модерации",
        is_created=False,
        has_sku=False,
        keeps_stock=False,
        reasons=("Товар проверяется",),
    ),
    Code.MODERATION_PENDING: Situation(
        "MODERATION", "imported", "in_progress", "success", "На модерации", reasons=("Товар проверяется",)
    ),
    Code.VALIDATION_FAILED: Situation(
        "DECLINED",
        "imported",
        "",
        "fail",
        "Не продается",
        "Ошибка валидации",
        "Исправьте ошибки",
        "validation_failed",
        is_created=False,
        has_sku=False,
        keeps_stock=False,
        reasons=("Не прошёл проверку",),
        error=_VALIDATION_ERROR,
    ),
    Code.MODERATION_DECLINED: Situation(
        "DECLINED",
        "price_sent",
        "declined",
        "success",
        "Не продается",
        "Снят с продажи",
        "Исправьте ошибки и отправьте товар на модерацию",
        "moderation_failed",
        reasons=("Не прошёл модерацию",),
        error=_DECLINE_ERROR,
    ),
    Code.ARCHIVED: _archived,
    Code.AUTO_ARCHIVED: _archived,
    Code.SEASONAL_ARCHIVED: _archived,
    Code.UNKNOWN_STATUS: Situation(
        "UNKNOWN", "state_unheard_of", "reconsidering", "maybe", "Небывалый статус", reasons=("Небывалая причина",)
    ),
    Code.GONE: Situation("", "", "", "", "", has_sku=False, keeps_stock=False),
}

Life = tuple[Code, ...]

_STEADY: list[tuple[int, Code]] = [
    (116, Code.ON_SALE),
    (3, Code.NOT_UPDATED),
    (14, Code.OUT_OF_STOCK),
    (6, Code.REMOVED),
    (2, Code.QUARANTINE),
    (2, Code.NO_PRICE),
    (2, Code.VALIDATION_PENDING),
    (2, Code.MODERATION_PENDING),
    (3, Code.VALIDATION_FAILED),
    (2, Code.MODERATION_DECLINED),
    (5, Code.ARCHIVED),
    (2, Code.AUTO_ARCHIVED),
    (1, Code.SEASONAL_ARCHIVED),
]

_CHANGING: list[Life] = [
    (*[Code.ON_SALE] * 5, Code.OUT_OF_STOCK, Code.OUT_OF_STOCK, Code.REMOVED),
    (*[Code.ON_SALE] * 5, Code.MODERATION_DECLINED, Code.MODERATION_DECLINED, Code.MODERATION_PENDING),
    (*[Code.ON_SALE] * 5, Code.ARCHIVED, Code.ARCHIVED, Code.AUTO_ARCHIVED),
    (*[Code.ON_SALE] * 5, Code.OUT_OF_STOCK, Code.GONE, Code.GONE),
    (*[Code.ARCHIVED] * 6, Code.GONE, Code.GONE),
]


def _lives() -> NDArray[np.uint8]:
    """Return the situation of each slot at each tick of its life, shape (slots, ticks)."""
    rows = [[code] * TICKS_OF_A_LIFE for count, code in _STEADY for _ in range(count)]
    for life in _CHANGING:
        rows += [list(life[turn:] + life[:turn]) for turn in range(TICKS_OF_A_LIFE)]
    return np.array(rows, dtype=np.uint8)


def _ages(lives: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the age of the situation in ticks, for each slot and tick of its life; infinite for a constant one."""
    ages = np.zeros(lives.shape, dtype=np.int64)
    is_unchanged = np.ones(lives.shape, dtype=np.bool_)
    for back in range(1, TICKS_OF_A_LIFE):
        is_unchanged &= np.roll(lives, back, axis=1) == lives
        ages += is_unchanged
    ages[is_unchanged] = np.iinfo(np.int32).max
    return ages


LIVES = _lives()
SITUATION_AGES = _ages(LIVES)
