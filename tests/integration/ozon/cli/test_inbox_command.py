"""``ozon alerts inbox``: the mails of a Maildir, listed and whole."""

from __future__ import annotations

import mailbox
import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.support.documents import data_of

Ozon = Callable[..., subprocess.CompletedProcess[str]]
Inbox = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    mailbox.Maildir(tmp_path / "inbox")
    return tmp_path / "inbox"


@pytest.fixture
def inbox(ozon: Ozon, folder: Path) -> Inbox:
    """``inbox("1", "--output", "json")`` shows the test's folder."""

    def inbox(*arguments: str, of: str = str(folder)) -> subprocess.CompletedProcess[str]:
        return ozon(None, "alerts", "inbox", *arguments, OZON__ALERTS__INBOX_FOLDER=of)

    return inbox


def keep(folder: Path, subject: str, arrived_at: datetime) -> None:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = subject, "etl@shop.example", "team@shop.example"
    mail.set_content(f"Скрыто 12 товаров: {subject}.")
    mail.add_alternative("<p>Скрыто 12 товаров.</p>", subtype="html")
    box = mailbox.Maildir(folder)
    key = box.add(mail)
    os.utime(folder / "new" / key, times=(arrived_at.timestamp(),) * 2)


@pytest.fixture
def three(folder: Path) -> None:
    """The mails are not added in the order of their arrival."""
    for minute, subject in ((2, "третье"), (0, "первое"), (1, "второе")):
        keep(folder, subject, datetime(2026, 11, 24, 11, minute, tzinfo=UTC))


@pytest.mark.usefixtures("three")
def test_mails_are_listed_newest_last_in_the_configured_time_zone(inbox: Inbox) -> None:
    listed = inbox()

    assert listed.returncode == 0, listed.stderr
    # 11:00 UTC is 14:00 in Moscow.
    assert listed.stdout.splitlines() == [
        "   1  2026-11-24 14:00  team@shop.example  первое",
        "   2  2026-11-24 14:01  team@shop.example  второе",
        "   3  2026-11-24 14:02  team@shop.example  третье",
    ]


@pytest.mark.usefixtures("three")
def test_the_last_ones_keep_their_numbers_also_as_json(inbox: Inbox) -> None:
    (only,) = data_of(inbox("--last", "1", "--output", "json").stdout)

    assert only == {"number": 3, "date": "2026-11-24 14:02", "to": "team@shop.example", "subject": "третье"}


@pytest.mark.usefixtures("three")
def test_one_is_shown_whole(inbox: Inbox) -> None:
    shown = inbox("2").stdout

    assert "From:    etl@shop.example" in shown
    assert "Subject: второе" in shown
    assert "Скрыто 12 товаров: второе." in shown
    assert "<p>" not in shown
    assert data_of(inbox("2", "--output", "json").stdout)["text"].strip() == "Скрыто 12 товаров: второе."


def test_an_empty_inbox_is_one_sentence(inbox: Inbox, tmp_path: Path) -> None:
    for done in (inbox(), inbox(of=str(tmp_path / "none"))):
        assert (done.returncode, done.stdout.count("\n")) == (0, 1)
        assert done.stdout.startswith("The inbox is empty")


def test_an_error_is_one_sentence(inbox: Inbox, tmp_path: Path) -> None:
    for done, sentence in (
        (inbox(of=""), "Expected alerts.inbox_folder to name the Maildir of a mail catcher; it is not set."),
        (inbox("3"), "Expected the number of a mail, found 3: the inbox has 0 mails."),
        (inbox(of=str(tmp_path)), "expected the Maildir of the mail catcher"),
    ):
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        (line,) = done.stderr.splitlines()
        assert line.startswith("ozon: ")
        assert sentence in line


def test_a_mail_of_somebody_elses_making_does_not_disturb_the_others(inbox: Inbox, folder: Path) -> None:
    (folder / "new" / "strange").write_bytes(b"\xff\xfe no header at all")
    keep(folder, "настоящее", datetime(2099, 1, 1, tzinfo=UTC))

    listed = inbox()

    assert listed.returncode == 0, listed.stderr
    assert "настоящее" in listed.stdout.splitlines()[1]
    assert inbox("1").returncode == 0
