"""Tables for people and for pipes.

In a terminal a long cell goes on in the next line: ids and names are copied from here, so nothing
is cut off. In a pipe or a file every row is one line, whatever its length.
"""

from typing import Final

from rich.console import Console
from rich.table import Table

from remedyd.errors import InvalidInput

_PIPE_WIDTH: Final = 10_000


def table(*headers: str, title: str = "") -> Table:
    """Return a table whose cells are folded, never cut off."""
    made = Table(title=title or None, title_justify="left", box=None)
    for header in headers:
        made.add_column(header, overflow="fold")
    return made


def console() -> Console:
    """Return a console as wide as the terminal; wide enough for any row where there is none."""
    found = Console(highlight=False, markup=False)  # [app] is a container, not a colour
    if not found.is_terminal:
        found.width = _PIPE_WIDTH
    return found


def known_output(output: str) -> None:
    """Raise InvalidInput unless `output` is table or json."""
    if output not in ("table", "json"):
        raise InvalidInput(f"--output must be table or json, not {output}")
