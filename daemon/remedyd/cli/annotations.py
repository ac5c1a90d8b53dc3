"""Problems as GitHub's workflow commands, which show them at the line of the file."""

from remedyd.errors import Problem


def annotation(problem: Problem, level: str = "error") -> str:
    """Format a problem; `level` is error, warning or notice."""
    place = f"file={problem.path},line={problem.line},col={problem.column}"
    return f"::{level} {place}::{escaped(problem.message)}"


def escaped(message: str) -> str:
    """Return a message as a workflow command carries it."""
    return message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
