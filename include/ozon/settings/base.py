"""What all sections of the configuration have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints


class Section(BaseModel):
    """A table of the configuration file.

    Strict, because TOML has types of its own: ``retries = "3"`` and ``retries = true`` are mistakes to point
    out, not values to convert.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Allowed:
    """Says in words which values a setting takes, where its type and bounds do not say it."""

    text: str


@dataclass(frozen=True)
class Keys:
    """What stands for any key of a table whose keys are chosen by the user, such as ``<account>``."""

    placeholder: str


Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True), Allowed("not empty")]
Percentage = Annotated[float, Field(ge=0, le=100)]
