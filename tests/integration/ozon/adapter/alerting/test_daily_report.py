"""The daily report: by real mails and a real webhook, in the channel's language, once."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from include.ozon.adapter.alerting import daily_report
from include.ozon.adapter.alerting.channels import ChannelError, open_channels
from include.ozon.adapter.alerting.daily_report import send_once
from include.ozon.monitoring.alerts.message import Mail
from include.ozon.monitoring.metrics.model import Change, VisibilityMetrics
from include.ozon.reports.daily_mail import daily_mail
from include.ozon.translation import use_language
from tests.support.alerts import alert_settings
from tests.support.mail import MailServer, part
from tests.support.metrics import COUNTS, NOW, empty, metrics, product
from tests.support.scripted_server import Server

SETTINGS = alert_settings(
    channels={
        "engineers": {"kind": "email", "recipients": ["engineers@shop.example"]},
        "buyers": {"kind": "email", "recipients": ["buyers@shop.example"], "receives": ["alerts", "daily_report"]},
        "managers": {
            "kind": "email", "recipients": ["managers@shop.example"], "language": "ru", "receives": ["daily_report"],
        },
    }
)  # fmt: skip
DAY = {
    "last": None,
    "day": Change(NOW, 0, dict.fromkeys(COUNTS, 0) | {"VISIBLE": -24, "HIDDEN": 24}, -2.4),
    "week": None,
}
MAIN = metrics(changes=DAY)
SECOND = replace(MAIN, account="second", products=500, counts=dict.fromkeys(COUNTS, 0) | {"VISIBLE": 500})
ATTACK = "<script>alert(1)</script>"


class Variables:
    """Airflow's Variables in memory: the real ones need a task around them."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def get(self, key: str, default: str) -> str:
        return self.values.get(key, default)

    def set(self, key: str, value: str, description: str) -> None:
        self.values[key] = value


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> Variables:
    made = Variables()
    monkeypatch.setattr(daily_report, "Variable", made)
    return made


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    with MailServer() as running:
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", running.connection)
        yield running


def mail_for(name: str, *reported: VisibilityMetrics) -> Mail:
    with use_language(SETTINGS.channel_language(name)):
        return daily_mail(reported or (MAIN, SECOND), SETTINGS, NOW)


def send(day: str = "2026-11-24") -> list[str]:
    return send_once(day, open_channels(SETTINGS, "daily_report"), mail_for)


def test_each_channel_that_receives_it_gets_it_in_its_language(server: MailServer) -> None:
    assert send() == ["buyers", "managers"]

    english, russian = server.messages
    assert (english["To"], russian["To"]) == ("buyers@shop.example", "managers@shop.example")
    accounts = "Test account 1 (main), Test account 2 (second)"
    # 1200 of 1500 products, after 1248 of 1500 a day ago.
    assert english["Subject"] == f"[Ozon ETL testing] Visibility of {accounts}, 2026-11-24: 80.0 % visible (-3.2)"
    assert russian["Subject"] == f"[Ozon ETL testing] Видимость: {accounts}, 24.11.2026: видно 80,0 % (-3,2)"
    for kind, expected in (("plain", "Turned invisible since yesterday: 3"), ("html", "2 345 679 RUB")):
        assert expected in part(english, kind)
    for kind, expected in (("plain", "Скрылись от покупателей со вчерашнего дня: 3"), ("html", "2 345 679 ₽")):
        assert expected in part(russian, kind)
    for message, language in ((english, "en"), (russian, "ru")):
        (file,) = message.iter_attachments()
        assert file.get_filename() == "visibility-20261124T051000Z.html"
        assert f'<html lang="{language}"' in file.get_content()
    assert "Importance" not in english


def test_a_repeated_call_sends_nothing_until_the_next_day(server: MailServer) -> None:
    assert [send(), send(), send("2026-11-25")] == [["buyers", "managers"], [], ["buyers", "managers"]]
    assert len(server.messages) == 4


def test_a_retry_reaches_only_the_channels_that_failed(server: MailServer) -> None:
    server.refuse_recipient("buyers@shop.example")
    with pytest.raises(ChannelError, match=r"did not reach 1 of 2 channels: buyers \(The mail server .*reply 550"):
        send()
    assert [message["To"] for message in server.messages] == ["managers@shop.example"]

    server.accept_recipient("buyers@shop.example")
    assert send() == ["buyers"]
    assert [message["To"] for message in server.messages] == ["managers@shop.example", "buyers@shop.example"]


class Killed(BaseException):
    """The end of the task's process."""


class Dying:
    """A channel whose process ends after the mail server took the mail."""

    def deliver(self, mail: Mail, level: object) -> None:
        open_channels(SETTINGS)["buyers"].deliver(mail, None)
        raise Killed


def test_a_task_that_is_killed_while_it_sends_does_not_send_again(server: MailServer) -> None:
    with pytest.raises(Killed):
        send_once("2026-11-24", {"buyers": Dying()}, mail_for)
    assert send() == ["managers"]
    assert [message["To"] for message in server.messages] == ["buyers@shop.example", "managers@shop.example"]


def test_names_are_not_markup_and_an_account_without_data_is_a_sentence() -> None:
    named = (product(name=f"{ATTACK}Ёлка", offer_id=ATTACK, reasons=(ATTACK,)),)
    reported = replace(MAIN, transitions=replace(MAIN.transitions, turned_invisible=named))
    mail = mail_for("buyers", reported, replace(empty(), account="second"))
    assert "<script" not in mail.html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;Ёлка" in mail.html
    assert "Account second has not been loaded yet" in mail.text
    # Of an account without an earlier measurement no change is known.
    assert mail_for("buyers", MAIN, replace(SECOND, changes=dict.fromkeys(DAY))).subject.endswith("80.0 % visible")


def test_a_chat_gets_the_numbers_and_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    webhook = Server()
    address = {"path": webhook.url.replace("http:", "json:"), "tag": "all"}
    monkeypatch.setenv("AIRFLOW_CONN_OZON_CHAT", json.dumps({"conn_type": "apprise", "extra": {"config": address}}))
    chat = {"kind": "apprise", "connection": "ozon_chat", "receives": ["daily_report"]}
    channels = open_channels(alert_settings(channels={"chat": chat}), "daily_report")

    assert send_once("2026-11-24", channels, mail_for) == ["chat"]
    webhook.close()
    (taken,) = (asked.body for asked in webhook.asked)
    assert taken["type"] == "info"
    assert "Turned invisible since yesterday: 3" in taken["message"]
    (file,) = taken["attachments"]
    assert b"<!DOCTYPE html>" in base64.b64decode(file["base64"])
