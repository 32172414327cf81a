"""The model of all settings: those of each part, and those that the registries add for components, rules and areas."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, create_model

from include.ozon.monitoring.health.areas import AREA_NAMES
from include.ozon.monitoring.rules import RULES
from include.ozon.pipeline.components import COMPONENTS
from include.ozon.settings import ComponentSettings, Settings
from include.ozon.settings.base import Section
from include.ozon.settings.components import ComponentsSettings
from include.ozon.settings.limits import RulesSettings
from include.ozon.settings.monitoring import HealthSettings


def _table(base: type[Section], description: str | None, **fields: Any) -> Any:
    """Return a table of settings as a field: ``base`` extended by ``fields``, with their defaults."""
    model = create_model(f"_{base.__name__}", __base__=base, **fields)
    return model, Field(default=model(), description=description)


def _limits(table: str) -> dict[str, Any]:
    """Return the limits of the rules in a table, as its fields."""
    placed = {tuple(rule.key.rsplit(".", 1)): rule for rule in RULES}
    return {
        name: (type(rule.limits), Field(default=rule.limits, description=rule.measures))
        for (prefix, name), rule in placed.items()
        if prefix == table
    }


def _described(name: str) -> str | None:
    return Settings.model_fields[name].description


_components = {
    component.name: _table(
        ComponentSettings, f"The component that loads {component.title}.", **_limits(f"components.{component.name}")
    )
    for component in COMPONENTS
}
_checks = (
    list[Literal[AREA_NAMES]],  # type: ignore[valid-type]
    Field(default=list(AREA_NAMES), min_length=1, description=HealthSettings.model_fields["checks"].description),
)

Configuration = create_model(
    "Configuration",
    __base__=Settings,
    components=_table(ComponentsSettings, _described("components"), **_components),
    health=_table(HealthSettings, _described("health"), checks=_checks),
    rules=_table(RulesSettings, _described("rules"), **_limits("rules")),
)
