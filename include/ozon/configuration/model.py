"""The settings as a whole: those of each part, with a table for each component of the load."""

from __future__ import annotations

from typing import Any

from pydantic import Field, create_model

from include.ozon.pipeline.component import Component
from include.ozon.pipeline.components import COMPONENTS
from include.ozon.settings import ComponentSettings, Settings
from include.ozon.settings.components import ComponentsSettings


def _table(component: Component[Any]) -> Any:
    return ComponentSettings, Field(default=ComponentSettings(), description=f"Those of the {component.title}.")


_tables: dict[str, Any] = {component.name: _table(component) for component in COMPONENTS}
_Components = create_model("_Components", __base__=ComponentsSettings, **_tables)

Configuration = create_model(
    "Configuration",
    __base__=Settings,
    components=(_Components, Field(default=_Components(), description=Settings.model_fields["components"].description)),
)
