"""Series in promtool's compact notation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remedyd.testing.policytest.series import MAX_SAMPLES, Misprint, samples


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 2 3", (1, 2, 3)),
        ("10+10x2 30 _x3 stale", (10, 20, 30, 30, None, None, None, None)),
        ("-2+4x3", (-2, 2, 6, 10)),
        ("1-2x4", (1, -1, -3, -5, -7)),
        ("7x3", (7, 7, 7, 7)),
        ("5x0", (5,)),
        ("_ 1 _x0", (None, 1)),
        ("0.5+0.5x2", (0.5, 1.0, 1.5)),
        ("1e3 -1E-1", (1000.0, -0.1)),
        ("  1\n  2  ", (1, 2)),
        (".5", (0.5,)),
        ("+3", (3,)),
    ],
)
def test_notation(text, expected):
    """Each form expands as promtool's documentation says."""
    assert samples(text) == expected


@pytest.mark.parametrize(
    ("text", "offset", "words"),
    [
        ("1 2 x", 4, "not a sample"),
        ("1+2", 0, "lacks its count"),
        ("1 NaN", 2, "use _ for no sample"),
        ("1 -Inf", 2, "use _ for no sample"),
        ("{{schema:1}}", 0, "histograms"),
        ("1x-3", 0, "not a sample"),
        ("1,2", 0, "not a sample"),
        ("0x9999999999", 0, f"more than {MAX_SAMPLES}"),
        (f"0x{MAX_SAMPLES - 1} _", len(f"0x{MAX_SAMPLES - 1} "), "more than"),
    ],
)
def test_a_misprint_is_found_where_it_stands(text, offset, words):
    """The message says what to write instead, and where."""
    with pytest.raises(Misprint, match=words) as caught:
        samples(text)
    assert caught.value.offset == offset


@given(st.integers(-(10**9), 10**9), st.integers(-1000, 1000), st.integers(0, 50))
def test_whole_numbers_stay_whole_and_are_evenly_spaced(first, by, times):
    """A long in the mapping must not become a double."""
    found = samples(f"{first}{by:+d}x{times}")
    assert found == tuple(first + by * i for i in range(times + 1))
    assert all(type(value) is int for value in found)


@given(st.lists(st.one_of(st.none(), st.integers(-100, 100)), max_size=30))
def test_plain_samples_read_back(values):
    """What is written out in full means itself."""
    text = " ".join("_" if value is None else str(value) for value in values)
    assert samples(text) == tuple(values)


@given(st.text(alphabet="0123456789+-x._e stale", max_size=20))
def test_any_text_is_read_or_refused(text):
    """Nothing but Misprint comes out of a wrong series."""
    try:
        found = samples(text)
    except Misprint as error:
        assert 0 <= error.offset < len(text)
    else:
        assert len(found) <= MAX_SAMPLES
