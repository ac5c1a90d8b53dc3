"""A query over many windows at once answers exactly what it answers window by window."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remedyd.model import Table
from remedyd.offline.engine import Engine
from remedyd.offline.functions.moments import iso, millis
from remedyd.offline.sliding import CannotSlide, Series, open_query
from support.offline import engine

ORIGIN = datetime(2026, 1, 1, tzinfo=UTC)
STREAM = "metrics-a.otel-default"
PROPERTIES = {
    "@timestamp": {"type": "date"},
    "id": {"type": "long"},
    "g": {"type": "keyword"},
    "v": {"type": "long"},
    "w": {"type": "long"},
    "x": {"type": "double"},
    "tags": {"type": "keyword"},
}
WITHIN = "WHERE @timestamp >= TO_DATETIME(?start) AND @timestamp < TO_DATETIME(?end)"
QUERIES = {
    "counts and extremes": f"""{WITHIN}
        | STATS n = COUNT(*), vs = COUNT(v), lo = MIN(v), hi = MAX(x),
                times = COUNT_DISTINCT(@timestamp) BY g
        | SORT g""",
    "conditions in STATS": f"""{WITHIN}
        | EVAL at = CASE(w > 0, @timestamp, NULL)
        | STATS n = COUNT(*) WHERE v > 1, top = MAX(v) WHERE w == 1, seen = COUNT_DISTINCT(at) BY g
        | SORT g""",
    "values that are no times": f"{WITHIN} | STATS d = COUNT_DISTINCT(v) BY g | SORT g",
    "sums, means and medians": f"""{WITHIN}
        | STATS s = SUM(v), a = AVG(v), m = MEDIAN(v), p = PERCENTILE(x, 90) BY g | SORT g""",
    "the window after STATS": f"""{WITHIN}
        | STATS newest = MAX(@timestamp), oldest = MIN(@timestamp) BY g
        | EVAL age = DATE_DIFF("seconds", newest, TO_DATETIME(?end))
        | WHERE age <= 40 AND oldest >= TO_DATETIME(?start) + 2 seconds
        | SORT age DESC, g""",
    "two STATS": f"""{WITHIN}
        | STATS hi = MAX(v) BY g, w | STATS n = COUNT(*), s = SUM(hi) BY g
        | WHERE n > 1 | SORT g""",
    "the limit of the result": f"{WITHIN} | STATS n = COUNT(*) BY g | SORT n DESC, g | LIMIT 2",
    "a limit on the way": f"""{WITHIN}
        | SORT v DESC NULLS LAST, id | LIMIT 3 | STATS n = COUNT(*), lo = MIN(id) BY g | SORT g""",
    "another order after the limit": f"{WITHIN} | SORT v DESC, id | LIMIT 4 | SORT id | KEEP id, v",
    "INLINE STATS": f"""{WITHIN}
        | INLINE STATS m = MAX(v) BY g | WHERE v == m | KEEP id, g, m | SORT id""",
    "INLINE STATS over all": f"""{WITHIN}
        | INLINE STATS m = MAX(v) | WHERE v == m | KEEP id | SORT id""",
    "bounds the other way round": """WHERE TO_DATETIME(?end) >= @timestamp AND v IS NOT NULL
        | WHERE TO_DATETIME(?start) < @timestamp | STATS n = COUNT(*) BY g | SORT g""",
    "a shifted window": """WHERE @timestamp >= TO_DATETIME(?start) - 5 seconds
          AND @timestamp < TO_DATETIME(?end) - 10 seconds
        | STATS n = COUNT(*), hi = MAX(v) BY g | SORT g""",
    "another use of the window": f"""WHERE v > 0 OR @timestamp < TO_DATETIME(?end) - 10 seconds
        | {WITHIN} | STATS n = COUNT(*) BY g | SORT g""",
    "several values": f"{WITHIN} | MV_EXPAND tags | STATS n = COUNT(*) BY tags, g | SORT tags, g",
    "groups by several values": f"{WITHIN} | STATS n = COUNT(*), hi = MAX(v) BY tags | SORT tags",
    "groups by an expression": f"""{WITHIN}
        | STATS n = COUNT(*), MAX(v) BY b = BUCKET(@timestamp, 20 seconds), half = v % 2
        | SORT b, half""",
    "rows without STATS": f"{WITHIN} | EVAL y = v + w | KEEP id, y, x | SORT id | LIMIT 5",
    "sums of whole numbers": f"""{WITHIN}
        | EVAL at = TO_LONG(@timestamp) / 1000 % 1000, big = v * 3000000000000000000
        | STATS s = SUM(v), p = SUM(at * v), q = SUM(big) WHERE w == 0 BY g | SORT g""",
    "the window as a number": f"""{WITHIN}
        | EVAL at = (TO_LONG(@timestamp) - TO_LONG(TO_DATETIME(?start))) / 1000
        | STATS s = SUM(at), lo = MIN(at) BY g
        | EVAL left = TO_LONG(TO_DATETIME(?end)) - lo | SORT g""",
    "a failing evaluation": f"{WITHIN} | EVAL y = v / w | STATS hi = MAX(y) BY g | SORT g",
}

document = st.fixed_dictionaries(
    {
        "at": st.integers(0, 300_000),
        "g": st.sampled_from(["a", "b", "c", None]),
        "v": st.none() | st.integers(-3, 5),
        "w": st.none() | st.integers(0, 2),
        "x": st.none() | st.floats(-10, 10).map(lambda x: round(x, 3)),
        "tags": st.lists(st.sampled_from(["r", "s", "t"]), max_size=3),
    }
)
series = st.builds(
    lambda start, length, step, count: Series(
        ORIGIN + timedelta(milliseconds=start),
        ORIGIN + timedelta(milliseconds=start + length),
        timedelta(milliseconds=step),
        count,
    ),
    st.sampled_from([-60_000, -1_500, 0, 7_001]),
    st.sampled_from([1_000, 20_000, 30_000, 60_000, 90_001]),
    st.sampled_from([10_000, 20_000, 30_000, 45_000, 60_000, 7_003]),
    st.integers(1, 6),
)


@pytest.fixture(scope="module")
def over() -> Iterator[Engine]:
    """One engine for all examples: making one takes longer than an example."""
    made = engine(mappings={STREAM: PROPERTIES}, now=ORIGIN + timedelta(days=1))
    yield made
    made.close()


def store(over: Engine, documents: Sequence[dict[str, Any]]) -> None:
    """Let these be the only documents. The first has several tags, so that the field may."""
    over.drop_before(ORIGIN + timedelta(days=365))
    found = []
    for number, one in enumerate(documents):
        moment = ORIGIN + timedelta(milliseconds=one["at"] // 500 * 500)
        fields = {key: value for key, value in one.items() if key != "at" and value is not None}
        fields["tags"] = [*one["tags"], "z", "y"] if number == 0 else one["tags"]
        found.append({"@timestamp": iso(millis(moment)), "id": number, **fields})
    over.add_documents(STREAM, found)


def alone(over: Engine, text: str, windows: Series) -> list[Table]:
    found = []
    for number in range(windows.count):
        start, end = (iso(millis(edge)) for edge in windows.window(number))
        found.append(over.query(text, {"start": start, "end": end}))
    return found


@pytest.mark.parametrize("name", QUERIES)
@settings(max_examples=5, deadline=None)
@given(documents=st.lists(document, min_size=1, max_size=40), windows=series)
def test_all_windows_at_once_give_what_each_gives_alone(
    over: Engine, name: str, documents: list[dict[str, Any]], windows: Series
) -> None:
    """Rows, columns, order and warnings of every window are those of a run of its own."""
    store(over, documents)
    text = f"FROM metrics-* | {QUERIES[name]}"
    together = open_query(over, text, {}).tables(windows)
    expected = alone(over, text, windows)
    assert [(t.columns, t.rows, t.warnings) for t in together] == [
        (t.columns, t.rows, t.warnings) for t in expected
    ]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("WHERE @timestamp > NOW() - 5 minutes | STATS n = COUNT(*) BY g", "NOW()"),
        ("STATS n = COUNT(*) BY g", "does not look at @timestamp"),
        (f"{WITHIN} | STATS n = COUNT(*)", "STATS without BY"),
        (f"LIMIT 3 | {WITHIN} | STATS n = COUNT(*) BY g", "bounds of @timestamp"),
        (f"{WITHIN} | EVAL s = ?start | KEEP s, id", "other than a time"),
        (f"{WITHIN} AND @timestamp > TO_DATETIME(?end) - 1 month | KEEP id", "evenly"),
        ("WHERE @timestamp >= TO_DATETIME(?start) OR @timestamp < ?end | KEEP id", "bounds"),
    ],
)
def test_what_cannot_slide_is_refused_with_the_reason(
    over: Engine, query: str, reason: str
) -> None:
    """A query whose window is more than the bounds of the time has to be run window by window."""
    with pytest.raises(CannotSlide) as refused:
        open_query(over, f"FROM metrics-* | {query}", {})
    assert reason in str(refused.value)
