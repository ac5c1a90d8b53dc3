"""Frozen records that are made by the hundred thousand.

A frozen dataclass sets each field through `object.__setattr__`: more than a microsecond for a
decision, half the time of a large cycle. Here a record is filled as an ordinary class with the
same slots, and becomes the frozen one when it is complete; nobody else has seen it before. The
price is one generated function, as the dataclass itself has them.
"""

from dataclasses import MISSING, fields
from typing import Any, TypeVar

T = TypeVar("T")


def quick(cls: type[T]) -> type[T]:
    """Replace `__init__` of a frozen dataclass with slots, without factories or subclasses."""
    found = fields(cls)  # type: ignore[arg-type]  # a dataclass is meant
    names = [field.name for field in found]
    given = {f"_{f.name}": f.default for f in found if f.default is not MISSING}
    parameters = (f"{name}=_{name}" if f"_{name}" in given else name for name in names)
    lines = (
        f"def __init__(self, {', '.join(parameters)}):",
        "_set(self, '__class__', _open)",
        *(f"self.{name} = {name}" for name in names),
        "self.__class__ = _closed",
    )
    twin = type(f"{cls.__name__}Open", (), {"__slots__": tuple(names)})
    scope: dict[str, Any] = {"_open": twin, "_closed": cls, "_set": object.__setattr__, **given}
    exec("\n ".join(lines), scope)  # noqa: S102  # of field names alone
    made = scope["__init__"]
    made.__doc__, made.__qualname__ = cls.__init__.__doc__, f"{cls.__name__}.__init__"
    made.__annotations__ = cls.__init__.__annotations__
    cls.__init__ = made  # type: ignore[method-assign]
    return cls
