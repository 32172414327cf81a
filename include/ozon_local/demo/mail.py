"""The channel of the demo's alerts: the mail catcher, with the date of the moved clock."""

from __future__ import annotations

import smtplib
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from include.ozon.monitoring.alerts.message import Mail
from include.ozon.settings import Settings
from include.ozon.settings.limits import AlertLevel
from include.ozon_local.moved_clock import MovedClock

_TIMEOUT_SECONDS = 10


class CatcherChannel:
    """Delivers to the mail catcher whatever the channel is configured to be: no real recipient gets a demo's mail."""

    def __init__(self, address: str, sender: str, recipients: Sequence[str], clock: MovedClock) -> None:
        self._host, _, port = address.partition(":")
        self._port = int(port)
        self._sender = sender
        self._recipients = list(recipients)
        self._clock = clock

    def deliver(self, mail: Mail, level: AlertLevel | None) -> None:
        """Raises OSError or SMTPException if the mail catcher does not take it."""
        message = EmailMessage()
        message["Subject"] = mail.subject
        message["From"] = self._sender
        message["To"] = ", ".join(self._recipients)
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = make_msgid(domain="ozon-etl.invalid")
        message.set_content(mail.text)
        message.add_alternative(mail.html, subtype="html")
        with smtplib.SMTP(self._host, self._port, local_hostname="localhost", timeout=_TIMEOUT_SECONDS) as server:
            server.send_message(message)


def catcher_channels(settings: Settings, address: str, clock: MovedClock) -> dict[str, CatcherChannel]:
    """Return a channel in place of each configured one."""
    return {
        name: CatcherChannel(
            address, settings.alerts.sender, getattr(channel, "recipients", ["demo@ozon.example"]), clock
        )
        for name, channel in settings.alerts.channels.items()
    }
