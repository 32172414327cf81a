"""The catalogue's texts: articles, names, currencies and FBO warehouses."""

from __future__ import annotations

import re
from typing import TypeVar

from include.ozon_sandbox.hashing import Ints

Choice = TypeVar("Choice", int, Ints)

LONGEST_ARTICLE = 255
_FIRST_ARTICLE = 100_000

# Each article contains the product's number as its only run of five or more digits, so that it can be parsed.
_ARTICLES = (
    "{n}",
    "АРТ-{n}",
    "кружка {n} белая",
    "TSH-{n}/XL",
    "Набор №{n} (2 шт.)",
    "{n}_чёрный",
    'Полка "Лофт" {n}',
    "ЁЖ  {n}; синий",
    "'{n}",
    "SKU {n}-Щ",
)
_ARTICLE_NUMBER = re.compile(r"\d{5,}")
_LONG_ARTICLE_TEXT = " комплект постельного белья, сатин, серый"

_THINGS = (
    "Кружка керамическая 350 мл",
    "Футболка мужская хлопковая оверсайз",
    "Полка настенная из массива дуба",
    "Набор кухонных ножей, 5 предметов",
    "Лампа настольная светодиодная",
    "Рюкзак городской водоотталкивающий",
    "Плед вязаный 140×200 см",
    "Ваза декоративная «Ангел»",
    "Чехол для телефона противоударный",
    "Термос из нержавеющей стали 1 л",
    "Коврик для йоги нескользящий",
    "Конструктор деревянный, 120 деталей",
    "Свеча ароматическая «Ёлка & мандарин»",
    "Органайзер для косметики",
    "Кабель USB-C – USB-C, 100 Вт, 2 м",
    "Скатерть льняная с вышивкой",
)
BRANDS = ("Уютный дом", "Северъ", "Лён и хлопок", "KAIDI", "Мастерская №1", "Без бренда", "ТеплоДар")
_COLOURS = ("чёрный", "белый", "серо-голубой", "тёмно-зелёный", "жёлтый", "бордовый", "прозрачный")

# Most products are sold in roubles; the number is the value of one rouble in hundredths of the currency.
CURRENCIES: tuple[tuple[str, float], ...] = (
    ("RUB", 100.0),
    ("CNY", 8.4),
    ("KZT", 560.0),
    ("BYN", 3.6),
    ("USD", 1.15),
    ("EUR", 1.05),
)

STATUS_NAMES: dict[str, dict[str, str]] = {
    "en": {
        "Продается": "For sale",
        "Готов к продаже": "Ready to sell",
        "Не продается": "Not for sale",
        "На модерации": "On moderation",
        "Не обновлен": "Not updated",
        "Архивный": "Archived",
        "Нет на складе": "Out of stock",
        "Снят с продажи": "Removed from sale",
        "Ошибка валидации": "Validation error",
    },
    "zh": {
        "Продается": "销售中",
        "Готов к продаже": "准备出售",
        "Не продается": "不出售",
        "На модерации": "审核中",
        "Не обновлен": "未更新",
        "Архивный": "已归档",
        "Нет на складе": "无库存",
        "Снят с продажи": "已下架",
        "Ошибка валидации": "验证错误",
    },
}

OZON_WAREHOUSES: tuple[tuple[int, str, int, str], ...] = (
    (1020000177886000, "ХОРУГВИНО_РФЦ", 154, "Москва, МО и Дальние регионы"),
    (1020000115166000, "ПУШКИНО_1_РФЦ", 154, "Москва, МО и Дальние регионы"),
    (15431806189000, "ТВЕРЬ_РФЦ", 153, "Тверь"),
    (18044249781000, "КАЗАНЬ_РФЦ_НОВЫЙ", 148, "Казань"),
    (1020000089903000, "САНКТ_ПЕТЕРБУРГ_РФЦ", 2, "Санкт-Петербург и СЗО"),
    (23843917228000, "ЕКАТЕРИНБУРГ_РФЦ_НОВЫЙ", 146, "Екатеринбург"),
    (1020000122400000, "НОВОСИБИРСК_РФЦ_НОВЫЙ", 149, "Новосибирск"),
    (17717042026000, "РОСТОВ_НА_ДОНУ_РФЦ", 7, "Ростов-на-Дону"),
)


def article(index: int, pattern: int) -> str:
    """Return a product's article; ``pattern`` selects its form, and pattern 0 has the maximum length."""
    number = _FIRST_ARTICLE + index
    if pattern == 0:
        text = f"№{number}" + _LONG_ARTICLE_TEXT * 7
        return text[:LONGEST_ARTICLE]
    return _ARTICLES[pattern % len(_ARTICLES)].format(n=number)


def article_index(text: str) -> int | None:
    """Return the index in an article, if there is one; the caller compares the whole text."""
    found = _ARTICLE_NUMBER.search(text)
    return int(found.group()) - _FIRST_ARTICLE if found and len(found.group()) <= 12 else None


def brand_index(choice: Choice) -> Choice:
    """Return the positions in ``BRANDS`` of names that were made with these choices."""
    return choice // 16 % len(BRANDS)


def product_name(index: int, choice: int) -> str:
    thing = _THINGS[choice % len(_THINGS)]
    brand = BRANDS[brand_index(choice)]
    colour = _COLOURS[choice // 128 % len(_COLOURS)]
    return f"{thing}, {brand}, цвет {colour}, модель {index % 997}"
