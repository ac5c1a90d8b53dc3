"""How many nodes may be not ready before everything is held."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remedyd.documents import Allowance
from remedyd.model import Nodes
from remedyd.policy.guardrails import node_sign
from remedyd.policy.guardrails.schema import Storm
from support.guardrails import guardrails


def test_the_sentence_counts_and_names_the_nodes() -> None:
    """Of how many, how many may; one is told in the singular, and no more than five are named."""
    assert node_sign(Nodes(("b",), 3), Storm()) == "1 of 3 nodes is not ready, at most 0: b"
    assert node_sign(Nodes(("b",), 1), Storm()) == "1 of 1 node is not ready, at most 0: b"
    assert node_sign(Nodes(("b",)), Storm()) == "1 node is not ready, at most 0: b"
    many = tuple(f"n{number}" for number in range(6))
    told = "6 of 260 nodes are not ready, at most 5: n0, n1, n2, n3, n4, ..."
    assert node_sign(Nodes(many, 260), Storm()) == told
    told = "5 of 40 nodes are not ready, at most 0: n0, n1, n2, n3, n4"
    assert node_sign(Nodes(many[:5], 40), Storm()) == told


@pytest.mark.parametrize(
    ("limit", "total", "tolerated"),
    [
        ("2%", 49, 0),
        ("2%", 50, 1),
        ("2%", 5_000, 100),
        ("0.5%", 399, 1),
        ("0.07%", 10_000, 7),
        ("100%", 3, 3),
        ("0%", 5_000, 0),
        ("2", 5_000, 2),
        ("2%", None, 0),
        ("2", None, 2),
    ],
)
def test_a_share_of_the_nodes_is_rounded_down(
    limit: str, total: int | None, tolerated: int
) -> None:
    """As maxUnavailable is; a number is one in every cluster, a share of who knows what is none."""
    storm = guardrails(f"{{storm: {{nodesNotReady: {limit}}}}}").storm
    down = tuple(f"n{number:05}" for number in range(tolerated + 1))
    assert node_sign(Nodes(down[:-1], total), storm) == ""
    assert f"at most {tolerated}:" in node_sign(Nodes(down, total), storm)


@given(st.integers(0, 1_000_000), st.decimals(0, 100, places=2))
def test_no_share_is_more_than_it_says(total: int, percent: Decimal) -> None:
    """Never above the exact share, and less than one node below it."""
    exact = Fraction(percent) * total / 100
    assert exact - 1 < Allowance(percent=percent).of(total) <= exact
