"""What a release of the Elastic stack can do, as far as the installer has to know."""

import re
from dataclasses import dataclass
from typing import Final

from remedyd.elastic.kibana.call import Answer, Call
from remedyd.elastic.kibana.client import Wire, checked
from remedyd.errors import ConfigurationError, KibanaError

OLDEST: Final = (9, 4)
LOOK: Final = Call("GET", "/api/status", "read Kibana's release")


@dataclass(frozen=True, slots=True)
class Stack:
    """A release, as (major, minor); Serverless counts as newer than any."""

    version: tuple[int, int]

    @property
    def confirms(self) -> bool:
        """Whether Agent Builder asks its user before it calls a tool that says so."""
        return self.version >= (9, 6)

    @property
    def workflow_form(self) -> str:
        """Which form of the workflows it reads: inputs moved, and approvals came, with 9.5."""
        return "9.5" if self.version >= (9, 5) else "9.4"

    @property
    def shares_agents(self) -> bool:
        """Whether an agent says who may use it."""
        return self.version >= (9, 5)

    def __str__(self) -> str:
        """Show the release."""
        return "Serverless" if self.version == SERVERLESS else ".".join(map(str, self.version))


SERVERLESS: Final = (99, 0)


def named(text: str) -> Stack:
    """Return the release that a user names; raise ConfigurationError."""
    if text == "serverless":
        return Stack(SERVERLESS)
    match = re.fullmatch(r"(\d+)\.(\d+)(\.\d+)?", text)
    if match is None:
        raise ConfigurationError(
            f"--stack {text} is no release", hint='say 9.4, 9.5, 9.6 or "serverless"'
        )
    return _supported(Stack((int(match[1]), int(match[2]))))


def found(wire: Wire) -> Stack:
    """Ask Kibana for its release; raise KibanaError for one that is too old."""
    return _of(checked(LOOK, wire.send(LOOK)))


def _of(answer: Answer) -> Stack:
    body = answer.body if isinstance(answer.body, dict) else {}
    version = body.get("version") or {}
    if version.get("build_flavor") == "serverless":
        return Stack(SERVERLESS)
    match = re.match(r"(\d+)\.(\d+)", str(version.get("number", "")))
    if match is None:
        raise KibanaError(
            "Kibana did not say its release", hint="check --kibana-url, or name it with --stack"
        )
    return _supported(Stack((int(match[1]), int(match[2]))))


def _supported(stack: Stack) -> Stack:
    if stack.version < OLDEST:
        raise KibanaError(
            f"Kibana is {stack}: workflows, Agent Builder and MCP tools need 9.4",
            hint="use the console, the command line or REST instead: docs/elastic.md",
        )
    return stack
