"""A browser without a screen for the console: pages are parsed, forms are filled in and sent."""

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any, Self

import httpx2

from support.running import TOKENS

_VOID = frozenset({"meta", "link", "input", "br", "wbr", "img", "hr"})


class Element:
    """A node of a page."""

    def __init__(self, tag: str, attributes: dict[str, str], parent: "Element | None") -> None:
        """Take what the parser found."""
        self.tag = tag
        self.attributes = attributes
        self.parent = parent
        self.children: list[Element | str] = []

    def __getitem__(self, name: str) -> str:
        """Return an attribute."""
        return self.attributes[name]

    @property
    def text(self) -> str:
        """Return the words in it, blanks made one."""
        parts = [each if isinstance(each, str) else each.text for each in self.children]
        return " ".join("".join(f"{part} " for part in parts).split())

    def walk(self) -> Iterator["Element"]:
        """Yield it and all below it."""
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    def all(self, tag: str = "", **wanted: str | None) -> list["Element"]:
        """Return what has this tag and these attributes; None means any value."""
        names = {name.rstrip("_").replace("_", "-"): value for name, value in wanted.items()}
        return [
            each
            for each in self.walk()
            if (not tag or each.tag == tag)
            and all(
                name in each.attributes and value in (None, each.attributes[name])
                for name, value in names.items()
            )
        ]

    def one(self, tag: str = "", **wanted: str | None) -> "Element":
        """Return the only one; raise AssertionError for none or several."""
        found = self.all(tag, **wanted)
        assert len(found) == 1, f"{len(found)} times {tag} {wanted}"
        return found[0]


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("", {}, None)
        self._at = self.root

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self._at)
        self._at.children.append(element)
        if tag not in _VOID:
            self._at = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._at.tag == tag, f"</{tag}> closes <{self._at.tag}>"
        assert self._at.parent is not None
        self._at = self._at.parent

    def handle_data(self, data: str) -> None:
        self._at.children.append(data)


def parsed(html: str) -> Element:
    """Return the page; raise AssertionError where its tags do not nest."""
    builder = _Builder()
    builder.feed(html)
    assert builder._at is builder.root, f"<{builder._at.tag}> is left open"
    return builder.root


class Visitor:
    """Somebody at a browser: keeps cookies, sends what a browser sends."""

    def __init__(self, url: str) -> None:
        """Take the daemon's address."""
        self.url = url
        self.http = httpx2.Client(base_url=url, timeout=20, verify=False)

    def __enter__(self) -> Self:
        """Sit down."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave."""
        self.http.close()

    def sign_in(self, role: str, **fields: str) -> httpx2.Response:
        """Send the sign-in form with the token of `role`."""
        return self.post("/console/sign-in", {"token": TOKENS[role], **fields})

    def get(self, path: str, **options: Any) -> httpx2.Response:
        """Ask for a page."""
        return self.http.get(path, **options)

    def page(self, path: str, status: int = 200) -> Element:
        """Return a page, parsed."""
        answer = self.get(path)
        assert answer.status_code == status, f"{answer.status_code}: {answer.text[:300]}"
        return parsed(answer.text)

    def post(self, path: str, fields: dict[str, str], **headers: str) -> httpx2.Response:
        """Send a form as a page of the console would."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.post(path, data=fields, headers={"Origin": self.url, **named})

    def press(self, page: Element, button: str, **fields: str) -> httpx2.Response:
        """Fill in the form that holds the button with this text, and press it."""
        for form in page.all("form", method="post"):
            for each in form.all("button"):
                if each.text == button:
                    action = each.attributes.get("formaction") or form["action"]
                    return self.post(action, _values(form) | fields)
        raise AssertionError(f"there is no button {button!r}")


def _values(form: Element) -> dict[str, str]:
    """Return the fields of a form as they were served."""
    inputs = form.all("input", name=None)
    texts = {each["name"]: each.text for each in form.all("textarea", name=None)}
    return {each["name"]: each.attributes.get("value", "") for each in inputs} | texts


def buttons(page: Element) -> set[str]:
    """Return the words on the page's buttons."""
    return {each.text for each in page.one("main").all("button")}
