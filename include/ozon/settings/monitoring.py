"""Health checks, deadlines, reports, and who is told what."""

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
# One @, and nothing that could end a header line, name a second recipient or be taken for a comment.
_ADDRESS = re.compile(r"[\w.%+'-]+@[\w.-]+")


def _check_address(address: str) -> str:
    if not _ADDRESS.fullmatch(address):
        raise ValueError("it is no e-mail address")
    return address


Address = Annotated[str, AfterValidator(_check_address), Allowed("e-mail address")]


class HealthSettings(Section):
    # Their names are those of the registry, which `include.ozon.configuration` adds.
    checks: list[str] = Field(
        default=[], description="The areas that are checked; leave out `airflow` where no scheduler runs."
    )
    heartbeat_connection: str = Field(
        default="",
        description="The Airflow connection (http) that is called after each check, so that silence is noticed "
        "(a dead-man's switch); empty for none.",
    )
    airflow_timeout_seconds: int = Field(
        default=5, ge=1, le=60, description="How long Airflow's API server may take to answer the check."
    )
    api_timeout_seconds: int = Field(
        default=10, ge=1, le=60, description="How long the Seller API may take to answer the check."
    )


class DeadlineSettings(Section):
    """Minutes after the moment a run was due; the limits of single components are rules."""

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
        default=20, ge=0, le=1000, description="How many products a list in a report or mail names; files name all."
    )


class ChannelSettings(Section):
    """One way to tell people. What is secret about it is in its connection."""

    kind: Literal["email", "apprise"] = Field(
        description="E-mail, or anything Apprise knows (Telegram, Slack, webhook)."
    )
    connection: Text = Field(default="smtp_default", description="The Airflow connection that it goes through.")
    recipients: list[Address] = Field(default=[], description="For `email`: who gets it.")
    min_level: AlertLevel = Field(default="warning", description="`critical` leaves out the warnings.")


class SilenceSettings(Section):
    """Planned work: alerts that open in this time are not sent, and come afterwards if they last."""

    # Strict TOML gives a datetime, a variable text; without an offset it is in `time_zone`.
    starts_at: datetime = Field(description="From when on nothing is sent.", strict=False)
    ends_at: datetime = Field(description="Until when nothing is sent.", strict=False)
    rules: list[str] = Field(default=[], description="The rules that are silent; none named means all.")
    accounts: list[str] = Field(default=[], description="The accounts that are silent; none named means all.")


class GroupSettings(Section):
    """What is different for the rules of one group."""

    repeat_minutes: int = Field(
        default=0, ge=0, le=10_080, description="Its repeat interval; 0 takes `alerts.repeat_minutes`."
    )
    channels: list[str] = Field(
        default=[], description="The names of the channels that are notified; none named means all of them."
    )


_NAMES = Allowed("names of a-z, 0-9 and _, a letter first, 40 characters at most")
Channels = Annotated[dict[Annotated[str, _NAME], ChannelSettings], Keys("<channel>"), _NAMES]
Groups = Annotated[dict[Annotated[str, _NAME], GroupSettings], Keys("<group>"), _NAMES]
Silences = Annotated[dict[Annotated[str, _NAME], SilenceSettings], Keys("<silence>"), _NAMES]


class AlertSettings(Section):
    repeat_minutes: int = Field(
        default=360, ge=1, le=10_080, description="An incident that lasts is notified again after so long."
    )
    sender: Address = Field(
        default="ozon-etl@localhost",
        description="The address that mails come from; `from_email` of the SMTP connection comes first.",
    )
    pool: Text = Field(
        default="ozon_alerts",
        description="The Airflow pool of one slot that the task which sends runs in; it has to exist in Airflow.",
    )
    inbox_folder: str = Field(
        default="",
        description="The mail catcher's Maildir, which `ozon alerts inbox` shows; empty where there is none.",
    )
    channels: Channels = Field(default={}, description="Who is notified, a table each.")
    groups: Groups = Field(default={}, description="What is different for a group of rules, a table each.")
    silences: Silences = Field(default={}, description="Windows of planned work, a table each.")
