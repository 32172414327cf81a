"""Results of checks and metrics, judged by their rules."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from include.ozon.monitoring.rule import Rule
from include.ozon.settings import Settings
from include.ozon.settings.limits import Above, Bounds, State
from include.ozon.translation import N_
from include.ozon.words import one_line


class Status(StrEnum):
    OK = N_("ok")
    WARNING = N_("warning")
    CRITICAL = N_("critical")
    UNKNOWN = N_("unknown")
    """There is nothing to measure yet."""
    ERROR = N_("error")
    """The check itself failed."""


MESSAGE_LENGTH = 2_000
FROM_BEST_TO_WORST = (Status.OK, Status.UNKNOWN, Status.ERROR, Status.WARNING, Status.CRITICAL)


@dataclass(frozen=True)
class CheckResult:
    """The result of one check for one account, or for the whole installation (``account`` None).

    ``check`` is the name of the rule that judged ``value``. ``threshold`` is the limit that was crossed, or the
    nearest one. The message of an ERROR is its reason.
    """

    area: str
    check: str
    account: str | None
    status: Status
    value: float | None
    threshold: float | None
    message: str
    duration_seconds: float = 0.0

    def __post_init__(self) -> None:
        # An error may quote anything, and neither PostgreSQL nor JSON can store every character.
        object.__setattr__(self, "message", one_line(self.message, MESSAGE_LENGTH))

    def as_dict(self) -> dict[str, Any]:
        """Return the result as types that JSON and Airflow's XCom support."""
        return asdict(self) | {"status": str(self.status)}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        return cls(**fields | {"status": Status(fields["status"])})


@dataclass(frozen=True)
class Judgement:
    """A judged measurement, before its area, account and duration are added."""

    status: Status
    message: str
    value: float | None = None
    threshold: float | None = None


def judge(settings: Settings, rule: Rule[Bounds], value: float, text: str, *, count: int | None = None) -> Judgement:
    """Compare a value with the limits of a rule; ``text`` has no full stop.

    ``count`` is the whole that the value is a share of. Below the rule's ``min_count`` the value is always OK.
    """
    limits = rule.limits_in(settings)
    is_worse = operator.gt if isinstance(limits, Above) else operator.lt
    side = "above" if isinstance(limits, Above) else "below"
    status, threshold = Status.OK, limits.warning
    if limits.enabled and not (count is not None and count < getattr(limits, "min_count", 0)):
        if is_worse(value, limits.critical):
            status, threshold = Status.CRITICAL, limits.critical
        elif is_worse(value, limits.warning):
            status = Status.WARNING
    limit = "" if status is Status.OK else f" ({status} {side} {threshold:g}, set by {rule.key}.{status})"
    return Judgement(status, f"{text}{limit}.", value, threshold)


def judge_state(
    settings: Settings, rule: Rule[State], is_good: bool, text: str, value: float | None = None
) -> Judgement:
    """Judge a state that is either good or bad; ``text`` has no full stop."""
    limits = rule.limits_in(settings)
    status = Status.OK if is_good or not limits.enabled else Status(limits.level)
    return Judgement(status, f"{text}.", value)


def unknown(why: str) -> Judgement:
    """Return UNKNOWN, for a check that has nothing to measure yet; ``why`` has no full stop.

    A check that fails raises instead.
    """
    return Judgement(Status.UNKNOWN, f"{why}.")


def worst(statuses: Iterable[Status]) -> Status:
    """Return the worst status; OK if there are none."""
    return max(statuses, key=FROM_BEST_TO_WORST.index, default=Status.OK)
