"""Checks of the installation, as `ozon doctor` and `ozon schedule validate` show them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

CheckStatus = Literal["ok", "warning", "failed", "unknown"]


@dataclass(frozen=True)
class Check:
    """The result of one check. ``message`` is a sentence, with what to do if the status is not ok."""

    name: str
    status: CheckStatus
    message: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
