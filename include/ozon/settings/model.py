"""The whole configuration as one object."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import Field, PrivateAttr

from include.ozon.settings.accounts import AccountKey, AccountSettings
from include.ozon.settings.base import Allowed, Keys, Section
from include.ozon.settings.components import ComponentSettings, ComponentsSettings
from include.ozon.settings.cron import TimeZone
from include.ozon.settings.guards import GuardsSettings
from include.ozon.settings.limits import RulesSettings
from include.ozon.settings.loading import InventorySettings, LoadSettings, WarehouseSettings
from include.ozon.settings.maintenance import MaintenanceSettings
from include.ozon.settings.marketplace import ApiSettings
from include.ozon.settings.monitoring import AlertSettings, DeadlineSettings, HealthSettings, ReportSettings
from include.ozon.settings.runs import RetrySettings, ScheduleSettings, TaskSettings

Accounts = Annotated[
    dict[AccountKey, AccountSettings],
    Field(min_length=1),
    Keys("<account>"),
    Allowed("at least one in it; names of a-z, 0-9 and _, a letter first, 40 characters at most"),
]


class Settings(Section):
    """What `include.ozon.configuration.load_settings` returns.

    A setting added to a section is all that the file, the variables, the error messages and
    docs/configuration.md need: they are made from this model.
    """

    time_zone: TimeZone = Field(
        default="Europe/Moscow",
        description="The zone of all schedules, reports and alerts.",
    )
    accounts: Accounts = Field(
        description="The seller's accounts, a table each; their keys are in Airflow's `ozon_api_<account>`."
    )
    schedule: ScheduleSettings = Field(default=ScheduleSettings(), description="When the DAGs run.")
    retry: RetrySettings = Field(
        default=RetrySettings(),
        description="How Airflow tries a component again.",
    )
    components: ComponentsSettings = Field(
        default=ComponentsSettings(),
        description="How long a component of the load may take, and how old what it loaded may be.",
    )
    tasks: TaskSettings = Field(default=TaskSettings(), description="What Airflow is told about the tasks.")
    api: ApiSettings = Field(default=ApiSettings(), description="How the Seller API is called.")
    load: LoadSettings = Field(default=LoadSettings(), description="How a component reads the API's lists.")
    inventory: InventorySettings = Field(default=InventorySettings(), description="Which stock is loaded.")
    warehouse: WarehouseSettings = Field(default=WarehouseSettings(), description="How PostgreSQL is used.")
    guards: GuardsSettings = Field(
        default=GuardsSettings(), description="Changes too large to believe, and what to do about them."
    )
    health: HealthSettings = Field(default=HealthSettings(), description="What `ozon_health_check` looks at.")
    deadlines: DeadlineSettings = Field(
        default=DeadlineSettings(), description="When a run must have finished, counted from the moment it was due."
    )
    rules: RulesSettings = Field(
        default=RulesSettings(), description="From which value on something is worth a warning or critical."
    )
    alerts: AlertSettings = Field(default=AlertSettings(), description="Who is told, and how often.")
    reports: ReportSettings = Field(default=ReportSettings(), description="Files with the visibility metrics.")
    maintenance: MaintenanceSettings = Field(
        default=MaintenanceSettings(), description="How long things are kept, and what `ozon_maintenance` removes."
    )

    _environment: str = PrivateAttr(default="development")
    _origins: dict[str, str] = PrivateAttr(default_factory=dict)

    def model_post_init(self, context: Any) -> None:
        """Take from the validation's context what is about the settings and cannot be set in the file."""
        if context:
            self._environment = context["environment"]
            self._origins = context["origins"]

    @property
    def environment(self) -> str:
        """The environment that was picked: development, testing or production."""
        return self._environment

    def component(self, name: str) -> ComponentSettings:
        """The settings of the component of that name."""
        found: ComponentSettings = getattr(self.components, name)
        return found

    def in_time_zone(self, moment: datetime) -> datetime:
        """The moment in `time_zone`; one without an offset is taken to be meant there."""
        zone = ZoneInfo(self.time_zone)
        return moment.astimezone(zone) if moment.tzinfo else moment.replace(tzinfo=zone)

    @property
    def origins(self) -> dict[str, str]:
        """Where each setting came from, by its dotted key.

        ``built-in`` (the model), ``default`` or the environment (that table of the file), or a variable.
        """
        return self._origins
