"""How waiting for an answer looks in a terminal: a line for people, not the daemon's log."""

import typer
from stamina.instrumentation import RetryDetails, set_on_retry_hooks


def tell() -> None:
    """Say on stderr, from now on, when a request is about to be tried again."""
    set_on_retry_hooks([_told])


def _told(details: RetryDetails) -> None:
    wait = f"{details.wait_for:.1f} s"
    typer.echo(f"no answer yet ({type(details.caused_by).__name__}), again in {wait}", err=True)
