"""From which value on something is worth a warning or critical: what can be set for a rule."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from include.ozon.settings.base import Section

AlertLevel = Literal["warning", "critical"]
Limit = Annotated[float, Field(ge=0)]
MinCount = Annotated[int, Field(ge=0)]

_MIN_COUNT = "Below this many of them nothing is said: three of ten products are no trend."


class Limits(Section):
    enabled: bool = Field(default=True, description="Whether it is judged at all; a rule that is off is always ok.")


class State(Limits):
    """Something is as it should be, or not."""

    level: AlertLevel = Field(default="critical", description="How bad it is when it is not as it should be.")


class Bounds(Limits):
    """Two limits of a value; the class says on which side of them it is bad."""

    warning: Limit = Field(description="Beyond this, not at it, it is worth a warning.")
    critical: Limit = Field(description="Beyond this it is critical; the same as `warning` leaves the warning out.")


class Above(Bounds):
    """A value that becomes worse as it grows."""


class Below(Bounds):
    """A value that becomes worse as it shrinks."""


class AboveShare(Above):
    min_count: MinCount = Field(default=10, description=_MIN_COUNT)


class BelowShare(Below):
    min_count: MinCount = Field(default=10, description=_MIN_COUNT)


class RulesSettings(Section):
    """A table for each rule, by its name: ``include.ozon.configuration`` adds those of the registry."""
