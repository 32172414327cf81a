"""Sign-in and refusals: who may see the page, who may change something, and from where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import requests
from playwright.sync_api import expect

from include.ozon_local.airflow import USER as EDITOR
from include.ozon_local.home import LOOPBACK
from tests.browser.conftest import STRANGER, VIEWER, Site, Visit, Visitor
from tests.browser.views import VIEWS
from tests.support.watched_page import settled

PATHS = (*VIEWS.values(), "products.csv", "static/page.css")


def _sign_in(visit: Visit, user: str) -> None:
    visit.page.get_by_label("Username").fill(user)
    visit.page.get_by_label("Password").fill(visit.site.password(user))
    visit.page.get_by_role("button", name="Sign in").click()


def test_signing_in_leads_back_to_the_address(visit: Visitor) -> None:
    opened = visit(user=None)
    opened.watch.expected = {401}
    page = opened.alone("?account=second&days=7")
    expect(page.get_by_role("heading", name="Sign in to see this page")).to_be_visible()

    page.get_by_role("link", name="Sign in").click()
    _sign_in(opened, VIEWER)

    page.wait_for_url(f"{opened.site.alone}?account=second&days=7")
    expect(page.get_by_label("Account")).to_have_value("second")
    settled(page)


def test_the_navigation_opens_the_page_and_the_frame_keeps_its_address(visit: Visitor) -> None:
    opened = visit(user=None)
    # Airflow's own page asks before anybody is signed in.
    opened.watch.expected = {401}
    page = opened.page
    page.goto(f"{opened.site.url}/")
    _sign_in(opened, EDITOR)

    page.get_by_role("link", name="Ozon", exact=True).click()

    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("link", name="Overview")).to_have_attribute("aria-current", "page")
    page.wait_for_url(f"{opened.site.url}/plugin/ozon/ozon/")
    settled(page)


@pytest.mark.parametrize("path", PATHS)
def test_nobody_else_sees_anything(site: Site, path: str) -> None:
    address = site.alone + site.path(path)
    assert requests.get(address, timeout=30).status_code == 401
    assert requests.get(address, cookies={"_token": "x.y.z"}, timeout=30).status_code == 401
    refused = requests.get(address, cookies={"_token": site.token(STRANGER)}, timeout=30)
    assert refused.status_code == 403
    assert "You may not see or do this" in refused.text


def test_a_person_without_rights_reads_whom_to_ask(visit: Visitor) -> None:
    opened = visit(user=STRANGER)
    opened.watch.expected = {403}
    expect(opened.alone().get_by_text("Ask the administrator of Airflow")).to_be_visible()


SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


@pytest.mark.parametrize(
    ("user", "headers", "status"),
    [
        (EDITOR, SAME_ORIGIN, 303),
        (VIEWER, SAME_ORIGIN, 403),
        (STRANGER, SAME_ORIGIN, 403),
        (None, SAME_ORIGIN, 401),
        (EDITOR, {"Sec-Fetch-Site": "cross-site"}, 403),
        (EDITOR, {"Sec-Fetch-Site": "same-site"}, 403),
        (EDITOR, {"Sec-Fetch-Site": "none"}, 403),
        (EDITOR, {"Origin": "https://evil.example"}, 403),
        (EDITOR, {"Origin": "null"}, 403),
        (EDITOR, {}, 403),
    ],
)
def test_only_an_editor_acknowledges_and_only_from_the_page(
    site: Site, incident: str, user: str | None, headers: Mapping[str, str], status: int
) -> None:
    answer = requests.post(
        f"{site.alone}incidents/{incident}/acknowledge",
        headers=headers,
        cookies={"_token": site.token(user)} if user else {},
        timeout=30,
        allow_redirects=False,
    )
    assert answer.status_code == status
    assert _acknowledged_by(site, incident) == (EDITOR if status == 303 else None)


@pytest.mark.parametrize(
    ("host", "refusal"),
    [("127.0.0.1", "You may not see or do this"), ("localhost", "Sign in to see this page")],
    ids=["another port, with the cookie", "another site, without it"],
)
def test_a_form_on_another_site_is_refused(visit: Visitor, site: Site, incident: str, host: str, refusal: str) -> None:
    opened = visit()
    opened.watch.expected = {401, 403}
    form = f'<form method="post" action="{site.alone}incidents/{incident}/acknowledge"><button>Win</button></form>'
    with _other_site(form) as port:
        opened.page.goto(f"http://{host}:{port}/")
        opened.page.get_by_role("button").click()
        opened.page.wait_for_url(f"{site.alone}**")
    expect(opened.page.get_by_role("heading")).to_have_text(refusal)
    assert _acknowledged_by(site, incident) is None


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "POST"])
def test_everything_else_is_read_only(site: Site, method: str) -> None:
    for path in ("", "products", "runs"):
        answer = requests.request(method, site.alone + path, cookies={"_token": site.token(EDITOR)}, timeout=30)
        assert answer.status_code in (404, 405)


def test_no_other_site_may_show_the_page_in_a_frame(visit: Visitor, site: Site) -> None:
    opened = visit()
    with _other_site(f'<iframe src="{site.alone}"></iframe>') as port:
        opened.page.goto(f"http://127.0.0.1:{port}/")
    expect(opened.page.frame_locator("iframe").get_by_role("navigation")).to_have_count(0)
    assert any("frame-ancestors" in each for each in opened.watch.findings), opened.watch.findings
    opened.watch.findings.clear()


@contextmanager
def _other_site(body: str) -> Iterator[int]:
    """Serve one document on another port; yield the port."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            # Without an icon, for which the browser would ask.
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f'<link rel="icon" href="data:,">{body}'.encode())

    with ThreadingHTTPServer((LOOPBACK, 0), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def _acknowledged_by(site: Site, incident: str) -> str | None:
    found: str | None = site.warehouse.value(
        "SELECT acknowledged_by FROM ozon.incidents WHERE incident_id = %s", incident
    )
    return found
