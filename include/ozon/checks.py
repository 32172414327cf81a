"""What somebody looked at, and how it was: the rows of `ozon doctor`, `ozon schedule validate` and the like."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

CheckStatus = Literal["ok", "warning", "failed", "unknown"]


@dataclass(frozen=True)
class Check:
    """``message`` is a sentence; of what is not ok it says what to do."""

    name: str
    status: CheckStatus
    message: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
