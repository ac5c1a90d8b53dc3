"""`docs/actions.md` is complete."""

from pathlib import Path

import pytest
from pydantic import BaseModel

from remedyd.actions.amounts import AmountParameters
from remedyd.actions.registry import ACTIONS, SCHEMAS
from remedyd.cluster.prechecks import CHECKS

TEXT = (Path(__file__).parents[2] / "docs" / "actions.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [*ACTIONS, *CHECKS])
def test_every_action_and_precheck_has_its_line(name: str) -> None:
    """A name that appears in a proposal can be looked up."""
    assert f"| `{name}` |" in TEXT


@pytest.mark.parametrize("schema", [*SCHEMAS.values(), AmountParameters])
def test_every_parameter_is_named(schema: type[BaseModel]) -> None:
    """Each key that a policy may hold is explained."""
    keys = schema.model_json_schema().get("properties", {})
    assert [key for key in keys if f"`{key}`" not in TEXT] == []


def test_the_kinds_are_those_of_the_actions() -> None:
    """The table says truly what can be changed."""
    rows = {line.split("|")[1].strip(" `"): line for line in TEXT.splitlines() if line[:3] == "| `"}
    for name, action in ACTIONS.items():
        if "all three" not in rows[name]:
            kinds = rows[name].split("|")[2]
            assert {kind.strip() for kind in kinds.split(",")} == action.kinds
