"""The sandbox's configuration file, a JSON object.

``seed`` and each account's name and fields determine its catalogue. ``state`` is the file that stores the ticks.
``rate_limit_per_second`` applies to one Client-Id, ``analytics_seconds_between_requests`` to
``/v1/analytics/stocks``. A method's circuit opens for ``circuit_open_seconds`` after ``circuit_refusals`` refused
requests in ten seconds. ``faults`` are switched on from the start (see ``faults``).
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, field

from include.ozon_sandbox.errors import SandboxConfigurationError
from include.ozon_sandbox.vocabulary import CURRENCIES

Positive = Annotated[int, Meta(ge=1)]


class Account(Struct, frozen=True, forbid_unknown_fields=True):
    """A seller account; ``key_expires_at`` is in 60 days by default.

    ``ticks_per_situation`` above 1 makes its life calmer: situations and prices last that many times longer, and
    products are added that many times more rarely. ``currency`` is that of all products; by default most are sold in
    roubles. ``tick_0_at`` is the moment of tick 0.
    """

    client_id: Annotated[str, Meta(pattern="^[1-9][0-9]*$")]
    api_key: Annotated[str, Meta(min_length=1)]
    size: Annotated[int, Meta(ge=1, le=1_000_000)]
    key_expires_at: Annotated[dt.datetime, Meta(tz=True)] = field(
        default_factory=lambda: dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(days=60)
    )
    ticks_per_situation: Positive = 1
    currency: str | None = None
    tick_0_at: Annotated[dt.datetime, Meta(tz=True)] | None = None

    def __post_init__(self) -> None:
        known = [code for code, _ in CURRENCIES]
        if self.currency is not None and self.currency not in known:
            raise ValueError(f"unknown currency {self.currency!r}; expected one of {', '.join(known)}")

    def __repr__(self) -> str:
        return f"Account(client_id={self.client_id!r}, size={self.size})"


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    state: str
    accounts: Annotated[dict[str, Account], Meta(min_length=1)]
    seed: int = 1
    rate_limit_per_second: Positive = 50
    analytics_seconds_between_requests: Annotated[float, Meta(ge=0)] = 3.0
    circuit_refusals: Positive = 50
    circuit_open_seconds: Annotated[float, Meta(gt=0)] = 120.0
    faults: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        client_ids = [account.client_id for account in self.accounts.values()]
        if len(set(client_ids)) < len(client_ids):
            raise ValueError("two accounts have the same client_id")


def read(path: Path) -> Config:
    """Read the file. Raises SandboxConfigurationError with one sentence if it cannot be used."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Config)
    except OSError as error:
        raise SandboxConfigurationError(f"{path} cannot be read: {error.strerror}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SandboxConfigurationError(f"{path} is not a valid configuration: {error}.") from error
