"""Valid ES|QL outside the engine is refused by name, never half understood."""

from __future__ import annotations

import pytest

from remedyd.offline.errors import UnsupportedEsql
from remedyd.offline.parser import parse

GALLERY = [
    ("SHOW INFO", "1:1", "SHOW"),
    ("PROMQL up", "1:1", "PROMQL"),
    ("FROM a | ENRICH policy ON b", "1:10", "ENRICH"),
    ("FROM a | FORK (LIMIT 1) (LIMIT 2)", "1:10", "FORK"),
    ("FROM a | FUSE", "1:10", "FUSE"),
    ('FROM a | COMPLETION b = "c" WITH {"inference_id": "d"}', "1:10", "COMPLETION"),
    ("FROM a | CHANGE_POINT b ON c", "1:10", "CHANGE_POINT"),
    ("FROM a\n| SAMPLE 0.1", "2:3", "SAMPLE"),
    ('FROM a | RERANK "b" ON c', "1:10", "RERANK"),
    ("FROM a | METRICS_INFO", "1:10", "METRICS_INFO"),
    ("FROM a | user_agent b = c", "1:10", "USER_AGENT"),
    ('FROM a | WHERE b : "c"', "1:18", "match operator :"),
    ('FROM a | WHERE b::keyword : "c"', "1:27", "match operator :"),
    ("FROM (FROM a)", "1:6", "subquery in FROM"),
    ("FROM a, (FROM b | LIMIT 1)", "1:9", "subquery in FROM"),
    ("FROM a | WHERE b IN (FROM c | KEEP d)", "1:22", "IN subquery"),
    ("FROM a::failures", "1:7", "index component selector ::"),
    ('FROM "a::data"', "1:6", "index component selector ::"),
    ("FROM <logs-{now/d}>", "1:6", "date math in index names"),
    ('FROM a | WHERE MATCH(b, "c", {"operator": "and"})', "1:30", "function options"),
    ("FROM a | LIMIT 5 BY b", "1:18", "LIMIT ... BY"),
    ("FROM a | LOOKUP JOIN b ON c == d", "1:27", "LOOKUP JOIN on an expression"),
    ('SET a = {"b": 1}; FROM c', "1:9", "setting with a map of options"),
    ("SET a = ?b; FROM c", "1:9", "setting that is not a single constant"),
    ("FROM a | KEEP b.?c.d*", "1:15", "parameter inside a name pattern"),
]


@pytest.mark.parametrize(("query", "place", "feature"), GALLERY)
def test_a_feature_outside_the_engine_is_named(query: str, place: str, feature: str) -> None:
    """The refusal says which feature, where, and that it is not a mistake."""
    with pytest.raises(UnsupportedEsql) as caught:
        parse(query)
    error = caught.value
    assert (f"{error.line}:{error.column}", error.feature) == (place, feature)
    assert str(error) == f"line {place}: [{feature}] is valid ES|QL, not supported offline"
    assert error.hint
