"""Quantities keep their amount and have one spelling."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remedyd.lab.apiserver import quantity

SUFFIXES = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]


@settings(deadline=None)
@given(st.integers(min_value=0, max_value=10**7), st.sampled_from(SUFFIXES))
def test_canonical_keeps_the_amount(number: int, suffix: str) -> None:
    """The canonical text is the same amount and its own canonical text."""
    text = f"{number}{suffix}"
    canonical = quantity.canonical(text)
    assert quantity.amount(canonical) == quantity.amount(text)
    assert quantity.canonical(canonical) == canonical


@pytest.mark.parametrize(
    ("text", "canonical"),
    [("1024Mi", "1Gi"), ("1.5Gi", "1536Mi"), ("0.5", "500m"), ("1000m", "1"), ("1e3", "1e3")],
)
def test_known_spellings(text: str, canonical: str) -> None:
    """Amounts are written as the server writes them."""
    assert quantity.canonical(text) == canonical


def test_total_keeps_the_family() -> None:
    """A sum of binary amounts is written in binary."""
    assert quantity.total(["64Mi", "192Mi"]) == "256Mi"


def test_cpu_counts_in_thousandths_rounded_up() -> None:
    """A share of a thousandth counts as a whole one."""
    assert quantity.milli(Decimal("0.0001")) == 1


@pytest.mark.parametrize("text", ["", "Mi", "1.2.3", "12XB", "1 Mi", "--1"])
def test_nonsense_is_refused(text: str) -> None:
    """What is no quantity raises ValueError."""
    with pytest.raises(ValueError, match="quantit"):
        quantity.parse(text)
