"""An alert, and what there is to tell about a group of them."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from include.ozon.settings.limits import AlertLevel

Key = tuple[str, str | None, str]
"""What makes two alerts the same: rule, account and subject."""


@dataclass(frozen=True)
class Event:
    """Something that happened once and has no state to recover from: a failed task, a missed deadline.

    ``subject`` tells events of one rule apart, such as ``ozon_etl.product_etl``. ``caused_by`` names the rules of
    which this is a mere consequence where they are violated, such as ``warehouse_reachable``. ``link`` is an
    address that helps, ``details`` are further lines for the mail.
    """

    rule: str
    subject: str
    level: AlertLevel
    message: str
    happened_at: datetime
    account: str | None = None
    caused_by: tuple[str, ...] = ()
    link: str = ""
    details: tuple[str, ...] = ()
    value: float | None = None
    threshold: float | None = None

    def as_dict(self) -> dict[str, Any]:
        return _plain(asdict(self))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        return cls(
            **values
            | {
                "happened_at": datetime.fromisoformat(values["happened_at"]),
                "caused_by": tuple(values["caused_by"]),
                "details": tuple(values["details"]),
            }
        )


@dataclass(frozen=True)
class Alert:
    """A row of ``alerts``; open until ``recovered_at``.

    ``last_sent_at`` and ``sent_level`` are when and at which level its incident was last told, also where it joined
    after that; ``sent_count`` counts the messages that it was in. ``suppressed_by`` names the rule of which it is a
    consequence, as long as that keeps it from being told. ``pending_channels`` are those that could not deliver the
    last message.
    """

    rule: str
    account: str | None
    subject: str
    level: AlertLevel
    opened_at: datetime
    last_seen_at: datetime
    message: str
    value: float | None = None
    threshold: float | None = None
    last_sent_at: datetime | None = None
    sent_count: int = 0
    sent_level: AlertLevel | None = None
    acknowledged_at: datetime | None = None
    recovered_at: datetime | None = None
    suppressed_by: str | None = None
    is_event: bool = False
    pending_channels: tuple[str, ...] = ()
    alert_id: str = ""

    def __post_init__(self) -> None:
        if not self.alert_id:
            object.__setattr__(self, "alert_id", secrets.token_hex(4))

    @property
    def key(self) -> Key:
        return (self.rule, self.account, self.subject)

    @property
    def is_open(self) -> bool:
        return self.recovered_at is None

    def as_dict(self) -> dict[str, Any]:
        return _plain(asdict(self))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        moments = {
            field.name: datetime.fromisoformat(values[field.name])
            for field in fields(cls)
            if field.name.endswith("_at") and values.get(field.name)
        }
        return cls(**values | moments | {"pending_channels": tuple(values["pending_channels"])})


class Kind(StrEnum):
    OPENED = "opened"
    WORSE = "worse"
    REPEAT = "repeat"
    RECOVERED = "recovered"


@dataclass(frozen=True)
class Notice:
    """One message for one cause: the alerts that belong together, and why it is sent now.

    ``details`` are further lines such as the products concerned; ``links`` addresses of runs, logs and reports.
    """

    kind: Kind
    group: str
    level: AlertLevel
    alerts: tuple[Alert, ...]
    channels: tuple[str, ...]
    details: tuple[str, ...] = ()
    links: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mail:
    """A message ready to go out by any channel; ``text`` says the same as ``html``."""

    subject: str
    text: str
    html: str


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}
