"""docs/configuration.md agrees with the model and the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.ozon.configuration import docs, schema
from include.ozon.monitoring.rules import RULES


def test_documentation_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert docs.main(["--check"]) == 0, capsys.readouterr().err


def test_check_prints_the_command_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "configuration.md"
    monkeypatch.setattr(docs, "DOCS_PATH", path)
    assert docs.main(["--check"]) == 1
    assert not path.exists()

    path.write_text("old", encoding="utf-8")
    assert docs.main(["--check"]) == 1
    assert "run: python -m include.ozon.configuration.docs" in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == "old"

    assert docs.main([]) == 0
    assert docs.main(["--check"]) == 0


def test_every_setting_has_its_row_and_a_description() -> None:
    page = docs.render()

    rules = {rule.key for rule in RULES}
    for key, field in schema.settings_below():
        table = key.rpartition(".")[0]
        assert f"| `{table if table in rules else key}` |" in page
        assert field.description


def test_a_rule_has_one_row_with_its_side_limits_unit_and_group() -> None:
    page = docs.render()

    assert (
        "| `rules.visible_share_pct` | below | `warning = 40, critical = 20, min_count = 10` | % of all | visibility | "
        "Share of the products that customers can see. |\n"
    ) in page
    assert '| `rules.api_key` | if not so | `level = "critical"` |  | api_access | Ozon accepts' in page
    for name in {name for rule in RULES for name in type(rule.limits).model_fields}:
        assert f"\n| `{name}` |" in page


def test_file_overrides_are_shown_for_each_environment(tmp_path: Path) -> None:
    config = tmp_path / "ozon.toml"
    config.write_text('[default]\ntime_zone = "UTC"\n[testing.tasks]\nowner = "a|b"\n', encoding="utf-8")

    page = docs.render(config)

    assert page.endswith(
        "| Key | `[default]` | `[testing]` |\n"
        "| --- | --- | --- |\n"
        '| `time_zone` | `"UTC"` |  |\n'
        '| `tasks.owner` |  | `"a\\|b"` |\n'
    )
