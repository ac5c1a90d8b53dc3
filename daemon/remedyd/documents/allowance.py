"""How many may: a whole number, or a percentage of however many there are.

A number is exact and grows wrong as a cluster grows; a percentage is right in every size, and none
in a small one, because it is rounded down as the API server does with `maxUnavailable`. Unlike
there it may have decimals: one percent of thousands is a wide step.
"""

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

_MOST = 1_000
_PATTERN = r"^(100(\.0{1,2})?|[0-9]{1,2}(\.[0-9]{1,2})?)%$"
_PERCENT = re.compile(_PATTERN)
_NUMBER = re.compile(r"^[+-]?[0-9]+(\.[0-9]+)?%$")


@dataclass(frozen=True, slots=True)
class Allowance:
    """`number` from 0 to 1,000, or, where there is one, `percent` from 0 to 100."""

    number: int = 0
    percent: Decimal | None = None

    def of(self, total: int | None) -> int:
        """Return how many of `total` may, rounded down; a share of an unknown total is none."""
        if self.percent is None:
            return self.number
        return int((total or 0) * self.percent / 100)

    def written(self) -> int | str:
        """Return it as a file says it."""
        return self.number if self.percent is None else f"{self.percent}%"

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return how pydantic reads and writes it."""
        return core_schema.no_info_plain_validator_function(
            parse_allowance,
            serialization=core_schema.plain_serializer_function_ser_schema(cls.written),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Return the JSON Schema: one of two types, as Helm tells little of two schemas."""
        bounds = {"minimum": 0, "maximum": _MOST, "pattern": _PATTERN}
        return {"type": ["integer", "string"], **bounds}


def parse_allowance(value: Any) -> Allowance:
    """Read `3` or `2%`; raise ValueError otherwise."""
    if isinstance(value, Allowance):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        if not 0 <= value <= _MOST:
            raise ValueError(f"must be from 0 to {_MOST}, or a percentage such as 2%; got {value}")
        return Allowance(value)
    if isinstance(value, str) and _PERCENT.fullmatch(value):
        return Allowance(percent=Decimal(value[:-1]))
    shown = json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        raise ValueError(f"must be from 0% to 100%, with two decimals at most; got {shown}")
    raise ValueError(f"must be a whole number, or a percentage such as 2%; got {shown}")
