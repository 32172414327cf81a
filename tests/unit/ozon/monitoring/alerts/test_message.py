"""What a mail about alerts says, in its subject and in both of its parts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from include.ozon.configuration import load_settings
from include.ozon.monitoring.alerts.message import render
from include.ozon.monitoring.alerts.model import Alert, Kind, Mail, Notice

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
    alert_id="0a1b2c3d",
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


def mail(*alerts: Alert, kind: Kind = Kind.OPENED, details: tuple[str, ...] = (), links: tuple[str, ...] = ()) -> Mail:
    alerts = alerts or (KEY_REFUSED,)
    level = "critical" if any(alert.level == "critical" for alert in alerts) else "warning"
    return render(Notice(kind, "group", level, alerts, ("team",), details, links), SETTINGS, NOW)


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found += data.split()


def words(html: str) -> list[str]:
    parser = _Words()
    parser.feed(html)
    return parser.found


def test_the_subject_says_what_is_wrong_for_whom_and_where() -> None:
    assert mail().subject == "[Ozon ETL testing] CRITICAL: Ozon refuses access - Test account 1 (main)"


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (Kind.OPENED, "CRITICAL:"),
        (Kind.WORSE, "WORSE, now CRITICAL:"),
        (Kind.REPEAT, "STILL CRITICAL:"),
        (Kind.RECOVERED, "RECOVERED:"),
    ],
)
def test_the_subject_tells_why_it_comes_now(kind: Kind, word: str) -> None:
    assert f"] {word} Ozon refuses" in mail(kind=kind).subject


def test_the_body_says_what_was_seen_expected_since_when_and_what_to_do() -> None:
    text = mail(replace(FEW_VISIBLE, opened_at=NOW - timedelta(days=1, hours=3))).text

    assert "Customers see 35.5 % of the products of account second." in text
    assert "Account:     Test account 2 (second)" in text
    assert text.startswith("WARNING in testing: few products are visible - Test account 2 (second)")
    assert "Seen:        35.5 %" in text
    assert "Expected:    at least 40 %, set by rules.visible_share_pct.warning" in text
    # 11:00 UTC is 14:00 in Moscow.
    assert "Since:       2026-11-23 11:00 MSK, for 1 day 3 hours" in text
    assert "What to do:  `ozon visibility` names the products" in text
    assert "It is told again after 6 hours" in text


@pytest.mark.parametrize(
    ("rule", "value", "threshold", "seen", "expected"),
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
        ("killed_attempt", 2, None, "2", "No attempt is recorded as running whose lock nobody holds (rules."),
    ],
)
def test_values_have_their_unit_and_side(
    rule: str, value: float | None, threshold: float | None, seen: str | None, expected: str
) -> None:
    text = mail(replace(KEY_REFUSED, rule=rule, value=value, threshold=threshold)).text

    assert ("Seen:" in text) == (seen is not None)
    assert seen is None or f"Seen:        {seen}\n" in text
    assert f"Expected:    {expected}" in text


def test_what_has_just_begun_has_no_duration_and_an_event_no_end() -> None:
    begun = mail(replace(KEY_REFUSED, opened_at=NOW)).text
    event = mail(replace(KEY_REFUSED, rule="task_failed", is_event=True)).text

    assert "Since:       2026-11-24 14:00 MSK\n" in begun
    assert "Happened:    2026-11-24 11:55 MSK\n" in event
    assert "If it happens again, that is told after 6 hours at the earliest" in event
    assert "if it lasts" not in event


def test_the_same_next_step_is_said_once() -> None:
    vanished = replace(FEW_VISIBLE, rule="turned_invisible_pct", level="critical", value=34, threshold=25)

    sent = mail(FEW_VISIBLE, vanished)

    assert sent.text.count("What to do:") == sent.html.count("What to do") == 1
    assert sent.text.count("Silence it:") == 2


def test_the_next_step_names_the_connection_to_correct() -> None:
    assert "a new key goes into the connection ozon_api_main" in mail().text
    assert "Silence it:  ozon alerts ack 0a1b2c3d" in mail().text


def test_a_repeat_says_how_often_it_was_told() -> None:
    assert "Told:        3 times with this message" in mail(replace(KEY_REFUSED, sent_count=2), kind=Kind.REPEAT).text


def test_a_recovery_says_how_long_it_lasted_and_asks_for_nothing() -> None:
    text = mail(replace(KEY_REFUSED, recovered_at=NOW), kind=Kind.RECOVERED).text

    assert "It is over: Account main: Ozon refuses access (Invalid Api-Key)." in text
    assert "Began:       2026-11-24 11:55 MSK" in text
    assert "Recovered:   2026-11-24 14:00 MSK, after 2 hours 5 minutes" in text
    assert "Nothing has to be done." in text
    assert "What to do" not in text
    assert "ozon alerts ack" not in text


def test_the_worst_comes_first_and_all_accounts_are_in_the_subject() -> None:
    both = mail(FEW_VISIBLE, KEY_REFUSED)

    assert both.subject.endswith("Ozon refuses access - Test account 1 (main), Test account 2 (second)")
    assert both.text.index("Invalid Api-Key") < both.text.index("Customers see")


def test_both_parts_say_the_same() -> None:
    sent = mail(
        KEY_REFUSED, FEW_VISIBLE, details=("Чайник (TEA-1): Нет на складе",), links=("https://airflow.example/a",)
    )

    assert set(sent.text.replace("Account:", "").split()) - set(words(sent.html)) <= {
        "-", "--", "Level:", "Seen:", "Expected:", "Since:", "do:", "it:"
    }  # fmt: skip


def test_names_with_markup_stay_names() -> None:
    sent = mail(details=('<script>alert("x")</script> & Ко',), links=('https://airflow.example/"><b>',))

    assert "<script>" not in sent.html
    assert "<b>" not in sent.html
    assert '<script>alert("x")</script> & Ко' in sent.text


def test_only_what_a_mail_program_can_open_is_a_link() -> None:
    html = mail(links=("https://airflow.example/run", "/srv/reports/a.html")).html

    assert '<a href="https://airflow.example/run">' in html
    assert "<p>/srv/reports/a.html</p>" in html


def test_a_subject_is_one_short_line_whatever_a_title_holds() -> None:
    title = "Лавка\r\nBcc: someone@shop.example " * 20
    accounts = {"main": SETTINGS.accounts["main"].model_copy(update={"title": title})}
    settings = SETTINGS.model_copy(update={"accounts": accounts})

    subject = render(Notice(Kind.OPENED, "f", "critical", (KEY_REFUSED,), ("team",)), settings, NOW).subject

    assert len(subject) <= 150
    assert "\n" not in subject
    assert "\r" not in subject


def test_an_alert_of_a_rule_that_is_no_longer_known_can_still_be_told() -> None:
    assert "former_rule" in mail(replace(KEY_REFUSED, rule="former_rule")).subject
