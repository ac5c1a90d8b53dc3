"""How an error reaches an agent: what, where, and what to do next, in a few lines."""

from remedyd.errors import Refused, RemedydError
from remedyd.model import Principal


def text(error: RemedydError) -> str:
    """Return the words for `error`."""
    code = error.reason if isinstance(error, Refused) and error.reason else type(error).__name__
    lines = [f"{code}: {error.message}"]
    if error.hint:
        lines.append(f"Next: {error.hint}")
    return "\n".join(lines)


def unknown_tool(name: str, principal: Principal, known: list[str]) -> str:
    """Return what to say about a tool that does not exist."""
    return f"no tool {name[:100]!r} for {principal.name}; there are {', '.join(known)}"
