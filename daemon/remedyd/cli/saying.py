"""Prints what a daemon says: shown to whoever reads it, never obeyed by the terminal.

Reasons, comments and names come from callers and from the cluster. With an escape sequence in one
of them, the terminal of whoever has to approve could be told what to show.
"""

import typer

from remedyd.model.visible import in_one_line, visible


def say(text: str, *, err: bool = False) -> None:
    """Print a text; its own lines stay."""
    typer.echo(visible(text), err=err)


def line(text: str, *, err: bool = False) -> None:
    """Print one line, whatever stands in it: nobody forges the next one of a list."""
    typer.echo(in_one_line(text), err=err)
