"""The settings of the guards, which limit how much a load may change."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from include.ozon.settings.base import Percentage, Section

GuardLevel = Literal["stop", "warn", "off"]


class GuardSettings(Section):
    level: GuardLevel = Field(
        description="`stop` keeps the last good state, `warn` loads and logs a warning, `off` disables the guard."
    )


class ThresholdGuardSettings(GuardSettings):
    threshold_pct: Percentage = Field(description="The guard fires above this many per cent.")
    min_count: int = Field(default=1, ge=1, description="The guard does not fire below this many affected products.")


class GuardsSettings(Section):
    empty_catalogue: GuardSettings = Field(
        default=GuardSettings(level="stop"), description="Ozon lists no products, but the warehouse has some."
    )
    vanished: ThresholdGuardSettings = Field(
        default=ThresholdGuardSettings(level="stop", threshold_pct=20),
        description="The share of the warehouse's products that Ozon no longer knows.",
    )
    turned_invisible: ThresholdGuardSettings = Field(
        default=ThresholdGuardSettings(level="warn", threshold_pct=30),
        description="The share of the visible products that customers no longer see.",
    )
    rejected: ThresholdGuardSettings = Field(
        default=ThresholdGuardSettings(level="stop", threshold_pct=1),
        description="The share of the items read that validation rejected.",
    )
    price_change: ThresholdGuardSettings = Field(
        default=ThresholdGuardSettings(level="stop", threshold_pct=50),
        description="The share of the items read whose price changed.",
    )
