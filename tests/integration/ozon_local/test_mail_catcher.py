"""The mail catcher as a process."""

from __future__ import annotations

import email
import email.policy
import json
import mailbox
import smtplib
import socket
import stat
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from include.ozon.errors import FatalError
from include.ozon_local.home import LOOPBACK
from include.ozon_local.mail import MailCatcher
from tests.support import scratch


@pytest.fixture
def catcher() -> Iterator[MailCatcher]:
    catcher = MailCatcher(scratch.new_folder("mail"))
    yield catcher
    catcher.stop()


def send(catcher: MailCatcher, subject: str) -> None:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "etl@shop.example", "team@shop.example"
    message["Date"] = "Tue, 24 Nov 2026 11:00:00 +0000"
    message.set_content("Скрыто 12 товаров.")
    host, port = catcher.address.split(":")
    with smtplib.SMTP(host, int(port), timeout=10) as server:
        server.send_message(message)


def test_it_keeps_mails_and_stops_on_request(catcher: MailCatcher) -> None:
    catcher.start()
    catcher.start()
    send(catcher, "первое")
    send(catcher, "второе")

    box = mailbox.Maildir(catcher.inbox, create=False)
    kept = [email.message_from_bytes(box.get_bytes(key), policy=email.policy.default) for key in box.iterkeys()]
    assert {str(mail["Subject"]): str(mail.get_content()).strip() for mail in kept} == {  # type: ignore[attr-defined]
        "первое": "Скрыто 12 товаров.",
        "второе": "Скрыто 12 товаров.",
    }

    catcher.stop()
    assert not catcher.is_running()


def test_it_listens_on_this_machine_only_and_its_inbox_is_private(catcher: MailCatcher) -> None:
    catcher.start()

    assert catcher.address.startswith(f"{LOOPBACK}:")
    assert json.loads(catcher.connection())["host"] == LOOPBACK
    assert stat.S_IMODE(catcher.inbox.stat().st_mode) & 0o077 == 0


def test_mails_are_kept_across_restarts(catcher: MailCatcher) -> None:
    catcher.start()
    send(catcher, "первое")
    catcher.stop()
    catcher.start()
    send(catcher, "второе")

    assert len(list((catcher.inbox / "new").iterdir())) == 2


def test_it_moves_to_another_port_if_its_own_is_in_use(catcher: MailCatcher) -> None:
    catcher.start()
    port = int(catcher.address.split(":")[1])
    catcher.stop()

    with socket.create_server((LOOPBACK, port)):
        catcher.start()
        send(catcher, "первое")
        assert json.loads(catcher.connection())["port"] != port
    assert len(list((catcher.inbox / "new").iterdir())) == 1


def test_the_error_for_a_failed_start_has_the_reason(catcher: MailCatcher) -> None:
    catcher.inbox.parent.mkdir(parents=True)
    catcher.inbox.symlink_to("nowhere")

    with pytest.raises(FatalError, match="mail server did not start") as caught:
        catcher.start()
    assert "inbox" in str(caught.value)
    assert not catcher.is_running()
