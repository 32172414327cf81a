"""One account's visibility metrics, measured and kept; what the DAG's task and `ozon visibility --alert` share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from include.ozon.adapter.alerting import deliver
from include.ozon.monitoring.alerts.sender import SentReport
from include.ozon.monitoring.metrics import VisibilityMetrics, detail_lines, judge_metrics, save
from include.ozon.monitoring.results import CheckResult
from include.ozon.settings import Settings
from include.ozon.warehouse.session import Connection

FAMILY = "visibility"
"""Of the alerts under which the products concerned are listed."""


@dataclass(frozen=True)
class Judged:
    """What there may be to tell about an account."""

    results: Sequence[CheckResult]
    details: Sequence[str]

    def as_dict(self) -> dict[str, Any]:
        """What Airflow's XCom can hold."""
        return {"results": [result.as_dict() for result in self.results], "details": list(self.details)}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Judged:
        return cls([CheckResult.from_dict(result) for result in fields["results"]], fields["details"])


def keep(connection: Connection, metrics: VisibilityMetrics, settings: Settings) -> Judged:
    """Store the measurement and judge it by what was measured before."""
    results = judge_metrics(metrics, metrics.history, settings)
    save(connection, metrics)
    return Judged(results, detail_lines(metrics, settings))


def tell(judged: Sequence[Judged], reports: Sequence[str] = ()) -> SentReport:
    """Hand what was found to the sender, with the addresses of report files."""
    return deliver(
        results=[result for each in judged for result in each.results],
        details={FAMILY: [line for each in judged for line in each.details]},
        links=reports,
    )
