"""The type of a component of the load; ``components`` lists them.

Airflow imports this module and the components' modules whenever it parses a DAG, so their steps import what they need
inside the functions (docs/decisions/0016).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, LiteralString, TypeVar

from include.ozon.pipeline.guards import Observation, observe_rejected

if TYPE_CHECKING:
    from include.ozon.pipeline.attempt import Attempt
    from include.ozon.pipeline.reading import Reading
    from include.ozon.settings import GuardsSettings, Settings
    from include.ozon.warehouse.differences import Differences

D = TypeVar("D", bound="Differences")

_SUFFIX = "_etl"
# A table's name in PostgreSQL has at most 63 bytes: 40 for the account's key, 2 for the underscores between the parts.
_LONGEST_TABLE = 63 - 40 - 2
_LONGEST_COMMON_TABLE = "checkpoint"


@dataclass(frozen=True, kw_only=True)
class Component(Generic[D]):
    """One step of the load, for example ``product_etl``.

    ``name`` ends with ``_etl`` and is also the name of its task, settings and records. ``title`` names what it loads,
    for use in a sentence. ``needs`` are the components that must have succeeded before it in the same workflow.
    ``staging`` defines the tables that ``read`` fills in addition to the common ones; the rows of ``rows_table`` are
    counted as read. ``methods`` returns the API's paths that the key must allow with the given settings.

    ``read`` fills the staging; the attempt waits for all requests that it submits. The other three run in one
    transaction: ``compare`` finds what a load would change without changing the warehouse, ``observe`` returns what
    the guards check (by default rejected entries only), and ``merge`` writes the differences and returns the rows
    written by table. A dry run skips ``merge``.
    """

    name: str
    title: str
    needs: tuple[Component[Any], ...] = ()
    staging: Mapping[str, LiteralString]
    rows_table: str
    methods: Callable[[Settings], Sequence[str]]
    read: Callable[[Attempt, Reading], None]
    compare: Callable[[Attempt], D]
    observe: Callable[[GuardsSettings, D], Sequence[Observation]] = observe_rejected
    merge: Callable[[Attempt, D], Mapping[str, int]]

    def __post_init__(self) -> None:
        longest = max(len(table) for table in (*self.staging, _LONGEST_COMMON_TABLE))
        if not re.fullmatch(r"[a-z]+_etl", self.name) or len(self.prefix) + longest > _LONGEST_TABLE:
            raise ValueError(
                f"The name of component {self.name!r} must be letters and {_SUFFIX!r}, and with its longest staging "
                f"table have at most {_LONGEST_TABLE} of them without that ending; found {len(self.prefix) + longest}"
            )

    @property
    def prefix(self) -> str:
        """The component's part of the names of its staging tables."""
        return self.name.removesuffix(_SUFFIX)
