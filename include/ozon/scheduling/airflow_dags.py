"""The paused DAGs of this package in Airflow, and plans for changing them, which the adapter executes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from include.ozon.errors import ConfigurationError, FatalError
from include.ozon.settings.dags import DAG_IDS


@dataclass(frozen=True)
class AirflowSchedule:
    is_paused: dict[str, bool]
    """Of the DAGs of this package that Airflow knows."""
    before: dict[str, bool] | None
    """The state before `install`; None without one."""

    @property
    def unknown(self) -> list[str]:
        return [dag_id for dag_id in DAG_IDS if dag_id not in self.is_paused]

    def dump(self) -> bytes:
        """Return the text for a backup or a diff; `load` reads it."""
        names = {True: "paused", False: "active"}
        before = None if self.before is None else {dag_id: names[paused] for dag_id, paused in self.before.items()}
        return f"{json.dumps({'is_paused': self.is_paused, 'before': before}, indent=2)}\n".encode()

    @classmethod
    def load(cls, text: bytes) -> AirflowSchedule:
        """Read the text of a backup. Raises ConfigurationError if it is not one."""
        try:
            fields = json.loads(text)
            is_paused = {str(dag_id): bool(paused) for dag_id, paused in fields["is_paused"].items()}
            before = fields["before"]
            return cls(is_paused, before and {str(dag_id): before[dag_id] == "paused" for dag_id in before})
        except (ValueError, TypeError, KeyError, AttributeError):
            raise ConfigurationError("The backup contains neither a crontab nor the state of Airflow's DAGs.") from None


Plan = Callable[[AirflowSchedule], AirflowSchedule]


def installed(found: AirflowSchedule) -> AirflowSchedule:
    """Activate all DAGs and keep their previous state, unless an earlier `install` has kept it.

    Raises FatalError if Airflow does not know all DAGs yet.
    """
    if found.unknown:
        raise FatalError(
            f"Airflow does not know {', '.join(found.unknown)} yet. Start its DAG processor with this project's dags "
            "folder, or run `airflow dags reserialize`, and then this command again."
        )
    return AirflowSchedule(dict.fromkeys(found.is_paused, False), {**found.is_paused, **(found.before or {})})


def removed(found: AirflowSchedule) -> AirflowSchedule:
    """Return to the state before `install`, without DAGs that Airflow no longer knows."""
    return AirflowSchedule({**found.is_paused, **_known(found.before or {}, found)}, None)


def restored(backup: AirflowSchedule) -> Plan:
    def plan(found: AirflowSchedule) -> AirflowSchedule:
        return replace(backup, is_paused={**found.is_paused, **_known(backup.is_paused, found)})

    return plan


def _known(states: dict[str, bool], found: AirflowSchedule) -> dict[str, bool]:
    return {dag_id: paused for dag_id, paused in states.items() if dag_id in found.is_paused}
