"""``ozon alerts``: incidents, who was notified of them, and who takes care of them."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from include.ozon.cli.common import FAILED, Output, console, importing_airflow, print_json, say, text_table
from include.ozon.cli.inbox import inbox
from include.ozon.cli.warehouse import warehouse_session
from include.ozon.configuration import load_settings
from include.ozon.errors import ConfigurationError, require_known, safe_text
from include.ozon.monitoring.alerts.message import render_test
from include.ozon.monitoring.alerts.model import Alert, Incident, Notification
from include.ozon.monitoring.alerts.store import acknowledge, one_incident, recent_incidents
from include.ozon.monitoring.rules import RULE_BY_NAME
from include.ozon.settings import Settings
from include.ozon.translation import use_language
from include.ozon.warehouse.schema import require_head
from include.ozon.words import count_of, moment, one_line

app = typer.Typer(invoke_without_command=True)
app.command(name="inbox")(inbox)

_STYLES = {"critical": "bold red", "warning": "yellow", "resolved": "green"}

_IncidentId = Annotated[str, typer.Argument(metavar="ID", help="The incident's id, in `ozon alerts` and in the mail.")]


@app.callback()
def alerts(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=0, help="Also list those resolved in so many days.")] = 1,
    output: Output = "text",
) -> None:
    """List the unresolved incidents, and those resolved of late.

    Example: ozon alerts --days 7
    """
    if context.invoked_subcommand:
        return
    with warehouse_session() as connection:
        require_head(connection)
        found = recent_incidents(connection, datetime.now(tz=UTC) - timedelta(days=days))
    if output == "json":
        print_json("incidents", _documents(found))
    elif not found:
        say(f"No incident is unresolved, and none was resolved in {count_of(days, 'day')}.")
    else:
        console().print(_incidents(found, load_settings()))


@app.command()
def show(incident_id: _IncidentId, output: Output = "text") -> None:
    """Show the alerts and notifications of an incident.

    Example: ozon alerts show 3f9c01ab
    """
    with warehouse_session() as connection:
        require_head(connection)
        incident = one_incident(connection, incident_id)
    if output == "json":
        print_json("incident", *_documents([incident]))
        return
    settings = load_settings()
    console().print(
        Group(
            _incidents([incident], settings),
            _alerts(incident.alerts, settings),
            _sent(incident.notifications, settings),
        )
    )


@app.command()
def ack(
    incident_id: _IncidentId,
    note: Annotated[str, typer.Option(help="Why, or who does what.")] = "",
    by: Annotated[str, typer.Option(help="Who takes care of it; by default who runs the command.")] = "",
    output: Output = "text",
) -> None:
    """Acknowledge an incident: nobody is notified of it again until it gets worse or is resolved.

    Example: ozon alerts ack 3f9c01ab --note "the new key is ordered"
    """
    with warehouse_session() as connection:
        require_head(connection)
        incident = acknowledge(connection, incident_id, by or _user(), note or None, datetime.now(tz=UTC))
    if output == "json":
        print_json("incident", *_documents([incident]))
    else:
        say(
            f"Acknowledged {incident.incident_id} ({_title(incident)}) as {incident.acknowledged_by}: "
            "no more messages until it gets worse or is resolved."
        )


@app.command(name="test")
def send_test(
    channel: Annotated[str, typer.Argument(metavar="[CHANNEL]", help="The channel; by default all of them.")] = "",
    output: Output = "text",
) -> None:
    """Send a test message by a channel, or by each, and show what happened. Exit code 1 if one failed.

    Example: ozon alerts test team
    """
    with importing_airflow():
        from include.ozon.adapter.alerting.channels import open_channels  # noqa: PLC0415

    settings = load_settings()
    channels = open_channels(settings)
    if channel:
        require_known("Channel", [channel], channels)
    if not channels:
        raise ConfigurationError(
            "No channel is configured: nobody is notified of anything. Add one to alerts.channels."
        )
    problems: dict[str, str | None] = {}
    for name in [channel] if channel else channels:
        try:
            with use_language(settings.channel_language(name)):
                mail = render_test(name, settings)
            channels[name].deliver(mail, "warning")
        except Exception as error:
            problems[name] = safe_text(error)
        else:
            problems[name] = None
    if output == "json":
        print_json(
            "alerts-test",
            [{"channel": name, "delivered": not problem, "error": problem} for name, problem in problems.items()],
        )
    else:
        for name, problem in problems.items():
            typer.echo(f"{name}: {problem or 'delivered'}")
    if any(problems.values()):
        raise typer.Exit(FAILED)


def _incidents(found: list[Incident], settings: Settings) -> Table:
    table = text_table("Incidents", "id", "level", "what", "account", "since", "notified", "state")
    for incident in found:
        state = "resolved" if incident.resolved_at else incident.level
        table.add_row(
            incident.incident_id,
            Text(state, style=_STYLES[state]),
            Text(_title(incident)),
            incident.account or "all",
            moment(incident.opened_at, settings),
            Text(_notified(incident, settings)),
            Text(_state(incident, settings)),
        )
    return table


def _alerts(found: tuple[Alert, ...], settings: Settings) -> Table:
    table = text_table("Alerts", "rule", "subject", "level", "since", "state", "message")
    for alert in found:
        state = f"resolved {moment(alert.resolved_at, settings)}" if alert.resolved_at else "firing"
        muted = f", muted by {alert.muted_by}" if alert.muted_by else ""
        # As text, not as markup: a product's name may contain brackets.
        cells = (
            alert.rule,
            alert.subject,
            alert.level,
            moment(alert.opened_at, settings),
            state + muted,
            alert.message,
        )
        table.add_row(*(Text(one_line(cell)) for cell in cells))
    return table


def _sent(found: tuple[Notification, ...], settings: Settings) -> Table:
    table = text_table("Notifications", "channel", "kind", "level", "decided", "delivered", "attempts", "error")
    for each in found:
        moments = (moment(each.created_at, settings), moment(each.delivered_at, settings))
        table.add_row(each.channel, each.kind, each.level, *moments, str(each.attempts), each.error or "")
    return table


def _title(incident: Incident) -> str:
    """Return what is wrong, by the worst alert that is not muted."""
    shown = [alert for alert in incident.firing if not alert.muted_by] or list(incident.alerts)
    worst = min(shown, key=lambda alert: (alert.level, alert.opened_at), default=None)
    rule = RULE_BY_NAME.get(worst.rule) if worst else None
    return rule.title if rule else incident.group


def _notified(incident: Incident, settings: Settings) -> str:
    delivered = [each for each in incident.notifications if each.delivered_at]
    if not delivered:
        return moment(incident.notified_at, settings) if incident.notified_at else "nobody"
    last = max(delivered, key=lambda each: each.delivered_at or each.created_at)
    channels = ", ".join(sorted({each.channel for each in delivered}))
    return f"{moment(last.delivered_at, settings)}: {channels}"


def _state(incident: Incident, settings: Settings) -> str:
    if incident.resolved_at:
        return f"resolved {moment(incident.resolved_at, settings)}"
    if incident.acknowledged_at:
        note = f": {one_line(incident.note)}" if incident.note else ""
        return f"acknowledged by {incident.acknowledged_by or 'somebody'}{note}"
    reasons = [alert.muted_by for alert in incident.firing]
    return f"muted by {reasons[0]}" if reasons and all(reasons) else "firing"


def _documents(found: list[Incident]) -> list[object]:
    from pydantic import TypeAdapter  # noqa: PLC0415

    documents: list[object] = TypeAdapter(list[Incident]).dump_python(found, mode="json")
    return documents


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "unknown"
