"""Whatever Helm takes for a release, Kubernetes takes the names and labels made of it."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.chart import CHART, EVERYTHING, of_kind, run

SERVICE = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,251}[a-z0-9])?")
LABEL = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")


def rendered(release: str, chart: Path = CHART, *told: str) -> list[dict[str, Any]]:
    """Return what is installed under this name."""
    ran = run(4, "template", release, str(chart), "--namespace", "2026", *told)
    assert ran.returncode == 0, ran.stderr
    return [one for one in yaml.safe_load_all(ran.stdout) if one]


def labels(found: Any) -> Iterator[Any]:
    """Yield the value of every label, wherever it stands."""
    if isinstance(found, list):
        for one in found:
            yield from labels(one)
    if isinstance(found, dict):
        for key, value in found.items():
            if key in ("labels", "matchLabels"):
                yield from value.values()
            else:
                yield from labels(value)


@pytest.mark.parametrize("release", ["123", "1e5", "true", "2fast", "my.release", "a" * 51 + ".b"])
def test_every_release_has_names_that_kubernetes_takes(release: str) -> None:
    """Numbers, words of YAML, dots: each name and each label is a text, and a valid one."""
    validate = pytest.importorskip("kubernetes_validate", reason="in the dependency group lint")
    manifests = rendered(release, CHART, "--set", "database.secret=d", "--set", "nameOverride=")
    for one in manifests:
        validate.validate(one, "1.36", strict=True)
        pattern = SERVICE if one["kind"] == "Service" else NAME
        assert pattern.fullmatch(one["metadata"]["name"]), one["metadata"]["name"]
    found = list(labels(manifests))
    assert [value for value in found if not LABEL.fullmatch(value)] == []
    [service] = of_kind(manifests, "Service")
    [pod] = of_kind(manifests, "Pod")
    assert service["metadata"]["name"] in pod["spec"]["containers"][0]["args"][1]
    [lease] = [role for role in of_kind(manifests, "Role") if "lease" in role["metadata"]["name"]]
    assert lease["rules"][1]["resourceNames"] == [service["metadata"]["name"]]


def test_names_of_what_exists_stay_texts() -> None:
    """Secrets, claims and classes may have names that look like numbers."""
    validate = pytest.importorskip("kubernetes_validate", reason="in the dependency group lint")
    named = (
        "tokens.secret", "tokens.key", "database.secret", "database.key", "priorityClassName",
        "elasticsearch.ca.configMap", "ingress.className", "ingress.tlsSecret",
        "console.sessionKey.secret", "serviceAccount.name",
    )  # fmt: skip
    told = [part for name in named for part in ("--set-string", f"{name}=2026")]
    told += ["--set", "ingress.enabled=true,ingress.host=a.example.com"]
    for one in rendered("r", CHART, *told):
        validate.validate(one, "1.36", strict=True)
    claim = ("--set-string", "persistence.existingClaim=7,persistence.storageClass=7")
    for one in rendered("r", CHART, *claim):
        validate.validate(one, "1.36", strict=True)


def test_a_packaged_build_has_valid_labels(tmp_path: Path) -> None:
    """A version may say of which build it is, after a plus, which no label may have."""
    chart = Path(shutil.copytree(CHART, tmp_path / "remedyd"))
    about = chart / "Chart.yaml"
    text = about.read_text(encoding="utf-8")
    about.write_text(re.sub(r"(?m)^(version|appVersion): .*$", r"\1: 0.1.0+build.7", text))
    told = ("--values", str(EVERYTHING))
    assert [v for v in labels(rendered("r", chart, *told)) if not LABEL.fullmatch(v)] == []
