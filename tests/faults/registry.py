"""All faults: where each one acts, and what a person would call it."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from functools import partial
from typing import Any

from include.ozon_sandbox.vocabulary import BRANDS
from tests.faults.disturbances import (
    Disturb,
    answers,
    as_superuser,
    catalogue,
    connections_taken,
    deadlock,
    disk_full,
    failover,
    moved_clock,
    network,
    one_of_each,
    second_run,
    server_killed,
    session_killed,
    signalled,
    silence_until_timeout,
    soon,
    standby_instead,
    table_locked,
    temporary_files_refused,
)
from tests.faults.world import Case


@dataclass(frozen=True)
class Fault:
    """A fault of the first attempt of a workflow; the following attempts are undisturbed.

    ``changes_answers`` means that a load may succeed without all that the sandbox has now; the next load brings it.
    """

    name: str
    place: str
    sentence: str
    disturb: Disturb
    changes_answers: bool = False
    on_small_disk: bool = False


_TO_OZON = "the network to Ozon"
_TO_POSTGRESQL = "the network to PostgreSQL"

_LIST = "/v3/product/list"
_DETAILS = "/v3/product/info/list"
_STOCKS = "/v4/product/info/stocks"
_SELLER_STOCKS = "/v1/product/info/warehouse/stocks"
_FBO_STOCKS = "/v1/analytics/stocks"


def _ozon(name: str, sentence: str, *arguments: Any, changes_answers: bool = False, **params: Any) -> Fault:
    """Return a fault of the sandbox; the other arguments are those of `answers`."""
    return Fault(name, "Ozon", sentence, answers(name, *arguments, **params), changes_answers)


_odd_ozon = partial(_ozon, changes_answers=True)


def _catalogue(name: str, sentence: str, **params: Any) -> Fault:
    return Fault(name, "the catalogue", sentence, catalogue(name, **params), changes_answers=True)


FAULTS = (
    _ozon("latency", "Answers take long.", ms=400),
    _ozon("rate_limited", "429, with and without `Retry-After`.", retry_after_seconds=(None, 0, 1)),
    _ozon("circle_open", "429, the method's circuit is open."),
    _ozon("server_error", "500, or 502 to 504 with the HTML of the edge.", status=(500, 502, 503, 504)),
    _ozon("key_deactivated", "The key was deactivated."),
    _ozon("key_unknown", "The key is unknown."),
    _ozon("role_missing", "The key lacks the method's role."),
    _ozon("address_restricted", "The key is for other IP addresses."),
    _ozon("offer_not_signed", "The seller has not signed Ozon's offer."),
    _ozon("company_blocked", "The company is blocked."),
    _ozon("subscription_needed", "The method needs a subscription."),
    _ozon("conflict", "409, the account is being changed."),
    _ozon("html_forbidden", "403 with a page of a firewall."),
    _ozon("method_obsolete", "The method was switched off.", status=(400, 410)),
    _ozon("broken_connection", "The socket is closed in the middle of the body."),
    _ozon("truncated_json", "The body is cut off, with a correct length.", keep_share=(0.0, 0.3, 0.9)),
    _ozon("not_json", "200 with a page of HTML."),
    _ozon("error_page", "An error with a long page."),
    _ozon("gzip_bomb", "A small body that unpacks to 400 MB.", megabytes=400),
    _ozon("dripping", "One byte every half second."),
    _ozon("repeated_page", "A page is repeated.", (_LIST, _STOCKS, _SELLER_STOCKS)),
    _ozon("reversed_page", "A page is in another order.", (_LIST, _DETAILS, _STOCKS)),
    _ozon("duplicate_items", "A page has an entry twice.", count=(1, 50)),
    _ozon(
        "unknown_fields",
        "Entries have fields that nobody knows.",
        (_LIST, _DETAILS, _STOCKS, _SELLER_STOCKS, _FBO_STOCKS),
    ),
    _odd_ozon(
        "looping_mark",
        "The cursor goes round in circles.",
        (_LIST, _STOCKS),
        first=1,
        times=(2, 3, None),
        length=(0, 1, 2),
    ),
    # An empty object is an empty page: Ozon leaves empty blocks out.
    _odd_ozon("other_answer", "200 with other JSON.", value=({}, [], None, {"result": {}})),
    _odd_ozon(
        "short_page",
        "A page is shorter than the limit although the list goes on.",
        (_LIST, _STOCKS, _SELLER_STOCKS),
        missing=(1, 30),
    ),
    _odd_ozon(
        "totals", "Totals are missing or wrong.", (_LIST, _STOCKS), mode=("missing", "legacy", "wrong"), by=(7, -100)
    ),
    _odd_ozon("archived_left_out", "`ALL` omits archived products.", (_LIST, _STOCKS), last=4, times=(3, None)),
    _odd_ozon(
        "omitted_from_lists", "Products are on no page of a list.", (_LIST, _STOCKS), times=(3, None), share=(0.02, 0.5)
    ),
    _odd_ozon("details_left_out", "Details of some listed products are left out.", (_DETAILS,), share=(0.02, 0.9)),
    _odd_ozon(
        "warehouse_refused",
        "The stock of one warehouse is refused.",
        (_SELLER_STOCKS,),
        last=1,
        times=(2, None),
        status=(400, 404, 500),
    ),
    _odd_ozon("stocks_not_found", "404 for the stock in Ozon's warehouses.", (_FBO_STOCKS,)),
    _odd_ozon("warehouses_unnamed", "Ozon's warehouses have no names.", (_FBO_STOCKS,)),
    _odd_ozon("fbo_left_out", "The stocks by type leave FBO out.", (_STOCKS,)),
    _odd_ozon(
        "drop_field",
        "A field of products is missing.",
        (_DETAILS,),
        field=("name", "price", "offer_id", "sku", "statuses", "id"),
    ),
    _odd_ozon(
        "set_field",
        "A field of products has an impossible value.",
        (_DETAILS,),
        field=("price", "currency_code", "sku", "statuses", "stocks"),
        value=(None, -1, 10**30, "odd", [], {}),
        share=(0.005, 0.5),
    ),
    _odd_ozon(
        "odd_text",
        "Names have NUL, half a surrogate pair, control characters, or 100,000 letters.",
        (_DETAILS,),
        kind=("nul", "lone_surrogate", "control", "bidi", "long", "empty"),
    ),
    _odd_ozon(
        "wrong_types", "Numbers are text, and text is numbers.", (_DETAILS, _STOCKS, _SELLER_STOCKS), share=(0.005, 1.0)
    ),
    _odd_ozon("as_text", "Numbers of stocks are text.", (_STOCKS,), field=("product_id", "stocks.present")),
    _odd_ozon("drop_zeros", "Fields that are 0 are missing.", (_STOCKS,), field=("stocks.present", "stocks.reserved")),
    _odd_ozon("upper_case", "A word is in capitals.", (_STOCKS,), field=("stocks.type", "offer_id")),
    _odd_ozon("status_language", "Names of statuses are in another language.", (_DETAILS,), language=("en", "zh")),
    _odd_ozon("split_skus", "A product has a SKU for each sales scheme.", (_DETAILS,)),
    Fault(
        "catalogue_moves",
        "the catalogue",
        "Products, prices and the archive change in the middle of the load.",
        soon(lambda case: case.world.sandbox.tick()),
        changes_answers=True,
    ),
    _catalogue("empty_catalogue", "It is empty."),
    _catalogue("vanish_share", "Products are gone.", share=(0.02, 0.5)),
    _catalogue("hide_share", "Products are removed from sale.", share=(0.02, 0.9)),
    _catalogue("decline_brand", "A brand is declined by moderation.", brand=BRANDS),
    _catalogue("unknown_status", "Statuses are unknown.", share=(0.02, 1.0)),
    _catalogue("change_prices", "Prices are ten times as high.", share=(0.02, 1.0), factor=10),
    _catalogue("sale", "A sale begins.", share=(0.02, 1.0)),
    _catalogue("out_of_stock", "Products are sold out.", share=(0.02, 1.0)),
    _catalogue("negative_stock", "Stock is negative.", share=(0.02, 1.0)),
    Fault("api_reset", _TO_OZON, "RST in the middle of a request or a body.", network("api", "reset")),
    Fault("api_closed", _TO_OZON, "FIN in the middle of a request or a body.", network("api", "close")),
    Fault("api_silent", _TO_OZON, "Half-open: nothing arrives any more.", network("api", "silence")),
    Fault("api_slow", _TO_OZON, "A narrow line.", network("api", "slow", seconds=0.02)),
    Fault("warehouse_reset", _TO_POSTGRESQL, "RST in the middle of a statement.", network("database", "reset")),
    Fault("warehouse_closed", _TO_POSTGRESQL, "FIN in the middle of a statement.", network("database", "close")),
    Fault("warehouse_slow", _TO_POSTGRESQL, "A narrow line.", network("database", "slow", seconds=0.02)),
    Fault(
        "warehouse_silent",
        _TO_POSTGRESQL,
        "Half-open until the task's time limit, when Airflow sends SIGTERM.",
        silence_until_timeout,
    ),
    Fault("session_terminated", "PostgreSQL", "`pg_terminate_backend`.", soon(Case.terminate_session)),
    Fault("session_killed", "PostgreSQL", "SIGKILL of the session: all of PostgreSQL recovers.", session_killed),
    Fault("server_killed", "PostgreSQL", "SIGKILL of all its processes, and a new start.", server_killed),
    Fault("server_restarted", "PostgreSQL", "An orderly restart.", soon(lambda case: case.world.restart_server())),
    Fault("failed_over", "PostgreSQL", "The primary is killed, and a standby is promoted.", failover),
    Fault("disk_full", "PostgreSQL", "No space is left, in COPY or in the merge.", disk_full, on_small_disk=True),
    Fault(
        "read_only",
        "PostgreSQL",
        "The server becomes read-only.",
        as_superuser(
            ("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"),
            (
                "SET default_transaction_read_only = off",
                "ALTER SYSTEM RESET default_transaction_read_only",
                "SELECT pg_reload_conf()",
            ),
        ),
    ),
    Fault(
        "no_connections",
        "PostgreSQL",
        "No connection is left for the role.",
        as_superuser(("ALTER ROLE ozon CONNECTION LIMIT 0",), ("ALTER ROLE ozon CONNECTION LIMIT -1",)),
    ),
    Fault("connections_taken", "PostgreSQL", "Others have taken all connections.", connections_taken),
    Fault("standby_instead", "PostgreSQL", "The address leads to a standby.", standby_instead),
    Fault("table_locked", "PostgreSQL", "An analyst's transaction keeps a table locked.", table_locked),
    Fault("deadlock", "PostgreSQL", "An analyst's locks and the merge's block each other.", deadlock),
    Fault(
        "clock_moved",
        "PostgreSQL",
        "The clock is wrong, and right again for the next attempt.",
        moved_clock((-25, -1, 1, 25)),
        changes_answers=True,
    ),
    Fault(
        "sigterm",
        "process",
        "SIGTERM of the load, as Airflow ends a task.",
        signalled(signal.SIGTERM),
    ),
    Fault(
        "sigkill",
        "process",
        "SIGKILL of the load, as the kernel does without memory.",
        signalled(signal.SIGKILL),
    ),
    Fault("second_run", "process", "A second run, from cron, at the same time.", second_run),
    Fault(
        "temporary_files_refused",
        "process",
        "The folder for temporary files is full.",
        temporary_files_refused,
        on_small_disk=True,
    ),
    Fault(
        "two_at_once",
        "two places",
        "A fault of Ozon or its network, and one of PostgreSQL or the process.",
        one_of_each(
            (
                answers("server_error", status=(500, 503)),
                answers("truncated_json", keep_share=0.5),
                network("api", "reset"),
                soon(lambda case: case.world.sandbox.tick()),
            ),
            (
                soon(Case.terminate_session),
                network("database", "reset"),
                session_killed,
                signalled(signal.SIGTERM),
                signalled(signal.SIGKILL),
            ),
        ),
        changes_answers=True,
    ),
)
"""In the order of docs/faults.md."""
