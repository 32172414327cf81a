"""One account's visibility metrics, judged and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from include.ozon.monitoring.metrics.details import detail_lines
from include.ozon.monitoring.metrics.judgement import judge_metrics
from include.ozon.monitoring.metrics.model import VisibilityMetrics
from include.ozon.monitoring.metrics.store import save
from include.ozon.monitoring.results import CheckResult
from include.ozon.settings import Settings
from include.ozon.warehouse.session import Connection


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
