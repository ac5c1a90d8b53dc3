"""Tree to text to tree."""

from __future__ import annotations

from hypothesis import given, settings

from remedyd.offline.nodes import Eval, Expression, Query
from remedyd.offline.parser import parse
from remedyd.offline.render import expression, render
from support.esql_trees import expressions, queries


@given(queries)
@settings(max_examples=300, deadline=None)
def test_a_rendered_query_parses_to_the_same_tree(query: Query) -> None:
    """Nothing that the tree can say is lost or changed by printing and parsing it."""
    assert parse(render(query)) == query


@given(expressions)
@settings(max_examples=500, deadline=None)
def test_parentheses_appear_wherever_grouping_needs_them(node: Expression) -> None:
    """Any grouping of any operators survives printing."""
    (_, command) = parse(f"FROM a | EVAL x = {expression(node)}").commands
    assert isinstance(command, Eval)
    assert command.fields[0].value == node


@given(queries)
@settings(max_examples=100, deadline=None)
def test_rendering_is_stable(query: Query) -> None:
    """Canonical text stays as it is."""
    text = render(query)
    assert render(parse(text)) == text
