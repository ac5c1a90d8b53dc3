"""Our parser against Elasticsearch's own grammars: it must never accept what they reject."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from remedyd.offline.errors import EsqlError
from remedyd.offline.nodes import Query
from remedyd.offline.parser import parse
from remedyd.offline.render import render
from support.esql_corpus import VALID
from support.esql_trees import queries
from support.official_grammar import NOTICE, installed, rejections

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not installed(), reason=NOTICE)]

SHIPPED = sorted((Path(__file__).parents[3] / "esql").glob("*.esql"))
_SPLICES = [
    *("", " ", ",", "|", "(", ")", "[", "]", ".", ":", "::", "=", "==", "-", "+", "*", "?", ";"),
    *("AND ", "OR ", "NOT ", "IN ", "IS ", "NULL ", "LIKE ", "BY ", "WHERE ", "first", "last "),
    *("`", '"', '"""', "//", "/*", "*/", "\n", "1", ".5", "1 day", "ON ", "AS ", "METADATA "),
    *("from ", "x", "x.y", "_", "@", "??", "{", "}", "<", "!=", "DESC ", "NULLS ", "e5", "é"),
]


def _accepted(text: str) -> bool:
    try:
        parse(text)
    except EsqlError:
        return False
    return True


def _damaged(chance: random.Random, text: str) -> str:
    """The text with one to three small pieces cut, copied, swapped in or put in."""
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(text) + 1)
        width = chance.choice((0, 1, 1, 2, 4))
        other = chance.randrange(len(text) + 1)
        piece = chance.choice((chance.choice(_SPLICES), text[other : other + width]))
        text = text[:at] + piece + text[at + width :]
    return text


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_audit_is_valid_for_every_grammar(path: Path) -> None:
    """What is shipped parses here and on 9.4, 9.5 and the newest grammar."""
    text = path.read_text()
    assert parse(text).commands
    assert rejections(text) == {}


@pytest.mark.parametrize("text", VALID)
def test_a_valid_query_is_valid_for_both(text: str) -> None:
    """The corpus is accepted here and by every grammar."""
    assert parse(text).commands
    assert rejections(text) == {}


@given(queries)
@settings(
    max_examples=60,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_whatever_the_tree_can_say_is_valid(query: Query) -> None:
    """The canonical text of any tree is accepted by every grammar."""
    assert rejections(render(query)) == {}


def test_nothing_is_accepted_that_the_grammars_reject() -> None:
    """Of damaged valid queries, those accepted here are accepted there too."""
    chance = random.Random(20260412)
    sound = VALID + [path.read_text() for path in SHIPPED if len(path.read_text()) < 4000]
    damaged = {_damaged(chance, chance.choice(sound)) for _ in range(600)}
    accepted = sorted(text for text in damaged if _accepted(text))
    assert len(accepted) > 50
    assert {text: why for text in accepted if (why := rejections(text))} == {}
