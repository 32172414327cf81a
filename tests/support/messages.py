"""Messages about incidents, of each kind, and the check that foreign text in them is harmless."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

from include.ozon.configuration import load_settings
from include.ozon.monitoring.alerts.message import Mail, render
from include.ozon.monitoring.alerts.model import Alert, Incident, Kind, Line, Message
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
    *alerts: Alert, kind: Kind = Kind.OPENED, details: tuple[Line, ...] = (), links: tuple[str, ...] = ()
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


class Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.words: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str | None] = []
        self.feed(html)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        self.words += data.split()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name == "href"]


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
    assert Page(sent.html).tags == Page(plain.html).tags
    assert Page(sent.html).addresses == Page(plain.html).addresses
