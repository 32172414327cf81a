"""``ozon alerts``: what was told, and saying that somebody takes care of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from include.ozon.cli.common import Output, console, print_json, say
from include.ozon.cli.inbox import inbox
from include.ozon.cli.warehouse import warehouse_session
from include.ozon.configuration import load_settings
from include.ozon.monitoring.alerts.model import Alert
from include.ozon.monitoring.alerts.store import acknowledge, recent_alerts
from include.ozon.settings import Settings
from include.ozon.warehouse.schema import require_head
from include.ozon.words import moment

app = typer.Typer(invoke_without_command=True)
app.command(name="inbox")(inbox)

_STYLES = {"critical": "bold red", "warning": "yellow", "recovered": "green"}


@app.callback()
def alerts(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=0, help="Also those that recovered in so many days.")] = 1,
    output: Output = "text",
) -> None:
    """Show the open alerts, and those that have recovered of late.

    Example: ozon alerts --days 7
    """
    if context.invoked_subcommand:
        return
    with warehouse_session() as connection:
        require_head(connection)
        found = recent_alerts(connection, datetime.now(tz=UTC) - timedelta(days=days))
    if output == "json":
        print_json([alert.as_dict() for alert in found])
    elif not found:
        say(f"No alert is open, and none has recovered in {days} days.")
    else:
        console().print(_table(found, load_settings()))


@app.command()
def ack(
    alert_id: Annotated[str, typer.Argument(help="The alert's id, as `ozon alerts` and the mail show it.")],
    output: Output = "text",
) -> None:
    """Silence an alert until it gets worse or has recovered; somebody takes care of it.

    Example: ozon alerts ack 3f9c01ab
    """
    with warehouse_session() as connection:
        require_head(connection)
        acknowledged = acknowledge(connection, alert_id, datetime.now(tz=UTC))
    if output == "json":
        print_json(acknowledged.as_dict())
    else:
        say(f"Acknowledged {acknowledged.alert_id}: silent until it gets worse. {acknowledged.message}")


def _table(found: list[Alert], settings: Settings) -> Table:
    table = Table(title="Alerts", title_justify="left")
    for heading in ("id", "level", "account", "since", "sent", "state", "message"):
        table.add_column(heading, overflow="fold")
    for alert in found:
        level = alert.level if alert.is_open else "recovered"
        table.add_row(
            alert.alert_id,
            Text(level, style=_STYLES[level]),
            alert.account or "all",
            moment(alert.opened_at, settings),
            str(alert.sent_count),
            _state(alert, settings),
            # Not as markup: a product's name may have brackets in it.
            Text(alert.message),
        )
    return table


def _state(alert: Alert, settings: Settings) -> str:
    if alert.recovered_at:
        return f"recovered {moment(alert.recovered_at, settings)}"
    if alert.acknowledged_at:
        return "acknowledged"
    return f"follows from {alert.suppressed_by}" if alert.suppressed_by else "open"
