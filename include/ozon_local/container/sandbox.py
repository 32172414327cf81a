"""The sandbox of the Seller API with the keys from ``.env``: ``python -m include.ozon_local.container.sandbox``.

It listens on every address of its container, whose network contains only this project; the tick is stored in a volume.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from include.ozon.files import write_private
from include.ozon_local.sandbox import ACCOUNTS

PORT = 8070
FOLDER = Path("/opt/airflow/sandbox")


def main() -> None:
    keys = {name: os.environ.get(f"SANDBOX_KEY_{name.upper()}", "") for name, _, _ in ACCOUNTS}
    if not all(keys.values()):
        sys.exit("The sandbox has no keys: run `make docker-env`, which writes SANDBOX_KEY_... into .env.")
    accounts = {
        name: {"client_id": client_id, "api_key": keys[name], "size": size} for name, client_id, size in ACCOUNTS
    }
    config = FOLDER / "config.json"
    write_private(config, json.dumps({"seed": 1, "state": str(FOLDER / "tick.json"), "accounts": accounts}))
    address = ["--host", "0.0.0.0", "--any-address", "--port", str(PORT)]  # noqa: S104 - see the docstring
    os.execv(sys.executable, [sys.executable, "-m", "include.ozon_sandbox", "--config", str(config), *address])


if __name__ == "__main__":
    main()
