"""One account's visibility metrics, judged and stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from include.ozon.monitoring.metrics.details import detail_lines
from include.ozon.monitoring.metrics.judgement import judge_metrics
from include.ozon.monitoring.metrics.model import VisibilityMetrics
from include.ozon.monitoring.metrics.search_tables import renew_search_tables
from include.ozon.monitoring.metrics.store import save
from include.ozon.monitoring.results import CheckResult
from include.ozon.settings import Settings
from include.ozon.translation import Translated
from include.ozon.warehouse.session import Connection


@dataclass(frozen=True)
class Judged:
    """An account's results, with details for a notification."""

    results: Sequence[CheckResult]
    details: Sequence[Translated]

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as types that Airflow's XCom supports."""
        return {
            "results": [result.as_dict() for result in self.results],
            "details": [asdict(line) for line in self.details],
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Judged:
        return cls(
            [CheckResult.from_dict(result) for result in fields["results"]],
            [Translated(**line) for line in fields["details"]],
        )


def judge_and_store(connection: Connection, metrics: VisibilityMetrics, settings: Settings) -> Judged:
    """Judge the measurement by the account's history, store it, and renew the tables that the page searches."""
    results = judge_metrics(metrics, metrics.history, settings)
    with connection.transaction():
        save(connection, metrics)
        renew_search_tables(connection, metrics.account)
    return Judged(results, detail_lines(metrics, settings))
