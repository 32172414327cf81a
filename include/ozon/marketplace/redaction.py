"""Redaction of Ozon's texts, so that they may leave the company."""

from __future__ import annotations

import re
from collections.abc import Iterable

from include.ozon.marketplace.credentials import Credentials

# A value of an enumeration is short and has few digits; an article, a phone number or an id has more.
_WORD = re.compile(r"[\w /,()%+-]{1,40}|[A-Za-z_]{1,80}")
_MAX_DIGITS_COUNT = 3
_METHOD = re.compile(r"/v[0-9]{1,2}(/[a-z-]{1,30}){1,8}")
# From the first quotation mark to the last one, because a quoted name may contain quotation marks.
_QUOTED = re.compile(r"""["«“„”`{\[].*["»”“`}\]]|["«“„`{\[].*|(?<!\w)'.*""")
_READ_CHARACTERS_COUNT = 4_000
_LONGEST_TOKEN = 40
_SHOWN_CHARACTERS_COUNT = 200


class Redactor:
    """Removes ``secrets`` and everything that may identify somebody from texts."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        longest_first = sorted({secret for secret in secrets if secret}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)", re.IGNORECASE)

    @classmethod
    def of(cls, credentials: Credentials) -> Redactor:
        """Return the redactor of one account, whose secrets are the key, Client-Id, address and connection id."""
        own = (credentials.api_key, credentials.client_id, credentials.base_url, credentials.host, credentials.source)
        return cls(own)

    def is_word(self, text: str) -> bool:
        """Return whether ``text`` looks like a value of an enumeration and not like an id, name, address or secret."""
        return bool(
            _WORD.fullmatch(text)
            and sum(character.isdigit() for character in text) <= _MAX_DIGITS_COUNT
            and not self._secrets.search(text)
        )

    def message(self, text: str) -> str:
        """Return an error's message without secrets, quoted text, addresses and words with digits."""
        known = self._secrets.sub("<secret>", text)[:_READ_CHARACTERS_COUNT]
        printable = "".join(character if character.isprintable() else " " for character in known)
        shown = " ".join(_token(token) for token in _QUOTED.sub("<quoted>", printable).split())
        return shown if len(shown) <= _SHOWN_CHARACTERS_COUNT else shown[:_SHOWN_CHARACTERS_COUNT] + "..."


def is_method(text: str) -> bool:
    """Return whether ``text`` is a method of the API, for example ``/v3/product/list``."""
    return bool(_METHOD.fullmatch(text))


def _token(token: str) -> str:
    if is_method(token.strip(".,:;()")):
        return token
    if "@" in token:
        return "<e-mail>"
    if "://" in token or re.search(r"[a-z0-9-]\.[a-z]{2}", token):
        return "<address>"
    if any(character.isdigit() for character in token):
        return "<number>"
    return token if len(token) <= _LONGEST_TOKEN else "<long>"
