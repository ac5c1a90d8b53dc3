"""Everything a user can set or read is documented, and nothing that is not there any more."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from remedyd.observability.metrics import Metrics
from remedyd.settings import Settings
from support.docs import codes, page, pages, rows

NOT_OF_THE_DAEMON = {
    *("REMEDYD_CONFIG", "REMEDYD_CONTEXT", "REMEDYD_CONTEXTS", "REMEDYD_URL", "REMEDYD_TOKEN"),
    *("REMEDYD_TOKEN_FILE", "REMEDYD_CA_FILE"),  # the command line's: cli.md
    *("REMEDYD_KIBANA_API_KEY", "REMEDYD_ELASTIC_TOKEN", "REMEDYD_ELASTIC_APPROVER_TOKEN"),
    *("REMEDYD_LIVES", "REMEDYD_SOAK"),  # the tests': testing.md
}


def variables(model: type[BaseModel], prefix: str = "REMEDYD_") -> Iterator[tuple[str, Any]]:
    """Yield every environment variable of the settings with its field."""
    for name, field in model.model_fields.items():
        variable = prefix + name.upper()
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from variables(kind, variable + "__")
        else:
            yield variable, field


SETTINGS: Mapping[str, Any] = dict(variables(Settings))
ROWS = {codes(cells[0])[0]: cells for cells in rows(page("settings.md"))}


def shown(field: Any) -> str:
    """Return a default as the page writes it; "" where there is none."""
    value = field.default
    if value in (None, "", PydanticUndefined) or value == ():
        return ""
    return f"`{json.dumps(list(value)) if isinstance(value, tuple) else value}`"


def test_the_settings_page_has_every_setting_and_no_other() -> None:
    """One row for each environment variable, in the order of the sections."""
    assert list(ROWS) == list(SETTINGS)


@pytest.mark.parametrize("variable", SETTINGS)
def test_a_setting_is_documented_as_it_is(variable: str) -> None:
    """With its default, and a meaning."""
    _, default, meaning = ROWS[variable]
    known = ("", "`()`") if shown(SETTINGS[variable]) == "" else (shown(SETTINGS[variable]),)
    assert default in known or default == "the shipped ones"
    assert meaning


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_no_page_names_a_setting_that_is_gone(path: Any) -> None:
    """Whatever looks like one of our environment variables is one, or a section of them."""
    known = SETTINGS.keys() | NOT_OF_THE_DAEMON
    found = re.findall(r"REMEDYD_[A-Z0-9_]+(?:__\*)?", path.read_text(encoding="utf-8"))
    gone = {
        one
        for one in found
        if one not in known
        and not any(name.startswith(one.removesuffix("*").rstrip("_") + "__") for name in known)
    }
    assert gone == set()


def series() -> dict[str, tuple[str, list[str], str]]:
    """Return kind, labels and help of every metric, by its exposed name."""
    registry = Metrics().registry
    found = {}
    for collector in list(registry._collector_to_names):
        labels = list(getattr(collector, "_labelnames", ()))
        for family in collector.collect():
            name = f"{family.name}_total" if family.type == "counter" else family.name
            found[name] = (family.type, labels, family.documentation)
    return found


def reference() -> str:
    """Return the table of docs/metrics.md as it must be."""
    lines = ["| metric | kind | labels | meaning |", "| --- | --- | --- | --- |"]
    for name, (kind, labels, text) in series().items():
        shown = ", ".join(f"`{label}`" for label in labels)
        lines.append(f"| `{name}` | {kind} | {shown} | {text.rstrip('.')} |")
    return "\n".join(lines) + "\n"


def test_every_metric_is_documented_as_it_is() -> None:
    """Exposed name, kind, labels and help; nothing that is not exposed."""
    text = page("metrics.md")
    assert reference() in text, f"docs/metrics.md lacks:\n\n{reference()}"
    assert {codes(cells[0])[0] for cells in rows(text) if len(cells) == 4} == series().keys()


def test_metrics_are_named_as_prometheus_wants_it() -> None:
    """Base units at the end, counters in _total, a help text, no label that could grow at will."""
    for name, (kind, labels, text) in series().items():
        assert re.fullmatch(r"(remedyd|process)_[a-z_]+", name)
        assert text
        assert (kind == "counter") == name.endswith("_total")
        assert not re.search(r"_(ms|milliseconds|minutes|kb|count|sum|bucket|gauge)(_|$)", name)
        assert not {"proposal", "target", "namespace", "name", "path", "principal"} & set(labels)
