"""State of the alerting between two runs: in the warehouse, and on Airflow's side while the warehouse is away."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from pydantic import TypeAdapter

from include.ozon.errors import safe_text
from include.ozon.monitoring.alerts import store
from include.ozon.monitoring.alerts.model import Incident, severity
from include.ozon.settings import Settings
from include.ozon.warehouse import session

logger = logging.getLogger("ozon.alerts")

_VERSION = 2
# Besides the unresolved ones: the copy has only what a decision may still need, and must not grow without end.
_KEPT_RESOLVED = 200


class StateKeeper(Protocol):
    """Keeps one text, such as an Airflow Variable. Both may raise anything."""

    def read(self) -> str | None: ...

    def write(self, text: str) -> None: ...


@dataclass(frozen=True)
class Copy:
    """The copy of the incidents on Airflow's side.

    ``is_ahead`` says that it was written while the warehouse could not be, which has to catch up.
    """

    incidents: tuple[Incident, ...] = ()
    is_ahead: bool = False
    version: int = _VERSION

    def to_text(self) -> str:
        return _COPY.dump_json(replace(self, incidents=_kept(self.incidents))).decode()

    @classmethod
    def from_text(cls, text: str) -> Copy:
        """Raises ValueError for anything that `to_text` did not write."""
        copy = _COPY.validate_json(text)
        if copy.version != _VERSION:
            raise ValueError(f"expected version {_VERSION}, found {copy.version}")
        return copy


_COPY = TypeAdapter(Copy)


class AlertState:
    """The incidents of one run, as `loaded` found them; `save` writes them to both places."""

    def __init__(
        self,
        keeper: StateKeeper,
        incidents: Iterable[Incident],
        warehouse: session.Connection | None = None,
        rows: Iterable[Incident] = (),
    ) -> None:
        self.incidents = tuple(incidents)
        self._keeper = keeper
        self._warehouse = warehouse
        self._written = {incident.incident_id: incident for incident in rows}

    def save(self, incidents: tuple[Incident, ...]) -> None:
        """Raises nothing: the messages are sent by now."""
        is_saved = self._save_in_warehouse(incidents)
        try:
            self._keeper.write(Copy(incidents, is_ahead=not is_saved).to_text())
        except Exception as error:  # its text may contain the address of a connection
            logger.warning("The copy of the alerts on Airflow's side could not be written (%s).", type(error).__name__)

    def _save_in_warehouse(self, incidents: tuple[Incident, ...]) -> bool:
        if self._warehouse is None:
            return False
        try:
            store.save(self._warehouse, [each for each in incidents if self._written.get(each.incident_id) != each])
        except Exception as error:
            logger.warning("The alerts could not be written to the warehouse: %s", safe_text(error))
            return False
        return True

    @classmethod
    @contextmanager
    def loaded(
        cls, connect: session.Connect, keeper: StateKeeper, settings: Settings, now: datetime
    ) -> Iterator[AlertState]:
        """Keep other runs waiting, if the warehouse can be reached, from before the state is read."""
        with ExitStack() as stack:
            warehouse = _open_warehouse(stack, connect, settings)
            rows = _read_rows(warehouse, now - _longest_repeat_interval(settings)) if warehouse else None
            # Behind the lock: another run may have just written it.
            copy = _read_copy(keeper)
            if rows is None:
                if copy is None:
                    logger.warning("No state of the alerts can be read: some messages may be sent a second time.")
                yield cls(keeper, (copy or Copy()).incidents)
                return
            incidents = caught_up(rows, copy.incidents) if copy and copy.is_ahead else rows
            yield cls(keeper, incidents, warehouse, rows)


def caught_up(warehouse: Iterable[Incident], copy: Iterable[Incident]) -> list[Incident]:
    """Return the warehouse's incidents with what the copy knows that is ahead of it."""
    copied = tuple(copy)
    ids = {incident.incident_id for incident in copied}
    known = {incident.incident_id: incident for incident in warehouse}
    # One that the copy knows by its id, such as resolved, is no other's twin.
    unresolved = {
        incident.key: incident
        for incident in known.values()
        if not incident.resolved_at and incident.incident_id not in ids
    }
    for ahead in copied:
        # Opened a second time, from an empty state, it is the one that the warehouse knows.
        twin = None if ahead.resolved_at else unresolved.get(ahead.key)
        ours = known.get(ahead.incident_id) or twin
        known[ours.incident_id if ours else ahead.incident_id] = _merged(ours, ahead) if ours else ahead
    return list(known.values())


def _merged(ours: Incident, ahead: Incident) -> Incident:
    """Return the newer of the two: what is resolved stays so, and so does an acknowledgement made meanwhile."""
    if ours.resolved_at and ahead.resolved_at:
        return min(ours, ahead, key=_still_to_send)
    if ours.resolved_at or (not ahead.resolved_at and _last_seen_at(ours) > _last_seen_at(ahead)):
        return ours
    merged = replace(ahead, incident_id=ours.incident_id, opened_at=min(ours.opened_at, ahead.opened_at))
    is_worse = severity(ahead.notified_level) > severity(ours.notified_level)
    acknowledged_at = ours.acknowledged_at
    if acknowledged_at is None or (is_worse and ahead.notified_at and acknowledged_at <= ahead.notified_at):
        return merged
    return replace(merged, acknowledged_at=acknowledged_at, acknowledged_by=ours.acknowledged_by, note=ours.note)


def _still_to_send(resolved: Incident) -> tuple[int, int]:
    """Return what becomes less while channels are sent the resolution that they have missed."""
    attempts = [each.attempts for each in resolved.notifications]
    return sum(not each.delivered_at for each in resolved.notifications), -sum(attempts)


def _last_seen_at(incident: Incident) -> datetime:
    return max((alert.last_seen_at for alert in incident.alerts), default=incident.opened_at)


def _kept(incidents: Iterable[Incident]) -> tuple[Incident, ...]:
    unresolved = [incident for incident in incidents if not incident.resolved_at]
    resolved = sorted(
        (incident for incident in incidents if incident.resolved_at),
        key=lambda each: (any(not sent.delivered_at for sent in each.notifications), each.resolved_at),
        reverse=True,
    )
    return (*unresolved, *resolved[:_KEPT_RESOLVED])


def _open_warehouse(stack: ExitStack, connect: session.Connect, settings: Settings) -> session.Connection | None:
    try:
        connection = stack.enter_context(session.open_session(connect, settings.warehouse, "ozon_alerts"))
        stack.enter_context(store.one_run(connection))
    except Exception as error:  # whatever it is, alerts have to go out
        logger.warning("The alerts go on without the warehouse: %s", safe_text(error))
        return None
    return connection


def _read_rows(warehouse: session.Connection, since: datetime) -> list[Incident] | None:
    try:
        return store.incidents_to_decide(warehouse, since)
    except Exception as error:
        logger.warning("The alerts cannot be read from the warehouse: %s", safe_text(error))
        return None


def _read_copy(keeper: StateKeeper) -> Copy | None:
    try:
        text = keeper.read()
        return Copy.from_text(text) if text else Copy()
    except Exception as error:
        logger.warning("The copy of the alerts on Airflow's side cannot be read (%s).", type(error).__name__)
        return None


def _longest_repeat_interval(settings: Settings) -> timedelta:
    of_groups = [group.repeat_minutes for group in settings.alerts.groups.values()]
    return timedelta(minutes=max([settings.alerts.repeat_minutes, *of_groups]))
