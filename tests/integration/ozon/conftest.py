from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import crontabs


@pytest.fixture(scope="module")
def crontab_user() -> Iterator[crontabs.TestUser]:
    if reason := crontabs.reason_to_skip():
        pytest.skip(reason)
    user = crontabs.TestUser()
    yield user
    user.close()
