"""A value that somebody left empty is named, or means none: never half of something."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from remedyd.settings import load
from support.chart import CHART, EVERYTHING, MAJORS, data, render, run

SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
NUMBERED_BY_THE_CLUSTER = {"runAsUser", "runAsGroup", "fsGroup"}


def parts(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, bool, bool]]:
    """Yield each value's path, whether it has values below, and whether it has to be there."""
    for name, one in schema["properties"].items():
        below = bool(one.get("properties")) and f"{path}{name}" not in ("guardrails", "affinity")
        yield f"{path}{name}", below, name in schema.get("required", ())
        if below:
            yield from parts(one, f"{path}{name}.")


NEEDED = [path for path, below, required in parts(SCHEMA) if required and not below]
OPTIONAL = [path for path, below, required in parts(SCHEMA) if not required and not below]


@pytest.mark.parametrize("major", MAJORS)
def test_an_empty_value_that_is_needed_is_named(major: int) -> None:
    """Helm takes an empty value for none: the daemon would start without it, or not at all."""
    told = [word for path in NEEDED for word in ("--set", f"{path}=null")]
    ran = run(major, "template", "r", str(CHART), *told)
    assert ran.returncode != 0
    assert len(NEEDED) > 80
    assert [one for one in NEEDED if one.rpartition(".")[2] not in ran.stderr] == []


@pytest.mark.parametrize("major", MAJORS)
def test_an_empty_section_is_named(major: int) -> None:
    """A network policy is not lost because all that is below it was commented out."""
    sections = [path for path, below, _ in parts(SCHEMA) if below and "." not in path]
    told = [word for path in sections for word in ("--set", f"{path}=null")]
    ran = run(major, "template", "r", str(CHART), *told)
    assert ran.returncode != 0
    assert {"networkPolicy", "podSecurity", "persistence"} <= set(sections)
    missed = [one for one in sections if one not in ran.stderr]
    assert missed == ["resources"], "no limits may be meant"


@pytest.mark.parametrize("values", [None, EVERYTHING], ids=["defaults", "everything"])
def test_an_empty_list_or_mapping_is_none(values: Path | None, tmp_path: Path) -> None:
    """What is left out of lists and labels is valid for Kubernetes and for the daemon."""
    validate = pytest.importorskip("kubernetes_validate", reason="in the dependency group lint")
    kept = NUMBERED_BY_THE_CLUSTER | {"shipped", "from"}
    empty = [one for one in OPTIONAL if one.rpartition(".")[2] not in kept and one != "global"]
    told = ["policies.mode=Propose", "serviceMonitor.enabled=false"]
    manifests = render(4, values, *told, *(f"{one}=null" for one in empty))
    for one in manifests:
        if "monitoring.coreos.com" not in one["apiVersion"]:
            validate.validate(one, "1.36", strict=True)
    name = "watch" if values else "r"
    path = tmp_path / "remedyd.yaml"
    path.write_text(data(manifests, f"{name}-settings")["remedyd.yaml"])
    assert load(path).rights.requested_actions == ()
    assert yaml.safe_load(path.read_text())["server"]["allowed_hosts"] == []
