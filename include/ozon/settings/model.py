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
from include.ozon.translation import Language

Accounts = Annotated[
    dict[AccountKey, AccountSettings],
    Field(min_length=1),
    Keys("<account>"),
    Allowed("at least one in it; names of a-z, 0-9 and _, a letter first, 40 characters at most"),
]


class Settings(Section):
    """The settings that `include.ozon.configuration.load_settings` returns.

    A new setting needs only a field here: the file, the variables, the error messages and docs/configuration.md are
    derived from this model.
    """

    time_zone: TimeZone = Field(
        default="Europe/Moscow",
        description="The time zone of all schedules, reports and alerts.",
    )
    language: Language = Field(
        default="en",
        description="The language of mails, chat messages and reports; a channel of `alerts.channels` can have "
        "another. Logs, errors and commands are English.",
    )
    accounts: Accounts = Field(
        description="The seller accounts, one table each; their keys are in Airflow's `ozon_api_<account>`."
    )
    schedule: ScheduleSettings = Field(default=ScheduleSettings(), description="When the DAGs run.")
    retry: RetrySettings = Field(
        default=RetrySettings(),
        description="How Airflow retries a component.",
    )
    components: ComponentsSettings = Field(
        default=ComponentsSettings(),
        description="The time limit of each component, and the limits of its rules.",
    )
    tasks: TaskSettings = Field(default=TaskSettings(), description="Airflow's settings of the tasks.")
    api: ApiSettings = Field(default=ApiSettings(), description="The client of the Seller API.")
    load: LoadSettings = Field(default=LoadSettings(), description="How a component reads the API's lists.")
    inventory: InventorySettings = Field(default=InventorySettings(), description="The stock to load.")
    warehouse: WarehouseSettings = Field(default=WarehouseSettings(), description="The sessions in PostgreSQL.")
    guards: GuardsSettings = Field(default=GuardsSettings(), description="Limits on how much a load may change.")
    health: HealthSettings = Field(default=HealthSettings(), description="The checks of `ozon_health_check`.")
    deadlines: DeadlineSettings = Field(
        default=DeadlineSettings(), description="When a run must have finished, in minutes after it was due."
    )
    rules: RulesSettings = Field(default=RulesSettings(), description="The limits of each rule.")
    alerts: AlertSettings = Field(default=AlertSettings(), description="Who is notified, and how often.")
    reports: ReportSettings = Field(default=ReportSettings(), description="Files with the visibility metrics.")
    maintenance: MaintenanceSettings = Field(
        default=MaintenanceSettings(), description="Retention and clean-up, by `ozon_maintenance`."
    )

    _environment: str = PrivateAttr(default="development")
    _origins: dict[str, str] = PrivateAttr(default_factory=dict)

    def model_post_init(self, context: Any) -> None:
        """Take the environment and the origins from the validation's context: they cannot be set in the file."""
        if context:
            self._environment = context["environment"]
            self._origins = context["origins"]

    @property
    def environment(self) -> str:
        """The active environment: development, testing or production."""
        return self._environment

    def component(self, name: str) -> ComponentSettings:
        """Return the settings of the component with that name."""
        found: ComponentSettings = getattr(self.components, name)
        return found

    def account_title(self, account: str) -> str:
        """Return the account's title, with the key that commands and tables use."""
        found = self.accounts.get(account)
        return f"{found.title} ({account})" if found else account

    def channel_language(self, name: str) -> Language:
        """Return the language of the messages to a channel."""
        channel = self.alerts.channels.get(name)
        return (channel and channel.language) or self.language

    def in_time_zone(self, moment: datetime) -> datetime:
        """Return the moment in `time_zone`; one without an offset is already in it."""
        zone = ZoneInfo(self.time_zone)
        return moment.astimezone(zone) if moment.tzinfo else moment.replace(tzinfo=zone)

    @property
    def origins(self) -> dict[str, str]:
        """The source of each setting, by its dotted key.

        It is ``built-in`` (the model), ``default`` or the environment (a table of the file), or a variable.
        """
        return self._origins
