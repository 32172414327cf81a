"""The generator of docs/configuration.md: ``python -m include.ozon.configuration.docs``.

Its sources are the settings' model and config/ozon.toml. With ``--check`` it only compares; the exit code is 1 if the
page is out of date.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic.fields import FieldInfo

from include.ozon.configuration import schema
from include.ozon.configuration.model import Configuration
from include.ozon.configuration.sources import Merged, built_in_layer, file_layers, merge, read_file
from include.ozon.generated_pages import table, write_or_check
from include.ozon.monitoring.rule import Rule
from include.ozon.monitoring.rules import RULES
from include.ozon.project import CONFIGURATION, PROJECT
from include.ozon.settings.limits import Above, AboveShare, Bounds, Limits, State

# Settings that have a row in the table of rules.
_LIMITS = {rule.key for rule in RULES}

DOCS_PATH = PROJECT / "docs" / "configuration.md"

_INTRODUCTION = """\
<!-- Made by `python -m include.ozon.configuration.docs` from the settings' model; do not edit. -->

# Configuration

All settings are in one file, `config/ozon.toml`. If a setting is given in several places, the last of these wins:

1. its default: the column "Default" below;
2. the file's table `[default]`, for all environments;
3. the file's table of the environment in `OZON_ENV`: `development` (the default), `testing` or `production`;
4. a variable `OZON__SECTION__KEY`, for one value and one process: two underscores stand for each dot of the
   key, and case does not matter. `OZON__RETRY__FIRST_DELAY_SECONDS=5` sets `retry.first_delay_seconds`, and
   `OZON__GUARDS__VANISHED__LEVEL=warn` sets `guards.vanished.level`. A list is JSON, or its entries are
   separated by commas.

`OZON_CONFIG` names another file. Unknown keys, wrong values and contradictions are errors; all of them are reported
at once, each with its place. Client-Id, Api-Key and passwords are not settings: they belong in Airflow's connections
`ozon_api_<account>` and `ozon_warehouse`, and a key that looks like one of them is an error too.
"""


def render(config_path: Path = CONFIGURATION) -> str:
    """Return the whole page, for the model and one configuration file.

    :raises ConfigurationError: the file cannot be read.
    """
    built_in = merge([built_in_layer()])
    singles = [setting for setting in schema.settings_below() if "." not in setting.key]
    blocks = [_INTRODUCTION, "## General\n", _settings_table(singles, built_in)]
    for name, field in Configuration.model_fields.items():
        if name == "rules":
            blocks += _rules_section(field)
        elif schema.is_table(field):
            blocks += _section(name, field, built_in)
    blocks += ["## Values in config/ozon.toml\n", _file_table(config_path)]
    return "\n".join(blocks)


def main(arguments: list[str]) -> int:
    text = render()
    return write_or_check(DOCS_PATH, text, "include.ozon.configuration.docs", arguments)


def _section(name: str, field: FieldInfo, built_in: Merged) -> Iterator[str]:
    yield f"## {name}\n"
    limits = schema.limits(field)
    yield f"{field.description} Allowed: {limits}.\n" if limits else f"{field.description}\n"
    if tables := [
        f"- `{name}.{key}`: {child.description}\n"
        for key, child in schema.children(field).items()
        if schema.is_table(child) and child.description
    ]:
        yield "".join(tables)
    settings = schema.settings_below(field, f"{name}.")
    yield _settings_table((each for each in settings if each.key.rpartition(".")[0] not in _LIMITS), built_in)


def _rules_section(field: FieldInfo) -> Iterator[str]:
    """Yield one table with the settings of any rule, and one with a row for each rule."""
    yield f"## rules\n\n{field.description} A rule is a table with these keys:\n"
    keys = {name: each for kind in (AboveShare, State) for name, each in kind.model_fields.items()}
    yield table(
        ("Key", "Type", "Allowed", "Meaning"),
        (
            (f"`{name}`", schema.kind(each), schema.limits(each) or "any", each.description or "")
            for name, each in keys.items()
        ),
    )
    yield (
        "For example `[default.rules]` with `disk_used_pct = { warning = 70, critical = 90 }`. Alerts of one group are "
        "notified together, as one\nincident; `alerts.groups.<group>` sets the channels and the repeat interval. "
        "[The runbook](runbook.md#alerts) explains each rule and what to do.\n"
    )
    yield table(
        ("Rule", "Bad", "Default", "Unit", "Group", "Measured value"),
        (
            (f"`{rule.key}`", _side(rule.limits), _default(rule.limits), _unit(rule), rule.group, rule.measures)
            for rule in RULES
        ),
    )


def _side(limits: Limits) -> str:
    if not isinstance(limits, Bounds):
        return "if not so"
    return "above" if isinstance(limits, Above) else "below"


def _default(limits: Limits) -> str:
    values = limits.model_dump(exclude={"enabled"})
    return f"`{', '.join(f'{name} = {_number(value)}' for name, value in values.items())}`"


def _number(value: object) -> str:
    return f"{value:.12g}" if isinstance(value, float) else schema.shown(value)


def _unit(rule: Rule[Limits]) -> str:
    return str(rule.unit) if isinstance(rule.limits, Bounds) else ""


def _settings_table(settings: Iterable[schema.Setting], built_in: Merged) -> str:
    return table(
        ("Key", "Type", "Allowed", "Default", "Meaning"),
        (
            (
                f"`{key}`",
                schema.kind(field),
                schema.limits(field) or "any",
                _code(built_in, key) or _default_of(field),
                field.description or "",
            )
            for key, field in settings
        ),
    )


def _default_of(field: FieldInfo) -> str:
    """Return the default of a setting in a table with a user-defined name."""
    return "must be given" if field.is_required() else f"`{schema.shown(field.default)}`"


def _file_table(config_path: Path) -> str:
    layers, _ = file_layers(config_path, read_file(config_path))
    columns = {name: merge([layer]) for name, layer in layers.items() if layer.values}
    keys = dict.fromkeys(key for column in columns.values() for key in column.origins)
    return table(
        ("Key", *(f"`[{name}]`" for name in columns)),
        ((f"`{key}`", *(_code(column, key) for column in columns.values())) for key in keys),
    )


def _code(merged: Merged, key: str) -> str:
    return f"`{schema.shown(merged.value(key))}`" if key in merged.origins else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
