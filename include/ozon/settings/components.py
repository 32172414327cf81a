"""The settings of each component of the load."""

from __future__ import annotations

from pydantic import Field

from include.ozon.settings.base import Section
from include.ozon.settings.runs import Minutes


class ComponentSettings(Section):
    timeout_minutes: Minutes = Field(default=60, description="The time limit of an attempt.")


class ComponentsSettings(Section):
    """A table for each component, by name: ``include.ozon.configuration`` adds those of the registry."""
