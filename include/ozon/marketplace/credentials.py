"""The address and key of the Seller API from one account's Airflow connection."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import NoReturn
from urllib.parse import SplitResult, urlsplit

from include.ozon.errors import ConnectionSettingsError

OZON_BASE_URL = "https://api-seller.ozon.ru"


@dataclass(frozen=True)
class Credentials:
    """The address of the Seller API with the Client-Id and Api-Key of one account.

    ``source`` is the id of the connection, which every message names. ``repr`` leaves out the Api-Key, and the object
    cannot be pickled, so that the key never gets into a log or an XCom.

    Raises ConnectionSettingsError if a value is not valid.
    """

    base_url: str
    client_id: str
    api_key: str = field(repr=False)
    source: str
    allow_http: bool = False
    """Permission to send the key unencrypted to another machine, for a sandbox in a network of your own."""

    def __post_init__(self) -> None:
        self._check_base_url()
        object.__setattr__(self, "base_url", self.base_url.rstrip("/"))
        if not re.fullmatch(r"[1-9][0-9]*", self.client_id):
            # The value is not shown: login and password may have been swapped.
            found = "something else" if self.client_id else "nothing"
            self._refuse("login", "Ozon's Client-Id, a positive integer", found)
        if not re.fullmatch(r"[!-~]+", self.api_key):
            found = "a text with spaces or other characters" if self.api_key else "nothing"
            self._refuse("password", "the Api-Key that Ozon gave for this Client-Id", found)

    @property
    def host(self) -> str:
        """The host to connect to, with the port if the base URL has one."""
        return urlsplit(self.base_url).netloc

    def scrubbed(self, text: str) -> str:
        """Return ``text``, which a server sent, without the Api-Key."""
        return re.sub(re.escape(self.api_key), "***", text, flags=re.IGNORECASE)

    def __reduce__(self) -> NoReturn:
        raise TypeError("Credentials contain a key and cannot be pickled; read them from the connection instead")

    def _check_base_url(self) -> None:
        expected = f"the API's base URL with its scheme, such as {OZON_BASE_URL}"
        try:
            url = urlsplit(self.base_url)
            complete = url.scheme in ("http", "https") and bool(url.hostname) and _port_is_possible(url)
        except ValueError:
            complete = False
        if "@" in self.base_url:
            self._refuse("host", f"{expected}, without a password", "an @")
        if not complete or url.query or url.fragment or re.search(r"\s", self.base_url):
            self._refuse("host", expected, repr(self.base_url))
        if url.scheme == "http" and not (self.allow_http or _is_this_machine(url.hostname or "")):
            self._refuse(
                "host",
                "an https address, because the key would be sent unencrypted (a sandbox may have extra "
                '{"allow_http": true})',
                repr(self.base_url),
            )

    def _refuse(self, connection_field: str, expected: str, found: str) -> NoReturn:
        raise ConnectionSettingsError(
            f"Connection {self.source}: expected {connection_field} to be {expected}, found {found}. "
            f"Correct it in Airflow (Admin, Connections) or in the variable AIRFLOW_CONN_{self.source.upper()}."
        )


def _port_is_possible(url: SplitResult) -> bool:
    return url.port is None or url.port > 0


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
