"""The operator of the components' tasks: it loads, and describes inputs and outputs to OpenLineage.

Parsing a DAG imports this module, so it imports the work inside the methods.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, Context

from include.ozon.pipeline.components import find_component

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage

    from include.ozon.pipeline.numbers import ComponentNumbers


class LoadComponent(BaseOperator):
    """Loads a component of one account, and returns its numbers."""

    template_fields = ("account",)

    def __init__(self, *, component: str, account: Any, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.component = component
        self.account = account
        self._numbers: ComponentNumbers | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        from include.ozon.adapter.tasks.load import load_component  # noqa: PLC0415
        from include.ozon.pipeline.numbers import ComponentNumbers  # noqa: PLC0415

        self._numbers = ComponentNumbers()
        load_component(self.component, self.account, self._numbers)
        return asdict(self._numbers)

    def get_openlineage_facets_on_complete(self, _: Any) -> OperatorLineage[Any, Any] | None:
        """Return the lineage of the attempt that has just ended; the provider also calls this for a failed one."""
        from include.ozon.adapter.lineage import component_lineage  # noqa: PLC0415

        if self._numbers is None:
            return None
        return component_lineage(find_component(self.component), self.account, self._numbers)
