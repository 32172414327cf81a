"""The dead-man's switch: somebody outside hears that the health check ran, and raises the alarm when it does not."""

from __future__ import annotations

import logging

import requests

logger = logging.getLogger("ozon.health")


def ping(url: str, timeout_seconds: float) -> bool:
    """Whether the address was called and agreed.

    A failure is only logged, and without the address, which holds a token: whoever waits for the call notices.
    """
    try:
        answer = requests.get(url, timeout=timeout_seconds)
    except (requests.RequestException, ValueError) as error:
        logger.warning("The heartbeat address could not be called (%s).", type(error).__name__)
        return False
    if not answer.ok:
        logger.warning("The heartbeat address answered with HTTP %s.", answer.status_code)
    return answer.ok
