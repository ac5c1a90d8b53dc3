"""The chart renders under Helm 3 and 4, safely, to what Kubernetes and the daemon read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from remedyd.actions.registry import SCHEMAS
from remedyd.audits.loader import load_audits
from remedyd.policy.loader import load_policies
from remedyd.settings import load
from support.chart import (
    CHART,
    EVERYTHING,
    EXAMPLES,
    MAJORS,
    data,
    of_kind,
    render,
    run,
    written,
)

RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
}
each_helm = pytest.mark.parametrize("major", MAJORS)
each_example = pytest.mark.parametrize("values", EXAMPLES, ids=lambda path: path.stem)
each = pytest.mark.parametrize("values", [*EXAMPLES, EVERYTHING], ids=lambda path: path.stem)


def pods(manifests: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for one in of_kind(manifests, "Deployment"):
        yield one["spec"]["template"]["spec"]
    for one in of_kind(manifests, "Pod"):
        yield one["spec"]


@each_helm
def test_lint_finds_nothing(major: int) -> None:
    """`helm lint --strict` is content."""
    ran = run(major, "lint", "--strict", str(CHART))
    assert ran.returncode == 0, ran.stdout


@each
def test_both_helms_render_the_same(values: Path) -> None:
    """What is installed does not depend on the version of Helm."""

    def ordered(major: int) -> list[str]:
        return sorted(yaml.safe_dump(one) for one in render(major, values))

    assert ordered(3) == ordered(4)


@each_helm
def test_rendering_twice_gives_the_same(major: int) -> None:
    """Nothing is made up: an upgrade without a change changes nothing."""
    told = ("template", "r", str(CHART), "--values", str(EVERYTHING))
    assert run(major, *told).stdout == run(major, *told).stdout


@pytest.mark.parametrize(
    ("values", "version"),
    [*((path, "1.36") for path in (*EXAMPLES, EVERYTHING)), (EVERYTHING, "1.37")],
    ids=lambda one: getattr(one, "stem", one),
)
def test_manifests_are_valid_kubernetes(values: Path, version: str) -> None:
    """Every built-in kind passes its schema, unknown fields included."""
    validate = pytest.importorskip("kubernetes_validate", reason="in the dependency group lint")
    for one in render(4, values):
        if "monitoring.coreos.com" not in one["apiVersion"]:
            validate.validate(one, version, strict=True)


@each
def test_pods_are_restricted(values: Path) -> None:
    """Every pod, the test's too, meets the restricted pod security standard."""
    manifests = render(4, values)
    for spec in pods(manifests):
        security = spec["securityContext"]
        assert security["runAsNonRoot"] is True
        assert security["runAsUser"] > 0
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert all(one["securityContext"] == RESTRICTED for one in spec["containers"])
        assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & spec.keys()
        kinds = {kind for volume in spec.get("volumes", ()) for kind in volume.keys() - {"name"}}
        assert kinds <= {"configMap", "secret", "emptyDir", "persistentVolumeClaim"}
    assert len(list(pods(manifests))) == 2


def test_the_cluster_may_give_the_numbers() -> None:
    """Where users are numbered by namespace, none is named, and the pods stay restricted."""
    numbers = ("runAsUser", "runAsGroup", "fsGroup")
    for spec in pods(render(4, None, *(f"podSecurity.{one}=null" for one in numbers))):
        seccomp = {"type": "RuntimeDefault"}
        assert spec["securityContext"] == {"runAsNonRoot": True, "seccompProfile": seccomp}


@each
def test_secrets_are_only_referred_to(values: Path) -> None:
    """No Secret is made, and no environment variable that may be secret has a value."""
    manifests = render(4, values)
    assert of_kind(manifests, "Secret") == []
    env = [e for spec in pods(manifests) for c in spec["containers"] for e in c.get("env", ())]
    assert {e["name"] for e in env if "value" in e} <= {"REMEDYD_CONFIG", "HTTPS_PROXY"}


def test_what_is_written_to_is_a_volume() -> None:
    """The root file system is read-only; the store and what is temporary have volumes."""
    [spec] = [one["spec"]["template"]["spec"] for one in of_kind(render(4), "Deployment")]
    writable = {
        one["mountPath"] for one in spec["containers"][0]["volumeMounts"] if "readOnly" not in one
    }
    assert writable == {"/tmp", "/var/lib/remedyd"}


@each_example
def test_the_daemon_reads_what_is_rendered(values: Path, tmp_path: Path) -> None:
    """The settings file, the policies and the audits of every example are valid."""
    manifests = render(4, values)
    settings = load(written(manifests, "r-settings", tmp_path / "s") / "remedyd.yaml")
    audits = load_audits([written(manifests, "r-audits", tmp_path / "a")])
    folder = written(manifests, "r-policies", tmp_path / "p")
    policies = load_policies([folder], audits=audits.specs, actions=SCHEMAS)
    chosen = yaml.safe_load(values.read_text(encoding="utf-8"))
    assert settings.cluster_name == chosen["clusterName"]
    assert {one.mode.value for one in policies.values()} == {
        chosen.get("policies", {}).get("mode", "Propose")
    }


def test_own_policies_and_audits_are_added(tmp_path: Path) -> None:
    """Files given with --set-file end unchanged in the ConfigMaps."""
    policy, query, audit = (tmp_path / name for name in ("policy", "query", "audit"))
    text = (CHART / "files/policies/replica-gap.yaml").read_text(encoding="utf-8")
    policy.write_text(text.replace("name: replica-gap}", "name: mine}"), encoding="utf-8")
    query.write_text("FROM metrics-*\n", encoding="utf-8")
    audit.write_text("kind: Audit\n", encoding="utf-8")
    ran = run(
        4, "template", "r", str(CHART), "--set", "policies.shipped=null",
        "--set-file", f"policies.custom.mine={policy}",
        "--set-file", f"audits.custom.own.query={query}",
        "--set-file", f"audits.custom.own.definition={audit}",
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    manifests = list(yaml.safe_load_all(ran.stdout))
    assert data(manifests, "r-policies") == {"mine.yaml": policy.read_text(encoding="utf-8")}
    assert data(manifests, "r-audits")["own.esql"] == "FROM metrics-*\n"


def test_several_daemons_share_a_database() -> None:
    """With PostgreSQL there is no volume, updates roll, and one daemon survives a drain."""
    manifests = render(4, CHART / "examples" / "high-availability.yaml")
    deployment = of_kind(manifests, "Deployment")[0]["spec"]
    assert deployment["strategy"]["type"] == "RollingUpdate"
    assert of_kind(manifests, "PersistentVolumeClaim") == []
    assert of_kind(manifests, "PodDisruptionBudget")[0]["spec"]["minAvailable"] == 1
    settings = yaml.safe_load(data(manifests, "r-settings")["remedyd.yaml"])
    assert settings["database_file"] == "/etc/remedyd/database/url"
    env = deployment["template"]["spec"]["containers"][0]["env"]
    reference = {"secretKeyRef": {"name": "remedyd-console", "key": "session-key"}}
    assert {"name": "REMEDYD_SERVER__SESSION_KEY", "valueFrom": reference} in env


@pytest.mark.parametrize("values", [*EXAMPLES, EVERYTHING], ids=lambda path: path.stem)
def test_a_rotated_secret_restarts_nothing(values: Path) -> None:
    """Files of Secrets are mounted as directories, which the kubelet renews; none has a checksum.

    A `subPath` would be a copy that stays as it was. What is a variable is read at the start alone.
    """
    [deployment] = of_kind(render(4, values), "Deployment")
    template = deployment["spec"]["template"]
    container = template["spec"]["containers"][0]
    assert all("subPath" not in mount for mount in container["volumeMounts"])
    assert all("items" not in one.get("secret", {}) for one in template["spec"]["volumes"])
    checked = [name for name in template["metadata"]["annotations"] if "checksum" in name]
    assert checked == ["checksum/settings"]
    variables = {one["name"] for one in container["env"] if "valueFrom" in one}
    assert variables <= {"REMEDYD_SERVER__SESSION_KEY", "REMEDYD_TRACES__HEADERS"}


def test_one_daemon_on_sqlite_is_recreated() -> None:
    """Two processes never open one SQLite file."""
    manifests = render(4)
    assert of_kind(manifests, "Deployment")[0]["spec"]["strategy"] == {"type": "Recreate"}
    assert len(of_kind(manifests, "PersistentVolumeClaim")) == 1


def test_notes_tell_the_next_three_steps() -> None:
    """Who has installed it knows what to do next (helm 3 shows notes with a cluster only)."""
    ran = run(4, "install", "r", str(CHART), "--dry-run=client", "-n", "ops")
    assert ran.returncode == 0, ran.stderr
    notes = ran.stdout.partition("NOTES:")[2]
    assert [f"\n{number}. " in notes for number in (1, 2, 3, 4)] == [True, True, True, False]


@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        ((), set()),
        (("identity.kubernetes.enabled=true",), {"tokenreviews"}),
        (
            ("identity.kubernetes.enabled=true", "identity.kubernetes.scopesFrom=rbac"),
            {"tokenreviews", "subjectaccessreviews"},
        ),
    ],
)
def test_who_calls_is_asked_only_where_it_is_wanted(
    settings: tuple[str, ...], asked: set[str]
) -> None:
    """Whose token it is, where Kubernetes' are taken; what they may, where RBAC says it."""
    roles = of_kind(render(4, None, *settings), "ClusterRole")
    held = {name for role in roles for rule in role["rules"] for name in rule["resources"]}
    assert {name for name in held if name.endswith("reviews")} == asked
