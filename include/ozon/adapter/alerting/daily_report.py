"""The daily report, handed to each of its channels once."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping

from airflow.sdk import Variable

from include.ozon.adapter.alerting.channels import ChannelError
from include.ozon.errors import safe_text
from include.ozon.monitoring.alerts.message import Mail
from include.ozon.monitoring.alerts.sender import Channel

logger = logging.getLogger("ozon.alerts")

VARIABLE = "ozon_daily_report"
_KEPT = 10


def send_once(occasion: str, channels: Mapping[str, Channel], mail_for: Callable[[str], Mail]) -> list[str]:
    """Hand the mail to the channels that were not sent it on this occasion; return their names.

    ``mail_for`` makes the mail for a channel. A channel that fails does not stop the others. Raises ChannelError with
    the reasons at the end; a repeated call then sends to the failed channels only.
    """
    record = _Record(occasion)
    sent, failed = [], []
    for name, channel in channels.items():
        if name in record.channels:
            logger.info("Channel %s was already sent the report of %s, or its sending was cut off.", name, occasion)
            continue
        mail = mail_for(name)
        # Noted before: a task that is killed while it sends does not send a second time.
        record.add(name)
        try:
            channel.deliver(mail, None)
        except Exception as error:
            record.remove(name)
            failed.append(f"{name} ({safe_text(error).rstrip('.')})")
        else:
            sent.append(name)
    if failed:
        raise ChannelError(
            f"The daily report did not reach {len(failed)} of {len(channels)} channels: {'; '.join(failed)}. A retry, "
            "or clearing this task, sends it to these only."
        )
    return sent


class _Record:
    """The channels that were sent the report of an occasion, in a Variable with the latest occasions."""

    def __init__(self, occasion: str) -> None:
        self._occasion = occasion

    @property
    def channels(self) -> list[str]:
        return _read().get(self._occasion, [])

    def add(self, channel: str) -> None:
        self._write([*self.channels, channel])

    def remove(self, channel: str) -> None:
        self._write([each for each in self.channels if each != channel])

    def _write(self, channels: list[str]) -> None:
        others = {occasion: names for occasion, names in _read().items() if occasion != self._occasion}
        latest = dict([*others.items(), (self._occasion, channels)][-_KEPT:])
        Variable.set(VARIABLE, json.dumps(latest), description="Who was sent the daily report of the Ozon ETL.")


def _read() -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads(Variable.get(VARIABLE, default="{}"))
    return found
