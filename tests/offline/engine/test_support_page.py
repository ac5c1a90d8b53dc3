"""The published support table is the engine's own."""

from remedyd.offline.functions import FUNCTIONS
from remedyd.offline.support import COMMANDS, support_page
from remedyd.offline.verifier import command_names
from support.offline import ROOT


def test_the_page_is_up_to_date() -> None:
    """docs/esql-support.md is what the engine's tables say."""
    assert (ROOT / "docs" / "esql-support.md").read_text(encoding="utf-8") == support_page()


def test_every_command_that_runs_is_listed() -> None:
    """A command is either in the table or refused."""
    assert {name for name, _ in COMMANDS} - {"SET"} == command_names()


def test_every_function_is_listed() -> None:
    """No function works without being in the table."""
    page = support_page()
    assert [name for name in FUNCTIONS if f"`{name}(" not in page] == []
