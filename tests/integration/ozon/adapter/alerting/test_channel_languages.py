"""One incident, notified to an English and a Russian channel: mails that really go out."""

from __future__ import annotations

import json
from typing import NoReturn

import pytest

from include.ozon.adapter.alerting.channels import open_channels
from include.ozon.errors import WarehouseUnavailableError
from include.ozon.monitoring.alerts.sender import send_alerts
from include.ozon.monitoring.metrics.details import detail_lines
from include.ozon.monitoring.metrics.judged import Judged
from include.ozon.monitoring.results import CheckResult, Status
from tests.support.alerts import START, MemoryKeeper, alert_settings
from tests.support.mail import MailServer, part
from tests.support.metrics import metrics

DROP = CheckResult(
    area="visibility",
    check="turned_invisible_pct",
    account="main",
    status=Status.CRITICAL,
    value=34.5,
    threshold=25,
    message="242 of 702 visible products turned invisible since the last measurement, 34.5 %.",
)
SETTINGS = alert_settings(
    channels={
        "engineers": {"kind": "email", "recipients": ["engineers@shop.example"]},
        "managers": {"kind": "email", "recipients": ["managers@shop.example"], "language": "ru"},
    }
)


def no_warehouse() -> NoReturn:
    raise WarehouseUnavailableError("The warehouse cannot be reached.")


def test_each_channel_gets_the_incident_in_its_language(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = Judged([DROP], detail_lines(metrics(), SETTINGS))
    received = Judged.from_dict(json.loads(json.dumps(judged.as_dict())))
    with MailServer() as server:
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", server.connection)
        send_alerts(
            received.results,
            [],
            connect=no_warehouse,
            keeper=MemoryKeeper(),
            channels=open_channels(SETTINGS),
            settings=SETTINGS,
            now=START,
            details={"visibility": received.details},
        )

    mails = {message["To"]: message for message in server.messages}
    english, russian = mails["engineers@shop.example"], mails["managers@shop.example"]
    assert len(server.messages) == 2
    assert english["Subject"] == "[Ozon ETL testing] CRITICAL: products turned invisible - Test account 1 (main)"
    assert russian["Subject"] == "[Ozon ETL testing] КРИТИЧНО: товары скрылись от покупателей - Test account 1 (main)"
    for kind in ("plain", "html"):
        assert "3 products turned invisible since the last measurement (2026-11-24 02:10 MSK)" in part(english, kind)
        assert "с прошлого измерения (24.11.2026 02:10 MSK) от покупателей скрылись 3 товара" in part(russian, kind)
        assert "turned invisible since" not in part(russian, kind).replace(DROP.message, "")
        assert "В журнале" in part(russian, kind)
        assert "В журнале" not in part(english, kind)
