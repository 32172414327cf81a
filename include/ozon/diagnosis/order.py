"""Ordered checks: those that depend on a failed one are skipped, so that one cause gives one failure."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from include.ozon.checks import Check
from include.ozon.errors import OzonError

logger = logging.getLogger("ozon.diagnosis")


@dataclass(frozen=True)
class Step:
    """A step of the diagnosis. ``run`` yields its checks, or raises an OzonError, which is a failed check."""

    name: str
    run: Callable[[], Iterable[Check]]
    needs: tuple[str, ...] = ()
    """Names of earlier steps; if one of them failed, this one is skipped."""


def diagnose(steps: Iterable[Step]) -> Iterator[Check]:
    """Run the steps in order. If one breaks, the others still run."""
    failed: set[str] = set()
    for step in steps:
        cause = next((name for name in step.needs if name in failed), None)
        if cause:
            failed.add(step.name)
            yield Check(step.name, "unknown", f"Not checked: fix {cause} first.")
            continue
        for check in _found(step):
            if check.status == "failed":
                failed.add(step.name)
            yield check


def _found(step: Step) -> Iterator[Check]:
    try:
        yield from step.run()
    except OzonError as error:
        yield Check(step.name, "failed", str(error))
    except Exception as error:
        # Without its message: an error of another package may quote an address with a password in it.
        logger.info("The check of %s failed", step.name, exc_info=True)
        yield Check(
            step.name,
            "failed",
            f"Could not be checked (unexpected {type(error).__name__}); --verbose shows the traceback.",
        )
