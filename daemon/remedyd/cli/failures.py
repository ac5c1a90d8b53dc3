"""How an error reaches the terminal: what, where, what to do; never a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

from remedyd.cli.saying import say
from remedyd.errors import InvalidInput, RemedydError

FAILED = 1
INVALID = 2


def report(error: RemedydError) -> int:
    """Print `error` to stderr, one problem a line, and return the exit status."""
    problems = error.problems if isinstance(error, InvalidInput) else ()
    for problem in problems:
        say(str(problem), err=True)
    if not problems:
        say(f"error: {error.message}", err=True)
    if error.hint:
        say(f"hint: {error.hint}", err=True)
    return INVALID if isinstance(error, InvalidInput) else FAILED


@contextmanager
def explained() -> Iterator[None]:
    """Turn a RemedydError into its message and exit status."""
    try:
        yield
    except RemedydError as error:
        raise SystemExit(report(error)) from error
