"""INCREASE over time buckets beside the same rules stated plainly in Python."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remedyd.model import ManualClock
from remedyd.offline.engine import Engine

START = datetime(2026, 11, 22, tzinfo=UTC)
WIDTH = 60
MAPPING = {
    "settings": {"index.mode": "time_series"},
    "mappings": {
        "properties": {
            "@timestamp": {"type": "date"},
            "host": {"type": "keyword", "time_series_dimension": True},
            "total": {"type": "long", "time_series_metric": "counter"},
        }
    },
}
QUERY = """TS hits | STATS gain = SUM(INCREASE(total)) BY host, bucket = TBUCKET(1 minute)
| SORT host, bucket"""


def gained(before: int, after: int) -> int:
    return after - before if after >= before else after


def total_of(samples):
    """Return the gain from the first sample to the last, restarts made good."""
    return sum(gained(a, b) for (_, a), (_, b) in pairwise(samples))


def reach(gap: float, mean: float) -> float:
    return 0 if gap <= 0 else mean / 2 if gap > mean * 1.1 else gap


def share(left, right, bound: float) -> float:
    """Return how much of the gain between two samples lies before a bound between them."""
    (t1, v1), (t2, v2) = left, right
    return gained(v1, v2) * (bound - t1) / (t2 - t1)


def increase(samples, before, after, low: float, high: float) -> float | None:
    """Return the gain of one bucket from its samples and its neighbours' nearest ones."""
    (t1, v1), (t2, _) = samples[0], samples[-1]
    inside, alone = total_of(samples), len(samples) == 1
    if alone and t1 == low and before and not after:
        return 0.0
    if alone and not before and not after:
        return None
    slope = 0 if alone else inside / (t2 - t1)
    mean = 0 if alone else (t2 - t1) / len(samples)
    if before:
        left = gained(before[1], v1) - share(before, samples[0], low)
    else:
        left = 0 if alone else min(v1, reach(t1 - low, mean) * slope)
    if after:
        right = share(samples[-1], after, high)
    else:
        right = 0 if alone else reach(high - t2, mean) * slope
    return left + inside + right


def expected(samples):
    """Return the gain of each bucket that has samples."""
    buckets = {}
    for second, value in samples:
        buckets.setdefault(second // WIDTH, []).append((second, value))
    found = []
    for number, inside in sorted(buckets.items()):
        before = buckets.get(number - 1, [None])[-1]
        after = buckets.get(number + 1, [None])[0]
        found.append(increase(inside, before, after, number * WIDTH, (number + 1) * WIDTH))
    return found


SERIES = st.dictionaries(st.integers(0, 360), st.integers(0, 50), min_size=1, max_size=14)


@pytest.fixture(scope="module")
def engine():
    found = Engine(clock=ManualClock(START), threads=1)
    yield found
    found.close()


@settings(max_examples=60, deadline=None)
@given(series=st.dictionaries(st.sampled_from("abc"), SERIES, min_size=1))
def test_buckets_share_what_lies_between_them(engine, series):
    """Whatever the samples, restarts included, each bucket gets its own part."""
    documents = [
        {"@timestamp": (START + timedelta(seconds=at)).isoformat(), "host": host, "total": value}
        for host, samples in series.items()
        for at, value in samples.items()
    ]
    engine.create_stream("hits", MAPPING)
    engine.add_documents("hits", documents)
    rows = engine.query(QUERY).rows
    engine.drop_stream("hits")
    wanted = [gain for host in sorted(series) for gain in expected(sorted(series[host].items()))]
    assert [row[0] for row in rows] == pytest.approx(wanted)
