"""The words that the program uses for what it does, read from its source.

Names of events are literals at the places where things happen. A list of them beside the code
would be one more thing to forget; so the literals themselves are collected.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import remedyd

SOURCE = Path(remedyd.__file__).parent
_STEPS = ("proposals/store.py", "proposals/gate.py", "stages")
"""Where proposals are moved."""


def nodes(*places: str) -> Iterator[ast.AST]:
    """Yield what stands in these rooms, or modules."""
    for place in places:
        root = SOURCE / place
        for path in [root] if root.suffix else sorted(root.rglob("*.py")):
            yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def actions() -> tuple[set[str], set[str]]:
    """Return the actions of moves, and those of notes: events that leave the state as it is.

    They are what is given to a parameter called `action`, by place or by name, or is its default.
    """
    moves, notes = set[str](), set[str]()
    places: dict[str, int] = {}
    for node in nodes(*_STEPS):
        if isinstance(node, ast.FunctionDef):
            given = [one.arg for one in node.args.args if one.arg != "self"]
            if "action" in given:
                places[node.name] = given.index("action")
                moves.update(*map(_literals, node.args.defaults))
            for one, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
                if one.arg == "action" and default is not None:
                    moves.update(_literals(default))
    for node in nodes(*_STEPS):
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            found = [v for k, v in pairs if isinstance(k, ast.Constant) and k.value == "action"]
            moves.update(*map(_literals, found))
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            found = [one.value for one in node.keywords if one.arg == "action"]
            found += node.args[places.get(name, 99) :][:1]
            kept = notes if name in ("amend", "note") else moves
            kept.update(*map(_literals, found))
    return {one for one in moves if one}, notes


def reasons() -> set[str]:
    """Return the codes with which something is refused."""
    return {
        word
        for node in nodes(".")
        if isinstance(node, ast.Call)
        if isinstance(node.func, ast.Name) and node.func.id == "Refused" and node.args
        for word in _literals(node.args[0])
    }


def _literals(node: ast.expr) -> list[str]:
    """Return the texts that an expression may be, as far as they stand there."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.IfExp):
        return [*_literals(node.body), *_literals(node.orelse)]
    return []
