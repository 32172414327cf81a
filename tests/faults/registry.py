"""All faults: where each one acts, and what a person would call it."""

from __future__ import annotations

import signal
from dataclasses import dataclass

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

FAULTS = (
    *(
        Fault(name, "Ozon", sentence, disturb)
        for name, sentence, disturb in (
            ("latency", "Answers take long.", answers("latency", ms=400)),
            (
                "rate_limited",
                "429, with and without `Retry-After`.",
                answers("rate_limited", retry_after_seconds=(None, 0, 1)),
            ),
            ("circle_open", "429, the method's circuit is open.", answers("circle_open")),
            (
                "server_error",
                "500, or 502 to 504 with the HTML of the edge.",
                answers("server_error", status=(500, 502, 503, 504)),
            ),
            ("key_deactivated", "The key was deactivated.", answers("key_deactivated")),
            ("key_unknown", "The key is unknown.", answers("key_unknown")),
            ("role_missing", "The key lacks the method's role.", answers("role_missing")),
            ("address_restricted", "The key is for other IP addresses.", answers("address_restricted")),
            ("offer_not_signed", "The seller has not signed Ozon's offer.", answers("offer_not_signed")),
            ("company_blocked", "The company is blocked.", answers("company_blocked")),
            ("subscription_needed", "The method needs a subscription.", answers("subscription_needed")),
            ("conflict", "409, the account is being changed.", answers("conflict")),
            ("html_forbidden", "403 with a page of a firewall.", answers("html_forbidden")),
            ("method_obsolete", "The method was switched off.", answers("method_obsolete", status=(400, 410))),
            ("broken_connection", "The socket is closed in the middle of the body.", answers("broken_connection")),
            (
                "truncated_json",
                "The body is cut off, with a correct length.",
                answers("truncated_json", keep_share=(0.0, 0.3, 0.9)),
            ),
            ("not_json", "200 with a page of HTML.", answers("not_json")),
            ("other_answer", "200 with other JSON.", answers("other_answer", value=({}, [], None, {"result": {}}))),
            ("error_page", "An error with a long page.", answers("error_page")),
            ("gzip_bomb", "A small body that unpacks to 400 MB.", answers("gzip_bomb", megabytes=400)),
            ("dripping", "One byte every half second.", answers("dripping")),
            ("repeated_page", "A page is repeated.", answers("repeated_page", (_LIST, _STOCKS, _SELLER_STOCKS))),
            ("reversed_page", "A page is in another order.", answers("reversed_page", (_LIST, _DETAILS, _STOCKS))),
            ("duplicate_items", "A page has an entry twice.", answers("duplicate_items", count=(1, 50))),
            (
                "unknown_fields",
                "Entries have fields that nobody knows.",
                answers("unknown_fields", (_LIST, _DETAILS, _STOCKS, _SELLER_STOCKS, _FBO_STOCKS)),
            ),
        )
    ),
    *(
        Fault(name, "Ozon", sentence, disturb, changes_answers=True)
        for name, sentence, disturb in (
            (
                "looping_mark",
                "The cursor goes round in circles.",
                answers("looping_mark", (_LIST, _STOCKS), first=1, times=(2, 3, None), length=(0, 1, 2)),
            ),
            (
                "short_page",
                "A page is shorter than the limit although the list goes on.",
                answers("short_page", (_LIST, _STOCKS, _SELLER_STOCKS), missing=(1, 30)),
            ),
            (
                "totals",
                "Totals are missing or wrong.",
                answers("totals", (_LIST, _STOCKS), mode=("missing", "legacy", "wrong"), by=(7, -100)),
            ),
            (
                "archived_left_out",
                "`ALL` omits archived products.",
                answers("archived_left_out", (_LIST, _STOCKS), last=4, times=(3, None)),
            ),
            (
                "omitted_from_lists",
                "Products are on no page of a list.",
                answers("omitted_from_lists", (_LIST, _STOCKS), times=(3, None), share=(0.02, 0.5)),
            ),
            (
                "details_left_out",
                "Details of some listed products are left out.",
                answers("details_left_out", (_DETAILS,), share=(0.02, 0.9)),
            ),
            (
                "warehouse_refused",
                "The stock of one warehouse is refused.",
                answers("warehouse_refused", (_SELLER_STOCKS,), last=1, times=(2, None), status=(400, 404, 500)),
            ),
            (
                "stocks_not_found",
                "404 for the stock in Ozon's warehouses.",
                answers("stocks_not_found", (_FBO_STOCKS,)),
            ),
            (
                "warehouses_unnamed",
                "Ozon's warehouses have no names.",
                answers("warehouses_unnamed", (_FBO_STOCKS,)),
            ),
            ("fbo_left_out", "The stocks by type leave FBO out.", answers("fbo_left_out", (_STOCKS,))),
            (
                "drop_field",
                "A field of products is missing.",
                answers("drop_field", (_DETAILS,), field=("name", "price", "offer_id", "sku", "statuses", "id")),
            ),
            (
                "set_field",
                "A field of products has an impossible value.",
                answers(
                    "set_field",
                    (_DETAILS,),
                    field=("price", "currency_code", "sku", "statuses", "stocks"),
                    value=(None, -1, 10**30, "odd", [], {}),
                    share=(0.005, 0.5),
                ),
            ),
            (
                "odd_text",
                "Names have NUL, half a surrogate pair, control characters, or 100,000 letters.",
                answers("odd_text", (_DETAILS,), kind=("nul", "lone_surrogate", "control", "bidi", "long", "empty")),
            ),
            (
                "wrong_types",
                "Numbers are text, and text is numbers.",
                answers("wrong_types", (_DETAILS, _STOCKS, _SELLER_STOCKS), share=(0.005, 1.0)),
            ),
            (
                "as_text",
                "Numbers of stocks are text.",
                answers("as_text", (_STOCKS,), field=("product_id", "stocks.present")),
            ),
            (
                "drop_zeros",
                "Fields that are 0 are missing.",
                answers("drop_zeros", (_STOCKS,), field=("stocks.present", "stocks.reserved")),
            ),
            (
                "upper_case",
                "A word is in capitals.",
                answers("upper_case", (_STOCKS,), field=("stocks.type", "offer_id")),
            ),
            (
                "status_language",
                "Names of statuses are in another language.",
                answers("status_language", (_DETAILS,), language=("en", "zh")),
            ),
            ("split_skus", "A product has a SKU for each sales scheme.", answers("split_skus", (_DETAILS,))),
        )
    ),
    *(
        Fault(name, "the catalogue", sentence, disturb, changes_answers=True)
        for name, sentence, disturb in (
            (
                "catalogue_moves",
                "Products, prices and the archive change in the middle of the load.",
                soon(lambda case: case.world.sandbox.tick()),
            ),
            ("empty_catalogue", "It is empty.", catalogue("empty_catalogue")),
            ("vanish_share", "Products are gone.", catalogue("vanish_share", share=(0.02, 0.5))),
            ("hide_share", "Products are removed from sale.", catalogue("hide_share", share=(0.02, 0.9))),
            ("decline_brand", "A brand is declined by moderation.", catalogue("decline_brand", brand=BRANDS)),
            ("unknown_status", "Statuses are unknown.", catalogue("unknown_status", share=(0.02, 1.0))),
            (
                "change_prices",
                "Prices are ten times as high.",
                catalogue("change_prices", share=(0.02, 1.0), factor=10),
            ),
            ("sale", "A sale begins.", catalogue("sale", share=(0.02, 1.0))),
            ("out_of_stock", "Products are sold out.", catalogue("out_of_stock", share=(0.02, 1.0))),
            ("negative_stock", "Stock is negative.", catalogue("negative_stock", share=(0.02, 1.0))),
        )
    ),
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
