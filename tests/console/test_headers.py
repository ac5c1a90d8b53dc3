"""What every page is held to: no script or style in it, kept by nobody, framed by nobody."""

import re

import pytest

from support.console import Element, Visitor
from support.running import Running
from support.ways import proposed

PATHS = (
    "/console",
    "/console/sign-in",
    "/console/history",
    "/console/audits",
    "/console/audits/container-memory",
    "/console/policies",
    "/console/policies/oom-raise-memory",
    "/console/controls",
    "/console/nowhere",
    "PROPOSAL",
    "PROPOSAL/signal",
)
POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
}


@pytest.fixture
def address(running: Running, request: pytest.FixtureRequest) -> str:
    """Return the address of a page; a proposal is made where one is asked for."""
    path: str = request.param
    if "PROPOSAL" not in path:
        return path
    return path.replace("PROPOSAL", f"/console/proposals/{proposed(running)['id']}")


@pytest.mark.parametrize("address", PATHS, indirect=True)
def test_a_page_brings_its_rules(approver: Visitor, address: str) -> None:
    """The content security policy to the letter, no caching, no sniffing, no referrer abroad."""
    headers = approver.get(address).headers
    assert set(headers["content-security-policy"].split("; ")) == POLICY
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-frame-options"] == "DENY"
    assert headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("address", PATHS, indirect=True)
def test_a_page_keeps_to_its_rules(approver: Visitor, address: str) -> None:
    """No inline script, style or handler, and nothing from elsewhere."""
    page = approver.page(address, approver.get(address).status_code)
    for element in page.walk():
        assert element.tag != "style"
        assert element.tag != "script" or (element["src"] and not element.text)
        assert not [name for name in element.attributes if name == "style" or name.startswith("on")]
        for name in ("src", "href", "action", "formaction", "hx-get"):
            value = element.attributes.get(name, "")
            assert not value or value.startswith(("/console", "#")), f"{name}={value}"


@pytest.mark.parametrize("address", PATHS, indirect=True)
def test_a_page_can_be_read_by_machines(approver: Visitor, address: str) -> None:
    """A language, a title, one main part, one first heading; every field has a name."""
    page = approver.page(address, approver.get(address).status_code)
    if address.endswith("/signal"):
        return
    assert page.one("html")["lang"] == "en"
    assert page.one("title").text
    assert page.one("main")["id"] == "main"
    assert len(page.all("h1")) == 1
    labelled = {label["for"] for label in page.all("label", for_=None)}
    for field in [*page.all("input"), *page.all("select"), *page.all("textarea")]:
        hidden = field.attributes.get("type") == "hidden"
        assert hidden or field.attributes.get("id") in labelled or "aria-label" in field.attributes
    identities = [each["id"] for each in page.all(id=None)]
    assert len(identities) == len(set(identities))


def _assets(page: Element) -> list[str]:
    links = [each["href"] for each in page.all("link", href=None)]
    return links + [each["src"] for each in page.all("script", src=None)]


def test_files_may_be_kept_since_their_address_changes(visitor: Visitor) -> None:
    """Style sheet, scripts and icon come with a hash, to strangers too, for a year."""
    found = _assets(visitor.page("/console/sign-in"))
    assert len(found) == 5
    for address in found:
        assert re.search(r"\?v=[0-9a-f]{12}$", address)
        answer = visitor.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ["../pages.py", "..%2Fpages.py", "nothing.js", ".css", "a.py"])
def test_only_those_files_are_given(visitor: Visitor, name: str) -> None:
    """Nothing else of the package can be fetched."""
    assert visitor.get(f"/console/static/{name}").status_code in (303, 404)


def test_the_console_is_no_part_of_the_api_document(running: Running) -> None:
    """Pages are for people: the OpenAPI document holds REST alone."""
    paths = running.client().get("/openapi.json").json()["paths"]
    assert not [path for path in paths if path.startswith("/console")]
