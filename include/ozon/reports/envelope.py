"""The envelope of all JSON documents: reports, and the output of `ozon ... --output json`."""

from __future__ import annotations

from typing import Any

VERSION = 3
"""Increases when a field of any document is removed or changes its meaning, not when one is added."""


def in_envelope(schema: str, data: object) -> dict[str, Any]:
    """Return the document; ``schema`` names what it is, for example ``runs``."""
    return {"schema": f"ozon-{schema}", "version": VERSION, "data": data}
