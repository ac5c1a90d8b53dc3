"""What containers get by their environment stays theirs, wherever a plan is shown."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from remedyd.actions.changing import changing_plan
from remedyd.model import FieldChange, KubeObject, Plan
from remedyd.model.hidden import hidden
from remedyd.proposals.summary import markdown, plain
from remedyd.server import views
from remedyd.server.console import words
from support.cluster import recorded, target_of
from support.proposals import a_proposal

OLD, NEW = "correct horse", "battery staple"


def _template(live: KubeObject, password: str) -> Any:
    (template,) = hidden(live["spec"]["template"])
    (container,) = template["spec"]["containers"]
    container["env"] = [{"name": "PASSWORD", "value": password}, {"name": "LEVEL", "value": "info"}]
    return template


def _plan() -> Plan:
    live = recorded("deployment-checkout-oom")
    live["spec"]["template"] = _template(live, OLD)
    change = FieldChange("spec.template", live["spec"]["template"], _template(live, NEW))
    return changing_plan(target_of(live), "RolloutUndo", {}, live, [change], "Goes back.")


def test_the_diff_says_that_a_variable_changes_and_not_to_what() -> None:
    """Equal values are hidden by the same words, others by others."""
    diff = _plan().diff
    assert "-        value: (hidden 1)" in diff
    assert "+        value: (hidden 3)" in diff
    assert "name: PASSWORD" in diff


def test_no_face_shows_it() -> None:
    """REST and agents, the page of the approver in text and markdown, the console."""
    proposal = a_proposal(plan=_plan())
    shown = [
        views.proposal_view(proposal).model_dump_json(),
        plain(proposal),
        markdown(proposal),
        *(words.value(side) for c in proposal.plan.changes for side in (c.old, c.new)),
    ]
    assert not [text for text in shown if OLD in text or NEW in text]


def test_what_is_written_is_the_value_itself() -> None:
    """Hiding is for people alone."""
    plan = _plan()
    assert plan.patch is not None
    assert NEW in str(plan.patch.body)
    assert NEW in str(plan.changes[0].new)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: (
    st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "env", "value"]), inner)
), max_leaves=12))  # fmt: skip
def test_any_json_can_be_looked_through(value: Any) -> None:
    """Whatever its shape, and what is hidden once stays so."""
    (once,) = hidden(value)
    assert hidden(once) == (once,)
