"""Tables for people and for pipes.

In a terminal a long cell goes on in the next line: ids and names are copied from here, so nothing
is cut off. In a pipe or a file every row is one line, whatever its length.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

import typer
import yaml
from rich.console import Console
from rich.table import Table

from remedyd.errors import InvalidInput
from remedyd.model.visible import in_one_line

_PIPE_WIDTH: Final = 10_000


class _Table(Table):
    """A table whose cells cannot speak to the terminal, nor forge a row."""

    def add_row(self, *cells: Any, **options: Any) -> None:
        """Add a row."""
        shown = (in_one_line(cell) if isinstance(cell, str) else cell for cell in cells)
        super().add_row(*shown, **options)


def table(*headers: str, title: str = "") -> Table:
    """Return a table whose cells are folded, never cut off."""
    made = _Table(title=title or None, title_justify="left", box=None)
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


def printed(data: object, output: str) -> bool:
    """Print `data` as JSON or YAML if so asked; False where a table is wanted.

    Raise InvalidInput for another output.
    """
    if output == "json":
        typer.echo(json.dumps(data, indent=2))
    elif output == "yaml":
        typer.echo(yaml.safe_dump(data, sort_keys=False, allow_unicode=True).rstrip())
    else:
        known(output)
    return output != "table"


def streamed(items: Iterable[object], output: str) -> bool:
    """Print each item as one line of JSON, as soon as it is there; False where JSON is not wanted.

    A stream has no end at which a list could be closed.
    """
    if output == "json":
        for item in items:
            print(json.dumps(item), flush=True)
    return output == "json"


def known(output: str) -> None:
    """Raise InvalidInput unless the output is one that `printed` knows."""
    if output not in ("table", "json", "yaml"):
        raise InvalidInput(f"--output must be table or json, or yaml, not {output}")


def target(shown: Mapping[str, Any]) -> str:
    """Return a target as `Kind/namespace/name`, with its container behind it."""
    where = f"{shown['kind']}/{shown['namespace']}/{shown['name']}"
    return f"{where} [{shown['container']}]" if shown["container"] else where
