"""Redaction of texts that leave the company."""

from __future__ import annotations

import pytest

from include.ozon.marketplace.credentials import Credentials
from include.ozon.marketplace.redaction import Redactor

REDACTOR = Redactor.of(Credentials("https://ozon.shop.example:8443", "77", "SecretKeyOfLetters", "ozon_api_grandmas"))


@pytest.mark.parametrize(
    "word",
    ["price_sent", "ERROR_LEVEL_ERROR", "Не продается", "Продаётся ", "准备出售", "images360", "/v3/product/list",
     "SPU_ALREADY_EXISTS_IN_ANOTHER_ACCOUNT_AND_MORE"],
)  # fmt: skip
def test_words_of_an_enumeration_are_shown(word: str) -> None:
    assert REDACTOR.is_word(word)


@pytest.mark.parametrize(
    "text",
    ["", "АРТ-100001", "1234", "+7 (999) 123-45", "shop@mail.example", "https://x.example", "www.shop.example",
     "Кружка керамическая 350 мл, Уютный дом, цвет белый", "a" * 81, "a|b", "`code`", "<b>", "two\nlines", "\x00",
     "\ud83d", "SECRETKEYOFLETTERS", "key SecretKeyOfLetters", "77", "status_77", "ozon_api_grandmas"],
)  # fmt: skip
def test_text_that_may_be_the_sellers_is_not_a_word(text: str) -> None:
    assert not REDACTOR.is_word(text)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Invalid Api-Key, please check the key", "Invalid Api-Key, please check the key"),
        ("Client-Id 77 is wrong", "Client-Id <secret> is wrong"),
        ("you sent secretkeyofletters", "you sent <secret>"),
        ("no product 12345, АРТ-17 here", "no product <number> <number> here"),
        ('no product "Кружка "Лофт" белая" here', "no product <quoted> here"),
        ("no product «Кружка» and 'кружка' here", "no product <quoted> and <quoted>"),
        ('cut in the "middle of', "cut in the <quoted>"),
        ("can't be used", "can't be used"),
        ('{"name": "Кружка"} is wrong', "<quoted> is wrong"),
        ("ask me@shop.example or https://shop.example/me or shop.example", "ask <e-mail> or <address> or <address>"),
        ("the method /v3/product/list is blocked", "the method /v3/product/list is blocked"),
        ("asked at https://ozon.shop.example:8443 (ozon_api_grandmas)", "asked at <secret> (<secret>)"),
        ("a\x00b\nc", "a b c"),
        ("x" * 41, "<long>"),
    ],
)
def test_a_message_keeps_its_meaning_without_the_sellers_data(message: str, shown: str) -> None:
    assert REDACTOR.message(message) == shown


def test_a_message_is_short_and_a_secret_is_not_cut_in_half() -> None:
    message = REDACTOR.message("word " * 798 + "SecretKeyOfLetters " * 2)
    assert len(message) == 203
    quoted = REDACTOR.message('"' + "x" * 3_985 + '" SecretKeyOfLetters')
    assert quoted == "<quoted> <secret>"[: len(quoted)]
