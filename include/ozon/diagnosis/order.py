"""Looking at one thing after the other, so that one cause is one line."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from include.ozon.checks import Check
from include.ozon.errors import OzonError

logger = logging.getLogger("ozon.diagnosis")


@dataclass(frozen=True)
class Step:
    """``look`` yields what it finds, or raises an OzonError that is the finding."""

    name: str
    look: Callable[[], Iterable[Check]]
    needs: tuple[str, ...] = ()
    """Names of earlier steps; where one of them failed, this one would only fail for the same reason."""


def diagnose(steps: Iterable[Step]) -> Iterator[Check]:
    """Take the steps in their order. Whatever breaks one, the others are taken."""
    failed: set[str] = set()
    for step in steps:
        cause = next((name for name in step.needs if name in failed), None)
        if cause:
            failed.add(step.name)
            yield Check(step.name, "unknown", f"Not looked at: {cause} has to be right first.")
            continue
        for check in _found(step):
            if check.status == "failed":
                failed.add(step.name)
            yield check


def _found(step: Step) -> Iterator[Check]:
    try:
        yield from step.look()
    except OzonError as error:
        yield Check(step.name, "failed", str(error))
    except Exception as error:
        # Not its own words: a foreign error may quote an address with a password in it.
        logger.info("Looking at %s broke", step.name, exc_info=True)
        yield Check(
            step.name,
            "failed",
            f"Could not be looked at (unexpected {type(error).__name__}); --verbose shows all of it.",
        )
