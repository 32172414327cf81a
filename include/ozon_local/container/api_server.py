"""Airflow's API server with the sign-in from ``.env``: ``python -m include.ozon_local.container.api_server``.

Airflow reads passwords from a file. It is written at each start, so that a changed password takes effect, and only
here: no other container gets the password.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from include.ozon.files import write_private

USER = "admin"


def main() -> None:
    file = os.environ.get("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE")
    password = os.environ.pop("ADMIN_PASSWORD", None)
    if not file or not password:
        sys.exit("The password is missing: run `make docker-env`, which writes ADMIN_PASSWORD into .env.")
    write_private(Path(file), json.dumps({USER: password}))
    os.execvp("airflow", ["airflow", "api-server"])


if __name__ == "__main__":
    main()
