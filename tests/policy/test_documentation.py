"""The page about policies tells the truth."""

from pathlib import Path

from remedyd.actions.registry import SCHEMAS
from remedyd.audits.loader import load_audits
from remedyd.paths import shipped
from remedyd.policy.loader import parse_policies
from remedyd.policy.reasons import Reason

PAGE = (Path(__file__).parents[2] / "docs" / "policies.md").read_text(encoding="utf-8")


def test_the_example_loads() -> None:
    """The policy on the page is valid as it stands."""
    example = PAGE.split("```yaml\n")[1].split("```")[0]
    audits = load_audits(shipped("esql")).specs
    loaded = parse_policies(example, "policies.md", audits=audits, actions=SCHEMAS)
    assert list(loaded) == ["raise-checkout"]


def test_every_reason_is_explained() -> None:
    """Every reason code has its line in the table."""
    assert [reason for reason in Reason if f"`{reason}`" not in PAGE] == []
