"""``ozon probe``: a description of Ozon's answers, without the seller's data, for a bug report."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from include.ozon.cli.common import Output, importing_airflow, is_quiet, is_verbose
from include.ozon.configuration import load_settings
from include.ozon.diagnosis.probe import Probe, ProbeReport
from include.ozon.errors import ConfigurationError, require_known
from include.ozon.marketplace.client import other_client
from include.ozon.marketplace.redaction import Redactor
from include.ozon.reports.probe import probe_document, probe_markdown
from include.ozon.settings import Settings


def probe(
    account: Annotated[str, typer.Option(help="The account whose key is used.")],
    save: Annotated[
        Path | None, typer.Option(dir_okay=False, metavar="FILE", help="Write the report to this file.")
    ] = None,
    output: Output = "text",
) -> None:
    """Read one page of every method that the load uses, and describe the answers without your data.

    For bug reports: the fields that Ozon sends, their types, missing and new fields, and Ozon's error messages, but no
    ids, names, prices, amounts or keys. Changes nothing. If a method fails, the others are still called. Sends about a
    dozen requests, at the pace of the health check, and needs no warehouse.

    Example: ozon probe --account main --save probe.md
    """
    settings = load_settings()
    require_known("--account", [account], settings.accounts)
    report, today = _measure(account, settings), datetime.now(tz=UTC).date()
    if output == "json":
        text = json.dumps(probe_document(report, today), ensure_ascii=False, indent=2)
    else:
        text = probe_markdown(report, today)
    if save is None:
        typer.echo(text)
    else:
        _write(save, text)


def _measure(account: str, settings: Settings) -> ProbeReport:
    with importing_airflow():
        from include.ozon.adapter.connections.accounts import api_credentials  # noqa: PLC0415
    if not is_verbose():
        # The report contains what the client logs.
        logging.getLogger("ozon").setLevel(logging.CRITICAL)
    credentials = api_credentials(account)
    probe = Probe(Redactor.of(credentials), settings.api)
    with other_client(credentials, settings.api, observe=probe.observe) as client:
        return probe.run(client)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"--save: {file} cannot be written ({error.strerror}). Name a file in a folder that this user may write to."
        ) from error
    if not is_quiet():
        typer.echo(f"Saved: {file}", err=True)
