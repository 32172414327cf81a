"""Mails and chat messages about incidents, of each kind, and foreign text in them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from include.ozon.configuration import load_settings
from include.ozon.monitoring.alerts.message import Mail, render, render_test
from include.ozon.monitoring.alerts.model import Alert, Incident, Kind, Message
from include.ozon.monitoring.alerts.muting import group_of
from include.ozon.settings import Settings

NOW = datetime(2026, 11, 24, 11, tzinfo=UTC)
SETTINGS = load_settings(environment="testing", environ={})
KEY_REFUSED = Alert(
    rule="api_key",
    account="main",
    subject="",
    level="critical",
    opened_at=NOW - timedelta(hours=2, minutes=5),
    last_seen_at=NOW,
    message="Account main: Ozon refuses access (Invalid Api-Key).",
)
FEW_VISIBLE = Alert(
    rule="visible_share_pct",
    account="second",
    subject="",
    level="warning",
    opened_at=NOW,
    last_seen_at=NOW,
    message="Customers see 35.5 % of the products of account second.",
    value=35.5,
    threshold=40,
)
DEADLINE = Alert(
    rule="run_deadline",
    account="main",
    subject="ozon_etl",
    level="critical",
    opened_at=NOW,
    last_seen_at=NOW,
    message="ozon_etl has missed its deadline: it is still running 3 hours after it was due, for account main; "
    "3 hours are allowed (deadlines.ozon_etl_minutes).",
)
RUN = "https://airflow.example/dags/ozon_etl/runs/scheduled__2026-11-24"


def message(
    *alerts: Alert, kind: Kind = Kind.OPENED, details: tuple[str, ...] = (), links: tuple[str, ...] = ()
) -> Message:
    """Return a message about an incident for each account."""
    by_account: dict[str | None, list[Alert]] = {}
    for alert in alerts or (KEY_REFUSED,):
        by_account.setdefault(alert.account, []).append(alert)
    incidents = tuple(
        Incident(
            group_of(found[0].rule, found[0].subject),
            account,
            found[0].level,
            found[0].opened_at,
            alerts=tuple(found),
            incident_id=f"0a1b2c3{number}",
        )
        for number, (account, found) in enumerate(by_account.items())
    )
    level = "critical" if any(alert.level == "critical" for each in incidents for alert in each.alerts) else "warning"
    return Message(kind, incidents[0].group, level, incidents, ("team",), details, links)


def mail(*alerts: Alert, settings: Settings = SETTINGS, **fields: object) -> Mail:
    return render(message(*alerts, **fields), settings, NOW)  # type: ignore[arg-type]


def with_title(title: str) -> Settings:
    accounts = {**SETTINGS.accounts, "main": SETTINGS.accounts["main"].model_copy(update={"title": title})}
    return SETTINGS.model_copy(update={"accounts": accounts})


SIX_KINDS = {
    "opened": message(),
    "worse": message(replace(FEW_VISIBLE, level="critical", value=18, threshold=20), kind=Kind.WORSE),
    "repeat": message(kind=Kind.REPEAT),
    "resolved": message(replace(KEY_REFUSED, resolved_at=NOW), kind=Kind.RESOLVED),
    "several accounts": message(
        FEW_VISIBLE,
        replace(FEW_VISIBLE, account="main", message="Customers see 38 % of the products of account main.", value=38),
        details=("Чайник (TEA-1), second: Нет на складе", "Кружка (CUP-2), main: hidden by Ozon"),
        links=(f"{RUN}?tab=logs", "/srv/reports/visibility.html"),
    ),
    "deadline": message(
        DEADLINE,
        details=("Run scheduled__2026-11-24, due at 2026-11-24 11:00 MSK, had to end by 2026-11-24 14:00 MSK.",),
        links=(RUN,),
    ),
}


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


class _Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str | None] = []
        self.feed(html)

    def handle_data(self, data: str) -> None:
        self.words += data.split()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name == "href"]


@pytest.mark.parametrize("kind", SIX_KINDS)
def test_both_parts_of_a_mail_say_the_same(kind: str) -> None:
    sent = render(SIX_KINDS[kind], SETTINGS, NOW)

    words = {word.rstrip(":") for word in sent.text.replace("`", "").split()} - {"-", "--"}
    assert words - {word.rstrip(":") for word in _Page(sent.html).words} == set()


def test_only_what_a_mail_program_can_open_is_a_link() -> None:
    page = _Page(mail(links=("https://airflow.example/run", "/srv/reports/a.html", "javascript:alert(1)")).html)

    assert page.addresses == ["https://airflow.example/run"]


HOSTILE = (
    "Лавка\r\nBcc: someone@shop.example",
    "</h1><script>alert(1)</script>",
    "\u202eНавыворот\u202c",
    "\u2066 \x00\x1b[31m \u200b",
    '"><a href="https://evil.example">here</a>',
    "*bold* _it_ `code` ~gone~ [text](https://evil.example) <https://evil.example|x> @channel <!here>",
    "# Heading",
    "x" * 5000,
)


def assert_harmless(sent: Mail, plain: Mail) -> None:
    """Check that a name changes no subject, header, link or layout, by the same mail with a plain name."""
    for line in (sent.subject, sent.chat_title):
        assert len(line) <= 150
        assert line.isprintable()
    for text, expected in ((sent.text, plain.text), (sent.chat_text, plain.chat_text)):
        assert text.count("\n") == expected.count("\n")
        assert text.replace("\n", "").isprintable()
    assert not re.search(r"[*`~<>\[\]|@#]|(?<!\w)_|_(?!\w)", sent.chat_text + sent.chat_title)
    assert _Page(sent.html).tags == _Page(plain.html).tags
    assert _Page(sent.html).addresses == _Page(plain.html).addresses


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
