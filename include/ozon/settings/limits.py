"""The settings of a rule: the limits of its levels warning and critical."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from include.ozon.settings.base import Section

AlertLevel = Literal["warning", "critical"]
Limit = Annotated[float, Field(ge=0)]
MinCount = Annotated[int, Field(ge=0)]

_MIN_COUNT = "The rule does not fire below this count: three of ten products are not a trend."


class Limits(Section):
    enabled: bool = Field(default=True, description="Whether the rule is checked; a disabled rule is always ok.")


class State(Limits):
    """The setting of a rule without a value: its condition is fulfilled or not."""

    level: AlertLevel = Field(default="critical", description="The level if the rule fires.")


class Bounds(Limits):
    """Two limits of a value; the subclass defines the bad side."""

    warning: Limit = Field(description="A value beyond this limit, not equal to it, is a warning.")
    critical: Limit = Field(description="A value beyond this limit is critical; equal limits disable the warning.")


class Above(Bounds):
    """Limits of a value that gets worse as it grows."""


class Below(Bounds):
    """Limits of a value that gets worse as it shrinks."""


class AboveShare(Above):
    min_count: MinCount = Field(default=10, description=_MIN_COUNT)


class BelowShare(Below):
    min_count: MinCount = Field(default=10, description=_MIN_COUNT)


class RulesSettings(Section):
    """A table for each rule, by name: ``include.ozon.configuration`` adds those of the registry."""
