"""The seller accounts in the configuration."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, StringConstraints

from include.ozon.errors import ConfigurationError
from include.ozon.settings.base import Section, Text

# The key is part of a connection's id and of a variable's name (AIRFLOW_CONN_OZON_API_<ACCOUNT>).
AccountKey = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]


class AccountSettings(Section):
    """A seller's account; its Client-Id and Api-Key are in the Airflow connection ``ozon_api_<account>``."""

    title: Text = Field(description="The account's name in reports, alerts and the web UI.")


def check_distinct_client_ids(client_ids: Mapping[str, str]) -> None:
    """Raise an error if two accounts have the same Client-Id.

    They would exceed their common rate limit, and every product would be counted twice. The message does not show the
    Client-Id: somebody may have entered the Api-Key in its place.

    :raises ConfigurationError: naming all accounts that share a Client-Id.
    """
    accounts_by_client_id: defaultdict[str, list[str]] = defaultdict(list)
    for account, client_id in client_ids.items():
        accounts_by_client_id[client_id.strip()].append(account)
    shared = [sorted(accounts) for accounts in accounts_by_client_id.values() if len(accounts) > 1]
    if shared:
        raise ConfigurationError(
            "\n".join(
                f"The accounts {' and '.join(accounts)} have the same Client-Id; each account needs its own: "
                f"correct the login of the connections {', '.join(f'ozon_api_{a}' for a in accounts)}, "
                "or remove all but one of these accounts from the configuration."
                for accounts in sorted(shared)
            )
        )
