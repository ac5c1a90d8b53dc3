"""The semantics of conditions, case by case, so that a new CEL library cannot shift them.

Columns: i whole, j whole, d decimal, s text, b truth, t time (never null); n number, m decimal,
k text, x time as text, q several values (nullable).
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from remedyd.model import Cell
from remedyd.policy.cel import Condition, Environment, Fault
from support.policies import NOW, columns

ENVIRONMENT = Environment(
    columns(
        i="long",
        j="integer",
        d="double",
        s="keyword",
        b="boolean",
        t="date",
        n="long?",
        m="double?",
        k="keyword?",
        x="date?",
        q="keyword?",
    ),
    {"least": 2, "share": 0.5, "word": "OOMKilled", "on": True},
)
USUAL: dict[str, Cell] = {
    "i": 3,
    "j": 0,
    "d": 93.5,
    "s": "shop",
    "b": True,
    "t": datetime(2026, 1, 1, 11, 50, tzinfo=UTC),
    "n": 7,
    "m": 1.5,
    "k": "OOMKilled",
    "x": datetime(2026, 1, 1, 11, 58, tzinfo=UTC),
    "q": ("a", "b"),
    "target.cluster": "",
    "target.namespace": "shop",
    "target.kind": "Deployment",
    "target.name": "cart",
    "target.container": "app",
}
FAULT = "fault"
REFUSED = "refused"


def _answer(expression: str, values: dict[str, Any]) -> object:
    compiled = ENVIRONMENT.compile("c", expression)
    if not isinstance(compiled, Condition):
        return REFUSED
    cells = {**USUAL, **values}
    answer = compiled.test(tuple(cells[name] for name in compiled.columns), NOW)
    return FAULT if isinstance(answer, Fault) else answer


CASES: list[tuple[str, dict[str, Any], object]] = [
    # whole and decimal numbers
    ("i > 2", {}, True),
    ("i >= 3 && i <= 3 && i == 3 && i != 4", {}, True),
    ("d > 90.0", {}, True),
    ("i > 2.5", {}, REFUSED),
    ("d > 90", {}, REFUSED),
    ("i == 3.0", {}, REFUSED),
    ("double(i) > 2.5", {}, True),
    ("n > 6.5", {}, True),
    ("n == 7.0", {}, True),
    ("m > 1", {}, True),
    ("m == 1.5", {}, True),
    ("i + 1.5 > 2.0", {}, REFUSED),
    ("n + 1.5 > 2.0", {}, FAULT),
    ("d * 2 > 1.0", {}, REFUSED),
    ("d * 2.0 == 187.0", {}, True),
    ("i / 2 == 1", {}, True),
    ("-i / 2 == -1", {}, True),
    ("i % 2 == 1", {}, True),
    ("i / j > 0", {}, FAULT),
    ("i % j == 0", {}, FAULT),
    ("d / 0.0 > 1.0", {}, True),
    ("i + 9223372036854775807 > 0", {}, FAULT),
    ("i > 9223372036854775808", {}, REFUSED),
    ("m > 1.0", {"m": float("nan")}, False),
    ("m <= 1.0", {"m": float("nan")}, False),
    ("m == m", {"m": float("nan")}, False),
    ("m > 1e308", {"m": float("inf")}, True),
    ("n > 5", {"n": True}, FAULT),
    ("n == 1", {"n": True}, False),
    ("b + 1 > 1", {}, REFUSED),
    ("i && b", {}, REFUSED),
    ("!i", {}, REFUSED),
    # null and missing
    ("n > 5", {"n": None}, FAULT),
    ("n == null", {"n": None}, True),
    ("n != null && n > 5", {"n": None}, False),
    ("n != null && n > 5", {}, True),
    ("n == null || n > 5", {"n": None}, True),
    ("n == 0", {"n": None}, False),
    ("k != 'Error'", {"k": None}, True),
    ("k == 'Error'", {"k": None}, False),
    ("i != null", {}, REFUSED),
    ("i > 2", {"i": None}, FAULT),
    ("n > 5 || b", {"n": None}, True),
    ("b || n > 5", {"n": None}, True),
    ("n > 5 && !b", {"n": None}, False),
    ("!b && n > 5", {"n": None}, False),
    ("n > 5 && b", {"n": None}, FAULT),
    ("n > 5 || !b", {"n": None}, FAULT),
    ("n > 5 ? b : !b", {"n": None}, FAULT),
    # text
    ("s == 'shop'", {}, True),
    ("s == 5", {}, REFUSED),
    ("k == 5", {}, False),
    ("k == 'oomkilled'", {}, False),
    ("s < 'shopz'", {}, True),
    ("s.startsWith('sh') && s.endsWith('op') && s.contains('ho')", {}, True),
    ("s.matches('^sh.p$')", {}, True),
    ("s.matches('[')", {}, FAULT),
    ("s in ['shop', 'tight']", {}, True),
    ("k in ['Error', null]", {"k": None}, True),
    ("size(s) == 4", {}, True),
    ("s + 1 == 'x'", {}, REFUSED),
    ("k.startsWith('OOM')", {"k": None}, FAULT),
    ("int(s) > 0", {}, FAULT),
    ("string(i) == '3'", {}, True),
    # several values
    ("q.exists(v, v == 'b')", {}, True),
    ("q.all(v, v == 'b')", {}, False),
    ("'a' in q", {}, True),
    ("size(q) == 2", {}, True),
    ("q == 'a'", {}, False),
    ("'a' in q", {"q": "a"}, FAULT),
    ("'a' in q", {"q": None}, FAULT),
    # time
    ("now - t == duration('10m')", {}, True),
    ("now - t < duration('600s')", {}, False),
    ("now - timestamp(x) < duration('3m')", {}, True),
    ("x != null && now - timestamp(x) < duration('3m')", {"x": None}, False),
    ("now - timestamp(x) < duration('3m')", {"x": None}, FAULT),
    ("now - x < duration('3m')", {}, FAULT),
    ("t < now", {}, True),
    ("t > timestamp('2026-01-01T00:00:00Z')", {}, True),
    ("t > timestamp('2026-02-30T00:00:00Z')", {}, FAULT),
    ("t > '2026-01-01'", {}, REFUSED),
    ("duration('1d') > duration('1h')", {}, FAULT),
    ("duration('1h30m') == duration('90m')", {}, True),
    ("now.getHours() == 12 && now.getDayOfWeek() == 4", {}, True),
    # variables that are no columns
    ("i >= params.least", {}, True),
    ("d > params.share && params.on && k == params.word", {}, True),
    ("i >= params.most", {}, REFUSED),
    ("target.namespace == 'shop' && target.name != 'ad'", {}, True),
    ("namespace == 'shop'", {}, REFUSED),
    ("target.colour == 'red'", {}, REFUSED),
    ("nosuch > 1", {}, REFUSED),
    ("row.i > 1", {}, REFUSED),
    # what is no condition at all
    ("i", {}, REFUSED),
    ("s", {}, REFUSED),
    ("n", {}, REFUSED),
    ("i >", {}, REFUSED),
    ("i > 1 # comment", {}, REFUSED),
    ("i > 1 // comment", {}, True),
    ("b ? b : b", {}, True),
    ("i > 1 and b", {}, REFUSED),
    ("i = 1", {}, REFUSED),
    ("nosuch(i)", {}, REFUSED),
    ("__class__ == 1", {}, REFUSED),
    ("s.__class__ == 's'", {}, REFUSED),
    ("__import__('os') == 1", {}, REFUSED),
    ("(" * 40 + "b" + ")" * 40, {}, REFUSED),
    (" || ".join(["b"] * 300), {}, REFUSED),
]


@pytest.mark.parametrize(("expression", "values", "expected"), CASES)
def test_semantics(expression: str, values: dict[str, Any], expected: object) -> None:
    """An expression has this answer, gives none, or is refused when the policy is loaded."""
    assert _answer(expression, values) == expected
    assert expected is not True or _answer(expression, values) is True


def test_runaway_expression_is_stopped() -> None:
    """Nested loops that would run for minutes end at the library's budget, as a fault."""
    tens = "[1,2,3,4,5,6,7,8,9,10]"
    expression = "b"
    for variable in "uvwxyz":
        expression = f"{tens}.all({variable}1, {expression})"
    assert _answer(expression, {}) == FAULT


def test_longest_expression() -> None:
    """An expression of 1,023 characters is accepted, a longer one is not."""
    padding = 1023 - len("b // ")
    assert _answer("b // " + "x" * padding, {}) is True
    assert _answer("b // " + "x" * (padding + 1), {}) == REFUSED


@pytest.mark.parametrize(
    ("expression", "values", "message"),
    [
        ("n > 5", {"n": None}, "n is null: guard it as in `n != null && ...`"),
        (
            "n > 5 && m > 1.0",
            {"n": None, "m": None},
            "n, m are null: guard it as in `n != null && ...`",
        ),
        ("n + 1.5 > 2.0", {}, '"+" cannot be applied to a whole number and a decimal number'),
        ("i / j > 0", {}, "divide by zero"),
    ],
)
def test_fault_messages(expression: str, values: dict[str, Any], message: str) -> None:
    """A condition that gives no answer says why, in words of the audit."""
    compiled = ENVIRONMENT.compile("c", expression)
    assert isinstance(compiled, Condition)
    cells = {**USUAL, **values}
    answer = compiled.test(tuple(cells[name] for name in compiled.columns), NOW)
    assert answer == Fault(message)


def test_columns_that_cannot_be_named() -> None:
    """A column whose name CEL reserves, or whose type it lacks, is left out, not fatal."""
    environment = Environment(
        columns(**{"namespace": "keyword", "place": "geo_point", "in": "long", "a-b": "long"}), {}
    )
    for name in ("namespace", "place", "in"):
        assert not isinstance(environment.compile("c", f"{name} == {name}"), Condition)


def test_dotted_columns() -> None:
    """A column whose name has dots is read by that name."""
    environment = Environment(columns(**{"kubernetes.deployment.name": "keyword"}), {})
    compiled = environment.compile("c", "kubernetes.deployment.name == 'cart'")
    assert isinstance(compiled, Condition)
    assert compiled.columns == ("kubernetes.deployment.name",)
    assert compiled.test(("cart",), NOW) is True
