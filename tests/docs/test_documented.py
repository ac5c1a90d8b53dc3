"""Everything a user can set or read is documented."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from remedyd.observability.metrics import Metrics
from remedyd.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"


def variables(model: type[BaseModel], prefix: str = "REMEDYD_") -> Iterator[str]:
    for name, field in model.model_fields.items():
        variable = prefix + name.upper()
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from variables(kind, variable + "__")
        else:
            yield variable


@pytest.mark.parametrize("variable", list(variables(Settings)))
def test_every_setting_is_documented(variable: str) -> None:
    """`docs/settings.md` names each environment variable."""
    assert f"`{variable}`" in (DOCS / "settings.md").read_text(encoding="utf-8")


def test_every_metric_is_documented() -> None:
    """`docs/metrics.md` names each metric that the daemon exposes."""
    text = (DOCS / "metrics.md").read_text(encoding="utf-8")
    names = {family.name for family in Metrics().registry.collect()}
    assert {name for name in names if f"`{name}`" not in text} == set()
