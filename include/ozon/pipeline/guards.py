"""Guards: limits on how much a load may change; a guard that stops it keeps the last good state."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from include.ozon.errors import GuardStoppedError
from include.ozon.settings import GuardLevel, GuardSettings, GuardsSettings, ThresholdGuardSettings
from include.ozon.warehouse.differences import Differences

logger = logging.getLogger("ozon.guards")


@dataclass(frozen=True)
class Observation:
    """One guard's input: ``count`` of ``total`` are affected; ``what`` completes the sentence "x of y ...".

    A guard without a threshold fires whenever anything is affected.
    """

    guard: str
    settings: GuardSettings
    count: int
    total: int
    what: str

    @property
    def share_pct(self) -> float:
        return 100 * self.count / self.total if self.total else 0.0

    @property
    def fires(self) -> bool:
        if self.settings.level == "off" or self.count == 0:
            return False
        if isinstance(self.settings, ThresholdGuardSettings):
            return self.count >= self.settings.min_count and self.share_pct > self.settings.threshold_pct
        return True

    @property
    def sentence(self) -> str:
        found = f"{self.count} of {self.total} {self.what} ({self.share_pct:.1f} %)"
        if isinstance(self.settings, ThresholdGuardSettings):
            return f"guard {self.guard}: {found}, expected at most {self.settings.threshold_pct:g} %"
        return f"guard {self.guard}: {found}, expected none"


def observe_rejected(guards: GuardsSettings, differences: Differences) -> list[Observation]:
    """Return the input of the guard ``rejected``, which every component has."""
    what = "entries read were rejected by validation"
    return [
        Observation("rejected", guards.rejected, differences.rejected, differences.staged + differences.rejected, what)
    ]


def check_guards(observations: Sequence[Observation], accepted: Collection[str], account: str) -> list[str]:
    """Return the sentences of the guards that fired without stopping, for the record.

    Raises GuardStoppedError for those of level "stop" that are not in ``accepted``.
    """
    fired = [observation for observation in observations if observation.fires]
    stopping = [o for o in fired if _level(o, accepted) == "stop"]
    if stopping:
        names = tuple(o.guard for o in stopping)
        flag = ", ".join(f'"{name}"' for name in names)
        raise GuardStoppedError(
            f"Account {account}: the load was stopped and the last good state kept: "
            + "; ".join(o.sentence for o in stopping)
            + f". If this change is correct, accept it once with accept_guard = [{flag}]; the thresholds are in "
            "[guards] of the configuration.",
            names,
        )
    for observation in fired:
        logger.warning("Account %s: %s; loaded anyway", account, observation.sentence)
    return [observation.sentence for observation in fired]


def _level(observation: Observation, accepted: Collection[str]) -> GuardLevel:
    return "warn" if observation.guard in accepted else observation.settings.level
