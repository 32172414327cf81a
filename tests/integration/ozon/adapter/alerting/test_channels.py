"""Mails and webhooks that really go out: to an SMTP server and a web server of the test's own."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator

import pytest

from include.ozon.adapter.alerting.channels import AppriseChannel, ChannelError, EmailChannel, MailHook, open_channels
from include.ozon.configuration import load_settings
from include.ozon.errors import ConnectionSettingsError
from include.ozon.monitoring.alerts.message import Mail
from include.ozon_local.connections import smtp_connection
from include.ozon_local.home import LOOPBACK
from tests.support.mail import MailServer, part
from tests.support.scripted_server import Answer, Server

MAIL = Mail(
    subject="[Ozon ETL testing] CRITICAL: скрыто товаров - Лавка «Чай & Ко»",
    text="Скрыто 12 товаров.\n" + "длинная строка " * 200,
    html="<!doctype html><p>Скрыто 12 товаров.</p>",
    chat_title="Скрыто товаров - Лавка",
    chat_text="Скрыто 12 товаров, коротко.\n",
)
CONNECTION = "AIRFLOW_CONN_SMTP_DEFAULT"
PASSWORD = "correct-horse-battery-staple"
TOKEN = "webhook-part-that-nobody-may-see"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    with MailServer() as running:
        monkeypatch.setenv(CONNECTION, running.connection)
        yield running


def channel(*recipients: str) -> EmailChannel:
    return EmailChannel("smtp_default", list(recipients) or ["team@shop.example"], "etl@shop.example")


def test_a_mail_arrives_with_both_parts_and_cyrillic_intact(server: MailServer) -> None:
    channel().deliver(MAIL, "critical")

    (message,) = server.messages
    assert message["Subject"] == MAIL.subject
    assert message.get_content_type() == "multipart/alternative"
    assert part(message, "plain").strip() == MAIL.text.strip()
    assert part(message, "html").strip() == MAIL.html
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"]
    assert max(len(line) for line in message.as_bytes().splitlines()) < 998


def test_all_recipients_get_it(server: MailServer) -> None:
    channel("a@shop.example", "b@shop.example").deliver(MAIL, "warning")

    assert server.recipients == [["a@shop.example", "b@shop.example"]]
    assert server.messages[0]["To"] == "a@shop.example, b@shop.example"


def test_the_connections_sender_comes_before_the_configured_one(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel().deliver(MAIL, "warning")
    fields = json.loads(server.connection)
    del fields["extra"]["from_email"]
    monkeypatch.setenv(CONNECTION, json.dumps(fields))
    channel().deliver(MAIL, "warning")

    assert [message["From"] for message in server.messages] == ["ozon-etl@ozon.example", "etl@shop.example"]


def test_a_server_that_refuses_is_an_error_with_its_reply(server: MailServer) -> None:
    server.refuse("550 No such mailbox")

    with pytest.raises(ChannelError, match=r"smtp_default takes no mail .*reply 550"):
        channel().deliver(MAIL, "warning")
    assert server.messages == []


def test_one_recipient_that_is_refused_does_not_make_the_others_get_it_twice(
    server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.refuse_recipient("left@shop.example")

    channel("left@shop.example", "b@shop.example").deliver(MAIL, "warning")
    assert server.recipients == [["b@shop.example"]]
    assert "refuses the recipient left@shop.example (reply 550)" in caplog.text

    with pytest.raises(ChannelError, match="reply 550"):
        channel("left@shop.example").deliver(MAIL, "warning")


def test_a_server_that_asks_for_tls_and_a_login_gets_both(monkeypatch: pytest.MonkeyPatch) -> None:
    with MailServer("robot", PASSWORD) as server:
        monkeypatch.setenv(CONNECTION, server.connection)
        channel().deliver(MAIL, "warning")

    assert server.subjects == [MAIL.subject]


def test_a_wrong_password_is_an_error_without_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with MailServer("robot", PASSWORD) as server:
        fields = json.loads(server.connection) | {"password": f"{PASSWORD}-of-last-year"}
        monkeypatch.setenv(CONNECTION, json.dumps(fields))
        with caplog.at_level(logging.INFO), pytest.raises(ChannelError, match="reply 535") as caught:
            channel().deliver(MAIL, "warning")

    assert PASSWORD not in str(caught.value)
    assert server.messages == []


@pytest.mark.parametrize(
    "extra", [{"timeout": 0}, {"timeout": "soon"}, {"from_email": "a@shop.example\r\nBcc: b@x.example"}]
)
def test_a_connection_with_a_wrong_extra_is_an_error(
    extra: dict[str, object], server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = json.loads(server.connection)
    fields["extra"] |= extra
    monkeypatch.setenv(CONNECTION, json.dumps(fields))

    with pytest.raises(ConnectionSettingsError, match="Connection smtp_default: expected extra to contain"):
        channel().deliver(MAIL, "warning")
    assert server.messages == []


def test_a_server_that_hangs_is_not_waited_for_as_long_as_airflow_would(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By itself it waits six times for half a minute, and the task that sends has five minutes for all channels."""
    fields = json.loads(server.connection)
    fields["extra"] = {"disable_ssl": True, "disable_tls": True}
    monkeypatch.setenv(CONNECTION, json.dumps(fields))

    with MailHook("smtp_default") as hook:
        assert hook.timeout * (hook.smtp_retry_limit + 1) <= 30


def test_a_server_that_is_down_is_an_error(server: MailServer) -> None:
    server.stop()

    with pytest.raises(ChannelError, match="Check that it runs"):
        channel().deliver(MAIL, "warning")


def test_a_server_that_says_nothing_is_not_waited_for_longer_than_its_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((LOOPBACK, 0)) as silent:
        fields = json.loads(smtp_connection(LOOPBACK, silent.getsockname()[1]))
        fields["extra"] |= {"timeout": 1, "retry_limit": 5}
        monkeypatch.setenv(CONNECTION, json.dumps(fields))

        with pytest.raises(ChannelError, match="takes no mail"):
            channel().deliver(MAIL, "warning")


def test_a_missing_connection_is_an_error_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CONNECTION, raising=False)

    with pytest.raises(ConnectionSettingsError, match="no connection smtp_default"):
        channel().deliver(MAIL, "warning")


def test_the_configuration_says_which_channels_there_are() -> None:
    settings = load_settings(environment="testing", environ={})

    assert [(name, type(one)) for name, one in open_channels(settings).items()] == [("team", EmailChannel)]


def address(server: Server) -> str:
    """As Apprise names a web server that takes its JSON."""
    return f"{server.url.replace('http:', 'json:')}/{TOKEN}"


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    server = Server()
    apprise_connection(monkeypatch, {"path": address(server), "tag": "all"})
    yield server
    server.close()


def apprise_connection(monkeypatch: pytest.MonkeyPatch, config: object) -> None:
    fields = {"conn_type": "apprise", "extra": {"config": config}}
    monkeypatch.setenv("AIRFLOW_CONN_OZON_CHAT", json.dumps(fields))


def test_apprise_delivers_the_short_text(webhook: Server) -> None:
    AppriseChannel("ozon_chat").deliver(MAIL, "critical")

    (taken,) = (asked.body for asked in webhook.asked)
    assert taken["title"] == MAIL.chat_title
    assert taken["message"].strip() == MAIL.chat_text.strip()
    assert taken["type"] == "failure"


def test_what_apprise_could_not_deliver_is_an_error_without_its_address(
    webhook: Server, caplog: pytest.LogCaptureFixture
) -> None:
    webhook.answers = [Answer(500)]

    with caplog.at_level(logging.DEBUG), pytest.raises(ChannelError, match="by connection ozon_chat") as caught:
        AppriseChannel("ozon_chat").deliver(MAIL, "critical")
    assert TOKEN not in str(caught.value)
    assert TOKEN not in caplog.text


def test_one_address_that_fails_does_not_make_the_others_get_it_twice(
    webhook: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    apprise_connection(monkeypatch, [{"path": f"json://{LOOPBACK}:1/{TOKEN}"}, {"path": address(webhook)}])

    AppriseChannel("ozon_chat").deliver(MAIL, "critical")

    assert len(webhook.asked) == 1
    assert "Address 1 of connection ozon_chat took no message" in caplog.text
    assert TOKEN not in caplog.text


@pytest.mark.parametrize(
    "config",
    [
        {},
        [],
        "nonsense",
        7,
        {"path": f"nosuchservice://{TOKEN}"},
        # The good one alone would hide that the other never gets anything.
        [{"path": f"json://{LOOPBACK}/{TOKEN}"}, {"path": f"nosuchservice://{TOKEN}"}],
    ],
)
def test_a_connection_without_a_usable_address_is_an_error(
    config: object, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    apprise_connection(monkeypatch, config)

    with (
        caplog.at_level(logging.DEBUG),
        pytest.raises(ConnectionSettingsError, match="Connection ozon_chat names no address") as caught,
    ):
        AppriseChannel("ozon_chat").deliver(MAIL, "warning")
    assert TOKEN not in str(caught.value) + caplog.text
