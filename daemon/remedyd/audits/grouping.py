"""A query narrowed to several namespaces at once.

Audits narrow themselves to one, by `k8s.namespace.name == ?namespace`. Where that is all they do
with the parameter, the comparison can be with a list instead, at the very place where the author
put it: a big cluster is then read in a few queries and not in one per namespace.
"""

from collections.abc import Iterator, Sequence

from remedyd.audits.outline import Token, outline
from remedyd.audits.parameters import ALL
from remedyd.model import Json

_NAMESPACE = "?namespace"


def groupable(query: str) -> bool:
    """Whether the query can be narrowed to several namespaces."""
    places = list(_places(query))
    return None not in places and any(places)


def grouped(query: str, names: Sequence[str]) -> tuple[str, dict[str, Json]]:
    """Return a groupable query narrowed to these namespaces, and the parameters it gained.

    `namespace` itself has to be the first of them. Lines of the query keep their numbers.
    """
    more = {f"namespace_{number}": name for number, name in enumerate(names[1:], 2)}
    listed = ", ".join((_NAMESPACE, *(f"?{name}" for name in more)))
    for place in reversed(list(_places(query))):
        if place:
            sign, parameter = place
            end = parameter.start + len(parameter.text)
            query = f"{query[: sign.start]}IN ({listed}){query[end:]}"
    return query, {**more}


def _places(query: str) -> Iterator[tuple[Token, Token] | tuple[()] | None]:
    """Yield for each use of the parameter the comparison to rewrite.

    It is empty where it asks whether all are meant, None where something else is done with it.
    """
    tokens = [Token("sign", "", 0)] * 2 + list(outline(query).tokens) + [Token("sign", "", 0)] * 2
    for number, token in enumerate(tokens):
        if token.text != _NAMESPACE:
            continue
        before, (then, last) = tokens[number - 1], tokens[number + 1 : number + 3]
        if then.text == "==" and last.text == f'"{ALL}"' and before.text != "==":
            yield ()
        elif before.text == "==" and then.text != "==":
            yield before, token
        else:
            yield None
