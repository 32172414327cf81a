"""Airflow's own health: without its processes nothing is loaded, and no deadline is noticed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Literal, TypeVar

from include.ozon.errors import OzonError
from include.ozon.monitoring.health.checks import AirflowProbe, Check, DagState, HealthContext
from include.ozon.monitoring.results import Finding, judge_state, unknown

T = TypeVar("T")
Process = Literal["scheduler", "triggerer", "dag_processor"]

_PROCESSES: tuple[Process, ...] = ("scheduler", "triggerer", "dag_processor")


def checks(context: HealthContext) -> Iterator[Check]:
    if context.airflow is None:
        names = ["reachable", *_PROCESSES, "import", "paused"]
        yield from (Check(f"airflow_{name}", _nobody_to_ask) for name in names)
        return
    asked = _Asked(context, context.airflow)
    yield Check("airflow_reachable", asked.reachable)
    for process in _PROCESSES:
        yield Check(f"airflow_{process}", partial(asked.alive, process))
    yield Check("airflow_import", asked.imported)
    yield Check("airflow_paused", asked.paused)


def _nobody_to_ask() -> Finding:
    return unknown("There is no Airflow to ask here; leave `airflow` out of health.checks where none runs")


class _Asked:
    """Airflow, asked once for what several checks look at."""

    def __init__(self, context: HealthContext, probe: AirflowProbe) -> None:
        self._settings = context.settings
        self._now = context.now
        self._heartbeats = _once(probe.heartbeats)
        self._dags = _once(probe.dags)

    def reachable(self) -> Finding:
        try:
            self._heartbeats()
        except OzonError as error:
            return judge_state(self._settings, "airflow_reachable", False, str(error).rstrip("."))
        return judge_state(self._settings, "airflow_reachable", True, "Airflow's API server answers")

    def alive(self, process: Process) -> Finding:
        """The value is the age of the last heartbeat in seconds."""
        status, beat_at = self._heartbeats().get(process, ("", None))
        called = f"Airflow's {process.replace('_', ' ')}"
        is_healthy = status == "healthy"
        if beat_at is None:
            return judge_state(
                self._settings, f"airflow_{process}", is_healthy, f"{called} has never given a heartbeat"
            )
        age_seconds = round(max(0.0, (self._now - beat_at).total_seconds()), 1)
        seen = f"{called} {'is' if is_healthy else 'is not'} alive: its last heartbeat was {age_seconds:g} seconds ago"
        return judge_state(self._settings, f"airflow_{process}", is_healthy, seen, age_seconds)

    def imported(self) -> Finding:
        """The value is the number of DAGs that cannot be imported or are not known."""
        dags = self._dags()
        broken = [dag for dag in dags if dag.import_error or not dag.is_known]
        seen = "; ".join(map(_broken, broken)) or f"Airflow knows all {len(dags)} DAGs of this package, without errors"
        return judge_state(self._settings, "airflow_import", not broken, seen, len(broken))

    def paused(self) -> Finding:
        """The value is the number of paused DAGs."""
        names = _names([dag for dag in self._dags() if dag.is_paused])
        seen = "None of this package's DAGs is paused"
        if names:
            seen = f"Paused: {', '.join(names)}. Nothing of them runs until somebody unpauses them"
        return judge_state(self._settings, "airflow_paused", not names, seen, len(names))


def _names(dags: Sequence[DagState]) -> list[str]:
    return sorted(dag.dag_id for dag in dags)


def _broken(dag: DagState) -> str:
    if dag.import_error:
        return f"{dag.dag_id} cannot be imported: {dag.import_error.rstrip('.')}"
    return f"Airflow does not know {dag.dag_id}; its file is missing, or no DAG processor has read it yet"


def _once(ask: Callable[[], T]) -> Callable[[], T]:
    """``ask``, called once: what did not answer the first check is not waited for again by the next one."""
    answers: list[T] = []
    errors: list[Exception] = []

    def answer() -> T:
        if not answers and not errors:
            try:
                answers.append(ask())
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0]
        return answers[0]

    return answer
