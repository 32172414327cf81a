"""What a component of the load is; ``components`` has the list of them.

This module and those of the components are read whenever Airflow parses a DAG: they import what their steps work with
inside the steps (docs/decisions/0016).
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
# Of PostgreSQL's 63 bytes for a table's name an account's key takes 40, and two underscores stand between the parts.
_LONGEST_TABLE = 63 - 40 - 2
_LONGEST_COMMON_TABLE = "checkpoint"


@dataclass(frozen=True, kw_only=True)
class Component(Generic[D]):
    """One step of the load, such as ``product_etl``: what it needs, reads, compares and writes.

    ``name`` ends with ``_etl``; it is that of its task, its settings and its records. ``title`` is what it loads, for
    a sentence. ``needs`` are the components that must have succeeded before it in the same workflow. ``staging``
    defines the tables that ``read`` fills, besides the common ones, and ``rows_table`` is the one whose rows are
    counted as read. ``methods`` are the paths of the API that the key must allow under the settings.

    ``read`` fills the staging; what it has submitted is waited for. The other three run in one transaction: ``compare``
    finds what a load would change and touches no table of the warehouse, ``observe`` says what the guards look at, by
    default at rejected entries only, and ``merge`` writes the differences. A dry run does without ``merge``.
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
    merge: Callable[[Attempt, D], object]

    def __post_init__(self) -> None:
        longest = max(len(table) for table in (*self.staging, _LONGEST_COMMON_TABLE))
        if not re.fullmatch(r"[a-z]+_etl", self.name) or len(self.prefix) + longest > _LONGEST_TABLE:
            raise ValueError(
                f"The name of component {self.name!r} must be letters and {_SUFFIX!r}, and with its longest staging "
                f"table have at most {_LONGEST_TABLE} of them without that ending; found {len(self.prefix) + longest}"
            )

    @property
    def prefix(self) -> str:
        """What its staging tables are named after."""
        return self.name.removesuffix(_SUFFIX)
