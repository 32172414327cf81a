"""The schema of Airflow's Helm chart, as far as deploy/values.yaml uses it.

``python -m tests.support.helm_chart FILE`` makes it from the chart's values.schema.json (800 kB; Apache License 2.0).
Only the used settings keep their types; of the others only the names are kept.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

from include.ozon_local.home import ROOT

VALUES = ROOT / "deploy" / "values.yaml"
SCHEMA = Path(__file__).with_name("helm_chart.schema.json")

Schema = dict[str, Any]


def values() -> Any:
    return yaml.safe_load(VALUES.read_text("utf-8"))


def used_part(whole: Schema, schema: Schema, used: Any) -> Schema:
    """Return the schema of the value ``used``, a part of the schema ``whole``."""
    if name := schema.get("$ref"):
        schema = {**whole["definitions"][name.removeprefix("#/definitions/")], **schema}
    part = {key: schema[key] for key in ("type", "enum", "pattern", "additionalProperties") if key in schema}
    if isinstance(part.get("additionalProperties"), dict):
        part["additionalProperties"] = used_part(whole, part["additionalProperties"], "")
    if isinstance(used, dict) and "properties" in schema:
        known = schema["properties"].items()
        part["properties"] = {key: used_part(whole, found, used[key]) if key in used else {} for key, found in known}
    if isinstance(used, list) and used and "items" in schema:
        part["items"] = used_part(whole, schema["items"], used[0])
    return part


def main(file: Path) -> None:
    whole = json.loads(file.read_text("utf-8"))
    found = used_part(whole, whole, values())
    # The chart allows unknown settings at the top, where a misspelled one would have no effect.
    SCHEMA.write_text(json.dumps({**found, "additionalProperties": False}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
