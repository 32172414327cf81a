"""Mails and chat messages about incidents, of each kind, and foreign text in them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from include.ozon.monitoring.alerts.message import render, render_test
from tests.support.messages import (
    FEW_VISIBLE,
    HOSTILE,
    KEY_REFUSED,
    NOW,
    RUN,
    SETTINGS,
    SIX_KINDS,
    Page,
    assert_harmless,
    mail,
    with_title,
)


@pytest.mark.parametrize("kind", SIX_KINDS)
def test_each_kind_reads_as_it_was_approved(kind: str, snapshot: SnapshotAssertion) -> None:
    sent = render(SIX_KINDS[kind], SETTINGS, NOW)

    assert sent.subject == snapshot(name=f"{kind} subject")
    assert sent.text == snapshot(name=f"{kind} text")
    assert sent.chat_text == snapshot(name=f"{kind} chat")


@pytest.mark.parametrize(
    ("rule", "value", "threshold", "found", "expected"),
    [
        (
            "product_etl_minutes",
            121,
            120,
            "121 minutes",
            "at most 120 minutes, set by components.product_etl.time_limit_minutes",
        ),
        ("api_key_expires_days", 1, 3, "1 day", "at least 3 days"),
        ("warehouse_size_gb", 1234.5, 500, "1 234.5 GB", "at most 500 GB"),
        ("failures_in_a_row", 3, 2, "3", "at most 2, set by"),
        ("api_key", None, None, None, "Ozon accepts the account's key (rules.api_key)"),
        (
            "killed_attempt",
            2,
            None,
            "2",
            "Every attempt that is recorded as running has a process that holds the account's lock (rules.",
        ),
    ],
)
def test_values_have_their_unit_and_side(
    rule: str, value: float | None, threshold: float | None, found: str | None, expected: str
) -> None:
    text = mail(replace(KEY_REFUSED, rule=rule, value=value, threshold=threshold)).text

    assert ("Found:" in text) == (found is not None)
    assert found is None or f"Found: {found}\n" in text
    assert f"Expected: {expected}" in text


def test_an_alert_that_has_just_begun_has_no_duration() -> None:
    assert "Critical since 2026-11-24 14:00 MSK.\n" in mail(replace(KEY_REFUSED, opened_at=NOW)).text


def test_the_same_next_step_stands_there_once() -> None:
    vanished = replace(FEW_VISIBLE, rule="turned_invisible_pct", level="critical", value=34, threshold=25)
    sent = mail(FEW_VISIBLE, vanished)

    assert sent.text.count("ozon visibility") == sent.html.count("ozon visibility") == 1


def test_the_worst_comes_first_and_all_accounts_are_in_the_subject() -> None:
    both = mail(FEW_VISIBLE, KEY_REFUSED)

    assert both.subject.endswith("Ozon refuses access - Test account 1 (main), Test account 2 (second)")
    assert both.text.index("Invalid Api-Key") < both.text.index("Customers see")


def test_an_alert_of_a_rule_that_is_no_longer_known_can_still_be_sent() -> None:
    assert "former_rule" in mail(replace(KEY_REFUSED, rule="former_rule")).subject


@pytest.mark.parametrize("kind", SIX_KINDS)
def test_both_parts_of_a_mail_say_the_same(kind: str) -> None:
    sent = render(SIX_KINDS[kind], SETTINGS, NOW)

    words = {word.rstrip(":") for word in sent.text.replace("`", "").split()} - {"-", "--"}
    assert words - {word.rstrip(":") for word in Page(sent.html).words} == set()


def test_only_what_a_mail_program_can_open_is_a_link() -> None:
    page = Page(mail(links=("https://airflow.example/run", "/srv/reports/a.html", "javascript:alert(1)")).html)

    assert page.addresses == ["https://airflow.example/run"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_text_in_every_place(name: str) -> None:
    alert = replace(KEY_REFUSED, message=f"Ozon refuses access: {name}.")
    sent = mail(alert, settings=with_title(name), details=(name,), links=(RUN,))

    assert_harmless(sent, mail(details=("plain",), links=(RUN,)))


@given(st.text(min_size=1).filter(str.strip))
def test_any_name_is_text_in_every_place(name: str) -> None:
    alert = replace(KEY_REFUSED, message=f"Ozon refuses access: {name}.")

    assert_harmless(mail(alert, settings=with_title(name), details=(f"Product {name}",)), mail(details=("plain",)))


def test_a_test_message_names_its_channel() -> None:
    sent = render_test("team", SETTINGS)

    assert sent.subject == "[Ozon ETL testing] TEST: alerts reach you"
    for text in (sent.text, sent.html, sent.chat_text):
        assert "This is a test message by the channel team" in text
