"""The check of the warehouse's encryption, for sessions that no test can open: with another machine."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from include.ozon.adapter.connections.checks import encryption


def session(address: str, mode: str | None, is_encrypted: bool) -> Any:
    parameters = {"sslmode": mode} if mode else {}
    info = SimpleNamespace(
        host="db.example",
        hostaddr=address,
        pgconn=SimpleNamespace(ssl_in_use=is_encrypted),
        get_parameters=lambda: parameters,
    )
    return SimpleNamespace(info=info)


@pytest.mark.parametrize(
    ("address", "mode", "is_encrypted", "status", "words"),
    [
        ("127.0.0.1", None, False, "ok", "on this machine"),
        ("", None, False, "ok", "on this machine"),
        ("10.0.0.5", "verify-full", True, "ok", "certificate is verified"),
        ("10.0.0.5", None, False, "warning", "db.example is not encrypted (sslmode prefer)"),
        ("2001:db8::5", "require", True, "warning", "db.example is encrypted, but the server's certificate is not"),
    ],
)
def test_a_session_with_another_machine_is_verified(
    address: str, mode: str | None, is_encrypted: bool, status: str, words: str
) -> None:
    check = encryption(session(address, mode, is_encrypted))

    assert (check.name, check.status) == ("encryption", status)
    assert words in check.message
    assert ("verify-full" in check.message) == (status == "warning")
