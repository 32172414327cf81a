from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from include.ozon.configuration import load_settings
from include.ozon.errors import ConfigurationError
from include.ozon.settings import Settings

ONE_ACCOUNT = '[default.accounts.main]\ntitle = "Main"\n'

Load = Callable[..., Settings]
Problems = Callable[..., list[str]]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Return a function that loads a file with the given TOML and an account, with the given variables."""

    def load(
        toml: str = "", environment: str = "production", *, account: str = ONE_ACCOUNT, **environ: str
    ) -> Settings:
        path = tmp_path / "ozon.toml"
        path.write_text(f"{toml}\n{account}", encoding="utf-8")
        return load_settings(path, environment, environ)

    return load


@pytest.fixture
def problems(load: Load, tmp_path: Path) -> Problems:
    """Return a function that returns the lines of a file's error, without the file's folder."""

    def problems(*args: str, **kwargs: str) -> list[str]:
        with pytest.raises(ConfigurationError) as caught:
            load(*args, **kwargs)
        heading, *lines = str(caught.value).replace(f"{tmp_path}/", "").split("\n- ")
        assert heading == f"The configuration has {len(lines)} problem{'s' if len(lines) > 1 else ''}:"
        return lines

    return problems
