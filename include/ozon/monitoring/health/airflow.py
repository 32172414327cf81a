"""Airflow's own health: without its processes nothing is loaded, and no deadline is noticed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from include.ozon.errors import OzonError
from include.ozon.monitoring.health.checks import (
    AirflowProbe,
    Area,
    Check,
    DagState,
    HealthContext,
    Measures,
    checks_of,
    rules_of,
)
from include.ozon.monitoring.results import Finding, judge_state, unknown
from include.ozon.monitoring.rule import Rule, Unit
from include.ozon.settings.limits import State

T = TypeVar("T")

AIRFLOW_REACHABLE = Rule(
    name="airflow_reachable",
    title="Airflow's API server does not answer",
    measures="Airflow's API server answers.",
    limits=State(level="critical"),
    next_step="Check that it runs, and api.base_url.",
    meaning="The API server does not answer. Tasks that run cannot report.",
    remedy="Start it; `api.base_url` and `core.execution_api_server_url`.",
    group="airflow",
)

AIRFLOW_SCHEDULER = Rule(
    name="airflow_scheduler",
    title="Airflow's scheduler does not run",
    measures="The scheduler's heart beats.",
    unit=Unit.SECONDS,
    limits=State(level="critical"),
    next_step="Start it again and look at the end of its log.",
    meaning="No heartbeat: nothing is started any more.",
    remedy="Start it; the end of its log; the metadata database.",
    group="airflow",
)

AIRFLOW_TRIGGERER = Rule(
    name="airflow_triggerer",
    title="Airflow's triggerer does not run",
    measures="The triggerer's heart beats; without it no deadline is noticed.",
    unit=Unit.SECONDS,
    limits=State(level="critical"),
    next_step="Start it again: without it no missed deadline is noticed.",
    meaning="No heartbeat: no missed deadline is noticed.",
    remedy="Start it; the end of its log.",
    group="airflow",
)

AIRFLOW_DAG_PROCESSOR = Rule(
    name="airflow_dag_processor",
    title="Airflow's DAG processor does not run",
    measures="The DAG processor's heart beats.",
    unit=Unit.SECONDS,
    limits=State(level="critical"),
    next_step="Start it again and look at its log.",
    meaning="No heartbeat: changes of DAGs are not seen.",
    remedy="Start it; the end of its log.",
    group="airflow",
)

AIRFLOW_IMPORT = Rule(
    name="airflow_import",
    title="a DAG cannot be imported",
    measures="All DAGs of this package are known and can be imported.",
    limits=State(level="critical"),
    next_step="`airflow dags list-import-errors` shows why; `ozon config validate` checks settings.",
    meaning="A DAG of this package is unknown or cannot be imported: it does not run.",
    remedy="`airflow dags list-import-errors`, `ozon config validate`. `PYTHONPATH`?",
    group="airflow",
)

AIRFLOW_PAUSED = Rule(
    name="airflow_paused",
    title="a DAG is paused",
    measures="None of them is paused.",
    limits=State(level="warning"),
    next_step="Unpause it in Airflow, or leave it and acknowledge this.",
    meaning="A DAG is paused: it does not run.",
    remedy="Planned? `ozon alerts ack ID`. Else unpause.",
    group="airflow",
)


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
            return judge_state(self._settings, AIRFLOW_REACHABLE, False, str(error).rstrip("."))
        return judge_state(self._settings, AIRFLOW_REACHABLE, True, "Airflow's API server answers")

    def alive(self, process: str, rule: Rule[State]) -> Finding:
        """The value is the age of the last heartbeat in seconds."""
        status, beat_at = self._heartbeats().get(process, ("", None))
        called = f"Airflow's {process.replace('_', ' ')}"
        is_healthy = status == "healthy"
        if beat_at is None:
            return judge_state(self._settings, rule, is_healthy, f"{called} has never given a heartbeat")
        age_seconds = round(max(0.0, (self._now - beat_at).total_seconds()), 1)
        seen = f"{called} {'is' if is_healthy else 'is not'} alive: its last heartbeat was {age_seconds:g} seconds ago"
        return judge_state(self._settings, rule, is_healthy, seen, age_seconds)

    def imported(self) -> Finding:
        """The value is the number of DAGs that cannot be imported or are not known."""
        dags = self._dags()
        broken = [dag for dag in dags if dag.import_error or not dag.is_known]
        seen = "; ".join(map(_broken, broken)) or f"Airflow knows all {len(dags)} DAGs of this package, without errors"
        return judge_state(self._settings, AIRFLOW_IMPORT, not broken, seen, len(broken))

    def paused(self) -> Finding:
        """The value is the number of paused DAGs."""
        names = _names([dag for dag in self._dags() if dag.is_paused])
        seen = "None of this package's DAGs is paused"
        if names:
            seen = f"Paused: {', '.join(names)}. Nothing of them runs until somebody unpauses them"
        return judge_state(self._settings, AIRFLOW_PAUSED, not names, seen, len(names))


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


_PROCESSES = {
    "scheduler": AIRFLOW_SCHEDULER,
    "triggerer": AIRFLOW_TRIGGERER,
    "dag_processor": AIRFLOW_DAG_PROCESSOR,
}
_MEASURES: Measures[_Asked] = (
    (AIRFLOW_REACHABLE, _Asked.reachable),
    *((rule, partial(_Asked.alive, process=process, rule=rule)) for process, rule in _PROCESSES.items()),
    (AIRFLOW_IMPORT, _Asked.imported),
    (AIRFLOW_PAUSED, _Asked.paused),
)


def checks(context: HealthContext) -> Iterator[Check]:
    if context.airflow is None:
        return (Check(rule, _nobody_to_ask) for rule in AREA.rules)
    return checks_of(_MEASURES, _Asked(context, context.airflow))


AREA = Area("airflow", rules_of(_MEASURES), checks)
