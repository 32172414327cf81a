"""The settings of reading the API's lists and of writing to the warehouse."""

from __future__ import annotations

from pydantic import Field

from include.ozon.settings.base import Percentage, Section


class LoadSettings(Section):
    resume_max_age_minutes: int = Field(default=90, ge=1, le=1440, description="A retry reuses pages up to this age.")
    progress_interval_seconds: float = Field(
        default=5.0, gt=0, le=600, description="The shortest time between two log lines on a component's progress."
    )
    listing_shortfall_pct: Percentage = Field(
        default=1.0,
        description="A list is incomplete if it has fewer distinct products than its `total_items`, by more than this "
        "many per cent; one missing product is always accepted.",
    )


class InventorySettings(Section):
    seller_warehouses: bool = Field(default=True, description="Load the stock of each seller warehouse.")
    ozon_warehouses: bool = Field(
        default=False,
        description="Load stock and sales by FBO warehouse: slow, because Ozon limits this method strictly. FBO stock "
        "that no other method returns is requested in any case.",
    )
    ozon_warehouses_budget_minutes: int = Field(
        default=10,
        ge=1,
        le=1440,
        description="The longest time that a run spends on FBO warehouses; the oldest data is refreshed first.",
    )


class WarehouseSettings(Section):
    connect_timeout_seconds: int = Field(default=10, ge=1, le=600, description="The time limit of connecting.")
    lock_timeout_seconds: int = Field(
        default=30,
        ge=1,
        le=3600,
        description="The time limit for getting the lock of a table or row.",
    )
    statement_timeout_seconds: int = Field(
        default=1800, ge=1, le=86_400, description="The time limit of one statement of the load."
    )
