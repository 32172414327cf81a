"""docs/chats.md: each example works as it stands, with servers of the test's own in the place of the services."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from apprise.plugins.slack import NotifySlack
from apprise.plugins.telegram import NotifyTelegram
from typer.testing import CliRunner

from include.ozon.adapter.alerting.channels import open_channels
from include.ozon.cli import app
from include.ozon.configuration import load_settings
from include.ozon.monitoring.alerts.message import Mail
from include.ozon_local.home import ROOT
from tests.support.mail import MailServer, part
from tests.support.scripted_server import Answer, Server

PAGE = (ROOT / "docs" / "chats.md").read_text("utf-8")
EXAMPLES = re.findall(
    r"^## (.+?)\n.*?```toml\n(.*?)```\n\n```sh\nexport (\w+)='(.*?)'\nozon (.*?)\n```", PAGE, re.M | re.S
)
MARKUP = "<b>Кружка & *ложка*</b>"
MAIL = Mail("s", "t", "h", chat_title="Скрыто 2 товара", chat_text=f"{MARKUP}\n")

Texts = Callable[[], list[str]]
"""The texts that the service has received."""


@contextmanager
def telegram(monkeypatch: pytest.MonkeyPatch) -> Iterator[Texts]:
    server = Server()
    server.answers = [Answer(body={"ok": True, "result": {}})]
    monkeypatch.setattr(NotifyTelegram, "notify_url", f"{server.url}/bot")
    yield lambda: [asked.body["text"] for asked in server.asked if asked.body["chat_id"] == -1001234567890]
    server.close()


@contextmanager
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Texts]:
    server = Server()
    server.answers = [Answer(body=b"ok")]
    monkeypatch.setattr(NotifySlack, "webhook_url", f"{server.url}/services")
    yield lambda: [json.dumps(asked.body, ensure_ascii=False) for asked in server.asked]
    server.close()


@contextmanager
def mail_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Texts]:
    with MailServer() as server:
        connection = {row[2]: row[3] for row in EXAMPLES}["AIRFLOW_CONN_OZON_PAGER"].replace(
            "mailtos://ozon:password@smtp.shop.example:587", f"mailto://127.0.0.1:{server.port}"
        )
        monkeypatch.setenv("AIRFLOW_CONN_OZON_PAGER", connection)
        yield lambda: [f"{message['Subject']}\n{part(message, 'plain')}" for message in server.messages]


SERVICES = {"telegram": telegram, "slack": slack, "pager": mail_server}


@pytest.mark.parametrize(
    ("config", "variable", "connection", "command"), [row[1:] for row in EXAMPLES], ids=[row[0] for row in EXAMPLES]
)
def test_an_example_delivers(
    config: str, variable: str, connection: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ozon.toml"
    file.write_text(f'[default.accounts.main]\ntitle = "Shop"\n{config}')
    for name, value in {"OZON_CONFIG": str(file), "OZON_ENV": "production", variable: connection}.items():
        monkeypatch.setenv(name, value)
    name = command.rsplit(maxsplit=1)[-1]

    with SERVICES[name](monkeypatch) as texts:
        done = CliRunner().invoke(app, command.split())
        assert (done.exit_code, done.stdout) == (0, f"{name}: delivered\n"), done.output
        assert len(texts()) == 1

        open_channels(load_settings())[name].deliver(MAIL, "critical")
        assert "Скрыто 2 товара" in texts()[1]
        # A chat shows a product's markup as text; a mail is text anyway.
        assert (MARKUP in texts()[1]) == (name == "pager")


def test_the_page_has_an_example_for_each_service() -> None:
    assert [row[4] for row in EXAMPLES] == [f"alerts test {name}" for name in SERVICES]
