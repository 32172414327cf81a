"""State on Airflow's side, in its Variables: it is there while the warehouse is not."""

from __future__ import annotations

import json
import logging
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from airflow.sdk import Variable
from pydantic import TypeAdapter, ValidationError

from include.ozon.files import airflow_home, write_private
from include.ozon.monitoring.alerts.model import Event

logger = logging.getLogger("ozon.alerts")

ALERTS = "ozon_alerts"
PAUSED_DAGS = "ozon_paused_dags"
_OUTBOX = "ozon_alert_event."
_EVENT = TypeAdapter(Event)


def variables() -> Any:
    """Return Airflow's Variables as this process has them: a task from its supervisor, a command from the database."""
    # As `airflow.models.Variable` decides.
    if hasattr(sys.modules.get("airflow.sdk.execution_time.task_runner"), "SUPERVISOR_COMMS"):
        return Variable
    from include.ozon.adapter.metadata import variables  # noqa: PLC0415 - not available in a task

    return variables


class AirflowKeeper:
    """Keeps the copy of the incidents that the sender uses while the warehouse is down.

    It is a Variable. While Airflow's own database is down too, because both are on one server, it is a file below
    AIRFLOW_HOME until the Variable can be written again; the file is newer than the Variable.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file or airflow_home() / f"{ALERTS}.json"

    def read(self) -> str | None:
        if self._file.exists():
            return self._file.read_text(encoding="utf-8")
        text: str | None = variables().get(ALERTS, default=None)
        return text

    def write(self, text: str) -> None:
        try:
            variables().set(ALERTS, text, description="The incidents of the Ozon ETL. Written by its sender of alerts.")
        except Exception as error:
            logger.warning(
                "The incidents are kept in %s: Airflow's Variable could not be written (%s).",
                self._file,
                type(error).__name__,
            )
            write_private(self._file, text)
        else:
            self._file.unlink(missing_ok=True)


def hand_over(event: Event) -> None:
    """Leave an event for the next sender, in a Variable of its own: two tasks may fail at the same moment."""
    key = f"{_OUTBOX}{secrets.token_hex(8)}"
    variables().set(key, _EVENT.dump_json(event).decode(), description="A failure that the next health check notifies.")


class Outbox:
    """The events that were handed over; ``forget`` those that ``take`` returned once people are notified."""

    def __init__(self) -> None:
        self._keys: list[str] = []

    def take(self) -> list[Event]:
        """Return the events; none if Airflow's Variables cannot be listed, such as without its database."""
        self._keys = []
        try:
            keys = list(variables().keys(prefix=_OUTBOX))
        except Exception as error:
            logger.info("Events that tasks handed over stay for another sender (%s).", type(error).__name__)
            return []
        return [event for key in keys if (event := self._read(key))]

    def _read(self, key: str) -> Event | None:
        """Return the event, to be forgotten; None, with a line in the log, if it cannot be read."""
        try:
            text = variables().get(key, default=None)
        except Exception as error:
            logger.warning("Event %s stays for another sender: it cannot be read (%s).", key, type(error).__name__)
            return None
        self._keys.append(key)
        try:
            return _EVENT.validate_json(text or "")
        except ValidationError:
            logger.warning(
                "Event %s has no meaning and is deleted: another sender has it, Airflow's Fernet key has changed, or "
                "another version wrote it. The log of the task that failed has its error.",
                key,
            )
            return None

    def forget(self) -> None:
        """Delete the events. Another sender may have handled and deleted them meanwhile: then they were no news."""
        for key in self._keys:
            try:
                variables().delete(key)
            except Exception as error:
                logger.info("Event %s was not there any more (%s).", key, type(error).__name__)
        self._keys = []


def keep_paused_dags(dag_ids: Sequence[str]) -> None:
    """Note which DAGs are paused: a deadline's callback cannot ask."""
    text = json.dumps(sorted(dag_ids))
    if variables().get(PAUSED_DAGS, default=None) != text:
        variables().set(PAUSED_DAGS, text, description="The paused DAGs of the Ozon ETL. Written by its health check.")


def paused_dags() -> list[str]:
    """Return what the last health check noted; none before the first one."""
    paused: list[str] = json.loads(variables().get(PAUSED_DAGS, default="[]"))
    return paused
