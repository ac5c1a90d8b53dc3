"""Every field of a file that a user writes is on its page, as the model has it, and no other."""

import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from remedyd.actions.registry import ACTIONS
from remedyd.audits import schema as audits
from remedyd.model import AuditOutcome, State
from remedyd.policy import schema as policies
from remedyd.policy.guardrails import schema as guardrails
from remedyd.policy.guardrails.windows import Window
from remedyd.testing.policytest.reference import Parts, reference
from support.docs import page

PAGES: dict[str, Parts] = {
    "policies.md": (
        ("The file", policies.PolicyFile),
        ("metadata", policies.Metadata),
        ("spec", policies.Spec),
        ("spec.audit", policies.AuditRef),
        ("spec.match", policies.Match),
        ("spec.matchConditions[]", policies.ConditionSpec),
        ("spec.sustain", policies.Sustain),
        ("spec.steps[]", policies.StepSpec),
        ("spec.steps[].action", policies.ActionSpec),
        ("spec.steps[].verify", policies.Verify),
        ("spec.limits", policies.Limits),
    ),
    "audits.md": (
        ("The file", audits.AuditFile),
        ("metadata", audits.Metadata),
        ("spec", audits.Spec),
        ("spec.schedule", audits.Schedule),
        ("spec.parameters[]", audits.Parameter),
        ("spec.fields[]", audits.FieldUse),
        ("spec.columns[]", audits.ColumnUse),
        ("spec.identity", audits.IdentityUse),
        ("spec.constants", audits.Constants),
    ),
    "guardrails.md": (
        ("The file", guardrails.GuardrailsFile),
        ("metadata", guardrails.Metadata),
        ("spec", guardrails.Guardrails),
        ("spec.cooldown", guardrails.Cooldown),
        ("spec.rate", guardrails.Rate),
        ("spec.storm", guardrails.Storm),
        ("spec.windows[]", Window),
    ),
}


def models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Yield a model and all that lie inside."""
    yield model
    for field in model.model_fields.values():
        for inner in _models(field.annotation):
            yield from models(inner)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def named(text: str, name: str) -> bool:
    """Whether a page names a word as code, alone or in an example."""
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", text) is not None


@pytest.mark.parametrize(("name", "parts"), PAGES.items(), ids=list(PAGES))
def test_every_field_is_documented_as_it_is(name: str, parts: Parts) -> None:
    """With what may stand there, its default and its meaning; nothing that is gone."""
    wanted = reference(parts).rstrip() + "\n"
    assert page(name).endswith(f"\n{wanted}"), f"docs/{name} has to end with:\n\n{wanted}"


@pytest.mark.parametrize(("name", "parts"), PAGES.items(), ids=list(PAGES))
def test_no_part_of_a_file_is_left_out(name: str, parts: Parts) -> None:
    """Whatever has fields of its own has a table of its own."""
    assert {model for _, model in parts} == set(models(parts[0][1]))


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_every_action_is_documented_with_its_parameters(action: str) -> None:
    """`docs/actions.md` names the action and each parameter."""
    text = page("actions.md")
    inside = [
        field.alias or name
        for model in models(ACTIONS[action].params)
        for name, field in model.model_fields.items()
    ]
    assert named(text, action)
    assert [name for name in inside if not named(text, name)] == []


@pytest.mark.parametrize("outcome", list(AuditOutcome))
def test_every_outcome_of_an_audit_is_documented(outcome: AuditOutcome) -> None:
    """`docs/audits.md` says what it means."""
    assert f"| `{outcome.value}` |" in page("audits.md")


def test_no_outcome_is_documented_that_is_gone() -> None:
    """Every row of that table is an outcome."""
    table = page("audits.md").partition("| outcome | meaning |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` ", table, re.M)) == {one.value for one in AuditOutcome}


@pytest.mark.parametrize("state", list(State))
def test_every_state_is_documented(state: State) -> None:
    """`docs/proposals.md` says what it means."""
    assert named(page("proposals.md"), state.value)
