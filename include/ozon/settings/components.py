"""What can be set for each component of the load."""

from __future__ import annotations

from pydantic import Field

from include.ozon.settings.base import Section
from include.ozon.settings.runs import Minutes


class ComponentSettings(Section):
    timeout_minutes: Minutes = Field(default=60, description="After so long an attempt has failed.")


class ComponentsSettings(Section):
    """A table for each component, by its name: ``include.ozon.configuration`` adds those of the registry."""
