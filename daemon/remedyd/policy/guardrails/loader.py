"""From a guardrails file to `Guardrails`, or to every mistake in it with its position."""

from pathlib import Path

from remedyd import documents
from remedyd.errors import InvalidInput, Problem
from remedyd.policy.guardrails.schema import Guardrails, GuardrailsFile


def load_guardrails(path: Path) -> Guardrails:
    """Read the one `kind: Guardrails` document in `path`; raise InvalidInput with all problems."""
    return _only(documents.read(path), str(path))


def parse_guardrails(text: str, path: str) -> Guardrails:
    """Read the document in `text`, reported as `path`; raise InvalidInput like the above."""
    return _only(documents.load(text, path), path)


def _only(found: list[documents.Document], path: str) -> Guardrails:
    for extra in found[1:]:
        line, column = extra.position(())
        message = "a second document: guardrails are one document, so that nothing is overruled"
        raise InvalidInput(f"{path} cannot be used", [Problem(message, path, line, column)])
    return documents.validate(found[0], GuardrailsFile).spec
