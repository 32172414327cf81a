"""The dead man's switch: a call to an outside service, which raises the alarm when the calls stop."""

from __future__ import annotations

import logging

import requests

logger = logging.getLogger("ozon.health")


def ping(url: str, timeout_seconds: float) -> bool:
    """Call the address and return whether it accepted the call.

    A failure is only logged, since the outside service notices it. The address contains a token and is not logged.
    """
    # It logs addresses.
    logging.getLogger("urllib3").setLevel(logging.INFO)
    try:
        answer = requests.get(url, timeout=timeout_seconds)
    except (requests.RequestException, ValueError) as error:
        logger.warning("The heartbeat address could not be called (%s).", type(error).__name__)
        return False
    if not answer.ok:
        logger.warning("The heartbeat address answered with HTTP %s.", answer.status_code)
    return answer.ok
