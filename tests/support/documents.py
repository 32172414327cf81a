"""The JSON documents that the commands print."""

from __future__ import annotations

import json
from typing import Any

from include.ozon.reports.envelope import VERSION


def data_of(text: str | bytes, schema: str | None = None, **options: Any) -> Any:
    """Return the data of a document; raise unless it is in the envelope, of that schema if it is given."""
    document = json.loads(text, **options)
    assert list(document) == ["schema", "version", "data"]
    assert document["schema"].startswith("ozon-")
    assert document["version"] == VERSION
    assert schema in (None, document["schema"])
    return document["data"]
