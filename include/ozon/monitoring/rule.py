"""The class of the rules; ``rules`` has the list of them.

Airflow imports this module and those of the areas whenever it parses a DAG, since the settings have a table for each
rule. So they import what their checks need inside the checks (docs/decisions/0017).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from typing import Any, Generic, TypeVar, cast

from include.ozon.settings import Settings
from include.ozon.settings.limits import Limits
from include.ozon.translation import _, ngettext
from include.ozon.words import amount, with_unit

L_co = TypeVar("L_co", bound=Limits, covariant=True)


class Unit(StrEnum):
    """The unit of a rule's value and limits."""

    COUNT = "count"
    NUMBER = "number"
    SHARE = "% of all"
    CHANGE = "% of the usual"
    POINTS = "percentage points"
    RATIO = "times the usual"
    SECONDS = "seconds"
    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"
    MB = "MB"
    GB = "GB"

    def amount(self, value: float) -> str:
        """Return a value with its unit in the current language: ``1 234.5 GB``, ``1 day``, ``121 минута``."""
        match self:
            case Unit.COUNT | Unit.NUMBER:
                return amount(value)
            case Unit.SHARE | Unit.CHANGE:
                return f"{amount(value)} %"
            case Unit.POINTS:
                count = 1 if value == 1 else 2
                return ngettext("{value} percentage point", "{value} percentage points", count).format(
                    value=amount(value)
                )
            case Unit.RATIO:
                return _("{value} times the usual").format(value=amount(value))
            case Unit.MB | Unit.GB:
                return with_unit(value, "digital-megabyte" if self is Unit.MB else "digital-gigabyte", "short")
            case Unit.SECONDS | Unit.MINUTES | Unit.HOURS | Unit.DAYS:
                return with_unit(value, f"duration-{self.removesuffix('s')}", "long")


@dataclass(frozen=True, kw_only=True, eq=False)
class Rule(Generic[L_co]):
    """A measurement with its limits and its texts.

    ``name`` is also the name of the check, of its results and of its alerts. ``title`` names the problem, for a
    subject line. ``measures`` is one sentence: the expected state, or the quantity that is measured. ``next_step`` is
    one sentence on what to do. These three are marked for translation, which happens where they are shown. ``meaning``
    and ``remedy`` are its row in docs/runbook.md.

    ``limits`` are the default limits, and the fields that can be set; ``key`` is their place in the configuration, by
    default ``rules.<name>``. Alerts of one ``group`` are notified together; by default a rule is a group of its own.
    While an alert of a rule in ``inhibited_by`` is critical, alerts of this rule are inhibited; the likeliest cause
    comes first.
    """

    name: str
    title: str
    measures: str
    unit: Unit = Unit.COUNT
    limits: L_co
    next_step: str
    meaning: str
    remedy: str
    group: str = ""
    inhibited_by: tuple[Rule[Limits], ...] = ()
    key: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "group", self.group or self.name)
        object.__setattr__(self, "key", self.key or f"rules.{self.name}")

    def limits_in(self, settings: Settings) -> L_co:
        """Return the configured limits."""
        found: Any = reduce(getattr, self.key.split("."), settings)
        return cast(L_co, found)
