"""Which of this package's DAGs Airflow has paused, and plans that change that; the adapter carries them out."""

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
    """How they were before `install`; None where that was not done."""

    @property
    def unknown(self) -> list[str]:
        return [dag_id for dag_id in DAG_IDS if dag_id not in self.is_paused]

    def dump(self) -> bytes:
        """For a backup and a diff; `load` reads it."""
        names = {True: "paused", False: "active"}
        before = None if self.before is None else {dag_id: names[paused] for dag_id, paused in self.before.items()}
        return f"{json.dumps({'is_paused': self.is_paused, 'before': before}, indent=2)}\n".encode()

    @classmethod
    def load(cls, text: bytes) -> AirflowSchedule:
        """Raises ConfigurationError where it is no such backup."""
        try:
            fields = json.loads(text)
            is_paused = {str(dag_id): bool(paused) for dag_id, paused in fields["is_paused"].items()}
            before = fields["before"]
            return cls(is_paused, before and {str(dag_id): before[dag_id] == "paused" for dag_id in before})
        except (ValueError, TypeError, KeyError, AttributeError):
            raise ConfigurationError("The backup is neither a crontab nor what Airflow's DAGs were.") from None


Plan = Callable[[AirflowSchedule], AirflowSchedule]


def installed(found: AirflowSchedule) -> AirflowSchedule:
    """All DAGs active, and what they were remembered, unless an earlier `install` has done so.

    Raises FatalError where Airflow does not know all DAGs yet.
    """
    if found.unknown:
        raise FatalError(
            f"Airflow does not know {', '.join(found.unknown)} yet. Start its DAG processor with this project's dags "
            "folder, or run `airflow dags reserialize`, and then this command again."
        )
    return AirflowSchedule(dict.fromkeys(found.is_paused, False), {**found.is_paused, **(found.before or {})})


def removed(found: AirflowSchedule) -> AirflowSchedule:
    """As before `install`; a DAG that Airflow no longer knows is left out."""
    return AirflowSchedule({**found.is_paused, **_known(found.before or {}, found)}, None)


def restored(backup: AirflowSchedule) -> Plan:
    def plan(found: AirflowSchedule) -> AirflowSchedule:
        return replace(backup, is_paused={**found.is_paused, **_known(backup.is_paused, found)})

    return plan


def _known(states: dict[str, bool], found: AirflowSchedule) -> dict[str, bool]:
    return {dag_id: paused for dag_id, paused in states.items() if dag_id in found.is_paused}
