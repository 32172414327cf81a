"""The common types of all sections of the configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints


class Section(BaseModel):
    """A table of the configuration file.

    It is strict, because TOML has types: ``retries = "3"`` and ``retries = true`` are mistakes to report, not values
    to convert.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Allowed:
    """The allowed values of a setting in words, if its type and bounds are not enough."""

    text: str


@dataclass(frozen=True)
class Keys:
    """The placeholder, for example ``<account>``, of a table with user-defined keys."""

    placeholder: str


Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True), Allowed("not empty")]
Percentage = Annotated[float, Field(ge=0, le=100)]
