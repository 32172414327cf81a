"""Axe, the checker of accessibility, on a page of the browser."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_SERIOUS = ("serious", "critical")


def serious_findings(page: Page) -> list[str]:
    """Return axe's serious and critical findings, each with its first elements."""
    violations = Axe().run(page).response["violations"]
    return [
        f"{found['id']} ({found['impact']}): {found['help']}: "
        + " | ".join(f"{node['target']} {node['html'][:120]}" for node in found["nodes"][:3])
        for found in violations
        if found["impact"] in _SERIOUS
    ]
