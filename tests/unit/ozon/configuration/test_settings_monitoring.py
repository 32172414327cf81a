"""Rules, channels and silences: problems are reported at validation, not at three in the morning."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from include.ozon.monitoring.rules import RULES
from include.ozon.settings import Settings
from include.ozon.settings.limits import Bounds, State

Load = Callable[..., Settings]
Problems = Callable[..., list[str]]

TEAM = '[default.alerts.channels.team]\nkind = "email"\nrecipients = ["team@shop.example"]\n'


def silence(**values: str) -> str:
    fields = {"starts_at": "2026-12-01T01:00:00", "ends_at": "2026-12-01T03:00:00", "rules": "[]", "accounts": "[]"}
    lines = [f"{key} = {value}" for key, value in (fields | values).items()]
    return "\n".join(["[default.alerts.silences.move]", *lines])


def test_one_limit_of_a_rule_can_be_set_and_the_other_stays(load: Load) -> None:
    rule = load("[default.rules]\nlong_transaction_minutes = { warning = 5 }").rules.long_transaction_minutes

    assert (rule.warning, rule.critical, rule.enabled) == (5, 60, True)


def test_every_rule_has_limits_or_a_level(load: Load) -> None:
    settings = load()
    for rule in RULES:
        assert isinstance(rule.limits_in(settings), (Bounds, State)), rule.name
        assert rule.limits_in(settings) == rule.limits, rule.name


def test_a_channel_has_the_language_of_the_file_or_its_own(load: Load) -> None:
    settings = load(
        f'[default]\nlanguage = "ru"\n{TEAM}language = "en"\n[default.alerts.channels.duty]\nkind = "apprise"'
    )

    assert [settings.channel_language(name) for name in ("team", "duty", "removed")] == ["en", "ru", "ru"]
    assert load(TEAM).channel_language("team") == "en"


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("rules.long_transaction_minute = { warning = 5 }", "did you mean 'rules.long_transaction_minutes'?"),
        ("rules.disk_used_pct = { warn = 5 }", "unknown setting 'rules.disk_used_pct.warn'"),
        ('rules.disk_used_pct = { warning = "much" }', 'rules.disk_used_pct.warning = "much"; allowed: number'),
        ("rules.disk_used_pct = { warning = 96 }", "the warning never fires: critical, 95, is below warning, 96"),
        ("rules.visible_share_pct = { critical = 41 }", "the warning never fires: critical, 41, is above warning, 40"),
        ("rules.dead_rows_pct = { warning = 100, critical = 100 }", "the rule never fires: no share exceeds 100"),
        ('alerts.groups.loads = { channels = ["chat"] }', "unknown channel 'chat'; known in alerts.channels: none yet"),
        ("alerts.groups.load = { repeat_minutes = 5 }", "unknown group 'load'; did you mean 'loads'?"),
        (
            "rules.disk_used_pct = { cooldown_minutes = 5 }",
            "did you mean 'alerts.groups.disk_used_pct.repeat_minutes'?",
        ),
        ('rules.api_key = { channels = ["team"] }', "did you mean 'alerts.groups.api_access.channels'?"),
        ("alerts.cooldown_minutes = 5", "did you mean 'alerts.repeat_minutes'?"),
        ('language = "de"', 'language = "de"; allowed: text, one of en, ru'),
        ('alerts.channels.team = { kind = "apprise", language = "de" }', "allowed: text, one of en, ru, or empty"),
        ('alerts.channels.team = { kind = "pigeon" }', "allowed: text, one of email, apprise"),
        ('alerts.channels.team = { kind = "email" }', "it has no recipients; add e-mail addresses"),
        (
            'alerts.channels.team = { kind = "apprise", recipients = ["a@shop.example"] }',
            "Apprise's addresses are in the connection smtp_default; remove alerts.channels.team.recipients",
        ),
        ('alerts.sender = "me"', 'alerts.sender = "me" (it is not an e-mail address); allowed: text, e-mail address'),
        ('health.checks = ["warehouse", "weather"]', "weather"),
        ('reports.formats = ["pdf"]', "pdf"),
    ],
)
def test_an_impossible_setting_is_reported(toml: str, message: str, problems: Problems) -> None:
    [line] = problems(f"[default]\n{toml}")

    assert message in line


@pytest.mark.parametrize("address", ["team", "team@", "a@b, c@d", "a@b\nBcc: c@d", "Team <a@b>", "a b@c"])
def test_a_recipient_is_one_address_and_nothing_else(address: str, problems: Problems) -> None:
    [line] = problems(TEAM.replace("team@shop.example", address.replace("\n", "\\n")))

    assert "alerts.channels.team.recipients" in line


def test_a_rule_that_is_off_may_have_any_limit(load: Load) -> None:
    assert not load(
        "[default]\nrules.dead_rows_pct = { enabled = false, warning = 100, critical = 100 }"
    ).rules.dead_rows_pct.enabled


def test_a_silence_without_an_offset_is_in_the_configured_zone(load: Load) -> None:
    settings = load(silence())

    assert settings.in_time_zone(settings.alerts.silences["move"].starts_at) == datetime(2026, 11, 30, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"ends_at": "2026-12-01T01:00:00"}, "it ends before it begins"),
        ({"rules": '["api_kay"]'}, "unknown rule 'api_kay'; did you mean 'api_key'?"),
        ({"accounts": '["other"]'}, "unknown account 'other'; known in accounts: "),
        ({"starts_at": '"some day"'}, "alerts.silences.move.starts_at"),
    ],
)
def test_an_impossible_silence_is_reported(values: dict[str, str], message: str, problems: Problems) -> None:
    [line] = problems(silence(**values))

    assert message in line
