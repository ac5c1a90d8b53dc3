"""Small faults, one at a time: what a wrong hand could do to a rule.

Sentences are left alone: what a message says is not what is decided. So nothing inside an f-string
is changed, and a string only where it is compared or looked up. Annotations, decorators, asserts
and log calls are left alone too.
"""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}  # fmt: skip
_CALLED = {"min": "max", "max": "min", "any": "all", "all": "any"}
_LOGGERS = ("log", "_log", "logger", "_logger")
_DECIDING = (ast.Compare, ast.BoolOp, ast.UnaryOp)


@dataclass(frozen=True)
class Mutant:
    """A fault: the changed module, where it is, and the outermost function it is in.

    `function` is (qualified name, first line), None for what runs when the module is imported.
    """

    tree: ast.Module
    first: int
    last: int
    function: tuple[str, int] | None
    was: str
    now: str


def mutants(source: str) -> Iterator[Mutant]:
    """Yield every mutant of a module, in a fixed order."""
    places = list(_places(ast.parse(source)))
    for index, place in enumerate(places):
        if place.function is None and _names_a_type(place.node):
            continue
        for number, _ in enumerate(_changes(place.node)):
            tree = ast.parse(source)
            other = list(_places(tree))[index]
            change = list(_changes(other.node))[number]
            other.put(change)
            ast.fix_missing_locations(tree)
            node = place.node
            yield Mutant(
                tree,
                node.lineno,
                node.end_lineno or node.lineno,
                place.function,
                _shown(node),
                _shown(change),
            )


def _names_a_type(node: ast.AST) -> bool:
    return isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript)


def _shown(node: ast.AST) -> str:
    text = ast.unparse(node).split("\n")[0]
    return text if len(text) <= 90 else f"{text[:87]}..."


@dataclass(frozen=True)
class _Place:
    """A node that may be replaced: by its parent's field, and its index there."""

    node: ast.expr | ast.stmt
    parent: ast.AST
    field: str
    index: int | None
    function: tuple[str, int] | None

    def put(self, change: ast.AST) -> None:
        if self.index is None:
            setattr(self.parent, self.field, change)
        else:
            getattr(self.parent, self.field)[self.index] = change


def _places(tree: ast.Module) -> Iterator[_Place]:
    yield from _inside(tree, (), None)


def _inside(
    parent: ast.AST, names: tuple[str, ...], function: tuple[str, int] | None
) -> Iterator[_Place]:
    for field, value in ast.iter_fields(parent):
        if field in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        body = field == "body" and isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef)
        home = function
        if body and home is None:
            home = (".".join(names), _first_line(parent))
        for index, node in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(node, ast.AST) and not _left_alone(node):
                if isinstance(node, ast.expr | ast.stmt):
                    at = index if isinstance(value, list) else None
                    yield _Place(node, parent, field, at, home)
                within = (*names, node.name) if _named(node) and function is None else names
                yield from _inside(node, within, home)


def _named(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


def _first_line(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return min([function.lineno, *(d.lineno for d in function.decorator_list)])


def _left_alone(node: ast.AST) -> bool:
    if isinstance(node, ast.JoinedStr | ast.Assert | ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True  # a docstring
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
        return True
    called = node.value if isinstance(node, ast.Expr) else node
    if isinstance(called, ast.Call):
        named = called.func
        if isinstance(named, ast.Name) and named.id in ("cast", "TypeVar"):
            return True
        root = named.value if isinstance(named, ast.Attribute) else named
        return isinstance(root, ast.Name) and root.id in _LOGGERS
    return False


def _changes(node: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    """Yield what may stand in the node's place."""
    if isinstance(node, ast.Compare):
        yield from _compare(node)
    elif isinstance(node, ast.BoolOp):
        yield _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
        for index in range(len(node.values)):
            left = [*node.values[:index], *node.values[index + 1 :]]
            yield left[0] if len(left) == 1 else _with(node, values=left)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.BinOp) and type(node.op) in _COMPUTED:
        yield _with(node, op=_COMPUTED[type(node.op)]())
    elif isinstance(node, ast.Constant):
        yield from _constant(node)
    elif isinstance(node, ast.Call):
        yield from _call(node)
    elif isinstance(node, ast.Subscript) and _text(node.slice):
        yield _with(node, slice=ast.Constant(f"{node.slice.value}-"))
    elif isinstance(node, ast.IfExp | ast.If | ast.While) and not isinstance(node.test, _DECIDING):
        yield _with(node, test=ast.UnaryOp(ast.Not(), node.test))
    elif isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
        yield from _comprehension(node)
    elif isinstance(node, ast.stmt):
        yield from _statement(node)


def _compare(node: ast.Compare) -> Iterator[ast.expr]:
    for index, op in enumerate(node.ops):
        yield _with(node, ops=[*node.ops[:index], _COMPARED[type(op)](), *node.ops[index + 1 :]])
    for index, other in enumerate(node.comparators):
        if _text(other):
            changed = ast.Constant(f"{other.value}-")
            yield _with(
                node,
                comparators=[*node.comparators[:index], changed, *node.comparators[index + 1 :]],
            )
        elif isinstance(other, ast.Tuple) and all(map(_text, other.elts)):
            for gone in other.elts:
                kept = _with(other, elts=[e for e in other.elts if e is not gone])
                yield _with(node, comparators=[kept])


def _constant(node: ast.Constant) -> Iterator[ast.expr]:
    if isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node.value, int | float):
        yield ast.Constant(node.value + 1)


def _call(node: ast.Call) -> Iterator[ast.expr]:
    if isinstance(node.func, ast.Name) and node.func.id in _CALLED:
        yield _with(node, func=ast.Name(_CALLED[node.func.id], ast.Load()))
    looks_up = isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "startswith")
    if looks_up and node.args and _text(node.args[0]):
        yield _with(node, args=[ast.Constant(f"{node.args[0].value}-"), *node.args[1:]])


def _comprehension(
    node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp,
) -> Iterator[ast.expr]:
    for index, part in enumerate(node.generators):
        for gone in part.ifs:
            kept = _with(part, ifs=[one for one in part.ifs if one is not gone])
            yield _with(
                node, generators=[*node.generators[:index], kept, *node.generators[index + 1 :]]
            )


def _statement(node: ast.stmt) -> Iterator[ast.stmt]:
    removed = ast.copy_location(ast.Pass(), node)
    if isinstance(node, ast.Raise) or (isinstance(node, ast.Expr) and _acts(node.value)):
        yield removed
    elif isinstance(node, ast.Continue):
        yield ast.copy_location(ast.Break(), node)
    elif isinstance(node, ast.Break):
        yield ast.copy_location(ast.Continue(), node)
    elif isinstance(node, ast.AugAssign):
        yield removed
    elif isinstance(node, ast.Return) and isinstance(node.value, ast.Constant):
        return
    elif isinstance(node, ast.Assign) and not isinstance(node.value, ast.Constant | ast.JoinedStr):
        yield _with(node, value=ast.Constant(None))


def _acts(node: ast.expr) -> bool:
    return isinstance(node, ast.Call | ast.Yield | ast.YieldFrom)


def _text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(node.value)


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed
