"""How the answers of the API get into the warehouse."""

from __future__ import annotations

from pydantic import Field

from include.ozon.settings.base import Percentage, Section


class LoadSettings(Section):
    resume_max_age_minutes: int = Field(
        default=90, ge=1, le=1440, description="A retry reuses the pages that were read at most so long ago."
    )
    progress_interval_seconds: float = Field(
        default=5.0, gt=0, le=600, description="How often at most a component logs how far it is."
    )
    listing_shortfall_pct: Percentage = Field(
        default=1.0,
        description="A list counts as incomplete when it gives more than this many per cent fewer distinct "
        "products than its `total_items`; a single one is always accepted.",
    )


class InventorySettings(Section):
    seller_warehouses: bool = Field(default=True, description="Load the stock of each of the seller's warehouses.")
    ozon_warehouses: bool = Field(
        default=False,
        description="Load in which of Ozon's own (FBO) warehouses the stock lies, and how it sells: slow, as Ozon "
        "limits it strictly. FBO stock that no other method has is asked for in any case.",
    )
    ozon_warehouses_budget_minutes: int = Field(
        default=10,
        ge=1,
        le=1440,
        description="The most time a run spends on Ozon's warehouses; what was unasked the longest is first.",
    )


class WarehouseSettings(Section):
    connect_timeout_seconds: int = Field(default=10, ge=1, le=600, description="How long connecting may take.")
    lock_timeout_seconds: int = Field(
        default=30,
        ge=1,
        le=3600,
        description="How long a statement may wait for a table's or row's lock.",
    )
    statement_timeout_seconds: int = Field(
        default=1800, ge=1, le=86_400, description="How long one statement of the load may take."
    )
