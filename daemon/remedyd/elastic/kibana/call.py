"""One request to Kibana, as it is sent and as it may be shown.

Secrets are wrapped: a body can be printed, logged or compared without showing one, and only the
client that sends it unwraps them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

API_VERSION: Final = "2023-10-31"


class Secret:
    """A value that is sent and never shown; `name` says where it comes from."""

    __slots__ = ("_value", "name")

    def __init__(self, name: str, value: str) -> None:
        """Take what to show and what to send."""
        self.name = name
        self._value = value

    def reveal(self) -> str:
        """Return the value, to be sent."""
        return self._value

    def __repr__(self) -> str:
        """Show where it comes from."""
        return f"<{self.name}>"


@dataclass(frozen=True, slots=True)
class Call:
    """A request; `what` says in words what it is for, `upload` is a file instead of a body."""

    method: str
    path: str
    what: str
    body: Any = None
    query: Mapping[str, str] = field(default_factory=dict)
    upload: str = ""

    @property
    def target(self) -> str:
        """Path and query."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path

    def headers(self) -> dict[str, str]:
        """Return the headers without credentials; Kibana refuses a change without `kbn-xsrf`."""
        found = {"elastic-api-version": API_VERSION}
        if self.method != "GET":
            found["kbn-xsrf"] = "true"
        if self.body is not None:
            found["Content-Type"] = "application/json"
        return found

    def sent(self) -> str | None:
        """Return the body with its secrets, None for none."""
        return None if self.body is None else json.dumps(_plain(self.body, reveal=True))

    def shown(self) -> str:
        """Return the whole request as text for people, secrets named instead of written."""
        lines = [f"# {self.what}", f"{self.method} kbn:{self.target}"]
        lines += [f"{name}: {value}" for name, value in self.headers().items()]
        if self.body is not None:
            lines.append(_pretty(_plain(self.body, reveal=False)))
        if self.upload:
            lines += ["Content-Type: multipart/form-data (field file)", self.upload.rstrip("\n")]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Answer:
    """Kibana's answer; `body` is None where it was no JSON."""

    status: int
    body: Any = None

    @property
    def ok(self) -> bool:
        """Whether it was done."""
        return 200 <= self.status < 300


def _pretty(body: Any) -> str:
    """Return JSON in which long texts stand as they are, as Kibana's Dev Tools read it."""
    texts: list[str] = []

    def held(value: Any) -> Any:
        if isinstance(value, str) and "\n" in value:
            texts.append(value)
            return f"@text {len(texts) - 1}@"
        if isinstance(value, dict):
            return {name: held(one) for name, one in value.items()}
        return [held(one) for one in value] if isinstance(value, list) else value

    shown = json.dumps(held(body), indent=2, ensure_ascii=False)
    for number, text in enumerate(texts):
        shown = shown.replace(f'"@text {number}@"', f'"""\n{text.rstrip()}\n"""')
    return shown


def _plain(value: Any, *, reveal: bool) -> Any:
    if isinstance(value, Secret):
        return value.reveal() if reveal else repr(value)
    if isinstance(value, Mapping):
        return {key: _plain(one, reveal=reveal) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one, reveal=reveal) for one in value]
    return value
