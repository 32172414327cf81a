"""The area of Airflow: its processes, and this package's DAGs."""

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
from include.ozon.monitoring.results import Judgement, judge_state, unknown
from include.ozon.monitoring.rule import Rule, Unit
from include.ozon.settings.limits import State
from include.ozon.translation import N_

T = TypeVar("T")

AIRFLOW_REACHABLE = Rule(
    name="airflow_reachable",
    title=N_("Airflow's API server does not answer"),
    measures=N_("Airflow's API server answers."),
    limits=State(level="critical"),
    next_step=N_("Start the API server, or correct Airflow's setting api.base_url if it runs."),
    meaning="The API server does not answer: running tasks cannot report their state.",
    remedy="Start it. If it runs, check Airflow's settings `api.base_url` and `core.execution_api_server_url`.",
    group="airflow",
)

AIRFLOW_SCHEDULER = Rule(
    name="airflow_scheduler",
    title=N_("Airflow's scheduler does not run"),
    measures=N_("The scheduler sends heartbeats."),
    unit=Unit.SECONDS,
    limits=State(level="critical"),
    next_step=N_("Restart the scheduler; the end of its log shows why it stopped."),
    meaning="The scheduler sends no heartbeat: no DAG run and no task starts.",
    remedy="Restart it. The end of its log shows why it stopped; check the metadata database, too.",
    group="airflow",
)

AIRFLOW_TRIGGERER = Rule(
    name="airflow_triggerer",
    title=N_("Airflow's triggerer does not run"),
    measures=N_("The triggerer sends heartbeats; without it, missed deadlines go unnoticed."),
    unit=Unit.SECONDS,
    limits=State(level="critical"),
    next_step=N_("Restart the triggerer; the end of its log shows why it stopped."),
    meaning="The triggerer sends no heartbeat: missed deadlines go unnoticed.",
    remedy="Restart it. The end of its log shows why it stopped.",
    group="airflow",
)

AIRFLOW_DAG_PROCESSOR = Rule(
    name="airflow_dag_processor",
    title=N_("Airflow's DAG processor does not run"),
    measures=N_("The DAG processor sends heartbeats."),
    unit=Unit.SECONDS,
    limits=State(level="critical"),
    next_step=N_("Restart the DAG processor; the end of its log shows why it stopped."),
    meaning="The DAG processor sends no heartbeat: changes to DAGs have no effect.",
    remedy="Restart it. The end of its log shows why it stopped.",
    group="airflow",
)

AIRFLOW_IMPORT = Rule(
    name="airflow_import",
    title=N_("a DAG cannot be imported"),
    measures=N_("Airflow knows all DAGs of this package and can import them."),
    limits=State(level="critical"),
    next_step=N_(
        "Run `airflow dags list-import-errors` for the cause, and `ozon config validate` to check the settings."
    ),
    meaning="Airflow does not know a DAG of this package, or cannot import it: the DAG does not run.",
    remedy="`airflow dags list-import-errors` shows the cause; `ozon config validate` checks the settings. "
    "`PYTHONPATH` has to contain the root of the package.",
    group="airflow",
)

AIRFLOW_PAUSED = Rule(
    name="airflow_paused",
    title=N_("a DAG is paused"),
    measures=N_("No DAG of this package is paused."),
    limits=State(level="warning"),
    next_step=N_("Unpause the DAG in Airflow. If it is paused on purpose, acknowledge this alert."),
    meaning="A DAG of this package is paused: it does not run.",
    remedy="Unpause it with `airflow dags unpause DAG_ID`. If it is paused on purpose: `ozon alerts ack ID`.",
    group="airflow",
)


def _no_airflow() -> Judgement:
    return unknown("No Airflow runs here; remove `airflow` from health.checks if that is intended")


class _Airflow:
    """Airflow's state, requested once for all checks."""

    def __init__(self, context: HealthContext, probe: AirflowProbe) -> None:
        self._settings = context.settings
        self._now = context.now
        self._heartbeats = _once(probe.heartbeats)
        self._dags = _once(probe.dags)

    def reachable(self) -> Judgement:
        try:
            self._heartbeats()
        except OzonError as error:
            return judge_state(self._settings, AIRFLOW_REACHABLE, False, str(error).rstrip("."))
        return judge_state(self._settings, AIRFLOW_REACHABLE, True, "Airflow's API server answers")

    def alive(self, process: str, rule: Rule[State]) -> Judgement:
        """Check a process; the value is the age of its last heartbeat in seconds."""
        status, beat_at = self._heartbeats().get(process, ("", None))
        title = f"Airflow's {process.replace('_', ' ')}"
        is_healthy = status == "healthy"
        if beat_at is None:
            return judge_state(self._settings, rule, is_healthy, f"{title} has never sent a heartbeat")
        age_seconds = round(max(0.0, (self._now - beat_at).total_seconds()), 1)
        text = f"{title} {'runs' if is_healthy else 'does not run'}: its last heartbeat was {age_seconds:g} seconds ago"
        return judge_state(self._settings, rule, is_healthy, text, age_seconds)

    def imported(self) -> Judgement:
        """Check this package's DAGs; the value is the number of unknown or broken ones."""
        dags = self._dags()
        broken = [dag for dag in dags if dag.import_error or not dag.is_known]
        text = "; ".join(map(_broken, broken)) or f"Airflow knows all {len(dags)} DAGs of this package, without errors"
        return judge_state(self._settings, AIRFLOW_IMPORT, not broken, text, len(broken))

    def paused(self) -> Judgement:
        """Check for paused DAGs; the value is their number."""
        names = _names([dag for dag in self._dags() if dag.is_paused])
        text = "None of this package's DAGs is paused"
        if names:
            text = f"Paused DAGs: {', '.join(names)}. They do not run until somebody unpauses them"
        return judge_state(self._settings, AIRFLOW_PAUSED, not names, text, len(names))


def _names(dags: Sequence[DagState]) -> list[str]:
    return sorted(dag.dag_id for dag in dags)


def _broken(dag: DagState) -> str:
    if dag.import_error:
        return f"{dag.dag_id} cannot be imported: {dag.import_error.rstrip('.')}"
    return f"Airflow does not know {dag.dag_id}: its file is missing, or the DAG processor has not read it yet"


def _once(ask: Callable[[], T]) -> Callable[[], T]:
    """Return a function that calls ``ask`` once and keeps its answer or error, so that no check waits a second time."""
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
_MEASURES: Measures[_Airflow] = (
    (AIRFLOW_REACHABLE, _Airflow.reachable),
    *((rule, partial(_Airflow.alive, process=process, rule=rule)) for process, rule in _PROCESSES.items()),
    (AIRFLOW_IMPORT, _Airflow.imported),
    (AIRFLOW_PAUSED, _Airflow.paused),
)


def checks(context: HealthContext) -> Iterator[Check]:
    if context.airflow is None:
        return (Check(rule, _no_airflow) for rule in AREA.rules)
    return checks_of(_MEASURES, _Airflow(context, context.airflow))


AREA = Area("airflow", rules_of(_MEASURES), checks)
