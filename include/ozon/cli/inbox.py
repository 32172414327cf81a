"""``ozon alerts inbox``: the mails that this machine's mail catcher has received."""

from __future__ import annotations

import email.policy
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Annotated

import typer

from include.ozon.cli.common import Output, print_json
from include.ozon.configuration import load_settings
from include.ozon.errors import ConfigurationError
from include.ozon.settings import Settings
from include.ozon.words import count_of


@dataclass(frozen=True)
class _Kept:
    """A mail's file, and when it arrived."""

    file: Path
    arrived_at: datetime

    def read(self) -> EmailMessage:
        return BytesParser(EmailMessage, policy=email.policy.default).parsebytes(self.file.read_bytes())


def inbox(
    number: Annotated[int | None, typer.Argument(min=1, help="The mail to show whole; 1 is the oldest.")] = None,
    last: Annotated[int, typer.Option(min=1, help="How many to list.")] = 20,
    output: Output = "text",
) -> None:
    """List the mails of the mail catcher, newest last, or show one.

    Example: ozon alerts inbox 3
    """
    settings = load_settings()
    kept = _kept(settings)
    if number is not None:
        _show(kept, number, output, settings)
        return
    numbered = list(enumerate(kept, start=1))[-last:]
    if output == "json":
        print_json("inbox", [_heading(n, mail, mail.read(), settings) for n, mail in numbered])
    elif not numbered:
        typer.echo("The inbox is empty: this machine's mail catcher has received no mail.")
    else:
        for n, mail in numbered:
            heading = _heading(n, mail, mail.read(), settings)
            typer.echo(f"{n:>4}  {heading['date']}  {heading['to']}  {heading['subject']}")


def _kept(settings: Settings) -> list[_Kept]:
    """Return the mails in the order in which they arrived."""
    folder = settings.alerts.inbox_folder
    if not folder:
        raise ConfigurationError(
            "Expected alerts.inbox_folder to name the Maildir of a mail catcher; it is not set. `make services` "
            'starts one and `eval "$(make -s env)"` sets it; elsewhere mails go to the server of smtp_default.'
        )
    if not Path(folder).exists():
        return []
    try:
        # As a Maildir is made: the mails in `new`, and in `cur` once a mail program has seen them.
        files = [file for part in ("new", "cur") for file in Path(folder, part).iterdir() if file.is_file()]
        by_arrival = sorted((file.stat().st_mtime_ns, file.name, file) for file in files)
    except OSError as error:
        raise ConfigurationError(
            f"alerts.inbox_folder: expected the Maildir of the mail catcher, found {folder} ({error.strerror})."
        ) from error
    return [_Kept(file, datetime.fromtimestamp(arrived / 1e9, tz=UTC)) for arrived, _, file in by_arrival]


def _show(kept: list[_Kept], number: int, output: str, settings: Settings) -> None:
    if number > len(kept):
        raise ConfigurationError(
            f"Expected the number of a mail, found {number}: the inbox has {count_of(len(kept), 'mail')}."
        )
    mail = kept[number - 1].read()
    heading = _heading(number, kept[number - 1], mail, settings)
    body = mail.get_body(("plain", "html"))
    text = str(body.get_content()) if body else ""
    if output == "json":
        print_json("mail", {**heading, "text": text})
    else:
        typer.echo(
            f"From:    {mail['From']}\nTo:      {heading['to']}\nDate:    {heading['date']}\n"
            f"Subject: {heading['subject']}\n\n{text}"
        )


def _heading(number: int, kept: _Kept, mail: EmailMessage, settings: Settings) -> dict[str, int | str]:
    arrived_at = settings.in_time_zone(kept.arrived_at)
    return {
        "number": number,
        "date": f"{arrived_at:%Y-%m-%d %H:%M}",
        "to": str(mail["To"]),
        "subject": str(mail["Subject"]),
    }
