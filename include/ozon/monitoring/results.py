"""What a check or a metric found, judged by its rule: what is stored, shown and turned into alerts."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from include.ozon.monitoring.rule import Rule
from include.ozon.settings import Settings
from include.ozon.settings.limits import Above, Bounds, State


class Status(StrEnum):
    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"
    """There is nothing to measure yet: neither bad nor good."""
    ERROR = "error"
    """The check itself failed: neither bad nor good, either."""


_FROM_BEST_TO_WORST = (Status.OK, Status.UNKNOWN, Status.ERROR, Status.WARNING, Status.CRITICAL)


@dataclass(frozen=True)
class CheckResult:
    """One check's finding for one account, or for what concerns all (``account`` None).

    ``check`` is the name of the rule that judged ``value``; ``threshold`` the limit that was crossed, or the nearest
    one. The message of an ERROR is its reason.
    """

    area: str
    check: str
    account: str | None
    status: Status
    value: float | None
    threshold: float | None
    message: str
    duration_seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """What Airflow's XCom and JSON can hold."""
        return asdict(self) | {"status": str(self.status)}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        return cls(**fields | {"status": Status(fields["status"])})


@dataclass(frozen=True)
class Finding:
    """What a measurement says before it is known how long it took and for whom it was made."""

    status: Status
    message: str
    value: float | None = None
    threshold: float | None = None


def judge(settings: Settings, rule: Rule[Bounds], value: float, seen: str, *, count: int | None = None) -> Finding:
    """Compare a value with the limits of a rule; ``seen`` is the sentence without its full stop.

    ``count`` is what the value is a share of, for rules with a ``min_count``: below that nothing is said.
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
    return Finding(status, f"{seen}{limit}.", value, threshold)


def judge_state(settings: Settings, rule: Rule[State], is_good: bool, seen: str, value: float | None = None) -> Finding:
    """Judge whether something is as it should be; ``seen`` is the sentence without its full stop."""
    limits = rule.limits_in(settings)
    status = Status.OK if is_good or not limits.enabled else Status(limits.level)
    return Finding(status, f"{seen}.", value)


def unknown(why: str) -> Finding:
    """Say that there is nothing to measure yet; ``why`` is a sentence without its full stop.

    A check that fails just raises.
    """
    return Finding(Status.UNKNOWN, f"{why}.")


def worst(statuses: Iterable[Status]) -> Status:
    """The worst of them; OK where there is none."""
    return max(statuses, key=_FROM_BEST_TO_WORST.index, default=Status.OK)
