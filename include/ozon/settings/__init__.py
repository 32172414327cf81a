"""The typed, validated and immutable settings of each part; ``include.ozon.configuration`` reads the file."""

from include.ozon.settings.accounts import AccountSettings, check_distinct_client_ids
from include.ozon.settings.components import ComponentSettings
from include.ozon.settings.guards import GuardLevel, GuardSettings, GuardsSettings, ThresholdGuardSettings
from include.ozon.settings.loading import InventorySettings, LoadSettings, WarehouseSettings
from include.ozon.settings.marketplace import ApiSettings
from include.ozon.settings.model import Settings
from include.ozon.settings.runs import RetrySettings, ScheduleSettings, TaskSettings

__all__ = [
    "AccountSettings",
    "ApiSettings",
    "ComponentSettings",
    "GuardLevel",
    "GuardSettings",
    "GuardsSettings",
    "InventorySettings",
    "LoadSettings",
    "RetrySettings",
    "ScheduleSettings",
    "Settings",
    "TaskSettings",
    "ThresholdGuardSettings",
    "WarehouseSettings",
    "check_distinct_client_ids",
]
