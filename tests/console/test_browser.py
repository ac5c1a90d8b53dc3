"""The console in a real Chromium: keys, fresh content, themes, narrow screens, accessibility."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from remedyd.lab.world import Lab
from remedyd.proposals.store import Store
from support.chromium import chromium
from support.console import Visitor
from support.proposals import a_proposal
from support.running import TOKENS, Running
from support.ways import an_app, proposed

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

PATHS = (
    "/console",
    "/console/history",
    "/console/audits",
    "/console/audits/replica-gap",
    "/console/policies",
    "/console/policies/oom-raise-memory",
    "/console/controls",
)


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """One browser for all tests of this file."""
    with chromium() as started:
        yield started


class Seat:
    """A signed-in window, which keeps what the browser complains about."""

    def __init__(self, browser: "Browser", running: Running, role: str, **options: Any) -> None:
        """Open the window with the session of somebody who has signed in."""
        self.url = running.url
        self.complaints: list[str] = []
        self.context: BrowserContext = browser.new_context(base_url=running.url, **options)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._heard)
        with Visitor(running.url) as visitor:
            visitor.sign_in(role)
            self.context.add_cookies(
                [{"name": n, "value": v, "url": self.url} for n, v in visitor.http.cookies.items()]
            )

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)


@pytest.fixture
def seat(browser: "Browser", running: Running) -> Iterator[Seat]:
    """Return an approver at a desk; nothing may make the browser complain."""
    made = Seat(browser, running, "approver", viewport={"width": 1280, "height": 860})
    yield made
    made.context.close()
    assert made.complaints == []


def _path(made: dict[str, Any]) -> str:
    return f"/console/proposals/{made['id']}"


def test_from_sign_in_to_approval_without_a_mouse(running: Running, seat: Seat) -> None:
    """j finds the proposal, Enter opens it, a goes to Approve, Enter approves."""
    made = proposed(running)
    page = seat.page
    seat.context.clear_cookies()
    page.goto("/console")
    page.wait_for_url("**/console/sign-in")
    page.keyboard.type(TOKENS["approver"])
    page.keyboard.press("Enter")
    page.wait_for_url("**/console")
    for _ in range(20):
        page.keyboard.press("j")
        if made["id"] in (page.evaluate("document.activeElement.href") or ""):
            break
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{_path(made)}")
    page.keyboard.press("a")
    assert page.evaluate("document.activeElement.textContent") == "Approve"
    page.keyboard.press("Enter")
    page.wait_for_url("**did=approve")
    page.wait_for_selector(".state:text('Effective')")
    events = running.client("viewer").get(f"/v1/proposals/{made['id']}/events").json()
    assert ("approve", "approver") in {(e["action"], e["principal"]) for e in events}


def test_r_goes_to_the_reason_and_typing_is_no_command(running: Running, seat: Seat) -> None:
    """Letters in a field are letters; the reason arrives with the rejection."""
    made = proposed(running)
    page = seat.page
    page.goto(_path(made))
    page.keyboard.press("r")
    page.keyboard.type("a just reason")
    page.click("[data-reject]")
    page.wait_for_url("**did=reject")
    assert "a just reason" in page.inner_text("main")


def test_help_is_a_key_away(seat: Seat) -> None:
    """? opens it, Esc closes it, g h goes to the history."""
    page = seat.page
    page.goto("/console")
    page.keyboard.press("?")
    page.wait_for_selector("#help[open]")
    page.keyboard.press("Escape")
    page.wait_for_selector("#help:not([open])", state="attached")
    page.keyboard.press("g")
    page.keyboard.press("h")
    page.wait_for_url("**/console/history")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "namespace"


def test_the_first_tab_skips_to_the_content(seat: Seat) -> None:
    """Nobody has to walk through the whole bar on every page."""
    page = seat.page
    page.goto("/console/audits")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_a_page_follows_what_moves_and_says_so(running: Running, seat: Seat) -> None:
    """A new proposal appears by itself, and a screen reader hears of it."""
    page = seat.page
    page.goto("/console")
    page.wait_for_function("document.readyState === 'complete'")
    made = proposed(running)
    page.wait_for_selector(f"a[href='{_path(made)}']")
    news = page.locator("#news")
    assert news.get_attribute("aria-live") == "polite"
    assert made["target"]["name"] in (news.text_content() or "")


def test_what_is_being_typed_survives_fresh_content(running: Running, seat: Seat) -> None:
    """The page of a proposal is refreshed around the reason, not over it."""
    made, page = proposed(running), seat.page
    page.goto(_path(made))
    page.fill("#reason", "half a sent")
    with page.expect_response(lambda answer: answer.url.endswith(_path(made))):
        page.evaluate("document.body.dispatchEvent(new CustomEvent('moved'))")
    page.wait_for_timeout(50)
    assert page.input_value("#reason") == "half a sent"


def test_a_decision_elsewhere_takes_the_buttons_away(running: Running, seat: Seat) -> None:
    """Who looks at a proposal that someone else rejects sees it without loading again."""
    made, page = proposed(running), seat.page
    page.goto(_path(made))
    page.wait_for_selector("[data-approve]")
    running.client("admin").post(f"/v1/proposals/{made['id']}/reject", json={"reason": "mine"})
    page.wait_for_selector("[data-approve]", state="detached")
    assert "mine" in page.inner_text("main")


def test_the_signal_is_drawn(running: Running, lab: Lab, seat: Seat) -> None:
    """The curve comes after the page, with its numbers as words for who does not see it."""
    made = a_proposal("drawn", an_app(), at=lab.now())
    target = replace(made.plan.target, cluster="lab")
    row = replace(made.row, target=replace(target, uid="")) if made.row else None
    store = Store(running.settings.database, lab.clock)
    store.create(replace(made, plan=replace(made.plan, target=target), row=row))
    store.close()
    page = seat.page
    page.goto("/console/proposals/drawn")
    page.wait_for_selector("#signal svg, #signal .none")
    if page.locator("#signal svg").count():
        label = page.locator("#signal svg").first.get_attribute("aria-label") or ""
        assert "before" in label


def test_light_dark_and_the_switch(running: Running, browser: "Browser") -> None:
    """The system's choice holds until the switch is pressed, and the switch is remembered."""
    seat = Seat(browser, running, "viewer", color_scheme="dark")
    page = seat.page
    page.goto("/console")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.click("[data-theme-toggle]")
    light = page.evaluate(ground)
    assert light != dark
    page.goto("/console/history")
    assert page.evaluate(ground) == light
    seat.context.close()
    assert seat.complaints == []


def test_nothing_is_wider_than_a_phone(running: Running, browser: "Browser") -> None:
    """No page scrolls sideways at 360 pixels."""
    seat = Seat(browser, running, "viewer", viewport={"width": 360, "height": 740})
    widths = {}
    for path in (*PATHS, _path(proposed(running))):
        seat.page.goto(path)
        widths[path] = seat.page.evaluate("document.documentElement.scrollWidth")
    seat.context.close()
    assert {path: width for path, width in widths.items() if width > 360} == {}


BRIEF = {"resultTypes": ["violations"]}
WHOLE = BRIEF | {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]}
CONTRAST = BRIEF | {"runOnly": {"type": "rule", "values": ["color-contrast"]}}


@pytest.mark.parametrize(
    ("scheme", "rules", "paths"), [("light", WHOLE, PATHS), ("dark", CONTRAST, PATHS[:1])]
)
def test_axe_finds_nothing(
    running: Running, browser: "Browser", scheme: str, rules: dict[str, Any], paths: tuple[str, ...]
) -> None:
    """No violation of WCAG 2.2 AA on any page; in the dark, all but alike, of contrast."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    made = proposed(running)
    # axe is put into the page as a script, which the page's own policy rightly forbids
    seat = Seat(browser, running, "approver", color_scheme=scheme, bypass_csp=True)
    found = {}
    for path in ("/console/sign-in", *paths, _path(made)):
        seat.page.goto(path)
        result = axe.run(seat.page, options=rules)
        assert result.response["passes"]
        if result.violations_count:
            found[path] = result.generate_report()
    seat.context.close()
    assert found == {}


def test_the_pages_work_without_scripts(running: Running, browser: "Browser") -> None:
    """Everything that is decided is decided by plain forms."""
    made = proposed(running)
    seat = Seat(browser, running, "approver", java_script_enabled=False)
    seat.page.goto(_path(made))
    seat.page.click("[data-approve]")
    seat.page.wait_for_url("**did=approve")
    state = running.client("viewer").get(f"/v1/proposals/{made['id']}").json()["state"]
    assert state != "Proposed"
    seat.context.close()
