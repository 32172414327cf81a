"""Where the alerts are kept between two sendings: in the warehouse, or on Airflow's side while that is away."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta

from include.ozon.errors import OzonError
from include.ozon.monitoring.alerts import store
from include.ozon.monitoring.alerts.copy import Copy, StateKeeper, caught_up, from_text, to_text
from include.ozon.monitoring.alerts.model import Alert
from include.ozon.settings import Settings
from include.ozon.warehouse import session

logger = logging.getLogger("ozon.alerts")


class AlertState:
    """The alerts of one sending, as `loaded` found them; `save` writes them to both places."""

    def __init__(
        self,
        keeper: StateKeeper,
        alerts: Iterable[Alert],
        warehouse: session.Connection | None = None,
        rows: Iterable[Alert] = (),
    ) -> None:
        self.alerts = tuple(alerts)
        self._keeper = keeper
        self._warehouse = warehouse
        self._written = {alert.alert_id: alert for alert in rows}

    def save(self, alerts: Iterable[Alert]) -> None:
        """Nothing that goes wrong here is raised: what there was to tell has been told."""
        state = tuple(alerts)
        is_saved = self._save_in_warehouse(state)
        try:
            self._keeper.write(to_text(Copy(state, is_ahead=not is_saved)))
        except Exception as error:  # whatever keeps it, its connection's address may be in the text
            logger.warning("The copy of the alerts on Airflow's side could not be written (%s).", type(error).__name__)

    def _save_in_warehouse(self, alerts: tuple[Alert, ...]) -> bool:
        if self._warehouse is None:
            return False
        try:
            store.save(self._warehouse, [alert for alert in alerts if self._written.get(alert.alert_id) != alert])
        except Exception as error:
            logger.warning("The alerts could not be written to the warehouse: %s", _said(error))
            return False
        return True

    @classmethod
    @contextmanager
    def loaded(
        cls, connect: session.Connect, keeper: StateKeeper, settings: Settings, now: datetime
    ) -> Iterator[AlertState]:
        """Hold the senders' lock, where the warehouse can be reached, from before the state is read."""
        with ExitStack() as held:
            warehouse = _open_warehouse(held, connect, settings)
            rows = _read_rows(warehouse, now - _longest_repeat_interval(settings)) if warehouse else None
            # Behind the lock: another sender may have just written it.
            copy = _read_copy(keeper)
            if rows is None:
                if copy is None:
                    logger.warning("No state of the alerts can be read: what is told may have been told before.")
                yield cls(keeper, (copy or Copy()).alerts)
                return
            alerts = caught_up(rows, copy.alerts) if copy and copy.is_ahead else rows
            yield cls(keeper, alerts, warehouse, rows)


def _open_warehouse(held: ExitStack, connect: session.Connect, settings: Settings) -> session.Connection | None:
    try:
        connection = held.enter_context(session.open_session(connect, settings.warehouse, "ozon_alerts"))
        held.enter_context(store.one_sender(connection))
    except Exception as error:  # whatever keeps the warehouse away, alerts have to go out
        logger.warning("The alerts go on without the warehouse: %s", _said(error))
        return None
    return connection


def _read_rows(warehouse: session.Connection, since: datetime) -> list[Alert] | None:
    try:
        return store.state(warehouse, since)
    except Exception as error:
        logger.warning("The alerts cannot be read from the warehouse: %s", _said(error))
        return None


def _read_copy(keeper: StateKeeper) -> Copy | None:
    try:
        text = keeper.read()
        return from_text(text) if text else Copy()
    except Exception as error:
        logger.warning("The copy of the alerts on Airflow's side cannot be read (%s).", type(error).__name__)
        return None


def _longest_repeat_interval(settings: Settings) -> timedelta:
    of_groups = [group.repeat_minutes for group in settings.alerts.groups.values()]
    return timedelta(minutes=max([settings.alerts.repeat_minutes, *of_groups]))


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, OzonError) else type(error).__name__
