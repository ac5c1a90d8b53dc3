"""Renders the chart with helm 3 and helm 4, where `.ci/helm` has put them."""

import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "remedyd"
EXAMPLES = sorted((CHART / "examples").glob("*.yaml"))
EVERYTHING = ROOT / "tests" / "chart" / "everything.yaml"
MAJORS = (3, 4)
RELEASE, NAMESPACE = "r", "ops"


def helm(major: int) -> str:
    """Return the path of a helm binary; skip the test where it is absent."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "remedyd-helm"
    found = sorted(Path(os.environ.get("REMEDYD_HELM_CACHE") or base).glob(f"helm{major}-*"))
    if not found:
        pytest.skip(f"helm {major} is not here: .ci/helm fetches it")
    return str(found[-1])


def run(major: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run helm to its end."""
    return subprocess.run([helm(major), *arguments], capture_output=True, text=True, check=False)


@cache
def render(major: int, values: Path | None = None, *settings: str) -> list[dict[str, Any]]:
    """Return the manifests of the chart under a values file and `key=value` settings."""
    arguments = ["template", RELEASE, str(CHART), "--namespace", NAMESPACE]
    arguments += ["--values", str(values)] if values else []
    for setting in settings:
        arguments += ["--set", setting]
    ran = run(major, *arguments)
    assert ran.returncode == 0, ran.stderr
    return [one for one in yaml.safe_load_all(ran.stdout) if one]


def of_kind(manifests: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Return the manifests of one kind."""
    return [one for one in manifests if one["kind"] == kind]


def data(manifests: list[dict[str, Any]], name: str) -> dict[str, str]:
    """Return what the ConfigMap with this ending of its name holds."""
    found = [one for one in of_kind(manifests, "ConfigMap") if one["metadata"]["name"] == name]
    content: dict[str, str] = found[0]["data"]
    return content


def written(manifests: list[dict[str, Any]], name: str, folder: Path) -> Path:
    """Put a ConfigMap's files where the daemon would see them, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in data(manifests, name).items():
        (folder / file).write_text(text, encoding="utf-8")
    return folder
