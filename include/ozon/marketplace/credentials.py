"""What one account's Airflow connection says about the Seller API."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import SplitResult, urlsplit

from include.ozon.errors import ConnectionSettingsError

OZON_BASE_URL = "https://api-seller.ozon.ru"


@dataclass(frozen=True)
class Credentials:
    """Where the Seller API is and as whom to ask it.

    ``source`` is the id of the connection the three values come from, and is what every message names. The
    Api-Key stays out of ``repr``, and the whole object cannot be pickled, so that it gets into no log and no XCom.

    Raises ConnectionSettingsError where a value cannot be what it should be.
    """

    base_url: str
    client_id: str
    api_key: str = field(repr=False)
    source: str

    def __post_init__(self) -> None:
        self._check_base_url()
        object.__setattr__(self, "base_url", self.base_url.rstrip("/"))
        if not re.fullmatch(r"[1-9][0-9]*", self.client_id):
            # Not the value: login and password are easily given the wrong way round.
            found = "something else" if self.client_id else "nothing"
            self._refuse("login", "Ozon's Client-Id, a positive integer", found)
        if not re.fullmatch(r"[!-~]+", self.api_key):
            found = "something with spaces or other characters in it" if self.api_key else "nothing"
            self._refuse("password", "the Api-Key that Ozon gave for this Client-Id", found)

    @property
    def host(self) -> str:
        """The host to connect to, with the port where the base URL has one."""
        return urlsplit(self.base_url).netloc

    def scrubbed(self, text: str) -> str:
        """``text`` without the Api-Key, for what a server sent back."""
        return re.sub(re.escape(self.api_key), "***", text, flags=re.IGNORECASE)

    def __reduce__(self) -> NoReturn:
        raise TypeError("Credentials hold a key and are not pickled; read them from the connection where needed")

    def _check_base_url(self) -> None:
        expected = f"the API's base URL with its scheme, such as {OZON_BASE_URL}"
        try:
            url = urlsplit(self.base_url)
            complete = url.scheme in ("http", "https") and bool(url.hostname) and _port_is_possible(url)
        except ValueError:
            complete = False
        if "@" in self.base_url:
            self._refuse("host", f"{expected}, and no password in it", "an @")
        if not complete or url.query or url.fragment or re.search(r"\s", self.base_url):
            self._refuse("host", expected, repr(self.base_url))

    def _refuse(self, connection_field: str, expected: str, found: str) -> NoReturn:
        raise ConnectionSettingsError(
            f"Connection {self.source}: expected {connection_field} to be {expected}, found {found}. "
            f"Correct it in Airflow (Admin, Connections) or in the variable AIRFLOW_CONN_{self.source.upper()}."
        )


def _port_is_possible(url: SplitResult) -> bool:
    return url.port is None or url.port > 0
