"""Mails and chat messages in Russian: each kind as it was approved, and no English of the catalogue in any of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from include.ozon.monitoring.alerts.message import Mail, render_test
from include.ozon.monitoring.alerts.model import Alert, Kind, Line
from include.ozon.monitoring.deadlines import AccountLoad, LateRun, late_run_event
from include.ozon.monitoring.metrics.details import detail_lines
from include.ozon.monitoring.rule import Unit
from include.ozon.monitoring.rules import RULES
from include.ozon.settings.limits import State
from include.ozon.translation import CATALOGUES, use_language
from tests.support import messages
from tests.support.messages import DEADLINE, FEW_VISIBLE, HOSTILE, KEY_REFUSED, NOW, SETTINGS, SIX_KINDS, Page
from tests.support.metrics import metrics, product
from tests.support.pipeline import changed

LOGGED = "THE SENTENCE OF THE LOG"
_FIXED = re.compile(r"%\(\w+\)s|\{\w*\}|<\w+>|`[^`]+`")


def mail(*alerts: Alert, **fields: object) -> Mail:
    with use_language("ru"):
        return messages.mail(*alerts, **fields)  # type: ignore[arg-type]


def visibility_details() -> tuple[Line, ...]:
    found = replace(
        metrics().transitions,
        turned_invisible=(product(1), product(2, visibility="MODERATION", reasons=())),
        removed=(product(5, name=""),),
    )
    few = changed(SETTINGS, "reports", listed_products=2)
    more = replace(found, turned_invisible=(*found.turned_invisible, product(3)))
    return detail_lines(metrics(transitions=more), few)


def deadline_details() -> tuple[Line, ...]:
    run = LateRun("ozon_etl", "scheduled__2026-11-24", "scheduled", "running", NOW, NOW, NOW)
    loads = [
        AccountLoad("main", "running", "inventory_etl", 2, "running", NOW, 720.0),
        AccountLoad("second", None, None, None, None, None, None),
    ]
    event = late_run_event(
        run, loads=loads, tasks={"inventory_etl": "up_for_retry"}, level="critical", link="", now=NOW, settings=SETTINGS
    )
    return event.details


RUSSIAN_KINDS = {
    **{kind: (message.alerts, {"kind": message.kind, "links": message.links}) for kind, message in SIX_KINDS.items()},
    "visibility": ((FEW_VISIBLE,), {"details": visibility_details()}),
    "deadline": ((DEADLINE,), {"details": deadline_details()}),
}


def of_kind(kind: str) -> Mail:
    alerts, fields = RUSSIAN_KINDS[kind]
    return mail(*alerts, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", RUSSIAN_KINDS)
def test_each_kind_reads_as_it_was_approved(kind: str, snapshot: SnapshotAssertion) -> None:
    sent = of_kind(kind)

    assert sent.subject == snapshot(name=f"{kind} subject")
    assert sent.text == snapshot(name=f"{kind} text")
    assert sent.chat_text == snapshot(name=f"{kind} chat")
    assert '<html lang="ru">' in sent.html


def test_a_test_message_is_in_the_language_of_its_channel(snapshot: SnapshotAssertion) -> None:
    with use_language("ru"):
        assert render_test("team", SETTINGS).text == snapshot


@pytest.mark.parametrize("kind", RUSSIAN_KINDS)
def test_both_parts_of_a_mail_say_the_same(kind: str) -> None:
    sent = of_kind(kind)

    words = {word.rstrip(":;") for word in sent.text.replace("`", "").split()} - {"-", "--"}
    assert words - {word.rstrip(":;") for word in Page(sent.html).words} == set()


@pytest.mark.parametrize(
    ("unit", "value", "shown"),
    [
        (Unit.COUNT, 1234, "1 234"), (Unit.SHARE, 34.69, "34,69 %"), (Unit.POINTS, 12, "12 п. п."),
        (Unit.RATIO, 2.5, "2,5 × обычное значение"), (Unit.MINUTES, 121, "121 минута"), (Unit.HOURS, 0.5, "0,5 часа"),
        (Unit.DAYS, 1, "1 день"), (Unit.DAYS, 5, "5 дней"), (Unit.GB, 1234.5, "1 234,5 ГБ"),
    ],
)  # fmt: skip
def test_values_have_their_unit(unit: Unit, value: float, shown: str) -> None:
    with use_language("ru"):
        assert unit.amount(value) == shown


@cache
def english() -> tuple[re.Pattern[str], ...]:
    """Return a pattern for each translated message, with anything for its placeholders.

    A single word is English only if no translation has it, such as a status or a table in brackets.
    """
    with (CATALOGUES / "ru/LC_MESSAGES/ozon.po").open("rb") as file:
        catalogue = [message for message in read_po(file, locale="ru") if message.id]
    russian = " ".join(str(message.string) for message in catalogue)
    patterns = []
    for text in {text for message in catalogue for text in _texts(message.id) if text not in _texts(message.string)}:
        literals = [part.strip() for part in _FIXED.split(text) if re.search("[A-Za-z]{3}", part)]
        words = " ".join(literals).split()
        if len(words) > 1:
            patterns.append(re.compile(".*".join(map(re.escape, literals))))
        elif words and words[0] not in russian:
            patterns.append(re.compile(rf"(?<![\w.]){re.escape(words[0])}(?![\w.])"))
    return tuple(patterns)


def _texts(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, (list, tuple)) else [str(value)]


def untranslated(sent: Mail) -> Iterator[str]:
    """Yield the message of the catalogue that each text has in English; the log's sentence may be."""
    for text in (sent.subject, sent.text, sent.chat_title, sent.chat_text, "\n".join(Page(sent.html).texts)):
        shown = "\n".join(line for line in text.splitlines() if LOGGED not in line)
        yield from (pattern.pattern for pattern in english() if pattern.search(shown))


@given(
    rule=st.sampled_from(RULES),
    others=st.lists(st.sampled_from(RULES), max_size=3),
    kind=st.sampled_from(Kind),
    value=st.none() | st.floats(0, 1e6),
    is_old=st.booleans(),
    details=st.sampled_from([(), visibility_details(), deadline_details()]),
)
def test_no_english_of_the_catalogue_is_in_a_russian_message(
    rule: object, others: list[object], kind: Kind, value: float | None, is_old: bool, details: tuple[Line, ...]
) -> None:
    alerts = [
        replace(
            KEY_REFUSED if is_old else FEW_VISIBLE,
            rule=each.name,  # type: ignore[attr-defined]
            value=value,
            threshold=None if isinstance(each.limits, State) else 5.0,  # type: ignore[attr-defined]
            message=LOGGED,
            resolved_at=NOW if kind is Kind.RESOLVED else None,
        )
        for each in (rule, *others)
    ]

    assert list(untranslated(mail(*alerts, kind=kind, details=details))) == []


def test_an_english_text_is_found() -> None:
    assert list(untranslated(messages.mail(replace(KEY_REFUSED, message=LOGGED))))
    with use_language("ru"):
        sent = messages.mail(replace(KEY_REFUSED, message=LOGGED), details=("Run 7, due at noon, had to end by one.",))
    assert len(set(untranslated(sent))) == 1


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_text_in_every_place(name: str) -> None:
    alert = replace(KEY_REFUSED, message=f"Ozon refuses access: {name}.", subject=name)
    sent = mail(alert, settings=messages.with_title(name), details=(name,))

    messages.assert_harmless(sent, mail(replace(KEY_REFUSED, subject="plain"), details=("plain",)))


@given(st.text(min_size=1).filter(str.strip))
def test_any_name_is_text_in_every_place(name: str) -> None:
    alert = replace(KEY_REFUSED, message=f"Ozon refuses access: {name}.", subject=name)
    sent = mail(alert, settings=messages.with_title(name), details=(f"Product {name}",))

    messages.assert_harmless(sent, mail(replace(KEY_REFUSED, subject="plain"), details=("plain",)))
