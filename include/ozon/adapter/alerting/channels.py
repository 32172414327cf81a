"""Channels of notifications, on Airflow's connections: e-mail, and whatever Apprise knows."""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Mapping
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from typing import Literal

import apprise
from airflow.providers.apprise.hooks.apprise import AppriseHook
from airflow.providers.smtp.hooks.smtp import SmtpHook
from airflow.sdk.exceptions import AirflowException
from apprise.attachment.memory import AttachMemory

from include.ozon.adapter.connections.lookup import require_connection
from include.ozon.errors import ConnectionSettingsError, RetriableError
from include.ozon.monitoring.alerts.message import Mail
from include.ozon.monitoring.alerts.sender import Channel
from include.ozon.settings import Settings
from include.ozon.settings.limits import AlertLevel

logger = logging.getLogger("ozon.alerts")

# The sender is one task for all alerts: a mail server that hangs must not keep the other channels waiting for minutes.
_TIMEOUT_SECONDS = 15
_RETRIES = 1

_NOTIFY_TYPES: Mapping[AlertLevel | None, apprise.NotifyType] = {
    "critical": apprise.NotifyType.FAILURE,
    "warning": apprise.NotifyType.WARNING,
    None: apprise.NotifyType.INFO,
}

# By default a subject of more than 78 characters is folded before its first word, and some programs show that.
_POLICY = SMTP.clone(max_line_length=240)


class ChannelError(RetriableError):
    """A channel did not take a message; the next sending tries again."""


def open_channels(settings: Settings, receiving: Literal["alerts", "daily_report", ""] = "") -> dict[str, Channel]:
    """Return the configured channels by name: all, or those that receive this.

    Connections are read when something is delivered, not before.
    """
    channels: dict[str, Channel] = {}
    for name, channel in settings.alerts.channels.items():
        if receiving and receiving not in channel.receives:
            continue
        if channel.kind == "email":
            channels[name] = EmailChannel(channel.connection, channel.recipients, settings.alerts.sender)
        else:
            channels[name] = AppriseChannel(channel.connection)
    return channels


class EmailChannel:
    """Mails with a plain and an HTML part, which Airflow's own notifier does not send."""

    def __init__(self, connection_id: str, recipients: list[str], sender: str) -> None:
        self._connection_id = connection_id
        self._recipients = recipients
        self._sender = sender

    def deliver(self, mail: Mail, level: AlertLevel | None) -> None:
        """Raises ConnectionSettingsError if the connection is missing or wrong, ChannelError if no mail goes out."""
        require_connection(self._connection_id)
        try:
            with MailHook(self._connection_id) as server:
                server.send(self._message(mail, server.from_email or self._sender, level), self._recipients)
        except ValueError:
            raise ConnectionSettingsError(
                f"Connection {self._connection_id}: expected extra to contain from_email (an address), timeout "
                "(seconds above 0), retry_limit, disable_ssl and disable_tls, each optional; found something else."
            ) from None
        except (OSError, RuntimeError, smtplib.SMTPException, AirflowException) as error:
            # The server's own words may quote what was sent to it.
            raise ChannelError(
                f"The mail server of connection {self._connection_id} takes no mail ({type(error).__name__}"
                f"{_reply_code(error)}). Check that it runs, the connection's host, port, login, disable_ssl "
                "and disable_tls, and the recipients."
            ) from None

    def _message(self, mail: Mail, sender: str, level: AlertLevel | None) -> EmailMessage:
        message = EmailMessage(policy=_POLICY)
        message["Subject"] = mail.subject
        message["From"] = sender
        message["To"] = ", ".join(self._recipients)
        message["Date"] = formatdate(localtime=True)
        message["Message-ID"] = make_msgid(domain="ozon-etl.invalid")
        message["Auto-Submitted"] = "auto-generated"
        if level == "critical":
            message["Importance"] = "high"
        message.set_content(mail.text)
        message.add_alternative(mail.html, subtype="html")
        for file in mail.attachments:
            message.add_attachment(file.content, maintype="text", subtype="html", filename=file.name)
        return message


class MailHook(SmtpHook):
    """The provider's connection to the mail server, for a message that is made elsewhere."""

    def __enter__(self) -> MailHook:
        self.get_conn()
        return self

    @property
    def timeout(self) -> int:
        return min(super().timeout, _TIMEOUT_SECONDS)

    @property
    def smtp_retry_limit(self) -> int:
        return min(super().smtp_retry_limit, _RETRIES)

    def send(self, message: EmailMessage, recipients: list[str]) -> None:
        """Raises SMTPRecipientsRefused if the server refuses all recipients.

        If it refuses some, that is logged: sent again, the mail would reach the others a second time.
        """
        if not isinstance(self._smtp_client, smtplib.SMTP):
            raise smtplib.SMTPServerDisconnected("not connected")
        for recipient, (code, _) in self._smtp_client.send_message(message, to_addrs=recipients).items():
            logger.error(
                "The mail server of connection %s refuses the recipient %s (reply %s); the others got the mail. "
                "Correct the channel's recipients.",
                self.smtp_conn_id,
                recipient,
                code,
            )


class AppriseChannel:
    """Telegram, Slack, a webhook: any address that Apprise knows, out of a connection of type ``apprise``."""

    def __init__(self, connection_id: str) -> None:
        self._connection_id = connection_id

    def deliver(self, mail: Mail, level: AlertLevel | None) -> None:
        """Raises ConnectionSettingsError if the connection is missing or wrong, ChannelError if no address takes it.

        If only some take it, that is logged: sent again, it would reach those a second time. The provider's own
        ``notify`` does not return whether anything was delivered, so its hook only reads the connection.
        """
        services = apprise_services(self._connection_id)
        kind = _NOTIFY_TYPES[level]
        # A service that supports no attachments gets the text alone.
        files = [
            AttachMemory(file.content, name=file.name, mimetype="text/html")  # type: ignore[no-untyped-call]
            for file in mail.attachments
        ]
        took = [
            bool(
                service.notify(
                    body=mail.chat_text,
                    title=mail.chat_title,
                    notify_type=kind,
                    body_format=apprise.NotifyFormat.TEXT,
                    attach=files or None,
                )
            )
            for service in services
        ]
        if not any(took):
            raise ChannelError(
                f"Apprise could not deliver by connection {self._connection_id}. Check its addresses, and that their "
                "services can be reached from here."
            )
        for place, is_delivered in enumerate(took, start=1):
            if not is_delivered:
                logger.error(
                    "Address %s of connection %s took no message; the others got it.", place, self._connection_id
                )


def apprise_services(connection_id: str) -> list[apprise.Apprise]:
    """Return one service for each address of a connection of type ``apprise``.

    Raises ConnectionSettingsError if it is missing, or names an address that Apprise does not know, which the
    provider's hook would skip.
    """
    connection = require_connection(connection_id)
    # Both log addresses, and an address contains its token.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    logging.getLogger("urllib3").setLevel(logging.INFO)
    try:
        config = AppriseHook(connection_id).get_config_from_conn(connection)
        services = _services([address["path"] for address in (config if isinstance(config, list) else [config])])
    except (KeyError, TypeError, ValueError):
        raise ConnectionSettingsError(
            f"Connection {connection_id} names no address, or one that Apprise does not know. Expected extra "
            'to be {"config": {"path": "<address>", "tag": "all"}} or with a list of such as its config.'
        ) from None
    return services


def _services(addresses: list[str]) -> list[apprise.Apprise]:
    services = []
    for address in addresses:
        service = apprise.Apprise()
        if not service.add(address):
            raise ValueError("an address that Apprise does not know")
        services.append(service)
    if not services:
        raise ValueError("no address")
    return services


def _reply_code(error: Exception) -> str:
    code = getattr(error, "smtp_code", None)
    if code is None and isinstance(error, smtplib.SMTPRecipientsRefused):
        refused: Mapping[str, tuple[int, bytes]] = error.recipients
        code = next((reply[0] for reply in refused.values()), None)
    return f", reply {code}" if code else ""
