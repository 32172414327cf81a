"""A real SMTP server on a free port, and the mails that it accepted."""

from __future__ import annotations

import email
import email.policy
import json
import socket
from email.message import EmailMessage
from types import TracebackType
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from include.ozon_local.connections import smtp_connection
from include.ozon_local.home import LOOPBACK
from tests.support.certificates import self_signed


class MailServer:
    """A context manager: an SMTP server that accepts every mail until ``refuse`` is called.

    With a login it requires STARTTLS and that login, as a provider's server on port 587 does.
    """

    def __init__(self, login: str = "", password: str = "") -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self._login = login
        self._password = password
        self._refusal: str | None = None
        self._unknown: set[str] = set()
        # Not 0: the controller connects to the port it was given.
        with socket.create_server((LOOPBACK, 0)) as free:
            self.port = int(free.getsockname()[1])
        asks_for_login = (
            {
                "tls_context": self_signed(),
                "require_starttls": True,
                "auth_required": True,
                "authenticator": self._authenticate,
            }
            if login
            else {}
        )
        # Without a host name the server would look up this machine's in the DNS.
        self._controller = Controller(
            self, hostname=LOOPBACK, port=self.port, server_hostname="mail.example", **asks_for_login
        )

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        if self._controller.server is not None:
            self._controller.stop()

    @property
    def connection(self) -> str:
        """The value of ``AIRFLOW_CONN_SMTP_DEFAULT``."""
        fields = json.loads(smtp_connection(LOOPBACK, self.port))
        if self._login:
            fields |= {"login": self._login, "password": self._password}
            # The certificate is self-signed.
            fields["extra"] |= {"disable_tls": False, "ssl_context": "none"}
        return json.dumps(fields)

    @property
    def subjects(self) -> list[str]:
        return [str(message["Subject"]) for message in self.messages]

    def refuse(self, reply: str | None = "550 No such mailbox") -> None:
        """Answer with ``reply`` from now on; None accepts mails again."""
        self._refusal = reply

    def refuse_recipient(self, address: str) -> None:
        """Refuse mails to this address; accept all others."""
        self._unknown.add(address)

    def accept_recipient(self, address: str) -> None:
        self._unknown.discard(address)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self._unknown:
            return "550 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 Known"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        if self._refusal:
            return self._refusal
        content = envelope.original_content or b""
        message = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 Taken"

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: object
    ) -> AuthResult:
        wanted = LoginPassword(self._login.encode(), self._password.encode())
        return AuthResult(success=given == wanted, handled=given == wanted)


def part(message: EmailMessage, kind: str) -> str:
    """Return the plain or html part of a mail, decoded."""
    body = message.get_body((kind,))
    assert body is not None, f"the mail has no {kind} part"
    return str(body.get_content()).replace("\r\n", "\n")
