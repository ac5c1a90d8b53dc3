"""Descriptions of fields, taken from the text below them where a JSON Schema is made.

pydantic reads a class's source for them when it makes the class. Schemas are made for editors and
in tests, and the daemon, which makes none, would spend a tenth of its start on reading itself.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic_core import CoreSchema


class Described(BaseModel):
    """Base of models whose fields are described by the string below them."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler, /
    ) -> dict[str, Any]:
        """Return the JSON Schema, each property with its description."""
        made = handler(core_schema)
        properties = handler.resolve_ref_schema(made).get("properties", {})
        texts = {name: text for base in reversed(cls.__mro__) for name, text in _texts(base)}
        for name, field in cls.model_fields.items():
            key = name if name in properties else field.alias
            if key in properties and field.description is None and name in texts:
                properties[key] = {"description": texts[name], **properties[key]}
        return made


def _texts(model: type) -> Iterator[tuple[str, str]]:
    """Yield field and text; nothing for a model that was made without source."""
    if not issubclass(model, Described):
        return
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(model)))
    except (OSError, TypeError):
        return
    body = next(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)).body
    for field, text in pairwise(body):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=words)):
                yield name, inspect.cleandoc(str(words))
