"""Whole-number arithmetic: exact within the type's range, null beyond, for every operand."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from remedyd.offline.engine import Engine
from remedyd.offline.functions.arithmetic import safe_range
from support.offline import engine as make_engine

LIMITS = (-(2**63), 2**63 - 1)
ENGINE: Engine = make_engine()
_LONGS = st.one_of(
    st.integers(*LIMITS),
    st.integers(-10, 10),
    st.sampled_from([LIMITS[0], LIMITS[1], 2**62, -(2**62), 3_037_000_499, 3_037_000_500]),
)


def _exact(symbol: str, left: int, right: int) -> int:
    return {"+": left + right, "-": left - right, "*": left * right}[symbol]


def _asked(expression: str, left: int, right: int) -> object:
    """Ask with both operands as text, so that they are longs whatever their size."""
    query = f"ROW a = TO_LONG(?l), b = TO_LONG(?r) | EVAL x = {expression} | KEEP x"
    return ENGINE.query(query, {"l": str(left), "r": str(right)}).rows[0][0]


@settings(max_examples=60, deadline=None)
@given(symbol=st.sampled_from("+-*"), left=_LONGS, right=_LONGS)
@example(symbol="*", left=-1, right=LIMITS[0])
@example(symbol="-", left=0, right=LIMITS[0])
def test_columns(symbol: str, left: int, right: int) -> None:
    """Two columns: Python's exact result, or null when a long cannot hold it."""
    exact = _exact(symbol, left, right)
    expected = exact if LIMITS[0] <= exact <= LIMITS[1] else None
    assert _asked(f"a {symbol} b", left, right) == expected


@settings(max_examples=200)
@given(symbol=st.sampled_from("+-*"), operand=_LONGS, constant=_LONGS)
def test_the_range_of_safe_operands_is_exact(symbol: str, operand: int, constant: int) -> None:
    """An operand lies within the range just when the result fits."""
    low, high = safe_range(symbol, constant, LIMITS)
    fits = LIMITS[0] <= _exact(symbol, operand, constant) <= LIMITS[1]
    assert (low <= operand <= high) == fits


@settings(max_examples=40, deadline=None)
@given(symbol=st.sampled_from(["/", "%"]), left=_LONGS, right=_LONGS)
@example(symbol="/", left=LIMITS[0], right=-1)
@example(symbol="%", left=LIMITS[0], right=-1)
@example(symbol="/", left=1, right=0)
def test_division(symbol: str, left: int, right: int) -> None:
    """Cut toward zero with the sign of the dividend; null by zero; Java's wrap at the edge."""
    expected: int | None = None
    if right:
        quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
        expected = quotient if symbol == "/" else left - quotient * right
        expected = LIMITS[0] if expected == 2**63 else expected
    assert _asked(f"a {symbol} b", left, right) == expected
