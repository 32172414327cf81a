"""The settings of health checks, deadlines, reports and alerts."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, StringConstraints

from include.ozon.settings.base import Allowed, Keys, Section, Text
from include.ozon.settings.limits import AlertLevel
from include.ozon.settings.runs import Minutes

ReportFormat = Literal["text", "json", "csv", "html"]
REPORT_FORMATS: tuple[str, ...] = get_args(ReportFormat)

_NAME = StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)
# One @, and nothing that could end a header line, add a second recipient or begin a comment.
_ADDRESS = re.compile(r"[\w.%+'-]+@[\w.-]+")


def _check_address(address: str) -> str:
    if not _ADDRESS.fullmatch(address):
        raise ValueError("it is not an e-mail address")
    return address


Address = Annotated[str, AfterValidator(_check_address), Allowed("e-mail address")]


class HealthSettings(Section):
    # The names come from the registry; `include.ozon.configuration` adds them.
    checks: list[str] = Field(
        default=[], description="The areas that are checked; leave out `airflow` where no scheduler runs."
    )
    heartbeat_connection: str = Field(
        default="",
        description="The Airflow connection (http) that is called after each check (a dead man's switch, which "
        "notices missing checks); empty for none.",
    )
    airflow_timeout_seconds: int = Field(
        default=5, ge=1, le=60, description="The time limit of Airflow's API server to answer the check."
    )
    api_timeout_seconds: int = Field(
        default=10, ge=1, le=60, description="The time limit of the Seller API to answer the check."
    )


class DeadlineSettings(Section):
    """Deadlines of DAG runs, in minutes after they were due; components have time limits and rules."""

    ozon_etl_minutes: Minutes = Field(default=180, description="`ozon_etl` must have finished by then.")
    ozon_health_check_minutes: Minutes = Field(
        default=10, description="`ozon_health_check` must have finished by then."
    )
    ozon_visibility_metrics_minutes: Minutes = Field(
        default=30, description="`ozon_visibility_metrics` must have finished by then."
    )
    ozon_maintenance_minutes: Minutes = Field(default=120, description="`ozon_maintenance` must have finished by then.")


class ReportSettings(Section):
    folder: Text = Field(
        default="reports",
        description="Where reports are saved: a folder, below AIRFLOW_HOME unless it begins with a slash, or a "
        "bucket's address such as `s3://airflow_connection@bucket/ozon`.",
    )
    formats: list[ReportFormat] = Field(
        default=["json", "csv", "html"], min_length=1, description="Which files `ozon_visibility_metrics` saves."
    )
    listed_products: int = Field(
        default=20,
        ge=0,
        le=1000,
        description="The length of product lists in reports and mails; files contain all products.",
    )


class ChannelSettings(Section):
    """A channel for notifications; its secrets are in its connection."""

    kind: Literal["email", "apprise"] = Field(
        description="E-mail, or any service that Apprise supports (Telegram, Slack, webhook)."
    )
    connection: Text = Field(default="smtp_default", description="The channel's Airflow connection.")
    recipients: list[Address] = Field(default=[], description="For `email`: the addresses.")
    receives: list[Literal["alerts", "daily_report"]] = Field(
        default=["alerts"],
        min_length=1,
        description="What it gets: `alerts`, and each day after the run by `schedule.metrics` the visibility report of "
        "all accounts (`daily_report`), by mail as an attached HTML file.",
    )
    min_level: AlertLevel = Field(default="warning", description="`critical` excludes warnings.")
    language: Annotated[Literal["", "en", "ru"], Allowed("one of en, ru, or empty")] = Field(
        default="", description="The language of its messages; empty for that of `language`."
    )


class SilenceSettings(Section):
    """A window of planned work: alerts that open in it are notified after its end if they still fire."""

    # Strict TOML gives a datetime, a variable text; without an offset it is in `time_zone`.
    starts_at: datetime = Field(description="The beginning; nothing is sent from then on.", strict=False)
    ends_at: datetime = Field(description="The end.", strict=False)
    rules: list[str] = Field(default=[], description="The silenced rules; empty for all.")
    accounts: list[str] = Field(default=[], description="The silenced accounts; empty for all.")


class GroupSettings(Section):
    """Settings for the rules of one group."""

    repeat_minutes: int = Field(
        default=0, ge=0, le=10_080, description="The repeat interval; 0 for that of `alerts.repeat_minutes`."
    )
    channels: list[str] = Field(default=[], description="The names of the channels; empty for all.")


_NAMES = Allowed("names of a-z, 0-9 and _, a letter first, 40 characters at most")
Channels = Annotated[dict[Annotated[str, _NAME], ChannelSettings], Keys("<channel>"), _NAMES]
Groups = Annotated[dict[Annotated[str, _NAME], GroupSettings], Keys("<group>"), _NAMES]
Silences = Annotated[dict[Annotated[str, _NAME], SilenceSettings], Keys("<silence>"), _NAMES]


class AlertSettings(Section):
    repeat_minutes: int = Field(
        default=360, ge=1, le=10_080, description="An unresolved incident is notified again after this time."
    )
    sender: Address = Field(
        default="ozon-etl@localhost",
        description="The sender of mails; `from_email` of the SMTP connection overrides it.",
    )
    pool: Text = Field(
        default="ozon_alerts",
        description="The Airflow pool of the task that sends notifications, with one slot; it has to exist in Airflow.",
    )
    inbox_folder: str = Field(
        default="",
        description="The mail catcher's Maildir, which `ozon alerts inbox` shows; empty for none.",
    )
    channels: Channels = Field(default={}, description="The channels of notifications, one table each.")
    groups: Groups = Field(default={}, description="Settings for groups of rules, one table each.")
    silences: Silences = Field(default={}, description="Windows of planned work, one table each.")
