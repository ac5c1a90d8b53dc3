"""What the chart takes from elsewhere is up to date."""

import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from remedyd import __version__
from remedyd.actions.registry import ACTIONS
from remedyd.observability.metrics import Metrics
from support.chart import CHART, ROOT

_SPEC = importlib.util.spec_from_file_location("sync", ROOT / "charts" / "sync.py")
assert _SPEC is not None
assert _SPEC.loader is not None
sync = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(sync)
WANTED: dict[Path, str] = sync.wanted()


@pytest.mark.parametrize("path", WANTED, ids=lambda path: path.name)
def test_generated_files_are_current(path: Path) -> None:
    """Copies and generated files equal their source; `python charts/sync.py` mends it."""
    assert path.read_text(encoding="utf-8") == WANTED[path]


def test_nothing_is_left_over() -> None:
    """No copy has lost its source."""
    there = {p for folder in ("policies", "audits") for p in (CHART / "files" / folder).iterdir()}
    assert there <= WANTED.keys()


def test_the_schema_knows_every_action_and_policy() -> None:
    """What may be chosen is what exists."""
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))["properties"]
    assert schema["requests"]["properties"]["actions"]["items"]["enum"] == sorted(ACTIONS)
    shipped = schema["policies"]["properties"]["shipped"]["items"]["enum"]
    assert shipped == sorted(path.stem for path in (ROOT / "policies").glob("*.yaml"))


def test_the_version_is_the_programs() -> None:
    """The chart installs the image of the same release."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert chart["appVersion"] == __version__


@pytest.mark.parametrize("name", ["alerts.yaml", "dashboard.json"])
def test_only_metrics_that_exist_are_asked_for(name: str) -> None:
    """Alerts and dashboard name metrics that the daemon exposes."""
    text = (CHART / "files" / name).read_text(encoding="utf-8")
    known = {s.name for family in Metrics().registry.collect() for s in family.samples}
    known |= {
        f.name + end for f in Metrics().registry.collect() for end in ("", "_total", "_bucket")
    }
    assert set(re.findall(r"remedyd_\w+", text)) - known == set()


def expressions() -> Iterator[tuple[str, str]]:
    """Yield the PromQL of alerts and dashboard, with the text that its labels are shown in."""
    files = CHART / "files"
    for group in yaml.safe_load((files / "alerts.yaml").read_text(encoding="utf-8"))["groups"]:
        for rule in group["rules"]:
            yield rule["expr"], str(rule["annotations"])
    for panel in json.loads((files / "dashboard.json").read_text(encoding="utf-8"))["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"], str(target.get("legendFormat", ""))


@pytest.mark.parametrize(("expression", "shown"), list(expressions()))
def test_only_labels_that_exist_are_asked_for(expression: str, shown: str) -> None:
    """Selected, grouped by, or shown: each is a label of the metric, or Prometheus' own."""
    metrics = Metrics()
    labels = {
        name: set(one._labelnames)
        for one in vars(metrics).values()
        if hasattr(one, "_labelnames")
        for name in metrics.registry._collector_to_names[one]
    }
    named = [name for name in re.findall(r"remedyd_\w+", expression) if name in labels]
    known = {"namespace", "service", "le"}.union(*(labels[name] for name in named))
    asked = set(re.findall(r"(\w+)=~?\"", expression))
    for group in re.findall(r"by \(([^)]*)\)", expression):
        asked |= set(group.replace(" ", "").split(","))
    grouped = "by (" in expression
    told = set(re.findall(r"\{\{ ?(?:\$labels\.)?(\w+) ?\}\}", shown)) - {"value"}
    assert asked <= known
    assert told <= (asked if grouped else known)
