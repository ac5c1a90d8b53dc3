"""Kubernetes amounts are exact numbers with one canonical spelling."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, ValidationError

from remedyd.cluster import quantities
from remedyd.cluster.quantities import QuantityText
from remedyd.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("0.25Gi", "256Mi"),
        ("134217728", "134217728"),
        ("300M", "300M"),
        ("500000000m", "500k"),
        ("200500m", "200500m"),
        ("134217728500m", "134217728500m"),
        ("0.5", "500m"),
        ("1000m", "1"),
        ("0.1Gi", "107374182400m"),
        ("12E6", "12M"),
        ("2u", "2u"),
        ("512Ki", "512Ki"),
        ("1000Ki", "1000Ki"),
        ("0", "0"),
        ("-5Mi", "-5Mi"),
    ],
)
def test_canonical_is_what_the_api_server_stores(text: str, stored: str) -> None:
    """The canonical spelling is the one that a real API server stored for the same input."""
    assert quantities.canonical(text) == stored


@pytest.mark.parametrize(
    "bad",
    [*("", " 1", "1 ", "1\n", "--1", "128mi", "128 Mi", "5ki", "12XB", "NaN", "inf", "1e9999", "٣"),
     None, True, [], {}],
)  # fmt: skip
def test_what_is_no_quantity_is_refused(bad: object) -> None:
    """Text that the API server would refuse is refused with a hint."""
    with pytest.raises(InvalidInput, match="is not a quantity"):
        quantities.parse(bad)


@pytest.mark.parametrize("much", ["8Ei", "1e99", f"{'9' * 40}Gi", "-1e20"])
def test_what_kubernetes_cannot_count_is_refused(much: str) -> None:
    """The API server would cut it off at 2^63 without a word, and the plan would not hold."""
    with pytest.raises(InvalidInput, match="more than Kubernetes can count"):
        quantities.parse(much)


def test_a_row_of_digits_without_end_is_refused_at_once() -> None:
    """Anybody who may propose can send one; looking at it digit by digit would stop the daemon."""
    with pytest.raises(InvalidInput, match="is not a quantity"):
        quantities.parse("1" * 900_000 + "x")


@given(st.integers(0, 2**63 - 1))
def test_binary_round_trips(amount: int) -> None:
    """Writing a number of bytes and reading it back loses nothing."""
    assert quantities.parse(quantities.binary(Decimal(amount))) == amount


@given(st.integers(-(10**18), 10**18))
def test_decimal_round_trips_to_a_billionth(nano: int) -> None:
    """Writing an amount in billionths and reading it back loses nothing."""
    amount = Decimal(nano) / Decimal(10**9)
    assert quantities.parse(quantities.decimal(amount)) == amount


@given(st.sampled_from(["Ki", "Mi", "Gi", "Ti", "m", "", "k", "M", "G"]), st.integers(0, 10**6))
def test_canonical_is_a_fixed_point_of_the_same_amount(suffix: str, number: int) -> None:
    """The canonical spelling is the same amount, and canonical itself."""
    text = f"{number}{suffix}"
    once = quantities.canonical(text)
    assert quantities.same(text, once)
    assert quantities.canonical(once) == once


@given(
    st.decimals(0, 10**12, places=3, allow_nan=False),
    st.decimals(Decimal("0.001"), 10**9, places=3, allow_nan=False),
)
def test_rounding_up_gives_the_next_multiple(amount: Decimal, step: Decimal) -> None:
    """A rounded amount is a multiple, not below, and less than a step away."""
    rounded = quantities.round_up(amount, step)
    assert rounded % step == 0
    assert 0 <= rounded - amount < step


def test_finer_than_a_billionth_is_rounded_away_from_zero() -> None:
    """The API server keeps nine decimals and rounds up; so do we."""
    assert quantities.parse("0.1n") == Decimal("1e-9")


def test_absent_amounts_are_only_the_same_as_absent_ones() -> None:
    """No limit is not a limit of zero."""
    assert quantities.same(None, None)
    assert not quantities.same(None, "0")


def test_json_numbers_count_as_amounts() -> None:
    """The API server takes 134217728 for 128Mi, so a live object may hold it."""
    assert quantities.same(134217728, "128Mi")


class _Model(BaseModel):
    model_config = ConfigDict(strict=True)
    amount: QuantityText


@pytest.mark.parametrize(("given_value", "text"), [("512Mi", "512Mi"), (2, "2"), (0.5, "0.5")])
def test_a_parameter_may_be_text_or_a_number(given_value: object, text: str) -> None:
    """`cpu: 2` in YAML is an amount like `cpu: "2"`."""
    assert _Model.model_validate({"amount": given_value}).amount == text


@pytest.mark.parametrize("bad", ["12XB", "-1Mi", True, None])
def test_a_parameter_that_is_no_amount_is_a_validation_error(bad: object) -> None:
    """A policy with a misspelt or negative amount does not load."""
    with pytest.raises(ValidationError):
        _Model.model_validate({"amount": bad})
