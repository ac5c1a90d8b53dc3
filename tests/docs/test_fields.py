"""Every field, action, route, command and kind of event that a user meets is on its page."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from remedyd.actions.registry import ACTIONS
from remedyd.audits.schema import AuditFile
from remedyd.cli.main import COMMANDS, GROUPS
from remedyd.model import AuditOutcome, State
from remedyd.policy.guardrails.schema import GuardrailsFile
from remedyd.policy.schema import PolicyFile
from remedyd.proposals import ecs

DOCS = Path(__file__).parents[2] / "docs"


def page(name: str) -> str:
    """Return the text of a page."""
    return (DOCS / name).read_text(encoding="utf-8")


def fields(model: type[BaseModel], seen: frozenset[type] = frozenset()) -> Iterator[str]:
    """Yield the names, as they are written in a file, of all fields and of those inside."""
    for name, field in model.model_fields.items():
        yield field.alias or name
        for inner in _models(field.annotation):
            if inner not in seen:
                yield from fields(inner, seen | {model})


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def named(text: str, name: str) -> bool:
    """Whether a page names a word as code, alone or in an example."""
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", text) is not None


@pytest.mark.parametrize("name", sorted(set(fields(PolicyFile))))
def test_every_field_of_a_policy_is_documented(name: str) -> None:
    """`docs/policies.md` names it."""
    assert named(page("policies.md"), name)


@pytest.mark.parametrize("name", sorted(set(fields(AuditFile))))
def test_every_field_of_an_audit_is_documented(name: str) -> None:
    """`docs/audits.md` names it."""
    assert named(page("audits.md"), name)


@pytest.mark.parametrize("name", sorted(set(fields(GuardrailsFile))))
def test_every_field_of_the_guardrails_is_documented(name: str) -> None:
    """`docs/guardrails.md` names it."""
    assert named(page("guardrails.md"), name)


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_every_action_is_documented_with_its_parameters(action: str) -> None:
    """`docs/actions.md` names the action and each parameter."""
    text = page("actions.md")
    assert named(text, action)
    missing = [name for name in fields(ACTIONS[action].params) if not named(text, name)]
    assert missing == []


@pytest.mark.parametrize("outcome", list(AuditOutcome))
def test_every_outcome_of_an_audit_is_documented(outcome: AuditOutcome) -> None:
    """`docs/audits.md` says what it means."""
    assert f"| `{outcome.value}` |" in page("audits.md")


@pytest.mark.parametrize("state", list(State))
def test_every_state_is_documented(state: State) -> None:
    """`docs/proposals.md` says what it means."""
    assert named(page("proposals.md"), state.value)


def test_every_kind_of_event_is_documented() -> None:
    """`docs/audit-trail.md` names what a move of a proposal is called there."""
    text = page("audit-trail.md")
    assert [name for name in ecs._ACTIONS.values() if f"`{name}`" not in text] == []


@pytest.mark.parametrize("name", sorted({*GROUPS, *COMMANDS}))
def test_every_command_is_documented(name: str) -> None:
    """Some page or the README shows how it is called."""
    pages = [*DOCS.glob("*.md"), DOCS.parent / "README.md"]
    texts = [path.read_text(encoding="utf-8") for path in pages]
    assert any(f"remedyd {name}" in text for text in texts)
