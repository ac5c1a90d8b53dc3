"""The page about proposals says what the code does."""

import re
from pathlib import Path

from remedyd.model import State
from remedyd.proposals.lifecycle import MOVES

PAGE = Path(__file__).parents[2] / "docs" / "proposals.md"


def test_the_documented_moves_are_the_real_ones() -> None:
    """The table of states and moves is the one the store obeys."""
    documented = {}
    for sources, onward in re.findall(r"^\| ([A-Z][\w, ]+) \| (.+) \|$", PAGE.read_text(), re.M):
        names = set() if onward == "nothing" else set(onward.split(", "))
        documented |= {State(source): names for source in sources.split(", ")}
    assert documented == {state: {to.value for to in onward} for state, onward in MOVES.items()}
