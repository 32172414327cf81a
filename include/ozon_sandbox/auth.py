"""Authentication by the headers ``Client-Id`` and ``Api-Key``."""

from __future__ import annotations

import datetime as dt
import hmac
import re
from collections.abc import Mapping

from include.ozon_sandbox import errors
from include.ozon_sandbox.config import Account

_POSITIVE_INTEGER = re.compile(r"[0-9]*[1-9][0-9]*", re.ASCII)


def account_of(headers: Mapping[str, str], accounts: Mapping[str, Account]) -> str:
    """Return the name of the account whose key was sent. Raises the ApiError that Ozon would answer with."""
    client_id, api_key = headers.get("client-id"), headers.get("api-key")
    if not client_id or not api_key:
        raise errors.headers_missing()
    if not _POSITIVE_INTEGER.fullmatch(client_id):
        raise errors.client_id_malformed()
    for name, account in accounts.items():
        if account.client_id == client_id and hmac.compare_digest(account.api_key.encode(), api_key.encode()):
            if account.key_expires_at <= dt.datetime.now(dt.UTC):
                raise errors.key_deactivated()
            return name
    raise errors.key_unknown()
