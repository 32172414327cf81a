"""Invalid configurations, each with its error message."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from include.ozon_sandbox import config
from include.ozon_sandbox.errors import SandboxConfigurationError
from include.ozon_sandbox.sandbox import Sandbox

ACCOUNT = {"client_id": "5", "api_key": "for a test", "size": 1}
CONFIG = {"state": "tick.json", "accounts": {"main": ACCOUNT}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not a valid configuration"),
        ("\udcff", "is not a valid configuration"),
        ({}, "missing required field"),
        (CONFIG | {"sizes": 5}, "unknown field `sizes`"),
        (CONFIG | {"accounts": {}}, "accounts"),
        (CONFIG | {"rate_limit_per_second": 0}, "rate_limit_per_second"),
        (CONFIG | {"accounts": {"main": ACCOUNT | {"client_id": "0"}}}, "client_id"),
        (CONFIG | {"accounts": {"main": ACCOUNT | {"api_key": ""}}}, "api_key"),
        (CONFIG | {"accounts": {"main": ACCOUNT | {"size": 0}}}, "size"),
        (CONFIG | {"accounts": {"main": ACCOUNT | {"size": 1_000_001}}}, "size"),
        (CONFIG | {"accounts": {"main": ACCOUNT | {"key_expires_at": "2027-01-01T00:00:00"}}}, "key_expires_at"),
        (CONFIG | {"accounts": {"a": ACCOUNT, "b": ACCOUNT}}, "two accounts have the same client_id"),
    ],
)
def test_a_file_that_does_not_fit(tmp_path: Path, content: object, message: str) -> None:
    path = tmp_path / "sandbox.json"
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(SandboxConfigurationError, match=message):
        config.read(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SandboxConfigurationError, match="cannot be read: No such file"):
        config.read(tmp_path / "none.json")


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"tick": "two"}', '{"tick": -1}'])
def test_a_state_file_without_a_tick(tmp_path: Path, content: str) -> None:
    state = tmp_path / "tick.json"
    state.write_text(content)
    path = tmp_path / "sandbox.json"
    path.write_text(json.dumps(CONFIG | {"state": str(state)}))
    with pytest.raises(SandboxConfigurationError, match="state file"):
        Sandbox(config.read(path))


def test_no_key_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.json"
    path.write_text(json.dumps(CONFIG))
    assert "for a test" not in repr(config.read(path))
