"""The visitors who may see the page, and what a browser may do with it."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from include.ozon.page.access import NotAllowedError, NotSignedInError
from include.ozon.page.rendering import STATIC
from tests.integration.ozon.page.conftest import add_incident
from tests.support.page import EDITOR, FROM_THIS_PAGE, ROOT, VIEWER, Html, Page
from tests.support.pipeline import Pipeline

EVERY_KIND = ("/", "/runs", "/runs/nothing/main", "/static/page.css", "/static/no.css", "/nowhere", "/?days=0")
ACKNOWLEDGE = "/incidents/abc/acknowledge"


def crawl(page: Page, most: int = 60) -> dict[str, Any]:
    """Return the answers of all views that links lead to, in both languages."""
    found: dict[str, Any] = {}
    waiting = ["/", "/?lang=ru", "/runs?dag_id=other<script>", "/runs?dag_run_id=none<script>", "/runs?status=failed"]
    while waiting and len(found) < most:
        address = waiting.pop(0)
        if address in found:
            continue
        found[address] = answer = page.get(address)
        if answer.headers["content-type"].startswith("text/html"):
            links = Html(answer.text).links(f"{ROOT}{address}")
            waiting += sorted(link.removeprefix(ROOT) for link in links)
    return found


def nonce_of(answer: Any) -> str:
    found = re.search(r"style-src 'nonce-([\w-]+)'", answer.headers["content-security-policy"])
    return found[1] if found else ""


@pytest.mark.parametrize("path", EVERY_KIND)
def test_every_answer_has_the_security_headers(page: Page, path: str) -> None:
    headers = page.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))

    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'self'"
    assert policy["base-uri"] == "'none'"
    assert not re.search(r"unsafe|\*|http|script-src(?! 'self')", headers["content-security-policy"])
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    is_file = path == "/static/page.css"
    assert headers["cache-control"] == ("private, max-age=31536000, immutable" if is_file else "no-store")


def test_no_view_has_inline_code_and_markup_in_the_data_stays_text(page: Page) -> None:
    answers = crawl(page)

    kinds = {urlsplit(address).path.strip("/").partition("/")[0] for address in answers}
    assert {"", "runs"} <= kinds
    assert any("/main" in address for address in answers)
    for address, answer in answers.items():
        if not answer.headers["content-type"].startswith("text/html"):
            # A browser saves it and does not look for markup in it.
            assert answer.headers["content-disposition"].startswith("attachment")
            assert answer.headers["x-content-type-options"] == "nosniff"
            continue
        html = Html(answer.text)
        assert (address, html.forbidden(nonce_of(answer))) == (address, [])
        assert (address, html.all("img")) == (address, [])
        assert (address, "<script>alert" in answer.text) == (address, False)
    shown = "".join(Html(answer.text).text for answer in answers.values())
    # Products, reasons, findings, alerts, errors, guards and rejected items are there, as text.
    assert shown.count("<script>alert(1)</script>") > 40


def test_every_link_leads_to_a_view(page: Page) -> None:
    paths = {getattr(route, "path", "") for route in page.app.routes}
    views = {address: answer for address, answer in crawl(page).items() if _is_built(address, paths)}
    assert {address: answer.status_code for address, answer in views.items() if answer.status_code != 200} == {}
    assert len(views) > 10


def _is_built(address: str, paths: set[str]) -> bool:
    return not address.startswith("/products") or "/products" in paths


@pytest.mark.parametrize("path", EVERY_KIND)
def test_who_is_not_signed_in_sees_nothing(page: Page, path: str) -> None:
    page.visitor = NotSignedInError()
    answer = page.get(path)

    # An address that no route has is the same for everybody.
    assert answer.status_code == (404 if path == "/nowhere" else 401)
    assert "Ozon Seller" not in answer.text
    if path != "/nowhere":
        (link,) = Html(answer.text).all("a")
        assert link["href"] == f"/auth/login?next={quote(ROOT + path, safe='')}"


@pytest.mark.parametrize("path", [path for path in EVERY_KIND if path != "/nowhere"])
def test_a_visitor_without_the_dag_gets_a_designed_page(page: Page, path: str) -> None:
    page.visitor = NotAllowedError()
    answer = page.get(path)
    assert (answer.status_code, "You may not see or do this" in answer.text) == (403, True)


def test_sign_in_is_checked_before_the_action(page: Page, loaded: Pipeline) -> None:
    for visitor, status in ((NotSignedInError(), 401), (NotAllowedError(), 403), (VIEWER, 403)):
        page.visitor = visitor
        assert page.post(ACKNOWLEDGE, headers=FROM_THIS_PAGE, data={"note": "x"}).status_code == status
    assert loaded.value("SELECT count(*) FROM ozon.incidents WHERE acknowledged_at IS NOT NULL") == 0


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://testserver.evil.example"},
        {"sec-fetch-site": "cross-site", "origin": "http://testserver"},
        {"referer": "http://testserver/ozon/"},
    ],
)
def test_a_request_from_another_site_acknowledges_nothing(
    page: Page, loaded: Pipeline, headers: dict[str, str]
) -> None:
    assert page.post(ACKNOWLEDGE, headers=headers, data={"note": "x"}).status_code == 403
    assert loaded.value("SELECT acknowledged_at FROM ozon.incidents") is None


@pytest.mark.parametrize("headers", [FROM_THIS_PAGE, {"origin": "http://testserver"}])
def test_an_editor_acknowledges_with_a_note(page: Page, loaded: Pipeline, headers: dict[str, str]) -> None:
    answer = page.post(f"{ACKNOWLEDGE}?account=main&lang=ru", headers=headers, data={"note": "  смотрю <b>  "})

    assert (answer.status_code, answer.headers["location"]) == (303, "/ozon/?account=main&lang=ru")
    (incident,) = loaded.rows("SELECT acknowledged_by, note, acknowledged_at FROM ozon.incidents")
    assert (incident["acknowledged_by"], incident["note"]) == (EDITOR.name, "смотрю <b>")
    shown = Html(page.get().text)
    assert f"{EDITOR.name} takes care of it: смотрю <b>" in shown.text
    assert shown.all("button") == [{}] * len(shown.all("noscript"))


def test_only_an_editor_sees_the_form(page: Page) -> None:
    forms = [form for form in Html(page.get().text).all("form") if form.get("method") == "post"]
    assert [form["action"] for form in forms] == [f"{ROOT}{ACKNOWLEDGE}"]
    page.visitor = VIEWER
    shown = Html(page.get().text)
    assert "post" not in [form.get("method") for form in shown.all("form")]
    assert "nobody takes care of it yet" in shown.text


def test_reading_changes_nothing(page: Page, loaded: Pipeline) -> None:
    before = loaded.everything()
    assert page.get(ACKNOWLEDGE, headers=FROM_THIS_PAGE).status_code == 405
    crawl(page, most=25)
    assert loaded.everything() == before


def test_what_cannot_be_acknowledged_is_explained(page: Page, loaded: Pipeline) -> None:
    assert page.post("/incidents/none/acknowledge", headers=FROM_THIS_PAGE).status_code == 404
    too_long = page.post(ACKNOWLEDGE, headers=FROM_THIS_PAGE, data={"note": "x" * 501})
    assert (too_long.status_code, "This address cannot be read" in too_long.text) == (422, True)
    loaded.execute("UPDATE ozon.incidents SET resolved_at = now()")
    add_incident(loaded, "other", None)
    assert page.post("/incidents/other/acknowledge", headers=FROM_THIS_PAGE).status_code == 303


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere", 404),
        ("/static/../app.py", 404),
        ("/static/%2e%2e%2fapp.py", 404),
        ("/static/app.py", 404),
        ("/?account=third", 404),
        ("/?account=%3Cscript%3E", 422),
        ("/?days=0", 422),
        ("/?days=367", 422),
        ("/?days=many", 422),
        ("/runs/none/main", 404),
        ("/runs?status=great", 422),
        ("/runs?before=yesterday", 422),
        ("/runs?before=2026-01-01T00:00:00", 422),
        (f"/runs?dag_run_id={'x' * 251}", 422),
        ("/docs", 404),
        ("/openapi.json", 404),
    ],
)
def test_an_address_that_means_nothing_has_a_page(page: Page, path: str, status: int) -> None:
    answer = page.get(path)
    titles = {404: "There is nothing at this address", 422: "This address cannot be read"}

    assert (answer.status_code, titles[status] in answer.text) == (status, True)
    assert Html(answer.text).forbidden(nonce_of(answer)) == []
    assert page.get(path, headers={"accept-language": "ru"}).text.count('lang="ru"') == 1


@pytest.mark.parametrize("path", ["/", "/runs", "/static/page.css"])
def test_only_reading_is_allowed(page: Page, path: str) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answer = page.client.request(method, ROOT + path, headers=FROM_THIS_PAGE)
        assert (answer.status_code, "<main>" in answer.text) == (405, True)


def test_each_file_is_served_under_an_address_with_its_version(page: Page) -> None:
    html = Html(page.get("/runs").text)
    addresses = [script["src"] for script in html.all("script") if script.get("src")]
    addresses += [link["href"] for link in html.all("link")]

    assert all(re.search(r"/static/[\w.]+\?v=[0-9a-f]{12}$", address or "") for address in addresses)
    for name in STATIC:
        assert page.get(f"/static/{name}").headers["content-type"].startswith(("text/", "application/javascript"))
