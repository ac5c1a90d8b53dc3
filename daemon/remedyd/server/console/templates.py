"""The pages' templates: loaded with the first page, every value escaped."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from remedyd.model import Scope, State
from remedyd.proposals.lifecycle import is_open
from remedyd.server.console import assets, chart, paths, words

if TYPE_CHECKING:
    from jinja2 import Environment

_FOLDER: Final = Path(__file__).parent / "templates"


@cache
def environment() -> "Environment":
    """Return the templates; Jinja is imported here, since a daemon without visitors needs none."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=words.safe,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "ago": words.ago,
        "because": words.because,
        "cell": words.cell,
        "change": words.change,
        "clock": words.clock,
        "field": words.field,
        "label": words.label,
        "minute": words.minute,
        "named": words.named,
        "own": words.own,
        "severity_tone": words.severity_tone,
        "span": words.span,
        "stamp": words.stamp,
        "tone": words.tone,
        "until": words.until,
        "value": words.value,
    }
    made.globals |= {
        "asset": assets.address,
        "chart": chart,
        "home": paths.HOME,
        "is_open": is_open,
        "may_approve": words.may_approve,
        "Scope": Scope,
        "State": State,
    }
    return made
