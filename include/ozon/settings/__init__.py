"""One typed, validated, unchangeable model of the one configuration file, ``config/ozon.toml``.

Callers ask :func:`load_settings` once and pass the parts on; nothing here is kept between calls. The file is
read in layers, each of which overrides the one before: what the model itself says, ``[default]``, the
environment's own table, and ``OZON__SECTION__KEY`` variables.
"""

from include.ozon.settings.accounts import AccountSettings, check_distinct_client_ids
from include.ozon.settings.guards import GuardLevel, GuardSettings, GuardsSettings, ThresholdGuardSettings
from include.ozon.settings.loader import load_settings
from include.ozon.settings.loading import InventorySettings, LoadSettings, WarehouseSettings
from include.ozon.settings.marketplace import ApiSettings
from include.ozon.settings.model import Settings
from include.ozon.settings.runs import RetrySettings, ScheduleSettings, TaskSettings, TimeoutSettings

__all__ = [
    "AccountSettings",
    "ApiSettings",
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
    "TimeoutSettings",
    "WarehouseSettings",
    "check_distinct_client_ids",
    "load_settings",
]
