"""A query reads nothing but indices of our own, and nothing else of it changes."""

import pytest

from remedyd.testing.parity.prefixing import prefixed


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("FROM a", "FROM p-a"),
        ("FROM a, b-*, -c | LIMIT 1", "FROM p-a, p-b-*, -p-c | LIMIT 1"),
        ('FROM "a", """b""" | LIMIT 1', 'FROM "p-a", """p-b""" | LIMIT 1'),
        ("TS a | LIMIT 1", "TS p-a | LIMIT 1"),
        ("FROM a METADATA _index | LIMIT 1", "FROM p-a METADATA _index | LIMIT 1"),
        ("FROM a | LOOKUP JOIN b ON c", "FROM p-a | LOOKUP JOIN p-b ON c"),
        ('// FROM x\nFROM a | EVAL s = "FROM b"', '// FROM x\nFROM p-a | EVAL s = "FROM b"'),
        ("ROW a = 1", "ROW a = 1"),
        ("ROW a = 1 +", "ROW a = 1 +"),
    ],
)
def test_every_index_gets_the_prefix(query, expected):
    """Also in quotes, after a minus and in a join."""
    assert prefixed(query, "p-") == expected


@pytest.mark.parametrize(
    "query", ["FROM a | WHER b", "from a | (", "FROM other:a", "FROM a | ENRICH b"]
)
def test_what_cannot_be_told_is_not_asked(query):
    """A query whose indices are not known for sure is never sent."""
    assert prefixed(query, "p-") is None
